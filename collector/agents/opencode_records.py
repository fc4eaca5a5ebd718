"""What OpenCode's sessions, messages and parts say: the same objects wherever they are.

A session made by a fork begins with copies of the messages before it, under new ids and with their old
times: what is older than its session is passed over, for the forked session tells it. A subagent is a
session whose `parentID` is another one.
"""

from __future__ import annotations

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
    SessionSeen,
)
from collector.agents.tool_line import tool_line
from collector.agents.values import items, mapping, number, text, whole

Json = Mapping[str, Any]
Events = Iterator[AnyEvent]

_KINDS: Mapping[str, CallKind] = {
    **dict.fromkeys(("read", "list"), "read"),
    **dict.fromkeys(("edit", "multiedit", "patch", "apply_patch"), "edit"),
    **dict.fromkeys(("glob", "grep", "codesearch"), "search"),
    **dict.fromkeys(("webfetch", "websearch"), "web"),
    **dict.fromkeys(("todowrite", "todoread", "skill", "question", "invalid", "plan_exit", "batch"), "other"),
    "bash": "shell",
    "write": "write",
    "task": "agent",
}
_NOTE_OPEN, _NOTE_CLOSE = "<shell_metadata>\n", "\n</shell_metadata>"
_REFUSALS: tuple[tuple[str, Outcome], ...] = (
    ("The user rejected permission", "rejected"),
    ("The user has specified a rule which prevents", "denied"),
    ("Tool execution aborted", "interrupted"),
    ("The user dismissed", "rejected"),
)
_NOTES: tuple[tuple[str, Outcome], ...] = (
    ("after exceeding timeout", "timeout"),
    ("User aborted the command", "interrupted"),
)
_HEADS = re.compile(r"^--- (\S[^\n\t]*)\t?[^\n]*\n\+\+\+ (\S[^\n\t]*)\t?[^\n]*$", re.MULTILINE)
_NO_OUTPUT = "(no output)"
_CUT_HEAD = "...\n\n"


