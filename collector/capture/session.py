"""A command with a terminal session of its own: see terminal.py, *full terminal*."""

from __future__ import annotations

import os
import select

from collector.capture.events import EventQueue
from collector.capture.relay import Relay, Source
from collector.capture.terminal import (
    RawMode,
    TerminalInput,
    copy_output_mode,
    copy_size,
    open_terminal,
)


class FullTerminal:
    """The pseudo-terminal of a session, and a second one that keeps stderr apart."""

    def __init__(self, keyboard: int) -> None:
        self._keyboard = keyboard
        self.master, self.slave = open_terminal(keyboard, passes_bytes=False)
        self.slave_path = os.ttyname(self.slave)
        self.second_master = -1
        self.raw_mode = RawMode(keyboard)
        self.input = TerminalInput(keyboard, self.master)

    def open_second(self) -> int:
        """Open the terminal for stderr; return its slave."""
        self.second_master, slave = open_terminal(self._keyboard, passes_bytes=False)
        return slave

    def copy_size(self) -> None:
        """Follow the user's terminal when it is resized."""
        copy_size(self._keyboard, self.master)
        if self.second_master >= 0:
            copy_size(self._keyboard, self.second_master)

    def copy_modes(self) -> None:
        """Treat stderr's line ends as the program has asked for on its terminal."""
        if self.second_master >= 0:
            copy_output_mode(self.master, self.second_master)


class TerminalRelay(Relay):
    """The relay of a session: output as ever, and the keyboard beside it."""

    def __init__(
        self, sources: list[Source], queue: EventQueue, done_fd: int, terminal: FullTerminal
    ) -> None:
        super().__init__(sources, queue, done_fd, may_nap=False)
        self._terminal = terminal
        self._input = terminal.input
        self._poll.register(self._input.keyboard, select.POLLIN)

    def copy_ready(self, ready: list[tuple[int, int]]) -> int:
        """Copy output first, then what was typed."""
        self._terminal.copy_modes()
        copied = super().copy_ready(ready)
        if any(fd == self._input.keyboard for fd, _ in ready):
            self._input.read()
        elif self._input.pending:
            self._input.write()
        self._register_input()
        return copied

    def _register_input(self) -> None:
        """Look at the keyboard unless keys wait already; at the command's terminal while they do."""
        wanted = select.POLLIN if self._input.is_open and not self._input.pending else 0
        self._poll.register(self._input.keyboard, wanted)
        if self._input.master in self._sources:
            more = select.POLLOUT if self._input.pending else 0
            self._poll.register(self._input.master, select.POLLIN | more)
