"""`acode runs wait`: until runs have ended, and how they did."""

from __future__ import annotations

import json
import signal
import subprocess

from tests.cli.conftest import Recorded, finish
from tests.conftest import wait_for


def begin(fresh: Recorded, task: str, code: int = 0) -> subprocess.Popen[bytes]:
    """Start a command that ends with this code when its stdin is closed."""
    process = fresh.start(
        "exec", "--task", task, "--", "sh", "-c", f"cat; exit {code}", stdin=subprocess.PIPE
    )
    wait_for(lambda: any(f.name.startswith(task) and (f / "run.json").exists() for f in fresh.folders()))
    return process


def begin_waiting(fresh: Recorded, task: str) -> subprocess.Popen[bytes]:
    """Start waiting for a run; returns once it waits, which it does when one that has ended is told."""
    fresh.run("exec", "--task", "done", "--", "true")
    waiting = fresh.start("runs", "wait", "done", task)
    assert waiting.stdout
    assert waiting.stdout.readline().startswith(b"done-")
    return waiting


def test_runs_are_told_as_they_end_and_the_highest_status_is_the_exit_status(fresh: Recorded) -> None:
    one, two = begin(fresh, "one", 3), begin(fresh, "two", 7)
    waiting = fresh.start("runs", "wait", "one", "two", "one", "--exit-status")
    assert waiting.stdout
    finish(two)
    assert b"two-" in (line := waiting.stdout.readline())
    assert b"  failure  exit code 7  " in line
    finish(one)
    status, out, err = finish(waiting)
    assert (status, err, out.count(b"\n")) == (7, b"", 1)
    assert b"  failure  exit code 3  " in out


def test_any_ends_with_the_first(fresh: Recorded) -> None:
    one, two = begin(fresh, "one"), begin(fresh, "two", 7)
    waiting = fresh.start("runs", "wait", "--any", "one", "two", "--exit-status", "--json")
    finish(two)
    status, out, _ = finish(waiting)
    assert status == 7
    assert [json.loads(line)["exit_code"] for line in out.splitlines()] == [7]
    assert one.poll() is None
    finish(one)


def test_ended_runs_are_told_at_once_and_without_being_asked_the_status_is_success(
    recorded: Recorded,
) -> None:
    assert recorded.ok("runs", "wait", "test", "slow", "build").count("\n") == 3
    assert recorded.run("runs", "wait", "test", "build", "--exit-status").returncode == 1
    assert recorded.run("runs", "wait", "test", "slow", "--exit-status").returncode == 124
    assert recorded.run("runs", "wait", "build", "--exit-status", "--timeout", "0s").returncode == 0


def test_a_timeout_is_124_and_names_who_has_not_ended(fresh: Recorded) -> None:
    one = begin(fresh, "one")
    fresh.run("exec", "--task", "two", "--", "true")
    done = fresh.run("runs", "wait", "one", "two", "--timeout", "50ms")
    assert done.returncode == 124
    assert done.stdout.startswith(b"two-")
    assert done.stderr.startswith(b"acode: not ended in 50ms: one-")
    assert fresh.run("runs", "wait", "one", "two", "--any", "--timeout", "0s").returncode == 0
    finish(one)


def test_a_run_whose_recorder_is_killed_has_ended(fresh: Recorded) -> None:
    one = begin(fresh, "one")
    waiting = fresh.start("runs", "wait", "one", "--exit-status")
    one.kill()
    finish(one)
    status, out, _ = finish(waiting)
    assert status == 1
    assert b"  cancelled  " in out


def test_a_run_whose_folder_goes_away_is_an_error(fresh: Recorded) -> None:
    one = begin(fresh, "one")
    waiting = begin_waiting(fresh, "one")
    fresh.folders()[-1].rename(fresh.root / "elsewhere")
    status, out, err = finish(waiting)
    assert (status, out) == (1, b"")
    assert err.startswith(b"acode: ACODE-RUN-001: run one-")
    finish(one)


def test_bad_input_is_one_line(recorded: Recorded) -> None:
    assert "ACODE-RUN-001" in recorded.fails(1, "runs", "wait", "build", "nothing")
    assert "'soon' is not" in recorded.fails(2, "runs", "wait", "build", "--timeout", "soon")
    recorded.fails(2, "runs", "wait", "build", "--timeout", "-5s")
    recorded.fails(2, "runs", "wait")


def test_ctrl_c_ends_the_waiting_alone(fresh: Recorded) -> None:
    one = begin(fresh, "one")
    waiting = begin_waiting(fresh, "one")
    waiting.send_signal(signal.SIGINT)
    assert finish(waiting)[0] == 130
    assert one.poll() is None
    finish(one)
