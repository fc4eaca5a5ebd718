"""Terminal programs, recorded: the same on the screen, and both streams apart in the record."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ACODE, Acode
from tests.terminal import Terminal

EXEC = [*ACODE, "exec", "--"]
Drive = Callable[[Terminal], None]


def on_terminal(acode: Acode, argv: list[str]) -> Terminal:
    return Terminal(argv, acode.environ, str(acode.root))


def compare(acode: Acode, command: list[str], drive: Drive) -> None:
    """Drive a program with and without acode; the screens and exit statuses are the same."""
    seen = []
    for argv in (command, [*EXEC, *command]):
        terminal = on_terminal(acode, argv)
        drive(terminal)
        seen.append((terminal.finish(), terminal.text()))
    assert seen[0] == seen[1]


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def test_a_command_sees_terminals_where_the_caller_has_them(acode: Acode) -> None:
    script = "for fd in 0 1 2; do test -t $fd && echo $fd is a terminal; done; stty size; exit 3"
    terminal = on_terminal(acode, [*EXEC, "sh", "-c", script])
    assert terminal.finish() == 3
    assert terminal.lines()[:4] == ["0 is a terminal", "1 is a terminal", "2 is a terminal", "24 80"]


@pytest.mark.parametrize(
    "redirection", ["> out", "2> out", "< /dev/null", "> out 2>&1", "< in > out", "| cat"]
)
def test_redirected_streams_are_no_terminals(acode: Acode, redirection: str) -> None:
    (acode.root / "in").write_text("")
    script = shlex.quote("for fd in 0 1 2; do test -t $fd && echo $fd >> seen; done; true")
    seen = []
    for prefix in ("", f"{shlex.join(EXEC)} "):
        (acode.root / "seen").write_text("")
        terminal = on_terminal(acode, ["sh", "-c", f"{prefix}sh -c {script} {redirection}"])
        assert terminal.finish() == 0
        seen.append((acode.root / "seen").read_text())
    assert seen[0] == seen[1]


def test_streams_stay_apart_on_a_terminal(acode: Acode) -> None:
    terminal = on_terminal(acode, [*EXEC, "sh", "-c", "echo to out; echo to err >&2; echo out again"])
    assert terminal.finish() == 0
    assert (acode.folder() / "stdout.txt").read_bytes() == b"to out\r\nout again\r\n"
    assert (acode.folder() / "stderr.txt").read_bytes() == b"to err\r\n"


def test_colours_stay(acode: Acode) -> None:
    (acode.root / "folder").mkdir()
    terminal = on_terminal(acode, [*EXEC, "ls", "--color=auto"])
    terminal.finish()
    assert b"\x1b[" in terminal.output
    assert b"\x1b[" in (acode.folder() / "stdout.txt").read_bytes()


def test_a_resize_reaches_the_command(acode: Acode) -> None:
    script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done"
    terminal = on_terminal(acode, [*EXEC, "sh", "-c", script])
    terminal.wait_for("ready")
    terminal.resize(100, 40)
    assert terminal.finish() == 0
    assert "40 100" in terminal.text()


@pytest.mark.parametrize(("key", "status"), [("\x03", 130), ("\x1c", 131)])
def test_keys_that_signal_end_the_command(acode: Acode, key: str, status: int) -> None:
    terminal = on_terminal(acode, [*EXEC, "sh", "-c", "ulimit -c 0; echo ready; exec sleep 60"])
    terminal.wait_for("ready")
    terminal.send(key)
    assert terminal.finish() == status


def test_end_of_input_reaches_the_command(acode: Acode) -> None:
    terminal = on_terminal(acode, [*EXEC, "sh", "-c", "echo ready; exec cat"])
    terminal.wait_for("ready")
    terminal.send("typed\n")
    terminal.wait_until(lambda: terminal.text().count("typed") == 2)
    terminal.send("\x04")
    assert terminal.finish() == 0


def test_a_password_prompt_hides_what_is_typed(acode: Acode) -> None:
    ask = "import getpass; print('got', getpass.getpass('secret: '))"
    terminal = on_terminal(acode, [*EXEC, sys.executable, "-c", ask])
    terminal.wait_for("secret:")
    terminal.send("hidden\n")
    assert terminal.finish() == 0
    assert terminal.text().count("hidden") == 1


def test_the_terminal_is_left_as_it_was(acode: Acode) -> None:
    acode_line = shlex.join([*EXEC, "sh", "-c", "stty raw -echo; echo in raw mode; kill -9 $$"])
    script = f"stty -a > before; {acode_line}; stty -a > after; cmp before after && echo the same"
    terminal = on_terminal(acode, ["sh", "-c", script])
    terminal.finish()
    assert "the same" in terminal.text()


def test_suspend_and_continue_from_a_shell(acode: Acode) -> None:
    need("bash")
    shell = on_terminal(acode, ["bash", "--norc", "--noprofile", "-i"])
    shell.send(shlex.join([*EXEC, "sh", "-c", "echo started; read x; echo got $x"]) + "\n")
    shell.wait_until(lambda: "started" in shell.lines())
    shell.send("\x1a")
    shell.wait_for("Stopped")
    shell.send("echo back in the shell | tr a-z A-Z\n")
    shell.wait_for("BACK IN THE SHELL")
    shell.send("fg\n")
    shell.send("word\n")
    shell.wait_until(lambda: "got word" in shell.lines())
    shell.send("exit 0\n")
    assert shell.finish() == 0


def test_an_interactive_shell_keeps_its_job_control(acode: Acode) -> None:
    need("bash")
    terminal = on_terminal(acode, [*EXEC, "bash", "--norc", "--noprofile"])
    terminal.send("sleep 60 & jobs\n")
    terminal.wait_for("Running")
    terminal.send("kill %1; exit 7\n")
    assert terminal.finish() == 7
    assert "no job control" not in terminal.text()


def test_in_the_background_a_command_does_not_take_the_keyboard(acode: Acode) -> None:
    need("bash")
    shell = on_terminal(acode, ["bash", "--norc", "--noprofile", "-i"])
    shell.send(shlex.join([*EXEC, "sh", "-c", "test -t 1 && echo on a terminal; sleep 0.3"]) + " &\n")
    shell.wait_until(lambda: any("on a terminal" in line and "test" not in line for line in shell.lines()))
    shell.send("wait; echo still $((40 + 2))\n")
    shell.wait_for("still 42")
    shell.send("exit 0\n")
    assert shell.finish() == 0


# Programs that people use, with and without


def numbers(acode: Acode) -> str:
    (acode.root / "numbers").write_text("".join(f"line {i}\n" for i in range(500)))
    return "numbers"


def test_vim_is_the_same(acode: Acode) -> None:
    need("vim")
    numbers(acode)

    def drive(terminal: Terminal) -> None:
        terminal.wait_for("line 0")
        terminal.send("G")
        terminal.wait_for("line 499")
        terminal.send(":cq 5\r")

    compare(acode, ["vim", "-u", "NONE", "-i", "NONE", "-n", "numbers"], drive)


def test_vim_writes_its_file(acode: Acode) -> None:
    need("vim")
    terminal = on_terminal(acode, [*EXEC, "vim", "-u", "NONE", "-i", "NONE", "-n", "new"])
    terminal.wait_for("~")
    terminal.send("ihello\x1b:wq\r")
    assert terminal.finish() == 0
    assert (acode.root / "new").read_text() == "hello\n"


def test_less_is_the_same(acode: Acode) -> None:
    need("less")
    numbers(acode)

    def drive(terminal: Terminal) -> None:
        terminal.wait_for("line 0")
        terminal.send("G")
        terminal.wait_for("line 499")
        terminal.send("q")

    compare(acode, ["less", "numbers"], drive)


def test_less_at_the_end_of_a_pipeline_gets_its_keys(acode: Acode) -> None:
    need("less")
    numbers(acode)
    terminal = on_terminal(acode, ["sh", "-c", f"cat numbers | {shlex.join(EXEC)} less"])
    terminal.wait_for("line 0")
    terminal.send("G")
    terminal.wait_for("line 499")
    terminal.send("q")
    assert terminal.finish() == 0


def test_a_pager_that_the_command_starts_gets_its_keys(acode: Acode) -> None:
    need("less")
    numbers(acode)
    terminal = on_terminal(acode, [*EXEC, "sh", "-c", "cat numbers | less; echo after"])
    terminal.wait_for("line 0")
    terminal.send("G")
    terminal.wait_for("line 499")
    terminal.send("q")
    assert terminal.finish() == 0
    assert "after" in terminal.text()


def test_htop_starts_and_quits(acode: Acode) -> None:
    need("htop")
    acode.environ["HOME"] = str(acode.root)
    terminal = on_terminal(acode, [*EXEC, "htop"])
    terminal.wait_for("Load average")
    terminal.send("q")
    assert terminal.finish() == 0


def test_a_terminal_that_goes_away_ends_the_command(acode: Acode) -> None:
    terminal = on_terminal(acode, [*EXEC, "sh", "-c", "echo $$ > pid; echo ready; exec sleep 60"])
    terminal.wait_for("ready")
    import os

    os.close(terminal.master)
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) in (129, -1)
    pid = (acode.root / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()
    assert acode.record()["status"] == "cancelled"


def test_a_terminal_of_forty_columns_is_forty_columns(acode: Acode) -> None:
    terminal = Terminal([*EXEC, "stty", "size"], acode.environ, str(acode.root), columns=40, rows=10)
    assert terminal.finish() == 0
    assert terminal.lines()[0] == "10 40"
