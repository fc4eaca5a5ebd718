"""JSON artifacts in what a program printed: marked, fenced, on lines of their own, or all there is."""

from __future__ import annotations

import json
import re
from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from collector.extract.log_forms import parse_json
from collector.extract.text import clean

MAX_BYTES = 64 << 20
MAX_BLOCKS = 20
MAX_PROBLEMS = 10
_WORDS = re.compile(r"[\w.@$-]+")
_MARKER = re.compile(
    r"^[^\w\n]*ARTIFACT[ _-]?(?:(START|BEGIN)|END|STOP)[^\w\n]*$", re.MULTILINE | re.IGNORECASE
)
_FENCE = re.compile(r"^[^\S\n]{0,3}(`{3,}|~{3,})[^\S\n]*([\w+-]*)[^\n]*$", re.MULTILINE)
_OWN_LINE = re.compile(r"^[^\S\n]*(?=[{\[])", re.MULTILINE)
_ORDER = {"marker": 0, "fence": 1, "pattern": 2, "line": 3}


@dataclass(frozen=True, slots=True)
class JsonBlock:
    """A value, how it was found (`marker`, `fence`, `pattern` or `line`), and its lines, from 1."""

    value: Any
    how: str
    first_line: int
    last_line: int


class FoundJson(NamedTuple):
    """The blocks, best first, and what was marked as one but is broken, a line each."""

    blocks: tuple[JsonBlock, ...] = ()
    problems: tuple[str, ...] = ()


class _Span(NamedTuple):
    how: str
    start: int
    end: int


def find_json(chunks: Iterable[bytes], pattern: str | None = None) -> FoundJson:
    """Find the JSON objects (and marked, fenced or lone arrays) of an output.

    Objects that are log entries are none. Of several on lines of their own the longest is the best.

    Args:
        chunks: the output.
        pattern: of an agent: the keys its artifact has, with commas between them, or a regular expression
            that fits the artifact's text.
    """
    data = _join(chunks)
    if data is None:
        return FoundJson(
            (), (f"more than {MAX_BYTES >> 20} MB of output: it was not looked through for JSON",)
        )
    text = "\n".join(clean_line(line) for line in data.split(b"\n")) if b"\x1b" in data else _decode(data)
    return _Finder(text, pattern).find()


def clean_line(line: bytes) -> str:
    """Return a line without escapes; one that is too long for a terminal's is JSON, and kept whole."""
    return clean(line) if len(line) < 4096 else _decode(line)


def _decode(data: bytes) -> str:
    return data.replace(b"\r\n", b"\n").decode("utf-8", "replace")


def _join(chunks: Iterable[bytes]) -> bytes | None:
    parts, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BYTES:
            return None
        parts.append(chunk)
    return b"".join(parts)


