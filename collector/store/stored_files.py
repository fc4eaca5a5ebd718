"""What is known of a workspace's other runs when one is sealed: their stored files, and their times."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from collector import clock, durable
from collector.errors import AcodeError
from collector.record.content import SUFFIX
from collector.store.database import Connection, open_reader, rows, translating
from collector.workspace import Workspace

MUCH_SHORTER = 4
"""Of two runs at once only one that is so many times shorter has what was written; else both do."""
_MOST_RUNS = 10_000
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

    def shorter_runs(self, record: Mapping[str, Any]) -> list[tuple[int, int]]:
        """Return when finished runs that were much shorter than a run were at it in its folder, in its time.

        Those that it started itself are left out: what they wrote is its own, too.

        Start and end in milliseconds since 1970; nothing while there is no database.
        """
        try:
            return self._ask_runs(record)
        except AcodeError:
            self.close()
            return []

    @translating
    def _ask_runs(self, record: Mapping[str, Any]) -> list[tuple[int, int]]:
        if self._connection is None:
            self._connection = open_reader(self._workspace.database)
        start, end = (clock.parse_iso(record[key]) for key in ("start_time", "end_time"))
        sql = """SELECT start_time, end_time FROM runs
                 WHERE start_time BETWEEN ? AND ? AND end_time >= ? AND ? * (end_time - start_time) < ?
                 AND working_directory = ? AND run_id <> ? AND coalesce(parent_run_id, '') <> ?
                 AND status <> 'running' LIMIT ?"""
        mine = [record["working_directory"], record["run_id"], record["run_id"]]
        parameters = [2 * start - end, end, start, MUCH_SHORTER, end - start, *mine, _MOST_RUNS]
        return [(row["start_time"], row["end_time"]) for row in rows(self._connection, sql, parameters)]

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
