"""The first line in which two outputs of one command differ, apart from what differs every time.

Times, durations, addresses, process ids, random names and progress are made alike before lines are compared.
Lines that are then the same as the line before them count once: a progress bar has as many as it likes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

_MAX_COMPARED = 1_000
_MAX_SHOWN = 300
_ALIKE = (
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d"
                r"(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?\b(?: ?[AP]M\b)?"), "<time>"),
    (re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? "
                r"(?:\w{3} +\d{1,2}|\d{1,2} \w{3})(?: \d{4})?\b"), "<time>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<address>"),
    (re.compile(r"(?:/private)?(?:/var)?/tmp/[^\s:'\"(),]+|/var/folders/[^\s:'\"(),]+"), "<temporary>"),
    (re.compile(r"(?<!\d[.,])\b\d++(?:[.,]\d++)*+ ?"  # `1.1.1…` is tried once, not from each of its dots
                r"(?:ns|us|µs|μs|ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b"),
     "<duration>"),
    (re.compile(r"\b\d+(?:\.\d+)? ?%|\b\d+(?:\.\d+)? ?[kKMGT]i?B(?:/s)?"), "<progress>"),
    (re.compile(r"(\[)[ =#>.·━█▏-]+(\])|[━█▏▎▍▌▋▊▉░▒▓╸╺]{2,}"), "<progress>"),
    (re.compile(r"\b(pid|PID|process|Process|port)([ =:#]+)\d+\b"), r"\1\2<number>"),
    (re.compile(r"(?<=[\w\])])\[\d{2,}\](?=[: ])|\(\d{3,}\)"), "<number>"),
    (re.compile(r"^==\d+=="), "<number>"),
    (re.compile(r"\b[0-9a-f]{32,64}\b|\b[0-9A-HJKMNP-TV-Z]{26}\b"), "<id>"),
)  # fmt: skip
_HAS_DIGIT = re.compile(r"[\d━█░▒▓#=]")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two outputs part. A side without a line has ended there; lines count from 1."""

    stream: str
    line: int | None
    text: str | None
    earlier_line: int | None
    earlier_text: str | None


def normalized(text: str) -> str:
    """Return a line with what differs every time made alike."""
    text = text[:_MAX_COMPARED].rstrip()
    if not _HAS_DIGIT.search(text):
        return text
    for pattern, name in _ALIKE:
        text = pattern.sub(name, text)
    return text


def first_difference(
    stream: str, lines: Iterable[tuple[int, str]], earlier: Iterable[tuple[int, str]]
) -> Difference | None:
    """Return where two outputs part, None if nowhere; reads no further than that.

    Args:
        stream: what the difference says it was found in.
        lines: numbers and texts of an output.
        earlier: those of the one it is compared with.
    """
    for now, before in zip_longest(_telling(lines), _telling(earlier)):
        if now is None or before is None or now[2] != before[2]:
            return Difference(stream, *_shown(now), *_shown(before))
    return None


def _telling(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str, str]]:
    """Yield lines with what they are compared by, without empty ones and repetitions."""
    last = ""
    for number, text in lines:
        compared = normalized(text)
        if compared and compared != last:
            last = compared
            yield number, text, compared


def _shown(line: tuple[int, str, str] | None) -> tuple[int | None, str | None]:
    return (None, None) if line is None else (line[0], line[1][:_MAX_SHOWN])
