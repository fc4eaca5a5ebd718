"""What a collection says of its team: `metadata.json`, `index.json`, `summary.md`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from collector.agents.team_instance import FILES, OUTPUT_LOG, Kept, instance_folder
from collector.clock import format_iso
from collector.model.session import Session, iter_tree

SCHEMA_VERSION = 1
_MEMBER = (
    "instance_id", "name", "role", "model", "agent", "parent_instance_id", "created_at", "terminated_at",
    "status", "tokens_used", "cost", "error", "workspace",
)  # fmt: skip
_MARKDOWN = frozenset("\\`*_{}[]<>()#+-.!|")


def metadata_of(
    team: str,
    sessions: Sequence[Session],
    members: Sequence[Kept],
    runs: Mapping[str, tuple[int, int]],
    now_ms: int,
) -> dict[str, Any]:
    """Return the content of `metadata.json`.

    Args:
        team: what was collected.
        sessions: the sessions that belong to it.
        members: its instances.
        runs: how many runs each instance had, and how many of them failed, by instance.
        now_ms: when it was collected, milliseconds since 1970.
    """
    instances = [_member(kept, *runs.get(kept.instance.instance_id, (0, 0))) for kept in members]
    problems = [f"{kept.instance.instance_id}: {text}" for kept in members for text in kept.problems]
    return {
        "schema_version": SCHEMA_VERSION,
        "team_session_id": team,
        "sessions": [session.session_id for session in sessions],
        "status": "partial" if problems else "success",
        "created_at": format_iso(now_ms),
        "started_at": _time(min, [kept.instance.created_at for kept in members]),
        "ended_at": _time(max, [kept.instance.terminated_at for kept in members]),
        "totals": _totals(members, instances),
        "instances": instances,
        "problems": problems,
    }


def _member(kept: Kept, runs: int, failed: int) -> dict[str, Any]:
    record = kept.instance.to_json()
    instance_id = kept.instance.instance_id
    return {
        **{name: record.get(name) for name in _MEMBER}, "folder": f"instances/{instance_folder(instance_id)}",
        "runs": runs, "failed_runs": failed, "files": len(kept.files),
        "bytes": sum(file["size_bytes"] for file in kept.files), "left_out": len(kept.left_out),
        "problems": list(kept.problems),
    }  # fmt: skip


def _totals(members: Sequence[Kept], instances: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    tokens: dict[str, int] = {}
    for kept in members:
        for kind, count in kept.instance.tokens.items():
            tokens[kind] = tokens.get(kind, 0) + count
    costs = [kept.instance.cost for kept in members if kept.instance.cost is not None]
    starts = [kept.instance.created_at for kept in members if kept.instance.created_at is not None]
    ends = [kept.instance.terminated_at for kept in members if kept.instance.terminated_at is not None]
    return {
        "instances": len(members), "tokens": tokens, "tokens_used": sum(tokens.values()),
        "cost": round(sum(costs), 6) if costs else None,
        "duration_ms": max(0, max(ends) - min(starts)) if starts and ends else None,
        **{name: sum(one[name] for one in instances) for name in ("runs", "failed_runs", "files", "bytes")},
    }  # fmt: skip


def _time(choose: Any, times: Sequence[int | None]) -> str | None:
    known = [time for time in times if time is not None]
    return format_iso(choose(known)) if known else None


def index_of(members: Sequence[Kept]) -> dict[str, Any]:
    """Return the content of `index.json`: every file of every instance, by its path in the collection."""
    files = [
        {**file, "instance_id": kept.instance.instance_id,
         "path": f"instances/{instance_folder(kept.instance.instance_id)}/{file['path']}"}
        for kept in members
        for file in (*([kept.output] if kept.output else []), *kept.files)
    ]  # fmt: skip
    return {"schema_version": SCHEMA_VERSION, "files": files}


def summary_of(metadata: Mapping[str, Any], members: Sequence[Kept]) -> str:
    """Return the content of `summary.md`."""
    totals = metadata["totals"]
    lines = [
        f"# {_escaped(metadata['team_session_id'])}", "",
        f"Collected {metadata['created_at']}, {_count(totals['instances'], 'agent')}, "
        f"{_count(totals['runs'], 'run')} ({totals['failed_runs']} failed), "
        f"{_count(totals['files'], 'file')} ({totals['bytes']:,} bytes).", "",
        "| | |", "|---|---|",
        f"| started | {metadata['started_at'] or '?'} |", f"| ended | {metadata['ended_at'] or '?'} |",
        f"| time | {_duration(totals['duration_ms'])} |",
        f"| tokens | {totals['tokens_used']:,} |", f"| cost | {_cost(totals['cost'])} |", "",
        "## Agents", "",
    ]  # fmt: skip
    known = {member["instance_id"]: member for member in metadata["instances"]}
    tree = iter_tree([kept.instance for kept in members])
    lines += [
        "  " * (depth - 1) + _agent_line(known[instance.instance_id])
        for kind, depth, instance in tree
        if kind == "instance"
    ]
    if metadata["problems"]:
        lines += ["", "## What is missing", "", *(f"- {_escaped(text)}" for text in metadata["problems"])]
    left_out = [f"{kept.instance.instance_id}: {text}" for kept in members for text in kept.left_out]
    if left_out:
        lines += ["", "## What was left out", "", *(f"- {_escaped(text)}" for text in left_out)]
    return "\n".join(lines) + "\n"


def _agent_line(member: Mapping[str, Any]) -> str:
    name = _escaped(member["name"] or member["instance_id"])
    about = [member["role"], member["model"] or member["agent"], member["status"]]
    facts = [_escaped(text) for text in about if text]
    facts += [_count(member["runs"], "run"), f"{member['tokens_used']:,} tokens", _cost(member["cost"])]
    error = f" **{_escaped(member['error'])}**" if member["error"] else ""
    files = f"[{OUTPUT_LOG}]({member['folder']}/{OUTPUT_LOG})"
    if member["files"]:
        files += f", [{_count(member['files'], 'file')}]({member['folder']}/{FILES})"
    return f"- {name}: {', '.join(facts)}; {files}{error}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _duration(ms: int | None) -> str:
    if ms is None:
        return "?"
    minutes, seconds = divmod(ms // 1000, 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {seconds} s"


def _cost(dollars: float | None) -> str:
    return "no cost known" if dollars is None else f"${dollars:.2f}"


def _escaped(text: object) -> str:
    """Return a text that is only a text in Markdown, on one line."""
    line = " ".join(str(text).split())
    return "".join(f"\\{c}" if c in _MARKDOWN else c if c.isprintable() else "\ufffd" for c in line)
