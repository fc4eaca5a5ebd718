"""Lines into Textual strips: cropping, wrapping, line numbers, search hits."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from acode_tui.render.ansi import Ink, InkSpan, Styled
from acode_tui.render.palette import Palette
from acode_tui.render.rows import Span, cells
from acode_tui.render.styles import style_of

Range = tuple[int, int]


def strip_of(spans: Sequence[Span], palette: Palette, background: str, width: int, bold: str = "") -> Strip:
    """Return spans as a strip of exactly so many cells; the ink named by `bold` is drawn bold."""
    segments = [Segment(text, style_of(palette, ink, background, ink == bold)) for text, ink in spans]
    return Strip(segments).adjust_cell_length(width, style_of(palette, "text", background))


def line_strip(
    line: Styled,
    palette: Palette,
    start: int,
    end: int,
    background: str = "background",
    hits: Sequence[Range] = (),
) -> list[Segment]:
    """Return the characters from `start` to `end` of a line, search hits marked."""
    segments: list[Segment] = []
    for low, high, ink, is_hit in _pieces(line, start, end, hits):
        style = style_of(palette, "text", "match") if is_hit else style_of(palette, ink, background)
        segments.append(Segment(line.text[low:high], style))
    return segments


def visible_range(text: str, left: int, width: int) -> tuple[int, int, int]:
    """Return which characters are seen from a cell on, and how far the first is from the left.

    A character two cells wide that is cut in half at the left is not drawn: the third value is then 1.
    """
    if text.isascii():
        return left, min(len(text), left + width), 0
    place, taken = 0, 0
    while place < len(text) and taken < left:
        taken += cells(text[place])
        place += 1
    gap = taken - left if place < len(text) else 0
    end, room = place, width - gap
    while end < len(text) and (room := room - cells(text[end])) >= 0:
        end += 1
    return place, end, max(0, gap)


def wrap_ranges(text: str, width: int) -> list[Range]:
    """Return where a line breaks when it has to fit: plainly by cells, so that nothing moves."""
    width = max(1, width)
    if cells(text) <= width:
        return [(0, len(text))]
    if text.isascii():
        return [(n, min(len(text), n + width)) for n in range(0, len(text), width)]
    ranges: list[Range] = []
    place = 0
    while place < len(text):
        taken, end = 0, place
        while end < len(text) and (taken := taken + cells(text[end])) <= width:
            end += 1
        end = max(end, place + 1)
        ranges.append((place, end))
        place = end
    return ranges


def word_ranges(text: str, width: int) -> list[Range]:
    """Return where a line breaks between its words; a word that is half a line long is cut."""
    ranges: list[Range] = []
    place = 0
    while place < len(text):
        end = place + wrap_ranges(text[place : place + width], width)[0][1]
        if end < len(text) and not text[end].isspace():
            space = text.rfind(" ", place, end)
            end = space + 1 if space - place > width // 2 else end
        ranges.append((place, end))
        place = end
        while place < len(text) and text[place] == " ":
            place += 1
    return ranges or [(0, 0)]


def hit_ranges(text: str, needle: str, fold: bool) -> list[Range]:
    """Return where a search text stands in a line."""
    if not needle:
        return []
    hay = text.lower() if fold else text
    ranges: list[Range] = []
    place = hay.find(needle)
    while place >= 0 and len(ranges) < 500:
        ranges.append((place, place + len(needle)))
        place = hay.find(needle, place + len(needle))
    return ranges


def _pieces(line: Styled, start: int, end: int, hits: Sequence[Range]) -> list[tuple[int, int, Ink, bool]]:
    """Cut a range of a line where its ink changes or a hit begins or ends."""
    end = min(end, len(line.text))
    if start >= end:
        return []
    inks = _filled(line.spans, start, end)
    if not hits:
        return [(low, high, ink, False) for low, high, ink in inks]
    pieces: list[tuple[int, int, Ink, bool]] = []
    for low, high, ink in inks:
        place = low
        for hit_low, hit_high in hits:
            first, last = max(place, hit_low), min(high, hit_high)
            if first >= last:
                continue
            if place < first:
                pieces.append((place, first, ink, False))
            pieces.append((first, last, ink, True))
            place = last
        if place < high:
            pieces.append((place, high, ink, False))
    return pieces


def _filled(spans: Sequence[InkSpan], start: int, end: int) -> list[InkSpan]:
    """Return spans that cover a range without a gap."""
    filled: list[InkSpan] = []
    place = start
    for low, high, ink in spans:
        low, high = max(low, start), min(high, end)
        if low >= high:
            continue
        if place < low:
            filled.append((place, low, "text"))
        filled.append((low, high, ink))
        place = high
    if place < end:
        filled.append((place, end, "text"))
    return filled
