"""Recorded content by line, in flat memory and without looking at single lines where that can be avoided.

Lines count from 1 and end with a newline; a last line counts without one too, unless it is empty. A line
that is longer than `MAX_LINE` comes in pieces.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO, NamedTuple

    class Block(NamedTuple):
        """Whole lines, or a piece of a long one: the number of the first, where it begins, the bytes."""

        number: int
        offset: int
        data: bytes
else:
    from collections import namedtuple

    Block = namedtuple("Block", "number offset data")

MAX_LINE = 1 << 16
CHUNK = 256 << 10
_STEP = 1 << 20  # a frame of compressed content, so that none is decompressed twice


def iter_chunks(content: BinaryIO, offset: int = 0) -> Iterator[bytes]:
    """Yield content from an offset on."""
    content.seek(offset)
    while chunk := content.read(CHUNK):
        yield chunk


def iter_blocks(chunks: Iterable[bytes], number: int = 1, offset: int = 0) -> Iterator[Block]:
    """Yield content in blocks of whole lines.

    Args:
        chunks: the content, or what follows an offset at which a line begins.
        number: of the first line in it.
        offset: where it begins.
    """
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        end = data.rfind(b"\n") + 1
        if not end and len(data) >= MAX_LINE:
            end = len(data)
        rest = data[end:]
        if end:
            whole = data[:end] if rest else data
            yield Block(number, offset, whole)
            number, offset = number + whole.count(b"\n"), offset + end
    if rest:
        yield Block(number, offset, rest)


def within(blocks: Iterable[Block], first: int, last: int | None) -> Iterator[Block]:
    """Yield only the lines from one to another, both included; None for all to the end."""
    for number, offset, data in blocks:
        if last is not None and number > last:
            return
        lines = data.count(b"\n")
        end = number + lines if data.endswith(b"\n") else number + lines + 1
        if end <= first:
            continue
        begin = _after_lines(data, first - number)
        stop = len(data) if last is None or end - 1 <= last else _after_lines(data, last + 1 - number)
        if stop > begin:
            yield Block(max(first, number), offset + begin, data[begin:stop])


def _after_lines(data: bytes, count: int) -> int:
    """Return where the line begins that follows so many."""
    place = 0
    for _ in range(count):
        place = data.find(b"\n", place) + 1
        if not place:
            return len(data)
    return place


def last_lines(block: Block, count: int) -> Block:
    """Return the last lines of a block."""
    number, offset, data = block
    wanted = count + data.endswith(b"\n")
    if data.count(b"\n") < wanted:
        return block
    begin = _nth_last(data, wanted) + 1
    return Block(number + data.count(b"\n", 0, begin), offset + begin, data[begin:])


def count_lines(chunks: Iterable[bytes]) -> int:
    """Return how many lines there are."""
    lines, last = 0, b"\n"
    for chunk in chunks:
        lines += chunk.count(b"\n")
        last = chunk[-1:] or last
    return lines + (last != b"\n")


def tail_offset(content: BinaryIO, count: int) -> int:
    """Return where the last lines begin, reading no more than those.

    Args:
        content: from which can be read anywhere.
        count: how many lines.
    """
    place = size = content.seek(0, os.SEEK_END)
    if not size or not count:
        return size
    wanted = count + 1  # the newline that ends the line before; the very last one ends a line too
    content.seek(size - 1)
    if content.read(1) != b"\n":
        wanted -= 1
    while place > 0:
        begin = (place - 1) // _STEP * _STEP
        content.seek(begin)
        data = content.read(place - begin)
        found = data.count(b"\n")
        if found >= wanted:
            return begin + _nth_last(data, wanted) + 1
        wanted, place = wanted - found, begin
    return 0


def _nth_last(data: bytes, count: int) -> int:
    place = len(data)
    for _ in range(count):
        place = data.rfind(b"\n", 0, place)
    return place
