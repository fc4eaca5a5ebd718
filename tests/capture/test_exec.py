"""`acode exec` as a caller sees it: as if acode were not there."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ACODE, PROJECT, Acode, wait_for

PYTHON = sys.executable


@pytest.mark.parametrize(
    "code", [0, 1, 2, 3, 42, 63, 64, 100, 123, 124, 125, 126, 127, 128, 130, 137, 200, 254, 255]
)
def test_exit_code_is_the_commands_own(acode: Acode, code: int) -> None:
    assert acode.exec("sh", "-c", f"exit {code}").returncode == code
    record = acode.record()
    assert record["exit_code"] == code
    assert record["status"] == ("success" if code == 0 else "failure")


@pytest.mark.parametrize("number", [1, 2, 3, 6, 8, 9, 10, 11, 12, 13, 14, 15])
def test_a_killed_command_gives_128_plus_its_signal(acode: Acode, number: int) -> None:
    assert acode.exec("sh", "-c", f"kill -{number} $$").returncode == 128 + number
    record = acode.record()
    assert record["signal"] == number
    assert record["exit_code"] == (None if number == signal.SIGINT else 128 + number)
    assert record["status"] == ("cancelled" if number == signal.SIGINT else "failure")


def test_a_command_that_does_not_exist_is_127_and_is_recorded(acode: Acode) -> None:
    done = acode.exec("no-such-command")
    assert done.returncode == 127
    assert done.stderr.startswith(b"acode: ACODE-RUN-012: no-such-command: command not found")
    assert done.stderr.count(b"\n") == 1
    assert acode.record()["exit_code"] == 127
    assert acode.record()["error_code"] == "ACODE-RUN-012"


def test_a_file_that_is_not_executable_is_126(acode: Acode) -> None:
    (acode.root / "data").write_text("x")
    done = acode.exec("./data")
    assert done.returncode == 126
    assert b"ACODE-RUN-013" in done.stderr


def test_a_script_whose_interpreter_is_missing_is_126(acode: Acode) -> None:
    script = acode.root / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    assert acode.exec("./script").returncode == 126


def test_a_script_without_interpreter_line_runs_in_sh(acode: Acode) -> None:
    script = acode.root / "script"
    script.write_text("echo ran $1; exit 5\n")
    script.chmod(0o755)
    done = acode.exec("./script", "it")
    assert (done.returncode, done.stdout) == (5, b"ran it\n")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--no-such-option", "--", "true"),
        ("--task",),
        ("--type", "odd", "true"),
        ("--timeout", "soon", "true"),
    ],
)
def test_wrong_usage_is_125_with_one_line(acode: Acode, arguments: tuple[str, ...]) -> None:
    done = acode.run("exec", *arguments)
    assert done.returncode == 125
    assert done.stderr.startswith(b"acode: ACODE-RUN-019: ")
    assert done.stderr.count(b"\n") == 1
    assert acode.folders() == []


def test_both_streams_pass_unchanged_and_apart(acode: Acode) -> None:
    noise = "import os; os.write(1, bytes(range(256)) * 100); os.write(2, b'\\xff\\xfe\\r\\n' * 99)"
    done = acode.exec(PYTHON, "-c", noise)
    assert done.stdout == bytes(range(256)) * 100
    assert done.stderr == b"\xff\xfe\r\n" * 99
    assert (acode.folder() / "stdout.txt").read_bytes() == done.stdout
    assert (acode.folder() / "stderr.txt").read_bytes() == done.stderr


def test_stdin_passes_through(acode: Acode) -> None:
    data = os.urandom(3_000_000)
    assert acode.exec("cat", input=data).stdout == data


def test_a_large_stream_arrives_whole_and_keeps_its_head(acode: Acode) -> None:
    program = "import sys\nfor i in range(64): sys.stdout.buffer.write(bytes([i]) * (1 << 20))"
    done = acode.exec(PYTHON, "-c", program)
    expected = hashlib.sha256(b"".join(bytes([i]) * (1 << 20) for i in range(64))).digest()
    assert hashlib.sha256(done.stdout).digest() == expected
    kept = (acode.folder() / "stdout.txt").read_bytes()
    assert kept[: 10 << 20] == done.stdout[: 10 << 20]
    assert kept[10 << 20 :] == b"\n[acode: 56623104 bytes cut here: the recording's limit was reached]\n"
    stdout = acode.record()["artifacts"][0]
    assert stdout["truncated"]
    assert stdout["truncation_reason"] == "size_limit"
    assert stdout["original_size_bytes"] == 64 << 20


def test_head_tail_keeps_both_ends(acode: Acode) -> None:
    (acode.root / ".acode").mkdir()
    (acode.root / ".acode/config.yml").write_text(
        "runs:\n  artifacts:\n    maxSizePerArtifact: 2KB\n    truncate: head_tail\n"
    )
    done = acode.exec(PYTHON, "-c", "for i in range(1000): print(f'line {i:04}')")
    kept = (acode.folder() / "stdout.txt").read_bytes()
    assert kept.startswith(done.stdout[:1024])
    assert kept.endswith(done.stdout[-1024:])
    assert b"bytes cut here" in kept


def test_without_a_limit_everything_is_kept(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ARTIFACTS_MAX_SIZE_PER_ARTIFACT"] = "0"
    done = acode.exec(PYTHON, "-c", "import sys; sys.stdout.write('x' * (12 << 20))")
    assert (acode.folder() / "stdout.txt").read_bytes() == done.stdout


def test_it_returns_when_the_command_ends_although_a_child_holds_the_pipe(acode: Acode) -> None:
    process = acode.start("exec", "--", "sh", "-c", "sleep 30 & echo done; echo $!")
    assert process.stdout is not None
    assert process.stdout.readline() == b"done\n"
    background = int(process.stdout.readline())
    assert process.wait(10) == 0
    assert acode.record()["status"] == "success"
    os.kill(background, signal.SIGKILL)
    process.communicate(timeout=10)


def test_what_a_background_child_writes_later_still_arrives(acode: Acode) -> None:
    gate = acode.root / "gate"
    os.mkfifo(gate)
    process = acode.start("exec", "--", "sh", "-c", f"(read x < {gate}; echo late) & echo now")
    assert process.stdout is not None
    assert process.stdout.readline() == b"now\n"
    assert process.wait(10) == 0
    gate.write_text("go\n")
    assert process.stdout.readline() == b"late\n"
    process.communicate(timeout=10)
    assert (acode.folder() / "stdout.txt").read_bytes() == b"now\n"


def test_a_closed_reader_ends_the_command_with_sigpipe(acode: Acode) -> None:
    command = shlex.join([*ACODE, "exec", "--", "yes"])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n1; exit ${{PIPESTATUS[0]}}"],
        env=acode.environ, cwd=acode.root, capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (141, b"y\n")
    assert done.stderr == b""


FORWARDED = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
             signal.SIGALRM, signal.SIGWINCH, signal.SIGCONT]  # fmt: skip


@pytest.mark.parametrize("number", FORWARDED)
def test_a_signal_reaches_the_command(acode: Acode, number: signal.Signals) -> None:
    program = (
        "import signal, os, sys\n"
        f"signal.signal({int(number)}, lambda *_: (print('got it', flush=True), sys.exit(9)))\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()\n"
    )
    process = acode.start("exec", "--", PYTHON, "-c", program)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (9, b"got it\n")


def test_an_interrupted_command_is_cancelled(acode: Acode) -> None:
    process = acode.start("exec", "--", "sh", "-c", "echo ready; exec sleep 60")
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    assert process.wait(10) == 143
    process.communicate()
    record = acode.record()
    assert (record["status"], record["exit_code"], record["signal"]) == ("cancelled", None, 15)


def test_a_stopped_command_stops_acode_and_goes_on_with_it(acode: Acode) -> None:
    process = acode.start("exec", "--", "sh", "-c", "echo $$; kill -STOP $$; echo on")
    assert process.stdout is not None
    process.stdout.readline()
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate(timeout=20)
    assert out == b"on\n"


SHOW_SIGNALS = "grep -E '^Sig(Blk|Ign)' /proc/self/status"
LIBC_INTERNAL = 1 << 31 | 1 << 32  # 32 and 33: glibc's posix_spawn ignores its own two in every child


@pytest.mark.parametrize("ignored", ["", "INT", "PIPE", "HUP TERM", "PIPE XFSZ USR1"])
def test_signal_mask_and_dispositions_are_inherited_unchanged(acode: Acode, ignored: str) -> None:
    """Through the real launcher, which is what knows what Python hides."""
    launcher = acode.root / "venv/bin/acode"
    launcher.parent.mkdir(parents=True)
    launcher.write_bytes((PROJECT / "bin/acode").read_bytes())
    launcher.chmod(0o755)
    (launcher.parent / "python3").symlink_to(sys.executable)
    site = acode.root / "venv/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (site / "collector").symlink_to(PROJECT / "collector")
    trap = f"trap '' {ignored}; " if ignored else ""
    seen = [
        subprocess.run(
            ["sh", "-c", f"{trap}{prefix} {SHOW_SIGNALS}"], env=acode.environ, capture_output=True,
            cwd=acode.root, check=True, timeout=30,
        ).stdout
        for prefix in ("", f"{launcher} exec --")
    ]  # fmt: skip
    masks = [[int(line.split()[1], 16) & ~LIBC_INTERNAL for line in lines.splitlines()] for lines in seen]
    assert masks[0] == masks[1]


def test_process_group_and_session_are_the_callers_without_a_terminal(acode: Acode) -> None:
    program = "import os; print(os.getpgrp(), os.getsid(0))"
    done = acode.exec(PYTHON, "-c", program)
    assert done.stdout.split() == [b"%d" % os.getpgrp(), b"%d" % os.getsid(0)]


def test_environment_is_the_callers_plus_the_run_id(acode: Acode) -> None:
    environ = {"ONLY": "this", "ACODE_WORKSPACE": str(acode.root)}
    done = acode.exec("/usr/bin/env", env=environ)
    lines = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
    assert lines.pop("ACODE_RUN_ID") == acode.record()["run_id"]
    assert lines == environ


def test_closed_standard_descriptors_stay_closed(acode: Acode) -> None:
    command = shlex.join(ACODE)
    done = subprocess.run(
        ["sh", "-c", f"{command} exec -- sh -c 'ls -l /proc/$$/fd >&2; exit 4' <&- >&-"],
        env=acode.environ, cwd=acode.root, capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 4


def test_nesting_records_parent_session_and_instance(acode: Acode) -> None:
    inner = shlex.join([*ACODE, "exec", "--task", "inner", "--", "true"])
    acode.environ["ACODE_INSTANCE_ID"] = "instance-7"
    done = acode.run("exec", "--task", "outer", "--session", "s-1", "--", "sh", "-c", inner)
    assert done.returncode == 0
    records = {record["task"]: record for record in acode.records()}
    assert records["inner"]["parent_run_id"] == records["outer"]["run_id"]
    assert records["inner"]["session_id"] == records["outer"]["session_id"] == "s-1"
    assert records["inner"]["agent_instance_id"] == "instance-7"
    assert records["outer"]["parent_run_id"] is None


# Timeouts


def test_exit_code_is_124_when_the_time_is_up(acode: Acode) -> None:
    done = acode.run("exec", "--timeout", "200ms", "--", "sleep", "60")
    assert done.returncode == 124
    record = acode.record()
    assert (record["status"], record["exit_code"]) == ("timeout", None)
    assert record["error_code"] == "ACODE-RUN-015"


def test_a_command_that_ends_in_time_is_not_touched(acode: Acode) -> None:
    assert acode.run("exec", "--timeout", "60s", "--", "sh", "-c", "exit 3").returncode == 3


TREE = """
import os, signal, subprocess, sys, time
depth, mode = int(sys.argv[1]), sys.argv[2]
if mode == "ignores":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mode == "daemon":
    os.setsid()
