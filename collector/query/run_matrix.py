"""Several runs side by side: their tests, coverage or metrics, and what changed from each to the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from collector.model.comparison import MatrixColumn, MatrixRow, RunMatrix
from collector.model.query import RunQuery, Term
from collector.model.run import Run
from collector.query.compare import outcomes, summary_numbers
from collector.query.run_files import RunFiles
from collector.store.protocols import ArtifactStore, RunStore

BY = ("test", "coverage", "metric")
"""What several runs can be compared by."""

_METRICS = (
    "exit_code", "duration_ms", "cpu_ms", "max_rss_bytes", "output_bytes", "tokens_used", "cost",
)  # fmt: skip

Values = dict[str, str | int | float | None]


def same_command(run: Run, store: RunStore, count: int) -> tuple[Run, ...]:
    """Return the last runs of a run's command line in its folder, up to this one, oldest first."""
    recorded = store.recorded(run)
    terms = (
        Term("command_line", (recorded.command_line,), "="),
        Term("working_directory", (recorded.working_directory,), "="),
        Term("start_time", (run.start_time,), "<="),
    )
    found = store.list(RunQuery(terms, limit=max(1, count))).items
    if all(item.run_id != run.run_id for item in found):
        found = (run, *found[: count - 1])
    return tuple(reversed(found))


def since_last_pass(run: Run, store: RunStore, most: int = 500) -> tuple[Run, ...]:
    """Return the runs of a command from the last one that succeeded up to this one, oldest first.

    The first of them succeeded, unless there is no such run among the last `most`.
    """
    runs = same_command(run, store, most)
    places = [index for index, item in enumerate(runs) if item.status == "success"]
    return runs[places[-1] :] if places else runs


def compare_many(runs: Sequence[Run], artifacts: ArtifactStore, by: str | None = None) -> RunMatrix:
    """Return several runs side by side, in the order given.

    Args:
        runs: oldest first.
        artifacts: opened by the calling thread.
        by: one of `BY`; None for tests where any run has some, else metrics.
    """
    files = RunFiles(artifacts)
    by = by or ("test" if any(_has_tests(run) for run in runs) else "metric")
    values = [_VALUES[by](run, files) for run in runs]
    names = dict.fromkeys(chain.from_iterable(values))
    rows = [_row(name, [told.get(name) for told in values]) for name in names]
    columns = tuple(MatrixColumn(run.run_id, run.name, run.status, run.start_time) for run in runs)
    return RunMatrix(by, columns, tuple(rows), tuple(dict.fromkeys(files.problems)))


def _has_tests(run: Run) -> bool:
    return "tests" in run.summary


def _row(name: str, values: Sequence[str | int | float | None]) -> MatrixRow:
    changed: list[bool] = []
    last: str | int | float | None = None
    for value in values:
        changed.append(last is not None and value is not None and value != last)
        last = last if value is None else value
    return MatrixRow(name, tuple(values), tuple(changed))


def _tests_of(run: Run, files: RunFiles) -> Values:
    report = files.report(run) if run.is_finished else None
    return dict(outcomes(report)) if report else {}


def _coverage_of(run: Run, files: RunFiles) -> Values:
    report = files.coverage(run)
    if report is None:
        return {}
    found: Values = {"(total)": round(report.line_percent, 1)}
    for file in report.files:
        found[file.path] = round(file.line_percent, 1)
    return found


def _metrics_of(run: Run, files: RunFiles) -> Values:  # noqa: ARG001, RUF100 - as the others
    found: Values = {name: getattr(run, name) for name in _METRICS}
    numbers = {**summary_numbers(run), **{f"metrics.{name}": v for name, v in run.metrics.items()}}
    found |= {name: value for name, value in numbers.items() if isinstance(value, str | int | float)}
    return {name: value for name, value in found.items() if value is not None}


_VALUES = {"test": _tests_of, "coverage": _coverage_of, "metric": _metrics_of}
