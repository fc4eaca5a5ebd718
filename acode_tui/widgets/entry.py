"""Lines to type in: one with a history for the filter, one for searching and going to a line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.highlighter import Highlighter
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.widgets import Input

from acode_tui.messages import FilterChanged
from acode_tui.render.palette import palette_of
from acode_tui.widgets.completions import CompletionList

_EDIT_ACTIONS = {
    key: binding.action
    for binding in Input.BINDINGS
    if isinstance(binding, Binding) and binding.action != "submit"
    for key in binding.key.split(",")
}


class Entry(Input):
    """A one-line input without a frame; up and down bring back what was entered before."""

    DEFAULT_CSS = """
    Entry {
        height: 1; border: none; padding: 0; background: $panel; color: $foreground;
        &:focus { border: none; background-tint: transparent; }
    }
    """

    is_typed_in = True

    def __init__(
        self, placeholder: str = "", id: str | None = None, value: str = "", history: Sequence[str] = ()
    ) -> None:
        self._marker = _Marker()
        super().__init__(
            value, placeholder=placeholder, id=id, compact=True, select_on_focus=False,
            highlighter=self._marker,
        )  # fmt: skip
        self.completions: CompletionList | None = None
        self._is_typing = False
        self._history = list(history)
        self._place = len(self._history)
        self._draft = ""

    def on_input_changed(self, message: Input.Changed) -> None:
        """Say so to the screen, which need not know Textual's input line."""
        message.stop()
        self.mark(None)
        self.post_message(FilterChanged(self._is_typing))

    def put(self, text: str) -> None:
        """Have something else in the line, which nobody has typed."""
        self._is_typing = False
        self.value = text
        self.cursor_position = len(text)

    def mark(self, place: tuple[int, int] | None) -> None:
        """Mark a part that was not understood."""
        if place != self._marker.place:
            self._marker.place = place
            self._marker.color = palette_of(self.app.theme).failure
            self.refresh()

    # Completion

    def suggest(self, is_forced: bool = False) -> None:
        """Show what can be typed next."""
        if self.completions is not None and self.has_focus:
            left = self.content_region.x - self.scroll_offset.x
            self.completions.suggest(self.value, self.cursor_position, left, is_forced)

    def close_list(self) -> bool:
        """Close the list of what can be typed; tell whether it was open."""
        was_open = self.completions is not None and self.completions.is_open
        if self.completions is not None:
            self.completions.close()
        return was_open

    def take(self) -> bool:
        """Put in what is chosen in the list; tell whether there was something."""
        taken = self.completions.taken(self.value, self.cursor_position) if self.completions else None
        if taken is None:
            return False
        self._is_typing = taken[0].endswith(":")  # then its values are next
        self.value, self.cursor_position = taken
        return True

    def on_blur(self) -> None:
        """Close the list."""
        self.close_list()

    # Keys

    def remember(self) -> None:
        """Put what is entered into the history."""
        value = self.value.strip()
        if value:
            if value in self._history:
                self._history.remove(value)
            self._history.append(value)
        self._place = len(self._history)

    async def on_key(self, event: events.Key) -> None:
        """Go through the history, and edit.

        Textual looks for the bindings of an edit key only after the key has bubbled to the application, so
        that characters typed right behind it would be inserted first.
        """
        if event.key in ("up", "down"):
            self._step(-1 if event.key == "up" else 1)
        elif event.key == "right" and self.cursor_at_end and self._is_listing and self.take():
            pass
        elif event.key in _EDIT_ACTIONS:
            self._is_typing = True
            await self._edit(_EDIT_ACTIONS[event.key])
        else:
            self._is_typing = True
            return
        event.stop()
        event.prevent_default()

    @property
    def _is_listing(self) -> bool:
        return self.completions is not None and self.completions.is_open

    def _step(self, step: int) -> None:
        """Choose in the list while it is open, else go through the history; below its end are all keys."""
        if self.completions is not None and self.completions.is_open:
            self.completions.move(step)
        elif step > 0 and self._place >= len(self._history):
            self.suggest(is_forced=True)
        else:
            self._recall(step)

    async def _edit(self, action: str) -> None:
        before = self.value
        await self.run_action(action)
        if self.value == before:
            self.close_list()  # the cursor is elsewhere

    def _recall(self, step: int) -> None:
        if self._place >= len(self._history):
            self._draft = self.value
        self._place = max(0, min(self._place + step, len(self._history)))
        at_end = self._place >= len(self._history)
        self.put(self._draft if at_end else self._history[self._place])


class _Marker(Highlighter):
    """Underlines the part of a line that was not understood."""

    def __init__(self) -> None:
        self.place: tuple[int, int] | None = None
        self.color = ""

    def highlight(self, text: Text) -> None:
        """Underline it."""
        if self.place is not None:
            text.stylize(Style(color=self.color, underline=True), *self.place)
