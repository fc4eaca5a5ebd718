"""Reading an agent's transcript files as they grow, compressed or not, and keeping a copy of their bytes.

What an agent writes may be cut, rewritten, half a line long or gone: reading goes on from the last whole
line, starts anew when the file became another one, and never raises for what is in it.
"""

from __future__ import annotations

import gzip
import os
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from collector import durable
from collector.agents.adapter import HEAD_BYTES, NAMES, Agent, KeepsDatabase, LineParser, get_agent
from collector.agents.events import AnyEvent
from collector.errors import AccessError, InputError

MAX_LINE_BYTES = 256 << 20
CHUNK_BYTES = 1 << 20
_OVERLAP_MS = 60_000
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class TranscriptFile:
    """One transcript that is read from where it was left.

    Args:
        agent: whose.
        path: the file.
        root: of a database, only the conversations in this folder, and only what is new.
    """

    def __init__(self, agent: Agent, path: Path, root: Path | None = None) -> None:
        self.agent = agent
        self._root = root
        self._since_ms = 0
        self.path = path
        self.offset = 0
        self.broken_lines = 0
        self._identity: tuple[int, int] | None = None
        self._stamp: tuple[int, int] | None = None
        self._rest = b""
        self._parser: LineParser | None = agent.line_parser(path)

    def has_changed(self) -> bool:
        """Tell whether there may be more to read; costs one stat(2)."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        if self._parser is None or _is_compressed(self.path):
            return (status.st_mtime_ns, _size_with_log(self.path, status.st_size)) != self._stamp
        return (status.st_dev, status.st_ino) != self._identity or status.st_size != self.offset

    @property
    def grows(self) -> bool:
        """Whether what was read of it stays as it is; a document is written anew each time."""
        return self._parser is not None

    @property
    def version(self) -> tuple[int, int]:
        """What was read last, to be compared only."""
        return self._stamp or (0, self.offset)

    def modified_ms(self) -> int:
        """Return when it was written last, milliseconds since 1970; 0 when it is gone."""
        try:
            return self.path.stat().st_mtime_ns // 1_000_000
        except OSError:
            return 0

    def read(self, budget_bytes: int = 1 << 62) -> Iterator[Iterable[AnyEvent]]:
        """Yield the events of what is new, some lines at a time.

        Args:
            budget_bytes: stop after about so much; the rest comes next time.

        Raises:
            OSError: the file cannot be read.
            ValueError: a document is not what it should be; perhaps it is being written.
        """
        if self._parser is None:
            status = self.path.stat()
            stamp = (status.st_mtime_ns, _size_with_log(self.path, status.st_size))
            if self._root is not None and isinstance(self.agent, KeepsDatabase):
                began = time.time_ns() // 1_000_000 - _OVERLAP_MS
                yield self.agent.parse_changed(self.path, self._root, self._since_ms)
                self._since_ms = began
            else:
                yield self.agent.parse(self.path)
            self._stamp = stamp
        elif _is_compressed(self.path):
            yield from self._read_compressed()
        else:
            yield from self._read_lines(budget_bytes)

    def _read_lines(self, budget_bytes: int) -> Iterator[Iterable[AnyEvent]]:
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb", buffering=0) as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(f"{self.path} is no regular file")
            self._begin_anew_if_other((status.st_dev, status.st_ino), status.st_size)
            file.seek(self.offset)
            while budget_bytes > 0:
                data = file.read(CHUNK_BYTES)
                if not data:
                    return
                budget_bytes -= len(data)
                self.offset += len(data)
                yield from self._feed(data)

    def _begin_anew_if_other(self, identity: tuple[int, int], size: int) -> None:
        if self._identity not in (None, identity) or size < self.offset:
            self.offset, self._rest = 0, b""
            self._parser = self.agent.line_parser(self.path)
        self._identity = identity

    def _feed(self, data: bytes) -> Iterator[Iterable[AnyEvent]]:
        parser = self._parser
        if parser is None:
            return
        lines = data.split(b"\n")
        lines[0] = self._rest + lines[0]
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest = b""
        for line in lines:
            yield parser.feed(line)

    def _read_compressed(self) -> Iterator[Iterable[AnyEvent]]:
        status = self.path.stat()
        self._parser = self.agent.line_parser(self.path)
        self._rest = b""
        with open_transcript(self.path) as file:
            while data := file.read(CHUNK_BYTES):
                yield from self._feed(data)
        self._stamp = (status.st_mtime_ns, status.st_size)

    def finish(self) -> Iterator[Iterable[AnyEvent]]:
        """Yield what a last line without an end says, when nothing more will come."""
        if self._rest and self._parser is not None:
            rest, self._rest = self._rest, b""
            yield self._parser.feed(rest)


def open_transcript(path: Path) -> BinaryIO:
    """Open a transcript for reading, decompressed.

    Raises:
        OSError: it cannot be opened.
    """
    file = path.open("rb")
    head = file.read(4)
    file.seek(0)
    if head.startswith(_GZIP):
        file.close()
        return cast(BinaryIO, gzip.open(path))
    if head == _ZSTD:
        file.close()
        return _open_zstd(path)
    return file


def _open_zstd(path: Path) -> BinaryIO:
    import sys

    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return cast(BinaryIO, zstd.open(path))


def _is_compressed(path: Path) -> bool:
    return path.suffix in (".zst", ".gz")


def _size_with_log(path: Path, size: int) -> int:
    """A database in WAL mode grows in a file of its own."""
    try:
        return size + Path(f"{path}-wal").stat().st_size
    except OSError:
        return size


def recognize(path: Path) -> Agent | None:
    """Return the agent whose transcript a file is, or None.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with open_transcript(path) as file:
            head = file.read(HEAD_BYTES)
    except (EOFError, ValueError) as error:
        raise OSError(f"{path}: {error}") from error
    for name in NAMES:
        agent = get_agent(name)
        if agent.recognizes(path, head):
            return agent
    return None


