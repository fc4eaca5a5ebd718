"""Two periods compared: what became slower, and what fails more, told apart from chance. Pure.

A duration has changed when the two medians' 95 % intervals do not meet, a success rate when the two Wilson
intervals do not. With less than six runs a median has no such interval: then nothing is said.
"""

from __future__ import annotations

from collector.errors import InputError
from collector.model.query import RunQuery, Term
from collector.model.statistics import Change, Period, PeriodComparison, Totals
from collector.query.statistics import group_runs, share_interval
from collector.store.protocols import RunStore

WEEK_MS = 7 * 86_400_000
_BOUNDS = (">", ">=", "<", "<=")
_EARLIEST, _LATEST = -(1 << 62), 1 << 62


def split_period(query: RunQuery) -> tuple[RunQuery, int | None, int | None]:
    """Return a query without its plain conditions on the time, and the span that these mean.

    The end of the span is not part of it; None where there is no such condition.
    """
    rest: list[Term] = []
    since, until = _EARLIEST, _LATEST
    for term in query.terms:
        bounds = _bounds(term)
        if bounds is None:
            rest.append(term)
        else:
            since, until = max(since, bounds[0]), min(until, bounds[1])
    query = RunQuery(tuple(rest))
    return query, None if since == _EARLIEST else since, None if until == _LATEST else until


def _bounds(term: Term) -> tuple[int, int] | None:
    """Return from where and to before where a condition lets a run start; None for any other condition."""
    if term.field != "start_time" or term.negated or term.operator not in _BOUNDS or len(term.values) != 1:
        return None
    moment = int(term.values[0])
    return {
        ">=": (moment, _LATEST), ">": (moment + 1, _LATEST),
        "<": (_EARLIEST, moment), "<=": (_EARLIEST, moment + 1),
    }[term.operator]  # fmt: skip


def periods(query: RunQuery, now_ms: int, earlier: RunQuery | None = None) -> tuple[RunQuery, Period, Period]:
    """Return what is asked apart from time, the earlier period, and the later one.

    The later one is what the query says, without an end until now, without a beginning the last week. The
    earlier one is what `earlier` says, else as long, and ends where the later one begins.

    Raises:
        InputError: a period ends before it begins, or `earlier` asks for something else than a time.
    """
    rest, since, until = split_period(query)
    until = now_ms + 1 if until is None else until
    later = _period(until - WEEK_MS if since is None else since, until)
    if earlier is None:
        return rest, _period(later.since - (later.until - later.since), later.since), later
    others, since, until = split_period(earlier)
    if others.terms or since is None:
        raise InputError(
            "ACODE-RUN-018", "the period to compare with has no beginning", "write 'since:14d until:7d'"
        )
    return rest, _period(since, later.since if until is None else until), later


def _period(since: int, until: int) -> Period:
    if until <= since:
        raise InputError("ACODE-RUN-018", "the period ends before it begins", "swap since and until")
    return Period(since, until)


def within(query: RunQuery, period: Period) -> RunQuery:
    """Return a query for the runs that started in a period."""
    bounds = (Term("start_time", (period.since,), ">="), Term("start_time", (period.until,), "<"))
    return RunQuery((*query.terms, *bounds))


def compare_periods(
    store: RunStore, query: RunQuery, before: Period, after: Period, by: str = "command", limit: int = 0
) -> PeriodComparison:
    """Return how the runs of two periods differ, what became worse first.

    Args:
        store: opened by the calling thread.
        query: which runs, whenever they started.
        before: the earlier period.
        after: the later one.
        by: one of `GROUPINGS`.
        limit: how many groups; 0 for all.
    """
    earlier = group_runs(store, within(query, before), by)
    later = group_runs(store, within(query, after), by)
    old = {group.name: group.totals for group in earlier.groups}
    new = {group.name: group.totals for group in later.groups}
    nothing = Totals()
    changes = [change(name, old.get(name, nothing), new.get(name, nothing)) for name in {**new, **old}]
    changes.sort(key=_worst_first)
    whole = change(None, earlier.totals, later.totals)
    return PeriodComparison(by, before, after, whole, tuple(changes[: limit or None]), len(changes))


def change(name: str | None, before: Totals, after: Totals) -> Change:
    """Return how one thing differs."""
    old, new = before.p50_duration_ms, after.p50_duration_ms
    slower = new / old if old and new is not None and old > 0 else None
    old_rate, new_rate = before.success_rate, after.success_rate
    rate_change = None if old_rate is None or new_rate is None else new_rate - old_rate
    return Change(name, before, after, slower, rate_change, _findings(before, after))


def _findings(before: Totals, after: Totals) -> tuple[str, ...]:
    if not before.runs or not after.runs:
        return ("new",) if after.runs else ("gone",) if before.runs else ()
    found = [*_rate_findings(before, after), *_duration_findings(before, after)]
    if not found and (before.p50_interval is None or after.p50_interval is None):
        return ("few runs",)
    return tuple(found)


def _rate_findings(before: Totals, after: Totals) -> list[str]:
    old, new = rate_interval(before), rate_interval(after)
    if old is None or new is None:
        return []
    return ["fails more"] if new[1] < old[0] else ["fails less"] if new[0] > old[1] else []


def _duration_findings(before: Totals, after: Totals) -> list[str]:
    old, new = before.p50_interval, after.p50_interval
    if old is None or new is None:
        return []
    return ["slower"] if new[0] > old[1] else ["faster"] if new[1] < old[0] else []


def rate_interval(totals: Totals) -> tuple[float, float] | None:
    """Return between which values the true success rate lies with 95 % confidence; None for no runs."""
    return share_interval(totals.success, totals.runs - totals.running)


def _worst_first(item: Change) -> tuple[int, float, int, str]:
    """Order by what was found, then by how much worse it is: a share of time or of runs that were lost."""
    found = set(item.findings)
    if found & {"fails more", "slower"}:
        rank = 0
    elif found & {"fails less", "faster"}:
        rank = 2
    else:
        rank = 3 if "few runs" in found else 4 if "new" in found else 5 if "gone" in found else 1
    lost = max(-(item.rate_change or 0.0), 1 - 1 / item.slower if item.slower else 0.0)
    return rank, -lost, -item.after.runs, item.name or ""
