"""Opening runs.db and search.db: the one file that knows sqlite3.

At most one process writes at a time (store/lock.py): SQLite 3.7.0 to 3.51.2 can corrupt a WAL database
when two connections write and checkpoint at once (https://sqlite.org/wal.html, section 11). Readers open
read-only, and keep their transactions to one statement.
"""

from __future__ import annotations

import os
import stat

from collector.errors import AcodeError, BusyError, ConflictError, CorruptError, LimitError, UnavailableError
from collector.store.schema import RUNS, Schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")
    Kind = type[BaseException] | None
else:
    import _sqlite3 as sqlite3  # `sqlite3` adds converters of dates, and loads three modules for them

Connection = sqlite3.Connection
Row = sqlite3.Row

DATABASE_SUFFIXES = ("", "-wal", "-shm", "-journal")
"""A database is these files."""
_DAMAGED = (
    "Could not decode", "already exists", "duplicate column name", "no such column",
    "unsupported file format", "malformed",
)  # fmt: skip
"""What SQLite says of text that was never written as such, and of a version that is not the true one."""
_NO_VERSION = 1000
"""No acode will have so many migrations."""
_MAX_PATTERNS = 32
_STEPS_BETWEEN_LOOKS = 20_000
"""Of SQLite's virtual machine: about a millisecond."""
SQLITE_VERSION = sqlite3.sqlite_version
SAFE_WITH_SEVERAL_WRITERS = tuple(map(int, SQLITE_VERSION.split("."))) >= (3, 51, 3)

OperationalError = sqlite3.OperationalError
_COMMON = ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0")
_READER = ("query_only=ON", "cache_size=-512")
_WRITER = (
    "cache_size=-16384", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON",
    "journal_size_limit=67108864", "wal_autocheckpoint=2000",
)  # fmt: skip


# The three contexts are classes because `contextlib` would cost every listing milliseconds.


class translated_errors:
    """Turn what sqlite3 raises into the error that says what to do.

    Args:
        schema: whose database it is.
    """

    def __init__(self, schema: Schema = RUNS) -> None:
        self._schema = schema

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: Kind, error: BaseException | None, where: TracebackType | None) -> None:
        """Translate."""
        if isinstance(error, sqlite3.Error):
            raise translate(error, self._schema) from error
        if isinstance(error, UnicodeDecodeError):  # of SQLite's own words about a damaged schema
            raise CorruptError(
                "ACODE-RUN-005", f"{self._schema.file_name} is damaged", self._schema.remedy
            ) from error


def translate(error: sqlite3.Error, schema: Schema = RUNS) -> AcodeError:
    """Return the user's error for one of SQLite's."""
    text, name = str(error), schema.file_name
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return CorruptError("ACODE-RUN-005", f"{name} is damaged ({text})", schema.remedy)
    if primary == sqlite3.SQLITE_INTERRUPT:
        return LimitError("ACODE-RUN-003", "the query was stopped", "narrow the filter")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError("ACODE-RUN-022", f"{name} is locked by another process", "try again")
    if primary == sqlite3.SQLITE_FULL:
        return LimitError("ACODE-ART-005", f"no space left for {name}", "free some space")
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return ConflictError("ACODE-RUN-027", f"{name} refuses it: {text}", "it is in there already")
    if any(words in text for words in _DAMAGED):
        return CorruptError("ACODE-RUN-005", f"{name} is damaged ({text[:80]!a})", schema.remedy)
    if "no such table" in text:
        return CorruptError("ACODE-RUN-005", f"{name} has no {schema.holds} in it", schema.remedy)
    return UnavailableError("ACODE-RUN-005", f"database error: {text}", "run 'acode doctor'")


