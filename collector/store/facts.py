"""What retention asks of the database: every finished run with its size, oldest first, in flat memory.

Sizes are what `du` says, to a few percent: whole blocks, content that several files have once. It counts
with the newest run that has it, because that is the last to go.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.model.facts import RunFacts
from collector.model.query import RunQuery
from collector.store.database import Connection, open_reader, rows, translating
from collector.store.plan import row_condition
from collector.store.run_rows import marks, rows_of, tags_by_seq

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collector.store.database import Row

RECORD_BYTES = 3 * 4096
"""What a run takes besides its files: the folder, its record, the index of its output."""
_STEP = 500
_RUNS = """
SELECT seq, run_id, name, folder, status, start_time, end_time FROM runs
WHERE (start_time, seq) > (?, ?) AND {condition} ORDER BY start_time, seq LIMIT ?
"""
# Small files are linked within their run only (the output to the one stream that it is); that a plus sign
# keeps the index of checksums out matters where thousands of runs wrote the same few bytes.
_SIZES = """
SELECT run_seq, sum((stored_bytes + 4095) / 4096 * 4096) FROM artifacts AS mine
WHERE run_seq IN ({marks}) AND stored_bytes > 0 AND NOT CASE
    WHEN checksum_sha256 IS NULL THEN 0
    WHEN stored_bytes < 4096 THEN EXISTS (
        SELECT 1 FROM artifacts AS other WHERE other.run_seq = mine.run_seq
        AND +other.checksum_sha256 = mine.checksum_sha256 AND other.path > mine.path)
    ELSE EXISTS (
        SELECT 1 FROM artifacts AS other WHERE other.checksum_sha256 = mine.checksum_sha256
        AND other.size_bytes = mine.size_bytes AND other.rowid > mine.rowid)
    END
GROUP BY run_seq
"""
_NEW_BYTES = "SELECT total(stored_bytes), ifnull(max(rowid), 0) FROM artifacts WHERE rowid > ?"


_WITH_LOGS = """
SELECT seq, run_id, folder FROM runs WHERE status <> 'running' AND end_time > {since} AND end_time < ?
AND EXISTS (SELECT 1 FROM artifacts WHERE run_seq = seq AND type IN ({marks}))
AND NOT EXISTS (SELECT 1 FROM artifacts WHERE run_seq = seq AND checksum_sha256 IS NULL) LIMIT ?
"""


class StoredFacts(Iterable[RunFacts]):
    """The facts of all runs, or of those that fit a query, oldest first, as often as they are asked for.

    Args:
        connection: a reader's; each step is a transaction of its own, so that no checkpoint waits.
        query: which runs.
    """

    def __init__(self, connection: Connection, query: RunQuery | None = None) -> None:
        self._db = connection
        self._condition, self._values = row_condition(query) if query else ("1", [])

    def __iter__(self) -> Iterator[RunFacts]:
        place = (-(1 << 62), 0)
        while found := self._step(place):
            for row, facts in found:
                yield facts
                place = (row["start_time"], row["seq"])

    @translating
    def _step(self, place: tuple[int, int]) -> list[tuple[Row, RunFacts]]:
        sql = _RUNS.format(condition=self._condition)
        found = rows(self._db, sql, [*place, *self._values, _STEP])
        seqs = [row["seq"] for row in found]
        sizes, tags = sizes_by_seq(self._db, seqs), tags_by_seq(self._db, seqs)
        return [(row, _facts(row, sizes, tags)) for row in found]


@translating
def folders_with_logs(
    db: Connection, types: Sequence[str], since: int, before: int, limit: int
) -> list[tuple[str, str, dict[str, str]]]:
    """Return id, folder and tags of sealed runs that ended between two times and have such artifacts."""
    sql = _WITH_LOGS.format(since=int(since), marks=marks(types))
    found = rows(db, sql, [before, *types, limit])
    tags = tags_by_seq(db, [row["seq"] for row in found])
    return [(row["run_id"], row["folder"], tags.get(row["seq"], {})) for row in found]


def iter_facts(path: str, query: RunQuery | None = None) -> Iterator[RunFacts]:
    """Yield the facts of the runs in a database that fit a query, oldest first."""
    connection = open_reader(path)
    try:
        yield from StoredFacts(connection, query)
    finally:
        connection.close()


def facts_of(path: str, run_ids: Sequence[str]) -> list[RunFacts]:
    """Return the facts of those of these runs that there are, in no order.

    Args:
        path: of the database.
        run_ids: which.
    """
    connection = open_reader(path)
    try:
        parts = [run_ids[begin : begin + _STEP] for begin in range(0, len(run_ids), _STEP)]
        return [facts for part in parts for facts in _facts_of(connection, part)]
    finally:
        connection.close()


def known_ids(path: str, run_ids: Sequence[str]) -> frozenset[str]:
    """Return which of these runs there are; `path` is that of the database."""
    connection = open_reader(path)
    try:
        parts = [run_ids[begin : begin + _STEP] for begin in range(0, len(run_ids), _STEP)]
        return frozenset(row.run_id for part in parts for row in rows_of(connection, part))
    finally:
        connection.close()


@translating
def _facts_of(db: Connection, run_ids: Sequence[str]) -> list[RunFacts]:
    columns = "seq, run_id, name, folder, status, start_time, end_time"
    found = rows(db, f"SELECT {columns} FROM runs WHERE run_id IN ({marks(run_ids)})", list(run_ids))
    seqs = [row["seq"] for row in found]
    sizes, tags = sizes_by_seq(db, seqs), tags_by_seq(db, seqs)
    return [_facts(row, sizes, tags) for row in found]


def sizes_by_seq(db: Connection, seqs: Sequence[int]) -> dict[int, int]:
    """Return what the files of runs take that no newer run has, too, in bytes."""
    return dict(map(tuple, rows(db, _SIZES.format(marks=marks(seqs)), list(seqs))))


@translating
def bytes_since(db: Connection, mark: int) -> tuple[int, int]:
    """Return how many bytes of files came after a mark, at most, and the mark for the next call."""
    (found,) = rows(db, _NEW_BYTES, [mark])
    return int(found[0]), max(mark, int(found[1]))


def _facts(row: Row, sizes: dict[int, int], tags: dict[int, dict[str, str]]) -> RunFacts:
    seq = row["seq"]
    return RunFacts(
        row["run_id"], row["name"], row["status"], row["start_time"], row["end_time"],
        tags.get(seq, {}), sizes.get(seq, 0) + RECORD_BYTES, row["folder"],
    )  # fmt: skip
