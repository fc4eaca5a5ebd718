"""The search screen: a line to type in, and what runs wrote that has it, as it is found."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Horizontal

from acode_tui.keymap import SEARCH, footer_keys
from acode_tui.messages import FilterChanged, RunsChanged
from acode_tui.messages.search import HitMoved, HitOpened, HitsFound, SearchEnded
from acode_tui.render.bars import PROMPT, WHERE_WIDTH, collector_fact, workspace_label
from acode_tui.render.format import count
from acode_tui.render.rows import Span
from acode_tui.render.safe import one_line
from acode_tui.screens.base import PaneScreen, bindings_for
from acode_tui.screens.listed import Goal
from acode_tui.screens.run import RunScreen
from acode_tui.settings import Settings
from acode_tui.source.search import SearchSource
from acode_tui.widgets.entry import Entry
from acode_tui.widgets.hit_list import HitList
from acode_tui.widgets.lines import LineList
from acode_tui.widgets.status_line import StatusLine
from acode_tui.widgets.top_line import SpanLine
from collector import Run

if TYPE_CHECKING:
    from acode_tui.screens.runs import RunsScreen

_PLACEHOLDER = "text, or re:/…/; also status:failed, since:1d, cmd:pytest*"
_TYPING = 0.2
_LEAST_TYPED = 3
_START = (
    "Search what runs printed and made.",
    "",
    "  connection refused",
    "  panicked status:failed since:1d",
    r"  re:/timeout after \d+ ?s/",
    "",
    "A capital letter makes capitals count.",
)


class SearchScreen(PaneScreen):
    """Search over the list of runs `home`; `line` is what to begin with."""

    NAME = SEARCH
    BINDINGS = bindings_for(SEARCH)
    AUTO_FOCUS = "#filter"

    def __init__(self, settings: Settings, home: RunsScreen, line: str = "") -> None:
        super().__init__(classes="-search")
        self.settings = settings
        self.home = home
        self.entry = Entry(_PLACEHOLDER, id="filter", value=line)
        self.found = HitList(id="hits")
        self.status = StatusLine(footer_keys(SEARCH), id="status")
        self.source = SearchSource(settings.workspace, self.post_message)
        self.listener: Callable[[Run], None] | None = None
        self.note = self.problem = ""
        self._asked = ""
        self._is_searching, self._is_old = False, False
        self._began = self._took = 0.0

    def compose(self) -> ComposeResult:
        """Lay out the line to type in, the list and the bottom line."""
        label = workspace_label(self.settings.workspace.root, os.environ.get("HOME", ""), WHERE_WIDTH)
        with Horizontal(id="top"):
            yield SpanLine([(" search ", "accent"), (PROMPT, "faint")], id="brand")
            yield self.entry
            yield SpanLine([(f" {label} ", "muted")], id="where")
        with Container(id="body"):
            yield self.found
        yield self.status

    def on_mount(self) -> None:
        """Begin to wait for what is typed."""
        self.home.watcher = self
        self.found.empty_text = _START
        self.source.start()
        if self.entry.value.strip():
            self._search()
        self.tell()
        self.call_after_refresh(self.settle)

    def on_unmount(self) -> None:
        """Stop searching."""
        self.source.close()

    def panes(self) -> list[LineList]:
        """Return the list."""
        return [self.found]

    def current_run(self) -> Run | None:
        """Return the run under the cursor."""
        row = self.found.row
        return row.hit.run if row is not None else None

    # What the list of runs tells: a search is not of what changes meanwhile

    def store_changed(self, message: RunsChanged) -> None:
        """Leave the result as it is; tell the run that is open of itself."""
        run = self.current_run()
        if self.listener is not None and run is not None and run.seq in message.runs:
            self.listener(message.runs[run.seq])

    def store_opened(self) -> None:
        """Leave the result as it is."""

    # What the run screen asks of a list

    def hold(self, on: bool) -> None:
        """Nothing moves the cursor here."""

    def next_run(self, step: int) -> bool:
        """Go to the next or the previous run with a hit; tell whether there is one."""
        return self.found.go_to_run(step)

    def delete_run(self, run: Run, then: Callable[[], None] | None = None) -> None:
        """Delete a run if the user says so."""
        self.home.delete_run(run, then)

    def on_hit_moved(self, message: HitMoved) -> None:
        """Tell the run screen of another run."""
        if self.listener is not None:
            self.listener(message.row.hit.run)

    def on_screen_resume(self) -> None:
        """Go on where the run screen left."""
        self.listener = None

    # Searching

    def on_filter_changed(self, message: FilterChanged) -> None:
        """Search while it is typed, once there is something to search for."""
        self.later("search", _TYPING, self._search_typed)

    def _search_typed(self) -> None:
        if len(self.entry.value.strip()) >= _LEAST_TYPED:
            self._search()
        elif not self.entry.value.strip():
            self.source.stop()
            self._asked = self.note = self.problem = ""
            self._is_searching = False
            self.found.empty_text = _START
            self.found.clear()
            self.tell()

    def _search(self) -> None:
        line = self.entry.value.strip()
        if line == self._asked:
            return
        self._asked, self._is_searching, self._is_old = line, True, True
        self.note = self.problem = ""
        self._began = time.monotonic()
        self.source.ask(line)
        self.tell()

    def on_hits_found(self, message: HitsFound) -> None:
        """Show what was found; the first of it takes the place of what was found before."""
        if message.token == self.source.token:
            self._make_room()
            self.found.add(message.hits)
            self.tell()

    def on_search_ended(self, message: SearchEnded) -> None:
        """Say that this is all, or why not."""
        if message.token != self.source.token:
            return
        self._is_searching, self._took = False, time.monotonic() - self._began
        self.note, self.problem = message.note, message.problem
        if not message.problem:
            self._make_room()
            self.found.empty_text = ("Nothing found.", "", "Artifacts of all runs were looked through.")
        self.tell()

    def _make_room(self) -> None:
        if self._is_old:
            self._is_old = False
            self.found.clear()

    # Actions

    def action_filter(self) -> None:
        """Type something else."""
        self.set_focus(self.entry)

    def action_open(self) -> None:
        """Open the run at the line under the cursor; in the line to type in, search and go to the list."""
        if self.focused is self.entry:
            self.set_focus(self.found)
            # Keys that are still on their way get into the line first.
            self.entry.call_later(self._entered)
            return
        row = self.found.row
        if row is not None:
            hit = row.hit
            goal = Goal(
                hit.line, path=hit.path, artifact_id=hit.artifact_id, text=hit.text[hit.start : hit.end]
            )
            self.app.push_screen(RunScreen(self.settings, self, hit.run, goal))

    def _entered(self) -> None:
        self.entry.remember()
        if self.entry.value.strip():
            self._search()

    def on_hit_opened(self, message: HitOpened) -> None:
        """Open a line that was clicked twice."""
        self.set_focus(self.found)
        self.action_open()

    def action_sibling(self, step: int) -> None:
        """Go to the first hit of the next or the previous run."""
        self.found.go_to_run(step)

    def action_delete(self) -> None:
        """Ask whether to delete the run under the cursor."""
        run = self.current_run()
        if run is not None:
            self.delete_run(run)

    def action_collector(self) -> None:
        """Show how the collector is doing."""
        self.home.action_collector()

    def action_back(self) -> None:
        """Leave the line to type in, if something was found; then the screen."""
        if self.focused is self.entry and self.found.total:
            self.set_focus(self.found)
        elif not self.unzoom():
            self.home.searched = self.entry.value
            self.dismiss()

    # What is said

    def tell(self) -> None:
        """Say how much was found, and what is going on."""
        found = self.found
        title: list[Span] = [(" ", "text")]
        if found.total:
            title += [(count(found.hits, "line"), "text"), (f" in {count(found.runs, 'run')}", "muted")]
        found.show_titles(title)
        facts: list[Span] = []
        if self.problem:
            facts.append((one_line(self.problem), "failure"))
        elif self._is_searching:
            facts.append(("searching …", "running"))
        elif self._asked:
            facts.append((f"searched in {self._took:.1f}s", "muted"))
        if self.note:
            facts.append((self.note, "timeout"))
        self.status.show([*facts, collector_fact(self.home.collector)])
