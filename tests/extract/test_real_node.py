"""node's own test runner writes JUnit XML, and its counts at the end of the file."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.extract.reading import case_named, report_of

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not here")

SUITE = """
const { describe, it, test } = require('node:test');
const assert = require('node:assert');
describe('calc', () => {
  it('adds', () => { assert.strictEqual(1 + 1, 2); });
  it('fails', () => { assert.strictEqual(1 + 1, 3); });
  it.skip('skipped', () => {});
  it.todo('todo');
  describe('deep', () => { it('nested', () => {}); });
});
test('throws', () => { throw new Error('boom'); });
"""


def test_totals_and_places_are_those_of_node(tmp_path: Path) -> None:
    test_file = tmp_path / "calc.test.js"
    test_file.write_text(SUITE)
    command = [
        "node",
        "--test",
        "--test-reporter=junit",
        "--test-reporter-destination=junit.xml",
        test_file.name,
    ]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    report_file = tmp_path / "junit.xml"
    if not report_file.exists():
        pytest.skip("this node has no junit reporter")
    printed = {
        name: int(count) for name, count in re.findall(r"<!-- (\w+) (\d+) -->", report_file.read_text())
    }
    report = report_of(report_file)
    assert report.totals.total == printed["tests"]
    assert report.totals.passed == printed["pass"]
    assert report.totals.failed == printed["fail"]
    assert report.totals.skipped == printed["skipped"] + printed["todo"]
    assert [suite.name for suite in report.suites] == ["", "calc", "calc > deep"]
    assert (case_named(report, "fails").message or "").startswith("Expected values to be strictly equal")
    assert str(case_named(report, "fails").location).endswith("calc.test.js:6")
    assert str(case_named(report, "throws").location).endswith("calc.test.js:11")
