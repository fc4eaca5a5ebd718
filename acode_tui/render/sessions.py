"""A line of the tree of sessions: which columns fit, and what stands in them for each kind of node.

Sessions, agents and runs share the columns, so that numbers stand below each other; the first column is
the tree. What a record says may be of any type: it is never trusted to be what it should.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from acode_tui.render.format import cost, duration, moment, tokens
from acode_tui.render.rows import GLYPHS, Column, Span, cells, elapsed, fit, short_model
from acode_tui.render.safe import one_line, text_of

if TYPE_CHECKING:
    from acode_tui.window.sessions import Line
    from collector import Run
    from collector.model.session import AgentInstance, Session

_MARKS = {"running": ("●", "running"), "ended": ("○", "muted"), "killed": ("⊘", "cancelled")}
_UNKNOWN = ("·", "faint")
_INDENT = 2
_LEAST_TEXT = 12

_WHAT = Column("what", "session", 0)
_AGENT = Column("agent", "agent", 11)
_TOOK = Column("took", "took", 6, right=True)
_RUNS = Column("runs", "runs", 5, right=True)
_FAILED = Column("failed", "fail", 4, right=True)
_TOKENS = Column("tokens", "tokens", 6, right=True)
_COST = Column("cost", "cost", 6, right=True)


class TreeLayout(NamedTuple):
    """The columns of a tree and the cells between two; `given` of them give their room to a run's command."""

    columns: tuple[Column, ...]
    gap: int
    given: int


def _started(width: int) -> Column:
    return Column("started", "started" if width > 6 else "when", width)


@lru_cache(64)
def tree_layout(width: int) -> TreeLayout:
    """Return the columns that suit a tree of this width; the first takes what is left."""
    gap, given = 1, 0
    if width < 44:
        chosen = [_WHAT, _TOKENS]
    elif width < 58:
        chosen = [_WHAT, _RUNS, _TOKENS]
    elif width < 70:
        chosen, given = [_WHAT, _started(5), _RUNS, _FAILED, _TOKENS], 1
    elif width < 96:
        chosen, given = [_WHAT, _AGENT, _started(5), _RUNS, _FAILED, _TOKENS, _COST], 2
    elif width < 112:
        gap, given = 2, 1
        chosen = [_WHAT, _AGENT, _started(8), _TOOK, _RUNS, _FAILED, _TOKENS, _COST]
    else:
        gap = 2
        agent, dollars = _AGENT._replace(width=16), _COST._replace(width=7)
        chosen = [_WHAT, agent, _started(12), _TOOK, _RUNS, _FAILED, _TOKENS, dollars]
    taken = sum(column.width + gap for column in chosen[1:]) + 2
    first = _WHAT._replace(width=max(_LEAST_TEXT, width - taken))
    return TreeLayout((first, *chosen[1:]), gap, given)


def title_spans(layout: TreeLayout) -> list[Span]:
    """Return the line of column titles."""
    titles = [fit(column.title, column.width, column.right) for column in layout.columns]
    return [(" " + (" " * layout.gap).join(titles) + " ", "faint")]


def line_spans(line: Line, layout: TreeLayout, now: int) -> list[Span]:
    """Return one line of the tree."""
    columns, gap = layout.columns, " " * layout.gap
    given = layout.given if line.key.kind == "run" else 0
    first = columns[0].width + sum(column.width + layout.gap for column in columns[1 : 1 + given])
    spans: list[Span] = [(" ", "text"), *_tree_cell(line, first)]
    if line.note:
        return spans
    values = _values(line, now)
    for column in columns[1 + given :]:
        text, ink = values.get(column.name, ("", "faint"))
        if column.name == "started":
            text = moment(int(text), now, column.width) if text else ""
        elif column is _COST and text.startswith("$0.00") and len(text) > column.width:
            text = "<$0.01"
        spans.append((gap + fit(text, column.width, column.right), ink))
    return [*spans, (" ", "text")]


def mark_column(line: Line) -> int:
    """Return the cell in which the mark of a node stands that opens and closes it."""
    return 1 + _INDENT * line.depth


def is_ticking(line: Line) -> bool:
    """Tell whether a line shows a time that goes on."""
    if line.run is not None:
        return not line.run.is_finished
    return _status_of(line) == "running"


def status_mark(status: object) -> Span:
    """Return the mark of a session's or an instance's status."""
    return _MARKS.get(str(status), _UNKNOWN)


def count_tokens(counts: Mapping[str, object]) -> int:
    """Return every token; `reasoning` is within `output` already."""
    return sum(n for kind, n in counts.items() if kind != "reasoning" and isinstance(n, int))


def instance_name(instance: AgentInstance | None) -> str:
    """Return what an agent is called: its name, its role, or the beginning of its id."""
    if instance is None:
        return "no known agent"
    named = text_of(instance.name) or text_of(instance.role)
    if named:
        return named
    return "main agent" if instance.parent_instance_id is None else text_of(instance.instance_id)[:12]


