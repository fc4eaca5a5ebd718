"""Codex's tools: what a call does, what to show of it, and the commands inside a script of code mode."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from collector.agents.events import CallKind
from collector.agents.tool_line import one_line, tool_line
from collector.agents.values import items, mapping, text, whole

COMMAND_TOOLS = frozenset({
    "shell", "container.exec", "local_shell", "shell_command", "exec_command", "unified_exec",
    "write_stdin", "apply_patch", "exec", "wait", "user_shell", "Bash",
})  # fmt: skip
"""Tools whose result begins with a header of Codex's own."""

_KINDS: Mapping[str, CallKind] = {
    **dict.fromkeys(
        ("shell", "container.exec", "local_shell", "shell_command", "exec_command", "unified_exec", "Bash"),
        "shell",
    ),
    **dict.fromkeys(("view_image", "read_file", "list_dir"), "read"),
    **dict.fromkeys(("grep_files", "tool_search"), "search"),
    **dict.fromkeys(("spawn_agent", "followup_task"), "agent"),
    "apply_patch": "edit",
    "web_search": "web",
}
_SHELLS = re.compile(r"(?:.*/)?(?:ba|z|da|k)?sh")
_SHELL_FLAGS = frozenset({"-lc", "-c", "-ilc", "-ic", "-lic"})
_PATCH_COMMAND = re.compile(r"\s*(?:cd [^&;|\n]+ && )?apply_patch\s*<<")
_PATCH_FILE = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", re.MULTILINE)


@dataclass(slots=True)
class ToolUse:
    """What a call asks for."""

    tool: str
    kind: CallKind
    command_line: str
    input: Mapping[str, Any] = field(default_factory=dict)
    working_directory: str | None = None
    description: str | None = None
    timeout_ms: int | None = None
    patch: str | None = None


def read_arguments(arguments: object) -> Mapping[str, Any]:
    """Return the arguments of a function call, which are JSON in a text; empty when they are none."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments, strict=False)
        except (ValueError, RecursionError):
            return {}
    return mapping(arguments)


def use_of(name: str, namespace: str | None, arguments: Mapping[str, Any]) -> ToolUse:
    """Return what a function call asks for."""
    if (server := _mcp_server(name, namespace)) is not None:
        return mcp_use(server[0], server[1], arguments)
    kind = _KINDS.get(name, "other")
    command = command_text(arguments.get("command", arguments.get("cmd"))) if kind == "shell" else ""
    line = command or (tool_line(name, arguments) if kind != "shell" else name)
    use = ToolUse(
        name, kind, line, arguments,
        working_directory=text(arguments.get("workdir")) or text(arguments.get("working_directory")),
        description=text(arguments.get("justification")),
        timeout_ms=whole(arguments.get("timeout_ms", arguments.get("timeout"))),
    )  # fmt: skip
    patch = _patch_of_command(arguments.get("command", arguments.get("cmd")), command)
    if kind == "shell" and patch is not None:
        use.kind, use.patch, use.command_line = "edit", patch, patch_line(patch)
    return use


def custom_use(name: str, given: str) -> ToolUse:
    """Return what a call with free text asks for: a patch, or a script of code mode."""
    if name == "apply_patch":
        return ToolUse(name, "edit", patch_line(given), {"patch": given}, patch=given)
    return ToolUse(
        name, "other", given.strip() if name == "exec" else f"{name} {one_line(given)}".strip(), {}
    )


def mcp_use(server: str, tool: str, arguments: Mapping[str, Any]) -> ToolUse:
    """Return what a call of an MCP server's tool asks for."""
    return ToolUse(f"mcp__{server}__{tool}", "mcp", tool_line(f"{server}.{tool}", arguments), arguments)


def _mcp_server(name: str, namespace: str | None) -> tuple[str, str] | None:
    qualified = f"{namespace}__{name}" if namespace and not name.startswith("mcp__") else name
    prefix, _, rest = qualified.partition("__")
    server, _, tool = rest.partition("__")
    return (server, tool) if prefix == "mcp" and server and tool else None


