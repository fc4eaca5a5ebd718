"""unittest writes JUnit XML by unittest-xml-reporting; its own summary says what must come out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from collector.extract.reports import merge_reports
from tests.extract.reading import case_named, report_of

pytest.importorskip("xmlrunner")

SUITE = """
import unittest

class TestIt(unittest.TestCase):
    def test_passes(self):
        print("printed")

    def test_fails(self):
        self.assertEqual(1, 2)

    def test_breaks(self):
        {}["missing"]

    @unittest.skip("not today")
    def test_skipped(self):
        pass

    def test_parts(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertNotEqual(n, 1)

class TestOther(unittest.TestCase):
    def test_passes(self):
        pass
"""


def test_totals_and_places_are_those_that_unittest_prints(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SUITE)
    command = [sys.executable, "-m", "xmlrunner", "test_it", "-o", "out"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    printed = ended.stdout + ended.stderr
    found = re.search(r"FAILED \(failures=(\d+), errors=(\d+), skipped=(\d+)\)", printed)
    ran = re.search(r"Ran (\d+) tests", printed)
    assert found
    assert ran
    report = merge_reports(map(report_of, sorted((tmp_path / "out").glob("*.xml"))))
    totals = report.totals
    assert [totals.failed, totals.errors, totals.skipped] == [int(n) for n in found.groups()]
    assert totals.total == int(ran[1])
    assert len(report.suites) == 2
    failed = case_named(report, "test_fails")
    assert str(failed.location) == "test_it.py:9"
    assert failed.message == "1 != 2"
    assert case_named(report, "test_breaks").outcome == "error"
    assert case_named(report, "test_skipped").message == "not today"
