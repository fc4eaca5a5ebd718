"""Completion in the filter line, the place of a mistake, and filters that are saved."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from acode_tui.screens.naming import NameDialog
from tests.tui.conftest import Recorded, home, inspecting, screen_text, until
from tests.tui.test_runs_screen import fill, type_filter


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def suggestions(pilot: Pilot[None]) -> list[str]:
    found = home(pilot).entry.completions
    return [suggestion.text for suggestion in found._found.suggestions] if found.is_open else []


def mended(pilot: Pilot[None]) -> Any:
    return home(pilot).entry.value


async def test_keys_are_suggested_with_what_they_mean_and_tab_takes_one(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded, (80, 24)) as pilot:
        await type_filter(pilot, "st")
        await until(pilot, lambda: suggestions(pilot) == ["status:", "started:"])
        assert "how it ended" in screen_text(pilot)
        await pilot.press("tab")
        assert mended(pilot) == "status:"
        assert pilot.app.focused is home(pilot).entry


async def test_values_are_suggested_with_how_many_runs_have_them(recorded: Recorded) -> None:
    fill(recorded, 3, task="unit")
    fill(recorded, 2, task="user interface")
    async with inspecting(recorded) as pilot:
        await type_filter(pilot, "-task:u")
        await until(pilot, lambda: suggestions(pilot) == ["unit", '"user interface"'])
        assert "3 runs" in screen_text(pilot)
        await pilot.press("down", "tab")
        assert mended(pilot) == '-task:"user interface"'
        await until(pilot, lambda: home(pilot).window.total == 3)


async def test_tab_takes_what_was_typed_a_moment_before(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        for key in ("slash", "d", "u", "r", "tab", ">", "1", "s"):
            pilot.app._driver.send_message(_key(key))  # type: ignore[union-attr]
        await until(pilot, lambda: mended(pilot) == "duration:>1s")


def _key(name: str) -> object:
    from textual.events import Key

    return Key(name, {"slash": "/", "tab": "\t"}.get(name, name))


async def test_right_at_the_end_takes_one_and_elsewhere_moves(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        await type_filter(pilot, "agen")
        await until(pilot, lambda: suggestions(pilot) == ["agent:"])
        await pilot.press("left", "right")
        assert mended(pilot) == "agen"
        await pilot.press("t")
        await until(pilot, lambda: suggestions(pilot))
        await pilot.press("right")
        assert mended(pilot) == "agent:"


async def test_esc_closes_the_list_first_and_then_leaves_the_line(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        await type_filter(pilot, "st")
        await until(pilot, lambda: suggestions(pilot))
        await pilot.press("escape")
        assert not suggestions(pilot)
        assert pilot.app.focused is home(pilot).entry
        await pilot.press("escape")
        assert pilot.app.focused is home(pilot).table
        assert mended(pilot) == "st"


async def test_up_and_down_choose_while_the_list_is_open_and_go_through_the_history_otherwise(
    recorded: Recorded,
) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        await type_filter(pilot, "echo")
        await pilot.press("enter", "slash", "space", "s", "t")
        await until(pilot, lambda: suggestions(pilot))
        await pilot.press("down", "tab")
        assert mended(pilot) == "echo started:"
        await pilot.press("escape", "up")
        assert mended(pilot) == "echo"
        assert not suggestions(pilot)


async def test_below_the_history_are_all_keys(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        await pilot.press("slash", "down")
        await until(pilot, lambda: suggestions(pilot)[:2] == ["status:", "type:"])
        await pilot.press("down", "tab")
        assert mended(pilot) == "type:"


async def test_nothing_is_complained_about_while_the_list_is_open(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        await type_filter(pilot, "status:")
        await until(pilot, lambda: home(pilot)._wrong and suggestions(pilot))
        assert not home(pilot).problem.display
        await pilot.press("escape")
        await until(pilot, lambda: "needs a value" in screen_text(pilot).splitlines()[1])


async def test_the_place_of_a_mistake_is_marked(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        await type_filter(pilot, "echo stauts:failed x")
        await until(pilot, lambda: home(pilot).problem.display)
        entry = home(pilot).entry
        marked = [
            segment.text for segment in entry.render_line(0) if segment.style and segment.style.underline
        ]
        assert "".join(marked) == "stauts:failed"
        entry.put("echo")
        await until(pilot, lambda: entry._marker.place is None)


async def test_the_whole_language_is_understood(recorded: Recorded) -> None:
    fill(recorded, 3, duration_ms=2_000)
    recorded.add("pytest -x", duration_ms=90_000, tags={"ci": ""}, working_directory="/srv/shop")
    async with inspecting(recorded) as pilot:
        for text, total in (
            ("re:/^py(test|lint)/", 1), ("duration:1s..1m", 3), ("has:tags", 1), ("dir:/srv/*", 1),
            ("size:>1MB", 0),
        ):  # fmt: skip
            home(pilot).entry.put(text)
            await until(pilot, partial(shows, pilot, total))


def shows(pilot: Pilot[None], total: int) -> bool:
    return bool(home(pilot).window.total == total and home(pilot).window.is_complete)


# Saved filters


def saved_in(recorded: Recorded) -> dict[str, str]:
    path = Path(recorded.workspace.folder) / "queries.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


async def test_a_filter_is_saved_under_a_name_and_suggested_by_it(recorded: Recorded) -> None:
    fill(recorded, 3, duration_ms=100)
    recorded.add("make", duration_ms=70_000)
    async with inspecting(recorded) as pilot:
        await type_filter(pilot, "duration:>1m")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, NameDialog))
        await pilot.press(*"slow")
        await until(pilot, lambda: "@slow stands for it" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: saved_in(recorded) == {"slow": "duration:>1m"})
        home(pilot).entry.put("")
        await until(pilot, lambda: home(pilot).window.total == 4)
        await pilot.press("@")
        await until(pilot, lambda: suggestions(pilot) == ["@slow"])
        await pilot.press("tab")
        await until(pilot, lambda: home(pilot).window.total == 1)
        assert mended(pilot) == "@slow"


async def test_what_is_no_name_is_said_in_place_and_not_saved(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded, filter="echo") as pilot:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, NameDialog))
        await pilot.press("A", "enter")
        await until(pilot, lambda: "cannot be a filter's name" in screen_text(pilot))
        assert isinstance(pilot.app.screen, NameDialog)
        await pilot.press("escape")
        assert saved_in(recorded) == {}


async def test_a_file_of_saved_filters_that_is_damaged_is_one_line(recorded: Recorded) -> None:
    fill(recorded, 3)
    path = Path(recorded.workspace.folder) / "queries.json"
    path.write_text("[1]")
    async with inspecting(recorded, filter="echo") as pilot:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, NameDialog))
        await pilot.press("x", "enter")
        await until(pilot, lambda: any("does not hold saved" in n.message for n in pilot.app._notifications))
        assert path.read_text() == "[1]"


async def test_a_saved_filter_can_be_the_first_one(recorded: Recorded) -> None:
    fill(recorded, 3)
    recorded.add("make")
    (Path(recorded.workspace.folder) / "queries.json").write_text('{"made": "make"}')
    async with inspecting(recorded, filter="@made") as pilot:
        assert home(pilot).window.total == 1
