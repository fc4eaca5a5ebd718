"""Numbers as people read them: durations, sizes, times of day, tokens. No unit is ever missing."""

from __future__ import annotations

import time

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000


def duration(ms: int | None) -> str:
    """Format milliseconds in at most seven cells: `12ms`, `3.4s`, `2m05s`, `1h02m`, `3d04h`."""
    if ms is None or ms < 0:
        return ""
    if ms < 1000:
        return f"{ms}ms"
    if ms < 9_950:
        return f"{ms / 1000:.1f}s"
    if ms < _MINUTE:
        return f"{ms // 1000}s"
    if ms < _HOUR:
        return f"{ms // _MINUTE}m{ms % _MINUTE // 1000:02}s"
    if ms < _DAY:
        return f"{ms // _HOUR}h{ms % _HOUR // _MINUTE:02}m"
    return f"{ms // _DAY}d{ms % _DAY // _HOUR:02}h"


def size(count: int | None) -> str:
    """Format bytes in at most seven cells: `812 B`, `4.2 KB`, `1.3 GB` (1 KB is 1024 bytes)."""
    if count is None:
        return ""
    if count < 1024:
        return f"{count} B"
    value = float(count)
    for unit in ("KB", "MB", "GB", "TB"):
        value /= 1024
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"
    return f"{value:.0f} TB"


def moment(ms: int, now: int, width: int) -> str:
    """Format a point in time for a column: the time of day if it was today, else the date.

    Args:
        ms: milliseconds since 1970; shown in the machine's own zone.
        now: the present, likewise.
        width: 5 gives `14:32`, 8 `14:32:15` or `Jan 20`, 12 `Jan 20 14:32`.
    """
    there, here = time.localtime(ms / 1000), time.localtime(now / 1000)
    if there[:3] == here[:3]:
        return time.strftime("%H:%M" if width < 8 else "%H:%M:%S", there)
    if width < 8:
        return time.strftime("%d.%m", there)
    if there[0] != here[0]:
        return time.strftime("%Y-%m" if width < 10 else "%Y-%m-%d", there)
    return time.strftime("%b %d" if width < 12 else "%b %d %H:%M", there)


def full_moment(ms: int) -> str:
    """Format a point in time in full, in the machine's own zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms / 1000))


def count(number: int, noun: str) -> str:
    """Format a number of things: `1 run`, `1,204 runs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def tokens(number: int | None) -> str:
    """Format a number of tokens in at most six cells: `812`, `12.3k`, `4.56M`; nothing for none."""
    if not number or number < 0:
        return ""
    if number < 1000:
        return str(number)
    value = float(number)
    for unit in ("k", "M", "G"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f}{unit}" if unit == "k" or value >= 99.995 else f"{value:.2f}{unit}"
    return f"{value:.0f}G"


def cost(dollars: object) -> str:
    """Format US dollars in at most seven cells; nothing where the agent did not say."""
    if not isinstance(dollars, int | float) or not 0 <= dollars < 1e9:
        return ""
    if 0 < dollars < 0.01:
        return f"${dollars:.4f}"
    return f"${dollars:.2f}" if dollars < 1000 else f"${dollars:.0f}"
