"""A line that says one thing: the brand, a label, what is wrong with a filter."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip
from textual.widget import Widget

from acode_tui.render.palette import palette_of
from acode_tui.render.rows import Span, cells, fit
from acode_tui.render.strips import strip_of


class SpanLine(Widget):
    """Draws spans on one of the palette's backgrounds; as wide as they are unless the layout says more."""

    DEFAULT_CSS = """
    SpanLine { height: 1; width: auto; }
    """

    def __init__(self, spans: Sequence[Span] = (), ground: str = "panel", id: str | None = None) -> None:
        super().__init__(id=id)
        self.spans = list(spans)
        self.ground = ground

    def show(self, spans: Sequence[Span]) -> None:
        """Say something else."""
        if list(spans) != self.spans:
            self.spans = list(spans)
            self.refresh(layout=True)

    def get_content_width(self, *_: object) -> int:
        """Return how wide the text is."""
        return sum(cells(text) for text, _ink in self.spans)

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        spans = list(self.spans) if y == 0 else []
        excess = sum(cells(text) for text, _ink in spans) - self.size.width
        if spans and excess > 0:
            text, ink = spans[-1]
            spans[-1] = fit(text, max(0, cells(text) - excess)), ink
        return strip_of(spans, palette_of(self.app.theme), self.ground, self.size.width, "accent")


class SpanBlock(SpanLine):
    """Several lines of spans."""

    DEFAULT_CSS = """
    SpanBlock { height: auto; width: 1fr; }
    """

    def __init__(
        self, lines: Sequence[Sequence[Span]] = (), ground: str = "surface", id: str | None = None
    ) -> None:
        super().__init__((), ground, id)
        self.lines = [list(line) for line in lines]

    def show_lines(self, lines: Sequence[Sequence[Span]]) -> None:
        """Say something else."""
        self.lines = [list(line) for line in lines]
        self.refresh(layout=True)

    def get_content_height(self, *_: object) -> int:
        """Return how many lines there are."""
        return len(self.lines)

    def get_content_width(self, *_: object) -> int:
        """Return how wide the widest line is."""
        return max((sum(cells(t) for t, _ink in line) for line in self.lines), default=0)

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        spans = self.lines[y] if y < len(self.lines) else []
        return strip_of(spans, palette_of(self.app.theme), self.ground, self.size.width, "accent")
