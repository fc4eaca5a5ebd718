"""Failures as the programs of this machine print them; each is found, named, and placed where it happened."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from collector.extract.failures import ErrorBlock, FailureScanner

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def failures(
    *command: str, cwd: Path, status: int | None = None, files: dict[str, str] | None = None
) -> list[ErrorBlock]:
    """Run a command that fails, both streams as one, and return what the scanner finds."""
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]} here")
    for name, text in (files or {}).items():
        (cwd / name).parent.mkdir(parents=True, exist_ok=True)
        (cwd / name).write_text(text)
    environ = {k: v for k, v in os.environ.items() if k not in ("RUST_BACKTRACE", "FORCE_COLOR", "MAKEFLAGS")}
    environ |= {"LC_ALL": "C.UTF-8", "npm_config_cache": str(cwd / "npm")}
    done = subprocess.run(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
        env=environ,
    )
    assert done.returncode != 0 if status is None else done.returncode == status, done.stdout
    return scan(done.stdout.decode())


def scan(text: str) -> list[ErrorBlock]:
    scanner = FailureScanner("stderr")
    for number, line in enumerate(text.splitlines(), 1):
        scanner.feed(number, ESCAPES.sub("", line))
    return list(scanner.finish())


CHAINED = """\
def inner():
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise ValueError("no such price") from error

