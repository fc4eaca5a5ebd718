"""Reads test results, coverage, log entries and JSON of a run, and searches them. One thread.

A file that does not hold what its name says is shown as what it is: as JSON, else as text.
"""

from __future__ import annotations

import gc
import json
import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from acode_tui.document import Content
from acode_tui.keymap import COVERAGE, LOGS, TESTS
from acode_tui.messages import FileEntry
from acode_tui.messages.reports import (
    EntriesRead,
    ListingFailed,
    ListingRead,
    ListingSearched,
    SourceLocated,
)
from acode_tui.render.format import size as format_size
from acode_tui.render.json_rows import Json
from acode_tui.source.desk import Desk, Post
from acode_tui.source.open import Unreadable, open_entry
from acode_tui.source.place import source_path
from acode_tui.window.coverage import CoverageListing
from acode_tui.window.entries import EntryListing, batch_of
from acode_tui.window.json_tree import Broken, JsonListing, let_go, parse_json, parse_record
from acode_tui.window.listing import Branch, Listing
from acode_tui.window.listing import Path as LinePath
from acode_tui.window.tests import TestListing
from collector import AcodeError, CoverageReport, LogEntry, Run, TestReport, Workspace

MAX_BYTES = 64 * 1024 * 1024
"""A bigger file is shown as text: as values it would take ten times its size."""
_CHUNK = 1 << 20
_BATCH = 10_000
_BIG = 1 << 20


class ReportReader:
    """Reads one listing after the other; every answer carries the token of what it answers."""

    def __init__(self, workspace: Workspace, post: Post) -> None:
        self.token = 0
        self._desk = Desk("acode-reports", workspace, post)

    def start(self) -> None:
        """Begin to work."""
        self._desk.start()

    def close(self) -> None:
        """Stop."""
        self.token += 1
        self._desk.close()
        self._desk.join()

    def open(self, entry: FileEntry) -> int:
        """Read what a file holds; return the token of the answer."""
        self.token += 1
        token = self.token
        self._desk.submit(lambda: self._open(token, entry))
        return token

    def search(self, listing: Listing, needle: str, path: LinePath) -> None:
        """Search a listing from a line on."""
        token, fold, find = self.token, needle == needle.lower(), listing.search()

        def job() -> None:
            hits = find(needle, fold)
            number = bisect_left(hits, path)
            self._desk.post(ListingSearched(token, needle, hits, number if number < len(hits) else 0))

        self._desk.submit(job)

    def locate(self, file: str, line: int | None, run: Run, purpose: str) -> None:
        """Find a source file that a report of a run names."""
        root = self._desk.workspace.root

        def job() -> None:
            path = source_path(file, run.working_directory, root)
            try:
                size = Path(path).stat().st_size if path else 0
            except OSError:
                path, size = None, 0
            self._desk.post(SourceLocated(file, path, size, line, purpose))

        self._desk.submit(job)

    @staticmethod
    def let_go(listings: Sequence[Listing]) -> None:
        """Free what listings hold, which are not shown any more, without keeping anybody waiting."""
        values = []
        for listing in listings:
            if isinstance(listing, JsonListing) and listing.size > _BIG:
                values.append(listing.value_of_all)
                listing.value_of_all, listing.root = None, Branch(0)
        if values:
            threading.Thread(target=_free, args=(values,), daemon=True).start()

    # In the thread

    def _open(self, token: int, entry: FileEntry) -> None:
        if token != self.token:
            return
        try:
            content = open_entry(entry, self._desk.stores())
            try:
                self._read(token, entry, content)
            finally:
                content.close()
        except Broken as error:
            self._desk.post(ListingFailed(token, str(error), error.line))
        except (Unreadable, OSError, AcodeError) as error:
            self._desk.post(ListingFailed(token, str(error)))

    def _read(self, token: int, entry: FileEntry, content: Content) -> None:
        if entry.view == LOGS:
            self._read_entries(token, content)
            return
        text = _text(content)
        with _undisturbed(len(text)):
            listing, problem = _listing(entry.view, text)
        self._desk.post(ListingRead(token, listing, problem))

    def _read_entries(self, token: int, content: Content) -> None:
        """Post the first entries at once, then the others."""
        listing = EntryListing()
        is_first = True
        for entries, first, unread in _entries(content):
            if token != self.token or self._desk.stop.is_set():
                return
            batch = batch_of(entries, first, unread)
            if is_first:
                listing.add(batch)
                self._desk.post(ListingRead(token, listing))
            else:
                self._desk.post(EntriesRead(token, batch, is_complete=False))
            is_first = False
        if is_first:
            self._desk.post(ListingRead(token, listing))
        self._desk.post(EntriesRead(token, batch_of((), 0), is_complete=True))


def _free(values: list[Json]) -> None:
    while values:
        let_go(values.pop())


def read_tests(entry: FileEntry, content: Content) -> TestReport:
    """Return the test results that a file holds.

    Raises:
        Broken: when it holds none.
    """
    with _undisturbed(entry.size):
        return _test_report(parse_record(_text(content)))


def _listing(view: str, text: str) -> tuple[Listing, str]:
    """Return what a text holds, and why that is not what its name says."""
    problem = ""
    if view in (TESTS, COVERAGE):
        record = parse_record(text)
        try:
            if view == TESTS:
                return TestListing(_test_report(record)), ""
            return CoverageListing(_coverage_report(record)), ""
        except Broken as error:
            problem = str(error)
    return JsonListing(parse_json(text), len(text)), problem


def _test_report(record: dict[str, object]) -> TestReport:
    try:
        if "schema_version" not in record:
            raise Broken("no test report of acode's")
        return TestReport.from_json(record)
    except (ValueError, TypeError) as error:
        raise Broken(str(error)) from error


def _coverage_report(record: dict[str, object]) -> CoverageReport:
    try:
        if "schema_version" not in record:
            raise Broken("no coverage report of acode's")
        return CoverageReport.from_json(record)
    except (ValueError, TypeError) as error:
        raise Broken(str(error)) from error


def _text(content: Content) -> str:
    size = content.size()
    if size > MAX_BYTES:
        raise Broken(f"{format_size(size)} are too much to take apart")
    return content.read(0, size).decode("utf-8-sig", "replace")


def _entries(content: Content) -> Iterator[tuple[list[LogEntry], int, int]]:
    """Yield entries in batches, with the number of the first, and how many lines were none."""
    entries: list[LogEntry] = []
    done, unread, limit = 0, 0, _BATCH // 10
    for line in _lines(content):
        try:
            entries.append(LogEntry.from_json(json.loads(line)))
        except (ValueError, TypeError, RecursionError):
            unread += 1
        if len(entries) >= limit:
            yield entries, done, unread
            done, unread, limit, entries = done + len(entries), 0, _BATCH, []
    if entries or unread:
        yield entries, done, unread


def _lines(content: Content) -> Iterator[bytes]:
    rest, offset = b"", 0
    while data := content.read(offset, _CHUNK):
        offset += len(data)
        *lines, rest = (rest + data).split(b"\n")
        yield from (line for line in lines if line.strip())
        if len(rest) > MAX_BYTES:
            rest = b"?"
    if rest.strip():
        yield rest


@contextmanager
def _undisturbed(size: int) -> Iterator[None]:
    """Keep the garbage collector away while many values are made: it would stop all threads to look at them.

    None of them is garbage as long as the file is open, so it need not look at them later either.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if size > _BIG and was_on:
            gc.freeze()
        if was_on:
            gc.enable()
