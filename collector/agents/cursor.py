"""Cursor (editor and `cursor-agent`): what its hooks say; its chats are in a database of no stable form.

After Cursor's documentation of hooks. Every payload has `conversation_id` and `hook_event_name`, a tool's
has `tool_use_id`. `beforeShellExecution` and `afterShellExecution` have no id and say less than the hooks of
the tool `Shell`, but older versions of `cursor-agent` have only these: such a command is told when it has
ended, unless the conversation is known to have the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallKind,
    CallStarted,
    InstanceEnded,
    InstanceStarted,
    Outcome,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.agents.tool_line import tool_line
from collector.agents.values import items, mapping, number, text, whole
from collector.agents.without_transcripts import WithoutTranscripts

Json = Mapping[str, Any]

_KINDS: Mapping[str, CallKind] = {
    **dict.fromkeys(("Shell", "run_terminal_cmd"), "shell"),
    **dict.fromkeys(("Read", "LS", "read_file", "list_dir"), "read"),
    **dict.fromkeys(("Edit", "StrReplace", "EditNotebook", "search_replace", "Delete"), "edit"),
    **dict.fromkeys(("Grep", "Glob", "SemanticSearch", "codebase_search", "grep"), "search"),
    **dict.fromkeys(("WebSearch", "WebFetch", "web_search"), "web"),
    "Write": "write",
    "Task": "agent",
}
_FAILURES: Mapping[str, Outcome] = {"timeout": "timeout", "permission_denied": "denied", "error": "failure"}
_EXIT_CODE = re.compile(r"exit(?:ed with)? code:? (\d{1,3})\b", re.IGNORECASE)
_MAX_KNOWN = 1024


class Cursor(WithoutTranscripts):
    """Cursor."""

    name = "cursor"
    title = "Cursor"
    commands: tuple[str, ...] = ("cursor-agent",)

    def __init__(self) -> None:
        self._tells_tools: dict[str, None] = {}

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> Iterable[AnyEvent]:
        """Return what a hook's payload says; remembers only which conversations tell of their tools."""
        conversation = text(payload.get("conversation_id")) or text(payload.get("session_id"))
        event = text(payload.get("hook_event_name")) or ""
        event = event[:1].lower() + event[1:]
        if conversation is None:
            return ()
        where: dict[str, Any] = {"conversation_id": conversation, "at": received_at, "source": "hook"}
        if event in ("preToolUse", "postToolUse", "postToolUseFailure"):
            self._remember(conversation)
        elif event == "afterShellExecution" and conversation in self._tells_tools:
            return [_seen(payload, where)]
        read = _EVENTS.get(event)
        return read(payload, where) if read is not None else [_seen(payload, where)]

    def _remember(self, conversation: str) -> None:
        while len(self._tells_tools) >= _MAX_KNOWN:
            del self._tells_tools[next(iter(self._tells_tools))]
        self._tells_tools[conversation] = None


def _seen(payload: Json, where: dict[str, Any]) -> SessionSeen:
    return SessionSeen(
        **where, agent_version=text(payload.get("cursor_version")), model=text(payload.get("model")),
        working_directory=_directory(payload),
    )  # fmt: skip


def _directory(payload: Json) -> str | None:
    return text(payload.get("cwd")) or text(next(iter(items(payload.get("workspace_roots"))), None))


