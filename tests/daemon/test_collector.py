"""The collector as a process: it sees runs start and end, outlives recorders, and there is only one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from campaigns.kill import attack
from collector.daemon import control
from collector.errors import ConflictError, UnavailableError
from collector.model.query import RunQuery
from collector.model.run import Run
from collector.record import spool
from collector.store import open_stores
from collector.workspace import Workspace
from tests.conftest import Acode, wait_for

Process = subprocess.Popen[bytes]


def runs_of(acode: Acode) -> list[Run]:
    runs, _ = open_stores(acode.workspace)
    try:
        return list(runs.list(RunQuery()).items)
    finally:
        runs.close()


def states(acode: Acode) -> dict[str, str]:
    return {run.task: run.status for run in runs_of(acode)}


def test_start_and_end_are_seen_while_they_happen(acode: Acode, collector: Process) -> None:
    gate = acode.root / "gate"
    os.mkfifo(gate)
    process = acode.start("exec", "--task", "live", "--", "sh", "-c", f"read x < {gate}; exit 3")
    wait_for(lambda: states(acode) == {"live": "running"})
    gate.write_text("go\n")
    process.communicate(timeout=20)
    wait_for(lambda: states(acode) == {"live": "failure"})
    wait_for(
        lambda: (
            len(runs_of(acode)[0].artifacts) == 4
            and all(a.checksum_sha256 for a in runs_of(acode)[0].artifacts)
        )
    )


def test_a_killed_recorder_leaves_a_cancelled_run_with_what_was_captured(
    acode: Acode, collector: Process
) -> None:
    process = acode.start("exec", "--task", "cut", "--", "sh", "-c", "echo kept; echo $$; exec sleep 60")
    assert process.stdout is not None
    process.stdout.readline()
    child = int(process.stdout.readline())
    wait_for(
        lambda: states(acode) == {"cut": "running"} and (acode.folder() / "stdout.txt").stat().st_size > 5
    )
    process.kill()
    process.communicate()
    wait_for(lambda: states(acode) == {"cut": "cancelled"})
    os.kill(child, signal.SIGKILL)
    run = runs_of(acode)[0]
    assert (run.exit_code, run.error_code) == (None, "ACODE-RUN-011")
    assert (acode.folder() / "stdout.txt").read_bytes().startswith(b"kept\n")
    assert acode.record()["status"] == "cancelled"


def test_a_stopped_recorder_is_not_a_dead_one(acode: Acode, collector: Process) -> None:
    process = acode.start("exec", "--task", "slow", "--", "sh", "-c", "echo ready; exec sleep 60")
    assert process.stdout is not None
    process.stdout.readline()
    wait_for(lambda: states(acode) == {"slow": "running"})
    process.send_signal(signal.SIGSTOP)
    acode.run("exec", "--task", "other", "--", "sleep", "1.3")
    wait_for(lambda: states(acode).get("other") == "success")
    assert states(acode)["slow"] == "running"
    process.send_signal(signal.SIGCONT)
    process.terminate()
    process.communicate()


def test_two_collectors_cannot_run_on_one_workspace(acode: Acode, collector: Process) -> None:
    second = acode.run("collector", "run")
    assert second.returncode == 1
    assert second.stderr.startswith(b"acode: ACODE-RUN-020: ")
    assert second.stderr.count(b"\n") == 1
    with pytest.raises(ConflictError, match="ACODE-RUN-020"):
        control.start_collector(acode.workspace)


def test_start_status_stop(acode: Acode) -> None:
    assert acode.run("collector", "start").returncode == 0
    status = json.loads(acode.run("collector", "status", "--json").stdout)
    assert status["running"]
    assert Path(f"/proc/{status['pid']}").exists()
    assert acode.run("collector", "stop").returncode == 0
    wait_for(lambda: not Path(f"/proc/{status['pid']}").exists())
    assert not Path(acode.workspace.collector_pid).exists()
    with pytest.raises(UnavailableError, match="ACODE-RUN-021"):
        control.stop_collector(acode.workspace)
    events = [
        json.loads(line)["event"] for line in Path(acode.workspace.collector_log).read_text().splitlines()
    ]
    assert events[-1] == "collector.stopped"


def test_a_pid_file_of_another_life_is_not_believed(acode: Acode) -> None:
    acode.workspace.create()
    for line in (f"{os.getpid()} 1 - 0 0.1", "1 2", "", "x y z a b", f"{os.getpid()} 5 other-boot 0 0.1"):
        Path(acode.workspace.collector_pid).write_text(line)
        assert not control.collector_status(acode.workspace).running


def test_exec_starts_a_collector_where_none_runs(acode: Acode) -> None:
    del acode.environ["ACODE_COLLECTOR_AUTOSTART"]
    acode.exec("true")
    wait_for(lambda: control.collector_status(acode.workspace).running)
    wait_for(lambda: not spool.list_announcements(acode.workspace.spool))
    assert acode.run("collector", "stop").returncode == 0


def test_of_many_commands_at_once_one_starts_a_collector(acode: Acode) -> None:
    del acode.environ["ACODE_COLLECTOR_AUTOSTART"]
    commands = [acode.start("exec", "--", "true") for _ in range(8)]
    for command in commands:
        command.communicate(timeout=60)
    wait_for(lambda: control.collector_status(acode.workspace).running)
    wait_for(lambda: not spool.list_announcements(acode.workspace.spool))
    assert Path(acode.workspace.collector_log).read_text().count("collector.started") == 1
    assert not Path(acode.workspace.collector_starting).exists()
    assert acode.run("collector", "stop").returncode == 0


def test_without_a_collector_the_next_reader_does_its_work(acode: Acode) -> None:
    process = acode.start("exec", "--task", "cut", "--", "sleep", "60")
    wait_for(lambda: spool.list_announcements(acode.workspace.spool))
    wait_for(lambda: (acode.folder() / "run.json").exists())
    child = acode.record()["pid"]
    process.kill()
    process.communicate()
    os.kill(child, signal.SIGKILL)
    listed = json.loads(acode.run("runs", "list", "--json").stdout)
    assert [(run["task"], run["status"]) for run in listed] == [("cut", "cancelled")]


def test_deleting_goes_through_the_collector(acode: Acode, collector: Process) -> None:
    acode.exec("echo", "x")
    wait_for(lambda: [run.status for run in runs_of(acode)] == ["success"])
    control.request_delete(acode.workspace, runs_of(acode)[0].run_id)
    assert runs_of(acode) == []
    wait_for(lambda: acode.folders() == [])


def test_a_damaged_database_is_replaced_under_a_running_collector(acode: Acode, collector: Process) -> None:
    acode.run("exec", "--task", "first", "--", "true")
    wait_for(lambda: states(acode) == {"first": "success"})
    collector.kill()
    collector.wait()
    Path(acode.workspace.database).write_bytes(b"no database at all" * 500)
    fresh = acode.start("collector", "run")
    acode.run("exec", "--task", "second", "--", "true")
    wait_for(lambda: _safe_states(acode) == {"first": "success", "second": "success"})
    fresh.terminate()
    fresh.communicate()


def _safe_states(acode: Acode) -> dict[str, str]:
    from collector.errors import AcodeError

    try:
        return states(acode)
    except AcodeError:
        return {}


def test_a_removed_workspace_ends_its_collector(acode: Acode, collector: Process) -> None:
    import shutil

    def is_gone() -> bool:
        shutil.rmtree(acode.workspace.folder, ignore_errors=True)  # it may be writing just now
        return not Path(acode.workspace.folder).exists()

    wait_for(is_gone)
    _, errors = collector.communicate(timeout=20)
    assert (collector.returncode, errors) == (0, b"")


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_nine_under_load_loses_nothing_finished(tmp_path: Path, seed: int) -> None:
    counts = attack(tmp_path, kills=15, jobs=6, seed=seed)
    assert counts["acknowledged"] > 0


def test_a_copied_workspace_does_not_take_the_other_s_collector_for_its_own(
    acode: Acode, collector: subprocess.Popen[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    from collector.daemon.control import collector_status

    copy = tmp_path_factory.mktemp("copy") / "of"
    shutil.copytree(acode.root, copy, symlinks=True)
    assert collector_status(acode.workspace).pid == collector.pid
    assert not collector_status(Workspace(str(copy))).running


def test_a_verb_takes_the_workspace_behind_it(acode: Acode, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / ".acode").mkdir(parents=True)
    for words in (["--workspace", str(other)], [f"--workspace={other}"], ["--workspace", "other"]):
        done = acode.run("collector", "status", *words)
        assert f"workspace: {other}\n" in done.stdout.decode()
    assert b"needs a folder" in acode.run("collector", "status", "--workspace").stderr
