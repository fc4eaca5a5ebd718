"""The application: themes, the guard, the palette of actions; nothing of what is shown."""

from __future__ import annotations

import gc
import os
import select
import signal
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.screen import Screen
from textual.theme import Theme

from acode_tui.guard import ControlGuard, NoColour
from acode_tui.keymap import keys_for, shown
from acode_tui.messages import ScreenSettled, Told
from acode_tui.render.palette import DARK, LIGHT, PALETTES, Palette
from acode_tui.render.safe import one_line
from acode_tui.screens.base import PaneScreen
from acode_tui.screens.runs import RunsScreen
from acode_tui.settings import Settings
from collector import Run

_LOOK = 2.0


class InspectorApp(App[None]):
    """acode-tui."""

    TITLE = "acode"
    CSS_PATH = "acode.tcss"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = True

    def __init__(self, settings: Settings, first_rows: Sequence[Run] = (), has_more: bool = False) -> None:
        super().__init__()
        self.settings = settings
        self.failure = ""
        self._held: deque[events.Event] = deque()
        self._releasing = False
        self.home = RunsScreen(settings, first_rows, has_more)
        self.animation_level = "none"
        for palette in (DARK, LIGHT):
            self.register_theme(theme_of(palette))
        self.set_reactive(App.theme, settings.theme if settings.theme in PALETTES else DARK.name)
        self.stylesheet.set_variables(self.get_css_variables())
        # The first one turns the sixteen terminal colours into others; nothing here is drawn in those.
        self._filters[:1] = [ControlGuard()]
        if settings.no_color:
            self._filters.append(NoColour(_selections()))

    def get_default_screen(self) -> Screen[None]:
        """Begin with the runs, laid out for the size there is: each layout that is not made saves time."""
        self.home.set_breakpoints(self.size)
        return self.home

    def refresh_css(self, animate: bool = True) -> None:
        """Read the style sheets again after the theme has changed; Textual does it at the start as well."""
        if self.home.is_settled:
            super().refresh_css(animate)

    def on_mount(self) -> None:
        """End in order when told to."""
        if self.is_headless:
            return
        self.set_interval(_LOOK, self._look_at_terminal)
        loop = self._loop
        if loop is not None:
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, partial(self.exit, return_code=128 + number))

    def _look_at_terminal(self) -> None:
        """End when the terminal is gone: not everybody is told, and Textual would read its end for ever."""
        terminal = select.poll()
        terminal.register(0, 0)
        if any(what & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _fd, what in terminal.poll(0)):
            self.exit(return_code=128 + signal.SIGHUP)

    def _handle_exception(self, error: Exception) -> None:
        """Keep an error that nobody expected as one line; Textual would print pages of it."""
        if os.environ.get("ACODE_DEBUG") or self.is_headless:
            super()._handle_exception(error)
            return
        self.failure = self.failure or " ".join(f"{type(error).__name__}: {error}".split())[:300]
        self._return_code = 1
        self._close_messages_no_wait()

    def on_told(self, message: Told) -> None:
        """Say it, whatever is on the screen."""
        text = one_line(message.text)
        self.notify(text, severity="error" if message.is_problem else "information", markup=False)

    # No key is lost: those that come while a screen is being laid out are kept until it can take them.

    async def on_event(self, event: events.Event) -> None:
        """Keep keys that come too early."""
        if isinstance(event, events.Key) and not event.is_forwarded and self._must_wait():
            self._held.append(event)
            return
        await super().on_event(event)

    def _must_wait(self) -> bool:
        if self._held or self._releasing or not self._screen_stack:
            return True
        screen = self.screen
        if isinstance(screen, PaneScreen):
            return not screen.is_settled
        return False

    async def on_screen_settled(self, message: ScreenSettled) -> None:
        """Hand out the keys that were kept, in their order."""
        if not gc.isenabled():
            gc.collect()
            gc.freeze()
            gc.enable()
        if self._releasing:
            return
        self._releasing = True
        try:
            while self._held and self._is_ready():
                await super().on_event(self._held.popleft())
        finally:
            self._releasing = False

    def _is_ready(self) -> bool:
        screen = self.screen
        return not isinstance(screen, PaneScreen) or screen.is_settled

    async def perform(self, screen: PaneScreen, action: str) -> None:
        """Carry out an action by name, as if its key had been pressed outside of any line."""
        screen.set_focus(screen.pane)
        await screen.run_action(action)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every action of the screen that is shown."""
        if not isinstance(screen, PaneScreen):
            return
        for key in keys_for(screen.NAME):
            if key.action == "palette":
                continue
            names = ", ".join(shown(name) for name in key.keys)
            title = key.title[0].upper() + key.title[1:]
            yield SystemCommand(title, f"{names}  ·  {key.group}", partial(self.perform, screen, key.action))


def theme_of(palette: Palette) -> Theme:
    """Return Textual's theme for a palette."""
    return Theme(
        name=palette.name,
        primary=palette.accent,
        secondary=palette.running,
        accent=palette.accent,
        warning=palette.timeout,
        error=palette.failure,
        success=palette.success,
        foreground=palette.text,
        background=palette.background,
        surface=palette.surface,
        panel=palette.panel,
        dark=palette.dark,
        variables={
            "border": palette.border,
            "border-blurred": palette.border,
            "muted": palette.muted,
            "scrollbar": palette.border,
            "scrollbar-hover": palette.faint,
            "scrollbar-active": palette.accent,
            "scrollbar-background": palette.background,
            "scrollbar-background-hover": palette.background,
            "scrollbar-background-active": palette.background,
            "scrollbar-corner-color": palette.background,
            "input-cursor-background": palette.accent,
            "input-cursor-foreground": palette.background,
            "input-selection-background": palette.selection,
            "block-cursor-background": palette.selection,
            "block-cursor-foreground": palette.text,
            "block-cursor-blurred-background": palette.selection_blurred,
            "footer-background": palette.surface,
        },
    )


def _selections() -> frozenset[str]:
    return frozenset(color for palette in (DARK, LIGHT) for color in (palette.selection, palette.match))
