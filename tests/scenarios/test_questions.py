"""docs/questions.md: every question is answered, by its command as it stands there, with what is true."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import ACODE, PROJECT, Acode

ROWS = re.findall(
    r"^\| (\d+) \| (.+?) \| `(.+)` \|$", (PROJECT / "docs" / "questions.md").read_text(), re.MULTILINE
)
TESTS = """
import sys, pathlib, time
bad = pathlib.Path("bad").exists()
failure = '<failure message="total_price is wrong">E assert 1 == 2</failure>' if bad else ""
pathlib.Path("junit.xml").write_text(
    '<testsuite name="s"><testcase classname="t" name="test_price" time="0.1">' + failure + "</testcase>"
    '<testcase classname="t" name="test_cart" time="0.1"/></testsuite>')
print("running tests")
time.sleep(0.2)
print("error: test_price failed" if bad else "all passed", file=sys.stderr)
sys.exit(bad)
"""
BIG = "x = bytearray(60 << 20); [print('y' * 99) for _ in range(2000)]"
BUILD = "echo compiling; echo 'warning: foo is deprecated'; echo linking; sleep 0.1"
ANSWERS: dict[int, tuple[str, ...]] = {
    1: ("tests.py", "connect"), 2: ("sleep 30", "tests.py", "connect"), 3: ("test_price", "total_price"),
    4: ("test_price", "total_price is wrong"), 5: ("error: test_price failed",),
    6: ("running tests", "error: test_price failed"), 7: ("error: test_price failed",),
    8: ("compiling", "deprecated", "linking"), 9: ("warning: foo is deprecated\nlinking",),
    10: ("stderr.txt", "Connection refused"), 11: ("Connection refused",), 12: ("stdout.txt", "1"),
    13: ("junit.xml",), 15: ("kill -9",), 16: ("sleep 30",), 17: ("by codex",), 18: ("connect",),
    19: ("build", "tests"), 20: ("4",), 21: ("tests.py",), 22: ("echo compiling",), 23: ("bytearray",),
    24: ("memory",), 25: ("tests.py",), 26: ("tests.py",), 27: ("curl",), 28: ("build",), 29: ("in web",),
    30: ("connect",), 31: ("look at this",), 32: ("run_id,name,task", "failure"), 33: ('"exit_code": 1',),
    34: ("git", "RATE"), 35: ("tests.py",), 36: ("tests.py",), 37: ("tests.py",), 38: ("runs",),
    39: ("runs",), 40: ("test_price",), 41: ("test_price",), 42: ("tests",), 43: ("tests.py",),
    44: ("tests.py",), 45: ("build",), 46: ("database",),
}  # fmt: skip
NOT_THERE: dict[int, tuple[str, ...]] = {
    1: ("compiling", "sleep 30"), 14: ("success", "failure"), 25: ("connect",), 28: ("git",),
    11: ("foo",), 23: ("compiling",), 29: ("compiling",),
}  # fmt: skip


def make_older(path: Path, hours: int) -> None:
    record = json.loads(path.read_text())
    for key in ("start_time", "end_time"):
        moment = datetime.fromisoformat(record[key]) - timedelta(hours=hours)
        record[key] = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    path.write_text(json.dumps(record))


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Acode:
    acode = Acode(tmp_path_factory.mktemp("questions"))
    root = acode.root
    (root / ".acode").mkdir()
    (root / "tests.py").write_text(TESTS)
    (root / "web").mkdir()
    (root / "bin").mkdir()
    launcher = root / "bin" / "acode"
    launcher.write_text("#!/bin/sh\nexec " + shlex.join(ACODE) + ' "$@"\n')
    launcher.chmod(0o755)

    def record(*words: str, **options: object) -> None:
        acode.run("exec", *words, **options)

    record("--task", "tests", "--type", "test", "--", sys.executable, "tests.py")
    make_older(acode.folder() / "run.json", hours=2)
    acode.run("runs", "list")
    record("--task", "tests-ok", "--type", "test", "--", sys.executable, "tests.py")
    record("--task", "build", "--type", "build", "--", "sh", "-c", BUILD)
    record("--task", "git", "--", "git", "--version")
    record("--task", "fetch", "--", "sh", "-c", "echo curl x")
    record("--task", "memory", "--", sys.executable, "-I", "-S", "-c", BIG)
    record("--task", "slow", "--timeout", "100ms", "--grace", "50ms", "--", "sleep", "30")
    record("--task", "killed", "--", "sh", "-c", "exec sh -c 'kill -9 $$'")
    record("--task", "connect", "--session", "s-one", "--tag", "important", "--", "sh", "-c",
           "echo 'connect: Connection refused' >&2; exit 1")  # fmt: skip
    record("--task", "codex", "--", "echo", "by codex", env={**acode.environ, "ACODE_AGENT": "codex"})
    record("--task", "web", "--", "echo", "in web", cwd=root / "web")
    acode.run("runs", "note", "fetch", "look at this")
    for bad in (True, False, True):
        (root / "bad").touch() if bad else (root / "bad").unlink()
        record("--task", "tests", "--type", "test", "--", sys.executable, "tests.py")
        acode.run("runs", "list")
    return acode


def test_there_are_at_least_forty_questions_and_each_has_an_answer() -> None:
    assert [int(number) for number, _, _ in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) >= 40
    assert {int(number) for number, _, _ in ROWS} == {*ANSWERS, 14}


@pytest.mark.parametrize(("number", "question", "command"), ROWS)
def test_a_question_is_answered(answered: Acode, number: str, question: str, command: str) -> None:
    shell = command.replace("\\|", "|")
    path = f"{answered.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", shell], cwd=answered.root, env={**answered.environ, "PATH": path}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "ACODE-" not in done.stderr, question
    assert done.returncode == 0, (question, done.stdout, done.stderr)
    for answer in ANSWERS.get(int(number), ()):
        assert answer in done.stdout, (question, done.stdout, done.stderr)
    for wrong in NOT_THERE.get(int(number), ()):
        assert wrong not in done.stdout, (question, done.stdout)
