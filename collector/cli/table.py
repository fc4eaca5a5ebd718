"""Aligned tables that fit the terminal, however narrow, and count wide characters as two."""

from __future__ import annotations

from collections.abc import Sequence

from collector.cli.output import paint, sanitize

_GAP = 2
_ELLIPSIS = "…"


class Column:
    """One column.

    Args:
        title: its heading.
        least: how far it may be narrowed before a column is left out.
        rank: the column with the highest rank is left out first; rank 0 always stays.
        right: whether numbers line up at the right.
    """

    __slots__ = ("least", "rank", "right", "title")

    def __init__(self, title: str, least: int = 4, rank: int = 0, right: bool = False) -> None:
        self.title = title
        self.least = least
        self.rank = rank
        self.right = right


def display_width(text: str) -> int:
    """Return how many columns a sanitized text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def fit(text: str, width: int) -> str:
    """Return as much of a sanitized text as fits, with an ellipsis where something is missing."""
    if display_width(text) <= width:
        return text
    kept = ""
    used = 0
    for character in text:
        used += display_width(character)
        if used > width - 1:
            break
        kept += character
    return (kept + _ELLIPSIS)[: max(width, 0)]


def render(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    width: int | None,
    color_of: int | None = None,
    color: bool = False,
) -> list[str]:
    """Return the lines of a table, headings first.

    Args:
        columns: what they hold.
        rows: one text for each column; recorded text is sanitized here.
        width: of the terminal; None to show everything.
        color_of: the column whose text names the colour it is shown in.
        color: whether to colour at all.
    """
    cells = [[sanitize(cell) for cell in row] for row in rows]
    natural = [
        max([display_width(column.title), *(display_width(row[i]) for row in cells)])
        for i, column in enumerate(columns)
    ]
    widths = _narrow(columns, natural, width)
    titles = [paint(t, "bold", color) for t in _line(columns, widths, [c.title for c in columns])]
    lines = [_join(titles)]
    for row in cells:
        shown = _line(columns, widths, row)
        if color_of is not None and widths[color_of]:
            index = sum(1 for w in widths[:color_of] if w)
            shown[index] = paint(shown[index], row[color_of], color)
        lines.append(_join(shown))
    return lines


def _join(cells: Sequence[str]) -> str:
    return (" " * _GAP).join(cells).rstrip()


def _line(columns: Sequence[Column], widths: Sequence[int], cells: Sequence[str]) -> list[str]:
    return [
        _pad(fit(cell, width), width, column.right)
        for column, width, cell in zip(columns, widths, cells, strict=True)
        if width
    ]


def _pad(text: str, width: int, right: bool) -> str:
    padding = " " * (width - display_width(text))
    return padding + text if right else text + padding


def _narrow(columns: Sequence[Column], natural: Sequence[int], width: int | None) -> list[int]:
    """Return the width of each column, 0 for one that is left out."""
    widths = list(natural)
    if width is None:
        return widths
    order = sorted(range(len(columns)), key=lambda i: -columns[i].rank)
    for i in order:
        if columns[i].rank == 0 or _total(_at_least(columns, widths)) <= width:
            break
        widths[i] = 0
    _shrink(columns, widths, width)
    return widths


def _at_least(columns: Sequence[Column], widths: Sequence[int]) -> list[int]:
    return [min(w, c.least) if w else 0 for c, w in zip(columns, widths, strict=True)]


def _total(widths: Sequence[int]) -> int:
    shown = [w for w in widths if w]
    return sum(shown) + _GAP * (len(shown) - 1)


def _shrink(columns: Sequence[Column], widths: list[int], width: int) -> None:
    """Take columns, the last one first, down to what they need at least."""
    for i in reversed(range(len(columns))):
        excess = _total(widths) - width
        if excess <= 0:
            return
        widths[i] = max(min(widths[i], columns[i].least), widths[i] - excess) if widths[i] else 0
