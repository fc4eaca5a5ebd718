"""Events that both Claude Code's transcripts and its hooks tell of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collector.agents.claude_code_calls import SUBAGENT_TOOLS, Call
from collector.agents.claude_code_results import Answer, Fields, child_of, ending
from collector.agents.claude_code_tasks import TaskEnd
from collector.agents.events import AnyEvent, CallEnded, InstanceEnded, InstanceStarted, Source
from collector.agents.values import load_json, mapping, plain_text, text, whole


@dataclass(frozen=True, slots=True)
class Where:
    """Where and when something was said."""

    conversation_id: str
    instance_id: str | None
    at: int | None
    directory: str | None = None
    source: Source = "transcript"


def answer_events(call: Call, answer: Answer, where: Where, duration_ms: int | None) -> Iterator[AnyEvent]:
    """Yield the end of a call (first), and what it says of a subagent that it started."""
    fields = ending(call, answer)
    if duration_ms is not None and fields["outcome"] != "background":
        fields["duration_ms"] = duration_ms
    child = child_of(call, answer) if call.tool in SUBAGENT_TOOLS else None
    yield call_ended(call.call_id, where, fields, child)
    if child is None:
        return
    details = mapping(answer.details)
    yield InstanceStarted(
        conversation_id=where.conversation_id,
        at=call.at,
        source=where.source,
        instance_id=child,
        parent_instance_id=where.instance_id,
        name=text(call.input.get("description")) or text(call.input.get("name")),
        role=text(details.get("agentType")) or text(call.input.get("subagent_type")),
        model=text(details.get("resolvedModel")) or text(call.input.get("model")),
        prompt=text(call.input.get("prompt")) or text(details.get("prompt")),
        call_id=call.call_id,
    )
    if fields["outcome"] != "background":
        yield InstanceEnded(
            conversation_id=where.conversation_id, at=where.at, source=where.source, instance_id=child
        )


def call_ended(call_id: str, where: Where, fields: Fields, child: str | None = None) -> CallEnded:
    """Return the event of a call's end."""
    return CallEnded(
        conversation_id=where.conversation_id,
        instance_id=where.instance_id,
        at=where.at,
        source=where.source,
        call_id=call_id,
        child_instance_id=child,
        **fields,
    )


def task_events(end: TaskEnd, call: Call | None, where: Where) -> Iterator[AnyEvent]:
    """Yield what the end of a task says of the call that started it, and of the subagent that it was.

    Args:
        end: the task's end.
        call: the call that started it, where it is known.
        where: who tells.
    """
    is_subagent = end.is_subagent or (call is not None and call.tool in SUBAGENT_TOOLS)
    if call is not None:
        where = replace(where, conversation_id=call.conversation_id, instance_id=call.instance_id)
    call_id = call.call_id if call else end.call_id
    if call_id:
        yield call_ended(call_id, where, end.fields, end.task_id if is_subagent else None)
    if is_subagent:
        failed = end.fields["outcome"] not in ("success", "cancelled")
        yield InstanceEnded(
            conversation_id=where.conversation_id,
            at=where.at,
            source=where.source,
            instance_id=end.task_id,
            error=end.fields.get("message") if failed else None,
        )


def subagent_seen(
    agent_id: str, path: Path | None, record: Mapping[str, Any], where: Where
) -> InstanceStarted | None:
    """Return what a subagent's first line and the file beside its transcript say of it.

    None where it is known that another subagent started it, but not which one; that one's transcript tells.

    Args:
        agent_id: its id.
        path: its transcript; None when its lines stand in another's.
        record: its first line.
        where: where that line belongs.
    """
    meta = _meta(path)
    parent, depth = text(meta.get("parentAgentId")), whole(meta.get("spawnDepth"))
    if parent is None and depth is not None and depth > 1:
        return None
    side_call = _side_call(agent_id)
    is_prompt = record.get("type") == "user" and side_call is None
    return InstanceStarted(
        conversation_id=where.conversation_id,
        at=where.at,
        source=where.source,
        instance_id=agent_id,
        parent_instance_id=parent,
        name=text(meta.get("description")) or side_call,
        role=text(meta.get("agentType")) or text(record.get("attributionAgent")),
        model=text(meta.get("model")),
        prompt=(plain_text(mapping(record.get("message")).get("content")) or None) if is_prompt else None,
        call_id=text(meta.get("toolUseId")),
        transcript_path=str(path) if path else None,
    )


def _meta(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        return mapping(load_json(path.with_name(f"{path.name.partition('.')[0]}.meta.json")))
    except (OSError, ValueError):
        return {}


def _side_call(agent_id: str) -> str | None:
    """Return what the agent asked the model for aside (`acompact-70d8e7`: to sum up a conversation)."""
    kind, dash, _ = agent_id.partition("-")
    return kind[1:] if dash and kind[:1] == "a" and kind[1:].replace("_", "").isalpha() else None
