"""Recorded output with its colours, and nothing else that a terminal would act on.

SGR (`ESC [ … m`, ECMA-48 8.3.117) becomes spans; every other complete sequence is dropped; what is left
over of a broken one becomes visible pictures.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from acode_tui.render.safe import is_safe, line_of_output
from acode_tui.render.unsafe import UNSAFE

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])"  # CSI
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]{0,65536}(?:\x07|\x1b\\|\x9c)"  # strings
    r"|\x1b[ -/]+[0-~]|\x1b[0-OQ-WYZ\\a-~]"  # character sets and other short ones
)
_COLORS_IN_LIST = {2: 3, 5: 1}


class Sgr(NamedTuple):
    """How a piece of output wants to look. Colours: 0 to 255, or `#rrggbb`, or None for the default."""

    color: int | str | None = None
    background: int | str | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Sgr()
Ink = Sgr | str
InkSpan = tuple[int, int, Ink]


class Styled(NamedTuple):
    """A harmless line and the spans `(start, end, ink)` that are not in the default ink."""

    text: str
    spans: tuple[InkSpan, ...] = ()


def parse_line(data: bytes, state: Sgr = PLAIN) -> tuple[Styled, Sgr]:
    """Return a line of recorded output, and the state in which the next one begins."""
    text = data.decode("utf-8", "replace")
    if is_safe(text) or not UNSAFE.search(text):
        return Styled(text, ((0, len(text), state),) if state != PLAIN and text else ()), state
    text = _last_overprint(text)
    parts: list[str] = []
    spans: list[InkSpan] = []
    done, length = 0, 0

    def add(piece: str) -> None:
        nonlocal length
        harmless = line_of_output(_stops(piece, length))
        if harmless and state != PLAIN:
            spans.append((length, length + len(harmless), state))
        parts.append(harmless)
        length += len(harmless)

    for match in _SEQUENCE.finditer(text):
        add(text[done : match.start()])
        done = match.end()
        if match[2] == "m":
            state = apply_sgr(state, match[1])
    add(text[done:])
    return Styled("".join(parts), tuple(spans)), state


def apply_sgr(state: Sgr, parameters: str) -> Sgr:
    """Return the state after an SGR sequence; what is not known changes nothing."""
    try:
        codes = [int(code or 0) for code in parameters.replace(":", ";").split(";")]
    except ValueError:
        return state
    place = 0
    while place < len(codes):
        code = codes[place]
        place += 1
        if code in (38, 48):
            color, used = _extended(codes[place:])
            place += used
            if color is not None:
                state = state._replace(color=color) if code == 38 else state._replace(background=color)
        else:
            state = _simple(state, code)
    return state


_SWITCHES: dict[int, dict[str, bool]] = {
    1: {"bold": True}, 2: {"dim": True}, 3: {"italic": True}, 4: {"underline": True},
    7: {"reverse": True}, 9: {"strike": True}, 21: {"underline": True},
    22: {"bold": False, "dim": False}, 23: {"italic": False}, 24: {"underline": False},
    27: {"reverse": False}, 29: {"strike": False},
}  # fmt: skip


def _simple(state: Sgr, code: int) -> Sgr:
    if code == 0:
        return PLAIN
    if code in _SWITCHES:
        return state._replace(**_SWITCHES[code])
    for base, first in ((30, 0), (90, 8)):
        if base <= code <= base + 7:
            return state._replace(color=code - base + first)
        if base + 10 <= code <= base + 17:
            return state._replace(background=code - base - 10 + first)
    if code == 39:
        return state._replace(color=None)
    if code == 49:
        return state._replace(background=None)
    return state


def _extended(codes: list[int]) -> tuple[int | str | None, int]:
    """Read `5;n` or `2;r;g;b` after 38 or 48."""
    kind = codes[0] if codes else 0
    used = 1 + _COLORS_IN_LIST.get(kind, 0)
    values = codes[1:used]
    if len(codes) < used or any(not 0 <= value <= 255 for value in values):
        return None, used
    if kind == 5:
        return values[0], used
    if kind == 2:
        return "#{:02x}{:02x}{:02x}".format(*values), used
    return None, used


def _last_overprint(text: str) -> str:
    """Return what a line looks like after its carriage returns: the last thing printed over it."""
    if "\r" not in text:
        return text
    parts = [part for part in text.split("\r") if part]
    if len(parts) < 2:
        return parts[0] if parts else ""
    # The colour set before the overprint still holds.
    before = "".join(match[0] for part in parts[:-1] for match in _SEQUENCE.finditer(part))
    return before + parts[-1]


def _stops(piece: str, column: int) -> str:
    """Expand tabs as they fall in the whole line, not in this piece of it."""
    if "\t" not in piece:
        return piece
    return (" " * (column % 8) + piece).expandtabs(8)[column % 8 :]