def require_agent(path: Path, name: str | None) -> Agent:
    """Return the agent of a transcript.

    Args:
        path: the file.
        name: whose it is, or None to find out.

    Raises:
        InputError: it is nobody's transcript.
        AccessError: it cannot be read.
    """
    try:
        agent = get_agent(name) if name else recognize(path)
    except OSError as error:
        raise AccessError(
            "ACODE-AGT-005", f"cannot read {path}: {error.strerror or error}", "check its permissions"
        ) from error
    if agent is None:
        raise InputError(
            "ACODE-AGT-004", f"{path} is no transcript that acode knows", "say whose it is with --agent"
        )
    return agent


def archive(path: Path, folder: str, grows: bool) -> str | None:
    """Bring the copy of a transcript up to date, byte for byte; return its path.

    A file that grew is appended to its copy; one that was cut or rewritten all the same gets a new copy
    beside the old one. None for what is no regular file.

    Args:
        path: the agent's file.
        folder: where copies go.
        grows: whether it grows by lines; any other's copy is replaced.

    Raises:
        OSError: the copy may be behind, and is never ahead.
    """
    with path.open("rb") as source:
        status = os.fstat(source.fileno())
        if not stat.S_ISREG(status.st_mode):
            return None
        os.makedirs(folder, mode=0o755, exist_ok=True)
        target = os.path.join(folder, path.name)
        if grows:
            target = _copy_to_continue(source, status.st_size, target)
            _append(source, target)
        else:
            _append(source, f"{target}.new")
            os.rename(f"{target}.new", target)
    return target


def _copy_to_continue(source: BinaryIO, size: int, target: str) -> str:
    """Return the newest copy if it is the beginning of the file, else the name of a new one."""
    newest, number = target, 2
    while os.path.lexists(f"{target}.{number}"):
        newest = f"{target}.{number}"
        number += 1
    try:
        with open(newest, "rb") as copy:
            length = os.fstat(copy.fileno()).st_size
            if length <= size and _same_ends(source, copy, length):
                return newest
    except FileNotFoundError:
        return newest
    return f"{target}.{number}"


def _same_ends(one: BinaryIO, other: BinaryIO, length: int) -> bool:
    """Compare the beginning and the end of what two files have in common; a rewrite changes one of them."""
    for start in (0, max(0, length - 65536)):
        count = min(65536, length - start)
        one.seek(start)
        other.seek(start)
        if one.read(count) != other.read(count):
            return False
    return True


def _append(source: BinaryIO, target: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    fd = os.open(target, flags, 0o644)
    try:
        position = os.lseek(fd, 0, os.SEEK_END)
        source.seek(position)
        while data := source.read(CHUNK_BYTES):
            durable.write_all(fd, data)
    finally:
        os.close(fd)
