"""One `<testcase>` of JUnit XML: what was gathered of it, and the test that this makes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from collector.extract.locations import find_location, line_within, path_in
from collector.extract.safe_xml import Attributes
from collector.extract.values import (
    MAX_MESSAGE,
    MAX_NAME,
    MAX_TEXT,
    BoundedText,
    bounded,
    milliseconds,
    some,
    whole,
)
from collector.model.results import Location, TestCase

OUTCOMES = {
    "failure": "failed", "error": "error",
    "skipped": "skipped", "disabled": "skipped", "incomplete": "skipped",
}  # fmt: skip
FLAKY = ("flakyFailure", "flakyError")
ATTEMPTS = (*FLAKY, "rerunFailure", "rerunError")
"""Earlier attempts (Surefire, Gradle, Playwright); `flaky...` if the test passed after them."""

_TITLE = re.compile(r"\S+\.\w+:\d+:\d+ ")
_ERROR = re.compile(r"\w*Error\b")
_SAYS_NOTHING = ("failed", "failure", "error")
_NOT_RUN = ("notrun", "disabled", "skipped", "ignored")


@dataclass(slots=True)
class Verdict:
    """An element that says why a test did not pass."""

    element: str
    message: str | None
    type: str | None
    text: BoundedText = field(default_factory=BoundedText)

    def first_line(self, name: str = "") -> str | None:
        """Return its message, else the first line of its text that says something, else what kind it is.

        Go's tools have no message but `Failed`, and begin the text with the names of tests, as PHPUnit does
        with `Class::name`; Playwright's message is the place and the title.
        """
        message, lines = (
            some(self.message, MAX_MESSAGE),
            [line.strip() for line in str(self.text).splitlines()],
        )
        if message and _TITLE.match(message):
            return some(next(filter(_ERROR.match, lines), message), MAX_MESSAGE)
        if message and message.lower() not in _SAYS_NOTHING:
            return message
        telling = (line for line in lines if line and not line.startswith(("=== ", "--- ")))
        line = next((line for line in telling if not name or f"::{name}" not in line), None)
        return some(line, MAX_MESSAGE) or message or some(self.type, MAX_MESSAGE)


@dataclass(slots=True)
class OpenCase:
    """A test that is being read."""

    name: str
    class_name: str | None
    duration_ms: float | None
    file: str | None
    line: int | None
    is_skipped: bool
    verdicts: list[Verdict] = field(default_factory=list)
    attempts: list[Verdict] = field(default_factory=list)
    output: list[BoundedText] = field(default_factory=list)


def open_case(attributes: Attributes, first_line: int) -> OpenCase:
    """Begin a test; `first_line` is how its producer counts lines: pytest's xunit1 family from 0."""
    line = whole(attributes.get("line") or attributes.get("lineno"))
    return OpenCase(
        name=bounded(attributes.get("name") or "", MAX_NAME),
        class_name=some(attributes.get("classname") or attributes.get("class"), MAX_NAME),
        duration_ms=milliseconds(attributes.get("time")),
        file=some(attributes.get("file") or attributes.get("filepath"), MAX_NAME),
        line=None if line is None else line + 1 - first_line,
        is_skipped=(attributes.get("status") or attributes.get("result") or "").lower() in _NOT_RUN,
    )


def close_case(case: OpenCase, suite: str, suite_file: str | None) -> TestCase:
    """Make a test of what was read."""
    told = case.verdicts or case.attempts
    details = some("\n\n".join(text for v in told if (text := str(v.text).strip())), MAX_TEXT)
    message = told[0].first_line(case.name) if told else None
    flaky = any(attempt.element in FLAKY for attempt in case.attempts) and not case.verdicts
    return TestCase(
        name=case.name, class_name=case.class_name, outcome=_outcome(case), duration_ms=case.duration_ms,
        message=message, details=details, output=some("\n".join(map(str, case.output)), MAX_TEXT),
        location=_location(case, f"{message or ''}\n{details or ''}", suite, suite_file),
        attempts=1 + len(case.attempts), flaky=flaky,
    )  # fmt: skip


def _outcome(case: OpenCase) -> str:
    if case.verdicts:
        return OUTCOMES[case.verdicts[0].element]
    return "skipped" if case.is_skipped else "passed"


def _location(case: OpenCase, trace: str, suite: str, suite_file: str | None) -> Location | None:
    """Return the line of the failure where it is known, else where the test stands."""
    file = case.file or some(suite_file, MAX_NAME)
    if file and (line := line_within(trace, file)) is not None:
        return Location(file, line)
    if case.file and case.line is not None:
        return Location(case.file, case.line)
    found = find_location(trace, (file, case.class_name, suite))
    if found:
        return found
    path = file or path_in(case.class_name, suite)
    return Location(path) if path else None