inner()
"""


def test_python_tells_the_exception_that_ended_it_and_its_innermost_line(tmp_path: Path) -> None:
    (found,) = failures(sys.executable, "shop.py", cwd=tmp_path, files={"shop.py": CHAINED})
    assert (found.kind, found.message) == ("traceback", "ValueError: no such price")
    assert str(found.location).endswith("shop.py:5")
    assert any("ZeroDivisionError: division by zero" in line for line in found.lines)


def test_python_exception_groups_are_one_block_named_by_the_group(tmp_path: Path) -> None:
    text = 'raise ExceptionGroup("several", [ValueError("a"), TypeError("b")])\n'
    (found,) = failures(sys.executable, "g.py", cwd=tmp_path, files={"g.py": text})
    assert found.message == "ExceptionGroup: several (2 sub-exceptions)"
    assert str(found.location).endswith("g.py:1")
    assert any("TypeError: b" in line for line in found.lines)


def test_a_traceback_that_was_caught_and_printed_comes_after_the_one_that_ended_python(
    tmp_path: Path,
) -> None:
    text = "import traceback\ntry:\n    {}['a']\nexcept KeyError:\n    traceback.print_exc()\nint('x')\n"
    found = failures(sys.executable, "w.py", cwd=tmp_path, files={"w.py": text})
    assert [block.message.partition(":")[0] for block in found] == ["ValueError", "KeyError"]


def test_python_syntax_errors_have_the_place_that_python_printed(tmp_path: Path) -> None:
    found = failures(sys.executable, "s.py", cwd=tmp_path, files={"s.py": "x = 1\ny = = 2\n"})
    assert found[0].message == "SyntaxError: invalid syntax"
    assert str(found[0].location).endswith("s.py:2")


def test_a_recursion_of_a_thousand_frames_keeps_both_ends(tmp_path: Path) -> None:
    text = "import sys\nsys.tracebacklimit = 2000\ndef f(n):\n    if n > 400: raise ValueError('deep')\n"
    text += "    return (lambda: f(n + 1))() if n % 2 else f(n + 1)\nf(0)\n"
    (found,) = failures(sys.executable, "r.py", cwd=tmp_path, files={"r.py": text})
    assert found.message == "ValueError: deep"
    assert str(found.location).endswith("r.py:4")
    assert len(found.lines) <= 41
    assert any("lines left out" in line for line in found.lines)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("function f() { throw new TypeError('no cart') }\n\nf()\n", "TypeError: no cart", 1),
        ("throw 'plain words'\n", "plain words", 1),
        ("let a = ;\n", "SyntaxError: Unexpected token ';'", 1),
        ("const a = 1\nPromise.reject(Object.assign(new Error('late'), {code: {a: 1}}))\n", "Error: late", 2),
    ],
)
def test_node(tmp_path: Path, text: str, message: str, line: int) -> None:
    (found,) = failures("node", "cart.js", cwd=tmp_path, status=1, files={"cart.js": text})
    assert (found.kind, found.message) == ("traceback", message)
    if "plain" not in message:
        assert str(found.location).endswith(f"cart.js:{line}")


def test_node_names_a_module_that_is_missing(tmp_path: Path) -> None:
    (found,) = failures("node", "absent.js", cwd=tmp_path)
    assert found.message.startswith("Error: Cannot find module")


def test_nodes_test_runner(tmp_path: Path) -> None:
    text = (
        "import test from 'node:test'; import assert from 'node:assert';\n"
        "test('adds', () => { assert.strictEqual(1 + 1, 3); });\ntest('fine', () => {});\n"
    )
    found = failures(
        "node", "--test", "--test-reporter=tap", "a.test.mjs", cwd=tmp_path, files={"a.test.mjs": text}
    )
    assert (found[0].kind, found[0].message) == ("test", "adds")
    assert str(found[0].location).endswith("a.test.mjs:2")


JAVA = """\
public class Main {
  static void load() { throw new IllegalStateException("no state", new RuntimeException("root")); }
  public static void main(String[] a) { load(); }
}
"""


def test_java_and_its_cause(tmp_path: Path) -> None:
    (found,) = failures("java", "Main.java", cwd=tmp_path, files={"Main.java": JAVA})
    assert found.message == "java.lang.IllegalStateException: no state"
    assert str(found.location) == "Main.java:2"
    assert "Caused by: java.lang.RuntimeException: root" in found.lines


def test_javac(tmp_path: Path) -> None:
    text = 'class B {\n  int x = "s";\n}\n'
    found = failures("javac", "B.java", cwd=tmp_path, files={"B.java": text})
    assert (found[0].kind, str(found[0].location)) == ("diagnostic", "B.java:2")
    assert found[0].message == "incompatible types: String cannot be converted to int"
    assert [block.message for block in found if block.is_consequence] == ["1 error"]


def test_gcc_and_the_make_that_called_it(tmp_path: Path) -> None:
    files = {"a.c": "int main(void)\n{\n  return x;\n}\n", "Makefile": "all:\n\tgcc -c a.c\n"}
    found = failures("make", cwd=tmp_path, status=2, files=files)
    assert (found[0].kind, str(found[0].location)) == ("diagnostic", "a.c:3")
    assert "undeclared" in found[0].message
    assert found[-1].kind == "make"
    assert found[-1].is_consequence


def test_the_linker_names_what_is_undefined_before_gcc_says_that_it_failed(tmp_path: Path) -> None:
    text = "int f(void);\nint main(void) { return f(); }\n"
    found = failures("gcc", "b.c", cwd=tmp_path, files={"b.c": text})
    assert "undefined reference to" in found[0].message
    assert found[-1].lines[0].startswith("collect2: error")
    assert found[-1].is_consequence


def test_make_without_a_rule_is_a_cause(tmp_path: Path) -> None:
    (found,) = failures("make", "nope", cwd=tmp_path, files={"Makefile": "all:\n"})
    assert (found.kind, found.message) == ("make", "No rule to make target 'nope'.  Stop.")
    assert not found.is_consequence


def test_make_says_where_the_makefile_is_wrong(tmp_path: Path) -> None:
    (found,) = failures("make", cwd=tmp_path, files={"Makefile": "all:\n  x\n"})
    assert str(found.location) == "Makefile:2"


def test_rustc(tmp_path: Path) -> None:
    found = failures("rustc", "q.rs", cwd=tmp_path, files={"q.rs": 'fn main() {\n  let x: i32 = "s";\n}\n'})
    assert (found[0].kind, found[0].message, str(found[0].location)) == (
        "diagnostic",
        "mismatched types",
        "q.rs:2",
    )
    assert found[-1].message.startswith("error: aborting due to")


def test_cargo_test_names_the_assertion(tmp_path: Path) -> None:
    files = {
        "Cargo.toml": '[package]\nname = "c"\nversion = "0.1.0"\nedition = "2021"\n',
        "src/lib.rs": '#[test]\nfn bad() {\n    assert_eq!(1 + 1, 3, "sum");\n}\n',
    }
    found = failures("cargo", "test", "--offline", cwd=tmp_path, status=101, files=files)
    assert (found[0].kind, str(found[0].location)) == ("traceback", "src/lib.rs:3")
    assert found[0].message == "assertion `left == right` failed: sum"
    assert found[-1].is_consequence


PYTEST = """\
import unittest

