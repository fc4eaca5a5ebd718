"""The result of a filter on the screen: what the threads found goes into the window and the table."""

from __future__ import annotations

import time
from collections.abc import Sequence

from acode_tui.keymap import RUNS, footer_keys
from acode_tui.messages import (
    FirstRowsRead,
    NamesRead,
    PageRead,
    PagesNeeded,
    ResultOutlined,
    ResultStopped,
    RunsChanged,
    StoreFailed,
    StoreOpened,
)
from acode_tui.screens.base import PaneScreen
from acode_tui.settings import Settings
from acode_tui.source.runs import NEWEST_FIRST, Anchor, Order, RunSource
from acode_tui.widgets.run_table import RunTable
from acode_tui.widgets.status_line import StatusLine
from acode_tui.window import RunWindow
from collector import Run

_NO_RUNS = (
    "No runs here yet.",
    "",
    "Put `acode exec --` in front of a command to record it:",
    "",
    "  acode exec -- pytest -x",
    "",
    "It appears here while it runs.",
)
_ORDERS = ("start_time", "duration_ms", "output_bytes")
"""What the runs can be sorted by here: each has an index."""
_CALM = 1.0
"""Seconds between two readings of a result that is not in the order of time: its rows change places."""
_NAMING = 0.2
_MAX_NAMES = 10_000
_NO_MATCH = ("No run matches.", "", "esc shows all of them again")


