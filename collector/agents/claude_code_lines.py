"""Reading a transcript of Claude Code, line by line: JSON objects of many types, written as things happen.

One answer of the model is several lines, one for each block, with the same `message.id`; the last one has
the final numbers. A tool's result is a `user` line. A subagent has a file of its own, whose results lack the
tool's own account (`toolUseResult`). A forked conversation begins with copies of the lines it came from, with
its own `sessionId`; `uuid`, `message.id`, times and the ids of calls stay.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from collector.agents.claude_code_calls import Call, call_of, started
from collector.agents.claude_code_events import Where, answer_events, call_ended, subagent_seen, task_events
from collector.agents.claude_code_records import (
    NOTIFICATION,
    is_of_interest,
    load_record,
    tokens_of,
    typed_prompt,
)
from collector.agents.claude_code_results import STOPPED, Answer, background_task, tells_no_end
from collector.agents.claude_code_tasks import asked_end, notified_ends
from collector.agents.events import AnyEvent, CallEnded, InstanceEnded, Message, Prompt, SessionSeen
from collector.agents.values import items, mapping, ms_of_iso, number, plain_text, text

SUBAGENT_PREFIX = "agent-"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEPT_CALLS, _KEPT_MESSAGES, _KEPT_IDS = 1024, 64, 16_384
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class TranscriptParser:
    """Reads one transcript; keeps open calls, and of what it has seen only the last so many ids.

    Args:
        path: its file; tells whether it is a subagent's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_subagent = path.name.startswith(SUBAGENT_PREFIX)
        self._own_id = _conversation_of(path)
        self._calls: OrderedDict[str, Call] = OrderedDict()
        self._tasks: OrderedDict[str, Call] = OrderedDict()
        self._texts: OrderedDict[str, list[str]] = OrderedDict()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._notified: OrderedDict[int, None] = OrderedDict()
        self._told: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._instances: OrderedDict[str, None] = OrderedDict()
        self._maybe_stopped: list[Call] = []
        self._asks = True
        self._has_own_title = False
        self._readers: dict[str, Callable[[Mapping[str, Any]], Iterator[AnyEvent]]] = {
            "user": self._user,
            "assistant": self._assistant,
            "attachment": self._attachment,
            "progress": self._progress,
            "queue-operation": self._queue,
            "summary": self._title,
            "ai-title": self._title,
            "custom-title": self._title,
            "permission-mode": self._mode,
            "continued-in": self._continued,
            "cost-state": self._cost,
        }

    def feed(self, line: bytes) -> list[AnyEvent]:
        """Return what a line says."""
        if not is_of_interest(line):
            return []
        record = load_record(line)
        reader = self._readers.get(text(record.get("type")) or "")
        if reader is None or self._is_repeated(record):
            return []
        return list(reader(record))

    def _is_repeated(self, record: Mapping[str, Any]) -> bool:
        uuid = text(record.get("uuid"))
        if uuid is None:
            return False
        repeated = uuid in self._seen
        _keep(self._seen, uuid, None, _KEPT_IDS)
        return repeated

    # Where a line belongs

    def _where(self, record: Mapping[str, Any]) -> Where:
        return Where(
            conversation_id=text(record.get("sessionId")) or self._own_id,
            instance_id=self._instance_of(record),
            at=ms_of_iso(record.get("timestamp")),
            directory=text(record.get("cwd")),
        )

    def _instance_of(self, record: Mapping[str, Any]) -> str | None:
        if agent_id := text(record.get("agentId")):
            return agent_id
        if self._is_subagent:
            return self._path.name.removeprefix(SUBAGENT_PREFIX).partition(".")[0]
        # Before they had files of their own, subagents' lines stood in the conversation's, without a name.
        return "sidechain" if record.get("isSidechain") is True else None

    def _about(self, record: Mapping[str, Any], where: Where) -> Iterator[AnyEvent]:
        """Yield what a line says of its conversation or subagent, as far as it is new."""
        if where.instance_id is not None:
            yield from self._about_subagent(where.instance_id, record, where)
            return
        known = {
            "agent_version": text(record.get("version")),
            "git_branch": text(record.get("gitBranch")),
            "team": text(record.get("teamName")),
            "parent_conversation_id": _origin(record, where.conversation_id),
        }
        if "working_directory" not in self._told.get(where.conversation_id, {}):
            known["working_directory"] = where.directory  # a later one is only where a command went
        if where.conversation_id == self._own_id or not _UUID.fullmatch(self._own_id):
            known["transcript_path"] = str(self._path)
        else:
            own = {"transcript_path": str(self._path), "parent_conversation_id": where.conversation_id}
            yield from self._session(replace(where, conversation_id=self._own_id), own)
        yield from self._session(where, known)

    def _session(self, where: Where, known: Mapping[str, Any]) -> Iterator[SessionSeen]:
        told = self._told.get(where.conversation_id, {})
        new = {name: value for name, value in known.items() if value and told.get(name) != value}
        if new:
            _keep(self._told, where.conversation_id, {**told, **new}, _KEPT_MESSAGES)
            yield SessionSeen(conversation_id=where.conversation_id, at=where.at, **new)

    def _about_subagent(self, agent_id: str, record: Mapping[str, Any], where: Where) -> Iterator[AnyEvent]:
        if agent_id in self._instances:
            return
        _keep(self._instances, agent_id, None, _KEPT_CALLS)
        if seen := subagent_seen(agent_id, self._path if self._is_subagent else None, record, where):
            yield seen
        if version := text(record.get("version")):
            yield SessionSeen(
                conversation_id=where.conversation_id,
                instance_id=agent_id,
                at=where.at,
                agent_version=version,
            )

    def _cost(self, record: Mapping[str, Any]) -> Iterator[AnyEvent]:
        where = self._where(record)
        yield from self._session(where, {"cost": number(record.get("totalCostUSD"))})

    # What the model says

    def _assistant(self, record: Mapping[str, Any]) -> Iterator[AnyEvent]:
        message = mapping(record.get("message"))
        model = text(message.get("model"))
        if model == "<synthetic>":  # an error of the API, say, in the shape of an answer
            return
        where = self._where(record)
        yield from self._about(record, where)
        if where.instance_id is None:
            yield from self._session(where, {"model": model})
        self._maybe_stopped = []
        message_id = text(message.get("id"))
        blocks = [mapping(block) for block in items(message.get("content"))]
        if message_id:
            yield self._message(message_id, record, where, blocks)
        for block in blocks:
            if block.get("type") == "tool_use":
                yield from self._call(block, where, message_id)
        if where.instance_id is not None and message.get("stop_reason") == "end_turn":
            yield InstanceEnded(
                conversation_id=where.conversation_id, instance_id=where.instance_id, at=where.at
            )

    def _message(
        self, message_id: str, record: Mapping[str, Any], where: Where, blocks: list[Mapping[str, Any]]
    ) -> Message:
        texts = self._texts.get(message_id, [])
        for block in blocks:
            said = text(block.get("text")) if block.get("type") == "text" else None
            if said and said not in texts[-1:]:
                texts.append(said)
        _keep(self._texts, message_id, texts, _KEPT_MESSAGES)
        message = mapping(record.get("message"))
        return Message(
            conversation_id=where.conversation_id,
            instance_id=where.instance_id,
            at=where.at,
            message_id=message_id,
            request_id=text(record.get("requestId")),
            model=text(message.get("model")),
            text="\n".join(texts) or None,
            tokens=tokens_of(mapping(message.get("usage"))),
            cost=number(record.get("costUSD")),
        )

    def _call(self, block: Mapping[str, Any], where: Where, message_id: str | None) -> Iterator[AnyEvent]:
        call_id, tool = text(block.get("id")), text(block.get("name"))
        if call_id is None or tool is None:
            return
        call = call_of(call_id, tool, block.get("input"), where.conversation_id)
        call.instance_id, call.directory = where.instance_id, where.directory
        call.at, call.message_id = where.at, message_id
        _keep(self._calls, call_id, call, _KEPT_CALLS)
        yield started(call, where.source)

    # What tools answer and people type

    def _user(self, record: Mapping[str, Any]) -> Iterator[AnyEvent]:
        where = self._where(record)
        yield from self._about(record, where)
        self._learn_mode(record)
        content = mapping(record.get("message")).get("content")
        results = [b for b in map(mapping, items(content)) if b.get("type") == "tool_result"]
        for result in results:
            yield from self._result(record, result, where, len(results) == 1)
        if results:
            return
        if text(record.get("interruptedMessageId")):
            yield from self._stopped(where)
        said = plain_text(content)
        yield from self._notification(said, where)
        yield from self._prompt(record, said, where, text(record.get("uuid")))

    def _prompt(
        self, record: Mapping[str, Any], said: str, where: Where, prompt_id: str | None
    ) -> Iterator[AnyEvent]:
        typed = typed_prompt(record, said) if where.instance_id is None else None
        if typed:
            yield Prompt(conversation_id=where.conversation_id, at=where.at, text=typed, prompt_id=prompt_id)

    def _result(
        self, record: Mapping[str, Any], block: Mapping[str, Any], where: Where, alone: bool
    ) -> Iterator[AnyEvent]:
        call_id = text(block.get("tool_use_id"))
        if call_id is None:
            return
        answer = Answer(
            said=plain_text(block.get("content")),
            details=record.get("toolUseResult") if alone else None,
            failed=block.get("is_error") is True,
            marks=record,
            asks=self._asks,
        )
        call = self._calls.pop(call_id, None) or _unknown_call(call_id, answer, where)
        if tells_no_end(answer):
            return
        where = replace(where, conversation_id=call.conversation_id, instance_id=call.instance_id)
        for event in answer_events(call, answer, where, None):
            yield event
            if isinstance(event, CallEnded):
                self._note_end(call, answer, event)
        end = asked_end(call, answer)
        if end is not None and (task := self._tasks.get(end.task_id)):
            yield from task_events(end, task, where)

    def _note_end(self, call: Call, answer: Answer, end: CallEnded) -> None:
        if end.outcome == "rejected" and answer.marks.get("toolDenialBeforeRun") is not True:
            self._maybe_stopped.append(call)
        if end.outcome == "background":
            for task in (background_task(answer), end.child_instance_id):
                if task:
                    _keep(self._tasks, task, call, _KEPT_CALLS)

    def _stopped(self, where: Where) -> Iterator[AnyEvent]:
        """What seemed to be refused was stopped while it ran."""
        for call in self._maybe_stopped:
            own = replace(where, conversation_id=call.conversation_id, instance_id=call.instance_id)
            yield call_ended(call.call_id, own, {"outcome": "interrupted", "message": STOPPED})
        self._maybe_stopped = []

    def _learn_mode(self, record: Mapping[str, Any]) -> None:
        if mode := text(record.get("permissionMode")):
            self._asks = mode != "bypassPermissions"

    def _mode(self, record: Mapping[str, Any]) -> Iterator[AnyEvent]:
        self._learn_mode(record)
        yield from ()

    def _progress(self, record: Mapping[str, Any]) -> Iterator[AnyEvent]:
        call = self._calls.get(text(record.get("toolUseID")) or "")
        if call is not None and mapping(record.get("data")).get("hookEvent") == "PreToolUse":
            call.hook_seen = True
        yield from ()

    # What goes on in the background, and what is put in while the agent works

    def _notification(self, said: str, where: Where) -> Iterator[AnyEvent]:
        """The same text comes in the queue, as a prompt and as an attachment; the first one has the time."""
        if not said.lstrip().startswith(NOTIFICATION) or hash(said) in self._notified:
            return
        _keep(self._notified, hash(said), None, _KEPT_CALLS)
        for end in notified_ends(said):
            call = self._tasks.get(end.task_id)
            if call is not None or end.is_subagent:  # a subagent's commands are its own transcript's
                yield from task_events(end, call, where)

    def _queue(self, record: Mapping[str, Any]) -> Iterator[AnyEvent]:
        yield from self._notification(plain_text(record.get("content")), self._where(record))

    def _attachment(self, record: Mapping[str, Any]) -> Iterator[AnyEvent]:
        attachment = mapping(record.get("attachment"))
        if attachment.get("type") != "queued_command":
            return
        where = self._where(record)
        at = ms_of_iso(attachment.get("timestamp"))
        where = replace(where, at=at if at is not None else where.at)
        said = plain_text(attachment.get("prompt"))
        yield from self._notification(said, where)
        if attachment.get("commandMode") == "prompt":
            prompt_id = text(attachment.get("source_uuid")) or text(record.get("uuid"))
            yield from self._prompt(attachment, said, where, prompt_id)

    # What is known of the conversation

    def _title(self, record: Mapping[str, Any]) -> Iterator[AnyEvent]:
        own = text(record.get("customTitle"))
        title = own or text(record.get("aiTitle"))
        if title is None and (text(record.get("leafUuid")) or "") in self._seen:
            title = text(record.get("summary"))  # with another's leaf it is of another conversation
        self._has_own_title = self._has_own_title or own is not None
        if title and (own or not self._has_own_title) and not self._is_subagent:
            yield from self._session(self._where(record), {"title": title})

    def _continued(self, record: Mapping[str, Any]) -> Iterator[AnyEvent]:
        where = self._where(record)
        if later := text(record.get("continuedInSessionId")):
            parent = {"parent_conversation_id": where.conversation_id}
            yield from self._session(replace(where, conversation_id=later), parent)


def _conversation_of(path: Path) -> str:
    """Return what a file's place says: `SESSION.jsonl`, or `SESSION/subagents/…/agent-ID.jsonl`."""
    if path.name.startswith(SUBAGENT_PREFIX):
        for folder in path.parents:
            if folder.name == "subagents" and folder.parent.name:
                return folder.parent.name
    return path.name.partition(".")[0]


def _origin(record: Mapping[str, Any], conversation_id: str) -> str | None:
    """Return the conversation that a copied line came from."""
    for origin in (record.get("requestSessionId"), mapping(record.get("forkedFrom")).get("sessionId")):
        if text(origin) not in (None, conversation_id):
            return text(origin)
    return None


def _unknown_call(call_id: str, answer: Answer, where: Where) -> Call:
    """Return what can be said of a call whose start was not read: whether it was a shell's."""
    details = answer.details
    is_shell = isinstance(mapping(details).get("stdout"), str) or (
        isinstance(details, str) and details.startswith("Error: Exit code ")
    )
    call = call_of(call_id, "Bash" if is_shell else "", None, where.conversation_id)
    call.instance_id = where.instance_id
    return call


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value, limit: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > limit:
        kept.popitem(last=False)
