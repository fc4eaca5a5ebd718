"""A list in a dialog: any number of things, of which those that are seen are made into lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from textual import events
from textual.message import Message
from textual.strip import Strip

from acode_tui.render.rows import Span
from acode_tui.render.strips import strip_of
from acode_tui.render.styles import style_of
from acode_tui.widgets.cursor_list import CursorList

Item = TypeVar("Item")


class ItemList(CursorList, Generic[Item]):
    """Draws things by a function of the thing and the width; `head` is the line of titles."""

    DEFAULT_CSS = """
    ItemList { background: $surface; height: 1fr; width: 1fr; }
    """

    class Moved(Message):
        """Something else is under the cursor."""

    class Chosen(Message):
        """A line was clicked twice."""

    def __init__(
        self, head: Callable[[int], str], line: Callable[[Item, int], Sequence[Span]], id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._head, self._line = head, line
        self.items: Sequence[Item] = ()
        self.marked: set[int] = set()

    @property
    def total(self) -> int:
        """How many lines there are."""
        return len(self.items)

    @property
    def item(self) -> Item | None:
        """What is under the cursor."""
        return self.items[self.cursor] if 0 <= self.cursor < self.total else None

    def show(self, items: Sequence[Item], notice: str = "") -> None:
        """Show other things; a notice where there are none."""
        self.items, self.marked = items, set()
        self.empty_text = (notice,) if notice else ()
        self.fit_height()
        self.move_to(self.cursor, quiet=True)
        self.refresh()

    def mark(self) -> None:
        """Mark the line under the cursor, or not any more, and go on to the next."""
        if self.item is not None:
            self.marked ^= {self.cursor}
            self.refresh_row(self.cursor)
            self.move_by(1)

    def chosen(self) -> Sequence[Item]:
        """Return what is marked; where nothing is, what is under the cursor."""
        if self.marked:
            return [self.items[index] for index in sorted(self.marked)]
        return [self.item] if self.item is not None else []

    def cursor_moved(self) -> None:
        """Tell of it."""
        self.post_message(self.Moved())

    def lines_seen(self) -> None:
        """All of them are there."""

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where it was clicked."""
        index = self.line_at(event)
        if index is not None:
            self.move_to(index)
            if event.chain > 1:
                self.post_message(self.Chosen())

    def blank_line(self, y: int, width: int) -> Strip:
        """Draw a line on which nothing stands."""
        if self.total == 0 and self.empty_text and y == 1:
            return strip_of([(" " + self.empty_text[0], "muted")], self.palette, "surface", width)
        return Strip.blank(width, style_of(self.palette, "text", "surface"))

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        width = self.scrollable_content_region.width
        if y == 0:
            return strip_of([(self._head(width), "faint")], self.palette, "surface", width)
        index = self.top + y - self.HEADER
        if index >= self.total:
            return self.blank_line(y, width)
        here, marked = index == self.cursor, index in self.marked
        ground = ("selection" if self.has_focus else "selection_blurred") if here else "surface"
        sign: Span = ("✓" if marked else "▌" if here else " ", "success" if marked else "accent")
        return strip_of([sign, *self._line(self.items[index], width - 1)], self.palette, ground, width)
