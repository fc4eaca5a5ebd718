"""Other orders than the newest first, and filters that take too long."""

from __future__ import annotations

import random
import re

import pytest
from textual.pilot import Pilot

from acode_tui.messages import FirstRowsRead
from acode_tui.render.rows import columns_for, header_spans
from acode_tui.source import runs as source_module
from collector import Run
from tests.tui.conftest import Recorded, home, inspecting, screen_text, until

SIZE = (100, 40)


def rows(pilot: Pilot[None]) -> list[str]:
    """Return the commands as the table shows them."""
    return re.findall(r"echo \S+", "\n".join(screen_text(pilot).splitlines()[2:16]))


def fill(recorded: Recorded) -> list[Run]:
    """Record runs of other durations and sizes, each once."""
    dice = random.Random(3)
    sizes = dice.sample(range(1, 5000), 9)
    return [
        recorded.add(f"echo {n}", {"stdout.txt": b"x" * sizes[n]}, duration_ms=took)
        for n, took in enumerate(dice.sample(range(1, 90_000), 9))
    ]


def in_order(runs: list[Run], attribute: str, descending: bool = True) -> list[str]:
    ordered = sorted(runs, key=lambda run: getattr(run, attribute), reverse=descending)
    return [run.command_line for run in ordered]


async def test_the_order_goes_round_and_turns_and_the_head_says_so(recorded: Recorded) -> None:
    runs = fill(recorded)
    async with inspecting(recorded, SIZE) as pilot:
        await pilot.press("j", "j")
        for key, attribute, descending, head in (
            ("O", "duration_ms", True, "took↓"), ("I", "duration_ms", False, "took↑"),
            ("O", "output_bytes", True, "size↓"), ("I", "output_bytes", False, "size↑"),
            ("O", "start_time", True, "started "), ("I", "start_time", False, "started↑"),
        ):  # fmt: skip
            await pilot.press(key)
            expected = in_order(runs, attribute, descending)
            await until(pilot, lambda expected=expected: rows(pilot) == expected)  # type: ignore[misc]
            assert head in screen_text(pilot).splitlines()[1]
            assert home(pilot).table.cursor == 0


async def test_a_new_run_goes_where_it_belongs_and_the_cursor_stays_on_its_run(recorded: Recorded) -> None:
    runs = fill(recorded)
    async with inspecting(recorded, SIZE) as pilot:
        await pilot.press("O")
        await until(pilot, lambda: rows(pilot) == in_order(runs, "duration_ms"))
        await pilot.press("j", "j", "j", "j")
        chosen = home(pilot).table.run_at_cursor.command_line
        ordered = sorted(run.duration_ms or 0 for run in runs)
        runs.append(recorded.add("echo longest", duration_ms=99_999))
        runs.append(recorded.add("echo middle", duration_ms=ordered[4] + 1))
        await until(pilot, lambda: rows(pilot) == in_order(runs, "duration_ms"))
        assert home(pilot).table.run_at_cursor.command_line == chosen


async def test_a_run_that_ends_moves_to_its_place(recorded: Recorded) -> None:
    runs = fill(recorded)
    running = recorded.add("echo running", status="running")
    async with inspecting(recorded, SIZE) as pilot:
        await pilot.press("O")
        await until(pilot, lambda: rows(pilot) == [*in_order(runs, "duration_ms"), "echo running"])
        recorded.finish(running)
        ended = recorded.store.get(running.run_id)
        await until(pilot, lambda: rows(pilot) == in_order([*runs, ended], "duration_ms"))


async def test_new_runs_come_on_top_again_in_the_order_of_time(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded, SIZE) as pilot:
        await pilot.press("O", "O", "O")
        await until(pilot, lambda: rows(pilot)[0] == "echo 8" and home(pilot).window.is_complete)
        recorded.add("echo new")
        await until(pilot, lambda: rows(pilot)[0] == "echo new")
        assert "following" in screen_text(pilot).splitlines()[-1]


@pytest.mark.parametrize("width", range(40, 220, 6))
@pytest.mark.parametrize("agents", [False, True])
def test_the_size_has_a_column_when_it_is_sorted_by(width: int, agents: bool) -> None:
    columns = columns_for(width, agents, sizes=True)
    text = "".join(part for part, _ink in header_spans(columns, ("output_bytes", True)))
    assert "size↓" in text
    assert len(text) <= max(width, len("".join(p for p, _ in header_spans(columns_for(width, agents)))))


# What takes too long


async def test_what_was_found_until_the_limit_is_shown_and_then_the_rest(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.store.write([recorded.make(f"echo {n}") for n in range(5000)])
    few = sum(not re.search(r"[0-9][0-8]$|[0-8][0-9]$", str(n)) for n in range(5000))
    told: list[bool] = []
    monkeypatch.setattr(source_module, "FIRST_LIMIT_MS", 0)
    real = FirstRowsRead

    def first_rows(token: int, rows: object, has_more: bool, is_complete: bool) -> object:
        told.append(is_complete)
        return real(token, rows, has_more, is_complete)  # type: ignore[arg-type]

    monkeypatch.setattr(source_module, "FirstRowsRead", first_rows)
    async with inspecting(recorded, filter="-re:/[0-9][0-8]$/ -re:/[0-8][0-9]$/") as pilot:
        await until(pilot, lambda: home(pilot).window.total == few and home(pilot).window.is_complete)
        assert told[0] is False
        assert home(pilot).limit_note == ""


async def test_a_filter_that_would_take_too_long_is_stopped_and_says_so(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.store.write([recorded.make(f"echo {n}") for n in range(5000)])
    async with inspecting(recorded) as pilot:
        monkeypatch.setattr(source_module, "FIRST_LIMIT_MS", 0)
        monkeypatch.setattr(source_module, "WHOLE_LIMIT", 0.0)
        monkeypatch.setattr(source_module, "RING_AGAIN", 0.001)
        home(pilot).entry.put("-re:/x+y+z/ -tag:none")
        await until(pilot, lambda: "narrow the filter" in screen_text(pilot).splitlines()[-1])
        monkeypatch.undo()
        home(pilot).entry.put("echo 4999")
        await until(pilot, lambda: home(pilot).window.total == 1 and home(pilot).window.is_complete)
        assert home(pilot).limit_note == ""
