"""A workspace as one thread of a server reads it: stores, opened anew when the database was replaced."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from collector.config import Config
from collector.errors import AcodeError, NotFoundError
from collector.query.saved import SavedFilters, saved_files
from collector.record.masking import Masking, masking_of
from collector.store import open_stores
from collector.store.artifacts import SqliteArtifactStore
from collector.store.database import open_reader
from collector.store.runs import SqliteRunStore
from collector.store.sessions import SqliteSessionStore
from collector.store.waiting import index_waiting
from collector.workspace import Workspace

Stores = tuple[SqliteRunStore, SqliteArtifactStore]
_indexing = threading.Lock()
_INDEX_PATIENCE = 0.5
_SEAL_SECONDS = 0.2


class Place:
    """What all threads of a server share: the workspace and its settings; nothing of it changes."""

    __slots__ = ("config", "environ", "workspace")

    def __init__(self, workspace: Workspace, config: Config, environ: Mapping[str, str]) -> None:
        self.workspace = workspace
        self.config = config
        self.environ = dict(environ)


class Library:
    """The stores of a workspace; belongs to one thread, only `interrupt` may be called from another.

    Args:
        place: where.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.workspace = place.workspace
        self.config = place.config
        self._masking: tuple[Masking | None] | None = None
        self._stores: Stores | None = None
        self._recorded: Stores | None = None
        self._sessions: tuple[SqliteSessionStore, SqliteRunStore] | None = None
        self._identity: tuple[int, int] | None = None

    @property
    def runs(self) -> SqliteRunStore:
        """The runs. Raises NotFoundError in a workspace without any."""
        return self.stores()[0]

    @property
    def artifacts(self) -> SqliteArtifactStore:
        """The artifacts. Raises NotFoundError in a workspace without runs."""
        return self.stores()[1]

    @property
    def sessions(self) -> SqliteSessionStore:
        """The sessions. Raises NotFoundError in a workspace without runs."""
        self.stores()
        if self._sessions is None:
            connection = open_reader(self.workspace.database)
            self._sessions = SqliteSessionStore(connection, self.masking), SqliteRunStore(connection)
        return self._sessions[0]

    @property
    def saved(self) -> SavedFilters:
        """What `@name` stands for in a filter, as it is now."""
        return SavedFilters(*saved_files(self.workspace.root, self.place.environ))

    def refresh(self) -> None:
        """Let what waits be indexed, and see whether the database is another one; before each question."""
        _index(self.workspace)
        identity = _identity(self.workspace.database)
        if identity != self._identity:
            self.close()
            self._identity = identity

    def find_stores(self) -> Stores | None:
        """Return the stores; None in a workspace without runs."""
        if self._stores is None and os.path.exists(self.workspace.database):  # noqa: PTH110
            self._stores = open_stores(self.workspace, self.masking)
        return self._stores

    def stores(self) -> Stores:
        """Return the stores. Raises NotFoundError in a workspace without runs."""
        found = self.find_stores()
        if found is None:
            hint = "record one with 'acode exec -- COMMAND'"
            raise NotFoundError("ACODE-RUN-001", "there are no runs yet", hint)
        return found

    def contents(self, is_masked: bool = True) -> SqliteArtifactStore:
        """Return the store to read contents from: with secrets masked, or as they were recorded."""
        masked = self.artifacts
        if is_masked:
            return masked
        if self._recorded is None:
            self._recorded = open_stores(self.workspace)
        return self._recorded[1]

    @property
    def masking(self) -> Masking | None:
        """What masks secrets in all that is given out; None where the settings do not want it.

        Raises:
            InputError: a pattern of the settings is none.
        """
        if self._masking is None:
            self._masking = (masking_of(self.config, self.place.environ),)
        return self._masking[0]

    def interrupt(self) -> None:
        """Stop what is being asked: it raises LimitError in its thread."""
        for store in self._run_stores():
            store.interrupt()

    def _run_stores(self) -> list[SqliteRunStore]:
        pairs = (self._stores, self._recorded)
        sessions = [self._sessions[1]] if self._sessions else []
        return [pair[0] for pair in pairs if pair is not None] + sessions

    def close(self) -> None:
        """Let go of the stores; they are opened anew when something is asked."""
        for store in self._run_stores():
            store.close()
        self._stores = self._recorded = self._sessions = None


def _index(workspace: Workspace) -> None:
    """One thread at a time; whoever waits too long, or cannot, shows what is there."""
    if not _indexing.acquire(timeout=_INDEX_PATIENCE):
        return
    try:
        index_waiting(workspace, _SEAL_SECONDS)
    except (AcodeError, OSError):
        return
    finally:
        _indexing.release()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino
