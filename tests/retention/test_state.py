"""The time that ages count to, whatever the clock does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.retention.state import (
    TOLERANCE_MS,
    TRUST_AFTER_MS,
    CleanupState,
    Moment,
    believe,
    read_state,
    write_state,
)
from collector.workspace import Workspace

HOUR = 3_600_000
NOON = 1_800_000_000_000
KNOWN = CleanupState(Moment(NOON, HOUR, "boot"))


@pytest.mark.parametrize("jump", [HOUR, 70 * 365 * 24 * HOUR], ids=["an hour", "to 2100 or so"])
def test_a_jump_ahead_makes_nothing_older(jump: int) -> None:
    _, now = believe(KNOWN, Moment(NOON + jump + 5000, HOUR + 5000, "boot"))
    assert now == NOON + 5000


def test_a_new_time_is_believed_once_it_has_held_for_a_day() -> None:
    state, jump = KNOWN, 1000 * HOUR
    for hours in range(23):
        state, now = believe(state, Moment(NOON + jump + hours * HOUR, HOUR + hours * HOUR, "boot"))
        assert now == NOON + hours * HOUR
    state, now = believe(state, Moment(NOON + jump + 24 * HOUR, 25 * HOUR, "boot"))
    assert now == NOON + jump + 24 * HOUR
    assert state.doubted is None


def test_a_clock_that_came_back_is_believed_at_once() -> None:
    state, _ = believe(KNOWN, Moment(NOON + 100 * HOUR, HOUR, "boot"))
    state, now = believe(state, Moment(NOON + HOUR, 2 * HOUR, "boot"))
    assert (now, state.doubted) == (NOON + HOUR, None)


@pytest.mark.parametrize("wall", [0, NOON - HOUR])
def test_a_jump_back_is_believed_because_it_makes_everything_younger(wall: int) -> None:
    assert believe(KNOWN, Moment(wall, 2 * HOUR, "boot"))[1] == wall


def test_another_boot_begins_anew() -> None:
    state, now = believe(KNOWN, Moment(NOON + 5000 * HOUR, 1, "next"))
    assert (now, state.known) == (NOON + 5000 * HOUR, Moment(NOON + 5000 * HOUR, 1, "next"))


@given(st.lists(st.tuples(st.integers(0, 3 * HOUR), st.integers(-5 * HOUR, 5 * HOUR)), max_size=20))
def test_within_a_day_time_never_goes_faster_than_since_boot(steps: list[tuple[int, int]]) -> None:
    state, boot, wall, allowed = KNOWN, HOUR, NOON, NOON
    for passed, jump in steps:
        boot, wall = boot + passed, wall + passed + jump
        if boot - HOUR >= TRUST_AFTER_MS:
            break
        state, now = believe(state, Moment(wall, boot, "boot"))
        assert now <= allowed + passed + TOLERANCE_MS
        allowed = now


def test_what_is_remembered_is_read_again(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    workspace.create()
    state = replace(KNOWN, doubted=Moment(1, 2, "boot"), cleaned_ms=7, restored={"a": 3})
    write_state(workspace, state)
    assert read_state(workspace) == state


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"known": {"wall_ms": "x"}}', '{"restored": 7}', "[" * 100_000]
)
def test_a_damaged_memory_is_none(tmp_path: Path, text: str) -> None:
    workspace = Workspace(str(tmp_path))
    workspace.create()
    Path(workspace.cleanup_state).write_text(text)
    assert read_state(workspace) == CleanupState()
