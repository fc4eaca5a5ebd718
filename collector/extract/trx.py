"""TRX, the results of `dotnet test`: VSTest, MSTest, xUnit v3.

The results come first and name a test by an id; which class it belongs to stands in the definitions after
them (MSTest of old: before them). A result of several rows is not a test itself, its rows are. Names lose
their class in front, so that they are those that loggers of JUnit XML give.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from collector.extract.case_list import CaseList
from collector.extract.locations import find_location
from collector.extract.safe_xml import Attributes, Elements
from collector.extract.values import MAX_MESSAGE, MAX_NAME, MAX_TEXT, BoundedText, bounded, milliseconds, some
from collector.model.results import TestCase, TestReport

_RESULTS = ("UnitTestResult", "TestResult", "GenericTestResult", "WebTestResult", "ManualTestResult")
_OUTCOMES = {
    "passed": "passed", "passedbutrunaborted": "passed", "completed": "passed", "warning": "passed",
    "failed": "failed", "error": "error", "timeout": "error", "aborted": "error", "disconnected": "error",
}  # fmt: skip
_NO_OUTCOME = "error"  # VSTest leaves out the first of its outcomes, which is Error
_MAX_DEFINITIONS = 50_000  # that come before their results


@dataclass(slots=True)
class _Result:
    test_id: str
    name: str
    outcome: str
    duration_ms: float | None
    has_rows: bool = False
    texts: dict[str, BoundedText] = field(default_factory=dict)

    def text(self, name: str, limit: int) -> str | None:
        return some(str(self.texts.get(name, "")), limit)


class Trx(Elements):
    """Reads one document; `report` tells what it held, also when it ended too early."""

    def __init__(self) -> None:
        super().__init__()
        self._cases = CaseList()
        self._run_name = self._assembly = ""
        self._duration: float | None = None
        self._results: list[_Result] = []
        self._test_id = ""
        self._classes: dict[str, str] = {}
        self._unnamed: dict[str, list[int]] = {}
        self._summary = ""
        self._run_info: BoundedText | None = None

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the start of an element."""
        if name in _RESULTS:
            self._start_result(attributes)
        elif self._results:
            self._start_text(self._results[-1], name)
        elif name == "TestMethod":
            self._define(attributes)
        elif name == "UnitTest":
            self._test_id = attributes.get("id") or ""
        elif name == "RunInfo" and attributes.get("outcome") == "Error" and self._run_info is None:
            self.text = self._run_info = BoundedText()
        else:
            self._start_run(name, attributes)

    def end(self, name: str) -> None:
        """Take the end of an element."""
        if name in _RESULTS and self._results:
            self._end_result(self._results.pop())
        self.text = None

    def report(self, source: str, problem: str | None) -> TestReport:
        """Return what was read."""
        suite = self._assembly or self._run_name
        if self._summary in ("Failed", "Error", "Aborted") and self._run_info and not self._cases.has_failed:
            message = some(str(self._run_info), MAX_MESSAGE)  # a test host that crashed
            self._cases.add(0, TestCase(name=suite or "(run)", outcome="error", message=message))
        problems = (f"{source}: {problem}",) if problem else ()
        return self._cases.report({0: (suite, self._duration)}, source, self._duration, problems)

    def _start_run(self, name: str, attributes: Attributes) -> None:
        if name == "TestRun":
            self._run_name = bounded(attributes.get("name") or "", MAX_NAME)
        elif name == "Times":
            self._duration = _between(attributes.get("start"), attributes.get("finish"))
        elif name == "ResultSummary":
            self._summary = attributes.get("outcome") or ""

    def _start_result(self, attributes: Attributes) -> None:
        if self._results:
            self._results[-1].has_rows = True
        outcome = attributes.get("outcome")
        self._results.append(_Result(
            test_id=(attributes.get("testId") or "").lower(),
            name=bounded(attributes.get("testName") or "", MAX_NAME),
            outcome=_OUTCOMES.get(outcome.lower(), "skipped") if outcome else _NO_OUTCOME,
            duration_ms=milliseconds(attributes.get("duration")),
        ))  # fmt: skip
        self.text = None

    def _start_text(self, result: _Result, name: str) -> None:
        if name in ("StdOut", "StdErr", "StackTrace") or (name == "Message" and "ErrorInfo" in self.path):
            self.text = result.texts.setdefault(name, BoundedText())

    def _end_result(self, result: _Result) -> None:
        if result.has_rows:
            return
        case = _case(result, self._classes.get(result.test_id))
        number = self._cases.add(0, case, result.test_id)
        if number is not None and case.class_name is None and result.test_id:
            self._unnamed.setdefault(result.test_id, []).append(number)

    def _define(self, attributes: Attributes) -> None:
        test_id, name = self._test_id.lower(), (attributes.get("className") or "").partition(",")[0].strip()
        self._assembly = self._assembly or _assembly(attributes.get("codeBase") or "")
        if not name:
            return
        name = bounded(name, MAX_NAME)
        for number in self._unnamed.pop(test_id, ()):
            self._cases.change(number, lambda case: _of_class(case, name))
        if len(self._classes) < _MAX_DEFINITIONS and not self._cases:
            self._classes[test_id] = name


def _case(result: _Result, class_name: str | None) -> TestCase:
    """Make a test of a result; skipped ones say why in their output."""
    stdout, trace = result.text("StdOut", MAX_TEXT), result.text("StackTrace", MAX_TEXT)
    message = result.text("Message", MAX_MESSAGE)
    if message is None and result.outcome == "skipped":
        message, stdout = some(stdout, MAX_MESSAGE), None
    output = some("\n".join(filter(None, (stdout, result.text("StdErr", MAX_TEXT)))), MAX_TEXT)
    case = TestCase(
        name=result.name, outcome=result.outcome, duration_ms=result.duration_ms, message=message,
        details=trace, output=output,
    )  # fmt: skip
    case = replace(case, location=find_location(f"{trace or ''}\n{message or ''}", (class_name, result.name)))
    return _of_class(case, class_name) if class_name else case


def _of_class(case: TestCase, class_name: str) -> TestCase:
    name = case.name.removeprefix(f"{class_name}.")
    location = find_location(case.details or "", (class_name,)) or case.location
    return replace(case, name=name, class_name=class_name, location=location)


def _assembly(path: str) -> str:
    name = path.replace("\\", "/").rpartition("/")[2]
    return bounded(name.removesuffix(".dll").removesuffix(".exe"), MAX_NAME)


def _between(start: str | None, finish: str | None) -> float | None:
    """Return the milliseconds between two times; None where one of them is missing or cannot be read."""
    try:
        passed = datetime.fromisoformat(finish or "") - datetime.fromisoformat(start or "")
    except (ValueError, TypeError):  # TypeError: only one of them has a zone
        return None
    return round(passed.total_seconds() * 1000, 3) if passed.total_seconds() >= 0 else None
