"""The filter pane beside the table: what values there are, and a key that asks for one or leaves it out."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual import events

from acode_tui.keymap import LINE_KEYS, PANE_KEYS, RUNS, footer_keys
from acode_tui.messages import FilterChanged, RunsChanged, StoreFailed, StoreOpened
from acode_tui.messages.facets import FacetChosen, FacetsRead, SavedRead
from acode_tui.render.facets import HEAD, MORE, VALUE, FacetLine
from acode_tui.render.safe import one_line
from acode_tui.screens.completing import CompletingScreen
from acode_tui.settings import Settings
from acode_tui.state import facets_are_open, remember
from acode_tui.widgets.facet_pane import FacetPane
from acode_tui.window.facets import FacetWindow
from collector import SAVED_FIELD, Choice, FilterError, Run, toggle_choice

_CALM = 0.5
"""Seconds between two counts while runs come in."""
_COUNTING = 0.12


class FacetedScreen(CompletingScreen):
    """A result with a pane that counts its values."""

    def __init__(self, settings: Settings, first_rows: Sequence[Run] = (), has_more: bool = False) -> None:
        super().__init__(settings, first_rows, has_more)
        self.facet_window = FacetWindow()
        self.facets = FacetPane(self.facet_window, id="facets")
        self._wanted = settings.facets
        self._is_chosen = False
        self._counted_at, self._count_cost = 0.0, 0.0

    # Open and closed

    @property
    def facets_open(self) -> bool:
        """Whether the pane is seen."""
        return self.has_class("-facets")

    def fit_facets(self, width: int) -> None:
        """Show the pane or not, as it suits the width, unless a key has said so."""
        if not self._is_chosen:
            self.set_class(facets_are_open(width, self._wanted), "-facets")

    def on_resize(self, event: events.Resize) -> None:
        """Show the pane where there is room."""
        before = self.facets_open
        self.fit_facets(event.size.width)
        if self.facets_open and not before and self.is_settled:
            self.count_now()

    def action_facets(self) -> None:
        """Open the pane and give it the keys; close it when it has them."""
        if self.facets_open and self.focused is not self.facets:
            self.set_focus(self.facets)
            return
        self._is_chosen, self._wanted = True, not self.facets_open
        self.set_class(self._wanted, "-facets")
        remember(self.settings.state_path, facets=self._wanted)
        if self._wanted:
            self.set_focus(self.facets)
            self.values.read_saved()
            self.count_now()
        else:
            self.set_focus(self.table)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Tell of the keys of what has them now."""
        line = self.focused is getattr(self, "entry", None)
        self.status.show_keys(
            PANE_KEYS if self.focused is self.facets else LINE_KEYS if line else footer_keys(RUNS)
        )

    # Counting

    def count_now(self) -> None:
        """Count the values for what is in the filter line."""
        self._delays.pop("count", None)
        if self.facets_open and self.app.screen is self:
            self._mark_choices()
            self._counted_at = time.monotonic()
            self.values.read_facets(self.filter_text, self.failed_only)

    def count_soon(self) -> None:
        """Count again because runs came or changed; calmly, and the rarer the longer it takes."""
        if self.facets_open and "count" not in self._delays:
            wait = max(_CALM, 4 * self._count_cost) - (time.monotonic() - self._counted_at)
            self._delays["count"] = self.set_timer(max(0.02, wait), self.count_now)

    def on_facets_read(self, message: FacetsRead) -> None:
        """Show what was counted."""
        if message.token == self.values.token:
            if message.is_last:
                self._count_cost = message.seconds
            self._show(self.facet_window.show_counts(message.counts))

    def on_filter_changed(self, message: FilterChanged) -> None:
        """Mark what is asked for now, and count once it is quiet."""
        if self.facets_open:
            if not message.is_typed:
                self._mark_choices()
            self.later("count", _COUNTING, self.count_now)

    def on_runs_changed(self, message: RunsChanged) -> None:
        """Count again."""
        if message.runs or message.deleted or message.too_many:
            self.count_soon()

    def on_store_opened(self, message: StoreOpened) -> None:
        """Count in another database."""
        self.values.read_saved()
        self.later("count", _COUNTING, self.count_now)

    def on_store_failed(self, message: StoreFailed) -> None:
        """There is nothing to count."""
        if message.is_missing:
            self._show(self.facet_window.forget())

    def on_screen_resume(self) -> None:
        """Count what happened meanwhile."""
        self.count_soon()

    def on_saved_read(self, message: SavedRead) -> None:
        """List the saved filters; one that is in the filter may mean something else now."""
        is_new = dict(message.saved) != dict(self.facet_window.saved)
        self._show(self.facet_window.show_saved(message.saved))
        if is_new and "@" in self.filter_text:
            self.ask()

    def _mark_choices(self) -> None:
        try:
            self._show(self.facet_window.show_choices(self.filter_text))
        except FilterError:
            return  # the filter line says what is wrong with it

    def _show(self, has_changed: bool) -> None:
        if has_changed:
            self.facets.lines_changed()

    # Choosing

    def on_facet_chosen(self, message: FacetChosen) -> None:
        """Choose what was clicked."""
        self.choose(message.exclude)

    def choose(self, exclude: bool = False) -> None:
        """Ask for the value under the cursor, or leave it out; the same again takes that back."""
        line = self.facets.line_at_cursor
        if line is None:
            return
        if line.kind == HEAD:
            self._show(self.facet_window.fold(line.field))
        elif line.kind == MORE:
            self._show(self.facet_window.show_all(line.field))
        elif line.kind == VALUE:
            self._toggle(line, exclude)

    def _toggle(self, line: FacetLine, exclude: bool) -> None:
        choice = Choice(line.field, line.value, exclude)
        try:
            text = toggle_choice(self.filter_text, choice, self.facet_window.values(line.field))
        except FilterError as error:
            text = f"mend the filter first: {error.message}"
            self.app.notify(one_line(text), severity="warning", markup=False)
            return
        self.entry.put(text)

    def action_exclude(self) -> None:
        """Leave out the value under the cursor of the filter pane."""
        if self.focused is self.facets:
            self.choose(exclude=True)

    def action_advance(self) -> None:
        """Choose in the filter pane; elsewhere, a page down."""
        if self.focused is self.facets:
            self.choose()
        else:
            super().action_advance()

    def action_remove_saved(self) -> None:
        """Remove the saved filter under the cursor of the filter pane."""
        line = self.facets.line_at_cursor
        if self.focused is not self.facets or line is None or (line.kind, line.field) != (VALUE, SAVED_FIELD):
            self.app.notify("Put the cursor of the filter pane on a saved filter.", markup=False)
            return
        self.values.remove(line.value)
