"""TRX beyond the samples: rows, outcomes, output, runs that crash."""

from __future__ import annotations

import pytest

from collector.model.results import Location
from tests.extract.reading import case_named, cases_of, only_case, report_in


def trx(results: str, rest: str = "") -> str:
    return f"<TestRun name='run'><Results>{results}</Results>{rest}</TestRun>"


def test_the_rows_of_a_trx_result_count_and_not_the_result_around_them() -> None:
    rows = "".join(
        f"<UnitTestResult testName='T({n})' outcome='{o}'/>" for n, o in enumerate(("Passed", "Failed"))
    )
    around = (
        f"<UnitTestResult testName='T' outcome='Failed'><InnerResults>{rows}</InnerResults></UnitTestResult>"
    )
    report = report_in(trx(around))
    assert [(case.name, case.outcome) for case in cases_of(report)] == [
        ("T(0)", "passed"),
        ("T(1)", "failed"),
    ]


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ("outcome='Passed'", "passed"), ("outcome='Warning'", "passed"), ("outcome='Failed'", "failed"),
        ("outcome='Timeout'", "error"), ("outcome='Aborted'", "error"), ("outcome='NotExecuted'", "skipped"),
        ("outcome='Inconclusive'", "skipped"), ("", "error"),
    ],
)  # fmt: skip
def test_every_outcome_of_trx_is_one_of_four(told: str, outcome: str) -> None:
    assert only_case(report_in(trx(f"<UnitTestResult testName='T' {told}/>"))).outcome == outcome


def test_output_of_a_trx_result_is_kept_and_definitions_may_come_first() -> None:
    definition = (
        "<TestDefinitions><UnitTest id='1'><TestMethod className='N.C'/></UnitTest></TestDefinitions>"
    )
    result = (
        "<UnitTestResult testId='1' testName='N.C.T' outcome='Failed'><Output>"
        "<StdOut>out</StdOut><StdErr>err</StdErr>"
        "<ErrorInfo><Message>no</Message><StackTrace>at N.C.T() in /p/C.cs:line 3</StackTrace></ErrorInfo>"
        "<TextMessages><Message>aside</Message></TextMessages></Output></UnitTestResult>"
    )
    case = only_case(report_in(f"<TestRun>{definition}<Results>{result}</Results></TestRun>"))
    assert (case.class_name, case.name, case.output, case.message) == ("N.C", "T", "out\nerr", "no")
    assert case.location == Location("/p/C.cs", 3)


def test_a_trx_run_that_crashed_is_an_error() -> None:
    summary = (
        "<ResultSummary outcome='Failed'><RunInfos><RunInfo outcome='Error'>"
        "<Text>The test host crashed</Text></RunInfo></RunInfos></ResultSummary>"
    )
    report = report_in(trx("<UnitTestResult testName='T' outcome='Passed'/>", summary))
    assert (report.totals.passed, report.totals.errors) == (1, 1)
    assert case_named(report, "run").message == "The test host crashed"
    failed = report_in(trx("<UnitTestResult testName='T' outcome='Failed'/>", summary))
    assert failed.totals.total == 1