class Session:
    """Turns the records of one session into events.

    Args:
        info: the session's object.
        root: the main session above a subagent's; None for a main session.
        source: where the records were read.
    """

    def __init__(self, info: Json, root: str | None, source: str = "transcript") -> None:
        self.info = info
        self.session_id = text(info.get("id")) or ""
        self.created = whole(mapping(info.get("time")).get("created"))
        self.where: dict[str, Any] = {
            "conversation_id": root or self.session_id,
            "instance_id": self.session_id if root is not None else None,
            "source": source,
        }
        self.directory = text(info.get("directory"))

    def begin(self, at: int | None = None) -> Events:
        """Say what is known of the session itself."""
        info, title = self.info, text(self.info.get("title"))
        if title is not None and title.startswith(("New session - ", "Child session - ")):
            title = None
        at = at if at is not None else self.created
        parent = text(info.get("parentID"))
        if self.where["instance_id"] is not None:
            yield InstanceStarted(
                **self.where, at=at, name=title, role=text(info.get("agent")), model=model_of(info),
                parent_instance_id=parent if parent != self.where["conversation_id"] else None,
            )  # fmt: skip
            title = None
        yield SessionSeen(
            **self.where, at=at, agent_version=text(info.get("version")), model=model_of(info),
            working_directory=self.directory, title=title,
        )  # fmt: skip

    def message(self, info: Json, parts: Iterable[Json]) -> Events:
        """Say what a message and its parts hold."""
        message_id, at = text(info.get("id")), whole(mapping(info.get("time")).get("created"))
        if message_id is None or (at is not None and self.created is not None and at < self.created):
            return
        parts = list(parts)
        content = "\n".join(
            told
            for part in parts
            if part.get("type") == "text" and part.get("synthetic") is not True
            if (told := text(part.get("text"))) is not None
        )
        if info.get("role") == "user":
            if content:
                yield Prompt(**self.where, at=at, text=content, prompt_id=message_id)
            return
        yield self.answer(info, at, content or None)
        for part in parts:
            if part.get("type") == "tool":
                yield from self.tool(part, message_id)

    def answer(self, info: Json, at: int | None, content: str | None) -> Message:
        """Say what an answer of the model used."""
        return Message(
            **self.where, at=at, message_id=text(info.get("id")) or "", model=model_of(info), text=content,
            tokens=_tokens(mapping(info.get("tokens"))), cost=_cost(info.get("cost")),
        )  # fmt: skip

    def tool(self, part: Json, message_id: str | None) -> Events:
        """Say what a part of type `tool` holds."""
        call_id, name, state = text(part.get("callID")), text(part.get("tool")), mapping(part.get("state"))
        if call_id is None or name is None:
            return
        times = mapping(state.get("time"))
        began, ended = whole(times.get("start")), whole(times.get("end"))
        yield self.started(call_id, name, mapping(state.get("input")), began, message_id)
        status = text(state.get("status"))
        if status == "completed":
            yield from self.result(call_id, name, state, (began, ended))
        elif status == "error":
            error = text(state.get("error")) or "error"
            yield CallEnded(
                **self.where, at=ended, call_id=self._call_id(call_id), outcome=_outcome_of(error),
                message=error, duration_ms=_between(began, ended),
            )  # fmt: skip

    def started(
        self, call_id: str, name: str, arguments: Json, at: int | None, message_id: str | None
    ) -> CallStarted:
        """Say that a tool was called."""
        kind = _kind(name)
        command = text(arguments.get("command")) if kind == "shell" else None
        return CallStarted(
            **self.where, at=at, call_id=self._call_id(call_id), tool=name, kind=kind,
            command_line=command or tool_line(name, arguments), input=arguments, message_id=message_id,
            working_directory=(text(arguments.get("workdir")) if command else None) or self.directory,
            description=text(arguments.get("description")), timeout_ms=whole(arguments.get("timeout")),
        )  # fmt: skip

    def result(self, call_id: str, name: str, told: Json, times: tuple[int | None, int | None]) -> Events:
        """Say what came of a call, from its `output`, `metadata` and `input`; and of the subagent in it."""
        metadata = mapping(told.get("metadata"))
        child = text(metadata.get("sessionId")) if name == "task" else None
        where = {**self.where, "instance_id": child}
        if child is not None:
            prompt = text(mapping(told.get("input")).get("prompt"))
            yield InstanceStarted(
                **where, at=times[0], call_id=self._call_id(call_id), prompt=prompt,
                parent_instance_id=self.where["instance_id"],
            )  # fmt: skip
        yield self._ended(call_id, name, told, times)
        if child is not None:
            yield InstanceEnded(**where, at=times[1])

    def _ended(self, call_id: str, name: str, told: Json, times: tuple[int | None, int | None]) -> CallEnded:
        metadata = mapping(told.get("metadata"))
        fields: dict[str, Any] = {"outcome": "success", "stdout": text(told.get("output"))}
        if _kind(name) == "shell":
            fields = _shell_result(told.get("output"), metadata)
        elif name == "invalid":
            fields |= {"outcome": "failure", "message": fields["stdout"]}
        began, ended = times
        return CallEnded(
            **self.where, at=ended, call_id=self._call_id(call_id), **fields,
            duration_ms=_between(began, ended),
            diff=_diff(name, metadata, mapping(told.get("input")), self.directory),
            child_instance_id=text(metadata.get("sessionId")) if name == "task" else None,
        )  # fmt: skip

    def _call_id(self, call_id: str) -> str:
        """Some providers count a conversation's calls from 0."""
        return f"{self.session_id}:{call_id}"


def model_of(info: Json) -> str | None:
    """Return the model of a session or message."""
    model = mapping(info.get("model"))
    return text(info.get("modelID")) or text(model.get("modelID")) or text(model.get("id"))


def _kind(name: str) -> CallKind:
    """Tools of MCP servers are `SERVER_TOOL`."""
    return _KINDS.get(name) or ("mcp" if "_" in name else "other")


