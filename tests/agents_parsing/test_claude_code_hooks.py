"""Payloads of Claude Code's hooks, as 2.1.197 and 2.1.329 send them."""

from __future__ import annotations

from typing import Any

import pytest

from collector.agents.claude_code import AGENT
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
from tests.agents_parsing.claude_code_lines import SESSION, assert_all_sound, notification, only
from tests.agents_parsing.mutations import WRONG, mutations

NOW = 1_772_359_200_000
TRANSCRIPT = f"/home/dev/.claude/projects/-home-dev-app/{SESSION}.jsonl"


def payload(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "session_id": SESSION, "transcript_path": TRANSCRIPT, "cwd": "/home/dev/app",
        "permission_mode": "default", "hook_event_name": name, **fields,
    }  # fmt: skip


def tool(name: str, tool_name: str = "Bash", **fields: Any) -> dict[str, Any]:
    called = {"tool_name": tool_name, "tool_input": {"command": "make test"}, "tool_use_id": "toolu_1"}
    return payload(name, **{**called, **fields})


def told(one: dict[str, Any]) -> list[AnyEvent]:
    """What a payload says beside where the conversation is."""
    seen, *events = AGENT.hook_events(one, NOW)
    assert isinstance(seen, SessionSeen)
    assert (seen.conversation_id, seen.source) == (SESSION, "hook")
    assert all((e.conversation_id, e.source) == (SESSION, "hook") for e in events)
    return events


def test_every_payload_says_where_the_transcript_is() -> None:
    [seen] = AGENT.hook_events(payload("Notification", message="x"), NOW)
    assert isinstance(seen, SessionSeen)
    assert (seen.at, seen.transcript_path, seen.working_directory) == (NOW, TRANSCRIPT, None)


def test_a_session_starts_and_ends() -> None:
    [seen] = AGENT.hook_events(payload("SessionStart", source="startup", model="model-1"), NOW)
    assert isinstance(seen, SessionSeen)
    assert (seen.working_directory, seen.model) == ("/home/dev/app", "model-1")
    [ended] = told(payload("SessionEnd", reason="prompt_input_exit"))
    assert isinstance(ended, SessionEnded)
    assert (ended.reason, ended.at) == ("prompt_input_exit", NOW)


def test_a_call_before_it_runs() -> None:
    before = tool(
        "PreToolUse", tool_input={"command": "make", "description": "d", "timeout": 5}, agent_id="a1"
    )
    [start] = told(before)
    assert isinstance(start, CallStarted)
    assert (start.call_id, start.kind, start.command_line, start.at) == ("toolu_1", "shell", "make", NOW)
    assert (start.description, start.timeout_ms, start.instance_id) == ("d", 5, "a1")
    assert start.working_directory == "/home/dev/app"


def test_a_call_that_ended_well() -> None:
    response = {"stdout": "ok", "stderr": "", "interrupted": False, "isImage": False}
    [end] = told(tool("PostToolUse", tool_response=response, duration_ms=12))
    assert isinstance(end, CallEnded)
    assert (end.outcome, end.exit_code, end.exit_code_basis) == ("success", 0, "success flag")
    assert (end.stdout, end.duration_ms, end.at) == ("ok", 12, NOW)
    harmless = {**response, "returnCodeInterpretation": "No matches found"}
    [end] = told(tool("PostToolUse", tool_response=harmless))
    assert isinstance(end, CallEnded)
    assert (end.outcome, end.exit_code, end.message) == ("success", None, "No matches found")


def test_a_call_that_failed() -> None:
    [end] = told(tool("PostToolUseFailure", error="Exit code 9\nno", is_interrupt=False, duration_ms=4))
    assert isinstance(end, CallEnded)
    assert (end.outcome, end.exit_code, end.exit_code_basis) == ("failure", 9, "text")
    assert (end.stdout, end.duration_ms) == ("no", 4)
    [end] = told(tool("PostToolUseFailure", error="stopped", is_interrupt=True))
    assert isinstance(end, CallEnded)
    assert (end.outcome, end.exit_code, end.message) == ("interrupted", None, "stopped")


def test_a_call_that_goes_on_in_the_background() -> None:
    response = {"stdout": "", "stderr": "", "interrupted": False, "backgroundTaskId": "b1"}
    [end] = told(tool("PostToolUse", tool_response=response, duration_ms=14))
    assert isinstance(end, CallEnded)
    assert (end.outcome, end.exit_code, end.duration_ms) == ("background", None, None)
    said = notification("b1", "failed", 'Background command "x" failed with exit code 6', "toolu_1")
    [end] = told(payload("UserPromptSubmit", prompt=said))
    assert isinstance(end, CallEnded)
    assert (end.call_id, end.outcome, end.exit_code) == ("toolu_1", "failure", 6)


