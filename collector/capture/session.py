"""A command with a terminal session of its own: see terminal.py, *full terminal*.

It has two pseudo-terminals, so that its two streams stay apart although both are terminals. What a program
does to one it must find on the other: settings are kept alike, and keys go to the one that is read. Most
programs read the first (their stdin, or /dev/tty); less(1) opens its stderr by name, more(1) reads it.
"""

from __future__ import annotations

import os
import select
import termios

from collector.capture.events import EventQueue
from collector.capture.relay import Relay, Source
from collector.capture.terminal import RawMode, TwinModes, copy_size, open_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
else:
    import _signal as signals

_MAX_PENDING_KEYS = 4096
_LOOK_SECONDS_MS = 50
_READ_SYSCALLS = {"x86_64": 0, "aarch64": 63}


class FullTerminal:
    """The pseudo-terminals of a session, and the user's keyboard.

    Args:
        keyboard: the user's terminal.
        is_lazy: take the keys only once the command asks for them.
    """

    def __init__(self, keyboard: int, is_lazy: bool) -> None:
        self.keyboard = keyboard
        self.is_lazy = is_lazy
        self.masters: list[int] = []
        self.slaves: list[int] = []
        self.paths: list[str] = []
        self.open()
        self.raw_mode = RawMode(keyboard)
        self.modes = TwinModes(self.masters[0], self.masters[0])
        self.session = 0
        self._has_keyboard = False

    def open(self) -> int:
        """Open one more terminal like the user's; return its slave."""
        master, slave = open_terminal(self.keyboard, passes_bytes=False)
        self.masters.append(master)
        self.slaves.append(slave)
        self.paths.append(os.ttyname(slave))
        self.modes = TwinModes(self.masters[0], master)
        return slave

    def begin(self, session: int) -> None:
        """Begin to pass keys on to the session that was started on the terminal."""
        self.session = session
        if not self.is_lazy:
            self.take_keyboard()

    def take_keyboard(self) -> None:
        """Let every key pass."""
        self._has_keyboard = self.raw_mode.enter()

    @property
    def has_keyboard(self) -> bool:
        """Whether keys are passed on; a lazy terminal follows what the command asks for."""
        if self.is_lazy and self.modes.were_changed != self._has_keyboard:
            if self.modes.were_changed:
                self.take_keyboard()
            else:
                self.raw_mode.leave()
                self._has_keyboard = False
        return self._has_keyboard

    def resume(self) -> None:
        """Come back after a stop."""
        self.copy_size()
        if not self.is_lazy or self.modes.were_changed:
            self.take_keyboard()

    def copy_size(self) -> None:
        """Follow the user's terminal when it is resized."""
        for master in self.masters:
            copy_size(self.keyboard, master)

    def read_keys(self) -> bytes:
        """Return what was typed; empty when the terminal has gone."""
        try:
            return os.read(self.keyboard, _MAX_PENDING_KEYS)
        except OSError:
            return b""

    def take_suspend_key(self, keys: bytes) -> bytes:
        """Take out the key that suspends, when nobody else would act on it; return the others.

        The command has its parent in another session, so its process group is an orphaned one, whose
        terminal stop signals the kernel discards (POSIX 2.4.3). A shell's own jobs are not orphaned.
        """
        suspend = self.modes.suspend_key()
        if not suspend or suspend not in keys or os.tcgetpgrp(self.masters[0]) != self.session:
            return keys
        os.kill(os.getpid(), signals.SIGTSTP)
        return keys.replace(suspend, b"")

    def route(self, keys: bytes) -> int:
        """Return the master of the terminal that keys belong to."""
        first, last = self.masters[0], self.masters[-1]
        if first == last or any(key in keys for key in self.modes.signal_keys() if key):
            return first
        return last if is_read(self.paths[1], self.paths[0], self.session) else first


def is_read(path: str, other: str, session: int) -> bool:
    """Tell whether a session reads one terminal rather than the other.

    A process that waits in read(2) says so itself. Otherwise one that has opened the terminal as
    anything but its output and error means to read it.
    """
    opened = False
    for pid in _members(session):
        waits_for = _link(pid, _blocked_descriptor(pid))
        if waits_for in (path, other):
            return waits_for == path
        descriptors = _list(f"/proc/{pid}/fd")
        opened = opened or any(_link(pid, fd) == path for fd in descriptors if fd not in ("1", "2"))
    return opened


def _members(session: int) -> list[str]:
    return [pid for pid in _list("/proc") if pid.isdigit() and _session(pid) == session]


def _session(pid: str) -> int:
    try:
        return os.getsid(int(pid))
    except OSError:
        return -1


def _blocked_descriptor(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as syscall:
            number, first, *_ = syscall.read().split()
        is_read_call = int(number) == _READ_SYSCALLS.get(os.uname().machine)
        return str(int(first, 16)) if is_read_call else ""
    except (OSError, ValueError):
        return ""


def _link(pid: str, fd: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}") if fd else ""
    except OSError:
        return ""


def _list(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


class TerminalRelay(Relay):
    """The relay of a session: output as ever, and the keyboard beside it.

    Keys that the command's terminal does not take yet are kept; neither side ever waits for the other.
    """

    def __init__(
        self, sources: list[Source], queue: EventQueue, done_fd: int, terminal: FullTerminal
    ) -> None:
        super().__init__(sources, queue, done_fd, may_nap=False)
        self._terminal = terminal
        self._keys = b""
        self._keyboard_is_open = True
        self.timeout_ms = _LOOK_SECONDS_MS if terminal.is_lazy else None
        for master in terminal.masters:
            os.set_blocking(master, False)
        self._poll.register(terminal.keyboard, 0)
        self._watch_keyboard()

    def copy_ready(self, ready: list[tuple[int, int]]) -> int:
        """Copy output first, then what was typed."""
        self._terminal.modes.align()
        copied = super().copy_ready(ready)
        self._pass_keys(any(fd == self._terminal.keyboard for fd, _ in ready))
        self._watch_keyboard()
        return copied

    def _pass_keys(self, was_typed: bool) -> None:
        if was_typed and self._terminal.has_keyboard:
            typed = self._terminal.read_keys()
            self._keyboard_is_open = bool(typed)
            self._keys += typed
        self._keys = self._terminal.take_suspend_key(self._keys)
        if not self._keys:
            return
        try:
            self._keys = self._keys[os.write(self._terminal.route(self._keys), self._keys) :]
        except BlockingIOError:
            return
        except (OSError, termios.error):
            self._keys = b""

    def _watch_keyboard(self) -> None:
        """Look at the keyboard while keys can be passed on; keys that wait are tried again soon."""
        wanted = self._terminal.has_keyboard and self._keyboard_is_open and not self._keys
        self._poll.modify(self._terminal.keyboard, select.POLLIN if wanted else 0)
        self.timeout_ms = _LOOK_SECONDS_MS if self._terminal.is_lazy or self._keys else None
