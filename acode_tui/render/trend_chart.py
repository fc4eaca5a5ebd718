"""Runs over time as a picture: how many, of which outcome, which share succeeded, how long. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence

from acode_tui.render.chart import (
    GROUND,
    Part,
    Row,
    axis_text,
    bar_width,
    beside,
    level_rows,
    pooled,
    stacked_rows,
)
from acode_tui.render.format import duration, tokens
from collector import Bucket, Trend

_GUTTER = 7
_DATES = {"hour": "%b %d %H:%M", "day": "%b %d", "week": "%b %d", "month": "%b %Y", "year": "%Y"}
_KEY = (("■ succeeded", "success"), ("■ failed", "failure"), ("■ running", "running"))
NO_TREND = "nothing to draw over time"


def chart_heights(lines: int) -> tuple[int, int]:
    """Return how many rows the bars of runs and each of the other two have on a screen of some height."""
    if lines < 20:
        return 0, 1
    if lines < 30:
        return 4, 1
    return (6, 2) if lines < 40 else (9, 3)


def trend_rows(trend: Trend, width: int, heights: tuple[int, int]) -> list[Row]:
    """Return the picture, exactly as many rows for every trend: keys, bars, shares, durations, dates.

    Where there are more steps than room, neighbours share a bar; its P95 is then the highest of theirs.
    """
    room = max(1, width - _GUTTER - 3)
    groups = pooled(trend.buckets, room)
    step = bar_width(len(groups), room)
    runs = [_outcomes(group) for group in groups]
    most = max((sum(value for value, _ in bar) for bar in runs), default=0)
    longest = max((_p95(group) or 0 for group in groups), default=0)
    tall, low = heights
    rows = [_title(trend, groups, most, longest)]
    rows += beside(_scale(tokens(round(most)), "runs", tall), stacked_rows(runs, tall, step), _GUTTER)
    rates = level_rows([_rate(group) for group in groups], "success", low, step, 1)
    rows += beside(_scale("100%", "rate", low), rates, _GUTTER)
    times = level_rows([_p95(group) for group in groups], "timeout", low, step, longest or 1)
    rows += beside(_scale(duration(longest), "P95", low), times, _GUTTER)
    dates = axis_text([_date(trend.step, group[0]) for group in groups], step, room)
    rows.append([(" " * (_GUTTER + 1) + dates, "faint", GROUND)])
    return [[(" ", "text", GROUND), *row] for row in rows]


def row_count(heights: tuple[int, int]) -> int:
    """Return how many rows `trend_rows` returns."""
    return heights[0] + 2 * heights[1] + 2


def _title(trend: Trend, groups: Sequence[Sequence[Bucket]], most: float, longest: int) -> Row:
    """Say what is drawn, and what the tops mean; on a line that is cut, what matters most comes first."""
    if not trend.buckets:
        return [(NO_TREND, "faint", GROUND)]
    many = len(groups[0])
    steps = f"each {trend.step}" if many == 1 else f"each {many} {trend.step}s"
    row: Row = [(f"runs {steps} ", "muted", GROUND)]
    for text, ink in _KEY:
        if any(value for group in groups for value, name in _outcomes(group) if name == ink):
            row.append((f" {text}", ink, GROUND))
    row.append((f"  at most {round(most):,}", "faint", GROUND))
    if longest:
        row.append((f"  P95: up to {duration(longest)}", "timeout", GROUND))
    return row


def _scale(top: str, name: str, height: int) -> list[str]:
    """Return what stands beside each row: what its top means, and below what is drawn."""
    if height < 2:
        return [name] * height
    return [top, *[""] * (height - 2), name]


def _outcomes(group: Sequence[Bucket]) -> tuple[Part, ...]:
    return (
        (sum(bucket.totals.failed for bucket in group), "failure"),
        (sum(bucket.totals.success for bucket in group), "success"),
        (sum(bucket.totals.running for bucket in group), "running"),
    )


def _rate(group: Sequence[Bucket]) -> float | None:
    failed, success = (sum(bucket.totals.failed for bucket in group), sum(b.totals.success for b in group))
    return success / (failed + success) if failed + success else None


def _p95(group: Sequence[Bucket]) -> int | None:
    found = [b.totals.p95_duration_ms for b in group if b.totals.p95_duration_ms is not None]
    return max(max(found), 0) if found else None


def _date(step: str, bucket: Bucket) -> str:
    try:
        return time.strftime(_DATES[step], time.localtime(bucket.since / 1000))
    except (OverflowError, OSError, ValueError):
        return "?"
