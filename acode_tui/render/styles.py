"""Inks into Rich styles. The sixteen terminal colours become the palette's own, so that recorded output
is readable on a light background too.
"""  # noqa: D205 - one sentence each

from __future__ import annotations

from functools import lru_cache

from rich.color import Color
from rich.style import Style

from acode_tui.render.ansi import Ink, Sgr
from acode_tui.render.palette import Palette

_CODE_INKS = {
    "comment": "faint", "keyword": "cancelled", "string": "success", "number": "timeout",
    "name": "running", "attribute": "accent",
}  # fmt: skip
_SIXTEEN = ("panel", "failure", "success", "timeout", "running", "cancelled", "running", "muted")
_BRIGHT = ("faint", "failure", "success", "timeout", "running", "cancelled", "running", "text")


@lru_cache(4096)
def style_of(palette: Palette, ink: Ink, background: str = "background", bold: bool = False) -> Style:
    """Return the style of an ink on one of the palette's backgrounds."""
    ground = str(getattr(palette, background))
    if isinstance(ink, Sgr):
        return _sgr_style(palette, ink, ground)
    color = str(getattr(palette, _CODE_INKS.get(ink, ink)))
    return Style(color=color, bgcolor=ground, bold=bold or None, italic=ink == "comment" or None)


def _sgr_style(palette: Palette, ink: Sgr, ground: str) -> Style:
    color = _color(palette, ink.color) or palette.text
    behind = _color(palette, ink.background) or ground
    if ink.background is not None and ink.color in (None, 0, 7, 15):
        # Black or white on a colour: what is readable on it depends on the palette.
        color = palette.background
    if ink.reverse:
        color, behind = behind, color
    if ink.dim and not ink.reverse:
        color = palette.faint
    return Style(
        color=color,
        bgcolor=behind,
        bold=ink.bold or None,
        italic=ink.italic or None,
        underline=ink.underline or None,
        strike=ink.strike or None,
    )


def _color(palette: Palette, value: int | str | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if value < 16:
        names = _SIXTEEN if value < 8 else _BRIGHT
        return str(getattr(palette, names[value % 8]))
    return Color.from_ansi(value).get_truecolor().hex
