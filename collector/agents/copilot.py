"""GitHub Copilot CLI: what its hooks say.

After GitHub's reference of hooks. An event has two forms, by how its name is written in the settings:
`postToolUse` has camelCase keys and no name of the event, `PostToolUse` has `hook_event_name` and snake_case
keys; both are read. A tool's hooks have no id: a call is told as a whole when it has ended, for which hook
before it was its own cannot be known when the same tool runs twice at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallKind,
    CallStarted,
    Outcome,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.agents.tool_line import tool_line
from collector.agents.values import mapping, ms_of_iso, text, whole
from collector.agents.without_transcripts import WithoutTranscripts

Json = Mapping[str, Any]

_KINDS: Mapping[str, CallKind] = {
    **dict.fromkeys(("bash", "powershell", "Bash"), "shell"),
    **dict.fromkeys(("view", "Read"), "read"),
    **dict.fromkeys(("edit", "str_replace_editor", "apply_patch", "Edit"), "edit"),
    **dict.fromkeys(("create", "Write"), "write"),
    **dict.fromkeys(("grep", "rg", "glob", "Grep", "Glob"), "search"),
    **dict.fromkeys(("web_fetch", "web_search", "WebFetch"), "web"),
    **dict.fromkeys(("task", "Task"), "agent"),
}
_RESULTS: Mapping[str, Outcome] = {
    "success": "success", "failure": "failure", "denied": "denied", "rejected": "rejected",
    "timeout": "timeout",
}  # fmt: skip
_EXIT_CODE = re.compile(r"<(?:command )?exited with (?:exit )?code (\d{1,3})>\s*\Z")


class Copilot(WithoutTranscripts):
    """GitHub Copilot CLI."""

    name = "copilot"
    title = "GitHub Copilot CLI"
    commands: tuple[str, ...] = ("copilot",)

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> Iterable[AnyEvent]:
        """Return what a hook's payload says."""
        session = text(_either(payload, "sessionId"))
        if session is None:
            return ()
        told_at = payload.get("timestamp")
        at = whole(told_at) or ms_of_iso(told_at) or received_at
        where: dict[str, Any] = {"conversation_id": session, "at": at, "source": "hook"}
        if text(_either(payload, "toolName")) is not None:
            return _tool(payload, where)
        seen = SessionSeen(
            **where, working_directory=text(payload.get("cwd")), model=text(payload.get("model"))
        )
        prompt = text(payload.get("prompt"))
        if prompt is not None:
            return [seen, Prompt(**where, text=prompt)]
        if _is_end(payload):
            return [SessionEnded(**where, reason=text(payload.get("reason")))]
        return [seen]


def _either(payload: Json, name: str) -> object:
    """Return a value under its camelCase or its snake_case name."""
    snake = re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
    return payload.get(name, payload.get(snake))


def _is_end(payload: Json) -> bool:
    """Without a name, the end of a session is known by its reason."""
    name = text(payload.get("hook_event_name"))
    if name is not None:
        return name.lower() == "sessionend"
    return "reason" in payload and "stopReason" not in payload


def _tool(payload: Json, where: dict[str, Any]) -> list[AnyEvent]:
    result, error = _either(payload, "toolResult"), payload.get("error")
    if result is None:
        result = payload.get("tool_response")
    if result is None and error is None:
        directory = text(payload.get("cwd"))
        return [
            SessionSeen(**where, working_directory=directory)
        ]  # before the tool, or while it is asked for
    name = text(_either(payload, "toolName")) or "tool"
    given = _either(payload, "toolArgs")
    given = payload.get("tool_input") if given is None else given
    arguments = mapping(given) or _loaded(given)
    call_id = _call_id(payload, name, given, where)
    return [_started(call_id, name, arguments, payload, where), _ended(call_id, name, result, error, where)]


def _call_id(payload: Json, name: str, given: object, where: dict[str, Any]) -> str:
    own = text(_either(payload, "toolCallId")) or text(payload.get("tool_use_id"))
    if own is None:
        key = json.dumps([where["at"], name, given, _either(payload, "toolResult")], default=str)
        own = blake2b(key.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return f"{where['conversation_id']}:{own}"


def _started(call_id: str, name: str, arguments: Json, payload: Json, where: dict[str, Any]) -> CallStarted:
    kind = _KINDS.get(name) or ("mcp" if "-mcp-" in name or name.startswith("mcp") else "other")
    command = text(arguments.get("command")) if kind == "shell" else None
    return CallStarted(
        **where, call_id=call_id, tool=name, kind=kind, command_line=command or tool_line(name, arguments),
        input=arguments, working_directory=text(payload.get("cwd")),
        description=text(arguments.get("description")),
    )  # fmt: skip


def _ended(call_id: str, name: str, result: object, error: object, where: dict[str, Any]) -> CallEnded:
    told = mapping(result)
    stdout = text(_either(told, "textResultForLlm")) or text(result)
    outcome = _RESULTS.get(text(_either(told, "resultType")) or "", "unknown")
    message = text(error) or text(mapping(error).get("message"))
    if error is not None:
        outcome = "failure"
    fields: dict[str, Any] = {"outcome": outcome, "stdout": stdout}
    found = _EXIT_CODE.search(stdout or "") if _KINDS.get(name) == "shell" else None
    if found is not None and stdout is not None:
        code = int(found[1])
        fields = {
            "outcome": "failure" if code else "success", "exit_code": code, "exit_code_basis": "text",
            "stdout": stdout[: found.start()],
        }  # fmt: skip
    elif _KINDS.get(name) == "shell" and outcome == "success":
        fields["outcome"] = "unknown"  # the tool worked, which says nothing of the command
    return CallEnded(**where, call_id=call_id, message=message, **fields)


def _loaded(value: object) -> Json:
    try:
        return mapping(json.loads(value, strict=False)) if isinstance(value, str) else {}
    except (ValueError, RecursionError):
        return {}


AGENT = Copilot()
