"""Coverage as lines: a bar, how much of a file is covered, and which of its lines are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from acode_tui.render.ansi import Styled
from acode_tui.render.lines import at_ends
from acode_tui.render.outcomes import number_of, title_of
from acode_tui.render.rows import Span, cells
from acode_tui.render.safe import text_of

if TYPE_CHECKING:
    from collector import CoverageReport, FileCoverage

_GOOD, _FAIR = 90.0, 70.0
_EIGHTHS = " ▏▎▍▌▋▊▉█"
Ranges = Sequence[tuple[int, int]]


class CoverageLayout(NamedTuple):
    """How wide the bar, the path, the number of lines and the uncovered ranges are; 0 for none."""

    bar: int
    path: int
    lines: int
    ranges: int


def layout(width: int) -> CoverageLayout:
    """Return what suits a listing of this width."""
    bar = 0 if width < 50 else 8 if width < 100 else 16
    lines = 0 if width < 64 else 11
    taken = 8 + (bar + 1 if bar else 0) + lines + 2
    ranges = 0 if width < 64 else (width - taken) * 2 // 5
    return CoverageLayout(bar, max(8, width - taken - (ranges + 2 if ranges else 0)), lines, ranges)


def percent_ink(percent: float) -> str:
    """Return the colour of a percentage."""
    return "success" if percent >= _GOOD else "timeout" if percent >= _FAIR else "failure"


def bar(percent: float, width: int) -> str:
    """Return a bar of exactly so many cells, finer than a cell."""
    filled = round(max(0.0, min(percent, 100.0)) / 100 * width * 8)
    full, part = divmod(filled, 8)
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(width)


def percent_text(percent: float) -> str:
    """Format a percentage; 100 only when nothing is missing."""
    text = f"{percent:.1f}"
    return "100%" if percent >= 100 else "99.9%" if text == "100.0" else f"{text}%"


def percent_of(item: FileCoverage | CoverageReport) -> float:
    """Return covered lines in percent, whatever the report says; without lines there is nothing to cover."""
    lines, covered = number_of(item.lines), number_of(item.lines_covered)
    return min(100.0, 100.0 * covered / lines) if lines else 100.0


def ranges_of(item: FileCoverage) -> Ranges:
    """Return the ranges of uncovered lines that make sense, in their order."""
    return sorted(
        (low, high) for low, high in item.uncovered if _is_line(low) and _is_line(high) and low <= high
    )


def _is_line(value: object) -> bool:
    return isinstance(value, int) and value > 0


def ranges_text(ranges: Ranges) -> str:
    """Write ranges of lines as people do: `12, 20-34`."""
    return ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in ranges)


def file_line(item: FileCoverage, ranges: Ranges, mark: str, width: int) -> Styled:
    """Return the line of a file; `mark` says whether it is open."""
    columns, percent = layout(width), percent_of(item)
    ink = percent_ink(percent)
    path = text_of(item.path, 2000)
    excess = cells(path) - columns.path
    if excess > 0:
        # The end of a path tells most.
        while cells(path) > columns.path - 1:
            path = path[max(1, (cells(path) - columns.path) // 2) :]
        path = "…" + path
    left: list[tuple[str, str]] = [(f" {mark} ", "faint")]
    left.append((path + " " * max(0, columns.path - cells(path)), "text"))
    if columns.bar:
        filled = bar(percent, columns.bar)
        left += [
            (" ", "text"),
            (filled.rstrip(" "), ink),
            ("·" * (columns.bar - len(filled.rstrip(" "))), "border"),
        ]
    left.append((f" {percent_text(percent):>6}", ink))
    if columns.lines:
        counted = f"{int(number_of(item.lines_covered)):,}/{int(number_of(item.lines)):,}"
        left.append((f"{counted:>{columns.lines}}", "muted"))
    if columns.ranges:
        left += [("  ", "text"), (ranges_text(ranges[:200]), "muted")]
    return at_ends(left, [], width)


def coverage_title(report: CoverageReport, width: int) -> list[Span]:
    """Return the totals."""
    percent = percent_of(report)
    parts: list[Span] = [
        (f"{percent_text(percent)} of {int(number_of(report.lines)):,} lines", percent_ink(percent))
    ]
    for name, covered, total in (
        ("branches", report.branches_covered, report.branches),
        ("functions", report.functions_covered, report.functions),
    ):
        if number_of(total):
            share = percent_text(100 * number_of(covered) / number_of(total))
            parts.append((f"{share} of {int(number_of(total)):,} {name}", "muted"))
    parts.append((f"{len(report.files):,} files" if len(report.files) != 1 else "1 file", "muted"))
    return title_of(parts, "not covered" if layout(width).ranges else "", width)