os.write(1, b"pid %d\\n" % os.getpid())
if depth:
    for child in ("ignores", "daemon", "plain"):
        subprocess.Popen([sys.executable, __file__, str(depth - 1), child])
while True:
    time.sleep(60)
"""


def test_a_timeout_ends_the_whole_tree(acode: Acode) -> None:
    script = acode.root / "tree.py"
    script.write_text(TREE)
    done = acode.run("exec", "--timeout", "3s", "--grace", "300ms", "--", PYTHON, str(script), "2", "plain")
    assert done.returncode == 124
    pids = [int(line.split()[1]) for line in done.stdout.splitlines()]
    assert len(pids) == 13
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists() and _is_ours(pid)] == []


def _is_ours(pid: int) -> bool:
    try:
        return b"tree.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_a_timeout_spares_the_neighbours(acode: Acode) -> None:
    neighbour = subprocess.Popen(["sleep", "60"])
    acode.run("exec", "--timeout", "100ms", "--", "sleep", "60")
    assert neighbour.poll() is None
    neighbour.kill()
    neighbour.wait()


# Recording that cannot work


def test_a_folder_that_cannot_be_written_costs_one_line(acode: Acode) -> None:
    blocker = acode.root / ".acode"
    blocker.write_text("a file where the folder should be")
    done = acode.exec("sh", "-c", "echo out; exit 6")
    assert (done.returncode, done.stdout) == (6, b"out\n")
    assert done.stderr.startswith(b"acode: ACODE-RUN-024: ")
    assert done.stderr.count(b"\n") == 1


def test_a_damaged_configuration_costs_one_line(acode: Acode) -> None:
    (acode.root / ".acode").mkdir()
    (acode.root / ".acode/config.yml").write_text("runs: [not, a, mapping\n")
    done = acode.exec("sh", "-c", "echo out; exit 6")
    assert (done.returncode, done.stdout) == (6, b"out\n")
    assert done.stderr.count(b"\n") == 1
    assert b"ACODE-RUN-023" in done.stderr
    assert acode.record()["exit_code"] == 6


def test_recording_can_be_switched_off(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ENABLED"] = "false"
    done = acode.exec("echo", "hi")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hi\n", b"")
    assert acode.folders() == []


def test_a_full_disk_loses_output_and_nothing_else(acode: Acode, small_disk: Path) -> None:
    acode.environ["ACODE_WORKSPACE"] = str(small_disk)
    acode.environ["ACODE_RUNS_ARTIFACTS_MAX_SIZE_PER_ARTIFACT"] = "0"
    done = acode.exec(PYTHON, "-c", "import sys; sys.stdout.write('x' * (8 << 20)); sys.exit(7)")
    assert (done.returncode, len(done.stdout)) == (7, 8 << 20)
    assert done.stderr.startswith(b"acode: ACODE-RUN-024: ")
    assert done.stderr.count(b"\n") == 1


@pytest.fixture
def small_disk(tmp_path: Path):  # type: ignore[no-untyped-def] # a generator fixture
    """A file system of 2 MB; needs the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs privileges")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


