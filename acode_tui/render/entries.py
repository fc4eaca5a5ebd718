"""Log entries as lines: time, level, where they were printed, message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from acode_tui.render.ansi import Styled
from acode_tui.render.lines import at_ends, in_lines, in_words, whole
from acode_tui.render.rows import Span, fit
from acode_tui.render.safe import text_of

if TYPE_CHECKING:
    from collector import LogEntry

LEVELS = ("debug", "info", "warn", "error")
INKS = {"debug": "faint", "info": "running", "warn": "timeout", "error": "failure"}
_RANKS = {level: rank for rank, level in enumerate(LEVELS)}
_MAX_CONTEXT = 100


class EntryLayout(NamedTuple):
    """How wide the columns are; 0 for those that there is no room for."""

    time: int
    where: int


def layout(width: int) -> EntryLayout:
    """Return what suits a listing of this width."""
    if width < 56:
        return EntryLayout(0, 0)
    return EntryLayout(8 if width < 100 else 12, 7 if width < 100 else 14)


def level_of(entry: LogEntry) -> int:
    """Return the rank of an entry's level; one that is not known counts as info."""
    level: object = entry.level
    return _RANKS.get(level, 1) if isinstance(level, str) else 1


def local_time(timestamp: object, width: int) -> str:
    """Return the time of day in the machine's own zone; nothing for what is no time."""
    from datetime import datetime

    if not isinstance(timestamp, str):
        return ""
    try:
        moment = datetime.fromisoformat(timestamp)
        if moment.tzinfo is not None:
            moment = moment.fromtimestamp(moment.timestamp(), tz=None)
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.strftime("%H:%M:%S") + (f".{moment.microsecond // 1000:03}" if width >= 12 else "")


def entry_line(entry: LogEntry, is_open: bool | None, width: int) -> Styled:
    """Return an entry on one line; `is_open` is None for one of which there is no more."""
    columns = layout(width)
    level = text_of(entry.level, 20)
    ink = INKS.get(level, "muted")
    fold = " " if is_open is None else "▾" if is_open else "▸"
    left: list[tuple[str, str]] = [(" ", "text")]
    if columns.time:
        left.append((f"{local_time(entry.timestamp, columns.time):<{columns.time}} ", "muted"))
    left.append((f"{fit(level, 5)} ", ink))
    if columns.where:
        left.append((fit(where_text(entry, columns.where), columns.where, right=True) + " ", "faint"))
    message = text_of(entry.message, 2000)
    left += [(f"{fold} ", "faint"), (message, ink if level in ("warn", "error") else "text")]
    return at_ends(left, [], width)


def where_text(entry: LogEntry, width: int) -> str:
    """Return the stream and the line in which an entry was printed, or the line alone."""
    line = text_of(entry.line, 12)
    stream = text_of(entry.stream, 20)
    return f"{stream}:{line}" if width >= 12 else line


def has_more(entry: LogEntry) -> bool:
    """Tell whether there is more of an entry than one line shows."""
    message = whole(entry.message)
    return bool(entry.context) or "\n" in message or len(message) > 60


def entry_details(entry: LogEntry, width: int) -> list[Styled]:
    """Return the whole message of an entry, and what came with it."""
    lines = in_lines(whole(entry.message), width, 500)
    context: object = entry.context
    known = context.items() if isinstance(context, Mapping) else [("context", context)] if context else ()
    for number, (name, value) in enumerate(known):
        if number == _MAX_CONTEXT:
            break
        lines += in_words(f"{text_of(name, 100)}={text_of(value, 2000)}", "muted", width, 10)
    return lines


def entries_title(counts: Sequence[int], width: int) -> list[Span]:
    """Return the titles of the columns, and how many entries of each level there are."""
    columns = layout(width)
    left: list[tuple[str, str]] = [(" ", "faint")]
    if columns.time:
        left.append((f"{'time':<{columns.time}} ", "faint"))
    left.append(("level ", "faint"))
    if columns.where:
        left.append((f"{'printed' if columns.where >= 12 else 'line':>{columns.where}} ", "faint"))
    left.append(("  message", "faint"))
    right = [
        (f"  {number:,} {name}", INKS[name])
        for name, number in reversed(list(zip(LEVELS, counts, strict=True)))
        if number
    ]
    line = at_ends(left, [*right, (" ", "text")], width)
    return [(line.text[low:high], str(ink)) for low, high, ink in line.spans]
