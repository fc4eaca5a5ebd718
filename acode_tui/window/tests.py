"""Test results as a listing: suites, failed ones first, in them the tests, below a test what is known of it.

Where a producer puts everything into one suite (as pytest does), its classes or modules are the suites.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from acode_tui.keymap import TESTS
from acode_tui.render.ansi import Styled
from acode_tui.render.lines import indented
from acode_tui.render.outcomes import (
    case_details,
    case_line,
    has_details,
    number_of,
    place_text,
    problem_line,
    suite_line,
    title_of,
    totals_spans,
)
from acode_tui.render.rows import Span
from acode_tui.render.safe import text_of
from acode_tui.window.listing import MAX_HITS, Branch, Lines, Listing, Path, Search, text_line
from collector import TestCase, TestReport, TestSuite

_INDENT = 7
_MAX_OPEN = 200
_FEW = 60
_UNNAMED = "unnamed"
Order = Sequence[int]


class Suite(NamedTuple):
    """Tests under one name; `failed_first` and `slowest_first` are their places in these orders."""

    name: str
    cases: Sequence[TestCase]
    failed: int
    duration_ms: float
    failed_first: Order
    slowest_first: Order


class TestListing(Listing):
    """A report of tests."""

    __test__ = False
    view = TESTS

    def __init__(self, report: TestReport) -> None:
        self.report = report
        self.suites = suites_of(report)
        self.notes = _notes(report)
        self.is_narrow = self.by_time = False
        self._places: dict[int, int] = {}
        super().__init__(0)
        self._arrange()
        self._begin()

    def _begin(self) -> None:
        """Open what has failed; of a report in which nothing has, all if that is little."""
        failed = [place for place, index in enumerate(self._order) if self.suites[index].failed]
        few = sum(len(suite.cases) for suite in self.suites) <= _FEW or len(self.suites) == 1
        for place in failed[:_MAX_OPEN] or (range(len(self._order)) if few else ()):
            self.open((place,))
        self.first = self.failures()[0] if failed else (0,)

    def _arrange(self) -> None:
        order = range(len(self.suites))
        shown = [index for index in order if self.suites[index].failed or not self.is_narrow]
        if self.by_time:
            shown.sort(key=lambda index: -self.suites[index].duration_ms)
        else:
            shown.sort(key=lambda index: not self.suites[index].failed)
        self._order = shown
        self._places = {index: place for place, index in enumerate(shown)}
        self._failures: Sequence[Path] | None = None
        self.root = Branch(len(shown) + len(self.notes))

    def _cases(self, index: int) -> Order:
        """Return the tests of a suite that are shown, in their order."""
        suite = self.suites[index]
        if not self.by_time:
            return suite.failed_first[: suite.failed] if self.is_narrow else suite.failed_first
        if self.is_narrow:
            return [n for n in suite.slowest_first if suite.cases[n].is_failed]
        return suite.slowest_first

    # Lines

    def case(self, path: Path) -> TestCase | None:
        """Return the test that a line is about."""
        if len(path) < 2 or path[0] >= len(self._order):
            return None
        index = self._order[path[0]]
        branch = self.branch(path[:1])
        order = branch.content if branch is not None else self._cases(index)
        return self.suites[index].cases[order[path[1]]]  # type: ignore[index]

    def line(self, path: Path, width: int) -> Styled:
        """Return a line as it is drawn."""
        if len(path) > 2:
            return text_line(self, path) or Styled("")
        case = self.case(path)
        if case is not None:
            return case_line(case, self.is_open(path) if has_details(case) else None, width)
        if path[0] >= len(self._order):
            return problem_line(self.notes[path[0] - len(self._order)], width)
        suite = self.suites[self._order[path[0]]]
        counts = len(suite.cases), suite.failed
        return suite_line(suite.name, counts, suite.duration_ms or None, self.is_open(path), width)

    def title(self, width: int) -> Sequence[Span]:
        """Return the totals."""
        parts = totals_spans(self.report.totals)
        return title_of(parts, "took", width)

    def facts(self) -> Sequence[Span]:
        """Return what of the tests is shown, and how."""
        facts: list[Span] = []
        if self.is_narrow:
            facts.append(("failed only", "failure"))
        if self.by_time:
            facts.append(("slowest first", "muted"))
        return facts

    def has_below(self, path: Path) -> bool:
        """Tell whether a line can be opened."""
        if len(path) == 1:
            return path[0] < len(self._order)
        case = self.case(path) if len(path) == 2 else None
        return case is not None and has_details(case)

    def below(self, path: Path) -> Branch | None:
        """Return the tests of a suite, or what is known of a test."""
        if len(path) == 1 and path[0] < len(self._order):
            order = self._cases(self._order[path[0]])
            return Branch(len(order), order)
        case = self.case(path) if len(path) == 2 else None
        if case is None or not has_details(case):
            return None
        found = case_details(case, self.width - _INDENT - 1)
        return Lines(indented(line, _INDENT) for line in found).branch()

    # Ways to look at it

    def narrow(self) -> bool:
        """Show failed tests only, or all again."""
        self.is_narrow = not self.is_narrow
        self._arrange()
        return True

    def sort(self) -> bool:
        """Show the slowest tests first, or those that failed."""
        self.by_time = not self.by_time
        self._arrange()
        return True

    def failures(self) -> Sequence[Path]:
        """Return the tests that failed."""
        if self._failures is None:
            self._failures = [
                (place, number)
                for place, index in enumerate(self._order)
                if self.suites[index].failed
                for number, n in enumerate(self._cases(index))
                if self.suites[index].cases[n].is_failed
            ]
        return self._failures

    def search(self) -> Search:
        """Return what searches names, classes and messages."""
        order = [(self.suites[index], self._cases(index)) for index in self._order]

        def find(needle: str, fold: bool) -> list[Path]:
            hits: list[Path] = []
            for place, (suite, cases) in enumerate(order):
                if needle in (suite.name.lower() if fold else suite.name):
                    hits.append((place,))
                for number, n in enumerate(cases):
                    text = searched(suite.cases[n])
                    if needle in (text.lower() if fold else text):
                        hits.append((place, number))
                if len(hits) > MAX_HITS:
                    break
            return hits

        return find

    def value(self, path: Path) -> str:
        """Return the name of a test or suite."""
        case = self.case(path)
        if case is not None:
            return text_of(case.name, 10_000)
        return self.suites[self._order[path[0]]].name if path[0] < len(self._order) else ""

    def where(self, path: Path) -> str:
        """Return where in the source a test is."""
        case = self.case(path)
        return place_text(case.location) if case is not None else ""

    def key(self, path: Path) -> object:
        """Return by what a line is known however the tests are sorted."""
        if path[0] >= len(self._order):
            return ("note", path[0] - len(self._order))
        index = self._order[path[0]]
        if len(path) == 1:
            return (index,)
        branch = self.branch(path[:1])
        order = branch.content if branch is not None else self._cases(index)
        return (index, order[path[1]], *path[2:])  # type: ignore[index]

    def path_of(self, key: object) -> Path | None:
        """Return where a line is now, if it is shown."""
        if not isinstance(key, tuple) or key[0] not in self._places:
            return None
        place = self._places[key[0]]
        if len(key) == 1:
            return (place,)
        order = self._cases(key[0])
        return (place, order.index(key[1]), *key[2:]) if key[1] in order else (place,)


def suites_of(report: TestReport) -> list[Suite]:
    """Return the suites of a report; one that is divided by its classes, as those."""
    found: list[Suite] = []
    for suite in report.suites:
        parts = _parts(suite)
        for name, cases in parts.items():
            took = suite.duration_ms if len(parts) == 1 else None
            found.append(_suite(name or text_of(suite.name) or _UNNAMED, cases, took))
    return found


def searched(case: TestCase) -> str:
    """Return the text of a test that a search looks in."""
    return f"{text_of(case.class_name)} {text_of(case.name, 1000)} {text_of(case.message)}"


def _parts(suite: TestSuite) -> dict[str, list[TestCase]]:
    """Divide a suite by the classes of its tests, if there are several and they have several tests each."""
    parts: dict[str, list[TestCase]] = {}
    for case in suite.cases:
        parts.setdefault(text_of(case.class_name, 1000), []).append(case)
    if 1 < len(parts) <= max(2, len(suite.cases) // 2):
        return parts
    return {text_of(suite.name, 1000): list(suite.cases)}


def _suite(name: str, cases: Sequence[TestCase], took: object) -> Suite:
    failed = sum(case.is_failed for case in cases)
    order = sorted(range(len(cases)), key=lambda n: not cases[n].is_failed) if failed else range(len(cases))
    slowest = sorted(range(len(cases)), key=lambda n: -number_of(cases[n].duration_ms))
    taken = number_of(took) or sum(number_of(case.duration_ms) for case in cases)
    return Suite(name, cases, failed, taken, order, slowest)


def _notes(report: TestReport) -> list[str]:
    notes = [text_of(problem, 1000) for problem in report.problems]
    omitted = int(number_of(report.omitted_cases))
    return [*notes, f"{omitted:,} more tests are counted, but not listed"] if omitted else notes
