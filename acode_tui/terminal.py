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


def run_in_terminal(command: list[str], keys: int, screen: int) -> int:
    """Run a program that takes the terminal over, in its usual modes; return its exit status.

    What the program is interrupted by with ctrl+c is not for us.

    Raises:
        OSError: when it cannot be started.
    """
    import signal
    import subprocess

    modes = termios.tcgetattr(keys)
    usual = termios.tcgetattr(keys)
    usual[0] |= termios.ICRNL | termios.IXON
    usual[1] |= termios.OPOST
    usual[3] |= termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN
    # Not SIG_IGN, which the program would inherit.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        termios.tcsetattr(keys, termios.TCSADRAIN, usual)
        return subprocess.run(command, stdin=keys, stdout=screen, stderr=screen, check=False).returncode
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, modes)
        signal.signal(signal.SIGINT, before)


def _number(name: str) -> str:
    value = os.environ.get(name, "")
    return value if value.isdigit() else ""
