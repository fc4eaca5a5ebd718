"""A run as a row of the table: which columns fit, and what stands in them.

A row is a list of spans `(text, ink)`, where an ink is the name of a colour in the palette. Both the table
and the page that is painted before Textual is loaded are made from these spans, so they look the same.
"""

from __future__ import annotations

from acode_tui.render.format import duration, moment, size
from acode_tui.render.safe import one_line
from acode_tui.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector import Run

Span = tuple[str, str]

GLYPHS = {
    "running": "●", "success": "✓", "failure": "✗", "timeout": "◷", "cancelled": "⊘",
}  # fmt: skip


class Column(NamedTuple):
    """One column: its width in cells and whether it is flush right."""

    name: str
    title: str
    width: int
    right: bool = False


_STATUS = Column("status", "status", 11)
_GLYPH = Column("glyph", "", 1)
_TASK = Column("task", "task", 12)
_EXIT = Column("exit", "exit", 4, right=True)
_SESSION = Column("session", "session", 10)
_SIZE = Column("size", "size", 7, right=True)
_GAP = 2
_MIN_COMMAND = 8


def _started(width: int) -> Column:
    return Column("started", "started" if width > 6 else "when", width)


def _duration(width: int) -> Column:
    return Column("duration", "took", width, right=True)


_columns: dict[int, tuple[Column, ...]] = {}  # `functools` would cost the splash more than the rows do


def columns_for(width: int) -> tuple[Column, ...]:
    """Return the columns that suit a table of this width; `command` takes what is left."""
    if width not in _columns:
        _columns[width] = _choose(width)
    return _columns[width]


def _choose(width: int) -> tuple[Column, ...]:
    command = Column("command", "command", 0)
    if width < 56:
        chosen = [_GLYPH, _started(5), _duration(6), command]
    elif width < 78:
        chosen = [_STATUS, _started(8), _duration(7), command, _EXIT]
    elif width < 104:
        chosen = [_STATUS, _started(8), _duration(7), _TASK, command, _EXIT]
    elif width < 124:
        chosen = [_STATUS, _started(12), _duration(7), _TASK, command, _EXIT, _SIZE]
    else:
        task = _TASK._replace(width=16)
        chosen = [_STATUS, _started(12), _duration(7), task, command, _EXIT, _SESSION, _SIZE]
    taken = sum(column.width for column in chosen) + _GAP * (len(chosen) - 1) + 2
    rest = max(_MIN_COMMAND, width - taken)
    return tuple(c._replace(width=rest) if c.name == "command" else c for c in chosen)


def header_spans(columns: Sequence[Column]) -> list[Span]:
    """Return the row of column titles."""
    cells = [fit(column.title, column.width, column.right) for column in columns]
    return [(" " + (" " * _GAP).join(cells) + " ", "faint")]


def row_spans(run: Run, columns: Sequence[Column], now: int) -> list[Span]:
    """Return one run's row; neighbours of one ink are merged, because spans cost time to draw."""
    spans: list[Span] = [(" ", "text")]
    for number, column in enumerate(columns):
        text, ink = _CELLS[column.name](run, column.width, now)
        gap = " " * _GAP if number + 1 < len(columns) else " "
        cell = fit(text, column.width, column.right) + gap
        if spans[-1][1] == ink:
            spans[-1] = (spans[-1][0] + cell, ink)
        else:
            spans.append((cell, ink))
    return spans


def elapsed(run: Run, now: int) -> int | None:
    """Return how long a run took, or has been running."""
    if run.is_finished:
        return run.duration_ms
    return max(0, now - run.start_time)


def status_text(run: Run) -> str:
    """Return the status as glyph and word, which says it without colour too."""
    return f"{GLYPHS.get(run.status, '?')} {run.status}"


def fit(text: str, width: int, right: bool = False) -> str:
    """Return the text in exactly so many cells, cut with an ellipsis where it is too long."""
    if text.isascii():
        if len(text) > width:
            return text[: width - 1] + "…" if width > 0 else ""
        return text.rjust(width) if right else text.ljust(width)
    taken = cells(text)
    if taken > width:
        text, taken = _cut(text, width)
    space = " " * (width - taken)
    return space + text if right else text + space


def cells(text: str) -> int:
    """Return how many cells a harmless text takes."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _cut(text: str, width: int) -> tuple[str, int]:
    taken = 0
    for place, character in enumerate(text):
        step = _cell(character)
        if taken + step > width - 1:
            return text[:place] + "…", taken + 1
        taken += step
    return text, taken


_NARROW = frozenset("…●✓✗◷⊘▌│─·❯⏎↑↓←→")  # noqa: RUF001 - what the screens are drawn with


_widths: dict[str, int] = {}


def _cell(character: str) -> int:
    if character in _NARROW or character < "\u0300":
        return 1
    if character not in _widths:
        # Rich's table is what Textual lays out with; where they differ, the table would not line up.
        from rich.cells import get_character_cell_size

        _widths[character] = get_character_cell_size(character)
    return _widths[character]


def _status_cell(run: Run, width: int, now: int) -> Span:
    return status_text(run), run.status


def _glyph_cell(run: Run, width: int, now: int) -> Span:
    return GLYPHS.get(run.status, "?"), run.status


def _started_cell(run: Run, width: int, now: int) -> Span:
    return moment(run.start_time, now, width), "muted"


def _duration_cell(run: Run, width: int, now: int) -> Span:
    return duration(elapsed(run, now)), "muted" if run.is_finished else "running"


def _task_cell(run: Run, width: int, now: int) -> Span:
    return one_line(run.task, 200), "muted"


def _command_cell(run: Run, width: int, now: int) -> Span:
    return one_line(run.command_line, 1000), "text"


def _exit_cell(run: Run, width: int, now: int) -> Span:
    if run.exit_code is None:
        return ("·", "faint") if run.is_finished else ("", "faint")
    return str(run.exit_code), "faint" if run.exit_code == 0 else "failure"


def _session_cell(run: Run, width: int, now: int) -> Span:
    # The beginning is what `session:` filters by. Of a ULID or a UUID the first eight characters tell two
    # sessions apart (of a ULID they are the time, to a second); a name is shown as far as there is room.
    name = one_line(run.session_id or "", 80)
    return (name[:8] if len(name) in (26, 36) else name), "faint"


def _size_cell(run: Run, width: int, now: int) -> Span:
    return (size(run.output_bytes) if run.output_bytes else ""), "faint"


_CELLS = {
    "status": _status_cell,
    "glyph": _glyph_cell,
    "started": _started_cell,
    "duration": _duration_cell,
    "task": _task_cell,
    "command": _command_cell,
    "exit": _exit_cell,
    "session": _session_cell,
    "size": _size_cell,
}
