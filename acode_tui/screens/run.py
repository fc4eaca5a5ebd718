"""The run screen: what a run is, its files, and the viewer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container

from acode_tui.keymap import RUN, footer_keys
from acode_tui.messages import (
    BlocksNeeded,
    FileChosen,
    FileCounted,
    FileEntry,
    FileFailed,
    FileOpened,
    LinesRead,
    RunRead,
    SearchMoved,
    StoreFailed,
)
from acode_tui.render.format import size as format_size
from acode_tui.render.rows import Span
from acode_tui.render.safe import one_line
from acode_tui.render.summary import header_lines
from acode_tui.screens.base import PaneScreen, bindings_for
from acode_tui.settings import Settings
from acode_tui.source import FileReader
from acode_tui.widgets.entry import Entry
from acode_tui.widgets.file_list import FileList
from acode_tui.widgets.lines import LineList
from acode_tui.widgets.log_view import LogView
from acode_tui.widgets.status_line import StatusLine
from acode_tui.widgets.top_line import SpanBlock
from collector import Run

if TYPE_CHECKING:
    from acode_tui.screens.runs import RunsScreen

_STREAMS = ("output", "stdout", "stderr")


class RunScreen(PaneScreen):
    """One run of the list; `home` knows its neighbours."""

    NAME = RUN
    BINDINGS = bindings_for(RUN)
    AUTO_FOCUS = "#view"

    def __init__(self, settings: Settings, home: RunsScreen, run: Run) -> None:
        super().__init__()
        self.settings = settings
        self.home = home
        self.run = run
        self.view = LogView(id="view")
        self.files = FileList(id="files")
        self.prompt = Entry(id="prompt")
        self.head = SpanBlock(id="head")
        self.status = StatusLine(footer_keys(RUN), id="status")
        self.reader = FileReader(settings.workspace, self.post_message)
        self.entries: list[FileEntry] = []
        self.entry_index = 0
        self._token = -1
        self._kind = ""
        self._bytes = 0
        self._search = ""
        self._problem = ""
        self._purpose = "search"

    def compose(self) -> ComposeResult:
        """Lay out the header, the files, the viewer and the bottom line."""
        yield self.head
        with Container(id="body"):
            yield self.files
            yield self.view
        yield self.prompt
        yield self.status

    def on_mount(self) -> None:
        """Begin to read."""
        self.reader.start()
        self.home.listener = self.run_changed
        self.home.table.hold = True
        self.set_interval(1, self._tick)
        self.open_run(self.run)
        self.call_after_refresh(self.settle)

    def on_unmount(self) -> None:
        """Let go of the file."""
        self.reader.close()
        self.home.table.hold = False

    def panes(self) -> list[LineList]:
        """Return the viewer and the list of files."""
        return [self.view, self.files]

    def current_run(self) -> Run | None:
        """Return the run that is open."""
        return self.run

    # The run

    def open_run(self, run: Run) -> None:
        """Show another run."""
        self.run, self.entries, self.entry_index = run, [], 0
        self._token, self._search, self._problem, self._kind = -1, "", "", ""
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
        was_open = self._entry()
        self.run, self.entries = message.run, list(message.files)
        self._show_head()
        if was_open is not None:
            kept = [n for n, e in enumerate(self.entries) if e.path == was_open.path]
            if kept:
                self.entry_index = kept[0]
                self.files.show(self.entries, self.entry_index)
                return
        if self.entries:
            self._open_file(_most_telling(self.entries, self.run))
        else:
            self.files.show([], 0)
            self.view.clear("this run has no files")

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

    # The file

    def _entry(self) -> FileEntry | None:
        return self.entries[self.entry_index] if self.entry_index < len(self.entries) else None

    def _open_file(self, index: int) -> None:
        self.entry_index = index
        entry = self.entries[index]
        self._kind, self._bytes, self._search, self._problem = "", entry.size, "", ""
        self.files.show(self.entries, index)
        self.view.clear("reading …")
        grows = not self.run.is_finished
        self.view.follow = grows
        self._token = self.reader.open(entry, grows)
        self.tell()

    def on_file_chosen(self, message: FileChosen) -> None:
        """Open another file."""
        self._open_file(message.index)

    def on_file_opened(self, message: FileOpened) -> None:
        """Take note of what kind of file it is."""
        if message.token == self._token:
            self._kind, self._bytes = message.kind, message.size
            self.view.clear("empty" if not message.size else "", numbers=message.kind != "binary")
            self.view.follow = not self.run.is_finished
            self.tell()

    def on_file_failed(self, message: FileFailed) -> None:
        """Say why it cannot be read."""
        if message.token == self._token:
            self.view.clear(f"cannot read it: {one_line(message.problem)}")
            self._problem = message.problem
            self.tell()

    def on_file_counted(self, message: FileCounted) -> None:
        """Take over how many lines there are."""
        if message.token == self._token:
            self._bytes = message.size
            if not message.lines:
                self.view.notice = "nothing here yet" if not self.run.is_finished else "empty"
            self.view.set_count(message.lines, message.is_exact, message.tail)
            self.tell()

    def on_lines_read(self, message: LinesRead) -> None:
        """Show lines."""
        if message.token == self._token:
            self.view.add_block(message)

    def on_blocks_needed(self, message: BlocksNeeded) -> None:
        """Read lines that came into view."""
        self.reader.read_blocks(message.numbers)

    # Searching

    def on_search_moved(self, message: SearchMoved) -> None:
        """Show how many hits there are, and the one that was asked for."""
        if message.token != self._token or message.needle != self.view.needle:
            return
        more = "" if message.is_complete else "+"
        if message.line is not None:
            self.view.show_hit(message.line, message.column)
            self._number = message.number
        if message.total:
            self._search = f"hit {self._number + 1:,} of {message.total:,}{more}"
        else:
            self._search = "no hits" if message.is_complete else "searching …"
        self.tell()

    _number = 0

    def action_submit(self) -> None:
        """Take what is typed, once every key that is on its way has got there."""
        if self.prompt.has_class("-open"):
            self._close_prompt()
            self.prompt.call_later(self._submit)

    def _submit(self) -> None:
        """Search, or go to a line."""
        text = self.prompt.value
        self.prompt.remember()
        if self._purpose == "line":
            digits = "".join(c for c in text if c.isdigit())
            if digits:
                self.view.go_to_line(int(digits))
        elif text:
            self._number = 0
            self._search = "searching …"
            self.view.mark(text, text == text.lower())
            self.reader.search(text, self.view.top)
        self.tell()

    def _open_prompt(self, purpose: str, placeholder: str) -> None:
        self._purpose = purpose
        self.prompt.placeholder = placeholder
        self.prompt.value = ""
        self.prompt.add_class("-open")
        self.set_focus(self.prompt)

    def _close_prompt(self) -> None:
        self.prompt.remove_class("-open")
        self.set_focus(self.view)

    # Actions

    def action_search(self) -> None:
        """Type what to search for."""
        self._open_prompt("search", "search in this file, capitals count only if you type one")

    def action_go_to_line(self) -> None:
        """Type the number of a line."""
        self._open_prompt("line", "go to line")

    def action_next_hit(self) -> None:
        """Go to the next hit."""
        self._next_hit(forward=True)

    def action_previous_hit(self) -> None:
        """Go to the previous hit."""
        self._next_hit(forward=False)

    def _next_hit(self, forward: bool) -> None:
        if self.view.needle:
            line, column = self.view.hit or (self.view.top, -1 if forward else 0)
            self.reader.next_hit(line, column + (1 if forward else 0), forward)

    def action_wrap(self) -> None:
        """Break long lines, or not."""
        self.view.set_wrap(not self.view.wrap)
        self.tell()

    def action_follow(self) -> None:
        """Stay at the end of a growing file, or not."""
        self.view.set_follow(not self.view.follow)
        self.tell()

    def action_artifact(self, step: int) -> None:
        """Open the next or the previous file."""
        if self.entries:
            self._open_file((self.entry_index + step) % len(self.entries))

    def action_stream(self) -> None:
        """Open the next stream."""
        streams = [n for n, entry in enumerate(self.entries) if entry.type in _STREAMS]
        if streams:
            later = [n for n in streams if n > self.entry_index]
            self._open_file(later[0] if later else streams[0])

    def action_neighbour(self, step: int) -> None:
        """Open the next or the previous run of the list."""
        before = self.home.table.cursor
        self.home.table.move_by(step)
        if self.home.table.cursor == before:
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
        elif not self.unzoom():
            self.dismiss()

    def action_delete(self) -> None:
        """Ask whether to delete this run."""
        self.home.delete_run(self.run, then=self._close)

    def _close(self) -> None:
        self.dismiss()

    def action_collector(self) -> None:
        """Show how the collector is doing."""
        self.home.action_collector()

    # The bottom line

    def tell(self) -> None:
        """Say what is open, and where in it one is."""
        entry = self._entry()
        facts: list[Span] = []
        if self._problem:
            facts.append((one_line(self._problem), "failure"))
        elif self._search:
            facts.append((self._search, "accent"))
        if entry is not None:
            facts.append((one_line(entry.title, 40), "text"))
            about = "" if self.view.is_exact else "~"
            if self._kind == "binary":
                facts.append(("binary", "muted"))
            elif self.view.total:
                facts.append((f"{about}{self.view.total:,} lines", "muted"))
            facts.append((format_size(self._bytes), "muted"))
        if self.view.follow:
            facts.append(("following", "success"))
        if self.view.wrap:
            facts.append(("wrapped", "muted"))
        self.status.show(facts)


def _most_telling(entries: list[FileEntry], run: Run) -> int:
    """Return which file to open first: what was printed; of a failed run, where it was printed."""
    for kind in _STREAMS:
        for index, entry in enumerate(entries):
            if entry.type == kind and (entry.size or not run.is_finished):
                return index
    return 0
