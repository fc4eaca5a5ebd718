"""The first screen: the filter, the table of runs, the preview."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Horizontal

from acode_tui.keymap import RUNS
from acode_tui.messages import (
    CollectorSeen,
    CursorMoved,
    PreviewRead,
    RowOpened,
    RunDeleted,
    RunsChanged,
    StoreOpened,
)
from acode_tui.render.bars import (
    BRAND,
    PLACEHOLDER,
    PROMPT,
    WHERE_WIDTH,
    alert_spans,
    collector_fact,
    order_text,
    run_facts,
    workspace_label,
)
from acode_tui.render.safe import one_line
from acode_tui.screens.base import bindings_for
from acode_tui.screens.faceted import FacetedScreen
from acode_tui.settings import Settings
from acode_tui.widgets.lines import LineList
from acode_tui.widgets.preview import Preview
from acode_tui.widgets.top_line import SpanLine
from collector import AcodeError, Run, load_config

if TYPE_CHECKING:
    from acode_tui.screens.search import SearchScreen
    from acode_tui.screens.sessions import SessionsScreen
    from acode_tui.screens.statistics import Kept, StatisticsScreen
    from acode_tui.source.preview import PreviewReader
    from acode_tui.window.sessions import SessionWindow
    from collector import Alert, Config

    Watcher = SessionsScreen | StatisticsScreen | SearchScreen

STREAMS = ("output", "stdout", "stderr")
_SETTLING = 0.04
_BY_ITSELF = 0.3
_COLLECTOR = 3.0


class RunsScreen(FacetedScreen):
    """All runs, or those that a filter leaves."""

    NAME = RUNS
    BINDINGS = bindings_for(RUNS)
    AUTO_FOCUS = "#table"

    # What reads the preview: made once the first rows are on the screen.
    previews: PreviewReader

    def __init__(self, settings: Settings, first_rows: Sequence[Run] = (), has_more: bool = False) -> None:
        super().__init__(settings, first_rows, has_more)
        self.preview = Preview(id="preview")
        self.stream = STREAMS[0]
        self.listener: Callable[[Run], None] | None = None
        self.watcher: Watcher | None = None
        self.alerts: Sequence[Alert] = ()
        self.session_window: SessionWindow | None = None
        self.searched = ""
        self.statistics: Kept | None = None
        self._given: tuple[str, str, bool, Callable[[], None]] | None = None

    def compose(self) -> ComposeResult:
        """Lay out what the splash has painted; `complete` adds the rest."""
        typed = self.settings.filter
        label = workspace_label(self.settings.workspace.root, os.environ.get("HOME", ""), WHERE_WIDTH)
        with Horizontal(id="top"):
            yield SpanLine([(BRAND, "accent"), (PROMPT, "faint")], id="brand")
            yield SpanLine([(typed or PLACEHOLDER, "text" if typed else "faint")], id="typed")
            yield SpanLine([(f" {label} ", "muted")], id="where")
        self.fit_facets(self.app.size.width)
        with Container(id="body"):
            yield self.facets
            yield self.table
            yield self.preview
        yield self.status

    def on_mount(self) -> None:
        """Have the rest made once there is something to look at."""
        self.tell()
        self.call_after_refresh(self.complete)

    async def complete(self) -> None:
        """Add what the first frame can do without, and begin to read."""
        from acode_tui.source.preview import PreviewReader

        self.previews = PreviewReader(self.settings.workspace, self.post_message)
        await self.add_entry()
        self.source.start()
        self.previews.start()
        self.set_interval(_COLLECTOR, self.source.look_at_collector)
        self.preview_soon()
        self.call_after_refresh(self.settle)

    def on_unmount(self) -> None:
        """Stop reading."""
        self.source.close()
        self.values.close()
        if hasattr(self, "previews"):
            self.previews.close()

    def panes(self) -> list[LineList]:
        """Return the table, the preview and the filter pane."""
        return [self.table, self.preview, self.facets]

    def current_run(self) -> Run | None:
        """Return the run under the cursor."""
        return self.table.run_at_cursor

    # What other screens ask of the list

    def hold(self, on: bool) -> None:
        """Keep the cursor on its run while it is open elsewhere, or follow again."""
        self.table.hold = on

    def next_run(self, step: int) -> bool:
        """Put the cursor on the next or the previous run; tell whether there is one."""
        return self.table.next_run(step)

    def show_runs(self, text: str, back: Callable[[], None] | None = None) -> None:
        """Show the runs of a filter in place of another screen; going back leads there again."""
        self._given = text, self.entry.value, self.failed_only, back or self.action_sessions
        self.failed_only = False
        self.entry.put(text)

    def on_runs_changed(self, message: RunsChanged) -> None:
        """Tell who watches; the result is told as well."""
        if self.watcher is not None:
            self.watcher.store_changed(message)

    def on_store_opened(self, message: StoreOpened) -> None:
        """Tell who watches; the result is told as well."""
        if self.watcher is not None:
            self.watcher.store_opened()

    # The preview

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Show another run, once the cursor rests; one that came by itself, not too often."""
        if not message.by_itself:
            self.preview_soon()
        elif "preview" not in self._delays:
            self.later("preview", _BY_ITSELF, self._show_preview)

    def preview_soon(self) -> None:
        """Show the run under the cursor, once it rests."""
        if hasattr(self, "previews"):
            self.later("preview", _SETTLING, self._show_preview)

    def _show_preview(self) -> None:
        self._delays.pop("preview", None)
        run = self.table.run_at_cursor
        if self.listener is not None:
            if run is not None:
                self.listener(run)
            return
        if self.watcher is not None:
            return  # nobody sees it
        self.preview.show_run(run, self.stream)
        self.previews.show(run if self.preview.display else None, self.stream)

    def on_preview_read(self, message: PreviewRead) -> None:
        """Show the end of the output."""
        run = self.preview.run
        if run is not None and run.run_id == message.run.run_id and message.stream == self.stream:
            self.preview.show_output(message)

    def on_screen_resume(self) -> None:
        """Go on where another screen left."""
        self.listener = self.watcher = None
        self.preview_soon()

    # Actions

    def action_failed(self) -> None:
        """Show failed runs only, or all again."""
        self.failed_only = not self.failed_only
        self.ask()
        self.count_now()
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
            self.leave_filter()
            return
        if self.focused is self.facets:
            self.choose()
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
            if not self.close_list():
                self.leave_filter()
        elif self.unzoom():
            return
        elif self.focused in (self.preview, self.facets):
            self.set_focus(self.table)
        elif self.failed_only:
            self.action_failed()
        elif self._given is not None and self._given[0] == self.entry.value:
            self._given[3]()
        elif self.entry.value:
            self.entry.put("")

    def action_sessions(self) -> None:
        """Show the sessions; a filter that was set from there gives way to the one before."""
        from acode_tui.screens.sessions import SessionsScreen
        from acode_tui.window.sessions import SessionWindow

        self._take_back()
        self.previews.show(None, self.stream)
        self.session_window = self.session_window or SessionWindow()
        self.app.push_screen(SessionsScreen(self.settings, self, self.session_window))

    def _take_back(self) -> None:
        """Put back what was shown before another screen gave a filter."""
        if self._given is not None and self._given[0] == self.entry.value:
            _, before, self.failed_only, _ = self._given
            self.entry.put(before)
        self._given = None

    def back_to_statistics(self) -> None:
        """Show the statistics that the runs were chosen in."""
        self._take_back()
        self.action_statistics()

    def action_statistics(self) -> None:
        """Show what the runs of the filter amount to."""
        from acode_tui.screens.statistics import Kept, StatisticsScreen

        self.previews.show(None, self.stream)
        self.statistics = self.statistics or Kept()
        self.app.push_screen(StatisticsScreen(self.settings, self, self.statistics))

    def action_search_all(self) -> None:
        """Search what runs wrote; what was searched for last is still there."""
        from acode_tui.screens.search import SearchScreen

        self.previews.show(None, self.stream)
        self.app.push_screen(SearchScreen(self.settings, self, self.searched))

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

        self.app.push_screen(DeleteDialog(run, self.trash_ms()), answered)

    def on_run_deleted(self, message: RunDeleted) -> None:
        """Say how it went."""
        if message.problem:
            self.app.notify(one_line(message.problem), severity="error", markup=False)
        else:
            self.app.notify(f"deleted {one_line(message.name)}", markup=False)

    def action_clean_up(self) -> None:
        """Show what the rules of retention condemn."""
        from acode_tui.screens.cleanup import CleanupDialog

        config = self.config()
        if config is not None:
            workspace = self.settings.workspace
            self.app.push_screen(CleanupDialog(workspace, config, self.entry.value, self.failed_only))

    def action_export(self) -> None:
        """Show what a bundle of this run, or of those that match, would hold."""
        from acode_tui.screens.export import ExportDialog

        run, total, workspace = self.table.run_at_cursor, self.window.total, self.settings.workspace
        if run is not None:
            self.app.push_screen(ExportDialog(workspace, run, self.entry.value, self.failed_only, total))

    def action_import(self) -> None:
        """Ask for a bundle, check it, and import it."""
        from acode_tui.screens.importing import ImportDialog

        self.app.push_screen(ImportDialog(self.settings.workspace))

    def action_trash(self) -> None:
        """Show what can come back."""
        from acode_tui.screens.trash import TrashDialog

        self.app.push_screen(TrashDialog(self.settings.workspace))

    def trash_ms(self) -> int:
        """Return how long deleted runs can come back."""
        config = self.config()
        value = config.get("runs.retention.trashTime") if config is not None else 0
        return value if isinstance(value, int) else 0

    def config(self) -> Config | None:
        """Return the settings; None, and said, where they cannot be read."""
        try:
            return load_config(self.settings.workspace.root, os.environ)
        except AcodeError as error:
            self.app.notify(one_line(str(error)), severity="error", markup=False)
            return None

    def action_collector(self) -> None:
        """Show how the collector is doing."""
        from acode_tui.screens.dialogs import CollectorDialog

        self.app.push_screen(CollectorDialog(self.collector, self.collector_problem, self.alerts))

    def on_collector_seen(self, message: CollectorSeen) -> None:
        """Keep what was seen of the collector."""
        self.collector, self.collector_problem = message.status, message.problem
        if message.alerts != self.alerts:
            self.alerts = message.alerts
            self._show_alerts()
        self.tell()

    def _show_alerts(self) -> None:
        """Show what the collector warns of on a line of its own, which is there only while it does."""
        for line in self.query("#alerts"):
            line.remove()
        if self.alerts:
            self.mount(SpanLine(alert_spans(self.alerts), id="alerts"), before=self.status)

    # The bottom line

    def tell(self) -> None:
        """Say what is going on."""
        follows = self.table.follow and self.is_newest_first
        facts = run_facts(self.window.total, self.window.is_complete, self.is_filtered, follows)
        if self.limit_note:
            facts.insert(1, (self.limit_note, "timeout"))
        if not self.is_newest_first:
            facts.insert(1, (order_text(self.order.sort, self.order.descending), "accent"))
        if self.failed_only:
            facts.insert(1, ("failed only", "failure"))
        facts.append(collector_fact(self.collector))
        if self.trouble:
            facts = [(one_line(self.trouble), "failure")]
        self.status.show(facts)
