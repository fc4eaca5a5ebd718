"""The statistics screen, over real stores: what it says, what its keys do, and that it never gets stuck."""

from __future__ import annotations

import time
from typing import Any

import pytest
from textual.pilot import Pilot

from acode_tui.screens.runs import RunsScreen
from acode_tui.screens.statistics import StatisticsScreen
from collector import GROUPINGS
from tests.tui.conftest import NOON, Recorded, home, inspecting, screen_text, until

HOUR = 3_600_000


def fill(recorded: Recorded) -> None:
    """Ten runs: seven of pytest, of which two failed, two of make, one cancelled; one with a line end."""
    for number in range(7):
        status = "failure" if number in (2, 4) else "success"
        recorded.add(
            "pytest -x", status=status, duration_ms=(number + 1) * 1000, start_time=NOON + number * HOUR,
            files={"stdout.txt": b"x" * 1024},
        )  # fmt: skip
    recorded.add("make", status="success", duration_ms=90_000, task="build", start_time=NOON + 8 * HOUR)
    recorded.add("make", status="cancelled", duration_ms=5, task="build", start_time=NOON + 9 * HOUR)
    recorded.add("echo 'one\ntwo'", status="success", duration_ms=7, start_time=NOON + 10 * HOUR)


async def opened(pilot: Pilot[None]) -> Any:
    await pilot.press("S")
    await until(pilot, lambda: isinstance(pilot.app.screen, StatisticsScreen))
    return await counted(pilot)


async def counted(pilot: Pilot[None]) -> Any:
    screen: Any = pilot.app.screen
    await until(pilot, lambda: not screen._is_reading)
    return screen


def lines(pilot: Pilot[None]) -> list[str]:
    """Return the lines of the table, as they are seen."""
    text = screen_text(pilot).split("\n")
    start = next(n for n, line in enumerate(text) if "1 by group" in line) + 2
    return [line.strip("▌ ") for line in text[start:-1] if line.strip()]


async def test_it_says_how_many_succeeded_and_how_long_they_took(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded, size=(120, 40)) as pilot:
        await opened(pilot)
        text = screen_text(pilot)
        assert "10 runs   70.0% success" in text
        assert "✓ 7 succeeded" in text
        assert "✗ 3 failed" in text
        # Sorted: 5 ms, 7 ms, 1 to 7 s, 90 s; the fifth of ten is the median, the tenth the rest.
        assert "P50 3.0s   P95 1m30s   P99 1m30s" in text
        assert "7.0 KB stored in 7 files" in text
        assert "runs each hour" in text


async def test_groups_are_counted_and_sorted(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await opened(pilot)
        assert [line.split("  ")[0] for line in lines(pilot)] == ["pytest -x", "make", "echo 'one two'"]
        assert lines(pilot)[0].split()[2:6] == ["7", "2", "71.4%", "4.0s"]
        for order, first in (("failed", "pytest"), ("rate", "make"), ("p50", "pytest"), ("p95", "make")):
            await pilot.press("s")
            screen = await counted(pilot)
            assert screen.choice.sort == order
            assert lines(pilot)[0].startswith(first)


async def test_every_grouping_can_be_walked_through_both_ways(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        screen = await opened(pilot)
        seen = []
        for _ in GROUPINGS:
            await pilot.press("right")
            await counted(pilot)
            seen.append(screen.choice.by)
            assert sum(item.totals.runs for item in screen.numbers.items) == 10
        assert seen == [*GROUPINGS[1:], GROUPINGS[0]]
        await pilot.press("left")
        await counted(pilot)
        assert screen.choice.by == GROUPINGS[-1]


async def test_enter_shows_the_runs_of_a_group_and_escape_comes_back(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await opened(pilot)
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        assert home(pilot).entry.value == "cmd:=make"
        await until(pilot, lambda: home(pilot).window.total == 2)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, StatisticsScreen))
        screen = await counted(pilot)
        assert screen.numbers.cursor == 1
        assert home(pilot).entry.value == ""
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))


