"""The dialog of what was deleted and can come back."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from textual.message import Message
from textual.widget import Widget

from acode_tui.messages.keeping import BroughtBack, TrashRead, WorkFailed
from acode_tui.render.format import count, size
from acode_tui.render.keeping import back_text, trash_head, trash_line
from acode_tui.render.safe import one_line
from acode_tui.screens.dialog import Dialog
from acode_tui.source.keeping import Keeper
from acode_tui.widgets.item_list import ItemList
from collector import Trashed, Workspace


class TrashDialog(Dialog):
    """Lists deleted runs, the last deleted first, and brings back those that are chosen."""

    NAME = "Trash"
    KEYS = (("⏎", "bring back"), ("space", "mark"), ("j k", "move"), ("esc", "back"))
    AUTO_FOCUS = "#trash"
    BINDINGS = [  # noqa: RUF012 - Textual's own type
        ("enter,u", "bring_back", "bring back"),
        ("space", "mark", "mark"),
    ]

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._keeper = Keeper("acode-keeping", workspace, self.hear)
        self.items: ItemList[Any] = ItemList[Trashed](
            trash_head, lambda run, width: trash_line(run, width, int(time.time() * 1000)), id="trash"
        )
        self._done = ""

    def parts(self) -> Iterable[Widget]:
        """Return the list."""
        yield self.items

    def on_mount(self) -> None:
        """Read what there is."""
        self.say([("looking …", "muted")])
        self._keeper.start()
        self._keeper.read_trash()

    def on_unmount(self) -> None:
        """Stop; what was asked for is done."""
        self._keeper.finish()

    def on_trash_read(self, message: TrashRead) -> None:
        """Show what can come back."""
        self.is_working = False
        self.items.show(message.runs, "The trash is empty.")
        self.tell()

    def tell(self) -> None:
        """Say how much there is, and what came back last."""
        runs = self.items.items
        text = (
            f"{count(len(runs), 'deleted run')}, {size(sum(run.bytes for run in runs))} until they are gone"
        )
        self.say([(self._done, "success")] if self._done else [], [(text, "muted")] if runs else [])

    def action_mark(self) -> None:
        """Mark a run."""
        self.items.mark()

    def on_item_list_chosen(self) -> None:
        """Bring back what was clicked twice."""
        self.action_bring_back()

    def action_bring_back(self) -> None:
        """Bring back what is marked, or what is under the cursor."""
        chosen = self.items.chosen()
        if chosen and not self.is_working:
            self.is_working = True
            self.say([(f"bringing back {count(len(chosen), 'run')} …", "muted")])
            self._keeper.bring_back(chosen)

    def on_brought_back(self, message: BroughtBack) -> None:
        """Say what came back."""
        self._done = back_text(message.names)
        if message.problem:
            self.app.notify(one_line(message.problem), severity="error", markup=False)

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say what went wrong."""
        self.is_working = False
        self.fail(message.text)

    def epilogue(self, message: Message) -> str:
        """Tell what came back."""
        if isinstance(message, BroughtBack):
            return back_text(message.names) + (f"; {message.problem}" if message.problem else "")
        return ""
