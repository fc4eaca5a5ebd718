"""What Claude Code and Codex say in telemetry, in records shaped as both programs send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    InstanceEnded,
    Message,
    Prompt,
    SessionSeen,
)
from collector.agents.otlp import otlp_events
from tests.agents_otlp.bodies import (
    AT,
    CLAUDE,
    CODEX,
    JSON,
    LOGS,
    METRICS,
    PROTOBUF,
    TRACES,
    Item,
    Sender,
    body,
    claude,
    codex,
)

BOTH = pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
REQUEST: dict[str, Any] = {
    "model": "model-a", "input_tokens": 160, "output_tokens": 42, "cache_read_tokens": 900,
    "cache_creation_tokens": 7, "cost_usd": 0.00166, "duration_ms": 16,
}  # fmt: skip


def events(content_type: str, *items: Item, sender: Sender = CLAUDE, path: str = LOGS) -> list[AnyEvent]:
    """The events of one request, all of one agent."""
    agent = "codex" if sender is CODEX else "claude-code"
    found = list(otlp_events(path, content_type, body(path, content_type, sender, items)))
    assert {name for name, _ in found} <= {agent}
    return [event for _, event in found]


def only(content_type: str, item: Item, sender: Sender = CLAUDE, path: str = LOGS) -> Any:
    (event,) = events(content_type, item, sender=sender, path=path)
    return event


@BOTH
def test_a_request_of_claude_code_is_a_message_with_its_tokens_and_cost(content_type: str) -> None:
    item = claude("api_request", **REQUEST, request_id="req_1", agent_id="a1")
    assert only(content_type, item) == Message(
        conversation_id="s-1", at=AT, instance_id="a1", source="otlp", message_id="req_1", request_id="req_1",
        model="model-a", tokens={"input": 160, "output": 42, "cache_read": 900, "cache_write": 7},
        cost=0.00166,
    )  # fmt: skip


@BOTH
def test_a_request_without_an_id_is_the_same_message_when_delivered_twice(content_type: str) -> None:
    first, later = claude("api_request", **REQUEST), claude("api_request", at=AT + 1, **REQUEST)
    one, again, other = (only(content_type, item) for item in (first, first, later))
    assert one == again
    assert one.request_id is None
    assert one.message_id != other.message_id


@BOTH
@pytest.mark.parametrize(
    ("success", "outcome"), [("true", "success"), ("false", "failure"), (True, "success"), ("?", "unknown")]
)
def test_a_tool_s_result_has_outcome_and_duration_but_no_exit_code(
    content_type: str, success: str | bool, outcome: Any
) -> None:
    item = claude(
        "tool_result", tool_name="Bash", tool_use_id="toolu_1", success=success, duration_ms="1099",
        error_type="ShellError",
    )  # fmt: skip
    assert only(content_type, item) == CallEnded(
        conversation_id="s-1", at=AT, source="otlp", call_id="toolu_1", outcome=outcome, duration_ms=1099
    )


@BOTH
def test_a_command_in_the_background_has_not_ended_where_its_input_is_exported(content_type: str) -> None:
    given = json.dumps({"command": "make", "run_in_background": True})
    item = claude("tool_result", tool_name="Bash", tool_use_id="t", success="true", tool_input=given)
    assert only(content_type, item).outcome == "background"


@BOTH
def test_a_subagent_has_not_ended_when_it_was_started(content_type: str) -> None:
    started = claude("tool_result", tool_name="Agent", tool_use_id="t", success="true", duration_ms="40")
    ended = claude("subagent_completed", agent_id="a2db", agent_type="Explore", duration_ms=525)
    untied = claude("subagent_completed", agent_type="Explore", duration_ms=525)
    assert events(content_type, started, ended, untied) == [
        InstanceEnded(conversation_id="s-1", at=AT, source="otlp", instance_id="a2db")
    ]
    failed = claude("tool_result", tool_name="Agent", tool_use_id="t", success="false")
    assert only(content_type, failed).outcome == "failure"


@BOTH
@pytest.mark.parametrize(
    ("decision", "source", "outcome"),
    [
        ("reject", "config", "denied"),
        ("reject", "hook", "denied"),
        ("reject", "user_reject", "rejected"),
        ("reject", "user_abort", "rejected"),
        ("accept", "user_temporary", None),
        ("accept", "config", None),
    ],
)
def test_a_refusal_by_a_rule_is_denied_and_by_a_person_rejected(
    content_type: str, decision: str, source: str, outcome: str | None
) -> None:
    item = claude("tool_decision", tool_name="Bash", tool_use_id="t", decision=decision, source=source)
    assert [e.outcome for e in events(content_type, item) if isinstance(e, CallEnded)] == (
        [outcome] if outcome else []
    )


@BOTH
def test_a_prompt_is_one_where_its_text_is_exported(content_type: str) -> None:
    told = claude("user_prompt", prompt="fix it", prompt__id="p-1", prompt_length="6")
    seen = SessionSeen(conversation_id="s-1", at=AT, source="otlp", agent_version="1.2.3")
    assert events(content_type, told) == [
        seen,
        Prompt(conversation_id="s-1", at=AT, source="otlp", text="fix it", prompt_id="p-1"),
    ]
    same = claude("user_prompt", prompt="fix it", prompt__id="p-1", message__uuid="u-1")
    assert events(content_type, same)[1:] == [
        Prompt(conversation_id="s-1", at=AT, source="otlp", text="fix it", prompt_id="u-1")
    ]
    assert events(content_type, claude("user_prompt", prompt="<REDACTED>", prompt__id="p-1")) == [seen]
    command = claude("user_prompt", prompt="/exit", command_name="exit", command_source="builtin")
    assert events(content_type, command) == [seen]
    notice = claude("user_prompt", prompt="<task-notification>\n<task-id>b7</task-id>")
    assert events(content_type, notice) == [seen]


@BOTH
def test_of_spans_a_request_with_an_id_counts_and_nothing_else(content_type: str) -> None:
    own = {"session.id": "s-1", "success": True, "duration_ms": 7}
    tracing = Sender("claude-code", "com.anthropic.claude_code.tracing")
    named = Item("claude_code.llm_request", {**own, **REQUEST, "request_id": "req_1"})
    unnamed = Item("claude_code.llm_request", {**own, **REQUEST})
    tool = Item("claude_code.tool.execution", {**own, "tool_use_id": "t"})
    (event,) = events(content_type, named, unnamed, tool, sender=tracing, path=TRACES)
    assert isinstance(event, Message)
    assert (event.message_id, event.tokens["input"]) == ("req_1", 160)


@BOTH
def test_metrics_say_nothing_that_is_not_in_the_logs(content_type: str) -> None:
    assert events(content_type, Item("claude_code.cost.usage", {}), path=METRICS) == []


@BOTH
def test_claude_code_is_known_by_its_scope_when_the_service_has_another_name(content_type: str) -> None:
    renamed = Sender("my-team", "com.anthropic.claude_code.events")
    stranger = Sender("my-team", "my.scope")
    item = claude("api_request", **REQUEST)
    assert len(events(content_type, item, sender=renamed)) == 1
    assert events(content_type, item, sender=stranger) == []


@BOTH
def test_the_name_of_an_event_may_be_in_its_body_alone(content_type: str) -> None:
    item = Item("claude_code.api_request", {"session.id": "s-1", "input_tokens": 3})
    assert only(content_type, item).tokens == {"input": 3}


@BOTH
def test_a_response_of_codex_counts_once_and_without_the_cache(content_type: str) -> None:
    ended = codex("sse_event", event__kind="response.completed", duration_ms="0")
    other = codex("sse_event", event__kind="response.created", input_token_count="1")
    counted = codex(
        "sse_event", event__kind="response.completed", input_token_count="1000", output_token_count="20",
        cached_token_count="600", cache_write_token_count="100", reasoning_token_count="8",
        tool_token_count="1020",
    )  # fmt: skip
    (event,) = events(content_type, ended, other, counted, sender=CODEX)
    assert isinstance(event, Message)
    tokens = {"input": 300, "output": 20, "cache_read": 600, "cache_write": 100, "reasoning": 8}
    assert (event.conversation_id, event.model, dict(event.tokens), event.cost) == (
        "c-1",
        "m-1",
        tokens,
        None,
    )


SHELL_OUTPUT = "Chunk ID: f8\nWall time: 0.1 seconds\n{}\nOriginal token count: 9\nOutput:\n{}"


@BOTH
@pytest.mark.parametrize(
    ("tool", "success", "output", "outcome", "exit_code"),
    [
        ("exec_command", "true", SHELL_OUTPUT.format("Process exited with code 0", "ok"), "success", 0),
        ("exec_command", "true", SHELL_OUTPUT.format("Process exited with code 1", "no"), "failure", 1),
        (
            "exec_command",
            "true",
            SHELL_OUTPUT.format("Process running with session ID 7", ""),
            "background",
            None,
        ),
        ("exec_command", "true", "Process exited with code 1", "unknown", None),
        ("exec_command", "true", "", "unknown", None),
        ("exec_command", "false", "exec_command failed: CreateProcess", "failure", None),
        ("shell_command", "true", "Exit code: 127\nWall time: 0 seconds\nOutput:\nsh: nope", "failure", 127),
        ("shell_command", "true", "Exit code: 0\nOutput:\nExit code: 9\nOutput:\n", "success", 0),
        ("apply_patch", "true", "Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess.", "success", None),
        ("server__tool", "true", "Exit code: 3\nOutput:\n", "success", None),
    ],
)
def test_what_became_of_a_command_of_codex_is_in_the_head_of_its_output(
    content_type: str, tool: str, success: str, output: str, outcome: Any, exit_code: int | None
) -> None:
    item = codex(
        "tool_result", tool_name=tool, call_id="call_1", success=success, duration_ms="57", output=output,
        arguments="{}",
    )  # fmt: skip
    assert only(content_type, item, CODEX) == CallEnded(
        conversation_id="c-1", at=AT, source="otlp", call_id="call_1", outcome=outcome, exit_code=exit_code,
        exit_code_basis=None if exit_code is None else "text", duration_ms=57,
    )  # fmt: skip


@BOTH
@pytest.mark.parametrize(
    ("decision", "source", "outcome"),
    [
        ("denied", "User", "rejected"),
        ("abort", "User", "rejected"),
        ("denied", "Config", "denied"),
        ("denied_with_network_policy_deny", "AutomatedReviewer", "denied"),
        ("timed_out", "AutomatedReviewer", "denied"),
        ("approved", "User", None),
        ("approved_for_session", "User", None),
    ],
)
def test_a_refusal_of_codex(content_type: str, decision: str, source: str, outcome: str | None) -> None:
    item = codex("tool_decision", tool_name="exec_command", call_id="x", decision=decision, source=source)
    found = [e.outcome for e in events(content_type, item, sender=CODEX) if isinstance(e, CallEnded)]
    assert found == ([outcome] if outcome else [])


@BOTH
def test_a_conversation_of_codex_starts_with_model_version_and_prompt(content_type: str) -> None:
    items = [
        codex("conversation_starts", provider_name="p"),
        codex("user_prompt", prompt="go", prompt_length="2"),
        codex("user_prompt", prompt="[REDACTED]", prompt_length="2"),
        codex("api_request", duration_ms="9"),
        codex("unheard_of", call_id="x"),
    ]
    assert events(content_type, *items, sender=CODEX) == [
        SessionSeen(conversation_id="c-1", at=AT, source="otlp", agent_version="0.1", model="m-1"),
        Prompt(conversation_id="c-1", at=AT, source="otlp", text="go"),
    ]


@pytest.mark.parametrize(("path", "content_type"), [("/v1/other", JSON), (LOGS, "text/plain"), ("", "")])
def test_another_path_or_type_is_a_value_error(path: str, content_type: str) -> None:
    with pytest.raises(ValueError, match="is not OTLP"):
        otlp_events(path, content_type, b"{}")
