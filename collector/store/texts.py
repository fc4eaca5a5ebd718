"""The texts that runs left, as the database of runs knows them: what can be searched, and where it lies."""

from __future__ import annotations

from collector.durable import safe_join
from collector.model.frozen import dataclass
from collector.model.query import RunQuery
from collector.record.content import open_content
from collector.store.database import Connection, Row, rows, translating
from collector.store.plan import plan, row_condition
from collector.store.quick_json import loads
from collector.store.run_rows import marks
from collector.workspace import RESERVED_NAMES, STDERR, STDOUT, Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, BinaryIO

    from collector.record.masking import Masking

    Place = tuple[int, int]
    """A run in the order of time: when it started, and its row."""

_SELECT = """
SELECT artifact_id, run_seq, start_time, folder, path, size_bytes, checksum_sha256, record, position
FROM artifacts JOIN runs ON run_seq = seq
"""
_FITS = "EXISTS (SELECT 1 FROM runs WHERE seq = artifacts.run_seq AND {})"
_STREAMS = (STDOUT, STDERR)
_HEX = frozenset("0123456789abcdef")
MAX_SHARERS = 10_000
"""Of a content that more artifacts have, those that came last are looked at."""
_MADE = RESERVED_NAMES - {*_STREAMS}
"""Files in a run folder that acode made of others."""
_BEYOND_ALL: Place = (1 << 62, 0)


