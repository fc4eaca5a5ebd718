"""JSON that a program printed among other text.

Between `ARTIFACT_START` and `ARTIFACT_END` or in `<artifact>`, in a fenced block, as an object on lines of
its own, or as the whole output; not in a script that is shown. What is broken is told in a line, never
raised. Every byte is parsed a few times at most, whatever it holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from collector.extract.heredocs import is_in_heredoc
from collector.extract.json_schema import check_schema
from collector.extract.json_text import BrokenJson, decode_at, reason_of
from collector.extract.log_json import is_log_entry

__all__ = ["FoundJson", "JsonBlock", "check_schema", "find_json"]

MAX_BLOCKS = 20
MAX_PROBLEMS = 20
ORDER = ("marker", "fence", "pattern", "lines", "whole")
"""How a block was found, the best first."""

Patterns = tuple[str, ...] | re.Pattern[str] | None

_MAX_TOO_DEEP = 20  # each of them costs a thousand levels and says nothing about where it ended
_MAX_INLINE = 10_000
_MAX_MARKED = 1_000
_MAX_FRUITLESS = 500_000  # a few seconds of beginnings that were none
_COLOUR = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]")
_EDGE = r"[ \t=#*<>\[\]!/:|-]*+"
_START = r"ARTIFACT[ _-]?(?:START|BEGIN)|(?:START|BEGIN)[ _-]?ARTIFACT"
_END = r"ARTIFACT[ _-]?END|END[ _-]?ARTIFACT"
_TAG = r"[ \t]*<artifact(?:[ \t][^<>\n]{0,1000})?>"
# Each begins with the newline before its line: that is what makes a search fast.
_OPENING = re.compile(
    rf"\n(?:{_EDGE}(?P<marker>{_START}){_EDGE}$|(?P<tag>{_TAG})"
    r"|[ \t]*(?:(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$|(?P<json>\{(?=\s*[\"}])|\[(?=\s*[{\[\"]))))",
    re.MULTILINE | re.IGNORECASE,
)
_START_LINE = re.compile(rf"\n{_EDGE}(?:{_START}){_EDGE}$", re.MULTILINE | re.IGNORECASE)
_END_LINE = re.compile(rf"\n{_EDGE}(?:{_END}){_EDGE}$", re.MULTILINE | re.IGNORECASE)
_END_TAG = re.compile(r"</artifact\s*>", re.IGNORECASE)
_LONGEST_FENCE = 8  # a longer one is taken for one of these
_FENCED = re.compile(r"\s*(?:`{3,}|~{3,})\w*\n(.*?)\n[ \t]*(?:`{3,}|~{3,})\s*\Z", re.DOTALL)
_KEY = re.compile(r'\{\s*"[^"\n]*"\s*:')
_REST_OF_LINE = re.compile(r"[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class JsonBlock:
    """A JSON value, how it was found (one of `ORDER`), and its lines, from 1 and both included."""

    value: Any
    how: str
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class FoundJson:
    """At most 20 blocks, the best first and then in their order, and what was broken."""

    blocks: tuple[JsonBlock, ...] = ()
    problems: tuple[str, ...] = ()


def find_json(chunks: Iterable[bytes], patterns: Patterns = None, limit: int = 64 << 20) -> FoundJson:
    """Find JSON in a stream.

    Args:
        chunks: the recorded bytes.
        patterns: what an agent's artifact looks like: keys that an object must have, or a regular expression
            that it must match as it was printed or in compact form. With it, objects within a line are found
            too.
        limit: bytes that are looked through; a problem says when there were more.
    """
    data, is_cut = _read(chunks, limit)
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    search = _Search("\n" + text, patterns)
    if not search.take_whole():
        search.look_through()
    if is_cut:
        search.problems.insert(0, f"only the first {limit} bytes of the output were searched for JSON")
    return FoundJson(search.best(), tuple(search.problems[:MAX_PROBLEMS]))


def _read(chunks: Iterable[bytes], limit: int) -> tuple[bytes, bool]:
    kept: list[bytes] = []
    room = limit
    for chunk in chunks:
        kept.append(chunk[:room])
        room -= len(kept[-1])
        if len(kept[-1]) < len(chunk):
            return b"".join(kept), True
    return b"".join(kept), False


class _Search:
    """One pass over a text that begins with a newline; positions to go on from are newlines too."""

    def __init__(self, text: str, patterns: Patterns) -> None:
        self._text = text
        self._patterns = patterns
        self._found: dict[str, list[JsonBlock]] = {how: [] for how in ORDER}
        self.problems: list[str] = []
        self._counted = (0, 0)
        self._absent: set[str] = set()  # ends that do not come any more
        self._too_deep = 0
        self._inline = 0
        self._fruitless = 0
        self._marked_blocks = 0

    def best(self) -> tuple[JsonBlock, ...]:
        return tuple(block for how in ORDER for block in self._found[how])[:MAX_BLOCKS]

    def take_whole(self) -> bool:
        """Take the text when it is one object or array and nothing else."""
        begin = len(self._text) - len(self._text.lstrip())
        if self._text[begin : begin + 1] not in ("{", "["):
            return False
        try:
            value, end = decode_at(self._text, begin)
        except BrokenJson:
            return False
        if self._text[end:].strip():
            return False
        self._add(value, "pattern" if self._fits(value, begin, end) else "whole", begin, end)
        return True

    def look_through(self) -> None:
        position = 0
        while opening := _OPENING.search(self._text, position):
            if self._fruitless > _MAX_FRUITLESS:
                self.problems.insert(
                    0, f"line {self._line(opening.start() + 1)}: not searched further, too much is no JSON"
                )
                return
            passed = self._look_within_lines(position, opening.start())
            if passed > opening.start():
                position = passed
            elif opening["marker"]:
                position = self._marked(opening)
            elif opening["tag"]:
                position = self._tagged(opening)
            elif opening["fence"]:
                position = self._fenced(opening)
            else:
                position = self._own_lines(opening.start("json"))
        self._look_within_lines(position, len(self._text))

    def _marked(self, opening: re.Match[str]) -> int:
        end = self._find_end("artifact", _END_LINE, opening.end())
        if end is None:
            self._problem(opening.start() + 1, "ARTIFACT_START without ARTIFACT_END")
            return opening.end()
        if self._is_shown(opening, end):
            return end.end()
        begin = opening.end()
        for nearer in _START_LINE.finditer(self._text, begin, end.start()):
            begin = nearer.end()
        self._take("marker", begin, end.start())
        return end.end()

    def _tagged(self, opening: re.Match[str]) -> int:
        """Take what is in `<artifact>`, if it looks like JSON: agents put all kinds of files in there."""
        end = self._find_end("tag", _END_TAG, opening.end())
        if end is None:
            return opening.end()
        content = self._text[opening.end() : end.start()]
        if content.lstrip()[:1] in ("{", "[", "`") and not self._is_shown(opening, end):
            self._take("marker", opening.end(), end.start())
        newline = self._text.find("\n", end.end())
        return newline if newline >= 0 else len(self._text)

    def _is_shown(self, opening: re.Match[str], end: re.Match[str]) -> bool:
        """Tell whether a marked block is part of a script; only of the first ones, which is all there are."""
        self._marked_blocks += 1
        return self._marked_blocks <= _MAX_MARKED and is_in_heredoc(self._text, opening.start(), end.end())

    def _fenced(self, opening: re.Match[str]) -> int:
        """Take a fenced block that is JSON; any other is passed over with all that is in it."""
        mark, info = opening["fence"], opening["info"].strip().lower()
        end = self._fence_end(mark, opening.end())
        is_json = info.partition(" ")[0] in ("json", "json5", "jsonc")
        if end is None:
            if is_json:
                self._problem(opening.start() + 1, "a fenced block without an end")
            return opening.end()
        begin = opening.end()
        if is_json:
            self._take("fence", begin, end.start())
        elif not info and self._text[begin : begin + 1_000].lstrip()[:1] == "{":
            self._take("lines", opening.end(), end.start(), is_told=False)
        return end.end()

    def _fence_end(self, mark: str, position: int) -> re.Match[str] | None:
        """Find the end of a fence, which is at least as long as its beginning (CommonMark 4.5)."""
        least = mark[:_LONGEST_FENCE]
        pattern = re.compile(rf"\n[ \t]*{least}{mark[0]}*[ \t]*$", re.MULTILINE)
        return self._find_end(least, pattern, position)

    def _find_end(self, name: str, pattern: re.Pattern[str], position: int) -> re.Match[str] | None:
        if name in self._absent:
            return None
        end = pattern.search(self._text, position)
        if end is None:
            self._absent.add(name)
        return end

    def _take(self, how: str, begin: int, end: int, is_told: bool = True) -> None:
        """Take what stands between two places; it has to be JSON, in a fence of its own perhaps."""
        content = self._text[begin:end]
        if inner := _FENCED.fullmatch(content):
            content = inner[1]
        begin += len(self._text[begin:end]) - len(self._text[begin:end].lstrip())
        try:
            value = json.loads(content)
        except (ValueError, RecursionError) as error:
            self._fruitless += 1
            if is_told:
                self._problem(begin, f"no JSON in the {how}: {reason_of(error)}")
            return
        if is_told or isinstance(value, dict):
            self._add(value, how, begin, begin + len(self._text[begin:end].rstrip()))

    def _own_lines(self, begin: int) -> int:
        """Take an object that begins a line and ends another; return where to go on."""
        newline = self._text.find("\n", begin)
        next_line = newline if newline >= 0 else len(self._text)
        if self._too_deep >= _MAX_TOO_DEEP:
            return next_line
        try:
            value, end = decode_at(self._text, begin)
        except BrokenJson as error:
            return self._broken(begin, next_line, error)
        if self._fits(value, begin, end):
            self._add(value, "pattern", begin, end)
        elif _REST_OF_LINE.match(self._text, end) and _is_object(value) and not is_log_entry(value):
            self._add(value, "lines", begin, end)
        return end if _REST_OF_LINE.match(self._text, end) else max(end, next_line)

    def _broken(self, begin: int, next_line: int, error: BrokenJson) -> int:
        """Tell of what looked like an object; what it has parsed already is not looked at again."""
        self._fruitless += 1
        if error.position is None:
            self._too_deep += 1
        if error.position is None or _KEY.match(self._text, begin, begin + 1_000):
            self._problem(begin, f"no JSON: {error}")
        return max(next_line, self._text.rfind("\n", 0, error.position or 0))

    def _look_within_lines(self, begin: int, end: int) -> int:
        """Find objects that begin within a line, for an agent whose artifact is known by its looks.

        Returns where the last one ends: it may go on over lines that would begin something.
        """
        position, spent = begin, 0
        while self._patterns and self._inline < _MAX_INLINE and spent <= end - begin + 100_000:
            opening = _KEY.search(self._text, position, end)
            if opening is None:
                break
            self._inline += 1
            position = opening.start() + 1
            try:
                value, stop = decode_at(self._text, opening.start())
            except BrokenJson as error:
                spent += (error.position or position + 10_000) - position
            else:
                position = stop
                if self._fits(value, opening.start(), stop):
                    self._add(value, "pattern", opening.start(), stop)
        return position

    def _fits(self, value: Any, begin: int, end: int) -> bool:
        """Tell whether a value is what the agent's patterns ask for."""
        if not self._patterns or not isinstance(value, dict):
            return False
        if isinstance(self._patterns, tuple):
            return all(key in value for key in self._patterns)
        if self._patterns.search(self._text[begin:end]):
            return True
        try:
            return bool(self._patterns.search(json.dumps(value, ensure_ascii=False)))
        except RecursionError:
            return False

    def _add(self, value: Any, how: str, begin: int, end: int) -> None:
        blocks = self._found[how]
        if len(blocks) < MAX_BLOCKS:
            first = self._line(begin)
            blocks.append(JsonBlock(value, how, first, first + self._text.count("\n", begin, end)))

    def _problem(self, position: int, text: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(f"line {self._line(position)}: {text}")

    def _line(self, position: int) -> int:
        """Count lines from where the last count ended; positions hardly ever go back."""
        at, line = self._counted if self._counted[0] <= position else (0, 0)
        self._counted = (position, line + self._text.count("\n", at, position))
        return self._counted[1]


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value))
