"""Lines made of pieces, and texts of any kind broken into lines that fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from acode_tui.render.ansi import PLAIN, Ink, InkSpan, Styled, parse_line
from acode_tui.render.rows import cells, fit
from acode_tui.render.strips import word_ranges, wrap_ranges

_MAX_LINE = 20_000


def line_of(parts: Iterable[tuple[str, Ink]]) -> Styled:
    """Return pieces of text as one line."""
    text, spans = "", list[InkSpan]()
    for piece, ink in parts:
        if piece:
            spans.append((len(text), len(text) + len(piece), ink))
            text += piece
    return Styled(text, tuple(spans))


def cut(line: Styled, start: int, end: int) -> Styled:
    """Return the characters from `start` to `end` of a line."""
    inks = ((max(low, start), min(high, end), ink) for low, high, ink in line.spans)
    spans = tuple((low - start, high - start, ink) for low, high, ink in inks if low < high)
    return Styled(line.text[start:end], spans)


def indented(line: Styled, by: int) -> Styled:
    """Return a line further to the right."""
    return Styled(" " * by + line.text, tuple((low + by, high + by, ink) for low, high, ink in line.spans))


def at_ends(left: Sequence[tuple[str, Ink]], right: Sequence[tuple[str, Ink]], width: int) -> Styled:
    """Return a line of exactly so many cells: what is at the left is cut where the right one begins."""
    room = width - sum(cells(text) for text, _ink in right)
    if room < 0:
        return at_ends(right, (), width)
    parts: list[tuple[str, Ink]] = []
    for text, ink in left:
        if room <= 0:
            break
        piece = text if cells(text) <= room else fit(text, room)
        parts.append((piece, ink))
        room -= cells(piece)
    return line_of([*parts, (" " * max(0, room), "text"), *right])


def whole(value: object) -> str:
    """Return what a record says, as it is."""
    return value if isinstance(value, str) else str(value)


def in_words(text: str, ink: str, width: int, most: int = 50) -> list[Styled]:
    """Return a harmless line broken between its words."""
    ranges = word_ranges(text, max(8, width))[:most]
    return [Styled(text[low:high], ((0, high - low, ink),) if high > low else ()) for low, high in ranges]


def in_lines(text: str, width: int, most: int, ink: str = "text") -> list[Styled]:
    """Return a recorded text as harmless lines, with its own colours; says how many are left out."""
    lines: list[Styled] = []
    state = PLAIN
    parts = text.rstrip("\n").split("\n")
    for number, part in enumerate(parts):
        if len(lines) >= most:
            note = f"… {len(parts) - number:,} more lines"
            return [*lines[:most], Styled(note, ((0, len(note), "accent"),))]
        line, state = parse_line(part[:_MAX_LINE].encode("utf-8", "replace"), state)
        if not line.spans and line.text and ink != "text":
            line = Styled(line.text, ((0, len(line.text), ink),))
        lines += [cut(line, low, high) for low, high in wrap_ranges(line.text, max(8, width))]
    return lines
