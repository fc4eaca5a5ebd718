"""Claude Code's tools: what kind each is, and what of its input is worth showing.

Also which shell commands it takes to have ended well although their exit code was not 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from collector.agents.claude_code_records import count
from collector.agents.events import CallKind, CallStarted, Source
from collector.agents.values import mapping, text

_KINDS: dict[str, CallKind] = {
    "Bash": "shell",
    "PowerShell": "shell",
    "Read": "read",
    "NotebookRead": "read",
    "Edit": "edit",
    "MultiEdit": "edit",
    "NotebookEdit": "edit",
    "Write": "write",
    "Grep": "search",
    "Glob": "search",
    "LS": "search",
    "WebFetch": "web",
    "WebSearch": "web",
    "Task": "agent",
    "Agent": "agent",
    "Workflow": "agent",
}
SUBAGENT_TOOLS = ("Task", "Agent")
"""Tools that start exactly one subagent."""

_MAIN_ARGUMENTS = (
    "file_path", "notebook_path", "pattern", "url", "query", "command", "subject", "description",
    "task_id", "taskId", "bash_id", "shell_id", "skill", "path", "name", "prompt",
)  # fmt: skip
_MAX_SHOWN = 300

_MAY_END_WITH_ONE = frozenset({"grep", "rg", "egrep", "fgrep", "find", "diff", "test", "["})
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.", re.DOTALL)
_SEPARATORS = re.compile(r"\|\||&&|[;|&\n]")
_BEFORE_COMMAND = re.compile(r"(?:[\s({!]|\w+=\S*\s)*")


@dataclass(slots=True, kw_only=True)
class Call:
    """A call whose end has not been read yet."""

    call_id: str
    conversation_id: str
    tool: str = ""
    kind: CallKind = "other"
    input: Mapping[str, Any] = field(default_factory=dict)
    instance_id: str | None = None
    directory: str | None = None
    message_id: str | None = None
    at: int | None = None
    hook_seen: bool = False
    """Whether a PreToolUse hook ran for it."""

    @property
    def command(self) -> str:
        """The shell command, empty where there is none."""
        return text(self.input.get("command")) or ""


def kind_of(tool: str) -> CallKind:
    """Return what a tool does."""
    return "mcp" if tool.startswith("mcp__") else _KINDS.get(tool, "other")


def call_of(call_id: str, tool: str, tool_input: object, conversation_id: str) -> Call:
    """Return a call of a tool; the rest of its fields are the caller's to fill in."""
    return Call(
        call_id=call_id,
        conversation_id=conversation_id,
        tool=tool,
        kind=kind_of(tool),
        input=mapping(tool_input),
    )


def started(call: Call, source: Source) -> CallStarted:
    """Return the event of a call's start."""
    return CallStarted(
        conversation_id=call.conversation_id,
        instance_id=call.instance_id,
        at=call.at,
        source=source,
        call_id=call.call_id,
        tool=call.tool,
        kind=call.kind,
        command_line=command_line(call),
        input=call.input,
        working_directory=call.directory,
        message_id=call.message_id,
        description=text(call.input.get("description")),
        background=call.input.get("run_in_background") is True,
        timeout_ms=count(call.input.get("timeout")) if call.kind == "shell" else None,
    )


def command_line(call: Call) -> str:
    """Return what to show of a call: a shell command as it is, else the tool with its main argument."""
    if call.kind == "shell" and call.command:
        return call.command
    if call.kind == "mcp":
        argument = json.dumps(call.input, ensure_ascii=False, default=str) if call.input else ""
    else:
        argument = next((a for name in _MAIN_ARGUMENTS if (a := text(call.input.get(name)))), "")
        argument = shown_path(argument, call.directory)
    shown = " ".join(f"{call.tool} {argument}".split())
    return shown if len(shown) <= _MAX_SHOWN else shown[: _MAX_SHOWN - 1] + "…"


def shown_path(path: str, directory: str | None) -> str:
    """Return a path relative to a folder that it lies in; unchanged when it does not."""
    if directory and path.startswith(directory.rstrip("/") + "/"):
        return path[len(directory.rstrip("/")) + 1 :]
    return path


def may_end_well_with_one(command: str) -> bool:
    """Tell whether the agent takes exit code 1 of a command for a success ("No matches found").

    It does so by the last simple command of the line. When in doubt, the answer is yes.
    """
    if "<<" in command:
        return any(word in _MAY_END_WITH_ONE for word in re.findall(r"[\w\[]+", command))
    bare = _QUOTED.sub("_", command)
    last = next((part for part in reversed(_SEPARATORS.split(bare)) if part.strip(" \t\r)}")), "")
    words = last[_before(last) :].split()
    if not words:
        return False
    name = words[0].rpartition("/")[2]
    return name in _MAY_END_WITH_ONE or (name == "git" and not {"diff", "grep"}.isdisjoint(words))


def _before(part: str) -> int:
    found = _BEFORE_COMMAND.match(part)
    return found.end() if found else 0
