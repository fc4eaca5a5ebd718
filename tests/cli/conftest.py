"""A workspace with some real runs, recorded once for each file of tests that only read it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import Acode

BINARY = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 40)"
BOTH = "import os\nfor n in range(5):\n os.write(1, b'out %d\\n' % n); os.write(2, b'err %d\\n' % n)"


class Recorded(Acode):
    """acode in a workspace where these runs were recorded, oldest first."""

    def ok(self, *arguments: str, **options: Any) -> str:
        """Run a command that must succeed without a word on stderr; return its stdout."""
        done = self.run(*arguments, **options)
        assert (done.returncode, done.stderr) == (0, b"")
        return str(done.stdout.decode())

    def json(self, *arguments: str, **options: Any) -> Any:
        """Run a command that prints JSON."""
        return json.loads(self.ok(*arguments, **options))

    def fails(self, status: int, *arguments: str, **options: Any) -> str:
        """Run a command that must fail with one line on stderr and nothing on stdout; return the line."""
        done = self.run(*arguments, **options)
        assert (done.returncode, done.stdout) == (status, b"")
        text: str = done.stderr.decode()
        assert text.startswith("acode: ACODE-")
        assert text.count("\n") == 1
        return text


RUNS: tuple[tuple[str, ...], ...] = (
    ("--task", "build", "--type", "build", "--session", "s-one", "--", "echo", "built"),
    ("--task", "test", "--type", "test", "--session", "s-one", "--tag", "important", "--",
     "sh", "-c", "echo testing; echo 'connection refused' >&2; exit 1"),
    ("--task", "both", "--tag", "env=prod", "--", sys.executable, "-I", "-S", "-c", BOTH),
    ("--task", "binary", "--", sys.executable, "-I", "-S", "-c", BINARY),
    ("--task", "hostile", "--", "printf", "%b", "\\033]0;owned\\007\\033[2Jtext\\033[31mred\\033[0m\\n"),
    ("--task", "slow", "--timeout", "50ms", "--grace", "50ms", "--", "sleep", "30"),
    ("--task", "names", "--", "echo", "=1+1\t\x1b[31m😀 日本語,\"quoted\"\nsecond line"),
)  # fmt: skip


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The runs of RUNS, indexed."""
    acode = Recorded(tmp_path_factory.mktemp("recorded"))
    (acode.root / ".acode").mkdir()
    for arguments in RUNS:
        acode.run("exec", *arguments)
    acode.run("runs", "list")
    return acode


@pytest.fixture
def fresh(acode: Acode) -> Recorded:
    """An empty workspace."""
    (acode.root / ".acode").mkdir()
    return Recorded(acode.root)


def finish(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """Wait for a process; return its exit status and what it wrote."""
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err
