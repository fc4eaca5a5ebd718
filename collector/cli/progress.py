"""A bar on the terminal for what takes longer than a second."""

from __future__ import annotations

import os
import time

from collector.cli import output

_AFTER_SECONDS = 1.0
_EVERY_SECONDS = 0.1
_CELLS = 24


class Progress:
    """Shows how much of something is done; call it with both numbers, and `clear` it at the end.

    Args:
        what: what is being done: `exporting`.
        in_bytes: whether the numbers are bytes.
    """

    def __init__(self, what: str, in_bytes: bool = True) -> None:
        self._what, self._in_bytes = what, in_bytes
        self._is_wanted = os.isatty(2)
        self._begin = self._next = time.monotonic() + _AFTER_SECONDS
        self._is_shown = False

    def __call__(self, done: int, total: int) -> None:
        """Say how far it is."""
        now = time.monotonic()
        if self._is_wanted and now >= self._next:
            self._next = now + _EVERY_SECONDS
            self._is_shown = True
            _write(f"\r\x1b[K{format_progress(self._what, done, total, self._in_bytes)}")

    def clear(self) -> None:
        """Leave no trace."""
        if self._is_shown:
            _write("\r\x1b[K")
            self._is_shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()


def format_progress(what: str, done: int, total: int, in_bytes: bool = True) -> str:
    """Return the line: `exporting ████████░░░░ 66 %  1.2 GB of 1.8 GB`."""
    part = min(1.0, done / total) if total > 0 else 0.0
    full = int(part * _CELLS)
    bar = "█" * full + "░" * (_CELLS - full)
    show = output.format_size if in_bytes else str
    return f"acode: {what} {bar} {int(part * 100):3} %  {show(done)} of {show(total)}"


def _write(text: str) -> None:
    try:
        os.write(2, text.encode())
    except OSError:
        return
