"""Several reports of one run as one."""

from __future__ import annotations

from dataclasses import replace

from collector.extract.reports import merge_reports
from collector.model.results import TestReport
from tests.extract.reading import report_in

JUNIT = """<testsuites><testsuite name="Calc.dll" time="0.2">
<testcase classname="N.CalcTests" name="Adds(i: 1)" time="0.1084"/>
<testcase classname="N.CalcTests" name="Fails" time="0.05"><failure message="no">at X</failure></testcase>
</testsuite></testsuites>"""
TRX = """<TestRun name="run" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
<UnitTestResult testId="1" testName="N.CalcTests.Adds(i: 1)" outcome="Passed" duration="00:00:00.1084258"/>
<UnitTestResult testId="2" testName="N.CalcTests.Fails" outcome="Failed" duration="00:00:00.0501"/>
</Results><TestDefinitions>
<UnitTest id="1"><TestMethod className="N.CalcTests, Calc" name="Adds" codeBase="/p/Calc.dll"/></UnitTest>
<UnitTest id="2"><TestMethod className="N.CalcTests, Calc" name="Fails"/></UnitTest>
</TestDefinitions></TestRun>"""


def test_totals_are_summed_and_suites_stay_in_order() -> None:
    one = report_in("<testsuite name='a' time='1'><testcase name='x'/></testsuite>", "a.xml")
    other = report_in(
        "<testsuite name='b' time='2'><testcase name='y'><skipped/></testcase></testsuite>", "b.xml"
    )
    merged = merge_reports([one, other])
    assert (merged.totals.total, merged.totals.passed, merged.totals.skipped) == (2, 1, 1)
    assert merged.duration_ms == 3000
    assert [suite.name for suite in merged.suites] == ["a", "b"]
    assert merged.sources == ("a.xml", "b.xml")


def test_nothing_merges_into_an_empty_report() -> None:
    assert merge_reports([]) == TestReport()


def test_a_trx_and_a_junit_file_of_the_same_run_count_once() -> None:
    junit, trx = report_in(JUNIT, "out/junit.xml"), report_in(TRX, "out/results.trx")
    for order in ([junit, trx], [trx, junit]):
        merged = merge_reports(order)
        assert (merged.totals.total, merged.totals.failed) == (2, 1)
        assert len(merged.suites) == 1
        assert merged.sources == (order[0].sources[0], order[1].sources[0])


def test_another_outcome_or_one_test_more_counts_everything() -> None:
    junit = report_in(JUNIT, "junit.xml")
    healed = report_in(TRX.replace('"Failed"', '"Passed"'), "results.trx")
    assert merge_reports([junit, healed]).totals.total == 4
    row = '<UnitTestResult testId="3" testName="More" outcome="Passed"/></Results>'
    more = report_in(TRX.replace("</Results>", row), "results.trx")
    assert merge_reports([junit, more]).totals.total == 5


def test_a_summary_beside_its_parts_counts_once() -> None:
    a = report_in("<testsuite name='a'><testcase classname='a' name='x'/></testsuite>", "TEST-a.xml")
    b = report_in("<testsuite name='b'><testcase classname='b' name='x'/></testsuite>", "TEST-b.xml")
    both = report_in(
        "<testsuites><testsuite name='a'><testcase classname='a' name='x'/></testsuite>"
        "<testsuite name='b'><testcase classname='b' name='x'/></testsuite></testsuites>",
        "TESTS-TestSuites.xml",
    )
    assert merge_reports([a, b, both]).totals.total == 2
    assert merge_reports([both, a, b]).totals.total == 2


def test_modules_with_files_of_the_same_name_both_count() -> None:
    one = report_in(JUNIT, "a/TEST-N.xml")
    assert merge_reports([one, report_in(JUNIT, "b/TEST-N.xml")]).totals.total == 4


def test_the_same_tests_at_other_durations_both_count() -> None:
    other = report_in(JUNIT.replace("0.1084", "0.9"), "other.xml")
    assert merge_reports([report_in(JUNIT, "junit.xml"), other]).totals.total == 4


def test_merging_what_is_merged_changes_nothing() -> None:
    merged = merge_reports(
        [report_in(JUNIT, "a.xml"), report_in(JUNIT.replace("CalcTests", "Other"), "b.xml")]
    )
    assert merge_reports([merged]) == merged


def test_problems_of_all_reports_are_kept() -> None:
    one = replace(report_in(JUNIT, "a.xml"), problems=("a.xml: broken",))
    assert merge_reports([report_in(TRX, "b.trx"), one]).problems == ("a.xml: broken",)


def test_two_tests_are_not_told_by_one() -> None:
    once = report_in("<testsuite><testcase name='x'/></testsuite>", "a.xml")
    twice = report_in("<testsuite><testcase name='x'/><testcase name='x'/></testsuite>", "b.xml")
    assert merge_reports([once, twice]).totals.total == 3
