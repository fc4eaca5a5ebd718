"""Test results as lines: suites with their counts, tests with their outcome, and what is known of a test.

What a report says may be of any type: it is never trusted to be what it should.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from acode_tui.render.ansi import Styled
from acode_tui.render.format import count, duration
from acode_tui.render.lines import at_ends, in_lines, in_words, line_of, whole
from acode_tui.render.rows import Span, cells
from acode_tui.render.safe import text_of

if TYPE_CHECKING:
    from collector import Location, TestCase, TestTotals

_MARKS = {
    "passed": ("✓", "success"), "failed": ("✗", "failure"), "error": ("!", "failure"),
    "skipped": ("○", "faint"),
}  # fmt: skip
_FLAKY = ("~", "timeout")
_UNKNOWN = ("·", "faint")
_MAX_NAME = 1000
_MAX_DETAILS, _MAX_OUTPUT = 2000, 2000


def number_of(value: object) -> float:
    """Return a number that a report tells; 0 for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and 0 <= value < 1e15 else 0  # type: ignore[operator,return-value]


def time_taken(value: object) -> str:
    """Format milliseconds that a report tells, of which there may be less than one."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e15:
        return ""
    return "<1ms" if 0 < value < 0.5 else duration(round(value))


def outcome_mark(case: TestCase) -> Span:
    """Return the mark of a test, which says its outcome without colour too."""
    return _FLAKY if case.flaky and case.outcome == "passed" else mark_of(case.outcome)


def mark_of(outcome: object) -> Span:
    """Return the mark of an outcome."""
    return _MARKS.get(text_of(outcome), _UNKNOWN)


def place_text(location: Location | None) -> str:
    """Return a place in a source file as `file:line`."""
    if location is None:
        return ""
    file, line = text_of(location.file, _MAX_NAME), text_of(location.line, 20)
    return f"{file}:{line}" if file and line else file


def totals_spans(totals: TestTotals) -> list[Span]:
    """Return how many tests there were, and how they ended; failures first."""
    numbers = {
        name: int(number_of(getattr(totals, name))) for name in ("failed", "errors", "skipped", "flaky")
    }
    total, broken = int(number_of(totals.total)), numbers["failed"] + numbers["errors"]
    first = (f"{broken:,} of {total:,} failed", "failure") if broken else (count(total, "test"), "text")
    parts = [first]
    parts.append((f"{int(number_of(totals.passed)):,} passed", "success"))
    parts += [
        (f"{numbers[name]:,} {name}", ink)
        for name, ink in (("skipped", "muted"), ("flaky", "timeout"))
        if numbers[name]
    ]
    return parts


def suite_line(name: str, counts: tuple[int, int], took: object, is_open: bool, width: int) -> Styled:
    """Return the line of a suite; `counts` are its tests and those of them that failed."""
    total, failed = counts
    told, ink = (f"{failed:,} of {total:,} failed", "failure") if failed else (f"{total:,}", "muted")
    mark, mark_ink = ("✗", "failure") if failed else ("✓", "success")
    left = [(" ", "text"), ("▾ " if is_open else "▸ ", "faint"), (f"{mark} ", mark_ink), (name, "text")]
    return at_ends(left, [("  " + told, ink), (f"{time_taken(took):>8} ", "faint")], width)


def case_line(case: TestCase, is_open: bool | None, width: int) -> Styled:
    """Return the line of a test; where there is room, with the beginning of its message.

    `is_open` is None for a test of which nothing more is known.
    """
    mark, ink = outcome_mark(case)
    fold = "  " if is_open is None else "▾ " if is_open else "▸ "
    name = text_of(case.name, _MAX_NAME)
    is_muted = not case.is_failed and not case.flaky
    left = [("   ", "text"), (fold, "faint"), (f"{mark} ", ink), (name, "muted" if is_muted else "text")]
    message = first_line(case.message) if not is_open else ""
    if message and cells(name) + 30 < width:
        left.append(("  " + message, "faint"))
    return at_ends(left, [(f"{time_taken(case.duration_ms):>8} ", "faint")], width)


def first_line(message: object) -> str:
    """Return the first line of what a test said."""
    return text_of("" if message is None else str(message).strip().partition("\n")[0])


def has_details(case: TestCase) -> bool:
    """Tell whether more is known of a test than its line says."""
    return bool(case.message or case.details or case.output or case.location)


def case_details(case: TestCase, width: int) -> list[Styled]:
    """Return all that is known of a test: message, place, traceback, what it printed."""
    ink = "failure" if case.is_failed else "muted"
    lines = in_lines(whole(case.message), width, 20, ink) if case.message else []
    place = place_text(case.location)
    told = [("at ", place), ("in ", text_of(case.class_name, _MAX_NAME)), ("", _attempts(case))]
    for name, value in told:
        if value:
            first, *rest = in_words(value, "accent" if name == "at " else "muted", width - len(name), 4)
            lines += [line_of([(name, "faint"), (first.text, first.spans[0][2] if first.spans else "muted")])]
            lines += rest
    if case.details:
        lines += [Styled(""), *in_lines(whole(case.details), width, _MAX_DETAILS)]
    if case.output:
        lines += [_rule("printed", width), *in_lines(whole(case.output), width, _MAX_OUTPUT)]
    return lines


def problem_line(text: str, width: int) -> Styled:
    """Return a line that says what is missing from a report, or could not be read."""
    return at_ends([(" ! ", "failure"), (text, "failure")], [], width)


def title_of(parts: Sequence[Span], right: str, width: int) -> list[Span]:
    """Return facts as the line above a listing."""
    spans: list[Span] = [(" ", "text")]
    for text, ink in parts:
        if len(spans) > 1:
            spans.append((" · ", "faint"))
        spans.append((text, ink))
    line = at_ends(spans, [(right + " ", "faint")], width)
    return [(line.text[low:high], str(ink)) for low, high, ink in line.spans]


def _attempts(case: TestCase) -> str:
    attempts = int(number_of(case.attempts))
    if case.flaky:
        return f"flaky: passed at attempt {attempts:,} only"
    return f"{attempts:,} attempts" if attempts > 1 else ""


def _rule(title: str, width: int) -> Styled:
    return line_of(
        [("── ", "border"), (title, "faint"), (" " + "─" * max(0, width - len(title) - 4), "border")]
    )
