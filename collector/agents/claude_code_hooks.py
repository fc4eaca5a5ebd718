"""Payloads of Claude Code's hooks.

A call that is refused has no Post hook; only `PostToolBatch` repeats what the model was told of it. The end
of what went on in the background comes as a prompt that nobody typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from collector.agents.claude_code_calls import Call, call_of, started
from collector.agents.claude_code_events import Where, answer_events, call_ended, task_events
from collector.agents.claude_code_records import count, typed_prompt
from collector.agents.claude_code_results import Answer, first_line, refusal, untagged
from collector.agents.claude_code_tasks import notified_ends
from collector.agents.events import (
    AnyEvent,
    InstanceEnded,
    InstanceStarted,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.agents.values import items, mapping, ms_of_iso, plain_text, text

Payload = Mapping[str, Any]


def hook_events(payload: Payload, received_at: int) -> Iterator[AnyEvent]:
    """Yield what a payload says: as the agent sends it, or as a log keeps it (`event`, `ts`)."""
    name = text(payload.get("hook_event_name")) or text(payload.get("event"))
    conversation_id = text(payload.get("session_id"))
    if name is None or conversation_id is None:
        return
    logged_at = ms_of_iso(payload.get("ts"))
    where = Where(
        conversation_id=conversation_id,
        instance_id=text(payload.get("agent_id")),
        at=received_at if logged_at is None else logged_at,
        directory=text(payload.get("cwd")),
        source="hook",
    )
    yield _session(name, payload, where)
    reader = _READERS.get(name)
    if reader is not None:
        yield from reader(payload, where)


def _session(name: str, payload: Payload, where: Where) -> SessionSeen:
    """Every payload names the conversation; where it began is not where a later command went."""
    begins = name in ("SessionStart", "UserPromptSubmit")
    return SessionSeen(
        conversation_id=where.conversation_id,
        at=where.at,
        source="hook",
        transcript_path=text(payload.get("transcript_path")),
        working_directory=where.directory if begins else None,
        model=text(payload.get("model")) if name == "SessionStart" else None,
        title=text(payload.get("session_title")),
    )


def _call(payload: Payload, where: Where) -> Call | None:
    """A payload without the call's id (`PermissionRequest`) cannot be told apart from others."""
    call_id, tool = text(payload.get("tool_use_id")), text(payload.get("tool_name"))
    if call_id is None or tool is None:
        return None
    call = call_of(call_id, tool, payload.get("tool_input"), where.conversation_id)
    call.instance_id, call.directory, call.at = where.instance_id, where.directory, where.at
    return call


def _before(payload: Payload, where: Where) -> Iterator[AnyEvent]:
    if call := _call(payload, where):
        yield started(call, "hook")


def _after(payload: Payload, where: Where) -> Iterator[AnyEvent]:
    failed = text(payload.get("hook_event_name") or payload.get("event")) == "PostToolUseFailure"
    answer = Answer(
        said=plain_text(payload.get("error")) if failed else "",
        details=None if failed else payload.get("tool_response"),
        failed=failed,
    )
    call = _call(payload, where)
    if call is None:
        return
    duration = count(payload.get("duration_ms"))
    if where.at is not None and duration is not None:
        call.at = where.at - duration
    if payload.get("is_interrupt") is True:
        fields = {"outcome": "interrupted", "message": first_line(answer.said), "duration_ms": duration}
        yield call_ended(call.call_id, where, fields)
    else:
        yield from answer_events(call, answer, where, duration)


def _denied(payload: Payload, where: Where) -> Iterator[AnyEvent]:
    if call := _call(payload, where):
        message = first_line(plain_text(payload.get("reason")))
        yield call_ended(call.call_id, where, {"outcome": "denied", "message": message})


def _batch(payload: Payload, where: Where) -> Iterator[AnyEvent]:
    """Only what no other hook tells: the calls that were refused."""
    for entry in map(mapping, items(payload.get("tool_calls"))):
        said = untagged(plain_text(entry.get("tool_response")))
        call = _call(entry, where)
        outcome = refusal(said, {}, asks=payload.get("permission_mode") != "bypassPermissions")
        if call is not None and outcome is not None:
            yield call_ended(call.call_id, where, {"outcome": outcome, "message": first_line(said)})


def _prompted(payload: Payload, where: Where) -> Iterator[AnyEvent]:
    said = plain_text(payload.get("prompt"))
    for end in notified_ends(said):
        yield from task_events(end, None, where)
    if where.instance_id is None and (typed := typed_prompt({}, said)):
        yield Prompt(
            conversation_id=where.conversation_id,
            at=where.at,
            source="hook",
            text=typed,
            prompt_id=text(payload.get("prompt_id")),
        )


def _subagent_started(payload: Payload, where: Where) -> Iterator[AnyEvent]:
    if where.instance_id is not None:
        yield InstanceStarted(
            conversation_id=where.conversation_id,
            instance_id=where.instance_id,
            at=where.at,
            source="hook",
            role=text(payload.get("agent_type")),
            transcript_path=text(payload.get("agent_transcript_path")),
        )


def _subagent_stopped(payload: Payload, where: Where) -> Iterator[AnyEvent]:
    if where.instance_id is not None:
        yield InstanceEnded(
            conversation_id=where.conversation_id, instance_id=where.instance_id, at=where.at, source="hook"
        )


def _ended(payload: Payload, where: Where) -> Iterator[AnyEvent]:
    yield SessionEnded(
        conversation_id=where.conversation_id, at=where.at, source="hook", reason=text(payload.get("reason"))
    )


_READERS: dict[str, Callable[[Payload, Where], Iterator[AnyEvent]]] = {
    "PreToolUse": _before,
    "PostToolUse": _after,
    "PostToolUseFailure": _after,
    "PostToolBatch": _batch,
    "PermissionDenied": _denied,
    "UserPromptSubmit": _prompted,
    "SubagentStart": _subagent_started,
    "SubagentStop": _subagent_stopped,
    "SessionEnd": _ended,
}
