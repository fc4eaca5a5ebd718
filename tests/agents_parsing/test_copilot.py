"""Copilot CLI: what the log of a session says, and its hooks; the lines are those of version 1.0.102."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.agents.copilot import AGENT
from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    InstanceEnded,
    InstanceStarted,
    Message,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from tests.agents_parsing.codex_lines import AT_MS as NOW
from tests.agents_parsing.codex_lines import assert_all_sound, only, stamp
from tests.agents_parsing.mutations import mutations

LOG = Path("/home/dev/.copilot/session-state/s1/events.jsonl")
Line = dict[str, Any]


def line(kind: str, agent: str | None = None, at: int = 0, /, **data: Any) -> Line:
    record = {"type": kind, "data": data, "id": "e1", "timestamp": stamp(at), "parentId": None}
    return record if agent is None else record | {"agentId": agent}


def session(**data: Any) -> Line:
    context = {"cwd": "/home/dev/app", "gitRoot": "/home/dev/app", "branch": "main"}
    return line(
        "session.start", None, 0, sessionId="s1", version=1, producer="copilot-agent", context=context,
        copilotVersion="1.0.102", selectedModel="m1", **data,
    )  # fmt: skip


def request(call_id: str, name: str = "bash", **arguments: Any) -> Line:
    return {"toolCallId": call_id, "name": name, "arguments": arguments, "type": "function"}


def starts(call_id: str, name: str = "bash", agent: str | None = None, /, **arguments: Any) -> Line:
    return line("tool.execution_start", agent, 0, toolCallId=call_id, toolName=name, arguments=arguments)


def completes(call_id: str, content: str, agent: str | None = None, /, **data: Any) -> Line:
    given = {"success": True, "result": {"content": content}, **data}
    return line("tool.execution_complete", agent, 90, toolCallId=call_id, **given)


def fails(call_id: str, message: str, code: str = "failure") -> Line:
    error = {"message": message, "code": code}
    return line("tool.execution_complete", None, 90, toolCallId=call_id, success=False, error=error)


def read(*lines: Line) -> list[AnyEvent]:
    parser = AGENT.line_parser(LOG)
    events = [event for one in lines for event in parser.feed(json.dumps(one).encode())]
    assert_all_sound(events)
    assert {(event.source, event.conversation_id) for event in events} <= {("transcript", "s1")}
    return events


def ended(*lines: Line) -> CallEnded:
    (end,) = only(CallEnded, read(*lines))
    return end


def test_a_log_says_where_and_with_what_the_session_is() -> None:
    [seen] = read(session())
    assert isinstance(seen, SessionSeen)
    assert (seen.agent_version, seen.model, seen.working_directory, seen.git_branch, seen.at) == (
        "1.0.102", "m1", "/home/dev/app", "main", NOW,
    )  # fmt: skip


def test_only_what_a_person_asked_for_is_a_prompt() -> None:
    events = read(
        line("user.message", None, 0, content="do it", messageId="p1"),
        line("user.message", None, 0, content="a skill", source="skill-pdf"),
        line("user.message", None, 0, content="go on", isAutopilotContinuation=True),
        line("user.message", "sub", 0, content="for the subagent", source="agent-s1"),
    )
    assert [(p.text, p.prompt_id) for p in only(Prompt, events)] == [("do it", "p1")]


@pytest.mark.parametrize(
    ("content", "data", "outcome", "code", "basis", "stdout"),
    [
        ("a\nb\n<shellId: 0 completed with exit code 3>", {"shellExecution": {"exitCode": 3}},
         "failure", 3, "field", "a\nb"),
        ("ok\n<shellId: 7 completed with exit code 0>", {"shellExecution": {"exitCode": 0}},
         "success", 0, "field", "ok"),
        ("<shellId: 1 completed with exit code 127>", {}, "failure", 127, "text", ""),
        ("out\n<exited with exit code 2>", {}, "failure", 2, "text", "out"),
        ("it says <shellId: 1 completed with exit code 4> and goes on", {}, "unknown", None, None,
         "it says <shellId: 1 completed with exit code 4> and goes on"),
    ],
)  # fmt: skip
def test_a_command_has_its_own_exit_code_whatever_the_tool_says(
    content: str, data: Line, outcome: str, code: int | None, basis: str | None, stdout: str
) -> None:
    end = ended(starts("c1", command="make"), completes("c1", content, **data))
    assert (end.outcome, end.exit_code, end.exit_code_basis, end.stdout) == (outcome, code, basis, stdout)


def test_a_call_names_the_answer_that_asked_for_it() -> None:
    usage = {
        "apiCallId": "a1", "model": "m1", "inputTokens": 100, "outputTokens": 10, "cacheReadTokens": 20,
        "cacheWriteTokens": 0, "reasoningTokens": 3,
    }  # fmt: skip
    events = read(
        session(),
        line("session.usage_record", None, 0, usage=usage),
        line("assistant.message", None, 0, messageId="m", apiCallId="a1", model="m1", content="I run.",
             toolRequests=[request("c1", command="make")]),
        starts("c1", command="make", description="build"),
    )  # fmt: skip
    first, second = only(Message, events)
    assert (first.message_id, first.model) == ("a1", "m1")
    assert first.tokens == {"input": 80, "output": 10, "cache_read": 20, "reasoning": 3}
    assert (second.message_id, second.text, second.tokens) == ("a1", "I run.", {})
    (start,) = only(CallStarted, events)
    assert (start.call_id, start.message_id, start.kind) == ("s1:c1", "a1", "shell")
    assert (start.command_line, start.description, start.working_directory) == (
        "make", "build", "/home/dev/app",
    )  # fmt: skip


def test_a_command_in_the_background_ends_when_its_shell_does() -> None:
    end = {"type": "shell_completed", "shellId": "0", "exitCode": 4}
    started, over = only(CallEnded, read(
        starts("c1", command="make", mode="async"),
        completes("c1", "<command started in background with shellId: 0>"),
        completes("an id of its own", "late\n<shellId: 0 completed with exit code 4>"),
        line("system.notification", None, 900, content="...", kind=end),
        line("system.notification", None, 901, content="...", kind=end),
    ))  # fmt: skip
    assert (started.call_id, started.outcome, started.stdout) == ("s1:c1", "background", None)
    assert (over.call_id, over.outcome, over.exit_code, over.at) == ("s1:c1", "failure", 4, NOW + 900)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("denied-no-approval-rule-and-could-not-request-from-user", "denied"),
        ("denied-by-rules", "denied"),
        ("denied-interactively-by-user", "rejected"),
    ],
)
def test_who_refused_a_call_is_told(kind: str, outcome: str) -> None:
    end = ended(
        starts("c1", command="rm x"),
        line("permission.completed", None, 0, requestId="r", toolCallId="c1", result={"kind": kind}),
        fails("c1", "Permission denied", "denied"),
    )
    assert (end.outcome, end.exit_code, end.message) == (outcome, None, "Permission denied")


def test_a_tool_that_could_not_do_it_has_failed_without_an_exit_code() -> None:
    end = ended(starts("c1", command="kill -9 $$"), fails("c1", "Command not executed."))
    assert (end.outcome, end.exit_code, end.message) == ("failure", None, "Command not executed.")


def test_an_edit_has_its_diff() -> None:
    shown = (
        "\ndiff --git a/app/a.txt b/app/a.txt\ncreate file mode 100644\nindex 0000000..0000000\n"
        "--- a/dev/null\n+++ b/app/a.txt\n@@ -1,0 +1,1 @@\n+one\n"
    )
    result = {"content": "Created file", "detailedContent": shown}
    end = ended(starts("c1", "create", path="/app/a.txt"), completes("c1", "", result=result))
    assert end.diff == "--- /dev/null\n+++ b/app/a.txt\n@@ -1,0 +1,1 @@\n+one\n"
    looked = ended(starts("c2", "view", path="/app/a.txt"), completes("c2", "", result=result))
    assert (looked.diff, looked.stdout) == (None, "Created file")


def test_a_subagent_is_an_instance_with_calls_of_its_own() -> None:
    events = read(
        starts("c1", "task", prompt="look", agent_type="general-purpose"),
        line("subagent.started", "a1", 5, toolCallId="c1", agentName="general-purpose",
             agentDisplayName="looker", model="m2"),
        starts("c2", "bash", "a1", command="ls"),
        completes("c2", "<shellId: 0 completed with exit code 0>", "a1"),
        line("subagent.started", "a2", 6, toolCallId="c3", agentName="x", parentId="a1"),
        line("subagent.failed", "a2", 7, toolCallId="c3", error="no model"),
        line("subagent.completed", "a1", 9, toolCallId="c1"),
    )  # fmt: skip
    outer, inner = only(InstanceStarted, events)
    assert (outer.instance_id, outer.parent_instance_id, outer.call_id) == ("a1", None, "s1:c1")
    assert (outer.name, outer.role, outer.model, outer.prompt) == ("looker", "general-purpose", "m2", "look")
    assert (inner.instance_id, inner.parent_instance_id) == ("a2", "a1")
    assert [(e.instance_id, e.error) for e in only(InstanceEnded, events)] == [
        ("a2", "no model"),
        ("a1", None),
    ]
    assert [e.instance_id for e in only(CallStarted, events)] == [None, "a1"]
    assert [e.instance_id for e in only(CallEnded, events)] == ["a1"]


def test_output_that_was_too_long_is_said_to_be_cut() -> None:
    text = "Output too large to read at once (575.1 KB). Saved to: /tmp/x.txt\nPreview:\n1\n2\n"
    end = ended(starts("c1", command="seq 1 9"), completes("c1", text, shellExecution={"exitCode": 9}))
    assert (end.exit_code, end.output_truncated) == (9, True)


def test_a_shutdown_ends_the_session() -> None:
    [end] = read(line("session.shutdown", None, 0, shutdownType="error", errorReason="crash"))
    assert isinstance(end, SessionEnded)
    assert (end.reason, end.error) == ("error", "crash")


WHOLE = [
    session(),
    line("user.message", None, 0, content="x", messageId="p"),
    line("session.usage_record", None, 0, usage={"apiCallId": "a1", "inputTokens": 1}),
    line("assistant.message", None, 0, apiCallId="a1", toolRequests=[request("c1", command="x")]),
    starts("c1", command="x"),
    line("permission.completed", None, 0, toolCallId="c1", result={"kind": "denied-by-rules"}),
    completes("c1", "<command started in background with shellId: 0>"),
    line("system.notification", None, 0, kind={"type": "shell_completed", "shellId": "0", "exitCode": 1}),
    line("subagent.started", "a1", 0, toolCallId="c1"),
    line("subagent.completed", "a1", 0, toolCallId="c1"),
    line("session.shutdown", None, 0, shutdownType="routine"),
]


@pytest.mark.parametrize("number", range(len(WHOLE)))
def test_wrong_types_raise_nothing(number: int) -> None:
    for changed in mutations(WHOLE[number]):
        parser = AGENT.line_parser(LOG)
        for one in (*WHOLE[:number], changed, *WHOLE[number + 1 :]):
            assert_all_sound(parser.feed(json.dumps(one).encode()))


@pytest.mark.parametrize("broken", [b"", b"\0", b"[1]", b'{"type": "session.start"', b"[" * 100_000])
def test_a_broken_line_says_nothing(broken: bytes) -> None:
    assert list(AGENT.line_parser(LOG).feed(broken)) == []


# Places


def test_logs_of_the_workspace_are_found(tmp_path: Path) -> None:
    for name, folder in (("in", "/home/dev/app/sub"), ("out", "/home/dev/apple")):
        log = tmp_path / ".copilot" / "session-state" / name / "events.jsonl"
        log.parent.mkdir(parents=True)
        log.write_text(json.dumps(line("session.start", None, 0, context={"cwd": folder})) + "\n")
    (tmp_path / ".copilot" / "session-state" / "begun").mkdir()
    (tmp_path / ".copilot" / "session-state" / "begun" / "events.jsonl").write_text('{"type": "session.st')
    found = sorted(path.parent.name for path in AGENT.find_transcripts(tmp_path, {}))
    assert found == ["begun", "in", "out"]
    root = Path("/home/dev/app")
    assert [p.parent.name for p in AGENT.recent_transcripts(tmp_path, {}, root, 0)] == ["in"]
    assert list(AGENT.recent_transcripts(tmp_path, {}, root, 1e12)) == []
    elsewhere = {"COPILOT_HOME": str(tmp_path / ".copilot")}
    assert len(list(AGENT.find_transcripts(tmp_path / "other", elsewhere))) == 3


def test_a_log_is_recognized_by_its_first_line() -> None:
    head = json.dumps(session()).encode()
    assert AGENT.recognizes(Path("copy.jsonl"), head)
    assert not AGENT.recognizes(LOG, b'{"type":"session.start","data":{}}')
    assert not AGENT.recognizes(LOG, b'{"type":"user","producer":"copilot-agent"}')


# Hooks


def hook(payload: Line) -> list[AnyEvent]:
    events = list(AGENT.hook_events(payload, 5))
    assert_all_sound(events)
    assert {(event.source, event.conversation_id) for event in events} == {("hook", "s1")}
    return events


def camel(**fields: Any) -> Line:
    return {"sessionId": "s1", "timestamp": NOW, "cwd": "/home/dev/app", **fields}


def snake(name: str, **fields: Any) -> Line:
    where = {"session_id": "s1", "hook_event_name": name, "timestamp": stamp(), "cwd": "/home/dev/app"}
    return {**where, **fields}


@pytest.mark.parametrize(
    "payload",
    [
        camel(source="startup"),
        snake("SessionStart", source="new", initial_prompt="do it"),
        camel(toolName="bash", toolArgs={"command": "x"}, toolResult={"resultType": "success"}),
        snake("PreToolUse", tool_name="Bash", tool_input={"command": "x"}),
        snake("PostToolUse", tool_name="Bash", tool_input={"command": "x"}, tool_result={}),
        snake("UserPromptSubmit", session_id="a1", agent_id="a1", parent_agent_id="s1", prompt="a task"),
    ],
)  # fmt: skip
def test_a_hook_says_where_the_session_is_and_nothing_of_calls(payload: Line) -> None:
    [seen] = hook(payload)
    assert isinstance(seen, SessionSeen)
    assert (seen.working_directory, seen.at) == ("/home/dev/app", NOW)


@pytest.mark.parametrize(
    "payload",
    [
        snake("Stop", transcript_path="/x/events.jsonl"),
        camel(stopReason="end_turn", transcriptPath="/x/events.jsonl"),
    ],
)
def test_a_hook_names_the_log(payload: Line) -> None:
    [seen] = hook(payload)
    assert isinstance(seen, SessionSeen)
    assert seen.transcript_path == "/x/events.jsonl"


@pytest.mark.parametrize("payload", [camel(prompt="do it"), snake("UserPromptSubmit", prompt="do it")])
def test_a_hook_tells_the_prompt(payload: Line) -> None:
    assert [p.text for p in only(Prompt, hook(payload))] == ["do it"]


@pytest.mark.parametrize("payload", [camel(reason="complete"), snake("SessionEnd", reason="complete")])
def test_a_hook_tells_the_end(payload: Line) -> None:
    [end] = hook(payload)
    assert isinstance(end, SessionEnded)
    assert end.reason == "complete"
    assert only(SessionEnded, hook(camel(stopReason="end_turn", reason="x"))) == []


@pytest.mark.parametrize("payload", [camel(prompt="x", reason="y"), snake("SessionEnd", reason="x")])
def test_wrong_types_in_a_hook_raise_nothing(payload: Line) -> None:
    for changed in mutations(payload):
        if isinstance(changed, dict):
            assert_all_sound(AGENT.hook_events(changed, NOW))
