"""The tree of sessions: draws the lines that are on the screen, and holds no others.

The cursor belongs to a node, not to a line: whatever comes, goes or opens above it, it stays on its node,
and where it can, on its line of the screen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from textual import events
from textual.strip import Strip

from acode_tui.messages.sessions import LinesSeen, NodeChosen, NodeMoved
from acode_tui.render.sessions import is_ticking, line_spans, mark_column, title_spans, tree_layout
from acode_tui.render.strips import strip_of
from acode_tui.widgets.cursor_list import HEADER, CursorList
from acode_tui.window.sessions import Key, Line, SessionWindow


class SessionTree(CursorList):
    """Lines of a `SessionWindow`, which the screen fills."""

    def __init__(self, window: SessionWindow, id: str | None = None) -> None:
        super().__init__(id=id)
        self.window = window
        self.follow = False
        self.hold = False
        self._told: Line | None = None

    def on_mount(self) -> None:
        """Begin to tick what is running."""
        self.set_interval(1, self._tick)

    @property
    def total(self) -> int:
        """How many lines there are."""
        return self.window.rows

    @property
    def line(self) -> Line | None:
        """The line under the cursor."""
        return self.window.line(self.cursor)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw the titles, a line of the tree, or nothing."""
        width = self.scrollable_content_region.width
        layout = tree_layout(width)
        if y == 0:
            return strip_of(title_spans(layout), self.palette, "background", width)
        index = self.top + y - HEADER
        line = self.window.line(index)
        if line is None:
            return self.blank_line(y, width)
        ground, bold = "background", ""
        if index == self.cursor:
            ground, bold = ("selection" if self.has_focus else "selection_blurred"), "text"
        spans = line_spans(line, layout, int(time.time() * 1000))
        if index == self.cursor:
            spans[0] = ("▌", "accent") if self.has_focus else ("▌", "faint")
        return strip_of(spans, self.palette, ground, width, bold)

    def _tick(self) -> None:
        for index in range(self.top, min(self.top + self.rows, self.total)):
            line = self.window.line(index)
            if line is not None and is_ticking(line):
                self.refresh_row(index)

    # What the screen tells

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Let the window be changed, and keep the cursor on its node.

        With following on, a cursor on the last run of an agent stays on the last one.
        """
        before, offset, at_top = self.line, self.cursor - self.top, self.top == 0
        was_last = self.follow and not self.hold and before is not None and self._is_last_run(before)
        yield
        self.fit_height()
        if before is not None:
            row = self.window.row_of(before.key)
            if row is not None and was_last:
                row = self._last_run(row)
            # At the very top, lines that come above the cursor are seen.
            self.cursor = max(0, min(self.cursor if row is None else row, self.total - 1))
            self.jump(0 if at_top else max(0, self.cursor - offset))
            self.reveal()
        else:
            self.move_to(self.cursor)
        self._tell_if_new()
        self.lines_seen()
        self.refresh()

    def values_changed(self) -> None:
        """Draw again what is known better now; no line came or went."""
        self._tell_if_new()
        self.refresh()

    def _is_last_run(self, line: Line) -> bool:
        following = self.window.line(self.cursor + 1)
        is_run = line.key.kind == "run"
        return is_run and (following is None or not _is_beside(following.key, line.key))

    def _last_run(self, row: int) -> int:
        """Return the line of the last run of the agent whose run stands on a line."""
        line = self.window.line(row)
        if line is None or line.key.kind != "run":
            return row
        branch = self.window.branches[line.key.session_id]
        return row + (branch.runs[line.key.instance_id].total or 1) - 1 - line.key.place

    def follow_last(self) -> None:
        """Go to the last run of the agent that the cursor is at, if its runs are shown."""
        line = self.line
        if line is None:
            return
        session_id, instance_id = line.key.session_id, line.key.instance_id
        if line.key.kind == "session":
            branch = self.window.branches.get(session_id)
            if branch is None or not branch.runs:
                return
            instance_id = next(iter(branch.runs))
        row = self.window.row_of(Key("run", session_id, instance_id))
        if row is not None:
            self.move_to(self._last_run(row))

    # The cursor

    def cursor_moved(self) -> None:
        """Tell of the node under the cursor."""
        self._tell_if_new(by_itself=False)

    def _tell_if_new(self, by_itself: bool = True) -> None:
        line = self.line
        if line != self._told:
            self._told = line
            self.window.cursor = line.key if line is not None else None
            self.post_message(NodeMoved(self.window.cursor, by_itself))

    def lines_seen(self) -> None:
        """Have the screen look what is missing of what has come into view."""
        self.post_message(LinesSeen())

    def next_run(self, step: int) -> bool:
        """Put the cursor on the next or the previous run of the same agent; tell whether there is one."""
        here, there = self.line, self.window.line(self.cursor + step)
        if here is None or there is None or not _is_beside(there.key, here.key):
            return False
        self.move_to(self.cursor + step)
        return True

    def go_to_parent(self) -> None:
        """Put the cursor on what its node is in."""
        line = self.line
        row = self.window.parent_of(line.key) if line is not None else None
        if row is not None:
            self.move_to(row)

    def go_to_sibling(self, step: int) -> None:
        """Put the cursor on the next or the previous session or agent."""
        row = self.window.sibling_of(self.cursor, step)
        if row is not None:
            self.move_to(row)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a line; open or close it when its mark was clicked, or it was clicked twice."""
        index = self.line_at(event)
        if index is None:
            return
        self.move_to(index)
        line = self.line
        if line is not None:
            on_mark = line.is_open is not None and event.x in (mark_column(line), mark_column(line) + 1)
            if on_mark or event.chain > 1:
                self.post_message(NodeChosen(line.key))


def _is_beside(one: Key, other: Key) -> bool:
    return one.kind == "run" == other.kind and one[1:3] == other[1:3]
