"""Totals of many runs: over all of them, by group, over time. Pure, over what a store streams.

A percentile is the nearest rank on exact values: of n sorted durations the one at position
ceil(n * percent / 100), counted from 1; so it is always the duration of a run. Memory grows with the groups
that are asked for, and with the durations of one group while that is finished, never with records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import nsmallest
from itertools import islice
from math import comb, isfinite, sqrt
from operator import itemgetter

from collector.errors import InputError
from collector.model.query import RunQuery
from collector.model.run import STATUSES
from collector.model.statistics import GROUPINGS, Bucket, Group, Grouped, Tally, Totals, Trend
from collector.query.programs import program_of
from collector.query.steps import QUARTER_MS, choose_step, iter_steps, step_name
from collector.store.protocols import RunStore
from collector.suggest import did_you_mean

SORTS = ("runs", "failed", "rate", "p50", "p95", "p99", "total", "name", "newest")
"""What groups can be put in order by: the largest first, the lowest success rate, names from A to Z."""
PERCENTS = (50, 95, 99)

_FREE_TEXT = ("command", "directory")
"""Groupings whose names may hold what is not to be shown."""
_CALENDAR = ("hour", "day", "week", "month")
_NO_DURATION = 1 << 64
DurationsAt = Callable[[Sequence[int]], Mapping[int, int]]
_Value = str | int | None
_Name = str | None


def totals(store: RunStore, query: RunQuery) -> Totals:
    """Return the totals of every run that fits; memory does not grow with them."""
    for tally in store.iter_tallies(query, None):
        return totals_of(tally, partial(store.durations_at, query))
    return Totals()


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

    def counted() -> Iterator[Tally]:
        nonlocal seen
        for tally in iter_groups(store, query, by):
            seen += 1
            yield tally

    first = nsmallest(limit, counted(), key) if limit else sorted(counted(), key=key)
    names: Iterable[_Name] = map(_name, first)
    if by in _FREE_TEXT:
        names = (store.shown(name) if name else name for name in names)
    return tuple(Group(name, totals_of(tally)) for name, tally in zip(names, first, strict=True)), seen


def iter_groups(store: RunStore, query: RunQuery, by: str) -> Iterable[Tally]:
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
    return store.iter_tallies(query, by)


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
    merged = {tally.value: totals_of(tally) for tally in _merged(quarters, _step_of(chosen))}
    nothing = Totals()
    return Trend(chosen, tuple(
        Bucket(name, begin, merged.get(name, nothing))
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


def totals_of(tally: Tally, durations_at: DurationsAt | None = None) -> Totals:
    """Return what a tally amounts to.

    Args:
        tally: what was counted.
        durations_at: gives the durations at some ranks; None for those that are in the tally.
    """
    count = tally.timed
    low_rank, high_rank = median_ranks(count) or (0, 0)
    ranks = (*(rank_of(percent, count) for percent in PERCENTS), low_rank, high_rank, count)
    found: Mapping[int, int]
    if durations_at is None:
        found = percentiles(tally.sorted_durations(), count, ranks)
    else:
        found = durations_at(ranks)
    p50, p95, p99, low, high, most = map(found.get, ranks)
    statuses = {status: tally.outcomes.count(status[0]) for status in STATUSES}
    return Totals(
        runs=tally.runs,
        by_status={status: runs for status, runs in statuses.items() if runs},
        timed=count,
        total_duration_ms=tally.total_duration_ms,
        mean_duration_ms=tally.total_duration_ms / count if count else None,
        p50_duration_ms=p50,
        p95_duration_ms=p95,
        p99_duration_ms=p99,
        max_duration_ms=most,
        p50_interval=None if low is None or high is None else (low, high),
        tokens_used=tally.tokens_used,
        cost=tally.cost if tally.cost is not None and isfinite(tally.cost) else None,
        output_bytes=tally.output_bytes,
        oldest=tally.oldest,
        newest=tally.newest,
    )


class _Merging:
    """Tallies of one name, put together; what they list stays text."""

    __slots__ = ("cost", "durations", "newest", "oldest", "outcomes", "output", "timed", "tokens", "took")

    def __init__(self) -> None:
        self.outcomes = bytearray()
        self.durations = bytearray()
        self.timed = self.took = self.output = 0
        self.tokens: int | None = None
        self.cost: float | None = None
        self.oldest, self.newest = 1 << 63, -(1 << 63)

    def add(self, tally: Tally) -> None:
        """Put in one more."""
        self.outcomes += tally.outcomes.encode()
        if tally.durations:
            self.durations += b"," if self.durations else b""
            self.durations += tally.durations.encode()
        self.timed += tally.timed
        self.took += tally.total_duration_ms
        self.output += tally.output_bytes
        if tally.tokens_used is not None:
            self.tokens = (self.tokens or 0) + tally.tokens_used
        if tally.cost is not None:
            self.cost = (self.cost or 0.0) + tally.cost
        self.oldest = min(self.oldest, tally.oldest)
        self.newest = max(self.newest, tally.newest)

    def tally(self, name: _Name) -> Tally:
        """Return them as one."""
        return Tally(
            name, self.outcomes.decode(), self.timed, self.took, self.durations.decode(), self.tokens,
            self.cost, self.output, self.oldest, self.newest,
        )  # fmt: skip


def _merged(tallies: Iterable[Tally], name_of: Callable[[_Value], _Name]) -> Iterator[Tally]:
    """Put together what has one name."""
    groups: dict[_Name, _Merging] = {}
    for tally in tallies:
        name = name_of(tally.value)
        group = groups.get(name)
        if group is None:
            group = groups[name] = _Merging()
        group.add(tally)
    for name, group in groups.items():
        yield group.tally(name)


def _step_of(step: str) -> Callable[[_Value], _Name]:
    return lambda quarter: step_name(step, int(quarter or 0) * QUARTER_MS)


def _begin(tally: Tally) -> int:
    return int(tally.value or 0) * QUARTER_MS


def _name(tally: Tally) -> _Name:
    return None if tally.value is None else str(tally.value)


def _order(sort: str) -> Callable[[Tally], tuple[float, bool, str]]:
    """Return the key of an order; ties go by name, and what has none is last.

    Raises:
        InputError: there is no such order.
    """
    if sort not in SORTS:
        hint = did_you_mean(sort, SORTS, f"use one of {', '.join(SORTS)}")
        raise InputError("ACODE-RUN-018", f"cannot sort by {sort!r}", hint)
    value = _SORT_VALUES[sort]
    return lambda tally: (value(tally), tally.value is None, str(tally.value))


def _percentile(percent: int) -> Callable[[Tally], float]:
    """Return what sorts by a percentile, the largest first, and those without durations last."""

    def value(tally: Tally) -> float:
        durations = tally.sorted_durations()
        return -durations[rank_of(percent, len(durations)) - 1] if durations else _NO_DURATION

    return value


_SORT_VALUES: dict[str, Callable[[Tally], float]] = {
    "runs": lambda tally: -len(tally.outcomes),
    "failed": lambda tally: -tally.failed,
    "rate": lambda tally: tally.success_rate,
    "p50": _percentile(50),
    "p95": _percentile(95),
    "p99": _percentile(99),
    "total": lambda tally: -tally.total_duration_ms,
    "name": lambda tally: 0,
    "newest": lambda tally: -tally.newest,
}
