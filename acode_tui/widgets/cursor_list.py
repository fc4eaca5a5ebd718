"""A list with a line of titles and a cursor, of which only what is seen is ever drawn."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip

from acode_tui.render.strips import strip_of
from acode_tui.render.styles import style_of
from acode_tui.widgets.lines import LineList

HEADER = 1


class CursorList(LineList):
    """What the table of runs, the tree of sessions and the filter pane share; they say what the lines are."""

    HEADER: ClassVar[int] = HEADER
    """How many lines of titles there are."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor = 0
        self.empty_text: tuple[str, ...] = ()

    # The lists say what these are.

    @property
    def total(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def cursor_moved(self) -> None:
        """Tell of what is under the cursor now."""
        raise NotImplementedError

    def lines_seen(self) -> None:
        """Ask for what has come into view."""
        raise NotImplementedError

    @property
    def rows(self) -> int:
        """How many lines are seen at once."""
        return max(1, self.scrollable_content_region.height - self.HEADER)

    # Drawing

    def blank_line(self, y: int, width: int) -> Strip:
        """Draw a line on which nothing stands, or part of what is said about an empty list."""
        place = y - 1 - max(0, (self.rows - len(self.empty_text)) // 3)
        if self.total == 0 and 0 <= place < len(self.empty_text):
            text = self.empty_text[place]
            ink = "text" if place == 0 else "accent" if text.startswith("  ") else "muted"
            left = max(1, (width - max(map(len, self.empty_text))) // 2)
            return strip_of([(" " * left + text, ink)], self.palette, "background", width, "text")
        return Strip.blank(width, style_of(self.palette, "text"))

    def refresh_row(self, index: int) -> None:
        """Draw one line again."""
        y = index - self.top + self.HEADER
        if self.HEADER <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def fit_height(self, width: int | None = None) -> None:
        """Take over how many lines there are."""
        self.virtual_size = Size(self.size.width if width is None else width, self.total + self.HEADER)

    # The cursor

    def move_to(self, index: int, quiet: bool = False) -> None:
        """Put the cursor on a line and bring it into view."""
        before = self.cursor
        self.cursor = max(0, min(index, self.total - 1))
        self.reveal()
        if before != self.cursor:
            self.refresh_row(before)
            self.refresh_row(self.cursor)
        if not quiet:
            self.cursor_moved()

    def reveal(self) -> None:
        """Bring the cursor into view."""
        if self.cursor < self.top:
            self.jump(self.cursor)
        elif self.cursor >= self.top + self.rows:
            self.jump(self.cursor - self.rows + 1)

    def move_by(self, step: int) -> None:
        """Move the cursor by lines."""
        self.move_to(self.cursor + step)

    def page_by(self, step: int) -> None:
        """Move cursor and view by a page."""
        self._shift(step * self.rows)

    def half_page_by(self, step: int) -> None:
        """Move cursor and view by half a page."""
        self._shift(step * max(1, self.rows // 2))

    def go_first(self) -> None:
        """Put the cursor on the first line."""
        self.move_to(0)

    def go_last(self) -> None:
        """Put the cursor on the last line."""
        self.move_to(self.total - 1)

    def _shift(self, step: int) -> None:
        last = max(0, self.total - self.rows)
        top = max(0, min(self.top + step, last))
        if top != self.top:
            self.jump(top)
        self.move_to(self.cursor + step)

    # The terminal

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for the lines that come into view."""
        super().watch_scroll_y(old_value, new_value)
        self.lines_seen()

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in view."""
        self.fit_height(event.size.width)
        self.move_to(self.cursor, quiet=True)
        self.lines_seen()
        self.refresh()

    def on_focus(self) -> None:
        """Show where the keys go."""
        self.refresh_row(self.cursor)

    def on_blur(self) -> None:
        """Show that the keys go elsewhere."""
        self.refresh_row(self.cursor)

    def line_at(self, event: events.Click) -> int | None:
        """Return the line that was clicked."""
        index = self.top + event.y - self.HEADER
        return index if event.y >= self.HEADER and index < self.total else None
