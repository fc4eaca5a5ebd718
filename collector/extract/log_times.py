"""When a log entry says it was written, in the one form that records have (ISO 8601, UTC, `Z`).

Only a time that tells its zone is a time: a local one could be anybody's, and the time at which the line was
printed is better known.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

from collector.clock import format_iso

_ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T _](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r"(?: ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?![\w:]))?"
)
_UNITS = (1_000_000_000_000_000_000, 1_000_000_000_000_000, 1_000_000_000_000)  # ns, µs, ms after 2001
_LATEST = 32_503_680_000_000  # the year 3000


def find_time(text: str) -> re.Match[str] | None:
    """Return the match of a date and time that the text begins with."""
    return _ISO.match(text)


def zoned(match: re.Match[str]) -> str | None:
    """Return a matched time in UTC, None where it tells no zone or is none."""
    *parts, fraction, zone = match.groups()
    if zone is None:
        return None
    try:
        moment = datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    ms = int(moment.timestamp()) * 1000 - _offset_minutes(zone) * 60_000
    return format_iso(ms + int((fraction or "0").ljust(3, "0")[:3]))


def _offset_minutes(zone: str) -> int:
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


def normalised(value: Any) -> str | None:
    """Return a time that a JSON log line holds in UTC: text, or a number since 1970.

    A number's size tells seconds from milli-, micro- and nanoseconds (zap, pino, Go, OpenTelemetry).
    """
    if isinstance(value, str):
        match = _ISO.fullmatch(value.strip()[:64])
        return zoned(match) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    divisor = next((unit // 1_000_000_000_000 for unit in _UNITS if value >= unit), None)
    ms = round(value / divisor) if divisor else round(value * 1000)
    return format_iso(ms) if 0 < ms < _LATEST else None