def command_text(command: object) -> str:
    """Return a command as the model wrote it: what a shell was given, else its words, quoted."""
    if isinstance(command, str):
        return command
    words = [word for word in items(command) if isinstance(word, str)]
    if len(words) >= 3 and _SHELLS.fullmatch(words[0]) and words[1] in _SHELL_FLAGS:
        return words[2]
    return shlex.join(words)


def split_command(line: str) -> str:
    """Return the command in a shell's command line, `bash -lc 'ls -l'`, as `command_text` does."""
    if not _SHELLS.match(line):
        return line
    try:
        words = shlex.split(line)
    except ValueError:
        return line
    return command_text(words) if len(words) == 3 else line


def _patch_of_command(given: object, command: str) -> str | None:
    """Return the patch that a shell was to apply; Codex applies it itself and starts no shell."""
    words = items(given)
    if len(words) == 2 and words[0] == "apply_patch" and isinstance(words[1], str):
        return words[1]
    begin, end = command.find("*** Begin Patch"), command.rfind("*** End Patch")
    if begin < 0 or end < begin or not _PATCH_COMMAND.match(command):
        return None
    return command[begin : end + len("*** End Patch")]


def patch_line(patch: str) -> str:
    """Return what to show of a patch: the files that it names."""
    return one_line(" ".join(["apply_patch", *map(shlex.quote, _PATCH_FILE.findall(patch))]))


# Scripts of code mode

_MAX_COMMANDS = 100
_CALL = re.compile(r"\btools\.exec_command\s*\(\s*")
_REPEATS = re.compile(r"=>|\bfunction\b|\b(?:for|while)\s*\(|\bif\s*\(|\?|\btry\b")
_KEY = re.compile(r"\s*(?:([A-Za-z_$][\w$]*)|\"([^\"\\\n]*)\"|'([^'\\\n]*)')\s*:\s*")
_TEXT = re.compile(
    r"\"((?:[^\"\\\n]|\\[\s\S])*)\"|'((?:[^'\\\n]|\\[\s\S])*)'|`((?:[^`\\$]|\\[\s\S]|\$(?!\{))*)`"
)
_WORD = re.compile(r"-?\d+(?:\.\d+)?|true|false|null")
_NEXT = re.compile(r"\s*(,)?\s*(\}\s*,?\s*\))?")
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\s\S]))")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r\n": ""}


def script_commands(script: str) -> list[Mapping[str, str]]:
    """Return the arguments of each command that a script runs, in its order.

    Empty unless it is certain which ones it runs, and how often: every call has plain literals only, and the
    script has no branches, loops or functions.
    """
    found: list[Mapping[str, str]] = []
    outside, position = [], 0
    for match in _CALL.finditer(script):
        if match.start() < position:
            return []  # within another call's text
        outside.append(script[position : match.start()])
        parsed = _object(script, match.end())
        if parsed is None or "cmd" not in parsed[0]:
            return []
        arguments, position = parsed
        found.append(arguments)
        if len(found) > _MAX_COMMANDS:
            return []
    outside.append(script[position:])
    return [] if any(map(_REPEATS.search, outside)) else found


def _object(script: str, position: int) -> tuple[dict[str, str], int] | None:
    """Read an object of literals and the parenthesis behind it; numbers and the like are passed over."""
    values: dict[str, str] = {}
    if not script.startswith("{", position):
        return None
    position += 1
    while key := _KEY.match(script, position):
        value = _TEXT.match(script, key.end()) or _WORD.match(script, key.end())
        if value is None:
            return None
        if value.re is _TEXT:
            name = key[1] or key[2] or key[3] or ""
            values[name] = _ESCAPE.sub(_unescape, value[1] or value[2] or value[3] or "")
        after = _NEXT.match(script, value.end())
        if after is None or (after[1] is None and after[2] is None):
            return None
        position = after.end()
        if after[2] is not None:
            return values, position
    return None


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is None:
        return _ESCAPED.get(match[4], match[4])
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        return match[0]
