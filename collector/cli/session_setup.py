"""What an agent needs for one session to be recorded: variables and arguments, no file of the agent's.

So nothing has to be taken back, however the agent ends. What the user has set himself is left as it is.
The links and the file that stand in for shells lie in `.acode/shell`; without the variables nobody uses them.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from collector.agents.adapter import agent_of_command
from collector.agents.hooks import (
    HOOK,
    INTEGRATIONS,
    SCOPES,
    SHELL_PREFIX,
    SHIM,
    find_program,
    is_shim,
)
from collector.durable import move, replace_file
from collector.workspace import Workspace

_LAUNCHERS = frozenset({
    "npx", "bunx", "pnpm", "yarn", "bun", "node", "uv", "uvx", "pipx", "env", "nice", "nohup", "timeout",
    "time", "dlx", "exec", "run", "tool",
})  # fmt: skip
_PACKAGES = {
    "@anthropic-ai/claude-code": "claude-code", "@openai/codex": "codex", "@google/gemini-cli": "gemini",
    "opencode-ai": "opencode", "mini-swe-agent": "mini-swe-agent",
}  # fmt: skip
_CLAUDE_VERBS = frozenset({
    "mcp", "config", "doctor", "update", "install", "plugin", "plugins", "setup-token", "auth", "agents",
    "upgrade", "auto-mode", "remote-control",
})  # fmt: skip
_SHELLS = ("bash", "sh", "zsh")
SHELL_VARIABLE = "of-SHELL"
"""The links that SHELL leads to: the shell that they stand for is called by its whole path."""
_BASH_STARTUP = """\
# Written by 'acode session run' for Codex, whose shell is the one of the password file: bash reads it first.
case ${{BASH_EXECUTION_STRING-}} in
  __CODEX_SNAPSHOT*) # this shell becomes the one that runs the command
    [ -n "${{ACODE_BASH_ENV-}}" ] && . "$ACODE_BASH_ENV"
    ;;
  *)
    if [ -n "${{CODEX_TOOL_CALL_ID-}}" ] && [ -n "${{BASH_EXECUTION_STRING-}}" ] &&
      [ "${{ACODE_RUN_ID-}}" = "${{ACODE_OUTER_RUN-}}" ] && [ -x {shim} ]; then
      if shopt -q login_shell; then set -- -lc "$BASH_EXECUTION_STRING" "$0" "$@"
      else set -- -c "$BASH_EXECUTION_STRING" "$0" "$@"; fi
      export ACODE_OUTER_RUN=none # if recording cannot start, bash comes back here and goes on
      exec {shim} --startup "$BASH" "$BASH" "$@"
    fi
    if [ -n "${{ACODE_BASH_ENV-}}" ]; then BASH_ENV=$ACODE_BASH_ENV; . "$BASH_ENV"; else unset BASH_ENV; fi
    ;;
esac
"""


@dataclass(slots=True)
class Setup:
    """How an agent is started: its command and its environment; `notes` are for the user."""

    argv: list[str]
    environ: dict[str, str]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a session takes place: `endpoint` is the port and token of the collector's OTLP receiver."""

    workspace: Workspace
    shim: str | None
    hook: str | None
    endpoint: tuple[int, str] | None


def find_agent(argv: list[str]) -> tuple[str | None, int]:
    """Return the agent that a command starts, and which of its words does; None for any other program."""
    for position, word in enumerate(argv[:6]):
        if position and (word.startswith("-") or "=" in word or word.isdigit()):
            continue
        package = word[:1] + word[1:].partition("@")[0]
        agent = _PACKAGES.get(package) or _agent_of_program(word)
        if agent is not None:
            return agent, position
        if Path(word).name not in _LAUNCHERS:
            break
    return None, 0


def _agent_of_program(program: str) -> str | None:
    name = Path(program).name
    for agent, integration in INTEGRATIONS.items():
        if name in integration.programs:
            return agent
    return agent_of_command(program)


def surroundings(
    workspace: Workspace, environ: Mapping[str, str], endpoint: tuple[int, str] | None
) -> Surroundings:
    """Return where a session takes place, with the programs that lie beside acode."""
    shim, hook = find_program(SHIM, environ), find_program(HOOK, environ)
    return Surroundings(workspace, shim and os.path.realpath(shim), hook and os.path.realpath(hook), endpoint)


