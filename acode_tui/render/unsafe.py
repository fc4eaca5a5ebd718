"""Which characters must not reach a terminal, and what stands for them; loaded when a text may have one."""

from __future__ import annotations

import re

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u00ad\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff"
_JOINERS = "\u200c\u200d\ufe00-\ufe0f"
UNSAFE = re.compile(f"[\x00-\x1f\x7f-\x9f{_BIDI}{_INVISIBLE}{_JOINERS}\ud800-\udfff]")
"""One character that must not reach a terminal."""

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}


def inline(text: str) -> str:
    """Return the text with spaces for white space of any kind, and pictures for the rest."""
    return UNSAFE.sub(_inline, text)


def pictures(text: str) -> str:
    """Return the text with visible stand-ins."""
    return UNSAFE.sub(_picture, text)


def removed(text: str) -> str:
    """Return the text without them."""
    return UNSAFE.sub("", text)


def _inline(match: re.Match[str]) -> str:
    return " " if match[0] in "\t\n\r\v\f\u2028\u2029" else _picture(match)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in (0x200C, 0x200D) or 0xFE00 <= code <= 0xFE0F:
        return ""
    return _PICTURES.get(code, "\ufffd")
