"""Times, durations and sizes as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.clock import format_iso, parse_iso
from collector.errors import InputError
from collector.query.times import parse_duration, parse_size, parse_time

NOW = parse_iso("2026-01-20T14:32:15.123Z")
HOUR = 3_600_000


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zone that is not UTC, so that local and UTC cannot be mixed up."""
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-01-20T14:32:15.123Z"),
        ("1h", "2026-01-20T13:32:15.123Z"),
        ("-7d", "2026-01-13T14:32:15.123Z"),
        ("24h", "2026-01-19T14:32:15.123Z"),
        ("1h30m", "2026-01-20T13:02:15.123Z"),
        ("1 hour ago", "2026-01-20T13:32:15.123Z"),
        ("2 days 3 hours ago", "2026-01-18T11:32:15.123Z"),
        ("+1h", "2026-01-20T15:32:15.123Z"),
        ("today", "2026-01-19T23:00:00.000Z"),
        ("yesterday", "2026-01-18T23:00:00.000Z"),
        ("yesterday 9:30", "2026-01-19T08:30:00.000Z"),
        ("15:00", "2026-01-20T14:00:00.000Z"),
        ("2026-01-15", "2026-01-14T23:00:00.000Z"),
        ("2026-01-15T10:00", "2026-01-15T09:00:00.000Z"),
        ("2026-01-15 10:00:05.5", "2026-01-15T09:00:05.500Z"),
        ("2026-01-15T10:00Z", "2026-01-15T10:00:00.000Z"),
        ("2026-01-15t10:00:00+02:00", "2026-01-15T08:00:00.000Z"),
        ("@1700000000", "2023-11-14T22:13:20.000Z"),
    ],
)
def test_a_time_means(text: str, expected: str) -> None:
    assert format_iso(parse_time(text, NOW)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "5", "soon", "1x", "h", "1h2", "--1h", "2026-13-01", "2026-02-30", "0001-01-01",
        "99999-01-01", "25:00", "yesterday x", "1e9h", "999999999999d", "@", "@99999999999999", "٣h",
        "now now", "'; DROP TABLE runs; --",
    ],
)  # fmt: skip
def test_an_absurd_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="ACODE-RUN-018") as caught:
        parse_time(text, NOW)
    assert repr(text) in caught.value.message


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with suppress(InputError):
        assert isinstance(parse_time(text, NOW), int)


@given(st.integers(-30_000_000_000_000, 250_000_000_000_000))
def test_a_formatted_time_is_read_back(ms: int) -> None:
    assert parse_time(format_iso(ms), NOW) == ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("60s", 60_000), ("1.5m", 90_000), ("500ms", 500), ("5", 5000), ("0", 0), ("1h30m", 90 * 60_000),
        ("7 days", 7 * 24 * HOUR), ("2w", 14 * 24 * HOUR), ("1 min 5 sec", 65_000), ("0.25", 250),
    ],
)  # fmt: skip
def test_a_duration_means(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "s", "-5", "1.2.3s", "5 parsecs", "inf", "nan", "9" * 25, "1s,"])
def test_a_bad_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10MB", 10 << 20),
        ("10 mb", 10 << 20),
        ("1GiB", 1 << 30),
        ("512", 512),
        ("1.5k", 1536),
        ("7 bytes", 7),
    ],
)
def test_a_size_means(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "10XB", "ten", "1e9", "9" * 20 + "TB"])
def test_a_bad_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="size"):
        parse_size(text)
