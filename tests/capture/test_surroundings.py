"""`acode exec` where a caller has left things in an unusual state."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from collector.daemon import control
from tests.conftest import ACODE, Acode, wait_for

PYTHON = sys.executable


def state(pid: int) -> str:
    """Return a process's state letter."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("workspace", ["", "elsewhere"])
def test_a_working_directory_that_was_removed(acode: Acode, workspace: str) -> None:
    gone = acode.root / "gone"
    gone.mkdir()
    if workspace:
        acode.environ["ACODE_WORKSPACE"] = str(acode.root / workspace)
    else:
        del acode.environ["ACODE_WORKSPACE"]
    leave = f"import os; os.rmdir({str(gone)!r}); os.execv({ACODE[0]!r}, {[*ACODE, 'exec', 'pwd', '-P']!r})"
    done = subprocess.run(
        [PYTHON, "-c", leave], cwd=gone, env=acode.environ, capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 1  # pwd's own answer
    assert (b"ACODE-RUN-024" in done.stderr) == (not workspace)
    assert b"Traceback" not in done.stderr
    assert not gone.exists()


def test_a_caller_that_ignores_sigchld(acode: Acode) -> None:
    program = (
        "import os, signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN);"
        f"os.execv({ACODE[0]!r}, {[*ACODE, 'exec', '--', 'sh', '-c', 'exit 3']!r})"
    )
    done = subprocess.run([PYTHON, "-c", program], env=acode.environ, cwd=acode.root, check=False, timeout=30)
    assert done.returncode == 3
    assert acode.record()["exit_code"] == 3


def test_few_descriptors_cost_the_recording_at_most(acode: Acode) -> None:
    for limit in range(6, 16):
        program = (
            "import resource, sys, collector.__main__ as start, collector.cli.exec;"
            f"resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}));"
            "sys.argv = ['acode', 'exec', '--quiet', '--', 'sh', '-c', 'echo out; exit 7'];"
            "start.run()"
        )
        done = subprocess.run(
            [PYTHON, "-c", program], env=acode.environ | {"PYTHONPATH": ":".join(sys.path)}, cwd=acode.root,
            capture_output=True, check=False, timeout=30,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b""), limit


def test_a_collector_keeps_nothing_of_its_callers(acode: Acode) -> None:
    del acode.environ["ACODE_COLLECTOR_AUTOSTART"]
    lock = os.open(acode.root / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    acode.exec("true", pass_fds=[lock])
    os.close(lock)
    wait_for(lambda: control.collector_status(acode.workspace).running)
    again = os.open(acode.root / "lock", os.O_RDWR)
    fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(again)
    control.stop_collector(acode.workspace)


def test_a_timeout_spares_the_collector_it_has_started(acode: Acode) -> None:
    del acode.environ["ACODE_COLLECTOR_AUTOSTART"]
    assert acode.run("exec", "--timeout", "500ms", "--", "sleep", "60").returncode == 124
    wait_for(lambda: control.collector_status(acode.workspace).running)
    control.stop_collector(acode.workspace)


def test_a_stopped_command_does_not_escape_its_time_limit(acode: Acode) -> None:
    assert acode.run("exec", "--timeout", "500ms", "--", "sh", "-c", "kill -STOP $$").returncode == 124


def test_a_command_that_ignores_the_suspend_key_is_not_held_up(acode: Acode) -> None:
    process = acode.start("exec", "--", "sh", "-c", "trap '' TSTP; echo ready; read x; echo on",
                          stdin=subprocess.PIPE)  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTSTP)
    out, _ = process.communicate(b"\n", timeout=20)
    assert (process.returncode, out) == (0, b"on\n")


def test_both_stopped_and_continued_one_by_one(acode: Acode) -> None:
    process = acode.start("exec", "--", "sh", "-c", "echo $$; read x; echo on", stdin=subprocess.PIPE)
    assert process.stdout is not None
    command = int(process.stdout.readline())
    for pid in (process.pid, command):
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda pid=pid: state(pid) == "T")
    process.send_signal(signal.SIGCONT)
    wait_for(lambda: state(command) != "T")
    out, _ = process.communicate(b"\n", timeout=20)
    assert (process.returncode, out) == (0, b"on\n")


def test_output_that_finds_no_place_is_told(acode: Acode) -> None:
    with Path("/dev/full").open("wb") as full:
        done = acode.exec("sh", "-c", "echo out; echo err >&2; exit 3", stdout=full)
    assert done.returncode == 3
    assert done.stderr.startswith(b"err\nacode: ACODE-RUN-028: ")
    assert b"stdout: No space left on device" in done.stderr
    assert (acode.folder() / "stdout.txt").read_bytes() == b"out\n"
