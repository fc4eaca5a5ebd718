"""A session or an agent in words: what the preview of the tree says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from acode_tui.render.ansi import Styled
from acode_tui.render.format import cost, count, duration, full_moment, size, tokens
from acode_tui.render.rows import Span, fit
from acode_tui.render.safe import text_of
from acode_tui.render.sessions import (
    count_tokens,
    instance_name,
    session_name,
    status_mark,
    took,
)
from acode_tui.render.strips import word_ranges
from acode_tui.render.summary import TOKEN_KINDS, rule

if TYPE_CHECKING:
    from collector.model.session import AgentInstance, Session

_LABEL = 11
_MAX_PROMPT = 20_000
_MAX_TRANSCRIPTS = 200
Facts = list[tuple[str, str]]


def session_lines(session: Session, width: int, now: int) -> list[Styled]:
    """Return all that is known of a session."""
    lines = _title(session_name(session), width)
    lines.append(_status_line(session.status, session.started_at, session.ended_at, now))
    lines.append(Styled(""))
    runs = count(session.runs, "run")
    failed = f", {session.failed_runs:,} failed" if session.failed_runs else ""
    lines += _facts(
        [
            ("id", text_of(session.session_id)),
            ("agent", _words(session.agent, session.agent_version)),
            ("model", text_of(session.model)),
            ("team", text_of(session.team)),
            ("in", text_of(session.working_directory)),
            ("branch", text_of(session.git_branch)),
            ("started", _moment(session.started_at)),
            ("ended", _moment(session.ended_at) if session.status != "running" else ""),
            ("because", _words(session.end_reason, session.error)),
            ("last run", _moment(session.last_run_at)),
            ("runs", runs + failed),
            ("prompts", text_of(session.prompts or None)),
            ("cost", cost(session.cost)),
            ("resumes", text_of(session.parent_session_id)),
        ],
        width,
    )
    lines += _token_lines(session.tokens, width)
    lines += _transcript_lines(session.transcripts, width)
    return lines


def instance_lines(
    instance: AgentInstance, instances: Sequence[AgentInstance], runs: int | None, width: int, now: int
) -> list[Styled]:
    """Return all that is known of an agent; `instances` are all of its session."""
    parents = [i for i in instances if i.instance_id == instance.parent_instance_id]
    lines = _title(instance_name(instance), width)
    lines.append(_status_line(instance.status, instance.created_at, instance.terminated_at, now))
    lines.append(Styled(""))
    lines += _facts(
        [
            ("id", text_of(instance.instance_id)),
            ("role", text_of(instance.role)),
            ("agent", _words(instance.agent, instance.agent_version)),
            ("model", text_of(instance.model)),
            ("parent", instance_name(parents[0]) if parents else text_of(instance.parent_instance_id)),
            ("in", text_of(instance.workspace)),
            ("started", _moment(instance.created_at)),
            ("ended", _moment(instance.terminated_at) if instance.status != "running" else ""),
            ("error", text_of(instance.error)),
            ("runs", "" if runs is None else f"{runs:,}"),
            ("cost", cost(instance.cost)),
            ("by call", text_of(instance.tool_call_id)),
        ],
        width,
    )
    lines += _token_lines(instance.tokens, width)
    if instance.prompt:
        lines += [Styled(""), rule("prompt", width)]
        for part in str(instance.prompt)[:_MAX_PROMPT].splitlines():
            text = text_of(part, _MAX_PROMPT)
            lines += [Styled(text[low:high]) for low, high in word_ranges(text, max(8, width))]
    return lines


def rest_lines(runs: int | None, width: int) -> list[Styled]:
    """Return what is known of runs that no agent of their session claims."""
    lines = _title(instance_name(None), width)
    text = "Runs of this session that no channel ascribes to one of its agents."
    lines += _muted(text, width)
    return [*lines, Styled(""), *_facts([("runs", "" if runs is None else f"{runs:,}")], width)]


def _title(text: str, width: int) -> list[Styled]:
    ranges = word_ranges(text, max(8, width))[:4]
    return [Styled(text[low:high], ((0, high - low, "accent"),)) for low, high in ranges]


def _status_line(status: object, start: object, end: object, now: int) -> Styled:
    mark, ink = status_mark(status)
    parts: list[Span] = [(f"{mark} {text_of(status)}", ink)]
    lasted = duration(took(start, end, status, now))
    if lasted:
        parts.append((f" · {lasted}", "muted"))
    return _joined(parts)


def _facts(facts: Facts, width: int) -> list[Styled]:
    """Return facts below each other, long ones on several lines."""
    lines = []
    inner = max(8, width - _LABEL)
    for name, value in facts:
        if not value:
            continue
        for number, (low, high) in enumerate(word_ranges(value, inner)):
            label = (name if number == 0 else "").ljust(_LABEL)
            lines.append(_joined([(label, "faint"), (value[low:high], "text")]))
    return lines


def _token_lines(counts: Mapping[str, object], width: int) -> list[Styled]:
    """Return the tokens by kind, with bars of their share."""
    total = count_tokens(counts)
    if total <= 0:
        return []
    lines = [Styled(""), rule(f"{tokens(total)} tokens", width)]
    for kind, number in counts.items():
        if isinstance(number, int) and number > 0:
            label = fit(TOKEN_KINDS.get(kind) or text_of(kind, 20), _LABEL - 1)
            room = max(0, min(24, width - _LABEL - 8))
            bar = "─" * max(1, round(room * min(1.0, number / total))) if room else ""
            lines.append(
                _joined([(f"{label} ", "faint"), (f"{tokens(number):<8}", "text"), (bar, "running")])
            )
    return lines


def _transcript_lines(transcripts: Sequence[object], width: int) -> list[Styled]:
    if not transcripts:
        return []
    lines = [Styled(""), rule(count(len(transcripts), "transcript"), width)]
    for entry in transcripts[:_MAX_TRANSCRIPTS]:
        known = entry if isinstance(entry, Mapping) else {"path": entry}
        length = known.get("size_bytes")
        end = f" ({size(length)})" if isinstance(length, int) and length > 0 else ""
        lines += _muted(text_of(known.get("path")) + end, width)
    return lines


def _muted(text: str, width: int) -> list[Styled]:
    ranges = word_ranges(text, max(8, width))
    return [Styled(text[low:high], ((0, high - low, "muted"),)) for low, high in ranges]


def _moment(ms: object) -> str:
    return full_moment(ms) if isinstance(ms, int) and ms > 0 else ""


def _words(*values: object) -> str:
    return " ".join(filter(None, map(text_of, values)))


def _joined(parts: Sequence[Span]) -> Styled:
    text, spans = "", []
    for piece, ink in parts:
        spans.append((len(text), len(text) + len(piece), ink))
        text += piece
    return Styled(text, tuple(span for span in spans if span[0] < span[1]))
