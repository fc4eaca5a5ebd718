"""Viewing a file: what the threads read goes into the viewer; searching, errors, and moving between files."""

from __future__ import annotations

from acode_tui.keymap import RUN, footer_keys
from acode_tui.messages import (
    BlocksNeeded,
    ErrorFound,
    FileChosen,
    FileCounted,
    FileEntry,
    FileFailed,
    FileOpened,
    LinesRead,
    SearchMoved,
)
from acode_tui.render.format import size as format_size
from acode_tui.render.rows import Span
from acode_tui.render.safe import one_line
from acode_tui.screens.base import PaneScreen
from acode_tui.settings import Settings
from acode_tui.source.files import FileReader
from acode_tui.widgets.entry import Entry
from acode_tui.widgets.file_list import FileList
from acode_tui.widgets.log_view import LogView
from acode_tui.widgets.status_line import StatusLine
from collector import Run

STREAMS = ("output", "stdout", "stderr")


class ViewingScreen(PaneScreen):
    """The files of a run, of which one is open."""

    def __init__(self, settings: Settings, run: Run) -> None:
        super().__init__()
        self.settings = settings
        self.run = run
        self.view = LogView(id="view")
        self.files = FileList(id="files")
        self.prompt = Entry(id="prompt")
        self.status = StatusLine(footer_keys(RUN), id="status")
        self.reader = FileReader(settings.workspace, self.post_message)
        self.entries: list[FileEntry] = []
        self.entry_index = 0
        self._forget()

    def _forget(self) -> None:
        """Know nothing of any file."""
        self._token, self._bytes, self._number = -1, 0, 0
        self._kind = self._search = self._problem = ""
        self._purpose, self._below = "search", True

    # The file

    def _entry(self) -> FileEntry | None:
        return self.entries[self.entry_index] if self.entry_index < len(self.entries) else None

    def _open_file(self, index: int) -> None:
        self.entry_index = index
        self.files.show(self.entries, index)
        self._read(self.entries[index], grows=not self.run.is_finished)

    def _read(self, entry: FileEntry, grows: bool) -> None:
        self._kind, self._bytes, self._search, self._problem = "", entry.size, "", ""
        self.view.clear("reading …")
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
            self.file_opened()
            self.tell()

    def file_opened(self) -> None:
        """Go on once a file can be read."""

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
            self.lines_counted()
            self.tell()

    def lines_counted(self) -> None:
        """Go on when it is known how many lines there are."""

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

    def action_submit(self) -> None:
        """Take what is typed, once every key that is on its way has got there; else open what is shown."""
        if self.prompt.has_class("-open"):
            self._close_prompt()
            self.prompt.call_later(self._submit)
        else:
            self.open_line()

    def open_line(self) -> None:
        """Give the keys to the viewer, when the files had them."""
        self.set_focus(self.panes()[0])

    def _submit(self) -> None:
        """Search, or go to a line."""
        text = self.prompt.value
        self.prompt.remember()
        if self._purpose == "line":
            digits = "".join(c for c in text if c.isdecimal())[:15]
            if digits:
                self.go_to_line(int(digits))
        elif text:
            self._number = 0
            self._search = "searching …"
            self.search(text)
        self.tell()

    def go_to_line(self, number: int) -> None:
        """Bring a line (from 1) into view."""
        self.view.go_to_line(number)

    def search(self, text: str) -> None:
        """Mark a text, and go to its next place."""
        self.view.mark(text, text == text.lower())
        self.reader.search(text, self.view.top)

    def _open_prompt(self, purpose: str, placeholder: str) -> None:
        self._purpose = purpose
        self.prompt.placeholder = placeholder
        self.prompt.value = ""
        self.prompt.add_class("-open")
        self.set_focus(self.prompt)

    def _close_prompt(self) -> None:
        self.prompt.remove_class("-open")
        self.set_focus(self.panes()[0])

    # Actions

    def action_search(self) -> None:
        """Type what to search for."""
        self._open_prompt("search", "search here, capitals count only if you type one")

    def action_go_to_line(self) -> None:
        """Type the number of a line."""
        self._open_prompt("line", "go to line")

    def action_next_hit(self) -> None:
        """Go to the next hit; without a search, to the next failure."""
        self.go_to_hit(forward=True)

    def action_previous_hit(self) -> None:
        """Go to the previous hit; without a search, to the previous failure."""
        self.go_to_hit(forward=False)

    def go_to_hit(self, forward: bool) -> None:
        """Go to the next hit below or above."""
        if not self.view.needle:
            self.go_to_error(forward)
            return
        line, column = self.view.hit or (self.view.top, -1 if forward else 0)
        self.reader.next_hit(line, column + (1 if forward else 0), forward)

    def action_next_error(self) -> None:
        """Go to the next line that tells of a failure."""
        self.go_to_error(forward=True)

    def action_previous_error(self) -> None:
        """Go to the previous one."""
        self.go_to_error(forward=False)

    def go_to_error(self, forward: bool) -> None:
        """Go to the next failure below or above."""
        view = self.view
        seen = view.hit is not None and view.top <= view.hit[0] < view.top + view.rows
        line = view.hit[0] if view.hit is not None and seen else view.top - (1 if forward else 0)
        self._below = forward
        self.reader.next_error(line, forward)

    def on_error_found(self, message: ErrorFound) -> None:
        """Show the line, or say that there is none."""
        if message.token != self._token:
            return
        if message.line is None:
            self._search = "no error " + ("below" if self._below else "above")
        else:
            self._search = f"error in line {message.line + 1:,}"
            self.view.show_hit(message.line, 0)
        self.tell()

    def action_sideways(self, step: int) -> None:
        """Move to the left or to the right."""
        super().action_sideways(step)
        self.tell()

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
        streams = [n for n, entry in enumerate(self.entries) if entry.type in STREAMS]
        if streams:
            later = [n for n in streams if n > self.entry_index]
            self._open_file(later[0] if later else streams[0])

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
        if self.view.scroll_offset.x:
            facts.append((f"from column {int(self.view.scroll_offset.x) + 1}", "muted"))
        if self.view.wrap:
            facts.append(("wrapped", "muted"))
        self.status.show(facts)
