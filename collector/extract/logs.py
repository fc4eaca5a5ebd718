"""Log entries out of output, in whatever form programs print them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from collector.extract.log_forms import FORMS, Said
from collector.model.results import LogEntry

MAX_ENTRIES = 20_000
MAX_MESSAGE = 4_000
MAX_DETAILS = 4_000
_WORDS = (
    "err", "warn", "fatal", "crit", "severe", "panic", "fail", "info", "debug", "dbug", "trce", "trace",
    "verbose", "notice", "alert", "emerg", "lvl", "level", "severity",
)  # fmt: skip
_SIGNS = ("✅", "✔", "❌", "⚠")
_GLOG = re.compile(r"[IWEF]\d{4} ")
_METRIC = re.compile(r"\s*\[METRIC\]", re.IGNORECASE)
_CONTINUES = re.compile(r"\s+\S|Traceback \(|Caused by:|\.{3} \d+ more|at \S+\(")


class LogScanner:
    """Finds the log entries of one stream, fed with its lines in order.

    A line that says its own level is an entry. One on stderr that says nothing of its level is an error if
    the run failed; many programs print progress there, so of a run that succeeded it is none. Lines that are
    indented below an entry belong to it, as its `details`.

    Args:
        stream: `stdout` or `stderr`.
        failed: whether the run failed.
    """

    def __init__(self, stream: str, failed: bool) -> None:
        self._stream = stream
        self._plain_is_error = failed and stream == "stderr"
        self._errors: list[LogEntry] = []
        self._others: list[LogEntry] = []
        self._last: list[LogEntry] | None = None
        self._last_line = 0
        self._counts: Counter[str] = Counter()

    def feed(self, number: int, text: str, at: str | None = None) -> None:
        """Take in a line.

        Args:
            number: which, from 1.
            text: without control characters.
            at: when it was printed, ISO 8601.
        """
        said = self._parse(text)
        if self._last is not None and number == self._last_line + 1 and self._belongs(text, said):
            self._last[-1] = _with_details(self._last[-1], text)
            self._last_line = number
            return
        self._last = None
        if said is None and self._plain_is_error and text.strip() and not _METRIC.match(text):
            said = Said("error", text.strip())
        if said is None:
            return
        self._counts[said.level] += 1
        kept = self._errors if said.level == "error" else self._others
        if len(kept) < MAX_ENTRIES:
            message = said.message[:MAX_MESSAGE]
            kept.append(
                LogEntry(
                    level=said.level, message=message, stream=self._stream, line=number,
                    timestamp=said.timestamp or at, context=said.context,
                )
            )  # fmt: skip
            self._last, self._last_line = kept, number

    @staticmethod
    def _parse(text: str) -> Said | None:
        if not _is_worth_a_look(text) or _METRIC.match(text):
            return None
        line = text if text.startswith("{") else text[:MAX_MESSAGE]
        return next((said for parse in FORMS if (said := parse(line)) is not None), None)

    @staticmethod
    def _belongs(text: str, said: Said | None) -> bool:
        return _CONTINUES.match(text) is not None and (said is None or text[0].isspace())

    def counts(self) -> dict[str, int]:
        """Return how many entries there were of each level, also of those that are not kept."""
        return dict(self._counts)

    def finish(self) -> list[LogEntry]:
        """Return the entries in the order of their lines; where there are too many, errors before others."""
        room = max(0, MAX_ENTRIES - len(self._errors))
        return sorted([*self._errors, *self._others[:room]], key=lambda entry: entry.line)


def _is_worth_a_look(text: str) -> bool:
    """Dismiss most lines by what costs least: substrings are found ten times as fast as a pattern's words."""
    lower = text.lower()
    return (
        any(word in lower for word in _WORDS)
        or text.startswith("{")
        or (not text.isascii() and any(sign in text for sign in _SIGNS))
        or _GLOG.match(text) is not None
    )


def _with_details(entry: LogEntry, text: str) -> LogEntry:
    details = str(entry.context.get("details", ""))
    if len(details) > MAX_DETAILS:
        return entry
    return replace(entry, context={**entry.context, "details": f"{details}{text}\n"})
