"""Reads runs: results of filters, their pages, and what changes. Three threads, three connections.

Questions and pages are read apart, so that turning a page never waits for a slow filter; changes are
followed by a third.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from acode_tui.keymap import COVERAGE, LOGS, TESTS, TEXT, TREE
from acode_tui.messages import (
    CollectorSeen,
    FileEntry,
    FilterFailed,
    FirstRowsRead,
    NamesRead,
    PageRead,
    ResultOutlined,
    ResultStopped,
    RunDeleted,
    RunsChanged,
    StoreOpened,
)
from acode_tui.render.found import found_note
from acode_tui.source.desk import Desk, Post, database_identity
from acode_tui.window import PAGE
from collector import (
    AcodeError,
    Event,
    FilterError,
    LimitError,
    Outline,
    Run,
    RunQuery,
    SavedFilters,
    Term,
    Workspace,
    collector_status,
    ensure_collector,
    follow_events,
    list_alerts,
    parse_query,
    request_delete,
    saved_files,
)

if TYPE_CHECKING:
    from acode_tui.source.desk import Stores
    from collector.store.artifacts import SqliteArtifactStore

FIRST_ROWS = 2 * PAGE
STEP = 1000
MAX_CHANGES = 500
"""More changed runs at once are not looked at one by one: the whole result is outlined again."""
MIN_GAP = 0.13
"""Seconds between two reports of changes: a shifting table cannot be read any faster."""
RETRY = 0.5
FIRST_LIMIT_MS = 2000
"""So long the first rows are looked for before those that were found are shown."""
WHOLE_LIMIT = 20.0
"""Seconds in which a whole result must be found; else what was found is all that is shown."""
RING_AGAIN = 0.05
_BIG_RESULT = 50_000


class Anchor(NamedTuple):
    """The run that should stay under the cursor: its number, and its value of what is sorted by."""

    seq: int
    value: int | None


class Order(NamedTuple):
    """What the result is sorted by."""

    sort: str = "start_time"
    descending: bool = True


NEWEST_FIRST = Order()
FAILED = Term("status", ("failure", "timeout", "cancelled"))


class RunSource:
    """Answers about runs, as messages to one screen."""

    def __init__(self, workspace: Workspace, post: Post, start_collector: bool = True) -> None:
        self.workspace = workspace
        self.post = post
        self.token = 0
        self._current = (0, RunQuery())
        self._outline: Outline | None = None
        self._start_collector = start_collector
        self._questions = Desk("acode-questions", workspace, post)
        self._pages = Desk("acode-pages", workspace, post)
        self._changes = Desk("acode-changes", workspace, post)
        self._chores = Desk("acode-chores", workspace, post)
        self._desks = (self._questions, self._pages, self._changes, self._chores)

    def start(self) -> None:
        """Begin to follow the store."""
        for desk in self._desks:
            desk.start()
        if self._start_collector:
            self._chores.submit(self._ensure_collector)
        self._changes.submit(self._follow)
        self.look_at_collector()

    def close(self) -> None:
        """Stop all threads."""
        for desk in self._desks:
            desk.close()
        for desk in self._desks:
            desk.join()

    # Questions

    def ask(self, text: str, failed_only: bool = False, order: Order = NEWEST_FIRST) -> int:
        """Read the result of a filter; return the token of the answers. An older question is dropped."""
        self.token += 1
        token = self.token
        self._questions.interrupt()
        self._questions.submit(lambda: self._answer(token, text, failed_only, order))
        return token

    def outline_again(self, anchor: Anchor | None) -> None:
        """Read the shape of the current result anew, after rows came or went."""
        token, query = self._current
        self._questions.submit(lambda: self._outline_result(token, query, anchor))

    def read_pages(self, numbers: Iterable[int]) -> None:
        """Read pages of the current result."""
        (token, query), outline = self._current, self._outline
        if outline is not None:
            for number in numbers:
                self._pages.submit(lambda n=number: self._read_page(token, query, outline, n))  # type: ignore[misc]

    def read_names(self, session_ids: Iterable[str]) -> None:
        """Read what the subagents of sessions are called."""
        wanted = tuple(session_ids)
        self._pages.submit(lambda: self._read_names(wanted))

    def _read_names(self, session_ids: Sequence[str]) -> None:
        store = self._pages.sessions()
        names = {}
        for session_id in session_ids:
            try:
                instances = store.instances(session_id)
            except ValueError:  # a damaged record
                continue
            for instance in instances:
                if instance.parent_instance_id is not None:
                    name = instance.name or instance.role or instance.instance_id[:8]
                    names[session_id, instance.instance_id] = str(name)
        if names:
            self.post(NamesRead(names))

    def _answer(self, token: int, text: str, failed_only: bool, order: Order) -> None:
        if token != self.token:
            return
        try:
            query = parse_filter(text, failed_only, saved_filters(self.workspace))
        except AcodeError as error:
            place = (error.start, error.end) if isinstance(error, FilterError) else None
            self.post(FilterFailed(token, error.message, error.hint, place))
            return
        query = replace(query, sort=order.sort, descending=order.descending)
        try:
            store = self._questions.stores()[0]
            # Before it is read: whatever is committed from now on is reported as a change of this result.
            self._current, self._outline = (token, query), None
            page = store.list(replace(query, limit=FIRST_ROWS), time_limit_ms=FIRST_LIMIT_MS)
            self.post(FirstRowsRead(token, page.items, page.next_cursor is not None, page.complete))
            self._outline_result(token, query, None)
        except AcodeError as error:
            # A newer question has interrupted this one: that is no failure.
            if token == self.token:
                self._questions.forget_stores()
                self._questions.report(error)

    def _outline_result(self, token: int, query: RunQuery, anchor: Anchor | None) -> None:
        if token != self.token:
            return
        alarm = _Alarm(WHOLE_LIMIT, self._questions.interrupt)
        try:
            with alarm:
                store = self._questions.stores()[0]
                outline = store.outline(query, STEP)
                place = self._locate(query, outline, anchor)
                pages = self._pages_around(query, outline, place)
        except AcodeError as error:
            if token == self.token and isinstance(error, LimitError) and alarm.has_rung:
                self.post(ResultStopped(token, WHOLE_LIMIT))
            elif token == self.token:
                self._questions.report(error)
            return
        if token == self.token:
            self._outline = outline
            self.post(ResultOutlined(token, outline, pages, place))
        if outline.total > _BIG_RESULT:
            # What was read for it would stay in this connection's cache.
            self._questions.forget_stores()

    def _locate(self, query: RunQuery, outline: Outline, anchor: Anchor | None) -> int | None:
        """Return where a run is in a result, or None when it is not in it."""
        if anchor is None:
            return None
        store = self._questions.stores()[0]
        if anchor.value is None or not store.matching(query, [anchor.seq]):
            return None
        beyond = Term(query.sort, (anchor.value,), ">" if query.descending else "<")
        before = store.count(replace(query, terms=(*query.terms, beyond)))
        for place, run in enumerate(store.slice(query, outline, before, 64)):
            if run.seq == anchor.seq:
                return before + place
        return None

    def _pages_around(
        self, query: RunQuery, outline: Outline, place: int | None
    ) -> Mapping[int, Sequence[Run]]:
        numbers = {0, 1}
        if place is not None:
            numbers |= {place // PAGE + n for n in (-1, 0, 1)}
        store = self._questions.stores()[0]
        return {
            number: store.slice(query, outline, number * PAGE, PAGE)
            for number in sorted(numbers)
            if 0 <= number * PAGE < outline.total
        }

    def _read_page(self, token: int, query: RunQuery, outline: Outline, number: int) -> None:
        if token == self.token and outline is self._outline:
            rows = self._pages.stores()[0].slice(query, outline, number * PAGE, PAGE)
            self.post(PageRead(token, number, rows))

    # Changes

    def _follow(self) -> None:
        """Wait for a database, then report what happens in it, until told to stop."""
        desk = self._changes
        told = ""
        while not desk.stop.is_set():
            try:
                store = desk.stores()[0]
                after = store.last_event_id()
                self.post(StoreOpened())
                self._follow_one(desk, after)
            except AcodeError as error:
                if str(error) != told:
                    told = str(error)
                    self._questions.report(error)
                store = None
            desk.forget_stores()
            if store is None:
                desk.stop.wait(RETRY)

    def _follow_one(self, desk: Desk, after: int) -> None:
        store = desk.stores()[0]
        identity = database_identity(self.workspace)
        gone = _Until(desk.stop, lambda: database_identity(self.workspace) != identity)
        for batch in follow_events(store, gone, after):
            self._report_changes(batch)
            desk.stop.wait(MIN_GAP)

    def _report_changes(self, batch: list[Event]) -> None:
        token, query = self._current
        sessions = frozenset(event.run_id for event in batch if event.kind == "session.changed")
        deleted = frozenset(event.seq for event in batch if event.kind == "run.deleted")
        seqs = list({event.seq for event in batch if event.kind != "session.changed"} - deleted)
        if len(seqs) > MAX_CHANGES:
            self.post(RunsChanged(token, {}, frozenset(), deleted, sessions, too_many=True))
            return
        store = self._changes.stores()[0]
        runs = store.by_seq(seqs) if seqs else {}
        fitting = store.matching(query, seqs) if seqs else frozenset()
        self.post(RunsChanged(token, runs, fitting, deleted, sessions))

    # Chores

    def _ensure_collector(self) -> None:
        ensure_collector(self.workspace)

    def look_at_collector(self) -> None:
        """Find out how the collector is doing, and what it warns of."""

        def job() -> None:
            try:
                alerts = list_alerts(self.workspace)
                self.post(CollectorSeen(collector_status(self.workspace), alerts=alerts))
            except (AcodeError, ImportError, OSError) as error:
                self.post(CollectorSeen(None, str(error)))

        self._chores.submit(job)

    def delete(self, run: Run) -> None:
        """Ask for a run's deletion."""

        def job() -> None:
            try:
                request_delete(self.workspace, run.run_id)
            except AcodeError as error:
                self.post(RunDeleted(run.name, str(error)))
            else:
                self.post(RunDeleted(run.name))

        self._chores.submit(job)


