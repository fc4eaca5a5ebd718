"""The store: runs.db, and the one process at a time that may write it."""

from __future__ import annotations

from collector.store.artifacts import SqliteArtifactStore
from collector.store.database import open_reader
from collector.store.runs import SqliteRunStore
from collector.workspace import Workspace


def open_stores(workspace: Workspace) -> tuple[SqliteRunStore, SqliteArtifactStore]:
    """Open a workspace's stores for reading; they share a connection and belong to one thread.

    Raises:
        UnavailableError: when nothing has been indexed yet.
        CorruptError: when the database is damaged.
    """
    connection = open_reader(workspace.database)
    return SqliteRunStore(connection), SqliteArtifactStore(connection, workspace)
