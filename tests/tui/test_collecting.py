"""Collecting a team from the tree of sessions, with a real workspace of a real agent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from acode_tui.render.collected import collected_lines, collected_text
from acode_tui.screens.collecting import CollectDialog
from acode_tui.screens.export import ExportDialog
from acode_tui.screens.sessions import SessionsScreen
from collector.model.session import AgentInstance
from tests.tui.conftest import NOON, Recorded, home, inspecting, screen_text, until


def fill(recorded: Recorded) -> None:
    """Record a session of two agents, of which one has a workspace with a file."""
    folder = Path(recorded.workspace.root, "own", "agent-1")
    folder.mkdir(parents=True)
    (folder / "result.csv").write_text("1,2\n")
    shared: dict[str, Any] = {"session_id": "crew", "created_at": NOON, "terminated_at": NOON + 65_000,
                              "tokens": {"input": 100, "output": 10}, "cost": 0.25}  # fmt: skip
    agents = (
        AgentInstance(instance_id="agent-1", workspace=str(folder), **shared),
        AgentInstance(instance_id="agent-2", workspace=str(folder) + "-gone", **shared),
    )
    recorded.add_session("crew", "Mend the cart", agents, team="red")
    recorded.add("make", {"stdout.txt": b"built\n"}, session_id="crew", agent_instance_id="agent-1")


async def test_c_collects_the_team_of_a_session_after_a_yes_and_says_where_it_is(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded, (80, 24)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "Mend the cart" in screen_text(pilot))
        await pilot.press("c", "n")
        assert isinstance(pilot.app.screen, SessionsScreen)
        await pilot.press("c")
        await until(pilot, lambda: "Collect this team?" in screen_text(pilot))
        assert collections(recorded) == []
        await pilot.press("y")
        await until(pilot, lambda: "Collected, but not all of it" in screen_text(pilot))
        text = screen_text(pilot)
        assert "agents   2" in text
        assert "tokens   220" in text
        assert "1m05s" in text
        assert "agent-2: " in text
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, SessionsScreen)
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
        await until(pilot, lambda: "1 run, 1 file, 6 B" in screen_text(pilot))
        await pilot.press("escape", "escape")
        assert pilot.app.screen is home(pilot)
    (found,) = collections(recorded)
    (file,) = found.rglob("result.csv")
    assert file.read_text() == "1,2\n"
    assert json.loads((found / "metadata.json").read_text())["team_session_id"] == "red"


def collections(recorded: Recorded) -> list[Path]:
    return [path.parent for path in Path(recorded.workspace.artifacts).glob("*/metadata.json")]


def test_a_team_that_is_not_known_is_said_and_control_characters_are_not() -> None:
    failed = {"status": "error", "error": "No instances found \x1b]0;x\x07for team session"}
    for text in (
        collected_text(failed),
        "".join(part for line in collected_lines(failed) for part, _ in line),
    ):
        assert "No instances found" in text
        assert text.isprintable()
    assert CollectDialog.NAME == "Collect"
