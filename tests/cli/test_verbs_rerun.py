"""`acode runs rerun`: the same command again, and nothing but that."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from collector.clock import now_ms
from collector.config import load_config
from collector.ids import new_ulid
from collector.record.call_run import call_record, write_call_run
from collector.workspace import RUN_JSON
from tests.cli.conftest import Recorded
from tests.conftest import ACODE
from tests.terminal import Terminal

ECHO = "import sys, os; print(sys.argv[1:], os.getcwd()); sys.exit(3)"


def latest(fresh: Recorded) -> dict[str, Any]:
    return dict(fresh.json("runs", "show", "--json"))


def test_the_same_words_run_in_the_same_folder_and_are_recorded_as_the_run_was(fresh: Recorded) -> None:
    words = ["a b", "$HOME", "", "*", "'", "--", "-x", "é\n"]
    there = fresh.root / "there"
    there.mkdir()
    options = (
        "--task",
        "mine",
        "--type",
        "test",
        "--tag",
        "env=prod",
        "--task-id",
        "T-1",
        "--collect",
        "*.x",
    )
    first = fresh.run("exec", *options, "--", sys.executable, "-c", ECHO, *words, cwd=there)
    before = latest(fresh)
    again = fresh.run("runs", "rerun", "mine")
    assert (again.returncode, again.stdout, again.stderr) == (3, first.stdout, b"")
    after = latest(fresh)
    assert after["tags"] == {"env": "prod", "rerun": before["name"]}
    assert after["run_id"] != before["run_id"]
    assert after["recorder"]["collect"] == ["*.x"]
    for field in (
        "task",
        "type",
        "task_id",
        "command",
        "arguments",
        "working_directory",
        "status",
        "exit_code",
    ):
        assert after[field] == before[field], field


def test_no_shell_comes_in_between(fresh: Recorded) -> None:
    fresh.run("exec", "--", "echo", "$(touch owned)", "; touch owned")
    assert fresh.run("runs", "rerun").stdout == b"$(touch owned) ; touch owned\n"
    assert not (fresh.root / "owned").exists()


def test_the_last_that_failed_is_run_and_a_rerun_of_a_rerun_names_it(fresh: Recorded) -> None:
    fresh.run("exec", "--task", "fails", "--", "sh", "-c", "echo no; exit 4")
    fresh.run("exec", "--", "true")
    assert fresh.run("runs", "rerun", "--last-failed").returncode == 4
    second = latest(fresh)["name"]
    assert fresh.run("runs", "rerun").returncode == 4
    assert latest(fresh)["tags"] == {"rerun": second}
    assert len(fresh.json("runs", "list", f"tag:rerun={second}", "--json")) == 1


def test_it_runs_elsewhere_when_told_and_not_where_the_folder_is_gone(fresh: Recorded) -> None:
    for name in ("one", "two"):
        (fresh.root / name).mkdir()
    fresh.run("exec", "--", "pwd", cwd=fresh.root / "one")
    assert fresh.ok("runs", "rerun", "--in", "two") == f"{fresh.root}/two\n"
    fresh.run("exec", "--task", "gone", "--", "pwd", cwd=fresh.root / "one")
    shutil.rmtree(fresh.root / "one")
    assert "is gone; --in DIR" in fresh.fails(1, "runs", "rerun", "gone")
    assert "no folder three" in fresh.fails(1, "runs", "rerun", "gone", "--in", "three")
    assert fresh.ok("runs", "rerun", "gone", "--in", "two") == f"{fresh.root}/two\n"


def test_recorded_variables_are_set_only_when_told(fresh: Recorded) -> None:
    with_ci = {**fresh.environ, "CI": "recorded"}
    fresh.run("exec", "--task", "ci", "--", "sh", "-c", "echo $CI $ACODE_SESSION_ID", env=with_ci)
    now = {**fresh.environ, "CI": "now", "ACODE_SESSION_ID": "s-2"}
    assert fresh.ok("runs", "rerun", "ci", env=now) == "now s-2\n"
    assert fresh.ok("runs", "rerun", "@1", "--env-from-run", env=now) == "recorded s-2\n"


def test_a_dry_run_prints_a_line_that_a_shell_takes(fresh: Recorded) -> None:
    there = fresh.root / "a b"
    there.mkdir()
    first = fresh.run("exec", "--", sys.executable, "-c", ECHO, "x y", "$HOME", cwd=there)
    line = fresh.ok("runs", "rerun", "--dry-run")
    assert len(fresh.records()) == 1
    done = fresh_shell(line)
    assert (done.returncode, done.stdout) == (3, first.stdout)


def fresh_shell(line: str) -> Any:
    import subprocess

    return subprocess.run(["sh", "-c", line], check=False, capture_output=True)


def test_stdin_timeout_and_signals_are_those_of_exec(fresh: Recorded) -> None:
    fresh.run("exec", "--task", "reads", "--", "cat")
    assert fresh.run("runs", "rerun", "reads", input=b"typed").stdout == b"typed"
    fresh.run("exec", "--task", "slow", "--timeout", "50ms", "--", "sleep", "30")
    assert fresh.run("runs", "rerun", "slow", "--timeout", "50ms").returncode == 124
    assert latest(fresh)["status"] == "timeout"


@pytest.mark.parametrize("command", [["echo", "one", "t w o"], ["sh", "-c", "echo one 't w o'"]])
def test_the_command_can_be_changed_first(fresh: Recorded, command: list[str]) -> None:
    fresh.run("exec", "--", *command)
    environ = {**fresh.environ, "EDITOR": "sed -i s/one/two/"}
    assert fresh.ok("runs", "rerun", "--edit", env=environ) == "two t w o\n"
    assert len(latest(fresh)["arguments"]) == len(command) - 1


def test_an_editor_that_fails_or_leaves_nothing_runs_nothing(fresh: Recorded) -> None:
    fresh.run("exec", "--", "echo", "one")
    for editor, status, what in (
        ("false", 1, "status 1"), ("/no/such/editor", 1, "cannot start"), ("sed -i d", 2, "no command left"),
        ("sed -i s/one/\\'/", 2, "not understood"),
    ):  # fmt: skip
        assert what in fresh.fails(status, "runs", "rerun", "--edit", env={**fresh.environ, "VISUAL": editor})
    assert len(fresh.records()) == 1


def test_an_empty_name_names_no_run(fresh: Recorded) -> None:
    """A script's variable that was not set must not run the newest command again."""
    fresh.run("exec", "--", "touch", "made")
    (fresh.root / "made").unlink()
    assert "no run named ''" in fresh.fails(1, "runs", "rerun", "")
    assert "no run named ''" in fresh.fails(1, "runs", "show", "")
    assert not (fresh.root / "made").exists()


