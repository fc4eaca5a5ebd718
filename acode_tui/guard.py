"""The second line of defence: a filter over every line that is drawn, whichever widget drew it.

All of Textual's own widgets pass control characters of their content on to the terminal. `App._filters`
is not public; `tests/tui/test_guard.py` fails when it goes away.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from acode_tui.render.safe import strip_unsafe


class ControlGuard(LineFilter):
    """Removes what must not reach the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without unsafe characters; most lines have none and stay as they are."""
        changed = False
        clean = []
        for segment in segments:
            text = segment.text
            harmless = strip_unsafe(text)
            if harmless is not text:
                changed, segment = True, Segment(harmless, segment.style, segment.control)
            clean.append(segment)
        return clean if changed else segments


class NoColour(LineFilter):
    """Removes every colour (https://no-color.org); the selection is shown by reversing instead."""

    def __init__(self, selection: frozenset[str]) -> None:
        super().__init__()
        self._selection = selection

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with bold, underline and reverse only."""
        return [Segment(text, self._plain(style), control) for text, style, control in segments]

    def _plain(self, style: Style | None) -> Style:
        if style is None:
            return Style.null()
        behind = style.bgcolor.get_truecolor().hex if style.bgcolor else ""
        return Style(
            bold=style.bold,
            italic=style.italic,
            underline=style.underline,
            strike=style.strike,
            reverse=True if behind in self._selection else style.reverse,
            meta=style.meta,
        )
