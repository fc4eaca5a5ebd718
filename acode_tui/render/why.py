"""Why a run failed, in a few lines above its output: what its end means, failed tests, first errors, news."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from acode_tui.render.ansi import Styled
from acode_tui.render.format import count
from acode_tui.render.lines import cut, line_of
from acode_tui.render.outcomes import first_line, mark_of, place_text
from acode_tui.render.rows import cells, fit
from acode_tui.render.safe import text_of
from acode_tui.render.summary import rule

if TYPE_CHECKING:
    from collector import Explanation, Location, TestCase

MOST = 20
_LEAST = 2
_MOST_ERRORS = 5


def explanation_lines(explanation: Explanation) -> list[Styled]:
    """Return what is known of a failure, what tells most first; nothing that the status line has said."""
    lines: list[Styled] = []
    if explanation.reason and not explanation.failed_tests:
        lines.append(line_of([(text_of(explanation.reason), "text")]))
    for test in explanation.failed_tests[:MOST]:
        lines += _test_lines(test.name, test.outcome, test.message, test.location)
    errors = [error for error in explanation.errors if error.kind != "output" and error.message]
    if explanation.failed_tests:
        errors = [error for error in errors if error.kind != "test"]
    for error in errors[:_MOST_ERRORS]:
        ink = "muted" if error.is_consequence else "failure"
        printed = f"  {text_of(error.stream, 20)}:{error.first_line}"
        place = place_text(error.location)
        at = f"  {place}" if place else ""
        lines.append(line_of([(text_of(error.message), ink), (at, "accent"), (printed, "faint")]))
    return lines + _news(explanation)


def failed_case_lines(cases: Iterable[TestCase]) -> list[Styled]:
    """Return tests that failed: the name and the place of each, below them the message."""
    lines: list[Styled] = []
    for case in cases:
        lines += _test_lines(case.name, case.outcome, case.message, case.location)
    return lines


def _test_lines(name: object, outcome: object, message: object, location: Location | None) -> list[Styled]:
    mark, ink = mark_of(outcome)
    place = place_text(location)
    at = f"  {place}" if place else ""
    lines = [line_of([(f"{mark} ", ink), (text_of(name), "text"), (at, "accent")])]
    said = first_line(message)
    return [*lines, line_of([("  ", "text"), (said, "failure")])] if said else lines


def _news(explanation: Explanation) -> list[Styled]:
    """Return what is different from the last time that the command succeeded."""
    compared = explanation.compared_with
    if compared is None:
        return []
    told = []
    if compared.newly_failing:
        told.append(f"{count(len(compared.newly_failing), 'test')} failed that passed then")
    if compared.vanished:
        told.append(f"{count(len(compared.vanished), 'test')} gone")
    news = f": {', '.join(told)}" if told else ""
    return [line_of([("last success ", "faint"), (text_of(compared.name, 100), "muted"), (news, "text")])]


def why_block(lines: Sequence[Styled], width: int, most: int) -> list[Styled]:
    """Return why a run failed with a line above it, in at most so many lines; nothing if nothing is known."""
    if not lines or most < _LEAST:
        return []
    shown = list(lines[: most - 1])
    if len(shown) < len(lines) and most > 2 * _LEAST:
        left = f"… {len(lines) - len(shown) + 1:,} more lines"
        shown[-1] = Styled(left, ((0, len(left), "faint"),))
    return [rule("why", width), *(_fitting(line, width - 3) for line in shown)]


def _fitting(line: Styled, width: int) -> Styled:
    if cells(line.text) <= width:
        return line
    text = fit(line.text, max(1, width)).rstrip()
    shorter = cut(line, 0, len(text) - 1)
    return Styled(text, shorter.spans)
