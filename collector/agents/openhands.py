"""OpenHands: conversations of the SDK (1.x, one file for each event), and where event lists of version 0 are.

A conversation of the SDK is a folder: `base_state.json`, which every step writes again and which stands for
the conversation as its transcript, and `events/event-NNNNN-ID.json`. Subagents have folders of the same
kind below `subagents/`. Version 0 kept `events/N.json`, and exported them as one list.
Times have no offset: they are the local time of the machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
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
from collector.agents.openhands_results import (
    EDITOR_KINDS,
    Json,
    Terminal,
    TerminalResult,
    command_line,
    diff,
    is_clipped,
    is_input,
)
from collector.agents.openhands_v0 import EventList, conversation_id_of
from collector.agents.values import (
    count,
    items,
    load_json,
    mapping,
    ms_of_iso,
    ms_of_seconds,
    number,
    plain_text,
    text,
    without_cache,
)

_STATE = "base_state.json"
_SUBAGENTS = "subagents"
_EVENT_FILE = re.compile(r"event-(\d{5,})-[0-9a-fA-F-]{8,}\.json")
_V0_EVENT_FILE = re.compile(r"(\d+)\.json")
_ENDED = ("finished", "error", "stuck")

_KINDS: Mapping[str, CallKind] = {
    **dict.fromkeys(("terminal", "execute_bash", "bash"), "shell"),
    **dict.fromkeys(("file_editor", "str_replace_editor", "planning_file_editor", "apply_patch"), "edit"),
    **dict.fromkeys(("grep", "glob"), "search"),
    **dict.fromkeys(("read_file", "list_directory"), "read"),
    **dict.fromkeys(("task", "delegate", "workflow"), "agent"),
    "edit": "edit",
    "write_file": "write",
}
_ACP_KINDS: Mapping[str, CallKind] = {
    "execute": "shell", "read": "read", "edit": "edit", "delete": "edit", "move": "edit",
    "search": "search", "fetch": "web",
}  # fmt: skip


class OpenHands:
    """OpenHands 0 and its software agent SDK 1."""

    name = "openhands"
    title = "OpenHands"
    commands = ("openhands",)

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:  # noqa: ARG002, RUF100
        """Yield the state of every conversation; of version 0, each one's first event."""
        for folder in _folders(home / ".openhands" / "conversations"):
            yield from _main_file(folder)
        for folder in _folders(home / ".openhands" / "sessions"):
            yield from sorted((folder / "events").glob("*.json"), key=_position)[:1]

    def recent_transcripts(
        self,
        home: Path,
        environ: Mapping[str, str],  # noqa: ARG002, RUF100
        root: Path,
        since: float,
    ) -> Iterator[Path]:
        """Yield conversations whose working directory lies in the workspace."""
        for folder in _folders(home / ".openhands" / "conversations"):
            state = folder / _STATE
            try:
                if state.stat().st_mtime <= since:
                    continue
                working_directory = _working_directory(mapping(load_json(state)))
            except (OSError, ValueError):
                continue
            if working_directory and Path(working_directory).is_relative_to(root):
                yield state

    def companions(self, path: Path) -> Iterator[Path]:
        """Yield the states of a conversation's subagents, and of theirs."""
        folder = _conversation_folder(path)
        if folder is None:
            return
        for child in _folders(folder / _SUBAGENTS):
            for state in _main_file(child):
                yield state
                yield from self.companions(state)

    def parts(self, path: Path) -> Iterator[Path]:
        """Yield the events beside a conversation's state."""
        if path.name == _STATE:
            yield from sorted((path.parent / "events").glob("*.json"))

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is a conversation's state, one of its events, or a list of events."""
        start = head.lstrip()[:1]
        if path.name == _STATE:
            return start == b"{" and (path.parent / "events").is_dir()
        if _conversation_folder(path) is not None:
            return start == b"{" and b'"kind"' in head
        if start not in (b"[", b"{") or b'"source"' not in head:
            return False
        is_event = b'"action"' in head or b'"observation"' in head
        return is_event and (start == b"[" or _is_v0_event_file(path))

    def line_parser(self, path: Path) -> None:  # noqa: ARG002, RUF100
        """Return None: a conversation is a folder of JSON documents, or one list."""
        return

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield what a conversation says, whichever of its files is named.

        Raises:
            OSError: its state cannot be read.
            ValueError: it is none.
        """
        folder = _conversation_folder(path)
        if folder is not None:
            yield from _Conversation(path, folder).events()
        elif _is_v0_event_file(path):
            files = sorted(path.parent.glob("*.json"), key=_position)
            yield from EventList(path, path.parent.parent.name, _documents(files)).events()
        else:
            document = load_json(path)
            if not isinstance(document, list):
                raise ValueError(f"{path.name} is no list of events")
            events = [mapping(event) for event in document]
            yield from EventList(path, conversation_id_of(events), events).events()

    def hook_events(self, payload: Json, received_at: int) -> Iterable[AnyEvent]:  # noqa: ARG002, RUF100
        """Return nothing: its hooks run in its own sandbox."""
        return ()


class _Conversation:
    """One conversation of the SDK, or of a subagent within one."""

    def __init__(self, path: Path, folder: Path) -> None:
        lineage = _lineage(folder)
        self._path = path
        self._folder = folder
        self._state = mapping(load_json(folder / _STATE)) if (folder / _STATE).exists() else {}
        self._instance_id = folder.name if len(lineage) > 1 else None
        self._parent_instance_id = lineage[-2].name if len(lineage) > 2 else None
        conversation_id = lineage[0].name
        if self._instance_id is None:  # a copy of the state lies in another folder
            conversation_id = (text(self._state.get("id")) or "").replace("-", "") or conversation_id
        self._ids: dict[str, Any] = {"conversation_id": conversation_id, "instance_id": self._instance_id}
        self._model = text(mapping(mapping(self._state.get("agent")).get("llm")).get("model"))
        self._working_directory = _working_directory(self._state)
        self._terminal = Terminal(conversation_id, self._instance_id)
        self._usage = _usage_by_response(self._state)
        self._told: set[str] = set()
        self._inputs: set[str] = set()
        self._call_ids: dict[str, str] = {}
        self._error: str | None = None

    def events(self) -> Iterator[AnyEvent]:
        if self._instance_id is not None:
            yield self._instance(None, None)
        yield SessionSeen(
            **self._ids,
            model=self._model,
            working_directory=self._working_directory,
            transcript_path=str(self._path),
        )
        handlers: Mapping[Any, Callable[[Json, int | None], Iterator[AnyEvent]]] = {
            "MessageEvent": self._message,
            "ActionEvent": self._action,
            "ObservationEvent": self._observation,
            "UserRejectObservation": self._refusal,
            "AgentErrorEvent": self._failure,
            "ACPToolCallEvent": self._acp_call,
        }
        for event in _documents(_event_files(self._folder)):
            kind = event.get("kind")
            if kind == "ConversationErrorEvent":
                self._error = text(event.get("detail")) or text(event.get("code"))
            elif isinstance(kind, str) and kind in handlers:
                yield from handlers[kind](event, ms_of_iso(event.get("timestamp"), local=True))
        yield from self._rest_of_usage()
        yield from self._end()

    def _instance(self, at: int | None, prompt: str | None) -> InstanceStarted:
        return InstanceStarted(
            **self._ids,
            at=at,
            parent_instance_id=self._parent_instance_id,
            model=self._model,
            prompt=prompt,
            transcript_path=str(self._path),
        )

    def _message(self, event: Json, at: int | None) -> Iterator[AnyEvent]:
        said = plain_text(mapping(event.get("llm_message")).get("content"))
        if event.get("source") == "agent":
            yield from self._answer(event, at, said)
        elif event.get("source") == "user" and said:
            if self._instance_id is not None:
                yield self._instance(at, said)
            yield Prompt(**self._ids, at=at, text=said, prompt_id=text(event.get("id")))

    def _answer(self, event: Json, at: int | None, said: str) -> Iterator[AnyEvent]:
        message_id = text(event.get("llm_response_id")) or text(event.get("id"))
        if message_id is None or (message_id in self._told and not said):
            return
        self._told.add(message_id)
        yield Message(
            **self._ids, at=at, message_id=message_id, text=said or None, **self._usage.get(message_id, {})
        )

    def _action(self, event: Json, at: int | None) -> Iterator[AnyEvent]:
        yield from self._answer(event, at, plain_text(event.get("thought")))
        call_id = text(event.get("id"))
        if call_id is None:
            return
        action = mapping(event.get("action")) or _arguments(event)
        tool = text(event.get("tool_name")) or "unknown"
        kind = "mcp" if action.get("kind") == "MCPToolAction" else _kind(tool, action)
        if kind == "shell" and is_input(action):
            kind = "other"
            self._inputs.add(call_id)
        self._call_ids[text(event.get("tool_call_id")) or call_id] = call_id
        yield CallStarted(
            **self._ids,
            at=at,
            call_id=call_id,
            tool=tool,
            kind=kind,
            command_line=command_line(tool, kind, action),
            input=mapping(action.get("data")) or {k: v for k, v in action.items() if k != "kind"},
            working_directory=self._working_directory,
            message_id=text(event.get("llm_response_id")) or call_id,
            description=_summary(tool, event),
            timeout_ms=ms_of_seconds(action.get("timeout")) or None,
        )

    def _call_of(self, event: Json) -> str | None:
        named = text(event.get("action_id"))
        return named or self._call_ids.get(text(event.get("tool_call_id")) or "")

    def _observation(self, event: Json, at: int | None) -> Iterator[AnyEvent]:
        call_id = self._call_of(event)
        observation = mapping(event.get("observation"))
        if call_id is None:
            return
        output = plain_text(observation.get("content")) or text(observation.get("output")) or ""
        metadata = mapping(observation.get("metadata"))
        if metadata or "exit_code" in observation:
            self._working_directory = text(metadata.get("working_dir")) or self._working_directory
            result = TerminalResult.read(observation, metadata, output)
            yield from self._terminal.ended(call_id, at, call_id in self._inputs, result)
            return
        is_error = observation.get("is_error") is True
        yield CallEnded(
            **self._ids,
            at=at,
            call_id=call_id,
            outcome="failure" if is_error else "success",
            stdout=output or None,
            output_truncated=is_clipped(output),
            message=output if is_error else None,
            diff=None if is_error else diff(observation),
        )

    def _refusal(self, event: Json, at: int | None) -> Iterator[AnyEvent]:
        call_id = self._call_of(event)
        if call_id is not None:
            yield CallEnded(
                **self._ids,
                at=at,
                call_id=call_id,
                outcome="denied" if event.get("rejection_source") == "hook" else "rejected",
                message=text(event.get("rejection_reason")),
            )

    def _failure(self, event: Json, at: int | None) -> Iterator[AnyEvent]:
        call_id = self._call_of(event)
        if call_id is not None:
            error = text(event.get("error"))
            yield CallEnded(**self._ids, at=at, call_id=call_id, outcome="failure", message=error)

    def _acp_call(self, event: Json, at: int | None) -> Iterator[AnyEvent]:
        """A tool call of another agent that OpenHands drives; each event has the whole of it so far."""
        call_id = text(event.get("tool_call_id"))
        if call_id is None:
            return
        call_id = f"{self._ids['conversation_id']}:{call_id}"
        arguments = mapping(event.get("raw_input"))
        tool = text(event.get("title")) or "unknown"
        kind = _ACP_KINDS.get(str(event.get("tool_kind")), "other")
        if call_id not in self._told:
            self._told.add(call_id)
            yield CallStarted(
                **self._ids,
                at=at,
                call_id=call_id,
                tool=text(event.get("tool_kind")) or "other",
                kind=kind,
                command_line=text(arguments.get("command")) or tool,
                input=arguments,
                working_directory=self._working_directory,
            )
        if event.get("status") in ("completed", "failed"):
            output = event.get("raw_output")
            said = output if isinstance(output, str) else plain_text(mapping(output).get("output"))
            failed = event.get("status") == "failed" or event.get("is_error") is True
            outcome: Outcome = "failure" if failed else "success"
            yield CallEnded(**self._ids, at=at, call_id=call_id, outcome=outcome, stdout=said or None)

    def _rest_of_usage(self) -> Iterator[AnyEvent]:
        """Requests that made no event: titles, summaries."""
        for response_id, usage in self._usage.items():
            if response_id not in self._told:
                yield Message(**self._ids, message_id=response_id, **usage)

    def _end(self) -> Iterator[AnyEvent]:
        status = self._state.get("execution_status")
        if status not in _ENDED:
            return
        error = self._error or "the agent was stuck" if status != "finished" else None
        if self._instance_id is not None:
            yield InstanceEnded(**self._ids, error=error)
        else:
            yield SessionEnded(**self._ids, reason=str(status), error=error)


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir())
    except OSError:
        return []


def _main_file(folder: Path) -> Iterator[Path]:
    """Yield the file that stands for a conversation."""
    if (folder / _STATE).is_file():
        yield folder / _STATE
    else:
        yield from _event_files(folder)[:1]


def _event_files(folder: Path) -> list[Path]:
    files = (folder / "events").glob("event-*.json")
    return sorted((path for path in files if _EVENT_FILE.fullmatch(path.name)), key=_position)


def _position(path: Path) -> int:
    found = _EVENT_FILE.fullmatch(path.name) or _V0_EVENT_FILE.fullmatch(path.name)
    return int(found[1]) if found else -1


def _documents(files: Iterable[Path]) -> Iterator[Json]:
    """Yield what the files hold; one that cannot be read (yet) is left out."""
    for path in files:
        try:
            yield mapping(load_json(path))
        except (OSError, ValueError):
            continue


def _conversation_folder(path: Path) -> Path | None:
    if path.name == _STATE:
        return path.parent
    if _EVENT_FILE.fullmatch(path.name) and path.parent.name == "events":
        return path.parent.parent
    return None


def _is_v0_event_file(path: Path) -> bool:
    return path.parent.name == "events" and _V0_EVENT_FILE.fullmatch(path.name) is not None


def _lineage(folder: Path) -> list[Path]:
    """Return the folders of the main conversation, of its subagent, of that one's, down to this."""
    lineage = [folder]
    while lineage[0].parent.name == _SUBAGENTS:
        lineage.insert(0, lineage[0].parent.parent)
    return lineage


