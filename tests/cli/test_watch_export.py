"""`acode runs list --watch` on a terminal and in a pipe, and `--export FILE`."""

from __future__ import annotations

import csv
import json
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.cli.runs_list import CSV_COLUMNS
from tests.cli.conftest import Recorded
from tests.conftest import ACODE
from tests.terminal import Terminal


@pytest.fixture
def one_run(fresh: Recorded) -> Recorded:
    """A workspace with a run."""
    fresh.run("exec", "--task", "first", "--", "echo", "one")
    fresh.ok("runs", "list", "--json")
    return fresh


class Stream:
    """A listing that is watched through a pipe, a line at a time."""

    def __init__(self, acode: Recorded, *arguments: str) -> None:
        self.process = acode.start("runs", "list", "--watch", *arguments)

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().decode()

    def record(self) -> dict[str, object]:
        value: dict[str, object] = json.loads(self.line())
        return value

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=20)
        assert err == b""
        assert self.process.returncode == 130


@pytest.fixture
def started(one_run: Recorded) -> Iterator[list[Stream]]:
    """Streams that are ended with the test, whatever it says."""
    streams: list[Stream] = []
    yield streams
    for stream in streams:
        if stream.process.poll() is None:
            stream.process.kill()
            stream.process.communicate()


def test_a_pipe_gets_each_run_as_it_begins_and_ends(one_run: Recorded, started: list[Stream]) -> None:
    started.append(stream := Stream(one_run, "--format", "jsonl", "--limit", "1"))
    assert stream.record()["task"] == "first"  # what was there
    with one_run.start("exec", "--task", "second", "--", "cat", stdin=subprocess.PIPE) as command:
        assert (found := stream.record())["status"] == "running"
        assert found["task"] == "second"
        command.communicate(b"text\n")
    assert (found := stream.record())["status"] == "success"
    assert found["exit_code"] == 0
    stream.end()


def test_only_runs_that_fit_the_filter_are_printed(one_run: Recorded, started: list[Stream]) -> None:
    started.append(stream := Stream(one_run, "--json", "--limit", "1", "--fields", "task,status", "task:f*"))
    assert stream.record() == {"task": "first", "status": "success"}
    one_run.run("exec", "--task", "other", "--", "false")
    one_run.run("exec", "--task", "fifth", "--", "false")
    assert stream.record()["task"] == "fifth"


def test_csv_begins_with_its_heading_and_text_is_one_line_a_run(
    one_run: Recorded, started: list[Stream]
) -> None:
    started.append(stream := Stream(one_run, "--format", "csv", "--limit", "1"))
    assert stream.line() == ",".join(CSV_COLUMNS) + "\r\n"
    assert stream.line().split(",")[2] == "first"
    started.append(stream := Stream(one_run, "--limit", "1"))
    assert stream.line().split()[0] == "success"


