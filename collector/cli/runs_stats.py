"""`acode runs stats`: totals over the whole store."""

from __future__ import annotations

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.clock import format_iso
from collector.query.references import FAILED
from collector.store.protocols import RunStatistics

_TITLE = "Run Statistics"
_LABEL = 18


def configure(parser: Parser) -> None:
    """Add the options of `acode runs stats`."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: Namespace, context: Context) -> int:
    """Print totals."""
    stores = context.find_stores()
    empty = RunStatistics(0, {}, 0, 0, None, None)
    statistics = stores[0].statistics() if stores else empty
    if options.json:
        output.line(output.format_json(to_json(statistics)))
        return 0
    output.line(_TITLE)
    output.line("─" * len(_TITLE))
    for label, text in _lines(statistics):
        output.line(f"{label + ':':<{_LABEL}}{text}")
    return 0


def to_json(statistics: RunStatistics) -> dict[str, object]:
    """Return totals as JSON has them."""
    return {
        "runs": statistics.runs,
        "by_status": dict(statistics.by_status),
        "artifacts": statistics.artifacts,
        "stored_bytes": statistics.stored_bytes,
        "oldest": None if statistics.oldest is None else format_iso(statistics.oldest),
        "newest": None if statistics.newest is None else format_iso(statistics.newest),
        "mean_duration_ms": statistics.mean_duration_ms,
    }


def _lines(statistics: RunStatistics) -> list[tuple[str, str]]:
    by_status = statistics.by_status
    success = by_status.get("success", 0)
    failed = sum(by_status.get(status, 0) for status in FAILED)
    mean = statistics.mean_duration_ms
    return [
        ("Total Runs", f"{statistics.runs:,}"),
        ("Successful", _share(success, success + failed)),
        ("Failed", _share(failed, success + failed)),
        ("Running", f"{by_status.get('running', 0):,}"),
        ("Total Artifacts", f"{statistics.artifacts:,}"),
        ("Storage Used", output.format_size(statistics.stored_bytes)),
        ("Oldest Run", output.format_time(statistics.oldest)),
        ("Latest Run", output.format_time(statistics.newest)),
        ("Avg Duration", output.format_duration(None if mean is None else round(mean))),
    ]


def _share(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / total:.1f}%)" if total else f"{count:,}"


COMMANDS = {"stats": Command(configure, run)}
