"""The store: runs.db, and the one process at a time that may write it."""

from __future__ import annotations

from collector.store.artifacts import SqliteArtifactStore
from collector.store.database import open_reader
from collector.store.runs import SqliteRunStore
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.record.masking import Masking


def open_stores(
    workspace: Workspace, masking: Masking | None = None
) -> tuple[SqliteRunStore, SqliteArtifactStore]:
    """Open a workspace's stores for reading; they share a connection and belong to one thread.

    Args:
        workspace: whose.
        masking: masks the secrets in whatever comes out of them; None for what was recorded.

    Raises:
        UnavailableError: when nothing has been indexed yet.
        CorruptError: when the database is damaged.
    """
    connection = open_reader(workspace.database)
    return SqliteRunStore(connection, masking), SqliteArtifactStore(connection, workspace, masking)
