"""Lines read from a place in a file; of a line of any length only the beginning is read."""

from __future__ import annotations

from typing import NamedTuple

from acode_tui.document.index import CHUNK, LineIndex

LINE_BYTES = 16 * 1024
"""As much of one line is shown; the rest is counted."""


class Line(NamedTuple):
    """One line without its line break; `cut` is how many bytes of it were left out."""

    data: bytes
    cut: int = 0


def read_lines(index: LineIndex, first: int, count: int) -> list[Line]:
    """Return lines by number; fewer at the end of what is indexed."""
    count = min(count, index.lines - first)
    if count <= 0:
        return []
    lines: list[Line] = []
    offset = index.offset_of(first)
    data, base = b"", offset
    while len(lines) < count and offset < index.size:
        place = data.find(b"\n", offset - base)
        if place < 0 and base + len(data) < index.size:
            if len(data) - (offset - base) < LINE_BYTES:
                data, base = index.source.read(offset, CHUNK), offset
                place = data.find(b"\n")
            if place < 0 and base + len(data) < index.size:
                end = _end_of_long_line(index, first + len(lines))
                lines.append(_line(data[offset - base : offset - base + LINE_BYTES], end - offset))
                offset = end + 1
                data, base = b"", offset
                continue
        end = base + (place if place >= 0 else len(data))
        lines.append(_line(data[offset - base : end - base], end - offset))
        offset = end + 1
    return lines


def read_tail(index: LineIndex, count: int, budget: int = CHUNK) -> list[Line]:
    """Return the last lines of a file without knowing their numbers; for the time before the index."""
    size = index.source.size()
    start = max(0, size - budget)
    parts = index.source.read(start, size - start).split(b"\n")
    if parts and not parts[-1]:
        parts.pop()
    if start and len(parts) > 1:
        parts.pop(0)
    return [_line(part, len(part)) for part in parts[-count:]]


def _end_of_long_line(index: LineIndex, number: int) -> int:
    if number >= index.breaks:
        return index.size
    return index.offset_of(number + 1) - 1


def _line(data: bytes, length: int) -> Line:
    if length <= LINE_BYTES and len(data) <= LINE_BYTES:
        return Line(data)
    return Line(data[:LINE_BYTES], max(0, length - LINE_BYTES))