def prepare(agent: str | None, position: int, setup: Setup, around: Surroundings) -> None:
    """Add what an agent needs to a setup.

    Args:
        agent: its name, None for a program that is no known agent.
        position: which word of the command is the agent.
        setup: the command and environment as they would be.
        around: where.

    Raises:
        OSError: the stand-ins for shells cannot be written.
    """
    if around.shim is None:
        setup.notes.append("acode-shim is not beside acode: commands are taken from the transcript")
    _PREPARATIONS.get(agent or "", _prepare_shells)(setup, position, around)


# Claude Code


def _prepare_claude(setup: Setup, position: int, around: Surroundings) -> None:
    given = setup.environ.get(SHELL_PREFIX)
    if given and not is_shim(given):
        setup.notes.append(f"{SHELL_PREFIX} is yours: commands are taken from the transcript")
    elif around.shim is not None:
        setup.environ[SHELL_PREFIX] = around.shim
    texts = _claude_settings(setup, around.workspace)
    _pass_hooks(setup, position, around, texts)
    if around.endpoint is not None and not _exports_already(setup.environ, texts):
        setup.environ |= claude_telemetry(*around.endpoint)


def claude_telemetry(port: int, token: str) -> dict[str, str]:
    """Return the variables that let Claude Code tell the collector of its requests."""
    return {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{token}",
    }


def _exports_already(environ: Mapping[str, str], texts: list[str]) -> bool:
    names = ("OTEL_", "CLAUDE_CODE_ENABLE_TELEMETRY")
    return any(name.startswith(names) for name in environ) or any(
        f'"{name}' in text for text in texts for name in names
    )


def _claude_settings(setup: Setup, workspace: Workspace) -> list[str]:
    """Return the texts of the settings files that the agent will read."""
    integration = INTEGRATIONS["claude-code"]
    paths = [Path(workspace.root, ".claude", "settings.json")]
    paths += [
        integration.settings_path(s, workspace.root, setup.environ) for s in SCOPES if _has_home(s, setup)
    ]
    return [text for path in paths if (text := _read(path)) is not None]


def _has_home(scope: str, setup: Setup) -> bool:
    return scope == "project" or bool(setup.environ.get("HOME") or setup.environ.get("CLAUDE_CONFIG_DIR"))


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return None


def _pass_hooks(setup: Setup, position: int, around: Surroundings, texts: list[str]) -> None:
    """Give the agent our hooks as an argument, beside those that its settings files hold."""
    from collector.agents import hook_merge
    from collector.agents.json_edit import JsonError

    arguments = setup.argv[position + 1 :]
    if around.hook is None or (arguments and arguments[0] in _CLAUDE_VERBS):
        return
    try:
        place, given = _settings_option(arguments)
        if any(hook_merge.find(text).hooks for text in texts):
            return  # they are installed
        wanted = hook_merge.Wanted(INTEGRATIONS["claude-code"], around.hook)
        merged = json.dumps(json.loads(hook_merge.install(given, wanted)), ensure_ascii=False)
    except (JsonError, ValueError, OSError):
        setup.notes.append("--settings is not understood: without hooks, the transcript has to do")
        return
    if place is None:
        setup.argv[position + 1 : position + 1] = ["--settings", merged]
    else:
        setup.argv[position + 1 + place] = f"--settings={merged}"
        if arguments[place] == "--settings":
            del setup.argv[position + 2 + place]


def _settings_option(arguments: list[str]) -> tuple[int | None, str]:
    """Return where the user passes settings himself, and their text; the last time counts.

    Raises:
        OSError: the file that is named cannot be read.
        ValueError: it is not text.
    """
    found: tuple[int, str] | None = None
    for place, word in enumerate(arguments):
        if word == "--":
            break
        if word == "--settings" and place + 1 < len(arguments):
            found = place, arguments[place + 1]
        elif word.startswith("--settings="):
            found = place, word.partition("=")[2]
    if found is None:
        return None, ""
    place, value = found
    return place, value if value.lstrip().startswith("{") else Path(value).read_text("utf-8")


# Codex


