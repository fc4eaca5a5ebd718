"""Lines to type in: one with a history for the filter, one for searching and going to a line."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.binding import Binding
from textual.widgets import Input

from acode_tui.messages import FilterChanged

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
        super().__init__(value, placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self._history = list(history)
        self._place = len(self._history)
        self._draft = ""

    def on_input_changed(self, message: Input.Changed) -> None:
        """Say so to the screen, which need not know Textual's input line."""
        message.stop()
        self.post_message(FilterChanged())

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
            self._recall(-1 if event.key == "up" else 1)
        elif event.key in _EDIT_ACTIONS:
            await self.run_action(_EDIT_ACTIONS[event.key])
        else:
            return
        event.stop()
        event.prevent_default()

    def _recall(self, step: int) -> None:
        if self._place >= len(self._history):
            self._draft = self.value
        self._place = max(0, min(self._place + step, len(self._history)))
        at_end = self._place >= len(self._history)
        self.value = self._draft if at_end else self._history[self._place]
        self.cursor_position = len(self.value)
