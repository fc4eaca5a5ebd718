"""Viewing a file as what it holds: test results, coverage, log entries and JSON as listings."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from textual.app import SuspendNotSupported

from acode_tui.keymap import COVERAGE, LOGS, RUN, TESTS, TEXT, TREE, footer_keys
from acode_tui.messages import FileEntry
from acode_tui.messages.reports import (
    EntriesRead,
    LineChosen,
    ListingFailed,
    ListingRead,
    ListingSearched,
    PrintedFound,
    SourceLocated,
)
from acode_tui.render.rows import Span
from acode_tui.render.safe import is_safe, one_line, text_of
from acode_tui.screens.viewing import STREAMS, ViewingScreen
from acode_tui.settings import Settings
from acode_tui.source.place import editor_command
from acode_tui.source.reports import ReportReader
from acode_tui.terminal import run_in_terminal
from acode_tui.widgets.listing_view import ListingView
from acode_tui.widgets.log_view import LogView
from acode_tui.window.coverage import CoverageListing
from acode_tui.window.entries import EntryListing
from acode_tui.window.json_tree import JsonListing
from acode_tui.window.listing import Listing, Path
from acode_tui.window.tests import TestListing
from collector import Run

_MOST_KEPT = 8
_NAMES = {TESTS: "test results", COVERAGE: "coverage", LOGS: "log entries", TREE: "JSON", "output": "output"}
_NOTHING = {
    TESTS: "no tests in this report", COVERAGE: "no files in this report", LOGS: "no log entries",
    TREE: "empty",
}  # fmt: skip


class Goal(NamedTuple):
    """Where to go in a file once it is read: a line (from 1), or where a failed test was printed.

    `path` or `artifact_id` say in which file, where that is not the one that is opened; `text` is marked
    and searched for from there on.
    """

    line: int = 0
    name: str = ""
    message: str = ""
    path: str = ""
    artifact_id: str | None = None
    text: str = ""


class Kept(NamedTuple):
    """A listing as it was left."""

    listing: Listing
    cursor: Path | None
    problem: str


class ListedScreen(ViewingScreen):
    """The files of a run, each as text or as what it holds."""

    def __init__(self, settings: Settings, run: Run) -> None:
        self.listing = ListingView(id="listing")
        self.reports = ReportReader(settings.workspace, self.post_message)
        self._kept: dict[tuple[str, int], Kept] = {}
        super().__init__(settings, run)

    def _forget(self) -> None:
        super()._forget()
        self.reports.let_go([kept.listing for kept in self._kept.values()])
        self._kept.clear()
        self._raw: set[str] = set()
        self._report_token = -1
        self._source: FileEntry | None = None
        self._uncovered: tuple[tuple[int, int], ...] = ()
        self._goal: Goal | None = None
        self._back_to: int | None = None

    @property
    def is_listed(self) -> bool:
        """Whether a listing is shown, and not the text of a file."""
        return self.has_class("-listed")

    def active(self) -> LogView | ListingView:
        """Return the one of both that is shown."""
        return self.listing if self.is_listed else self.view

    def _entry(self) -> FileEntry | None:
        return self._source or super()._entry()

    def say(self, text: str) -> None:
        """Say something in the bottom line, until something else is done."""
        self._search = text
        self.tell()

    # Files

    def _open_file(self, index: int) -> None:
        self._leave_listing()
        self._source, self._goal, self._back_to, self._uncovered = None, None, None, ()
        entry = self.entries[index]
        is_listed = entry.view != TEXT and entry.path not in self._raw and not entry.problem
        self._show_listing(is_listed)
        if not is_listed:
            super()._open_file(index)
            return
        self.entry_index, self._search, self._problem, self._token = index, "", "", -1
        self.files.show(self.entries, index)
        kept = self._kept.get((entry.path, entry.size))
        if kept is not None:
            self._problem = kept.problem
            self._show(kept.listing, kept.cursor)
        else:
            self.listing.clear("reading …")
            self._report_token = self.reports.open(entry, self.run.working_directory)
        self.tell()

    def _show_listing(self, is_listed: bool) -> None:
        """Show a listing, or the text of a file, in the same place."""
        before = self.active()
        had_focus = self.focused is before
        self.set_class(is_listed, "-listed")
        if self.active() is not before:
            self.active().set_class(before.has_class("-zoomed"), "-zoomed")
            before.remove_class("-zoomed")
            if had_focus:
                self.set_focus(self.active())
        if not is_listed:
            self.status.show_keys(footer_keys(RUN))

    def _show(self, listing: Listing, cursor: Path | None = None) -> None:
        self.listing.empty_text = (_NOTHING.get(listing.view, ""),)
        self.listing.show(listing, cursor)
        self.status.show_keys(footer_keys(RUN, listing.view))

    def _leave_listing(self) -> None:
        """Keep a listing as it is left, to come back to."""
        self._report_token = -1
        entry, listing = super()._entry(), self.listing.listing
        if not self.is_listed or entry is None or not listing.total or not listing.is_complete:
            return
        self._kept.pop((entry.path, entry.size), None)
        self._kept[entry.path, entry.size] = Kept(listing, self.listing.path, self._problem)
        while len(self._kept) > _MOST_KEPT:
            oldest = next(iter(self._kept))
            self.reports.let_go([self._kept.pop(oldest).listing])

    def on_listing_read(self, message: ListingRead) -> None:
        """Show what a file holds."""
        if message.token == self._report_token:
            self._problem = message.problem
            self._show(message.listing)
            self.tell()

    def on_listing_failed(self, message: ListingFailed) -> None:
        """Show the text of a file that does not hold what it should, where it breaks."""
        if message.token != self._report_token:
            return
        index, path = self.entry_index, self.entries[self.entry_index].path
        self._raw.add(path)
        self._open_file(index)
        self._raw.discard(path)
        self._problem = message.problem
        self._goal = Goal(message.line) if message.line else None
        self.tell()

    def on_entries_read(self, message: EntriesRead) -> None:
        """Add log entries to those that are shown."""
        listing = self.listing.listing
        if message.token == self._report_token and isinstance(listing, EntryListing):
            listing.add(message.batch)
            listing.is_complete = message.is_complete
            self.listing.grown()
            self.tell()

    # Places in the text

    def file_opened(self) -> None:
        """Look for what was printed, if that is why the file was opened."""
        if self._goal is not None and not self._goal.line:
            self.reader.find_printed(self._goal.name, self._goal.message)

    def lines_counted(self) -> None:
        """Go to the line because of which the file was opened, once it is counted."""
        self.view.marks = self._uncovered
        goal = self._goal
        if goal is not None and goal.line and (self.view.is_exact or self.view.total > 2 * goal.line):
            self._goal = None
            line = min(goal.line, self.view.total) - 1
            self._go_to_text(line)
            if goal.text and is_safe(goal.text):
                self.call_after_refresh(self._search_from, goal.text, line)

    def _search_from(self, text: str, line: int) -> None:
        """Mark a text, and count its places; the one in a line (from 0) is the one to begin with."""
        self.view.mark(text, text == text.lower())
        self.reader.search(text, line)

    def _go_to_text(self, line: int) -> None:
        """Bring a line (from 0) into view; the text may just have taken the place of a listing."""
        self.call_after_refresh(self.view.show_hit, line, 0)

    def on_printed_found(self, message: PrintedFound) -> None:
        """Show where a failure was printed."""
        if message.token != self._token or self._goal is None:
            return
        name, self._goal = self._goal.name, None
        if message.line is None:
            self.say(f"not found in the output: {one_line(name, 60)}")
        else:
            self._go_to_text(message.line)
            self.say(f"printed in line {message.line + 1:,}")

    def _go_to_output(self, stream: str, goal: Goal) -> None:
        """Open a stream at a place; going back leads here again."""
        kinds = (stream, *STREAMS)
        found = [n for kind in kinds for n, e in enumerate(self.entries) if e.type == kind and not e.problem]
        if not found:
            self.say("there is no output")
            return
        back_to = self.entry_index
        self._open_file(found[0])
        self._goal, self._back_to = goal, back_to

    # Searching and failures

    def search(self, text: str) -> None:
        """Search what is shown."""
        path = self.listing.path
        if not self.is_listed:
            super().search(text)
        elif path is not None:
            self.listing.mark(text, ())
            self.reports.search(self.listing.listing, text, path)

    def on_listing_searched(self, message: ListingSearched) -> None:
        """Show the first hit from the cursor on."""
        if message.token != self.reports.token or message.needle != self.listing.needle or not self.is_listed:
            return
        self.listing.mark(message.needle, message.hits)
        if message.hits:
            self._go_to_listed_hit(message.number)
        else:
            self.say("no hits")

    def _go_to_listed_hit(self, number: int) -> None:
        listing = self.listing
        listing.go_to_hit(number)
        self.say(f"hit {listing.number + 1:,} of {len(listing.hits):,}")

    def go_to_hit(self, forward: bool) -> None:
        """Go to the next hit below or above, going round."""
        if not self.is_listed:
            super().go_to_hit(forward)
        elif self.listing.hits:
            place = self.listing.next_of(self.listing.hits, forward)
            self._go_to_listed_hit(place if place is not None else 0 if forward else -1)
        elif not self.listing.needle:
            self.go_to_error(forward)

    def go_to_error(self, forward: bool) -> None:
        """Go to the next failed test, error, or line that is not covered."""
        if self.is_listed:
            failures = self.listing.listing.failures()
            place = self.listing.next_of(failures, forward)
            if place is None:
                self.say("no failure " + ("below" if forward else "above"))
            else:
                self.listing.go_to(failures[place])
                self.say(f"failure {place + 1:,} of {len(failures):,}")
        elif self._source is not None and self._uncovered:
            self._go_to_uncovered(forward)
        else:
            super().go_to_error(forward)

    def _go_to_uncovered(self, forward: bool) -> None:
        here = self.view.hit[0] + 1 if self.view.hit is not None else self.view.top + (0 if forward else 1)
        starts = [low for low, _high in self._uncovered]
        found = [low for low in starts if low > here] if forward else [low for low in starts if low < here]
        if not found:
            self.say("nothing uncovered " + ("below" if forward else "above"))
            return
        line = found[0] if forward else found[-1]
        self.view.show_hit(min(line, self.view.total) - 1, 0)
        self.say(f"not covered: {starts.index(line) + 1:,} of {len(starts):,}")

    def go_to_line(self, number: int) -> None:
        """Bring a line (from 1) into view."""
        if self.is_listed:
            self.listing.move_to(number - 1)
        else:
            super().go_to_line(number)

    def on_line_chosen(self, message: LineChosen) -> None:
        """Say where the cursor is now; open the line if it was clicked."""
        self._search = ""
        if message.is_opened:
            self.open_line()
        self.tell()

    # Actions

    def open_line(self) -> None:
        """Open or close what is under the cursor, or go where it leads."""
        listing, path = self.listing.listing, self.listing.path
        if self.focused is self.files or not self.is_listed or path is None:
            super().open_line()
        elif isinstance(listing, EntryListing) and len(path) == 1:
            self.action_printed()
        elif isinstance(listing, CoverageListing) and len(path) == 1:
            self._locate("show")
        else:
            self._toggle(listing, path)

    def _toggle(self, listing: Listing, path: Path) -> None:
        if not listing.is_open(path) and not listing.has_below(path):
            path = path[:-1] if len(path) > 1 and not isinstance(listing, JsonListing) else path
        if listing.is_open(path):
            self.listing.changing(lambda: listing.close(path))
        else:
            self.listing.changing(lambda: listing.open(path))

    def action_show(self, view: str) -> None:
        """Show the output, or the next file of a kind."""
        if view == "output":
            found = [n for kind in STREAMS for n, e in enumerate(self.entries) if e.type == kind]
        else:
            found = [n for n, entry in enumerate(self.entries) if entry.view == view]
        later = [n for n in found if n > self.entry_index] if view == TREE else []
        if found:
            self._open_file((later or found)[0])
        else:
            self.say(f"this run has no {_NAMES[view]}")

    def action_narrow(self) -> None:
        """Show less: what failed, what is not covered, the next level; or all again."""
        if self.is_listed and self.listing.rearrange(self.listing.listing.narrow):
            self.say("")

    def action_sort(self) -> None:
        """Sort another way."""
        if self.is_listed and self.listing.rearrange(self.listing.listing.sort):
            self.say("")

    def action_unfold_all(self) -> None:
        """Open everything below a line."""
        listing, path, done = self.listing.listing, self.listing.path, []
        if self.is_listed and path is not None:
            self.listing.changing(lambda: done.append(listing.open_all(path)))
            self.say("" if done[0] else "the nearest lines are open; the rest would be too many at once")

    def action_fold_all(self) -> None:
        """Close everything below a line."""
        listing, path = self.listing.listing, self.listing.path
        if self.is_listed and path is not None:
            self.listing.changing(lambda: listing.close(path))

    def action_raw(self) -> None:
        """Show a file as text, or as what it holds."""
        entry = self._entry()
        if entry is None or entry.view == TEXT:
            self.say("this is text already")
            return
        self._raw ^= {entry.path}
        self._open_file(self.entry_index)

    def action_printed(self) -> None:
        """Go to where a failure or an entry was printed."""
        listing, path = self.listing.listing, self.listing.path
        if not self.is_listed or path is None:
            return
        if isinstance(listing, EntryListing):
            entry = listing.entry(path)
            self._go_to_output(text_of(entry.stream), Goal(_line_of(entry.line) or 1))
        elif isinstance(listing, TestListing):
            case = listing.case(path)
            if case is not None:
                goal = Goal(0, text_of(case.name, 1000), text_of(case.message, 1000))
                self._go_to_output(STREAMS[0], goal)

    def action_copy_value(self) -> None:
        """Put what is under the cursor into the clipboard."""
        path = self.listing.path
        if self.is_listed:
            self._copy(self.listing.listing.value(path) if path is not None else "", "too much to copy")
        else:
            self._copy(self.view.text_at_cursor(), "nothing to copy")

    def action_copy_place(self) -> None:
        """Put where it is into the clipboard."""
        path = self.listing.path
        if self.is_listed:
            self._copy(self.listing.listing.where(path) if path is not None else "", "it does not say where")
        else:
            entry = self._entry()
            self._copy(f"{entry.title}:{self.view.line_at_cursor}" if entry is not None else "", "")

    def _copy(self, text: str, problem: str) -> None:
        if text:
            self.app.copy_to_clipboard(text)
            self.app.notify(f"copied: {one_line(text, 60)}", timeout=2, markup=False)
        else:
            self.say(problem)

    # The source

    def action_edit(self) -> None:
        """Open the place in the source in the user's editor."""
        if self._source is not None:
            self._edit(self._source.path, self.view.line_at_cursor)
        else:
            self._locate("edit")

    def _locate(self, purpose: str) -> None:
        """Have the source file looked for that is named under the cursor."""
        listing, path = self.listing.listing, self.listing.path
        file, line = "", None
        if self.is_listed and path is not None and isinstance(listing, TestListing):
            case = listing.case(path)
            place = case.location if case is not None else None
            file, line = (str(place.file), place.line) if place is not None else ("", None)
        elif self.is_listed and path is not None and isinstance(listing, CoverageListing):
            item, ranges = listing.file(path), listing.uncovered(path)
            file, line = str(item.path) if item is not None else "", ranges[0][0] if ranges else None
        if file:
            self.reports.locate(file, _line_of(line), self.run, purpose)
        else:
            self.say("it does not say where in the source")

    def on_source_located(self, message: SourceLocated) -> None:
        """Show the source, or open it in the editor."""
        if message.path is None:
            self.say(f"not in the run's folder: {one_line(message.file, 100)}")
        elif message.purpose == "edit":
            self._edit(message.path, message.line)
        else:
            self._show_source(message)

    def _show_source(self, message: SourceLocated) -> None:
        listing, path = self.listing.listing, self.listing.path
        if not self.is_listed or path is None or not isinstance(listing, CoverageListing):
            return
        ranges = tuple(listing.uncovered(path))
        back_to = self.entry_index
        self._leave_listing()
        self._show_listing(False)
        self._source = FileEntry(message.file, "source", str(message.path), message.size)
        self._uncovered, self._back_to, self._goal = (
            ranges,
            back_to,
            Goal(message.line) if message.line else None,
        )
        self._read(self._source, grows=False)

    def _edit(self, path: str, line: int | None) -> None:
        command = editor_command(os.environ, path, line)
        if command is None:
            self.say("no editor: set EDITOR")
            return
        try:
            with self.app.suspend():
                status = run_in_terminal(command, sys.stdin.fileno(), sys.stderr.fileno())
        except SuspendNotSupported:
            self.say("an editor cannot be opened here")
        except (OSError, ValueError) as error:
            self.say(one_line(f"cannot start {command[0]}: {getattr(error, 'strerror', None) or error}", 200))
        else:
            self.say(f"{one_line(command[0], 60)} ended with {status}" if status else "")

    # The bottom line

    def leave_place(self) -> bool:
        """Take away a search, or go back to the listing from where one came; tell whether there was one."""
        if self.is_listed and self.listing.needle:
            self.listing.mark("", ())
            self.say("")
            return True
        if self._back_to is None or self._back_to >= len(self.entries):
            return False
        self._open_file(self._back_to)
        return True

    def tell(self) -> None:
        """Say what is open, and where in it one is."""
        if not self.is_listed:
            super().tell()
            return
        entry, listing, path = self._entry(), self.listing.listing, self.listing.path
        facts: list[Span] = []
        if self._problem:
            facts.append((one_line(self._problem), "failure"))
        elif self._search:
            facts.append((self._search, "accent"))
        if entry is not None:
            facts.append((one_line(entry.title, 40), "text"))
        facts += listing.facts()
        if isinstance(listing, JsonListing) and path is not None:
            facts.append((one_line(listing.where(path), 200), "muted"))
        self.status.show(facts)


def _line_of(value: object) -> int | None:
    """Return the number of a line that a report tells, if it is one."""
    return value if isinstance(value, int) and value > 0 else None
