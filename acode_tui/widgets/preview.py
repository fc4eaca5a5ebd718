"""The preview: what a run is, and the end of what it printed; or facts of something else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip

from acode_tui.messages import PreviewRead
from acode_tui.render.ansi import Styled
from acode_tui.render.format import size as format_size
from acode_tui.render.strips import line_strip, visible_range
from acode_tui.render.styles import style_of
from acode_tui.render.summary import nothing_printed, rule, summary_lines
from acode_tui.render.why import why_block
from acode_tui.widgets.lines import LineList
from collector import Run

_LOW = 14
"""In a lower preview of a failed run, why it failed takes the place of most facts."""
Facts = Callable[[int, int], Sequence[Styled]]
"""Makes the lines that say what something is, given the width and the present."""


class Preview(LineList):
    """A run's summary, pinned, above the end of its output; or facts, which scroll."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.run: Run | None = None
        self.stream = "output"
        self._facts: Facts | None = None
        self._ticks = False
        self._summary: list[Styled] = []
        self._lines: Sequence[Styled] = ()
        self._bytes = 0
        self._note = ""
        self._why: Sequence[Styled] = ()
        self._at_end = True

    def on_mount(self) -> None:
        """Begin to tick a running run's duration."""
        self.set_interval(1, self._tick)

    def show_run(self, run: Run | None, stream: str) -> None:
        """Show another run; its output comes later."""
        changed = run is None or self.run is None or run.run_id != self.run.run_id
        if changed or stream != self.stream:
            self._lines, self._bytes, self._note, self._at_end, self._why = (), 0, "", True, ()
        self.run, self.stream, self._facts = run, stream, None
        self._ticks = run is not None and not run.is_finished
        self._lay_out()

    def show_facts(self, facts: Facts, ticks: bool, is_new: bool) -> None:
        """Show what something is, from its beginning if it is `is_new`; `ticks` makes it anew each second."""
        self.run, self._facts, self._ticks = None, facts, ticks
        self._lay_out()
        if is_new:
            self.jump(0)

    def show_output(self, message: PreviewRead) -> None:
        """Show the end of the output, and stay at its end unless the reader has scrolled up."""
        at_end = self._at_end or self.top >= self.max_scroll_y
        self.stream, self._lines, self._bytes = message.stream, message.lines, message.size
        self._note, self._why = message.note, message.why
        self._at_end = at_end
        self._lay_out()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Remember whether the reader wants to stay at the end."""
        super().watch_scroll_y(old_value, new_value)
        self._at_end = new_value >= self.max_scroll_y

    def on_resize(self) -> None:
        """The command may take more lines, or fewer."""
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        # The scroll bar may come with what is laid out here, and nothing may be cut off then.
        width -= 0 if self.show_vertical_scrollbar else 1
        self._summary = []
        now = int(time.time() * 1000)
        if self._facts is not None:
            self._lines, self._note = self._facts(width - 2, now), ""
        elif self.run is not None:
            height = self.size.height
            is_low = bool(self._why) and height < _LOW
            self._summary = summary_lines(self.run, width, now, 3 if is_low else height // 2)
            what = f"{self.stream} · {format_size(self._bytes)}" if self._bytes else self.stream
            self._summary += why_block(self._why, width, max(height // 3, min(4, height // 2)))
            self._summary.append(rule(what, width))
        self.virtual_size = Size(width, len(self._summary) + len(self._body()))
        if self._at_end and self._facts is None:
            self.jump(self.max_scroll_y)
        self.refresh()

    def _body(self) -> Sequence[Styled]:
        if self._lines or self.run is None:
            return self._lines
        if self._note:
            return (Styled(self._note, ((0, len(self._note), "failure"),)),)
        text = nothing_printed(self.run)
        return (Styled(text, ((0, len(text), "faint"),)),)

    def _tick(self) -> None:
        if self._ticks and self.size.width:
            self._lay_out()

    def render_line(self, y: int) -> Strip:
        """Draw a line of the summary, which stays, or of the output, which scrolls."""
        width = self.scrollable_content_region.width
        blank = style_of(self.palette, "text")
        body = self._body()
        if y < len(self._summary):
            line = self._summary[y]
        else:
            place = self.top + y - len(self._summary)
            if place >= len(body):
                return Strip.blank(width, blank)
            line = body[place]
        start, end, gap = visible_range(line.text, 0, width - 2)
        segments = [Segment(" " * (1 + gap), blank), *line_strip(line, self.palette, start, end)]
        return Strip(segments).adjust_cell_length(width, blank)
