"""Cobertura XML, as coverage.py, Coverlet, gcovr, nyc and others write it.

Lines stand below a class and again below its methods, where Istanbul adds those of the declarations: only
those of the class count, unless it has none. Classes share files (nested and partial ones), and a class can
come in several packages: everything is united by file, no line counts twice. Of a line's branches only their
number is told, not which ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.extract.covered_lines import HIT, KNOWN, CoverageFiles, FileMarks
from collector.extract.paths import under_source
from collector.extract.safe_xml import Attributes, Elements
from collector.extract.values import BoundedText, NotResults, whole
from collector.model.results import CoverageReport

_CONDITIONS = re.compile(r"\((\d{1,6})/(\d{1,6})\)")
_MAX_BRANCHES = 1_000  # of one line
_MAX_SOURCES = 1_000

_Line = tuple[int, bool, str | None]
"""Number, whether it was hit, how many of its branches were."""


class Cobertura(Elements):
    """Reads one document; `report` tells what it held, also when it ended too early."""

    def __init__(self) -> None:
        super().__init__()
        self._files = CoverageFiles()
        self._sources: list[str] = []
        self._source: BoundedText | None = None
        self._class = ""
        self._marks: FileMarks | None = None
        self._path = ""
        self._method: tuple[str, str, str] | None = None
        self._is_method_hit = False
        self._lines: list[_Line] = []
        self._method_lines: list[_Line] = []

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the start of an element."""
        if name == "line":
            self._line(attributes)
        elif name == "method":
            self._start_method(attributes)
        elif name == "class":
            self._end_class()
            self._class = attributes.get("name") or ""
            self._path = under_source(self._sources, attributes.get("filename") or self._class)
            self._marks = FileMarks()
        elif name == "source":
            self.text = self._source = BoundedText()
        elif name == "project" and len(self.path) == 2:
            raise NotResults("it is a Clover report")

    def end(self, name: str) -> None:
        """Take the end of an element."""
        if name == "method":
            self._end_method()
        elif name == "class":
            self._end_class()
        elif name == "source" and self._source and len(self._sources) < _MAX_SOURCES:
            self._sources.append(str(self._source))
            self.text = self._source = None

    def report(self, source: str, problem: str | None) -> CoverageReport:
        """Return what was read."""
        self._end_class()
        return self._files.report(source, [problem] if problem else [])

    def _line(self, attributes: Attributes) -> None:
        number = whole(attributes.get("number"))
        if number is None or self._marks is None:
            return
        is_hit = _is_hit(attributes.get("hits"))
        line = (number, is_hit, attributes.get("condition-coverage"))
        if self._method is None:
            self._lines.append(line)
        else:
            self._is_method_hit = self._is_method_hit or is_hit
            self._method_lines.append(line)

    def _start_method(self, attributes: Attributes) -> None:
        self._method = (self._class, attributes.get("name") or "", attributes.get("signature") or "")
        self._is_method_hit = _is_hit(attributes.get("line-rate")) or _is_hit(attributes.get("hits"))

    def _end_method(self) -> None:
        if self._marks is not None and self._method is not None:
            self._marks.tell_functions([(self._method, self._is_method_hit)])
        self._method = None

    def _end_class(self) -> None:
        if self._marks is not None:
            self._end_method()
            _mark(self._marks, self._lines or self._method_lines)
            self._files.add(self._path, self._marks)
        self._marks = None
        self._lines, self._method_lines = [], []


def _mark(marks: FileMarks, lines: Sequence[_Line]) -> None:
    marks.mark((number for number, _, _ in lines), KNOWN)
    marks.mark((number for number, is_hit, _ in lines if is_hit), HIT)
    for number, _, told in lines:
        conditions = _CONDITIONS.search(told) if told else None
        if conditions:
            covered, total = map(int, conditions.groups())
            branches = range(min(total, _MAX_BRANCHES))
            marks.tell_branches(((number, branch), branch < covered) for branch in branches)


def _is_hit(count: str | None) -> bool:
    """Whether a count or a rate is above 0."""
    return count is not None and not count.startswith("-") and bool(count.strip("0. "))
