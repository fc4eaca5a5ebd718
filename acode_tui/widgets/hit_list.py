"""The list of what a search found: draws the lines that are on the screen."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.strip import Strip

from acode_tui.messages.search import HitMoved, HitOpened
from acode_tui.render.hits import (
    FILE,
    LINE,
    RUN,
    HitRow,
    file_spans,
    hit_line,
    number_text,
    rows_of,
    run_spans,
)
from acode_tui.render.rows import Span
from acode_tui.render.strips import line_strip, strip_of
from acode_tui.render.styles import style_of
from acode_tui.widgets.cursor_list import HEADER, CursorList
from collector import Hit


class HitList(CursorList):
    """Hits under their runs and files, with a cursor."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.hit_rows: list[HitRow] = []
        self.title: Sequence[Span] = ()
        self.runs = self.hits = 0

    @property
    def total(self) -> int:
        """How many lines there are."""
        return len(self.hit_rows)

    @property
    def row(self) -> HitRow | None:
        """The line under the cursor."""
        return self.hit_rows[self.cursor] if self.cursor < self.total else None

    def clear(self) -> None:
        """Show nothing."""
        self.hit_rows, self.cursor, self.runs, self.hits = [], 0, 0, 0
        self.fit_height()
        self.jump(0)
        self.refresh()

    def add(self, hits: Sequence[Hit]) -> None:
        """Show some more hits behind the others; the cursor stays."""
        was_empty = not self.hit_rows
        more = list(rows_of(hits, self.hit_rows[-1].hit if self.hit_rows else None))
        self.hit_rows += more
        self.hits += len(hits)
        self.runs += sum(row.kind == RUN for row in more)
        if was_empty:
            self.cursor = next((n for n, row in enumerate(more) if row.kind == LINE), 0)
        self.fit_height()
        self.refresh()

    def cursor_moved(self) -> None:
        """Tell of the line under the cursor."""
        if self.row is not None:
            self.post_message(HitMoved(self.row))

    def lines_seen(self) -> None:
        """Everything is at hand."""

    def go_to_run(self, step: int) -> bool:
        """Go to the first hit of the next or the previous run; tell whether there is one."""
        place = self.cursor
        if step < 0:
            while place > 0 and self.hit_rows[place].kind != RUN:
                place -= 1
        place += step
        while 0 <= place < self.total and self.hit_rows[place].kind != RUN:
            place += step
        if not 0 <= place < self.total:
            return False
        self.move_to(place + 2)
        return True

    def show_titles(self, title: Sequence[Span]) -> None:
        """Say how much was found."""
        if title != self.title:
            self.title = title
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the title, a run, a file, a hit, or nothing."""
        width = self.scrollable_content_region.width
        if y == 0:
            return strip_of(self.title, self.palette, "background", width)
        index = self.top + y - HEADER
        if index >= self.total:
            return self.blank_line(y, width)
        is_on = index == self.cursor
        ground = "background" if not is_on else "selection" if self.has_focus else "selection_blurred"
        mark: Span = ("▌" if is_on else " ", "accent" if self.has_focus else "faint")
        row = self.hit_rows[index]
        if row.kind == LINE:
            return self._hit_strip(row.hit, mark, ground, width)
        spans = (
            file_spans(row.hit) if row.kind == FILE else run_spans(row.hit, width, int(time.time() * 1000))
        )
        return strip_of([mark, (spans[0][0][1:], spans[0][1]), *spans[1:]], self.palette, ground, width)

    def _hit_strip(self, hit: Hit, mark: Span, ground: str, width: int) -> Strip:
        palette, number = self.palette, number_text(hit)
        room = max(1, width - len(number) - 2)
        line, found = hit_line(hit, room)
        segments = [
            Segment(mark[0], style_of(palette, mark[1], ground)),
            Segment(number, style_of(palette, "faint", ground)),
            *line_strip(line, palette, 0, len(line.text), ground, found),
        ]
        return Strip(segments).adjust_cell_length(width, style_of(palette, "text", ground))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a line; open it when it is clicked twice."""
        index = self.line_at(event)
        if index is not None:
            self.move_to(index)
            if event.chain > 1:
                self.post_message(HitOpened())