def _prepare_codex(setup: Setup, position: int, around: Surroundings) -> None:
    environ = setup.environ
    if around.shim is not None:
        folder = _make_folder(around.workspace.shells)
        path = f"{folder}/bash_startup"
        replace_file(path, _BASH_STARTUP.format(shim=_quote(around.shim)).encode(), sync=False)
        environ["ACODE_BASH_ENV"] = environ.get("BASH_ENV", "")
        environ["ACODE_SHIM"] = around.shim
        environ["ACODE_OUTER_RUN"] = environ.get("ACODE_RUN_ID", "")
        environ["BASH_ENV"] = path
        environ.setdefault("SHLVL", "1")  # in Codex's sandbox bash takes itself for a network shell without
    if around.endpoint is not None and not _codex_exports(setup, around.workspace):
        port, token = around.endpoint
        exporter = (
            f'otel.exporter={{otlp-http={{endpoint="http://127.0.0.1:{port}/v1/logs",protocol="json",'
            f'headers={{Authorization="Bearer {token}"}}}}}}'
        )
        setup.argv[position + 1 : position + 1] = ["-c", exporter]


def _codex_exports(setup: Setup, workspace: Workspace) -> bool:
    home = setup.environ.get("CODEX_HOME") or str(Path(setup.environ.get("HOME", "/"), ".codex"))
    paths = (Path(home, "config.toml"), Path(workspace.root, ".codex", "config.toml"))
    if any("otel" in word for word in setup.argv):
        return True
    return any("otel" in (_read(path) or "") for path in paths)


# Everybody else


def _prepare_shells(setup: Setup, position: int, around: Surroundings) -> None:
    """Put links that stand in for shells wherever an agent may look for one."""
    _prepare_links(setup, around, in_path=True, in_variable=True)


def _prepare_gemini(setup: Setup, position: int, around: Surroundings) -> None:
    """It takes the first `bash` in PATH, whatever SHELL says."""
    _prepare_links(setup, around, in_path=True, in_variable=False)


def _prepare_opencode(setup: Setup, position: int, around: Surroundings) -> None:
    """It takes SHELL, and the first `bash` in PATH where that is another kind of shell."""
    takes_variable = Path(setup.environ.get("SHELL", "")).name in _SHELLS
    _prepare_links(setup, around, in_path=not takes_variable, in_variable=takes_variable)


def _prepare_links(setup: Setup, around: Surroundings, in_path: bool, in_variable: bool) -> None:
    if around.shim is None:
        return
    environ = setup.environ
    path, shell = environ.get("PATH", os.defpath), environ.get("SHELL")
    folder = _make_links(around.workspace, around.shim, path)
    environ["ACODE_SHELL"] = shell or ""
    environ["ACODE_SHIM"] = around.shim
    environ["ACODE_OUTER_RUN"] = environ.get("ACODE_RUN_ID", "")
    if in_path and ":" not in folder:
        environ["PATH"] = ":".join([folder, *(entry for entry in path.split(":") if entry != folder)])
    if in_variable and shell and Path(folder, Path(shell).name).is_symlink():
        environ["SHELL"] = f"{folder}/{SHELL_VARIABLE}/{Path(shell).name}"


def _make_folder(path: str) -> str:
    """Make a folder of stand-ins; one that somebody made a link is none.

    Raises:
        OSError: it cannot be made.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    if folder.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return path


def _make_links(workspace: Workspace, shim: str, path: str) -> str:
    """Make links for each shell that there is, one for PATH and one for SHELL; return the folder for PATH."""
    folder = _make_folder(workspace.shells)
    elsewhere = [entry for entry in (*path.split(":"), "/bin", "/usr/bin") if entry not in ("", folder)]
    for name in _SHELLS:
        if any(os.access(f"{entry}/{name}", os.X_OK) for entry in elsewhere):
            _link(Path(folder, name), shim)
            _link(Path(_make_folder(f"{folder}/{SHELL_VARIABLE}"), name), shim)
    return folder


def _link(link: Path, target: str) -> None:
    if not (link.is_symlink() and str(link.readlink()) == target):
        new = link.with_name(f".{link.name}.{os.getpid()}")
        new.symlink_to(target)
        move(str(new), str(link))


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


_PREPARATIONS: dict[str, Callable[[Setup, int, Surroundings], None]] = {
    "claude-code": _prepare_claude,
    "codex": _prepare_codex,
    "gemini": _prepare_gemini,
    "opencode": _prepare_opencode,
}
