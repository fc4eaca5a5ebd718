"""What must stay true of the whole: import budgets, public names, error codes, no traces of a machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import collector
from collector.errors import CODES
from tests.conftest import PROJECT, Acode

TOO_HEAVY = {
    "json", "re", "typing", "dataclasses", "subprocess", "threading", "signal", "logging", "socket",
    "argparse",
    "pathlib", "sqlite3", "yaml", "collections", "contextlib", "datetime", "hashlib", "textual", "watchfiles",
}  # fmt: skip


def modules_of(acode: Acode, *arguments: str) -> set[str]:
    """Return the modules that are loaded when a verb has done its work."""
    path = acode.root / "modules"
    code = (
        f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}; import os, collector.__main__ as start\n"
        f"def note():\n    print(*sorted(sys.modules), file=open({str(path)!r}, 'w'))\n"
        "leave = os._exit\n"
        "os._exit = lambda status: (note(), leave(status))\n"
        "try:\n    start.run()\nfinally:\n    note()\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *arguments], env=acode.environ, cwd=acode.root,
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(path.read_text().split())


def test_recording_a_command_loads_nothing_heavy(acode: Acode) -> None:
    loaded = modules_of(acode, "exec", "--", "true")
    assert loaded & TOO_HEAVY == set()
    beyond = {
        name for name in loaded if name.startswith(("collector.store", "collector.query", "collector.model"))
    }
    assert beyond == set()


def test_listing_runs_loads_no_inspector_and_no_yaml(acode: Acode) -> None:
    loaded = modules_of(acode, "runs", "list")
    assert loaded & {"textual", "rich", "yaml", "watchfiles", "subprocess", "asyncio", "dataclasses"} == set()


def test_every_public_name_exists() -> None:
    for name in collector.__all__:
        assert getattr(collector, name) is not None
    with pytest.raises(AttributeError):
        _ = collector.no_such_name


def sources() -> list[Path]:
    return [path for folder in ("collector", "acode_tui", "bin") for path in (PROJECT / folder).rglob("*")
            if path.suffix in (".py", "") and path.is_file()]  # fmt: skip


def test_every_code_that_is_used_is_in_the_table() -> None:
    used = {
        code for path in sources() for code in re.findall(r"ACODE-(?:RUN|ART|AGT)-\d{3}", path.read_text())
    }
    assert used <= CODES.keys()


def test_documentation_names_every_code() -> None:
    documented = set(re.findall(r"ACODE-(?:RUN|ART|AGT)-\d{3}", (PROJECT / "docs/errors.md").read_text()))
    assert documented == CODES.keys()


def test_the_readmes_test_command_is_what_ci_runs() -> None:
    commands = re.findall(r"(?m)^test: `(.*)`$", (PROJECT / "README.md").read_text())
    assert commands == ["pytest -q -n auto"]


def test_both_launchers_are_one_script() -> None:
    assert (PROJECT / "bin/acode").read_bytes() == (PROJECT / "bin/acode-tui").read_bytes()
