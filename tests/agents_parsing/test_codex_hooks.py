"""Payloads of Codex's hooks, as 0.169 sends them."""

from __future__ import annotations

from typing import Any

import pytest

from collector.agents.codex import AGENT
from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    InstanceEnded,
    InstanceStarted,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from tests.agents_parsing.codex_lines import AT_MS, ROLLOUT, THREAD, assert_all_sound, chunk, only
from tests.agents_parsing.mutations import mutations

CHILD = "01a30000-0000-7000-8000-000000000001"


def payload(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "session_id": THREAD, "turn_id": "turn-1", "transcript_path": str(ROLLOUT), "cwd": "/home/dev/app",
        "hook_event_name": name, "model": "m1", "permission_mode": "default", **fields,
    }  # fmt: skip


def tool(name: str, tool_name: str = "Bash", **fields: Any) -> dict[str, Any]:
    used = {"tool_name": tool_name, "tool_input": {"command": "make test"}, "tool_use_id": "call_1"}
    return payload(name, **{**used, **fields})


def told(one: dict[str, Any]) -> list[AnyEvent]:
    events = list(AGENT.hook_events(one, AT_MS))
    assert_all_sound(events)
    assert {(e.conversation_id, e.source, e.at) for e in events} == {(THREAD, "hook", AT_MS)}
    return events


@pytest.mark.parametrize("name", ["SessionStart", "Stop", "PreCompact", "PermissionRequest", "Unheard"])
def test_every_hook_says_where_the_conversation_is(name: str) -> None:
    [seen] = told(payload(name))
    assert isinstance(seen, SessionSeen)
    assert (seen.transcript_path, seen.working_directory, seen.model) == (str(ROLLOUT), "/home/dev/app", "m1")


def test_a_prompt() -> None:
    [prompt] = only(Prompt, told(payload("UserPromptSubmit", prompt="do it")))
    assert (prompt.text, prompt.prompt_id) == ("do it", "turn-1")


def test_a_command_that_begins() -> None:
    [start] = told(tool("PreToolUse"))
    assert isinstance(start, CallStarted)
    assert (start.call_id, start.tool, start.kind) == ("call_1", "exec_command", "shell")
    assert (start.command_line, start.working_directory) == ("make test", "/home/dev/app")


def test_a_command_that_ended_has_its_output_and_no_exit_code() -> None:
    [end] = told(tool("PostToolUse", tool_response="aborted\n"))
    assert isinstance(end, CallEnded)
    assert (end.call_id, end.outcome, end.exit_code, end.stdout) == ("call_1", "unknown", None, "aborted\n")


def test_output_with_a_header_has_an_exit_code() -> None:
    [end] = told(tool("PostToolUse", tool_response=chunk("x", "Process exited with code 2")))
    assert isinstance(end, CallEnded)
    assert (end.outcome, end.exit_code, end.exit_code_basis, end.stdout) == ("failure", 2, "text", "x")


def test_what_looks_like_an_exit_code_is_none_of_another_tools() -> None:
    [end] = told(
        tool("PostToolUse", "mcp__db__query", tool_response="Process exited with code 2\nOutput:\nx")
    )
    assert isinstance(end, CallEnded)
    assert end.exit_code is None


def test_a_patch() -> None:
    patch = "*** Begin Patch\n*** Add File: a.py\n+x\n*** End Patch\n"
    [start] = told(tool("PreToolUse", "apply_patch", tool_input={"command": patch}))
    assert isinstance(start, CallStarted)
    assert (start.kind, start.command_line) == ("edit", "apply_patch a.py")


def test_another_tool() -> None:
    [start] = told(tool("PreToolUse", "mcp__db__query", tool_input={"a": 1}))
    assert isinstance(start, CallStarted)
    assert (start.kind, start.command_line) == ("mcp", 'db.query {"a": 1}')


@pytest.mark.parametrize(
    ("one", "outcome"),
    [
        (tool("PostToolUseFailure", error="no"), "failure"),
        (tool("PostToolUseFailure", error="no", is_interrupt=True), "interrupted"),
        (tool("PermissionDenied", reason="no"), "denied"),
    ],
)
def test_calls_that_did_not_end_well(one: dict[str, Any], outcome: str) -> None:
    [end] = told(one)
    assert isinstance(end, CallEnded)
    assert (end.outcome, end.message) == (outcome, "no")


def test_subagents_are_instances_of_the_conversation() -> None:
    child = {"agent_id": CHILD, "agent_type": "worker"}
    [begun] = told(payload("SubagentStart", **child, transcript_path="/child.jsonl"))
    assert isinstance(begun, InstanceStarted)
    assert (begun.instance_id, begun.role, begun.transcript_path) == (CHILD, "worker", "/child.jsonl")
    [start] = told(tool("PreToolUse", **child))
    assert start.instance_id == CHILD
    [over] = told(payload("SubagentStop", **child))
    assert isinstance(over, InstanceEnded)


def test_the_end() -> None:
    [end] = told(payload("SessionEnd", reason="other"))
    assert isinstance(end, SessionEnded)
    assert end.reason == "other"


def test_notify() -> None:
    [seen] = told({"type": "agent-turn-complete", "thread-id": THREAD, "turn-id": "1", "cwd": "/x"})
    assert isinstance(seen, SessionSeen)
    assert seen.working_directory == "/x"


@pytest.mark.parametrize(
    "one",
    [
        payload("SessionStart", agent_id=CHILD),
        payload("UserPromptSubmit", prompt="x"),
        tool("PreToolUse"),
        tool("PreToolUse", "apply_patch"),
        tool("PostToolUse", tool_response="x"),
        tool("PostToolUse", "mcp__a__b", tool_response=[{"text": "x"}]),
        tool("PostToolUseFailure", error={"message": "x"}),
        tool("PermissionDenied", reason="x"),
        payload("SubagentStart", agent_id=CHILD, agent_type="x"),
        payload("SubagentStop", agent_id=CHILD),
        {"type": "agent-turn-complete", "thread-id": THREAD, "cwd": "/x"},
    ],
)
def test_wrong_types_anywhere_raise_nothing(one: dict[str, Any]) -> None:
    for changed in mutations(one):
        if isinstance(changed, dict):
            assert_all_sound(AGENT.hook_events(changed, AT_MS))
