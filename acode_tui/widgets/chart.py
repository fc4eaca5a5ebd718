"""Draws a picture of cells, each with an ink and a ground of its own."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from acode_tui.render.chart import Row
from acode_tui.render.palette import palette_of
from acode_tui.render.styles import style_of


class Chart(Widget):
    """As many lines as the picture has, where the layout does not say less."""

    DEFAULT_CSS = """
    Chart { height: auto; width: 1fr; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: Sequence[Row] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """Draw another picture."""
        is_taller = len(rows) != len(self.rows)
        self.rows = rows
        self.refresh(layout=is_taller)

    def get_content_height(self, *_: object) -> int:
        """Return how many lines there are."""
        return len(self.rows)

    def render_line(self, y: int) -> Strip:
        """Draw a line of it."""
        palette, width = palette_of(self.app.theme), self.size.width
        row = self.rows[y] if y < len(self.rows) else ()
        segments = [Segment(text, style_of(palette, ink, ground)) for text, ink, ground in row]
        return Strip(segments).adjust_cell_length(width, style_of(palette, "text"))
