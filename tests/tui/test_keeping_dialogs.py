"""Deleting by rule, the trash, warnings: with real run folders and a real store, through the keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot

from acode_tui.render.keeping import exact_size, rule_texts, rule_values
from acode_tui.screens.cleanup import CleanupDialog
from acode_tui.screens.dialog import Dialog
from acode_tui.screens.trash import TrashDialog
from acode_tui.source.work import Stopped
from collector import InputError, Policy, list_trash, parse_size, plan_cleanup
from collector.store.lock import WriterLock
from tests.bundle.stores import record, runs_of, write_run
from tests.tui.conftest import Recorded, home, inspecting, screen_text, until

FILES = {"stdout.txt": b"a line\n" * 100}


@pytest.fixture
def store(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Five runs of January 2026, one of which failed and one of which is tagged."""
    monkeypatch.setenv("HOME", str(Path(recorded.workspace.root) / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for number in range(5):
        values = {"status": "failure", "exit_code": 1} if number == 1 else {}
        values |= {"tags": {"release": ""}} if number == 2 else {}
        name = f"build-20260120-14321{number}"
        start, end = f"2026-01-20T14:3{number}:00.000Z", f"2026-01-20T14:3{number}:02.500Z"
        run = record(1000 * number, "build", FILES, start_time=start, end_time=end, **values)
        write_run(recorded.workspace, run | {"name": name}, FILES)
    recorded.count = len(runs_of(recorded.workspace))
    assert recorded.count == 5
    return recorded


def names(recorded: Recorded) -> set[str]:
    return {run.name[-1] for run in runs_of(recorded.workspace)}


def dialog(pilot: Pilot[None]) -> Dialog:
    screen = pilot.app.screen
    assert isinstance(screen, Dialog)
    return screen


async def open_cleanup(pilot: Pilot[None]) -> CleanupDialog:
    await pilot.press("D")
    await until(pilot, lambda: isinstance(pilot.app.screen, CleanupDialog))
    screen = pilot.app.screen
    assert isinstance(screen, CleanupDialog)
    await until(pilot, lambda: screen.plan is not None)
    return screen


async def type_into(pilot: Pilot[None], name: str, text: str) -> None:
    """Replace what is typed in a field, and wait for the plan after it."""
    screen = pilot.app.screen
    assert isinstance(screen, CleanupDialog)
    screen.set_focus(screen._fields[name])
    await pilot.press("end", "ctrl+u", *text)
    await until(pilot, lambda: screen.plan is not None or "is not a" in screen_text(pilot))


async def test_the_cleanup_shows_what_would_go_and_why_and_does_nothing_before_a_yes(store: Recorded) -> None:
    async with inspecting(store, (80, 24)) as pilot:
        screen = await open_cleanup(pilot)
        text = screen_text(pilot)
        assert "5 runs" in text
        assert "would go" in text
        assert "and runs are kept for 30d" in text
        assert "u brings back, for 7d" in text
        assert {verdict.name[-1] for verdict in screen.items.items} == set("01234")
        for answer in ("n", "escape"):
            await pilot.press("d")
            assert "Delete 5 runs" in screen_text(pilot)
            await pilot.press(answer)
            assert pilot.app.screen is screen
        await pilot.press("y")
        assert "would go" in screen_text(pilot)
        await pilot.press("escape")
        assert pilot.app.screen is home(pilot)
    assert names(store) == set("01234")


async def test_other_rules_hold_for_this_once(store: Recorded) -> None:
    async with inspecting(store) as pilot:
        screen = await open_cleanup(pilot)
        await type_into(pilot, "max_count", "x")
        await until(pilot, lambda: "'x' is not a number" in screen_text(pilot))
        await pilot.press("escape", "d")
        assert (screen.question, screen.items.items) == ("", ())
        await type_into(pilot, "max_count", "")
        await type_into(pilot, "preserve_tags", "release")
        await until(pilot, lambda: len(screen.items.items) == 4)
        await type_into(pilot, "keep_last", "1")
        await until(pilot, lambda: {v.name[-1] for v in screen.items.items} == set("013"))
        await pilot.press("escape", "d", "y")
        await until(pilot, lambda: "deleted 3 runs" in screen_text(pilot))
        await until(pilot, lambda: screen.plan is not None)
        assert screen.items.items == ()
        await until(pilot, lambda: home(pilot).window.total == 2)
    assert names(store) == set("24")
    assert not (Path(store.workspace.root) / ".acode" / "config.yml").exists()


async def test_only_runs_of_the_filter_go(store: Recorded) -> None:
    async with inspecting(store, filter="status:failed") as pilot:
        screen = await open_cleanup(pilot)
        assert [verdict.name[-1] for verdict in screen.items.items] == ["1"]
        screen.set_focus(screen._scope)
        await pilot.press("left")
        await until(pilot, lambda: screen.plan is not None and len(screen.items.items) == 5)


async def test_a_deletion_goes_on_without_its_dialog_and_the_trash_brings_back_what_is_marked(
    store: Recorded,
) -> None:
    other_writer = WriterLock(store.workspace)
    async with inspecting(store) as pilot:
        await open_cleanup(pilot)
        assert other_writer.try_acquire()
        await pilot.press("d", "y", "escape")
        assert pilot.app.screen is home(pilot)
        other_writer.release()
        await until(pilot, lambda: "deleted 5 runs" in told(pilot))
        await pilot.press("u")
        await until(pilot, lambda: isinstance(pilot.app.screen, TrashDialog))
        await until(pilot, lambda: "5 deleted runs" in screen_text(pilot))
        first = dialog(pilot).items
        assert first is not None
        wanted = {run.name for run in first.items[1:3]}
        await pilot.press("j", "space", "space", "enter")
        await until(pilot, lambda: "brought back 2 runs" in screen_text(pilot))
        await until(pilot, lambda: home(pilot).window.total == 2)
        assert len(list_trash(store.workspace)) == 3
        await pilot.press("escape")
        assert pilot.app.screen is home(pilot)
    assert {run.name for run in runs_of(store.workspace)} == wanted


def told(pilot: Pilot[None]) -> str:
    return " ".join(note.message for note in pilot.app._notifications)


def write_alerts(recorded: Recorded, alerts: list[dict[str, object]]) -> None:
    Path(recorded.workspace.alerts).write_text(json.dumps({"alerts": alerts}))


async def test_warnings_deletion_trash_and_settings_that_cannot_be_read_are_said_in_passing(
    store: Recorded,
) -> None:
    warning = {"code": "ACODE-RUN-004", "message": "the runs take 2.0 GB\x1b[31m, over 1.0 GB", "since_ms": 1}
    write_alerts(store, [warning, warning | {"message": "the disk is nearly full"}])
    async with inspecting(store) as pilot:
        await until(pilot, lambda: "over 1.0 GB   and 1 more   C shows it" in screen_text(pilot))
        assert "\x1b" not in screen_text(pilot)
        await pilot.press("C")
        await until(pilot, lambda: "the disk is nearly full" in screen_text(pilot))
        await pilot.press("escape")
        write_alerts(store, [])
        home(pilot).source.look_at_collector()
        await until(pilot, lambda: "C shows it" not in screen_text(pilot))
        await pilot.press("d")
        await until(pilot, lambda: "Delete this run?" in screen_text(pilot))
        assert "It can come back for 7d: u shows the trash." in screen_text(pilot)
        await pilot.press("escape", "u")
        await until(pilot, lambda: "The trash is empty." in screen_text(pilot))
        await pilot.press("enter", "space", "G", "escape")
        assert pilot.app.screen is home(pilot)
        write_settings(store, "runs: [")
        await pilot.press("D")
        await until(pilot, lambda: "ACODE-" in told(pilot))
        assert pilot.app.screen is home(pilot)


def write_settings(recorded: Recorded, text: str) -> None:
    Path(recorded.workspace.folder, "config.yml").write_text(text)


def test_a_policy_is_read_back_as_it_is_shown() -> None:
    policy = Policy(max_age=90_000, keep_failures=86_400_000, max_size=3 << 30, keep_last=7,
                    preserve_tags=("a=*", "b"))  # fmt: skip
    values = rule_values(rule_texts(policy))
    assert values == {name: getattr(policy, name) for name in values}


@pytest.mark.parametrize("value", [0, 1, 1023, 1024, 1 << 20, (1 << 30) + 1, 5 << 40])
def test_a_size_is_read_back_as_the_same_number(value: int) -> None:
    assert value == (parse_size(exact_size(value)) if value else 0)


@pytest.mark.parametrize("text", ["-1", "1.5", "٣", "x", "9" * 12])
def test_a_number_of_runs_is_a_whole_one(text: str) -> None:
    with pytest.raises(InputError):
        rule_values({"max_count": text})


def test_a_plan_that_nobody_waits_for_is_given_up(store: Recorded) -> None:
    looked = 0

    def enough() -> None:
        nonlocal looked
        looked += 1
        raise Stopped

    with pytest.raises(Stopped):
        plan_cleanup(store.workspace, Policy(max_age=1), watch=enough)
    assert looked == 1
    assert len(plan_cleanup(store.workspace, Policy(max_age=1), watch=lambda: None).verdicts) == 4