def translating(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a store method so that it raises only `AcodeError`."""

    def method(*args: P.args, **kwargs: P.kwargs) -> R:
        with translated_errors():
            return function(*args, **kwargs)

    method.__name__, method.__doc__ = function.__name__, function.__doc__
    return method


def open_reader(path: str, schema: Schema = RUNS) -> Connection:
    """Open the database read-only.

    Raises:
        UnavailableError: when there is none yet.
        BusyError: when an older acode wrote it, and no writer has brought it up to date yet.
        CorruptError: when it is not a database, or not ours.
    """
    if not os.path.lexists(path):
        raise UnavailableError("ACODE-RUN-005", f"no database at {path}", "record a run first")
    _check_files(path, schema)
    with translated_errors(schema):
        connection = _connect(f"file:{_quote(path)}?mode=ro", uri=True)
        try:
            _apply(connection, (*_COMMON, *_READER))
            _check_version(connection, schema)
            _refuse_older(connection, schema)
        except BaseException:
            connection.close()
            raise
    return connection


def open_writer(path: str, schema: Schema = RUNS) -> Connection:
    """Open, create or migrate the database for writing; the caller holds the writer's lock.

    Raises:
        CorruptError: when the file is damaged.
        ConflictError: when a newer acode wrote it.
    """
    _check_files(path, schema)
    with translated_errors(schema):
        connection = _connect(path)
        try:
            _apply(connection, (*_COMMON, *_WRITER))
            _check_version(connection, schema)
            _migrate(connection, schema)
        except BaseException:
            connection.close()
            raise
    return connection


class transaction:
    """Commit all or nothing. `BEGIN IMMEDIATE`, because a deferred one that reads before it writes
    fails at once when somebody else has written in between.
    """  # noqa: D205 - one sentence, and its reason

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def __enter__(self) -> None:
        """Begin."""
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: Kind, error: BaseException | None, where: TracebackType | None) -> None:
        """Commit, or undo; some failures SQLite has undone by itself."""
        try:
            if error is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


class snapshot:
    """Let several questions see one state; kept short, because it holds back the checkpoint."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def __enter__(self) -> None:
        """Begin."""
        self._db.execute("BEGIN")

    def __exit__(self, kind: Kind, error: BaseException | None, where: TracebackType | None) -> None:
        """End."""
        self._db.execute("ROLLBACK")


class _Regexp:
    """What `text REGEXP expression` calls; the engine is loaded when the first is asked for."""

    def __init__(self) -> None:
        self._patterns: dict[str, Any] = {}

    def __call__(self, source: str, text: object) -> bool | None:
        if text is None:
            return None
        pattern = self._patterns.get(source)
        if pattern is None:
            from collector.store.patterns import compile_regex

            if len(self._patterns) > _MAX_PATTERNS:
                self._patterns.clear()
            pattern = self._patterns[source] = compile_regex(source)
        return bool(pattern.fits(str(text)))


class time_limit:
    """Stop what the connection is asked after so long; `is_over` tells whether it was.

    Args:
        connection: whose questions.
        milliseconds: how long they may take together; None for ever.
    """

    def __init__(self, connection: Connection, milliseconds: int | None) -> None:
        self._db = connection
        self._milliseconds = milliseconds
        self.is_over = False

    def __enter__(self) -> time_limit:
        """Begin."""
        if self._milliseconds is not None:
            from time import monotonic

            self._clock = monotonic
            self._end = monotonic() + self._milliseconds / 1000
            self._db.set_progress_handler(self._look, _STEPS_BETWEEN_LOOKS)
        return self

    def _look(self) -> bool:
        self.is_over = self.is_over or self._clock() >= self._end
        return self.is_over

    def __exit__(self, kind: Kind, error: BaseException | None, where: TracebackType | None) -> None:
        """End."""
        if self._milliseconds is not None:
            self._db.set_progress_handler(None, 0)


def identities(path: str) -> dict[str, tuple[int, int]]:
    """Return which files a database is now: name, device and inode of each that is there."""
    found = {}
    for suffix in ("", "-wal", "-shm"):
        try:
            status = os.lstat(path + suffix)
        except FileNotFoundError:
            continue
        found[path.rpartition("/")[2] + suffix] = (status.st_dev, status.st_ino)
    return found


def quick_check(path: str) -> str:
    """Return `ok`, or the first thing that is wrong with the file."""
    with translated_errors():
        connection = open_reader(path)
        try:
            return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.DatabaseError as error:
            return str(error)
        finally:
            connection.close()


def schema_version(connection: Connection) -> int:
    """Return how many migrations the database has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def data_version(connection: Connection) -> int:
    """Return a number that changes when another connection has committed."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _connect(target: str, uri: bool = False) -> Connection:
    connection = sqlite3.connect(target, uri=uri, timeout=10, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.create_function("regexp", 2, _Regexp(), deterministic=True)
    return connection


def _check_files(path: str, schema: Schema) -> None:
    """SQLite follows links, and would wait for a pipe: what lies in a workspace may come from anywhere."""
    for suffix in DATABASE_SUFFIXES:
        try:
            is_file = stat.S_ISREG(os.lstat(path + suffix).st_mode)
        except FileNotFoundError:
            continue
        if not is_file:
            raise CorruptError("ACODE-RUN-005", f"{schema.file_name}{suffix} is not a file", schema.remedy)


def _quote(path: str) -> str:
    """Escape what ends a path in a URI (https://sqlite.org/uri.html)."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _apply(connection: Connection, pragmas: tuple[str, ...]) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def _check_version(connection: Connection, schema: Schema) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version, known = schema_version(connection), len(schema.migrations)
    if application not in (0, schema.application_id):
        raise CorruptError(
            "ACODE-RUN-005", f"{schema.file_name} is another program's database", "move it away and reindex"
        )
    if not 0 <= version < _NO_VERSION:
        raise CorruptError(
            "ACODE-RUN-005", f"{schema.file_name} is damaged (version {version})", schema.remedy
        )
    if version > known:
        raise CorruptError(
            "ACODE-RUN-025",
            f"{schema.file_name} has version {version}, this acode knows {known}",
            "upgrade acode",
        )


def _refuse_older(connection: Connection, schema: Schema) -> None:
    version = schema_version(connection)
    if 0 < version < len(schema.migrations):
        raise BusyError(
            "ACODE-RUN-022",
            f"{schema.file_name} has version {version} and must be brought to {len(schema.migrations)} first",
            "an older collector may be running: 'acode collector stop', then try again",
        )


def _migrate(connection: Connection, schema: Schema) -> None:
    for number in range(schema_version(connection), len(schema.migrations)):
        with transaction(connection):
            for statement in schema.migrations[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={schema.application_id}")
            connection.execute(f"PRAGMA user_version={number + 1}")


def rows(connection: Connection, sql: str, parameters: tuple[Any, ...] | list[Any] = ()) -> list[Row]:
    """Run one statement to its end, so that no read transaction stays open."""
    return connection.execute(sql, parameters).fetchall()
