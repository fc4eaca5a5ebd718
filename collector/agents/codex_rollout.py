"""Codex's rollouts: one file of JSON lines for each thread, which only grows.

What two versions write differs more than what two agents write; this reads 0.2 to 0.169, by what is in a
line and not by its version. Three things are not as they look:

- A forked thread, and a subagent that was given its parent's history, begins with a copy of it under new
  timestamps. The copy is passed over: the parent's own rollout tells it. It ends with the first turn whose
  id (UUIDv7) is younger than the thread's.
- `token_count` is repeated; it says something only when its total changed. Newer rollouts also have one
  `token_usage_record` for each request, and then only that counts.
- Until 0.5x the calls of an answer were written when all of them had ended, with the time of the end, and
  behind the answer's token count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from collector.agents.codex_calls import Calls
from collector.agents.codex_threads import (
    is_younger,
    subagent_of,
    tokens_of,
    usage_between,
    user_command_of,
)
from collector.agents.codex_tools import read_arguments
from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    InstanceEnded,
    InstanceStarted,
    Message,
    Outcome,
    Prompt,
    SessionSeen,
)
from collector.agents.values import items, mapping, ms_of_iso, plain_text, text, whole

Json = Mapping[str, Any]
Events = Iterator[AnyEvent]

_SKIPPED = re.compile(
    rb'"type":"(?:world_state"|\w+","payload":{"type":"(?:reasoning"|agent_reasoning|thread_settings_applied"))'
)
_DECODER = json.JSONDecoder(strict=False)
_HEAD = 160
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LATE_VERSION = re.compile(r"0\.([0-5]?\d)\.")
_PAUSE_MS = 1000
_ABORTS: Mapping[str, Outcome] = {"interrupted": "interrupted"}
_FLAT_TYPES = frozenset({"message", "function_call", "function_call_output", "local_shell_call"})


class Rollout:
    """Reads one rollout.

    Args:
        path: where it is; its name has the thread's id, for a file whose beginning is gone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        ids = _UUID.findall(path.name)
        self._thread = ids[-1] if ids else path.name.partition(".")[0]
        self._where: dict[str, Any] = {
            "conversation_id": self._thread, "instance_id": None, "source": "transcript",
        }  # fmt: skip
        self._calls = Calls(self._where)
        self._at: int | None = None
        self._previous_at: int | None = None
        self._has_meta = self._copying = self._is_late = self._has_records = self._has_items = False
        self._model: str | None = None
        self._total: Json = {}
        self._answers = 0
        self._text: list[str] = []
        self._has_output = False
        self._held: dict[str, CallStarted] = {}
        self._prompts = 0

    def feed(self, line: bytes) -> Iterable[AnyEvent]:
        """Return what a line says."""
        if _SKIPPED.search(line, 0, _HEAD):
            return ()
        try:
            record = _DECODER.decode(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return ()
        if not isinstance(record, dict):
            return ()
        return list(self._read(record))

    def _read(self, record: Json) -> Events:
        kind, payload = text(record.get("type")), record.get("payload")
        self._previous_at, self._at = self._at, ms_of_iso(record.get("timestamp")) or self._at
        if kind == "session_meta" or (kind is None and "id" in record and "instructions" in record):
            yield from self._meta(mapping(payload) or record)
            return
        if payload is None and kind in _FLAT_TYPES:
            kind, payload = "response_item", record
        if self._copying and not self._copy_ends(mapping(payload)):
            return
        read = _LINES.get(kind or "")
        if read is not None:
            if self._held and kind != "response_item":
                yield from self._release()
            yield from read(self, mapping(payload))

    # Thread and turn

    def _meta(self, meta: Json) -> Events:
        if self._has_meta:
            self._copying = self._copying or text(meta.get("id")) not in (None, self._thread)
            return
        self._has_meta = True
        self._thread = text(meta.get("id")) or self._thread
        version = text(meta.get("cli_version"))
        self._is_late = version is not None and _LATE_VERSION.match(version) is not None
        self._calls.directory = text(meta.get("cwd"))
        subagent = subagent_of(meta)
        root = subagent["root"] if subagent else None
        self._where["conversation_id"] = root or self._thread
        if root is not None and subagent is not None:
            self._where["instance_id"] = self._thread
            parent = subagent["parent"]
            yield InstanceStarted(
                **self._where, at=self._at, name=subagent["name"], role=subagent["role"],
                parent_instance_id=parent if parent != root else None, transcript_path=str(self._path),
            )  # fmt: skip
        yield SessionSeen(
            **self._where, at=ms_of_iso(meta.get("timestamp")) or self._at, agent_version=version,
            working_directory=self._calls.directory, git_branch=text(mapping(meta.get("git")).get("branch")),
            parent_conversation_id=None if root else text(meta.get("forked_from_id")),
            transcript_path=None if root else str(self._path),
        )  # fmt: skip

    def _copy_ends(self, payload: Json) -> bool:
        """Tell whether the parent's history is over; without ids of turns, a pause in the writing says so."""
        is_own = is_younger(text(payload.get("turn_id")) or "", self._thread)
        if is_own is not None:
            self._copying = not is_own
        elif self._at is not None and self._previous_at is not None:
            self._copying = self._at - self._previous_at < _PAUSE_MS
        return not self._copying

    def _turn_context(self, payload: Json) -> Events:
        model, directory = text(payload.get("model")), text(payload.get("cwd"))
        if (model, directory) != (self._model, self._calls.directory):
            self._model = model or self._model
            self._calls.directory = directory or self._calls.directory
            yield SessionSeen(**self._where, at=self._at, model=model, working_directory=directory)

    def _turn_began(self, payload: Json) -> Events:
        self._is_late = False
        yield from ()

    def _turn_ended(self, payload: Json) -> Events:
        self._answer_ended()
        if payload.get("type") == "turn_aborted":
            reason = text(payload.get("reason"))
            yield from self._calls.abort(self._at, _ABORTS.get(reason or "", "cancelled"), reason)

    def _renamed(self, payload: Json) -> Events:
        yield SessionSeen(
            **self._where, at=self._at, title=text(payload.get("thread_name")) or text(payload.get("name"))
        )

    # Prompts and answers

    def _user_message(self, payload: Json) -> Events:
        if not self._has_items and text(payload.get("kind")) in (None, "plain"):
            yield from self._prompt(text(payload.get("message")), None)

    def _prompt(self, content: str | None, prompt_id: str | None) -> Events:
        self._answer_ended()
        self._prompts += 1
        if content is not None:
            yield Prompt(
                **self._where, at=self._at, text=content,
                prompt_id=prompt_id or f"{self._thread}:p{self._prompts}",
            )  # fmt: skip

    def _agent_message(self, payload: Json) -> Events:
        yield from self._answer(text(payload.get("message")))

    def _answer(self, content: str | None) -> Events:
        """An answer's text comes before its tokens, so both go by the number that it will have."""
        if content is None:
            return
        if self._has_output and self._text:
            self._answer_ended()  # its tokens were never told: a call's result begins another answer
        self._text.append(content)
        self._has_output = False
        yield Message(
            **self._where, at=self._at, message_id=self._answer_id(1), model=self._model,
            text="\n\n".join(self._text),
        )  # fmt: skip

    def _answer_id(self, ahead: int) -> str:
        return f"{self._thread}:t{self._answers + ahead}"

    def _answer_ended(self) -> None:
        if self._text:
            self._answers += 1
        self._text, self._has_output = [], False

    def _token_count(self, payload: Json) -> Events:
        info = mapping(payload.get("info"))
        total = mapping(info.get("total_token_usage"))
        if self._has_records or not total or total == self._total:
            return
        before, self._total = self._total, total
        yield from self._used(mapping(info.get("last_token_usage")) or usage_between(total, before))

    def _token_record(self, payload: Json) -> Events:
        if text(payload.get("thread_id")) in (None, self._thread):
            self._has_records = True
            yield from self._used(mapping(payload.get("usage")))

    def _used(self, usage: Json) -> Events:
        message = Message(
            **self._where, at=self._at, message_id=self._answer_id(1), model=self._model,
            text="\n\n".join(self._text) or None, tokens=tokens_of(usage),
        )  # fmt: skip
        self._answers += 1
        self._text, self._has_output = [], False
        yield message

    # Items of the model's conversation

    def _response_item(self, payload: Json) -> Events:
        kind = text(payload.get("type")) or ""
        if kind == "function_call":
            yield from self._function_call(payload)
            return
        if kind.endswith("_output"):
            self._has_output = True
            yield from self._output(payload)
            return
        yield from self._release()
        if kind == "custom_tool_call":
            yield from self._calls.custom_call(payload, self._at, self._request())
        elif kind == "message":
            yield from self._message(payload)
        elif kind.endswith("_call"):
            yield from self._calls.provider_call(payload, self._at, self._request())

    def _request(self) -> str:
        return self._answer_id(0 if self._is_late else 1)

    def _function_call(self, payload: Json) -> Events:
        arguments = read_arguments(payload.get("arguments"))
        for event in self._calls.function_call(payload, arguments, self._at, self._request()):
            if self._is_late and isinstance(event, CallStarted) and event.tool == "shell":
                self._held[event.call_id] = event
            else:
                yield event

    def _output(self, payload: Json) -> Events:
        for event in self._calls.output(payload, self._at):
            started = self._held.pop(event.call_id, None)
            if started is not None and isinstance(event, CallEnded):
                yield _begun(started, event)
            yield event

    def _release(self) -> Events:
        yield from self._held.values()
        self._held.clear()

    def _message(self, payload: Json) -> Events:
        content = plain_text(payload.get("content"))
        if payload.get("role") != "user" or not content.lstrip().startswith("<user_shell_command>"):
            return
        told = user_command_of(content)
        if told is not None:
            call_id = text(payload.get("id")) or f"{self._thread}:u{self._at}"
            yield from self._calls.user_command(call_id, *told, self._at)

    # Events

    def _event(self, payload: Json) -> Events:
        read = _EVENTS.get(text(payload.get("type")) or "")
        if read is not None:
            yield from read(self, payload)

    def _item_completed(self, payload: Json) -> Events:
        item = mapping(payload.get("item"))
        self._at = whole(payload.get("completed_at_ms")) or self._at
        read = _ITEMS.get(text(item.get("type")) or "")
        if read is not None:
            yield from read(self, item)

    def _user_item(self, item: Json) -> Events:
        self._has_items = True
        yield from self._prompt(plain_text(item.get("content")) or None, text(item.get("id")))

    def _agent_item(self, item: Json) -> Events:
        yield from self._answer(plain_text(item.get("content")) or None)

    def _command_end(self, told: Json) -> Events:
        yield from self._calls.command_end(told, self._at)

    def _patch_end(self, told: Json) -> Events:
        yield from self._calls.patch_end(told, self._at)

    def _mcp_end(self, told: Json) -> Events:
        yield from self._calls.mcp_end(told, self._at)

    # Subagents

    def _subagent_activity(self, item: Json) -> Events:
        instance = text(item.get("agent_thread_id"))
        if instance is None:
            return
        where = {**self._where, "instance_id": instance}
        if item.get("kind") == "completed":
            yield InstanceEnded(**where, at=self._at)
        elif item.get("kind") == "started":
            call_id = text(item.get("id")) or text(item.get("call_id"))
            yield from self._child_began(
                instance, call_id, name=(text(item.get("agent_path")) or "").rpartition("/")[2] or None,
                model=text(item.get("model")),
            )  # fmt: skip

    def _spawn_end(self, told: Json) -> Events:
        instance = text(told.get("new_thread_id"))
        if instance is not None:
            yield from self._child_began(
                instance, text(told.get("call_id")), name=text(told.get("new_agent_nickname")),
                role=text(told.get("new_agent_role")), prompt=text(told.get("prompt")),
                model=text(told.get("model")),
            )  # fmt: skip

    def _collaboration(self, item: Json) -> Events:
        tool = (text(item.get("tool")) or "").lower().replace("_", "")
        for receiver in items(item.get("receiver_thread_ids")):
            instance = text(receiver)
            if instance is not None and tool in ("spawn", "spawnagent"):
                yield from self._child_began(instance, text(item.get("id")), prompt=text(item.get("prompt")))
            elif instance is not None and tool in ("close", "closeagent"):
                yield InstanceEnded(**{**self._where, "instance_id": instance}, at=self._at)

    def _child_began(self, instance: str, call_id: str | None, **known: Any) -> Events:
        if call_id is not None:
            self._calls.child_began(call_id, instance)
        where = {**self._where, "instance_id": instance}
        parent = self._where["instance_id"]
        yield InstanceStarted(**where, at=self._at, parent_instance_id=parent, call_id=call_id, **known)


_Reader = Callable[[Rollout, Json], Events]
_EVENTS: Mapping[str, _Reader] = {
    "task_started": Rollout._turn_began,
    "turn_started": Rollout._turn_began,
    "task_complete": Rollout._turn_ended,
    "turn_complete": Rollout._turn_ended,
    "turn_aborted": Rollout._turn_ended,
    "thread_name_updated": Rollout._renamed,
    "user_message": Rollout._user_message,
    "agent_message": Rollout._agent_message,
    "token_count": Rollout._token_count,
    "item_completed": Rollout._item_completed,
    "exec_command_end": Rollout._command_end,
    "patch_apply_end": Rollout._patch_end,
    "mcp_tool_call_end": Rollout._mcp_end,
    "sub_agent_activity": Rollout._subagent_activity,
    "collab_agent_spawn_end": Rollout._spawn_end,
}
_ITEMS: Mapping[str, _Reader] = {
    "UserMessage": Rollout._user_item,
    "AgentMessage": Rollout._agent_item,
    "CommandExecution": Rollout._command_end,
    "FileChange": Rollout._patch_end,
    "McpToolCall": Rollout._mcp_end,
    "SubAgentActivity": Rollout._subagent_activity,
    "CollabAgentToolCall": Rollout._collaboration,
}
_LINES: Mapping[str, _Reader] = {
    "turn_context": Rollout._turn_context,
    "response_item": Rollout._response_item,
    "event_msg": Rollout._event,
    "token_usage_record": Rollout._token_record,
}


def _begun(started: CallStarted, ended: CallEnded) -> CallStarted:
    """A call that was written when it had ended began as long before as it took."""
    if ended.at is None or ended.duration_ms is None:
        return started
    return replace(started, at=ended.at - ended.duration_ms)
