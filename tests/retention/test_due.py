"""When runs are cleaned up by themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from collector.config import Config
from collector.errors import InputError
from collector.retention.due import fires_between, is_due, next_time

NOON = 1_800_014_400_000  # 2027-01-15T12:00Z
HOUR = 3_600_000


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def config(**values: Any) -> Config:
    given = {"enabled": True, **values}
    return Config({f"runs.retention.{key}": (value, "test") for key, value in given.items()})


@pytest.mark.parametrize(
    ("schedule", "hours"), [("0 2 * * *", 14), ("*/15 * * * *", 0.25), ("0 0 * * 0", 36), ("@daily", 12)]
)
def test_a_schedule_fires_when_cron_would(schedule: str, hours: float) -> None:
    assert next_time(schedule, NOON) == NOON + hours * HOUR


def test_a_schedule_is_in_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")  # nine hours ahead: it is nine in the evening
    time.tzset()
    assert next_time("0 2 * * *", NOON) == NOON + 5 * HOUR


def test_a_missed_night_is_made_up_for() -> None:
    assert is_due(config(schedule="0 2 * * *"), NOON - 24 * HOUR, NOON, False)
    assert not is_due(config(schedule="0 2 * * *"), NOON - 9 * HOUR, NOON, False)


def test_without_a_schedule_it_is_every_hour() -> None:
    assert [is_due(config(), NOON - minutes * 60_000, NOON, False) for minutes in (0, 30, 60)] == [
        False,
        False,
        True,
    ]


def test_a_collector_begins_with_it_unless_it_was_just_done() -> None:
    assert is_due(config(schedule="0 2 * * *"), NOON - HOUR, NOON, True)
    assert not is_due(config(schedule="0 2 * * *"), NOON - 60_000, NOON, True)
    assert is_due(config(), 0, NOON, True)


def test_nothing_is_due_unless_it_is_enabled() -> None:
    assert not is_due(config(enabled=False, schedule="* * * * *"), 0, NOON, True)


def test_a_clock_that_was_set_back_waits() -> None:
    assert not fires_between("* * * * *", NOON, NOON - HOUR)


@pytest.mark.parametrize("schedule", ["never", "61 * * * *", "* * *", "* * * * * * *", "0 0 30 2 *", ""])
def test_a_schedule_that_is_none_is_an_error(schedule: str) -> None:
    with pytest.raises(InputError, match="not a cron expression"):
        next_time(schedule, NOON)
