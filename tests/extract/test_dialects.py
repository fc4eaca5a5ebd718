"""What the producers that cannot run here write; fixtures/README.md says where the files come from."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from collector.model.results import Location
from tests.extract.reading import FIXTURES, case_named, cases_of, only_case, report_in, report_of

WRITTEN = FIXTURES / "written"


@pytest.mark.parametrize(
    ("name", "totals"),
    [  # total, passed, failed, errors, skipped, flaky
        ("vitest/junit.xml", (7, 3, 3, 0, 1, 0)),  # "2 failed | 3 passed | 1 skipped" and a file that failed
        ("written/gotestsum.xml", (5, 2, 2, 0, 1, 1)),
        ("written/go-junit-report.xml", (3, 1, 1, 0, 1, 0)),
        ("written/surefire.xml", (5, 2, 1, 1, 1, 1)),
        ("written/gradle.xml", (3, 1, 1, 0, 1, 0)),
        ("written/playwright.xml", (4, 2, 1, 0, 1, 0)),
        ("written/phpunit.xml", (4, 2, 1, 1, 0, 0)),
    ],
)
def test_totals_are_those_of_the_producer(name: str, totals: tuple[int, ...]) -> None:
    report = report_of(FIXTURES / name)
    assert astuple(report.totals) == totals
    assert report.problems == ()


@pytest.mark.parametrize(
    ("file", "name", "place"),
    [
        ("vitest/junit.xml", "calc > adds wrongly", "src/calc.test.js:10"),
        ("vitest/junit.xml", "calc > adds", "src/calc.test.js"),
        ("vitest/junit.xml", "src/broken.test.js", "src/broken.test.js:1"),
        ("jest/junit.xml", "calc adds wrongly", "calc.test.js:5"),
        ("written/gotestsum.xml", "TestDivide/by_zero", "calc_test.go:21"),
        ("written/gotestsum.xml", "TestMain", "broken/x.go:3"),
        ("written/go-junit-report.xml", "TestDivide", "calc_test.go:11"),
        ("written/surefire.xml", "staysBroken", "CalcTest.java:50"),
        ("written/surefire.xml", "isFlaky", "CalcTest.java:33"),
        ("written/surefire.xml", "explodes", "Calc.java:12"),
        ("written/gradle.xml", "[2] value=<b>", "ListTest.java:27"),
        ("written/playwright.xml", "login \u203a refuses", "/project/tests/login.spec.ts:14"),
        ("written/phpunit.xml", "testMany with data set #1", "/project/tests/CalcTest.php:20"),
        ("written/phpunit.xml", "testThrows", "/project/tests/CalcTest.php:27"),
        ("written/phpunit.xml", "testAdd", "/project/tests/CalcTest.php:10"),
    ],
)
def test_places_are_in_the_test_or_the_project(file: str, name: str, place: str) -> None:
    assert str(case_named(report_of(FIXTURES / file), name).location) == place


@pytest.mark.parametrize(
    ("file", "name", "message"),
    [
        ("vitest/junit.xml", "throws", "boom & <bust>"),
        (
            "jest/junit.xml",
            "calc adds wrongly",
            "Error: expect(received).toBe(expected) // Object.is equality",
        ),
        ("written/gotestsum.xml", "TestDivide/by_zero", "calc_test.go:21: got 1, want an error"),
        ("written/surefire.xml", "later", "not yet"),
        ("written/surefire.xml", "explodes", "java.lang.NullPointerException"),
        ("written/playwright.xml", "login \u203a refuses", "Error: expect(locator).toHaveText(expected)"),
        ("written/phpunit.xml", "testMany with data set #1", "Failed asserting that 2 is identical to 1."),
        ("written/phpunit.xml", "testThrows", "DivisionByZeroError: Division by zero"),
    ],
)
def test_messages_say_what_went_wrong(file: str, name: str, message: str) -> None:
    assert case_named(report_of(FIXTURES / file), name).message == message


def test_surefire_tells_of_earlier_attempts_within_a_test() -> None:
    report = report_of(WRITTEN / "surefire.xml")
    flaky = case_named(report, "isFlaky")
    assert (flaky.outcome, flaky.attempts, flaky.flaky) == ("passed", 3, True)
    assert flaky.message == "expected: <1> but was: <2>"
    assert "IllegalStateException: timeout" in (flaky.details or "")
    assert flaky.output == "last attempt"
    broken = case_named(report, "staysBroken")
    assert (broken.outcome, broken.attempts, broken.flaky) == ("failed", 2, False)
    assert report.duration_ms == 1_234_567


def test_gotestsum_tells_of_a_rerun_as_a_second_test_of_the_name() -> None:
    flaky = case_named(report_of(WRITTEN / "gotestsum.xml"), "TestNetwork")
    assert (flaky.outcome, flaky.attempts, flaky.flaky) == ("passed", 2, True)
    assert flaky.duration_ms == 20
    assert flaky.location == Location("net_test.go", 8)
    assert flaky.message == "net_test.go:8: connection refused"


def test_output_belongs_to_its_test_and_not_to_the_next() -> None:
    report = report_of(WRITTEN / "surefire.xml")
    assert {case.name: case.output for case in cases_of(report) if case.output} == {
        "isFlaky": "last attempt", "explodes": "to stderr",
    }  # fmt: skip
    assert case_named(report_of(FIXTURES / "vitest/junit.xml"), "calc > adds").output == "adding"


def test_what_a_whole_suite_printed_belongs_to_no_test() -> None:
    assert all(case.output is None for case in cases_of(report_of(WRITTEN / "gradle.xml")))


def test_the_same_title_in_two_browsers_is_two_tests() -> None:
    suites = report_of(WRITTEN / "playwright.xml").suites
    assert [len(suite.cases) for suite in suites] == [3, 1]


def test_the_data_of_a_phpunit_test_is_a_suite_within_its_file() -> None:
    names = [suite.name for suite in report_of(WRITTEN / "phpunit.xml").suites]
    assert names == ["phpunit.xml > App\\CalcTest", "phpunit.xml > App\\CalcTest::testMany"]


def test_a_jest_file_that_does_not_load_is_an_error() -> None:
    report = report_of(FIXTURES / "jest/junit.xml")
    (suite,) = [suite for suite in report.suites if suite.name == "broken.test.js"]
    assert suite.cases[0].outcome == "error"
    assert str(suite.cases[0].location) == "broken.test.js:1"


def test_the_time_of_the_root_comes_before_the_sum_of_its_suites() -> None:
    inner = "<testsuite name='c' time='3'/>"
    suites = f"<testsuite name='a' time='2'/><testsuite name='b' time='3'>{inner}</testsuite>"
    assert report_in(f"<testsuites time='4'>{suites}</testsuites>").duration_ms == 4000
    assert report_in(f"<testsuites>{suites}</testsuites>").duration_ms == 5000


def test_in_pytest_a_test_that_comes_again_is_another_attempt() -> None:
    again = "<testcase name='t'/><testcase name='t'><failure message='no'/></testcase>"
    pytest_case = only_case(report_in(f"<testsuite name='pytest'>{again}</testsuite>"))
    assert (pytest_case.outcome, pytest_case.attempts, pytest_case.flaky) == ("failed", 2, False)
    assert report_in(f"<testsuite name='other'>{again}</testsuite>").totals.total == 2


def test_a_trace_after_the_output_of_an_attempt_is_kept() -> None:
    attempt = "<system-out>printed</system-out><stackTrace>x_test.go:3: no</stackTrace>"
    case = only_case(report_in(
        f"<testsuite><testcase name='t'><flakyFailure>{attempt}</flakyFailure></testcase></testsuite>"
    ))  # fmt: skip
    assert (case.details, case.output) == ("x_test.go:3: no", None)