class T(unittest.TestCase):
    def test_x(self):
        self.assertEqual(1, 2)

def test_y():
    raise ValueError("inner")
"""


def test_pytest_assertions_have_message_and_place(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "test_a.py")
    found = failures(*command, cwd=tmp_path, status=1, files={"test_a.py": PYTEST})
    assert [(block.message, str(block.location)) for block in found[:2]] == [
        ("AssertionError: 1 != 2", "test_a.py:5"),
        ("ValueError: inner", "test_a.py:8"),
    ]
    assert [block.message for block in found[2:4]] == [
        "test_a.py::T::test_x - AssertionError: 1 != 2",
        "test_a.py::test_y - ValueError: inner",
    ]


def test_unittest(tmp_path: Path) -> None:
    found = failures(sys.executable, "-m", "unittest", "test_a", cwd=tmp_path, files={"test_a.py": PYTEST})
    assert (found[0].kind, found[0].message) == ("test", "test_x (test_a.T.test_x): AssertionError: 1 != 2")
    assert str(found[0].location).endswith("test_a.py:5")
    assert found[-1].message == "FAILED (failures=1)"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("nonexist-command", "nonexist-command: not found|command not found"),
        ("cat nofile", "cat: nofile: No such file or directory"),
        ("/etc/passwd", "/etc/passwd: Permission denied"),
        ("mkdir a; cat a", "cat: a: Is a directory"),
    ],
)
def test_shell(tmp_path: Path, script: str, message: str) -> None:
    (found,) = failures("sh", "-c", script, cwd=tmp_path)
    assert found.kind == "shell"
    assert re.search(message, found.message)


def test_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (found,) = failures("git", "checkout", "nowhere", cwd=tmp_path, status=1)
    assert (found.kind, found.message) == ("git", "pathspec 'nowhere' did not match any file(s) known to git")
    found = failures("git", "log", cwd=tmp_path, status=128)[0]
    assert found.message.startswith("your current branch")


def test_npm_says_the_sentence_and_not_the_code(tmp_path: Path) -> None:
    files = {"package.json": '{"name": "p", "scripts": {"x": "exit 3"}}'}
    (found,) = failures("npm", "run", "absent", cwd=tmp_path, files=files)
    assert (found.kind, found.message) == ("package", 'Missing script: "absent"')


def test_pip(tmp_path: Path) -> None:
    found = failures(sys.executable, "-m", "pip", "install", "--no-index", "no-such-package-1", cwd=tmp_path)
    assert found[0].message.startswith("Could not find a version that satisfies")


@pytest.mark.parametrize("form", ["concise", "full"])
def test_ruff(tmp_path: Path, form: str) -> None:
    command = (
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--output-format",
        form,
        "m.py",
    )
    found = failures(*command, cwd=tmp_path, files={"m.py": "x = 1\nprint(undefined)\n"})
    assert (found[0].message, str(found[0].location)) == ("F821 Undefined name `undefined`", "m.py:2")
    assert found[-1].message == "Found 1 error."


def test_mypy(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "mypy", "--cache-dir", os.devnull, "m.py")
    found = failures(*command, cwd=tmp_path, files={"m.py": 'y = 1\nx: int = "s"\n'})
    assert str(found[0].location) == "m.py:2"
    assert found[0].message.startswith("Incompatible types in assignment")
