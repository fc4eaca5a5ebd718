"""A thread with an inbox and stores of its own; what every reader is made of."""

from __future__ import annotations

import contextvars
import os
import queue
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from acode_tui.messages import StoreFailed
from collector import AcodeError, Masking, Workspace, masking_in, open_stores

if TYPE_CHECKING:
    from collector.store.artifacts import SqliteArtifactStore
    from collector.store.database import Connection
    from collector.store.runs import SqliteRunStore
    from collector.store.sessions import SqliteSessionStore

    Stores = tuple[SqliteRunStore, SqliteArtifactStore]

Identity = tuple[int, int]
Post = Callable[[Message], object]
Job = Callable[[], object]


def database_identity(workspace: Workspace) -> Identity | None:
    """Return which file the database is; a rebuilt one is another file. None when there is none."""
    try:
        status = Path(workspace.database).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@lru_cache(1)
def _masking_of(root: str) -> Masking | None:
    return masking_in(root, os.environ)


class Desk:
    """Runs jobs one after the other in one thread.

    A job that raises `AcodeError` is reported as `StoreFailed`; the stores are opened again for the next.
    """

    def __init__(self, name: str, workspace: Workspace, post: Post) -> None:
        self.workspace = workspace
        self.post = post
        self.stop = threading.Event()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._stores: Stores | None = None
        self._sessions: tuple[Connection, SqliteSessionStore] | None = None
        self._identity: Identity | None = None
        # Textual finds the app of a message in the context.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name=name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Have a job done after those that wait already."""
        self._jobs.put(job)

    def close(self) -> None:
        """Stop after the job that is being done; does not wait for it."""
        self.stop.set()
        self.interrupt()
        self._jobs.put(None)

    def join(self, timeout: float = 2) -> None:
        """Wait until the thread has ended."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def interrupt(self) -> None:
        """Make the query that is running stop."""
        stores = self._stores
        if stores is not None:
            stores[0].interrupt()

    def stores(self) -> Stores:
        """Return this thread's stores, opened on first use and when the database is another one now.

        Raises:
            AcodeError: when there is no database, or none that can be read.
        """
        identity = database_identity(self.workspace)
        if self._stores is None or identity != self._identity:
            self.forget_stores()
            self._stores, self._identity = open_stores(self.workspace, self.masking()), identity
        return self._stores

    def sessions(self) -> SqliteSessionStore:
        """Return this thread's store of sessions, of the same database as `stores`.

        Raises:
            AcodeError: when there is no database, or none that can be read.
        """
        self.stores()
        if self._sessions is None:
            from collector.store.database import open_reader
            from collector.store.sessions import SqliteSessionStore

            connection = open_reader(self.workspace.database)
            self._sessions = connection, SqliteSessionStore(connection, self.masking())
        return self._sessions[1]

    def masking(self) -> Masking | None:
        """Return what masks the secrets in what is shown; all desks of a workspace have the same."""
        return _masking_of(self.workspace.root)

    def forget_stores(self) -> None:
        """Close the stores; the next job opens them again."""
        stores, self._stores = self._stores, None
        sessions, self._sessions = self._sessions, None
        if stores is not None:
            stores[0].close()
        if sessions is not None:
            sessions[0].close()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None and not self.stop.is_set():
            try:
                job()
            except AcodeError as error:
                self.forget_stores()
                self.report(error)
        self.forget_stores()

    def report(self, error: AcodeError) -> None:
        """Say what went wrong; a database that is not there yet is nothing wrong."""
        if not self.stop.is_set():
            self.post(StoreFailed(str(error), is_missing=database_identity(self.workspace) is None))
