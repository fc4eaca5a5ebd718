"""The one event model behind every agent's hooks, transcripts and telemetry.

Parsers make these values and know nothing of runs; `ingest` puts together what several channels say of the
same thing. An event may come twice, late, or from two channels: `call_id`, `message_id` and `instance_id`
say what it is about. Times are milliseconds since 1970, UTC; None where the source does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

Source = Literal["stream", "hook", "otlp", "transcript"]
"""Where an event was read: structured output of the agent's process, a hook, telemetry, a transcript."""

CallKind = Literal["shell", "read", "edit", "write", "search", "web", "mcp", "agent", "other"]
"""What a tool does: `edit` and `write` change files, `agent` starts a subagent."""

Outcome = Literal[
    "success",  # it ended well
    "failure",  # it ended badly
    "timeout",  # the agent stopped waiting and ended it
    "denied",  # a permission rule or a hook refused it: it never ran
    "rejected",  # a person refused it: it never ran
    "interrupted",  # a person stopped it while it ran
    "cancelled",  # the agent gave it up (a parallel call failed, the turn was aborted)
    "background",  # it goes on; another event with the same call_id may say how it ended
    "unknown",  # the source does not tell
]

TOKEN_KINDS = ("input", "output", "cache_read", "cache_write", "reasoning")
"""The keys of `tokens`. `input` leaves out what was read from or written to a cache, `output` includes
`reasoning`; so the total is input + output + cache_read + cache_write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has.

    `conversation_id` is the agent's own id of the conversation; `instance_id` the subagent it happened in,
    None for the conversation's main agent.
    """

    conversation_id: str
    at: int | None = None
    instance_id: str | None = None
    source: Source = "transcript"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSeen(Event):
    """Something is known of the conversation; later values win over earlier ones, None says nothing."""

    agent_version: str | None = None
    model: str | None = None
    working_directory: str | None = None
    git_branch: str | None = None
    title: str | None = None
    parent_conversation_id: str | None = None
    """The conversation that this one resumed or was forked from."""
    transcript_path: str | None = None
    team: str | None = None
    cost: float | None = None
    """What the conversation has cost so far, in US dollars, as the agent itself adds it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """The conversation's process ended, or said that it would."""

    reason: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Event):
    """What a person (or the program that started the agent) asked for."""

    text: str
    prompt_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Event):
    """One answer of the model. The last event with a `message_id` holds the final numbers.

    `message_id` must be the same in every transcript that repeats the message (a fork copies history), so
    that its tokens count once. `request_id` is the provider's id of the request where the source has one.
    `cost` is in US dollars and only what the agent itself said.
    """

    message_id: str
    request_id: str | None = None
    model: str | None = None
    text: str | None = None
    tokens: Mapping[str, int] = field(default_factory=dict)
    cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(Event):
    """The model asked for a tool.

    `call_id` is unique over all conversations of the agent; a parser whose agent has smaller ids puts the
    conversation in front (`CONVERSATION:ID`). `command_line` is what to show: for `shell` the command as
    the model wrote it, else the tool with its main argument (`Read src/a.py`).
    """

    call_id: str
    tool: str
    kind: CallKind
    command_line: str
    input: Mapping[str, Any] = field(default_factory=dict)
    working_directory: str | None = None
    message_id: str | None = None
    description: str | None = None
    background: bool = False
    timeout_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Event):
    """What came of a call.

    `exit_code` only where the source tells it, `exit_code_basis` how: "field" (a field of its own),
    "text" (read from the text of the result), "success flag" (the agent documents that success means 0).
    `stdout` holds both streams where the agent mixes them. `output_path` is a file of the agent's with the
    whole output. `duration_ms` is how long it ran, when the source measured it; without, the time between
    both events bounds it. `diff` is a unified diff of what the call changed.
    """

    call_id: str
    outcome: Outcome
    exit_code: int | None = None
    exit_code_basis: str | None = None
    signal: int | None = None
    stdout: str | None = None
    stderr: str | None = None
    output_truncated: bool = False
    output_bytes: int | None = None
    output_path: str | None = None
    duration_ms: int | None = None
    message: str | None = None
    """Why it was denied, rejected, interrupted or failed, in the agent's words (its first line)."""
    diff: str | None = None
    child_instance_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStarted(Event):
    """A subagent appeared: `instance_id` is the new one, `parent_instance_id` who started it (None: main)."""

    parent_instance_id: str | None = None
    name: str | None = None
    role: str | None = None
    model: str | None = None
    prompt: str | None = None
    call_id: str | None = None
    transcript_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceEnded(Event):
    """A subagent ended; `instance_id` says which."""

    error: str | None = None


AnyEvent = (
    SessionSeen | SessionEnded | Prompt | Message | CallStarted | CallEnded | InstanceStarted | InstanceEnded
)


def well_formed(event: AnyEvent) -> AnyEvent:
    """Return an event whose texts are Unicode: JSON can hold half of a surrogate pair, nothing else can."""
    names = _TEXTS.get(type(event))
    if names is None:
        names = _TEXTS[type(event)] = tuple(f.name for f in fields(event) if "str" in str(f.type))
    changes: dict[str, Any] = {}
    for name in names:
        value = getattr(event, name)
        if isinstance(value, str) and not value.isascii() and _SURROGATE.search(value):
            changes[name] = _SURROGATE.sub("\ufffd", value)
    return replace(event, **changes) if changes else event


def redacted(event: AnyEvent, mask: Callable[[Any], Any]) -> AnyEvent:
    """Return an event whose texts are masked; ids, and paths that are still to be read, stay.

    Args:
        event: what was told.
        mask: masks a text or a JSON value.
    """
    names = _TOLD.get(type(event))
    if names is None:
        names = _TOLD[type(event)] = tuple(f.name for f in fields(event) if f.name in _MASKED)
    changes: dict[str, Any] = {}
    for name in names:
        value = getattr(event, name)
        if value and (masked := mask(dict(value) if isinstance(value, Mapping) else value)) != value:
            changes[name] = masked
    return replace(event, **changes) if changes else event


_MASKED = frozenset({
    "working_directory", "git_branch", "title", "team", "reason", "error", "text", "command_line", "input",
    "description", "stdout", "stderr", "message", "diff", "name", "role", "prompt",
})  # fmt: skip
_TOLD: dict[type, tuple[str, ...]] = {}
_TEXTS: dict[type, tuple[str, ...]] = {}
_SURROGATE = re.compile("[\ud800-\udfff]")
