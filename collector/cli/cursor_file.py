"""A place in the stream of runs, kept in a file: what `--cursor-file` goes on from.

Runs come in the order in which they, or their ends, came to be known, so a run that starts or ends between
two calls is in the second, whatever its times are. A file of a database that was rebuilt since is told by
the store's id: then the runs that ended since the last call are listed.
"""

from __future__ import annotations

import os

from collector import clock, durable
from collector.errors import AccessError, InputError
from collector.model.frozen import replace
from collector.model.query import RunQuery, Term
from collector.store.where import turn_cursor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.store.protocols import RunStore

_MAX_BYTES = 4096


class _Kept:
    __slots__ = ("cursor", "store_id", "time_ms")

    def __init__(self, cursor: str, store_id: str, time_ms: int) -> None:
        self.cursor = cursor
        self.store_id = store_id
        self.time_ms = time_ms


class CursorFile:
    """The place that a file holds.

    Args:
        path: the file; it need not exist.
        store: whose runs; None while there are none.

    Raises:
        InputError: the file is there and holds something else.
        AccessError: it cannot be read.
    """

    def __init__(self, path: str, store: RunStore | None) -> None:
        self._path = path
        self._store = store
        self._began_ms = clock.now_ms()
        self._kept = _read(path)
        self._newest: str | None = None

    def resume(self, query: RunQuery) -> RunQuery:
        """Return the query from here on."""
        kept = self._kept
        if kept is None or self._store is None:
            return query
        if kept.store_id == self._store.store_id():
            return replace(query, after=kept.cursor)
        # In a rebuilt database old runs may come last: go on behind all of them.
        page = self._store.list(RunQuery(sort="revision", limit=1))
        self._newest = turn_cursor(query, page.end_cursor) if page.end_cursor else None
        from collector.cli.output import note

        note("acode: the database was rebuilt since; runs that ended since the last time are listed")
        return replace(query, terms=(*query.terms, Term("end_time", (kept.time_ms,), ">=")))

    def remember(self, cursor: str | None) -> None:
        """Keep the place of the last run listed; None when there was none. Raises AccessError."""
        from json import dumps

        if self._store is None:
            return
        cursor = self._newest or cursor
        if cursor is None:
            if self._kept is None or self._kept.store_id != self._store.store_id():
                return
            cursor = self._kept.cursor
        kept = {"cursor": cursor, "store": self._store.store_id(), "time": self._began_ms}
        try:
            durable.replace_file(os.path.abspath(self._path), (dumps(kept) + "\n").encode())  # noqa: PTH100
        except OSError as error:
            message = f"cannot write {self._path}: {error.strerror}"
            raise AccessError("ACODE-ART-006", message, "these runs will be listed again") from None


def _read(path: str) -> _Kept | None:
    from json import loads

    try:
        with open(path, "rb") as file:  # noqa: PTH123
            kept = loads(file.read(_MAX_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AccessError("ACODE-ART-006", f"cannot read {path}: {error.strerror}", "check it") from None
    except (ValueError, RecursionError):
        kept = None
    kinds = {"cursor": str, "store": str, "time": int}
    if not isinstance(kept, dict) or not all(isinstance(kept.get(k), kind) for k, kind in kinds.items()):
        raise InputError("ACODE-RUN-018", f"{path} holds no cursor", "name another file, or remove it")
    return _Kept(kept["cursor"], kept["store"], kept["time"])
