"""The dialog that imports a bundle: first what is in it and whether it is in order, then the import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual import events
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from acode_tui.messages.bundles import Imported, Verified
from acode_tui.messages.keeping import WorkFailed, WorkStopped
from acode_tui.render.bundles import (
    BundleRow,
    bundle_facts,
    bundle_line,
    bundle_rows,
    bundle_spans,
    import_head,
    imported_text,
)
from acode_tui.render.keeping import progress_line
from acode_tui.render.rows import Span
from acode_tui.screens.dialog import Dialog
from acode_tui.source.bundles import Importer
from acode_tui.source.place import completed_path, typed_path
from acode_tui.widgets.form import ChoiceLine, Field, form
from acode_tui.widgets.item_list import ItemList
from collector import Workspace

_KEYS = (("⏎", "check it"), ("Tab", "complete"), ("esc", "back"))
_CHECKED = (("i", "import"), ("e", "another file"), ("j k", "move"), ("esc", "back"))
_STOP = (("esc", "stop"),)


class ImportDialog(Dialog):
    """Checks a bundle, shows what it found, and takes the runs after `i`."""

    NAME = "Import"
    KEYS = _KEYS
    LINES = 4
    AUTO_FOCUS = "#bundle"
    BINDINGS = [  # noqa: RUF012 - Textual's own type
        ("e", "edit", "another file"),
        ("i", "take", "import"),
    ]

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._root = workspace.root
        self._importer = Importer(workspace, self.hear)
        self._bundle = Field("", "the path of a file that acode exported", id="bundle")
        self._passphrase = Field("", "where it is encrypted", is_secret=True, id="passphrase")
        self._signed = ChoiceLine(("signed or not", "signed by a key I trust"), id="signed")
        self.items: ItemList[Any] = ItemList[BundleRow](import_head, bundle_line, id="rows")
        self._verified: Verified | None = None
        self._done = ""

    def parts(self) -> Iterable[Widget]:
        """Return what can be said of a bundle, and what is in it."""
        yield form([("bundle", self._bundle), ("passphrase", self._passphrase), ("take", self._signed)])
        yield self.items

    def on_mount(self) -> None:
        """Ask for a file."""
        self._importer.start()
        self.say([("Nothing is changed before you say so.", "muted")])

    def on_unmount(self) -> None:
        """Stop; either all runs of a bundle are imported or none."""
        self._importer.close()

    # Checking

    @property
    def path(self) -> str:
        """The file that is typed."""
        return typed_path(self._bundle.typed, self._root)

    def on_key(self, event: events.Key) -> None:
        """Complete the path; where there is nothing to complete, go on."""
        if event.key == "tab" and self.focused is self._bundle:
            before = self._bundle.value
            after = completed_path(before)
            if after != before:
                event.stop()
                event.prevent_default()
                self._bundle.value = after
                self._bundle.cursor_position = len(after)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Forget what was found out about another file."""
        message.stop()
        self._forget()

    def on_choice_line_changed(self) -> None:
        """Check it again by other standards."""
        had = self._verified is not None
        self._forget()
        if had:
            self._check()

    def _forget(self) -> None:
        if self._verified is not None and not self.is_working:
            self._verified, self._done = None, ""
            self.items.show(())
            self.show_keys(_KEYS)
            self.say()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Check the file."""
        message.stop()
        self._check()

    def _check(self) -> None:
        if self._bundle.typed and not self.is_working:
            self._forget()
            self._begin("checking …")
            self._importer.verify(self.path, self._passphrase.value, self._signed.chosen == 1)

    def on_verified(self, message: Verified) -> None:
        """Show what was found out."""
        self._ended()
        self._verified = message
        self.items.show(bundle_rows(message.bundle, message.preview, message.problem), "It is empty.")
        self.items.move_to(0)
        self.set_focus(self.items)
        self.show_keys(_CHECKED if self.can_take else _CHECKED[1:])
        self.tell()

    @property
    def can_take(self) -> bool:
        """Whether there is something to import."""
        preview = self._verified.preview if self._verified is not None else None
        return preview is not None and bool(preview.imported) and not self._done

    def tell(self) -> None:
        """Say what was found out, or done."""
        if self._verified is None:
            return
        verdict = bundle_spans(self._verified.bundle, self._verified.problem)
        if self._done:
            verdict = [(self._done, "success")]
        row = self.items.item
        if row is not None and row.is_problem:
            self.say(verdict, *self.wrapped(row.note, "muted"))
        else:
            self.say(verdict, bundle_facts(self._verified.bundle))

    def on_item_list_moved(self) -> None:
        """Say in full what is wrong."""
        if not self.is_working:
            self.tell()

    # Importing

    def action_edit(self) -> None:
        """Type another path."""
        if not self.is_working:
            self.set_focus(self._bundle)

    def action_take(self) -> None:
        """Import what was checked."""
        if self.can_take and not self.is_working:
            self._begin("importing …")
            self._importer.take(self.path, self._passphrase.value, self._signed.chosen == 1)

    def on_imported(self, message: Imported) -> None:
        """Say what was imported."""
        self._ended()
        self._done = imported_text(message.report)
        self.show_keys(_CHECKED[1:])
        self.tell()

    def on_work_stopped(self, message: WorkStopped) -> None:
        """Say that nothing was done."""
        self._ended()
        self.say([("Stopped; nothing was imported.", "timeout")])

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say what went wrong."""
        self._ended()
        self.fail(message.text)

    def progress_spans(self, done: int, total: int, width: int) -> Sequence[Span]:
        """Return how many bytes are done."""
        return progress_line(done, total, width, as_size=True)

    def _begin(self, text: str) -> None:
        self.is_working, self._done = True, ""
        self.show_keys(_STOP)
        self.say([(text, "muted")])

    def _ended(self) -> None:
        self.is_working = False
        self.show_keys(_KEYS)

    def action_back(self) -> None:
        """Stop what is being done; leave the line for the list where there is one; close."""
        if self.is_working:
            self._importer.cancel()
            self.say([("stopping …", "muted")])
        elif self.items.total:
            super().action_back()
        else:
            self.action_close()

    def action_close(self) -> None:
        """Close the dialog; what is being done is stopped first."""
        if self.is_working:
            self.action_back()
        else:
            super().action_close()

    def epilogue(self, message: Message) -> str:
        """Tell what was imported just before the dialog was closed."""
        return imported_text(message.report) if isinstance(message, Imported) else ""
