"""acode installed, and its shim called as agents call it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Acode
from tests.installation import install

SNAPSHOT = (
    "source /nowhere/snapshot-{shell}-1-x.sh 2>/dev/null || true && "
    "{{ shopt -u extglob; }} >/dev/null 2>&1 || true"
)


def quoted(text: str) -> str:
    """Quote as agents do."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def claude_line(command: str, folder_file: str | os.PathLike[str] = "/dev/null", shell: str = "bash") -> str:
    """Return the line that Claude Code makes of a command."""
    before = SNAPSHOT.format(shell=shell)
    return f"{before} && eval {quoted(command)} < /dev/null && pwd -P >| {folder_file}"


class Shim(Acode):
    """The shim in a workspace of its own, without a collector."""

    def __init__(self, root: Path, scripts: Path) -> None:
        super().__init__(root)
        self.scripts = scripts
        self.environ |= {"SHELL": "/bin/bash", "CLAUDE_CODE_SESSION_ID": "conversation-1"}
        self.environ = {k: v for k, v in self.environ.items() if not k.startswith(("CODEX", "OTEL"))}

    def line(self, line: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Give the shim a whole line, as Claude Code does."""
        command = [str(self.scripts / "acode-shim"), line]
        return subprocess.run(command, check=False, timeout=60, **self._options(options))

    def bash(self, command: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Run a command of the Bash tool."""
        return self.line(claude_line(command), **options)

    def session(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Run `acode session run ARGUMENTS`."""
        command = [str(self.scripts / "acode"), "session", "run", *arguments]
        return subprocess.run(command, check=False, timeout=60, **self._options(options))


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """acode's scripts, installed."""
    return install(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def shim(tmp_path: Path, scripts: Path) -> Shim:
    """The shim in an empty workspace."""
    return Shim(tmp_path, scripts)
