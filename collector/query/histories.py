"""The history of each command in its folder: which are flaky, and which broke when. Pure.

Two runs are of the same command when command line and folder are the same, letter by letter. An outcome is
success, or failure (a timeout is one); a run that somebody cancelled, or that still runs, says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import nsmallest
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from collector.model.frozen import replace
from collector.model.query import RunQuery
from collector.model.statistics import FirstFailure, FlakyCommand
from collector.query.statistics import share_interval
from collector.store.protocols import RunStore

LEAST_CHANGES = 3
"""A command whose outcome changed less often failed once and was fixed, or was fixed and broke again."""

T = TypeVar("T")
Outcome = tuple[bool, int, str]
"""Whether it succeeded, when it started, its id."""


def flaky_commands(store: RunStore, query: RunQuery, limit: int = 0) -> tuple[FlakyCommand, ...]:
    """Return commands whose outcome went back and forth, first those that most surely do so most often.

    With few runs a high score is nothing sure: the order is that of the lower end of its 95 % interval.

    Args:
        store: opened by the calling thread.
        query: which runs.
        limit: how many; 0 for all.
    """
    found = (flaky for history in histories(store, query) if (flaky := flakiness(*history)))
    first = _first(found, limit, _least_surely)
    return tuple(replace(item, **_shown(store, item)) for item in first)


def broken_commands(store: RunStore, query: RunQuery, since: int, limit: int = 0) -> tuple[FirstFailure, ...]:
    """Return commands that had succeeded when last run before a time, and failed then; first failure first.

    Args:
        store: opened by the calling thread.
        query: which runs, also those from before.
        since: the time, in milliseconds since 1970.
        limit: how many; 0 for all.
    """
    found = (first for history in histories(store, query) if (first := first_failure(*history, since)))
    items = _first(found, limit, lambda item: (item.start_time, item.run_id))
    return tuple(replace(item, **_shown(store, item)) for item in items)


def _shown(store: RunStore, item: FlakyCommand | FirstFailure) -> dict[str, Any]:
    names = ("command_line", "working_directory")
    return {name: store.shown(getattr(item, name)) for name in names}


def _least_surely(item: FlakyCommand) -> tuple[float, str, str]:
    interval = share_interval(item.changes, item.runs - 1)
    return -(interval[0] if interval else 0.0), item.command_line, item.working_directory


def histories(store: RunStore, query: RunQuery) -> Iterator[tuple[str, str, Iterator[Outcome]]]:
    """Yield command line, folder and outcomes, oldest first, of each command that may have changed."""
    for (line, directory), runs in groupby(store.iter_outcomes(query), itemgetter(0, 1)):
        yield line, directory, ((row[2] == "success", row[3], row[4]) for row in runs)


def flakiness(line: str, directory: str, outcomes: Iterable[Outcome]) -> FlakyCommand | None:
    """Return how flaky a command is, None where nothing speaks for it.

    Args:
        line: its command line.
        directory: its folder.
        outcomes: oldest first; taken one at a time.
    """
    runs = failed = changes = newest = 0
    last: bool | None = None
    failed_id = ""
    for succeeded, newest, run_id in outcomes:  # noqa: B007 - the last one's time
        runs += 1
        if not succeeded:
            failed, failed_id = failed + 1, run_id
        changes += last is not None and succeeded != last
        last = succeeded
    if changes < LEAST_CHANGES:
        return None
    return FlakyCommand(line, directory, runs, failed, changes, changes / (runs - 1), newest, failed_id)


def first_failure(line: str, directory: str, outcomes: Iterable[Outcome], since: int) -> FirstFailure | None:
    """Return how a command broke at or after a time, None where it did not, or had not worked before.

    Args:
        line: its command line.
        directory: its folder.
        outcomes: oldest first; taken one at a time.
        since: the time, in milliseconds since 1970.
    """
    worked_before = fixed = False
    worked: int | None = None
    broke: Outcome | None = None
    failures = 0
    for outcome in outcomes:
        succeeded, start, _ = outcome
        fixed = succeeded
        if start < since:
            worked_before = succeeded
        elif not succeeded:
            broke, failures = broke or outcome, failures + 1
        if succeeded and broke is None:
            worked = start
    if broke is None or worked is None or not worked_before:
        return None
    return FirstFailure(line, directory, broke[2], broke[1], worked, failures, fixed)


def _first(items: Iterable[T], limit: int, key: Callable[[T], Any]) -> tuple[T, ...]:
    return tuple(nsmallest(limit, items, key) if limit else sorted(items, key=key))
