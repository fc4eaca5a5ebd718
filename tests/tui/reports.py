"""What a run may have produced, as values, and as the files that hold them."""

from __future__ import annotations

import json
from typing import Any

from collector import CoverageReport, FileCoverage, Location, LogEntry, Run, TestCase, TestReport, TestSuite
from collector.model.results import total_of
from tests.tui.conftest import Recorded

OUTPUT = b"""============ test session starts ============
tests/test_cart.py::test_total \x1b[32mPASSED\x1b[0m
tests/test_cart.py::test_discount \x1b[31mFAILED\x1b[0m
________ test_discount ________
>       assert total(10, 0.1) == 81
E       assert 90 == 81
src/cart.py:42: AssertionError
ERROR the database is gone
FAILED tests/test_cart.py::test_discount - assert 90 == 81
"""
CART, DB = "tests.test_cart", "tests.test_db"
CASES = (
    TestCase(name="test_total", outcome="passed", class_name=CART, duration_ms=3.2),
    TestCase(name="test_テスト🎉", outcome="passed", class_name=CART, duration_ms=0.2),
    TestCase(
        name="test_discount", outcome="failed", class_name=CART, duration_ms=12,
        message="AssertionError: assert 90 == 81", location=Location("src/cart.py", 42),
        details=">       assert total(10, 0.1) == 81\nE       \x1b[31massert 90 == 81\x1b[0m",
        output="adding\n",
    ),
    TestCase(
        name="test_sqlite", outcome="passed", class_name=DB, flaky=True, attempts=3, duration_ms=900,
    ),
    TestCase(name="test_skip", outcome="skipped", class_name=DB, message="needs a network"),
    TestCase(
        name="test_postgres", outcome="error", class_name=DB, duration_ms=1,
        message="ConnectionRefusedError: refused", location=Location("src/db.py"),
    ),
)  # fmt: skip
COVERAGE = CoverageReport(
    lines=1000, lines_covered=812, branches=40, branches_covered=30,
    files=(
        FileCoverage(path="src/cart.py", lines=120, lines_covered=90, uncovered=((3, 3), (10, 19), (50, 60))),
        FileCoverage(path="src/db.py", lines=300, lines_covered=100, uncovered=((5, 204),)),
        FileCoverage(path="src/done.py", lines=80, lines_covered=80),
        FileCoverage(path="src/util.py", lines=500, lines_covered=499, uncovered=((77, 77),)),
    ),
)  # fmt: skip
ENTRIES = (
    LogEntry(
        level="info", message="serving on :8080", stream="stdout", line=1,
        timestamp="2026-01-20T12:00:01.250Z",
    ),
    LogEntry(level="error", message="the database is gone", stream="stdout", line=8, context={"host": "db1"}),
    LogEntry(level="warn", message="deprecated call", stream="stderr", line=2),
    LogEntry(level="debug", message="x=1", stream="stdout", line=2),
)  # fmt: skip
VALUE = {"name": "acode", "items": [{"id": n, "price": 1.5} for n in range(30)], "odd key": {"deep": [1, 2]}}
SUMMARY = {
    "tests": {"total": 6, "passed": 3, "failed": 1, "errors": 1, "skipped": 1, "flaky": 1},
    "coverage": {"line_percent": 81.2, "lines": 1000, "lines_covered": 812},
    "logs": {"error": 1, "warn": 1, "info": 1, "debug": 1},
}


def report_of(*cases: TestCase, **values: Any) -> TestReport:
    """Return a report as pytest's is: one suite with everything."""
    suite = TestSuite(name="pytest", source="junit.xml", cases=cases)
    return TestReport(totals=total_of(cases), suites=(suite,), sources=("junit.xml",), **values)


def as_bytes(record: Any) -> bytes:
    return json.dumps(record).encode()


def entries_file(entries: tuple[LogEntry, ...] = ENTRIES) -> bytes:
    return b"".join(as_bytes(entry.to_json()) + b"\n" for entry in entries)


def add_failed_run(recorded: Recorded, **values: Any) -> Run:
    """Record a failed run that produced everything there is."""
    files = {
        "stdout.txt": OUTPUT, "stderr.txt": b"first\nwarning: deprecated call\n",
        "test-results.json": as_bytes(report_of(*CASES).to_json()),
        "coverage.json": as_bytes(COVERAGE.to_json()), "logs.jsonl": entries_file(),
        "artifact.json": as_bytes(VALUE), **values.pop("files", {}),
    }  # fmt: skip
    known = {"status": "failure", "summary": SUMMARY, "type": "test", "cpu_ms": 1234, **values}
    return recorded.add("pytest --junitxml=junit.xml --cov", files, **known)
