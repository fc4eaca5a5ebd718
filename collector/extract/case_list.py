"""Tests as they are told, counted all and listed up to a bound: failed ones first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from collector.model.results import TestCase, TestReport, TestSuite, TestTotals

MAX_CASES = 20_000
MAX_FAILED_TEXT = 16_000_000
MAX_OTHER_TEXT = 4_000_000
"""Characters of details and output that all listed tests have together."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A test and the number of the suite it belongs to."""

    suite: int
    case: TestCase


class CaseList:
    """Collects the tests of one file; holds at most `limit` of them.

    A test that comes again in its suite after it failed is another attempt of the same test if it passes or
    fails in the same way, and counts once. Titles that are sentences (`it("works with two")`) are left out of
    this: two tests may well have the same. Where names are unique, as in pytest, every test that comes again
    is such an attempt: its plugin for reruns tells of failed attempts as if they had passed.
    """

    def __init__(self, limit: int = MAX_CASES) -> None:
        self._limit = limit
        self._counts: Counter[str] = Counter()
        self._flaky = 0
        self._important: dict[int, Listed] = {}
        self._others: dict[int, Listed] = {}
        self._attempted: dict[tuple[int, str | None, str], int] = {}
        self._attempted_names: set[str | None] = set()
        self._number = 0
        self._failed_text = MAX_FAILED_TEXT
        self._other_text = MAX_OTHER_TEXT
        self._cut_texts = 0
        self._suites: set[int] = set()

    def __bool__(self) -> bool:
        return self._counts.total() > 0

    @property
    def has_failed(self) -> bool:
        """Whether a test failed, in either way."""
        return bool(self._counts["failed"] or self._counts["error"])

    def add(
        self, suite: int, case: TestCase, identity: str | None = None, is_unique: bool = False
    ) -> int | None:
        """Count a test and list it if there is room.

        Args:
            suite: number of its suite.
            case: the test.
            identity: what tells it from a test of the same name, where its class does not.
            is_unique: whether no other test of the suite has its class and name.

        Returns:
            The number it is listed under, None if it is not; it may lose its place to failed ones later.
        """
        key = (suite, identity or case.class_name, case.name)
        number = self._attempted.get(key, 0)
        earlier = self._important.get(number) or self._others.get(number)
        if earlier is not None and _is_again(earlier.case, case):
            self._count(earlier.case, -1)
            self._forget(number, key)
            case = _after(earlier.case, case)
        else:
            number = self._number = self._number + 1
        self._count(case, 1)
        listed = self._list(number, Listed(suite, case))
        if listed and (is_unique or (case.is_failed and not _is_sentence(case.name))):
            self._attempted[key] = number
            self._attempted_names.add(case.name)
        return number if listed else None

    @property
    def is_full(self) -> bool:
        """Whether there is only room for tests that failed."""
        return len(self._important) + len(self._others) >= self._limit

    def count(self, outcome: str, name: str | None) -> bool:
        """Count a test that passed or was skipped without listing it; False if it may be another attempt."""
        if name in self._attempted_names:
            return False
        self._counts[outcome] += 1
        return True

    def _forget(self, number: int, key: tuple[int, str | None, str]) -> None:
        self._important.pop(number, None)
        self._others.pop(number, None)
        del self._attempted[key]

    def _count(self, case: TestCase, one: int) -> None:
        self._counts[case.outcome] += one
        self._flaky += one * case.flaky

    def _list(self, number: int, listed: Listed) -> bool:
        is_important = listed.case.is_failed or listed.case.flaky
        if self.is_full:
            if not is_important or not self._others:
                return False
            self._others.popitem()
        kept = replace(listed, case=self._within_budget(listed.case, is_important))
        (self._important if is_important else self._others)[number] = kept
        self._suites.add(listed.suite)
        return True

    def is_listed(self, suite: int) -> bool:
        """Whether a test of this suite is, or was, in the list."""
        return suite in self._suites

    def _within_budget(self, case: TestCase, is_important: bool) -> TestCase:
        length = len(case.details or "") + len(case.output or "")
        left = (self._failed_text if is_important else self._other_text) - length
        if length and left < 0:
            self._cut_texts += 1
            return replace(case, details=None, output=None)
        if is_important:
            self._failed_text = left
        else:
            self._other_text = left
        return case

    def change(self, number: int, changed: Callable[[TestCase], TestCase]) -> None:
        """Put something else in the place of a listed test, of the same outcome."""
        for held in (self._important, self._others):
            if number in held:
                held[number] = replace(held[number], case=changed(held[number].case))

    def totals(self) -> TestTotals:
        """Count every test that was added."""
        return TestTotals(
            total=self._counts.total(), passed=self._counts["passed"], failed=self._counts["failed"],
            errors=self._counts["error"], skipped=self._counts["skipped"], flaky=self._flaky,
        )  # fmt: skip

    def report(
        self, suites: Mapping[int, tuple[str, float | None]], source: str, duration_ms: float | None,
        problems: Iterable[str],
    ) -> TestReport:  # fmt: skip
        """Put everything together; suites that no listed test belongs to are left out.

        Args:
            suites: name and duration of every suite by its number.
            source: the artifact that told of them.
            duration_ms: of everything.
            problems: what could not be read.
        """
        by_suite: dict[int, list[TestCase]] = {}
        listed = sorted((self._important | self._others).items())
        for _, entry in listed:
            by_suite.setdefault(entry.suite, []).append(entry.case)
        totals = self.totals()
        cut = (f"{source}: output of {self._cut_texts:,} tests is left out",) if self._cut_texts else ()
        return TestReport(
            totals=totals, duration_ms=duration_ms, sources=(source,),
            omitted_cases=totals.total - len(listed),
            suites=tuple(
                TestSuite(name=suites[n][0], source=source, duration_ms=suites[n][1], cases=tuple(cases))
                for n, cases in sorted(by_suite.items())
            ),
            problems=(*problems, *cut),
        )  # fmt: skip


def _is_sentence(name: str) -> bool:
    """Whether it has spaces, outside of parameters: `test_add[1 + 2]` and `Add(i: 3)` are identifiers."""
    return any(c.isspace() for c in name.partition("[")[0].partition("(")[0])


def _is_again(earlier: TestCase, case: TestCase) -> bool:
    """Whether it is another attempt; pytest tells of a teardown that broke as an error after the failure."""
    return case.outcome in ("passed", earlier.outcome) or earlier.outcome == "passed"


def _after(earlier: TestCase, case: TestCase) -> TestCase:
    """Return a test with the attempt before it counted in; one that passes keeps why it had failed."""
    attempts = earlier.attempts + case.attempts
    if case.is_failed:
        return replace(case, attempts=attempts)
    return replace(
        case, attempts=attempts, flaky=True, message=case.message or earlier.message,
        details=case.details or earlier.details, location=earlier.location or case.location,
    )  # fmt: skip
