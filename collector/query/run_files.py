"""What the files of runs say: test results, coverage, lines. What cannot be read is noted and left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from collector.errors import AcodeError
from collector.extract.text import iter_lines
from collector.model.artifact import Artifact
from collector.model.results import CoverageReport, TestCase, TestReport
from collector.model.run import Run
from collector.store.protocols import ArtifactStore
from collector.workspace import COVERAGE, TEST_RESULTS

_MAX_REPORT_BYTES = 100 << 20


class RunFiles:
    """Reads runs' files.

    Attributes:
        problems: what could not be read, one line each.
    """

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts
        self.problems: list[str] = []

    def report(self, run: Run) -> TestReport | None:
        """Return the run's test results, None where it has none."""
        record = self._record(run, TEST_RESULTS)
        try:
            if record is None:
                return None
            report = TestReport.from_json(record)
            report.check()
            return report
        except (ValueError, AttributeError) as error:
            self.problems.append(f"{run.name}: {TEST_RESULTS} cannot be read: {error}")
            return None

    def coverage(self, run: Run) -> CoverageReport | None:
        """Return the run's coverage, None where it has none."""
        record = self._record(run, COVERAGE)
        try:
            return None if record is None else CoverageReport.from_json(record)
        except (ValueError, AttributeError) as error:
            self.problems.append(f"{run.name}: {COVERAGE} cannot be read: {error}")
            return None

    def lines(self, run: Run, stream: str) -> Iterator[tuple[int, str]]:
        """Yield the lines of one of the run's streams."""
        artifact = next((item for item in run.artifacts if item.type == stream), None)
        if artifact is not None and artifact.size_bytes:
            yield from iter_lines(self.content(run, artifact))

    def content(self, run: Run, artifact: Artifact) -> Iterator[bytes]:
        """Yield a file's content, as much of it as can be read."""
        try:
            yield from self._artifacts.iter_content(artifact)
        except (AcodeError, OSError) as error:
            message = error.message if isinstance(error, AcodeError) else str(error)
            self.problems.append(f"{run.name}: {artifact.path} cannot be read: {message}")

    def _record(self, run: Run, path: str) -> Any:
        artifact = next((item for item in run.artifacts if item.path == path), None)
        if artifact is None:
            return None
        if artifact.size_bytes > _MAX_REPORT_BYTES:
            self.problems.append(f"{run.name}: {path} is too large")
            return None
        before = len(self.problems)
        content = b"".join(self.content(run, artifact))
        if len(self.problems) > before:
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            self.problems.append(f"{run.name}: {path} cannot be read: {error}")
            return None


def case_name(case: TestCase) -> str:
    """Return what a test goes by in all that is shown."""
    return f"{case.class_name}::{case.name}" if case.class_name else case.name
