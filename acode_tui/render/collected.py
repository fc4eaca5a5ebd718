"""A team of agents that is collected: what it is before, and what there is after."""

from __future__ import annotations

from acode_tui.render.format import cost, count, duration, size, tokens
from acode_tui.render.rows import Span, fit
from acode_tui.render.safe import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from collector.model.session import Session

_WIDTH, _LABEL, _PROBLEMS = 60, 9, 4


def team_lines(session: Session) -> Sequence[Sequence[Span]]:
    """Return what would be collected."""
    facts = [
        ("session", text_of(session.title) or text_of(session.session_id)),
        ("team", text_of(session.team) or "the agents of this session"),
        ("runs", f"{session.runs:,}"),
    ]
    end = [("What its agents printed and made is copied into one folder.", "muted")]
    return [[("Collect this team?", "accent")], [], *_facts(facts), [], end]


def collected_lines(found: Mapping[str, Any]) -> Sequence[Sequence[Span]]:
    """Return what was collected, where it is, and what could not be read."""
    if found["status"] == "error":
        return [
            [("Nothing was collected", "failure")],
            [],
            [(fit(text_of(found["error"]), _WIDTH).rstrip(), "text")],
        ]
    metadata = found["metadata"]
    totals, problems = metadata["totals"], metadata["problems"]
    path = text_of(found["artifacts_path"])
    facts = [
        ("agents", f"{found['instances_count']:,}"),
        ("runs", f"{totals['runs']:,}, {totals['failed_runs']:,} failed" if totals["runs"] else "0"),
        ("files", f"{totals['files']:,}, {size(totals['bytes'])}"),
        ("tokens", tokens(totals["tokens_used"])),
        ("cost", cost(totals["cost"])),
        ("took", duration(totals["duration_ms"])),
        ("folder", path if len(path) <= _WIDTH - _LABEL else "…" + path[_LABEL + 1 - _WIDTH :]),
    ]
    title: Span = ("Collected, but not all of it", "timeout") if problems else ("Collected", "success")
    lines = [[title], [], *_facts(facts)]
    if problems:
        lines.append([])
        lines += [[(fit(text_of(p), _WIDTH).rstrip(), "timeout")] for p in problems[:_PROBLEMS]]
    if len(problems) > _PROBLEMS:
        lines.append([(f"{len(problems) - _PROBLEMS:,} more: see metadata.json there", "muted")])
    return lines


def collected_text(found: Mapping[str, Any]) -> str:
    """Return in one line what was collected."""
    if found["status"] == "error":
        return text_of(found["error"])
    return f"collected {count(found['instances_count'], 'agent')} in {text_of(found['artifacts_path'])}"


def _facts(facts: Sequence[tuple[str, str]]) -> list[list[Span]]:
    return [
        [(f"{label:<{_LABEL}}", "faint"), (fit(text, _WIDTH - _LABEL).rstrip(), "text")]
        for label, text in facts
        if text
    ]
