"""`acode runs why`: what it says of real runs, and that nothing recorded can do more than be read."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from collector import Explanation, explain, open_stores
from tests.cli.conftest import Recorded
from tests.conftest import ACODE
from tests.terminal import Terminal

SCRIPT = "import json\nprint('loading')\njson.loads('{')\n"
SUITE = """\
import os

def test_stays(): pass
def test_breaks(): assert os.path.exists("fine"), "no such stock"
if os.path.exists("fine"):
    def test_goes(): pass
"""
PYTEST = (
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "--junitxml=junit.xml",
    "test_shop.py",
)


def record(fresh: Recorded, *command: str, **files: str) -> None:
    for name, text in files.items():
        (fresh.root / name.replace("__", ".")).write_text(text)
    fresh.exec(*command)


def explained(fresh: Recorded, reference: str = "latest") -> Explanation:
    fresh.ok("runs", "list")
    stores = open_stores(fresh.workspace)
    try:
        page = stores[0].latest()
        assert page is not None
        assert reference == "latest"
        return explain(page, stores)
    finally:
        stores[0].close()


def test_a_traceback_is_the_headline_with_its_place(fresh: Recorded) -> None:
    record(fresh, sys.executable, "load.py", load__py=SCRIPT)
    said = fresh.ok("runs", "why")
    first, second, *_ = said.splitlines()
    assert "json.decoder.JSONDecodeError: Expecting property name" in first
    assert "load.py" in second
    assert "failed with exit code 1: an exception was not caught" in said
    assert re.search(r"First error: stderr line 1, .*load\.py:3", said)
    assert "This command has not succeeded here before" in said


def test_failing_tests_are_named_with_message_and_place_and_what_changed(fresh: Recorded) -> None:
    record(fresh, *PYTEST, test_shop__py=SUITE, fine="")
    passed = fresh.json("runs", "show", "--json")
    assert passed["summary"]["tests"]["passed"] == 3
    (fresh.root / "fine").unlink()
    record(fresh, *PYTEST)
    why = fresh.json("runs", "why", "--json")
    assert why["headline"] == "1 of 2 tests failed"
    assert why["reason"] == "tests failed"
    (test,) = why["failed_tests"]
    assert test["name"] == "test_shop::test_breaks"
    assert test["message"].startswith("AssertionError: no such stock")
    assert test["location"] == {"file": "test_shop.py", "line": 4}
    compared = why["compared_with"]
    assert compared["run_id"] == passed["run_id"]
    assert compared["newly_failing"] == ["test_shop::test_breaks"]
    assert compared["vanished"] == ["test_shop::test_goes"]
    said = fresh.ok("runs", "why")
    assert "fails now: test_shop::test_breaks" in said
    assert "is gone: test_shop::test_goes" in said
    assert f"Since it succeeded: {passed['name']}" in said


def test_the_first_line_that_differs_from_the_last_success_is_shown(fresh: Recorded) -> None:
    script = "date +%s.%N >&2; echo pid $$; echo step one; cat state"
    record(fresh, "sh", "-c", script, state="all is well\n")
    (fresh.root / "state").unlink()
    record(fresh, "sh", "-c", script)
    why = fresh.json("runs", "why", "--json")
    assert why["headline"] == "cat: state: No such file or directory"
    (stdout,) = [item for item in why["compared_with"]["differences"] if item["stream"] == "stdout"]
    assert stdout == {
        "stream": "stdout", "line": None, "text": None, "earlier_line": 3, "earlier_text": "all is well",
    }  # fmt: skip


def test_only_the_same_command_in_the_same_folder_is_compared_with(fresh: Recorded) -> None:
    (fresh.root / "other").mkdir()
    command = ("sh", "-c", "test -e fine")
    record(fresh, *command, fine="")
    fresh.exec("sh", "-c", "test -e fine || true")
    fresh.exec(*command, cwd=fresh.root / "other")
    assert explained(fresh).compared_with is None
    (fresh.root / "fine").unlink()
    fresh.exec(*command)
    compared = explained(fresh).compared_with
    assert compared is not None
    assert compared.run_id == fresh.json("runs", "show", "@3", "--json")["run_id"]
    assert "nothing in its tests or output is different" in fresh.ok("runs", "why")


def test_a_run_that_succeeded_is_said_to_have(fresh: Recorded) -> None:
    fresh.exec("echo", "error: not really")
    assert fresh.ok("runs", "why", "latest").splitlines()[0].endswith(": it succeeded")
    assert fresh.json("runs", "why", "latest", "--json")["errors"] == []


def test_without_a_failed_run_it_says_so(fresh: Recorded) -> None:
    fresh.exec("true")
    assert "ACODE-RUN-001" in fresh.fails(1, "runs", "why")


def test_a_command_that_never_ran_is_said_to_have_not_been_found(fresh: Recorded) -> None:
    fresh.exec("no-such-command-here")
    first = fresh.ok("runs", "why").splitlines()[0]
    assert first.endswith(": could not be started: no-such-command-here: command not found")


def test_a_timeout_shows_what_was_printed_last(fresh: Recorded) -> None:
    fresh.run(
        "exec", "--timeout", "300ms", "--grace", "50ms", "--", "sh", "-c", "echo waiting for db; sleep 30"
    )
    said = fresh.ok("runs", "why")
    assert re.search(r": timed out after \d+\.\d s$", said.splitlines()[0])
    assert "Last output: stdout line 1" in said
    assert "  waiting for db" in said


def test_a_run_without_output_is_explained_by_its_signal(fresh: Recorded) -> None:
    fresh.exec("sh", "-c", "kill -9 $$")
    said = fresh.ok("runs", "why")
    assert "killed by signal 9: SIGKILL: killed, often because memory ran out" in said.splitlines()[0]
    assert "error" not in said.lower()


def test_hostile_output_can_only_be_read(fresh: Recorded) -> None:
    code = (
        "import sys\n"
        "write = sys.stdout.write\n"
        "write('\\x1b]0;owned\\x07\\x1b[2J\\x1b[31merror: \\x1b[8mhidden\\x1b[0m \\u202eevil\\x9b5n\\n')\n"
        "write('Traceback (most recent call last):\\n')\n"
        "write('  File \"\\x1b[2Ja.py\", line 1\\nBad\\u2028Error: x\\n')\n"
        "sys.exit(3)\n"
    )
    record(fresh, sys.executable, "evil.py", evil__py=code)
    names = {k: v for k, v in fresh.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
    terminal = Terminal([*ACODE, "runs", "why"], {**names, "TERM": "xterm"}, str(fresh.root))
    assert terminal.finish() == 0
    text = re.sub(rb"\x1b\[[0-9;]*m", b"", terminal.output).decode()
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u202e]", text)
    assert "error" in text


def test_damaged_and_missing_files_cost_only_themselves(fresh: Recorded) -> None:
    record(fresh, *PYTEST, test_shop__py=SUITE)
    fresh.ok("runs", "list")
    folder: Path = fresh.folder()
    (folder / "test-results.json").write_text("{")
    (folder / "stderr.txt").unlink()
    done = fresh.run("runs", "why")
    assert done.returncode == 0
    assert b"no such stock" in done.stdout
    assert b"test-results.json cannot be read" in done.stderr


def test_a_running_run_is_said_to_be(fresh: Recorded) -> None:
    process = fresh.start("exec", "--", "sh", "-c", "echo begun; read line", stdin=-1)
    assert process.stdout
    assert process.stdin
    assert process.stdout.readline() == b"begun\n"
    assert fresh.ok("runs", "why", "latest").splitlines()[0].endswith(": still running")
    process.stdin.close()
    process.wait(20)
    process.stdout.close()
    if process.stderr:
        process.stderr.close()
