"""What was found in a run's files and output: test results, coverage, log entries.

These are the values behind `test-results.json`, `coverage.json` and `logs.jsonl`; all are frozen. Durations
are milliseconds, lines count from 1. They are read by whoever shows a run's details, not by listings, so
plain `dataclasses` are cheap enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

SCHEMA_VERSION = 1
OUTCOMES = ("passed", "failed", "error", "skipped")
"""`failed` is an assertion that did not hold, `error` a test that could not be run to its end."""
LEVELS = ("debug", "info", "warn", "error")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a source file, as the producer names it; `line` is None where it did not say."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    """One test, with its last attempt's outcome.

    `message` is its first line of failure (or reason of being skipped), `details` the traceback, `output`
    what it printed. `flaky` is a test that failed and passed when it was run again.
    """

    __test__ = False  # pytest: no tests in here

    name: str
    outcome: str
    class_name: str | None = None
    duration_ms: float | None = None
    message: str | None = None
    details: str | None = None
    location: Location | None = None
    output: str | None = None
    attempts: int = 1
    flaky: bool = False

    @property
    def is_failed(self) -> bool:
        """Whether it failed, in either way."""
        return self.outcome in ("failed", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSuite:
    """Tests that one producer put together; `source` is the artifact that told of them."""

    __test__ = False

    name: str
    source: str
    duration_ms: float | None = None
    cases: tuple[TestCase, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TestTotals:
    """Counts over every test that was told of, also those that are not listed."""

    __test__ = False

    total: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    flaky: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """Everything a run's test result files say.

    `omitted_cases` counts tests that are in the totals but not listed, `problems` says what could not be
    read, one line each.
    """

    __test__ = False

    totals: TestTotals = field(default_factory=TestTotals)
    duration_ms: float | None = None
    sources: tuple[str, ...] = ()
    suites: tuple[TestSuite, ...] = ()
    omitted_cases: int = 0
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the report as `test-results.json` holds it."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> TestReport:
        """Read a report as `to_json` wrote it; unknown keys of a newer version are ignored.

        Raises:
            ValueError: it has not that form.
        """
        try:
            suites = tuple(_suite(suite) for suite in record.get("suites", ()))
            return _make(
                cls, record, suites=suites, totals=_make(TestTotals, record.get("totals", {})),
                sources=tuple(record.get("sources", ())), problems=tuple(record.get("problems", ())),
            )  # fmt: skip
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no test report: {error}") from error

    def check(self) -> None:
        """Refuse a report that somebody else wrote wrongly, for who counts with its values.

        Raises:
            ValueError: naming the first that is wrong.
        """
        for item in fields(self.totals):
            if type(getattr(self.totals, item.name)) is not int:
                raise ValueError(f"totals.{item.name} is no number")
        for case in (case for suite in self.suites for case in suite.cases):
            texts = (
                case.name,
                case.class_name or "",
                case.message or "",
                case.details or "",
                case.output or "",
            )
            if not all(isinstance(text, str) for text in texts) or case.outcome not in OUTCOMES:
                raise ValueError(f"a test has values of the wrong kind: {case.name!r}")
            if case.location is not None and not isinstance(case.location.file, str):
                raise ValueError(f"a test has no proper location: {case.name!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCoverage:
    """Coverage of one source file; None where the producer does not measure a thing.

    `uncovered` are ranges of lines, both ends included.
    """

    path: str
    lines: int
    lines_covered: int
    branches: int | None = None
    branches_covered: int | None = None
    functions: int | None = None
    functions_covered: int | None = None
    uncovered: tuple[tuple[int, int], ...] = ()

    @property
    def line_percent(self) -> float:
        """Covered lines in percent; a file without lines is covered."""
        return 100.0 * self.lines_covered / self.lines if self.lines else 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReport:
    """Coverage over a whole run: totals and files, sorted by path."""

    lines: int = 0
    lines_covered: int = 0
    branches: int | None = None
    branches_covered: int | None = None
    functions: int | None = None
    functions_covered: int | None = None
    files: tuple[FileCoverage, ...] = ()
    sources: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def line_percent(self) -> float:
        """Covered lines in percent."""
        return 100.0 * self.lines_covered / self.lines if self.lines else 100.0

    def to_json(self) -> dict[str, Any]:
        """Return the report as `coverage.json` holds it."""
        return {"schema_version": SCHEMA_VERSION, "line_percent": round(self.line_percent, 2), **asdict(self)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> CoverageReport:
        """Read a report as `to_json` wrote it; unknown keys of a newer version are ignored.

        Raises:
            ValueError: it has not that form.
        """
        try:
            files = tuple(
                _make(FileCoverage, f, uncovered=tuple((a, b) for a, b in f.get("uncovered", ())))
                for f in record.get("files", ())
            )
            return _make(
                cls, record, files=files,
                sources=tuple(record.get("sources", ())), problems=tuple(record.get("problems", ())),
            )  # fmt: skip
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise ValueError(f"no coverage report: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One log entry that was printed.

    `stream` and `line` say where it stands in the recorded output; `timestamp` is what the entry itself
    says, else when the line was printed (ISO 8601, UTC, `Z`), None where neither is known.
    """

    level: str
    message: str
    stream: str
    line: int
    timestamp: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a line of `logs.jsonl` holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> LogEntry:
        """Read an entry as `to_json` wrote it.

        Raises:
            ValueError: it has not that form.
        """
        try:
            return _make(cls, record)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no log entry: {error}") from error


def total_of(cases: Iterable[TestCase]) -> TestTotals:
    """Count tests by their outcome."""
    counts = dict.fromkeys(OUTCOMES, 0)
    flaky = 0
    for case in cases:
        counts[case.outcome] += 1
        flaky += case.flaky
    return TestTotals(
        total=sum(counts.values()), passed=counts["passed"], failed=counts["failed"],
        errors=counts["error"], skipped=counts["skipped"], flaky=flaky,
    )  # fmt: skip


def _suite(record: Mapping[str, Any]) -> TestSuite:
    cases = tuple(
        _make(TestCase, case, location=_make(Location, place) if (place := case.get("location")) else None)
        for case in record.get("cases", ())
    )
    return _make(TestSuite, record, cases=cases)


def _make(kind: type[_T], record: Mapping[str, Any], **made: Any) -> _T:
    """Make a value of what a record holds, and of fields that are made already."""
    names = _names.get(kind)
    if names is None:
        names = _names[kind] = tuple(field.name for field in fields(kind))  # type: ignore[arg-type]
    known = {name: record[name] for name in names if name in record}
    return kind(**{**known, **made})


_names: dict[type, tuple[str, ...]] = {}
"""The fields of each kind, which `dataclasses` would look up again for every one of a hundred thousand."""
