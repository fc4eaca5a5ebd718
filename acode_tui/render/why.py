"""Why a run failed, in a few lines above its output: failed tests, what they said, where they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from acode_tui.render.ansi import Styled
from acode_tui.render.lines import cut, line_of
from acode_tui.render.outcomes import outcome_mark, place_text
from acode_tui.render.rows import cells, fit
from acode_tui.render.safe import text_of
from acode_tui.render.summary import rule

if TYPE_CHECKING:
    from collector import TestCase

MOST = 20
_LEAST = 2


def failed_case_lines(cases: Iterable[TestCase]) -> list[Styled]:
    """Return tests that failed: the name and the place of each, below them the message."""
    lines: list[Styled] = []
    for case in cases:
        mark, ink = outcome_mark(case)
        place = place_text(case.location)
        lines.append(
            line_of(
                [(f"{mark} ", ink), (text_of(case.name), "text"), (f"  {place}" if place else "", "accent")]
            )
        )
        message = text_of(case.message).strip()
        if message:
            lines.append(line_of([("  ", "text"), (message, "failure")]))
    return lines


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
