"""Keeping runs.db fast and sound: what its writer does when asked, and what can be measured from outside."""

from __future__ import annotations

import glob
import os

from collector.errors import AcodeError, CorruptError
from collector.store.database import Connection, open_reader, rows, translating

_PAYS_SHARE = 0.1
_PAYS_BYTES = 1 << 20
_ANALYSIS_ROWS = 1000


class Measure:
    """How large the files of a database are, in bytes; `free` is what deleted rows left within."""

    __slots__ = ("database", "free", "wal")

    def __init__(self, database: int, free: int, wal: int) -> None:
        self.database = database
        self.free = free
        self.wal = wal

    @property
    def total(self) -> int:
        """What the disk holds."""
        return self.database + self.wal


def measure(path: str) -> Measure:
    """Measure a database; one that cannot be opened has no free pages. Raises OSError where there is none."""
    try:
        connection = open_reader(path)
    except AcodeError:
        free = 0
    else:
        try:
            free = _pages(connection, "freelist_count") * _pages(connection, "page_size")
        finally:
            connection.close()
    return Measure(os.stat(path).st_size, free, _size(f"{path}-wal"))  # noqa: PTH116


def set_aside(path: str) -> tuple[str, ...]:
    """Return the damaged databases that were kept beside one, oldest first."""
    found = glob.glob(glob.escape(path) + ".corrupt-*")  # noqa: PTH207
    return tuple(sorted(name for name in found if not name.endswith(("-wal", "-shm", "-journal"))))


@translating
def check(connection: Connection) -> None:
    """Read every table and index, a table at a time, so that readers and writers get their turn.

    Raises:
        CorruptError: saying what is wrong first.
    """
    names = [row[0] for row in rows(connection, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in names:
        verdict = str(connection.execute(f"PRAGMA integrity_check({_quote(name)})").fetchone()[0])
        if verdict != "ok":
            raise CorruptError("ACODE-RUN-005", f"runs.db is damaged ({verdict})", "'acode runs recover'")


@translating
def optimize(connection: Connection, path: str) -> None:
    """Check, merge full-text indexes, tell the query planner what there is, give free pages back.

    Args:
        connection: the writer's, outside of a transaction.
        path: of the database.

    Raises:
        CorruptError: it is damaged.
    """
    check(connection)
    for name in _text_indexes(connection):
        connection.execute(f"INSERT INTO {_quote(name)} ({_quote(name)}) VALUES ('optimize')")
    connection.execute(f"PRAGMA analysis_limit={_ANALYSIS_ROWS}")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA optimize")
    if vacuum_pays(connection, path):
        connection.execute("VACUUM")
    rows(connection, "PRAGMA wal_checkpoint(TRUNCATE)")


def vacuum_pays(connection: Connection, path: str) -> bool:
    """Tell whether enough is free within the database, and enough on the disk to write it anew."""
    pages, free = _pages(connection, "page_count"), _pages(connection, "freelist_count")
    size = _pages(connection, "page_size")
    if free * size < _PAYS_BYTES or free < _PAYS_SHARE * pages:
        return False
    disk = os.statvfs(os.path.dirname(path))  # noqa: PTH120
    return disk.f_bavail * disk.f_frsize > 2 * (pages - free) * size


def _text_indexes(connection: Connection) -> list[str]:
    sql = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'create virtual table%using fts5%'"
    )
    return [row[0] for row in rows(connection, sql)]


def _pages(connection: Connection, pragma: str) -> int:
    return int(rows(connection, f"PRAGMA {pragma}")[0][0])


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except FileNotFoundError:
        return 0
