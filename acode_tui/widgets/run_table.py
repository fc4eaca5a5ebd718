"""The table of runs: draws the rows that are on the screen, and holds no others.

The cursor belongs to a run, not to a place: when rows arrive above it, it moves with its run. Only when it
is on the first row and following is on does it stay on top.
"""

from __future__ import annotations

import time

from textual import events
from textual.strip import Strip

from acode_tui.messages import CursorMoved, PagesNeeded, RowOpened
from acode_tui.render.rows import columns_for, header_spans, row_spans
from acode_tui.render.strips import strip_of
from acode_tui.widgets.cursor_list import HEADER, CursorList
from acode_tui.window import PAGE, RunWindow
from collector import Run


class RunTable(CursorList):
    """Rows of a `RunWindow`, which the screen fills."""

    def __init__(self, window: RunWindow, id: str | None = None) -> None:
        super().__init__(id=id)
        self.window = window
        self.cursor_seq: int | None = None
        self.follow = True
        self.hold = False
        self.has_agents = False
        self.names: dict[tuple[str, str], str] = {}
        self._order = ("", True)
        self._ticks = False
        self._wanted: tuple[int, ...] = ()

    def on_mount(self) -> None:
        """Begin to tick the running rows."""
        self.set_interval(1, self._tick)
        self.rows_changed()

    @property
    def total(self) -> int:
        """How many runs there are."""
        return self.window.total

    @property
    def run_at_cursor(self) -> Run | None:
        """The run under the cursor."""
        return self.window.row(self.cursor)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw the header, a row, or nothing."""
        width = self.scrollable_content_region.width
        columns = columns_for(width, self.has_agents, self._order[0] == "output_bytes")
        if y == 0:
            return strip_of(header_spans(columns, self._order), self.palette, "background", width)
        index = self.top + y - HEADER
        if index >= self.window.total:
            return self.blank_line(y, width)
        run = self.window.row(index)
        if run is None:
            return strip_of([("   …", "faint")], self.palette, "background", width)
        self._ticks = self._ticks or not run.is_finished
        ground, bold = "background", ""
        if index == self.cursor:
            ground, bold = ("selection" if self.has_focus else "selection_blurred"), "text"
        spans = row_spans(run, columns, int(time.time() * 1000), self.names)
        if index == self.cursor:
            spans[0] = ("▌", "accent") if self.has_focus else ("▌", "faint")
        return strip_of(spans, self.palette, ground, width, bold)

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

    def show_order(self, sort: str, descending: bool) -> None:
        """Say in the head what the rows are sorted by; the newest first goes without saying."""
        self._order = ("", True) if (sort, descending) == ("start_time", True) else (sort, descending)
        self.refresh()

    def rows_changed(self) -> None:
        """Draw everything anew: another result, or its length is known now."""
        self.look_for_agents()
        self.fit_height()
        self.move_to(self.cursor, quiet=False)
        self.lines_seen()
        self.refresh()

    def look_for_agents(self) -> None:
        """Give agents their columns as soon as a run has one; they are not taken away again."""
        if not self.has_agents and any(run.agent for run in self.window.held()):
            self.has_agents = True
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
        self.fit_height()
        if above or (self.top and not stay_on_top):
            self.jump(top + max(above, 0))
        if self.cursor >= self.top + self.rows:
            self.jump(self.cursor - self.rows + 1)
        if stay_on_top:
            self._remember(by_itself=True)
        self.lines_seen()
        self.refresh()

    def page_arrived(self) -> None:
        """Draw again now that rows have been read."""
        self._wanted = ()
        if self.cursor_seq is None:
            self._remember()
        self.look_for_agents()
        self.lines_seen()
        self.refresh()

    # The cursor

    def cursor_moved(self) -> None:
        """Tell of the run under the cursor."""
        self._remember()

    def next_run(self, step: int) -> bool:
        """Put the cursor on the next or the previous run; tell whether there is one."""
        before = self.cursor
        self.move_by(step)
        return self.cursor != before

    def _remember(self, by_itself: bool = False) -> None:
        run = self.run_at_cursor
        seq = run.seq if run is not None else None
        if seq != self.cursor_seq or run is None:
            self.cursor_seq = seq
            self.post_message(CursorMoved(self.cursor, run, by_itself))

    def lines_seen(self) -> None:
        """Ask for the pages that come into view."""
        first = max(0, self.top - PAGE // 2)
        missing = tuple(self.window.missing_pages(first, self.top + self.rows + PAGE // 2))
        if missing and missing != self._wanted:
            self._wanted = missing
            self.post_message(PagesNeeded(missing))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a row; open it when it was there already and clicked twice."""
        index = self.line_at(event)
        if index is not None:
            self.move_to(index)
            run = self.run_at_cursor
            if event.chain > 1 and run is not None:
                self.post_message(RowOpened(run))
