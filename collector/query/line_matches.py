"""Where a pattern is in a text: lines with a match, what is shown of them, and the lines around. Pure.

Places are bytes of the text. A line with several matches is told of once, with the first.
"""

from __future__ import annotations

import os

from collector.model.frozen import dataclass
from collector.store.patterns import Pattern
from collector.store.text_blocks import Block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

MAX_SHOWN_BYTES = 4096
"""Of a longer line, so much is shown around the match."""
_BEFORE_MATCH_BYTES = 1024
_STEP = 64 << 10
_LONGEST_CONTEXT = 1 << 20


@dataclass(frozen=True, slots=True)
class LineMatch:
    """A line with a match: its number from 1, and in bytes of the block where line and match are there."""

    line: int
    line_start: int
    line_end: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a line, and where in it the match is, in characters."""

    text: str
    start: int
    end: int


def iter_matches(pattern: Pattern, block: Block) -> Iterator[LineMatch]:
    """Yield the lines of a block that have a match.

    What begins with a piece of a line that was cut belongs to the piece before, which has it as well.
    """
    data, line, counted, position = block.data, block.first_line, 0, 0
    while position < len(data):
        found = pattern.find_in_line(data, position)
        if found is None or found[0] >= len(data):
            return
        start, end = found
        line += data.count(b"\n", counted, start)
        counted = start
        if start == 0 and not block.begins_line:
            position = max(end, 1)
            continue
        line_end = data.find(b"\n", end)
        line_end = len(data) if line_end < 0 else line_end
        yield LineMatch(line, data.rfind(b"\n", 0, start) + 1, line_end, start, end)
        position = line_end + 1


def show(data: bytes, match: LineMatch) -> Shown:
    """Return what is shown of a line with a match."""
    first, last = match.line_start, match.line_end
    if last - first > MAX_SHOWN_BYTES:
        first = max(first, match.start - _BEFORE_MATCH_BYTES)
        last = min(last, first + MAX_SHOWN_BYTES)
    end = min(match.end, last)
    parts = (data[first : match.start], data[match.start : end], data[end:last])
    before, hit, after = (part.decode("utf-8", "replace") for part in parts)
    text = (before + hit + after).removesuffix("\r")
    return Shown(text, len(before), min(len(before) + len(hit), len(text)))


def shown_line(data: bytes) -> str:
    """Return what is shown of a line around a match."""
    return data[:MAX_SHOWN_BYTES].decode("utf-8", "replace").removesuffix("\r")


def lines_before(content: BinaryIO, block: Block, place: int, count: int) -> tuple[str, ...]:
    """Return the lines before the line that begins at a place in a block; the text is read where need be."""
    first, missing = place, count
    while missing and first > 0:
        first = block.data.rfind(b"\n", 0, first - 1) + 1
        missing -= 1
    text, offset = block.data[first:place], block.offset
    if first == 0 and (missing or not block.begins_line) and count:
        text = _read_before(content, offset, missing + 1) + text
    return tuple(shown_line(line) for line in text.split(b"\n")[:-1][-count:]) if count else ()


def _read_before(content: BinaryIO, offset: int, lines: int) -> bytes:
    """Read back from a place until so many line ends are there, or much without any."""
    text = b""
    while offset and text.count(b"\n") <= lines and len(text) < _LONGEST_CONTEXT:
        step = min(_STEP, offset)
        offset -= step
        content.seek(offset)
        text = content.read(step) + text
    return text


def lines_after(content: BinaryIO, block: Block, place: int, count: int) -> tuple[str, ...]:
    """Return the lines after the line that ends at a place in a block; the text is read where need be."""
    if count == 0:
        return ()
    if place == len(block.data):  # the line goes on, or the text ends here
        _, _, text = _read_after(content, block, count + 1).partition(b"\n")
        return _lines(text, count)
    last = place
    for _ in range(count):
        last = block.data.find(b"\n", last + 1)
        if last < 0:
            return _lines(block.data[place + 1 :] + _read_after(content, block, count), count)
    return tuple(shown_line(line) for line in block.data[place + 1 : last].split(b"\n"))


def _lines(text: bytes, count: int) -> tuple[str, ...]:
    if not text:
        return ()
    return tuple(shown_line(line) for line in text.removesuffix(b"\n").split(b"\n")[:count])


def _read_after(content: BinaryIO, block: Block, lines: int) -> bytes:
    """Read on from the end of a block until so many line ends are there, or much without any."""
    text = b""
    content.seek(block.offset + len(block.data))
    while text.count(b"\n") < lines and len(text) < _LONGEST_CONTEXT:
        more = content.read(_STEP)
        if not more:
            break
        text += more
    return text


def column(content: BinaryIO, block: Block, match: LineMatch) -> int:
    """Return where in its line a match begins, in bytes from 1."""
    place = block.offset + match.start
    if match.line_start or block.begins_line:
        return match.start - match.line_start + 1
    end = block.offset
    while end:
        step = min(_STEP, end)
        content.seek(end - step)
        newline = content.read(step).rfind(b"\n")
        if newline >= 0:
            return place - (end - step + newline)
        end -= step
    return place + 1


def read_block(content: BinaryIO, offset: int, length: int, first_line: int) -> Block:
    """Read a piece of a text whose place is known."""
    content.seek(max(0, offset - 1), os.SEEK_SET)
    before = content.read(1) if offset else b"\n"
    return Block(offset, content.read(length), first_line, before == b"\n")
