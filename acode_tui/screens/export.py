"""The dialog that exports: which runs, what of them, what becomes of their secrets, and where to."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from acode_tui.messages.bundles import Estimated, Exported, RunsChosen
from acode_tui.messages.keeping import WorkFailed, WorkStopped
from acode_tui.render.bundles import (
    estimate_spans,
    export_head,
    export_line,
    exported_detail,
    exported_text,
    secrets_spans,
)
from acode_tui.render.keeping import progress_line
from acode_tui.render.rows import Span
from acode_tui.render.safe import one_line
from acode_tui.screens.dialog import Dialog
from acode_tui.source.bundles import Exporter, secrets_of
from acode_tui.source.place import typed_path
from acode_tui.widgets.form import ChoiceLine, Field, form
from acode_tui.widgets.item_list import ItemList
from collector import ExportOptions, Run, Workspace

_PAUSE = 0.25
_KEYS = (("w", "write it"), ("e", "edit"), ("space", "choose"), ("j k", "move"), ("esc", "back"))
_STOP = (("esc", "stop"),)


class ExportDialog(Dialog):
    """Shows what a bundle would hold, and writes it.

    Args:
        workspace: whose runs.
        run: the run under the cursor.
        text: the filter that is on; empty for none.
        failed_only: whether only failed runs are shown.
        total: how many runs that leaves.
    """

    NAME = "Export"
    KEYS = _KEYS
    AUTO_FOCUS = "#runs"
    BINDINGS = [  # noqa: RUF012 - Textual's own type
        ("e", "edit", "edit"),
        ("w", "write", "write it"),
        ("y", "answer(True)", "yes"),
        ("n", "answer(False)", "no"),
    ]

    def __init__(
        self, workspace: Workspace, run: Run | None, text: str = "", failed_only: bool = False, total: int = 0
    ) -> None:
        super().__init__()
        self._run_under_cursor, self._filter, self._failed_only = run, text, failed_only
        self._root = workspace.root
        self._exporter = Exporter(workspace, self.hear)
        which = "the runs that match" if text.strip() or failed_only else "all runs"
        words = [one_line(run.name, 60)] if run is not None else []
        if total > 1 or run is None:
            words.append(f"{which}: {total:,}" if total else which)
        self._which = ChoiceLine(words, id="which")
        self._target = Field(id="target")
        self._redact = ChoiceLine(("are masked", "as they are"), id="redact")
        self._include = Field("", "all; patterns as in .gitignore: *.log, dist/", id="include")
        self._exclude = Field("", "none: *.bin, node_modules/", id="exclude")
        self._passphrase = Field("", "not encrypted", is_secret=True, id="passphrase")
        self._sign = ChoiceLine(("none", "with my key"), id="sign")
        self._damaged = ChoiceLine(("stop it", "are left out"), id="damaged")
        self.items: ItemList[Any] = ItemList[Run](export_head, _run_line, id="runs")
        self._estimated: Estimated | None = None
        self._is_cut = False
        self._done: Exported | None = None
        self._timer: Timer | None = None

    def parts(self) -> Iterable[Widget]:
        """Return what can be said of an export, and the runs in it."""
        yield form(
            [
                ("runs", self._which),
                ("write to", self._target),
                ("secrets", self._redact),
                ("only files", self._include),
                ("without files", self._exclude),
                ("passphrase", self._passphrase),
                ("signature", self._sign),
                ("damaged files", self._damaged),
            ]
        )
        yield self.items

    def on_mount(self) -> None:
        """Find out what would be exported."""
        self._exporter.start()
        self._choose()

    def on_unmount(self) -> None:
        """Stop; nothing is left half written."""
        self._exporter.close()

    # What would be exported

    @property
    def is_one(self) -> bool:
        """Whether it is about the run under the cursor."""
        return self._run_under_cursor is not None and self._which.chosen == 0

    def _choose(self) -> None:
        run, self._estimated = self._run_under_cursor, None
        name = one_line(run.name) if self.is_one and run is not None else time.strftime("runs-%Y%m%d-%H%M%S")
        self._target.value = typed_path(f"{name}.zip", self._root)
        self.say([("looking at the runs …", "muted")])
        if self.is_one and run is not None:
            self._exporter.choose_run(run.run_id)
        else:
            self._exporter.choose(self._filter, self._failed_only)

    def options(self) -> ExportOptions:
        """Return what was chosen."""
        return ExportOptions(
            redact=self._redact.chosen == 0,
            include=_patterns(self._include.typed),
            exclude=_patterns(self._exclude.typed),
            allow_incomplete=self._damaged.chosen == 1,
        )

    def on_runs_chosen(self, message: RunsChosen) -> None:
        """Show the runs, and find out what is in them."""
        if self._exporter.is_asked(message.token):
            self._is_cut = message.is_cut
            self.items.show(message.runs, "There is no run.")
            self._estimate()

    def _estimate(self) -> None:
        if not self.is_working:
            self._exporter.estimate(self.items.items, self.options())

    def on_estimated(self, message: Estimated) -> None:
        """Say what is in them."""
        if self._exporter.is_asked(message.token):
            self._estimated = message
            if not self.question and not self.is_working:
                self.tell()

    def on_choice_line_changed(self, message: ChoiceLine.Changed) -> None:
        """Find out anew what would be exported."""
        self._done = None
        if message.line is self._which:
            self._choose()
        else:
            self._soon()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Find out anew what would be exported, once it is quiet."""
        message.stop()
        if message.input in (self._include, self._exclude):
            self._soon()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Go back to the list."""
        message.stop()
        self.set_focus(self.items)

    def _soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_PAUSE, self._estimate)

    def tell(self) -> None:
        """Say what a bundle would hold and what becomes of the secrets, or what was written."""
        known = self._estimated
        if self._done is not None:
            report = self._done.report
            self.say([(exported_text(report), "success")], [(exported_detail(report), "muted")])
        elif known is not None:
            secrets = secrets_spans(*known.secrets, redact=self._redact.chosen == 0)
            self.say(estimate_spans(known.estimate, self._is_cut), secrets)

    # Writing

    def action_edit(self) -> None:
        """Say where to, and what."""
        if not self.is_working:
            self.set_focus(self._target)

    def action_write(self) -> None:
        """Write it; ask first where secrets leave, or a file would be replaced."""
        if self.is_working or not self.items.items:
            return
        if not self._target.typed:
            self.set_focus(self._target)
        elif self._redact.chosen == 1:
            self.ask("Export these runs with every secret they hold?")
        elif os.path.lexists(self.target):
            self.ask("There is a file already. Replace it?")
        else:
            self.answered()

    @property
    def target(self) -> str:
        """The file to write; an encrypted one is called so."""
        path = typed_path(self._target.typed, self._root)
        return path if not self._passphrase.value or path.endswith(".enc") else f"{path}.enc"

    def answered(self) -> None:
        """Write it."""
        self.is_working, self._done = True, None
        self.show_keys(_STOP)
        self.say([("writing …", "muted")])
        how = replace(self.options(), replace=os.path.lexists(self.target))
        self._exporter.export(
            self.items.items, self.target, how, self._sign.chosen == 1, self._passphrase.value
        )

    def progress_spans(self, done: int, total: int, width: int) -> Sequence[Span]:
        """Return how many bytes are done."""
        return progress_line(done, total, width, as_size=True)

    def on_exported(self, message: Exported) -> None:
        """Say what was written."""
        self._ended()
        self._done = message
        self.tell()

    def on_work_stopped(self, message: WorkStopped) -> None:
        """Say that nothing was written."""
        self._ended()
        self.say([("Stopped; nothing was written.", "timeout")])

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say what went wrong."""
        self._ended()
        self.fail(message.text)

    def _ended(self) -> None:
        self.is_working = False
        self.show_keys(self.KEYS)

    def action_back(self) -> None:
        """Stop what is being written, or go back one step."""
        if self.is_working:
            self._exporter.cancel()
            self.say([("stopping …", "muted")])
        else:
            super().action_back()

    def action_close(self) -> None:
        """Close the dialog; what is being written is stopped first."""
        if self.is_working:
            self.action_back()
        else:
            super().action_close()

    def epilogue(self, message: Message) -> str:
        """Tell what was written just before the dialog was closed."""
        return exported_text(message.report) if isinstance(message, Exported) else ""


def _run_line(run: Run, width: int) -> Sequence[Span]:
    return export_line(run, secrets_of(run), width)


def _patterns(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
