"""Totals of many runs: over all of them, by group, over time. Pure, over what a store streams.

A percentile is the nearest rank on exact values: of n sorted durations the one at position
ceil(n * percent / 100), counted from 1; so it is always the duration of a run. Memory grows with the groups
that are asked for, and with the durations of one group while that is finished, never with records.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import nsmallest
from itertools import islice
from math import comb, isfinite, sqrt
from operator import add, itemgetter

from collector.errors import InputError
from collector.model.query import RunQuery
from collector.model.statistics import GROUPINGS, OUTCOMES, Bucket, Group, Grouped, Tally, Totals, Trend
from collector.query.programs import program_of
from collector.query.steps import QUARTER_MS, choose_step, iter_steps, step_name
from collector.store.protocols import RunStore
from collector.suggest import did_you_mean

SORTS = ("runs", "failed", "rate", "p50", "p95", "p99", "total", "name", "newest")
"""What groups can be put in order by: the largest first, the lowest success rate, names from A to Z."""
PERCENTS = (50, 95, 99)

_CALENDAR = ("hour", "day", "week", "month")
_NO_DURATION = -(1 << 63)
_Value = str | int | None
_Name = str | None


def totals(store: RunStore, query: RunQuery) -> Totals:
    """Return the totals of every run that fits; memory does not grow with them."""
    counts = Counts(None)
    for tally in store.iter_tallies(query, None):
        counts.add(tally)
    return counts.finish_with(percentiles(store.iter_durations(query), counts.timed, _ranks(counts.timed)))


def group_runs(store: RunStore, query: RunQuery, by: str, sort: str | None = None, limit: int = 0) -> Grouped:
    """Return totals by group, and over all runs.

    Args:
        store: opened by the calling thread.
        query: which runs.
        by: one of `GROUPINGS`.
        sort: one of `SORTS`; None for the newest first for times, and else those with the most runs.
        limit: how many groups; 0 for all.

    Raises:
        InputError: there is no such grouping or order.
    """
    groups, count = first_groups(store, query, by, sort, limit)
    return Grouped(by, totals(store, query), groups, count)


def first_groups(
    store: RunStore, query: RunQuery, by: str, sort: str | None = None, limit: int = 0
) -> tuple[tuple[Group, ...], int]:
    """Return what `group_runs` does, without the totals: the first groups, and how many there are."""
    key = _order(sort or ("newest" if by in _CALENDAR else "runs"))
    seen = 0

    def counted() -> Iterator[Counts]:
        nonlocal seen
        for counts in iter_groups(store, query, by):
            seen += 1
            yield counts

    first = nsmallest(limit, counted(), key) if limit else sorted(counted(), key=key)
    return tuple(Group(counts.name, counts.finish()) for counts in first), seen


def iter_groups(store: RunStore, query: RunQuery, by: str) -> Iterable[Counts]:
    """Return what is known of each group, in no particular order.

    Raises:
        InputError: there is no such grouping.
    """
    if by not in GROUPINGS:
        hint = did_you_mean(by, GROUPINGS, f"use {', '.join(GROUPINGS)}")
        raise InputError("ACODE-RUN-018", f"cannot group by {by!r}", hint)
    if by in _CALENDAR:
        return _merged(store.iter_tallies(query, "quarter"), _step_of(by))
    if by == "program":
        return _merged(store.iter_tallies(query, "command"), lambda line: program_of(str(line)))
    return map(_single, store.iter_tallies(query, by))


def trend(store: RunStore, query: RunQuery, step: str | None = None) -> Trend:
    """Return totals over time, from the first run to the last.

    Args:
        store: opened by the calling thread.
        query: which runs.
        step: `hour`, `day`, `week`, `month` or `year`; None chooses one from the span.
    """
    quarters = sorted(
        (tally for tally in store.iter_tallies(query, "quarter") if step_name("day", _begin(tally))),
        key=itemgetter(0),
    )
    if not quarters:
        return Trend(step or "day")
    since, until = quarters[0].oldest, quarters[-1].newest
    chosen = step or choose_step(since, until)
    merged = {counts.name: counts for counts in _merged(quarters, _step_of(chosen))}
    nothing = Totals()
    return Trend(chosen, tuple(
        Bucket(name, begin, merged[name].finish() if name in merged else nothing)
        for name, begin in iter_steps(chosen, since, until)
    ))  # fmt: skip


def percentiles(durations: Iterable[int], count: int, ranks: Iterable[int]) -> dict[int, int]:
    """Return the values at some ranks (from 1 to `count`) of that many sorted values."""
    found: dict[int, int] = {}
    values, position = iter(durations), 0
    for rank in sorted({rank for rank in ranks if 1 <= rank <= count}):
        for value in islice(values, rank - position - 1, rank - position):
            found[rank] = value
        position = rank
    return found


def rank_of(percent: int, count: int) -> int:
    """Return the nearest rank of a percentile, counted from 1."""
    return max(1, -(-count * percent // 100))


def median_ranks(count: int) -> tuple[int, int] | None:
    """Return the ranks between which the true median lies with 95 % confidence; None for fewer than six.

    That is the interval of the sign test: exact for a few values, by the normal distribution for many.
    """
    if count < 6:
        return None
    if count > 100:
        low = int((count - 1.96 * sqrt(count)) / 2)
        return low, count - low + 1
    below, low = 0, 0
    while (below := below + comb(count, low)) <= 0.025 * 2**count:
        low += 1
    return low, count - low + 1


def share_interval(part: int, count: int) -> tuple[float, float] | None:
    """Return between which values a true share lies with 95 % confidence; None for a share of nothing.

    Wilson's score interval, which is right for few as well.
    """
    if count <= 0:
        return None
    share, z = part / count, 1.96
    spread = z * sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    middle, scale = share + z**2 / (2 * count), 1 + z**2 / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


class Counts:
    """What is known of a group while it is counted."""

    __slots__ = (
        "cost", "durations", "name", "newest", "oldest", "outcomes", "output_bytes", "timed", "tokens",
        "took",
    )  # fmt: skip

    def __init__(self, name: _Name) -> None:
        self.name = name
        self.outcomes = [0] * len(OUTCOMES)
        self.timed = 0
        self.took = 0
        self.durations = array("q")
        self.tokens: int | None = None
        self.cost: float | None = None
        self.output_bytes = 0
        self.oldest = 1 << 63
        self.newest = -(1 << 63)

    def add(self, tally: Tally) -> None:
        """Count the runs of a tally."""
        self.outcomes = list(map(add, self.outcomes, tally.outcomes))
        self.timed += tally.timed
        self.took += tally.total_duration_ms
        self.durations.extend(tally.durations)
        if tally.tokens_used is not None:
            self.tokens = (self.tokens or 0) + tally.tokens_used
        if tally.cost is not None and isfinite(tally.cost):
            self.cost = (self.cost or 0.0) + tally.cost
        self.output_bytes += tally.output_bytes
        self.oldest = min(self.oldest, tally.oldest)
        self.newest = max(self.newest, tally.newest)

    @property
    def runs(self) -> int:
        """How many there are."""
        return sum(self.outcomes)

    @property
    def failed(self) -> int:
        """How many ended in any way but success."""
        return sum(self.outcomes[1:4])

    @property
    def success_rate(self) -> float:
        """The share that succeeded; more than all where none has ended."""
        ended = sum(self.outcomes[:4])
        return self.outcomes[0] / ended if ended else 2.0

    def percentile(self, percent: int) -> int:
        """Return a percentile of the durations, something very small where there are none."""
        count = len(self.durations)
        return sorted(self.durations)[rank_of(percent, count) - 1] if count else _NO_DURATION

    def finish(self) -> Totals:
        """Return the totals of runs whose durations were told."""
        return self.finish_with(percentiles(sorted(self.durations), self.timed, _ranks(self.timed)))

    def finish_with(self, by_rank: Mapping[int, int]) -> Totals:
        """Return the totals.

        Args:
            by_rank: the durations at the ranks of `_ranks`.
        """
        count, runs = self.timed, self.runs
        p50, p95, p99 = (by_rank.get(rank_of(percent, count)) for percent in PERCENTS)
        low, high = (by_rank.get(rank) for rank in median_ranks(count) or (0, 0))
        return Totals(
            runs=runs,
            by_status={name: some for name, some in zip(OUTCOMES, self.outcomes, strict=True) if some},
            timed=count,
            total_duration_ms=self.took,
            mean_duration_ms=self.took / count if count else None,
            p50_duration_ms=p50,
            p95_duration_ms=p95,
            p99_duration_ms=p99,
            max_duration_ms=by_rank.get(count),
            p50_interval=None if low is None or high is None else (low, high),
            tokens_used=self.tokens,
            cost=self.cost,
            output_bytes=self.output_bytes,
            oldest=self.oldest if runs else None,
            newest=self.newest if runs else None,
        )


def _ranks(count: int) -> tuple[int, ...]:
    return (*(rank_of(percent, count) for percent in PERCENTS), *(median_ranks(count) or ()), count)


def _single(tally: Tally) -> Counts:
    counts = Counts(None if tally.value is None else str(tally.value))
    counts.add(tally)
    return counts


def _merged(tallies: Iterable[Tally], name_of: Callable[[_Value], _Name]) -> Iterable[Counts]:
    """Put together what has one name."""
    groups: dict[_Name, Counts] = {}
    for tally in tallies:
        name = name_of(tally.value)
        counts = groups.get(name)
        if counts is None:
            counts = groups[name] = Counts(name)
        counts.add(tally)
    return groups.values()


def _step_of(step: str) -> Callable[[_Value], _Name]:
    return lambda quarter: step_name(step, int(quarter or 0) * QUARTER_MS)


def _begin(tally: Tally) -> int:
    return int(tally.value or 0) * QUARTER_MS


def _order(sort: str) -> Callable[[Counts], tuple[float, bool, str]]:
    """Return the key of an order; ties go by name, and what has none is last.

    Raises:
        InputError: there is no such order.
    """
    if sort not in SORTS:
        hint = did_you_mean(sort, SORTS, f"use one of {', '.join(SORTS)}")
        raise InputError("ACODE-RUN-018", f"cannot sort by {sort!r}", hint)
    value = _SORT_VALUES[sort]
    return lambda counts: (value(counts), counts.name is None, counts.name or "")


_SORT_VALUES: dict[str, Callable[[Counts], float]] = {
    "runs": lambda counts: -counts.runs,
    "failed": lambda counts: -counts.failed,
    "rate": lambda counts: counts.success_rate,
    "p50": lambda counts: -counts.percentile(50),
    "p95": lambda counts: -counts.percentile(95),
    "p99": lambda counts: -counts.percentile(99),
    "total": lambda counts: -counts.took,
    "name": lambda counts: 0,
    "newest": lambda counts: -counts.newest,
}
