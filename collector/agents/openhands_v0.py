"""OpenHands 0: the events of a conversation, actions and the observations that name them as their cause."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from collector.agents.events import AnyEvent, CallEnded, CallKind, CallStarted, Message, Prompt, SessionSeen
from collector.agents.openhands_results import (
    EDITOR_KINDS,
    Json,
    Terminal,
    TerminalResult,
    command_line,
    diff,
    is_input,
)
from collector.agents.values import mapping, ms_of_iso, ms_of_seconds, number, text, usage_tokens, whole

_KINDS: Mapping[str, CallKind] = {
    "run": "shell", "run_ipython": "other", "read": "read", "write": "write", "edit": "edit",
    "browse": "web", "browse_interactive": "web", "call_tool_mcp": "mcp", "mcp": "mcp", "delegate": "agent",
}  # fmt: skip
_SAID = {"message": "content", "finish": "final_thought"}
"""Where an action has what the agent says to the person, if not in `thought`."""


class EventList:
    """The events of a conversation of version 0."""

    def __init__(self, path: Path, conversation_id: str, events: Iterable[Json]) -> None:
        self._path = path
        self._conversation_id = conversation_id
        self._events = events
        self._terminal = Terminal(conversation_id, None)
        self._calls: dict[int, Json] = {}
        self._working_directory: str | None = None
        self._cost: float | None = None

    def events(self) -> Iterator[AnyEvent]:
        """Yield what they say."""
        yield SessionSeen(conversation_id=self._conversation_id, transcript_path=str(self._path))
        for event in self._events:
            at = ms_of_iso(event.get("timestamp"), local=True)
            self._cost = number(mapping(event.get("llm_metrics")).get("accumulated_cost")) or self._cost
            if isinstance(event.get("action"), str):
                yield from self._action(event, at)
            elif isinstance(event.get("observation"), str):
                yield from self._observation(event, at)
        if self._cost:
            yield Message(
                conversation_id=self._conversation_id,
                message_id=f"{self._conversation_id}:total",
                cost=self._cost,
            )

    def _action(self, event: Json, at: int | None) -> Iterator[AnyEvent]:
        arguments = mapping(event.get("args"))
        action, position = event["action"], whole(event.get("id"))
        if event.get("source") == "user":
            said = text(arguments.get("content")) or text(event.get("message"))
            if action == "message" and said:
                prompt_id = f"{self._conversation_id}:{position}"
                yield Prompt(conversation_id=self._conversation_id, at=at, text=said, prompt_id=prompt_id)
            return
        if event.get("source") != "agent" or position is None:
            return
        metadata = mapping(event.get("tool_call_metadata"))
        response = mapping(metadata.get("model_response"))
        message_id = text(response.get("id")) or f"{self._conversation_id}:{position}"
        said = text(arguments.get(_SAID.get(action, "thought"))) or text(arguments.get("thought"))
        if response or said:
            yield Message(
                conversation_id=self._conversation_id,
                at=at,
                message_id=message_id,
                model=text(response.get("model")),
                text=said,
                tokens=usage_tokens(response.get("usage")),
            )
        kind = _KINDS.get(action)
        if kind is not None:
            yield self._started(event, at, kind, message_id)

    def _started(self, event: Json, at: int | None, kind: CallKind, message_id: str) -> CallStarted:
        arguments = mapping(event.get("args"))
        tool = text(mapping(event.get("tool_call_metadata")).get("function_name")) or event["action"]
        if kind == "edit":
            kind = EDITOR_KINDS.get(str(arguments.get("command")), "edit")
        if kind == "shell" and is_input(arguments):
            kind = "other"
        self._calls[event["id"]] = {"kind": kind, "action": event["action"]}
        return CallStarted(
            conversation_id=self._conversation_id,
            at=at,
            call_id=f"{self._conversation_id}:{event['id']}",
            tool=tool,
            kind=kind,
            command_line=command_line(tool, kind, arguments),
            input={name: value for name, value in arguments.items() if name != "thought"},
            working_directory=self._working_directory,
            message_id=message_id,
            timeout_ms=ms_of_seconds(event.get("timeout")) or None,
        )

    def _observation(self, event: Json, at: int | None) -> Iterator[AnyEvent]:
        cause = whole(event.get("cause"))
        call = self._calls.get(cause if cause is not None else -1)
        if call is None:
            return
        call_id = f"{self._conversation_id}:{cause}"
        extras, observation = mapping(event.get("extras")), event["observation"]
        output = text(event.get("content")) or ""
        if observation == "run":
            metadata = mapping(extras.get("metadata"))
            self._working_directory = text(metadata.get("working_dir")) or self._working_directory
            result = TerminalResult.read(extras, metadata, output)
            yield from self._terminal.ended(call_id, at, call["kind"] == "other", result)
            return
        refused = observation == "user_rejected"
        failed = observation == "error"
        yield CallEnded(
            conversation_id=self._conversation_id,
            at=at,
            call_id=call_id,
            outcome="rejected" if refused else "failure" if failed else "success",
            stdout=None if refused else output or None,
            message=output if refused or failed else None,
            diff=diff(extras) if observation == "edit" else None,
        )


def conversation_id_of(events: list[Json]) -> str:
    """Make an id of the first event: a list has none, and grows at its end."""
    first = json.dumps(events[0] if events else {}, sort_keys=True)
    return hashlib.sha256(first.encode()).hexdigest()[:16]
