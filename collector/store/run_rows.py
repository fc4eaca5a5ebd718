"""How a run becomes rows and back: runs, their sets of variables, their tags, their events."""

from __future__ import annotations

from collector.errors import ConflictError, InputError
from collector.model.frozen import dataclass
from collector.model.run import Run
from collector.record.expire import EXPIRED
from collector.store.artifacts import artifacts_by_seq, artifacts_to_rows, forget_artifacts
from collector.store.commands import add_command, remove_unused
from collector.store.database import Connection, Row, rows, transaction, translating
from collector.store.protocols import Runs
from collector.store.quick_json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_JSON = ("tokens", "provenance", "recorder", "metrics", "summary")
_PLAIN = (
    "run_id", "name", "folder", "task", "command", "working_directory", "status",
    "exit_code", "signal", "start_time", "end_time", "duration_ms", "session_id", "task_id",
    "parent_run_id", "agent_instance_id", "tool", "tool_call_id", "type", "context",
    "operating_mode", "container_id", "error_code", "error_message", "workspace_id", "agent",
    "agent_version", "model", "cost", "cpu_ms", "max_rss_bytes", "host", "pid", "output_bytes", "note",
)  # fmt: skip
_ANNOTATED = (
    "session_id", "agent_instance_id", "tool", "tool_call_id", "agent", "agent_version", "model", "tokens",
    "cost", "provenance", "metrics", "summary", "skipped", "note",
)  # fmt: skip
"""What may be learned of a run after its end."""
_LISTS = ("arguments", "skipped")
_COUNTED = ("tests", "failed_tests", "coverage")
"""What is taken out of the summary, to be asked for."""
_COLUMNS = (*_PLAIN, "tokens_used", *_LISTS, *_JSON, *_COUNTED, "environment_id", "command_id")
_INSERT = f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_UPDATE = f"UPDATE runs SET {', '.join(f'{c} = ?' for c in _COLUMNS)} WHERE seq = ?"
_AS_THEY_ARE = ("seq", *_PLAIN, "command_line")
"""What is taken from a row by its place: by name, sqlite3 would go through all columns for each."""
_SELECT = (
    f"SELECT {', '.join(f'runs.{c}' for c in ('seq', *_PLAIN))}, command_line, "
    f"{', '.join((*_JSON, *_LISTS))}, variables FROM runs JOIN commands USING (command_id) "
    "LEFT JOIN environments USING (environment_id)"
)
_FIND = "SELECT seq, status, command_id, note FROM runs WHERE run_id = ?"
Values = list["Any"]


def select_runs(db: Connection, tail: str, parameters: Sequence[Any]) -> Runs:
    """Return the runs of a query's tail (`WHERE …`), whole."""
    found = rows(db, f"{_SELECT} {tail}", list(parameters))
    if not found:
        return []
    seqs = [row[0] for row in found]
    artifacts = artifacts_by_seq(db, seqs)
    tags = tags_by_seq(db, seqs)
    return [_run(row, artifacts.get(row[0], ()), tags.get(row[0], {})) for row in found]


def write_run(db: Connection, run: Run) -> None:
    """Add a run, or replace a running one; the caller has begun the transaction.

    Raises:
        ConflictError: when a finished run would change.
    """
    found = db.execute(_FIND, [run.run_id]).fetchone()
    values = _values(db, run)
    if found is None:
        # The folder is the record: whoever had its name before is no longer there.
        _remove(db, "name = ?", run.name)
        seq = db.execute(_INSERT, values).lastrowid or 0
        _write_tags(db, run, seq)
        _revise(db, seq, _event(db, "run.created", run, seq))
    elif found["status"] == "running":
        seq = found["seq"]
        db.execute(_UPDATE, [*values, seq])
        remove_unused(db, found["command_id"])
        if (_write_tags(db, run, seq) or found["note"] != run.note) and not run.is_finished:
            _event(db, "run.annotated", run, seq)
    else:
        seq = found["seq"]
        _annotate(db, run, seq)
    if run.is_finished and (found is None or found["status"] == "running"):
        _revise(db, seq, _event(db, "run.finished", run, seq))
    artifacts_to_rows(db, seq, run)
    expired = [str(skipped.get("path")) for skipped in run.skipped if skipped.get("reason") == EXPIRED]
    if expired:
        forget_artifacts(db, seq, run, expired)


