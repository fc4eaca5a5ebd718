"""Counting in the database what would take too long row by row: pure SQL over a connection, read only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.errors import InputError
from collector.model.query import RunQuery
from collector.model.statistics import LargeRun, StorageShare, Tally
from collector.store.database import Connection, rows, translated_errors
from collector.store.plan import plan
from collector.store.schema import NOTHING
from collector.store.where import COMMAND_LINE

_QUARTER = "(start_time - ((start_time % 900000) + 900000) % 900000) / 900000"
_COLUMNS = {
    "task": "task", "type": "type", "status": "status", "context": "context", "session": "session_id",
    "agent": "agent", "instance": "agent_instance_id", "model": "model", "tool": "tool", "host": "host",
    "directory": "working_directory",
}  # fmt: skip
_VALUES: dict[str | None, tuple[str, str]] = {
    None: ("NULL", "NULL"),
    "command": ("command_id", COMMAND_LINE),
    "quarter": (_QUARTER, _QUARTER),
    **{name: (column, column) for name, column in _COLUMNS.items()},
}
"""What can be grouped by: the expression to group by, and the one that gives the value."""


def iter_tallies(db: Connection, query: RunQuery, by: str | None) -> Iterator[Tally]:
    """Yield what there is of each value, once for each value.

    Args:
        db: one read transaction from the first to the last.
        query: which runs; its order and window do not matter.
        by: what to group by; `quarter` is the number of the quarter of an hour since 1970; None counts
            everything together, and tells no durations, of which there may be too many.

    Raises:
        InputError: for something that nothing can be grouped by.
    """
    if by not in _VALUES:
        raise InputError("ACODE-RUN-018", f"cannot group by {by!r}")
    key, value = _VALUES[by]
    durations = "group_concat(duration_ms)" if by else "NULL"
    with translated_errors():
        condition, parameters = plan(db, query, is_sorted=False)
        # `total` instead of `sum`, which fails when a sum does not fit into 64 bits.
        sql = f"""
            SELECT {value}, group_concat(substr(status, 1, 1), ''), count(duration_ms), total(duration_ms),
                {durations}, count(tokens_used), total(tokens_used), sum(cost), total(output_bytes),
                min(start_time), max(start_time)
            FROM runs WHERE {condition} {f"GROUP BY {key}" if by else "HAVING count(*)"}
        """
        for name, outcomes, timed, took, text, telling, tokens, cost, size, *times in db.execute(
            sql, parameters
        ):
            used = int(tokens) if telling else None
            yield Tally(name, outcomes, timed, int(took), text, used, cost, int(size), *times)


def durations_at(db: Connection, query: RunQuery, ranks: Sequence[int]) -> dict[int, int]:
    """Return how long the runs at some ranks took, of those that tell it, the shortest having rank 1.

    Of all runs, an index is counted through; of some, SQLite sorts and numbers them.
    """
    took = f"ifnull(duration_ms, {NOTHING})"
    if not query.terms:
        sql = f"SELECT {took} FROM runs WHERE {took} > {NOTHING} ORDER BY {took} LIMIT 1 OFFSET ?"
        found = {rank: rows(db, sql, [rank - 1]) for rank in {*ranks} if rank > 0}
        return {rank: int(row[0][0]) for rank, row in found.items() if row}
    condition, parameters = plan(db, query, is_sorted=False)
    sql = f"""
        SELECT rank, took FROM (
            SELECT duration_ms AS took, row_number() OVER (ORDER BY +duration_ms) AS rank FROM runs
            WHERE {condition} AND +duration_ms IS NOT NULL
        ) WHERE rank IN ({",".join("?" * len(ranks))})
    """
    return {int(rank): int(took) for rank, took in rows(db, sql, [*parameters, *ranks])}


def iter_outcomes(db: Connection, query: RunQuery) -> Iterator[tuple[str, str, str, int, str]]:
    """Yield command line, folder, status, start and id of each run of commands that both worked and failed.

    Those of one command in one folder follow each other, oldest first. An index alone tells which commands
    these are, so that a store in which few commands ever fail is not read as a whole.
    """
    with translated_errors():
        condition, parameters = plan(db, query, is_sorted=False)
        sql = f"""
            SELECT {COMMAND_LINE}, working_directory, status, start_time, run_id FROM runs
            WHERE {condition} AND +status IN ('success', 'failure', 'timeout') AND command_id IN (
                SELECT command_id FROM runs GROUP BY command_id
                HAVING min(status = 'success') = 0 AND max(status = 'success') = 1
            ) ORDER BY command_id, working_directory, start_time, seq
        """
        for row in db.execute(sql, parameters):
            yield tuple(row)


def count_stored(db: Connection, query: RunQuery) -> tuple[int, int]:
    """Return how many artifacts runs have, and how many bytes these take."""
    condition, parameters = plan(db, query, is_sorted=False)
    chosen = f"WHERE run_seq IN (SELECT seq FROM runs WHERE {condition})" if query.terms else ""
    sql = f"SELECT count(*), total(stored_bytes) FROM artifacts {chosen}"
    artifacts, stored = rows(db, sql, parameters if query.terms else [])[0]
    return artifacts, int(stored)


def storage_shares(db: Connection, query: RunQuery) -> tuple[StorageShare, ...]:
    """Return what the artifacts of each type of run take, the largest first; reads every row of them."""
    condition, parameters = plan(db, query, is_sorted=False)
    sql = f"""
        SELECT type, count(*), sum(artifacts), sum(content), sum(stored) FROM (
            SELECT (SELECT type FROM runs WHERE seq = run_seq) AS type, count(*) AS artifacts,
                total(size_bytes) AS content, total(stored_bytes) AS stored
            FROM artifacts WHERE run_seq IN (SELECT seq FROM runs WHERE {condition}) GROUP BY run_seq
        ) GROUP BY type ORDER BY 5 DESC, 1
    """
    return tuple(
        StorageShare(kind, runs, artifacts, int(content), int(stored))
        for kind, runs, artifacts, content, stored in rows(db, sql, parameters)
    )


def largest_runs(db: Connection, query: RunQuery, limit: int) -> tuple[LargeRun, ...]:
    """Return the runs whose artifacts take most."""
    condition, parameters = plan(db, query, is_sorted=False)
    sql = f"""
        SELECT run_id, name, {COMMAND_LINE}, artifacts, stored FROM (
            SELECT run_seq, count(*) AS artifacts, total(stored_bytes) AS stored FROM artifacts
            WHERE run_seq IN (SELECT seq FROM runs WHERE {condition})
            GROUP BY run_seq ORDER BY stored DESC, run_seq DESC LIMIT ?
        ) JOIN runs ON seq = run_seq ORDER BY stored DESC, seq DESC
    """
    return tuple(
        LargeRun(run_id, name, line, artifacts, int(stored))
        for run_id, name, line, artifacts, stored in rows(db, sql, [*parameters, limit])
    )
