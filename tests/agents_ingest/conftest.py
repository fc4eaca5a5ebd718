"""A workspace, what the database knows of it, and events as a parser would make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.agents.events import AnyEvent, CallEnded, CallStarted
from collector.agents.ingest import Ingest
from collector.agents.known import KnownInStore
from collector.config import Config
from collector.model.query import RunQuery
from collector.model.run import Run
from collector.model.session import Session
from collector.store.indexer import Indexer
from collector.workspace import Workspace

T0 = 1_768_919_535_000


class Taking:
    """One workspace whose writer is this process: what is taken in is indexed at once."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(str(root))
        self.workspace.create()
        self.indexer = Indexer(self.workspace)
        self.indexer.open()

    def ingest(self, live: bool = False) -> Ingest:
        known = KnownInStore(self.indexer.runs, self.indexer.sessions)
        return Ingest(self.workspace, Config({}), known, live)

    def take(self, *events: AnyEvent, agent: str = "claude-code", live: bool = False) -> Ingest:
        """Take in events that are all there is, and index what came of them."""
        ingest = self.ingest(live)
        ingest.take(agent, events)
        ingest.settle(final=True)
        self.index()
        return ingest

    def index(self) -> None:
        self.indexer.index_spool()
        self.indexer.seal_spool()

    def runs(self) -> list[Run]:
        return list(self.indexer.runs.list(RunQuery(descending=False)).items)

    def run(self) -> Run:
        (run,) = self.runs()
        return run

    def session(self, session_id: str = "s1") -> Session:
        return self.indexer.sessions.get(session_id)

    def output(self, run: Run, name: str = "stdout.txt") -> str:
        return Path(self.workspace.run_folder(run.folder), name).read_text()


@pytest.fixture
def taking(tmp_path: Path) -> Iterator[Taking]:
    made = Taking(tmp_path / "work")
    yield made
    made.indexer.close()


def started(call_id: str = "c1", command: str = "make test", **more: Any) -> CallStarted:
    values: dict[str, Any] = {"at": T0, "kind": "shell", "tool": "Bash", "conversation_id": "s1"}
    return CallStarted(call_id=call_id, command_line=command, **(values | more))


def ended(call_id: str = "c1", outcome: Any = "success", **more: Any) -> CallEnded:
    values: dict[str, Any] = {"at": T0 + 1500, "conversation_id": "s1"}
    return CallEnded(call_id=call_id, outcome=outcome, **(values | more))


Record = Callable[..., Run]


@pytest.fixture
def recorded(taking: Taking) -> Record:
    """A run as the shim records it: the real recorder's files, made by the product itself."""
    from collector.clock import format_iso
    from collector.ids import new_ulid
    from collector.record import spool
    from collector.record.call_run import call_record
    from collector.record.folder import make_run_folder
    from collector.record.run_json import write_run_json

    def record(command: str, at: int = T0 + 20, **more: Any) -> Run:
        run_id = new_ulid(at)
        values = call_record(at, run_id, "make", command)
        values |= {
            "command": command.split()[0], "session_id": "s1", "status": "failure", "exit_code": 2,
            "end_time": format_iso(at + 700), "duration_ms": 700, "agent": "claude-code",
            "recorder": {"kind": "shim"},
            "provenance": {"exit_code": "recorder", "timing": "recorder", "output": "recorder"},
        } | more  # fmt: skip
        name = make_run_folder(taking.workspace.artifacts, "make", at, 0o755)
        values["name"] = name
        folder = taking.workspace.run_folder(name)
        Path(folder, "stdout.txt").write_text("all of it\n")
        write_run_json(folder, values, 0o644, sync=False)
        spool.announce(taking.workspace.spool, spool.END, name)
        taking.index()
        run = taking.indexer.runs.find(run_id)
        assert run is not None
        return run

    return record
