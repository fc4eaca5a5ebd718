"""Asking through the command line: expressions, saved filters, counts, what is new since the last time."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from collector.model.run import Run
from collector.store.database import open_writer
from collector.store.runs import SqliteRunStore
from tests.cli.conftest import RUNS, Recorded

TASKS = [arguments[1] for arguments in RUNS]


def tasks(recorded: Recorded, *arguments: str) -> list[str]:
    return [run["task"] for run in recorded.json("runs", "list", "--json", *arguments)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["re:/refused.*exit 1/"], ["test"]),
        (["--regex", "^echo (built|nothing)$"], ["build"]),
        (["re:/ECHO BUILT/i"], ["build"]),
        (["-re:/o/"], ["slow"]),
        (["task:re:/^b/"], ["binary", "both", "build"]),
        (["has:stderr"], ["both", "test"]),
        (["--has", "stderr", "--has", "tags"], ["both", "test"]),
        (["--has-artifacts", "task:binary"], []),
        (["size:>9KB"], ["binary"]),
        (["exit:1..9"], ["test"]),
        (["dir:/nowhere/*"], []),
        (["ended:>yesterday", "task:build"], ["build"]),
    ],
)
def test_a_filter_finds(recorded: Recorded, arguments: list[str], expected: list[str]) -> None:
    assert tasks(recorded, *arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["re:/(/"], "is not a regular expression"),
        (["--regex", "(?=x)"], "--regex: "),
        (["--since", "1h", "--until", "2h"], "the wrong way round"),
        (["exit:9..1"], "the wrong way round"),
        (["--has", "wings"], "use one of artifacts"),
        (["@nothing"], "no saved filter 'nothing'"),
        (["--after-cursor", "WyJ4Il0"], "is not a cursor"),
        (["--limit", "-1"], "not a whole number"),
        (["--timeout", "soon"], "not a duration"),
        (["--cursor-file", "c", "--sort", "task"], "does not go with --cursor-file"),
        (["--cursor-file", "/nowhere/c"], "cannot write"),
        (["--cursor-file", "."], "cannot read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(recorded: Recorded, arguments: list[str], words: str) -> None:
    done = recorded.run("runs", "list", "--format", "jsonl", *arguments)
    assert done.returncode in (1, 2)
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_cursor_of_another_order_is_refused(recorded: Recorded) -> None:
    done = recorded.run("runs", "list", "--limit", "2", "--show-cursor")
    cursor = done.stderr.decode().split()[-1]
    assert tasks(recorded, "--after-cursor", cursor) == TASKS[::-1][2:]
    assert "another order" in recorded.fails(2, "runs", "list", "--sort", "task", "--after-cursor", cursor)


def test_a_count_is_a_number_alone(recorded: Recorded) -> None:
    assert recorded.ok("runs", "list", "--count") == f"{len(RUNS)}\n"
    assert recorded.ok("runs", "list", "--count", "status:failed") == "1\n"
    assert recorded.ok("runs", "list", "--count", "no-such-word") == "0\n"


def test_a_saved_filter_is_used_by_its_name(fresh: Recorded) -> None:
    fresh.run("exec", "--task", "bad", "--", "false")
    fresh.run("exec", "--task", "good", "--", "true")
    assert fresh.run("query", "save", "bad", "status:failed", "cmd:false").returncode == 0
    assert fresh.run("query", "save", "rest", "-status:failed", "--global").returncode == 0
    assert tasks(fresh, "@bad") == ["bad"]
    assert tasks(fresh, "@bad", "task:good") == []
    assert tasks(fresh, "@rest") == ["good"]
    listed = fresh.json("query", "list", "--json")
    assert [(q["name"], q["filter"], q["from"]) for q in listed] == [
        ("bad", "status:failed cmd:false", "workspace"), ("rest", "-status:failed", "user"),
    ]  # fmt: skip
    assert fresh.ok("query", "show", "@bad") == "status:failed cmd:false\n"
    assert fresh.run("query", "remove", "bad").returncode == 0
    assert "no saved filter 'bad'" in fresh.fails(2, "runs", "list", "@bad")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("latest", "status:failed", "names a run already"),
        ("3", "status:failed", "names a run already"),
        ("A b", "status:failed", "cannot be a filter's name"),
        ("../x", "status:failed", "cannot be a filter's name"),
        ("odd", "stauts:failed", "did you mean 'status'"),
        ("loop", "@loop", "leads to itself"),
        ("empty", " ", "the filter is empty"),
    ],
)
def test_a_filter_that_could_not_be_used_is_not_saved(
    fresh: Recorded, name: str, text: str, words: str
) -> None:
    assert words in fresh.fails(2, "query", "save", name, text)
    assert fresh.json("query", "list", "--json") == []


def test_a_damaged_file_of_saved_filters_is_left_alone(fresh: Recorded) -> None:
    path = fresh.root / ".acode" / "queries.json"
    path.write_text("[1]")
    assert "does not hold saved filters" in fresh.fails(2, "query", "save", "x", "status:failed")
    assert path.read_text() == "[1]"
    assert fresh.ok("runs", "list", "--json") == "[]\n"


# What is new since the last time


def news(acode: Recorded, *arguments: str) -> list[tuple[str, str]]:
    text = acode.ok("runs", "list", "--cursor-file", "place", "--format", "jsonl", *arguments)
    return [(run["task"], run["status"]) for run in map(json.loads, text.splitlines())]


def test_each_run_is_told_once_in_the_order_it_came(fresh: Recorded) -> None:
    assert news(fresh) == []
    for task in ("a", "b"):
        fresh.run("exec", "--task", task, "--", "true")
    assert news(fresh) == [("a", "success"), ("b", "success")]
    assert news(fresh) == []
    fresh.run("exec", "--task", "c", "--", "false")
    assert news(fresh, "status:failed") == [("c", "failure")]


def test_a_page_goes_on_where_the_last_one_ended(fresh: Recorded) -> None:
    for task in "abc":
        fresh.run("exec", "--task", task, "--", "true")
    assert news(fresh, "--limit", "2") == [("a", "success"), ("b", "success")]
    assert news(fresh, "--limit", "2") == [("c", "success")]


def test_a_rebuilt_database_repeats_nothing_old(fresh: Recorded) -> None:
    fresh.run("exec", "--task", "old", "--", "true")
    assert news(fresh) == [("old", "success")]
    for path in (fresh.root / ".acode").glob("runs.db*"):
        path.unlink()
    fresh.run("exec", "--task", "new", "--", "true")
    done = fresh.run("runs", "list", "--cursor-file", "place", "--format", "jsonl")
    assert b"rebuilt" in done.stderr
    assert [json.loads(line)["task"] for line in done.stdout.splitlines()] == ["new"]
    assert news(fresh) == []


def made(number: int, status: str) -> Run:
    ended = None if status == "running" else number * 10
    return Run(
        run_id=f"R{number}", name=f"r-{number}", task="t", command="c", command_line=f"c {number}",
        status=status, start_time=number % 7, end_time=ended,
    )  # fmt: skip


def test_polling_while_others_write_misses_no_end_and_repeats_none(tmp_path: Path) -> None:
    """A writer begins, ends and deletes runs in any order of time; who polls sees each end just once."""
    from collector.model.frozen import replace
    from collector.model.query import RunQuery
    from collector.store.database import open_reader

    path = str(tmp_path / "runs.db")
    writer = SqliteRunStore(open_writer(path))
    done = threading.Event()

    def write() -> None:
        for number in range(400):
            writer.write([made(number, "running")])
            if number % 3 == 2:
                writer.write([made(n, "success") for n in (number, number - 2)])
            if number % 50 == 49:
                writer.delete(f"R{(number - 40) // 3 * 3}")
        writer.write([made(number, "success") for number in range(400) if number % 3 == 1])
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    reader = SqliteRunStore(open_reader(path))
    query = RunQuery(sort="revision", descending=False, limit=7)
    ends: list[str] = []
    while True:
        was_done = done.is_set()
        page = reader.list(query)
        ends += [run.run_id for run in page.items if run.is_finished]
        if page.end_cursor is not None:
            query = replace(query, after=page.end_cursor)
        elif was_done:
            break
        assert thread.is_alive() or done.is_set()
    thread.join()
    assert len(ends) == len(set(ends))
    left = {run.run_id for run in reader.list(RunQuery(limit=1000)).items if run.is_finished}
    assert left <= set(ends)
    writer.close()
    reader.close()


def test_pages_miss_and_repeat_nothing_while_rows_come_and_go(tmp_path: Path) -> None:
    from collector.model.frozen import replace
    from collector.model.query import SORTS, RunQuery

    store = SqliteRunStore(open_writer(str(tmp_path / "runs.db")))
    store.write([made(number, "success") for number in range(0, 200, 2)])
    for sort in SORTS:
        before = {run.run_id for run in store.list(RunQuery(limit=1000)).items}
        query, seen, number = RunQuery(sort=sort, limit=9), [], 1
        while True:
            page = store.list(query)
            seen += [run.run_id for run in page.items]
            if page.next_cursor is None:
                break
            query = replace(query, after=page.next_cursor)
            store.write([made(1000 + number * 2 + SORTS.index(sort) * 500, "success")])
            store.delete(page.items[-1].run_id)
            number += 1
        assert len(seen) == len(set(seen)), sort
        gone = before - {run.run_id for run in store.list(RunQuery(limit=5000)).items}
        assert before - gone <= set(seen), sort
    store.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--watch", "--count"], "--count does not go with --watch"),
        (["--cursor-file", ""], "--cursor-file needs a name"),
    ],
)
def test_options_that_make_no_sense_are_refused(recorded: Recorded, arguments: list[str], words: str) -> None:
    assert words in recorded.fails(2, "runs", "list", *arguments)
