"""The table of the statistics: draws the lines that are on the screen from the items they stand for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual import events
from textual.strip import Strip

from acode_tui.messages.statistics import ItemChosen
from acode_tui.render.statistics import Item, Table
from acode_tui.render.strips import strip_of
from acode_tui.widgets.cursor_list import HEADER, CursorList


class StatisticsTable(CursorList):
    """Items, with a cursor on one of them."""

    def __init__(self, table: Table, id: str | None = None) -> None:
        super().__init__(id=id)
        self.items: Sequence[Item] = ()
        self.table = table

    def show(self, table: Table, items: Sequence[Item], cursor: int = 0) -> None:
        """Show other items."""
        self.table, self.items = table, items
        self.cursor = max(0, min(cursor, len(items) - 1))
        self.fit_height()
        self.reveal()
        self.refresh()

    @property
    def total(self) -> int:
        """How many items there are."""
        return len(self.items)

    @property
    def item(self) -> Item | None:
        """The item under the cursor."""
        return self.items[self.cursor] if self.cursor < len(self.items) else None

    def cursor_moved(self) -> None:
        """Nobody has to know."""

    def lines_seen(self) -> None:
        """Everything is at hand."""

    def render_line(self, y: int) -> Strip:
        """Draw the titles, an item, or nothing."""
        width = self.scrollable_content_region.width
        index = self.top + y - HEADER
        if y == 0:
            return strip_of(self.table.title_spans(width), self.palette, "background", width)
        if index >= self.total:
            return self.blank_line(y, width)
        spans = self.table.line_spans(self.items[index], width, int(time.time() * 1000))
        if index != self.cursor:
            return strip_of(spans, self.palette, "background", width)
        spans[0] = ("▌", "accent" if self.has_focus else "faint")
        ground = "selection" if self.has_focus else "selection_blurred"
        return strip_of(spans, self.palette, ground, width, "text")

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on an item; choose it when it is clicked twice."""
        index = self.line_at(event)
        if index is not None:
            self.move_to(index)
            if event.chain > 1:
                self.post_message(ItemChosen())
