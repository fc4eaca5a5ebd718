"""The shim of Claude Code: the command runs as without it, and is recorded."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents_shim.conftest import Shim, claude_line
from tests.conftest import PROJECT, wait_for
from tests.installation import install


@pytest.mark.parametrize("code", [0, 1, 2, 3, 124, 126, 127, 128, 130, 137, 143, 255])
def test_exit_codes_are_the_command_s(shim: Shim, code: int) -> None:
    done = shim.bash(f"echo out; echo err >&2; exit {code}")
    assert (done.returncode, done.stdout, done.stderr) == (code, b"out\n", b"err\n")
    record = shim.record()
    assert record["exit_code"] == code
    assert (shim.folder() / "stdout.txt").read_bytes() == b"out\n"
    assert (shim.folder() / "stderr.txt").read_bytes() == b"err\n"


@pytest.mark.parametrize("number", [1, 2, 3, 6, 9, 10, 11, 13, 15])
def test_it_ends_by_the_signal_that_ended_the_command(shim: Shim, number: int) -> None:
    """Claude Code tells a signal from an exit status: the one it shows as `Exit code 1`, the other as 137."""
    command = f"kill -{number} $$"
    plain = subprocess.run(["bash", "-c", claude_line(command)], check=False, capture_output=True)
    done = shim.bash(command)
    assert done.returncode == plain.returncode
    if number not in (signal.SIGINT, signal.SIGQUIT):  # bash itself does not end by these
        assert done.returncode == -number
        assert shim.record()["signal"] == number
    assert list(shim.root.glob("core*")) == []


def test_what_the_run_says(shim: Shim) -> None:
    shim.environ |= {"ACODE_INSTANCE_ID": "instance-1"}
    command = "cd / && npm test 2>&1 | tail -5"
    shim.bash(command, cwd=shim.root)
    record = shim.record()
    assert record["command_line"] == command
    assert (record["command"], record["arguments"]) == ("cd", [])
    assert (record["task"], record["type"]) == ("npm", "test")
    assert (record["agent"], record["tool"], record["tool_call_id"]) == ("claude-code", "Bash", None)
    assert record["session_id"] == "conversation-1"
    assert record["agent_instance_id"] == "instance-1"
    assert record["parent_run_id"] is None
    assert record["working_directory"] == str(shim.root)
    assert record["recorder"]["kind"] == "shim"
    assert record["recorder"]["conversation_id"] == "conversation-1"
    assert record["recorder"]["argv"] == ["/bin/bash", "-c", claude_line(command)]


def test_a_given_session_comes_before_the_agent_s(shim: Shim) -> None:
    shim.environ |= {"ACODE_SESSION_ID": "session-1", "ACODE_RUN_ID": "outer"}
    shim.bash("true")
    record = shim.record()
    assert (record["session_id"], record["parent_run_id"]) == ("session-1", "outer")
    assert record["recorder"]["conversation_id"] == "conversation-1"


def test_exec_within_belongs_to_the_command_and_the_conversation(shim: Shim) -> None:
    shim.bash(f"{shlex.quote(str(shim.scripts / 'acode'))} exec -- true")
    inner, outer = sorted(shim.records(), key=lambda record: str(record["recorder"]["kind"]))
    assert (inner["recorder"]["kind"], inner["parent_run_id"]) == ("exec", outer["run_id"])
    assert inner["session_id"] == outer["session_id"] == "conversation-1"


def test_the_workspace_is_that_of_the_command_s_folder(shim: Shim) -> None:
    del shim.environ["ACODE_WORKSPACE"]
    deep = shim.root / "project" / "a" / "b"
    deep.mkdir(parents=True)
    (shim.root / "project" / ".acode").mkdir()
    shim.bash("true", cwd=deep)
    assert (shim.root / "project" / ".acode" / "artifacts" / "latest").exists()


def test_the_folder_after_the_command_is_noted_for_the_agent(shim: Shim) -> None:
    note = shim.root / "cwd"
    assert shim.line(claude_line("cd /usr", note)).returncode == 0
    assert note.read_text() == "/usr\n"


LONG = "# " + "é" * 40_000 + "\nexit 7"


ODD = [LONG, "cat <<'E'\nit's\nE\nexit 7", b"printf '\\377'; : \xff\xfe; exit 7"]


@pytest.mark.parametrize("command", ODD, ids=["long", "document", "bytes"])
def test_odd_commands(shim: Shim, command: str | bytes) -> None:
    text = os.fsdecode(command)
    done = shim.bash(text)
    assert done.returncode == 7
    assert shim.record()["command_line"] == os.fsencode(text).decode("utf-8", "replace")


@pytest.mark.parametrize("kind", ["bash", "zsh"])
def test_the_shell_is_the_one_whose_snapshot_is_loaded(shim: Shim, kind: str) -> None:
    for name in ("bash", "zsh"):
        (shim.root / name).symlink_to("/bin/bash")
    for name in ("bash", "zsh"):
        shim.environ["SHELL"] = str(shim.root / name)
        done = shim.line(claude_line("echo $0", shell=kind))
        if name == kind:
            assert done.stdout == f"{shim.root / kind}\n".encode()
        elif kind == "bash":
            assert done.stdout == b"/bin/bash\n"


# As if it were not there


def _difference(shim: Shim, command: str) -> tuple[set[bytes], set[bytes]]:
    plain = subprocess.run(
        ["/bin/bash", "-c", claude_line(command)],
        env=shim.environ,
        cwd=shim.root,
        capture_output=True,
        check=True,
    )
    done = shim.bash(command)
    before, after = set(plain.stdout.splitlines()), set(done.stdout.splitlines())
    return before - after, after - before


def test_the_environment_gets_the_run_and_nothing_else(shim: Shim) -> None:
    gone, come = _difference(shim, "env")
    assert gone == set()
    assert come == {b"ACODE_RUN_ID=" + shim.record()["run_id"].encode()}


@pytest.mark.parametrize("ignored", ["", "INT", "PIPE", "HUP TERM", "PIPE XFSZ USR1"])
def test_signals_are_as_without(shim: Shim, ignored: str) -> None:
    trap = f"trap '' {ignored}; " if ignored else ""
    line = shlex.quote(claude_line("grep -E '^Sig(Blk|Ign)' /proc/self/status"))
    seen = []
    for command in (f"bash -c {line}", f"{shlex.quote(str(shim.scripts / 'acode-shim'))} {line}"):
        done = subprocess.run(
            ["sh", "-c", f"{trap}{command}"], env=shim.environ, cwd=shim.root, capture_output=True, check=True
        )
        lines = done.stdout.splitlines()
        seen.append([int(line.split()[1], 16) & ~(3 << 31) for line in lines])  # those of glibc
    assert seen[0] == seen[1]


def test_both_streams_in_one_file_keep_their_order(shim: Shim) -> None:
    path = shim.root / "both"
    with path.open("wb") as both:
        shim.bash(
            "for i in 1 2 3; do echo a$i; echo b$i >&2; done; nosuch; echo $?", stdout=both, stderr=both
        )
    assert path.read_bytes() == (
        b"a1\nb1\na2\nb2\na3\nb3\n/bin/bash: line 1: nosuch: command not found\n127\n"
    )


def test_a_child_in_the_background_is_not_waited_for_and_goes_on_writing(shim: Shim) -> None:
    gate = shim.root / "gate"
    os.mkfifo(gate)
    read_end, write_end = os.pipe()
    line = claude_line(f"(read x < {gate}; echo late) & echo started")
    process = subprocess.Popen(
        [str(shim.scripts / "acode-shim"), line], env=shim.environ, cwd=shim.root, stdout=write_end
    )
    os.close(write_end)
    assert process.wait(20) == 0
    gate.write_text("go\n")
    with os.fdopen(read_end, "rb") as reader:
        assert reader.read() == b"started\nlate\n"
    assert (shim.folder() / "stdout.txt").read_bytes() == b"started\n"


def _start(shim: Shim, command: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [str(shim.scripts / "acode-shim"), claude_line(command)], env=shim.environ, cwd=shim.root,
        stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"begin\n"
    return process


def test_a_group_that_is_ended_is_cancelled(shim: Shim) -> None:
    process = _start(shim, "echo begin; exec sleep 300")
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    record = shim.record()
    assert (record["status"], record["exit_code"], record["signal"]) == ("cancelled", None, 15)


def test_a_group_that_is_killed_is_cancelled_by_the_next_reader(shim: Shim) -> None:
    process = _start(shim, "echo begin; sleep 300")
    wait_for(
        lambda: (
            list(shim.root.glob(".acode/artifacts/*-*/stdout.txt"))
            and (shim.folder() / "stdout.txt").stat().st_size
        )
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    shim.run("runs", "list")
    record = shim.record()
    assert (record["status"], record["exit_code"]) == ("cancelled", None)
    assert (shim.folder() / "stdout.txt").read_bytes() == b"begin\n"


def test_a_command_that_handles_the_signal_has_the_last_word(shim: Shim) -> None:
    # A signal for the whole group comes directly, and once more through the shim.
    handler = 'trap "" TERM; echo asked; exit 5'
    process = _start(shim, f"trap '{handler}' TERM; echo begin; sleep 300 & wait")
    os.killpg(process.pid, signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (5, b"asked\n")
    assert shim.record()["exit_code"] == 5


# What is not a command of the Bash tool


OTHERS = [
    "echo $0 $BASH_VERSION",
    "exit 3",
    "printf %s 'a b'",
    "echo 'eval x && pwd -P >| y'",
    "",
]


@pytest.mark.parametrize("line", OTHERS)
def test_other_lines_go_straight_to_the_shell(shim: Shim, line: str) -> None:
    """Called by /bin/sh, as hooks are."""
    plain = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False)
    call = f"{shlex.quote(str(shim.scripts / 'acode-shim'))} {shlex.quote(line)}; exit $?"
    done = subprocess.run(["/bin/sh", "-c", call], env=shim.environ, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    assert shim.folders() == []


def test_a_hook_reads_its_stdin(shim: Shim) -> None:
    assert shim.line("cat", input=b'{"a": 1}').stdout == b'{"a": 1}'


def test_a_server_is_the_process_that_was_started(shim: Shim) -> None:
    """Claude Code signals the process that it started: no shell may stay in between."""
    line = f"{shlex.quote(sys.executable)} -c 'import os; print(os.getpid())'"
    command = [str(shim.scripts / "acode-shim"), line]
    process = subprocess.Popen(command, env=shim.environ, stdout=subprocess.PIPE)
    out, _ = process.communicate(timeout=20)
    assert int(out) == process.pid


# Whatever is broken


@pytest.fixture
def broken(tmp_path: Path) -> Shim:
    """A shim whose installation a test may damage."""
    root = tmp_path / "workspace"
    root.mkdir()
    return Shim(root, install(tmp_path / "own"))


def _packages(shim: Shim) -> Path:
    (packages,) = shim.scripts.parent.glob("lib/python3*/site-packages")
    return packages


def _no_interpreter(shim: Shim) -> None:
    (shim.scripts / "python3").unlink()
    (shim.root / "path").mkdir()
    for name in ("bash", "readlink", "sleep"):
        (shim.root / "path" / name).symlink_to(shutil.which(name) or "")
    shim.environ["PATH"] = str(shim.root / "path")


def _dangling_interpreter(shim: Shim) -> None:
    _no_interpreter(shim)
    (shim.scripts / "python3").symlink_to("/nowhere/python3")


def _no_package(shim: Shim) -> None:
    (_packages(shim) / "collector").unlink()
    (shim.scripts / "python3").unlink()
    lonely = shim.root / "python"
    lonely.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    lonely.chmod(0o755)
    (shim.scripts / "python3").symlink_to(lonely)


def _broken_package(shim: Shim) -> None:
    (_packages(shim) / "collector").unlink()
    shutil.copytree(PROJECT / "collector", _packages(shim) / "collector")
    (_packages(shim) / "collector" / "cli" / "shim.py").write_text("def run(:\n")


def _failing_recorder(shim: Shim) -> None:
    (_packages(shim) / "collector").unlink()
    shutil.copytree(PROJECT / "collector", _packages(shim) / "collector")
    (_packages(shim) / "collector" / "record" / "recorder.py").write_text("raise OSError('broken')\n")


def _failing_capture(shim: Shim) -> None:
    (_packages(shim) / "collector").unlink()
    shutil.copytree(PROJECT / "collector", _packages(shim) / "collector")
    relay = _packages(shim) / "collector" / "capture" / "command.py"
    relay.write_text(
        relay.read_text().replace(
            "    def start(self) -> None:", "    def start(self) -> None:\n        1 / 0", 1
        )
    )


def _no_workspace(shim: Shim) -> None:
    (shim.root / ".acode").write_text("a file")


def _full_disk(shim: Shim) -> None:
    (shim.root / ".acode").mkdir()
    (shim.root / ".acode" / "artifacts").symlink_to("/dev/full")


def _wrong_settings(shim: Shim) -> None:
    (shim.root / ".acode").mkdir()
    (shim.root / ".acode" / "config.yml").write_text("runs: [\n")


DAMAGES = [
    _no_interpreter, _dangling_interpreter, _no_package, _broken_package, _failing_recorder, _failing_capture,
    _no_workspace, _full_disk, _wrong_settings,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_command_runs_and_nothing_is_said(broken: Shim, damage: object) -> None:
    assert callable(damage)
    damage(broken)
    for command in ("echo out; echo err >&2; exit 7", "echo out; echo err >&2; kill -9 $$"):
        done = broken.bash(command)
        assert done.returncode == (7 if "7" in command else -9)
        assert (done.stdout, done.stderr) == (b"out\n", b"err\n")
    assert broken.line("exit 3").returncode == 3


def test_signals_are_restored_when_the_shim_steps_aside(broken: Shim) -> None:
    _broken_package(broken)
    done = broken.bash("yes | head -n1; echo ${PIPESTATUS[0]}")
    assert done.stdout == b"y\n141\n"


@pytest.mark.parametrize("limit", [12, 13, 14, 15, 16, 18, 20])
def test_too_many_files_in_use_change_nothing(shim: Shim, limit: int) -> None:
    line = shlex.quote(claude_line("echo out; exit 7"))
    script = f"ulimit -n {limit}; exec {shlex.quote(str(shim.scripts / 'acode-shim'))} {line}"
    done = subprocess.run(
        ["bash", "-c", script], env=shim.environ, cwd=shim.root, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (7, b"out\n")


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_without_threads_the_output_still_arrives(shim: Shim, threads: int) -> None:
    """A limit on processes counts threads too; root has none, so they are denied here."""
    code = (
        f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}\n"
        "import _thread; import collector.cli.shim as shim\n"
        f"start, left = _thread.start_new_thread, [None] * {threads}\n"
        "def deny(*given):\n"
        "    if not left: raise RuntimeError('no more threads')\n"
        "    left.pop(); return start(*given)\n"
        "_thread.start_new_thread = deny\n"
        "shim.run()\n"
    )
    arguments = ["prefix", "/bin/bash", "/bin/bash", "-c", claude_line("echo out; echo err >&2; exit 7")]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *arguments], env=shim.environ, cwd=shim.root,
        capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


# What it costs


def test_the_shim_loads_nothing_heavy(shim: Shim) -> None:
    """The interpreter says at its end what was loaded."""
    note = shim.root / "modules"
    code = (
        f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}\n"
        "import os; import collector.cli.shim as shim\n"
        f"leave = shim.leave\n"
        f"def note(*given): open({str(note)!r}, 'w').write(' '.join(sorted(sys.modules))); leave(*given)\n"
        "shim.leave = note\n"
        "shim.run()\n"
    )
    arguments = ["prefix", "/bin/bash", "/bin/bash", "-c", claude_line("true")]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *arguments], env=shim.environ, cwd=shim.root, check=False
    )
    assert done.returncode == 0
    heavy = {"json", "re", "typing", "dataclasses", "subprocess", "threading", "signal", "logging", "socket",
             "pathlib", "sqlite3", "yaml", "collections", "contextlib", "datetime", "shlex"}  # fmt: skip
    loaded = set(note.read_text().split())
    assert loaded & heavy == set()
    assert not any(name.startswith(("collector.store", "collector.agents")) for name in loaded)
