"""Runs in SQLite: every question a listing asks, and the few things that change them."""

from __future__ import annotations

from collector.errors import ConflictError, InputError, NotFoundError
from collector.model.query import Event, RunQuery, Term
from collector.model.run import Run
from collector.store.commands import index_step
from collector.store.counts import count, facets
from collector.store.database import (
    Connection,
    OperationalError,
    data_version,
    rows,
    snapshot,
    time_limit,
    transaction,
    translating,
)
from collector.store.plan import plan, row_condition
from collector.store.protocols import Events, Outline, Page, Runs, RunStatistics
from collector.store.run_rows import delete_run, marks, refuse_invalid, select_runs, write_run
from collector.store.schema import TALLY_FIELDS, VALUE_FIELDS
from collector.store.where import beyond, encode_cursor, order, sort_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from collector.model.statistics import Tally
    from collector.record.masking import Masking

FACETS = (*TALLY_FIELDS, *VALUE_FIELDS, "session_id", "agent_instance_id", "tag")
MAX_EVENTS = 200_000
_MAX_ROWS = 1 << 62
Cursors = list[str]


class SqliteRunStore:
    """The run store over one connection; writing needs one that was opened for it.

    Args:
        connection: the database.
        masking: masks the secrets of the runs that come out of it; None for what was recorded.
    """

    def __init__(self, connection: Connection, masking: Masking | None = None) -> None:
        self._db = connection
        self._masking = masking

    # Reading

    @translating
    def get(self, run_id: str) -> Run:
        """See `RunStore.get`."""
        run = self.find(run_id)
        if run is None:
            raise NotFoundError(
                "ACODE-RUN-001", f"no run {run_id!r}", "'acode runs list' shows what there is"
            )
        return run

    @translating
    def find(self, run_id: str) -> Run | None:
        """See `RunStore.find`."""
        found = self._select("WHERE run_id = ?", [run_id])
        return found[0] if found else None

    @translating
    def find_matching(self, prefix: str, limit: int = 5) -> Runs:
        """See `RunStore.find_matching`."""
        exact = self._select("WHERE run_id = ? OR name = ?", [prefix.upper(), prefix])
        if exact:
            return exact[:1]
        end = "\U0010ffff"
        return self._select(
            "WHERE run_id BETWEEN ? AND ? OR name BETWEEN ? AND ? ORDER BY start_time DESC LIMIT ?",
            [prefix.upper(), prefix.upper() + end, prefix, prefix + end, limit],
        )

    @translating
    def list(self, query: RunQuery, with_total: bool = False, time_limit_ms: int | None = None) -> Page[Run]:
        """See `RunStore.list`."""
        total = self.count(query) if with_total else None
        limit = max(0, query.limit)
        chosen: list[tuple[Any, int]] = []
        with snapshot(self._db):
            with time_limit(self._db, time_limit_ms) as watch:
                try:
                    for row in self._db.execute(*self._choose(query, limit + 1)):
                        chosen.append((row[0], row[1]))  # noqa: PERF401 - kept when it is interrupted
                except OperationalError:
                    if not watch.is_over:
                        raise
            more = len(chosen) > limit or watch.is_over
            chosen = chosen[:limit]
            found = self.by_seq([seq for _, seq in chosen])
        items = tuple(found[seq] for _, seq in chosen if seq in found)
        end = encode_cursor(query, *chosen[-1]) if chosen else None
        return Page(items, total, end if more else None, not watch.is_over, end)

    def _choose(self, query: RunQuery, limit: int) -> tuple[str, Sequence[Any]]:
        """Return the statement that gives the sort key and number of each row of a page."""
        condition, parameters = plan(self._db, query)
        if query.after:
            after, values = beyond(query, query.after)
            condition, parameters = f"{condition} AND {after}", [*parameters, *values]
        sql = f"SELECT {sort_key(query)}, seq FROM runs WHERE {condition} ORDER BY {order(query)}"
        return f"{sql} LIMIT ? OFFSET ?", (
            *parameters,
            min(limit, _MAX_ROWS),
            min(max(0, query.skip), _MAX_ROWS),
        )

    @translating
    def outline(self, query: RunQuery, step: int = 1000) -> Outline:
        """See `RunStore.outline`. Walks an index in strides, so that no row becomes a Python object."""
        condition, parameters = plan(self._db, query)
        key = sort_key(query)
        select = f"SELECT {key}, seq FROM runs WHERE {condition}"
        tail = f"ORDER BY {order(query)} LIMIT 1"
        cursors: Cursors = []
        with snapshot(self._db):
            row = self._db.execute(f"{select} {tail}", parameters).fetchone()
            while row is not None:
                cursors.append(encode_cursor(query, row[0], row[1]))
                after, values = beyond(query, cursors[-1])
                row = self._db.execute(
                    f"{select} AND {after} {tail} OFFSET ?", [*parameters, *values, step - 1]
                ).fetchone()
            total = step * (len(cursors) - 1) + self._count_from(query, cursors[-1]) if cursors else 0
        return Outline(total, step, tuple(cursors))

    def _count_from(self, query: RunQuery, cursor: str) -> int:
        condition, parameters = plan(self._db, query)
        after, values = beyond(query, cursor, inclusive=True)
        sql = f"SELECT count(*) FROM runs WHERE {condition} AND {after}"
        return int(self._db.execute(sql, [*parameters, *values]).fetchone()[0])

    @translating
    def slice(self, query: RunQuery, outline: Outline, start: int, count: int) -> tuple[Run, ...]:
        """See `RunStore.slice`."""
        block = start // outline.step
        if start < 0 or count <= 0 or block >= len(outline.cursors):
            return ()
        condition, parameters = plan(self._db, query)
        after, values = beyond(query, outline.cursors[block], inclusive=True)
        condition, parameters = f"{condition} AND {after}", [*parameters, *values]
        return tuple(self._window(query, condition, parameters, count, start - block * outline.step))

    @translating
    def matching(self, query: RunQuery, seqs: Sequence[int]) -> frozenset[int]:
        """See `RunStore.matching`."""
        condition, parameters = row_condition(query)
        found = rows(
            self._db,
            f"SELECT seq FROM runs WHERE seq IN ({marks(seqs)}) AND {condition}",
            [*seqs, *parameters],
        )
        return frozenset(row["seq"] for row in found)

    @translating
    def by_seq(self, seqs: Sequence[int]) -> dict[int, Run]:
        """See `RunStore.by_seq`."""
        return {run.seq: run for run in self._select(f"WHERE seq IN ({marks(seqs)})", list(seqs))}

    def iter_tallies(self, query: RunQuery, by: str | None) -> Iterator[Tally]:
        """See `RunStore.iter_tallies`."""
        from collector.store.aggregates import iter_tallies

        return iter_tallies(self._db, query, by)

    @translating
    def durations_at(self, query: RunQuery, ranks: Sequence[int]) -> dict[int, int]:
        """See `RunStore.durations_at`."""
        from collector.store.aggregates import durations_at

        return durations_at(self._db, query, ranks)

    def iter_outcomes(self, query: RunQuery) -> Iterator[tuple[str, str, str, int, str]]:
        """See `RunStore.iter_outcomes`."""
        from collector.store.aggregates import iter_outcomes

        return iter_outcomes(self._db, query)

    @translating
    def count(self, query: RunQuery) -> int:
        """See `RunStore.count`."""
        return count(self._db, query)

    @translating
    def exists(self, run_id: str) -> bool:
        """See `RunStore.exists`."""
        return bool(rows(self._db, "SELECT 1 FROM runs WHERE run_id = ?", [run_id]))

    def latest(self, skip: int = 0) -> Run | None:
        """See `RunStore.latest`."""
        page = self.list(RunQuery(limit=1, skip=skip))
        return page.items[0] if page.items else None

    def by_session(self, session_id: str) -> Page[Run]:
        """See `RunStore.by_session`."""
        return self.list(RunQuery((Term("session_id", (session_id,), "="),), limit=1000))

    def by_task(self, task: str) -> Page[Run]:
        """See `RunStore.by_task`."""
        return self.list(RunQuery((Term("task", (task,)),), limit=1000))

    def failed(self, limit: int = 50) -> Page[Run]:
        """See `RunStore.failed`."""
        failed = Term("status", ("failure", "timeout", "cancelled"))
        return self.list(RunQuery((failed,), limit=limit))

    @translating
    def statistics(self) -> RunStatistics:
        """See `RunStore.statistics`."""
        by_status = self.facets("status")
        artifacts = rows(self._db, "SELECT count(*), ifnull(sum(stored_bytes), 0) FROM artifacts")[0]
        span = rows(self._db, "SELECT min(start_time), max(start_time), avg(duration_ms) FROM runs")[0]
        return RunStatistics(sum(by_status.values()), by_status, *artifacts, *span)

    @translating
    def facets(
        self, field: str, query: RunQuery | None = None, time_limit_ms: int | None = None
    ) -> dict[str, int]:
        """See `RunStore.facets`."""
        if field not in FACETS:
            hint = f"use one of {', '.join(FACETS)}"
            raise InputError("ACODE-RUN-018", f"runs are not counted by {field!r}", hint)
        with time_limit(self._db, time_limit_ms):
            found = facets(self._db, query or RunQuery(), field)
        return found if self._masking is None else self._masking.counts(field, found)

    @translating
    def store_id(self) -> str:
        """See `RunStore.store_id`."""
        return str(rows(self._db, "SELECT store_id FROM identity")[0][0])

    @translating
    def index_commands(self) -> int:
        """Index some of the command lines that wait for it; return how many. For the writer."""
        return index_step(self._db)

    @translating
    def events(self, after: int, limit: int = 1000) -> Events:
        """See `RunStore.events`."""
        found = rows(
            self._db,
            "SELECT * FROM events WHERE event_id > ? ORDER BY event_id LIMIT ?",
            [after, limit],
        )
        return [
            Event(row["event_id"], row["kind"], row["run_id"], row["run_seq"], row["artifact_id"])
            for row in found
        ]

    @translating
    def last_event_id(self) -> int:
        """See `RunStore.last_event_id`."""
        return int(rows(self._db, "SELECT ifnull(max(event_id), 0) FROM events")[0][0])

    @translating
    def data_version(self) -> int:
        """Return a number that changes when another connection has committed; costs microseconds."""
        return data_version(self._db)

    # Writing

    @translating
    def create(self, run: Run) -> Run:
        """See `RunStore.create`."""
        self.write([run])
        return self.get(run.run_id)

    @translating
    def finish(self, run: Run) -> Run:
        """See `RunStore.finish`."""
        if not run.is_finished:
            raise ConflictError("ACODE-RUN-017", f"run {run.name} is still running")
        self.write([run])
        return self.get(run.run_id)

    @translating
    def write(self, runs: Sequence[Run]) -> None:
        """Add runs, or replace running ones, in one transaction; the bulk path.

        A finished run that is already there is left as it is when the record says the same.

        Raises:
            InputError: when a record is not one that a store should hold.
            ConflictError: when a finished run would change.
        """
        for run in runs:
            refuse_invalid(run)
        with transaction(self._db):
            for run in runs:
                write_run(self._db, run)

    @translating
    def delete(self, run_id: str) -> None:
        """See `RunStore.delete`."""
        run = self.get(run_id)
        if not run.is_finished:
            raise ConflictError(
                "ACODE-RUN-017", f"run {run.name} is still running", "stop it before deleting it"
            )
        with transaction(self._db):
            delete_run(self._db, run)

    @translating
    def delete_older_than(self, before: int) -> Runs:
        """See `RunStore.delete_older_than`."""
        doomed = self._select("WHERE start_time < ? AND status <> 'running'", [before])
        with transaction(self._db):
            for run in doomed:
                delete_run(self._db, run)
        return doomed

    @translating
    def running(self) -> Runs:
        """Return every run that has not ended, for recovery."""
        return self._select("WHERE status = 'running'", [])

    @translating
    def known_folders(self, folders: Sequence[str]) -> frozenset[str]:
        """Return which of these run folders have a row."""
        names = [folder.rpartition("/")[2] for folder in folders]
        found = rows(self._db, f"SELECT folder FROM runs WHERE name IN ({marks(names)})", names)
        return frozenset(row["folder"] for row in found)

    @translating
    def places(self, runs: Sequence[Run]) -> dict[str, str]:
        """Return the folder that each identity and each name among those of runs has now."""
        ids, names = [run.run_id for run in runs], [run.name for run in runs]
        sql = (
            f"SELECT run_id, name, folder FROM runs WHERE run_id IN ({marks(ids)}) OR name IN ({marks(ids)})"
        )
        found = rows(self._db, sql, [*ids, *names])
        return {key: row["folder"] for row in found for key in (row["run_id"], row["name"])}

    @translating
    def find_folder(self, folder: str) -> Run | None:
        """Return the run of a run folder, or None."""
        found = self._select("WHERE name = ?", [folder.rpartition("/")[2]])
        return found[0] if found else None

    @translating
    def move(self, run_id: str, folder: str) -> None:
        """Say where a run's folder lies now."""
        with transaction(self._db):
            self._db.execute("UPDATE runs SET folder = ? WHERE run_id = ?", [folder, run_id])
            self._db.execute(
                """INSERT INTO events (kind, run_id, run_seq)
                   SELECT 'run.moved', run_id, seq FROM runs WHERE run_id = ?""",
                [run_id],
            )

    @translating
    def find_call(self, tool_call_id: str, agent: str) -> Run | None:
        """Return the run of an agent's tool call, or None."""
        found = self._select("WHERE tool_call_id = ? AND agent = ?", [tool_call_id, agent])
        return found[0] if found else None

    @translating
    def without_call(self, session_id: str) -> Runs:
        """Return the runs of a session that no tool call is known for, in the order they began."""
        tail = "WHERE session_id = ? AND tool_call_id IS NULL ORDER BY start_time, seq"
        return self._select(tail, [session_id])

    @translating
    def run_ids(self) -> tuple[str, ...]:
        """Return the id of every run."""
        return tuple(row["run_id"] for row in rows(self._db, "SELECT run_id FROM runs"))

    @translating
    def forget(self, run_id: str) -> None:
        """Remove the row of a run whose folder is gone, whatever its status."""
        run = self.find(run_id)
        if run is not None:
            with transaction(self._db):
                delete_run(self._db, run)

    @translating
    def note_complete(self) -> None:
        """Say that the folders have been read; a database without any event is one that was just made."""
        with transaction(self._db):
            self._db.execute("INSERT INTO events (kind, run_id, run_seq) VALUES ('store.complete', '', 0)")

    @translating
    def trim_events(self) -> None:
        """Forget events that no follower can still be waiting for."""
        self._db.execute("DELETE FROM events WHERE event_id <= ?", [self.last_event_id() - MAX_EVENTS])

    def interrupt(self) -> None:
        """See `RunStore.interrupt`."""
        self._db.interrupt()

    def close(self) -> None:
        """See `RunStore.close`."""
        self._db.close()

    @translating
    def recorded(self, run: Run) -> Run:
        """See `RunStore.recorded`."""
        if self._masking is None:
            return run
        found = select_runs(self._db, "WHERE run_id = ?", [run.run_id])
        return found[0] if found else run

    def shown(self, text: str) -> str:
        """See `RunStore.shown`."""
        return text if self._masking is None else self._masking.text(text)

    # Rows

    def _select(self, tail: str, parameters: Sequence[Any]) -> Runs:
        runs = select_runs(self._db, tail, parameters)
        return runs if self._masking is None else [self._masking.run(run) for run in runs]

    def _window(
        self, query: RunQuery, condition: str, parameters: Sequence[Any], limit: int, skip: int
    ) -> Runs:
        """Return part of a result. Rows that are skipped are only counted, in the index."""
        sql = f"SELECT seq FROM runs WHERE {condition} ORDER BY {order(query)} LIMIT ? OFFSET ?"
        seqs = [row[0] for row in rows(self._db, sql, [*parameters, limit, skip])]
        found = self.by_seq(seqs)
        return [found[seq] for seq in seqs if seq in found]
