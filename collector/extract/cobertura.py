"""Cobertura XML, as coverage.py, Coverlet, gcovr, nyc and others write it.

Lines stand below a class and again below its methods, classes share files (nested and partial ones), and a
class can come in several packages: everything is united by file, no line counts twice. Of a line's branches
only their number is told, not which ones.
"""

from __future__ import annotations

import re

from collector.extract.covered_lines import HIT, KNOWN, CoverageFiles, FileMarks
from collector.extract.paths import under_source
from collector.extract.safe_xml import Attributes, Elements
from collector.extract.values import BoundedText, NotResults, whole
from collector.model.results import CoverageReport

_CONDITIONS = re.compile(r"\((\d{1,6})/(\d{1,6})\)")
_MAX_BRANCHES = 1_000  # of one line
_MAX_SOURCES = 1_000


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
        self._known: list[int] = []
        self._hit: list[int] = []
        self._is_method_hit = False

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
        hits = attributes.get("hits") or ""
        is_hit = not hits.startswith("-") and bool(hits.strip("0.- "))
        (self._hit if is_hit else self._known).append(number)
        self._is_method_hit = self._is_method_hit or is_hit
        conditions = _CONDITIONS.search(attributes.get("condition-coverage") or "")
        if conditions:
            covered, total = map(int, conditions.groups())
            for branch in range(min(total, _MAX_BRANCHES)):
                self._marks.branch((number, branch), branch < covered)

    def _start_method(self, attributes: Attributes) -> None:
        self._method = (self._class, attributes.get("name") or "", attributes.get("signature") or "")
        self._is_method_hit = (attributes.get("line-rate") or "").strip("0. ") != ""

    def _end_method(self) -> None:
        if self._marks is not None and self._method is not None:
            self._marks.function(self._method, self._is_method_hit)
        self._method = None

    def _end_class(self) -> None:
        if self._marks is not None:
            self._end_method()
            self._marks.mark(self._known, KNOWN)
            self._marks.mark(self._hit, HIT)
            self._files.add(self._path, self._marks)
        self._marks = self._method = None
        self._known, self._hit = [], []
