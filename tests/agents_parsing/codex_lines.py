"""Lines as Codex writes them, made by hand, and what the adapter says of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from collector.agents.codex import AGENT
from collector.agents.events import AnyEvent, CallEnded, CallStarted, InstanceStarted
from tests.agents_parsing.mutations import assert_sound

THREAD = "01a20000-0000-7000-8000-000000000001"
ROLLOUT = Path(f"/home/dev/.codex/sessions/2026/11/23/rollout-2026-11-23T09-00-00-{THREAD}.jsonl")
AT_MS = 1_795_424_400_000
_E = TypeVar("_E")


def stamp(ms: int = 0) -> str:
    """A time, some milliseconds after 2026-11-23T09:00:00Z."""
    return f"2026-11-23T09:{ms // 60_000:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}Z"


def line(kind: str, payload: dict[str, Any], at: int = 0) -> dict[str, Any]:
    return {"timestamp": stamp(at), "type": kind, "payload": payload}


def meta(version: str = "0.169.0", **fields: Any) -> dict[str, Any]:
    return line("session_meta", {
        "id": THREAD, "session_id": THREAD, "timestamp": stamp(), "cwd": "/home/dev/app",
        "originator": "codex_exec", "cli_version": version, "source": "exec", "git": {"branch": "main"},
        **fields,
    })  # fmt: skip


def event(name: str, at: int = 0, /, **fields: Any) -> dict[str, Any]:
    return line("event_msg", {"type": name, **fields}, at)


def item(name: str, at: int = 0, /, **fields: Any) -> dict[str, Any]:
    told = {"thread_id": THREAD, "item": {"type": name, **fields}, "completed_at_ms": AT_MS + at}
    return event("item_completed", at, **told)


def response(kind: str, at: int = 0, **fields: Any) -> dict[str, Any]:
    return line("response_item", {"type": kind, **fields}, at)


def calls(name: str, arguments: Any, call_id: str = "call_1", at: int = 0, **fields: Any) -> dict[str, Any]:
    """The model calls a function."""
    given = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return response("function_call", at, name=name, arguments=given, call_id=call_id, **fields)


def custom(name: str, given: str, call_id: str = "call_1", at: int = 0) -> dict[str, Any]:
    return response("custom_tool_call", at, name=name, input=given, call_id=call_id, status="completed")


def answers(output: Any, call_id: str = "call_1", at: int = 0, kind: str = "function") -> dict[str, Any]:
    """The model is told a result."""
    return response(f"{kind}_call_output", at, call_id=call_id, output=output)


def chunk(body: str, end: str, wall: str = "0.5000") -> str:
    """What `exec_command` and `write_stdin` tell the model."""
    return f"Chunk ID: 3f9a1c\nWall time: {wall} seconds\n{end}\nOriginal token count: 7\nOutput:\n{body}"


def parse(*lines: dict[str, Any] | bytes, path: Path = ROLLOUT) -> list[AnyEvent]:
    """Return the events of a transcript, which are sound whatever is in it."""
    parser = AGENT.line_parser(path)
    encoded = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines]
    events = [told for one in encoded for told in parser.feed(one)]
    assert_all_sound(events)
    return events


def assert_all_sound(events: Iterable[AnyEvent]) -> None:
    """As `assert_sound`; not every subagent was started by a call that is known."""
    assert_sound(
        replace(told, call_id="") if isinstance(told, InstanceStarted) and told.call_id is None else told
        for told in events
    )


def only(kind: type[_E], events: Iterable[AnyEvent]) -> list[_E]:
    return [told for told in events if isinstance(told, kind)]


def ended(*lines: dict[str, Any] | bytes) -> CallEnded:
    """The last word on the one call of a transcript."""
    found = only(CallEnded, parse(meta(), *lines))
    assert len({end.call_id for end in found}) == 1
    return found[-1]


def started(*lines: dict[str, Any] | bytes) -> CallStarted:
    [found] = only(CallStarted, parse(meta(), *lines))
    return found
