"""The lines of the filter pane, and how they are drawn; pure."""

from __future__ import annotations

from acode_tui.render.format import tokens
from acode_tui.render.rows import GLYPHS, Span, cells, fit
from acode_tui.render.safe import one_line
from acode_tui.values import NamedTuple
from collector import SAVED_FIELD

TITLES = {
    SAVED_FIELD: "saved filters", "status": "status", "type": "type", "agent": "agent",
    "session_id": "session", "task": "task", "tag": "tag", "model": "model", "host": "host",
    "working_directory": "directory",
}  # fmt: skip
"""The groups in their order."""

HEAD, VALUE, MORE, SLOW = "head", "value", "more", "slow"
_IDS = frozenset({26, 36})
"""How long ids are whose beginning says enough: ULIDs and UUIDs."""

_LEAST = 10
"""So many columns beside a count, or there is no room for it."""


class FacetLine(NamedTuple):
    """The head of a group, a value, how many more there are, or that counting takes too long."""

    kind: str
    field: str
    value: str = ""
    number: int | None = None
    is_on: bool = False
    is_excluded: bool = False
    is_open: bool = True


def facet_spans(line: FacetLine, width: int) -> list[Span]:
    """Return a line of exactly so many cells; its first span is where the cursor is marked."""
    if line.kind == HEAD:
        sign = "▾" if line.is_open else "▸"
        return [(" ", "text"), (fit(f"{sign} {TITLES[line.field]}", width - 1), "faint")]
    if line.kind == MORE:
        return [(" ", "text"), (fit(f"  … {line.number:,} more", width - 1), "muted")]
    if line.kind == SLOW:
        return [(" ", "text"), (fit("  … takes too long", width - 1), "faint")]
    count = "" if line.number is None else count_text(line.number)
    if width < cells(count) + _LEAST:
        count = ""
    room = max(1, width - 4 - cells(count) - bool(count))
    mark: Span = (
        ("- ", "failure") if line.is_excluded else ("✓ ", "success") if line.is_on else ("  ", "text")
    )
    ink = "muted" if line.is_excluded else "accent" if line.is_on else "text"
    label = fit(value_text(line.field, line.value, room), room)
    end: Span = ((" " + count if count else "") + " ", "muted")
    if line.field == "status" and line.value in GLYPHS:
        return [(" ", "text"), mark, (label[:1], line.value), (label[1:], ink), end]
    return [(" ", "text"), mark, (label, ink), end]


def count_text(number: int) -> str:
    """Return a number in at most seven cells."""
    return f"{number:,}" if number < 100_000 else tokens(number)


def value_text(field: str, value: str, room: int) -> str:
    """Return a value as it is recognised: a path by its end, an id by its beginning."""
    text = one_line(value, 300)
    if field == "status":
        return f"{GLYPHS.get(value, '?')} {text}"
    if field == SAVED_FIELD:
        return f"@{text}"
    if field == "session_id" and len(text) in _IDS:
        return text[:13]
    if field == "working_directory" and len(text) > room:
        return "…" + text[len(text) - room + 1 :]
    return text
