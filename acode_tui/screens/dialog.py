"""What the large dialogs share: a frame, a form and a list, a line that says what is going on, and keys.

`esc` goes back one step: out of a question, out of the form into the list, out of the dialog. What was begun
and cannot be stopped goes on without the dialog, and its end is told by a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from acode_tui.messages import Told
from acode_tui.messages.keeping import Progressed, WorkFailed
from acode_tui.render.keeping import progress_line
from acode_tui.render.rows import Span
from acode_tui.render.safe import one_line
from acode_tui.render.strips import word_ranges
from acode_tui.widgets.form import ChoiceLine
from acode_tui.widgets.item_list import ItemList
from acode_tui.widgets.top_line import SpanBlock


class Dialog(ModalScreen[None]):
    """A frame over the screen it was opened from."""

    BINDINGS = [  # noqa: RUF012 - Textual's own type
        ("escape", "back", "back"),
        ("q", "close", "close"),
        ("j", "move(1)", "down"),
        ("k", "move(-1)", "up"),
        ("down", "step(1)", "down"),
        ("up", "step(-1)", "up"),
        ("pagedown", "page(1)", "a page down"),
        ("pageup", "page(-1)", "a page up"),
        ("g,home", "first", "to the beginning"),
        ("G,end", "last", "to the end"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-side")]  # noqa: RUF012 - Textual's own type
    NAME: ClassVar[str] = ""
    KEYS: ClassVar[Sequence[tuple[str, str]]] = ()
    """What the lower edge of the frame tells."""
    IS_WIDE: ClassVar[bool] = True
    LINES: ClassVar[int] = 2
    """How many lines there are to say something in."""

    items: ItemList[Any] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.note = SpanBlock([[]] * self.LINES, id="note")
        self.question = ""
        self.is_working = False
        self._is_closed = False

    def parts(self) -> Iterable[Widget]:
        """Return what the dialog is made of."""
        raise NotImplementedError

    def answered(self) -> None:
        """Do what was asked for."""

    def compose(self) -> ComposeResult:
        """Show the parts in a frame."""
        with Vertical(classes="dialog wide" if self.IS_WIDE else "dialog low") as frame:
            frame.border_title = self.NAME
            yield from self.parts()
            yield self.note
        self._frame = frame

    def on_mount(self) -> None:
        """Tell of the keys."""
        self.show_keys(self.KEYS)

    # What is told

    def show_keys(self, keys: Sequence[tuple[str, str]]) -> None:
        """Tell of keys."""
        self._frame.border_subtitle = "  ".join(f"[b]{key}[/b] {what}" for key, what in keys)

    def say(self, *lines: Sequence[Span]) -> None:
        """Say what is going on, in a few lines."""
        self.note.show_lines([*lines, *([[]] * self.LINES)][: self.LINES])

    def wrapped(self, text: str, ink: str) -> list[Sequence[Span]]:
        """Return a text as lines that are as wide as there is room."""
        text = one_line(text, 1000)
        ranges = word_ranges(text, max(20, self.note.size.width))
        return [[(text[begin:end].strip(), ink)] for begin, end in ranges]

    def fail(self, text: str) -> None:
        """Say what went wrong."""
        self.say(*self.wrapped(text, "failure"))

    def ask(self, question: str) -> None:
        """Ask before something is done; `answered` does it after a yes."""
        self.question = question
        self.say(
            [(question, "accent")], [("y", "accent"), (" yes   ", "muted"), ("n", "accent"), (" no", "muted")]
        )

    def hear(self, message: Message) -> None:
        """Take a message of a thread, also when the dialog, or the program, is closed already."""
        text = self.epilogue(message) if self._is_closed else ""
        with suppress(RuntimeError):  # there is no event loop any more
            if not self._is_closed:
                self.post_message(message)
            elif text:
                self.app.post_message(Told(text, isinstance(message, WorkFailed)))

    def epilogue(self, message: Message) -> str:
        """Return what is to be said of a message that comes after the dialog was closed."""
        return ""

    def on_unmount(self) -> None:
        """Remember that nobody looks any more."""
        self._is_closed = True

    def on_progressed(self, message: Progressed) -> None:
        """Say how far it is."""
        if self.is_working:
            self.say(self.progress_spans(message.done, message.total, self.note.size.width))

    def progress_spans(self, done: int, total: int, width: int) -> Sequence[Span]:
        """Return how far it is."""
        return progress_line(done, total, width)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is asked, take the answer only."""
        if action == "answer":
            return bool(self.question)
        return not self.question or action in ("back", "close")

    def action_answer(self, agreed: bool) -> None:
        """Take an answer."""
        self.question = ""
        if agreed:
            self.answered()
        else:
            self.tell()

    def tell(self) -> None:
        """Say how things are."""

    def action_back(self) -> None:
        """Go back one step."""
        if self.question:
            self.action_answer(False)
        elif self.items is not None and self.focused is not self.items and not self.is_working:
            self.set_focus(self.items)
        else:
            self.action_close()

    def action_close(self) -> None:
        """Close the dialog."""
        self._is_closed = True
        self.dismiss()

    def action_move(self, step: int) -> None:
        """Move in the list."""
        if self.items is not None:
            self.items.move_by(step)

    def action_step(self, step: int) -> None:
        """Move in the list, or in the form to the next line."""
        if isinstance(self.focused, Input | ChoiceLine):
            (self.focus_next if step > 0 else self.focus_previous)()
        else:
            self.action_move(step)

    def action_page(self, step: int) -> None:
        """Move by pages."""
        if self.items is not None:
            self.items.page_by(step)

    def action_first(self) -> None:
        """Move to the beginning."""
        if self.items is not None:
            self.items.go_first()

    def action_last(self) -> None:
        """Move to the end."""
        if self.items is not None:
            self.items.go_last()
