"""A real terminal for tests: a program on a pseudo-terminal, keys in, a screen out."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import time
from collections.abc import Callable

import pyte


class Screen(pyte.Screen):
    """pyte's screen, which does not know the private form of SGR that vim sends."""

    def select_graphic_rendition(self, *attributes: int, private: bool = False) -> None:
        """Set colours; leave a private sequence alone."""
        if not private:
            super().select_graphic_rendition(*attributes)


class Terminal:
    """Runs a program on a terminal of its own and keeps what the terminal would show.

    Args:
        argv: the program; it becomes the leader of a session whose terminal this is.
        environ: its environment.
        cwd: its working directory.
        columns, rows: the size.
    """

    def __init__(
        self, argv: list[str], environ: dict[str, str], cwd: str, columns: int = 80, rows: int = 24
    ) -> None:
        self.screen = Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.output = b""
        self._status: int | None = None
        self.master, slave = os.openpty()
        self.resize(columns, rows)
        self.pid = os.fork()
        if self.pid == 0:
            os.login_tty(slave)
            os.chdir(cwd)
            os.execvpe(argv[0], argv, {"TERM": "xterm-256color", "LANG": "C.UTF-8", **environ})
        os.close(slave)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as a window manager does."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def send(self, keys: str | bytes) -> None:
        """Type."""
        os.write(self.master, keys.encode() if isinstance(keys, str) else keys)

    def lines(self) -> list[str]:
        """Return the screen, without trailing blanks."""
        return [line.rstrip() for line in self.screen.display]

    def text(self) -> str:
        """Return the screen as one text."""
        return "\n".join(self.lines())

    def wait_until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Read the terminal until something is to be seen."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"never seen; the screen is:\n{self.text()}")
            self._read(0.05)

    def wait_for(self, text: str, seconds: float = 20) -> None:
        """Read until a text is on the screen."""
        self.wait_until(lambda: text in self.text(), seconds)

    def finish(self, seconds: float = 20) -> int:
        """Read to the end; return the exit status, negative for a signal."""
        self.wait_until(self._is_over, seconds)
        os.close(self.master)
        assert self._status is not None
        return os.waitstatus_to_exitcode(self._status)

    def _is_over(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is not None and not self._read(0.05)

    def _read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.output += data
        self._stream.feed(data)
        return bool(data)
