"""What lines of a Codex rollout say of threads, tokens and people's own commands. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from collector.agents.codex_results import Result
from collector.agents.values import mapping, text, whole, without_cache

Json = Mapping[str, Any]

_USER_COMMAND = re.compile(
    r"<user_shell_command>\s*<command>\n?(?P<command>.*?)\n?</command>\s*<result>\n?"
    r"Exit code: (?P<code>-?\d{1,9})\nDuration: (?P<seconds>\d{1,9}(?:\.\d{1,9})?) seconds\n"
    r"Output:\n(?P<output>.*?)\n?</result>",
    re.DOTALL,
)
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_younger(one: str, other: str) -> bool | None:
    """Tell whether an id was made after another; None unless both are UUIDs of version 7."""
    if _UUID7.fullmatch(one) is None or _UUID7.fullmatch(other) is None:
        return None
    return one > other


def user_command_of(content: str) -> tuple[str, Result] | None:
    """Return a command that a person ran with `!`, which the model is told in a message."""
    match = _USER_COMMAND.search(content)
    if match is None:
        return None
    code = int(match["code"])
    return match["command"].strip(), Result(
        outcome="failure" if code else "success", exit_code=code if code >= 0 else None,
        basis="text" if code >= 0 else None, stdout=match["output"],
        duration_ms=round(float(match["seconds"]) * 1000),
    )  # fmt: skip


def usage_between(total: Json, before: Json) -> Json:
    """Return what was used since an earlier total."""
    return {key: (whole(total.get(key)) or 0) - (whole(before.get(key)) or 0) for key in total}


def tokens_of(usage: Json) -> dict[str, int]:
    """Return tokens from a `TokenUsage`, whose input includes what a cache had."""
    counts = {key: max(0, whole(usage.get(key)) or 0) for key in usage}
    read, written = counts.get("cached_input_tokens", 0), counts.get("cache_write_input_tokens", 0)
    tokens = {
        "input": without_cache(counts.get("input_tokens", 0), read, written),
        "output": counts.get("output_tokens", 0),
        "cache_read": read,
        "cache_write": written,
        "reasoning": counts.get("reasoning_output_tokens", 0),
    }
    return {kind: count for kind, count in tokens.items() if count}


def subagent_of(meta: Json) -> dict[str, Any] | None:
    """Return whose subagent a thread is: `root`, `parent`, `name` and `role`; None for a main thread."""
    source = mapping(mapping(meta.get("source")).get("subagent"))
    spawned = mapping(source.get("thread_spawn"))
    thread, session = text(meta.get("id")), text(meta.get("session_id"))
    parent = text(meta.get("parent_thread_id")) or text(spawned.get("parent_thread_id"))
    root = session if session not in (None, thread) else parent
    if root is None:
        return None
    return {
        "root": root,
        "parent": parent,
        "name": text(meta.get("agent_nickname")) or text(spawned.get("agent_nickname")),
        "role": text(meta.get("agent_role")) or text(spawned.get("agent_role")),
    }