def delete_run(db: Connection, run: Run) -> None:
    """Remove a run; the caller has begun the transaction."""
    _remove(db, "seq = ?", run.seq)
    _event(db, "run.deleted", run, run.seq)


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What must be known of a run to delete it."""

    seq: int
    run_id: str
    name: str
    folder: str
    status: str
    tags: Mapping[str, str]

    @property
    def is_finished(self) -> bool:
        """Whether it has ended."""
        return self.status != "running"


@translating
def rows_of(db: Connection, run_ids: Sequence[str]) -> list[RowFacts]:
    """Return what there is of these runs, in no order."""
    sql = f"SELECT seq, run_id, name, folder, status FROM runs WHERE run_id IN ({marks(run_ids)})"
    found = rows(db, sql, list(run_ids))
    tags = tags_by_seq(db, [row["seq"] for row in found])
    return [
        RowFacts(
            row["seq"], row["run_id"], row["name"], row["folder"], row["status"], tags.get(row["seq"], {})
        )
        for row in found
    ]


@translating
def delete_rows(db: Connection, doomed: Sequence[RowFacts]) -> None:
    """Remove runs in one transaction, on the disk when it returns: what follows may not be undone."""
    if not doomed:
        return
    db.execute("PRAGMA synchronous=FULL")
    try:
        with transaction(db):
            sql = "INSERT INTO events (kind, run_id, run_seq) VALUES ('run.deleted', ?, ?)"
            db.executemany(sql, [(row.run_id, row.seq) for row in doomed])
            _remove(db, f"seq IN ({marks(doomed)})", *(row.seq for row in doomed))
    finally:
        db.execute("PRAGMA synchronous=NORMAL")


def _remove(db: Connection, condition: str, *values: str | int) -> None:
    found = db.execute(f"DELETE FROM runs WHERE {condition} RETURNING command_id", values).fetchall()
    for command_id in {row[0] for row in found}:
        remove_unused(db, command_id)


def tags_by_seq(db: Connection, seqs: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return the tags of several runs in one question; those without any are left out."""
    tags: dict[int, dict[str, str]] = {}
    sql = f"SELECT run_seq, key, value FROM tags WHERE run_seq IN ({marks(seqs)})"
    for row in rows(db, sql, list(seqs)):
        tags.setdefault(row["run_seq"], {})[row["key"]] = row["value"]
    return tags


def _write_tags(db: Connection, run: Run, seq: int) -> bool:
    """Let a run have the tags of its record and no others; tell whether that changed any."""
    if tags_by_seq(db, [seq]).get(seq, {}) == run.tags:
        return False
    db.execute("DELETE FROM tags WHERE run_seq = ?", [seq])
    for key, value in run.tags.items():
        db.execute("INSERT INTO tags VALUES (?, ?, ?)", [key, value, seq])
    return True


def _annotate(db: Connection, run: Run, seq: int) -> None:
    """Add what an agent said of a run after its end; what was recorded stays.

    Raises:
        ConflictError: the record says something else of what was recorded.
    """
    (stored,) = select_runs(db, "WHERE run_id = ?", [run.run_id])
    if any(getattr(stored, c) != getattr(run, c) for c in ("status", "exit_code", "end_time")):
        raise ConflictError("ACODE-RUN-027", f"run {run.name} is finished and cannot be changed")
    changed = [name for name in (*_ANNOTATED, "folder") if getattr(stored, name) != getattr(run, name)]
    retagged = _write_tags(db, run, seq)
    if not changed and not retagged:
        return
    if "tokens" in changed:
        changed.append("tokens_used")
    values = [_cell(run, name) for name in changed]
    if "summary" in changed:
        changed += _COUNTED
        values += _counted(run)
    if changed:
        db.execute(f"UPDATE runs SET {', '.join(f'{c} = ?' for c in changed)} WHERE seq = ?", [*values, seq])
    _event(db, "run.annotated", run, seq)


