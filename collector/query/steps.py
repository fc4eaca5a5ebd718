"""Steps of local time: which hour, day, week, month or year a moment lies in, and where that begins.

Weeks begin on Monday and are named as ISO 8601 has it (`2026-W03`). A moment that no calendar has lies in
no step.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

STEPS = ("hour", "day", "week", "month", "year")
QUARTER_MS = 900_000
"""Every step begins at a quarter of an hour, wherever on Earth."""
_HOUR_MS = 3_600_000
_FINEST = (("hour", 48), ("day", 24 * 62), ("week", 24 * 7 * 104), ("month", 24 * 31 * 120))
_MAX_STEPS = 1000


def choose_step(since: int, until: int) -> str:
    """Return the step that shows a span in some dozens of parts: two days in hours, two years in weeks."""
    hours = (until - since) / _HOUR_MS
    return next((step for step, most in _FINEST if hours <= most), "year")


def step_name(step: str, ms: int) -> str | None:
    """Return the name of the step that a moment lies in, None for a moment that no calendar has."""
    local = _local(ms)
    return None if local is None else _named(step, local)


def iter_steps(step: str, since: int, until: int) -> Iterator[tuple[str, int]]:
    """Yield name and beginning of each step from that of one moment to that of another.

    After an absurd number of steps it ends.
    """
    local, last = _local(since), _local(until)
    if local is None or last is None:
        return
    begin = _begin(step, local)
    for _ in range(_MAX_STEPS):
        if begin > last:
            return
        yield _named(step, begin), _milliseconds(begin)
        begin = _next(step, begin)


def _local(ms: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(ms // 1000)  # noqa: DTZ006 - local time is what is asked for
    except (OverflowError, OSError, ValueError):
        return None


def _named(step: str, local: datetime) -> str:
    if step == "week":
        year, week, _ = local.isocalendar()
        return f"{year:04d}-W{week:02d}"
    text = local.isoformat()
    return text[: {"hour": 13, "day": 10, "month": 7, "year": 4}[step]] + (":00" if step == "hour" else "")


def _begin(step: str, local: datetime) -> datetime:
    if step == "hour":
        return local.replace(minute=0, second=0)
    day = local.date()
    if step == "week":
        day -= timedelta(days=day.weekday())
    elif step != "day":
        day = day.replace(day=1) if step == "month" else day.replace(month=1, day=1)
    return datetime.combine(day, datetime.min.time())


def _next(step: str, begin: datetime) -> datetime:
    """Return the beginning of the next step; an hour that a clock skips or repeats is left to its name."""
    if step in ("month", "year"):
        months = begin.month + (1 if step == "month" else 12)
        day = date(begin.year + (months - 1) // 12, (months - 1) % 12 + 1, 1)
        return datetime.combine(day, datetime.min.time())
    return begin + {"hour": timedelta(hours=1), "day": timedelta(1), "week": timedelta(7)}[step]


def _milliseconds(local: datetime) -> int:
    try:
        return round(local.timestamp() * 1000)
    except (OverflowError, OSError, ValueError):
        return 0
