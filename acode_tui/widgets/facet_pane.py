"""The filter pane: values and how many runs have them; choosing one puts it into the filter."""

from __future__ import annotations

from textual import events
from textual.strip import Strip

from acode_tui.messages.facets import FacetChosen
from acode_tui.render.facets import HEAD, FacetLine, facet_spans
from acode_tui.render.strips import strip_of
from acode_tui.widgets.cursor_list import CursorList
from acode_tui.window.facets import FacetWindow


class FacetPane(CursorList):
    """Draws the lines of a `FacetWindow`; the cursor stays on its value when counts change."""

    HEADER = 0

    def __init__(self, window: FacetWindow, id: str | None = None) -> None:
        super().__init__(id=id)
        self.window = window
        self._at: FacetLine | None = None

    @property
    def total(self) -> int:
        """How many lines there are."""
        return len(self.window.lines)

    @property
    def line_at_cursor(self) -> FacetLine | None:
        """The line under the cursor."""
        return self.window.lines[self.cursor] if self.cursor < self.total else None

    def lines_changed(self) -> None:
        """Draw everything anew, with the cursor on what it was on."""
        place = self.window.index_of(self._at) if self._at is not None else None
        self.fit_height()
        if place is None:
            self.cursor = max(0, min(self.cursor, self.total - 1))
        elif place != self.cursor:
            offset = self.cursor - self.top
            self.cursor = place
            self.jump(max(0, place - offset))
        self.reveal()
        self._at = self.line_at_cursor
        self.refresh()

    def go_to_group(self, step: int) -> None:
        """Put the cursor on the next or the previous head."""
        places = range(self.cursor + step, self.total if step > 0 else -1, step)
        place = next((n for n in places if self.window.lines[n].kind == HEAD), None)
        if place is not None:
            self.move_to(place)

    def cursor_moved(self) -> None:
        """Keep what is under the cursor."""
        self._at = self.line_at_cursor

    def lines_seen(self) -> None:
        """Nothing is read as it comes into view: everything is there."""

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        width = self.scrollable_content_region.width
        index = self.top + y
        if index >= self.total:
            return strip_of([], self.palette, "background", width)
        spans = facet_spans(self.window.lines[index], width)
        ground, bold = "background", ""
        if index == self.cursor and self.has_focus:
            ground, bold = "selection", "text"
            spans[0] = ("▌", "accent")
        return strip_of(spans, self.palette, ground, width, bold)

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        index = self.line_at(event)
        if index is not None:
            self.move_to(index)
            self.post_message(FacetChosen())
