r"""Recorded text made harmless: what a command printed must not drive the reader's terminal.

Two lines of defence, and either alone is enough. Here, control characters become visible pictures (ESC
turns into U+241B), so that a reader sees that something was there. `acode_tui.guard` removes whatever a
widget let through anyway.

Joiners and variation selectors go too: terminals do not agree on how wide they make a character, and
then nothing after it stands where it should.

Harmful are C0 and C1 controls (OSC 52 writes the clipboard, CSI 2 J wipes the screen), bidirectional
controls (https://trojansource.codes), invisible characters, and lone surrogates, which cannot even be
written as UTF-8.
"""

from __future__ import annotations

import re

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u00ad\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff"
_JOINERS = "\u200c\u200d\ufe00-\ufe0f"
UNSAFE = re.compile(f"[\x00-\x1f\x7f-\x9f{_BIDI}{_INVISIBLE}{_JOINERS}\ud800-\udfff]")
"""One character that must not reach a terminal."""

_TAB = 8
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}


def one_line(text: str, limit: int = 4096) -> str:
    """Return the text as one harmless line of at most `limit` characters.

    White space of any kind becomes a space, everything else that is unsafe a visible stand-in.
    """
    text = text[:limit]
    return UNSAFE.sub(_inline, text) if UNSAFE.search(text) else text


def line_of_output(text: str) -> str:
    """Return a line of recorded output as a harmless one: tabs become spaces up to the next stop."""
    if not UNSAFE.search(text):
        return text
    if "\t" in text:
        text = text.expandtabs(_TAB)
    return UNSAFE.sub(_picture, text)


def strip_unsafe(text: str) -> str:
    """Return the text without its unsafe characters; they take no cell, so the width stays."""
    return UNSAFE.sub("", text) if UNSAFE.search(text) else text


def _inline(match: re.Match[str]) -> str:
    return " " if match[0] in "\t\n\r\v\f\u2028\u2029" else _picture(match)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in (0x200C, 0x200D) or 0xFE00 <= code <= 0xFE0F:
        return ""
    return _PICTURES.get(code, "\ufffd")
