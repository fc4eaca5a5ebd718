"""Cursor: what its hooks say, after its documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.agents.cursor import Cursor
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
from tests.agents_parsing.codex_lines import assert_all_sound, only
from tests.agents_parsing.mutations import mutations

NOW = 1_795_424_400_000


def cursor(name: str, agent: Cursor | None = None, **fields: Any) -> list[AnyEvent]:
    events = list((agent or Cursor()).hook_events(cursor_payload(name, **fields), NOW))
    assert_all_sound(events)
    assert {event.source for event in events} == {"hook"}
    return events


def cursor_payload(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "hook_event_name": name, "conversation_id": "conv", "generation_id": "gen", "model": "m1",
        "cursor_version": "3.24.18", "workspace_roots": ["/home/dev/app"], **fields,
    }  # fmt: skip


def used(tool: str = "Shell", **fields: Any) -> dict[str, Any]:
    given = {"command": "make", "working_directory": "/w"}
    return {"tool_name": tool, "tool_input": given, "tool_use_id": "t1", **fields}


# Cursor


@pytest.mark.parametrize("name", ["sessionStart", "stop", "preCompact", "unheard", "Stop"])
def test_every_hook_says_where_the_conversation_is(name: str) -> None:
    [seen] = cursor(name)
    assert isinstance(seen, SessionSeen)
    assert (seen.conversation_id, seen.model, seen.agent_version, seen.working_directory) == (
        "conv", "m1", "3.24.18", "/home/dev/app",
    )  # fmt: skip


def test_a_prompt_and_an_end() -> None:
    [prompt] = only(Prompt, cursor("beforeSubmitPrompt", prompt="do it"))
    assert (prompt.text, prompt.prompt_id) == ("do it", "gen")
    [end] = cursor("sessionEnd", reason="completed")
    assert isinstance(end, SessionEnded)
    assert end.reason == "completed"


def test_a_command_from_its_beginning_to_its_end() -> None:
    [start] = cursor("preToolUse", **used())
    assert isinstance(start, CallStarted)
    assert (start.kind, start.command_line, start.working_directory) == ("shell", "make", "/w")
    output = json.dumps({"exitCode": 3, "stdout": "out"})
    [end] = cursor("postToolUse", **used(), tool_output=output, duration=5432)
    assert isinstance(end, CallEnded)
    assert (end.call_id, end.outcome, end.exit_code, end.exit_code_basis) == (
        start.call_id,
        "failure",
        3,
        "field",
    )
    assert (end.stdout, end.duration_ms) == ("out", 5432)


def test_output_without_an_exit_code_does_not_stand_for_success() -> None:
    [end] = cursor("postToolUse", **used(), tool_output="just text")
    assert isinstance(end, CallEnded)
    assert (end.outcome, end.exit_code, end.stdout) == ("unknown", None, "just text")


@pytest.mark.parametrize(
    ("fields", "outcome", "code"),
    [
        ({"failure_type": "error", "error_message": "Command failed with exit code 7"}, "failure", None),
        ({"failure_type": "error", "error_message": "exited with code 7"}, "failure", 7),
        ({"failure_type": "timeout", "error_message": "exit code 1"}, "timeout", None),
        ({"failure_type": "permission_denied"}, "denied", None),
        ({"failure_type": "error", "is_interrupt": True}, "interrupted", None),
        ({}, "failure", None),
    ],
)
def test_failures(fields: dict[str, Any], outcome: str, code: int | None) -> None:
    [end] = cursor("postToolUseFailure", **used(), **fields)
    assert isinstance(end, CallEnded)
    expected = 7 if "exit code 7" in fields.get("error_message", "") else code
    assert (end.outcome, end.exit_code) == (outcome, expected)


@pytest.mark.parametrize(
    ("tool", "given", "kind"),
    [("Read", {"path": "a"}, "read"), ("StrReplace", {"path": "a"}, "edit"), ("MCP:db", {"q": 1}, "mcp"),
     ("Write", {"path": "a"}, "write"), ("Grep", {"pattern": "a"}, "search"), ("New", {}, "other")],
)  # fmt: skip
def test_kinds_of_tools(tool: str, given: dict[str, Any], kind: str) -> None:
    [start] = cursor("preToolUse", **used(tool, tool_input=given))
    assert isinstance(start, CallStarted)
    assert (start.kind, start.tool) == (kind, tool)


def test_older_versions_tell_of_a_command_when_it_has_ended() -> None:
    agent = Cursor()
    assert [type(e) for e in cursor("beforeShellExecution", agent, command="make", cwd="/w")] == [SessionSeen]
    start, end = cursor("afterShellExecution", agent, command="make", cwd="/w", output="x", duration=150)
    assert isinstance(start, CallStarted)
    assert isinstance(end, CallEnded)
    assert (start.call_id, start.command_line, start.at) == (end.call_id, "make", NOW - 150)
    assert (end.outcome, end.stdout, end.duration_ms) == ("unknown", "x", 150)


def test_a_command_is_not_told_twice() -> None:
    agent = Cursor()
    cursor("preToolUse", agent, **used())
    told = cursor("afterShellExecution", agent, command="make", output="x", duration=150)
    assert [type(event) for event in told] == [SessionSeen]


def test_subagents() -> None:
    child: dict[str, Any] = {
        "subagent_id": "s1",
        "parent_conversation_id": "main",
        "subagent_type": "scout",
        "task": "look",
    }
    [begun] = cursor("subagentStart", **child)
    assert isinstance(begun, InstanceStarted)
    assert (begun.conversation_id, begun.instance_id, begun.role, begun.prompt) == (
        "main",
        "s1",
        "scout",
        "look",
    )
    [over] = cursor("subagentStop", **child, status="error", error_message="no")
    assert isinstance(over, InstanceEnded)
    assert (over.conversation_id, over.error) == ("main", "no")
    assert [type(event) for event in cursor("subagentStop")] == [SessionSeen]


@pytest.mark.parametrize(
    "payload",
    [
        cursor_payload("beforeSubmitPrompt", prompt="x"),
        cursor_payload("preToolUse", **used()),
        cursor_payload("postToolUse", **used(), tool_output='{"exitCode": 1}', duration=5),
        cursor_payload("postToolUseFailure", **used(), error_message="exit code 1", failure_type="error"),
        cursor_payload("afterShellExecution", command="x", output="y", duration=1),
        cursor_payload("subagentStart", subagent_id="s", task="x"),
        cursor_payload("subagentStop", subagent_id="s", status="error", error_message="x"),
        cursor_payload("sessionEnd", reason="x"),
    ],
)
def test_wrong_types_of_cursor_raise_nothing(payload: dict[str, Any]) -> None:
    for changed in mutations(payload):
        if isinstance(changed, dict):
            assert_all_sound(Cursor().hook_events(changed, NOW))


def test_there_are_no_transcripts(tmp_path: Path) -> None:
    agent = Cursor()
    assert list(agent.find_transcripts(tmp_path, {})) == []
    assert list(agent.recent_transcripts(tmp_path, {}, tmp_path, 0)) == []
    assert list(agent.companions(tmp_path / "x")) == []
    assert not agent.recognizes(tmp_path / "x", b"{}")
    assert agent.line_parser(tmp_path / "x") is None  # type: ignore[func-returns-value]
    assert list(agent.parse(tmp_path / "x")) == []
