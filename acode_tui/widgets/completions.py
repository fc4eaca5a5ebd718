"""The list of what can be typed next, over the table below the filter line."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from textual.strip import Strip
from textual.widget import Widget

from acode_tui.render.completions import suggestion_spans, text_width, wanted_size
from acode_tui.render.palette import palette_of
from acode_tui.render.strips import strip_of
from collector import Completion, complete

MAX_ROWS = 8
_MIN_WIDTH = 50
_FRESH = 2.0
"""Seconds for which the values of a field are taken as they were."""
_NOTHING = Completion(0, 0, ())


class CompletionList(Widget):
    """Suggests keys, values and saved filters; the filter line asks it, and takes what is chosen.

    Args:
        ask_values: has the values of a field read; they come later, by `values_read`.
        id: of the widget.
    """

    DEFAULT_CSS = """
    CompletionList { layer: above; dock: top; display: none; width: 1; height: 1; background: $panel; }
    """

    def __init__(self, ask_values: Callable[[str], None], id: str | None = None) -> None:
        super().__init__(id=id)
        self.saved: Mapping[str, str] = {}
        self._ask_values = ask_values
        self._values: dict[str, Mapping[str, int]] = {}
        self._asked: dict[str, float] = {}
        self._found = _NOTHING
        self._chosen = 0
        self._for = ("", 0)

    @property
    def is_open(self) -> bool:
        """Whether the list is seen."""
        return bool(self.display)

    def suggest(self, text: str, cursor: int, left: int, is_forced: bool = False) -> None:
        """Show what can stand at the cursor; nothing where no word has begun, unless it is asked for.

        Args:
            text: the filter.
            cursor: where in it one types.
            left: the column at which the filter begins on the screen.
            is_forced: whether all keys are to be shown where no word has begun.
        """
        found = complete(text, cursor, self._values_of, self.saved)
        typed = text[found.start : found.end]
        at_word = cursor > 0 and not text[cursor - 1].isspace()
        shown = [suggestion.text for suggestion in found.suggestions]
        if not shown or shown == [typed] or not (at_word or is_forced):
            self.close()
            return
        chosen = self._found.suggestions[self._chosen].text if self._is_chosen_by_hand() else ""
        self._chosen = shown.index(chosen) if chosen in shown else 0
        self._for = text, cursor
        self._show(found, left + found.start)

    def _is_chosen_by_hand(self) -> bool:
        return self.is_open and 0 < self._chosen < len(self._found.suggestions)

    def _show(self, found: Completion, left: int) -> None:
        width, height = wanted_size(found.suggestions, MAX_ROWS)
        room = self.screen.size.width
        left = max(0, min(left - 1, room - min(width, _MIN_WIDTH)))  # the mark stands before the word
        width = min(width, room - left)
        if found != self._found or not self.is_open:
            self._found = found
            self.refresh()
        place = (left, 1)
        styles = self.styles
        if (self.size.width, self.size.height) != (width, height) or not self.is_open:
            styles.width, styles.height = width, height
        if self.offset != place:
            self.offset = place
        self.display = True

    def close(self) -> None:
        """Show nothing."""
        self._chosen = 0
        if self.is_open:
            self.display = False

    def move(self, step: int) -> None:
        """Choose another one; from the last on to the first."""
        self._chosen = (self._chosen + step) % len(self._found.suggestions)
        self.refresh()

    def taken(self, text: str, cursor: int) -> tuple[str, int] | None:
        """Return the filter and the cursor with what is chosen put in place; None when nothing is."""
        if (text, cursor) != self._for or not self.is_open:
            self.suggest(text, cursor, 0, is_forced=not text.strip())
        if not self.is_open:
            return None
        found, chosen = self._found, self._found.suggestions[self._chosen].text
        self.close()
        return text[: found.start] + chosen + text[found.end :], found.start + len(chosen)

    # Values

    def _values_of(self, field: str) -> Mapping[str, int]:
        now = time.monotonic()
        if now - self._asked.get(field, -_FRESH) >= _FRESH:
            self._asked[field] = now
            self._ask_values(field)
        return self._values.get(field, {})

    def values_read(self, field: str, values: Mapping[str, int]) -> bool:
        """Keep the values of a field; tell whether they are others than before."""
        is_new = self._values.get(field) != values
        self._values[field] = values
        return is_new

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw a suggestion."""
        width, rows = self.size.width, self.size.height
        first = max(0, min(self._chosen - rows + 1, len(self._found.suggestions) - rows))
        index = first + y
        palette = palette_of(self.app.theme)
        if index >= len(self._found.suggestions):
            return strip_of([], palette, "panel", width)
        column = text_width(self._found.suggestions)
        is_chosen = index == self._chosen
        spans = suggestion_spans(self._found.suggestions[index], column, width, is_chosen)
        ground, bold = ("selection", "text") if is_chosen else ("panel", "")
        return strip_of(spans, palette, ground, width, bold)
