"""Following a run while it is written, and deleting runs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Recorded, finish
from tests.conftest import ACODE, wait_for
from tests.terminal import Terminal

WAITS = "echo begin; echo error >&2; while [ ! -e go ]; do sleep 0.01; done; echo end; exit 7"


def running(acode: Recorded) -> bool:
    return any(record["status"] == "running" for record in acode.records() if record)


@pytest.mark.parametrize(("flags", "status"), [([], 0), (["--exit-status"], 7)])
def test_follow_prints_what_is_written_until_the_end(fresh: Recorded, flags: list[str], status: int) -> None:
    run = fresh.start("exec", "--", "sh", "-c", WAITS)
    wait_for(lambda: any((f / "run.json").exists() for f in fresh.folders()))
    following = fresh.start("runs", "follow", *flags)
    assert following.stdout
    assert following.stdout.readline() == b"begin\n"
    (fresh.root / "go").touch()
    assert finish(following) == (status, b"end\n", b"error\n")
    assert finish(run)[0] == 7


def test_follow_prints_a_finished_run_and_ends(recorded: Recorded) -> None:
    process = recorded.start("runs", "follow", "test", "--exit-status")
    assert finish(process) == (1, b"testing\n", b"connection refused\n")
    assert finish(recorded.start("runs", "follow", "slow", "--exit-status"))[0] == 124
    assert finish(recorded.start("runs", "follow", "build", "--exit-status"))[0] == 0


def test_follow_ends_when_the_recorder_was_killed(fresh: Recorded) -> None:
    run = fresh.start("exec", "--", "sh", "-c", "echo begin; exec sleep 60")
    wait_for(
        lambda: any(
            (f / "stdout.txt").exists() and (f / "stdout.txt").stat().st_size for f in fresh.folders()
        )
    )
    following = fresh.start("runs", "follow", "--exit-status")
    assert following.stdout
    assert following.stdout.readline() == b"begin\n"
    child = fresh.record()["pid"]
    run.kill()
    finish(run)
    status, _, _ = finish(following)
    assert status != 0
    assert fresh.json("runs", "show", "--json")["status"] == "cancelled"
    os.kill(child, signal.SIGKILL)


def test_follow_stops_on_ctrl_c(fresh: Recorded) -> None:
    run = fresh.start("exec", "--", "sh", "-c", WAITS)
    wait_for(lambda: any((f / "run.json").exists() for f in fresh.folders()))
    following = fresh.start("runs", "follow")
    assert following.stdout
    assert following.stdout.readline() == b"begin\n"
    following.send_signal(signal.SIGINT)
    assert finish(following)[0] == 130
    (fresh.root / "go").touch()
    finish(run)


def test_delete_removes_record_and_folder(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    fresh.exec("echo", "two")
    names = [run["name"] for run in fresh.json("runs", "list", "--json")]
    assert fresh.ok("runs", "delete", *names, stdin=-3).splitlines() == [f"deleted {name}" for name in names]
    assert fresh.json("runs", "list", "--json") == []
    assert fresh.folders() == []


def test_delete_asks_on_a_terminal(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    for answer, left in (("n", 1), ("", 1), ("y", 0)):
        terminal = Terminal([*ACODE, "runs", "delete", "latest"], fresh.environ, str(fresh.root))
        terminal.wait_for("[y/N]")
        terminal.send(answer + "\r")
        assert terminal.finish() == (0 if answer == "y" else 1)
        assert len(fresh.json("runs", "list", "--json")) == left


def test_confirm_asks_and_takes_silence_for_no(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    done = fresh.run("runs", "delete", "latest", "--confirm", stdin=-3)
    assert done.returncode == 1
    assert b"[y/N]" in done.stderr
    assert fresh.run("runs", "delete", "latest", "--force").returncode == 0


def test_nothing_is_deleted_unless_every_reference_is_understood(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    fresh.ok("runs", "list", "--json")
    assert "'nothing'" in fresh.fails(1, "runs", "delete", "latest", "nothing", stdin=-3)
    assert len(fresh.folders()) == 1


def test_a_running_run_is_not_deleted(fresh: Recorded) -> None:
    run = fresh.start("exec", "--", "sh", "-c", WAITS)
    wait_for(lambda: any((f / "run.json").exists() for f in fresh.folders()))
    assert "ACODE-RUN-017" in fresh.fails(1, "runs", "delete", "latest", "--force")
    (fresh.root / "go").touch()
    finish(run)


def test_reindex_rebuilds_a_lost_database(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    before = fresh.json("runs", "list", "--json")
    for path in Path(fresh.workspace.folder).glob("runs.db*"):
        path.unlink()
    assert "indexed 1 runs" in fresh.ok("runs", "reindex")
    assert fresh.json("runs", "list", "--json") == before


def test_reindex_names_a_damaged_folder(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    fresh.ok("runs", "list", "--json")
    (fresh.folder() / "run.json").write_text("{")
    done = fresh.run("runs", "reindex")
    assert done.returncode == 1
    assert b"ACODE-ART-007" in done.stderr
