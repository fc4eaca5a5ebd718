"""What the tests with real agents use. Without the agents they are skipped.

Agents are looked for in `ACODE_TEST_AGENTS` (as install.py lays them out), then in PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.record.content import open_content
from collector.workspace import Workspace
from tests.agents.install import AGENTS
from tests.agents.model_server import Script
from tests.agents.run import specification, write_specification
from tests.conftest import PROJECT, read_json, wait_for
from tests.installation import install

Json = dict[str, Any]


def find_program(agent: str) -> str | None:
    """Return an agent's program."""
    folder = os.environ.get("ACODE_TEST_AGENTS")
    package = AGENTS[agent]
    if folder:
        path = Path(folder, agent, "node_modules", ".bin", package.program)
        return str(path) if path.exists() else None
    return shutil.which(package.program)


class Finished:
    """What an agent left behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.project = folder / "project"
        self.workspace = Workspace(str(self.project))

    @property
    def status(self) -> int:
        """The exit status; of a signal, negative."""
        status: int = read_json(self.folder / "result.json")["status"]
        return status

    @property
    def requests(self) -> list[Json]:
        """What the agent sent to the model."""
        requests: list[Json] = read_json(self.folder / "result.json")["requests"]
        return requests

    def runs(self) -> list[Json]:
        """Return every run that was recorded, in the order of their starts."""
        found = [read_json(path) for path in Path(self.workspace.artifacts).glob("*-*/run.json")]
        return sorted(found, key=lambda run: (run["start_time"], run["run_id"]))

    def shim_runs(self) -> list[Json]:
        """Return the runs that the shim recorded."""
        return [run for run in self.runs() if run["recorder"]["kind"] == "shim"]

    def run_of(self, command_line: str) -> Json:
        """Return the one recorded run of a command."""
        (found,) = [run for run in self.shim_runs() if run["command_line"] == command_line]
        return found

    def stream(self, run: Json, name: str) -> bytes:
        """Return what was recorded of a stream."""
        with open_content(self.workspace.run_folder(run["name"]), f"{name}.txt") as content:
            return content.read()

    def letters(self) -> list[Json]:
        """Return what `session run` left in the inbox and nobody has taken in."""
        return [
            json.loads(path.read_text()) for path in sorted(Path(self.workspace.inbox).glob("*.instance"))
        ]


class Runner:
    """Starts one agent, with acode and without."""

    def __init__(self, agent: str, program: str, scripts: Path, folder: Path) -> None:
        self.agent = agent
        self._program = program
        self._scripts = scripts
        self._folder = folder
        self._started: list[tuple[subprocess.Popen[bytes], Finished]] = []

    def start(
        self, script: Script, recorded: bool = True, at: Finished | None = None, **others: Any
    ) -> tuple[subprocess.Popen[bytes], Finished]:
        """Start the agent.

        Args:
            script: what the model says.
            recorded: by `acode session run`.
            at: an earlier run whose home and project are used again.
            others: further fields of the specification.
        """
        finished = at or Finished(self._folder / f"{self.agent}-{len(self._started) + 1}")
        Path(finished.workspace.folder).mkdir(parents=True, exist_ok=True)
        if recorded:
            session = [str(self._scripts / "acode"), "session", "run", *others.pop("options", []), "--"]
            others["before"] = [*others.get("before", []), *session]
        path = finished.folder / "specification.json"
        (finished.folder / "result.json").unlink(missing_ok=True)
        given = specification(self.agent, self._program, finished.folder, script, **others)
        write_specification(path, given)
        command = [sys.executable, "-m", "tests.agents.run", str(path)]
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("ACODE_", "CLAUDE", "OTEL_"))}
        process = subprocess.Popen(command, cwd=PROJECT, env=environ, start_new_session=True)
        self._started.append((process, finished))
        return process, finished

    def close(self) -> None:
        """End what a test has left running."""
        for process, finished in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
            (finished.project / "gate").touch()
            self.acode(finished, "collector", "stop")

    def run(
        self, script: Script, recorded: bool = True, at: Finished | None = None, **others: Any
    ) -> Finished:
        """Run the agent to its end, and let the collector take everything in."""
        process, finished = self.start(script, recorded, at, **others)
        assert process.wait(180) == 0
        if recorded:
            self.settle(finished)
        return finished

    def settle(self, finished: Finished) -> None:
        """Wait until every run has an end, then stop the collector."""
        wait_for(lambda: all(run["status"] != "running" for run in finished.shim_runs()), 60)
        self.acode(finished, "collector", "stop")

    def acode(self, finished: Finished, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run acode in the agent's workspace."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(finished.home), "LANG": "C.UTF-8"}
        return subprocess.run(
            [str(self._scripts / "acode"), *arguments], cwd=finished.project, env=environ,
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """acode's scripts, installed."""
    return install(tmp_path_factory.mktemp("installed"))


def _runner(agent: str, scripts: Path, folder: Path) -> Iterator[Runner]:
    program = find_program(agent)
    if program is None:
        pytest.skip(f"{AGENTS[agent].program} is not installed")
    runner = Runner(agent, program, scripts, folder)
    yield runner
    runner.close()


@pytest.fixture
def claude(scripts: Path, tmp_path: Path) -> Iterator[Runner]:
    """Claude Code."""
    yield from _runner("claude-code", scripts, tmp_path)


@pytest.fixture
def codex(scripts: Path, tmp_path: Path) -> Iterator[Runner]:
    """Codex."""
    yield from _runner("codex", scripts, tmp_path)


@pytest.fixture
def gemini(scripts: Path, tmp_path: Path) -> Iterator[Runner]:
    """Gemini CLI."""
    yield from _runner("gemini", scripts, tmp_path)


@pytest.fixture
def opencode(scripts: Path, tmp_path: Path) -> Iterator[Runner]:
    """OpenCode."""
    yield from _runner("opencode", scripts, tmp_path)


@pytest.fixture
def copilot(scripts: Path, tmp_path: Path) -> Iterator[Runner]:
    """Copilot CLI."""
    yield from _runner("copilot", scripts, tmp_path)
