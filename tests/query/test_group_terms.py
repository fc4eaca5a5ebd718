"""From a group back to its runs: the conditions find exactly those, over random runs in a real store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.ids import new_ulid
from collector.model.query import RunQuery
from collector.model.run import Run
from collector.model.statistics import GROUPINGS
from collector.query.group_terms import group_terms
from collector.query.language import format_query, parse_query
from collector.query.statistics import first_groups
from collector.store.database import open_writer
from collector.store.runs import SqliteRunStore

NOW = 1_768_919_535_123
DAY = 86_400_000
BASE = {"command_line": "x", "start_time": NOW, "task": "t", "working_directory": "/", "status": "success"}
TEXTS = st.sampled_from(
    ["a", "b*", "c?d", "É x", '"q" \\', "-x", "=y", "@z", "re:/u/", "[v]", "it, too", "A"]
)
MAYBE = st.one_of(st.none(), TEXTS)
RUNS = st.fixed_dictionaries(
    {
        "command_line": st.sampled_from(
            ["git diff a", "/usr/bin/git --no-pager diff b", "cd x && npm run build", "mygit diff", "",
             "a*b?",
             "python -m pytest -q", "g++ x.c", "echo 'line\nline'", "ls\t-l", "git_ log"]
        ),
        "start_time": st.integers(NOW - 40 * DAY, NOW),
        "task": TEXTS, "session_id": MAYBE, "agent": MAYBE, "agent_instance_id": MAYBE, "model": MAYBE,
        "tool": MAYBE, "host": TEXTS, "working_directory": TEXTS,
        "type": st.sampled_from(["command", "test"]), "status": st.sampled_from(["success", "failure"]),
    }
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteRunStore]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    opened = SqliteRunStore(open_writer(str(tmp_path / "runs.db")))
    yield opened
    opened.close()
    monkeypatch.undo()
    time.tzset()


def refill(store: SqliteRunStore, records: list[dict[str, Any]]) -> None:
    for run in store.list(RunQuery(limit=1000)).items:
        store.delete(run.run_id)
    runs = []
    for number, record in enumerate(records):
        run_id = new_ulid(record["start_time"])
        end = record["start_time"] + 5
        runs.append(
            Run(
                run_id=run_id, name=f"run-{number}", folder=f"run-{number}", command="x", exit_code=0,
                end_time=end, duration_ms=5, **record,
            )
        )  # fmt: skip
    store.write(runs)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(RUNS, min_size=1, max_size=25))
def test_the_conditions_of_a_group_find_its_runs(
    store: SqliteRunStore, records: list[dict[str, Any]]
) -> None:
    refill(store, records)
    for by in GROUPINGS:
        for group in first_groups(store, RunQuery(), by)[0]:
            terms = group_terms(by, group.name, group.totals.oldest)
            text = format_query(RunQuery(terms))
            if "\n" not in text and "\t" not in text:
                assert parse_query(text, NOW).terms == terms
            found = store.count(RunQuery(terms))
            assert found == group.totals.runs or (by == "program" and found > group.totals.runs), text


def test_a_program_is_found_by_whole_words_in_their_order(store: SqliteRunStore) -> None:
    lines = ["git diff a", "/usr/bin/git --no-pager diff", "mygit diff", "git log", "git difftool"]
    refill(store, [{**BASE, "command_line": line} for line in lines])
    found = store.list(RunQuery(group_terms("program", "git diff"))).items
    assert sorted(run.command_line for run in found) == sorted(lines[:2])


def test_a_run_at_midnight_belongs_to_the_day_that_begins(store: SqliteRunStore) -> None:
    midnight = 1_768_950_000_000  # 2026-01-21 00:00 in Berlin
    refill(store, [{**BASE, "start_time": midnight + ms} for ms in (-1, 0, 1)])
    for by, name in (("day", "2026-01-20"), ("day", "2026-01-21"), ("hour", "2026-01-20T23:00")):
        group = next(g for g in first_groups(store, RunQuery(), by)[0] if g.name == name)
        found = store.list(RunQuery(group_terms(by, name, group.totals.oldest))).items
        expected = [midnight + 1, midnight] if name == "2026-01-21" else [midnight - 1]
        assert [run.start_time for run in found] == expected


def test_runs_without_a_session_are_found(store: SqliteRunStore) -> None:
    refill(store, [BASE, {**BASE, "session_id": "s", "agent": "codex"}])
    for by in ("session", "agent"):
        found = store.list(RunQuery(group_terms(by, None))).items
        assert [run.session_id for run in found] == [None]
