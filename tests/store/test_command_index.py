"""Runs of one command line are found through their index, also very long and odd ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.model.query import RunQuery, Term
from collector.model.run import Run
from collector.query.explain import last_success
from collector.store.database import open_writer
from collector.store.plan import plan as plan_of
from collector.store.runs import SqliteRunStore
from collector.store.where import order


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteRunStore]:
    store = SqliteRunStore(open_writer(str(tmp_path / "runs.db")))
    yield store
    store.close()


def make(number: int, line: str, status: str = "success", folder: str = "/w") -> Run:
    return Run(
        run_id=f"R{number}", name=f"r-{number}", task="t", command="c", command_line=line, status=status,
        start_time=number, end_time=number, working_directory=folder,
    )  # fmt: skip


def test_the_last_success_is_searched_for_in_the_index_of_commands(tmp_path: Path) -> None:
    connection = open_writer(str(tmp_path / "runs.db"))
    SqliteRunStore(connection).write([make(n, "make" if n < 3 else "other") for n in range(1, 9)])
    query = RunQuery(
        (
            Term("command_line", ("make",), "="), Term("working_directory", ("/w",), "="),
            Term("status", ("success",)), Term("start_time", (5,), "<="),
        )
    )  # fmt: skip
    condition, parameters = plan_of(connection, query)
    sql = f"EXPLAIN QUERY PLAN SELECT seq FROM runs WHERE {condition} ORDER BY {order(query)} LIMIT 2"
    plan = [str(row[3]) for row in connection.execute(sql, parameters)]
    assert len(plan) == 1  # nothing is sorted
    assert "runs_by_command (command_id=? AND start_time<?)" in plan[0]
    connection.close()


@pytest.mark.parametrize(
    "line", ["make", "", "a*b?[c]", "%_\\", "x" * 100_000, "é😀" * 50, "a\x00b", "a\nb", "=make"]
)
def test_only_the_same_line_letter_by_letter_is_the_same_command(store: SqliteRunStore, line: str) -> None:
    middle = len(line) // 2
    others = [line + " ", " " + line, line[:middle] + "~" + line[middle + 1 :], line.upper() + "!"]
    store.write([make(1, line), *(make(n, other) for n, other in enumerate(others, 10))])
    store.write([make(99, line, "failure")])
    found = last_success(make(99, line, "failure"), store)
    assert found is not None
    assert found.run_id == "R1"


def test_neither_a_later_run_nor_a_failed_one_nor_another_folder_counts(store: SqliteRunStore) -> None:
    store.write(
        [make(1, "m"), make(2, "m"), make(3, "m", "failure"), make(4, "m", folder="/v"), make(9, "m")]
    )
    found = last_success(make(5, "m", "failure"), store)
    assert found is not None
    assert found.run_id == "R2"
    assert last_success(make(1, "m"), store) is None
