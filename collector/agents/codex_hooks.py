"""What Codex's hooks say. Their names are Claude Code's, and so is most of their form.

`PostToolUse` fires once a command has really ended, under the id of the call that began it, also when it
was within a script of code mode. It has no exit code, and only the last piece of the output of a command
that went on. It does not fire for what was refused or could not be started.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from collector.agents.codex_fields import error_text
from collector.agents.codex_results import Result, read_hook_result, read_result
from collector.agents.codex_tools import ToolUse, custom_use, use_of
from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    InstanceEnded,
    InstanceStarted,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.agents.values import mapping, text

Json = Mapping[str, Any]


def hook_events(payload: Json, received_at: int) -> Iterable[AnyEvent]:
    """Return what a payload says, of a hook or of `notify`."""
    if payload.get("type") == "agent-turn-complete":
        return _notified(payload, received_at)
    session = text(payload.get("session_id"))
    if session is None:
        return ()
    where = {
        "conversation_id": session, "instance_id": text(payload.get("agent_id")), "at": received_at,
        "source": "hook",
    }  # fmt: skip
    read = _EVENTS.get(text(payload.get("hook_event_name")) or "", _seen)
    return read(payload, where)


def _notified(payload: Json, received_at: int) -> list[AnyEvent]:
    thread = text(payload.get("thread-id"))
    if thread is None:
        return []
    directory = text(payload.get("cwd"))
    return [SessionSeen(conversation_id=thread, at=received_at, source="hook", working_directory=directory)]


def _seen(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    """Every hook tells where the conversation is at."""
    own = where["instance_id"] is None
    return [
        SessionSeen(
            **where, model=text(payload.get("model")), working_directory=text(payload.get("cwd")),
            transcript_path=text(payload.get("transcript_path")) if own else None,
        )
    ]  # fmt: skip


def _prompted(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    prompt = text(payload.get("prompt"))
    return _seen(payload, where) + (
        [Prompt(**where, text=prompt, prompt_id=text(payload.get("turn_id")))] if prompt else []
    )


def _call_begins(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    call_id = text(payload.get("tool_use_id"))
    if call_id is None:
        return _seen(payload, where)
    use = _use(payload)
    return [
        CallStarted(
            **where, call_id=call_id, tool=use.tool, kind=use.kind, command_line=use.command_line,
            input=use.input, working_directory=text(payload.get("cwd")), description=use.description,
        )
    ]  # fmt: skip


def _use(payload: Json) -> ToolUse:
    name, given = text(payload.get("tool_name")) or "tool", mapping(payload.get("tool_input"))
    if name == "apply_patch":
        return custom_use(name, text(given.get("command")) or "")
    use = use_of(name, None, given)
    use.tool = "exec_command" if name == "Bash" else name
    return use


def _call_ended(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    call_id, response = text(payload.get("tool_use_id")), payload.get("tool_response")
    if call_id is None:
        return _seen(payload, where)
    if payload.get("tool_name") in ("Bash", "apply_patch"):
        result = read_hook_result(response)
    else:
        result = read_result(response, is_command=False)
    return [_ended(call_id, where, result)]


def _call_failed(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    call_id = text(payload.get("tool_use_id"))
    if call_id is None:
        return _seen(payload, where)
    result = Result(outcome="failure", message=error_text(payload.get("error")))
    if payload.get("is_interrupt") is True:
        result.outcome = "interrupted"
    return [_ended(call_id, where, result)]


def _call_denied(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    call_id = text(payload.get("tool_use_id"))
    if call_id is None:
        return _seen(payload, where)
    return [_ended(call_id, where, Result(outcome="denied", message=text(payload.get("reason"))))]


def _ended(call_id: str, where: dict[str, Any], result: Result) -> CallEnded:
    return CallEnded(
        **where, call_id=call_id, outcome=result.outcome, exit_code=result.exit_code,
        exit_code_basis=result.basis, stdout=result.stdout, output_truncated=result.truncated,
        duration_ms=result.duration_ms, message=result.message,
    )  # fmt: skip


def _subagent_begins(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    if where["instance_id"] is None:
        return _seen(payload, where)
    return [
        InstanceStarted(
            **where, role=text(payload.get("agent_type")), model=text(payload.get("model")),
            transcript_path=text(payload.get("transcript_path")),
        )
    ]  # fmt: skip


def _subagent_ended(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    return _seen(payload, where) if where["instance_id"] is None else [InstanceEnded(**where)]


def _session_ended(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    return [SessionEnded(**where, reason=text(payload.get("reason")))]


_EVENTS: Mapping[str, Callable[[Json, dict[str, Any]], list[AnyEvent]]] = {
    "UserPromptSubmit": _prompted,
    "PreToolUse": _call_begins,
    "PostToolUse": _call_ended,
    "PostToolUseFailure": _call_failed,
    "PermissionDenied": _call_denied,
    "SubagentStart": _subagent_begins,
    "SubagentStop": _subagent_ended,
    "SessionEnd": _session_ended,
}
