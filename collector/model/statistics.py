"""What many runs amount to: totals, groups, trends, and how two periods differ. All are frozen.

Durations are whole milliseconds, times milliseconds since 1970 (ISO 8601 in JSON). A percentile is the
nearest rank on exact values (the smallest value that at least so many percent are not above), never an
interpolation: it is always the duration of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from json import loads
from typing import Any, NamedTuple

from collector.clock import format_iso

FAILED = ("failure", "timeout", "cancelled")
GROUPINGS = (
    "command", "program", "task", "type", "status", "context", "session", "agent", "instance", "model",
    "tool", "host", "directory", "hour", "day", "week", "month",
)  # fmt: skip
"""What runs can be grouped by; `program` is the first word or two of a command line, such as `git diff`."""


class Tally(NamedTuple):
    """What a store counts of the runs that have one value of something.

    Of a million tallies all but a few are only put in order: so what is listed stays text, as it comes.
    `outcomes` is the first letter of each run's status, `durations` the milliseconds of each that tells
    them (`timed` of them), separated by commas, in no order; None where they are too many to be held.
    """

    value: str | int | None
    outcomes: str
    timed: int
    total_duration_ms: int
    durations: str | None
    tokens_used: int | None
    cost: float | None
    output_bytes: int
    oldest: int
    newest: int

    @property
    def runs(self) -> int:
        """How many there are."""
        return len(self.outcomes)

    @property
    def failed(self) -> int:
        """How many ended in any way but success."""
        return len(self.outcomes) - self.outcomes.count("s") - self.outcomes.count("r")

    @property
    def success_rate(self) -> float:
        """The share of those that ended which succeeded; more than all where none has."""
        ended = len(self.outcomes) - self.outcomes.count("r")
        return self.outcomes.count("s") / ended if ended else 2.0

    def sorted_durations(self) -> list[int]:
        """Return the durations, the shortest first."""
        found: list[int] = loads(f"[{self.durations or ''}]")
        found.sort()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Totals of some runs.

    Durations are those of runs that tell one (`timed` of them: they have ended); each is None where there is
    none. `p50_interval` holds the true median with 95 % confidence (None for less than six durations).
    `tokens_used` and `cost` are None where no run tells.
    """

    runs: int = 0
    by_status: Mapping[str, int] = field(default_factory=dict)
    timed: int = 0
    total_duration_ms: int = 0
    mean_duration_ms: float | None = None
    p50_duration_ms: int | None = None
    p95_duration_ms: int | None = None
    p99_duration_ms: int | None = None
    max_duration_ms: int | None = None
    p50_interval: tuple[int, int] | None = None
    tokens_used: int | None = None
    cost: float | None = None
    output_bytes: int = 0
    oldest: int | None = None
    newest: int | None = None

    @property
    def success(self) -> int:
        """How many succeeded."""
        return self.by_status.get("success", 0)

    @property
    def failed(self) -> int:
        """How many ended in any other way."""
        return sum(self.by_status.get(status, 0) for status in FAILED)

    @property
    def running(self) -> int:
        """How many have not ended."""
        return self.by_status.get("running", 0)

    @property
    def success_rate(self) -> float | None:
        """The share of those that ended which succeeded, 0 to 1; None where none has ended."""
        finished = self.runs - self.running
        return self.success / finished if finished else None

    def to_json(self) -> dict[str, Any]:
        """Return the totals as one flat record."""
        return {
            "runs": self.runs,
            "success": self.success,
            "failed": self.failed,
            "running": self.running,
            "success_rate": None if self.success_rate is None else round(self.success_rate, 6),
            "by_status": dict(self.by_status),
            "timed": self.timed,
            "total_duration_ms": self.total_duration_ms,
            "mean_duration_ms": self.mean_duration_ms,
            "p50_duration_ms": self.p50_duration_ms,
            "p95_duration_ms": self.p95_duration_ms,
            "p99_duration_ms": self.p99_duration_ms,
            "max_duration_ms": self.max_duration_ms,
            "tokens_used": self.tokens_used,
            "cost": self.cost,
            "output_bytes": self.output_bytes,
            "oldest": _iso(self.oldest),
            "newest": _iso(self.newest),
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Totals of the runs that have one value; `name` is None for those that have none."""

    name: str | None
    totals: Totals

    def to_json(self) -> dict[str, Any]:
        """Return the group as one flat record."""
        return {"name": self.name, **self.totals.to_json()}


@dataclass(frozen=True, slots=True)
class Grouped:
    """The groups that were asked for, in that order, out of `count`; `totals` are of all runs."""

    by: str
    totals: Totals
    groups: tuple[Group, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Period:
    """A time span; its end is not part of it."""

    since: int
    until: int

    def to_json(self) -> dict[str, Any]:
        """Return it with ISO 8601 times."""
        return {"since": _iso(self.since), "until": _iso(self.until)}


@dataclass(frozen=True, slots=True)
class Bucket:
    """One step of a trend; `name` is its local date, as people write it."""

    name: str
    since: int
    totals: Totals

    def to_json(self) -> dict[str, Any]:
        """Return the bucket as one flat record."""
        return {"name": self.name, "since": _iso(self.since), **self.totals.to_json()}


@dataclass(frozen=True, slots=True)
class Trend:
    """Totals over time, oldest first, in steps of an `hour`, `day`, `week`, `month` or `year`, local time.

    Steps without runs are there, with totals of nothing.
    """

    step: str
    buckets: tuple[Bucket, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """How one group (None: runs without a value; in `PeriodComparison.totals`: all) differs.

    `slower` is the later median over the earlier one, None where either is missing or zero; `rate_change`
    the later success rate minus the earlier one. `findings` says what is more than chance, at 95 %
    confidence: `slower`, `faster`, `fails more`, `fails less`; and `new`, `gone`, `few runs` where there is
    too little to tell anything.
    """

    name: str | None
    before: Totals
    after: Totals
    slower: float | None = None
    rate_change: float | None = None
    findings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the change with both totals."""
        return {
            "name": self.name,
            "findings": list(self.findings),
            "slower": self.slower,
            "rate_change": self.rate_change,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
        }


@dataclass(frozen=True, slots=True)
class PeriodComparison:
    """Two periods compared: over all runs, and by group, what became worse first."""

    by: str
    before: Period
    after: Period
    totals: Change
    changes: tuple[Change, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class FlakyCommand:
    """A command line in a folder whose outcome goes back and forth.

    `score` is the share of its `runs` (those that ended, less the first) that ended otherwise than the run
    before, 0 to 1.
    """

    command_line: str
    working_directory: str
    runs: int
    failed: int
    changes: int
    score: float
    newest: int
    run_id: str
    """The newest run of it that failed."""

    def to_json(self) -> dict[str, Any]:
        """Return it as one flat record."""
        return {name: getattr(self, name) for name in self.__slots__} | {"newest": _iso(self.newest)}


@dataclass(frozen=True, slots=True)
class FirstFailure:
    """A command that had last succeeded, and then failed for the first time in a period.

    `run_id` and `start_time` are of that first failure, `last_success` is when it had succeeded,
    `failed_since` how often it failed from then on, `fixed` whether it has succeeded again since.
    """

    command_line: str
    working_directory: str
    run_id: str
    start_time: int
    last_success: int
    failed_since: int
    fixed: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as one flat record."""
        times = {"start_time": _iso(self.start_time), "last_success": _iso(self.last_success)}
        return {name: getattr(self, name) for name in self.__slots__} | times


@dataclass(frozen=True, slots=True)
class StorageShare:
    """What the artifacts of runs of one type take, in bytes; `runs` counts those that have any."""

    type: str
    runs: int
    artifacts: int
    content_bytes: int
    stored_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return it as one flat record."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class LargeRun:
    """A run that takes much."""

    run_id: str
    name: str
    command_line: str
    artifacts: int
    stored_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return it as one flat record."""
        return {name: getattr(self, name) for name in self.__slots__}


def _iso(ms: int | None) -> str | None:
    """Return a time as JSON has it; None for one that no calendar has."""
    try:
        return None if ms is None else format_iso(ms)
    except (OverflowError, OSError, ValueError):
        return None
