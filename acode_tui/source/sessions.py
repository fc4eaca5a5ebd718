"""Reads sessions, their agents and their runs. One thread; what changes is heard from `source.runs`.

Runs of an instance are read by position: counting and skipping in the store costs milliseconds, and new
runs come last, so that no position moves while one looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from acode_tui.messages import StoreFailed
from acode_tui.messages.sessions import (
    BranchesRead,
    FoundBranch,
    FoundRuns,
    SessionsListed,
    Wanted,
    WantedRuns,
)
from acode_tui.source.desk import Desk, Post
from acode_tui.window.sessions import REST, RUN_PAGE, Place
from collector import AcodeError, Run, RunQuery, Term, Workspace
from collector.store.sessions import SessionQuery

if TYPE_CHECKING:
    from collector.model.session import Session

SESSION_PAGE = 200
MAX_LISTED = 20_000
"""As many sessions are read again at most when something has changed in all of them."""
_MAX_EXCLUDED = 300
_FIELDS = ("agent", "status", "team")
_DAMAGED = (ValueError, TypeError, AttributeError, KeyError)


class SessionSource:
    """Answers about sessions, as messages to one screen. A new token makes older answers worthless."""

    def __init__(self, workspace: Workspace, post: Post) -> None:
        self.token = 0
        self.query = SessionQuery()
        self._desk = Desk("acode-sessions", workspace, post)

    def start(self) -> None:
        """Begin to work."""
        self._desk.start()

    def close(self) -> None:
        """Stop."""
        self._desk.close()
        self._desk.join()

    def ask(self, text: str, least: int = SESSION_PAGE) -> None:
        """Read the beginning of what fits a filter: a page, or as many as were read before."""
        self.token += 1
        self.query = parse_session_filter(text)
        token, query = self.token, self.query
        self._submit(lambda: self._list(token, query, min(least, MAX_LISTED)))

    def more(self, cursor: str, limit: int = SESSION_PAGE) -> None:
        """Read the page after those that were read."""
        token, query = self.token, replace(self.query, limit=limit, after=cursor)

        def job() -> None:
            if token == self.token:
                page = self._desk.sessions().list(query)
                self._desk.post(SessionsListed(token, page.items, page.next_cursor, None, is_more=True))

        self._submit(job)

    def read(self, wanted: Wanted, is_refresh: bool = False) -> None:
        """Read what is wanted."""
        token = self.token
        self._submit(lambda: self._read(token, wanted, is_refresh))

    # In the thread

    def _submit(self, job: Callable[[], None]) -> None:
        def careful() -> None:
            try:
                job()
            except AcodeError:
                raise
            except _DAMAGED as error:
                what = " ".join(str(error).split())[:200]
                self._desk.post(StoreFailed(f"the record of a session is damaged: {what}", is_missing=False))

        self._desk.submit(careful)

    def _list(self, token: int, query: SessionQuery, least: int) -> None:
        if token != self.token:
            return
        store = self._desk.sessions()
        found: list[Session] = []
        cursor: str | None = None
        while True:
            page = store.list(replace(query, limit=SESSION_PAGE, after=cursor))
            found += page.items
            cursor = page.next_cursor
            if cursor is None or len(found) >= least or token != self.token:
                break
        total = len(found) if cursor is None else None
        if total is None and query == SessionQuery():
            total = store.count()
        self._desk.post(SessionsListed(token, found, cursor, total, is_more=False))

    def _read(self, token: int, wanted: Wanted, is_refresh: bool) -> None:
        if token != self.token:
            return
        began = time.monotonic()
        sessions = {session_id: self._session(session_id) for session_id in wanted.sessions}
        branches = {}
        for session_id in wanted.branches:
            sessions[session_id] = session = self._desk.sessions().find(session_id)
            if session is not None:
                branches[session_id] = self._branch(session)
        runs = {place: self._runs(place, what) for place, what in wanted.runs.items()}
        seconds = time.monotonic() - began
        self._desk.post(BranchesRead(token, sessions, branches, runs, seconds, is_refresh))

    def _session(self, session_id: str) -> Session | None:
        found = self._desk.sessions().find_matching(session_id, 1)
        return found[0] if found and found[0].session_id == session_id else None

    def _branch(self, session: Session) -> FoundBranch:
        store, name = self._desk.stores()[0], session.session_id
        ids = tuple(instance.instance_id for instance in session.instances)
        counts = {i: store.count(runs_query((name, i), ids)) for i in ids}
        left = session.runs - sum(counts.values())
        return FoundBranch(session.instances, {**counts, REST: max(0, left)})

    def _runs(self, place: Place, wanted: WantedRuns) -> FoundRuns:
        store = self._desk.stores()[0]
        if place[1] == REST and len(wanted.instances) > _MAX_EXCLUDED:
            return FoundRuns(0, {})
        query = runs_query(place, wanted.instances)
        total = store.count(query)
        pages: Mapping[int, Sequence[Run]] = {
            number: store.list(replace(query, limit=RUN_PAGE, skip=number * RUN_PAGE)).items
            for number in wanted.pages
            if number * RUN_PAGE < total
        }
        return FoundRuns(total, pages)


def runs_query(place: Place, instances: Sequence[str]) -> RunQuery:
    """Return the query for the runs of an instance, or for those of no instance that is known."""
    session_id, instance_id = place
    terms = [Term("session_id", (session_id,), "=")]
    if instance_id != REST:
        terms.append(Term("agent_instance_id", (instance_id,), "="))
    elif instances:
        terms.append(Term("agent_instance_id", tuple(instances[:_MAX_EXCLUDED]), "=", negated=True))
    return RunQuery(tuple(terms), descending=False)


def parse_session_filter(text: str) -> SessionQuery:
    """Return what a filter asks for: `agent:`, `status:` and `team:`, and the rest as it stands."""
    fields: dict[str, str] = {}
    rest = []
    for word in text.split():
        name, colon, value = word.partition(":")
        if colon and value and name in _FIELDS:
            fields[name] = value
        else:
            rest.append(word)
    return SessionQuery(
        agent=fields.get("agent"),
        team=fields.get("team"),
        status=fields.get("status"),
        text=" ".join(rest) or None,
    )


def fits(session: Session, query: SessionQuery) -> bool:
    """Tell whether a session is one of those that were asked for, as the store would."""
    if any(getattr(query, name) not in (None, getattr(session, name)) for name in _FIELDS):
        return False
    text = (query.text or "").lower()
    return any(
        text in str(part).lower() for part in (session.title, session.session_id, session.team) if part
    )
