"""JUnit XML in the dialects of all who write it: pytest, Surefire, Gradle, Go, Jest, PHPUnit and so on.

There is no standard; what is read is what their producers document or do. Suites can be nested (PHPUnit,
node), a suite can fail without a test (Jest, Ant), a test can carry its earlier attempts (Surefire, Gradle,
Playwright) or come several times (gotestsum, Gradle). Counts are those of the elements, not what the
attributes of a suite claim. What a whole suite printed, and properties, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.extract.case_list import CaseList
from collector.extract.junit_case import ATTEMPTS, OUTCOMES, OpenCase, Verdict, close_case
from collector.extract.locations import find_location, path_in
from collector.extract.safe_xml import Attributes, Elements
from collector.extract.values import MAX_NAME, MAX_TEXT, BoundedText, bounded, milliseconds, some, whole
from collector.model.results import Location, TestCase, TestReport


@dataclass(slots=True)
class _Suite:
    number: int
    name: str
    file: str | None = None
    errors: int = 0
    is_pytest: bool = False
    is_empty: bool = True


class JUnit(Elements):
    """Reads one document; `report` tells what it held, also when it ended too early."""

    def __init__(self) -> None:
        super().__init__()
        self._cases = CaseList()
        self._suites: dict[int, tuple[str, float | None]] = {}
        self._outside = _Suite(0, "")  # node tells of tests that are in no suite
        self._open: list[_Suite] = []
        self._last_number = 0
        self._case: OpenCase | None = None
        self._verdict: Verdict | None = None
        self._is_pytest = False
        self._total_ms: float | None = None
        self._sum_ms: float | None = None

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the start of an element."""
        if name == "testcase":
            self._case = OpenCase(attributes, 0 if self._suite.is_pytest else 1)
            self._suite.is_empty = False
        elif name == "testsuite":
            self._start_suite(attributes)
        elif name == "testsuites":
            self._total_ms = milliseconds(attributes.get("time"))
            self._is_pytest = attributes.get("name") == "pytest tests"
        elif name in ("system-out", "system-err"):
            self._start_output()
        elif self._verdict is None and (name in OUTCOMES or name in ATTEMPTS):
            self._verdict = Verdict(name, attributes.get("message"), attributes.get("type"))
            self.text = self._verdict.text

    def end(self, name: str) -> None:
        """Take the end of an element."""
        if name == "testcase":
            self._end_case()
        elif name == "testsuite":
            self._end_suite()
        elif name in ("system-out", "system-err"):
            self.text = self._verdict.text if self._verdict else None
        elif self._verdict and name == self._verdict.element:
            self._end_verdict()

    def report(self, source: str, problem: str | None) -> TestReport:
        """Return what was read; a test that was cut off counts if it was known not to have passed."""
        if self._case and self._verdict:
            self._end_verdict()
        if self._case and self._case.verdicts:
            self._end_case()
        total = self._sum_ms if self._total_ms is None else self._total_ms
        return self._cases.report(self._suites, source, total, (f"{source}: {problem}",) if problem else ())

    @property
    def _suite(self) -> _Suite:
        return self._open[-1] if self._open else self._outside

    def _start_suite(self, attributes: Attributes) -> None:
        outer, duration = self._suite, milliseconds(attributes.get("time"))
        name = bounded(attributes.get("name") or "", MAX_NAME)
        self._last_number += 1
        suite = _Suite(
            self._last_number,
            name=_within(outer.name, name),
            file=attributes.get("file") or attributes.get("filepath") or outer.file,
            errors=whole(attributes.get("errors")) or 0,
            is_pytest=self._is_pytest or name == "pytest",
        )
        outer.is_empty = False
        if not self._open and duration is not None:
            self._sum_ms = (self._sum_ms or 0.0) + duration
        self._open.append(suite)
        self._suites[suite.number] = (suite.name, duration)

    def _end_suite(self) -> None:
        suite = self._open.pop()
        if suite.is_empty and suite.errors:
            self._fail_suite(suite, "error", f"{suite.errors:,} errors, and no test that tells of them", None)
        if not self._cases.is_listed(suite.number):
            del self._suites[suite.number]

    def _end_case(self) -> None:
        suite = self._suite
        if suite is self._outside:
            self._suites[suite.number] = ("", None)
        if self._case and not self._is_only_counted(self._case):
            case = close_case(self._case, suite.name, suite.file)
            self._cases.add(suite.number, case, is_unique=suite.is_pytest)
        self._case = self._verdict = self.text = None

    def _is_only_counted(self, case: OpenCase) -> bool:
        """Count a test that there is no room for; in a large report those are nearly all."""
        if case.verdicts or case.attempts or not self._cases.is_full:
            return False
        return self._cases.count(case.outcome, case.attributes.get("name"))

    def _start_output(self) -> None:
        self.text = None  # of an earlier attempt, or of a whole suite
        if self._case and not self._verdict:
            self.text = BoundedText()
            self._case.output.append(self.text)

    def _end_verdict(self) -> None:
        verdict, self._verdict, self.text = self._verdict, None, None
        if verdict is None:
            return
        if self._case:
            (self._case.attempts if verdict.element in ATTEMPTS else self._case.verdicts).append(verdict)
        elif self._open and verdict.element in ("failure", "error"):
            details = some(str(verdict.text), MAX_TEXT)
            self._fail_suite(self._suite, OUTCOMES[verdict.element], verdict.first_line(), details)

    def _fail_suite(self, suite: _Suite, outcome: str, message: str | None, details: str | None) -> None:
        """Tell of a suite that failed itself as if it were a test of its name."""
        suite.is_empty = False
        path = suite.file or path_in(suite.name)
        place = find_location(details or "", (suite.name, path)) or (Location(path) if path else None)
        self._cases.add(suite.number, TestCase(
            name=suite.name or "(suite)", outcome=outcome, message=message, details=details, location=place
        ))  # fmt: skip


def _within(outer: str, name: str) -> str:
    """Name a suite within another one; PHPUnit repeats the name of a class for the data of its tests."""
    around, _, last = outer.rpartition(" > ")
    parts = (around, name) if last and name.startswith(last) else (outer, name)
    return bounded(" > ".join(filter(None, parts)), MAX_NAME)
