"""The sections of `acode runs stats`: each asked for once, shown as a table or handed out as records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from collector.cli.output import format_duration, format_size, format_time
from collector.cli.spark import spark_line
from collector.cli.table import Column
from collector.model.query import RunQuery
from collector.model.statistics import Bucket, Change, Group, PeriodComparison, Totals
from collector.query.histories import broken_commands, flaky_commands
from collector.query.periods import compare_periods, periods
from collector.query.statistics import first_groups, trend
from collector.store.protocols import ArtifactStore, RunStore

TOTAL_COLUMNS = (
    "runs", "success", "failed", "running", "success_rate", "timed", "total_duration_ms",
    "mean_duration_ms", "p50_duration_ms", "p95_duration_ms", "p99_duration_ms", "max_duration_ms",
    "tokens_used", "cost", "output_bytes", "oldest", "newest",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """One answer: under which key and title it goes, its records, and its table.

    `value` is what JSON has under the key, `total` how many records there would be without a limit.
    """

    key: str
    title: str
    records: Sequence[dict[str, Any]]
    csv_columns: Sequence[str]
    columns: Sequence[Column] = ()
    rows: Sequence[Sequence[str]] = ()
    value: Any = None
    total: int = 0
    lines: Sequence[str] = ()


def groups_section(store: RunStore, query: RunQuery, by: str, sort: str | None, limit: int) -> Section:
    """Return totals by group.

    Raises:
        InputError: there is no such grouping or order.
    """
    groups, count = first_groups(store, query, by, sort, limit)
    return _of_groups("groups", f"By {by}", by, groups, count)


def failing_section(store: RunStore, query: RunQuery, by: str, limit: int) -> Section:
    """Return what failed most often."""
    groups, _ = first_groups(store, query, by, "failed", limit)
    return _of_groups("failing", "Most often failing", by, [g for g in groups if g.totals.failed])


def slowest_section(store: RunStore, query: RunQuery, by: str, limit: int) -> Section:
    """Return what takes longest, by the median."""
    groups, _ = first_groups(store, query, by, "p50", limit)
    return _of_groups("slowest", "Slowest", by, [g for g in groups if g.totals.timed])


def _of_groups(key: str, title: str, by: str, groups: Sequence[Group], count: int = 0) -> Section:
    records = [group.to_json() for group in groups]
    rows = [_group_row(group) for group in groups]
    return Section(key, title, records, ("name", *TOTAL_COLUMNS), _group_columns(by), rows, records, count)


def trend_section(store: RunStore, query: RunQuery, width: int | None, blocks: bool) -> Section:
    """Return totals over time.

    Args:
        store: opened by the calling thread.
        query: which runs.
        width: how many columns a line of it may have; None for all that it needs.
        blocks: whether these can be shown.
    """
    found = trend(store, query)
    records = [bucket.to_json() for bucket in found.buckets]
    value = {"step": found.step, "buckets": records}
    lines = _trend_lines(found.buckets[-max(10, width - 30) if width else 0 :], blocks)
    columns = ("name", "since", *TOTAL_COLUMNS)
    return Section("trend", f"Per {found.step}", records, columns, value=value, lines=lines)


def _trend_lines(buckets: Sequence[Bucket], blocks: bool) -> list[str]:
    if not buckets:
        return []
    some = [bucket.totals for bucket in buckets]
    lines = [f"{'':9}{buckets[0].name} … {buckets[-1].name}"]
    for label, values, shown in (
        ("runs", [t.runs for t in some], lambda value: f"{value:,}"),
        ("success", [t.success_rate for t in some], lambda value: f"{100 * value:.1f}%"),
        ("p50", [t.p50_duration_ms for t in some], _took),
        ("p95", [t.p95_duration_ms for t in some], _took),
    ):
        known = [value for value in values if value is not None]
        if known:
            top = 1.0 if label == "success" else max(known)
            line = spark_line(values, top, blocks)
            lines.append(f"{label:9}{line}  {shown(min(known))} to {shown(max(known))}")
    return lines


def _took(duration: float) -> str:
    return format_duration(round(duration))


def flaky_section(store: RunStore, query: RunQuery, limit: int) -> Section:
    """Return the flaky commands."""
    found = flaky_commands(store, query, limit)
    rows = [
        [f"{100 * item.score:.0f}%", str(item.changes), f"{item.runs:,}", f"{item.failed:,}",
         format_time(item.newest), item.command_line]
        for item in found
    ]  # fmt: skip
    columns = [
        Column("SCORE", 5, 0, True), Column("CHANGES", 7, 2, True), Column("RUNS", 4, 1, True),
        Column("FAILED", 6, 3, True), Column("LATEST", 10, 4), Column("COMMAND", 16),
    ]  # fmt: skip
    names = ("command_line", "working_directory", "runs", "failed", "changes", "score", "newest", "run_id")
    return Section("flaky", "Flaky", [item.to_json() for item in found], names, columns, rows)


def broken_section(store: RunStore, query: RunQuery, since: int, limit: int) -> Section:
    """Return the commands that broke after a time."""
    found = broken_commands(store, query, since, limit)
    rows = [
        [format_time(item.start_time), format_time(item.last_success), f"{item.failed_since:,}",
         "yes" if item.fixed else "no", item.run_id, item.command_line]
        for item in found
    ]  # fmt: skip
    columns = [
        Column("FAILED FIRST", 19), Column("WORKED LAST", 19, 2), Column("FAILURES", 8, 3, True),
        Column("FIXED", 5, 1), Column("RUN", 26, 4), Column("COMMAND", 16),
    ]  # fmt: skip
    names = (
        "command_line", "working_directory", "run_id", "start_time", "last_success", "failed_since", "fixed",
    )  # fmt: skip
    title = f"Broken since {format_time(since)}"
    return Section("broken", title, [item.to_json() for item in found], names, columns, rows)


def storage_section(artifacts: ArtifactStore, query: RunQuery, limit: int) -> tuple[Section, Section]:
    """Return what is stored by type of run, and the largest runs."""
    shares = artifacts.storage_shares(query)
    columns = [
        Column("TYPE", 8), Column("RUNS", 4, 1, True), Column("FILES", 5, 2, True),
        Column("CONTENT", 8, 3, True), Column("STORED", 8, 0, True),
    ]  # fmt: skip
    rows = [
        [item.type, f"{item.runs:,}", f"{item.artifacts:,}", format_size(item.content_bytes),
         format_size(item.stored_bytes)]
        for item in shares
    ]  # fmt: skip
    names = ("type", "runs", "artifacts", "content_bytes", "stored_bytes")
    by_type = Section("storage", "Storage", [item.to_json() for item in shares], names, columns, rows)
    largest = artifacts.largest_runs(query, limit or -1)
    columns = [
        Column("STORED", 8, 0, True), Column("FILES", 5, 1, True), Column("NAME", 20),
        Column("COMMAND", 16, 2),
    ]  # fmt: skip
    rows = [
        [format_size(item.stored_bytes), f"{item.artifacts:,}", item.name, item.command_line]
        for item in largest
    ]
    names = ("run_id", "name", "command_line", "artifacts", "stored_bytes")
    records = [item.to_json() for item in largest]
    return by_type, Section("largest", "Largest runs", records, names, columns, rows)


def compare_section(
    store: RunStore, query: RunQuery, earlier: RunQuery | None, by: str, limit: int, now_ms: int
) -> Section:
    """Return how two periods differ.

    Raises:
        InputError: the periods make no sense.
    """
    rest, before, after = periods(query, now_ms, earlier)
    found = compare_periods(store, rest, before, after, by, limit)
    records = [{**change.to_json(), **_flat(change)} for change in found.changes]
    names = ("name", "findings", "slower", "rate_change", *_flat(found.totals))
    value = {
        "before": before.to_json(), "after": after.to_json(), "totals": found.totals.to_json(),
        "by": by, "changes": [change.to_json() for change in found.changes],
    }  # fmt: skip
    columns = [
        Column("", 10), Column("RUNS", 4, 2, True), Column("RATE", 4, 1, True), Column("P50", 5, 0, True),
        Column("P95", 5, 3, True), Column(by.upper(), 16),
    ]  # fmt: skip
    rows = [_change_row("all runs", found.totals), *(_change_row(c.name, c) for c in found.changes)]
    title = f"{_span(found)}: before → after"
    return Section("compare", title, records, names, columns, rows, value, found.count)


def _flat(change: Change) -> dict[str, object]:
    """Return a change's figures side by side, as CSV needs them."""
    names = ("runs", "success_rate", "p50_duration_ms", "p95_duration_ms", "p99_duration_ms")
    before, after = change.before.to_json(), change.after.to_json()
    return {
        f"{when}_{name}": side[name]
        for name in names
        for when, side in (("before", before), ("after", after))
    }


