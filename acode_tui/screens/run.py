"""The run screen: what a run is, its files, and the viewer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from textual.app import ComposeResult
from textual.containers import Container

from acode_tui.keymap import RUN, TESTS
from acode_tui.messages import FileEntry, RunRead, StoreFailed
from acode_tui.render.found import failed_tests
from acode_tui.render.summary import header_lines
from acode_tui.screens.base import bindings_for
from acode_tui.screens.listed import Goal, ListedScreen
from acode_tui.screens.viewing import STREAMS
from acode_tui.settings import Settings
from acode_tui.widgets.lines import LineList
from acode_tui.widgets.top_line import SpanBlock
from collector import Run


class RunList(Protocol):
    """Where a run was opened: it knows the run's neighbours, and hears of what becomes of it.

    `listener` is told of the run that is under the list's cursor, whenever that is another one or changes.
    """

    listener: Callable[[Run], None] | None

    def hold(self, on: bool) -> None:
        """Keep the cursor on its run, even where it would follow what is new; or follow again."""

    def next_run(self, step: int) -> bool:
        """Put the cursor on the next or the previous run; tell whether there is one."""

    def delete_run(self, run: Run, then: Callable[[], None] | None = None) -> None:
        """Delete a run if the user says so."""

    def action_collector(self) -> None:
        """Show how the collector is doing."""


class RunScreen(ListedScreen):
    """One run of a list, which is what `home` is."""

    NAME = RUN
    BINDINGS = bindings_for(RUN)
    AUTO_FOCUS = "#view"

    def __init__(self, settings: Settings, home: RunList, run: Run, goal: Goal | None = None) -> None:
        super().__init__(settings, run)
        self._first_goal = goal
        self.home = home
        self.head = SpanBlock(id="head")

    def compose(self) -> ComposeResult:
        """Lay out the header, the files, the viewer and the bottom line."""
        yield self.head
        with Container(id="body"):
            yield self.files
            yield self.view
            yield self.listing
        yield self.prompt
        yield self.status

    def on_mount(self) -> None:
        """Begin to read."""
        self.reader.start()
        self.reports.start()
        self.home.listener = self.run_changed
        self.home.hold(True)
        self.set_interval(1, self._tick)
        self.open_run(self.run)
        self.call_after_refresh(self.settle)

    def on_unmount(self) -> None:
        """Let go of the files."""
        self._leave_listing()
        self._forget()
        self.reader.close()
        self.reports.close()
        self.home.hold(False)

    def panes(self) -> list[LineList]:
        """Return the viewer and the list of files."""
        return [self.active(), self.files]

    def current_run(self) -> Run | None:
        """Return the run that is open."""
        return self.run

    # The run

    def open_run(self, run: Run) -> None:
        """Show another run."""
        self._leave_listing()
        self.run, self.entries, self.entry_index = run, [], 0
        self._forget()
        self._show_listing(False)
        self.view.clear("reading …")
        self.files.show([], 0)
        self._show_head()
        self.reader.list_files(run)
        self.tell()

    def run_changed(self, run: Run) -> None:
        """Take over the run that the list is on now, or a newer state of the same."""
        if run.run_id != self.run.run_id:
            self.open_run(run)
        elif run != self.run:
            self.run = run
            self._show_head()
            self.reader.list_files(run)

    def on_run_read(self, message: RunRead) -> None:
        """Show the files, and open the one that tells most."""
        if message.run.run_id != self.run.run_id:
            return
        was_open = self.entries[self.entry_index] if self.entries else None
        self.run, self.entries = message.run, list(message.files)
        self._show_head()
        if was_open is not None:
            kept = [n for n, e in enumerate(self.entries) if e.path == was_open.path]
            if kept:
                self.entry_index = kept[0]
                self.files.show(self.entries, self.entry_index)
                return
        if self._first_goal is not None and self._open_goal(self._first_goal):
            return
        if self.entries:
            self._open_file(_most_telling(self.entries, self.run))
        else:
            self.files.show([], 0)
            self.view.clear("this run has no files")

    def _open_goal(self, goal: Goal) -> bool:
        """Open a file of the run as text, at a line; tell whether it is there."""
        self._first_goal = None
        for index, entry in enumerate(self.entries):
            is_it = entry.artifact_id == goal.artifact_id if goal.artifact_id else _has_path(entry, goal.path)
            if is_it and not entry.problem:
                self._raw.add(entry.path)
                self._open_file(index)
                self._raw.discard(entry.path)
                self._goal = goal
                return True
        return False

    def on_store_failed(self, message: StoreFailed) -> None:
        """Say what is wrong."""
        self._problem = message.text
        self.tell()

    def _show_head(self) -> None:
        width = max(20, self.size.width)
        lines = header_lines(self.run, width, int(time.time() * 1000), compact=self.size.height < 20)
        self.head.show_lines(lines)

    def on_resize(self) -> None:
        """Lay out the header for the new width."""
        self._show_head()

    def _tick(self) -> None:
        if not self.run.is_finished:
            self._show_head()

    # Actions

    def action_neighbour(self, step: int) -> None:
        """Open the next or the previous run of the list."""
        if not self.home.next_run(step):
            self._problem = "that was the " + ("last" if step > 0 else "first") + " run"
            self.tell()

    def action_back(self) -> None:
        """Close the prompt, the search, the maximised pane, the screen: one for each time."""
        if self.prompt.has_class("-open"):
            self._close_prompt()
        elif self.view.needle:
            self.view.mark("", fold=False)
            self._search = ""
            self.tell()
        elif not self.leave_place() and not self.unzoom():
            self.dismiss()

    def action_delete(self) -> None:
        """Ask whether to delete this run."""
        self.home.delete_run(self.run, then=self._close)

    def action_export(self) -> None:
        """Show what a bundle of this run would hold."""
        from acode_tui.screens.export import ExportDialog

        self.app.push_screen(ExportDialog(self.settings.workspace, self.run))

    def _close(self) -> None:
        self.dismiss()

    def action_collector(self) -> None:
        """Show how the collector is doing."""
        self.home.action_collector()


def _has_path(entry: FileEntry, path: str) -> bool:
    return entry.path == path or entry.path.endswith("/" + path)


def _most_telling(entries: list[FileEntry], run: Run) -> int:
    """Return which file to open first: the tests, if some failed in a failed run, else what was printed."""
    if run.is_failed and failed_tests(run.summary):
        for index, entry in enumerate(entries):
            if entry.view == TESTS and not entry.problem:
                return index
    for kind in STREAMS:
        for index, entry in enumerate(entries):
            if entry.type == kind and (entry.size or not run.is_finished):
                return index
    return 0
