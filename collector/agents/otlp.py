"""What Claude Code and Codex say in the telemetry that they export, as events.

Of traces only model requests count: the span of a tool tells no outcome, that of its execution no tool, and
the log record `tool_result` both. Metrics are sums of what the log records say one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    InstanceEnded,
    Message,
    Outcome,
    Prompt,
    SessionSeen,
)
from collector.agents.otlp_records import LOGS, TRACES, Record, read_records

_REDACTED = ("<REDACTED>", "[REDACTED]")


def otlp_events(path: str, content_type: str, body: bytes) -> Iterator[tuple[str, AnyEvent]]:
    """Return what a request's body says, each event with the name of its agent.

    Args:
        path: one of `otlp_records.PATHS`.
        content_type: one of `otlp_records.CONTENT_TYPES`.
        body: decompressed.

    Raises:
        ValueError: at once, when the body is no such request or cannot be decoded here.
    """
    return _events(path, read_records(path, content_type, body))


def _events(path: str, records: Iterable[Record]) -> Iterator[tuple[str, AnyEvent]]:
    for record in records:
        agent = _agent(record)
        session = record.identity(_SESSION_KEYS[agent]) if agent else None
        read = _READERS.get((path, record.name.removeprefix("claude_code.")))
        if session and read:
            for event in read(record, session):
                yield agent, event


def _agent(record: Record) -> str:
    """Tell agents apart; the name of a service is the user's to choose, the scope is not."""
    if record.name.startswith("codex."):
        return "codex"
    claude = record.scope.startswith("com.anthropic.claude_code") or record.service.startswith("claude-code")
    return "claude-code" if claude else ""


_SESSION_KEYS = {"claude-code": "session.id", "codex": "conversation.id"}


# --- Claude Code ---


def _claude_prompt(record: Record, session: str) -> Iterator[AnyEvent]:
    yield SessionSeen(conversation_id=session, at=record.at, source="otlp", agent_version=record.version)
    notice = record.text("prompt").startswith("<task-notification>")  # a subagent's end, not a person's words
    if not notice and record.text("command_source") != "builtin":  # `/exit` and the like
        yield from _prompt(record, session, record.identity("message.uuid") or record.identity("prompt.id"))


def _claude_request(record: Record, session: str) -> Iterator[AnyEvent]:
    yield from _message(record, session, record.counts(_CLAUDE_TOKENS))


def _claude_span(record: Record, session: str) -> Iterator[AnyEvent]:
    """A request without an id is left to its log record: both together would count twice."""
    if record.identity("request_id"):
        yield from _claude_request(record, session)


def _claude_result(record: Record, session: str) -> Iterator[AnyEvent]:
    """That `Agent` succeeded means that a subagent was started, not that it ended."""
    success = record.flag("success")
    if success and record.text("tool_name") in ("Agent", "Task"):
        return
    outcome: Outcome = "unknown" if success is None else "success" if success else "failure"
    if outcome == "success" and _is_background(record.text("tool_input")):
        outcome = "background"
    yield from _call_ended(record, session, "tool_use_id", outcome)


def _is_background(tool_input: str) -> bool:
    """Tell whether a command was only started, where the agent is told to export what it was given."""
    try:
        given = json.loads(tool_input)
    except (ValueError, RecursionError):
        return False
    return isinstance(given, dict) and given.get("run_in_background") is True


def _claude_decision(record: Record, session: str) -> Iterator[AnyEvent]:
    if record.text("decision") == "reject":
        outcome: Outcome = "rejected" if record.text("source").startswith("user") else "denied"
        yield from _call_ended(record, session, "tool_use_id", outcome)


def _claude_subagent(record: Record, session: str) -> Iterator[AnyEvent]:
    instance = record.identity("agent_id")
    if instance:
        yield InstanceEnded(conversation_id=session, at=record.at, source="otlp", instance_id=instance)


_CLAUDE_TOKENS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_creation_tokens",
}


# --- Codex ---


def _codex_start(record: Record, session: str) -> Iterator[AnyEvent]:
    yield SessionSeen(
        conversation_id=session,
        at=record.at,
        source="otlp",
        agent_version=record.identity("app.version"),
        model=record.identity("model"),
    )


def _codex_prompt(record: Record, session: str) -> Iterator[AnyEvent]:
    yield from _prompt(record, session, None)


