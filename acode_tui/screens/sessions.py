"""The sessions screen: the filter, the tree of sessions, their agents and runs, and the preview."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Horizontal

from acode_tui.keymap import SESSIONS
from acode_tui.messages import FilterChanged, PreviewRead
from acode_tui.messages.sessions import (
    NodeChosen,
    NodeMoved,
    Wanted,
)
from acode_tui.render.bars import PROMPT, WHERE_WIDTH, collector_fact, workspace_label
from acode_tui.render.format import count
from acode_tui.render.rows import Span
from acode_tui.render.safe import one_line
from acode_tui.render.session_facts import instance_lines, rest_lines, session_lines
from acode_tui.render.sessions import is_ticking
from acode_tui.screens.base import bindings_for
from acode_tui.screens.run import RunScreen
from acode_tui.screens.session_result import SessionResultScreen
from acode_tui.settings import Settings
from acode_tui.source.preview import PreviewReader
from acode_tui.widgets.entry import Entry
from acode_tui.widgets.lines import LineList
from acode_tui.widgets.preview import Facts, Preview
from acode_tui.widgets.top_line import SpanLine
from acode_tui.window.sessions import REST, Branch, Key, Line, SessionWindow
from collector import Run, RunQuery, Term, format_query

if TYPE_CHECKING:
    from acode_tui.screens.runs import RunsScreen

STREAMS = ("output", "stdout", "stderr")
_TYPING, _SETTLING, _BY_ITSELF = 0.06, 0.04, 0.3
_PLACEHOLDER = "type / to filter: part of a title or id, agent:codex, status:running, team:red"


class SessionsScreen(SessionResultScreen):
    """Sessions over the list of runs `home`; `window` outlives the screen."""

    NAME = SESSIONS
    BINDINGS = bindings_for(SESSIONS)
    AUTO_FOCUS = "#tree"

    def __init__(self, settings: Settings, home: RunsScreen, window: SessionWindow) -> None:
        super().__init__(settings, home, window)
        self.entry = Entry(_PLACEHOLDER, id="filter", value=window.text)
        self.preview = Preview(id="preview")
        self.previews = PreviewReader(settings.workspace, self.post_message)
        self.stream = STREAMS[0]
        self.listener: Callable[[Run], None] | None = None
        self._shown: Key | None = None

    def compose(self) -> ComposeResult:
        """Lay out the filter, the tree, the preview and the bottom line."""
        label = workspace_label(self.settings.workspace.root, os.environ.get("HOME", ""), WHERE_WIDTH)
        with Horizontal(id="top"):
            yield SpanLine([(" sessions ", "accent"), (PROMPT, "faint")], id="brand")
            yield self.entry
            yield SpanLine([(f" {label} ", "muted")], id="where")
        with Container(id="body"):
            yield self.nodes
            yield self.preview
        yield self.status

    def on_mount(self) -> None:
        """Begin to read; the cursor is where it was left."""
        row = self.window.row_of(self.window.cursor) if self.window.cursor is not None else None
        self.nodes.cursor = row or 0
        self.home.watcher = self
        self.source.start()
        self.previews.start()
        self.ask(len(self.window.sessions))
        self.tell()
        self.call_after_refresh(self.settle)

    def on_unmount(self) -> None:
        """Stop reading."""
        self.source.close()
        self.previews.close()

    def panes(self) -> list[LineList]:
        """Return the tree and the preview."""
        return [self.nodes, self.preview]

    def current_run(self) -> Run | None:
        """Return the run under the cursor."""
        line = self.nodes.line
        return line.run if line is not None else None

    # What the run screen asks of a list

    def hold(self, on: bool) -> None:
        """Keep the cursor on its run while it is open elsewhere, or follow again."""
        self.nodes.hold = on

    def next_run(self, step: int) -> bool:
        """Put the cursor on the next or the previous run of the same agent; tell whether there is one."""
        return self.nodes.next_run(step)

    def delete_run(self, run: Run, then: Callable[[], None] | None = None) -> None:
        """Delete a run if the user says so."""
        self.home.delete_run(run, then)

    # The filter

    def on_filter_changed(self, message: FilterChanged) -> None:
        """Filter while it is typed."""
        self.later("filter", _TYPING, self._filter)

    def _filter(self) -> None:
        if self.entry.value != self.window.text:
            self.window.text = self.entry.value
            self.ask()

    def action_filter(self) -> None:
        """Type a filter."""
        self.set_focus(self.entry)

    def _leave_filter(self) -> None:
        self.set_focus(self.nodes)
        self.entry.call_later(self.entry.remember)

    # Opening and closing

    def action_open(self) -> None:
        """Open a run, or what is below a node, or close that; in the filter line, go back to the tree."""
        line = self.nodes.line
        if self.focused is self.entry:
            self._leave_filter()
        elif line is not None and line.run is not None:
            self.app.push_screen(RunScreen(self.settings, self, line.run))
        elif line is not None and line.is_open is not None:
            self._set_open(line, not line.is_open)

    def on_node_chosen(self, message: NodeChosen) -> None:
        """Open what was clicked."""
        self.action_open()

    def action_unfold(self) -> None:
        """Open a node; go into one that is open."""
        line, below = self.nodes.line, self.window.line(self.nodes.cursor + 1)
        if line is None or line.is_open is None:
            return
        if not line.is_open:
            self._set_open(line, True)
        elif below is not None and below.depth > line.depth:
            self.nodes.move_by(1)

    def action_fold(self) -> None:
        """Close a node; leave one that is closed."""
        line = self.nodes.line
        if line is not None and line.is_open:
            self._set_open(line, False)
        else:
            self.nodes.go_to_parent()

    def _set_open(self, line: Line, is_open: bool) -> None:
        with self.nodes.changing():
            if not is_open:
                self.window.close(line.key)
            elif self.window.open(line.key) and line.key.kind == "session":
                self.source.read(Wanted(branches=frozenset({line.key.session_id})))

    def action_sibling(self, step: int) -> None:
        """Go to the next or the previous session or agent."""
        self.nodes.go_to_sibling(step)

    def action_last(self) -> None:
        """Move to the end, also where it has not been read yet."""
        self._to_end = self.pane is self.nodes and self.window.next_cursor is not None
        super().action_last()
        if self._to_end and self.window.next_cursor is not None:
            self._read_more(self.window.next_cursor)

    def action_follow(self) -> None:
        """Stay on the last run of an agent, or not."""
        self.nodes.follow = not self.nodes.follow
        if self.nodes.follow:
            self.nodes.follow_last()
        self.tell()

    # Other actions

    def action_runs(self) -> None:
        """Show the runs of a node as a list."""
        line = self.nodes.line
        text = self._filter_of(line) if line is not None else ""
        if text:
            self.home.show_runs(text)
            self.dismiss()

    def _filter_of(self, line: Line) -> str:
        """Return the filter that the runs of a node fit; empty where it cannot be written."""
        field, value = "session_id", line.key.session_id
        if line.key.instance_id != REST:
            field, value = "agent_instance_id", line.key.instance_id
        # What is recorded must not get into a line to type in unless it is harmless: then its beginning does.
        plain = "".join(takewhile(lambda c: one_line(c) == c, value))
        return (
            format_query(RunQuery((Term(field, (plain,), "=" if plain == value else ":"),))) if plain else ""
        )

    def action_export(self) -> None:
        """Show what a bundle of a run, or of all runs of another node, would hold."""
        from acode_tui.screens.export import ExportDialog

        line = self.nodes.line
        if line is None:
            return
        text = self._filter_of(line) if line.run is None else ""
        if line.run is not None or text:
            self.app.push_screen(ExportDialog(self.settings.workspace, line.run, text))

    def action_collect(self) -> None:
        """Ask whether to collect the team of the session that the cursor is in."""
        from acode_tui.screens.collecting import CollectDialog

        line = self.nodes.line
        if line is not None:
            self.app.push_screen(CollectDialog(self.settings.workspace, line.session))

    def action_delete(self) -> None:
        """Ask whether to delete the run under the cursor."""
        run = self.current_run()
        if run is not None:
            self.delete_run(run)

    def action_collector(self) -> None:
        """Show how the collector is doing."""
        self.home.action_collector()

    def action_copy_command(self) -> None:
        """Put the command line of a run, or the id of another node, into the clipboard."""
        line = self.nodes.line
        if line is None or line.run is not None:
            super().action_copy_command()
        else:
            self.app.copy_to_clipboard(line.key.instance_id or line.key.session_id)
            self.app.notify("id copied", timeout=2)

    def action_stream(self) -> None:
        """Show another stream in the preview."""
        self.stream = STREAMS[(STREAMS.index(self.stream) + 1) % len(STREAMS)]
        self._show_preview()

    def action_back(self) -> None:
        """Leave the filter line, the maximised pane, the preview, the filter, the screen: one each time."""
        if self.focused is self.entry:
            self._leave_filter()
        elif self.unzoom():
            return
        elif self.focused is self.preview:
            self.set_focus(self.nodes)
        elif self.entry.value:
            self.entry.value = ""
        else:
            self.dismiss()

    # The preview

    def on_node_moved(self, message: NodeMoved) -> None:
        """Show another node, once the cursor rests; one that came by itself, not too often."""
        if not message.by_itself:
            self.later("preview", _SETTLING, self._show_preview)
        elif "preview" not in self._delays:
            self.later("preview", _BY_ITSELF, self._show_preview)

    def _show_preview(self) -> None:
        self._delays.pop("preview", None)
        line = self.nodes.line
        run = line.run if line is not None else None
        if self.listener is not None:
            if run is not None:
                self.listener(run)
            return
        facts = self._facts(line) if line is not None else None
        self.previews.show(run if self.preview.display else None, self.stream)
        if facts is None or line is None:
            self.preview.show_run(run, self.stream)
        else:
            self.preview.show_facts(facts, is_ticking(line), is_new=line.key != self._shown)
        self._shown = line.key if line is not None else None

    def _facts(self, line: Line) -> Facts | None:
        """Return what makes the facts of a session or an agent."""
        if line.key.kind == "session":
            return partial(session_lines, line.session)
        if line.key.kind != "instance":
            return None
        branch = self.window.branches.get(line.key.session_id, Branch())
        if line.instance is None:
            return lambda width, now: rest_lines(line.runs, width)
        return partial(instance_lines, line.instance, branch.instances or (), line.runs)

    def on_preview_read(self, message: PreviewRead) -> None:
        """Show the end of the output."""
        run = self.preview.run
        if run is not None and run.run_id == message.run.run_id and message.stream == self.stream:
            self.preview.show_output(message)

    def on_screen_resume(self) -> None:
        """Go on where the run screen left."""
        self.listener = None
        self.later("preview", _SETTLING, self._show_preview)

    # The bottom line

    def tell(self) -> None:
        """Say what is going on."""
        window = self.window
        number = len(window.sessions) if window.next_cursor is None else window.total
        text = count(number, "session") if number is not None else f"{len(window.sessions):,}+ sessions"
        running = sum(session.status == "running" for session in window.sessions)
        facts: list[Span] = [(text + (" match" if window.text and number != 1 else ""), "text")]
        if not window.is_read:
            facts = [("reading …", "muted")]
        if running:
            facts.append((f"{running:,} running", "running"))
        if self.nodes.follow:
            facts.append(("following", "success"))
        facts.append(collector_fact(self.home.collector))
        self.status.show([(one_line(self.trouble), "failure")] if self.trouble else facts)