def session_name(session: Session) -> str:
    """Return a session's title, or its id."""
    return text_of(session.title).strip() or text_of(session.session_id)


def took(start: object, end: object, status: object, now: int) -> int | None:
    """Return for how long something went on, or has been going on."""
    if not isinstance(start, int):
        return None
    if status == "running":
        return max(0, now - start)
    return max(0, end - start) if isinstance(end, int) else None


def _status_of(line: Line) -> object:
    return line.instance.status if line.key.kind == "instance" and line.instance else line.session.status


def _tree_cell(line: Line, width: int) -> list[Span]:
    """Draw the first column: how deep it is, whether it is open, its mark, what it is called."""
    indent = " " * min(_INDENT * line.depth, max(0, width - _LEAST_TEXT))
    if line.note:
        return [(fit(f"{indent}  {line.note}", width), "faint")]
    arrow = "  " if line.is_open is None else "▾ " if line.is_open else "▸ "
    parts: list[Span] = [(indent + arrow, "faint")]
    if line.key.kind == "run":
        parts += _run_name(line.run)
    elif line.key.kind == "instance":
        parts += _instance_name(line)
    else:
        mark, ink = status_mark(line.session.status)
        parts += [(mark + " ", ink), (session_name(line.session), "text" if line.session.title else "muted")]
    return _cropped(parts, width)


def _run_name(run: Run | None) -> list[Span]:
    if run is None:
        return [("…", "faint")]
    return [(GLYPHS.get(run.status, "?") + " ", run.status), (one_line(run.command_line, 1000), "text")]


def _instance_name(line: Line) -> list[Span]:
    instance = line.instance
    if instance is None:
        return [("· ", "faint"), (instance_name(None), "muted")]
    mark, ink = status_mark(instance.status)
    parts: list[Span] = [(mark + " ", ink), (instance_name(instance), "accent")]
    role = text_of(instance.role) if instance.name else ""
    if role:
        parts.append((" " + role, "muted"))
    if instance.error:
        parts.append((" " + text_of(instance.error), "failure"))
    return parts


def _cropped(parts: list[Span], width: int) -> list[Span]:
    """Return spans in exactly so many cells."""
    shown: list[Span] = []
    room = width
    for number, (text, ink) in enumerate(parts):
        is_last = number + 1 == len(parts)
        if is_last or cells(text) > room:
            shown.append((fit(text, room), ink))
            return shown
        shown.append((text, ink))
        room -= cells(text)
    return shown


def _values(line: Line, now: int) -> dict[str, Span]:
    if line.key.kind == "run":
        return _run_values(line.run, now) if line.run is not None else {}
    if line.key.kind == "instance":
        return _instance_values(line, now)
    return _session_values(line.session, now)


def _session_values(session: Session, now: int) -> dict[str, Span]:
    started = session.started_at or session.last_run_at
    return {
        "agent": (text_of(session.agent, 80), "muted"),
        "started": (str(started or ""), "muted"),
        "took": _took_cell(session.started_at, session.ended_at, session.status, now),
        "runs": (count_text(session.runs, 5), "text"),
        "failed": (count_text(session.failed_runs, 4), "failure"),
        "tokens": (tokens(count_tokens(session.tokens)), "text"),
        "cost": (cost(session.cost), "muted"),
    }


def _instance_values(line: Line, now: int) -> dict[str, Span]:
    runs = (count_text(line.runs or 0, 5), "muted")
    instance = line.instance
    if instance is None:
        return {"runs": runs}
    return {
        "agent": (short_model(text_of(instance.model, 80)) or text_of(instance.agent, 80), "faint"),
        "started": (str(instance.created_at or ""), "faint"),
        "took": _took_cell(instance.created_at, instance.terminated_at, instance.status, now),
        "runs": runs,
        "tokens": (tokens(count_tokens(instance.tokens)), "muted"),
        "cost": (cost(instance.cost), "faint"),
    }


def _run_values(run: Run, now: int) -> dict[str, Span]:
    return {
        "agent": (one_line(run.tool or run.task, 80), "faint"),
        "started": (str(run.start_time), "faint"),
        "took": (duration(elapsed(run, now)), "muted" if run.is_finished else "running"),
        "failed": (str(run.exit_code or ""), "failure"),
        "tokens": (tokens(run.tokens_used), "faint"),
        "cost": (cost(run.cost), "faint"),
    }


def _took_cell(start: object, end: object, status: object, now: int) -> Span:
    return duration(took(start, end, status, now)), "running" if status == "running" else "muted"


def count_text(number: int, width: int) -> str:
    """Return a number, in thousands where it would be wider; nothing for none."""
    text = str(number or "")
    return text if len(text) <= width else f"{number // 1000}k"
