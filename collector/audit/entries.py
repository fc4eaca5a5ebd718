"""Lines of the audit log and the chain that holds them together; pure.

Each line is a JSON object whose `hash` is the SHA-256 of the rest of it, in canonical form, and whose `prev`
is the hash of the line before: what was changed, left out, put in or moved does not fit its neighbours.
A tail that was cut off leaves a chain that fits; only a checkpoint kept elsewhere tells.
"""

from __future__ import annotations

import hashlib
import json

from collector.model.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

FIRST_PREV = "0" * 64
MAX_LINE_BYTES = 64 << 10
_FIELDS = frozenset({
    "seq", "time", "user", "uid", "host", "pid", "program", "action", "subject", "details", "prev", "hash",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain: the number of its last line and its hash; 0 and zeros for none."""

    seq: int = 0
    hash: str = FIRST_PREV


NOTHING = Link()


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not fit: in which file, in which line of it (from 1), and why."""

    file: str
    line: int
    message: str


def format_entry(fields: Mapping[str, Any], last: Link) -> bytes:
    """Return the line, with its end, that goes behind another."""
    entry = {**fields, "seq": last.seq + 1, "prev": last.hash}
    entry["hash"] = _hash(entry)
    return canonical(entry) + b"\n"


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return the one JSON text of an object: sorted, without spaces, in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def parse_entry(line: bytes) -> dict[str, Any]:
    """Return the fields of a line that its own hash confirms.

    Raises:
        ValueError: saying what is wrong with it.
    """
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        raise ValueError("it does not hold what an entry holds")
    if not isinstance(entry["seq"], int) or not isinstance(entry["prev"], str):
        raise ValueError("it does not say where it belongs")
    if canonical(entry) != line.rstrip(b"\n") or entry["hash"] != _hash(entry):
        raise ValueError("it was changed after it was written")
    return entry


def torn_hash(line: bytes) -> str:
    """Return what the entry behind a line says of it that was cut short by a crash."""
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def check_chain(lines: Iterable[tuple[str, int, bytes]], last: Link = NOTHING) -> Iterator[Link | Problem]:
    """Yield where the chain is after each line, and what does not fit.

    Args:
        lines: file, number in it, and content of each, in order.
        last: what comes before them.
    """
    torn: tuple[str, int, str, str] | None = None
    for file, number, line in lines:
        try:
            entry = parse_entry(line)
        except ValueError as error:
            if torn is not None:
                yield Problem(*torn[:3])
            torn = (file, number, str(error), torn_hash(line))
            continue
        mended = entry["details"].get("torn") if isinstance(entry["details"], dict) else None
        if torn is not None and torn[3] != mended:
            yield Problem(*torn[:3])
        torn = None
        if (entry["seq"], entry["prev"]) != (last.seq + 1, last.hash):
            yield Problem(file, number, _misfit(entry["seq"], last.seq + 1))
        last = Link(entry["seq"], entry["hash"])
        yield last
    if torn is not None:
        yield Problem(*torn[:3])


def _misfit(seq: int, expected: int) -> str:
    if seq == expected:
        return f"entry {seq} does not follow the one before it"
    return f"entry {seq} stands where {expected} should"


def _hash(entry: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(canonical(rest)).hexdigest()
