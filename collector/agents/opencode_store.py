"""Reading OpenCode's database while OpenCode may be writing it.

Only reads, in short transactions, one for each query: a reader never holds up a writer in WAL mode, but a
long one lets the log grow. A database without a log is opened as immutable, because SQLite would make one
for it; if a log appears meanwhile, what was read may be torn and has to be read again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.agents.values import mapping, text

if TYPE_CHECKING:
    import sqlite3

_PATIENCE_SECONDS = 2.0


class Database:
    """An open database; a context manager.

    Raises:
        ValueError: it is no database of OpenCode's, or it changed while it was read.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.stat()
        self._is_immutable = not _has_log(path)
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        uri = f"{self._path.absolute().as_uri()}?mode=ro{'&immutable=1' if self._is_immutable else ''}"
        try:
            connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise OSError(f"{self._path}: {error}") from error
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        return connection

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def sessions(self, since: int = 0) -> list[dict[str, Any]]:
        """Return sessions that changed after a time (milliseconds since 1970), the oldest first."""
        rows = self._rows("select * from session where time_updated >= ? order by time_created, id", since)
        return [_session(row) for row in rows]

    def messages(self, session_id: str) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Yield the messages of a session with their parts."""
        query = "select id from message where session_id = ? order by time_created, id"
        for row in self._rows(query, session_id):
            for message in self._rows("select id, data from message where id = ?", row["id"]):
                parts = self._rows("select id, data from part where message_id = ? order by id", row["id"])
                yield _loaded(message), [_loaded(part) for part in parts]

    def check(self) -> None:
        """Say whether what was read can be believed.

        Raises:
            ValueError: somebody began to write.
        """
        if self._is_immutable and _has_log(self._path):
            raise ValueError(f"{self._path} changed while it was read")

    def _rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        import sqlite3

        try:
            cursor = self._connection.execute(query, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except sqlite3.Error as error:
            raise ValueError(f"{self._path}: {error}") from error


def _has_log(path: Path) -> bool:
    try:
        return Path(f"{path}-wal").stat().st_size > 0
    except OSError:
        return False


def _session(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as the object that exports and events have."""
    return {
        "id": row.get("id"),
        "parentID": row.get("parent_id"),
        "directory": row.get("directory"),
        "title": row.get("title"),
        "version": row.get("version"),
        "agent": row.get("agent"),
        "model": _object(row.get("model")),
        "time": {"created": row.get("time_created"), "updated": row.get("time_updated")},
    }


def _loaded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**_object(row.get("data")), "id": row.get("id")}


def _object(data: object) -> Mapping[str, Any]:
    if text(data) is None:
        return {}
    try:
        return mapping(json.loads(str(data), strict=False))
    except (ValueError, RecursionError):
        return {}