def _prompted(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    prompt = text(payload.get("prompt"))
    asked = [Prompt(**where, text=prompt, prompt_id=text(payload.get("generation_id")))] if prompt else []
    return [_seen(payload, where), *asked]


def _ended(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    return [
        SessionEnded(**where, reason=text(payload.get("reason")), error=text(payload.get("error_message")))
    ]


def _call_id(payload: Json, where: dict[str, Any]) -> str | None:
    given = text(payload.get("tool_use_id"))
    return f"{where['conversation_id']}:{given}" if given is not None else None


def _kind(name: str) -> CallKind:
    if name.startswith(("MCP:", "mcp_")):
        return "mcp"
    return _KINDS.get(name, "other")


def _before_tool(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    call_id = _call_id(payload, where)
    return [_seen(payload, where)] if call_id is None else [_started(call_id, payload, where)]


def _started(call_id: str, payload: Json, where: dict[str, Any]) -> CallStarted:
    name = text(payload.get("tool_name")) or "Shell"
    given = payload.get("tool_input")
    arguments = mapping(given) or _loaded(given)
    kind = _kind(name)
    command = text(arguments.get("command")) if kind == "shell" else None
    return CallStarted(
        **where, call_id=call_id, tool=name, kind=kind, command_line=command or tool_line(name, arguments),
        input=arguments, working_directory=text(arguments.get("working_directory")) or _directory(payload),
        description=text(arguments.get("description")),
    )  # fmt: skip


def _after_tool(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    call_id = _call_id(payload, where)
    if call_id is None:
        return [_seen(payload, where)]
    given = payload.get("tool_output")
    told = mapping(given) or _loaded(given)
    code = whole(told.get("exitCode", told.get("exit_code")))
    is_shell = _kind(text(payload.get("tool_name")) or "") == "shell"
    stdout = text(told.get("stdout")) or text(told.get("output"))
    fields: dict[str, Any] = {"outcome": "unknown" if is_shell else "success"}
    if is_shell and code is not None and code >= 0:
        fields = {
            "outcome": "failure" if code else "success", "exit_code": code, "exit_code_basis": "field",
        }  # fmt: skip
    return [
        CallEnded(
            **where, call_id=call_id, **fields, stdout=stdout or (text(given) if not told else None),
            stderr=text(told.get("stderr")), duration_ms=_duration(payload),
        )
    ]  # fmt: skip


def _tool_failed(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    call_id = _call_id(payload, where)
    if call_id is None:
        return [_seen(payload, where)]
    message = text(payload.get("error_message")) or text(payload.get("error"))
    outcome = _FAILURES.get(text(payload.get("failure_type")) or "", "failure")
    if payload.get("is_interrupt") is True:
        outcome = "interrupted"
    found = _EXIT_CODE.search(message or "") if outcome == "failure" else None
    is_shell = _kind(text(payload.get("tool_name")) or "") == "shell"
    code = int(found[1]) if found is not None and is_shell else None
    return [
        CallEnded(
            **where, call_id=call_id, outcome=outcome, message=message, exit_code=code,
            exit_code_basis=None if code is None else "text", duration_ms=_duration(payload),
        )
    ]  # fmt: skip


def _after_shell(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    """A command that no other hook tells of: it has no id, so its start is told with its end."""
    command = text(payload.get("command"))
    if command is None:
        return [_seen(payload, where)]
    duration = _duration(payload)
    key = json.dumps([payload.get("generation_id"), command, where["at"], duration])
    digest = blake2b(key.encode("utf-8", "replace"), digest_size=8).hexdigest()
    call_id = f"{where['conversation_id']}:{digest}"
    started = {**where, "at": where["at"] - (duration or 0)}
    told = {**payload, "tool_name": "Shell", "tool_input": {"command": command}}
    return [
        _started(call_id, told, started),
        CallEnded(
            **where, call_id=call_id, outcome="unknown", stdout=text(payload.get("output")),
            duration_ms=duration,
        ),
    ]  # fmt: skip


def _duration(payload: Json) -> int | None:
    duration = number(payload.get("duration"))
    return round(duration) if duration is not None and 0 <= duration < 1e12 else None


def _subagent_began(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    instance = text(payload.get("subagent_id"))
    if instance is None:
        return [_seen(payload, where)]
    where = {
        **where,
        "conversation_id": text(payload.get("parent_conversation_id")) or where["conversation_id"],
    }
    return [
        InstanceStarted(
            **where, instance_id=instance, role=text(payload.get("subagent_type")),
            model=text(payload.get("subagent_model")), prompt=text(payload.get("task")),
        )
    ]  # fmt: skip


def _subagent_ended(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    instance = text(payload.get("subagent_id"))
    if instance is None:
        return [_seen(payload, where)]
    where = {
        **where,
        "conversation_id": text(payload.get("parent_conversation_id")) or where["conversation_id"],
    }
    failed = payload.get("status") == "error"
    return [
        InstanceEnded(
            **where, instance_id=instance, error=text(payload.get("error_message")) if failed else None
        )
    ]


def _loaded(value: object) -> Json:
    try:
        return mapping(json.loads(value, strict=False)) if isinstance(value, str) else {}
    except (ValueError, RecursionError):
        return {}


_EVENTS: Mapping[str, Callable[[Json, dict[str, Any]], list[AnyEvent]]] = {
    "sessionEnd": _ended,
    "beforeSubmitPrompt": _prompted,
    "preToolUse": _before_tool,
    "postToolUse": _after_tool,
    "postToolUseFailure": _tool_failed,
    "afterShellExecution": _after_shell,
    "subagentStart": _subagent_began,
    "subagentStop": _subagent_ended,
}

AGENT = Cursor()
