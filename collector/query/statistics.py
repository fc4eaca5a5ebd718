"""Totals of many runs: over all of them, by group, over time. Pure, over what a store streams.

A percentile is the nearest rank on exact values: of n sorted durations the one at position
ceil(n * percent / 100), counted from 1; so it is always the duration of a run. Memory grows with the groups,
and with the durations of one group while that is finished, never with records.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import nsmallest
from itertools import dropwhile, groupby, islice
from math import comb, isfinite, sqrt
from operator import itemgetter
from typing import TypeVar

from collector.errors import InputError
from collector.model.query import RunQuery, Term
from collector.model.statistics import GROUPINGS, Bucket, Group, Grouped, Tally, Totals, Trend
from collector.query.programs import program_of
from collector.query.steps import QUARTER_MS, choose_step, iter_steps, step_name
from collector.store.protocols import RunStore
from collector.suggest import did_you_mean

SORTS = ("runs", "failed", "rate", "p50", "p95", "p99", "total", "name", "newest")
"""What groups can be put in order by: the largest first, the lowest success rate, names from A to Z."""
PERCENTS = (50, 95, 99)

_CALENDAR = ("hour", "day", "week", "month")
_NO_DURATION = -(1 << 63)
_Name = str | None
T = TypeVar("T")


def totals(store: RunStore, query: RunQuery) -> Totals:
    """Return the totals of every run that fits; memory does not grow with them."""
    counts = Counts(None)
    for tally in store.iter_tallies(query, None):
        counts.add(tally)
    ended = Term("status", ("running",), negated=True)
    query = RunQuery((*query.terms, ended))
    values = store.iter_values(query, ("duration_ms",), ("duration_ms",))
    timed = dropwhile(lambda row: row[0] is None, values)
    found = percentiles(timed, counts.timed, _ranks(counts.timed))
    return counts.finish_with({rank: row[0] for rank, row in found.items()})


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


def iter_groups(store: RunStore, query: RunQuery, by: str) -> Iterator[Counts]:
    """Yield what is known of each group, in no particular order.

    Raises:
        InputError: there is no such grouping.
    """
    if by not in GROUPINGS:
        raise InputError(
            "ACODE-RUN-018",
            f"cannot group by {by!r}",
            did_you_mean(by, GROUPINGS, f"use {', '.join(GROUPINGS)}"),
        )
    if by in _CALENDAR:
        return _merged(store.iter_tallies(query, "quarter"), _step_of(by))
    if by == "program":
        return _merged(store.iter_tallies(query, "command"), lambda line: program_of(str(line)))
    return _in_a_row(store.iter_tallies(query, by))


def trend(store: RunStore, query: RunQuery, step: str | None = None) -> Trend:
    """Return totals over time, from the first run to the last.

    Args:
        store: opened by the calling thread.
        query: which runs.
        step: `hour`, `day`, `week`, `month` or `year`; None chooses one from the span.
    """
    tallies = sorted(
        _in_a_row(store.iter_tallies(query, "quarter")), key=lambda counts: int(counts.name or 0)
    )
    quarters = [counts for counts in tallies if step_name("day", _quarter_ms(counts)) is not None]
    if not quarters:
        return Trend(step or "day")
    since, until = quarters[0].oldest, quarters[-1].newest
    chosen = step or choose_step(since, until)
    merged: dict[_Name, Counts] = {}
    for counts in quarters:
        name = step_name(chosen, _quarter_ms(counts))
        merged.setdefault(name, Counts(name)).merge(counts)
    steps = iter_steps(chosen, since, until)
    nothing = Totals()
    return Trend(chosen, tuple(
        Bucket(name, begin, merged[name].finish() if name in merged else nothing) for name, begin in steps
    ))  # fmt: skip


def percentiles(durations: Iterable[T], count: int, ranks: Iterable[int]) -> dict[int, T]:
    """Return the values at some ranks (from 1 to `count`) of that many sorted values."""
    found: dict[int, T] = {}
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
        "by_status", "cost", "durations", "name", "newest", "oldest", "output_bytes", "runs", "timed",
        "tokens", "took",
    )  # fmt: skip

    def __init__(self, name: _Name) -> None:
        self.name = name
        self.runs = 0
        self.by_status: dict[str, int] = {}
        self.timed = 0
        self.took = 0
        self.durations = array("q")
        self.tokens: int | None = None
        self.cost: float | None = None
        self.output_bytes = 0
        self.oldest = 1 << 63
        self.newest = -(1 << 63)

    def add(self, tally: Tally) -> None:
        """Count runs of one status."""
        self.by_status[tally.status] = self.by_status.get(tally.status, 0) + tally.runs
        self.durations.extend(tally.durations)
        self._add(tally.runs, tally.timed, tally.total_duration_ms, tally.output_bytes)
        self._add_use(tally.tokens_used, tally.cost)
        self.oldest = min(self.oldest, tally.oldest)
        self.newest = max(self.newest, tally.newest)

    def merge(self, other: Counts) -> None:
        """Count those of another group as well."""
        for status, runs in other.by_status.items():
            self.by_status[status] = self.by_status.get(status, 0) + runs
        self.durations.extend(other.durations)
        self._add(other.runs, other.timed, other.took, other.output_bytes)
        self._add_use(other.tokens, other.cost)
        self.oldest = min(self.oldest, other.oldest)
        self.newest = max(self.newest, other.newest)

    def _add(self, runs: int, timed: int, took: int, output_bytes: int) -> None:
        self.runs += runs
        self.timed += timed
        self.took += took
        self.output_bytes += output_bytes

    def _add_use(self, tokens: int | None, cost: float | None) -> None:
        if tokens is not None:
            self.tokens = (self.tokens or 0) + tokens
        if cost is not None and isfinite(cost):
            self.cost = (self.cost or 0.0) + cost

    @property
    def failed(self) -> int:
        """How many ended in any way but success."""
        return self.runs - self.by_status.get("success", 0) - self.by_status.get("running", 0)

    @property
    def success_rate(self) -> float:
        """The share that succeeded; more than all where none has ended."""
        finished = self.runs - self.by_status.get("running", 0)
        return self.by_status.get("success", 0) / finished if finished else 2.0

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
        count = self.timed
        p50, p95, p99 = (by_rank.get(rank_of(percent, count)) for percent in PERCENTS)
        low, high = (by_rank.get(rank) for rank in median_ranks(count) or (0, 0))
        return Totals(
            runs=self.runs,
            by_status=self.by_status,
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
            oldest=self.oldest if self.runs else None,
            newest=self.newest if self.runs else None,
        )


def _ranks(count: int) -> tuple[int, ...]:
    return (*(rank_of(percent, count) for percent in PERCENTS), *(median_ranks(count) or ()), count)


def _in_a_row(tallies: Iterable[Tally]) -> Iterator[Counts]:
    """Put together what follows each other."""
    for value, some in groupby(tallies, itemgetter(0)):
        counts = Counts(None if value is None else str(value))
        for tally in some:
            counts.add(tally)
        yield counts


def _merged(tallies: Iterable[Tally], name_of: Callable[[str | int | None], _Name]) -> Iterator[Counts]:
    """Put together what has one name."""
    groups: dict[_Name, Counts] = {}
    for value, some in groupby(tallies, itemgetter(0)):
        name = name_of(value)
        counts = groups.get(name)
        if counts is None:
            counts = groups[name] = Counts(name)
        for tally in some:
            counts.add(tally)
    yield from groups.values()


def _step_of(step: str) -> Callable[[str | int | None], _Name]:
    return lambda quarter: step_name(step, int(quarter or 0) * QUARTER_MS)


def _quarter_ms(counts: Counts) -> int:
    return int(counts.name or 0) * QUARTER_MS


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
