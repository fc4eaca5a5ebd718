"""A run as a row of the table: which columns fit, and what stands in them.

A row is a list of spans `(text, ink)`, where an ink is the name of a colour in the palette. Both the table
and the page that is painted before Textual is loaded are made from these spans, so they look the same.
"""

from __future__ import annotations

from acode_tui.render.format import duration, moment, size, tokens
from acode_tui.render.found import outcome_cell
from acode_tui.render.safe import one_line
from acode_tui.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from collector import Run

    Names = Mapping[tuple[str, str], str]

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
_TESTS = Column("tests", "tests", 8, right=True)
_SIZE = Column("size", "size", 7, right=True)
_AGENT = Column("agent", "agent", 11)
_MODEL = Column("model", "model", 12)
_TOKENS = Column("tokens", "tokens", 6, right=True)
_GAP = 2
_MIN_COMMAND = 8
_COMMAND = Column("command", "command", 0)


def _started(width: int) -> Column:
    return Column("started", "started" if width > 6 else "when", width)


def _duration(width: int) -> Column:
    return Column("duration", "took", width, right=True)


_SORTED = {"started": "start_time", "duration": "duration_ms", "size": "output_bytes"}
_columns: dict[tuple[int, bool, bool], tuple[Column, ...]] = {}
"""What was chosen before; `functools` would cost the splash more than the rows do."""


def columns_for(width: int, agents: bool = False, sizes: bool = False) -> tuple[Column, ...]:
    """Return the columns that suit a table of this width; `command` takes what is left.

    `agents` says that there are runs of agents: without them no room is given away. Up to 80 columns, and
    a little above, there is none to give. `sizes` asks for the size of the output, which takes the place of
    another column where there is no room for both.
    """
    key = width, agents, sizes
    if key not in _columns:
        chosen = _with_agents(width) if agents else _plain(width)
        if sizes and _SIZE not in chosen:
            chosen = _with_size(chosen)
        taken = sum(column.width for column in chosen) + _GAP * (len(chosen) - 1) + 2
        rest = max(_MIN_COMMAND, width - taken)
        _columns[key] = tuple(c._replace(width=rest) if c is _COMMAND else c for c in chosen)
    return _columns[key]


def _plain(width: int) -> list[Column]:
    command = _COMMAND
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
        chosen = [_STATUS, _started(12), _duration(7), task, command, _EXIT, _TESTS, _SESSION, _SIZE]
    return chosen


def _with_agents(width: int) -> list[Column]:
    """A table beside the preview is 74 wide on a screen of 120, 99 on one of 160, 124 on one of 200."""
    if width < 72 or 78 <= width < 84:
        return _plain(width)
    took, agent, command = _duration(7), _AGENT, _COMMAND
    if width < 78:
        return [_STATUS, _started(5), took, agent, command, _EXIT]
    if width < 96:
        return [_STATUS, _started(8), took, agent, command, _EXIT]
    if width < 112:
        return [_STATUS, _started(8), took, agent, command, _EXIT, _TOKENS]
    if width < 120:
        return [_STATUS, _started(8), took, agent, _MODEL, command, _EXIT, _TOKENS]
    if width < 152:
        started = _started(8 if width < 140 else 12)
        return [_STATUS, started, took, _TASK, agent, _MODEL, command, _EXIT, _TOKENS]
    agent, model = agent._replace(width=20), _MODEL._replace(width=16)
    if width < 170:
        return [_STATUS, _started(12), took, _TASK, agent, model, command, _EXIT, _TOKENS, _SIZE]
    task = _TASK._replace(width=16)
    return [
        _STATUS, _started(12), took, task, agent, model, command, _EXIT, _TESTS, _SESSION, _TOKENS, _SIZE,
    ]  # fmt: skip


def _with_size(columns: list[Column]) -> list[Column]:
    least = next((c for c in (_TASK, _TOKENS, _MODEL, _EXIT) if c in columns), None)
    return [*(column for column in columns if column is not least), _SIZE]


def header_spans(columns: Sequence[Column], order: tuple[str, bool] = ("", True)) -> list[Span]:
    """Return the row of column titles; `order` is what is sorted by, and whether the largest come first."""
    spans: list[Span] = [(" ", "faint")]
    for number, column in enumerate(columns):
        sort, descending = order
        is_sorted = bool(sort) and _SORTED.get(column.name) == sort
        title = column.title + ("↓" if descending else "↑") * is_sorted
        gap = " " * _GAP if number + 1 < len(columns) else " "
        cell, ink = fit(title, column.width, column.right) + gap, "accent" if is_sorted else "faint"
        if spans[-1][1] == ink:
            spans[-1] = (spans[-1][0] + cell, ink)
        else:
            spans.append((cell, ink))
    return spans


def row_spans(run: Run, columns: Sequence[Column], now: int, names: Names | None = None) -> list[Span]:
    """Return one run's row; neighbours of one ink are merged, because spans cost time to draw.

    `names` holds what subagents are called, as far as it is known.
    """
    spans: list[Span] = [(" ", "text")]
    for number, column in enumerate(columns):
        if names and column.name == "agent":
            text, ink = _named_agent(run, column.width, names)
        else:
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
    if width <= 0:
        return ""
    if text.isascii():
        if len(text) > width:
            return text[: width - 1] + "…"
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


_NARROW = frozenset("…●○✓✗◷⊘▌│─·❯⏎↑↓←→↳▸▾≤")  # noqa: RUF001 - what the screens are drawn with


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


def _tests_cell(run: Run, width: int, now: int) -> Span:
    return outcome_cell(run.summary)


def _agent_cell(run: Run, width: int, now: int) -> Span:
    return one_line(run.agent or "", 80), "muted"


def _named_agent(run: Run, width: int, names: Names) -> Span:
    """A subagent by its own name; its agent too, where there is room."""
    agent, ink = _agent_cell(run, width, 0)
    name = names.get((run.session_id or "", run.agent_instance_id or ""))
    if not name:
        return agent, ink
    name = "↳" + one_line(name, 80)
    return f"{agent} {name}" if cells(agent) + 1 + cells(name) <= width else name, ink


def _model_cell(run: Run, width: int, now: int) -> Span:
    return short_model(run.model), "faint"


def _tokens_cell(run: Run, width: int, now: int) -> Span:
    return tokens(run.tokens_used), "faint"


def short_model(model: str | None) -> str:
    """Return a model's name without its vendor and date: `sonnet-4-5` of `claude-sonnet-4-5-20250929`."""
    name = one_line(model or "", 200).rpartition("/")[2].removeprefix("claude-")
    front, _, date = name.rpartition("-")
    return front if front and len(date) == 8 and date.isdigit() else name


_CELLS = {
    "status": _status_cell,
    "glyph": _glyph_cell,
    "started": _started_cell,
    "duration": _duration_cell,
    "task": _task_cell,
    "command": _command_cell,
    "exit": _exit_cell,
    "session": _session_cell,
    "agent": _agent_cell,
    "model": _model_cell,
    "tokens": _tokens_cell,
    "size": _size_cell,
    "tests": _tests_cell,
}
