"""Which files of a workspace are stored already, by their content."""

from __future__ import annotations

import os
from collections.abc import Iterator

from collector import durable
from collector.errors import AcodeError
from collector.record.content import SUFFIX
from collector.store.database import Connection, open_reader, rows, translating
from collector.workspace import Workspace

_MOST = 5
"""More files of one content than this are as good as each other."""


class StoredFiles:
    """Asks the database, for one thread; knows nothing while there is none."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._connection: Connection | None = None

    def find(self, checksum: str, size: int) -> Iterator[str]:
        """Yield files, by absolute path, that had a content when they were stored.

        Args:
            checksum: its SHA-256.
            size: its length.
        """
        try:
            found = self._ask(checksum, size)
        except AcodeError:
            self.close()
            return
        for folder, path in found:
            try:
                stored = durable.safe_join(durable.safe_join(self._workspace.artifacts, folder), path)
            except ValueError:
                continue
            yield stored + SUFFIX if os.path.lexists(stored + SUFFIX) else stored

    @translating
    def _ask(self, checksum: str, size: int) -> list[tuple[str, str]]:
        if self._connection is None:
            self._connection = open_reader(self._workspace.database)
        sql = """SELECT folder, path FROM artifacts JOIN runs ON run_seq = seq
                 WHERE checksum_sha256 = ? AND size_bytes = ? LIMIT ?"""
        found = rows(self._connection, sql, [checksum, size, _MOST])
        return [(row["folder"], row["path"]) for row in found]

    def close(self) -> None:
        """Let go of the database; it is opened anew when something is asked."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
