"""Tables of statistics as text: groups, flaky commands, storage. Pure.

A table's first column takes the room that the others leave; where that is too little, those that matter
least are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from acode_tui.keymap import FLAKY, STORAGE
from acode_tui.render.format import cost, duration, moment, size, tokens
from acode_tui.render.rows import Column, Span
from acode_tui.render.rows import fit as fitted
from acode_tui.render.safe import one_line
from collector import FlakyCommand, Group, LargeRun, StorageShare, Term, Totals, group_terms

Item = Group | FlakyCommand | StorageShare | LargeRun
_Cell = Callable[[Any, int], Span]

_GAP = 2
_LEAST_NAME = 24
_RARE = ("output", "tokens", "cost")
_NO_VALUE = "(none)"


@dataclass(frozen=True, slots=True)
class Table:
    """How the lines of a table are made of its items; columns that matter most come first."""

    name: str
    cells: Mapping[str, tuple[Column, _Cell]]

    def columns(self, width: int) -> list[str]:
        """Return which columns there is room for, beside the name."""
        room, chosen = width - 2 - _LEAST_NAME, []
        for key, (column, _) in self.cells.items():
            room -= column.width + _GAP
            if room < 0:
                break
            chosen.append(key)
        return chosen

    def title_spans(self, width: int) -> list[Span]:
        """Return the line of titles."""
        columns = [self.cells[key][0] for key in self.columns(width)]
        name = fitted(self.name, _name_width(columns, width))
        return [(" ".join(["", name]), "faint"), *((_padded(c.title, c), "faint") for c in columns)]

    def line_spans(self, item: Item, width: int, now: int) -> list[Span]:
        """Return an item's line."""
        keys = self.columns(width)
        columns = [self.cells[key][0] for key in keys]
        text, ink = name_of(item)
        spans: list[Span] = [(" ", "text"), (fitted(text, _name_width(columns, width)), ink)]
        for key in keys:
            column, cell = self.cells[key]
            text, ink = cell(item, now)
            spans.append((_padded(text, column), ink))
        return spans


def _name_width(columns: Sequence[Column], width: int) -> int:
    return max(1, width - 2 - sum(column.width + _GAP for column in columns))


def _padded(text: str, column: Column) -> str:
    return " " * _GAP + fitted(text, column.width, column.right)


def name_of(item: Item) -> Span:
    """Return what an item is called."""
    if isinstance(item, Group):
        return (_NO_VALUE, "faint") if item.name is None else (one_line(item.name, 1000), "text")
    if isinstance(item, StorageShare):
        return f"all of type {one_line(item.type, 80)}", "accent"
    return one_line(item.command_line, 1000), "text"


def table_of(table: str, by: str) -> Table:
    """Return one of the tables."""
    if table == FLAKY:
        return Table("command", _FLAKY_CELLS)
    if table == STORAGE:
        return Table("by type, and the largest runs", _STORAGE_CELLS)
    return Table(by, _GROUP_CELLS)


def without_empty(table: Table, items: Sequence[Item]) -> Table:
    """Return a table without those columns of which few runs know anything, where none of these does."""
    kept = {
        key: (column, cell)
        for key, (column, cell) in table.cells.items()
        if key not in _RARE or any(cell(item, 0)[0] for item in items)
    }
    return Table(table.name, kept)


def item_terms(item: Item, by: str) -> tuple[Term, ...]:
    """Return the conditions that find an item's runs, as they may stand in a line to type in.

    What is recorded must not get there unless it is harmless: then its beginning does.
    """
    if isinstance(item, Group):
        terms = group_terms(by, item.name, item.totals.oldest)
    elif isinstance(item, FlakyCommand):
        terms = (
            *group_terms("command", item.command_line),
            *group_terms("directory", item.working_directory),
        )
    elif isinstance(item, StorageShare):
        terms = group_terms("type", item.type)
    else:
        terms = (Term("run_id", (item.run_id,)),)
    return tuple(harmless(term) for term in terms)


