"""Time and process identity, in one place.

Wall time is UTC milliseconds since 1970 and is only for showing and ordering; durations come from the
monotonic clock, so that a clock set back never makes one negative.
"""

from __future__ import annotations

import os
import time


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def format_iso(ms: int) -> str:
    """Format milliseconds since 1970 as `2026-01-20T14:32:15.123Z`."""
    seconds, millis = divmod(ms, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{millis:03d}Z"


def parse_iso(text: str) -> int:
    """Parse what `format_iso` wrote (any offset is accepted) into milliseconds since 1970.

    Raises:
        ValueError: when the text is not an ISO 8601 time.
    """
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def format_stamp(ms: int) -> str:
    """Format milliseconds since 1970 as the `YYYYMMDD-HHmmss` of a run name, UTC."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(ms // 1000))


def boot_id() -> str:
    """Return the identity of this boot of the machine, or an empty string where there is none."""
    return _read_text("/proc/sys/kernel/random/boot_id").strip()


def process_start_ticks(pid: int) -> int:
    """Return when a process started, in clock ticks since boot; 0 when it is gone or not visible.

    Field 22 of proc_pid_stat(5); the name in parentheses may hold spaces and parentheses itself.
    """
    stat = _read_text(f"/proc/{pid}/stat")
    fields = stat.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in ("Z", "X"):
        return 0
    return int(fields[19])


def is_process_alive(pid: int, start_ticks: int, boot: str) -> bool:
    """Tell whether the very process that was started then is still running.

    A pid alone does not identify a process: pids are reused, and a reboot starts over. Where the
    system tells neither start time nor boot, the pid alone decides.
    """
    if boot and boot != boot_id():
        return False
    if start_ticks:
        return process_start_ticks(pid) == start_ticks
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read_text(path: str) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 4096).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)
