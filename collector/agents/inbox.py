"""The inbox: what hooks, telemetry and session runs left, one file each, in the order it came.

A hook is a shell script with a `cat`; so a file may still be growing when it is seen. What does not parse
yet is looked at again, and set aside as damaged when it has not changed for a minute.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from collector.durable import unlink_quietly

HOOK = "hook"
TELEMETRY = "otlp"
INSTANCE = "instance"
REGISTERED = "registered"
"""An instance that was taken in and has not ended; what a new follower has to know."""
DAMAGED = ".damaged"
MAX_BYTES = 64 << 20
_UNFINISHED_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One file of the inbox: `head` are the words of its first line after the format's name."""

    path: str
    kind: str
    agent: str
    received_at: int
    head: tuple[str, ...] = ()
    payload: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""

    def keep(self) -> str:
        """Keep it for the next follower; return where.

        Raises:
            OSError: it is where it was.
        """
        kept = self.path.removesuffix(f".{INSTANCE}") + f".{REGISTERED}"
        os.rename(self.path, kept)
        return kept


def iter_letters(
    inbox: str,
    limit: int = 1000,
    kinds: Collection[str] = (HOOK, TELEMETRY, INSTANCE),
    keeps_damaged: bool = True,
) -> Iterator[Letter]:
    """Yield what can be read now, oldest first.

    Args:
        inbox: the folder.
        limit: at most so many.
        kinds: only these.
        keeps_damaged: set aside what is damaged; False to remove it, because it may hold secrets.
    """
    found = []
    try:
        with os.scandir(inbox) as entries:
            for entry in entries:
                kind = entry.name.rpartition(".")[2]
                if kind in kinds and not entry.name.startswith("."):
                    found.append(_dated(entry))
    except OSError:
        return
    for modified_ns, path in sorted(found)[:limit]:
        letter = _read(path, modified_ns // 1_000_000, keeps_damaged)
        if letter is not None:
            yield letter


def _dated(entry: os.DirEntry[str]) -> tuple[int, str]:
    try:
        return entry.stat(follow_symlinks=False).st_mtime_ns, entry.path
    except OSError:
        return 0, entry.path


def _read(path: str, modified_ms: int, keeps_damaged: bool) -> Letter | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            regular = stat.S_ISREG(os.fstat(fd).st_mode)
            data = file.read(MAX_BYTES + 1) if regular else b""
    except OSError:
        return None
    letter = _parse(path, modified_ms, data) if len(data) <= MAX_BYTES else None
    if letter is None and time.time() - modified_ms / 1000 > _UNFINISHED_SECONDS:
        _set_aside(path) if keeps_damaged else unlink_quietly(path)
    return letter


def _parse(path: str, modified_ms: int, data: bytes) -> Letter | None:
    stem, _, kind = os.path.basename(path).rpartition(".")
    first, _, rest = data.partition(b"\n")
    words = tuple(first.decode("utf-8", "replace").split())
    if kind == TELEMETRY:
        if words[:2] != ("acode-otlp", "1"):
            return None
        return Letter(
            path=path, kind=kind, agent="", received_at=modified_ms, head=words[2:], body=rest
        )  # fmt: skip
    if kind == HOOK and words[:2] != ("acode-hook", "1"):
        return None
    try:
        payload = json.loads(rest if kind == HOOK else data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(payload, dict):
        return None
    return Letter(
        path=path, kind=kind, agent=stem.rpartition(".")[2] if kind == HOOK else "",
        received_at=modified_ms,
        head=words[2:] if kind == HOOK else (), payload=payload,
    )  # fmt: skip


def _set_aside(path: str) -> None:
    try:
        os.rename(path, path + DAMAGED)
    except OSError:
        return
