"""The copy of a transcript where no secret may be stored: masked, line by line, as the transcript grows.

Beside the copy lies `NAME.at`: which part of the transcript the copy stands for, how long the copy was then,
and what the transcript began with. A copy that is longer than that was cut short by a crash: it goes on from
there. A transcript that was cut or rewritten is copied anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from collector import durable
from collector.record.redacting import count_secrets, mask_value

if TYPE_CHECKING:
    from collector.redaction import Rules

_HEAD_BYTES = 4096
_CHUNK = 1 << 20
_MAX_NOTE = 256
_COMPRESSED = (".zst", ".gz")


class _Copied(NamedTuple):
    """How much of the transcript is in the copy, how long the copy is, what the transcript begins with."""

    offset: int = 0
    size: int = 0
    head: str = "-"


def archive_redacted(path: Path, folder: str, grows: bool, rules: Rules) -> str | None:
    """Bring the masked copy of a transcript up to date; return its path.

    None for what is no regular file, or no plain text: that cannot be masked, and is not kept.

    Args:
        path: the agent's file.
        folder: where copies go.
        grows: whether it grows by lines; any other's copy is replaced.
        rules: what must not be kept.

    Raises:
        OSError: the copy may be behind, and is never ahead.
    """
    with path.open("rb") as source:
        status = os.fstat(source.fileno())
        head = source.read(_HEAD_BYTES)
        if not stat.S_ISREG(status.st_mode) or b"\0" in head or path.suffix in _COMPRESSED:
            return None
        os.makedirs(folder, mode=0o755, exist_ok=True)
        target = os.path.join(folder, path.name)
        before = _read_note(f"{target}.at") if grows else _Copied()
        if before.offset > status.st_size or before.head != _digest(head, before.offset):
            before = _Copied()
        offset, size = _append(source, target, before, grows, rules)
        note = f"{offset} {size} {_digest(head, offset)}\n"
        durable.replace_file(f"{target}.at", note.encode(), sync=False)
    return target


def _digest(head: bytes, offset: int) -> str:
    return hashlib.sha256(head[:offset]).hexdigest() if offset else "-"


def _read_note(path: str) -> _Copied:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            offset, size, head = file.read(_MAX_NOTE).decode("ascii", "replace").split()
        return _Copied(int(offset), int(size), head)
    except (OSError, ValueError):
        return _Copied()


def _append(source: BinaryIO, target: str, before: _Copied, by_lines: bool, rules: Rules) -> tuple[int, int]:
    """Add what is new, of what grows by lines whole ones; return what `_Copied` begins with."""
    masked = _Lines(rules) if by_lines else _Text(rules)
    offset, size = before.offset, before.size
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        os.ftruncate(fd, size)
        os.lseek(fd, size, os.SEEK_SET)
        source.seek(offset)
        rest = b""
        while data := source.read(_CHUNK):
            data, rest = _whole_lines(rest + data) if by_lines else (data, b"")
            offset += len(data)
            size += _write(fd, masked.feed(data))
        size += _write(fd, masked.finish())
    finally:
        os.close(fd)
    return offset, size


class _Text:
    """Masks any text."""

    def __init__(self, rules: Rules) -> None:
        from collector.redaction import StreamRedactor

        self._redactor = StreamRedactor(rules)

    def feed(self, data: bytes) -> bytes:
        return self._redactor.feed(data)

    def finish(self) -> bytes:
        return self._redactor.finish()


class _Lines(_Text):
    r"""Masks whole lines, of JSON what they mean: a key's line ends are `\\n` in it. Others as any text."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._rules = rules

    def feed(self, data: bytes) -> bytes:
        return b"".join([self._line(line + b"\n") for line in data.split(b"\n")[:-1]])

    def _line(self, line: bytes) -> bytes:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return super().feed(line)
        if count_secrets(value, self._rules):
            line = json.dumps(mask_value(value, self._rules), ensure_ascii=False).encode("utf-8", "replace")
            line += b"\n"
        return super().feed(line)


def _whole_lines(data: bytes) -> tuple[bytes, bytes]:
    end = data.rfind(b"\n") + 1
    return data[:end], data[end:]


def _write(fd: int, data: bytes) -> int:
    durable.write_all(fd, data)
    return len(data)
