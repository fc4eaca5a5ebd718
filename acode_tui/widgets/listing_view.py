"""A listing on the screen: tests, coverage, log entries or JSON; draws the lines that are seen."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual import events
from textual.strip import Strip

from acode_tui.messages.reports import LineChosen
from acode_tui.render.ansi import Styled
from acode_tui.render.strips import hit_ranges, line_strip, strip_of
from acode_tui.render.styles import style_of
from acode_tui.widgets.cursor_list import HEADER, CursorList
from acode_tui.window.listing import Listing, Path, Places

_NOTHING = Listing(0)


class ListingView(CursorList):
    """Lines of a `Listing`, which the screen hands in."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.listing = _NOTHING
        self.needle, self.fold = "", False
        self.hits: Sequence[Path] = ()
        self.number = 0

    @property
    def total(self) -> int:
        """How many lines there are."""
        return self.listing.total

    @property
    def path(self) -> Path | None:
        """The line under the cursor."""
        return self.listing.path(self.cursor) if 0 <= self.cursor < self.total else None

    # What the screen tells

    def show(self, listing: Listing, cursor: Path | None = None) -> None:
        """Show another listing, with the cursor on one of its lines."""
        self.listing = listing
        self.mark("", ())
        self._fit_width()
        self.fit_height()
        self.cursor = (
            max(0, min(listing.reveal(cursor or listing.first), self.total - 1)) if self.total else 0
        )
        self.fit_height()
        self.jump(max(0, self.cursor - self.rows // 3))
        self.refresh()

    def clear(self, notice: str) -> None:
        """Show a notice in place of a listing."""
        self.listing, self.cursor = _NOTHING, 0
        self.empty_text = (notice,)
        self.mark("", ())
        self.fit_height()
        self.refresh()

    def grown(self) -> None:
        """Draw again what is longer now."""
        self.fit_height()
        self.refresh()

    def mark(self, needle: str, hits: Sequence[Path]) -> None:
        """Mark a text wherever it is seen; `hits` are the lines that hold it."""
        self.needle, self.fold, self.hits = needle, needle == needle.lower(), hits
        self.refresh()

    def changing(self, change: Callable[[], object]) -> None:
        """Change what is open or how it is sorted, and keep the cursor on its line."""
        path, offset = self.path, self.cursor - self.top
        change()
        self._settle(self.listing.row(path) if path is not None else 0, offset)

    def rearrange(self, change: Callable[[], bool]) -> bool:
        """Sort or narrow the listing; tell whether it can be."""
        offset, done = self.cursor - self.top, []
        row = self.listing.rearrange(lambda: done.append(change()), self.cursor)
        if done[0]:
            self.mark("", ())
            self._settle(row, offset)
        return done[0]

    def _settle(self, row: int, offset: int) -> None:
        self.fit_height()
        self.cursor = max(0, min(row, self.total - 1))
        self.jump(max(0, self.cursor - offset))
        self.reveal()
        self.refresh()

    # Moving

    def go_to(self, path: Path) -> None:
        """Put the cursor on a line, whatever has to be opened for it; with some lines above it."""
        row = self.listing.reveal(path)
        self.fit_height()
        if not self.top <= row < self.top + self.rows - 1:
            self.jump(max(0, row - self.rows // 3))
        self.cursor = row
        self.reveal()
        self.refresh()

    def next_of(self, paths: Places, forward: bool) -> int | None:
        """Return which of some lines is the next from the cursor on; None when there is none."""
        path = self.path
        if path is None or not len(paths):
            return None
        place = bisect_right(paths, path) if forward else bisect_left(paths, path) - 1
        return place if 0 <= place < len(paths) else None

    def go_to_hit(self, number: int) -> None:
        """Put the cursor on a hit of the search, counted round."""
        self.number = number % len(self.hits)
        self.go_to(self.hits[self.number])

    def go_sideways(self, step: int) -> None:
        """Open or close a line, or go into it, or to what it is in."""
        path = self.path
        if path is None:
            return
        listing = self.listing
        if step > 0 and listing.is_open(path):
            self.move_by(1)
        elif step > 0:
            self.changing(lambda: listing.open(path))
        elif listing.is_open(path):
            self.changing(lambda: listing.close(path))
        elif len(path) > 1:
            self.move_to(listing.row(path[:-1]))

    def cursor_moved(self) -> None:
        """Tell the screen, which shows where one is."""
        self.post_message(LineChosen(is_opened=False))

    def lines_seen(self) -> None:
        """Nothing has to be read for what comes into view."""

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a line; open or close it when it was there already, or was clicked twice."""
        index = self.line_at(event)
        if index is None:
            return
        was_there = index == self.cursor
        self.move_to(index)
        if was_there or event.chain > 1:
            self.post_message(LineChosen(is_opened=True))

    # Drawing

    def on_resize(self, event: events.Resize) -> None:
        """Texts break elsewhere now."""
        self._fit_width()
        super().on_resize(event)

    def _fit_width(self) -> None:
        # The scroll bar may come with what is opened, and nothing may be cut off then.
        width = self.size.width - 1
        if width > 0 and self.total:
            self.cursor = self.listing.set_width(width, self.cursor)

    def render_line(self, y: int) -> Strip:
        """Draw the line above all others, a line of the listing, or nothing."""
        width = self.scrollable_content_region.width
        if y == 0:
            title = self.listing.title(width) if self.total else ()
            return strip_of(title, self.palette, "background", width)
        row = self.top + y - HEADER
        if row >= self.total:
            return self.blank_line(y, width)
        line = self.listing.line(self.listing.path(row), width)
        ground = "background"
        if row == self.cursor:
            ground = "selection" if self.has_focus else "selection_blurred"
            line = _with_cursor(line, "accent" if self.has_focus else "faint")
        hits = hit_ranges(line.text, self.needle, self.fold)
        segments: list[Segment] = line_strip(line, self.palette, 0, len(line.text), ground, hits)
        return Strip(segments).adjust_cell_length(width, style_of(self.palette, "text", ground))


def _with_cursor(line: Styled, ink: str) -> Styled:
    """Draw the cursor into the first cell of a line, which is blank."""
    spans = tuple((max(1, low), high, inside) for low, high, inside in line.spans if high > 1)
    return Styled("▌" + line.text[1:], ((0, 1, ink), *spans))