def _shell_result(output: object, metadata: Json) -> dict[str, Any]:
    stdout, note = _split_note(output if isinstance(output, str) else "")
    fields: dict[str, Any] = {"outcome": "unknown", "message": note}
    if metadata.get("truncated") is True:
        # What the model saw is shorter than what the user could see; the whole output is in a file.
        shown = metadata.get("output")
        stdout = shown if isinstance(shown, str) else stdout
        fields |= {"output_truncated": True, "output_path": text(metadata.get("outputPath"))}
        stdout = stdout.removeprefix(_CUT_HEAD)
    fields["stdout"] = "" if stdout == _NO_OUTPUT else stdout
    code = whole(metadata.get("exit"))
    if code is not None and code >= 0:
        return {
            **fields, "outcome": "failure" if code else "success", "exit_code": code,
            "exit_code_basis": "field",
        }  # fmt: skip
    for mark, outcome in _NOTES:
        if note is not None and mark in note:
            fields["outcome"] = outcome
    return fields


def _split_note(told: str) -> tuple[str, str | None]:
    """Split off what OpenCode says of a command below its output."""
    ended = told.rstrip()
    start = told.rfind(_NOTE_OPEN) if ended.endswith(_NOTE_CLOSE) else -1
    if start < 0:
        return told, None
    note = ended[start + len(_NOTE_OPEN) : -len(_NOTE_CLOSE)]
    return told[:start].removesuffix("\n\n"), note


def _outcome_of(error: str) -> Outcome:
    return next((outcome for start, outcome in _REFUSALS if error.startswith(start)), "failure")


def _diff(name: str, metadata: Json, arguments: Json, directory: str | None) -> str | None:
    told = text(metadata.get("diff")) or text(mapping(metadata.get("filediff")).get("patch"))
    if told is None:
        told = _diff_of_new_file(name, metadata, arguments)
    if told is None or (start := told.find("--- ")) < 0:
        return None
    below = f"{directory.rstrip('/')}/" if directory else ""
    told = _HEADS.sub(lambda match: _headed(match, below), told[start:])
    return told if told.endswith("\n") else f"{told}\n"


def _headed(match: re.Match[str], below: str) -> str:
    old, new = (path if path == "/dev/null" else path.removeprefix(below) for path in match.groups())
    old = old if old == "/dev/null" else f"a/{old.lstrip('/')}"
    new = new if new == "/dev/null" else f"b/{new.lstrip('/')}"
    return f"--- {old}\n+++ {new}"


def _diff_of_new_file(name: str, metadata: Json, arguments: Json) -> str | None:
    path, content = text(arguments.get("filePath")), arguments.get("content")
    if name != "write" or metadata.get("exists") is not False or path is None or not isinstance(content, str):
        return None
    lines = content.splitlines()
    head = f"--- /dev/null\n+++ {path}\n" + (f"@@ -0,0 +1,{len(lines)} @@\n" if lines else "")
    return head + "".join(f"+{line}\n" for line in lines)


def _tokens(told: Json) -> dict[str, int]:
    """Return tokens; OpenCode's `input` has no cached ones in it, its `output` no reasoning."""
    cache = mapping(told.get("cache"))
    reasoning = _count(told.get("reasoning"))
    tokens = {
        "input": _count(told.get("input")),
        "output": _count(told.get("output")) + reasoning,
        "cache_read": _count(cache.get("read")),
        "cache_write": _count(cache.get("write")),
        "reasoning": reasoning,
    }
    return {kind: count for kind, count in tokens.items() if count}


def _count(value: object) -> int:
    told = number(value)
    return int(told) if told is not None and told > 0 else 0


def _cost(value: object) -> float | None:
    """A cost of 0 is what OpenCode says of models whose prices it does not know."""
    cost = number(value)
    return cost if cost is not None and cost > 0 else None


def _between(began: int | None, ended: int | None) -> int | None:
    return ended - began if began is not None and ended is not None and ended >= began else None


def parts_of(value: object) -> list[Json]:
    """Return the parts of an exported message."""
    return [part for item in items(value) if (part := mapping(item))]
