"""Packing in pieces that need nothing of each other, so that several threads can work on one file.

A piece ends at a whole byte, so that pieces one behind the other are one stream (RFC 1951, 3.2.4). None is
packed more tightly than a reader accepts: of what is very alike a part is left as it is.
"""

from __future__ import annotations

import zlib
from typing import Any, Protocol

PIECE_BYTES = 1 << 20
DEFAULT_LEVEL = 2
LEVELS = range(10)
"""0 leaves everything as it is; 1 to 3 are fast, 4 to 9 are those of zlib."""
_TIGHTEST = 100
_WORTH = 0.97
_BLOCK = 65_535
_FINAL = b"\x03\x00"
"""An empty last block."""

_fast: Any
try:
    from isal import isal_zlib

    _fast = isal_zlib
    _FAST_LEVELS = range(1, 4)
except ImportError:  # where there is none for the machine
    _fast = zlib
    _FAST_LEVELS = range(0)

ERRORS: tuple[type[Exception], ...] = (zlib.error, _fast.error)
"""What unpacking raises."""


class Inflater(Protocol):
    """What unpacks a stream."""

    eof: bool
    unused_data: bytes
    unconsumed_tail: bytes

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes:
        """Return what comes next, no more than asked for."""


def inflater() -> Inflater:
    """Return what unpacks one stream."""
    made: Inflater = _fast.decompressobj(-15)
    return made


def checksum(data: bytes, value: int = 0) -> int:
    """Return the CRC-32 of data that follows data with that of `value`."""
    return int(_fast.crc32(data, value))


def pack_piece(data: bytes, level: int) -> bytes:
    """Pack up to `PIECE_BYTES`; the stream that it is a piece of ends with `finish`."""
    packed = _deflate(data, level)
    if len(packed) * _TIGHTEST < len(data):
        kept = len(data) // _TIGHTEST
        packed = _as_it_is(data[:kept]) + _deflate(data[kept:], level)
    return packed


def finish() -> bytes:
    """Return what ends a stream of pieces."""
    return _FINAL


def is_worth_it(size: int, packed: int) -> bool:
    """Tell whether packing saves enough to make a reader unpack it."""
    return packed < size * _WORTH


def _deflate(data: bytes, level: int) -> bytes:
    library: Any = _fast if level in _FAST_LEVELS else zlib
    packer = library.compressobj(level, 8, -15)
    return bytes(packer.compress(data) + packer.flush(library.Z_SYNC_FLUSH))


def _as_it_is(data: bytes) -> bytes:
    blocks = [data[at : at + _BLOCK] for at in range(0, len(data), _BLOCK)]
    return b"".join(_block(block) for block in blocks)


def _block(data: bytes) -> bytes:
    length = len(data)
    return b"\0" + length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little") + data