# Parallel


def test_parallel_runs_of_one_second_have_names_of_their_own(acode: Acode) -> None:
    processes = [acode.start("exec", "--task", "same", "--", "echo", str(i)) for i in range(12)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    records = acode.records()
    assert len({record["name"] for record in records}) == 12
    assert all(record["name"] == folder.name for record, folder in zip(records, acode.folders(), strict=True))


def test_a_run_can_be_followed_while_it_runs(acode: Acode) -> None:
    gate = acode.root / "gate"
    os.mkfifo(gate)
    process = acode.start("exec", "--", "sh", "-c", f"echo first; read x < {gate}; echo second")
    wait_for(lambda: acode.folders() and (acode.folder() / "stdout.txt").exists()
             and (acode.folder() / "stdout.txt").read_bytes() == b"first\n")  # fmt: skip
    wait_for((acode.folder() / "run.json").exists)
    assert acode.record()["status"] == "running"
    gate.write_text("go\n")
    process.communicate(timeout=20)
    assert (acode.folder() / "stdout.txt").read_bytes() == b"first\nsecond\n"
    assert acode.record()["status"] == "success"


def test_durations_come_from_the_monotonic_clock(acode: Acode) -> None:
    before = time.monotonic()
    acode.exec("sleep", "0.2")
    elapsed_ms = (time.monotonic() - before) * 1000
    assert 190 <= acode.record()["duration_ms"] <= elapsed_ms
