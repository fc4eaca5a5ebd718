"""What `runs delete`, `runs cleanup` and `artifacts prune` share: showing what goes, asking, reporting."""

from __future__ import annotations

import os
import sys

from collector.cli import output
from collector.cli.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.daemon.control import CleanupReport
    from collector.retention.sweep import CleanupPlan
    from collector.store.deletions import Doomed

_SHOWN = 20


def show_plan(plan: CleanupPlan, context: Context, limit: int = 0) -> None:
    """Print each run that would go, with the rule and the reason; then the orphans, then the totals.

    Args:
        plan: what would go.
        context: whose terminal.
        limit: show only so many lines; 0 for all.
    """
    from collector.cli.table import Column, render

    rows = [[v.rule, v.name, output.format_size(v.bytes), v.reason] for v in plan.verdicts]
    rows += [[o.rule, o.name, output.format_size(o.bytes), _ORPHANS.get(o.rule, "")] for o in plan.orphans]
    shown = rows[:limit] if limit else rows
    columns = [Column("RULE", 8), Column("NAME", 20), Column("SIZE", 6, 0, True), Column("WHY", 10)]
    width = output.terminal_width(context.environ)
    if shown:
        output.write("".join(line + "\n" for line in render(columns, shown, width)))
    if len(rows) > len(shown):
        output.line(f"… and {len(rows) - len(shown):,} more")


_ORPHANS = {
    "noRecord": "its recorder died before it wrote a record",
    "damagedRecord": "its record cannot be read",
    "noFolder": "its folder is gone",
}


def totals(plan: CleanupPlan) -> str:
    """Return how much a plan would delete, in words."""
    orphans = f" and {count(len(plan.orphans), 'orphan')}" if plan.orphans else ""
    return f"{count(len(plan.verdicts), 'run')}{orphans}, {output.format_size(plan.bytes)}"


def confirm(question: str) -> bool:
    """Ask on stderr; silence means no."""
    os.write(2, f"{question} [y/N] ".encode())
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def delete_all(
    context: Context,
    doomed: Sequence[Doomed],
    action: str,
    preserve_tags: tuple[str, ...] = (),
    keep_ms: int | None = None,
) -> CleanupReport:
    """Delete, showing progress when it takes long."""
    from collector.cli.progress import Progress
    from collector.daemon.control import request_cleanup

    context.close()
    with Progress("deleting", in_bytes=False) as progress:
        return request_cleanup(
            context.workspace, doomed, progress, action=action, preserve_tags=preserve_tags, keep_ms=keep_ms
        )


def report_text(report: CleanupReport) -> str:
    """Return what was done, in words."""
    orphans = f" and {count(report.orphans, 'orphan')}" if report.orphans else ""
    took = output.format_duration(report.duration_ms)
    text = f"deleted {count(report.removed, 'run')}{orphans}, {output.format_size(report.bytes)}, in {took}"
    if report.kept:
        names = ", ".join(map(output.sanitize, report.kept[:3])) + (" …" if len(report.kept) > 3 else "")
        text += f"; kept {len(report.kept)} that changed meanwhile or cannot be moved: {names}"
    return text


def report_record(report: CleanupReport) -> dict[str, object]:
    """Return what was done, for `--json`."""
    return {
        "removed": report.removed, "orphans_removed": report.orphans, "bytes": report.bytes,
        "kept": list(report.kept), "duration_ms": report.duration_ms,
    }  # fmt: skip


def plan_record(plan: CleanupPlan) -> dict[str, object]:
    """Return a plan, for `--json`."""
    runs = [
        {"run_id": v.run_id, "name": v.name, "rule": v.rule, "reason": v.reason, "bytes": v.bytes}
        for v in plan.verdicts
    ]
    orphans = [{"name": o.name, "folder": o.folder, "rule": o.rule, "bytes": o.bytes} for o in plan.orphans]
    return {"runs": runs, "orphans": orphans, "total_runs": len(runs), "total_bytes": plan.bytes}


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def first_lines() -> int:
    """Return how many lines are enough to be asked about."""
    return _SHOWN
