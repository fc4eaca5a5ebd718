"""What the filter pane knows: values in groups, how often each is, and which the filter asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from acode_tui.render.facets import HEAD, MORE, SLOW, TITLES, VALUE, FacetLine
from collector import SAVED_FIELD, Choice, choices_of

_IF_SEVERAL = frozenset({"model", "host", "working_directory"})
FEW = 6
"""So many values of a group are shown until more are wanted."""


class FacetWindow:
    """The groups as lines; whatever changes something tells whether the lines are others now."""

    def __init__(self) -> None:
        self.lines: list[FacetLine] = []
        self.choices: tuple[Choice, ...] = ()
        self.saved: Mapping[str, str] = {}
        self._counts: dict[str, Mapping[str, int] | None] = {}
        self._folded: set[str] = set()
        self._whole: set[str] = set()

    # What is found

    def show_counts(self, counts: Mapping[str, Mapping[str, int] | None]) -> bool:
        """Take over counts of some groups; None where counting took too long."""
        self._counts.update(counts)
        return self._lay_out()

    def show_saved(self, saved: Mapping[str, str]) -> bool:
        """Take over the saved filters."""
        self.saved = saved
        return self._lay_out()

    def show_choices(self, text: str) -> bool:
        """Mark what a filter asks for. Raises FilterError."""
        self.choices = choices_of(text)
        return self._lay_out()

    def forget(self) -> bool:
        """There is no store any more."""
        self._counts.clear()
        return self._lay_out()

    def fold(self, field: str) -> bool:
        """Close a group, or open it."""
        self._folded ^= {field}
        return self._lay_out()

    def show_all(self, field: str) -> bool:
        """Show every value of a group."""
        self._whole.add(field)
        return self._lay_out()

    def values(self, field: str) -> Sequence[str]:
        """Return the values of a group."""
        return tuple(self.saved if field == SAVED_FIELD else self._counts.get(field) or {})

    def index_of(self, line: FacetLine) -> int | None:
        """Return where a line is now, whatever is counted in it."""
        wanted = line.kind, line.field, line.value
        found = (n for n, it in enumerate(self.lines) if (it.kind, it.field, it.value) == wanted)
        return next(found, None)

    # As lines

    def _lay_out(self) -> bool:
        before, self.lines = self.lines, [line for field in TITLES for line in self._group(field)]
        return self.lines != before

    def _group(self, field: str) -> list[FacetLine]:
        counted = self._counts.get(field, {})
        chosen = {choice.value: choice.negated for choice in self.choices if choice.field == field}
        found: Mapping[str, int | None] = dict.fromkeys(self.saved) if field == SAVED_FIELD else counted or {}
        is_slow = counted is None
        if len(found) < (2 if field in _IF_SEVERAL else 1) and not chosen and not is_slow:
            return []
        head = FacetLine(HEAD, field, is_open=field not in self._folded)
        return [head, *self._values(field, found, chosen, is_slow)] if head.is_open else [head]

    def _values(
        self, field: str, found: Mapping[str, int | None], chosen: Mapping[str, bool], is_slow: bool
    ) -> list[FacetLine]:
        """Return the values of a group; those that are asked for are there even where no run has them."""
        names = [*found, *(value for value in chosen if value not in found)]
        shown = names if field in self._whole or len(names) <= FEW + 1 else _first(names, chosen)
        lines = [
            FacetLine(VALUE, field, name, found.get(name), name in chosen, chosen.get(name, False))
            for name in shown
        ]
        if is_slow:
            lines.append(FacetLine(SLOW, field))
        if len(shown) < len(names):
            lines.append(FacetLine(MORE, field, number=len(names) - len(shown)))
        return lines


def _first(names: Sequence[str], chosen: Mapping[str, bool]) -> list[str]:
    return [name for place, name in enumerate(names) if place < FEW or name in chosen]