def _event(db: Connection, kind: str, run: Run, seq: int) -> int:
    sql = "INSERT INTO events (kind, run_id, run_seq) VALUES (?, ?, ?)"
    return db.execute(sql, [kind, run.run_id, seq]).lastrowid or 0


def _revise(db: Connection, seq: int, event_id: int) -> None:
    """Note when a run, or its end, came to be known; the number of an event is never given out again."""
    db.execute("UPDATE runs SET revision = ? WHERE seq = ?", [event_id, seq])


def _values(db: Connection, run: Run) -> Values:
    values = [getattr(run, name) for name in _PLAIN]
    values += [run.tokens_used, _text(list(run.arguments)), _skipped(run)]
    values += [_dump(getattr(run, name)) for name in _JSON]
    values += _counted(run)
    values += [_environment(db, run.environment), add_command(db, run.command_line)]
    return values


def _counted(run: Run) -> Values:
    """Return how many tests there were, how many failed, and which part of the lines was covered."""
    tests, coverage = _part(run, "tests"), _part(run, "coverage")
    failed = _whole(tests.get("failed")), _whole(tests.get("errors"))
    known = [number for number in failed if number is not None]
    return [_whole(tests.get("total")), sum(known) if known else None, _whole(coverage.get("line_percent"))]


def _part(run: Run, name: str) -> Mapping[str, Any]:
    part = run.summary.get(name)
    return part if isinstance(part, dict) else {}


def _whole(value: object) -> int | None:
    """Return a number rounded down; what a record may hold instead is no number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and abs(value) < 1 << 53 else None  # type: ignore[call-overload, arg-type]


def _environment(db: Connection, environment: Mapping[str, str]) -> int | None:
    """Return the number of a set of variables; most runs share a few sets."""
    if not environment:
        return None
    text = _text(dict(sorted(environment.items())))
    found = db.execute("SELECT environment_id FROM environments WHERE variables = ?", [text]).fetchone()
    if found:
        return int(found[0])
    return db.execute("INSERT INTO environments (variables) VALUES (?)", [text]).lastrowid


def _run(row: Row, artifacts: tuple[Any, ...], tags: dict[str, str]) -> Run:
    values = dict(zip(_AS_THEY_ARE, row, strict=False))
    *objects, arguments, skipped, variables = row[len(_AS_THEY_ARE) :]
    for name, text in zip(_JSON, objects, strict=True):
        values[name] = loads(text) if text else {}
    return Run(
        **values,
        arguments=tuple(loads(arguments)),
        skipped=tuple(loads(skipped)) if skipped else (),
        environment=loads(variables) if variables else {},
        tags=tags,
        artifacts=artifacts,
    )


def refuse_invalid(run: Run) -> None:
    """Raise InputError for a record that no store should hold."""
    try:
        run.check()
    except ValueError as error:
        raise InputError("ACODE-RUN-027", f"run {run.name!r} cannot be stored: {error}") from error


def _cell(run: Run, name: str) -> Any:
    if name == "skipped":
        return _skipped(run)
    return _dump(getattr(run, name)) if name in _JSON else getattr(run, name)


def _skipped(run: Run) -> str | None:
    return _text([dict(skipped) for skipped in run.skipped]) if run.skipped else None


def _dump(value: Mapping[str, Any]) -> str | None:
    return _text(dict(value)) if value else None


def _text(value: Any) -> str:
    import json  # readers do without it

    return json.dumps(value, ensure_ascii=False)


def marks(values: Sequence[Any]) -> str:
    """Return as many question marks as there are values."""
    return ",".join("?" * len(values))
