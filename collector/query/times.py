"""Points in time as people write them: `1h`, `yesterday 15:00`, `2026-01-15T10:00Z`.

A time without a zone is local, a span without a sign lies in the past, as `journalctl` has it.
"""

from __future__ import annotations

from collector.errors import InputError
from collector.units import parse_amounts, parse_duration, parse_number, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["parse_duration", "parse_size", "parse_time"]

HINT = "write 1h, 7d, yesterday, 2026-01-15 or 2026-01-15T10:00"
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_OLDEST_YEAR = 1000  # below it `2026`-style years lose their leading zeros on the way back


def parse_time(text: str, now_ms: int) -> int:
    """Parse a point in time into milliseconds since 1970.

    Args:
        text: what was typed.
        now_ms: what `now` means.

    Raises:
        InputError: naming the text, when it is no time.
    """
    words = " ".join(text.lower().split())
    for parse in (_word, _relative, _epoch, _iso):
        moment = parse(words, now_ms)
        if moment is not None:
            return moment
    raise InputError("ACODE-RUN-018", f"{text!r} is not a time", HINT)


def _word(words: str, now_ms: int) -> int | None:
    if words == "now":
        return now_ms
    day, _, clock = words.partition(" ")
    if day not in _DAYS:
        day, clock = "today", words
    elif not clock:
        clock = "00:00"
    hours, colon, rest = clock.partition(":")
    if not colon or len(hours) > 2:
        return None
    from datetime import datetime, time, timedelta

    try:
        at = time.fromisoformat(f"{hours:0>2}:{rest}")
    except ValueError:
        return None
    date = _local(now_ms).date() + timedelta(days=_DAYS[day])
    return _milliseconds(datetime.combine(date, at))


def _relative(words: str, now_ms: int) -> int | None:
    span = words.removesuffix(" ago")
    sign = 1 if span.startswith("+") and span == words else -1
    amount = parse_amounts(span.removeprefix("-") if sign < 0 else span.removeprefix("+"))
    return None if amount is None else now_ms + sign * round(amount)


def _epoch(words: str, now_ms: int) -> int | None:  # noqa: ARG001, RUF100
    number = parse_number(words[1:]) if words.startswith("@") else None
    return None if number is None or number > 10**11 else round(number * 1000)


def _iso(words: str, now_ms: int) -> int | None:  # noqa: ARG001, RUF100
    from datetime import datetime

    try:
        return _milliseconds(datetime.fromisoformat(words.upper()))
    except ValueError:
        return None


def _local(ms: int) -> datetime:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC).astimezone()


def _milliseconds(moment: datetime) -> int | None:
    if moment.year < _OLDEST_YEAR:
        return None
    try:
        return round(moment.timestamp() * 1000)
    except (OverflowError, OSError, ValueError):
        return None
