"""A series of numbers as one line of blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_PLAIN = "_.-:=+*#"


def spark_line(values: Sequence[float | None], top: float, blocks: bool = True) -> str:
    """Return a character for each value.

    Args:
        values: from 0 to `top`; a space stands for None.
        top: what the highest character stands for.
        blocks: whether the terminal can show them; else plain ASCII.
    """
    signs = _BLOCKS if blocks else _PLAIN
    return "".join(" " if value is None else signs[_level(value, top, len(signs))] for value in values)


def _level(value: float, top: float, levels: int) -> int:
    return max(0, min(levels - 1, round(value / top * (levels - 1)))) if top > 0 else 0


def can_show_blocks(environ: Mapping[str, str]) -> bool:
    """Tell whether the locale is one of UTF-8, by the first variable that says so (POSIX, chapter 8.2)."""
    locale = next(filter(None, (environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    return "utf" in locale.lower()