def _span(found: PeriodComparison) -> str:
    times = (found.before.since, found.before.until, found.after.since, found.after.until)
    a, b, c, d = (format_time(moment, 0) for moment in times)
    return f"{a} … {b} → {c} … {d}"


def _change_row(name: str | None, change: Change) -> list[str]:
    before, after = change.before, change.after
    return [
        ", ".join(change.findings),
        _pair(f"{before.runs:,}", f"{after.runs:,}"),
        _pair(format_rate(before), format_rate(after)),
        _pair(format_duration(before.p50_duration_ms), format_duration(after.p50_duration_ms)),
        _pair(format_duration(before.p95_duration_ms), format_duration(after.p95_duration_ms)),
        "(none)" if name is None else name,
    ]


def _pair(before: str, after: str) -> str:
    return f"{before} → {after}"


def _group_columns(by: str) -> list[Column]:
    return [
        Column("RUNS", 4, 0, True), Column("FAILED", 6, 4, True), Column("RATE", 5, 1, True),
        Column("P50", 5, 2, True), Column("P95", 5, 3, True), Column("P99", 5, 6, True),
        Column("TOTAL", 5, 5, True), Column(by.upper(), 16),
    ]  # fmt: skip


def _group_row(group: Group) -> list[str]:
    totals = group.totals
    durations = (totals.p50_duration_ms, totals.p95_duration_ms, totals.p99_duration_ms)
    return [
        f"{totals.runs:,}", f"{totals.failed:,}", format_rate(totals),
        *(format_duration(duration) for duration in durations),
        format_duration(totals.total_duration_ms), "(none)" if group.name is None else group.name,
    ]  # fmt: skip


def format_rate(totals: Totals) -> str:
    """Format a success rate; a dash where no run has ended."""
    rate = totals.success_rate
    return "-" if rate is None else f"{100 * rate:.1f}%"
