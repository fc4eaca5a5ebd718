"""Log entries out of a run's output, line by line.

scanner = LogScanner("stderr", failed=True)
for number, text in iter_lines(chunks):
    scanner.feed(number, text, at)
entries = scanner.finish()
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from collector.extract.log_forms import may_be_entry, read_form, read_words
from collector.extract.log_json import Found
from collector.extract.values import MAX_MESSAGE, BoundedText, bounded
from collector.model.results import LEVELS, LogEntry

MAX_ENTRIES = 20_000
MAX_DETAILS = 4_000

_METRIC = re.compile(r"\s*\[METRICS?\]", re.IGNORECASE)
_CONTINUES = re.compile(
    r"\s|Traceback \(most recent call|Caused by: |\.\.\. \d+ more|[\w.$]+(?:Exception|Error)(?::|$)"
)
_RESUMES = re.compile(r"During handling of|The above exception was|Traceback \(most recent call|Caused by: ")
_TRACEBACK = "Traceback (most recent call"


@dataclass(slots=True)
class _Entry:
    """An entry that lines may still be added to."""

    level: str
    message: str
    line: int
    timestamp: str | None
    context: dict[str, Any]
    details: BoundedText | None = field(default=None)

    def add(self, text: str) -> None:
        """Take a line that continues it; the first one is the message where there is none yet."""
        if not self.message:
            self.message = bounded(text.strip(), MAX_MESSAGE)
            return
        if self.details is None:
            self.details = BoundedText(MAX_DETAILS - 100)  # the note about a gap has its place too
            self.details.add(text)
        else:
            self.details.add("\n" + text)

    def made(self, stream: str) -> LogEntry:
        """Return the entry as it is kept."""
        context = {**self.context, "details": str(self.details)} if self.details else self.context
        return LogEntry(
            level=self.level, message=self.message, stream=stream, line=self.line,
            timestamp=self.timestamp, context=context,
        )  # fmt: skip


class LogScanner:
    """Finds the log entries of one stream.

    Every line that has the form of a log entry is one, and so is a line that tells of an error or a warning
    in words. A plain line on stderr is an error only where the run failed (`failed`): git, curl, pip and
    cargo write their progress there when all is well. Indented lines and tracebacks belong to the entry
    before them and are its `context["details"]`, at most 4,000 characters.

    An entry without a time that tells its zone gets the time at which its line was printed. At most 20,000
    entries are kept, the first errors before the first of the rest; all are counted.
    """

    def __init__(self, stream: str, failed: bool = False) -> None:
        self._stream = stream
        self._plain_are_errors = failed and stream == "stderr"
        self._open: _Entry | None = None
        self._is_gap = False
        self._counts = dict.fromkeys(LEVELS, 0)
        self._kept: dict[str, list[LogEntry]] = {level: [] for level in LEVELS}

    def feed(self, line: int, text: str, at: str | None) -> None:
        """Take the next line of clean text; `at` is when it was printed, None where nobody knows."""
        if self._open is not None and self._continues(text):
            return
        if not (self._plain_are_errors or may_be_entry(text)):
            return
        text = text.strip()
        if not text or _METRIC.match(text):
            return
        found = read_form(text) or read_words(text) or self._plain(text)
        if found:
            self._begin(found, line, at)

    def _plain(self, text: str) -> Found | None:
        if self._plain_are_errors or text.startswith(_TRACEBACK):
            return "error", text, None, {}
        return None

    def _continues(self, text: str) -> bool:
        """Add a line to the open entry, or close that where the line is not its own."""
        assert self._open is not None
        if not text.strip():
            self._is_gap = True
            return True
        if self._ends_traceback(text):
            self._close()
            return True
        pattern = _RESUMES if self._is_gap else _CONTINUES
        if pattern.match(text) and not (text[0].isspace() and self._stands_alone(text)):
            if self._is_gap:
                self._open.add("")
            self._is_gap = False
            self._open.add(text)
            return True
        self._close()
        return False

    def _stands_alone(self, text: str) -> bool:
        """Tell of an indented line whether it is an entry by its own form."""
        return may_be_entry(text) and read_form(text.strip()) is not None

    def _ends_traceback(self, text: str) -> bool:
        """Take the line after a traceback's frames, which is what it has to say, for the message."""
        entry = self._open
        if not entry or not entry.message.startswith(_TRACEBACK) or text[0].isspace():
            return False
        if entry.details is None or self._is_gap:
            return False
        entry.add(text)
        entry.message = bounded(text.strip(), MAX_MESSAGE)
        return True

    def _begin(self, found: Found, line: int, at: str | None) -> None:
        level, message, timestamp, context = found
        self._close()
        self._counts[level] += 1
        message = bounded(message.strip(), MAX_MESSAGE)
        self._open = _Entry(level, message, line, timestamp or at, context)

    def _close(self) -> None:
        entry, self._open, self._is_gap = self._open, None, False
        if entry is not None and len(self._kept[entry.level]) < MAX_ENTRIES:
            self._kept[entry.level].append(entry.made(self._stream))

    def finish(self) -> tuple[LogEntry, ...]:
        """Return what is kept, in the order of the lines."""
        self._close()
        kept: list[LogEntry] = []
        for level in reversed(LEVELS):
            kept += self._kept[level][: MAX_ENTRIES - len(kept)]
        return tuple(sorted(kept, key=lambda entry: entry.line))

    def counts(self) -> dict[str, int]:
        """Return how many entries of each level there were, also of those that are not kept."""
        return dict(self._counts)
