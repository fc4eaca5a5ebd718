"""The two looks, as plain data: both Textual's themes and the first painted page are made from it.

Contrast of every text colour on `background`, `surface` and `selection` is at least 4.5:1 (`faint`, which
only draws rules and hints, 3:1); a test computes it.
"""

from __future__ import annotations

from acode_tui.values import NamedTuple


class Palette(NamedTuple):
    """The colours of one look, as `#rrggbb`."""

    name: str
    dark: bool
    background: str
    surface: str
    panel: str
    selection: str
    selection_blurred: str
    border: str
    text: str
    muted: str
    faint: str
    accent: str
    success: str
    failure: str
    running: str
    timeout: str
    cancelled: str
    match: str


DARK = Palette(
    name="acode-dark",
    dark=True,
    background="#0f131a",
    surface="#151b25",
    panel="#1b2330",
    selection="#26354b",
    selection_blurred="#1c2634",
    border="#2c3748",
    text="#dce3ee",
    muted="#93a1b5",
    faint="#74839b",
    accent="#ff9d4d",
    success="#74d39a",
    failure="#ff7b86",
    running="#62c0ff",
    timeout="#f0c15c",
    cancelled="#b9a2ea",
    match="#6b4a12",
)
LIGHT = Palette(
    name="acode-light",
    dark=False,
    background="#fcfbf9",
    surface="#f4f2ee",
    panel="#ebe8e2",
    selection="#d9e6f5",
    selection_blurred="#e9edf2",
    border="#cfc9be",
    text="#1f242c",
    muted="#525b68",
    faint="#747b86",
    accent="#a34700",
    success="#15693d",
    failure="#b3243c",
    running="#0a5c9e",
    timeout="#7d5600",
    cancelled="#6240a0",
    match="#ffe08a",
)
PALETTES = {palette.name: palette for palette in (DARK, LIGHT)}


def palette_of(theme: str) -> Palette:
    """Return the palette of a theme; the dark one for a name that is not ours."""
    return PALETTES.get(theme, DARK)
