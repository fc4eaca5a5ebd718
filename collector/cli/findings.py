"""What was found in a run's files and output, in a few words. A record may hold anything."""

from __future__ import annotations

from collections.abc import Mapping

from collector.model.run import Run

_LEVELS = (("error", "error"), ("warn", "warning"), ("info", "info"), ("debug", "debug"))


def finding_facts(run: Run) -> list[tuple[str, str]]:
    """Return label and text of what is known; texts that are empty say nothing."""
    return [
        ("Tests", _tests(_table(run.summary.get("tests")))),
        ("Coverage", _coverage(_table(run.summary.get("coverage")))),
        ("Log", _log(_table(run.summary.get("logs")))),
        ("Metrics", ", ".join(f"{name} {value}" for name, value in run.metrics.items())),
        ("Left out", _skipped(run)),
    ]


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _number(table: Mapping[str, object], name: str) -> int:
    value = table.get(name)
    return value if isinstance(value, int) else 0


def _tests(tests: Mapping[str, object]) -> str:
    if not tests:
        return ""
    failed = _number(tests, "failed") + _number(tests, "errors")
    total = _number(tests, "total")
    more = [f"{_number(tests, name)} {name}" for name in ("skipped", "flaky") if _number(tests, name)]
    return ", ".join([f"{failed} of {total} failed" if failed else f"{total} passed or skipped", *more])


def _coverage(coverage: Mapping[str, object]) -> str:
    percent = coverage.get("line_percent")
    if not isinstance(percent, int | float):
        return ""
    return f"{percent:.1f} % ({_number(coverage, 'lines_covered')} of {_number(coverage, 'lines')} lines)"


def _log(levels: Mapping[str, object]) -> str:
    return ", ".join(f"{_number(levels, level)} {name}" for level, name in _LEVELS if _number(levels, level))


def _skipped(run: Run) -> str:
    """The first of the files that were not collected; `--json` has them all."""
    if not run.skipped:
        return ""
    first = run.skipped[0]
    text = f"{first.get('path') or 'files'}: {first.get('reason')}"
    return f"{text} (and {len(run.skipped) - 1} more)" if len(run.skipped) > 1 else text
