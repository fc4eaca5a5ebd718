"""Test reports, in whatever format, and several of them as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import BinaryIO

from collector.extract.case_list import MAX_CASES
from collector.extract.junit import JUnit
from collector.extract.safe_xml import read_xml
from collector.extract.trx import Trx
from collector.extract.values import NotResults, pieces
from collector.model.results import TestReport, TestSuite, TestTotals

__all__ = ["NotResults", "merge_reports", "read_test_report"]

_READERS = {"testsuites": JUnit, "testsuite": JUnit, "TestRun": Trx}
_SAME_MS = 2.0  # formats round durations differently
_MAX_ALIKE = 100  # tests of one name and outcome that are compared


def read_test_report(file: BinaryIO, source: str) -> TestReport:
    """Read JUnit XML or TRX, told by the root element; memory does not grow with the file.

    Args:
        file: read to its end, never closed.
        source: what the report and its problems call the file.

    Returns:
        What could be read. At most 20,000 tests are listed, failed ones before others.

    Raises:
        NotResults: it is something else, or broken before its root element.
    """
    reader, problem = read_xml(pieces(file), _READERS)
    assert isinstance(reader, JUnit | Trx)
    return reader.report(source, problem)


def merge_reports(reports: Iterable[TestReport]) -> TestReport:
    """Put the reports of one run together: totals summed, suites in order.

    A report that only tells again what those before it told is left out, so that a TRX and a JUnit file of
    the same tests, or a summary beside its parts, count once. It does so if it lists tests and each of them
    has its equal there: class, name, outcome, and a duration within 2 ms. Files of the same name are never
    compared: the modules of a project write theirs so. With any other outcome, or one test more, all of the
    report counts: rather twice than not at all.
    """
    everything = list(reports)
    kept: list[TestReport] = []
    told: _Told = {}
    for report in everything:
        if not _is_told(report, told):
            kept.append(report)
            _tell(report, told)
    suites = tuple(suite for report in kept for suite in report.suites)
    listed = _within_limit(suites)
    durations = [report.duration_ms for report in kept if report.duration_ms is not None]
    return TestReport(
        totals=_sum(report.totals for report in kept),
        duration_ms=sum(durations) if durations else None,
        sources=tuple(source for report in everything for source in report.sources),
        suites=listed,
        omitted_cases=sum(report.omitted_cases for report in kept) + _count(suites) - _count(listed),
        problems=tuple(problem for report in everything for problem in report.problems),
    )


_Key = tuple[str | None, str, str]
_Told = dict[_Key, list[tuple[str, float | None]]]


def _told_cases(report: TestReport) -> Iterator[tuple[_Key, str, float | None]]:
    for suite in report.suites:
        file_name = suite.source.rpartition("/")[2]
        for case in suite.cases:
            yield (case.class_name, case.name, case.outcome), file_name, case.duration_ms


def _tell(report: TestReport, told: _Told) -> None:
    for key, file_name, duration in _told_cases(report):
        places = told.setdefault(key, [])
        if len(places) < _MAX_ALIKE:
            places.append((file_name, duration))


def _is_told(report: TestReport, told: _Told) -> bool:
    """Whether it lists tests and each is told of in a file of another name; each of those serves once."""
    used: set[tuple[_Key, int]] = set()
    for key, file_name, duration in _told_cases(report):
        for number, (other, other_duration) in enumerate(told.get(key, ())):
            if other != file_name and (key, number) not in used and _is_close(duration, other_duration):
                used.add((key, number))
                break
        else:
            return False
    return bool(used)


def _is_close(duration: float | None, other: float | None) -> bool:
    return duration is None or other is None or abs(duration - other) <= _SAME_MS


def _within_limit(suites: tuple[TestSuite, ...]) -> tuple[TestSuite, ...]:
    """Leave out tests above the limit: first those that passed, from the end."""
    if _count(suites) <= MAX_CASES:
        return suites
    failed = sum(case.is_failed for suite in suites for case in suite.cases)
    room = {True: min(failed, MAX_CASES), False: max(MAX_CASES - failed, 0)}
    kept = []
    for suite in suites:
        cases = []
        for case in suite.cases:
            if room[case.is_failed] > 0:
                room[case.is_failed] -= 1
                cases.append(case)
        if cases:
            kept.append(replace(suite, cases=tuple(cases)))
    return tuple(kept)


def _count(suites: tuple[TestSuite, ...]) -> int:
    return sum(len(suite.cases) for suite in suites)


def _sum(totals: Iterable[TestTotals]) -> TestTotals:
    counts: Counter[str] = Counter()
    for one in totals:
        counts.update({field.name: getattr(one, field.name) for field in fields(TestTotals)})
    return TestTotals(**counts)
