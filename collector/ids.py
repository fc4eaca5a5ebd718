"""Identities: ULIDs and run names.

A ULID (https://github.com/ulid/spec) is 48 bits of milliseconds and 80 random bits in Crockford's
base 32. It is made here because the recorder makes one before it starts the command, and importing a
library for it costs more than the whole recorder; the tests compare both.
"""

from __future__ import annotations

import os

from collector.clock import format_stamp

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
MAX_TASK_LENGTH = 60


def new_ulid(ms: int) -> str:
    """Make a ULID for the given wall time in milliseconds."""
    return ulid_of(ms, os.urandom(10))


def ulid_of(ms: int, random: bytes) -> str:
    """Return the ULID of a time and ten bytes."""
    value = (max(ms, 0) & (1 << 48) - 1) << 80 | int.from_bytes(random[:10], "big")
    return "".join([_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5)])


def is_ulid(text: str) -> bool:
    """Tell whether the text has the form of a ULID."""
    return len(text) == 26 and text[0] in "01234567" and not text.strip(_CROCKFORD)


def slug(text: str) -> str:
    """Reduce a text to what a run name may hold: lower case `[a-z0-9._-]`, no leading dot or dash."""
    kept = "".join([c if c in _NAME_CHARACTERS else "-" for c in text.lower()])
    while "--" in kept:
        kept = kept.replace("--", "-")
    return kept.strip(".-_")[:MAX_TASK_LENGTH].rstrip(".-_")


def run_name(task: str, start_ms: int, collision: int = 0) -> str:
    """Name a run: `{task}-{YYYYMMDD-HHmmss}` in UTC, with `-1`, `-2` … for the n-th collision."""
    name = f"{slug(task) or 'run'}-{format_stamp(start_ms)}"
    return f"{name}-{collision}" if collision else name
