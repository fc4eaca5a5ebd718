"""What the commands print, and the one place that keeps recorded text from driving a terminal.

Machine output goes to stdout alone; hints and questions go to stderr. Everything is UTF-8, whatever the
locale says, so that a file made in one place reads the same in another.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Sink(Protocol):
        """Something that output can go to."""

        def write(self, data: bytes) -> None:
            """Take a part of it."""


sink: Sink | None = None
"""Where output goes instead of stdout: a pager, a file, a picture that is drawn at once."""
held_notes: list[str] | None = None
"""Where notes go while the terminal is somebody else's."""
_DEFAULT_WIDTH = 80
_COLORS = {
    "success": "32", "failure": "31", "timeout": "33", "cancelled": "33", "running": "36",
    "ok": "32", "warn": "33", "fail": "31", "dim": "2", "bold": "1",
}  # fmt: skip
_SIZES = ("KB", "MB", "GB", "TB", "PB")


def sanitize(text: str) -> str:
    """Return a text on one line in which no character can do anything but be seen.

    Control characters, line ends, bidirectional overrides, lone surrogates and everything else that
    Unicode does not call printable become a visible mark; spaces of any kind become a space.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join([c if c.isprintable() else _visible(c) for c in text])


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return " " if character.isspace() else "\ufffd"


def write(text: str) -> None:
    """Write text to stdout."""
    write_bytes(text.encode("utf-8", "replace"))


def write_bytes(data: bytes) -> None:
    """Write bytes to stdout as they are.

    Raises:
        BrokenPipeError: nobody reads any more; `main` ends quietly.
    """
    if sink is not None:
        sink.write(data)
    else:
        sys.stdout.buffer.write(data)


def flush() -> None:
    """Make sure that what was written has arrived. Raises BrokenPipeError."""
    sys.stdout.flush()


def line(text: str = "") -> None:
    """Write one line to stdout; the text may hold colours, but nothing that was recorded."""
    write(text + "\n")


def note(text: str) -> None:
    """Write one line for people to stderr; on a terminal that a pager has, once that has ended."""
    if held_notes is not None and os.isatty(2):
        held_notes.append(text)
        return
    try:
        os.write(2, (sanitize(text) + "\n").encode("utf-8", "replace"))
    except OSError:
        return


def is_terminal() -> bool:
    """Tell whether stdout is one."""
    return os.isatty(1)


def has_color(environ: Mapping[str, str]) -> bool:
    """Tell whether colours are wanted: on a terminal, without NO_COLOR (https://no-color.org).

    CLICOLOR_FORCE (https://bixense.com/clicolors) asks for them in pipes too; NO_COLOR is stronger.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return is_terminal() and environ.get("TERM") != "dumb" and environ.get("CLICOLOR", "1") != "0"


def terminal_width(environ: Mapping[str, str]) -> int | None:
    """Return how many columns there are; None where nothing limits a line."""
    columns = environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns[:6]) > 0:
        return int(columns[:6])
    if not is_terminal():
        return None
    try:
        return os.get_terminal_size(1).columns or _DEFAULT_WIDTH
    except OSError:
        return _DEFAULT_WIDTH


def paint(text: str, color: str, wanted: bool) -> str:
    """Return a text in a colour, or as it is."""
    code = _COLORS.get(color) if wanted else None
    return f"\x1b[{code}m{text}\x1b[0m" if code else text


def counted(number: int, noun: str) -> str:
    """Return `1 run`, `2 runs`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def format_size(size: int) -> str:
    """Format a number of bytes: `0 B`, `12.5 KB`, `3.4 MB`."""
    if size < 1024:
        return f"{size} B"
    value, step = size / 1024, 0
    while value >= 1023.95 and step < len(_SIZES) - 1:
        value, step = value / 1024, step + 1
    return f"{value:.1f} {_SIZES[step]}"


def format_tokens(count: int) -> str:
    """Format a number of tokens in at most six characters: `12.3k`, `4.56M`."""
    if count < 1000:
        return str(count or "")
    if count < 999_950:
        return f"{count / 1000:.1f}k"
    return f"{count / 1_000_000:.2f}M"


def format_cost(dollars: float | None) -> str:
    """Format a cost in US dollars; empty where the agent did not say."""
    if dollars is None:
        return ""
    return f"${dollars:.2f}" if dollars >= 0.01 or dollars == 0 else f"${dollars:.4f}"


def format_duration(ms: int | None) -> str:
    """Format a duration: `12ms`, `4.2s`, `3m05s`, `2h10m`, `3d04h`; a dash for none."""
    if ms is None:
        return "-"
    if ms < 1000:
        return f"{ms}ms"
    if ms < 59_950:
        return f"{ms / 1000:.1f}s"
    minutes, seconds = divmod((ms + 500) // 1000, 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h{minutes:02d}m"
    return f"{hours // 24}d{hours % 24:02d}h"


def format_time(ms: int | None, now_ms: int | None = None) -> str:
    """Format a time for people, local: the clock for the last day, else the date as well."""
    import time

    if ms is None:
        return "-"
    try:
        local = time.localtime(ms / 1000)
    except (OverflowError, OSError, ValueError):
        return "?"
    if now_ms is not None and 0 <= now_ms - ms < 86_400_000:
        return time.strftime("%H:%M:%S", local)
    return time.strftime("%Y-%m-%d %H:%M" if now_ms is not None else "%Y-%m-%d %H:%M:%S", local)


def format_json(value: object) -> str:
    """Format a value as JSON, readable for people; characters beyond ASCII stay."""
    import json

    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()
