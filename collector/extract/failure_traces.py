"""Tracebacks: how each language prints an exception that nobody caught."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.extract.failure_rules import CONSEQUENCE, LIKELY, Rule, lines_like, lines_until

_THROWN = r"[\w.$]*(?:Error|Exception|Fault|Throwable)"
_PYTHON = r"[\s|+]*(?:Exception Group )?Traceback \(most recent call last\):"
_PYTHON_FIRST = re.compile(_PYTHON)
_PYTHON_LINK = re.compile(
    r"[\s|]*(?:During handling of the above exception|The above exception was the direct cause)"
)
_PYTHON_SAID = re.compile(
    r"(?:  \| )?([A-Za-z_][\w.]*(?:: .*|(?:Error|Exception|Interrupt|Exit|Warning|Iteration|Group)))$"
)
_STACK = r"\s+at |\s*\.\.\. \d+ (?:more|common)|\s*Caused by: |\s*Suppressed: | ---> |   --- End of |\s+\^"
_NODE_SAID = re.compile(rf"(?:Uncaught )?{_THROWN}\b")
_NODE_FREE_LINES = 8


class _PythonTrace:
    """Takes a traceback to its last line, and on to the next one that is chained to it."""

    def __init__(self) -> None:
        self._ended = self._linked = False

    def __call__(self, text: str) -> bool:
        if self._ended:
            self._linked = self._linked or bool(_PYTHON_LINK.match(text))
            self._ended = not (self._linked and _PYTHON_FIRST.match(text))
            return self._linked or not text or text.lstrip().startswith(("|", "+-"))
        self._linked = False
        self._ended = bool(text) and not text[0].isspace()
        return True


def _python_says(lines: Sequence[str]) -> str:
    said = [match[1] for line in lines if (match := _PYTHON_SAID.match(line))]
    return said[-1] if said else lines[-1].strip(" |+-")


class _NodeTrace:
    """Takes the source, a mark below it, the error with its stack, and what it holds in braces."""

    def __init__(self) -> None:
        self._free = _NODE_FREE_LINES
        self._done = False

    def __call__(self, text: str) -> bool:
        if self._done:
            return False
        self._done = text.startswith("Node.js v")
        if text.startswith("    at "):
            self._free = 0
        self._free -= 1
        return self._free >= 0 or self._done or not text or text.startswith((" ", "}"))


def _node_says(lines: Sequence[str]) -> str:
    """Return the error, or what else was thrown: the line below the mark."""
    marks = [number for number, line in enumerate(lines[:5]) if line.strip() and not line.strip(" ^")]
    if not marks:
        return ""
    below = [line.strip() for line in lines[marks[0] + 1 :] if line.strip()]
    return next((line for line in below if _NODE_SAID.match(line)), below[0] if below else "")


def _rust_says(lines: Sequence[str]) -> str:
    """Return the line after the place; before Rust 1.73 the message stood before it."""
    quoted = re.search(r"panicked at '(.*)', ", lines[0])
    return quoted[1] if quoted else (lines[1] if len(lines) > 1 else lines[0]).strip()


def _trace(begins: str, follow: str) -> Rule:
    return Rule("traceback", re.compile(begins), lines_like(follow))


TRACES = (
    Rule("traceback", _PYTHON_FIRST, _PythonTrace, _python_says),
    Rule("traceback", re.compile(r"(?:\[eval\]|node:\S+|\S+\.[cm]?[jt]sx?):\d+$"), _NodeTrace, _node_says),
    _trace(rf'Exception in thread "[^"]*" (?P<message>{_THROWN}\b.*)', _STACK),
    _trace(r"[Uu]nhandled [Ee]xception[.:] (?P<message>.*)", _STACK),
    _trace(
        r"(?:panic: |fatal error: (?=all goroutines|concurrent map|stack overflow))(?P<message>.*)",
        r"$|\tpanic: |\[signal |goroutine \d+ |\t\S+:\d+|\S+\(.*\)$|created by |exit status ",
    ),
    Rule("traceback", re.compile(r"thread '.*'.* panicked at "), lines_until(r"$|note: "), _rust_says),
    _trace(r"(?P<file>\S+\.rb):(?P<line>\d+):in [`'][^:]*: (?P<message>.*)", r"\s+(?:\d+: )?from |\t"),
    _trace(
        r"(?:PHP )?(?:Fatal|Parse) error: +(?P<message>.*? in (?P<file>\S+)(?::| on line )(?P<line>\d+))$",
        r"Stack trace:|#\d+ |  thrown in ",
    ),
    _trace(r"Uncaught exception|terminate called after throwing", r"\s+\S"),
    # Another command failed: that explains nothing.
    Rule("traceback", re.compile(r"(?:\S*CalledProcessError|Error: Command failed)\b"), rank=CONSEQUENCE),
    Rule(
        "traceback", re.compile(rf"(?:Uncaught )?(?P<message>{_THROWN}(?: \[\w+\])?: .*)"),
        lines_like(_STACK), rank=LIKELY, looks_back=True,
    ),
)  # fmt: skip
"""The first rule that fits a line is used."""
