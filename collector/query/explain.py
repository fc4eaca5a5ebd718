"""Why a run failed: its exit in words, its failing tests, its first errors, and what changed since it worked.

Everything is read out of the record and the run's files, without a model: the same run has the same answer
as long as its files, and the runs before it, are there. Memory does not grow with the output.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from collector.clock import format_iso
from collector.extract.differences import Difference, first_difference
from collector.extract.exit_codes import explain_exit
from collector.extract.failures import ErrorBlock, FailureScanner
from collector.model.query import RunQuery, Term
from collector.model.results import Location, TestCase, TestReport, TestTotals
from collector.model.run import Run
from collector.query.run_files import RunFiles, case_name
from collector.store.protocols import ArtifactStore, RunStore

Stores = tuple[RunStore, ArtifactStore]
MAX_TESTS = 50
MAX_ERRORS = 10
_STREAMS = ("stderr", "stdout")


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test that failed; `message` is its first line of failure."""

    name: str
    outcome: str
    message: str | None
    location: Location | None
    details: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is different from the last run of the same command line and folder that succeeded.

    `differences` has the first line that differs of each stream.
    """

    run_id: str
    name: str
    start_time: int
    newly_failing: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a run ended as it did.

    `outcome` says how it ended, `reason` what that means (None where it means no more), `headline` the one
    thing to read. `failed_tests` are at most `MAX_TESTS`, `errors` at most `MAX_ERRORS`, what matters first;
    `compared_with` is None where the command had never succeeded before. `problems` say what could not be
    read, one line each.
    """

    run_id: str
    name: str
    status: str
    outcome: str
    headline: str
    reason: str | None = None
    tests: TestTotals | None = None
    failed_tests: tuple[FailedTest, ...] = ()
    errors: tuple[ErrorBlock, ...] = ()
    compared_with: Comparison | None = None
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as one JSON object."""
        record = asdict(self)
        if self.compared_with:
            record["compared_with"]["start_time"] = format_iso(self.compared_with.start_time)
        return record


def explain(run: Run, stores: Stores) -> Explanation:
    """Say why a run failed; of one that succeeded or is still running only that.

    Args:
        run: as the store has it.
        stores: opened by the calling thread.

    Raises:
        AcodeError: the database cannot be read; what is wrong with files is among the `problems`.
    """
    outcome = outcome_of(run)
    explanation = Explanation(run.run_id, run.name, run.status, outcome, outcome)
    if not run.is_failed:
        return explanation
    reader = _Reader(stores[1])
    report = reader.report(run)
    errors = reader.errors(run)
    explanation = replace(
        explanation,
        reason=_reason(run),
        tests=report.totals if report else None,
        failed_tests=tuple(map(_failed_test, _failed_cases(report)[:MAX_TESTS])) if report else (),
        errors=errors,
        compared_with=_compare(run, report, stores[0], reader),
        problems=tuple(reader.problems),
    )
    return replace(explanation, headline=_headline(explanation))


def outcome_of(run: Run) -> str:
    """Say how a run ended."""
    if run.status == "timeout":
        return "timed out" if run.duration_ms is None else f"timed out after {run.duration_ms / 1000:.1f} s"
    if run.status in ("running", "success", "cancelled"):
        return {"running": "still running", "success": "it succeeded", "cancelled": "cancelled"}[run.status]
    if _never_ran(run):
        return f"could not be started: {run.error_message}"
    if run.signal is not None:
        return f"killed by signal {run.signal}"
    return "failed" if run.exit_code is None else f"failed with exit code {run.exit_code}"


def last_success(run: Run, store: RunStore) -> Run | None:
    """Return the last run before this one of the same command in the same folder that succeeded."""
    recorded = store.recorded(run)
    terms = (
        Term("command_line", (recorded.command_line,), "="),
        Term("working_directory", (recorded.working_directory,), "="),
        Term("status", ("success",)),
        Term("start_time", (run.start_time,), "<="),
    )
    found = store.list(RunQuery(terms, limit=2)).items
    return next((item for item in found if item.run_id != run.run_id), None)


def _never_ran(run: Run) -> bool:
    return run.exit_code in (125, 126, 127) and run.error_code is not None


def _reason(run: Run) -> str | None:
    """Return what the end means, unless the outcome has said it already."""
    if run.status == "timeout" or _never_ran(run):
        return None
    return explain_exit(run.exit_code, run.signal, run.command_line)


def _headline(explanation: Explanation) -> str:
    """Tests say most; then an error that is none of the consequences; then the exit itself."""
    tests = explanation.tests
    if tests and tests.failed + tests.errors:
        return f"{tests.failed + tests.errors} of {tests.total} tests failed"
    first = explanation.errors[0] if explanation.errors else None
    if explanation.status == "failure" and first and first.kind != "output" and not first.is_consequence:
        return f"{first.message} ({first.location})" if first.location else first.message
    return f"{explanation.outcome}: {explanation.reason}" if explanation.reason else explanation.outcome


class _Reader(RunFiles):
    """Reads a run's files for what they tell of failures."""

    def errors(self, run: Run) -> tuple[ErrorBlock, ...]:
        """Return what both streams tell of failures, or else what was printed last."""
        scanners = [FailureScanner(stream) for stream in _STREAMS]
        found: list[ErrorBlock] = []
        for stream, scanner in zip(_STREAMS, scanners, strict=True):
            for number, text in self.lines(run, stream):
                scanner.feed(number, text)
            found += scanner.finish()
        found.sort(key=lambda block: block.rank)
        last = next(filter(None, (scanner.last_lines() for scanner in scanners)), None)
        return tuple(found[:MAX_ERRORS]) or ((last,) if last else ())


def _compare(run: Run, report: TestReport | None, store: RunStore, reader: _Reader) -> Comparison | None:
    earlier = last_success(run, store)
    if earlier is None:
        return None
    before = reader.report(earlier) if report else None
    newly_failing, vanished = _changed_tests(report, before) if report and before else ((), ())
    differences = (
        first_difference(stream, reader.lines(run, stream), reader.lines(earlier, stream))
        for stream in reversed(_STREAMS)
    )
    return Comparison(
        earlier.run_id, earlier.name, earlier.start_time, newly_failing, vanished,
        tuple(filter(None, differences)),
    )  # fmt: skip


def _changed_tests(now: TestReport, before: TestReport) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return tests that fail and did not, and tests that passed and are gone."""
    failed_before = {case_name(case) for case in _failed_cases(before)}
    failing = dict.fromkeys(map(case_name, _failed_cases(now)))
    newly = [name for name in failing if name not in failed_before]
    if now.omitted_cases:
        return tuple(newly[:MAX_TESTS]), ()
    present = {case_name(case) for suite in now.suites for case in suite.cases}
    passed = dict.fromkeys(case_name(c) for s in before.suites for c in s.cases if c.outcome == "passed")
    return tuple(newly[:MAX_TESTS]), tuple([name for name in passed if name not in present][:MAX_TESTS])


def _failed_cases(report: TestReport) -> list[TestCase]:
    return [case for suite in report.suites for case in suite.cases if case.is_failed]


def _failed_test(case: TestCase) -> FailedTest:
    return FailedTest(case_name(case), case.outcome, case.message, case.location, case.details)