def test_other_tools() -> None:
    response = [{"type": "text", "text": "42"}]
    [end] = told(tool("PostToolUse", "mcp__demo__add", tool_response=response))
    assert isinstance(end, CallEnded)
    assert (end.outcome, end.stdout) == ("success", "42")
    response_of_edit = {
        "filePath": "/home/dev/app/w.txt", "originalFile": "a\n",
        "structuredPatch": [{"oldStart": 1, "newStart": 1, "lines": ["-a", "+b"]}],
    }  # fmt: skip
    [end] = told(tool("PostToolUse", "Edit", tool_response=response_of_edit))
    assert isinstance(end, CallEnded)
    assert end.diff == "--- a/w.txt\n+++ b/w.txt\n@@ -1,1 +1,1 @@\n-a\n+b\n"
    written = {"type": "create", "filePath": "/home/dev/app/w.txt", "content": "a\n", "originalFile": None}
    [end] = told(tool("PostToolUse", "Write", tool_response=written))
    assert isinstance(end, CallEnded)
    assert (end.stdout, end.diff) == ("", "--- /dev/null\n+++ b/w.txt\n@@ -0,0 +1,1 @@\n+a\n")
    file = {"type": "text", "file": {"filePath": "/x", "content": "hello"}}
    [end] = told(tool("PostToolUse", "Read", tool_response=file))
    assert isinstance(end, CallEnded)
    assert end.stdout == "hello"


def test_a_refusal_is_told_only_by_the_batch() -> None:
    calls = [
        {"tool_name": "Bash", "tool_use_id": "t1", "tool_response": "PreToolUse:Bash hook error: [x]: no\n"},
        {"tool_name": "Bash", "tool_use_id": "t2", "tool_response": "Exit code 9\nno"},
        {"tool_name": "Bash", "tool_use_id": "t3", "tool_response": "fine"},
        {
            "tool_name": "Bash",
            "tool_use_id": "t4",
            "tool_response": "Permission to use Bash has been denied.",
        },
        {"tool_name": "Bash", "tool_response": "Permission to use Bash has been denied."},
        5,
    ]
    ends = told(payload("PostToolBatch", tool_calls=calls))
    assert [(e.call_id, e.outcome) for e in only(CallEnded, ends)] == [("t1", "denied"), ("t4", "denied")]
    [end] = told(tool("PermissionDenied", reason="no\nway"))
    assert isinstance(end, CallEnded)
    assert (end.outcome, end.message) == ("denied", "no")


def test_a_question_without_the_calls_id_says_nothing() -> None:
    asked = tool("PermissionRequest")
    del asked["tool_use_id"]
    assert told(asked) == []
    for name in ("PreToolUse", "PostToolUse", "PostToolUseFailure"):
        nameless = tool(name)
        del nameless["tool_use_id"]
        assert told(nameless) == []


def test_prompts() -> None:
    [prompt] = told(payload("UserPromptSubmit", prompt="fix it", prompt_id="p1"))
    assert isinstance(prompt, Prompt)
    assert (prompt.text, prompt.prompt_id, prompt.at) == ("fix it", "p1", NOW)
    assert told(payload("UserPromptSubmit", prompt=notification("b1", "running", "x"))) == []


def test_subagents() -> None:
    [started] = told(payload("SubagentStart", agent_id="a1", agent_type="Explore"))
    assert isinstance(started, InstanceStarted)
    assert (started.instance_id, started.role) == ("a1", "Explore")
    [ended] = told(payload("SubagentStop", agent_id="a1", agent_transcript_path="/x"))
    assert isinstance(ended, InstanceEnded)
    assert ended.instance_id == "a1"
    response = {"status": "completed", "agentId": "a2", "content": [{"type": "text", "text": "done"}]}
    called = {"description": "Count", "prompt": "p", "subagent_type": "Explore"}
    end, child, over = told(
        tool(
            "PostToolUse", "Agent", tool_input=called, tool_response=response, agent_id="a1", duration_ms=100
        )
    )
    assert isinstance(end, CallEnded)
    assert (end.stdout, end.child_instance_id) == ("done", "a2")
    assert isinstance(child, InstanceStarted)
    assert (child.parent_instance_id, child.call_id, child.at) == ("a1", "toolu_1", NOW - 100)
    assert isinstance(over, InstanceEnded)


def test_payloads_as_a_log_keeps_them() -> None:
    logged = tool("PreToolUse", event="PreToolUse", ts="2026-01-02T19:18:34Z")
    del logged["hook_event_name"]
    [start] = told(logged)
    assert isinstance(start, CallStarted)
    assert start.at == 1767381514000


@pytest.mark.parametrize("wrong", [*WRONG, {"session_id": "x"}, {"hook_event_name": "Stop"}])
def test_what_is_no_payload_says_nothing(wrong: Any) -> None:
    assert AGENT.hook_events(wrong if isinstance(wrong, dict) else {"x": wrong}, NOW) == []


def test_anything_may_be_anywhere() -> None:
    response = {
        "status": "completed", "agentId": "a2", "stdout": "x", "structuredPatch": [{"lines": ["-a"]}],
    }  # fmt: skip
    examples = [
        tool("PreToolUse", agent_id="a1"),
        tool("PostToolUse", tool_response=response, duration_ms=3),
        tool("PostToolUse", "Agent", tool_response=response, duration_ms=3),
        tool("PostToolUse", "Edit", tool_response=response),
        tool("PostToolUseFailure", error="Exit code 3\nx", is_interrupt=False),
        payload("PostToolBatch", tool_calls=[{"tool_use_id": "t", "tool_name": "B", "tool_response": "x"}]),
        payload("UserPromptSubmit", prompt=notification("b1", "completed", "x", "t"), prompt_id="p"),
        payload("SubagentStart", agent_id="a1", agent_type="x"),
        payload("SessionEnd", reason="other", ts="2026-01-02T19:18:34Z"),
    ]
    for example in examples:
        for changed in mutations(example):
            if isinstance(changed, dict):
                assert_all_sound(AGENT.hook_events(changed, NOW))
