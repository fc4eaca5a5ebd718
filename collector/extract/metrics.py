"""Numbers that output tells of its own run: tokens, CPU, memory, duration."""

from __future__ import annotations

import re

_NUMBER = r"(\d[\d,_]*(?:\.\d+)?)"
_WORDS = ("token", "cpu", "mem", "duration", "elapsed", "rss", "total time", "total_time")
_TOKENS = (
    re.compile(rf"(?i)\b(?:total[ _])?tokens?(?:[ _]used)?\s*[:=]\s*{_NUMBER}\b(?!\s*/)"),
    re.compile(rf"(?i)\bused\s+{_NUMBER}\s+tokens?\b"),
    re.compile(rf"(?i)^\W*{_NUMBER}\s+tokens?(?:\s+used)?\W*$"),
)
_CPU = re.compile(rf"(?i)\bcpu(?:[ _](?:usage|time|percent))?\s*[:=]?\s*{_NUMBER}\s*%")
_MEMORY = re.compile(
    rf"(?i)\b(?:peak[ _])?(?:memory|mem|rss)(?:[ _](?:usage|used))?\s*[:=]\s*{_NUMBER}\s*([KMGT]?i?B)\b"
)
_DURATION = re.compile(
    rf"(?i)\b(?:duration|elapsed(?:[ _]time)?|total[ _]time)\s*[:=]\s*{_NUMBER}\s*"
    r"(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b"
)
_TO_MEGABYTES = {"b": 1 / 1e6, "kb": 1e-3, "mb": 1.0, "gb": 1e3, "tb": 1e6}
_TO_MEBIBYTES = {"kib": 1 / 1024, "mib": 1.0, "gib": 1024.0, "tib": 1024.0**2}
_TO_MS = (("ms", 1), ("milli", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000))

Metrics = dict[str, int | float]


class MetricScanner:
    """Finds metrics in lines; of each the last one counts, as totals are printed at the end."""

    def __init__(self) -> None:
        self._found: Metrics = {}

    def feed(self, text: str) -> None:
        """Take in a line."""
        lower = text.lower()
        if len(text) > 2_000 or not any(word in lower for word in _WORDS):
            return
        for pattern in _TOKENS:
            for number in pattern.findall(text):
                self._found["tokens_used"] = int(_value(number))
        for number in _CPU.findall(text):
            self._found["cpu_percent"] = _short(_value(number))
        for number, unit in _MEMORY.findall(text):
            self._found["memory_mb"] = _short(_value(number) * _megabytes(unit.lower()))
        for number, unit in _DURATION.findall(text):
            self._found["duration_ms"] = round(_value(number) * _milliseconds(unit.lower()))

    def found(self) -> Metrics:
        """Return what was found: `tokens_used`, `cpu_percent`, `memory_mb`, `duration_ms`."""
        return dict(self._found)


def _value(number: str) -> float:
    return float(number.replace(",", "").replace("_", ""))


def _short(number: float) -> int | float:
    return int(number) if number == int(number) else round(number, 3)


def _megabytes(unit: str) -> float:
    return _TO_MEGABYTES.get(unit) or _TO_MEBIBYTES[unit]


def _milliseconds(unit: str) -> int:
    return next(factor for prefix, factor in _TO_MS if unit.startswith(prefix))