def now_ms() -> int:
    """Return the present in milliseconds since 1970."""
    return int(time.time() * 1000)


def saved_filters(workspace: Workspace) -> SavedFilters:
    """Return what `@name` stands for; the files are read when the first one is asked for."""
    return SavedFilters(*saved_files(workspace.root, os.environ))


def parse_filter(text: str, failed_only: bool = False, saved: Mapping[str, str] | None = None) -> RunQuery:
    """Return the query of a filter text; an empty one asks for everything.

    Raises:
        AcodeError: naming the word that was not understood.
    """
    query = parse_query(text, now_ms(), saved or {}) if text.strip() else RunQuery()
    return replace(query, terms=(*query.terms, FAILED)) if failed_only else query


def list_files(run: Run, stores: Stores) -> list[FileEntry]:
    """Return the files of a run that can be opened; of a running one, the streams as they grow."""
    artifacts = stores[1]
    entries: list[FileEntry] = []
    for artifact in artifacts.by_run(run.run_id):
        try:
            path, problem = artifacts.path(artifact), ""
        except AcodeError as error:
            path, problem = "", error.message
        if artifact.missing:
            problem = problem or "the file is gone"
        title = artifact.path if artifact.type not in ("stdout", "stderr", "output") else artifact.type
        view = view_of(artifact.path) if artifact.type not in _KINDS else TEXT
        note = found_note(run.summary, view)
        entries.append(
            FileEntry(
                title if view in (TEXT, TREE) else _TITLES[view], artifact.type, path, artifact.size_bytes,
                artifact.artifact_id, problem, view=view, note=note,
            )
        )  # fmt: skip
    known = {entry.path for entry in entries}
    for name, file_name in STREAMS:
        try:
            path = artifacts.path_in(run.folder, file_name)
            size = Path(path).lstat().st_size
        except (AcodeError, OSError):
            continue
        if path not in known:
            entries.append(FileEntry(name, name, path, size))
    entries += _interleaved(run, entries, artifacts)
    entries.sort(key=lambda entry: _ORDER.index(entry.type if entry.type in _KINDS else entry.view))
    return entries


