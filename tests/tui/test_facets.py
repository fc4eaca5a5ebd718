"""The filter pane: what it counts, and what choosing a value does to the filter."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from textual.pilot import Pilot

from acode_tui.render.facets import HEAD, MORE, SLOW, VALUE, FacetLine, facet_spans
from acode_tui.render.rows import cells
from acode_tui.source import facets as source_module
from acode_tui.state import recall
from acode_tui.window.facets import FEW, FacetWindow
from tests.tui.conftest import Recorded, home, inspecting, screen_text, until


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def counted(pilot: Pilot[None], field: str) -> dict[str, int | None]:
    lines = home(pilot).facet_window.lines
    return {line.value: line.number for line in lines if line.field == field and line.kind == VALUE}


def fill(recorded: Recorded) -> Counter[str]:
    """Record some runs of three statuses and two tasks; return how many have each."""
    seen: Counter[str] = Counter()
    for number in range(24):
        status = "failure" if number % 4 == 0 else "timeout" if number % 7 == 0 else "success"
        task = "unit" if number % 3 else "lint"
        recorded.add(f"echo {number}", status=status, task=task)
        seen[status] += 1
        seen[task] += 1
        seen[f"{status} {task}"] += 1
    return seen


async def put_cursor(pilot: Pilot[None], field: str, value: str) -> None:
    pane = home(pilot).facets
    pane.move_to(pane.window.index_of(FacetLine(VALUE, field, value)))


async def test_p_opens_the_pane_with_the_counts_of_every_value(recorded: Recorded) -> None:
    seen = fill(recorded)
    async with inspecting(recorded, (80, 24)) as pilot:
        assert not home(pilot).facets.display
        await pilot.press("p")
        await until(pilot, lambda: counted(pilot, "task") == {"unit": seen["unit"], "lint": seen["lint"]})
        assert counted(pilot, "status") == {s: seen[s] for s in ("success", "failure", "timeout")}
        assert pilot.app.focused is home(pilot).facets
        assert "▾ status" in screen_text(pilot)
        await pilot.press("p")
        assert not home(pilot).facets.display
        assert pilot.app.focused is home(pilot).table


@pytest.mark.parametrize("key", ["enter", "space"])
async def test_choosing_a_value_puts_it_into_the_filter_and_again_takes_it_out(
    recorded: Recorded, key: str
) -> None:
    seen = fill(recorded)
    async with inspecting(recorded, filter="echo") as pilot:
        await pilot.press("p")
        await until(pilot, lambda: counted(pilot, "status"))
        await put_cursor(pilot, "status", "failure")
        await pilot.press(key)
        await until(pilot, lambda: home(pilot).entry.value == "echo status:failure")
        await until(pilot, lambda: home(pilot).window.total == seen["failure"])
        await until(pilot, lambda: counted(pilot, "task")["unit"] == seen["failure unit"])
        # What else could be asked for is still told.
        assert counted(pilot, "status")["success"] == seen["success"]
        assert next(line for line in home(pilot).facet_window.lines if line.value == "failure").is_on
        assert "✓ ✗ failure" in screen_text(pilot)
        await pilot.press(key)
        await until(pilot, lambda: home(pilot).entry.value == "echo")


async def test_minus_leaves_a_value_out(recorded: Recorded) -> None:
    seen = fill(recorded)
    async with inspecting(recorded) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: counted(pilot, "task"))
        await put_cursor(pilot, "task", "lint")
        await pilot.press("minus")
        await until(pilot, lambda: home(pilot).window.total == seen["unit"])
        assert home(pilot).entry.value == "-task:lint"
        assert "- lint" in screen_text(pilot)
        await pilot.press("minus")
        await until(pilot, lambda: home(pilot).entry.value == "")


async def test_counts_follow_the_runs_and_the_cursor_stays_on_its_value(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: counted(pilot, "task"))
        await put_cursor(pilot, "task", "lint")
        for number in range(30):
            recorded.add("make", task=f"new-{number % 3}", agent="codex")
        await until(pilot, lambda: counted(pilot, "agent") == {"codex": 30})
        await until(pilot, lambda: counted(pilot, "task").get("new-0") == 10)
        assert home(pilot).facets.line_at_cursor.value == "lint"


async def test_counts_are_of_failed_runs_only_while_these_are_shown(recorded: Recorded) -> None:
    seen = fill(recorded)
    async with inspecting(recorded) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: counted(pilot, "task"))
        await pilot.press("f")
        failed = seen["failure unit"] + seen["timeout unit"]
        await until(pilot, lambda: counted(pilot, "task")["unit"] == failed)


async def test_what_takes_too_long_to_count_is_said_to(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.store.write([recorded.make(f"echo {n}", task=f"t{n}") for n in range(3000)])
    monkeypatch.setattr(source_module, "TIME_LIMIT_MS", 0)
    async with inspecting(recorded, filter="re:/echo .*9/ -task:t1") as pilot:
        await pilot.press("p")
        await until(pilot, lambda: "takes too long" in screen_text(pilot))


async def test_the_pane_is_there_where_it_fits_and_as_it_was_left(recorded: Recorded, tmp_path: Path) -> None:
    fill(recorded)
    path = str(tmp_path / "state" / "tui.json")
    async with inspecting(recorded, (200, 50), state_path=path) as pilot:
        assert home(pilot).facets.display
        await until(pilot, lambda: counted(pilot, "status"))
        await pilot.press("p", "p")
        await until(pilot, lambda: recall(path).facets is False)
    async with inspecting(recorded, (200, 50), facets=False) as pilot:
        assert not home(pilot).facets.display
    async with inspecting(recorded, (120, 30), facets=True) as pilot:
        assert home(pilot).facets.display
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: not home(pilot).facets.display)


async def test_saved_filters_are_the_first_group_and_x_removes_one(recorded: Recorded) -> None:
    seen = fill(recorded)
    path = Path(recorded.workspace.folder) / "queries.json"
    path.write_text(json.dumps({"bad": "status:failed", "good": "status:success"}))
    async with inspecting(recorded) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: list(counted(pilot, "@")) == ["bad", "good"])
        assert home(pilot).facet_window.lines[0] == FacetLine(HEAD, "@")
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: home(pilot).window.total == seen["failure"])
        assert home(pilot).entry.value == "@bad"
        await pilot.press("enter", "x")
        await until(pilot, lambda: json.loads(path.read_text()) == {"good": "status:success"})
        await until(pilot, lambda: list(counted(pilot, "@")) == ["good"])
        assert any("removed @bad: status:failed" in note.message for note in pilot.app._notifications)


async def test_a_filter_that_is_not_understood_is_not_edited(recorded: Recorded) -> None:
    fill(recorded)
    async with inspecting(recorded) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: counted(pilot, "status"))
        home(pilot).entry.put("status:")
        await put_cursor(pilot, "status", "failure")
        await pilot.press("enter")
        assert home(pilot).entry.value == "status:"
        assert any("mend the filter" in note.message for note in pilot.app._notifications)


async def test_the_mouse_chooses_a_value(recorded: Recorded) -> None:
    seen = fill(recorded)
    async with inspecting(recorded) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: counted(pilot, "status"))
        await pilot.click("#facets", offset=(5, 2))
        await until(pilot, lambda: home(pilot).window.total == seen["failure"])


@pytest.mark.parametrize("size", [(200, 50), (80, 24), (60, 15), (40, 10), (20, 5)])
async def test_the_pane_works_at_any_size(recorded: Recorded, size: tuple[int, int]) -> None:
    fill(recorded)
    async with inspecting(recorded, size) as pilot:
        home(pilot).set_focus(home(pilot).table)
        await pilot.press("p", "j", "G", "g", "pagedown", "z")
        assert len(screen_text(pilot).splitlines()) == size[1]
        await pilot.press("escape", "escape")
        assert pilot.app.focused is home(pilot).table


# Without a screen


def test_a_group_shows_a_few_values_until_all_are_wanted_and_what_is_asked_for_always() -> None:
    window = FacetWindow()
    window.show_counts({"task": {f"t{n}": 50 - n for n in range(20)}, "status": {}, "host": {"one": 3}})
    window.show_choices("task:t19,gone")
    values = [line.value for line in window.lines if line.kind == VALUE]
    assert values == [*(f"t{n}" for n in range(FEW)), "t19", "gone"]
    assert [line.number for line in window.lines if line.kind == MORE] == [13]
    assert {line.field for line in window.lines} == {"task"}
    window.show_all("task")
    assert len(window.lines) == 1 + 21
    window.fold("task")
    assert [line.kind for line in window.lines] == [HEAD]


@pytest.mark.parametrize("width", [10, 19, 27, 60])
@pytest.mark.parametrize(
    "line",
    [
        FacetLine(VALUE, "status", "failure", 1_234_567, True),
        FacetLine(VALUE, "task", "日本語のテスト" * 3, 7),
        FacetLine(VALUE, "tag", "a\x1b[31mb\nc", 99_999, True, True),
        FacetLine(VALUE, "working_directory", "/home/dev/src/" + "x" * 40, 5),
        FacetLine(VALUE, "@", "slow"),
        FacetLine(HEAD, "@"),
        FacetLine(MORE, "task", number=1234),
        FacetLine(SLOW, "task"),
    ],
    ids=lambda line: f"{line.kind}-{line.field}",
)
def test_a_line_is_as_wide_as_the_pane_and_harmless(line: FacetLine, width: int) -> None:
    text = "".join(part for part, _ink in facet_spans(line, width))
    assert cells(text) == width
    assert text.isprintable()
