"""The statistics screen: what the runs of the filter amount to, over time, and by what one asks for."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Horizontal

from acode_tui.keymap import FLAKY, GROUPS, SLOWEST, STATISTICS, STORAGE, TABLES, footer_keys
from acode_tui.messages import RunsChanged
from acode_tui.messages.statistics import (
    Choice,
    ItemChosen,
    StatisticsFailed,
    StatisticsRead,
    TableChoice,
    TableRead,
    TotalsRead,
    TrendRead,
)
from acode_tui.render.bars import PROMPT, WHERE_WIDTH, collector_fact, workspace_label
from acode_tui.render.format import count
from acode_tui.render.rows import Span
from acode_tui.render.safe import one_line
from acode_tui.render.statistics import item_terms, table_of, without_empty
from acode_tui.render.totals import head_lines
from acode_tui.render.trend_chart import chart_heights, trend_rows
from acode_tui.screens.base import PaneScreen, bindings_for
from acode_tui.settings import Settings
from acode_tui.source.runs import parse_filter
from acode_tui.source.statistics import Answers, StatisticsSource
from acode_tui.widgets.chart import Chart
from acode_tui.widgets.lines import LineList
from acode_tui.widgets.statistics_table import StatisticsTable
from acode_tui.widgets.status_line import StatusLine
from acode_tui.widgets.top_line import SpanBlock, SpanLine
from collector import GROUPINGS, Run, RunQuery, format_query

if TYPE_CHECKING:
    from acode_tui.screens.runs import RunsScreen

PERIODS: tuple[tuple[str, int | None], ...] = (
    ("", None), ("24h", 86_400_000), ("7d", 7 * 86_400_000), ("30d", 30 * 86_400_000),
)  # fmt: skip
ORDERS = {
    GROUPS: ("runs", "failed", "rate", "p50", "p95", "total", "name"),
    SLOWEST: ("p50", "p95", "p99", "total"),
}
_ORDER_NAMES = {
    "runs": "most runs", "failed": "most failed", "rate": "lowest rate", "p50": "highest P50",
    "p95": "highest P95", "p99": "highest P99", "total": "most time in all", "name": "by name",
    "newest": "newest",
}  # fmt: skip
_TIMES = ("hour", "day", "week", "month")
_TITLES = {GROUPS: "by group", SLOWEST: "slowest", FLAKY: "flaky", STORAGE: "storage"}
_CALM, _PATIENCE = 1.0, 10


@dataclass
class Kept:
    """What outlives the screen, so that one comes back to what one has left."""

    tables: dict[str, TableChoice] = field(
        default_factory=lambda: {
            name: TableChoice(name, "command", ORDERS.get(name, ("",))[0]) for name in TABLES
        }
    )
    table: str = GROUPS
    period: int = 0
    cursor: int = 0
    answers: Answers = field(default_factory=Answers)


class StatisticsScreen(PaneScreen):
    """Statistics over the list of runs `home`, whose filter is asked."""

    NAME = STATISTICS
    BINDINGS = bindings_for(STATISTICS)
    AUTO_FOCUS = "#numbers"

    def __init__(self, settings: Settings, home: RunsScreen, kept: Kept) -> None:
        super().__init__(classes="-statistics")
        self.settings = settings
        self.home = home
        self.kept = kept
        self.head = SpanBlock(ground="surface", id="head")
        self.chart = Chart(id="chart")
        self.tabs = SpanLine(ground="panel", id="tabs")
        self.numbers = StatisticsTable(table_of(kept.table, self.choice.by), id="numbers")
        self.status = StatusLine(footer_keys(STATISTICS, kept.table), id="status")
        self.source = StatisticsSource(settings.workspace, self.post_message, kept.answers)
        self.totals: TotalsRead | None = None
        self.trend: TrendRead | None = None
        self.count = 0
        self.trouble = ""
        self._is_reading, self._is_stale = True, False
        self._seconds = 0.0
        self._cursor = kept.cursor

    def compose(self) -> ComposeResult:
        """Lay out the filter, the head, the chart, the table and the bottom line."""
        label = workspace_label(self.settings.workspace.root, os.environ.get("HOME", ""), WHERE_WIDTH)
        with Horizontal(id="top"):
            yield SpanLine([(" statistics ", "accent"), (PROMPT, "faint")], id="brand")
            yield SpanLine(id="typed")
            yield SpanLine([(f" {label} ", "muted")], id="where")
        yield self.head
        yield self.chart
        yield self.tabs
        with Container(id="body"):
            yield self.numbers
        yield self.status

    def on_mount(self) -> None:
        """Begin to count."""
        self.home.watcher = self
        self.source.start()
        self.ask()
        self.call_after_refresh(self.settle)

    def on_unmount(self) -> None:
        """Stop counting."""
        self.kept.cursor = self.numbers.cursor
        self.source.close()

    def panes(self) -> list[LineList]:
        """Return the table."""
        return [self.numbers]

    def current_run(self) -> Run | None:
        """No run is open here."""
        return None

    # What is asked

    @property
    def choice(self) -> TableChoice:
        """The table that is shown."""
        return self.kept.tables[self.kept.table]

    def ask(self) -> None:
        """Count everything; what was counted before stays until then."""
        self._ask(only_table=False)

    def _ask(self, only_table: bool) -> None:
        # A question that only the table is about does not end one that is still about everything.
        only_table = only_table and self.trend is not None
        text, span = self.home.filter_text, PERIODS[self.kept.period][1]
        self._is_reading, self._is_stale = True, False
        self.source.ask(Choice(text, self.home.failed_only, span), self.choice, only_table)
        self.status.show_keys(footer_keys(STATISTICS, self.kept.table))
        self.tell()

    def _ask_all(self) -> None:
        self.totals = self.trend = None
        self.ask()

    def on_totals_read(self, message: TotalsRead) -> None:
        """Show what all runs amount to."""
        if message.token == self.source.token:
            self.totals, self.trouble = message, ""
            self._draw()

    def on_trend_read(self, message: TrendRead) -> None:
        """Show the runs over time."""
        if message.token == self.source.token:
            self.trend = message
            self._draw()

    def on_table_read(self, message: TableRead) -> None:
        """Show the table."""
        if message.token == self.source.token:
            self.count, self.trouble = message.count, ""
            self.numbers.empty_text = _empty_text(message.choice.table, bool(self.home.filter_text.strip()))
            table = table_of(message.choice.table, message.choice.by)
            self.numbers.show(without_empty(table, message.items), message.items, self._cursor)
            self.tell()

    def on_statistics_read(self, message: StatisticsRead) -> None:
        """Take note that all is there, and how long it took."""
        if message.token == self.source.token:
            self._is_reading, self._seconds = False, message.seconds
            self._cursor = self.numbers.cursor
            self.tell()

    def on_statistics_failed(self, message: StatisticsFailed) -> None:
        """Say what is wrong; what was counted before stays."""
        if message.token == self.source.token:
            self.trouble, self._is_reading = message.text, False
            self.tell()

    # What changes

    def store_changed(self, message: RunsChanged) -> None:
        """Count again, if that is quick; else say that it would be worth it."""
        if "again" in self._delays:
            return
        if self._seconds * _PATIENCE > _PATIENCE / 2 or self._is_reading:
            self._is_stale = True
            self.tell()
        else:
            self._delays["again"] = self.set_timer(max(_CALM, _PATIENCE * self._seconds), self._again)

    def store_opened(self) -> None:
        """Count again: this is another database."""
        self.ask()

    def _again(self) -> None:
        self._delays.pop("again", None)
        self._cursor = self.numbers.cursor
        self.ask()

    # Actions

    def action_show(self, table: str) -> None:
        """Show another table."""
        self.kept.table = table
        self._cursor = 0
        self._ask(only_table=True)

    def action_by(self, step: int) -> None:
        """Group by something else."""
        choice = self.choice
        if choice.table not in ORDERS:
            return
        by = GROUPINGS[(GROUPINGS.index(choice.by) + step) % len(GROUPINGS)]
        sort = choice.sort
        if (by in _TIMES) != (choice.by in _TIMES) and choice.table == GROUPS:
            sort = "newest" if by in _TIMES else "runs"
        self._choose(replace(choice, by=by, sort=sort))

    def action_sort(self) -> None:
        """Sort by something else."""
        orders = ORDERS.get(self.choice.table)
        if orders is not None:
            place = orders.index(self.choice.sort) + 1 if self.choice.sort in orders else 0
            self._choose(replace(self.choice, sort=orders[place % len(orders)]))

    def _choose(self, choice: TableChoice) -> None:
        self.kept.tables[choice.table] = choice
        self._cursor = 0
        self._ask(only_table=True)

    def action_period(self) -> None:
        """Count another period."""
        self.kept.period = (self.kept.period + 1) % len(PERIODS)
        self._cursor = 0
        self._ask_all()

    def action_again(self) -> None:
        """Count again."""
        self._cursor = self.numbers.cursor
        self.ask()

    def action_open(self) -> None:
        """Show the runs of a line as a list."""
        item = self.numbers.item
        if item is None:
            return
        terms = item_terms(item, self.choice.by)
        self.kept.cursor = self.numbers.cursor
        words = [self._filter_text(), format_query(RunQuery(terms))]
        self.home.show_runs(" ".join(word for word in words if word), self.home.back_to_statistics)
        self.dismiss()

    def _filter_text(self) -> str:
        """Return the filter, with what else decides which runs are counted."""
        period = PERIODS[self.kept.period][0]
        words = [self.home.filter_text.strip()]
        if self.home.failed_only:
            words.append(format_query(parse_filter("", failed_only=True)))
        words.append(f"since:{period}" if period else "")
        return " ".join(word for word in words if word)

    def on_item_chosen(self, message: ItemChosen) -> None:
        """Show the runs of a line that was clicked twice."""
        self.action_open()

    def action_filter(self) -> None:
        """Go back to the list, into its filter."""
        self.dismiss()
        self.home.action_filter()

    def action_collector(self) -> None:
        """Show how the collector is doing."""
        self.home.action_collector()

    def action_back(self) -> None:
        """Show the table and the rest again, then leave."""
        if not self.unzoom():
            self.dismiss()

    # Drawing

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def _draw(self) -> None:
        width, lines = self.size.width, self.size.height
        if not width:
            return
        if self.totals is not None:
            found = self.totals
            number = 3 if lines >= 30 else 2
            self.head.show_lines(head_lines(found.totals, found.artifacts, found.stored_bytes, width, number))
        if self.trend is not None:
            self.chart.show(trend_rows(self.trend.trend, width, chart_heights(lines)))
        self.tell()

    def tell(self) -> None:
        """Say what is counted, what is shown, and what is going on."""
        text = self._filter_text()
        self.query_one("#typed", SpanLine).show([(text or "all runs", "text" if text else "faint")])
        self.tabs.show(self._tab_spans())
        facts: list[Span] = [("counting …", "running") if self._is_reading else self._counted()]
        if self._is_stale:
            facts.append(("there are new runs, r counts again", "timeout"))
        facts.append(collector_fact(self.home.collector))
        self.status.show([(one_line(self.trouble), "failure")] if self.trouble else facts)

    def _counted(self) -> Span:
        shown = len(self.numbers.items)
        return (f"{shown:,} of {self.count:,}" if shown < self.count else count(shown, "line")), "text"

    def _tab_spans(self) -> list[Span]:
        spans: list[Span] = [(" ", "text")]
        for number, table in enumerate(TABLES):
            ink = "accent" if table == self.kept.table else "muted"
            spans += [(f" {number + 1} ", "faint"), (_TITLES[table] + " ", ink)]
        if self.choice.table in ORDERS:
            spans += [("   by ", "faint"), (self.choice.by, "text"), (", ", "faint")]
            spans.append(
                (_ORDER_NAMES[self.choice.sort] + (" first" if self.choice.sort != "name" else ""), "text")
            )
        return spans


def _empty_text(table: str, is_filtered: bool) -> tuple[str, ...]:
    if table == FLAKY:
        return ("No command goes back and forth.", "", "Three changes of outcome at least make one flaky.")
    if table == STORAGE:
        return ("Nothing is stored for these runs.",)
    return ("No run matches.",) if is_filtered else ("No runs here yet.",)
