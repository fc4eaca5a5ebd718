"""What `codex exec --json` prints: one line for each thing that happens, without times.

Its ids count from 0 in each process, also when a thread is resumed: a hash of what was printed so far makes
them differ between processes and the same in every copy of one output.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from collector.agents.codex_fields import command_result, error_text, mcp_result, patch_result, status_of
from collector.agents.codex_results import Result
from collector.agents.codex_threads import tokens_of
from collector.agents.codex_tools import ToolUse, mcp_use, split_command
from collector.agents.events import AnyEvent, CallEnded, CallStarted, Message, SessionSeen
from collector.agents.tool_line import tool_line
from collector.agents.values import items, mapping, text

Json = Mapping[str, Any]
_MAX_OPEN = 4096


class Stream:
    """Reads one output of `codex exec --json`."""

    def __init__(self) -> None:
        self._where: dict[str, Any] = {"conversation_id": "", "source": "stream"}
        self._hash = blake2b(digest_size=4)
        self._open: dict[str, str] = {}

    def feed(self, line: bytes) -> Iterable[AnyEvent]:
        """Return what a line says."""
        self._hash.update(line)
        try:
            record = json.loads(line.decode("utf-8", "replace"), strict=False)
        except (ValueError, RecursionError):
            return ()
        return list(self._read(record)) if isinstance(record, dict) else ()

    def _read(self, record: Json) -> Iterator[AnyEvent]:
        kind = text(record.get("type")) or ""
        if kind == "thread.started":
            self._where["conversation_id"] = text(record.get("thread_id")) or ""
            yield SessionSeen(**self._where)
        elif not self._where["conversation_id"]:
            return
        elif kind == "turn.completed":
            yield self._used(mapping(record.get("usage")))
        elif kind.startswith("item."):
            yield from self._item(kind, mapping(record.get("item")))

    def _used(self, usage: Json) -> Message:
        """The tokens are those of the whole thread so far, so they replace what was told before."""
        thread = self._where["conversation_id"]
        return Message(**self._where, message_id=f"{thread}:stream", tokens=tokens_of(usage))

    def _item(self, kind: str, item: Json) -> Iterator[AnyEvent]:
        item_id, what = text(item.get("id")), text(item.get("type")) or ""
        if item_id is None:
            return
        if what == "agent_message" and kind == "item.completed":
            yield Message(**self._where, message_id=self._unique(item_id), text=text(item.get("text")))
        if what not in _CALLS:
            return
        use_of, result_of = _CALLS[what]
        if item_id not in self._open:
            while len(self._open) >= _MAX_OPEN:
                del self._open[next(iter(self._open))]
            self._open[item_id] = self._unique(item_id)
            yield self._started(self._open[item_id], use_of(item))
        if kind == "item.completed":
            yield self._ended(self._open.pop(item_id), result_of(item))

    def _unique(self, item_id: str) -> str:
        return f"{self._where['conversation_id']}:{item_id}:{self._hash.hexdigest()}"

    def _started(self, call_id: str, use: ToolUse) -> CallStarted:
        return CallStarted(
            **self._where, call_id=call_id, tool=use.tool, kind=use.kind, command_line=use.command_line,
            input=use.input,
        )  # fmt: skip

    def _ended(self, call_id: str, result: Result) -> CallEnded:
        return CallEnded(
            **self._where, call_id=call_id, outcome=result.outcome, exit_code=result.exit_code,
            exit_code_basis=result.basis, stdout=result.stdout, output_truncated=result.truncated,
            message=result.message,
        )  # fmt: skip


def _command(item: Json) -> ToolUse:
    return ToolUse("exec_command", "shell", split_command(text(item.get("command")) or ""))


def _change(item: Json) -> ToolUse:
    paths = [p for change in items(item.get("changes")) if (p := text(mapping(change).get("path")))]
    return ToolUse("apply_patch", "edit", " ".join(["apply_patch", *paths]))


def _tool(item: Json) -> ToolUse:
    server, tool = text(item.get("server")) or "mcp", text(item.get("tool")) or "tool"
    return mcp_use(server, tool, mapping(item.get("arguments")))


def _search(item: Json) -> ToolUse:
    return ToolUse("web_search", "web", tool_line("web_search", item if "query" in item else {}))


def _agents(item: Json) -> ToolUse:
    tool = text(item.get("tool")) or "agent"
    prompt = text(item.get("prompt"))
    return ToolUse(tool, "agent", tool_line(tool, {"prompt": prompt} if prompt else {}))


def _of_command(item: Json) -> Result:
    return command_result(item, was_aborted=False)


def _of_status(item: Json) -> Result:
    outcome = status_of(item)
    told = error_text(item.get("error"))
    if outcome == "unknown":
        outcome = "failure" if told else "success"
    return Result(outcome=outcome, message=told)


_CALLS: Mapping[str, tuple[Callable[[Json], ToolUse], Callable[[Json], Result]]] = {
    "command_execution": (_command, _of_command),
    "file_change": (_change, patch_result),
    "mcp_tool_call": (_tool, mcp_result),
    "web_search": (_search, _of_status),
    "collab_tool_call": (_agents, _of_status),
}