def _codex_response(record: Record, session: str) -> Iterator[AnyEvent]:
    """Two events end a response; the one with counts is it. What the cache gave is within the input."""
    tokens = record.counts(_CODEX_TOKENS)
    if record.text("event.kind") == "response.completed" and "input" in tokens:
        cached = tokens.get("cache_read", 0) + tokens.get("cache_write", 0)
        yield from _message(record, session, {**tokens, "input": max(tokens["input"] - cached, 0)})


def _codex_result(record: Record, session: str) -> Iterator[AnyEvent]:
    """`success` says that the tool worked, not that the command did; the head of its output says that."""
    success = record.flag("success")
    shell = record.text("tool_name") in _CODEX_SHELLS
    head, separator, _ = record.text("output")[:2000].partition("\nOutput:\n")
    told = head if shell and separator else ""
    code = _CODEX_ENDED.search(told)
    exit_code = int(code[1]) if code else None
    outcome: Outcome = "unknown"
    if success is False or exit_code:
        outcome = "failure"
    elif _CODEX_GOES_ON.search(told):
        outcome = "background"
    elif exit_code == 0 or (success and not shell):
        outcome = "success"
    yield from _call_ended(record, session, "call_id", outcome, exit_code)


def _codex_decision(record: Record, session: str) -> Iterator[AnyEvent]:
    decision = record.text("decision")
    if decision.startswith("denied") or decision in ("abort", "timed_out"):
        outcome: Outcome = "rejected" if record.text("source").lower() == "user" else "denied"
        yield from _call_ended(record, session, "call_id", outcome)


_CODEX_TOKENS = {
    "input": "input_token_count",
    "output": "output_token_count",
    "cache_read": "cached_token_count",
    "cache_write": "cache_write_token_count",
    "reasoning": "reasoning_token_count",
}
_CODEX_SHELLS = ("exec_command", "shell", "shell_command", "local_shell", "write_stdin", "exec", "wait")
_CODEX_ENDED = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d{1,9})$", re.MULTILINE)
_CODEX_GOES_ON = re.compile(r"^Process running with session ID ", re.MULTILINE)

_READERS: dict[tuple[str, str], Callable[[Record, str], Iterator[AnyEvent]]] = {
    (LOGS, "user_prompt"): _claude_prompt,
    (LOGS, "api_request"): _claude_request,
    (LOGS, "tool_result"): _claude_result,
    (LOGS, "tool_decision"): _claude_decision,
    (LOGS, "subagent_completed"): _claude_subagent,
    (TRACES, "llm_request"): _claude_span,
    (LOGS, "codex.conversation_starts"): _codex_start,
    (LOGS, "codex.user_prompt"): _codex_prompt,
    (LOGS, "codex.sse_event"): _codex_response,
    (LOGS, "codex.tool_result"): _codex_result,
    (LOGS, "codex.tool_decision"): _codex_decision,
}


# --- What both say alike ---


def _prompt(record: Record, session: str, prompt_id: str | None) -> Iterator[AnyEvent]:
    text = record.text("prompt")
    if text and text not in _REDACTED:
        clean = text.encode("utf-8", "replace").decode()  # JSON may hold half of a surrogate pair
        yield Prompt(
            conversation_id=session, at=record.at, source="otlp", text=clean, prompt_id=prompt_id
        )  # fmt: skip


def _message(record: Record, session: str, tokens: Mapping[str, int]) -> Iterator[AnyEvent]:
    if not tokens:
        return
    request_id = record.identity("request_id")
    yield Message(
        conversation_id=session,
        at=record.at,
        instance_id=record.identity("agent_id"),
        source="otlp",
        message_id=request_id or _digest(session, record),
        request_id=request_id,
        model=record.identity("model"),
        tokens=tokens,
        cost=record.amount("cost_usd"),
    )


def _digest(session: str, record: Record) -> str:
    """Return the same for a record that is delivered twice, and for no other."""
    told = sorted((key, str(value)) for key, value in record.attributes.items())
    said = repr((session, record.time, told)).encode("utf-8", "replace")
    return f"otlp_{blake2b(said, digest_size=12).hexdigest()}"


def _call_ended(
    record: Record, session: str, key: str, outcome: Outcome, exit_code: int | None = None
) -> Iterator[AnyEvent]:
    call_id = record.identity(key)
    if call_id:
        yield CallEnded(
            conversation_id=session,
            at=record.at,
            instance_id=record.identity("agent_id"),
            source="otlp",
            call_id=call_id,
            outcome=outcome,
            exit_code=exit_code,
            exit_code_basis=None if exit_code is None else "text",
            duration_ms=record.count("duration_ms"),
        )
