"""The first screen: the filter, the table of runs, the preview."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.timer import Timer
from textual.widgets import Input

from acode_tui.keymap import RUNS, footer_keys
from acode_tui.messages import (
    CollectorSeen,
    CursorMoved,
    FilterFailed,
    FirstRowsRead,
    PageRead,
    PagesNeeded,
    PreviewRead,
    ResultOutlined,
    RowOpened,
    RunDeleted,
    RunsChanged,
    StoreFailed,
    StoreOpened,
)
from acode_tui.render.bars import (
    BRAND,
    PLACEHOLDER,
    PROMPT,
    WHERE_WIDTH,
    collector_fact,
    run_facts,
    workspace_label,
)
from acode_tui.render.rows import Span
from acode_tui.render.safe import one_line
from acode_tui.screens.base import PaneScreen, bindings_for
from acode_tui.settings import Settings
from acode_tui.source import Anchor, PreviewReader, RunSource
from acode_tui.widgets.entry import Entry
from acode_tui.widgets.lines import LineList
from acode_tui.widgets.preview import Preview
from acode_tui.widgets.run_table import RunTable
from acode_tui.widgets.status_line import StatusLine
from acode_tui.widgets.top_line import SpanLine
from acode_tui.window import RunWindow
from collector import Run

STREAMS = ("output", "stdout", "stderr")
_TYPING = 0.06
_SETTLING = 0.04
_BY_ITSELF = 0.3
_COLLECTOR = 3.0
_NO_RUNS = (
    "No runs here yet.",
    "",
    "Put `acode exec --` in front of a command to record it:",
    "",
    "  acode exec -- pytest -x",
    "",
    "It appears here while it runs.",
)


class RunsScreen(PaneScreen):
    """All runs, or those that a filter leaves."""

    NAME = RUNS
    BINDINGS = bindings_for(RUNS)
    AUTO_FOCUS = "#table"

    def __init__(self, settings: Settings, first_rows: Sequence[Run] = (), has_more: bool = False) -> None:
        super().__init__()
        self.settings = settings
        self.window = RunWindow()
        self.window.start(first_rows, has_more)
        self.table = RunTable(self.window, id="table")
        self.preview = Preview(id="preview")
        self.entry = Entry(PLACEHOLDER, id="filter")
        self.status = StatusLine(footer_keys(RUNS), id="status")
        self.problem = SpanLine(ground="surface", id="problem")
        self.source = RunSource(settings.workspace, self.post_message, settings.start_collector)
        self.previews = PreviewReader(settings.workspace, self.post_message)
        self.failed_only = False
        self.stream = STREAMS[0]
        self.listener: Callable[[Run], None] | None = None
        self._shown_token = 0
        self._early: list[RunsChanged] = []
        self._trouble = ""
        self._delays: dict[str, Timer] = {}
        self._outlined_at, self._outline_cost = 0.0, 0.0

    def compose(self) -> ComposeResult:
        """Lay out the filter, the panes and the bottom line."""
        with self.prevent(Input.Changed):
            self.entry.value = self.settings.filter
        with Horizontal(id="top"):
            yield SpanLine([(BRAND, "accent"), (PROMPT, "faint")], id="brand")
            yield self.entry
            yield SpanLine(id="where")
        yield self.problem
        with Container(id="body"):
            yield self.table
            yield self.preview
        yield self.status

    def on_mount(self) -> None:
        """Begin to read."""
        self.source.start()
        self.previews.start()
        self.set_interval(_COLLECTOR, self.source.look_at_collector)
        label = workspace_label(self.settings.workspace.root, os.environ.get("HOME", ""), WHERE_WIDTH)
        self.query_one("#where", SpanLine).show([(f" {label} ", "muted")])
        self.tell()
        self.call_after_refresh(self.settle)

    def on_unmount(self) -> None:
        """Stop reading."""
        self.source.close()
        self.previews.close()

    def panes(self) -> list[LineList]:
        """Return the table and the preview."""
        return [self.table, self.preview]

    def current_run(self) -> Run | None:
        """Return the run under the cursor."""
        return self.table.run_at_cursor

    @property
    def filter_text(self) -> str:
        """What is in the filter line."""
        return self.entry.value

    # The result

    def ask(self) -> None:
        """Read the result of the filter; the last one stays until there is another."""
        self.source.ask(self.filter_text, failed_only=self.failed_only)

    def on_store_opened(self, message: StoreOpened) -> None:
        """Read everything anew: this is another database than before."""
        self._trouble = ""
        self.ask()

    def on_store_failed(self, message: StoreFailed) -> None:
        """Say what is wrong; an empty workspace is nothing wrong."""
        if message.is_missing:
            self.window.start((), False)
            self.table.empty_text = _NO_RUNS
            self.table.rows_changed()
        self._trouble = "" if message.is_missing else message.text
        self.tell()

    def on_filter_failed(self, message: FilterFailed) -> None:
        """Say what was not understood; the last good result stays."""
        if message.token == self.source.token:
            text = message.message + (f"; {message.hint}" if message.hint else "")
            self._show_problem([("   ", "text"), (one_line(text), "failure")])

    def on_first_rows_read(self, message: FirstRowsRead) -> None:
        """Show the beginning of a result."""
        if message.token != self.source.token:
            return
        self._show_problem([])
        seq, old_top = self.table.cursor_seq, self.table.cursor - self.table.top
        self.window.start(message.rows, message.has_more)
        index = self.window.index_of(seq) if seq is not None else None
        self._shown_token = message.token
        self.table.empty_text = _NO_RUNS if not self._is_filtered else ("No run matches.",)
        self._put_cursor(index or 0, old_top)
        early, self._early = self._early, []
        for change in early:
            self.on_runs_changed(change)
        self.tell()

    def on_result_outlined(self, message: ResultOutlined) -> None:
        """Show a whole result, with the cursor where its run is now."""
        if message.token != self._shown_token:
            return
        self._outline_cost = time.monotonic() - self._outlined_at if self._outlined_at else 0.0
        offset, before = self.table.cursor - self.table.top, self.table.cursor
        seq = self.table.cursor_seq
        self.window.replace(message.outline, message.pages)
        index = self.window.index_of(seq) if seq is not None else None
        if index is None and message.anchor is not None:
            index = message.anchor + len(self.window.head)
        self._put_cursor(before if index is None else index, offset)
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

    def on_pages_needed(self, message: PagesNeeded) -> None:
        """Read rows that came into view."""
        self.source.read_pages(message.numbers)

    def on_runs_changed(self, message: RunsChanged) -> None:
        """Show what happened, without moving the row under the cursor."""
        if message.token != self._shown_token:
            if message.token > self._shown_token:
                self._early.append(message)
            return
        runs = message.runs
        lost = {seq for seq in runs if seq not in message.fitting} | message.deleted
        stale = self.window.forget(lost) or message.too_many or self.window.is_full
        for index in self.window.update(runs[seq] for seq in message.fitting):
            self.table.refresh_row(index)
        places = []
        for run in sorted((runs[seq] for seq in message.fitting), key=lambda r: (r.start_time, r.seq)):
            if self.window.index_of(run.seq) is not None:
                continue
            place = self.window.insert(run)
            if place is not None:
                places.append(place)
            else:
                stale = stale or self._is_filtered
        if places:
            self.table.rows_inserted(places)
        if stale:
            self._outline_soon()
        seq = self.table.cursor_seq
        if seq is not None and seq in runs:
            self._preview_soon()
        self.tell()

    @property
    def _is_filtered(self) -> bool:
        return bool(self.filter_text.strip()) or self.failed_only

    def _outline_soon(self) -> None:
        """Read the shape of the result again, but not more often than it is cheap to."""
        if "outline" in self._delays:
            return
        wait = max(0.05, 4 * self._outline_cost - (time.monotonic() - self._outlined_at))
        self._delays["outline"] = self.set_timer(wait, self._outline_now)

    def _outline_now(self) -> None:
        self._delays.pop("outline", None)
        self._outlined_at = time.monotonic()
        run = self.table.run_at_cursor
        on_top = self.table.follow and self.table.cursor == 0
        self.source.outline_again(Anchor(run.seq, run.start_time) if run is not None and not on_top else None)

    # The preview

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Show another run, once the cursor rests; one that came by itself, not too often."""
        if not message.by_itself:
            self._preview_soon()
        elif "preview" not in self._delays:
            self._later("preview", _BY_ITSELF, self._show_preview)

    def _preview_soon(self) -> None:
        self._later("preview", _SETTLING, self._show_preview)

    def _show_preview(self) -> None:
        self._delays.pop("preview", None)
        run = self.table.run_at_cursor
        if self.listener is not None:
            if run is not None:
                self.listener(run)
            return
        self.preview.show_run(run, self.stream)
        self.previews.show(run if self.preview.display else None, self.stream)

    def on_preview_read(self, message: PreviewRead) -> None:
        """Show the end of the output."""
        run = self.preview.run
        if run is not None and run.run_id == message.run.run_id and message.stream == self.stream:
            self.preview.show_output(message.stream, message.lines, message.size, message.note)

    def on_screen_resume(self) -> None:
        """Go on where the run screen left."""
        self.listener = None
        self._preview_soon()

    # The filter

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter while it is typed."""
        self._later("filter", _TYPING, self.ask)

    def _show_problem(self, spans: Sequence[Span]) -> None:
        self.problem.display = bool(spans)
        self.problem.show(spans)

    # Actions

    def action_filter(self) -> None:
        """Type a filter."""
        self.set_focus(self.entry)

    def _leave_filter(self) -> None:
        """Give the keys back to the table; those that are still on their way into the line get there."""
        self.set_focus(self.table)
        self.entry.call_later(self.entry.remember)

    def action_failed(self) -> None:
        """Show failed runs only, or all again."""
        self.failed_only = not self.failed_only
        self.ask()
        self.tell()

    def action_follow(self) -> None:
        """Stay on the newest run, or not."""
        self.table.follow = not self.table.follow
        if self.table.follow:
            self.table.go_first()
        self.tell()

    def action_stream(self) -> None:
        """Show another stream in the preview."""
        self.stream = STREAMS[(STREAMS.index(self.stream) + 1) % len(STREAMS)]
        self._show_preview()

    def action_open(self) -> None:
        """Open the run under the cursor; in the filter line, go back to the table."""
        from acode_tui.screens.run import RunScreen

        if self.focused is self.entry:
            self._leave_filter()
            return
        run = self.table.run_at_cursor
        if run is not None:
            self.app.push_screen(RunScreen(self.settings, self, run))

    def on_row_opened(self, message: RowOpened) -> None:
        """Open a run that was clicked twice."""
        self.action_open()

    def action_back(self) -> None:
        """Leave the filter line, then the maximised pane, then the preview, then the filter."""
        if self.focused is self.entry:
            self._leave_filter()
        elif self.unzoom():
            return
        elif self.focused is self.preview:
            self.set_focus(self.table)
        elif self.failed_only:
            self.action_failed()
        elif self.entry.value:
            self.entry.value = ""

    def action_delete(self) -> None:
        """Ask whether to delete the run under the cursor."""
        run = self.table.run_at_cursor
        if run is not None:
            self.delete_run(run)

    def delete_run(self, run: Run, then: Callable[[], None] | None = None) -> None:
        """Delete a run if the user says so."""
        from acode_tui.screens.dialogs import DeleteDialog

        if not run.is_finished:
            self.app.notify("It is still running; stop it first.", severity="warning", markup=False)
            return

        def answered(agreed: bool | None) -> None:
            if agreed:
                self.source.delete(run)
                if then is not None:
                    then()

        self.app.push_screen(DeleteDialog(run), answered)

    def on_run_deleted(self, message: RunDeleted) -> None:
        """Say how it went."""
        if message.problem:
            self.app.notify(one_line(message.problem), severity="error", markup=False)
        else:
            self.app.notify(f"deleted {one_line(message.name)}", markup=False)

    def action_collector(self) -> None:
        """Show how the collector is doing."""
        from acode_tui.screens.dialogs import CollectorDialog

        self.app.push_screen(CollectorDialog(self.collector, self.collector_problem))

    def on_collector_seen(self, message: CollectorSeen) -> None:
        """Keep what was seen of the collector."""
        self.collector, self.collector_problem = message.status, message.problem
        self.tell()

    # The bottom line

    def tell(self) -> None:
        """Say what is going on."""
        facts = run_facts(self.window.total, self.window.is_complete, self._is_filtered, self.table.follow)
        if self.failed_only:
            facts.insert(1, ("failed only", "failure"))
        facts.append(collector_fact(self.collector))
        if self._trouble:
            facts = [(one_line(self._trouble), "failure")]
        self.status.show(facts)

    def _later(self, name: str, delay: float, job: Callable[[], None]) -> None:
        """Do something after a pause in which it was not asked for again."""
        timer = self._delays.pop(name, None)
        if timer is not None:
            timer.stop()
        self._delays[name] = self.set_timer(delay, job)
