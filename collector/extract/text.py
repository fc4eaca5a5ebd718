r"""Recorded output as lines of clean text: what a person would have seen at last.

Escape sequences are gone (ECMA-48: CSI, OSC and its kind, character sets), a progress bar that was drawn
over and over by `\r` counts as it was left, letters overstruck by backspaces likewise. A line holds its
first 64 KiB; memory is flat whatever comes, and how the bytes were cut into chunks makes no difference.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

MAX_LINE = 1 << 16
"""Bytes of a line that are kept; with `\r`, of each of its layers."""

_PIECE = MAX_LINE  # no line within a piece can be longer than what is kept
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
_INVISIBLE = re.compile(
    r"\x1b\[(?![01]?G|[0-9]?[JK])[0-?]*[ -/]*[@-~]"  # CSI, without those that overwrite
    r"|\x1b[\]PX^_][^\x07\x1b\r]{0,8192}(?:\x07|\x1b\\)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b\[[0-?]*[ -/]*(?=\r|\Z)"  # cut off
    r"|\x1b[ -/]*[0-Z\\-~]"  # character sets, and all that is short
    r"|[\x00\x07]"
)
_TO_FIRST_COLUMN = re.compile(r"\x1b\[[01]?G")
_ERASED = re.compile(r"(?:\r|\A)\x1b\[0?[JK]|\x1b\[2[JK]")
_MOVE = re.compile(r"\x08|\x1b\[0?[JK]|\x1b")


def iter_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Yield each line's number, from 1, and its text without the line end.

    A last line counts without a newline too, unless it is empty. Invalid UTF-8 is replaced, NULs are dropped.
    """
    number = 1
    open_line = _OpenLine()
    for piece in _pieces(chunks):
        first = piece.find(b"\n")
        if first < 0:
            open_line.add(piece)
            continue
        open_line.add(piece[:first])
        yield number, open_line.close()
        last = piece.rfind(b"\n")
        if last > first:
            lines = clean_lines(piece[first + 1 : last])
            yield from enumerate(lines, number + 1)
            number += len(lines)
        number += 1
        open_line.add(piece[last + 1 :])
    if open_line.is_begun:
        yield number, open_line.close()


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if len(chunk) <= _PIECE:
            yield chunk
        else:
            for begin in range(0, len(chunk), _PIECE):
                yield chunk[begin : begin + _PIECE]


def clean_lines(block: bytes) -> list[str]:
    """Return the lines of a block of whole lines."""
    return clean_text(block).split("\n")


def clean_text(block: bytes) -> str:
    """Return a block of whole lines as text of as many lines; most are plain, which is fast."""
    if _is_plain(block):
        return block.decode("utf-8", "replace")
    block = b"".join(_COLOUR.split(block)).replace(b"\r\n", b"\n")  # twice as fast as sub
    if _is_plain(block):
        return block.decode("utf-8", "replace")
    return "\n".join(
        [
            line.decode("utf-8", "replace") if _is_plain(line) else _drawn("", line)
            for line in block.split(b"\n")
        ]
    )


def _is_plain(data: bytes | bytearray) -> bool:
    """Tell that nothing in it has to be removed. Five searches by memchr are faster than one pattern."""
    return not (b"\x1b" in data or b"\r" in data or b"\x08" in data or b"\0" in data or b"\x07" in data)


class _OpenLine:
    """The line that is not complete yet."""

    def __init__(self) -> None:
        self.is_begun = False
        self._raw = bytearray()
        self._seen = ""

    def add(self, data: bytes) -> None:
        """Append bytes without a newline."""
        if not data:
            return
        self.is_begun = True
        if len(self._raw) > MAX_LINE and b"\r" not in data:
            return
        self._raw += data
        if len(self._raw) > MAX_LINE:
            self._shorten()

    def _shorten(self) -> None:
        """Draw the layers that are complete, and keep no more of the last than shows that it was cut."""
        complete, overdrawn, rest = self._raw.rpartition(b"\r")
        if overdrawn:
            self._seen = self._draw(complete)
        self._raw = rest
        del self._raw[MAX_LINE + 1 :]

    def _draw(self, layers: bytearray) -> str:
        if len(layers) > MAX_LINE:
            layers = bytearray(b"\r").join(_cut(layer) for layer in layers.split(b"\r"))
        return _drawn(self._seen, _COLOUR.sub(b"", layers))

    def close(self) -> str:
        """Return the line and begin the next one."""
        text = self._draw(self._raw) if self._seen or self._raw else ""
        self.is_begun, self._raw, self._seen = False, bytearray(), ""
        return text


def _cut(layer: bytearray) -> bytearray:
    """Return as much of a layer as is kept, without half a character at its end."""
    if len(layer) <= MAX_LINE:
        return layer
    return layer[: codecs.utf_8_decode(layer[:MAX_LINE], "replace", False)[1]]


def _drawn(seen: str, raw: bytes | bytearray) -> str:
    """Return what is seen of a line after more was written to it, from its first column on."""
    text = raw.decode("utf-8", "replace")
    if _is_plain(raw):
        return text + seen[len(text) :]
    text = _TO_FIRST_COLUMN.sub("\r", _INVISIBLE.sub("", text))
    *erased, text = _ERASED.split(text)
    layers = text.split("\r")
    if not erased:
        layers.insert(0, seen)
    return _overwritten(layers) if "\x08" in text or "\x1b" in text else _covered(layers)


def _covered(layers: list[str]) -> str:
    """Lay plain texts over one another: each hides as much of those before it as it is long."""
    seen = layers.pop()
    for layer in reversed(layers):
        if len(layer) > len(seen):
            seen += layer[len(seen) :]
    return seen


def _overwritten(layers: list[str]) -> str:
    """Lay texts with backspaces and erasures over one another; as lists, a step costs just its own length."""
    cells: list[str] = []
    for layer in layers:
        column = begin = 0
        for move in _MOVE.finditer(layer):
            column = _put(cells, column, layer[begin : move.start()])
            begin = move.end()
            if move[0] == "\x08":
                column = max(column - 1, 0)
            elif move[0] != "\x1b":
                del cells[column:]
        _put(cells, column, layer[begin:])
    return "".join(cells)


def _put(cells: list[str], column: int, text: str) -> int:
    cells[column : column + len(text)] = text
    return column + len(text)
