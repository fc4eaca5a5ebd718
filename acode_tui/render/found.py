"""What was found in a run, from the counts in its record: tests, coverage, log entries, metrics.

Any part may be missing, and a record may hold anything.
"""

from __future__ import annotations

from acode_tui.render.format import count, duration, tokens
from acode_tui.render.safe import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from acode_tui.render.rows import Span
    from collector import Run


_METRICS = ("duration_ms", "cpu_percent", "memory_mb", "tokens_used")


def failed_tests(summary: Mapping[str, object]) -> int:
    """Return how many tests failed, in either way."""
    tests = _part(summary, "tests")
    return _number(tests, "failed") + _number(tests, "errors")


def outcome_cell(summary: Mapping[str, object]) -> Span:
    """Return the tests of a run for a column of the table: `2/340`, or how many there were."""
    total, failed = _number(_part(summary, "tests"), "total"), failed_tests(summary)
    if failed:
        return f"{failed}/{total}", "failure"
    return (str(total), "success") if total else ("", "faint")


def found_spans(summary: Mapping[str, object]) -> list[Span]:
    """Return what was found, each kind in a few words."""
    spans: list[Span] = []
    tests, failed = _part(summary, "tests"), failed_tests(summary)
    total = _number(tests, "total")
    if failed:
        spans.append((f"{failed:,} of {count(total, 'test')} failed", "failure"))
    elif total:
        spans.append(
            (f"{count(total, 'test')} passed" if not _left(tests) else count(total, "test"), "success")
        )
    spans += [(f"{number:,} {name}", "timeout") for name in ("flaky",) if (number := _number(tests, name))]
    covered = _percent(summary)
    if covered:
        spans.append((f"coverage {covered}", "muted"))
    logs = _part(summary, "logs")
    for level, noun, ink in (("error", "error", "failure"), ("warn", "warning", "timeout")):
        if number := _number(logs, level):
            spans.append((count(number, noun) + " logged", ink))
    return spans


def found_note(summary: Mapping[str, object], view: str) -> str:
    """Return what stands beside a file in place of its size; nothing where the record does not say."""
    tests, failed = _part(summary, "tests"), failed_tests(summary)
    if view == "tests" and tests:
        return f"{failed:,} failed" if failed else f"{_number(tests, 'total'):,}"
    if view == "coverage":
        return _percent(summary)
    logs = _part(summary, "logs")
    if view == "logs" and logs:
        return f"{sum(_number(logs, level) for level in logs):,}"
    return ""


def metrics_text(metrics: Mapping[str, object]) -> str:
    """Return the numbers that the output told of itself."""
    told = {name: number_in(metrics, name) for name in _METRICS}
    parts = []
    if told["duration_ms"] is not None:
        parts.append(duration(round(told["duration_ms"])))
    if told["cpu_percent"] is not None:
        parts.append(f"{told['cpu_percent']:g}% cpu")
    if told["memory_mb"] is not None:
        parts.append(f"{told['memory_mb']:g} MB memory")
    if told["tokens_used"]:
        parts.append(f"{tokens(round(told['tokens_used']))} tokens")
    return ", ".join(parts)


def left_out_text(run: Run) -> str:
    """Return how many files were not collected, and why the first was not."""
    if not run.skipped:
        return ""
    first = run.skipped[0]
    name, reason = text_of(first.get("path"), 200), text_of(first.get("reason"), 200)
    return f"{count(len(run.skipped), 'file')}: {name} ({reason})" + (" …" if len(run.skipped) > 1 else "")


def _left(tests: Mapping[str, object]) -> int:
    """Return how many tests neither passed nor failed."""
    return _number(tests, "total") - _number(tests, "passed")


def _percent(summary: Mapping[str, object]) -> str:
    value = number_in(_part(summary, "coverage"), "line_percent")
    return f"{min(value, 100):.1f}%" if value is not None else ""


def _part(summary: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = summary.get(name)
    return found if isinstance(found, dict) else {}


def _number(part: Mapping[str, object], name: str) -> int:
    return int(number_in(part, name) or 0)


def number_in(part: Mapping[str, object], name: str) -> float | None:
    """Return a number of a record; None for anything else."""
    value = part.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if 0 <= value < 1e15 else None
