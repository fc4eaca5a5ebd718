"""What a program's output says about its own cost: duration, CPU, memory, tokens.

A number counts where it is labelled as such (`Tokens: 3500`, `cpu=45%`, `Used 3500 tokens`), and the label
stands at the beginning, after punctuation, or after a word such as `total`. So `max_tokens=4096`,
`Memory limit: 2GB`, `35 tokens/s` and prose about them do not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LONGEST = 2_000  # a line that is longer is data
_HINTS = ("oken", "uration", "emory", "CPU", "cpu", "OKEN", "URATION", "EMORY")

_NUMBER = r"(\d{1,3}(?:[,_]\d{3})+(?![\d,_])|\d{1,15}(?:\.\d{1,9})?)"
_BEFORE = (
    r"(?:^|(?<=[^\w\s.\"'`/$-])|\b(?:total|overall|peak|average|avg|current|used|execution|elapsed|build|test|run"
    r"|task|process|info|debug|notice)[ _-])\s*"
)
_IS = r"\s*(?::|=)\s*~?"
_END = r"(?![\w%]|[.,]\d)(?!\s*(?:left|remaining|available|free|limit|per\b|max))"

_TOKENS = (
    re.compile(
        rf"(?:{_BEFORE}|(?<=\s)(?=\w+=))tokens?(?:[ _](?:used|usage|consumed|total|count))?{_IS}{_NUMBER}"
        rf" ?([kKM]?){_END}(?!\s*(?:/ ?s|in\b|input|prompt|out\b|output))",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:used|using|consumed|spent|total(?: of)?)\s*:?\s*(?:about |~)?{_NUMBER} ?([kKM]?)"
        r"\s*(?:total )?tokens?\b(?!\s*(?:/|per\b|left|remaining|limit))",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<![\w.,]){_NUMBER} ?([kKM]?) tokens? (?:were |have been )?(?:used|consumed|spent)\b",
        re.IGNORECASE,
    ),
)
_CPU = (
    re.compile(
        rf"(?:{_BEFORE}|(?<=\s)(?=\w+=))cpu(?:[ _](?:usage|used|load|utili[sz]ation|avg|average))?"
        rf"(?:{_IS}|\s){_NUMBER}()\s*%",
        re.IGNORECASE,
    ),
    re.compile(rf"(?:{_BEFORE}|(?<=\s))cpu_percent{_IS}{_NUMBER}()\b", re.IGNORECASE),
    re.compile(rf"(?<![\w.,]){_NUMBER}()%CPU\b"),  # GNU time
)
_MEMORY = (
    re.compile(
        rf"(?:{_BEFORE}(?<!total )|(?<=\s)(?=\w+=))memory(?:[ _](?:usage|used|peak|rss|consumption))?"
        rf"{_IS}{_NUMBER}\s*([KMGT]i?B|bytes){_END}(?!\s*(?:total|of memory))",
        re.IGNORECASE,
    ),
    re.compile(rf"(?:{_BEFORE}|(?<=\s))memory_(mb){_IS}{_NUMBER}{_END}", re.IGNORECASE),
)
_DURATION = (
    re.compile(
        rf"(?:{_BEFORE}|(?<=\s)(?=\w+=))duration(?:{_IS}|\s+){_NUMBER}\s*"
        rf"(ms|msecs?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?){_END}"
        rf"(?:\s*(\d{{1,2}}(?:\.\d+)?)\s*(?:s|secs?|seconds?)\b)?",
        re.IGNORECASE,
    ),
    re.compile(rf"(?:{_BEFORE}|(?<=\s))duration_(ms){_IS}{_NUMBER}{_END}", re.IGNORECASE),
)
_MEGABYTES = {"b": 2.0**-20, "k": 2.0**-10, "m": 1.0, "g": 2.0**10, "t": 2.0**20}
_MILLISECONDS = {"s": 1_000.0, "m": 60_000.0, "h": 3_600_000.0}
_THOUSANDS = {"": 1.0, "k": 1e3, "m": 1e6}


class MetricScanner:
    """Finds metrics in lines of clean text; of each kind the last one wins.

    Programs write MB for 2^20 bytes as often as MiB, so both are the same here, and 1.5 GB are 1536.
    """

    def __init__(self) -> None:
        self._found: dict[str, float] = {}

    def feed(self, text: str) -> None:
        """Take the next line."""
        for hint in _HINTS:
            if hint in text:
                break
        else:
            return
        if len(text) <= _LONGEST:
            for key, read in _READERS.items():
                value = read(text)
                if value is not None:
                    self._found[key] = value

    def found(self) -> dict[str, float | int]:
        """Return what was found: `duration_ms`, `cpu_percent`, `memory_mb`, `tokens_used`."""
        return {key: int(value) if value.is_integer() else value for key, value in self._found.items()}


def _last(patterns: tuple[re.Pattern[str], ...], text: str) -> re.Match[str] | None:
    matches = [match for pattern in patterns for match in pattern.finditer(text)]
    return max(matches, key=lambda match: match.end(), default=None)


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("_", ""))


def _tokens(text: str) -> float | None:
    match = _last(_TOKENS, text)
    return float(round(_number(match[1]) * _THOUSANDS[match[2].lower()])) if match else None


def _cpu(text: str) -> float | None:
    match = _last(_CPU, text)
    return _number(match[1]) if match else None


def _memory(text: str) -> float | None:
    match = _last(_MEMORY, text)
    if match is None:
        return None
    number, unit = sorted((match[1], match[2]))  # digits sort before letters
    return round(_number(number) * _MEGABYTES[unit[0].lower()], 3)


def _duration(text: str) -> float | None:
    match = _last(_DURATION, text)
    if match is None:
        return None
    number, unit = sorted((match[1], match[2].lower()))
    seconds = float((match.re.groups > 2 and match[3]) or 0)
    factor = 1.0 if unit.startswith(("ms", "mil")) else _MILLISECONDS[unit[0]]
    return round(_number(number) * factor + seconds * 1_000, 3)


_READERS: dict[str, Callable[[str], float | None]] = {
    "duration_ms": _duration,
    "cpu_percent": _cpu,
    "memory_mb": _memory,
    "tokens_used": _tokens,
}
