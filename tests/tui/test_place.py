"""Where a source file is, where a failure was printed, and how an editor is told."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from acode_tui.document import LineIndex, Source
from acode_tui.source.place import editor_command, source_path
from acode_tui.source.printed import find_printed

_TESTS = """
class TestA:
    def test_rounds(self):
        assert 1 == 2

class TestB:
    def test_rounds_up(self):
        assert 1 == 2

    def test_raises(self):
        raise RuntimeError("no such thing")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "work" / "pkg" / "sub").mkdir(parents=True)
    (tmp_path / "work" / "pkg" / "a.py").write_text("a\n")
    (tmp_path / "work" / "top.py").write_text("top\n")
    (tmp_path / "secret").write_text("s\n")
    return tmp_path / "work"


def test_a_file_is_looked_for_where_the_command_ran_and_above_it(project: Path) -> None:
    run, root = str(project / "pkg" / "sub"), str(project)
    assert source_path("../a.py", run, root) == str(project / "pkg" / "a.py")
    assert source_path("pkg/a.py", run, root) == str(project / "pkg" / "a.py")
    assert source_path("top.py", run, root) == str(project / "top.py")
    assert source_path(str(project / "top.py"), run, root) == str(project / "top.py")
    assert source_path("top.py", str(project), "/elsewhere") == str(project / "top.py")


def test_nothing_outside_of_the_workspace_counts(project: Path, tmp_path: Path) -> None:
    (project / "link.py").symlink_to(tmp_path / "secret")
    (project / "round").symlink_to(project / "round")
    os.mkfifo(project / "pipe")
    for file in (
        "../secret", "../../secret", str(tmp_path / "secret"), "link.py", "/etc/hostname", "", "a\0b",
        "pipe", "pkg", "round", "no.py", "\ud800", "x" * 5000, "/dev/null",
    ):  # fmt: skip
        assert source_path(file, str(project), str(project)) is None, file
    assert source_path("a.py", "relative", str(project)) is None
    assert source_path("a.py", "/not/there", str(project)) is None
    assert source_path("top.py", str(project / "pkg"), str(project / "pkg")) is None


@pytest.mark.parametrize(
    ("editor", "words"),
    [
        ("vim", ["vim", "+7", "/p/-a b.py"]),
        ("emacsclient -nw", ["emacsclient", "-nw", "+7", "/p/-a b.py"]),
        ("'/opt/my editor' -x", ["/opt/my editor", "-x", "+7", "/p/-a b.py"]),
        ("code --wait", ["code", "--wait", "--goto", "/p/-a b.py:7"]),
        ("/usr/bin/hx", ["/usr/bin/hx", "/p/-a b.py:7"]),
    ],
)
def test_editors_are_told_the_line_in_their_own_way(editor: str, words: list[str]) -> None:
    assert editor_command({"EDITOR": editor}, "/p/-a b.py", 7) == words
    assert editor_command({"VISUAL": editor, "EDITOR": "other"}, "/p/-a b.py", 7) == words
    assert (editor_command({"EDITOR": editor}, "/p/-a b.py", None) or [])[-1] == "/p/-a b.py"


def test_an_editor_that_is_no_command_line_is_not_used() -> None:
    assert editor_command({"EDITOR": "'open"}, "/a", None) != ["'open", "/a"]


# Where it was printed


def printed(output: bytes, name: str, message: str) -> str | None:
    index = LineIndex(Source(io.BytesIO(output)))
    index.extend(1 << 30)
    found = [line for line in find_printed(index, name, message) if line is not None]
    return output.decode().splitlines()[found[0]] if found else None


def test_a_failure_is_found_in_what_pytest_prints(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(_TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "--color=yes", "-p", "no:cacheprovider", "test_x.py"],
        cwd=tmp_path, capture_output=True, check=False,
        env={**os.environ, "PYTEST_ADDOPTS": "", "COLUMNS": "80"},
    )  # fmt: skip
    lines = done.stdout.decode().splitlines()
    index = LineIndex(Source(io.BytesIO(done.stdout)))
    index.extend(1 << 30)

    def place(name: str, message: str) -> int:
        return next(line for line in find_printed(index, name, message) if line is not None)

    errors = [
        n
        for n, line in enumerate(lines)
        if "assert 1 == 2" in line and line.lstrip("\x1b[1;03m").startswith("E ")
    ]
    assert len(errors) == 2
    assert place("test_rounds", "assert 1 == 2") == errors[0]
    assert place("test_rounds_up", "AssertionError: assert 1 == 2") == errors[1]
    raised = lines[place("test_raises", "RuntimeError: no such thing")]
    assert "E " in raised
    assert "no such thing" in raised


def test_without_a_message_it_is_the_line_that_says_the_test_failed() -> None:
    output = b"running test_one\nok test_two\nFAIL: test_one\n"
    assert printed(output, "test_one", "") == "FAIL: test_one"
    assert printed(output, "test_two", "never printed") == "ok test_two"
    assert printed(output, "test_three", "") is None
    assert printed(b"", "x", "y") is None


def test_a_summary_line_counts_only_where_there_is_nothing_else() -> None:
    both = b"test_a\n  boom here\nFAILED test_a - boom here\n"
    assert printed(both, "test_a", "boom here") == "  boom here"
    assert printed(b"FAILED test_a - boom here\n", "test_a", "boom here") == "FAILED test_a - boom here"


def test_places_across_chunks_are_found() -> None:
    from acode_tui.document import CHUNK

    output = b"x" * (CHUNK - 10) + b"\ntest_name\n" + b"y" * CHUNK + b"\nthe message\n"
    assert printed(output, "test_name", "the message") == "the message"
