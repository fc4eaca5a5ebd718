"""The viewer: lines of a file of any length, of which it holds a few blocks.

Without wrapping, a line is a row. With wrapping, scrolling still goes by lines, the rows of the first
line on the screen are drawn first, and there is room below the end for the last line to come to the top.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.strip import Strip

from acode_tui.document import is_error
from acode_tui.messages import BlocksNeeded, LinesRead
from acode_tui.render.ansi import Styled
from acode_tui.render.rows import cells
from acode_tui.render.strips import Range, hit_ranges, line_strip, visible_range, wrap_ranges
from acode_tui.render.styles import style_of
from acode_tui.widgets.lines import LineList

BLOCK = 128
_MAX_BLOCKS = 24


class LogView(LineList):
    """Shows blocks of lines that the screen hands in."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.wrap = False
        self.follow = False
        self.needle, self.fold = "", False
        self.hit: tuple[int, int] | None = None
        self.total, self.is_exact = 0, False
        self.notice = ""
        self.marks: Sequence[Range] = ()
        """Ranges of lines (from 1, both ends included) that are marked, such as those that no test covers."""
        self._numbers = True
        self._blocks: OrderedDict[int, Sequence[Styled]] = OrderedDict()
        self._tail: Sequence[Styled] = ()
        self._pinned = False
        self._asked: set[int] = set()
        self._partial: set[int] = set()
        self._widest = 0
        self._rows: list[tuple[int, Range]] = []

    # What the screen tells

    def clear(self, notice: str = "", numbers: bool = True) -> None:
        """Show nothing, or a notice in place of a file."""
        self._blocks.clear()
        self._asked.clear()
        self._partial.clear()
        self.total, self.is_exact, self._tail, self._widest = 0, False, (), 0
        self._pinned, self.hit, self.needle = False, None, ""
        self.notice, self._numbers, self.marks = notice, numbers, ()
        self.jump(0, 0)
        self._lay_out()

    def set_count(self, total: int, is_exact: bool, tail: Sequence[Styled]) -> None:
        """Take over how many lines there are; until that is known exactly, the last ones are at hand."""
        if is_exact and self.is_exact and total == self.total:
            return
        grown_from = min(self.total, total) if self.is_exact else 0
        was_exact, self.is_exact = self.is_exact, is_exact
        self.total, self._tail = total, tail
        if was_exact:
            stale = [n for n in self._blocks if (n + 1) * BLOCK > grown_from]
        else:
            stale = list(self._partial) if is_exact else []
        for number in stale:
            self._asked.discard(number)
        self._lay_out()
        if self.follow or self._pinned:
            self._to_end()
        if is_exact:
            self._pinned = False
        self._ask(stale)

    def add_block(self, message: LinesRead) -> None:
        """Take over lines that were read."""
        number, lines = message.block, message.lines
        self._asked.discard(number)
        if message.is_whole:
            self._partial.discard(number)
        else:
            self._partial.add(number)
        if not message.is_final and len(self._blocks.get(number, ())) == len(lines):
            return  # it is there already, in colours: plain lines would only flicker
        self._blocks[number] = lines
        self._blocks.move_to_end(number)
        while len(self._blocks) > _MAX_BLOCKS:
            self._blocks.popitem(last=False)
        widest = max(
            (len(line.text) if line.text.isascii() else cells(line.text) for line in lines), default=0
        )
        if widest > self._widest:
            self._widest = widest
            self._lay_out()
        if self.wrap and (self.follow or self._pinned):
            self._to_end()
        self._rows = []
        self.refresh()

    def set_wrap(self, wrap: bool) -> None:
        """Break long lines, or let them run out of the screen."""
        top = self.top
        self.wrap = wrap
        self._lay_out()
        self.jump(top, 0)
        self._rows = []
        self.refresh()

    def set_follow(self, follow: bool) -> None:
        """Stay at the end of a growing file, or not."""
        self.follow = follow
        if follow:
            self._to_end()

    def mark(self, needle: str, fold: bool) -> None:
        """Mark a search text wherever it is seen."""
        self.needle, self.fold, self.hit = needle, fold, None
        self.refresh()

    def show_hit(self, line: int, column: int) -> None:
        """Bring a hit into view; `column` counts bytes, which is near enough to scroll to."""
        self.hit = (line, column)
        self.set_follow(False)
        if not self.top <= line < self.top + self.rows - 1:
            self.jump(max(0, line - self.rows // 3))
        if not self.wrap:
            width = self._text_width()
            left = int(self.scroll_offset.x)
            if not left <= column < left + width - len(self.needle):
                self.jump(x=max(0, column - width // 2) if column > width - 8 else 0)
        self.refresh()

    def go_to_line(self, number: int) -> None:
        """Bring a line (from 1) to the top."""
        self.set_follow(False)
        self._pinned = False
        self.jump(number - 1)

    @property
    def line_at_cursor(self) -> int:
        """The line (from 1) that a hit is in, if it is seen; else the first one that is."""
        is_seen = self.hit is not None and self.top <= self.hit[0] < self.top + self.rows
        return self.hit[0] + 1 if self.hit is not None and is_seen else self.top + 1

    def text_at_cursor(self) -> str:
        """Return the text of that line."""
        line = self._line(self.line_at_cursor - 1)
        return line.text if line is not None else ""

    # Moving

    def move_by(self, step: int) -> None:
        """Move by lines; moving up stops following."""
        if step < 0:
            self._let_go()
        super().move_by(step)

    def go_first(self) -> None:
        """Move to the first line."""
        self._let_go()
        super().go_first()

    def go_last(self) -> None:
        """Move to the end, also while its line number is not known yet."""
        self._pinned = not self.is_exact
        self._to_end()

    def _let_go(self) -> None:
        self.follow = self._pinned = False

    def _to_end(self) -> None:
        self.jump(self._last_top() if self.wrap else self.max_scroll_y)
        self.refresh()

    def _last_top(self) -> int:
        """Return the first line of the last screen when lines are wrapped."""
        width, room = self._text_width(), self.rows
        line = self.total
        while line > 0:
            found = self._line(line - 1)
            room -= len(wrap_ranges(found.text, width)) if found else 1
            if room < 0:
                break
            line -= 1
        return min(line, self.total - 1)

    # Drawing

    @property
    def _gutter(self) -> int:
        return max(4, len(f"{self.total:,}")) + 3 if self._numbers else 1

    def _text_width(self) -> int:
        return max(1, self.scrollable_content_region.width - self._gutter - 1)

    def _lay_out(self) -> None:
        extra = max(0, self.rows - 1) if self.wrap else 0
        across = 0 if self.wrap else self._widest
        self.virtual_size = Size(across + self._gutter + 1, self.total + extra)
        self._rows = []
        self.refresh()

    def _line(self, number: int) -> Styled | None:
        if self._pinned and self._tail:
            place = number - (self.total - len(self._tail))
            return self._tail[place] if 0 <= place < len(self._tail) else None
        block = self._blocks.get(number // BLOCK)
        place = number % BLOCK
        return block[place] if block is not None and place < len(block) else None

    def render_line(self, y: int) -> Strip:
        """Draw one row of the screen."""
        width = self.scrollable_content_region.width
        blank = style_of(self.palette, "text")
        if not self.total:
            text = self.notice if y == 0 else ""
            return Strip([Segment(" " + text, style_of(self.palette, "muted"))]).adjust_cell_length(
                width, blank
            )
        number, span = self._row(y)
        if number >= self.total:
            return Strip.blank(width, blank)
        line = self._line(number)
        segments = [self._number(number, span)]
        if line is not None:
            segments += self._text(line, number, span)
        return Strip(segments).adjust_cell_length(width, blank)

    def _row(self, y: int) -> tuple[int, Range | None]:
        """Return which line, and which part of it when wrapped, is on a row of the screen."""
        if not self.wrap:
            return self.top + y, None
        if not self._rows:
            self._wrap_rows()
        return self._rows[y] if y < len(self._rows) else (self.total, (0, 0))

    def _wrap_rows(self) -> None:
        number, width = self.top, self._text_width()
        while number < self.total and len(self._rows) < self.size.height:
            line = self._line(number)
            ranges = wrap_ranges(line.text, width) if line is not None else [(0, 0)]
            self._rows += [(number, span) for span in ranges]
            number += 1

    def _number(self, number: int, span: Range | None) -> Segment:
        gutter = self._gutter
        if not self._numbers:
            return Segment(" ", style_of(self.palette, "text"))
        is_hit = self.hit is not None and self.hit[0] == number
        line = self._line(number)
        is_marked = self._is_marked(number + 1)
        if self.marks:
            mark = "accent" if is_hit else "failure" if is_marked else "faint"
        else:
            mark = "accent" if is_hit else "failure" if line is not None and is_error(line.text) else "faint"
        known = not self._pinned or self.is_exact
        text = f"{number + 1:,}" if known and (span is None or span[0] == 0) else ""
        end = "▌ " if is_marked else "  "
        return Segment(f"{text:>{gutter - 2}}{end}", style_of(self.palette, mark))

    def _is_marked(self, number: int) -> bool:
        place = bisect_right(self.marks, number, key=lambda span: span[0]) - 1
        return place >= 0 and self.marks[place][1] >= number

    def _text(self, line: Styled, number: int, span: Range | None) -> list[Segment]:
        hits = hit_ranges(line.text, self.needle, self.fold)
        if span is not None:
            return line_strip(line, self.palette, span[0], span[1], hits=hits)
        start, end, gap = visible_range(line.text, int(self.scroll_offset.x), self._text_width())
        segments = line_strip(line, self.palette, start, end, hits=hits)
        if end < len(line.text):
            # There is no bar for going sideways: it would take a line. This says that there is more.
            segments.append(Segment("›", style_of(self.palette, "accent")))  # noqa: RUF001 - an arrow
        return [Segment(" " * gap), *segments] if gap else segments

    # Blocks

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for the lines that come into view."""
        super().watch_scroll_y(old_value, new_value)
        self._rows = []
        self._ask()

    def on_resize(self, event: events.Resize) -> None:
        """Lines break elsewhere now."""
        self._lay_out()
        if self.follow:
            self._to_end()
        self._ask()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scrolling up stops following."""
        self._let_go()

    def _ask(self, again: Sequence[int] = ()) -> None:
        if not self.total or (self._pinned and not self.is_exact):
            return
        first = max(0, self.top - BLOCK // 2) // BLOCK
        last = min(self.total - 1, self.top + self.rows + BLOCK // 2) // BLOCK
        wanted = [
            number
            for number in range(first, last + 1)
            if number not in self._asked and (number not in self._blocks or number in again)
        ]
        for number in again:
            if number not in wanted:
                self._blocks.pop(number, None)
        if wanted:
            self._asked.update(wanted)
            self.post_message(BlocksNeeded(wanted))
