"""`acode runs stats`: what it says of real runs, and of none."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import RUNS, Recorded, finish
from tests.conftest import ACODE
from tests.terminal import Terminal

SECTIONS = (
    ["--trend"], ["--compare"], ["--slowest"], ["--failing"], ["--flaky"], ["--broken-since", "1h"],
    ["--storage"], ["--by", "program"], ["--by", "day", "--sort", "name"],
)  # fmt: skip


@pytest.fixture(scope="module")
def flaky(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A workspace with a command that fails every other time, and one that always works."""
    acode = Recorded(tmp_path_factory.mktemp("flaky"))
    (acode.root / ".acode").mkdir()
    flag = acode.root / "flag"
    for _ in range(3):
        flag.touch()
        acode.exec("cat", "flag")
        flag.unlink()
        acode.run("exec", "--", "cat", "flag")
        acode.exec("echo", "fine")
    acode.run("runs", "list")
    return acode


def test_totals_are_those_of_the_list(recorded: Recorded) -> None:
    listed = recorded.json("runs", "list", "--json", "--limit", "0")
    found = recorded.json("runs", "stats", "--json")
    took = sorted(run["duration_ms"] for run in listed)
    assert found["runs"] == len(listed) == len(RUNS)
    assert (found["success"], found["failed"], found["running"]) == (5, 2, 0)
    assert found["success_rate"] == pytest.approx(5 / 7, abs=1e-6)
    assert (found["p50_duration_ms"], found["p95_duration_ms"], found["max_duration_ms"]) == (
        took[3], took[-1], took[-1],
    )  # fmt: skip
    assert found["artifacts"] == sum(len(run["artifacts"]) for run in listed)
    assert found["oldest"] == min(run["start_time"] for run in listed)


def test_a_filter_and_an_option_narrow_everything(recorded: Recorded) -> None:
    for words, count in (
        (["status:failed"], 1),
        (["--status", "failed,timeout"], 2),
        (["-status:success"], 2),
    ):
        assert recorded.json("runs", "stats", "--json", *words)["runs"] == count
    rows = recorded.json("runs", "stats", "--json", "--by", "type", "session:s-one")["groups"]
    assert {row["name"]: row["runs"] for row in rows} == {"build": 1, "test": 1}
    assert recorded.json("runs", "stats", "--json", "--until", "7d")["runs"] == 0


def test_groups_are_a_table_for_people_and_records_for_programs(recorded: Recorded) -> None:
    text = recorded.ok("runs", "stats", "--by", "status")
    assert "By status\nRUNS  FAILED    RATE" in text
    rows = list(
        csv.DictReader(io.StringIO(recorded.ok("runs", "stats", "--by", "status", "--format", "csv")))
    )
    assert {row["name"]: row["runs"] for row in rows} == {"success": "5", "failure": "1", "timeout": "1"}
    lines = recorded.ok("runs", "stats", "--by", "status", "--format", "jsonl", "--fields", "name,failed")
    assert [json.loads(line) for line in lines.splitlines()] == [
        {"name": "success", "failed": 0}, {"name": "failure", "failed": 1}, {"name": "timeout", "failed": 1},
    ]  # fmt: skip
    assert "(none)" in recorded.ok("runs", "stats", "--by", "session")


def test_hostile_command_lines_stay_on_their_line(recorded: Recorded) -> None:
    text = recorded.ok("runs", "stats", "--limit", "0")
    assert "\x1b" not in text
    assert "\a" not in text
    table = text.partition("By command\n")[2].splitlines()
    assert len(table) == len(RUNS) + 1
    cell = recorded.ok("runs", "stats", "--by", "task", "--format", "csv", "--fields", "name")
    assert cell.startswith("name\r\n")


def test_what_is_left_out_is_said(recorded: Recorded) -> None:
    done = recorded.run("runs", "stats", "--by", "task", "--limit", "2")
    assert done.stdout.decode().partition("By task\n")[2].count("\n") == 3
    assert done.stderr == b""  # it was asked for


def test_flaky_commands_are_found_with_the_run_that_failed_last(flaky: Recorded) -> None:
    (found,) = flaky.json("runs", "stats", "--flaky", "--json")["flaky"]
    assert (found["command_line"], found["runs"], found["failed"], found["changes"]) == ("cat flag", 6, 3, 5)
    assert found["score"] == 1
    assert flaky.json("runs", "show", found["run_id"], "--json")["status"] == "failure"
    assert "cat flag" in flaky.ok("runs", "stats", "--flaky")


def test_which_command_broke_after_a_time_and_worked_before(flaky: Recorded) -> None:
    runs = flaky.json("runs", "list", "--json", "--asc")
    first_failed = next(run for run in runs if run["status"] == "failure")
    (found,) = flaky.json("runs", "stats", "--json", "--broken-since", first_failed["start_time"])["broken"]
    assert found["run_id"] == first_failed["run_id"]
    assert (found["failed_since"], found["fixed"]) == (3, False)
    assert found["last_success"] == runs[0]["start_time"]
    assert flaky.json("runs", "stats", "--json", "--broken-since", runs[0]["start_time"])["broken"] == []


def test_failing_and_slowest_are_commands_in_order(flaky: Recorded) -> None:
    found = flaky.json("runs", "stats", "--failing", "--slowest", "--json")
    assert [row["name"] for row in found["failing"]] == ["cat flag"]
    medians = [row["p50_duration_ms"] for row in found["slowest"]]
    assert medians == sorted(medians, reverse=True)
    assert len(medians) == 2