class ResultScreen(PaneScreen):
    """A table over one result, kept up to date without moving the row under the cursor."""

    def __init__(self, settings: Settings, first_rows: Sequence[Run] = (), has_more: bool = False) -> None:
        super().__init__(classes="-listing")
        self.settings = settings
        self.window = RunWindow()
        self.window.start(first_rows, has_more)
        self.table = RunTable(self.window, id="table")
        self.status = StatusLine(footer_keys(RUNS), id="status")
        self.source = RunSource(settings.workspace, self.post_message, settings.start_collector)
        self.failed_only = False
        self.order = NEWEST_FIRST
        self.trouble = ""
        self.limit_note = ""
        self._to_top = False
        self._shown_token = 0
        self._early: list[RunsChanged] = []
        self._named: set[str] = set()
        self._outlined_at, self._outline_cost = 0.0, 0.0

    # The screen says what these are.

    @property
    def filter_text(self) -> str:
        """What is in the filter line."""
        raise NotImplementedError

    def tell(self) -> None:
        """Say what is going on."""
        raise NotImplementedError

    def show_problem(self, text: str) -> None:
        """Say what was not understood; nothing when all was."""
        raise NotImplementedError

    def preview_soon(self) -> None:
        """Show the run under the cursor, once it rests."""
        raise NotImplementedError

    # The result

    @property
    def is_filtered(self) -> bool:
        """Whether these are not all runs."""
        return bool(self.filter_text.strip()) or self.failed_only

    def ask(self) -> None:
        """Read the result of the filter; the last one stays until there is another."""
        self.source.ask(self.filter_text, self.failed_only, self.order)

    def on_store_opened(self, message: StoreOpened) -> None:
        """Read everything anew: this is another database than before."""
        self.trouble = ""
        self.ask()

    def on_store_failed(self, message: StoreFailed) -> None:
        """Say what is wrong; an empty workspace is nothing wrong."""
        if message.is_missing:
            self.window.start((), False)
            self.table.empty_text = _NO_RUNS
            self.table.rows_changed()
        self.trouble = "" if message.is_missing else message.text
        self.tell()

    def on_first_rows_read(self, message: FirstRowsRead) -> None:
        """Show the beginning of a result."""
        if message.token != self.source.token:
            return
        self.show_problem("")
        seq, old_top = self.table.cursor_seq, self.table.cursor - self.table.top
        self.window.start(message.rows, message.has_more)
        index = self.window.index_of(seq) if seq is not None and not self._to_top else None
        self._to_top = False
        self._shown_token = message.token
        self.limit_note = "" if message.is_complete else "still looking"
        self.table.empty_text = _NO_MATCH if self.is_filtered else _NO_RUNS
        if not message.is_complete:
            self.table.empty_text = ("No run found yet.", "", "still looking")
        self._put_cursor(index or 0, old_top)
        early, self._early = self._early, []
        for change in early:
            self.on_runs_changed(change)
        self._name_soon()
        self.tell()

    def on_result_outlined(self, message: ResultOutlined) -> None:
        """Show a whole result, with the cursor where its run is now."""
        if message.token != self._shown_token:
            return
        self._outline_cost = time.monotonic() - self._outlined_at if self._outlined_at else 0.0
        self.limit_note = ""
        self.table.empty_text = _NO_MATCH if self.is_filtered else _NO_RUNS
        offset, before = self.table.cursor - self.table.top, self.table.cursor
        seq = self.table.cursor_seq
        self.window.replace(message.outline, message.pages)
        index = self.window.index_of(seq) if seq is not None else None
        if index is None and message.anchor is not None:
            index = message.anchor + len(self.window.head)
        self._put_cursor(before if index is None else index, offset)
        self._name_soon()
        self.tell()

    def on_result_stopped(self, message: ResultStopped) -> None:
        """Say that there may be more than what was found."""
        if message.token == self._shown_token:
            self.limit_note = f"stopped after {message.seconds:.0f} s, narrow the filter"
            self.table.empty_text = (f"No run found in {message.seconds:.0f} s.", "", "Narrow the filter.")
            self.table.rows_changed()
            self.tell()

    def _put_cursor(self, index: int, offset: int) -> None:
        """Put the cursor on a row, as far below the top of the table as it was."""
        table = self.table
        table.cursor = max(0, min(index, self.window.total - 1))
        table.rows_changed()
        table.jump(max(0, table.cursor - offset))
        table.rows_changed()

    def on_page_read(self, message: PageRead) -> None:
        """Show rows that were asked for."""
        if message.token == self._shown_token:
            self.window.add_page(message.number, message.rows)
            self.table.page_arrived()
            self._name_soon()

    def on_pages_needed(self, message: PagesNeeded) -> None:
        """Read rows that came into view."""
        self.source.read_pages(message.numbers)

    # The order

    def action_order(self) -> None:
        """Sort by the next of what there is an index for, the largest first."""
        place = _ORDERS.index(self.order.sort)
        self._sort(Order(_ORDERS[(place + 1) % len(_ORDERS)]))

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._sort(self.order._replace(descending=not self.order.descending))

    def _sort(self, order: Order) -> None:
        self.order = order
        self._to_top = True
        self.table.show_order(order.sort, order.descending)
        self.ask()
        self.tell()

    @property
    def is_newest_first(self) -> bool:
        """Whether new runs come on top."""
        return self.order == NEWEST_FIRST

    # What changes

    def on_runs_changed(self, message: RunsChanged) -> None:
        """Show what happened, without moving the row under the cursor."""
        self._named -= message.sessions
        if message.token != self._shown_token:
            if message.token > self._shown_token:
                self._early.append(message)
            return
        runs = message.runs
        lost = {seq for seq in runs if seq not in message.fitting} | message.deleted
        stale = self.window.forget(lost) or message.too_many or self.window.is_full
        fitting = [runs[seq] for seq in message.fitting]
        for index in self.window.update(fitting):
            self.table.refresh_row(index)
        # In any other order a run may belong anywhere, also one that is there already.
        places, misplaced = self._insert(fitting) if self.is_newest_first else ([], bool(fitting))
        self.table.look_for_agents()
        if places:
            self.table.rows_inserted(places)
        if stale or misplaced:
            self._outline_soon()
        if self.table.cursor_seq in runs:
            self.preview_soon()
        self._name_soon()
        self.tell()

    def _insert(self, runs: list[Run]) -> tuple[list[int], bool]:
        """Put new runs in front; return their places, and whether one belongs further down."""
        places, misplaced = [], False
        for run in sorted(runs, key=lambda run: (run.start_time, run.seq)):
            if self.window.index_of(run.seq) is not None:
                continue
            place = self.window.insert(run)
            if place is not None:
                places.append(place)
            else:
                misplaced = misplaced or self.is_filtered
        return places, misplaced

    # What subagents are called

    def _name_soon(self) -> None:
        """Read the names of subagents, once it is quiet; there is no hurry."""
        if self.table.has_agents and "names" not in self._delays:
            self._delays["names"] = self.set_timer(_NAMING, self._read_names)

    def _read_names(self) -> None:
        self._delays.pop("names", None)
        # The main agent of a conversation has its session's id.
        subagents = (run for run in self.window.held() if run.agent_instance_id not in (None, run.session_id))
        wanted = {run.session_id for run in subagents if run.session_id} - self._named
        self._named |= wanted
        if wanted:
            self.source.read_names(wanted)

    def on_names_read(self, message: NamesRead) -> None:
        """Show subagents by their names."""
        if len(self.table.names) > _MAX_NAMES:
            self.table.names.clear()
        self.table.names.update(message.names)
        self.table.refresh()

    def _outline_soon(self) -> None:
        """Read the shape of the result again, but not more often than it is cheap to."""
        if "outline" in self._delays:
            return
        calm = 0.05 if self.is_newest_first else _CALM
        wait = max(0.05, max(calm, 4 * self._outline_cost) - (time.monotonic() - self._outlined_at))
        self._delays["outline"] = self.set_timer(wait, self._outline_now)

    def _outline_now(self) -> None:
        self._delays.pop("outline", None)
        self._outlined_at = time.monotonic()
        run = self.table.run_at_cursor
        on_top = self.table.follow and self.table.cursor == 0
        anchor = None if run is None or on_top else Anchor(run.seq, getattr(run, self.order.sort))
        self.source.outline_again(anchor)
