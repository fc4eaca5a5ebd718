"""docs/agents.md says what is installed where."""

from __future__ import annotations

import re

from collector.agents.hooks import INTEGRATIONS
from tests.conftest import PROJECT

TEXT = (PROJECT / "docs" / "agents.md").read_text()


def test_files_and_events_are_the_program_s() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (`\.[^|]*\|.*) \|$", TEXT, re.MULTILINE))
    assert rows.keys() == INTEGRATIONS.keys()
    for agent, integration in INTEGRATIONS.items():
        project, user, events = (cell.strip() for cell in rows[agent].split("|"))
        assert project == f"`{integration.project}`"
        home = f" (`{integration.home}`)" if integration.home else ""
        assert user == f"`~/{integration.user}`{home}"
        if agent != "opencode":
            assert tuple(events.split(", ")) == integration.events


def test_the_names_of_agents_are_the_keys() -> None:
    assert [integration.agent for integration in INTEGRATIONS.values()] == list(INTEGRATIONS)
