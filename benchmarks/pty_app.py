"""A program in a pseudo terminal, every byte of its output with the time at which it came.

Answers the query for synchronised output (DEC mode 2026), so that each frame ends with a known sequence
and the time from a key to its frame can be measured.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

FRAME_END = b"\x1b[?2026l"
_QUERY, _ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"


class PtyApp:
    """Runs a program; kill it when done."""

    def __init__(
        self,
        arguments: Sequence[str],
        columns: int = 120,
        lines: int = 40,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
    ) -> None:
        self.output = bytearray()
        self._arrivals: list[tuple[float, int]] = []
        self._changed = threading.Condition()
        self._ended = False
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        variables = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        variables |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})}
        self.started = time.perf_counter()
        self.pid = os.fork()
        if self.pid == 0:
            _become(arguments, slave, master, folder, variables)
        os.close(slave)
        self.terminal = master
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.terminal, 65536)
            except OSError:
                data = b""
            now = time.perf_counter()
            with self._changed:
                if not data:
                    self._ended = True
                    self._changed.notify_all()
                    return
                self.output += data
                self._arrivals.append((now, len(self.output)))
                self._changed.notify_all()
            if _QUERY in data:
                os.write(self.terminal, _ANSWER)

    def send(self, keys: bytes) -> None:
        """Type."""
        os.write(self.terminal, keys)

    def mark(self) -> int:
        """Return how much has been written so far."""
        with self._changed:
            return len(self.output)

    def wait_for(self, text: bytes, timeout: float = 60, start: int = 0) -> tuple[float, int]:
        """Return when a text was complete in the output (perf_counter), and where it ends.

        Raises:
            TimeoutError: when it does not come.
        """
        end = time.perf_counter() + timeout
        with self._changed:
            while (place := self.output.find(text, start)) < 0:
                left = end - time.perf_counter()
                if self._ended or left <= 0:
                    raise TimeoutError(f"no {text!r}; last came {bytes(self.output[-400:])!r}")
                self._changed.wait(left)
            place += len(text)
            return next(moment for moment, length in self._arrivals if length >= place), place

    def frame_ms(self, keys: bytes, timeout: float = 10) -> float:
        """Type, and return the milliseconds until the frame that follows is complete."""
        start = self.mark()
        begin = time.perf_counter()
        self.send(keys)
        return (self.wait_for(FRAME_END, timeout, start)[0] - begin) * 1000

    def text_ms(self, keys: bytes, text: bytes, timeout: float = 60) -> float:
        """Type, and return the milliseconds until a text appears."""
        start = self.mark()
        begin = time.perf_counter()
        self.send(keys)
        return (self.wait_for(text, timeout, start)[0] - begin) * 1000

    def quiesce(self, quiet: float = 0.3, timeout: float = 60) -> None:
        """Wait until nothing has been written for a while."""
        end = time.perf_counter() + timeout
        while time.perf_counter() < end:
            with self._changed:
                last = self._arrivals[-1][0] if self._arrivals else time.perf_counter()
            if self._arrivals and time.perf_counter() - last > quiet:
                return
            time.sleep(0.01)
        raise TimeoutError("it never stops writing")

    def memory_mb(self) -> float:
        """Return the resident memory."""
        return float(psutil.Process(self.pid).memory_info().rss) / 2**20

    def cpu_seconds(self) -> float:
        """Return the processor time used so far."""
        used = psutil.Process(self.pid).cpu_times()
        return float(used.user + used.system)

    def wait(self, timeout: float = 10) -> int | None:
        """Return the exit status, or None when it does not end."""
        end = time.perf_counter() + timeout
        while time.perf_counter() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        return None

    def kill(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self._reader.join(2)
        with contextlib.suppress(OSError):
            os.close(self.terminal)


def _become(
    arguments: Sequence[str], slave: int, master: int, folder: str | None, variables: dict[str, str]
) -> None:
    try:
        os.close(master)
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        if folder:
            os.chdir(folder)
        os.execvpe(arguments[0], list(arguments), variables)
    finally:
        os._exit(127)


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return percentile(values, 0.5)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def python(repository: Path) -> dict[str, str]:
    """Return the environment in which a Python finds the repository."""
    return {"PYTHONPATH": str(repository)}
