"""Reads statistics: totals first, then the trend, then a table. A new question ends the old one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from acode_tui.keymap import FLAKY, SLOWEST, STORAGE
from acode_tui.messages.statistics import (
    Choice,
    StatisticsFailed,
    StatisticsRead,
    TableChoice,
    TableRead,
    TotalsRead,
    TrendRead,
)
from acode_tui.render.statistics import Item
from acode_tui.source.desk import Desk, Post, database_identity
from acode_tui.source.runs import parse_filter, saved_filters
from collector import AcodeError, RunQuery, Term, Workspace, first_groups, flaky_commands, totals, trend

MAX_LINES = 500
"""So many lines of a table are read."""
_LARGEST = 100

T = TypeVar("T")


class Answers:
    """What was counted, as long as nothing happens in the store: then looking at it again costs nothing."""

    def __init__(self) -> None:
        self._state: object = None
        self._found: dict[object, Any] = {}

    def get(self, state: object, question: object, count: Callable[[], T]) -> T:
        """Return the answer to a question in a state of the store, counted where it is not known.

        What was counted in another state is forgotten.
        """
        if state != self._state:
            self._state, self._found = state, {}
        known = self._found
        if question not in known:
            known[question] = count()
        found: T = known[question]
        return found


class StatisticsSource:
    """Answers about many runs, as messages to one screen. A new token makes older answers worthless."""

    def __init__(self, workspace: Workspace, post: Post, answers: Answers) -> None:
        self.token = 0
        self._answers = answers
        self._state: object = None
        self._desk = Desk("acode-statistics", workspace, post)

    def start(self) -> None:
        """Begin to work."""
        self._desk.start()

    def close(self) -> None:
        """Stop; what is being counted is given up, which may take a moment that nobody waits for."""
        self.token += 1
        self._desk.close()

    def ask(self, choice: Choice, table: TableChoice, only_table: bool = False) -> int:
        """Count everything, or only what the table shows; return the token of the answers."""
        self.token += 1
        token = self.token
        self._desk.interrupt()
        self._desk.submit(lambda: self._answer(token, choice, table, only_table))
        return token

    # In the thread

    def _answer(self, token: int, choice: Choice, table: TableChoice, only_table: bool) -> None:
        began = time.monotonic()
        try:
            saved = saved_filters(self._desk.workspace)
            query = query_of(choice, int(time.time() * 1000), saved)
            self._state = (database_identity(self._desk.workspace), self._desk.stores()[0].last_event_id())
            if not only_table:
                self._read_totals(token, query)
                self._read_trend(token, query)
            self._read_table(token, query, table)
        except AcodeError as error:
            # A newer question has interrupted this one: that is no failure.
            if token == self.token:
                self._desk.forget_stores()
                self._desk.post(StatisticsFailed(token, error.message))
            return
        if token == self.token:
            self._desk.post(StatisticsRead(token, time.monotonic() - began))

    def _known(self, question: object, count: Callable[[], T]) -> T:
        return self._answers.get(self._state, question, count)

    def _read_totals(self, token: int, query: RunQuery) -> None:
        if token == self.token:
            runs, artifacts = self._desk.stores()
            found = self._known(
                ("totals", query), lambda: (totals(runs, query), *artifacts.count_stored(query))
            )
            self._desk.post(TotalsRead(token, *found))

    def _read_trend(self, token: int, query: RunQuery) -> None:
        if token == self.token:
            found = self._known(("trend", query), lambda: trend(self._desk.stores()[0], query))
            self._desk.post(TrendRead(token, found))

    def _read_table(self, token: int, query: RunQuery, table: TableChoice) -> None:
        if token == self.token:
            items, count = self._known((table, query), lambda: self._lines(query, table))
            self._desk.post(TableRead(token, table, items, count))

    def _lines(self, query: RunQuery, table: TableChoice) -> tuple[Sequence[Item], int]:
        runs, artifacts = self._desk.stores()
        if table.table == STORAGE:
            stored: list[Item] = [*artifacts.storage_shares(query), *artifacts.largest_runs(query, _LARGEST)]
            return stored, len(stored)
        if table.table == FLAKY:
            flaky = flaky_commands(runs, query)
            return flaky[:MAX_LINES], len(flaky)
        groups, count = first_groups(runs, query, table.by, table.sort, MAX_LINES)
        if table.table == SLOWEST:
            groups = tuple(group for group in groups if group.totals.timed)
        return groups, count


def query_of(choice: Choice, now_ms: int, saved: Mapping[str, str]) -> RunQuery:
    """Return the query of a choice; `saved` are the filters that `@name` stands for.

    Raises:
        AcodeError: the text is no filter.
    """
    query = parse_filter(choice.text, choice.failed_only, saved)
    if choice.span_ms is None:
        return query
    return RunQuery((*query.terms, Term("start_time", (now_ms - choice.span_ms,), ">=")))
