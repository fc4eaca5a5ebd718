"""Output as the lines that a person saw: without escapes, with what a progress bar showed last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MAX_LINE_BYTES = 64 << 10
"""What follows in a longer line is left out."""
_SPECIAL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS and other strings
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def iter_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of each line of some output, in flat memory whatever is in it.

    A line ends with a line feed, perhaps after a carriage return, or with the output. Bytes that are no UTF-8
    are replaced.
    """
    splitter = LineSplitter()
    for chunk in chunks:
        yield from splitter.feed(chunk)
    yield from splitter.finish()


class LineSplitter:
    """Does what `iter_lines` does for output that comes piece by piece."""

    def __init__(self) -> None:
        self._number = 0
        self._rest = b""
        self._is_too_long = False

    def feed(self, chunk: bytes) -> Iterator[tuple[int, str]]:
        """Yield the lines that a piece completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._number += 1
            if not self._is_too_long:
                yield self._number, clean(line)
            self._is_too_long = False
        if len(self._rest) > MAX_LINE_BYTES:
            yield from self.finish()
            self._is_too_long = True

    def finish(self) -> Iterator[tuple[int, str]]:
        """Yield a last line that nothing ended."""
        if self._rest and not self._is_too_long:
            yield self._number + 1, clean(self._rest)
        self._rest = b""


def clean(line: bytes) -> str:
    """Return a line as it was seen at last."""
    line = line[:MAX_LINE_BYTES]
    if not _SPECIAL.search(line):
        return line.decode("utf-8", "replace")
    text = _ESCAPE.sub("", line.decode("utf-8", "replace").rstrip("\r"))
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    if "\b" in text:
        text = _without_backspaces(text)
    return _CONTROL.sub("", text)


def _without_backspaces(text: str) -> str:
    kept: list[str] = []
    for character in text:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)
