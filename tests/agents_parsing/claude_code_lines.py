"""Lines as Claude Code writes them, made by hand, and what the adapter says of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from collector.agents.claude_code import AGENT
from collector.agents.events import AnyEvent, CallEnded, InstanceStarted
from tests.agents_parsing.mutations import assert_sound

SESSION = "11111111-2222-4333-8444-555555555555"
MAIN = Path(f"/home/dev/.claude/projects/-home-dev-app/{SESSION}.jsonl")
AT = "2026-03-01T10:00:00.000Z"
AT_MS = 1_772_359_200_000
_E = TypeVar("_E")
_numbers = iter(range(1, 1_000_000))


def line(kind: str, **fields: Any) -> dict[str, Any]:
    """A line of the conversation's chain; every one has a `uuid` of its own."""
    return {
        "parentUuid": None, "isSidechain": False, "userType": "external", "cwd": "/home/dev/app",
        "sessionId": SESSION, "version": "2.1.329", "gitBranch": "main", "type": kind,
        "uuid": f"00000000-0000-4000-8000-{next(_numbers):012d}", "timestamp": AT, **fields,
    }  # fmt: skip


def typed(text: Any, **fields: Any) -> dict[str, Any]:
    """What a person types."""
    return line("user", message={"role": "user", "content": text}, **fields)


def says(*blocks: dict[str, Any], message_id: str = "msg_1", **fields: Any) -> dict[str, Any]:
    """A line of an answer of the model."""
    usage = {
        "input_tokens": 3, "output_tokens": 7,
        "cache_read_input_tokens": 20, "cache_creation_input_tokens": 5,
    }  # fmt: skip
    message = {
        "id": message_id, "type": "message", "role": "assistant", "model": "model-1",
        "content": list(blocks), "stop_reason": None, "usage": usage,
    }  # fmt: skip
    return line("assistant", **{"message": message, "requestId": f"req_{message_id}", **fields})


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def uses(tool: str, call_id: str = "toolu_1", **tool_input: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": tool, "input": tool_input}


def answers(
    content: Any, details: Any = None, *, call_id: str = "toolu_1", failed: bool = False, **fields: Any
) -> dict[str, Any]:
    """The line of a tool's result."""
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": failed}
    account = {} if details is None else {"toolUseResult": details}
    return line("user", message={"role": "user", "content": [block]}, **account, **fields)


def ran(stdout: str, **details: Any) -> dict[str, Any]:
    """The own account of a shell command that ended well."""
    return {"stdout": stdout, "stderr": "", "interrupted": False, "isImage": False, **details}


def parse(*lines: dict[str, Any] | bytes, path: Path = MAIN) -> list[AnyEvent]:
    """Return the events of a transcript."""
    parser = AGENT.line_parser(path)
    encoded = [one if isinstance(one, bytes) else encode(one) for one in lines]
    return [event for one in encoded for event in parser.feed(one)]


def encode(one: dict[str, Any]) -> bytes:
    return json.dumps(one, separators=(",", ":"), ensure_ascii=False).encode()


def only(kind: type[_E], events: Iterable[AnyEvent]) -> list[_E]:
    return [event for event in events if isinstance(event, kind)]


def end_of(tool_use: dict[str, Any], result: dict[str, Any], path: Path = MAIN) -> CallEnded:
    """Return the end of one call."""
    [end] = only(CallEnded, parse(says(tool_use), result, path=path))
    return end


def assert_all_sound(events: Iterable[AnyEvent]) -> None:
    """A subagent need not have been started by a call; all else must be as it should."""
    assert_sound(
        replace(event, call_id=event.call_id or "-") if isinstance(event, InstanceStarted) else event
        for event in events
    )


def notification(task: str, status: str, summary: str, call_id: str | None = None, **tags: str) -> str:
    """The text that tells of a task's end."""
    named = f"<tool-use-id>{call_id}</tool-use-id>\n" if call_id else ""
    more = "".join(f"<{name}>{content}</{name}>\n" for name, content in tags.items())
    return (
        f"<task-notification>\n<task-id>{task}</task-id>\n{named}"
        f"<output-file>/tmp/tasks/{task}.output</output-file>\n"
        f"<status>{status}</status>\n<summary>{summary}</summary>\n{more}</task-notification>"
    )
