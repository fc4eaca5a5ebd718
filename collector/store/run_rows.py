"""How a run becomes rows and back: runs, their sets of variables, their tags, their events."""

from __future__ import annotations

from collector.errors import ConflictError, InputError
from collector.model.run import Run
from collector.store.artifacts import artifacts_by_seq, artifacts_to_rows
from collector.store.database import Connection, Row, rows
from collector.store.protocols import Runs
from collector.store.quick_json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_JSON = ("tokens", "provenance", "recorder", "metrics", "summary")
_PLAIN = (
    "run_id", "name", "folder", "task", "command", "command_line", "working_directory", "status",
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
_COLUMNS = (*_PLAIN, "tokens_used", *_LISTS, *_JSON, "environment_id")
_INSERT = f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_UPDATE = f"UPDATE runs SET {', '.join(f'{c} = ?' for c in _COLUMNS)} WHERE seq = ?"
_SELECT = "SELECT runs.*, variables FROM runs LEFT JOIN environments USING (environment_id)"
Values = list["Any"]


def select_runs(db: Connection, tail: str, parameters: Sequence[Any]) -> Runs:
    """Return the runs of a query's tail (`WHERE …`), whole."""
    found = rows(db, f"{_SELECT} {tail}", list(parameters))
    if not found:
        return []
    seqs = [row["seq"] for row in found]
    artifacts = artifacts_by_seq(db, seqs)
    tags = _tags(db, seqs)
    return [_run(row, artifacts.get(row["seq"], ()), tags.get(row["seq"], {})) for row in found]


def write_run(db: Connection, run: Run) -> None:
    """Add a run, or replace a running one; the caller has begun the transaction.

    Raises:
        ConflictError: when a finished run would change.
    """
    found = db.execute("SELECT seq, status, note FROM runs WHERE run_id = ?", [run.run_id]).fetchone()
    values = _values(db, run)
    if found is None:
        # The folder is the record: whoever had its name before is no longer there.
        db.execute("DELETE FROM runs WHERE name = ?", [run.name])
        seq = db.execute(_INSERT, values).lastrowid or 0
        _write_tags(db, run, seq)
        _event(db, "run.created", run, seq)
    elif found["status"] == "running":
        seq = found["seq"]
        db.execute(_UPDATE, [*values, seq])
        if (_write_tags(db, run, seq) or found["note"] != run.note) and not run.is_finished:
            _event(db, "run.annotated", run, seq)
    else:
        seq = found["seq"]
        _annotate(db, run, seq)
    if run.is_finished and (found is None or found["status"] == "running"):
        _event(db, "run.finished", run, seq)
    artifacts_to_rows(db, seq, run)


def delete_run(db: Connection, run: Run) -> None:
    """Remove a run; the caller has begun the transaction."""
    db.execute("DELETE FROM runs WHERE seq = ?", [run.seq])
    _event(db, "run.deleted", run, run.seq)


def _tags(db: Connection, seqs: Sequence[int]) -> dict[int, dict[str, str]]:
    tags: dict[int, dict[str, str]] = {}
    sql = f"SELECT run_seq, key, value FROM tags WHERE run_seq IN ({marks(seqs)})"
    for row in rows(db, sql, list(seqs)):
        tags.setdefault(row["run_seq"], {})[row["key"]] = row["value"]
    return tags


def _write_tags(db: Connection, run: Run, seq: int) -> bool:
    """Let a run have the tags of its record and no others; tell whether that changed any."""
    if _tags(db, [seq]).get(seq, {}) == run.tags:
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
    if changed:
        values = [_cell(run, name) for name in changed]
        db.execute(f"UPDATE runs SET {', '.join(f'{c} = ?' for c in changed)} WHERE seq = ?", [*values, seq])
    _event(db, "run.annotated", run, seq)


def _event(db: Connection, kind: str, run: Run, seq: int) -> None:
    db.execute("INSERT INTO events (kind, run_id, run_seq) VALUES (?, ?, ?)", [kind, run.run_id, seq])


def _values(db: Connection, run: Run) -> Values:
    values = [getattr(run, name) for name in _PLAIN]
    values += [run.tokens_used, _text(list(run.arguments)), _skipped(run)]
    values += [_dump(getattr(run, name)) for name in _JSON]
    values.append(_environment(db, run.environment))
    return values


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
    values = {name: row[name] for name in _PLAIN}
    values |= {name: loads(row[name]) if row[name] else {} for name in _JSON}
    return Run(
        **values,
        arguments=tuple(loads(row["arguments"])),
        skipped=tuple(loads(row["skipped"])) if row["skipped"] else (),
        environment=loads(row["variables"]) if row["variables"] else {},
        tags=tags,
        artifacts=artifacts,
        seq=row["seq"],
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
