"""What the readers of results share: bounded texts, numbers as producers write them, bytes in pieces."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import BinaryIO

PIECE = 1 << 16
MAX_NAME = 2_000
MAX_MESSAGE = 2_000
MAX_TEXT = 20_000

_CLOCK = re.compile(r"(?:(\d{1,6})\.)?(\d{1,6}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)")


class NotResults(ValueError):
    """The file is something else: neither test results nor coverage in a format that is read."""


class BoundedText:
    """A text that keeps its beginning and its end, and says how much is missing between them.

    However much is added, it holds little more than twice `limit` characters.
    """

    def __init__(self, limit: int = MAX_TEXT) -> None:
        self._half = limit // 2
        self._head: list[str] = []
        self._head_length = 0
        self._tail: list[str] = []
        self._tail_length = 0
        self._dropped = 0

    def add(self, text: str) -> None:
        """Append a piece."""
        room = self._half - self._head_length
        if room > 0:
            self._head.append(text[:room])
            self._head_length += len(self._head[-1])
            text = text[room:]
        if text:
            self._tail.append(text)
            self._tail_length += len(text)
            if self._tail_length > 2 * self._half:
                self._shorten_tail()

    def _shorten_tail(self) -> None:
        joined = "".join(self._tail)
        kept = joined[-self._half :] if self._half else ""
        self._dropped += len(joined) - len(kept)
        self._tail, self._tail_length = [kept], len(kept)

    def __str__(self) -> str:
        if self._tail_length > self._half:
            self._shorten_tail()
        cut = f"\n[... {self._dropped:,} characters left out ...]\n" if self._dropped else ""
        return "".join([*self._head, cut, *self._tail])


def bounded(text: str, limit: int) -> str:
    """Cut a text in the middle where it is longer than `limit`; the note about it comes on top."""
    if len(text) <= limit:
        return text
    holder = BoundedText(limit)
    holder.add(text)
    return str(holder)


def some(text: str | None, limit: int) -> str | None:
    """Return a stripped text within its limit, None where there is none."""
    stripped = (text or "").replace("\r\n", "\n").strip()
    return bounded(stripped, limit) if stripped else None


def milliseconds(text: str | None) -> float | None:
    """Read a duration: seconds, also `1,234.5` and `1.234,5`, or `hh:mm:ss.fffffff`; None if it is none.

    A single comma is a decimal comma, unless a point follows it.
    """
    text = (text or "").strip()
    clock = _CLOCK.fullmatch(text) if ":" in text else None
    if clock:
        days, hours, minutes, seconds = clock.groups()
        total = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(seconds)
    else:
        try:
            total = float(_plain(text.removesuffix("s")) if "," in text or "s" in text else text)
        except ValueError:
            return None
    return round(total * 1000, 4) if math.isfinite(total) and total >= 0 else None


def _plain(number: str) -> str:
    """Write a number with a decimal point and without thousands."""
    if number.rfind(",") > number.rfind("."):
        whole, _, fraction = number.rpartition(",")
        if "," not in whole:
            return f"{whole.replace('.', '')}.{fraction}"
    return number.replace(",", "")


def whole(text: str | None) -> int | None:
    """Read a count or a line number from 0 up; None if it is none."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Return what is left of a file, piece by piece."""
    while piece := file.read(PIECE):
        yield piece
