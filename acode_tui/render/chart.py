"""Charts of block characters: stacked bars, bars of one ink, the scale beside them, the dates below. Pure.

A cell has eight steps of height. A picture is a list of rows, the top one first, each of cells
`(text, ink, ground)`: two inks meet within a cell as its colour and the colour behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from acode_tui.render.rows import cells, fit

Cell = tuple[str, str, str]
Row = list[Cell]
Part = tuple[float, str]
"""How much, in which ink."""

BLOCKS = " ▁▂▃▄▅▆▇█"
GROUND = "background"
_STEPS = 8
_MAX_BAR = 12

T = TypeVar("T")


def pooled(items: Sequence[T], room: int) -> list[Sequence[T]]:
    """Return neighbours together, as few as there is room for; the last ones may be fewer."""
    step = max(1, -(-len(items) // max(1, room)))
    return [items[place : place + step] for place in range(0, len(items), step)]


def bar_width(count: int, room: int) -> int:
    """Return how many cells each of some bars has, the gap behind it included."""
    return max(1, min(_MAX_BAR, room // max(1, count)))


def stacked_rows(bars: Sequence[Sequence[Part]], height: int, step: int, most: float = 0) -> list[Row]:
    """Return stacked bars.

    Args:
        bars: the parts of each, the lowest first.
        height: in rows.
        step: cells from one bar to the next; from two on, one of them is a gap.
        most: what reaches the top; 0 for the highest bar.
    """
    most = most or max((sum(value for value, _ in bar) for bar in bars), default=0)
    edges = [_edges(bar, height * _STEPS, most) for bar in bars]
    return [_joined([_cell(bar, row) for bar in edges], step) for row in range(height - 1, -1, -1)]


def _edges(bar: Sequence[Part], steps: int, most: float) -> list[tuple[int, str]]:
    """Return where each part ends, in steps from below: what is there is seen, where that is possible."""
    if most <= 0:
        return []
    parts = [(value, ink) for value, ink in bar if value > 0]
    whole = sum(value for value, _ in parts)
    top = min(steps, max(1, round(whole * steps / most))) if parts else 0
    if len(parts) > top:
        parts = [max(parts)]
    edges: list[tuple[int, str]] = []
    low, below = 0, 0.0
    for place, (value, ink) in enumerate(parts):
        below += value
        left = len(parts) - place - 1
        low = top if not left else max(low + 1, min(top - left, round(below * steps / most)))
        edges.append((low, ink))
    return edges


def _cell(edges: Sequence[tuple[int, str]], row: int) -> Cell:
    """Return what is seen of a bar in a row, counted from below."""
    bottom, seen, low = row * _STEPS, [], 0
    for edge, ink in edges:
        share = min(edge, bottom + _STEPS) - max(low, bottom)
        if share > 0:
            seen.append((share, ink))
        low = edge
    filled = sum(share for share, _ in seen)
    if not seen:
        return " ", "text", GROUND
    if len(seen) == 1 or filled < _STEPS:
        return BLOCKS[filled], max(seen)[1], GROUND
    lower, upper = seen[0], max(seen[1:])
    return BLOCKS[lower[0]], lower[1], upper[1]


def level_rows(values: Sequence[float | None], ink: str, height: int, step: int, most: float) -> list[Row]:
    """Return bars of one ink; a value that is not known leaves a dot on the ground.

    `most` is what reaches the top.
    """
    rows = stacked_rows([[(value or 0, ink)] for value in values], height, step, most)
    dot: Cell = ("·", "faint", GROUND)
    rows[-1] = _joined(
        [
            dot if value is None else _lowest(rows[-1][place * _per(step)], value, ink)
            for place, value in enumerate(values)
        ],
        step,
    )
    return rows


def _lowest(cell: Cell, value: float, ink: str) -> Cell:
    """Return the lowest cell of a bar; nothing at all is a line, to tell it from what is not known."""
    text = cell[0][:1]
    return (BLOCKS[1] if value <= 0 else text), ink, GROUND


def _per(step: int) -> int:
    return 2 if step > 1 else 1


def _joined(row: Sequence[Cell], step: int) -> Row:
    """Return one cell of each bar as wide as the bars are, with gaps between them."""
    if step < 2:
        return list(row)
    gap: Cell = (" ", "text", GROUND)
    return [piece for text, ink, ground in row for piece in ((text * (step - 1), ink, ground), gap)]


def beside(labels: Sequence[str], rows: Sequence[Row], width: int) -> list[Row]:
    """Return rows with a scale at the left: a label for each row, in so many cells and a space."""
    return [[(fit(label, width, right=True) + " ", "faint", GROUND), *row]
            for label, row in zip(labels, rows, strict=True)]  # fmt: skip


def axis_text(labels: Sequence[str], step: int, room: int) -> str:
    """Return labels below their bars: the first one, and then as many as do not touch."""
    text = ""
    widest = max(map(cells, labels), default=0)
    stride = max(1, -(-(widest + 2) // step))
    for place in range(0, len(labels), stride):
        begin = place * step
        if begin + cells(labels[place]) > room:
            break
        text += " " * (begin - cells(text)) + labels[place]
    return text
