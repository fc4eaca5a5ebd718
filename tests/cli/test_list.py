"""`acode runs list`: filters, formats, order, pages, widths."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from tests.cli.conftest import RUNS, Recorded

TASKS = [arguments[1] for arguments in RUNS]


def tasks(recorded: Recorded, *arguments: str) -> list[str]:
    return [run["task"] for run in recorded.json("runs", "list", "--json", *arguments)]


def test_the_newest_run_comes_first(recorded: Recorded) -> None:
    assert tasks(recorded) == TASKS[::-1]
    assert tasks(recorded, "--asc") == TASKS


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--status", "failed"], ["test"]),
        (["--status", "failed,timeout"], ["slow", "test"]),
        (["--status", "failure", "--status", "success"], []),
        (["status:timeout"], ["slow"]),
        (["--type", "build"], ["build"]),
        (["--session", "s-o", "type:test"], ["test"]),
        (["--tag", "important"], ["test"]),
        (["tag:env=prod"], ["both"]),
        (["--command", "*refused*"], ["test"]),
        (["--command", "sleep"], ["slow"]),
        (["--exit-code", "1"], ["test"]),
        (["exit:>=1"], ["test"]),
        (["--duration-lt", "0"], []),
        (["--since", "1h", "--task", "b*"], ["binary", "both", "build"]),
        (["--from", "-7d", "--task", "build"], ["build"]),
        (["--last", "24h", "--task", "build"], ["build"]),
        (["--until", "yesterday"], []),
        (["--to", "2001-01-01"], []),
        (["--context", "docker"], []),
        (["-status:success", "-task:slow"], ["test"]),
        (["--", "-status:success", "-task:slow"], ["test"]),
        (['"connection refused"'], ["test"]),
        (["refused", "exit"], ["test"]),
        (["--limit", "2"], TASKS[:-3:-1]),
        (["--limit", "2", "--skip", "1"], TASKS[-2:-4:-1]),
        (["--sort", "task", "--asc", "--limit", "2"], ["binary", "both"]),
        (["--sort", "task", "--desc", "--limit", "1"], ["test"]),
    ],
)
def test_a_filter_finds(recorded: Recorded, arguments: list[str], expected: list[str]) -> None:
    done = recorded.run("runs", "list", "--json", *arguments)
    assert [run["task"] for run in json.loads(done.stdout)] == expected


def test_sorting_by_duration_puts_the_longest_first(recorded: Recorded) -> None:
    runs = recorded.json("runs", "list", "--json", "--sort", "duration", "--desc")
    durations = [run["duration_ms"] for run in runs]
    assert durations == sorted(durations, reverse=True)


def test_json_has_the_keys_of_run_json(recorded: Recorded) -> None:
    listed = {run["name"]: run for run in recorded.json("runs", "list", "--json")}
    for record in recorded.records():
        shown = listed[record["name"]]
        assert shown.keys() == record.keys()
        assert {**shown, "artifacts": []} == {**record, "artifacts": []}


def test_an_empty_result_is_no_error(recorded: Recorded) -> None:
    assert recorded.json("runs", "list", "--json", "task:nothing") == []
    assert recorded.ok("runs", "list", "--format", "jsonl", "task:nothing") == ""
    done = recorded.run("runs", "list", "task:nothing")
    assert (done.returncode, done.stdout) == (0, b"")


def test_an_empty_workspace_is_no_error(fresh: Recorded) -> None:
    assert fresh.json("runs", "list", "--json") == []
    assert fresh.run("runs", "list").returncode == 0
    assert fresh.json("runs", "stats", "--json")["runs"] == 0


def test_jsonl_is_one_object_a_line(recorded: Recorded) -> None:
    lines = recorded.ok("runs", "list", "--format", "jsonl").splitlines()
    assert [json.loads(line)["task"] for line in lines] == TASKS[::-1]


def test_fields_choose_the_keys(recorded: Recorded) -> None:
    found = recorded.json("runs", "list", "--json", "--fields", "task,exit_code", "--limit", "1")
    assert found == [{"task": "names", "exit_code": 0}]
    assert recorded.ok("runs", "list", "--fields", "task", "--limit", "1") == "TASK\nnames\n"
    assert "did you mean 'status'" in recorded.fails(2, "runs", "list", "--fields", "statsu")


def test_a_table_shows_the_chosen_keys_of_every_listing(recorded: Recorded) -> None:
    tags = recorded.ok("runs", "list", "--fields", "tags,task", "tag:env=prod")
    assert tags.splitlines()[1].split("  ") == ['{"env": "prod"}', "both"]
    files = recorded.ok("runs", "artifacts", "@task:build", "--fields", "path,size_bytes").splitlines()
    assert [line.split() for line in files[:2]] == [["PATH", "SIZE_BYTES"], ["stdout.txt", "6"]]
    assert recorded.ok("sessions", "list", "--fields", "session_id,runs").splitlines()[1].split() == [
        "s-one",
        "2",
    ]
    recorded.run("query", "save", "kept", "type:test")
    assert recorded.ok("query", "list", "--fields", "filter") == "FILTER\ntype:test\n"


def test_csv_is_read_back_and_holds_no_formula(recorded: Recorded) -> None:
    text = recorded.ok("runs", "list", "--format", "csv", "--fields", "task,command_line,tags,end_time")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["task", "command_line", "tags", "end_time"]
    assert [row[0] for row in rows[1:]] == TASKS[::-1]
    assert json.loads(rows[TASKS[::-1].index("both") + 1][2]) == {"env": "prod"}


def test_pages_by_cursor_make_the_whole_listing(recorded: Recorded) -> None:
    seen: list[str] = []
    extra: list[str] = []
    while True:
        done = recorded.run("runs", "list", "--json", "--limit", "2", "--show-cursor", *extra)
        seen += [run["task"] for run in json.loads(done.stdout)]
        found = re.search(r"--after-cursor (\S+)", done.stderr.decode())
        if not found:
            break
        extra = ["--after-cursor", found[1]]
    assert seen == TASKS[::-1]


def test_what_is_cut_off_is_said_on_stderr_alone(fresh: Recorded) -> None:
    for _ in range(21):
        fresh.exec("true")
    done = fresh.run("runs", "list", "--json")
    assert len(json.loads(done.stdout)) == 20
    assert b"--limit 0" in done.stderr
    assert len(fresh.json("runs", "list", "--json", "--limit", "0")) == 21
    assert len(fresh.ok("runs", "list", "--format", "jsonl").splitlines()) == 21


@pytest.mark.parametrize("columns", [1, 20, 40, 60, 80, 200])
def test_a_table_fits_the_terminal(recorded: Recorded, columns: int) -> None:
    from collector.cli.table import display_width

    text = recorded.ok("runs", "list", env={**recorded.environ, "COLUMNS": str(columns)})
    assert len(text.splitlines()) == len(RUNS) + 1
    if columns >= 40:
        assert max(map(display_width, text.splitlines())) <= columns
        assert "NAME" in text
        assert "timeout" in text


def test_recorded_text_cannot_leave_its_line(recorded: Recorded) -> None:
    text = recorded.ok("runs", "list", "--task", "names")
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text
    assert "␛[31m😀 日本語" in text


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--stauts", "x"], ["ACODE-RUN-019", "'--stauts'", "'--status'"]),
        (["--status", "fialed"], ["ACODE-RUN-018", "--status", "'failed'"]),
        (["--since", "notadate"], ["--since", "'notadate'"]),
        (["--since", "9999999999999999d"], ["--since"]),
        (["--since", "0001-01-01"], ["--since"]),
        (["--exit-code", "many"], ["--exit-code", "'many'"]),
        (["--duration-gt", "long"], ["--duration-gt", "'long'"]),
        (["--sort", "durations"], ["'durations'", "'duration"]),
        (["--limit", "-1"], ["limit", "'-1'"]),
        (["--limit", "1e9"], ["limit"]),
        (["--limit"], ["--limit"]),
        (["--format", "xml"], ["xml", "jsonl"]),
        (["--after-cursor", "nonsense"], ["cursor"]),
        (["--after-cursor", "WzEsMl0\u2028"], ["cursor"]),
        (["stauts:failed"], ["'stauts'", "'status'"]),
        (["status:"], ["status:"]),
        (['"half'], ["quote"]),
        (["-status:"], ["status:"]),
    ],
)
def test_what_is_not_understood_is_one_line(
    recorded: Recorded, arguments: list[str], parts: list[str]
) -> None:
    message = recorded.fails(2, "runs", "list", *arguments)
    for part in parts:
        assert part in message


INJECTION = "x'; DROP TABLE runs; --"


@pytest.mark.parametrize(
    "option",
    ["--session", "--task", "--command", "--tag"],
)
def test_sql_in_an_option_is_only_text(recorded: Recorded, option: str) -> None:
    assert recorded.json("runs", "list", "--json", option, INJECTION) == []
    assert tasks(recorded) == TASKS[::-1]


HOSTILE = [INJECTION, '\\" OR 1=1', "%x%", "_x_", "[zz", "*[zz", "\U0010ffff", "\x01", "?" * 500]


@pytest.mark.parametrize(
    "key",
    ["session", "task", "cmd", "tag", "agent", "parent", "host", "id", "name", "instance", "task_id", "text"],
)
def test_sql_and_wildcards_in_a_filter_are_only_text(recorded: Recorded, key: str) -> None:
    values = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in HOSTILE]
    assert recorded.json("runs", "list", "--json", f"{key}:{','.join(values)}") == []


def test_a_word_that_is_not_unicode_is_only_text(recorded: Recorded) -> None:
    assert recorded.json("runs", "list", "--json", "--task", "\udcff\udcfe") == []
