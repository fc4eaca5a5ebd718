"""Suggestions as rows of spans; pure."""

from __future__ import annotations

from collections.abc import Sequence

from acode_tui.render.rows import Span, cells, fit
from acode_tui.render.safe import one_line
from collector import Suggestion

MEANING_GAP = 2
_MAX_TEXT = 36
_MAX_WIDTH = 78
_MARGIN = 2


def wanted_size(suggestions: Sequence[Suggestion], max_rows: int) -> tuple[int, int]:
    """Return how many columns and rows a list wants."""
    text = text_width(suggestions)
    meaning = max((cells(one_line(s.meaning)) for s in suggestions), default=0)
    width = text + (MEANING_GAP + meaning if meaning else 0) + _MARGIN
    return min(width, _MAX_WIDTH), min(len(suggestions), max_rows)


def text_width(suggestions: Sequence[Suggestion]) -> int:
    """Return how wide the column of what is typed is."""
    return min(max((cells(one_line(s.text)) for s in suggestions), default=0), _MAX_TEXT)


def suggestion_spans(suggestion: Suggestion, column: int, width: int, is_chosen: bool) -> list[Span]:
    """Return a row: what is typed in a column, then what it means."""
    mark: Span = ("▌", "accent") if is_chosen else (" ", "text")
    text = fit(one_line(suggestion.text), column)
    rest = width - 1 - column - MEANING_GAP
    meaning = fit(one_line(suggestion.meaning), rest) if rest > 0 else ""
    return [mark, (text + " " * MEANING_GAP, "text"), (meaning, "muted")]
