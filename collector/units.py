"""Durations and sizes as people write them: `90s`, `1h30m`, `1 day`, `10MB`.

Written by hand, without `re`, because the recorder reads both before it starts a command.
"""

from __future__ import annotations

from collector.errors import InputError

_DURATION_UNITS = {
    "ms": 1, "millisecond": 1, "s": 1000, "sec": 1000, "second": 1000, "m": 60_000, "min": 60_000,
    "minute": 60_000, "h": 3_600_000, "hr": 3_600_000, "hour": 3_600_000, "d": 86_400_000,
    "day": 86_400_000, "w": 604_800_000, "week": 604_800_000, "month": 2_592_000_000,
    "y": 31_536_000_000, "year": 31_536_000_000,
}  # fmt: skip
_SIZE_UNITS = {"": 1, "b": 1, "byte": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_MAX_DURATION_MS = 10**13  # 316 years; still exact as a float
_MAX_SIZE_BYTES = 1 << 60
_NUMBER = frozenset("0123456789.")


def parse_duration(text: str) -> int:
    """Parse a duration into milliseconds; a number alone counts seconds.

    Raises:
        InputError: naming the text, when it is no duration.
    """
    words = text.strip().lower()
    number = parse_number(words)
    milliseconds = number * 1000 if number is not None else parse_amounts(words)
    if milliseconds is None or milliseconds > _MAX_DURATION_MS:
        raise InputError("ACODE-RUN-018", f"{text!r} is not a duration", "write 500ms, 60s, 1h30m or 7d")
    return round(milliseconds)


def parse_amounts(words: str) -> float | None:
    """Return the milliseconds of `1h30m`, `1 hour 30 minutes` …; None for anything else."""
    total, rest, seen = 0.0, words.strip(), False
    while rest:
        number_end = _span(rest, True)
        number = parse_number(rest[:number_end])
        rest = rest[number_end:].lstrip()
        unit_end = _span(rest, False)
        factor = _unit(rest[:unit_end], _DURATION_UNITS)
        if number is None or factor is None:
            return None
        total, rest, seen = total + number * factor, rest[unit_end:].lstrip(), True
    return total if seen and total <= _MAX_DURATION_MS else None


def parse_size(text: str) -> int:
    """Parse a size into bytes; `KB`, `MB` … are powers of 1024, as `KiB` and `MiB` are.

    Raises:
        InputError: naming the text, when it is no size.
    """
    words = text.strip().lower()
    end = _span(words, True)
    number, unit = parse_number(words[:end]), words[end:].strip()
    if unit not in ("b", "byte", "bytes"):
        unit = unit.removesuffix("b").removesuffix("i")
    factor = _unit(unit, _SIZE_UNITS)
    if number is None or factor is None or number * factor > _MAX_SIZE_BYTES:
        raise InputError("ACODE-RUN-018", f"{text!r} is not a size", "write 500KB, 10MB or 1GB")
    return round(number * factor)


def parse_number(text: str) -> float | None:
    """Return a plain decimal number without a sign or exponent; None for anything else."""
    if len(text) > 20 or not set(text) <= _NUMBER or text.count(".") > 1 or text in ("", "."):
        return None
    return float(text)


def _span(text: str, number: bool) -> int:
    """Return how many leading characters belong to a number, or to a word."""
    for position, character in enumerate(text):
        if (character in _NUMBER) != number or character.isspace():
            return position
    return len(text)


def _unit(word: str, units: dict[str, int]) -> int | None:
    singular = word.removesuffix("s") if len(word) > 2 else word
    return units.get(word, units.get(singular))
