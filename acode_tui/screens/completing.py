"""The filter line of the runs: its completion, what is wrong with it, and the filters that are saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from acode_tui.messages import FilterChanged, FilterFailed
from acode_tui.messages.facets import SavedChanged, SavedRead, ValuesRead
from acode_tui.render.bars import PLACEHOLDER
from acode_tui.render.safe import one_line
from acode_tui.screens.result import ResultScreen
from acode_tui.source.facets import FacetReader
from acode_tui.state import recall, remember
from acode_tui.widgets.top_line import SpanLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acode_tui.settings import Settings
    from acode_tui.widgets.entry import Entry
    from collector import Run

_TYPING = 0.06
_COMPLETING = 0.02


class CompletingScreen(ResultScreen):
    """A result whose filter can be typed."""

    # The line to type in: made once the first rows are on the screen.
    entry: Entry

    def __init__(self, settings: Settings, first_rows: Sequence[Run] = (), has_more: bool = False) -> None:
        super().__init__(settings, first_rows, has_more)
        self.problem = SpanLine(ground="surface", id="problem")
        self.values = FacetReader(settings.workspace, self.post_message)
        self.saved: Mapping[str, str] = {}
        self._wrong = ""
        self._place: tuple[int, int] | None = None

    async def add_entry(self) -> None:
        """Put the line to type in where its picture is."""
        from acode_tui.widgets.completions import CompletionList
        from acode_tui.widgets.entry import Entry

        filters = recall(self.settings.state_path).filters
        self.entry = Entry(PLACEHOLDER, id="filter", value=self.settings.filter, history=filters)
        self.entry.completions = CompletionList(self.values.read_values, id="completions")
        top, typed = self.query_one("#top"), self.query_one("#typed")
        with self.app.batch_update():
            await top.mount(self.entry, before=typed)
            await typed.remove()
            await self.mount(self.problem, self.entry.completions, after=top)

    @property
    def filter_text(self) -> str:
        """What is in the filter line."""
        return self.entry.value if hasattr(self, "entry") else self.settings.filter

    def on_filter_changed(self, message: FilterChanged) -> None:
        """Filter while it is typed."""
        self.later("filter", _TYPING, self.ask)
        if message.is_typed:
            self.later("complete", _COMPLETING, self._suggest)
        else:
            self.entry.close_list()

    def _suggest(self) -> None:
        self.entry.suggest()
        self._show_wrong()

    def on_values_read(self, message: ValuesRead) -> None:
        """Suggest the values of a field, if they are still wanted."""
        completions = self.entry.completions
        if completions is not None and completions.values_read(message.field, message.values):
            self._suggest()

    def on_filter_failed(self, message: FilterFailed) -> None:
        """Say what was not understood, and mark it; the last good result stays."""
        if message.token == self.source.token:
            self._place = message.place
            self.show_problem(message.message + (f"; {message.hint}" if message.hint else ""))

    def show_problem(self, text: str) -> None:
        """Say what was not understood; nothing when all was."""
        self._wrong = text
        self._show_wrong()

    def _show_wrong(self) -> None:
        """Nothing is said while the list is open: it says how the word can go on."""
        if not hasattr(self, "entry"):
            return
        completions = self.entry.completions
        text = "" if completions is not None and completions.is_open else self._wrong
        self.problem.display = bool(text)
        self.problem.show([("   ", "text"), (one_line(text), "failure")] if text else [])
        if text:
            self.entry.mark(self._place)
        if text and not self.window.total:
            self.table.empty_text = ("The filter is not understood.", "", "esc takes it away")
            self.table.rows_changed()

    # Keys

    def action_filter(self) -> None:
        """Type a filter."""
        self.values.read_saved()
        self.set_focus(self.entry)

    def action_next_pane(self) -> None:
        """Take what is chosen in the list; else give the keys to the next pane.

        What was typed before may still be on its way into the line.
        """
        if self.focused is self.entry:
            self.entry.call_later(self._take_or_leave)
        else:
            super().action_next_pane()

    def _take_or_leave(self) -> None:
        if not self.entry.take():
            super().action_next_pane()

    def leave_filter(self) -> None:
        """Give the keys back to the table; those that are still on their way into the line get there."""
        self.set_focus(self.table)
        self.entry.call_later(self._remember_filter)

    def _remember_filter(self) -> None:
        self.entry.close_list()
        self._show_wrong()
        self.entry.remember()
        if self.entry.value.strip():
            remember(self.settings.state_path, filter_text=self.entry.value.strip())

    def close_list(self) -> bool:
        """Close the list of what can be typed; tell whether it was open."""
        was_open = self.entry.close_list()
        self._show_wrong()
        return was_open

    # Saved filters

    def on_saved_read(self, message: SavedRead) -> None:
        """Keep the saved filters."""
        self.saved = message.saved
        if self.entry.completions is not None:
            self.entry.completions.saved = message.saved
            if self.entry.completions.is_open:
                self._suggest()

    def action_save_filter(self) -> None:
        """Ask for a name, and save the filter under it."""
        from acode_tui.screens.naming import NameDialog

        text = self.filter_text.strip()
        if not text:
            self.app.notify("There is no filter to save; / types one.", severity="warning", markup=False)
            return

        def answered(name: str | None) -> None:
            if name:
                self.values.save(name, text)

        self.app.push_screen(NameDialog(text, self.saved), answered)

    def on_saved_changed(self, message: SavedChanged) -> None:
        """Say how it went."""
        if message.problem:
            self.app.notify(one_line(message.problem), severity="error", markup=False)
        else:
            self.app.notify(one_line(message.text), markup=False)
