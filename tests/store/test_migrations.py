"""A database of any earlier version is brought up to date with its runs in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from collector.errors import BusyError
from collector.model.query import RunQuery, Term
from collector.store.database import open_reader, open_writer
from collector.store.runs import FACETS, SqliteRunStore
from collector.store.schema import MIGRATIONS, RUNS
from tests.conftest import Acode

RUN = {
    "name": "t-1", "folder": "t-1", "task": "t", "command": "make", "arguments": '["all"]',
    "working_directory": "/w", "status": "failure", "exit_code": 2, "start_time": 1000, "end_time": 2000,
    "duration_ms": 1000, "session_id": "s", "type": "build", "context": "host", "host": "h",
}  # fmt: skip
WITH_SUMMARY = 3
WITHOUT_LINES = 5


def old_database(path: Path, version: int) -> None:
    """Make a database as an acode of that version left it: three runs, two of them of one command."""
    db = sqlite3.connect(path, isolation_level=None)
    for migration in MIGRATIONS[:version]:
        for statement in migration:
            db.execute(statement)
    db.execute(f"PRAGMA application_id={RUNS.application_id}")
    db.execute(f"PRAGMA user_version={version}")
    for number, line in enumerate(("make all", "make all", "cargo test")):
        values = RUN | {"run_id": f"R{number}", "name": f"t-{number}", "folder": f"t-{number}"}
        if version < WITHOUT_LINES:
            values["command_line"] = line
        else:
            command = (
                "INSERT OR IGNORE INTO commands (command_id, command_line) VALUES (?, ?)",
                [1 + number, line],
            )
            db.execute(*command)
            values["command_id"] = 1 if line == "make all" else 1 + number
        if version >= WITH_SUMMARY:
            values["summary"] = '{"tests": {"total": 3, "failed": 1, "errors": 1}}'
        marks = ", ".join("?" * len(values))
        db.execute(f"INSERT INTO runs ({', '.join(values)}) VALUES ({marks})", list(values.values()))
        db.execute("INSERT INTO tags VALUES ('env', 'prod', last_insert_rowid())")
    db.execute("INSERT INTO events (kind, run_id, run_seq) VALUES ('store.complete', '', 0)")
    db.close()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_runs_of_an_earlier_version_are_all_there(tmp_path: Path, version: int) -> None:
    path = tmp_path / "runs.db"
    old_database(path, version)
    with pytest.raises(BusyError, match="ACODE-RUN-022"):
        open_reader(str(path))
    store = SqliteRunStore(open_writer(str(path)))
    assert [run.run_id for run in store.list(RunQuery()).items] == ["R2", "R1", "R0"]
    assert {run.command_line for run in store.list(RunQuery()).items} == {"make all", "cargo test"}
    store.index_commands()
    for term in (Term("command_line", ("make all",), "="), Term("text", ("ake a",)), Term("text", ("ak",))):
        assert store.count(RunQuery((term,))) == 2
        assert len(store.list(RunQuery((term,))).items) == 2
    assert store.count(RunQuery((Term("status", ("failure",)),))) == 3
    assert store.facets("task") == {"t": 3}
    assert store.facets("tag") == {"env=prod": 3}
    if version >= WITH_SUMMARY:
        expected = 3 if version < WITHOUT_LINES else 0  # later versions write it themselves
        assert store.count(RunQuery((Term("failed_tests", (2,)),))) == expected
    for run_id in store.run_ids():
        store.forget(run_id)
    assert not any(store.facets(field) for field in FACETS)
    store.close()


def test_whoever_looks_first_brings_the_database_up_to_date(acode: Acode) -> None:
    folder = acode.root / ".acode"
    (folder / "artifacts").mkdir(parents=True)
    old_database(folder / "runs.db", 4)
    done = acode.run("runs", "list", "--fields", "run_id", "--format", "csv")
    assert (done.stdout.split(), done.stderr) == ([b"run_id", b"R2", b"R1", b"R0"], b"")
