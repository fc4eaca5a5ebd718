"""The lines of a form: a label with something to type, or with a choice of a few words."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from acode_tui.render.palette import palette_of
from acode_tui.render.rows import Span, fit
from acode_tui.render.strips import strip_of
from acode_tui.widgets.top_line import SpanLine

LABEL_WIDTH = 18


class Field(Horizontal):
    """A label, and a line to type in."""

    DEFAULT_CSS = """
    Field { height: 1; width: 1fr; }
    Field Input { width: 1fr; background: $panel; }
    Field Input:focus { background: $panel; background-tint: transparent; }
    Field.-wrong Input { color: $error; }
    """

    def __init__(
        self, label: str, value: str = "", placeholder: str = "", *, is_secret: bool = False,
        id: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(id=id)
        self._label = SpanLine([(fit(label, LABEL_WIDTH) + " ", "muted")], "surface")
        self.input = Input(value, placeholder, compact=True, password=is_secret, max_length=4096)

    def compose(self) -> ComposeResult:
        """Show both."""
        yield self._label
        yield self.input

    @property
    def value(self) -> str:
        """What is typed."""
        return self.input.value.strip()


class ChoiceLine(Widget, can_focus=True):
    """A label, and a few words of which one is chosen by space, left and right."""

    DEFAULT_CSS = """
    ChoiceLine { height: 1; width: 1fr; }
    """

    class Changed(Message):
        """Another word was chosen."""

        def __init__(self, line: ChoiceLine) -> None:
            super().__init__()
            self.line = line

    def __init__(self, label: str, words: Sequence[str], chosen: int = 0, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label, self.words, self.chosen = label, words, chosen

    def choose(self, index: int) -> None:
        """Choose a word."""
        if self.words and index % len(self.words) != self.chosen:
            self.chosen = index % len(self.words)
            self.refresh()
            self.post_message(self.Changed(self))

    def show(self, words: Sequence[str]) -> None:
        """Offer other words in the place of those there are."""
        self.words = words
        self.refresh()

    def on_key(self, event: events.Key) -> None:
        """Choose by key."""
        step = {"space": 1, "right": 1, "l": 1, "left": -1, "h": -1}.get(event.key)
        if step is not None:
            event.stop()
            self.choose(self.chosen + step)

    def on_click(self) -> None:
        """Choose the next word."""
        self.choose(self.chosen + 1)

    def on_focus(self) -> None:
        """Show where the keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that the keys go elsewhere."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the words; the chosen one stands out."""
        spans: list[Span] = [(fit(self._label, LABEL_WIDTH), "muted"), (" ", "muted")]
        for index, word in enumerate(self.words):
            is_chosen = index == self.chosen
            mark = "● " if is_chosen else "○ "
            ink = ("accent" if self.has_focus else "text") if is_chosen else "faint"
            spans += [(mark + word, ink), ("   ", "muted")]
        return strip_of(spans, palette_of(self.app.theme), "surface", self.size.width, "accent")
