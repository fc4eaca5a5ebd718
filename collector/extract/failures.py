"""Where output says what went wrong: blocks of lines, the one that matters first.

Lines are looked at in one pass and in flat memory. Most are dismissed many at a time, by words that no
failure goes without; only then patterns are tried. What merely follows from another failure (`make: ***`)
comes last.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from collector.extract.failure_diagnostics import DIAGNOSTICS
from collector.extract.failure_programs import PLAIN, PROGRAMS
from collector.extract.failure_rules import CONSEQUENCE, MATTERS, MAYBE, Follow, Rule, location_of, message_of
from collector.extract.failure_tests import TESTS
from collector.extract.failure_traces import TRACES
from collector.model.results import Location

MAX_BLOCKS = 20
"""Blocks that are kept of each rank; the rest are not even read."""
MAX_LINES = 40
CONTEXT = 3
_LOOK_BACK = 12
_MAX_LINE = 500
_MAX_MESSAGE = 300
_BATCH = 64
_LEAD = 5
_LONGEST_BLOCK = 5_000
_AT_THE_END = 2


class _Rules(NamedTuple):
    """Rules in their order, and one pattern that tells whether any of them fits."""

    all: tuple[Rule, ...]
    begins: re.Pattern[str]

    def fitting(self, text: str) -> list[Rule]:
        """Return the rules that fit a line."""
        return [rule for rule in self.all if rule.begins.match(text)] if self.begins.match(text) else []


def _together(rules: tuple[Rule, ...]) -> _Rules:
    patterns = (re.sub(r"\(\?P<\w+>", "(?:", f"(?:{rule.begins.pattern})") for rule in rules)
    return _Rules(rules, re.compile("|".join(patterns)))


_TELLING = _together((*TRACES, *DIAGNOSTICS, *TESTS, *PROGRAMS))
_EVERY = _together((*_TELLING.all, *PLAIN))

_WORDS = (
    "rror", "FAIL", "ERR", "xception", "atal", "anic", "raceback", "ot found", "No such", "enied", "*** ",
    "●", "✖", "❌", "E: ", "E   ", "not ok", " --> ", ".go:", ".py:", ".rb:", "Node.js v", "CRITICAL",
    "fault", "Killed", "Aborted", "undefined", "ut of memory", "llegal instruction", "annot ",
    "curl: (", "wget: ", "efused", "CONFLICT", "FATAL", "failed", "ssh: ", "ultiple def", "No space",
    "not permitted", "option",
    "directory", "nexpected EOF", "not resolve", "terminate", "duplicate", "build stopped", "exists",
    "Text file busy", "too long", "exit status", "LIFECYCLE", "throw",
)  # fmt: skip
"""Every failure has one of these in it."""


@dataclass(frozen=True, slots=True)
class ErrorBlock:
    """Lines that tell of one failure.

    `kind` is `traceback`, `diagnostic`, `test`, `package`, `make`, `git`, `shell`, `error`, or `output` for
    what was printed last where nothing says more. Lines count from 1; `lines` has at most `MAX_LINES`, the
    beginning and the end of longer ones. `before` are up to `CONTEXT` lines above.
    """

    kind: str
    message: str
    location: Location | None
    stream: str
    first_line: int
    last_line: int
    before: tuple[str, ...]
    lines: tuple[str, ...]
    rank: int = MATTERS

    @property
    def is_consequence(self) -> bool:
        """Whether it only says that something before it failed."""
        return self.rank == CONSEQUENCE

    def to_json(self) -> dict[str, Any]:
        """Return the block as JSON holds it."""
        return {**asdict(self), "before": list(self.before), "lines": list(self.lines)}


class _Block:
    """A block that is still growing; keeps its beginning and its end."""

    def __init__(self, fitting: list[Rule], number: int, text: str, before: tuple[str, ...]) -> None:
        rule = fitting[0]
        self.rules = fitting
        self.first = self.last = number
        self.before = before
        self._follow: Follow | None = rule.follow() if rule.follow else None
        self._head = [text]
        self._tail: deque[str] = deque(maxlen=MAX_LINES // 2)
        self._omitted = 0

    def takes(self, number: int, text: str) -> bool:
        """Add a line if it belongs to the block."""
        if self._follow is None or number - self.first > _LONGEST_BLOCK or not self._follow(text):
            return False
        self.last = number
        if len(self._head) < MAX_LINES // 2:
            self._head.append(text)
        else:
            self._omitted += len(self._tail) == self._tail.maxlen
            self._tail.append(text)
        return True

    def lines(self) -> list[str]:
        """Return what was kept, without empty lines at the end."""
        note = [f"[... {self._omitted:,} lines left out ...]"] if self._omitted else []
        lines = [*self._head, *note, *self._tail]
        while len(lines) > 1 and not lines[-1].strip():
            del lines[-1]
            self.last -= 1
        return lines


class FailureScanner:
    """Finds failures in the lines of one stream.

    Args:
        stream: what the blocks say they were found in.
    """

    def __init__(self, stream: str = "stdout") -> None:
        self._stream = stream
        self._waiting: list[tuple[int, str]] = []
        self._recent: deque[str] = deque(maxlen=_LOOK_BACK)
        self._block: _Block | None = None
        self._found: dict[int, list[ErrorBlock]] = {}
        self._told: set[tuple[str, str, Location | None]] = set()
        self._lone: set[str] = set()
        self._rules = _EVERY
        self._last_trace: ErrorBlock | None = None
        self._end = 0

    def feed(self, number: int, text: str) -> None:
        """Take the next line: its number from 1, its text without control sequences or line end."""
        self._waiting.append((number, text))
        if len(self._waiting) >= _BATCH:
            self._look()

    def finish(self) -> tuple[ErrorBlock, ...]:
        """Return the failures, what matters first, else in the order they came."""
        self._look(final=True)
        if self._block:
            self._close()
        found = [block for rank in sorted(self._found) for block in self._found[rank]]
        fatal = self._last_trace
        if fatal and fatal.last_line + _AT_THE_END >= self._end:
            # It ended the process; a trace before it was caught and printed.
            found = [fatal, *(block for block in found if block != fatal)]
        return tuple(found)

    def last_lines(self) -> ErrorBlock | None:
        """Return what was printed last, None where nothing was."""
        lines = [text for text in self._recent if text.strip()]
        if not lines:
            return None
        first = max(1, self._end - len(self._recent) + 1)
        message = _cut(lines[-1].strip(), _MAX_MESSAGE)
        return ErrorBlock("output", message, None, self._stream, first, self._end, (), tuple(lines))

    def _look(self, final: bool = False) -> None:
        """Look through the lines that wait, but for the last few: what follows may say what they are."""
        waiting = self._waiting
        done = len(waiting) - (0 if final else _LEAD)
        texts = [text for _, text in waiting]
        joined = "\n".join(texts)
        words = [word for word in _WORDS if word in joined]
        if words or self._block:
            suspects = _lines_near(texts, words)
            for place, (number, text) in enumerate(waiting[:done]):
                self._take(number, text[:_MAX_LINE], place in suspects)
        elif done > 0:
            self._recent.extend([text[:_MAX_LINE] for text in texts[:done][-_LOOK_BACK:]])
            self._end = waiting[done - 1][0]
        self._waiting = waiting[done:]

    def _take(self, number: int, text: str, is_suspect: bool) -> None:
        if text.strip():
            self._end = number
        if self._block:
            if self._block.takes(number, text):
                return
            self._close()
        is_suspect = is_suspect and text not in self._lone
        fitting = self._rules.fitting(text) if is_suspect else []
        if fitting and (fitting[0].kind == "traceback" or not self._is_full(fitting[0].rank)):
            self._block = _Block(fitting, number, text, tuple(self._recent))
        else:
            self._recent.append(text)

    def _close(self) -> None:
        block, self._block = self._block, None
        assert block is not None
        lines = block.lines()
        self._recent.extend(lines)
        for rule in block.rules:
            if message := message_of(rule, lines):
                self._keep(rule, block, lines, message)
                return
            lines = lines[:1]  # the rest was taken by a rule that did not fit after all

    def _keep(self, rule: Rule, block: _Block, lines: list[str], message: str) -> None:
        found = ErrorBlock(
            rule.kind, _cut(message, _MAX_MESSAGE), location_of(rule, lines, block.before), self._stream,
            block.first, block.last, _above(block.before), tuple(lines), rule.rank,
        )  # fmt: skip
        if rule.kind == "traceback" and rule.rank == MATTERS:
            self._last_trace = found
        told = (found.kind, found.message, found.location)
        if told in self._told or self._is_full(rule.rank):
            return  # runners and loops tell the same failure again
        self._told.add(told)
        if rule.follow is None:
            self._lone.add(lines[0])
        self._found.setdefault(rule.rank, []).append(found)
        if self._is_full(MAYBE):
            self._rules = _TELLING

    def _is_full(self, rank: int) -> bool:
        return len(self._found.get(rank, ())) >= MAX_BLOCKS


def _lines_near(texts: list[str], words: list[str]) -> set[int]:
    """Return where a word is, and the lines before it, which may be where a failure begins."""
    near: set[int] = set()
    for place, text in enumerate(texts):
        for word in words:
            if word in text:
                near.update(range(place - _LEAD, place + 1))
                break
    return near


def _above(before: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines to show above a block, which do not begin with empty ones."""
    near = before[-CONTEXT:]
    first = next((number for number, text in enumerate(near) if text.strip()), len(near))
    return near[first:]


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
