"""Every key can be found: in the help, in the palette, on the page of the documentation."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from textual.command import CommandPalette

from acode_tui.app import InspectorApp
from acode_tui.keymap import (
    KEYS,
    RUN,
    RUNS,
    SEARCH,
    SESSIONS,
    STATISTICS,
    as_markdown,
    footer_keys,
    keys_for,
    shown,
)
from acode_tui.screens.base import PaneScreen
from acode_tui.screens.help import help_lines
from acode_tui.screens.run import RunScreen
from acode_tui.screens.runs import RunsScreen
from acode_tui.screens.search import SearchScreen
from acode_tui.screens.sessions import SessionsScreen
from acode_tui.screens.statistics import StatisticsScreen
from tests.tui.conftest import Recorded, inspecting, screen_text, until

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "screen"),
    [
        (RUNS, RunsScreen),
        (RUN, RunScreen),
        (SESSIONS, SessionsScreen),
        (STATISTICS, StatisticsScreen),
        (SEARCH, SearchScreen),
    ],
)
def test_every_binding_has_its_action(name: str, screen: type[PaneScreen]) -> None:
    for key in keys_for(name):
        assert callable(getattr(screen, f"action_{key.action.split('(')[0]}")), key.action


@pytest.mark.parametrize("name", [RUNS, RUN, SESSIONS, STATISTICS, SEARCH])
def test_no_key_does_two_things_on_one_screen(name: str) -> None:
    keys = [one for key in keys_for(name) for one in key.keys]
    assert len(keys) == len(set(keys))


def test_no_key_is_used_that_terminals_cannot_tell_apart() -> None:
    assert not {"ctrl+j", "ctrl+i", "ctrl+m", "ctrl+enter"} & {one for key in KEYS for one in key.keys}


@pytest.mark.parametrize("name", [RUNS, RUN, SESSIONS, STATISTICS, SEARCH])
def test_the_help_tells_every_key(name: str) -> None:
    text = "\n".join("".join(part for part, _ in line) for line in help_lines(name))
    for key in KEYS:
        assert key.title in text
        for one in key.keys:
            assert shown(one) in text


def shows(app: InspectorApp, name: str) -> bool:
    return isinstance(app.screen, PaneScreen) and name == app.screen.NAME


def titles(name: str) -> set[str]:
    return {key.title.lower() for key in keys_for(name) if key.action != "palette"}


def offered(app: InspectorApp) -> set[str]:
    return {command.title.lower() for command in app.get_system_commands(app.screen)}


async def test_the_palette_offers_every_action(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": b"x\n"})
    async with inspecting(recorded) as pilot:
        app = pilot.app
        assert isinstance(app, InspectorApp)
        for name in (RUNS, RUN):
            assert titles(name) <= offered(app)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await pilot.press("escape", "s")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        assert titles(SESSIONS) <= offered(app)
        for key, name in (("S", STATISTICS), ("ctrl+f", SEARCH)):
            await pilot.press("escape", key)
            await until(pilot, partial(shows, app, name))
            assert titles(name) <= offered(app)


async def test_an_action_of_the_palette_is_carried_out(recorded: Recorded) -> None:
    recorded.add("make")
    async with inspecting(recorded) as pilot:
        await pilot.press("slash", "ctrl+p")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        await pilot.press(*"light")
        await until(pilot, lambda: "Light or dark" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.theme == "acode-light")


async def test_the_help_screen_opens_scrolls_and_closes(recorded: Recorded) -> None:
    recorded.add("make")
    async with inspecting(recorded, size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: "one line down" in screen_text(pilot))
        await pilot.press("pagedown", "pagedown", "j", "k")
        await until(pilot, lambda: "one line down" not in screen_text(pilot))
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, RunsScreen)


def test_the_footer_begins_with_help() -> None:
    for name in (RUNS, RUN, SESSIONS, STATISTICS, SEARCH):
        assert footer_keys(name)[0] == ("?", "help")


def test_the_page_of_keys_is_up_to_date() -> None:
    assert (REPOSITORY / "docs" / "keys.md").read_text() == as_markdown(), (
        "write it anew: python -c 'from acode_tui.keymap import as_markdown; print(as_markdown(), end=\"\")'"
        " > docs/keys.md"
    )
