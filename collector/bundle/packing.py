"""The files of a bundle, read, masked and packed by several threads, handed out in order.

Hashing, packing and reading let other threads of Python work, so two threads take half the time. A small file
is one piece of work; of a large one the pieces are packed side by side, read and hashed one after the other.
Memory stays the same whatever the sizes.
"""

from __future__ import annotations

import errno
import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from collector.bundle import deflate
from collector.bundle.container import DEFLATED, STORED
from collector.bundle.deflate import PIECE_BYTES
from collector.encryption.problem import KeyProblem

THREADS = 2
SMALL_BYTES = 2 * PIECE_BYTES
_AHEAD_FILES = 24
_AHEAD_PIECES = 4
_SAMPLE_BYTES = 256 << 10
_NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})


class Masking(Protocol):
    """Masks one content, piece after piece."""

    findings: dict[str, int]

    def feed(self, data: bytes) -> bytes:
        """Take a piece; return what can be said by now."""

    def finish(self) -> bytes:
        """Return the rest."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to pack.

    Args:
        name: where in the bundle.
        open: opens its content; OSError or ValueError says that there is none.
        sha256: what its content should have, None for no matter.
        mask: makes what masks it; None to leave it as it is.
    """

    name: str
    open: Callable[[], BinaryIO]
    sha256: str | None = None
    mask: Callable[[], Masking] | None = None


NO_SOURCE = Source("", lambda: io.BytesIO())


@dataclass(slots=True, kw_only=True)
class Packed:
    """A packed file: `pieces` is a list of all of it, or still being made while it is iterated over.

    The other fields hold once the pieces have been taken. `problem` is `missing`, `corrupt` or
    `unreadable`: what was handed out until then is worth nothing.
    """

    source: Source = NO_SOURCE
    pieces: Iterable[bytes] = ()
    method: int = STORED
    size: int = 0
    crc: int = 0
    sha256: str = ""
    problem: str = ""
    why: str = ""
    findings: dict[str, int] = field(default_factory=dict)
    changed: bool = False


class Packer:
    """Packs files; use as a context.

    Args:
        level: as in `deflate.LEVELS`.
    """

    def __init__(self, level: int) -> None:
        self._level = level
        self._pool = ThreadPoolExecutor(THREADS, "acode-pack")

    def __enter__(self) -> Packer:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def iter_packed(self, sources: Iterable[Source]) -> Iterator[Packed]:
        """Yield every file packed, in order; the pieces of one are taken before the next is asked for."""
        waiting: deque[Future[Packed]] = deque()
        for source in sources:
            waiting.append(self._pool.submit(pack_small, source, self._level))
            if len(waiting) > _AHEAD_FILES:
                yield self._finished(waiting.popleft())
        while waiting:
            yield self._finished(waiting.popleft())

    def _finished(self, packed: Future[Packed]) -> Packed:
        done = packed.result()
        return _LargeFile(done.source, self._level, self._pool).packed if done.problem == "large" else done


def pack_small(source: Source, level: int) -> Packed:
    """Pack a file whole; one that is not small has the problem `large`."""
    try:
        with source.open() as content:
            data = content.read(SMALL_BYTES + 1)
    except KeyProblem as problem:
        raise problem.error from problem  # not damaged: whoever has the key can export it
    except (OSError, ValueError) as error:
        return Packed(source=source, problem=problem_of(error), why=str(error))
    if len(data) > SMALL_BYTES:
        return Packed(source=source, problem="large")
    sha256 = hashlib.sha256(data).hexdigest()
    if source.sha256 not in (None, sha256):
        return Packed(source=source, problem="corrupt", why="its content is not what was recorded")
    masking = source.mask() if source.mask else None
    changed = False
    if masking is not None:
        before, data = data, masking.feed(data) + masking.finish()
        changed = data != before
        sha256 = hashlib.sha256(data).hexdigest() if changed else sha256
    method, pieces = _pack(data, level)
    findings = dict(masking.findings) if masking else {}
    return Packed(
        source=source, pieces=pieces, method=method, size=len(data), crc=deflate.checksum(data),
        sha256=sha256, findings=findings, changed=changed,
    )  # fmt: skip


