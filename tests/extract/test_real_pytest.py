"""pytest writes JUnit XML, and prints the totals that must come out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.extract.reading import case_named, report_of

SUITE = """
import sys, pytest

def test_passes(): pass

def test_fails():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    assert 1 + 1 == 3, "no good"

@pytest.fixture
def broken(): raise RuntimeError("fixture is broken")

def test_needs_fixture(broken): pass

@pytest.fixture
def leaving():
    yield
    raise RuntimeError("teardown is broken")

def test_left_badly(leaving): pass

@pytest.mark.skip(reason="not today")
def test_skipped(): pass

@pytest.mark.xfail(reason="known")
def test_known(): assert 0

@pytest.mark.parametrize("text", ["a b", "<&>", "\\x1b[31m"])
def test_many(text): pass

class TestIn:
    def test_method(self): helper()

def helper(): raise ValueError("deep")

ATTEMPTS = []

@pytest.mark.flaky(reruns=2)
def test_flaky():
    ATTEMPTS.append(1)
    assert len(ATTEMPTS) > 1
"""


OPTIONS = ["-p", "pytest_rerunfailures", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."]


def run(folder: Path, *options: str) -> dict[str, int]:
    """Run pytest in a folder, with no other plugins; return the counts of its last line."""
    (folder / "test_it.py").write_text(SUITE)
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", *OPTIONS, *options, "test_it.py"]
    ended = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    *_, last = ended.stdout.splitlines()
    return {word.rstrip("s"): int(count) for count, word in re.findall(r"(\d+) ([a-z]+)", last)}


Reported = tuple[Path, dict[str, int], str]


@pytest.fixture(scope="module", params=["xunit1", "xunit2"])
def reported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    folder, family = tmp_path_factory.mktemp("project"), str(request.param)
    counts = run(folder, "--junitxml=junit.xml", "-o", f"junit_family={family}", "-o", "junit_logging=all")
    return folder / "junit.xml", counts, family


def test_totals_are_those_that_pytest_prints(reported: Reported) -> None:
    path, printed, _ = reported
    totals = report_of(path).totals
    # A test whose teardown breaks is printed twice, as passed and as an error; the file tells of it once.
    assert totals.passed == printed["passed"] - 1
    assert totals.failed == printed["failed"]
    assert totals.errors == printed["error"]
    assert totals.skipped == printed["skipped"] + printed["xfailed"]
    assert totals.total == 11


def test_failure_tells_message_place_trace_and_output(reported: Reported) -> None:
    path, _, _ = reported
    case = case_named(report_of(path), "test_fails")
    assert (case.outcome, case.class_name) == ("failed", "test_it")
    assert (case.message or "").startswith("AssertionError: no good")
    assert str(case.location) == "test_it.py:9"
    assert "assert 1 + 1 == 3" in (case.details or "")
    assert "to stdout" in (case.output or "")
    assert "to stderr" in (case.output or "")


def test_place_of_a_failure_is_the_innermost_line_in_the_test_file(reported: Reported) -> None:
    path, _, _ = reported
    line = next(n for n, text in enumerate(SUITE.splitlines(), 1) if text.startswith("def helper"))
    assert str(case_named(report_of(path), "test_method").location) == f"test_it.py:{line}"


def test_place_of_a_test_that_passed_is_where_it_stands(reported: Reported) -> None:
    path, _, family = reported
    location = case_named(report_of(path), "test_passes").location
    assert str(location) == "test_it.py:4" if family == "xunit1" else location is None


def test_error_in_a_fixture_is_an_error(reported: Reported) -> None:
    path, _, _ = reported
    case = case_named(report_of(path), "test_needs_fixture")
    assert case.outcome == "error"
    assert "fixture is broken" in f"{case.message}"


def test_skipped_and_expected_failures_say_why(reported: Reported) -> None:
    path, _, _ = reported
    report = report_of(path)
    assert case_named(report, "test_skipped").message == "not today"
    assert case_named(report, "test_known").message == "known"


def test_parametrised_names_are_kept(reported: Reported) -> None:
    path, _, _ = reported
    names = {case.name for suite in report_of(path).suites for case in suite.cases}
    assert {"test_many[a b]", "test_many[<&>]"} <= names
    assert len([name for name in names if name.startswith("test_many[")]) == 3


def test_a_test_that_passed_when_it_was_rerun_is_flaky_and_counts_once(reported: Reported) -> None:
    path, printed, _ = reported
    assert printed["rerun"] == 1
    case = case_named(report_of(path), "test_flaky")
    assert (case.outcome, case.attempts, case.flaky) == ("passed", 2, True)
    assert report_of(path).totals.flaky == 1
