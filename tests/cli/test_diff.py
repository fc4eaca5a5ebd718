"""`acode runs diff` and `acode runs compare`: what they say of real runs."""

from __future__ import annotations

import csv
import io
import os
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Recorded, finish
from tests.conftest import ACODE
from tests.terminal import Terminal

TELLS = """\
import os, sys, time
word = open("word").read()
print("started at", time.strftime("%H:%M:%S"), "pid", os.getpid())
print("took", time.perf_counter(), "seconds in", "/tmp/x" + str(os.getpid()))
print("the word is", word)
sys.exit(word == "bad")
"""
SUITE = """\
import os
def test_always(): pass
def test_word(): assert open("word").read() != "bad"
"""
PYTEST = (
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "--junitxml=junit.xml",
    "test_word.py",
)
TELL = (sys.executable, "tell.py")


def record(acode: Recorded, command: tuple[str, ...], *words: str) -> None:
    """Run a command once for each word."""
    (acode.root / "tell.py").write_text(TELLS)
    (acode.root / "test_word.py").write_text(SUITE)
    for word in words:
        (acode.root / "word").write_text(word)
        acode.exec(*command)
        acode.run("runs", "list")  # takes in what this run has written, before the next one overwrites it


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Three runs of one command: a, a, bad; and three of a suite: good, bad, good."""
    acode = Recorded(tmp_path_factory.mktemp("told"))
    (acode.root / ".acode").mkdir()
    record(acode, TELL, "a", "a", "bad")
    record(acode, PYTEST, "good", "bad", "good")
    return acode


# diff


def test_times_pids_and_temporary_paths_are_no_difference(told: Recorded) -> None:
    said = told.ok("runs", "diff", "@5", "@4", "--exit-code")
    assert "nothing that matters differs" in said
    assert "no line differs but in times" in said
    assert "\n-" not in said
    found = told.json("runs", "diff", "@5", "@4", "--json")
    assert found["is_different"] is False
    assert [file["state"] for file in found["files"]] == ["alike", "equal"]


def test_exactly_they_differ(told: Recorded) -> None:
    done = told.run("runs", "diff", "@5", "@4", "--exact", "--exit-code", "-U", "0")
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    assert "@@ -1,2 +1,2 @@" in lines
    assert sum(line.startswith("+") for line in lines) == 2 + 2  # with the heads


def test_what_differs_is_shown_as_it_was(told: Recorded) -> None:
    done = told.run("runs", "diff", "@4", "@3", "--exit-code")
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    assert "status: success → failure" in lines
    assert "exit_code: 0 → 1" in lines
    assert "-the word is a" in lines
    assert "+the word is bad" in lines
    assert any(line.startswith(" started at") for line in lines)
    assert told.run("runs", "diff", "@4", "@3").returncode == 0


def test_tests_that_changed_are_named(told: Recorded) -> None:
    found = told.json("runs", "diff", "@1", "latest", "--json")
    assert found["tests"] == [{"name": "test_word::test_word", "before": "failed", "after": "passed"}]
    assert {change["name"]: (change["before"], change["after"]) for change in found["fields"]}[
        "tests.failed"
    ] == (1, 0)
    assert "test_word::test_word: failed → passed" in told.ok("runs", "diff", "@1")


def test_any_file_of_both_can_be_asked_for_and_all_of_them(told: Recorded) -> None:
    said = told.ok("runs", "diff", "@2", "@1", "junit.xml")
    assert "junit.xml\n" in said
    assert "stdout.txt" not in said
    stat = told.ok("runs", "diff", "@2", "@1", "--all-artifacts", "--stat")
    assert "junit.xml: +" in stat
    assert "stderr.txt: equal" in stat
    for words in (["stdout"], ["--output", "stdout"], ["stdout.txt"]):
        assert "stdout.txt: +" in told.ok("runs", "diff", "@2", "@1", "--stat", *words)


def test_a_difference_can_be_applied_by_patch(told: Recorded, tmp_path: Path) -> None:
    import shutil
    import subprocess

    if shutil.which("patch") is None:
        pytest.skip("patch is not installed")
    before, after = (told.run("runs", "stdout", run).stdout for run in ("@4", "@3"))
    (tmp_path / "stdout.txt").write_bytes(before)
    lines = told.ok("runs", "diff", "@4", "@3", "stdout", "--exact").partition("\n\n")[2]
    command = ["patch", "--silent", str(tmp_path / "stdout.txt")]
    subprocess.run(command, input=lines.encode(), check=True)
    assert (tmp_path / "stdout.txt").read_bytes() == after


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nosuch"], 1, "ACODE-RUN-001"),
        (["@4", "nosuch"], 1, "ACODE-RUN-001"),
        (["@1", "@0", "junit.xm"], 1, "did you mean 'junit.xml'"),
        (["@1", "@0", "../../../etc/passwd"], 1, "ACODE-RUN-002"),
        (["@1", "@0", "-U", "many"], 2, "whole number"),
        (["@1", "@0", "--exact", "--normalize"], 2, "not allowed"),
        ([], 2, "RUN"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(
    told: Recorded, words: list[str], status: int, said: str
) -> None:
    assert said in told.fails(status, "runs", "diff", *words)


def test_binary_files_and_runs_without_output_are_compared_too(fresh: Recorded) -> None:
    for number in range(2):
        code = f"import sys; sys.stdout.buffer.write(bytes([{number}, 0, 255]) * 99)"
        fresh.exec(sys.executable, "-I", "-S", "-c", code)
    for _ in range(2):
        fresh.exec("true")
    fresh.run("runs", "list")
    assert "stdout.txt: differs, and is binary" in fresh.ok("runs", "diff", "@3", "@2")
    assert fresh.run("runs", "diff", "@3", "@3", "--exit-code").returncode == 0
    assert "nothing that matters differs" in fresh.ok("runs", "diff", "@1", "@", "--exit-code")
    found = fresh.json("runs", "diff", "@3", "@", "--json")
    assert [file["state"] for file in found["files"]] == ["binary", "equal"]


def test_a_file_that_is_gone_is_said_and_costs_only_itself(fresh: Recorded) -> None:
    for word in ("a", "b"):
        fresh.exec("echo", word)
    fresh.run("runs", "list")
    (Path(fresh.folders()[0]) / "stdout.txt").unlink()
    done = fresh.run("runs", "diff", "@1", "@")
    assert done.returncode == 0
    assert b"stdout.txt: cannot be read" in done.stdout
    (Path(fresh.folders()[1]) / "stdout.txt").write_text("other\n")
    (Path(fresh.folders()[0]) / "stdout.txt").write_text("more\n")
    done = fresh.run("runs", "diff", "@1", "@")
    assert b"+other" in done.stdout
    assert done.stderr.count(b"stdout.txt cannot be read") == 2  # not what was recorded


def test_a_run_that_is_not_over_is_said_to_be_running(fresh: Recorded, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    fresh.exec("true")
    process = fresh.start("exec", "--", "cat", str(pipe))
    writer = os.open(pipe, os.O_WRONLY)  # waits for cat
    try:
        done = fresh.run("runs", "diff", "@1", "@")
        assert b"is still running" in done.stderr
        assert fresh.run("runs", "compare", "latest").returncode == 0
    finally:
        os.close(writer)
        finish(process)


def test_control_sequences_do_not_drive_the_terminal_and_colours_are_ours(fresh: Recorded) -> None:
    for word in ("a", "b"):
        fresh.exec("printf", "%b", f"\\033]0;owned\\007\\033[2Jx{word}\\n")
    fresh.run("runs", "list")
    terminal = Terminal([*ACODE, "runs", "diff", "@1", "--exact"], fresh.environ, str(fresh.root))
    assert terminal.finish() == 0
    assert b"\x1b]0;" not in terminal.output
    assert b"\x1b[2J" not in terminal.output
    assert b"\x1b[31m-" in terminal.output
    assert b"\x1b[31m" not in fresh.run("runs", "diff", "@1", "--exact").stdout


# compare


def test_the_last_runs_of_a_command_stand_side_by_side(told: Recorded) -> None:
    found = told.json("runs", "compare", "--json", "--all")
    assert [run["status"] for run in found["runs"]] == ["success", "failure", "success"]
    assert {row["name"]: row["values"] for row in found["rows"]} == {
        "test_word::test_always": ["passed", "passed", "passed"],
        "test_word::test_word": ["passed", "failed", "passed"],
    }
    assert next(row for row in found["rows"] if row["name"].endswith("test_word"))["changed"] == [
        False,
        True,
        True,
    ]
    text = told.ok("runs", "compare")
    assert "test_word::test_word" in text
    assert "FAIL*" in text
    assert "test_always" not in text
    assert "test_always" in told.ok("runs", "compare", "--all")


def test_runs_filters_and_a_number_choose_what_is_compared(told: Recorded) -> None:
    def names(*words: str) -> list[str]:
        return [run["name"] for run in told.json("runs", "compare", "--json", *words)["runs"]]

    listed = [run["name"] for run in told.json("runs", "list", "--json", "--asc")]
    assert names() == listed[3:]
    assert names("@3") == listed[:3]
    assert names("@4") == listed[:2]
    assert names("@", "@5") == [listed[0], listed[5]]
    assert names("cmd:tell.py") == names("--command", "tell.py") == listed[:3]
    assert names("--last", "2") == listed[4:]
    assert names("--last", "2", "status:success") == [listed[3], listed[5]]
    done = told.run("runs", "compare", "cmd:nothing")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"no runs\n")


def test_metrics_are_compared_where_there_are_no_tests(told: Recorded) -> None:
    rows = list(csv.reader(io.StringIO(told.ok("runs", "compare", "@3", "--format", "csv"))))
    values = {row[0]: row[1:] for row in rows}
    assert values["exit_code"] == ["0", "0", "1"]
    assert "tests.failed" in told.ok("runs", "compare", "--by", "metric")


def test_the_first_bad_run_since_a_command_passed(told: Recorded) -> None:
    listed = [run["name"] for run in told.json("runs", "list", "--json", "--asc")]
    said = told.ok("runs", "compare", "--since-last-pass", "@3")
    assert f"Last pass:   {listed[1]}," in said
    assert f"First bad:   {listed[2]}," in said
    assert "First bad:   none since" in told.ok("runs", "compare", "--since-last-pass", "@")


def test_coverage_is_compared_by_file(fresh: Recorded) -> None:
    script = (
        "import json, sys; n = int(open('word').read());"
        "json.dump({'meta': {'version': '7'}, 'files': {'a.py': {'executed_lines': list(range(1, n)),"
        " 'missing_lines': list(range(n, 11)), 'excluded_lines': [], 'summary': {}}},"
        " 'totals': {}}, open('coverage.json', 'w'))"
    )
    record(fresh, (sys.executable, "-I", "-S", "-c", script), "3", "6")
    found = fresh.json("runs", "compare", "--by", "coverage", "--json")
    rows = {row["name"]: row["values"] for row in found["rows"]}
    assert rows["a.py"] == rows["(total)"] == [20.0, 50.0]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nosuch"], 1, "ACODE-RUN-001"),
        (["@1", "task:x"], 2, "not both"),
        (["--by", "colour"], 2, "invalid choice"),
        (["statsu:x"], 2, "did you mean"),
        (["@nosuch"], 2, "nosuch"),
        (["--last", "-3"], 2, "--last"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(
    told: Recorded, words: list[str], status: int, said: str
) -> None:
    assert said in told.fails(status, "runs", "compare", *words)


def test_nothing_is_compared_where_there_are_no_runs(fresh: Recorded) -> None:
    assert fresh.run("runs", "compare").stderr == b"no runs\n"
    assert fresh.fails(1, "runs", "diff", "@1", "@").startswith("acode: ACODE-RUN-001")
    fresh.exec("true")
    assert "success" in fresh.ok("runs", "compare")