def test_a_week_is_compared_with_the_one_before(flaky: Recorded) -> None:
    found = flaky.json("runs", "stats", "--compare", "--json")["compare"]
    assert (found["totals"]["before"]["runs"], found["totals"]["after"]["runs"]) == (0, 9)
    assert {item["name"]: item["findings"] for item in found["changes"]} == {
        "cat flag": ["new"], "echo fine": ["new"],
    }  # fmt: skip
    assert "0 → 9" in flaky.ok("runs", "stats", "--compare")
    found = flaky.json("runs", "stats", "--json", "--compare", "since:1h until:now", "--since", "1h")[
        "compare"
    ]
    assert {tuple(item["findings"]) for item in found["changes"]} == {(), ("few runs",)}
    only = flaky.json("runs", "stats", "--json", "--compare", "cmd:echo")["compare"]
    assert [item["name"] for item in only["changes"]] == ["echo fine"]
    rows = list(csv.DictReader(io.StringIO(flaky.ok("runs", "stats", "--compare", "--format", "csv"))))
    assert {row["name"]: row["after_runs"] for row in rows} == {"cat flag": "6", "echo fine": "3"}


def test_a_trend_is_one_line_of_blocks_and_plain_where_the_locale_is(flaky: Recorded) -> None:
    trend = flaky.json("runs", "stats", "--trend", "--json")["trend"]
    assert trend["step"] == "hour"
    assert sum(bucket["runs"] for bucket in trend["buckets"]) == 9
    assert "█" in flaky.ok("runs", "stats", "--trend", env={**flaky.environ, "LC_ALL": "C.UTF-8"})
    plain = flaky.ok("runs", "stats", "--trend", env={**flaky.environ, "LC_ALL": "C"}).partition("Per hour")[
        2
    ]
    assert "█" not in plain
    assert "#" in plain


def test_storage_is_that_of_the_artifacts(flaky: Recorded) -> None:
    found = flaky.json("runs", "stats", "--storage", "--json")
    assert sum(item["stored_bytes"] for item in found["storage"]) == found["stored_bytes"]
    assert sum(item["artifacts"] for item in found["storage"]) == found["artifacts"]
    sizes = [item["stored_bytes"] for item in found["largest"]]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("options", SECTIONS)
def test_an_empty_store_has_statistics_too(fresh: Recorded, options: list[str]) -> None:
    assert fresh.json("runs", "stats", "--json", *options)["runs"] == 0
    assert "Total Runs:       0\n" in fresh.ok("runs", "stats", *options)
    fresh.ok("runs", "stats", "--format", "csv", *options)
    fresh.exec("true")
    assert fresh.json("runs", "stats", "--json", *options)["runs"] == 1
    for words in ([], ["cmd:nothing"], ["status:running"]):
        assert "Total Runs:" in fresh.ok("runs", "stats", *options, *words)


def test_a_store_in_which_nothing_has_ended_has_no_rate(fresh: Recorded, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = fresh.start("exec", "--", "cat", str(pipe))
    writer = os.open(pipe, os.O_WRONLY)  # waits for cat
    try:
        found = fresh.json("runs", "stats", "--json")
        assert (found["running"], found["success_rate"], found["p50_duration_ms"]) == (1, None, None)
        assert "P50/P95/P99:      - / - / -" in fresh.ok("runs", "stats")
        fresh.ok("runs", "stats", "--trend", "--compare", "--flaky", "--slowest")
    finally:
        os.close(writer)
        finish(process)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--by", "comand"], "did you mean 'command'"),
        (["--sort", "totl"], "did you mean 'total'"),
        (["--by", "task; DROP TABLE runs"], "there is no"),
        (["--compare", "since:1d until:7d"], "wrong way round"),
        (["--since", "1d", "--until", "7d"], "wrong way round"),
        (["--compare", "until:7d"], "has no beginning"),
        (["--compare", "since:7d task:x"], "has no beginning"),
        (["--broken-since", "soonish"], "--broken-since"),
        (["--limit", "-1"], "--limit"),
        (["--trend", "--flaky", "--format", "csv"], "trend and flaky"),
        (["--by", "task", "--format", "csv", "--fields", "nam"], "did you mean 'name'"),
        (["statsu:failed"], "did you mean"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(recorded: Recorded, words: list[str], said: str) -> None:
    assert said in recorded.fails(2, "runs", "stats", *words)


def test_it_fits_a_narrow_terminal(flaky: Recorded) -> None:
    command = [*ACODE, "runs", "stats", "--trend", "--by", "command"]
    terminal = Terminal(command, flaky.environ, str(flaky.root), columns=40, rows=60)
    assert terminal.finish() == 0
    lines = [line.rstrip() for line in terminal.lines()]
    assert any("cat flag" in line for line in lines)
    assert any("█" in line for line in lines)
    assert not any(line.startswith(("flag", "fine")) for line in lines)  # nothing was wrapped


def test_fields_choose_the_columns_of_the_one_section(recorded: Recorded) -> None:
    assert recorded.ok("runs", "stats", "type:test", "--by", "type", "--fields", "name,runs").split() == [
        "NAME", "RUNS", "test", "1",
    ]  # fmt: skip
    assert "success_rate" in recorded.ok("runs", "stats", "--fields", "?")
    assert "did you mean 'name'" in recorded.fails(2, "runs", "stats", "--by", "task", "--fields", "nam")
    assert "--json" in recorded.fails(2, "runs", "stats", "--json", "--fields", "name")


def test_how_many_are_left_is_said_behind_the_table(fresh: Recorded) -> None:
    for number in range(11):
        fresh.run("exec", "--task", f"t-{number}", "--", "true")
    both = fresh.run("runs", "stats", "--by", "task", stderr=subprocess.STDOUT).stdout.decode()
    assert both.splitlines()[-1] == "acode: 1 more; --limit 0 lists all"
