"""Short ways to the readers, for the tests."""

from __future__ import annotations

import io
from pathlib import Path

from collector.extract.coverage import read_coverage
from collector.extract.reports import read_test_report
from collector.model.results import CoverageReport, TestCase, TestReport

FIXTURES = Path(__file__).parent / "fixtures"
SAMPLES = next(
    (found for folder in Path(__file__).parents if (found := folder / "shared" / "samples").is_dir()),
    Path(__file__).parents[2].parent / "shared" / "samples",
)


def report_in(content: str | bytes, source: str = "report.xml") -> TestReport:
    raw = content.encode() if isinstance(content, str) else content
    return read_test_report(io.BytesIO(raw), source)


def report_of(path: Path) -> TestReport:
    with path.open("rb") as file:
        return read_test_report(file, path.name)


def coverage_in(content: str | bytes, source: str = "coverage") -> CoverageReport:
    raw = content.encode() if isinstance(content, str) else content
    return read_coverage(io.BytesIO(raw), source)


def coverage_of(path: Path) -> CoverageReport:
    with path.open("rb") as file:
        return read_coverage(file, path.name)


def cases_of(report: TestReport) -> list[TestCase]:
    return [case for suite in report.suites for case in suite.cases]


def case_named(report: TestReport, name: str) -> TestCase:
    (case,) = [case for case in cases_of(report) if case.name == name]
    return case


def only_case(report: TestReport) -> TestCase:
    (case,) = cases_of(report)
    return case