def agent_run(fresh: Recorded, **fields: Any) -> str:
    """Write a run as an agent's transcript tells it."""
    record = call_record(now_ms(), new_ulid(now_ms()), "call", fields.pop("command_line"))
    end = record["start_time"]
    record |= {"status": "success", "end_time": end, "duration_ms": 0, "agent": "claude-code", **fields}
    config = load_config(str(fresh.root), fresh.environ)
    fresh.workspace.create()
    return write_call_run(fresh.workspace, config, record, {}, sync=False)


def test_an_agent_s_command_is_run_by_a_shell_and_its_other_calls_are_not(fresh: Recorded) -> None:
    here = str(fresh.root)
    agent_run(
        fresh, command_line="echo one | cat; exit 5", command="echo", tool="Bash", working_directory=here
    )  # fmt: skip
    done = fresh.run("runs", "rerun")
    assert (done.returncode, done.stdout) == (5, b"one\n")
    assert latest(fresh)["command_line"] == "echo one | cat; exit 5"
    name = agent_run(
        fresh, command_line="Read src/a.py", command="Read", tool="Read", working_directory=here
    )  # fmt: skip
    assert "a call of Read, not a command" in fresh.fails(1, "runs", "rerun", name)
    name = agent_run(fresh, command_line="toolu_1", command="call", working_directory=here)
    assert "ACODE-RUN-030" in fresh.fails(1, "runs", "rerun", name)


def test_what_a_shim_recorded_is_run_without_what_the_agent_put_around_it(fresh: Recorded) -> None:
    fresh.run("exec", "--task", "shim", "--", "true")
    path = fresh.folder() / RUN_JSON
    record = json.loads(path.read_text())
    line = "echo $0 inner"
    record |= {
        "command_line": line,
        "command": "echo",
        "arguments": [],
        "tool": "Bash",
        "agent": "claude-code",
    }
    record["recorder"] |= {"kind": "shim", "argv": ["/bin/sh", "-c", f"touch outer; eval '{line}'"]}
    path.write_text(json.dumps(record))
    for database in Path(fresh.workspace.folder).glob("runs.db*"):
        database.unlink()
    assert fresh.ok("runs", "rerun") == "/bin/sh inner\n"
    assert not (fresh.root / "outer").exists()


def test_arguments_that_were_not_text_cannot_be_repeated(fresh: Recorded) -> None:
    fresh.run("exec", "--", "echo", os.fsdecode(b"\xff"))
    assert "not recorded byte for byte" in fresh.fails(1, "runs", "rerun")


def test_bad_input_is_one_line(recorded: Recorded) -> None:
    assert "ACODE-RUN-001" in recorded.fails(1, "runs", "rerun", "nothing")
    assert "exclude each other" in recorded.fails(2, "runs", "rerun", "build", "--last-failed")
    recorded.fails(2, "runs", "rerun", "build", "--timeout", "soon")
    recorded.fails(2, "runs", "rerun", "build", "extra")


def test_the_command_gets_the_terminal(fresh: Recorded) -> None:
    (fresh.root / "there").mkdir()
    fresh.run("exec", "--", "sh", "-c", "test -t 1 && echo terminal", cwd=fresh.root / "there")
    terminal = Terminal([*ACODE, "runs", "rerun"], fresh.environ, str(fresh.root))
    assert terminal.finish() == 0
    assert "acode: cd " in terminal.text()
    assert "\nterminal" in terminal.text()
