"""Recorded output on its way to a terminal: text and colours pass, nothing else does.

What a program once printed can move the cursor, rewrite the screen, set the window's title, or make the
terminal answer as if keys had been pressed. Only SGR sequences (ECMA-48, 8.3.117: colours and bold) go
through, except concealed text; every other control character becomes visible.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

_SGR = re.compile(r"\x1b\[([0-9;:]{0,64})m")
_UNFINISHED = re.compile(r"\x1b(\[[0-9;:]{0,64})?\Z")
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
_CONCEAL = re.compile(r"(?:\A|;)0*8(?:;|\Z)")
_EXTENDED_COLOR = re.compile(r"[345]8[;:](?:5[;:]\d*|2(?:[;:]\d*){3})")
_SNIFF_BYTES = 8192
RESET = "\x1b[0m"


def is_binary(start: bytes) -> bool:
    """Tell from its first bytes whether content is no text; text never holds a NUL."""
    return b"\0" in start[:_SNIFF_BYTES]


class HarmlessStream:
    """Turns recorded bytes into UTF-8 that can only be seen; what comes out is the same however cut.

    Args:
        color: whether SGR sequences stay.
    """

    def __init__(self, color: bool = True) -> None:
        self._color = color
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._colored = False

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown after these bytes."""
        text, self._rest = _hold_back(self._rest + self._decoder.decode(data))
        return self._show(text)

    def end(self) -> bytes:
        """Return what is left, and give the terminal its own colours back."""
        shown = self._show(self._rest + self._decoder.decode(b"", final=True))
        self._rest = ""
        return shown + (RESET.encode() if self._colored else b"")

    def _show(self, text: str) -> bytes:
        shown = make_text_harmless(text, self._color)
        self._colored = self._colored or "\x1b" in shown
        return shown.encode()


def make_harmless(chunks: Iterable[bytes], color: bool = True) -> Iterator[bytes]:
    """Yield recorded bytes as `HarmlessStream` shows them; memory stays flat."""
    stream = HarmlessStream(color)
    for chunk in chunks:
        yield stream.feed(chunk)
    yield stream.end()


def _hold_back(text: str) -> tuple[str, str]:
    """Keep a sequence or a line end that the next chunk may complete."""
    unfinished = _UNFINISHED.search(text)
    if unfinished:
        return text[: unfinished.start()], text[unfinished.start() :]
    return (text[:-1], "\r") if text.endswith("\r") else (text, "")


def make_text_harmless(text: str, color: bool = True) -> str:
    """Return a text, which may have several lines, that can only be seen."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    parts = []
    position = 0
    for match in _SGR.finditer(text):
        parts.append(_UNSAFE.sub(_visible, text[position : match.start()]))
        if color and not _CONCEAL.search(_EXTENDED_COLOR.sub("", match[1])):
            parts.append(match[0])
        position = match.end()
    parts.append(_UNSAFE.sub(_visible, text[position:]))
    return "".join(parts)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