def view_of(path: str) -> str:
    """Return as what a file is shown, given its path in the run folder."""
    return _VIEWS.get(path) or (TREE if path.lower().endswith(".json") else TEXT)


def _interleaved(run: Run, entries: list[FileEntry], artifacts: SqliteArtifactStore) -> list[FileEntry]:
    """Return both streams as one where no file holds that: while a run goes on, and of big outputs."""
    sizes = {entry.type: entry.size for entry in entries if not entry.problem}
    if "output" in sizes or not (sizes.get("stdout") and sizes.get("stderr")):
        return []
    try:
        index = Path(artifacts.path_in(run.folder, "output.idx"))
        if not index.lstat().st_size:
            return []
    except (AcodeError, OSError):
        return []
    size = sizes["stdout"] + sizes["stderr"]
    return [FileEntry("output", "output", str(index.parent), size, is_interleaved=True)]


_KINDS = ("output", "stdout", "stderr")
_ORDER = (*_KINDS, TESTS, COVERAGE, LOGS, TREE, TEXT)
_VIEWS = {"test-results.json": TESTS, "coverage.json": COVERAGE, "logs.jsonl": LOGS}
_TITLES = {TESTS: "tests", COVERAGE: "coverage", LOGS: "log entries"}
STREAMS = (("output", "output.txt"), ("stdout", "stdout.txt"), ("stderr", "stderr.txt"))


class _Alarm:
    """Rings after so many seconds, again and again until it is put off; `has_rung` tells whether it did.

    Once would not do: between two statements there is nothing to interrupt.
    """

    def __init__(self, seconds: float, ring: Callable[[], None]) -> None:
        self.has_rung = False
        self._seconds, self._ring = seconds, ring
        self._off = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        """Wind it up."""
        threading.Thread(target=self._watch, name="acode-alarm", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        """Put it off; it does not ring any more from then on."""
        with self._lock:
            self._off.set()

    def _watch(self) -> None:
        while not self._off.wait(RING_AGAIN if self.has_rung else self._seconds):
            with self._lock:
                if not self._off.is_set():
                    self.has_rung = True
                    self._ring()


class _Until(threading.Event):
    """Set when another event is, or when something has become true; looks once a second."""

    def __init__(self, stop: threading.Event, is_over: Callable[[], bool]) -> None:
        super().__init__()
        self._stop, self._is_over, self._looked = stop, is_over, time.monotonic()

    def is_set(self) -> bool:
        """Tell whether either is so."""
        if self._stop.is_set():
            return True
        if time.monotonic() - self._looked < 1:
            return False
        self._looked = time.monotonic()
        return self._is_over()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the other event."""
        return self._stop.wait(timeout)
