"""What `acode hooks install` puts where: for each agent its settings file, its events, and our entries.

An agent is one entry of `INTEGRATIONS`. Our entries are known by a command whose file name is
`acode-hook`; the shim of Claude Code by a prefix whose file name is `acode-shim`. Paths are absolute:
an agent's PATH is not the user's. Where an agent has a settings file for this machine alone, the project
scope uses it; elsewhere the file may be shared, and whoever installs is told.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from collector.agents.json_edit import Extra
from collector.errors import InputError, UnavailableError

Scope = Literal["user", "project"]
SCOPES: tuple[Scope, ...] = ("project", "user")
HOOK = "acode-hook"
SHIM = "acode-shim"
SHELL_PREFIX = "CLAUDE_CODE_SHELL_PREFIX"

PLUGIN_EVENT = "plugin"
"""What the one entry of an agent without hook commands is called."""

_TIMEOUT_SECONDS = 10
_PASCAL_EVENTS = (
    "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "SubagentStop",
    "Stop", "SessionEnd",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """Where an agent looks for hooks, and how they are written there.

    `project` is below the workspace root, `user` below the home folder; where the variable `home` is
    set, it stands for the first folder of `user`. `grouped`: an event holds groups, each with a list of
    handlers. `refuses`: what makes the agent ignore the whole file. `versioned`: the file must say
    `"version": 1`. `shared`: the project's file is one that a
    team shares. `private`: nobody but us writes the file. `notice`: what the user has to do besides.
    """

    agent: str
    programs: tuple[str, ...]
    project: str
    user: str
    home: str | None
    events: tuple[str, ...]
    handler: Callable[[str, str], dict[str, Any]]
    grouped: bool = False
    refuses: frozenset[Extra] = frozenset()
    versioned: bool = False
    shared: bool = True
    private: bool = False
    notice: str = ""

    def settings_path(self, scope: Scope, root: str, environ: Mapping[str, str]) -> Path:
        """Return the settings file of a scope.

        Raises:
            UnavailableError: there is no home folder.
        """
        if scope == "project":
            return Path(root, self.project)
        base = environ.get(self.home) if self.home else None
        if base:
            return Path(base, *Path(self.user).parts[1:])
        home = environ.get("HOME")
        if not home:
            raise UnavailableError("ACODE-AGT-014", "there is no home folder", "set HOME, or use --project")
        if self.user.startswith(".config/"):
            config = environ.get("XDG_CONFIG_HOME") or str(Path(home, ".config"))
            return Path(config, *Path(self.user).parts[1:])
        return Path(home, self.user)


def _shell_line(hook: str, agent: str, event: str) -> str:
    return f"{shlex.quote(hook)} {agent} {event}"


def _claude_handler(hook: str, event: str) -> dict[str, Any]:
    """The form without a shell: a process less, and the shim is not asked to pass it through."""
    arguments = ["claude-code", event]
    return {"type": "command", "command": hook, "args": arguments, "timeout": _TIMEOUT_SECONDS}


def _codex_handler(hook: str, event: str) -> dict[str, Any]:
    """Codex grants the end of a session 3 seconds, and complains of more."""
    timeout = 3 if event == "SessionEnd" else _TIMEOUT_SECONDS
    return {"type": "command", "command": _shell_line(hook, "codex", event), "timeout": timeout}


def _gemini_handler(hook: str, event: str) -> dict[str, Any]:
    command = _shell_line(hook, "gemini", event)
    return {"name": "acode", "type": "command", "command": command, "timeout": _TIMEOUT_SECONDS * 1000}


def _cursor_handler(hook: str, event: str) -> dict[str, Any]:
    return {"command": _shell_line(hook, "cursor", event), "timeout": _TIMEOUT_SECONDS}


def _copilot_handler(hook: str, event: str) -> dict[str, Any]:
    """A hook before a tool that fails denies the tool: not even a missing acode may do that."""
    command = _shell_line(hook, "copilot", event) + " || true"
    return {"type": "command", "bash": command, "timeoutSec": _TIMEOUT_SECONDS}


def _no_handler(hook: str, event: str) -> dict[str, Any]:
    raise NotImplementedError(f"a plugin has no entries: {hook} {event}")


INTEGRATIONS: dict[str, Integration] = {
    "claude-code": Integration(
        agent="claude-code",
        programs=("claude",),
        project=".claude/settings.local.json",
        user=".claude/settings.json",
        home="CLAUDE_CONFIG_DIR",
        events=(
            "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure",
            "PostToolBatch", "PermissionDenied", "SubagentStart", "SubagentStop", "Stop", "StopFailure",
            "SessionEnd",
        ),
        handler=_claude_handler,
        grouped=True,
        refuses=frozenset({"comment", "trailing comma"}),
        shared=False,
    ),
    "codex": Integration(
        agent="codex",
        programs=("codex",),
        project=".codex/hooks.json",
        user=".codex/hooks.json",
        home="CODEX_HOME",
        events=(
            "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStart",
            "SubagentStop", "Stop", "SessionEnd",
        ),
        handler=_codex_handler,
        grouped=True,
        refuses=frozenset({"byte order mark", "comment", "trailing comma"}),
        notice="codex skips new hooks without a word: trust them with /hooks, and the project as well",
    ),
    "gemini": Integration(
        agent="gemini",
        programs=("gemini",),
        project=".gemini/settings.json",
        user=".gemini/settings.json",
        home=None,
        events=("SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "SessionEnd"),
        handler=_gemini_handler,
        grouped=True,
        refuses=frozenset({"trailing comma"}),
    ),
    "opencode": Integration(
        agent="opencode",
        programs=("opencode",),
        project=".opencode/plugins/acode.js",
        user=".config/opencode/plugins/acode.js",
        home="OPENCODE_CONFIG_DIR",
        events=(PLUGIN_EVENT,),
        handler=_no_handler,
        private=True,
    ),
    "cursor": Integration(
        agent="cursor",
        programs=("cursor-agent", "cursor"),
        project=".cursor/hooks.json",
        user=".cursor/hooks.json",
        home=None,
        events=(
            "sessionStart", "beforeSubmitPrompt", "preToolUse", "postToolUse", "postToolUseFailure",
            "subagentStart", "subagentStop", "stop", "sessionEnd",
        ),
        handler=_cursor_handler,
        versioned=True,
    ),
    "copilot": Integration(
        agent="copilot",
        programs=("copilot",),
        project=".github/hooks/acode.json",
        user=".copilot/hooks/acode.json",
        home="COPILOT_HOME",
        # In this spelling the payload names its event and has the keys that Claude Code uses.
        events=(*_PASCAL_EVENTS, "ErrorOccurred"),
        handler=_copilot_handler,
        versioned=True,
        private=True,
    ),
}  # fmt: skip
"""Every agent with hooks, by name."""


def get_integration(agent: str) -> Integration:
    """Return how an agent's hooks are installed.

    Raises:
        InputError: there is no such agent, or it has no hooks.
    """
    found = INTEGRATIONS.get(agent)
    if found is not None:
        return found
    from collector.agents.adapter import NAMES
    from collector.suggest import did_you_mean

    names = ", ".join(INTEGRATIONS)
    if agent in NAMES:
        hint = f"'acode sessions import' reads its transcripts; hooks: {names}"
        raise InputError("ACODE-AGT-001", f"{agent} has no hooks", hint)
    hint = did_you_mean(agent, INTEGRATIONS, f"one of {names}")
    raise InputError("ACODE-AGT-001", f"unknown agent {agent!r}", hint)


def hook_of(command: str, is_path: bool = False) -> str | None:
    """Return the path of the acode-hook that a command calls; None for anybody else's command.

    Args:
        command: a line for a shell, or the path of a program.
        is_path: whether it is a path.
    """
    if HOOK not in command:
        return None
    path = command if is_path else _first_word(command)
    return path if path.rpartition("/")[2] == HOOK else None


def is_shim(value: object) -> bool:
    """Tell whether a prefix for shell commands is ours."""
    return isinstance(value, str) and value.rpartition("/")[2] == SHIM


def _first_word(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return words[0] if words else ""


def find_program(name: str, environ: Mapping[str, str]) -> str | None:
    """Return the absolute path of a program that is installed beside acode, or None."""
    import shutil

    folders = [os.path.dirname(sys.executable)]  # noqa: PTH120 - not resolved: a link into an environment
    beside = shutil.which("acode", path=environ.get("PATH"))
    if beside:
        folders.append(str(Path(beside).resolve().parent))
    folders.append(str(Path(__file__).resolve().parents[2] / "bin"))
    for folder in folders:
        path = Path(folder).absolute() / name
        if os.access(path, os.X_OK) and path.is_file():
            return str(path)
    return None


def get_program(name: str, environ: Mapping[str, str]) -> str:
    """Return the absolute path of a program that is installed beside acode.

    Raises:
        UnavailableError: it is not there.
    """
    found = find_program(name, environ)
    if found is None:
        raise UnavailableError("ACODE-AGT-014", f"{name} is not beside acode", "install acode again")
    return found
