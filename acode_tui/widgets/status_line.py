"""The bottom line: what is going on at the left, the most useful keys at the right.

Drawn by itself: Textual's Footer mounts a widget for each key, which takes 100 ms.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip
from textual.widget import Widget

from acode_tui.render.bars import status_spans
from acode_tui.render.palette import palette_of
from acode_tui.render.rows import Span
from acode_tui.render.strips import strip_of


class StatusLine(Widget):
    """One line at the bottom of a screen."""

    DEFAULT_CSS = """
    StatusLine { dock: bottom; height: 1; background: $surface; }
    """

    def __init__(self, keys: Sequence[tuple[str, str]], id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys = keys
        self._facts: Sequence[Span] = ()

    def show(self, facts: Sequence[Span]) -> None:
        """Say what is going on."""
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def show_keys(self, keys: Sequence[tuple[str, str]]) -> None:
        """Tell of other keys."""
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        width = self.size.width
        spans = status_spans(self._facts, self._keys, width)
        return strip_of(spans, palette_of(self.app.theme), "surface", width)
