"""Diagnostics of compilers, linters and type checkers: a place, `error`, and what is wrong there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.extract.failure_rules import CONSEQUENCE, Rule, lines_like, rules

_FILE = r"(?P<file>(?:[A-Za-z]:)?[^\s:(][^:(]*?)"
_GO_FILE = r"(?P<file>[^\s:]+\.go)"
_LINE = r":(?P<line>\d+)"
_SNIPPET = lines_like(r"\s|[^\s:]+:\d+:(?:\d+:)? note: ")


def _above_its_place(lines: Sequence[str]) -> str:
    """Return the first line if the second one names a place, as rustc and ruff have it."""
    has_place = len(lines) > 1 and lines[1].lstrip().startswith("--> ")
    return lines[0].removeprefix("error: ") if has_place else ""


DIAGNOSTICS = (
    *rules(
        "diagnostic",
        # gcc, clang, javac, mypy, swiftc
        rf"{_FILE}{_LINE}:(?:\d+:)? (?:fatal )?error: (?P<message>.*)",
        # tsc and MSBuild; tsc on a terminal
        rf"\s*{_FILE}\((?P<line>\d+)(?:,\d+)*\) ?: (?:fatal )?error (?P<message>\w+ ?: .*)",
        rf"{_FILE}{_LINE}:\d+ - error (?P<message>\w+: .*)",
        r"(?:CSC|MSBUILD|LINK) ?: (?:fatal )?error (?P<message>\w+: .*)",
        # go build, go vet
        rf"(?:vet: )?{_GO_FILE}{_LINE}:\d+: (?P<message>\S.*)",
        # ruff, flake8, pylint with a line for each
        rf"{_FILE}{_LINE}:\d+: (?P<message>[A-Z]{{1,4}}\d{{2,4}}:? .*)",
        # linkers
        r"(?:\S*/)?ld(?:\.\w+)?: (?P<message>(?!warning).*(?:cannot find|undefined|duplicate).*)",
        r"\S+?:(?:\d+|\(\.\w+\+0x[0-9a-f]+\)): (?P<message>(?:undefined reference|multiple definition).*)",
        follow=_SNIPPET,
    ),
    Rule("diagnostic", re.compile(r"[A-Z]{1,4}\d{3,4} \S"), lines_like(r"\s|help: "), _above_its_place),
    *rules(
        "diagnostic",
        r"error: (?:could not compile|aborting due to|test failed, to rerun|build failed)",
        r"collect2: error: ",
        r"clang: error: linker command failed",
        r"✖ \d+ problems? \((?!0 errors)",
        r"Found [1-9]\d* errors?\b",
        r"[1-9]\d* errors?(?: generated.*)?$",
        r"Build FAILED|FAILURE: Build failed",
        rank=CONSEQUENCE,
    ),
    *rules("diagnostic", r"error\[\w+\]: (?P<message>.*)", follow=lines_like(r"\s|\d+ +\|")),
    Rule(
        "diagnostic", re.compile(r"error: \S"), lines_like(r" *-->|\s+[|=]|\d+ +\||\.\.\.$"), _above_its_place
    ),
    # eslint: the file, below it LINE:COLUMN  error  message  rule
    *rules("diagnostic", r"\s+(?P<at>\d+):\d+\s+error\s+(?P<message>\S.*)"),
)
"""The first rule that fits a line is used."""
