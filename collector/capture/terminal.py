"""Terminals: what the command sees in place of the user's.

Two cases. *Output terminal*: a stream goes to a terminal, but the keyboard is not ours (stdout goes
elsewhere, or we are in the background): the command stays in its session and process group, and gets a
pseudo-terminal that passes bytes unchanged for that stream alone. *Full terminal*: stdout is the terminal
and we are in its foreground: the command gets a session of its own on a pseudo-terminal, and the user's
keys are passed on in raw mode, as script(1) and ssh(1) do. Where stdin is not the terminal (`… | less`),
the keys are only taken once the command asks for them.
"""

from __future__ import annotations

import fcntl
import os
import termios

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "fish", "ksh", "busybox", "nu", "xonsh"})
_SHELL_STARTERS = frozenset({"su", "sudo", "doas", "login", "tmux", "screen", "script"})
_OFLAG = 1
_LFLAG = 3
_CC = 6


def needs_one_terminal(argv: list[str]) -> bool:
    """Tell whether a command is an interactive shell, or starts one.

    A shell's job control asks its stderr for the controlling terminal (bash, jobs.c), so for a shell
    stderr is the terminal itself, and the two streams are recorded as one.
    """
    program = argv[0].rpartition("/")[2]
    if program in _SHELL_STARTERS:
        return True
    return program in _SHELLS and all(word.startswith("-") and word != "-c" for word in argv[1:])


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


class TwinModes:
    """Keeps the settings of two pseudo-terminals alike, as if they were the one the program thinks of.

    less(1) sets raw mode on its stderr, curses programs on their stdout; the keys come from one of them.
    Nobody tells when settings change, so this is asked before any byte is passed on.
    """

    def __init__(self, first: int, second: int) -> None:
        self._fds = (first, second)
        self._known = self._initial = termios.tcgetattr(first)

    @property
    def were_changed(self) -> bool:
        """Whether a program has other settings than it was given: it reads keys itself."""
        return self._known != self._initial

    def suspend_key(self) -> bytes:
        """Return the key that stops a program now; empty when there is none."""
        key: bytes = self._known[_CC][termios.VSUSP]
        return key if self._known[_LFLAG] & termios.ISIG and key != b"\0" else b""

    def signal_keys(self) -> bytes:
        """Return the keys that make a signal now: they belong to the controlling terminal."""
        if not self._known[_LFLAG] & termios.ISIG:
            return b""
        keys: list[bytes] = self._known[_CC]
        return b"".join([keys[termios.VINTR], keys[termios.VQUIT], keys[termios.VSUSP]])

    def align(self) -> None:
        """Give both the settings of the one that was changed."""
        try:
            first, second = (termios.tcgetattr(fd) for fd in self._fds)
            if first == second:
                self._known = first
                return
            changed, other = (second, self._fds[0]) if first == self._known else (first, self._fds[1])
            termios.tcsetattr(other, termios.TCSANOW, changed)
            self._known = changed
        except (OSError, termios.error):
            return  # one of them has been closed


class RawMode:
    """The user's terminal in raw mode, and back; each as often as needed."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._saved = termios.tcgetattr(fd)
        self._is_raw = False

    def enter(self) -> bool:
        """Let every key pass, if we are in the foreground; tell whether they do."""
        if not is_foreground(self._fd):
            return False
        settings = termios.tcgetattr(self._fd)
        settings[0] &= ~(
            termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON
            | termios.IGNBRK | termios.PARMRK | termios.INLCR | termios.IGNCR
        )  # fmt: skip
        settings[_OFLAG] &= ~termios.OPOST
        settings[2] = settings[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        settings[_LFLAG] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN | termios.ISIG)
        settings[_CC][termios.VMIN], settings[_CC][termios.VTIME] = 1, 0
        termios.tcsetattr(self._fd, termios.TCSADRAIN, settings)
        self._is_raw = True
        return True

    def leave(self) -> None:
        """Give the terminal back as it was."""
        if not self._is_raw:
            return
        self._is_raw = False
        try:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._saved)
        except termios.error:
            return  # the terminal has gone
