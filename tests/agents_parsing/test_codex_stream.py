"""The output of `codex exec --json`, read like a transcript."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.agents.codex import AGENT
from collector.agents.events import AnyEvent, CallEnded, CallStarted, Message
from tests.agents_parsing.codex_lines import THREAD, assert_all_sound, only

BEGIN = {"type": "thread.started", "thread_id": THREAD}


def parse(*lines: dict[str, Any]) -> list[AnyEvent]:
    parser = AGENT.line_parser(Path("/tmp/out.jsonl"))
    events = [told for line in lines for told in parser.feed(json.dumps(line).encode())]
    assert_all_sound(events)
    return events


def item(state: str, kind: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"type": f"item.{state}", "item": {"id": f"item_{number}", "type": kind, **fields}}


def command(state: str, code: int | None = None, status: str = "completed", **fields: Any) -> dict[str, Any]:
    told = {"command": "/bin/bash -lc 'make test'", "aggregated_output": "out\n", **fields}
    return item(state, "command_execution", **told, exit_code=code, status=status)


def test_a_command_from_its_beginning_to_its_end() -> None:
    events = parse(BEGIN, command("started", None, "in_progress"), command("completed", 3, "failed"))
    [start], [end] = only(CallStarted, events), only(CallEnded, events)
    assert (start.kind, start.command_line, start.source) == ("shell", "make test", "stream")
    assert (end.call_id, end.outcome, end.exit_code, end.stdout) == (start.call_id, "failure", 3, "out\n")


def test_a_command_of_which_only_the_end_was_printed() -> None:
    events = parse(BEGIN, command("completed", 0))
    assert [type(told) for told in events[1:]] == [CallStarted, CallEnded]


def test_a_declined_command_has_no_exit_code() -> None:
    [end] = only(CallEnded, parse(BEGIN, command("completed", -1, "declined")))
    assert (end.outcome, end.exit_code) == ("rejected", None)


def test_a_resumed_thread_counts_from_0_again_but_its_calls_are_others() -> None:
    first = parse(BEGIN, command("started"), command("completed", 0))
    again = parse(
        BEGIN, item("completed", "reasoning", 0, text="hm"), command("started"), command("completed", 0)
    )
    assert first == parse(BEGIN, command("started"), command("completed", 0))
    ids = [{told.call_id for told in only(CallEnded, events)} for events in (first, again)]
    assert len(ids[0] | ids[1]) == 2
    assert all(call_id.startswith(f"{THREAD}:item_1:") for call_id in ids[0] | ids[1])


def test_tokens_are_those_of_the_thread_so_far() -> None:
    turns = [{"type": "turn.completed", "usage": {"input_tokens": n, "output_tokens": 1}} for n in (10, 30)]
    told = only(Message, parse(BEGIN, *turns))
    assert [(m.message_id, m.tokens["input"]) for m in told] == [
        (f"{THREAD}:stream", 10),
        (f"{THREAD}:stream", 30),
    ]


def test_other_items() -> None:
    events = parse(
        BEGIN,
        item("completed", "file_change", 1, changes=[{"path": "a b.py", "kind": "add"}], status="completed"),
        item("completed", "mcp_tool_call", 2, server="db", tool="q", arguments={}, status="failed",
             error={"message": "MCP tool call requires approval, but approval policy is never"}),
        item("completed", "web_search", 3, query="words"),
        item("completed", "todo_list", 4, items=[]),
        item("completed", "error", 5, message="x"),
        item("completed", "agent_message", 6, text="done"),
        {"type": "turn.failed", "error": {"message": "no"}},
    )  # fmt: skip
    assert [(s.kind, s.command_line) for s in only(CallStarted, events)] == [
        ("edit", "apply_patch a b.py"), ("mcp", "db.q"), ("web", "web_search words"),
    ]  # fmt: skip
    assert [e.outcome for e in only(CallEnded, events)] == ["success", "denied", "success"]
    assert [m.text for m in only(Message, events)] == ["done"]


@pytest.mark.parametrize(
    ("fields", "line", "outcome"),
    [
        ({"prompt": "look at it", "status": "completed"}, "spawn_agent look at it", "success"),
        ({"prompt": None}, "spawn_agent", "success"),
        ({"prompt": None, "status": "failed", "error": {"message": "no"}}, "spawn_agent", "failure"),
        ({"prompt": None, "error": {"message": "no"}}, "spawn_agent", "failure"),
    ],
)
def test_what_is_said_to_agents(fields: dict[str, Any], line: str, outcome: str) -> None:
    events = parse(BEGIN, item("completed", "collab_tool_call", tool="spawn_agent", **fields))
    [start], [end] = only(CallStarted, events), only(CallEnded, events)
    assert (start.kind, start.command_line, end.outcome) == ("agent", line, outcome)


def test_nothing_is_told_before_the_thread_is_known() -> None:
    assert parse(command("completed", 0)) == []
