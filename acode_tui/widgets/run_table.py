"""The table of runs: draws the rows that are on the screen, and holds no others.

The cursor belongs to a run, not to a place: when rows arrive above it, it moves with its run. Only when it
is on the first row and following is on does it stay on top.
"""

from __future__ import annotations

import time

from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip

from acode_tui.messages import CursorMoved, PagesNeeded, RowOpened
from acode_tui.render.rows import columns_for, header_spans, row_spans
from acode_tui.render.strips import strip_of
from acode_tui.render.styles import style_of
from acode_tui.widgets.lines import LineList
from acode_tui.window import PAGE, RunWindow
from collector import Run

_HEADER = 1


class RunTable(LineList):
    """Rows of a `RunWindow`, which the screen fills."""

    def __init__(self, window: RunWindow, id: str | None = None) -> None:
        super().__init__(id=id)
        self.window = window
        self.cursor = 0
        self.cursor_seq: int | None = None
        self.follow = True
        self.hold = False
        self.empty_text: tuple[str, ...] = ()
        self._ticks = False
        self._wanted: tuple[int, ...] = ()

    def on_mount(self) -> None:
        """Begin to tick the running rows."""
        self.set_interval(1, self._tick)
        self.rows_changed()

    @property
    def rows(self) -> int:
        """How many rows are seen at once."""
        return max(1, self.scrollable_content_region.height - _HEADER)

    @property
    def run_at_cursor(self) -> Run | None:
        """The run under the cursor."""
        return self.window.row(self.cursor)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw the header, a row, or nothing."""
        width = self.scrollable_content_region.width
        columns = columns_for(width)
        if y == 0:
            return strip_of(header_spans(columns), self.palette, "background", width)
        index = self.top + y - _HEADER
        if index >= self.window.total:
            return self._blank_line(y, width)
        run = self.window.row(index)
        if run is None:
            return strip_of([("   …", "faint")], self.palette, "background", width)
        self._ticks = self._ticks or not run.is_finished
        ground, bold = "background", ""
        if index == self.cursor:
            ground, bold = ("selection" if self.has_focus else "selection_blurred"), "text"
        spans = row_spans(run, columns, int(time.time() * 1000))
        if index == self.cursor:
            spans[0] = ("▌", "accent") if self.has_focus else ("▌", "faint")
        return strip_of(spans, self.palette, ground, width, bold)

    def _blank_line(self, y: int, width: int) -> Strip:
        place = y - 1 - max(0, (self.rows - len(self.empty_text)) // 3)
        if self.window.total == 0 and 0 <= place < len(self.empty_text):
            text = self.empty_text[place]
            ink = "text" if place == 0 else "accent" if text.startswith("  ") else "muted"
            left = max(1, (width - max(map(len, self.empty_text))) // 2)
            return strip_of([(" " * left + text, ink)], self.palette, "background", width, "text")
        return Strip.blank(width, style_of(self.palette, "text"))

    def refresh_row(self, index: int) -> None:
        """Draw one row again."""
        y = index - self.top + _HEADER
        if _HEADER <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _tick(self) -> None:
        if not self._ticks:
            return
        self._ticks = False
        for index in range(self.top, min(self.top + self.rows, self.window.total)):
            run = self.window.row(index)
            if run is not None and not run.is_finished:
                self._ticks = True
                self.refresh_row(index)

    # What the screen tells

    def rows_changed(self) -> None:
        """Draw everything anew: another result, or its length is known now."""
        self.virtual_size = Size(self.size.width, self.window.total + _HEADER)
        self.move_to(self.cursor, quiet=False)
        self._ask_for_pages()
        self.refresh()

    def rows_inserted(self, places: list[int]) -> None:
        """Make room for rows that arrived, given their positions in the order they came."""
        stay_on_top = self.follow and not self.hold and self.cursor == 0 and self.top == 0
        top, above = self.top, 0
        for place in places:
            if place <= self.cursor and not stay_on_top:
                self.cursor += 1
            if place < top:
                above += 1
        self.virtual_size = Size(self.size.width, self.window.total + _HEADER)
        if above or (self.top and not stay_on_top):
            self.jump(top + max(above, 0))
        if self.cursor >= self.top + self.rows:
            self.jump(self.cursor - self.rows + 1)
        if stay_on_top:
            self._remember(by_itself=True)
        self._ask_for_pages()
        self.refresh()

    def page_arrived(self) -> None:
        """Draw again now that rows have been read."""
        self._wanted = ()
        if self.cursor_seq is None:
            self._remember()
        self._ask_for_pages()
        self.refresh()

    # The cursor

    def move_to(self, index: int, quiet: bool = False) -> None:
        """Put the cursor on a row and bring it into view."""
        before = self.cursor
        self.cursor = max(0, min(index, self.window.total - 1))
        if self.cursor < self.top:
            self.jump(self.cursor)
        elif self.cursor >= self.top + self.rows:
            self.jump(self.cursor - self.rows + 1)
        if before != self.cursor:
            self.refresh_row(before)
            self.refresh_row(self.cursor)
        if not quiet:
            self._remember()

    def move_by(self, step: int) -> None:
        """Move the cursor by rows."""
        self.move_to(self.cursor + step)

    def page_by(self, step: int) -> None:
        """Move cursor and view by a page."""
        self._shift(step * self.rows)

    def half_page_by(self, step: int) -> None:
        """Move cursor and view by half a page."""
        self._shift(step * max(1, self.rows // 2))

    def go_first(self) -> None:
        """Put the cursor on the newest run."""
        self.move_to(0)

    def go_last(self) -> None:
        """Put the cursor on the oldest run."""
        self.move_to(self.window.total - 1)

    def _shift(self, step: int) -> None:
        last = max(0, self.window.total - self.rows)
        top = max(0, min(self.top + step, last))
        if top != self.top:
            self.jump(top)
        self.move_to(self.cursor + step)

    def _remember(self, by_itself: bool = False) -> None:
        run = self.run_at_cursor
        seq = run.seq if run is not None else None
        if seq != self.cursor_seq or run is None:
            self.cursor_seq = seq
            self.post_message(CursorMoved(self.cursor, run, by_itself))

    # Pages

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for the rows that come into view."""
        super().watch_scroll_y(old_value, new_value)
        self._ask_for_pages()

    def _ask_for_pages(self) -> None:
        first = max(0, self.top - PAGE // 2)
        missing = tuple(self.window.missing_pages(first, self.top + self.rows + PAGE // 2))
        if missing and missing != self._wanted:
            self._wanted = missing
            self.post_message(PagesNeeded(missing))

    # The terminal

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in view."""
        self.virtual_size = Size(event.size.width, self.window.total + _HEADER)
        self.move_to(self.cursor, quiet=True)
        self._ask_for_pages()
        self.refresh()

    def on_focus(self) -> None:
        """Show where the keys go."""
        self.refresh_row(self.cursor)

    def on_blur(self) -> None:
        """Show that the keys go elsewhere."""
        self.refresh_row(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a row; open it when it was there already and clicked twice."""
        if event.y < _HEADER:
            return
        index = self.top + event.y - _HEADER
        if index < self.window.total:
            self.move_to(index)
            run = self.run_at_cursor
            if event.chain > 1 and run is not None:
                self.post_message(RowOpened(run))
