"""GitHub Copilot CLI: what the log of a session says, `events.jsonl`.

A line is an event: `type`, `data`, `timestamp`, and `agentId` where it happened in a subagent. A call is
`tool.execution_start` and `tool.execution_complete`; `success` means that the tool worked, the command's own
exit code is beside it. A command that went to the background ends with a `system.notification`, which knows
it by the number of its shell. What a request used is a record of its own, before the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallKind,
    CallStarted,
    InstanceEnded,
    InstanceStarted,
    Message,
    Outcome,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.agents.tool_line import tool_line
from collector.agents.values import count, items, mapping, ms_of_iso, text, whole, without_cache

Json = Mapping[str, Any]
Where = dict[str, Any]

_KINDS: Mapping[str, CallKind] = {
    **dict.fromkeys(("bash", "powershell", "local_shell"), "shell"),
    "view": "read",
    **dict.fromkeys(("edit", "str_replace_editor", "apply_patch"), "edit"),
    "create": "write",
    **dict.fromkeys(("grep", "rg", "glob"), "search"),
    **dict.fromkeys(("web_fetch", "web_search"), "web"),
    "task": "agent",
}
_ENDED = re.compile(r"\n?<(?:shellId: \S+ completed|(?:command )?exited) with (?:exit )?code (\d{1,3})>\s*\Z")
_STARTED = re.compile(r"<command started in background with shellId: (\S+)>")
_TOO_LONG = "Output too large to read at once"
_BY_A_PERSON = "denied-interactively-by-user"


class SessionLog:
    """Reads the log of one session.

    Args:
        session_id: whose, until the log itself says it.
    """

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id
        self._directory: str | None = None
        self._messages: dict[str, str] = {}
        """Which answer asked for a call."""
        self._calls: dict[str, tuple[str, str | None]] = {}
        """Tool and prompt of each call that is on."""
        self._shells: dict[str, str] = {}
        """Which call a shell in the background belongs to."""
        self._rejected: set[str] = set()

    def feed(self, line: bytes) -> Iterable[AnyEvent]:
        """Return what a line says."""
        try:
            record = mapping(json.loads(line))
        except (ValueError, RecursionError):
            return ()
        read = _READERS.get(text(record.get("type")) or "")
        if read is None:
            return ()
        data = mapping(record.get("data"))
        self._session_id = text(data.get("sessionId")) or self._session_id
        where: Where = {
            "conversation_id": self._session_id, "at": ms_of_iso(record.get("timestamp")),
            "instance_id": text(record.get("agentId")),
        }  # fmt: skip
        return list(read(self, data, where))

    def _call_id(self, data: Json) -> str:
        """Providers give ids that are unique in a conversation at best."""
        return f"{self._session_id}:{text(data.get('toolCallId')) or '?'}"

    def _seen(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        context = mapping(data.get("context"))
        self._directory = text(context.get("cwd")) or self._directory
        yield SessionSeen(
            **where, agent_version=text(data.get("copilotVersion")), working_directory=self._directory,
            model=text(data.get("selectedModel")) or text(data.get("newModel")),
            git_branch=text(context.get("branch")),
        )  # fmt: skip

    def _prompt(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        """What has a source was not asked for by a person: a skill, another agent."""
        content = text(data.get("content"))
        if content and data.get("source") is None and not data.get("isAutopilotContinuation"):
            yield Prompt(**where, text=content, prompt_id=text(data.get("messageId")))

    def _usage(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        usage = mapping(data.get("usage"))
        message_id = text(usage.get("apiCallId"))
        if message_id is None:
            return
        read, written = count(usage.get("cacheReadTokens")), count(usage.get("cacheWriteTokens"))
        tokens = {
            "input": without_cache(count(usage.get("inputTokens")), read, written),
            "output": count(usage.get("outputTokens")), "cache_read": read, "cache_write": written,
            "reasoning": count(usage.get("reasoningTokens")),
        }  # fmt: skip
        yield Message(
            **where, message_id=message_id, model=text(usage.get("model")),
            tokens={kind: number for kind, number in tokens.items() if number},
        )  # fmt: skip

    def _answer(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        message_id = text(data.get("apiCallId")) or text(data.get("messageId"))
        if message_id is None:
            return
        for request in items(data.get("toolRequests")):
            self._messages[self._call_id(mapping(request))] = message_id
        content, model = text(data.get("content")), text(data.get("model"))
        yield Message(**where, message_id=message_id, model=model, text=content)

    def _start(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        call_id, tool = self._call_id(data), text(data.get("toolName")) or "tool"
        arguments = mapping(data.get("arguments"))
        kind = "mcp" if text(data.get("mcpServerName")) else _KINDS.get(tool, "other")
        self._calls[call_id] = tool, text(arguments.get("prompt"))
        command = text(arguments.get("command")) if kind == "shell" else None
        yield CallStarted(
            **where, call_id=call_id, tool=tool, kind=kind,
            command_line=command or tool_line(tool, arguments), input=arguments,
            working_directory=self._directory, message_id=self._messages.pop(call_id, None),
            description=text(arguments.get("description")), background=arguments.get("mode") == "async",
        )  # fmt: skip

    def _permission(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        if mapping(data.get("result")).get("kind") == _BY_A_PERSON:
            self._rejected.add(self._call_id(data))
        yield from ()

    def _end(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        call_id = self._call_id(data)
        if call_id not in self._calls:
            return  # what is told again of a command in the background, under an id of its own
        tool, _ = self._calls.pop(call_id)
        result, error = mapping(data.get("result")), mapping(data.get("error"))
        content = text(result.get("content"))
        fields: dict[str, Any] = {
            "stdout": content, "message": text(error.get("message")),
            "outcome": "success" if data.get("success") is True else "failure",
        }  # fmt: skip
        if error.get("code") == "denied" or call_id in self._rejected:
            fields["outcome"] = "rejected" if call_id in self._rejected else "denied"
        elif _KINDS.get(tool) == "shell":
            fields |= self._of_shell(call_id, data, content)
        elif _KINDS.get(tool) in ("edit", "write"):
            fields["diff"] = _diff(text(result.get("detailedContent")))
        yield CallEnded(**where, call_id=call_id, **fields)

    def _of_shell(self, call_id: str, data: Json, content: str | None) -> dict[str, Any]:
        """Return how a command ended; that the tool worked says nothing of it."""
        output = content or ""
        background = _STARTED.search(output)
        if background is not None:
            self._shells[background[1]] = call_id
            return {"outcome": "background", "stdout": None}
        told = _ENDED.search(output)
        own = whole(mapping(data.get("shellExecution")).get("exitCode"))
        code = own if own is not None else int(told[1]) if told else None
        if code is None:
            return {} if data.get("success") is not True else {"outcome": "unknown"}
        return {
            "outcome": "failure" if code else "success", "exit_code": code,
            "exit_code_basis": "field" if own is not None else "text",
            "stdout": output[: told.start()] if told else content,
            "output_truncated": output.startswith(_TOO_LONG),
        }  # fmt: skip

    def _notification(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        kind = mapping(data.get("kind"))
        call_id = self._shells.pop(str(kind.get("shellId")), None)
        if kind.get("type") != "shell_completed" or call_id is None:
            return
        code = whole(kind.get("exitCode"))
        basis = None if code is None else "field"
        outcome: Outcome = "unknown" if code is None else "failure" if code else "success"
        yield CallEnded(**where, call_id=call_id, outcome=outcome, exit_code=code, exit_code_basis=basis)

    def _subagent(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        if where["instance_id"] is None:
            return
        call_id = self._call_id(data)
        yield InstanceStarted(
            **where, parent_instance_id=text(data.get("parentId")), call_id=call_id,
            name=text(data.get("agentDisplayName")), role=text(data.get("agentName")),
            model=text(data.get("model")), prompt=self._calls.get(call_id, ("", None))[1],
        )  # fmt: skip

    def _subagent_end(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        if where["instance_id"] is not None:
            yield InstanceEnded(**where, error=text(data.get("error")))

    def _shutdown(self, data: Json, where: Where) -> Iterator[AnyEvent]:
        reason, error = text(data.get("shutdownType")), text(data.get("errorReason"))
        yield SessionEnded(**where, reason=reason, error=error)


_READERS = {
    "session.start": SessionLog._seen,
    "session.resume": SessionLog._seen,
    "session.model_change": SessionLog._seen,
    "user.message": SessionLog._prompt,
    "session.usage_record": SessionLog._usage,
    "assistant.message": SessionLog._answer,
    "tool.execution_start": SessionLog._start,
    "permission.completed": SessionLog._permission,
    "tool.execution_complete": SessionLog._end,
    "system.notification": SessionLog._notification,
    "subagent.started": SessionLog._subagent,
    "subagent.completed": SessionLog._subagent_end,
    "subagent.failed": SessionLog._subagent_end,
    "session.shutdown": SessionLog._shutdown,
}


def _diff(shown: str | None) -> str | None:
    """Return the diff of what is shown of an edit; a new file is one that was `/dev/null`."""
    start = shown.find("--- ") if shown else -1
    if shown is None or start < 0:
        return None
    return shown[start:].replace("--- a/dev/null\n", "--- /dev/null\n", 1)
