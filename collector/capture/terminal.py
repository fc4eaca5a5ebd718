"""Terminals: what the command sees in place of the user's.

Two cases. *Output terminal*: a stream goes to a terminal, but acode does not own the keyboard (stdin is
redirected, or a sibling in the pipeline reads the keys): the command stays in its session and process
group, and gets a pseudo-terminal that passes bytes unchanged for that stream alone. *Full terminal*: stdin
and stdout are the terminal and we are in its foreground: the command gets a session of its own on a
pseudo-terminal, and the user's keys are passed on in raw mode, as script(1) and ssh(1) do.
"""

from __future__ import annotations

import fcntl
import os
import termios

_OFLAG = 1


def is_foreground(fd: int) -> bool:
    """Tell whether this process may read from the terminal now."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return False


def open_terminal(like: int, passes_bytes: bool) -> tuple[int, int]:
    """Open a pseudo-terminal that looks like the one at a descriptor.

    Args:
        like: whose settings and size it takes.
        passes_bytes: leave line ends alone, because the user's terminal will treat them.

    Returns:
        The master and the slave descriptor.
    """
    master, slave = os.openpty()
    settings = termios.tcgetattr(like)
    if passes_bytes:
        settings[_OFLAG] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    copy_size(like, master)
    return master, slave


def copy_size(source: int, destination: int) -> None:
    """Give one terminal the size of another."""
    try:
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(destination, termios.TIOCSWINSZ, size)
    except OSError:
        return


def copy_output_mode(source: int, destination: int) -> None:
    """Let a second terminal treat line ends as the first does (a program set raw mode on that one)."""
    try:
        wanted = termios.tcgetattr(source)[_OFLAG]
        settings = termios.tcgetattr(destination)
        if settings[_OFLAG] != wanted:
            settings[_OFLAG] = wanted
            termios.tcsetattr(destination, termios.TCSANOW, settings)
    except (OSError, termios.error):
        return


class RawMode:
    """The user's terminal in raw mode, and back; each as often as needed."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._saved = termios.tcgetattr(fd)
        self._is_raw = False

    def enter(self) -> None:
        """Let every key pass, if we are in the foreground."""
        if not is_foreground(self._fd):
            return
        settings = termios.tcgetattr(self._fd)
        settings[0] &= ~(
            termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON
            | termios.IGNBRK | termios.PARMRK | termios.INLCR | termios.IGNCR
        )  # fmt: skip
        settings[_OFLAG] &= ~termios.OPOST
        settings[2] = settings[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        settings[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN | termios.ISIG)
        settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._fd, termios.TCSADRAIN, settings)
        self._is_raw = True

    def leave(self) -> None:
        """Give the terminal back as it was."""
        if not self._is_raw:
            return
        self._is_raw = False
        try:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._saved)
        except termios.error:
            return  # the terminal has gone


class TerminalInput:
    """Keys on their way to the command; what it does not take yet is kept, never waited for."""

    MAX_PENDING = 4096

    def __init__(self, keyboard: int, master: int) -> None:
        self.keyboard = keyboard
        self.master = master
        self.pending = b""
        self.is_open = True

    def read(self) -> None:
        """Take what was typed; a vanished terminal ends the input."""
        try:
            data = os.read(self.keyboard, self.MAX_PENDING)
        except OSError:
            data = b""
        self.is_open = bool(data)
        self.pending += data
        self.write()

    def write(self) -> None:
        """Pass on as much as the command's terminal takes."""
        try:
            self.pending = self.pending[os.write(self.master, self.pending) :]
        except BlockingIOError:
            return
        except OSError:
            self.pending = b""
            self.is_open = False
