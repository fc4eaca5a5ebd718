"""Files of real projects, against counts that know nothing of the readers."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from collector.model.results import TestTotals
from tests.extract.reading import SAMPLES, cases_of, coverage_of, report_of

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
TRX = "{http://microsoft.com/schemas/VisualStudio/TeamTest/2010}"
JUNIT_FILES = [
    "dorny-jest-junit.xml", "dorny-phpunit.xml", "dorny-python-xunit-pytest.xml", "dorny-swift-xunit.xml",
    "enricomi-junit.gloo.elastic.spark.tf.xml",
]  # fmt: skip


def counted_junit(path: Path) -> TestTotals:
    cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    failed = sum(case.find("failure") is not None for case in cases)
    errors = sum(case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    passed = len(cases) - failed - errors - skipped
    return TestTotals(total=len(cases), passed=passed, failed=failed, errors=errors, skipped=skipped)


@pytest.mark.parametrize("name", JUNIT_FILES)
def test_junit_totals_are_those_of_its_elements(name: str) -> None:
    path = SAMPLES / "junit" / name
    report = report_of(path)
    assert report.totals == counted_junit(path)
    assert len(cases_of(report)) == report.totals.total
    assert report.problems == ()


@pytest.mark.parametrize("name", JUNIT_FILES)
def test_every_junit_name_is_kept_as_it_stands(name: str) -> None:
    path = SAMPLES / "junit" / name
    told = [case.get("name") for case in ElementTree.parse(path).getroot().iter("testcase")]
    assert Counter(case.name for case in cases_of(report_of(path))) == Counter(told)


def test_jest_failures_are_located_in_the_test_and_not_in_a_library() -> None:
    report = report_of(SAMPLES / "junit" / "dorny-jest-junit.xml")
    places = [str(case.location).rpartition("\\")[2] for case in cases_of(report) if case.is_failed]
    assert places == ["main.test.js:10", "main.test.js:14", "main.test.js:21", "second.test.js:1"]


def test_phpunit_suites_are_named_within_each_other() -> None:
    report = report_of(SAMPLES / "junit" / "dorny-phpunit.xml")
    assert [suite.name for suite in report.suites][:2] == [
        "CLI Arguments", "CLI Arguments > PHPUnit\\Event\\CollectingDispatcherTest",
    ]  # fmt: skip


def test_a_file_cut_in_the_middle_gives_what_stands_before() -> None:
    path = SAMPLES / "junit" / "enricomi-corrupt-xml.xml"
    report = report_of(path)
    assert [case.name for case in cases_of(report)] == re.findall(r'\sname="(test_\w+)"', path.read_text())
    (problem,) = report.problems
    assert problem.startswith("enricomi-corrupt-xml.xml: broken XML in line ")


def test_a_text_is_no_results() -> None:
    with pytest.raises(ValueError, match="line 1"):
        report_of(SAMPLES / "junit" / "enricomi-non-xml.xml")


@pytest.mark.parametrize("name", ["dorny-dotnet-trx.trx", "dorny-dotnet-xunitv3.trx"])
def test_trx_totals_are_the_counters_of_its_summary(name: str) -> None:
    path = SAMPLES / "trx" / name
    root = ElementTree.parse(path).getroot()
    counters = next(root.iter(f"{TRX}Counters")).attrib
    report = report_of(path)
    assert report.totals.total == int(counters["total"])
    assert report.totals.passed == int(counters["passed"])
    assert report.totals.failed == int(counters["failed"])
    assert report.totals.skipped == int(counters["total"]) - int(counters["executed"])
    assert report.totals.errors == 0


def test_trx_tests_belong_to_the_classes_of_their_definitions() -> None:
    root = ElementTree.parse(SAMPLES / "trx" / "dorny-dotnet-trx.trx").getroot()
    classes = {
        unit.attrib["id"]: next(unit.iter(f"{TRX}TestMethod")).attrib["className"]
        for unit in root.iter(f"{TRX}UnitTest")
    }
    told: Counter[tuple[str | None, str]] = Counter()
    for result in root.iter(f"{TRX}UnitTestResult"):
        class_name = classes[result.attrib["testId"]]
        told[class_name, result.attrib["testName"].removeprefix(f"{class_name}.")] += 1
    report = report_of(SAMPLES / "trx" / "dorny-dotnet-trx.trx")
    assert Counter((case.class_name, case.name) for case in cases_of(report)) == told


def test_trx_failures_tell_message_place_and_trace() -> None:
    report = report_of(SAMPLES / "trx" / "dorny-dotnet-trx.trx")
    (case,) = [case for case in cases_of(report) if case.name == "Exception_In_TargetTest"]
    assert case.message == "System.DivideByZeroException : Attempted to divide by zero."
    assert str(case.location).endswith("DotnetTests.XUnitTests\\CalculatorTests.cs:33")
    assert case.duration_ms == pytest.approx(0.8377)
    assert (case.details or "").count("\n") == 1
    (suite,) = report.suites
    assert suite.name == "DotnetTests.XUnitTests"


@pytest.mark.parametrize("name", ["gcovr-example-cobertura.xml", "reportgenerator-cobertura-coverlet.xml"])
def test_cobertura_totals_are_those_the_producer_prints(name: str) -> None:
    path = SAMPLES / "coverage" / name
    printed = ElementTree.parse(path).getroot().attrib
    report = coverage_of(path)
    assert report.lines == int(printed["lines-valid"])
    assert report.lines_covered == int(printed["lines-covered"])
    assert report.branches == int(printed["branches-valid"])
    assert report.branches_covered == int(printed["branches-covered"])


@pytest.mark.parametrize("name", ["gcovr-example-cobertura.xml", "reportgenerator-cobertura-coverlet.xml"])
def test_uncovered_lines_are_those_without_hits(name: str) -> None:
    path = SAMPLES / "coverage" / name
    hits: dict[tuple[str, int], int] = {}
    for cls in ElementTree.parse(path).getroot().iter("class"):
        for line in cls.iterfind("lines/line"):
            key = (cls.attrib["filename"], int(line.attrib["number"]))
            hits[key] = max(hits.get(key, 0), int(line.attrib["hits"]))
    expected = {key for key, count in hits.items() if count == 0}
    told = {
        (file.path.rpartition("/")[2], line)
        for file in coverage_of(path).files
        for first, last in file.uncovered
        for line in range(first, last + 1)
    }
    assert told == expected