def test_a_reader_that_leaves_ends_it(one_run: Recorded) -> None:
    argv = [*ACODE, "runs", "list", "--watch", "--limit", "1", "--json"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=one_run.environ
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == b""


def test_watching_survives_a_database_that_is_made_anew(one_run: Recorded, started: list[Stream]) -> None:
    started.append(stream := Stream(one_run, "--json", "--limit", "1"))
    stream.record()
    for path in Path(one_run.workspace.folder).glob("runs.db*"):
        path.unlink()
    one_run.run("exec", "--task", "second", "--", "true")
    while stream.record()["task"] != "second":
        pass


def test_a_mistake_is_said_before_anything_is_watched(one_run: Recorded) -> None:
    assert "ACODE-RUN-018" in one_run.fails(2, "runs", "list", "--watch", "nokey:x")
    assert "ACODE-RUN-019" in one_run.fails(2, "runs", "list", "--watch", "--fields", "nothing")


def watched(acode: Recorded, *arguments: str, rows: int = 12) -> Terminal:
    names = {k: v for k, v in acode.environ.items() if k not in ("COLUMNS", "LINES")}
    argv = [*ACODE, "runs", "list", "--watch", *arguments]
    return Terminal(argv, names, str(acode.root), columns=100, rows=rows)


def test_a_terminal_shows_the_table_anew_in_its_place(one_run: Recorded) -> None:
    terminal = watched(one_run)
    terminal.wait_for("q ends")
    terminal.wait_for("first-")
    one_run.run("exec", "--task", "second", "--", "sh", "-c", "exit 3")
    terminal.wait_for("second-")
    terminal.wait_for("failure")
    assert terminal.text().count("STATUS") == 1
    assert terminal.text().count("first-") == 1
    terminal.send("q")
    assert terminal.finish() == 0
    assert not terminal.screen.cursor.hidden
    assert b"\x1b[?25h" in terminal.output


def test_no_more_runs_than_fit_are_drawn_whatever_the_size(one_run: Recorded) -> None:
    for _ in range(8):
        one_run.exec("echo", "a command line that is longer than a narrow terminal is wide, " * 3)
    terminal = watched(one_run, rows=8)
    terminal.wait_for("q ends")
    assert terminal.text().count("echo-") == 5
    terminal.resize(60, 6)
    terminal.wait_until(lambda: terminal.text().count("echo-") == 3 and "q ends" in terminal.text())
    assert terminal.text().count("STATUS") == 1
    terminal.send("q")
    assert terminal.finish() == 0


def test_ctrl_c_leaves_the_terminal_as_it_was(one_run: Recorded) -> None:
    terminal = watched(one_run)
    terminal.wait_for("q ends")
    terminal.send("\x03")
    assert terminal.finish() == 130
    assert terminal.output.rstrip().endswith(b"\x1b[?25h")


def test_an_empty_workspace_is_watched_until_there_is_a_run(fresh: Recorded) -> None:
    terminal = watched(fresh)
    terminal.wait_for("no runs")
    fresh.exec("echo", "one")
    terminal.wait_for("echo-")
    terminal.send("q")
    assert terminal.finish() == 0


# Export


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv"])
def test_the_ending_says_the_format_and_all_is_there(recorded: Recorded, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"runs.{ending}"
    done = recorded.run("runs", "list", "--export", str(file))
    assert (done.returncode, done.stdout) == (0, b"")
    assert str(file) in done.stderr.decode()
    assert (
        file.read_bytes().decode()
        == recorded.run("runs", "list", "--format", ending, "--limit", "0").stdout.decode()
    )
    assert list(tmp_path.iterdir()) == [file]
    assert stat.S_IMODE(file.stat().st_mode) & 0o600 == 0o600


def test_filters_fields_and_limits_hold_for_an_export(recorded: Recorded, tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    recorded.run("runs", "list", "status:success", "--limit", "2", "--fields", "task", "--export", str(file))
    with file.open(newline="") as text:
        assert list(csv.reader(text)) == [["task"], ["names"], ["hostile"]]
    recorded.run("runs", "list", "--format", "json", "--export", str(tmp_path / "runs.txt"))
    assert len(json.loads((tmp_path / "runs.txt").read_text())) == 7


def test_a_file_that_is_there_is_kept_unless_forced(recorded: Recorded, tmp_path: Path) -> None:
    file = tmp_path / "runs.json"
    file.write_text("mine")
    assert "--force" in recorded.fails(1, "runs", "list", "--export", str(file))
    assert file.read_text() == "mine"
    assert recorded.run("runs", "list", "--export", str(file), "--force").returncode == 0
    assert len(json.loads(file.read_text())) == 7


def test_what_cannot_be_exported_leaves_nothing(recorded: Recorded, tmp_path: Path) -> None:
    assert "which format" in recorded.fails(2, "runs", "list", "--export", str(tmp_path / "runs"))
    recorded.fails(2, "runs", "list", "nokey:x", "--export", str(tmp_path / "a.json"))
    recorded.fails(1, "runs", "list", "--export", str(tmp_path / "nowhere" / "a.json"))
    assert list(tmp_path.iterdir()) == []
