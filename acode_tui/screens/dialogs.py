"""Dialogs: delete a run, and how the collector is doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from acode_tui.render.format import count, full_moment, size
from acode_tui.render.keeping import trash_sentence
from acode_tui.render.rows import Span, fit
from acode_tui.render.safe import one_line
from acode_tui.render.strips import word_ranges
from acode_tui.widgets.top_line import SpanBlock
from collector import Run

if TYPE_CHECKING:
    from collector import Alert, CollectorStatus

_WIDTH = 60


class DeleteDialog(ModalScreen[bool]):
    """Says what would go; answers whether it shall."""

    BINDINGS = [  # noqa: RUF012 - Textual's own type
        ("escape,n,q", "answer(False)", "keep it"),
        ("y", "answer(True)", "delete it"),
        ("left,right,h,l", "app.focus_next", "the other button"),
    ]
    AUTO_FOCUS = "#keep"

    def __init__(self, run: Run, trash_ms: int = 0) -> None:
        super().__init__()
        self._run_to_delete, self._trash_ms = run, trash_ms

    def compose(self) -> ComposeResult:
        """Show the run and two buttons; the one that does no harm has the keys."""
        with Vertical(classes="dialog"):
            yield SpanBlock(delete_lines(self._run_to_delete, self._trash_ms))
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="keep")
                yield Button("Delete", id="delete", variant="error")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "delete")

    def action_answer(self, agreed: bool) -> None:
        """Answer by key."""
        self.dismiss(agreed)


class CollectorDialog(ModalScreen[None]):
    """Says how the collector is doing."""

    BINDINGS = [("escape,q,enter,C", "close", "close")]  # noqa: RUF012 - Textual's own type

    def __init__(self, status: CollectorStatus | None, problem: str, alerts: Sequence[Alert] = ()) -> None:
        super().__init__()
        self._status, self._problem, self._alerts = status, problem, alerts

    def compose(self) -> ComposeResult:
        """Show the facts."""
        with Vertical(classes="dialog"):
            yield SpanBlock([*collector_lines(self._status, self._problem), *alert_lines(self._alerts)])

    def action_close(self) -> None:
        """Go back."""
        self.dismiss()

    def on_click(self) -> None:
        """Go back."""
        self.dismiss()


def delete_lines(run: Run, trash_ms: int = 0) -> Sequence[Sequence[Span]]:
    """Return what would be deleted, and for how long it can come back."""
    files = run.artifacts
    total = sum(artifact.stored_bytes for artifact in files)
    extent = f"{count(len(files), 'file')}, {size(total)}"
    return [
        [("Delete this run?", "accent")],
        [],
        [("run      ", "faint"), (fit(one_line(run.name), _WIDTH - 9).rstrip(), "text")],
        [("command  ", "faint"), (fit(one_line(run.command_line), _WIDTH - 9).rstrip(), "text")],
        [("goes     ", "faint"), (extent, "text")],
        [],
        [(trash_sentence(trash_ms), "muted")],
    ]


def alert_lines(alerts: Sequence[Alert]) -> Sequence[Sequence[Span]]:
    """Return what the collector warns of."""
    lines: list[list[Span]] = []
    for alert in alerts:
        text = one_line(f"{alert.message} ({alert.code})", 600)
        lines += [[], [("since    ", "faint"), (full_moment(alert.since_ms), "timeout")]]
        lines += [[(text[begin:end].strip(), "text")] for begin, end in word_ranges(text, _WIDTH)]
    return lines


def collector_lines(status: CollectorStatus | None, problem: str) -> Sequence[Sequence[Span]]:
    """Return what is known of the collector."""
    lines: list[list[Span]] = [[("Collector", "accent")], []]
    if status is None:
        text = one_line(problem) or "not seen yet"
        return [*lines, [(fit(text, _WIDTH).rstrip(), "failure" if problem else "muted")]]
    if status.running:
        lines.append([("state    ", "faint"), ("● running", "success")])
        if status.pid is not None:
            lines.append([("process  ", "faint"), (str(status.pid), "text")])
        if status.started_at is not None:
            lines.append([("since    ", "faint"), (full_moment(status.started_at), "text")])
        if status.version:
            lines.append([("version  ", "faint"), (one_line(status.version), "text")])
    else:
        lines.append([("state    ", "faint"), ("○ not running", "timeout")])
    waiting = count(status.pending, "announcement")
    lines.append([("waiting  ", "faint"), (waiting, "text" if status.pending else "muted")])
    log = one_line(status.log)
    lines.append(
        [("log      ", "faint"), ("…" + log[10 - _WIDTH :] if len(log) > _WIDTH - 9 else log, "muted")]
    )
    if not status.running:
        lines += [[], [("start it with  ", "muted"), ("acode collector start", "accent")]]
    return lines
