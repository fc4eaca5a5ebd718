"""The lines of a form: something to type, or a choice of a few words, with a label each."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from acode_tui.render.palette import palette_of
from acode_tui.render.rows import Span, fit
from acode_tui.render.strips import strip_of
from acode_tui.widgets.top_line import SpanBlock

LABEL_WIDTH = 18


def form(rows: Sequence[tuple[str, Widget]], title: str = "") -> Horizontal:
    """Return lines with their labels at the left, which are drawn as one block: that is quicker."""
    lines: list[Sequence[Span]] = [[(fit(label, LABEL_WIDTH), "muted")] for label, _ in rows]
    body = Vertical(*(widget for _, widget in rows), classes="titled" if title else "")
    labels = SpanBlock([[(title, "accent")], *lines] if title else lines)
    return Horizontal(labels, body, classes="form")


class Field(Input):
    """A line to type in."""

    DEFAULT_CSS = """
    Field { width: 1fr; background: $panel; }
    Field:focus { background: $panel; background-tint: transparent; }
    Field.-wrong { color: $error; }
    """

    def __init__(
        self, value: str = "", placeholder: str = "", *, is_secret: bool = False, id: str | None = None
    ) -> None:
        super().__init__(value, placeholder, compact=True, password=is_secret, max_length=4096, id=id)

    @property
    def typed(self) -> str:
        """What is typed, but for the spaces around it."""
        return self.value.strip()


class ChoiceLine(Widget, can_focus=True):
    """A few words of which one is chosen by space, left and right."""

    DEFAULT_CSS = """
    ChoiceLine { height: 1; width: 1fr; }
    """

    class Changed(Message):
        """Another word was chosen."""

        def __init__(self, line: ChoiceLine) -> None:
            super().__init__()
            self.line = line

    def __init__(self, words: Sequence[str], chosen: int = 0, id: str | None = None) -> None:
        super().__init__(id=id)
        self.words, self.chosen = words, chosen

    def choose(self, index: int) -> None:
        """Choose a word."""
        if self.words and index % len(self.words) != self.chosen:
            self.chosen = index % len(self.words)
            self.refresh()
            self.post_message(self.Changed(self))

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
        spans: list[Span] = []
        for index, word in enumerate(self.words):
            is_chosen = index == self.chosen
            mark = "● " if is_chosen else "○ "
            ink = ("accent" if self.has_focus else "text") if is_chosen else "faint"
            spans += [(mark + word, ink), ("   ", "muted")]
        return strip_of(spans, palette_of(self.app.theme), "surface", self.size.width, "accent")
