"""The calls of one Codex conversation, from the lines that begin, continue and end them.

A command's end is told up to three times: by an event with fields (`exec_command_end`, or an item
`CommandExecution`), by the text that the model gets, and by an aborted turn; fields win. A command that goes
on is continued by `write_stdin`, whose last answer holds the end of the *first* call: so such a call is no
run of its own, unless the command that it continues is not known. The same holds for `wait` and the scripts
of code mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from collector.agents.codex_fields import (
    command_result,
    mcp_result,
    patch_result,
    script_results,
    status_of,
)
from collector.agents.codex_patches import diff_of_changes, diff_of_patch
from collector.agents.codex_results import Result, read_result, seconds_of
from collector.agents.codex_tools import (
    COMMAND_TOOLS,
    ToolUse,
    command_text,
    custom_use,
    mcp_use,
    script_commands,
    use_of,
)
from collector.agents.events import CallEnded, CallStarted, Outcome
from collector.agents.values import mapping, text

_MAX_OPEN = 4096
_MAX_KEPT = 4 << 20
_POLLS = {"write_stdin": "session_id", "wait": "cell_id"}
CallEvents = Iterator[CallStarted | CallEnded]
Json = Mapping[str, Any]


@dataclass(slots=True)
class _Open:
    """A call that more may be said of."""

    use: ToolUse
    at: int | None
    pieces: list[str] = field(default_factory=list)
    kept: int = 0
    running: str | None = None
    child: str | None = None
    has_ended: bool = False
    was_aborted: bool = False


class Calls:
    """Turns what is said of calls into events.

    Args:
        where: `conversation_id`, `instance_id` and `source` of every event.
    """

    def __init__(self, where: dict[str, Any]) -> None:
        self.where = where
        self.directory: str | None = None
        self._open: dict[str, _Open] = {}
        self._running: dict[str, str] = {}
        self._polls: dict[str, str] = {}
        self._user_commands: set[str] = set()
        self._has_fields = False

    # Beginnings

    def function_call(
        self, payload: Json, arguments: Json, at: int | None, message: str | None
    ) -> CallEvents:
        """The model called a function."""
        call_id, name = _id(payload), text(payload.get("name"))
        if call_id is None or name is None:
            return
        handle = str(arguments.get(_POLLS[name])) if name in _POLLS else None
        if handle is not None and handle in self._running:
            self._polls[call_id] = self._running[handle]
            return
        yield self._begin(call_id, use_of(name, text(payload.get("namespace")), arguments), at, message)

    def custom_call(self, payload: Json, at: int | None, message: str | None) -> CallEvents:
        """The model called a tool that takes a text."""
        call_id, name = _id(payload), text(payload.get("name"))
        if call_id is not None and name is not None:
            yield self._begin(call_id, custom_use(name, text(payload.get("input")) or ""), at, message)

    def provider_call(self, payload: Json, at: int | None, message: str | None) -> CallEvents:
        """The model used a tool that the provider defines: a shell, a web search, what else there may be."""
        call_id, tool = _id(payload), str(payload.get("type")).removesuffix("_call")
        if call_id is None:
            return
        arguments = mapping(payload.get("action")) or mapping(payload.get("arguments"))
        yield self._begin(call_id, use_of(tool, None, arguments), at, message)
        if tool == "web_search":
            status = status_of(payload)
            yield self._end(call_id, Result(outcome="success" if status == "unknown" else status), at)
            self._forget(call_id)

    def _begin(self, call_id: str, use: ToolUse, at: int | None, message: str | None = None) -> CallStarted:
        while len(self._open) >= _MAX_OPEN:
            self._forget(next(iter(self._open)))
        self._open[call_id] = _Open(use, at)
        return CallStarted(
            **self.where, at=at, call_id=call_id, tool=use.tool, kind=use.kind,
            command_line=use.command_line, input=use.input, message_id=message,
            working_directory=use.working_directory or self.directory,
            description=use.description, timeout_ms=use.timeout_ms,
        )  # fmt: skip

    # Results as text

    def output(self, payload: Json, at: int | None) -> CallEvents:
        """The model was told a result."""
        given = _id(payload)
        if given is None:
            return
        call_id = self._polls.pop(given, given)
        call = self._open.get(call_id)
        if call is None:
            return
        result = read_result(payload.get("output"), is_command=call.use.tool in COMMAND_TOOLS)
        if call.use.tool == "exec":
            yield from self._commands_of_script(call_id, call, payload.get("output"), at, result)
        if result.running is not None:
            yield from self._goes_on(call_id, call, result, at, is_first=given == call_id)
        elif call.has_ended and not call.was_aborted:
            self._forget(call_id)  # fields have told it
        else:
            yield self._last_word(call_id, call, result, at, is_whole=given == call_id)

    def _goes_on(
        self, call_id: str, call: _Open, result: Result, at: int | None, is_first: bool
    ) -> CallEvents:
        if result.running is not None and call.running is None:
            call.running = result.running
            self._running[result.running] = call_id
        if call.kept < _MAX_KEPT and not call.has_ended:
            call.pieces.append(result.stdout or "")
            call.kept += len(call.pieces[-1])
        if is_first and not call.has_ended:
            yield self._end(call_id, result, at)

    def _last_word(
        self, call_id: str, call: _Open, result: Result, at: int | None, is_whole: bool
    ) -> CallEnded:
        """An aborted call is remembered: what it did until it was killed may be told later."""
        if call.pieces:
            result.stdout = "".join([*call.pieces, result.stdout or ""])
        if not is_whole or result.is_script:
            result.duration_ms = None  # only of the last piece
        patch = call.use.patch if result.outcome == "success" else None
        event = self._end(call_id, result, at, diff_of_patch(patch) if patch else None)
        call.was_aborted = result.outcome == "interrupted"
        if not call.was_aborted:
            self._forget(call_id)
        return event

    def _commands_of_script(
        self, call_id: str, call: _Open, output: object, at: int | None, result: Result
    ) -> CallEvents:
        """Tell the commands that a script ran, if it is certain which, and no fields tell them."""
        commands = [] if self._has_fields else script_commands(call.use.command_line)
        ids = [f"{call_id}:{number}" for number in range(1, len(commands) + 1)]
        if call.running is None:
            for nested, arguments in zip(ids, commands, strict=True):
                yield self._begin(nested, use_of("exec_command", None, arguments), call.at)
        if result.running is None:
            for nested, told in zip(ids, script_results(output, len(ids)), strict=True):
                yield self._end(nested, told, at)
                self._forget(nested)

    # Results in fields

    def command_end(self, told: Json, at: int | None) -> CallEvents:
        """A command ended: `exec_command_end`, or an item `CommandExecution`."""
        call_id = _id(told)
        if call_id is None or told.get("source") == "unified_exec_interaction":
            return
        self._has_fields = True
        is_known = call_id in self._open
        if not is_known:
            yield self._begin(call_id, _use_of_command(told), _began(told, at))
        if told.get("source") == "user_shell":
            self._user_commands.add(command_text(told.get("command")).strip())
        result = command_result(told, was_aborted=self._open[call_id].was_aborted)
        yield self._settle(call_id, result, at, is_known)

    def patch_end(self, told: Json, at: int | None) -> CallEvents:
        """Files were changed: `patch_apply_end`, or an item `FileChange`."""
        call_id = _id(told)
        if call_id is None:
            return
        changes = mapping(told.get("changes"))
        is_known = call_id in self._open
        if not is_known:
            yield self._begin(
                call_id, ToolUse("apply_patch", "edit", " ".join(["apply_patch", *changes])), at
            )
        result = patch_result(told)
        diff = diff_of_changes(changes, self.directory) if result.outcome == "success" else None
        yield self._settle(call_id, result, at, is_known, diff)

    def mcp_end(self, told: Json, at: int | None) -> CallEvents:
        """A tool of an MCP server answered: `mcp_tool_call_end`, or an item `McpToolCall`."""
        call_id = _id(told)
        if call_id is None:
            return
        asked = mapping(told.get("invocation")) or told
        is_known = call_id in self._open
        if not is_known:
            server, tool = text(asked.get("server")) or "mcp", text(asked.get("tool")) or "tool"
            yield self._begin(call_id, mcp_use(server, tool, mapping(asked.get("arguments"))), at)
        yield self._settle(call_id, mcp_result(told), at, is_known)

    def _settle(
        self, call_id: str, result: Result, at: int | None, is_known: bool, diff: str | None = None
    ) -> CallEnded:
        """A call that the model made is kept until its text came too; one within a script has none."""
        call = self._open[call_id]
        event = self._end(call_id, result, at, diff)
        call.pieces.clear()
        if not is_known or call.was_aborted:
            self._forget(call_id)
        return event

    # Ends

    def abort(self, at: int | None, outcome: Outcome, reason: str | None) -> CallEvents:
        """The turn was aborted: what waits for its result gets none; commands that go on still do."""
        for call_id, call in self._open.items():
            if not call.has_ended and call.running is None:
                yield self._end(call_id, Result(outcome=outcome, message=reason), at)
                call.was_aborted = True

    def user_command(self, call_id: str, command: str, result: Result, at: int | None) -> CallEvents:
        """A person ran `!command`; nothing when fields have told of it."""
        if command in self._user_commands:
            self._user_commands.discard(command)
            return
        began = at - result.duration_ms if at is not None and result.duration_ms is not None else at
        yield self._begin(call_id, ToolUse("user_shell", "shell", command), began)
        yield self._end(call_id, result, at)
        self._forget(call_id)

    def child_began(self, call_id: str, instance_id: str) -> None:
        """A call started a subagent."""
        if (call := self._open.get(call_id)) is not None:
            call.child = instance_id

    def _end(self, call_id: str, result: Result, at: int | None, diff: str | None = None) -> CallEnded:
        call = self._open.get(call_id)
        if call is not None and result.outcome != "background":
            call.has_ended = True
        return CallEnded(
            **self.where, at=at, call_id=call_id, outcome=result.outcome, exit_code=result.exit_code,
            exit_code_basis=result.basis, stdout=result.stdout, stderr=result.stderr,
            output_truncated=result.truncated, duration_ms=result.duration_ms, message=result.message,
            diff=diff, child_instance_id=call.child if call else None,
        )  # fmt: skip

    def _forget(self, call_id: str) -> None:
        call = self._open.pop(call_id, None)
        if call is not None and call.running is not None:
            self._running.pop(call.running, None)


def _id(payload: Json) -> str | None:
    return text(payload.get("call_id")) or text(payload.get("id"))


def _use_of_command(told: Json) -> ToolUse:
    tool = "user_shell" if told.get("source") == "user_shell" else "exec_command"
    directory = text(told.get("cwd"))
    return ToolUse(
        tool, "shell", command_text(told.get("command")),
        working_directory=directory.removeprefix("file://") if directory else None,
    )  # fmt: skip


def _began(told: Json, at: int | None) -> int | None:
    duration = seconds_of(told.get("duration"))
    return at - duration if at is not None and duration is not None else at
