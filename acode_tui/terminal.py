"""The terminal before and after the application: keys are kept from the first moment, and all is put back.

Without this, what is typed while Textual loads would be echoed over the first page, and its line ends
would arrive as ctrl+j.
"""

from __future__ import annotations

import os
import termios

_RESTORE = (
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[<u"
    "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
)


class Terminal:
    """A terminal's modes and size."""

    def __init__(self, keys: int, screen: int) -> None:
        self._keys = keys
        self._screen = screen
        self._before: list[int | list[bytes | int]] | None = None
        self._painted = False

    def prepare(self) -> None:
        """Take keys as they come, unechoed; nothing that was typed already is thrown away."""
        self._before = termios.tcgetattr(self._keys)
        modes = termios.tcgetattr(self._keys)
        modes[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON)
        modes[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
        modes[6][termios.VMIN] = 1
        modes[6][termios.VTIME] = 0
        termios.tcsetattr(self._keys, termios.TCSANOW, modes)

    def write(self, text: str) -> None:
        """Draw on the screen."""
        self._painted = True
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(self._screen, data) :]

    def size(self) -> tuple[int, int]:
        """Return columns and lines, as Textual finds them."""
        try:
            columns, lines = os.get_terminal_size(self._screen)
        except OSError:
            columns, lines = 80, 24
        return (
            int(_number("COLUMNS") or columns or 80),
            int(_number("LINES") or lines or 24),
        )

    def restore(self) -> None:
        """Put everything back; may be called again."""
        if self._before is None:
            return
        modes, self._before = self._before, None
        try:
            if self._painted:
                self.write(_RESTORE)
            termios.tcsetattr(self._keys, termios.TCSANOW, modes)
        except (OSError, termios.error):
            return  # the terminal is gone


def _number(name: str) -> str:
    value = os.environ.get(name, "")
    return value if value.isdigit() else ""
