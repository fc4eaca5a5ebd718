"""A workspace with made-up runs and real files, and the inspector over it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from acode_tui.app import InspectorApp
from acode_tui.settings import Settings
from collector import Artifact, Run, Workspace
from collector.ids import new_ulid
from collector.model.session import AgentInstance, Session
from collector.store.database import Connection, open_writer
from collector.store.runs import SqliteRunStore
from collector.store.sessions import SqliteSessionStore

NOON = 1_768_910_400_000  # 2026-01-20 12:00:00 UTC


class Recorded:
    """A workspace that the tests fill as the collector would."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(str(root))
        self.workspace.create()
        self._store: SqliteRunStore | None = None
        self._db: Connection | None = None
        self.count = 0

    @property
    def store(self) -> SqliteRunStore:
        if self._store is None:
            self._db = open_writer(self.workspace.database)
            self._store = SqliteRunStore(self._db)
        return self._store

    @property
    def sessions(self) -> SqliteSessionStore:
        assert self.store is not None
        assert self._db is not None
        return SqliteSessionStore(self._db)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()

    def add_session(
        self, session_id: str, title: str | None = None, agents: tuple[AgentInstance, ...] = (), **values: Any
    ) -> Session:
        """Write a session's record as the collector would."""
        known: dict[str, Any] = {
            "agent": "claude-code", "status": "ended", "started_at": NOON, "ended_at": NOON, **values,
        }  # fmt: skip
        session = Session(session_id=session_id, title=title, instances=agents, **known)
        self.sessions.write(session)
        return session

    def add(self, line: str = "true", files: dict[str, bytes] | None = None, **values: Any) -> Run:
        """Record a run, later than all before it."""
        run = self.make(line, files, **values)
        self.store.write([run])
        return self.store.get(run.run_id)

    def make(self, line: str = "true", files: dict[str, bytes] | None = None, **values: Any) -> Run:
        """Return a run without recording it; its files are written."""
        self.count += 1
        start = values.pop("start_time", NOON + self.count * 1000)
        status = values.pop("status", "success")
        name = values.pop("name", f"run-{self.count:06}")
        finished = status != "running"
        run_id = new_ulid(start)
        return Run(
            run_id=run_id,
            name=name,
            folder=name,
            task=values.pop("task", "demo"),
            command=line.split(" ", maxsplit=1)[0],
            command_line=line,
            working_directory=values.pop("working_directory", "/home/dev/shop"),
            status=status,
            exit_code=values.pop("exit_code", (0 if status == "success" else 1) if finished else None),
            start_time=start,
            end_time=start + 1500 if finished else None,
            duration_ms=values.pop("duration_ms", 1500) if finished else None,
            artifacts=self._artifacts(name, run_id, files or {}, start) if finished else (),
            output_bytes=sum(map(len, (files or {}).values())),
            **values,
        )

    def finish(self, run: Run, status: str = "success") -> None:
        """End a running run."""
        values = {name: getattr(run, name) for name in run.__dataclass_fields__}
        values |= {"status": status, "end_time": run.start_time + 9, "duration_ms": 9, "exit_code": 0}
        self.store.write([Run(**values)])

    def file(self, run: Run, name: str) -> Path:
        return Path(self.workspace.run_folder(run.folder)) / name

    def _artifacts(self, folder: str, run_id: str, files: dict[str, bytes], now: int) -> tuple[Artifact, ...]:
        kinds = {"stdout.txt": "stdout", "stderr.txt": "stderr", "output.txt": "output"}
        found = []
        for name, content in files.items():
            path = Path(self.workspace.run_folder(folder)) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            found.append(
                Artifact(
                    artifact_id=new_ulid(now),
                    run_id=run_id,
                    type=kinds.get(name, "other"),
                    path=name,
                    file_name=name,
                    size_bytes=len(content),
                    stored_bytes=len(content),
                    created_at=now,
                    modified_at=now,
                )
            )
        return tuple(found)


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    filled = Recorded(tmp_path)
    yield filled
    filled.close()


@pytest.fixture(autouse=True)
def _calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same picture every time: one zone, no colours asked away."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()


Inspect = Callable[..., Any]


@asynccontextmanager
async def inspecting(
    recorded: Recorded, size: tuple[int, int] = (120, 30), **settings: Any
) -> AsyncIterator[Pilot[None]]:
    """Run the inspector until it shows what is recorded."""
    app = InspectorApp(Settings(recorded.workspace, start_collector=False, **settings))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: home(pilot).is_settled)
        if recorded.count:
            await until(pilot, lambda: home(pilot).window.is_complete and home(pilot)._shown_token > 0)
        yield pilot


def home(pilot: Pilot[None]) -> Any:
    return pilot.app.home  # type: ignore[attr-defined]


async def until(pilot: Pilot[None], claim: Callable[[], object], patience: float = 10) -> None:
    """Wait until something has become true; the threads answer in milliseconds."""
    end = time.monotonic() + patience
    while not claim():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)
    await pilot.pause()


def screen_text(pilot: Pilot[None]) -> str:
    """Return what is on the screen."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