def _working_directory(state: Json) -> str | None:
    return text(mapping(state.get("workspace")).get("working_dir"))


def _usage_by_response(state: Json) -> dict[str, dict[str, Any]]:
    """Return model, tokens and cost of every request, by the provider's id of its response.

    Costs are a list beside that of tokens, without ids; where their lengths differ, the sum is told once.
    """
    found: dict[str, dict[str, Any]] = {}
    for usage_id, metrics in mapping(mapping(state.get("stats")).get("usage_to_metrics")).items():
        usages = [mapping(usage) for usage in items(mapping(metrics).get("token_usages"))]
        costs = [number(mapping(cost).get("cost")) for cost in items(mapping(metrics).get("costs"))]
        paired = len(costs) == len(usages)
        for position, usage in enumerate(usages):
            response_id = text(usage.get("response_id"))
            if response_id is not None:
                found[response_id] = {
                    "model": text(usage.get("model")),
                    "tokens": _tokens(usage),
                    "cost": costs[position] if paired else None,
                }
        total = number(mapping(metrics).get("accumulated_cost"))
        if total and not paired:
            found[f"{state.get('id')}:{usage_id}:total"] = {"cost": total}
    return found


def _tokens(usage: Json) -> dict[str, int]:
    counts = {name: count(usage.get(f"{name}_tokens")) for name in _TOKEN_NAMES}
    tokens = {
        "input": without_cache(counts["prompt"], counts["cache_read"], counts["cache_write"]),
        "output": counts["completion"],
        "cache_read": counts["cache_read"],
        "cache_write": counts["cache_write"],
        "reasoning": counts["reasoning"],
    }
    return {kind: tokens_of_kind for kind, tokens_of_kind in tokens.items() if tokens_of_kind}


_TOKEN_NAMES = ("prompt", "completion", "cache_read", "cache_write", "reasoning")


def _arguments(event: Json) -> Json:
    """Return what the model asked for where no tool could take it."""
    try:
        return mapping(json.loads(mapping(event.get("tool_call")).get("arguments") or "{}"))
    except (ValueError, TypeError, RecursionError):
        return {}


def _summary(tool: str, event: Json) -> str | None:
    """Return what the model says that it does; the SDK fills it with the input where it says nothing."""
    summary = text(event.get("summary"))
    return None if summary and summary.startswith(f"{tool}: {{") else summary


def _kind(tool: str, action: Json) -> CallKind:
    kind = _KINDS.get(tool, "web" if tool.startswith("browser_") else "other")
    if kind == "edit":
        return EDITOR_KINDS.get(str(action.get("command")), "edit")
    return kind


AGENT = OpenHands()
