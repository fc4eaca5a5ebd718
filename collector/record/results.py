"""`test-results.json` and `coverage.json`: what a run's files say of its tests, whatever format they are in.

Which file is a report is told by its content; its name only says whether to look. A broken report stays an
artifact, with what is wrong in its metadata, and what could be read of it counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO, NamedTuple, TypeVar

from collector import durable
from collector.extract.coverage import merge_coverage, read_coverage
from collector.extract.reports import merge_reports, read_test_report
from collector.extract.values import NotResults
from collector.model.results import CoverageReport, TestReport
from collector.record.gather import Gathered
from collector.record.masked_content import masked_content
from collector.record.run_json import made_entry
from collector.workspace import COVERAGE, TEST_RESULTS, TEST_RESULTS_TRX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.redaction import Rules

_SUFFIXES = (".xml", ".trx", ".json", ".info", ".lcov")
_MAX_PROBLEM = 300


_Report = TypeVar("_Report", TestReport, CoverageReport)


class Results(NamedTuple):
    """Entries of a run's files, as what is in them changed them and with those that were made, and counts."""

    artifacts: list[dict[str, Any]]
    summary: dict[str, Any]


def find_results(
    folder: str,
    found: Gathered,
    open_file: Callable[[str], BinaryIO],
    mode: int,
    redacted: Rules | None = None,
) -> Results:
    """Read every report among a run's new files and write all of them as one of each kind.

    Args:
        folder: the run folder.
        found: the run's files, and which of them are new; reports that were not kept are closed.
        open_file: opens a file of the run folder by its path.
        mode: permissions of new files.
        redacted: what must not be kept of reports that were not redacted already; None to keep all.

    Raises:
        OSError: the disk is full.
    """
    artifacts = [dict(artifact) for artifact in found.record["artifacts"]]
    tests: list[TestReport] = []
    coverage: list[CoverageReport] = []
    for artifact in artifacts:
        if artifact["path"] in found.fresh and artifact["path"].lower().endswith(_SUFFIXES):
            report = _read_artifact(artifact, open_file)
            _sort(report, tests, coverage)
            _describe(artifact, report)
    for path, fd in found.unkept:
        with masked_content(os.fdopen(fd, "rb"), redacted) as file:
            _sort(_read(file, path), tests, coverage)
    summary = dict(found.record.get("summary") or {})
    keeper = _Keeper(folder, found.record["run_id"], artifacts, open_file, mode)
    if tests:
        report = merge_reports([*keeper.earlier(TEST_RESULTS, TestReport), *tests])
        summary["tests"] = asdict(report.totals)
        keeper.keep("test_result", TEST_RESULTS, report.to_json())
        keeper.link_trx()
    if coverage:
        merged = merge_coverage([*keeper.earlier(COVERAGE, CoverageReport), *coverage])
        percent = round(merged.line_percent, 2)
        summary["coverage"] = {
            "line_percent": percent, "lines": merged.lines, "lines_covered": merged.lines_covered,
        }  # fmt: skip
        keeper.keep("coverage", COVERAGE, merged.to_json())
    return Results(keeper.artifacts, summary)


def _read_artifact(
    artifact: dict[str, Any], open_file: Callable[[str], BinaryIO]
) -> TestReport | CoverageReport | None:
    try:
        with open_file(artifact["path"]) as file:
            return _read(file, artifact["path"])
    except Exception:  # noqa: BLE001 - whatever a file holds, the run is sealed with it
        return None


def _read(file: BinaryIO, source: str) -> TestReport | CoverageReport | None:
    """Read a report of either kind; None for what is none."""
    for read in (read_test_report, read_coverage):
        try:
            return read(file, source)
        except NotResults:
            file.seek(0)
    return None


def _sort(
    report: TestReport | CoverageReport | None, tests: list[TestReport], coverage: list[CoverageReport]
) -> None:
    if isinstance(report, TestReport):
        tests.append(report)
    elif isinstance(report, CoverageReport):
        coverage.append(report)


def _describe(artifact: dict[str, Any], report: TestReport | CoverageReport | None) -> None:
    """Say of an artifact what its content is, and what is wrong with it."""
    by_name = artifact["type"] == "test_result" and artifact["path"].lower().endswith((".xml", ".trx"))
    if report is None and not by_name:
        return
    problems = report.problems if report is not None else ("not readable as test results",)
    if report is not None:
        artifact["type"] = "test_result" if isinstance(report, TestReport) else "coverage"
    if problems:
        artifact["metadata"] = {**artifact["metadata"], "problem": problems[0][:_MAX_PROBLEM]}


class _Keeper:
    """Writes what was found into a run folder, and the entries for it."""

    def __init__(
        self,
        folder: str,
        run_id: str,
        artifacts: list[dict[str, Any]],
        open_file: Callable[[str], BinaryIO],
        mode: int,
    ) -> None:
        self._folder, self._run_id, self._open_file, self._mode = folder, run_id, open_file, mode
        self.artifacts = artifacts

    def earlier(self, name: str, kind: type[_Report]) -> tuple[_Report, ...]:
        """Return what an earlier sealing found, if this is not the first one."""
        if not any(artifact["path"] == name for artifact in self.artifacts):
            return ()
        try:
            with self._open_file(name) as file:
                return (kind.from_json(json.load(file)),)
        except (OSError, ValueError, RecursionError):
            return ()

    def keep(self, kind: str, name: str, record: dict[str, Any]) -> None:
        """Write a report as JSON, in the place of an earlier one."""
        data = (json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8", "replace")
        durable.replace_file(os.path.join(self._folder, name), data, self._mode)
        self._add(made_entry(self._folder, self._run_id, kind, name, "application/json"))

    def link_trx(self) -> None:
        """Give the one TRX file of a run the name under which other tools look for it."""
        found = [a["path"] for a in self.artifacts if a["path"].lower().endswith(".trx")]
        target = os.path.join(self._folder, TEST_RESULTS_TRX)
        if len(found) != 1 or os.path.lexists(target):
            return
        try:
            durable.link_or_copy(durable.safe_join(self._folder, found[0]), target)
        except (OSError, ValueError):
            return
        entry = made_entry(self._folder, self._run_id, "test_result", TEST_RESULTS_TRX, "application/xml")
        self._add(entry)

    def _add(self, entry: dict[str, Any]) -> None:
        self.artifacts = [a for a in self.artifacts if a["path"] != entry["path"]] + [entry]
