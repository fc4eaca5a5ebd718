"""Exit codes in words, told from the program that gave them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from collector.extract.exit_codes import explain_exit, program_of


def ends(*command: str, cwd: Path) -> str | None:
    """Run a command and say what its end means, as a shell would see it."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, check=False, timeout=30)
    code = done.returncode
    return explain_exit(None if code < 0 else code, -code if code < 0 else None, command)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("sh", "-c", "no-such-command-1"), "command not found"),
        (("sh", "-c", "/etc/passwd"), "cannot be executed"),
        (("sh", "-c", "kill -9 $$"), "SIGKILL"),
        (("sh", "-c", "sh -c 'kill -15 $$'; exit $?"), "SIGTERM"),
        (("grep", "x", os.devnull), "nothing was found"),
        (("sh", "-c", "true && grep x /dev/null"), "nothing was found"),
        (("diff", os.devnull, __file__), "they differ"),
        (("git", "log"), "fatal"),
        (("git", "log", "--no-such"), "fatal"),
        (("git", "status", "--no-such"), "called wrongly"),
        (("make", "nope"), "could not be made"),
        ((sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "."), "no tests were found"),
        ((sys.executable, "-m", "pytest", "--no-such"), "called wrongly"),
        ((sys.executable, "-c", "raise SystemExit(1)"), "not caught"),
        (("timeout", "0.05", "sleep", "9"), "timed out"),
        (("tar", "xf", "nope.tar"), "fatal error"),
        (("true",), None),
        (("sh", "-c", "exit 3"), None),
    ],
)
def test_real_programs(tmp_path: Path, command: tuple[str, ...], words: str | None) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    told = ends(*command, cwd=tmp_path)
    assert (told is None) if words is None else (told is not None and words in told)


@pytest.mark.parametrize(
    ("code", "command", "words"),
    [
        (1, "pytest -q", "tests failed"), (6, "curl http://x", "resolved"), (7, "curl x", "connect"),
        (22, "curl -f x", "answered with an error"), (28, "curl x", "timed out"), (35, "curl x", "TLS"),
        (60, "curl x", "certificate"), (255, "ssh host", "connection failed"), (125, "docker run x",
        "engine"),
        (137, "npm test", "memory"), (139, "./a.out", "SIGSEGV"), (130, "make", "SIGINT"), (143, "x",
        "SIGTERM"),
        (1, "uv run pytest", "tests failed"), (1, "cd x && python3.12 -m pytest -q", "tests failed"),
        (23, "rsync a b", "not transferred"), (124, "anything", "timed out"), (200, "anything", None),
    ],
)  # fmt: skip
def test_codes_of_programs_that_are_not_run_here(code: int, command: str, words: str | None) -> None:
    told = explain_exit(code, None, ("sh", "-c", command))
    assert (told is None) if words is None else (told is not None and words in told)


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("cd x && python3.12 -m pytest -q", "pytest"), ("grep 'a;b|c' x", "grep"), ("ls | grep x", "grep"),
        ("sudo -E env A=1 docker run x", "docker"), ("set -e\nmake all", "make"), ("bash -lc 'git x'", "git"),
        ("/usr/bin/curl x", "curl"), ("bash script.sh", "bash"),
    ],
)  # fmt: skip
def test_the_program_is_the_one_whose_exit_code_counts(line: str, program: str) -> None:
    assert program_of(line) == program


def test_every_signal_has_a_name() -> None:
    for number in signal.Signals:
        assert explain_exit(None, number.value, ()) is not None


@pytest.mark.parametrize(
    "line", ["", "   ", "'open quote", "sh -c", "sudo", "A=1", "\x00", "sh -c 'sh -c \"sh -c x\"'"]
)
def test_any_command_line_is_taken(line: str) -> None:
    assert isinstance(program_of(line), str)
