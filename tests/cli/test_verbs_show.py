"""`acode runs show`: the ends of the output, single fields, and never nothing for a run that failed."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cli.conftest import Recorded

MANY = "for n in range(1, 101): print('line', n)"
TESTS = """
def test_adds(): assert 1 + 1 == 3, 'cannot add'
def test_fine(): pass
"""


def python(fresh: Recorded, code: str, *options: str) -> None:
    fresh.run("exec", *options, "--", sys.executable, "-c", code)


def test_the_preview_has_the_first_and_the_last_lines(fresh: Recorded) -> None:
    python(fresh, MANY)
    text = fresh.ok("runs", "show", "--preview").partition("\nOutput:\n")[2]
    numbers = [*range(1, 11), None, *range(91, 101)]
    assert text.splitlines() == ["…" if n is None else f"line {n}" for n in numbers]


def test_a_preview_has_each_line_once_and_says_when_there_is_none(fresh: Recorded) -> None:
    for count in (1, 9, 10, 11, 19, 20):
        python(fresh, f"for n in range({count}): print(n)")
        text = fresh.ok("runs", "show", "--preview").partition("\nOutput:\n")[2]
        assert text.split() == [str(n) for n in range(count)]
    fresh.run("exec", "--", "true")
    assert fresh.ok("runs", "show", "--preview").endswith("\nOutput: none\n")


def test_a_preview_is_harmless_and_of_a_giant_line_only_part(fresh: Recorded) -> None:
    python(fresh, "print('x' * 8_000_000); print('\\033]0;owned\\007end')")
    fresh.run("runs", "list")
    text = fresh.ok("runs", "show", "--preview")
    assert text.endswith("␛]0;owned␇end\n")
    assert len(text) < 4_000_000


def test_single_fields_are_printed_for_scripts(fresh: Recorded) -> None:
    fresh.run("exec", "--task", "t", "--tag", "a=1", "--", "sh", "-c", "echo one\nexit 3")
    assert fresh.ok("runs", "show", "--fields", "exit_code") == "3\n"
    assert fresh.ok("runs", "show", "--fields", "command_line") == "echo one\nexit 3\n"
    assert (
        fresh.ok("runs", "show", "--fields", "task,signal,tags,command_line")
        == 't\n\n{"a": "1"}\necho one␊exit 3\n'
    )
    assert fresh.json("runs", "show", "--json", "--fields", "task,exit_code") == {"task": "t", "exit_code": 3}
    assert "exit_code" in fresh.ok("runs", "show", "--fields", "?")
    assert "did you mean 'exit_code'" in fresh.fails(2, "runs", "show", "--fields", "exitcode")


def test_of_failing_tests_their_messages_are_shown(fresh: Recorded) -> None:
    (fresh.root / "test_it.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--junitxml=junit.xml",
        "test_it.py",
    ]
    assert fresh.run("exec", "--", *command).returncode == 1
    done = fresh.run("runs", "show", "--log-failed")
    text = done.stdout.decode()
    assert done.stderr.startswith(b"pytest-")
    assert text.startswith("failed: test_it::test_adds")
    assert "cannot add" in text
    assert "test_fine" not in text.splitlines()[0]


def test_else_the_errors_with_the_lines_above_them(fresh: Recorded) -> None:
    code = "import sys\nfor n in range(300): print('step', n, file=sys.stderr)\nraise ValueError('bad')"
    python(fresh, code)
    lines = fresh.run("runs", "show", "--log-failed").stdout.decode().splitlines()
    assert lines[:4] == ["step 297", "step 298", "step 299", "Traceback (most recent call last):"]
    assert lines[-1] == "ValueError: bad"


def test_else_the_end_of_what_was_printed(fresh: Recorded) -> None:
    fresh.run("exec", "--", "sh", "-c", "seq 1 500 >&2; echo out; exit 5")
    lines = fresh.run("runs", "show", "--log-failed").stdout.decode().splitlines()
    assert lines == [str(n) for n in range(301, 501)]
    fresh.run("exec", "--", "sh", "-c", "seq 1 3; exit 5")
    assert fresh.run("runs", "show", "--log-failed").stdout == b"1\n2\n3\n"


def test_never_nothing(fresh: Recorded) -> None:
    fresh.run("exec", "--", "sh", "-c", "exit 7")
    assert b"exit code 7; it printed nothing" in fresh.run("runs", "show", "--log-failed").stdout
    fresh.run("exec", "--", "sh", "-c", "kill -9 $$")
    assert fresh.run("runs", "show", "--log-failed").stdout.endswith(b"it printed nothing\n")
    fresh.run("exec", "--", "/no/such/program")
    assert fresh.run("runs", "show", "--log-failed").stdout.endswith(b"it printed nothing\n")
    fresh.run("exec", "--task", "gone", "--", "sh", "-c", "echo words >&2; exit 9")
    fresh.run("runs", "list")
    next(Path(fresh.workspace.artifacts).glob("gone-*/stderr.txt")).unlink()
    done = fresh.run("runs", "show", "--log-failed")
    assert done.returncode == 0
    assert b"exit code 9" in done.stdout
    assert b"ACODE-ART-011" in done.stderr
