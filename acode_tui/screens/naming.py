"""The dialog that asks for the name of a filter to save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from acode_tui.render.rows import Span, fit
from acode_tui.render.safe import one_line
from acode_tui.widgets.top_line import SpanBlock
from collector import AcodeError, check_name

_WIDTH = 60


class NameDialog(ModalScreen[str]):
    """Asks for a name; answers it, or nothing."""

    BINDINGS = [("escape", "close", "close")]  # noqa: RUF012 - Textual's own type

    def __init__(self, text: str, saved: Mapping[str, str]) -> None:
        super().__init__()
        self._text, self._saved = text, saved
        self._line = Input(placeholder="a name, such as slow", compact=True, id="name", max_length=40)
        self._note = SpanBlock(id="note")

    def compose(self) -> ComposeResult:
        """Show the filter, and a line for its name."""
        with Vertical(classes="dialog"):
            yield SpanBlock(filter_lines(self._text))
            yield self._line
            yield self._note

    def on_mount(self) -> None:
        """Say what the keys do."""
        self._note.show_lines(name_lines("", self._saved))

    def on_input_changed(self, message: Input.Changed) -> None:
        """Say what becomes of a name."""
        message.stop()
        self._note.show_lines(name_lines(message.value.strip().removeprefix("@"), self._saved))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Answer, once it is a name."""
        message.stop()
        name = message.value.strip().removeprefix("@")
        if name and not problem_of(name):
            self.dismiss(name)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)


def problem_of(name: str) -> str:
    """Return why something is no name; nothing for one that is."""
    try:
        check_name(name)
    except AcodeError as error:
        return f"{error.message}; {error.hint}"
    return ""


def filter_lines(text: str) -> Sequence[Sequence[Span]]:
    """Return what is saved."""
    return [[("Save this filter", "accent")], [], [(fit(one_line(text), _WIDTH).rstrip(), "text")], []]


def name_lines(name: str, saved: Mapping[str, str]) -> Sequence[Sequence[Span]]:
    """Return what is to say about a name: what is wrong with it, or what it replaces."""
    keys: list[Span] = [("⏎", "accent"), (" save  ", "muted"), ("esc", "accent"), (" cancel", "muted")]
    problem = problem_of(name) if name else ""
    if problem:
        what, _, hint = problem.partition("; ")
        return [[], [(fit(what, _WIDTH).rstrip(), "failure")], [(fit(hint, _WIDTH).rstrip(), "muted")]]
    if name in saved:
        return [[], [(fit(f"in place of {one_line(saved[name])}", _WIDTH).rstrip(), "timeout")], keys]
    return [[], [(f"then @{name or 'name'} stands for it", "muted")], keys]
