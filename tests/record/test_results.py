"""Reports among a run's files become test-results.json, coverage.json, and counts in the run's record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from collector.model.results import CoverageReport, TestReport
from tests.conftest import Acode, read_json

JUNIT = """<testsuite name="s" tests="3"><testcase classname="c" name="a" time="0.1"/>
<testcase classname="c" name="b"><failure message="no">c.py:3: AssertionError</failure></testcase>
<testcase classname="c" name="d"><skipped/></testcase></testsuite>"""
LCOV = "TN:\nSF:src/a.c\nDA:1,1\nDA:2,0\nDA:3,0\nend_of_record\n"


def seal(acode: Acode, script: str, *options: str) -> dict[str, Any]:
    """Run a script in a workspace that holds both reports, and return the sealed record."""
    (acode.root / "whole").write_text(JUNIT)
    (acode.root / "other").write_text(JUNIT.replace('classname="c"', 'classname="other"'))
    (acode.root / "info").write_text(LCOV)
    assert acode.run("exec", *options, "--", "sh", "-c", script).returncode == 0
    assert acode.run("runs", "list").returncode == 0
    return acode.record()


def report(acode: Acode) -> TestReport:
    return TestReport.from_json(read_json(acode.folder() / "test-results.json"))


def test_pytest_itself_and_acode_count_the_same(acode: Acode) -> None:
    (acode.root / "test_it.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert 1 == 2, 'one is not two'\n"
        "@pytest.mark.skip\ndef test_c(): pass\n@pytest.fixture\ndef broken(): raise OSError('x')\n"
        "def test_d(broken): pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=junit.xml"]
    done = acode.run("exec", "--", *command, "test_it.py")
    assert done.returncode == 1
    assert b"1 failed, 1 passed, 1 skipped, 1 error" in done.stdout
    acode.run("runs", "list")
    expected = {"total": 4, "passed": 1, "failed": 1, "errors": 1, "skipped": 1, "flaky": 0}
    assert acode.record()["summary"]["tests"] == expected
    failed = [case for suite in report(acode).suites for case in suite.cases if case.is_failed]
    assert {str(case.location) for case in failed} == {"test_it.py:3", "test_it.py:7"}
    listed = json.loads(acode.run("runs", "list", "--json").stdout)[0]
    assert listed["summary"]["tests"] == expected


def test_several_reports_become_one_of_each_kind(acode: Acode) -> None:
    script = "mkdir -p a/TestResults coverage; cp whole a/TestResults/x.xml; cp other junit2.xml"
    record = seal(acode, script + "; cp info coverage/lcov.info")
    assert record["summary"]["tests"]["total"] == 6
    assert record["summary"]["coverage"] == {"line_percent": 33.33, "lines": 3, "lines_covered": 1}
    types = {a["path"]: a["type"] for a in record["artifacts"]}
    assert types["test-results.json"] == types["junit2.xml"] == types["a/TestResults/x.xml"] == "test_result"
    assert types["coverage.json"] == types["coverage/lcov.info"] == "coverage"
    found = CoverageReport.from_json(read_json(acode.folder() / "coverage.json"))
    assert [(f.path, f.uncovered) for f in found.files] == [("src/a.c", ((2, 3),))]


def test_a_broken_report_is_kept_and_flagged(acode: Acode) -> None:
    record = seal(acode, "head -c 90 whole > junit-cut.xml; echo nothing > junit-not.xml; cp other junit.xml")
    found = {a["path"]: a["metadata"] for a in record["artifacts"] if a["source"] == "file"}
    assert "problem" in found["junit-cut.xml"]
    assert "problem" in found["junit-not.xml"]
    assert found["junit.xml"] == {}
    assert record["summary"]["tests"]["failed"] == 1
    assert any("junit-cut.xml" in problem for problem in report(acode).problems)


def test_other_xml_and_json_are_no_reports(acode: Acode) -> None:
    script = "echo '<project/>' > pom.xml; echo '{\"a\": 1}' > package.json; echo '[' > broken.json"
    record = seal(acode, script, "--collect", "*.xml", "--collect", "*.json")
    assert not {"tests", "coverage"} & record["summary"].keys()
    assert all("problem" not in a["metadata"] for a in record["artifacts"])


def test_a_report_that_is_too_large_to_keep_still_counts(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ARTIFACTS_MAX_SIZE_PER_ARTIFACT"] = "100"
    record = seal(acode, "cp whole junit.xml")
    assert record["summary"]["tests"]["total"] == 3
    assert [s["path"] for s in record["skipped"]] == ["junit.xml"]
    assert "junit.xml" not in {a["path"] for a in record["artifacts"]}


def test_a_report_handed_in_later_is_added(acode: Acode) -> None:
    seal(acode, "cp whole junit.xml")
    other = JUNIT.replace('classname="c"', 'classname="other"')
    done = acode.run("artifacts", "collect", "--file", "-", "--name", "more.xml", input=other.encode())
    assert done.returncode == 0, done.stderr
    record = acode.record()
    assert record["summary"]["tests"]["total"] == 6
    assert [a["path"] for a in record["artifacts"]].count("test-results.json") == 1
    assert report(acode).sources == ("junit.xml", "more.xml")


def test_the_only_trx_has_its_usual_name_too(acode: Acode) -> None:
    samples = Path(__file__).parents[2].parent / "shared" / "samples" / "trx"
    if not samples.is_dir():
        pytest.skip("the samples are not here")
    (sample, *_) = sorted(samples.glob("*.trx"))
    subprocess.run(["cp", sample, acode.root / "sample"], check=True)
    record = seal(acode, "mkdir TestResults; cp sample TestResults/results.trx")
    assert (acode.folder() / "test-results.trx").read_bytes() == sample.read_bytes()
    counters = sample.read_text(encoding="utf-8-sig").split("<Counters ")[1].split("/>")[0]
    assert f'total="{record["summary"]["tests"]["total"]}"' in counters
    assert f'passed="{record["summary"]["tests"]["passed"]}"' in counters


def test_sealing_anew_counts_nothing_twice(acode: Acode) -> None:
    first = seal(acode, "cp whole junit.xml")
    record = {**first, "summary": {}, "artifacts": first["artifacts"][:2]}
    del record["provenance"]["files"]
    for artifact in record["artifacts"]:
        artifact["checksum_sha256"] = None
    (acode.folder() / "run.json").write_text(json.dumps(record))  # as it was before it was sealed
    Path(acode.workspace.spool, f"{acode.folder().name}.seal").touch()
    acode.run("runs", "list")
    assert acode.record()["summary"] == first["summary"]