async def test_the_statistics_are_of_the_filter_and_of_failed_runs_only(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded, filter="task:demo") as pilot:
        await pilot.press("f")
        await opened(pilot)
        assert "2 runs   0.0% success" in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: home(pilot).window.total == 2)
        assert home(pilot).entry.value == 'task:demo status:failure,timeout,cancelled cmd:="pytest -x"'
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, StatisticsScreen))
        assert home(pilot).failed_only
        assert home(pilot).entry.value == "task:demo"


async def test_what_is_recorded_gets_into_the_filter_only_as_far_as_it_is_harmless(
    recorded: Recorded,
) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await opened(pilot)
        await pilot.press("G", "enter")
        await until(pilot, lambda: home(pilot).entry.value != "")
        assert "\n" not in home(pilot).entry.value
        await until(pilot, lambda: home(pilot).window.total == 1 and home(pilot).window.is_complete)


async def test_another_period_counts_what_started_in_it(recorded: Recorded) -> None:
    fill(recorded)
    now = int(time.time() * 1000)
    recorded.add("new", start_time=now - HOUR)
    recorded.add("newer", start_time=now - 48 * HOUR)
    async with inspecting(recorded) as pilot:
        screen = await opened(pilot)
        for runs in (1, 2, 2, 12):
            await pilot.press("w")
            await counted(pilot)
            assert screen.totals.totals.runs == runs
        await pilot.press("w", "enter")
        await until(pilot, lambda: home(pilot).entry.value == "since:24h cmd:=new")


async def test_a_column_is_left_out_where_nobody_knows_its_values(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded, size=(200, 50)) as pilot:
        await opened(pilot)
        titles = next(line for line in screen_text(pilot).split("\n") if "failed   rate" in line)
        assert titles.split()[-3:] == ["P99", "longest", "output"]


async def test_flaky_commands_and_storage_have_tables(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await opened(pilot)
        await pilot.press("3")
        await counted(pilot)
        # pytest: ok ok FAIL ok FAIL ok ok, four changes in six chances.
        assert lines(pilot)[0].split()[:6] == ["pytest", "-x", "66.7%", "7", "2", "4"]
        await pilot.press("4")
        await counted(pilot)
        assert lines(pilot)[0].split()[:7] == ["all", "of", "type", "command", "7.0", "KB", "7"]
        assert len(lines(pilot)) == 8
        await pilot.press("j", "enter")
        await until(pilot, lambda: home(pilot).window.total == 1 and home(pilot).entry.value[:3] == "id:")


async def test_the_slowest_are_by_their_median(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await opened(pilot)
        await pilot.press("2")
        await counted(pilot)
        assert [line.split()[0] for line in lines(pilot)] == ["pytest", "echo", "make"]


async def test_new_runs_are_counted_by_themselves(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await opened(pilot)
        recorded.add("later")
        await until(pilot, lambda: "11 runs" in screen_text(pilot))


async def test_a_filter_that_is_none_is_said(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await pilot.press("slash", *"colour:red", "enter", "S")
        await until(pilot, lambda: "unknown key 'colour'" in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 6), (200, 50)])
async def test_it_fits_every_screen(recorded: Recorded, size: tuple[int, int]) -> None:
    fill(recorded)
    async with inspecting(recorded, size=size) as pilot:
        await opened(pilot)
        text = screen_text(pilot)
        assert {len(line) for line in text.split("\n")} == {size[0]}
        await pilot.press("z", "2", "3", "4", "w", "r", "G", "g", "question_mark", "escape", "escape")


async def test_without_any_run_it_says_so(recorded: Recorded) -> None:
    async with inspecting(recorded) as pilot:
        await pilot.press("S")
        await until(pilot, lambda: isinstance(pilot.app.screen, StatisticsScreen))
        await pilot.press("1", "enter", "3", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))


async def test_times_that_no_calendar_has_do_no_harm(recorded: Recorded) -> None:
    recorded.add("old", start_time=0)
    recorded.add("far", start_time=9_000_000_000_000_000)
    async with inspecting(recorded) as pilot:
        screen = await opened(pilot)
        while screen.choice.by != "day":
            await pilot.press("right")
        await counted(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
