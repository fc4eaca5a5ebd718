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


class OpenCase:
    """A test that is being read.

    Most tests of a large report are never listed: its attributes are only looked at when they are asked for.
    """

    __slots__ = ("attempts", "attributes", "first_line", "output", "verdicts")

    def __init__(self, attributes: Attributes, first_line: int) -> None:
        """Begin a test; `first_line` is how its producer counts lines: pytest's xunit1 family from 0."""
        self.attributes = attributes
        self.first_line = first_line
        self.verdicts: list[Verdict] = []
        self.attempts: list[Verdict] = []
        self.output: list[BoundedText] = []

    @property
    def name(self) -> str:
        """Its name, within the limit."""
        return bounded(self.attributes.get("name") or "", MAX_NAME)

    @property
    def class_name(self) -> str | None:
        """Its class, within the limit."""
        return some(self.attributes.get("classname") or self.attributes.get("class"), MAX_NAME)

    @property
    def file(self) -> str | None:
        """The file it says it is in."""
        return some(self.attributes.get("file") or self.attributes.get("filepath"), MAX_NAME)

    @property
    def line(self) -> int | None:
        """The line it says it is in."""
        line = whole(self.attributes.get("line") or self.attributes.get("lineno"))
        return None if line is None else line + 1 - self.first_line

    @property
    def outcome(self) -> str:
        """What its first verdict is; without one it has passed, unless it says that it was not run."""
        if self.verdicts:
            return OUTCOMES[self.verdicts[0].element]
        status = self.attributes.get("status") or self.attributes.get("result")
        return "skipped" if status and status.lower() in _NOT_RUN else "passed"


def close_case(case: OpenCase, suite: str, suite_file: str | None) -> TestCase:
    """Make a test of what was read."""
    told, name = case.verdicts or case.attempts, case.name
    details = some("\n\n".join(text for v in told if (text := str(v.text).strip())), MAX_TEXT)
    message = told[0].first_line(name) if told else None
    flaky = any(attempt.element in FLAKY for attempt in case.attempts) and not case.verdicts
    return TestCase(
        name=name, class_name=case.class_name, outcome=case.outcome,
        duration_ms=milliseconds(case.attributes.get("time")),
        message=message, details=details, output=some("\n".join(map(str, case.output)), MAX_TEXT),
        location=_location(case, f"{message or ''}\n{details or ''}" if told else "", suite, suite_file),
        attempts=1 + len(case.attempts), flaky=flaky,
    )  # fmt: skip


def _location(case: OpenCase, trace: str, suite: str, suite_file: str | None) -> Location | None:
    """Return the line of the failure where it is known, else where the test stands."""
    own_file, own_line = case.file, case.line
    file = own_file or some(suite_file, MAX_NAME)
    if trace and file and (line := line_within(trace, file)) is not None:
        return Location(file, line)
    if own_file and own_line is not None:
        return Location(own_file, own_line)
    found = find_location(trace, (file, case.class_name, suite)) if trace else None
    if found:
        return found
    path = file or path_in(case.class_name, suite)
    return Location(path) if path else None
