"""What the screen of statistics asks, and what its thread answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from acode_tui.keymap import GROUPS
from acode_tui.render.statistics import Item
from collector import Totals, Trend


@dataclass(frozen=True, slots=True)
class Choice:
    """Which runs are counted: a filter, and since how many milliseconds ago they may have started."""

    text: str = ""
    failed_only: bool = False
    span_ms: int | None = None


@dataclass(frozen=True, slots=True)
class TableChoice:
    """Which table is shown, of what, in which order; the last two only where there is a choice."""

    table: str = GROUPS
    by: str = "command"
    sort: str = "runs"


@dataclass(eq=False, repr=False, match_args=False)
class TotalsRead(Message):
    """What all the runs amount to, and how many artifacts take how many bytes."""

    token: int
    totals: Totals
    artifacts: int
    stored_bytes: int


@dataclass(eq=False, repr=False, match_args=False)
class TrendRead(Message):
    """The runs over time."""

    token: int
    trend: Trend


@dataclass(eq=False, repr=False, match_args=False)
class TableRead(Message):
    """The lines of a table: the first of `count`, or all of them."""

    token: int
    choice: TableChoice
    items: Sequence[Item]
    count: int


@dataclass(eq=False, repr=False, match_args=False)
class StatisticsRead(Message):
    """Everything that was asked for has been told; it took so long."""

    token: int
    seconds: float


@dataclass(eq=False, repr=False, match_args=False)
class StatisticsFailed(Message):
    """The filter is none, or the store could not be read."""

    token: int
    text: str


@dataclass(eq=False, repr=False, match_args=False)
class ItemChosen(Message):
    """A line was chosen with the mouse."""
