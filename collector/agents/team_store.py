"""What the database says of a team: its sessions, its instances, their runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from collector.errors import AcodeError, NotFoundError
from collector.model.query import RunQuery, Term
from collector.model.run import Run
from collector.model.session import AgentInstance, Session
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.store.protocols import RunStore
    from collector.store.sessions import SqliteSessionStore

_PAGE = 500


class TeamStore:
    """What the database says of sessions and their runs; nothing while there is none."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._runs: RunStore | None = None
        self._sessions: SqliteSessionStore | None = None

    def __enter__(self) -> TeamStore:
        from collector.store import open_stores
        from collector.store.database import open_reader
        from collector.store.sessions import SqliteSessionStore
        from collector.store.waiting import index_waiting

        with contextlib.suppress(AcodeError, OSError):  # what is indexed is better than nothing
            index_waiting(self._workspace)
        if os.path.exists(self._workspace.database):
            self._runs = open_stores(self._workspace)[0]
            self._sessions = SqliteSessionStore(open_reader(self._workspace.database))
        return self

    def __exit__(self, *_: object) -> None:
        if self._runs is not None and self._sessions is not None:
            self._runs.close()
            self._sessions.close()

    def sessions(self, team: str) -> list[Session]:
        """Return the sessions of a team with their instances."""
        from collector.store.sessions import SessionQuery

        if self._sessions is None:
            return []
        found = self._sessions.find(team)
        if found is not None:
            return [found]
        page = self._sessions.list(SessionQuery(team=team, limit=_PAGE))
        return [self._sessions.get(session.session_id) for session in page.items]

    def instance(self, instance_id: str, session_id: str | None) -> AgentInstance:
        """Return what is known of an instance. Raises NotFoundError."""
        found = self._sessions.find_instance(instance_id, session_id) if self._sessions is not None else None
        if found is not None:
            return found
        if session_id is None:
            raise NotFoundError(
                "ACODE-AGT-016", f"no session of instance {instance_id!r} is known", "name its session"
            )
        return AgentInstance(instance_id=instance_id, session_id=session_id)

    def iter_runs(self, session_id: str, instance_id: str) -> Iterator[Run]:
        """Yield an instance's runs, oldest first."""
        after = None
        while self._runs is not None:
            page = self._runs.list(_runs_of(session_id, instance_id, after))
            yield from page.items
            after = page.next_cursor
            if after is None:
                return

    def count_runs(self, instance: AgentInstance) -> tuple[int, int]:
        """Return how many runs an instance had, and how many of them failed."""
        if self._runs is None:
            return 0, 0
        query = _runs_of(instance.session_id, instance.instance_id, None)
        failed = RunQuery((*query.terms, Term("status", ("failure", "timeout"))))
        return self._runs.count(RunQuery(query.terms)), self._runs.count(failed)


def _runs_of(session_id: str, instance_id: str, after: str | None) -> RunQuery:
    terms = (Term("session_id", (session_id,), "="), Term("agent_instance_id", (instance_id,), "="))
    return RunQuery(terms, descending=False, limit=_PAGE, after=after)
