"""What every test may use: a workspace, and acode as users run it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from collector.workspace import Workspace

# On a busy machine no example has a time limit; thousands of them are a campaign of their own.
settings.register_profile(
    "acode",
    max_examples=int(os.environ.get("ACODE_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("acode")

PROJECT = Path(__file__).resolve().parent.parent
START = "from collector.__main__ import run; run()"
ACODE = [
    sys.executable,
    "-I",
    "-S",
    "-c",
    f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}; {START}",
]
"""acode without the launcher's shell, importing this checkout."""


MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small parent: a process's peak begins with what its parent took when it was started."""


class Acode:
    """Runs acode in a workspace of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = Workspace(str(root))
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("ACODE_", "COLUMNS", "LINES"))},
            "ACODE_WORKSPACE": str(root),
            "ACODE_COLLECTOR_AUTOSTART": "false",
            "HOME": str(root / "home"),
        }

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Run to the end; output is captured unless told otherwise."""
        return subprocess.run([*ACODE, *arguments], check=False, timeout=60, **self._options(options))

    def peak(self, *arguments: str) -> tuple[int, int]:
        """Run to the end; return the exit status and the peak of memory in KB."""
        words = [sys.executable, "-I", "-S", "-c", MEASURE, *ACODE, *arguments]
        done = subprocess.run(words, check=True, timeout=120, **self._options({}))
        status, kilobytes = done.stdout.split()
        return int(status), int(kilobytes)

    def settle(self) -> None:
        """Index and seal what waits; a listing alone seals for half a second, which may not be enough."""
        for _ in range(20):
            self.run("runs", "list")
            if not list(Path(self.workspace.spool).glob("*.seal*")):
                return

    def exec(self, *command: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Run `acode exec -- COMMAND`."""
        return self.run("exec", "--", *command, **options)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start and return at once."""
        return subprocess.Popen([*ACODE, *arguments], **self._options(options))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return {**pipes, "cwd": self.root, "env": self.environ, **options}

    def folders(self) -> list[Path]:
        """Return the run folders, oldest name first."""
        artifacts = Path(self.workspace.artifacts)
        if not artifacts.is_dir():
            return []
        return sorted(p for p in artifacts.iterdir() if p.is_dir() and not p.is_symlink())

    def folder(self) -> Path:
        """Return the only run folder."""
        (folder,) = self.folders()
        return folder

    def record(self) -> dict[str, Any]:
        """Return the run.json of the only run."""
        return read_json(self.folder() / "run.json")

    def records(self) -> list[dict[str, Any]]:
        """Return every run.json."""
        return [read_json(folder / "run.json") for folder in self.folders()]


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object from a file."""
    value: dict[str, Any] = json.loads(path.read_bytes())
    return value


@pytest.fixture
def acode(tmp_path: Path) -> Acode:
    """acode in an empty workspace, without a collector."""
    return Acode(tmp_path)


@pytest.fixture
def collector(acode: Acode) -> Iterator[subprocess.Popen[bytes]]:
    """A collector running in the workspace."""
    process = acode.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for(lambda: Path(acode.workspace.collector_pid).exists() or process.poll() is not None)
    yield process
    process.terminate()
    process.wait(10)
    if process.stderr:
        process.stderr.close()


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    """Wait until a condition of another process holds; fail when it never does."""
    import time

    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain")
        time.sleep(0.005)