def harmless(term: Term) -> Term:
    """Return a condition whose text is harmless, and finds what the term finds, and perhaps more."""
    value = term.values[0]
    if not isinstance(value, str) or one_line(value, len(value) + 1) == value:
        return term
    plain = "".join(takewhile(lambda c: one_line(c) == c and c not in "*?", value))
    is_prefix = term.field in ("session_id", "agent_instance_id", "run_id")
    return Term(term.field, (plain if is_prefix else plain + "*",), ":", term.negated)


def _rate_cell(totals: Totals) -> Span:
    rate = totals.success_rate
    if rate is None:
        return "", "faint"
    ink = "success" if rate >= 0.95 else "timeout" if rate >= 0.8 else "failure"
    return percent(rate), ink


def percent(share: float) -> str:
    """Format a share in at most five cells; only a whole is 100%, only nothing is 0%."""
    text = f"{100 * share:.1f}%"
    if text == "100.0%":
        return "100%" if share >= 1 else "99.9%"
    return text if share <= 0 or text != "0.0%" else "<0.1%"


def _of_totals(write: Callable[[Totals], str], ink: str = "muted") -> _Cell:
    return lambda group, now: (write(group.totals), ink)


def _failed_cell(group: Group, now: int) -> Span:
    failed = group.totals.failed
    return (f"{failed:,}", "failure") if failed else ("", "faint")


def _newest(ms: int | None, now: int) -> Span:
    try:
        return ("" if ms is None else moment(ms, now, 12)), "faint"
    except (OverflowError, OSError, ValueError):
        return "?", "faint"


_GROUP_CELLS: dict[str, tuple[Column, _Cell]] = {
    "runs": (Column("runs", "runs", 9, True), _of_totals(lambda t: f"{t.runs:,}", "text")),
    "failed": (Column("failed", "failed", 7, True), _failed_cell),
    "rate": (Column("rate", "rate", 5, True), lambda group, now: _rate_cell(group.totals)),
    "p50": (Column("p50", "P50", 6, True), _of_totals(lambda t: duration(t.p50_duration_ms), "text")),
    "p95": (Column("p95", "P95", 6, True), _of_totals(lambda t: duration(t.p95_duration_ms))),
    "total": (Column("total", "total", 7, True), _of_totals(lambda t: duration(t.total_duration_ms))),
    "newest": (Column("newest", "newest", 12), lambda group, now: _newest(group.totals.newest, now)),
    "p99": (Column("p99", "P99", 6, True), _of_totals(lambda t: duration(t.p99_duration_ms))),
    "max": (Column("max", "longest", 7, True), _of_totals(lambda t: duration(t.max_duration_ms))),
    "output": (Column("output", "output", 8, True), _of_totals(lambda t: size(t.output_bytes or None))),
    "tokens": (Column("tokens", "tokens", 7, True), _of_totals(lambda t: tokens(t.tokens_used))),
    "cost": (Column("cost", "cost", 8, True), _of_totals(lambda t: cost(t.cost))),
}
_FLAKY_CELLS: dict[str, tuple[Column, _Cell]] = {
    "score": (Column("score", "flaky", 6, True), lambda item, now: (percent(item.score), "timeout")),
    "runs": (Column("runs", "runs", 8, True), lambda item, now: (f"{item.runs:,}", "text")),
    "failed": (Column("failed", "failed", 7, True), lambda item, now: (f"{item.failed:,}", "failure")),
    "changes": (Column("changes", "changes", 7, True), lambda item, now: (f"{item.changes:,}", "muted")),
    "newest": (Column("newest", "newest", 12), lambda item, now: _newest(item.newest, now)),
    "folder": (Column("folder", "folder", 36), lambda item, now: (one_line(item.working_directory), "faint")),
}
_STORAGE_CELLS: dict[str, tuple[Column, _Cell]] = {
    "stored": (Column("stored", "stored", 8, True), lambda item, now: (size(item.stored_bytes), "text")),
    "files": (Column("files", "files", 9, True), lambda item, now: (f"{item.artifacts:,}", "muted")),
    "content": (
        Column("content", "content", 8, True),
        lambda item, now: (size(getattr(item, "content_bytes", None)), "muted"),
    ),
    "runs": (
        Column("runs", "runs", 9, True),
        lambda item, now: (f"{item.runs:,}" if isinstance(item, StorageShare) else "", "muted"),
    ),
}
