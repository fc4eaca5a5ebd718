"""The application: themes, the guard, the palette of actions; nothing of what is shown."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.screen import Screen
from textual.theme import Theme

from acode_tui.guard import ControlGuard, NoColour
from acode_tui.keymap import keys_for, shown
from acode_tui.render.palette import DARK, LIGHT, PALETTES, Palette
from acode_tui.screens.base import PaneScreen
from acode_tui.screens.runs import RunsScreen
from acode_tui.settings import Settings
from collector import Run


class InspectorApp(App[None]):
    """acode-tui."""

    TITLE = "acode"
    CSS_PATH = "acode.tcss"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = True

    def __init__(self, settings: Settings, first_rows: Sequence[Run] = (), has_more: bool = False) -> None:
        super().__init__()
        self.settings = settings
        self.failure = ""
        self.home = RunsScreen(settings, first_rows, has_more)
        self.animation_level = "none"
        for palette in (DARK, LIGHT):
            self.register_theme(theme_of(palette))
        self.theme = settings.theme if settings.theme in PALETTES else DARK.name
        self._filters.append(ControlGuard())
        if settings.no_color:
            self._filters.append(NoColour(_selections()))

    def on_mount(self) -> None:
        """Show the runs, and end in order when told to."""
        self.push_screen(self.home)
        if self.is_headless:
            return
        loop = self._loop
        if loop is not None:
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, partial(self.exit, return_code=128 + number))

    def _handle_exception(self, error: Exception) -> None:
        """Keep an error that nobody expected as one line; Textual would print pages of it."""
        if os.environ.get("ACODE_DEBUG") or self.is_headless:
            super()._handle_exception(error)
            return
        self.failure = self.failure or " ".join(f"{type(error).__name__}: {error}".split())[:300]
        self._return_code = 1
        self._close_messages_no_wait()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every action of the screen that is shown."""
        if not isinstance(screen, PaneScreen):
            return
        for key in keys_for(screen.NAME):
            if key.action == "palette":
                continue
            names = ", ".join(shown(name) for name in key.keys)
            title = key.title[0].upper() + key.title[1:]
            yield SystemCommand(title, f"{names}  ·  {key.group}", partial(screen.run_action, key.action))


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
