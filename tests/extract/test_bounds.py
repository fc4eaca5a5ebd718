"""How much of a large report is kept: every test counts, failed ones are listed first."""

from __future__ import annotations

from collections.abc import Iterator

from collector.extract import case_list
from collector.extract.case_list import CaseList
from collector.extract.reports import merge_reports, read_test_report
from collector.model.results import TestCase, TestReport
from tests.extract.reading import cases_of, report_in
from tests.extract.test_hostile_results import made


def many(passed: int, failed: int, text: bytes = b"") -> Iterator[bytes]:
    yield b"<testsuite name='s'>"
    for n in range(passed):
        yield b"<testcase classname='c' name='p%d' time='0.001'/>" % n
    for n in range(failed):
        yield b"<testcase classname='c' name='f%d'><failure message='no'>%s</failure></testcase>" % (n, text)
    yield b"</testsuite>"


def test_failed_tests_take_the_place_of_those_that_passed() -> None:
    report = read_test_report(made(many(30_000, 300)), "x")
    assert (report.totals.total, report.totals.passed, report.totals.failed) == (30_300, 30_000, 300)
    assert report.omitted_cases == 10_300
    names = [case.name for case in cases_of(report)]
    assert len(names) == 20_000
    assert names[-300:] == [f"f{n}" for n in range(300)]


def test_above_the_bound_only_failed_tests_are_listed() -> None:
    report = read_test_report(made(many(100, 20_500)), "x")
    assert report.totals.total == 20_600
    assert report.omitted_cases == 600
    assert {case.outcome for case in cases_of(report)} == {"failed"}


def test_the_texts_of_all_tests_are_bounded_together() -> None:
    report = read_test_report(made(many(0, 2_000, b"x" * 19_000)), "x")
    assert sum(len(case.details or "") for case in cases_of(report)) <= case_list.MAX_FAILED_TEXT
    assert all(case.message == "no" for case in cases_of(report))
    assert report.problems == ("x: output of 1,158 tests is left out",)


def test_messages_and_names_are_bounded() -> None:
    long = "y" * 50_000
    report = report_in(
        f"<testsuite><testcase name='{long}'><failure message='{long}'/></testcase></testsuite>"
    )
    (case,) = cases_of(report)
    assert len(case.name) < 2_100
    assert len(case.message or "") < 2_100


def test_merged_reports_are_bounded_too() -> None:
    one = read_test_report(made(many(15_000, 0)), "one")
    other = read_test_report(made(many(6_000, 2_000)), "other")
    merged = merge_reports([one, other])
    assert merged.totals.total == 23_000
    assert merged.omitted_cases == 3_000
    assert sum(case.is_failed for case in cases_of(merged)) == 2_000


def flat(cases: list[TestCase]) -> TestReport:
    listed = CaseList(limit=3)
    for case in cases:
        listed.add(0, case)
    return listed.report({0: ("s", None)}, "x", None, ())


def test_a_flaky_test_is_listed_before_others() -> None:
    passed = [TestCase(name=f"p{n}", outcome="passed") for n in range(4)]
    report = flat([*passed, TestCase(name="f", outcome="failed"), TestCase(name="f", outcome="passed")])
    assert [case.name for case in cases_of(report)] == ["p0", "p1", "f"]
    assert (report.totals.total, report.totals.flaky, report.omitted_cases) == (5, 1, 2)


def test_two_tests_with_the_same_sentence_stay_two() -> None:
    cases = [TestCase(name="it works", outcome="failed"), TestCase(name="it works", outcome="passed")]
    assert flat(cases).totals.total == 2


def test_a_broken_teardown_after_a_failure_stays_an_error_of_its_own() -> None:
    cases = [TestCase(name="t", outcome="failed"), TestCase(name="t", outcome="error")]
    totals = flat(cases).totals
    assert (totals.failed, totals.errors) == (1, 1)


def test_a_failure_after_a_pass_is_never_hidden() -> None:
    cases = [TestCase(name="t", outcome="passed"), TestCase(name="t", outcome="failed")]
    totals = flat(cases).totals
    assert (totals.passed, totals.failed, totals.flaky) == (1, 1, 0)


def test_a_suite_with_errors_and_no_test_is_an_error() -> None:
    report = report_in(
        "<testsuites><testsuite name='a' errors='2' tests='0'/><testsuite name='b'/></testsuites>"
    )
    (case,) = cases_of(report)
    assert (case.name, case.outcome, case.message) == (
        "a",
        "error",
        "2 errors, and no test that tells of them",
    )


def test_an_error_of_a_suite_is_told_with_its_text() -> None:
    report = report_in(
        "<testsuite name='a' errors='1'><error message='no setup'>x.py:3: Boom</error>"
        "<testcase name='t'/></testsuite>"
    )
    failed, passed = cases_of(report)
    assert (failed.name, failed.outcome, failed.message, str(failed.location)) == (
        "a",
        "error",
        "no setup",
        "x.py:3",
    )
    assert passed.outcome == "passed"


def test_an_outer_suite_repeats_the_errors_of_its_inner_ones_and_adds_none() -> None:
    report = report_in(
        "<testsuite name='o' errors='1'><testsuite name='i' errors='1'><testcase name='t'><error/></testcase>"
        "</testsuite></testsuite>"
    )
    assert report.totals.total == 1
