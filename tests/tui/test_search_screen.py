"""The search screen, over real files: what is found as it is typed, and where enter leads."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from acode_tui.render.hits import LINE, hit_line, rows_of
from acode_tui.screens.run import RunScreen
from acode_tui.screens.runs import RunsScreen
from acode_tui.screens.search import SearchScreen
from collector import Hit, Run
from tests.tui.conftest import NOON, Recorded, home, inspecting, screen_text, until

LONG = b"".join(b"line %d\n" % number for number in range(1, 401))


def fill(recorded: Recorded) -> None:
    recorded.add("first", {"stdout.txt": LONG + b"connection refused\nend\n"}, status="failure")
    recorded.add("second", {"stdout.txt": b"\x1b[31mConnection\x1b[0m REFUSED connection refused\n"})
    recorded.add("third", {"stdout.txt": b"all is well\n", "notes.txt": b"connection refused, they say\n"})


async def searching(pilot: Pilot[None], text: str, size_of: int | None = None) -> Any:
    await pilot.press("ctrl+f")
    await until(pilot, lambda: isinstance(pilot.app.screen, SearchScreen))
    screen: Any = pilot.app.screen
    screen.entry.value = ""
    await pilot.press(*text, "enter")
    await until(pilot, lambda: screen._asked == text.strip() and not screen._is_searching)
    return screen


def listed(screen: Any) -> list[tuple[str, str, int]]:
    return [(row.hit.run.command_line, row.hit.path, row.hit.line) for row in screen.found.hit_rows
            if row.kind == LINE]  # fmt: skip


async def test_lines_are_listed_under_their_runs_newest_first(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        screen = await searching(pilot, "connection refused")
        assert listed(screen) == [
            ("third", "notes.txt", 1), ("second", "stdout.txt", 1), ("first", "stdout.txt", 401),
        ]  # fmt: skip
        text = screen_text(pilot)
        assert "3 lines in 3 runs" in text
        assert "Connection REFUSED connection refused" in text
        assert "401  connection refused" in text


async def test_it_searches_while_one_types(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await pilot.press("ctrl+f", *"they say")
        await until(pilot, lambda: "1 line in 1 run" in screen_text(pilot))
        assert pilot.app.screen.focused is not None
        assert pilot.app.screen.focused.id == "filter"


async def test_words_with_a_key_choose_the_runs(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        screen = await searching(pilot, "connection refused status:failed")
        assert listed(screen) == [("first", "stdout.txt", 401)]


async def test_a_regular_expression_and_capitals_count(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        screen = await searching(pilot, "re:/^line [12]00$/")
        assert [line for _, _, line in listed(screen)] == [100, 200]
        await pilot.press("escape")
        screen = await searching(pilot, "REFUSED")
        assert [command for command, _, _ in listed(screen)] == ["second"]


async def test_enter_opens_the_viewer_at_the_line_and_escape_comes_back(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded, size=(100, 24)) as pilot:
        screen = await searching(pilot, "connection refused status:failed")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        viewer: Any = pilot.app.screen
        await until(pilot, lambda: "hit 1 of 1" in screen_text(pilot))
        assert viewer.run.command_line == "first"
        assert viewer.view.hit[0] == 400
        assert "401  connection refused" in screen_text(pilot)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert listed(screen) == [("first", "stdout.txt", 401)]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))


async def test_enter_opens_the_file_that_has_it_not_the_output(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await searching(pilot, "they say")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        await until(pilot, lambda: "connection refused, they say" in screen_text(pilot))
        viewer: Any = pilot.app.screen
        assert viewer.entries[viewer.entry_index].path.endswith("notes.txt")


async def test_a_run_of_the_result_leads_to_the_next_one(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        screen = await searching(pilot, "connection refused")
        await pilot.press("n")
        assert screen.current_run().command_line == "second"
        await pilot.press("N")
        assert screen.current_run().command_line == "third"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        viewer: Any = pilot.app.screen
        await until(pilot, lambda: viewer.entries)
        await pilot.press("l")
        await until(pilot, lambda: viewer.run.command_line == "second")


async def test_a_half_typed_expression_is_said_and_the_result_stays(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        screen = await searching(pilot, "they say")
        screen.entry.value = "re:/(/"
        await until(pilot, lambda: "is not a regular expression" in screen_text(pilot))
        assert listed(screen) == [("third", "notes.txt", 1)]
        screen.entry.value = "they since:nonsense"
        await until(pilot, lambda: "is not a time" in screen_text(pilot))


async def test_nothing_found_is_said(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await searching(pilot, "no such thing")
        assert "Nothing found." in screen_text(pilot)
        await pilot.press("j", "enter", "n", "N", "d", "G")


async def test_what_was_searched_for_is_there_again(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await searching(pilot, "they say")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        await pilot.press("ctrl+f")
        await until(pilot, lambda: "1 line in 1 run" in screen_text(pilot))


async def test_before_anything_is_recorded_it_opens_and_closes(recorded: Recorded) -> None:
    async with inspecting(recorded) as pilot:
        await pilot.press("ctrl+f")
        await until(pilot, lambda: isinstance(pilot.app.screen, SearchScreen))
        await pilot.press(*"abc", "enter", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        assert home(pilot).searched == "abc"


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 6), (200, 50)])
async def test_it_fits_every_screen(recorded: Recorded, size: tuple[int, int]) -> None:
    fill(recorded)
    async with inspecting(recorded, size=size) as pilot:
        await searching(pilot, "connection")
        assert {len(line) for line in screen_text(pilot).split("\n")} == {size[0]}


def hit_of(text: str, found: str, run: str = "a", path: str = "stdout.txt", line: int = 1) -> Hit:
    start = text.index(found)
    record = Run(
        run_id=run, name=run, folder=run, task="t", command="x", command_line="x", working_directory="/",
        status="success", start_time=NOON,
    )  # fmt: skip
    return Hit(
        run=record, artifact_id=None, path=path, line=line, column=start + 1, text=text, start=start,
        end=start + len(found),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "needle",
        "x" * 300 + "needle" + "y" * 300,
        "\x1b[1mneedle\x1b[0m",
        "\t\tneedle",
        "日本" * 60 + "needle",
    ],
)
def test_the_match_is_seen_and_marked_wherever_it_stands(text: str) -> None:
    line, ((low, high),) = hit_line(hit_of(text, "needle"), 40)
    assert line.text[low:high] == "needle"
    from acode_tui.render.rows import cells

    assert cells(line.text[:high]) <= 40
    assert "\x1b" not in line.text


def test_control_characters_cannot_get_to_the_terminal() -> None:
    line, _ = hit_line(hit_of("a\x1b]52;c;AAAA\x07b needle\r\x08\x9b2J", "needle"), 80)
    assert all(character.isprintable() for character in line.text)


def test_a_run_and_a_file_are_named_once() -> None:
    hits = [
        hit_of("x", "x"),
        hit_of("x", "x", line=2),
        hit_of("x", "x", path="b"),
        hit_of("x", "x", run="b", path="b"),
    ]
    assert [row.kind for row in rows_of(hits)] == [
        "run", "file", "line", "line", "file", "line", "run", "file", "line",
    ]  # fmt: skip
    assert [row.kind for row in rows_of(hits[1:2], hits[0])] == ["line"]