class _Finder:
    """Looks through one text; what one way has found the next ones pass over."""

    def __init__(self, text: str, pattern: str | None) -> None:
        self._text = text
        self._pattern = pattern
        self._decoder = json.JSONDecoder()
        self._blocks: list[JsonBlock] = []
        self._lengths: dict[int, int] = {}
        self._problems: list[str] = []
        self._taken: list[tuple[int, int]] = []
        self._content = (len(text) - len(text.lstrip()), len(text.rstrip()))
        self._budget = 4 * len(text) + 10_000

    def find(self) -> FoundJson:
        for span in (*self._marked(), *self._fenced()):
            self._take(span)
        self._own_lines()
        blocks = [replace(block, how=self._how(block)) for block in self._blocks]
        blocks.sort(key=lambda block: (_ORDER[block.how], -self._lengths[block.first_line], block.first_line))
        return FoundJson(tuple(blocks), tuple(self._problems))

    def _how(self, block: JsonBlock) -> str:
        return "pattern" if block.how == "line" and self._fits(block.value) else block.how

    def _fits(self, value: Any) -> bool:
        if not self._pattern or not isinstance(value, dict):
            return False
        keys = [key.strip() for key in self._pattern.split(",")]
        if all(_WORDS.fullmatch(key) for key in keys):
            return all(key in value for key in keys)
        try:
            return re.search(self._pattern, json.dumps(value)[:100_000], re.DOTALL) is not None
        except (re.error, ValueError, RecursionError):
            return False

    def _marked(self) -> Iterator[_Span]:
        begun: int | None = None
        for marker in _MARKER.finditer(self._text) if _MARKER.search(self._text) else ():
            if marker[1]:
                begun = marker.end()
            elif begun is not None:
                yield _Span("marker", begun, marker.start())
                begun = None

    def _fenced(self) -> Iterator[_Span]:
        """Yield what fences hold; what is shown in a fence of another language is passed over."""
        opened: re.Match[str] | None = None
        for fence in _FENCE.finditer(self._text) if "```" in self._text or "~~~" in self._text else ():
            if opened is None:
                opened = fence
            elif fence[1].startswith(opened[1]) and not fence[2]:
                language, span = opened[2].lower(), _Span("fence", opened.end(), fence.start())
                opened = None
                if language in ("json", "jsonc", "json5"):
                    yield span
                elif language:
                    insort(self._taken, (span.start, span.end))

    def _take(self, span: _Span) -> None:
        if self._is_taken(span.start) or not self._text[span.start : span.end].strip():
            return
        inner = self._text[span.start : span.end]
        begin = len(inner) - len(inner.lstrip())
        try:
            value, end = self._decoder.raw_decode(inner, begin)
        except (ValueError, RecursionError) as error:
            self._problem(span.start + begin, error)
            return
        if inner[end:].strip():
            self._problem(span.start + end, ValueError("something follows the value"))
            return
        insort(self._taken, (span.start, span.end))
        self._add(value, span.how, span.start + begin, span.start + end)

    def _own_lines(self) -> None:
        position = 0
        while len(self._blocks) < MAX_BLOCKS and self._budget > 0:
            found = _OWN_LINE.search(self._text, position)
            if found is None:
                return
            position = self._try(found.end()) if not self._is_taken(found.end()) else self._after(found.end())

    def _try(self, start: int) -> int:
        """Read a value that begins a line; return where to look on."""
        try:
            value, end = self._decoder.raw_decode(self._text, start)
        except RecursionError:
            self._budget -= 1_000_000
            return self._after(start)
        except ValueError as error:
            self._budget -= max(100, getattr(error, "pos", start) - start)
            return self._after(start)
        line_end = self._after(end) - 1
        is_whole = not self._text[end:line_end].strip()
        is_object = isinstance(value, dict) and parse_json(self._text[start:end]) is None
        if is_whole and (is_object or (isinstance(value, list) and self._is_alone(start, end))):
            self._add(value, "line", start, end)
        return max(self._after(end), start + 1)

    def _is_alone(self, start: int, end: int) -> bool:
        return start <= self._content[0] and end >= self._content[1]

    def _after(self, position: int) -> int:
        """Return where the next line begins."""
        found = self._text.find("\n", position)
        return len(self._text) + 1 if found < 0 else found + 1

    def _is_taken(self, position: int) -> bool:
        place = bisect_right(self._taken, (position, len(self._text) + 1)) - 1
        return place >= 0 and position < self._taken[place][1]

    def _add(self, value: Any, how: str, start: int, end: int) -> None:
        first = self._text.count("\n", 0, start) + 1
        self._lengths[first] = end - start if how == "line" else 0
        self._blocks.append(JsonBlock(value, how, first, first + self._text.count("\n", start, end)))

    def _problem(self, position: int, error: Exception) -> None:
        if len(self._problems) >= MAX_PROBLEMS:
            return
        line = self._text.count("\n", 0, position) + 1
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        self._problems.append(f"line {line}: no JSON: {why}"[:300])