def problem_of(error: Exception) -> str:
    """Return what is wrong with a content: `missing`, `corrupt`, or that the system refuses to read it."""
    if not isinstance(error, OSError) or error.errno is None:
        return "corrupt"
    return "missing" if error.errno in _NO_FILE else "unreadable"


def _pack(data: bytes, level: int) -> tuple[int, list[bytes]]:
    pieces = [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]
    if level == 0 or not data or not _can_be_packed(data, level):
        return STORED, pieces
    packed = [deflate.pack_piece(piece, level) for piece in pieces]
    packed.append(deflate.finish())
    if not deflate.is_worth_it(len(data), sum(map(len, packed))):
        return STORED, pieces
    return DEFLATED, packed


def _can_be_packed(data: bytes, level: int) -> bool:
    """Tell from a part of what is long whether packing it is worth trying: a picture, an archive is not."""
    if len(data) <= 2 * _SAMPLE_BYTES:
        return True
    sample = data[:_SAMPLE_BYTES]
    return deflate.is_worth_it(len(sample), len(deflate.pack_piece(sample, level)))


class _LargeFile:
    """Packs one file while its pieces are taken."""

    def __init__(self, source: Source, level: int, pool: ThreadPoolExecutor) -> None:
        self._level, self._pool = level, pool
        self._masking = source.mask() if source.mask else None
        self.packed = Packed(source=source)
        self._sha256, self._original = hashlib.sha256(), hashlib.sha256()
        self._pieces = self._read()
        first = next(self._pieces, b"")
        if level and _can_be_packed(first, level):
            self.packed.method = DEFLATED
        self.packed.pieces = self._iter(first)

    def _read(self) -> Iterator[bytes]:
        """Yield the content, masked, in pieces of one length."""
        source, buffer = self.packed.source, bytearray()
        try:
            with source.open() as content:
                while data := content.read(PIECE_BYTES):
                    if self._masking is None:
                        self._original.update(data)
                        yield data
                        continue
                    buffer += self._taken(data, self._masking)
                    while len(buffer) >= PIECE_BYTES:
                        yield bytes(buffer[:PIECE_BYTES])
                        del buffer[:PIECE_BYTES]
        except KeyProblem as problem:
            raise problem.error from problem
        except (OSError, ValueError) as error:
            self.packed.problem, self.packed.why = problem_of(error), str(error)
            return
        if source.sha256 not in (None, self._original.hexdigest()):
            self.packed.problem, self.packed.why = "corrupt", "its content is not what was recorded"
            return
        buffer += self._masking.finish() if self._masking else b""
        for at in range(0, len(buffer), PIECE_BYTES):
            yield bytes(buffer[at : at + PIECE_BYTES])

    def _taken(self, data: bytes, masking: Masking) -> bytes:
        self._original.update(data)
        return masking.feed(data)

    def _iter(self, first: bytes) -> Iterator[bytes]:
        waiting: deque[Future[bytes]] = deque()
        for piece in self._all(first):
            if self.packed.method == STORED:
                yield piece
                continue
            waiting.append(self._pool.submit(deflate.pack_piece, piece, self._level))
            if len(waiting) > _AHEAD_PIECES:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        if self.packed.method == DEFLATED:
            yield deflate.finish()
        self._conclude()

    def _all(self, first: bytes) -> Iterator[bytes]:
        piece = first
        while piece:
            self.packed.size += len(piece)
            self.packed.crc = deflate.checksum(piece, self.packed.crc)
            if self._masking is not None:
                self._sha256.update(piece)
            yield piece
            piece = next(self._pieces, b"")

    def _conclude(self) -> None:
        masked, original = self._sha256.hexdigest(), self._original.hexdigest()
        self.packed.sha256 = masked if self._masking is not None else original
        self.packed.changed = self.packed.sha256 != original
        self.packed.findings = dict(self._masking.findings) if self._masking else {}