@dataclass(frozen=True, slots=True)
class Text:
    """A file of a run that holds text; without a checksum as long as its run is not sealed.

    Of what is encrypted, nothing may be in the index of all texts.

    `started` is when its run did, in milliseconds since 1970; `artifact_id` is empty for a stream that is
    still being written.
    """

    artifact_id: str
    run_seq: int
    started: int
    folder: str
    path: str
    size_bytes: int
    checksum: str | None = None
    position: int = 0
    is_sensitive: bool = False
    is_encrypted: bool = False

    @property
    def place(self) -> Place:
        """Where its run stands in the order of time."""
        return self.started, self.run_seq

    @property
    def newest_first(self) -> tuple[int, int, int, str]:
        """What to sort by for the newest run first, and in a run as its artifacts are listed."""
        return -self.started, -self.run_seq, self.position, self.path


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an artifact, or (without one) to a run."""

    event_id: int
    kind: str
    run_id: str
    run_seq: int
    artifact_id: str | None


class Texts:
    """The texts in a database of runs, for one thread.

    Args:
        connection: to runs.db; closed with this.
        workspace: whose.
        masking: masks the secrets in texts that are opened; None for what was recorded.
    """

    def __init__(self, connection: Connection, workspace: Workspace, masking: Masking | None = None) -> None:
        self._db = connection
        self._workspace = workspace
        self._masking = masking

    def open(self, text: Text) -> BinaryIO:
        """Open a text for reading from anywhere in it. Raises OSError, ValueError."""
        content = open_content(safe_join(self._workspace.artifacts, text.folder), text.path)
        if self._masking is None or self._is_clean(text, self._masking):
            return content
        return self._masking.content(content)

    def _is_clean(self, text: Text, masking: Masking) -> bool:
        if text.checksum is None or text.is_sensitive:
            return False
        found = rows(self._db, "SELECT summary FROM runs WHERE seq = ?", [text.run_seq])
        return bool(found) and masking.was_looked_through(loads(found[0][0] or "{}"))

    @translating
    def by_id(self, artifact_ids: Sequence[str], query: RunQuery | None = None) -> list[Text]:
        """Return those of these artifacts that are there, hold text, and are of runs that fit a query."""
        condition, values = row_condition(query) if query else ("1", [])
        tail = f"WHERE artifact_id IN ({marks(artifact_ids)}) AND {_FITS.format(condition)}"
        return self._select(tail, [*artifact_ids, *values])

    @translating
    def by_run(self, seqs: Sequence[int]) -> list[Text]:
        """Return the texts of runs, the newest run first, streams first."""
        tail = f"WHERE run_seq IN ({marks(seqs)}) ORDER BY start_time DESC, run_seq DESC, position, path"
        return self._select(tail, seqs)

    @translating
    def by_checksum(self, checksum: str, query: RunQuery | None = None, limit: int = 3) -> list[Text]:
        """Return the newest texts with a content, of runs that fit a query."""
        condition, values = _sharers(query)
        tail = f"""WHERE artifacts.rowid IN (SELECT rowid FROM artifacts {condition})
                   ORDER BY start_time DESC, run_seq DESC, position, path LIMIT ?"""
        return self._select(tail, [checksum, *values, MAX_SHARERS, limit])

    @translating
    def count_sharers(self, checksum: str, query: RunQuery | None = None) -> int:
        """Return how many runs that fit a query have a content, counting up to `MAX_SHARERS`."""
        condition, values = _sharers(query)
        sql = f"SELECT count(DISTINCT run_seq) FROM (SELECT run_seq FROM artifacts {condition})"
        return int(rows(self._db, sql, [checksum, *values, MAX_SHARERS])[0][0])

    @translating
    def streams_of_running(self, query: RunQuery | None = None) -> list[Text]:
        """Return the streams of runs that are being recorded, newest first."""
        condition, values = row_condition(query) if query else ("1", [])
        found = rows(
            self._db,
            f"""SELECT seq, start_time, folder FROM runs WHERE status = 'running' AND {condition}
                ORDER BY start_time DESC, seq DESC""",
            values,
        )
        return [
            Text("", row["seq"], row["start_time"], row["folder"], name, -1, None, position)
            for row in found
            for position, name in enumerate(_STREAMS)
        ]

    @translating
    def runs_before(self, place: Place | None, limit: int, query: RunQuery | None = None) -> list[Place]:
        """Return the runs that started before one, newest first.

        Args:
            place: that one; None for all.
            limit: at most so many.
            query: only those that fit.
        """
        condition, values = plan(self._db, query) if query else ("1", [])
        found = rows(
            self._db,
            f"""SELECT start_time, seq FROM runs
                WHERE (start_time, seq) < (?, ?) AND {condition}
                ORDER BY start_time DESC, seq DESC LIMIT ?""",
            [*(place or _BEYOND_ALL), *values, limit],
        )
        return [(row[0], row[1]) for row in found]

    @translating
    def changes(self, after: int, limit: int) -> list[Change]:
        """Return what happened after an event, in order."""
        sql = "SELECT * FROM events WHERE event_id > ? ORDER BY event_id LIMIT ?"
        return [_change(row) for row in rows(self._db, sql, [after, limit])]

    @translating
    def last_change(self) -> Change | None:
        """Return the newest event; None when there is none."""
        found = rows(self._db, "SELECT * FROM events ORDER BY event_id DESC LIMIT 1")
        return _change(found[0]) if found else None

    @translating
    def remembers(self, change: Change) -> bool:
        """Tell whether an event is still there: not in a database that was made anew."""
        found = rows(self._db, "SELECT * FROM events WHERE event_id = ?", [change.event_id])
        return bool(found) and _change(found[0]) == change

    @translating
    def held(self, checksums: Sequence[str]) -> frozenset[str]:
        """Return which of these contents some artifact has."""
        sql = f"SELECT DISTINCT checksum_sha256 FROM artifacts WHERE checksum_sha256 IN ({marks(checksums)})"
        return frozenset(row[0] for row in rows(self._db, sql, list(checksums)))

    @translating
    def held_plain(self, checksums: Sequence[str]) -> frozenset[str]:
        """Return which of these contents some artifact has that is not encrypted."""
        sql = f"""SELECT DISTINCT checksum_sha256 FROM artifacts WHERE checksum_sha256 IN ({marks(checksums)})
                  AND NOT (json_valid(record) AND ifnull(json_extract(record, '$.encrypted'), 0))"""
        return frozenset(row[0] for row in rows(self._db, sql, list(checksums)))

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def _select(self, tail: str, parameters: Sequence[str | int]) -> list[Text]:
        found = [(row, _record(row)) for row in rows(self._db, _SELECT + tail, list(parameters))]
        return [_text(row, record) for row, record in found if _is_searchable(record)]


def _sharers(query: RunQuery | None) -> tuple[str, list[str | int]]:
    """Return the condition for who has a content, the last that came first; its first parameter is what."""
    condition, values = row_condition(query) if query else ("1", [])
    made = ", ".join(f"'{name}'" for name in sorted(_MADE))
    tail = f"""WHERE checksum_sha256 = ? AND path NOT IN ({made}) AND {_FITS.format(condition)}
               ORDER BY rowid DESC LIMIT ?"""
    return tail, values


def _record(row: Row) -> dict[str, Any]:
    """Return the record of an artifact; one that is damaged says that it is no text."""
    try:
        record = loads(row["record"])
    except (ValueError, TypeError):
        record = None
    return record if isinstance(record, dict) else {"encoding": None}


def _is_searchable(record: dict[str, Any]) -> bool:
    """Tell whether an artifact is text, and not made of others, which are searched themselves."""
    return bool(record.get("encoding", "utf-8")) and record.get("source") != "extracted"


def _text(row: Row, record: dict[str, Any]) -> Text:
    checksum = row["checksum_sha256"]
    return Text(
        row["artifact_id"], row["run_seq"], row["start_time"], row["folder"], row["path"],
        row["size_bytes"], checksum if checksum and _is_sha256(checksum) else None, row["position"],
        record.get("sensitive") is True,
        record.get("encrypted") is True,
    )  # fmt: skip


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and not set(text) - _HEX


def _change(row: Row) -> Change:
    return Change(row["event_id"], row["kind"], row["run_id"], row["run_seq"], row["artifact_id"])
