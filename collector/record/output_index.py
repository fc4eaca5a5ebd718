"""output.idx: in which order, and when, the bytes of both streams came.

A header, then for each piece two LEB128 numbers: microseconds since the piece before (for the first:
since the command started), and its length times two, plus one for stderr. About five bytes a piece; the
bytes themselves are in stdout.txt and stderr.txt, so nothing is stored twice. The index of a recording
that was cut short may end early: what it does not mention follows, stdout first.
"""

from __future__ import annotations

from collector.workspace import OUTPUT_INDEX, STDERR, STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    OpenFile = Callable[[str], BinaryIO]

HEADER = b"acode-output-index 1\n"
MAX_COMBINED_BYTES = 1 << 20
_CHUNK = 64 << 10

Piece = tuple[int, int, bytes]


def encode(microseconds: int, stream: int, length: int) -> bytes:
    """Return the entry for one piece; `stream` is 1 for stdout, 2 for stderr."""
    return _leb128(max(0, microseconds)) + _leb128(length << 1 | stream - 1)


def _leb128(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def iter_entries(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (microseconds since start, stream, length); stops at the first torn entry."""
    if not data.startswith(HEADER):
        return
    position, elapsed = len(HEADER), 0
    while True:
        delta, position = _read_leb128(data, position)
        packed, position = _read_leb128(data, position)
        if position < 0:
            return
        elapsed += delta
        yield elapsed, (packed & 1) + 1, packed >> 1


def _read_leb128(data: bytes, position: int) -> tuple[int, int]:
    """Return the number and where the next begins, or a negative place at a torn end."""
    value = shift = 0
    while 0 <= position < len(data):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            break
    return 0, -1


def iter_output(folder: str, open_stream: OpenFile | None = None) -> Iterator[Piece]:
    """Yield both streams of a run folder as they came: (milliseconds since start, stream, bytes).

    Memory stays flat whatever the size. A stream that is missing, or shorter than its index says,
    yields what there is.

    Args:
        folder: the run folder.
        open_stream: opens `stdout.txt` and `stderr.txt`, for who wants to see them masked.

    Raises:
        KeyProblem: they are encrypted, and there is no key.
    """
    streams = {1: _open(folder, STDOUT, open_stream), 2: _open(folder, STDERR, open_stream)}
    elapsed = 0
    try:
        for elapsed, stream, length in iter_entries(_read(folder)):
            for data in _pieces(streams[stream], length):
                yield elapsed // 1000, stream, data
        for stream, content in streams.items():
            for data in _pieces(content, None):
                yield elapsed // 1000, stream, data
    finally:
        for content in streams.values():
            if content is not None:
                content.close()


def _pieces(content: BinaryIO | None, length: int | None) -> Iterator[bytes]:
    left = length
    while content is not None and left != 0:
        data = content.read(_CHUNK if left is None else min(_CHUNK, left))
        if not data:
            return
        left = None if left is None else left - len(data)
        yield data


def _open(folder: str, name: str, open_stream: OpenFile | None = None) -> BinaryIO | None:
    from collector.encryption.problem import KeyProblem
    from collector.record.content import open_content

    try:
        return open_content(folder, name) if open_stream is None else open_stream(name)
    except KeyProblem:
        raise
    except (OSError, ValueError):
        return None


def _read(folder: str) -> bytes:
    content = _open(folder, OUTPUT_INDEX)
    if content is None:
        return b""
    with content:
        return content.read()
