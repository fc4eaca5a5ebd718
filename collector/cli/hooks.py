"""`acode hooks install|uninstall|status`: acode in the settings of coding agents."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector.agents import hook_files
from collector.agents.hook_files import Change, Memories
from collector.agents.hook_merge import Found, Wanted
from collector.agents.hooks import (
    HOOK,
    INTEGRATIONS,
    SCOPES,
    SHELL_PREFIX,
    SHIM,
    Integration,
    Scope,
    find_program,
    get_integration,
    get_program,
)
from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import AcodeError, UnavailableError

_CLAUDE = "claude-code"
_NAMES = ", ".join(INTEGRATIONS)


def _add_agents(parser: Parser, default: str) -> None:
    parser.add_argument(
        "agents", metavar="AGENT", nargs="*", default=[], help=f"{_NAMES} (default: {default})"
    )


def _add_scope(parser: Parser, default: str) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--project", action="store_true", help=f"in this workspace{default}")
    group.add_argument("--user", action="store_true", help="in the user's own settings, for every project")


def _add_dry_run(parser: Parser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="change nothing, show what would be changed")


def _scopes(options: Namespace) -> tuple[Scope, ...]:
    if options.user:
        return ("user",)
    return ("project",) if options.project else SCOPES


def _project(context: Context) -> str:
    """Return where the agents look for a project's settings: not above the repository they are started in.

    That is the nearest folder with `.git` or `.acode`, where the workspace holds it; a workspace that was
    named and lies elsewhere is meant itself.
    """
    root = Path(context.root)
    here = Path.cwd()
    if here != root and root not in here.parents:
        return str(root)
    for folder in (here, *here.parents):
        if folder == root or (folder / ".git").exists():
            return str(folder)
    return str(root)


def _integrations(names: Iterable[str]) -> list[Integration]:
    return [get_integration(name) for name in dict.fromkeys(names)]


def configure_install(parser: Parser) -> None:
    """Add the options of `acode hooks install`."""
    _add_agents(parser, "those on the PATH")
    _add_scope(parser, " (the default)")
    _add_dry_run(parser)
    group = parser.add_mutually_exclusive_group()
    text = f"claude-code: also set {SHELL_PREFIX}, which records every shell command exactly (the default)"
    group.add_argument("--shim", action="store_true", help=text)
    group.add_argument("--no-shim", action="store_true", help="leave that out")


def install(options: Namespace, context: Context) -> int:
    """Install the hooks; nothing is changed unless every settings file is understood."""
    integrations = _integrations(options.agents) or _on_path(context)
    scope: Scope = "user" if options.user else "project"
    memories = Memories(context.environ)
    hook = get_program(HOOK, context.environ)
    planned: list[tuple[Wanted, Path, Change]] = []
    for integration in integrations:
        wanted = Wanted(integration, hook, _shim(integration, options, context))
        path = integration.settings_path(scope, _project(context), context.environ)
        planned.append((wanted, path, hook_files.plan_install(wanted, path, memories)))
    if options.dry_run:
        _show([change for _, _, change in planned])
        return 0
    if not options.user and not options.project:
        output.note(f"acode: installing for {_project(context)} alone; --user installs for every project")
    for wanted, path, change in planned:
        remembered = hook_files.apply_install(change, memories)
        state = "already installed" if change.is_none else "installed"
        output.line(f"{wanted.integration.agent}: {state} in {output.sanitize(str(path))}")
        for text in _notices(wanted, change, scope, context):
            output.note(f"acode: {wanted.integration.agent}: {text}")
        if not remembered:
            output.note(
                "acode: what the file was could not be remembered; uninstall takes out the hooks only"
            )
    return 0


def _on_path(context: Context) -> list[Integration]:
    import shutil

    path = context.environ.get("PATH")
    found = [i for i in INTEGRATIONS.values() if any(shutil.which(name, path=path) for name in i.programs)]
    if not found:
        raise UnavailableError("ACODE-AGT-014", "no agent is on the PATH", f"name one: {_NAMES}")
    return found


def _shim(integration: Integration, options: Namespace, context: Context) -> str | None:
    if integration.agent != _CLAUDE or options.no_shim:
        return None
    if options.shim:
        return get_program(SHIM, context.environ)
    found = find_program(SHIM, context.environ)
    if found is None:
        output.note(f"acode: {SHIM} is not beside acode: commands are recorded as the hooks tell them")
    return found


def _notices(wanted: Wanted, change: Change, scope: Scope, context: Context) -> Iterator[str]:
    """Yield what a user must know or do after the hooks were installed."""
    integration = wanted.integration
    if integration.notice:
        yield integration.notice
    if scope == "project" and integration.shared and not change.is_none:
        yield f"{integration.project} holds a path of this machine: keep it out of version control"
    foreign = hook_files.find(integration, change.path).foreign_prefix
    if wanted.shim and foreign:
        yield f"{SHELL_PREFIX} is {foreign!r} already and stays: commands are recorded as the hooks tell them"
    for other in SCOPES:
        if other != scope and _is_installed(integration, other, context):
            yield f"also installed with --{other}: each event comes twice, and counts once"


def _is_installed(integration: Integration, scope: Scope, context: Context) -> bool:
    try:
        path = integration.settings_path(scope, _project(context), context.environ)
        return bool(hook_files.find(integration, path))
    except AcodeError:
        return False


def configure_uninstall(parser: Parser) -> None:
    """Add the options of `acode hooks uninstall`."""
    _add_agents(parser, "all")
    _add_scope(parser, " (the default)")
    _add_dry_run(parser)


def uninstall(options: Namespace, context: Context) -> int:
    """Take the hooks out; nothing is changed unless every settings file is understood."""
    integrations = _integrations(options.agents or INTEGRATIONS)
    scope: Scope = "user" if options.user else "project"
    memories = Memories(context.environ)
    planned: list[tuple[Integration, Path, Change]] = []
    for integration in integrations:
        path = integration.settings_path(scope, _project(context), context.environ)
        planned.append((integration, path, hook_files.plan_uninstall(integration, path, memories)))
    if options.dry_run:
        _show([change for _, _, change in planned])
        return 0
    if not options.user and not options.project:
        output.note(f"acode: uninstalling from {_project(context)} alone; --user: from the user's settings")
    for integration, path, change in planned:
        hook_files.apply_uninstall(change, memories)
        state = "not installed in" if change.is_none else "removed from"
        if options.agents or not change.is_none:
            output.line(f"{integration.agent}: {state} {output.sanitize(str(path))}")
    return 0


def _show(changes: Iterable[Change]) -> None:
    """Print what would be changed as a unified diff."""
    from difflib import unified_diff

    for change in changes:
        name = str(change.path)
        lines = unified_diff(
            _lines(change.before), _lines(change.after),
            name if change.before is not None else os.devnull,
            name if change.after is not None else os.devnull,
        )  # fmt: skip
        for line in lines:
            text, end = (line, "\n\\ No newline at end of file") if line[-1:] != "\n" else (line[:-1], "")
            output.line((output.sanitize(text) if output.is_terminal() else text) + end)


def _lines(data: bytes | None) -> list[str]:
    text = (data or b"").decode("utf-8", "replace")
    *whole, rest = text.split("\n")
    return [line + "\n" for line in whole] + ([rest] if rest else [])


@dataclass(slots=True)
class Status:
    """How it is with one agent in one scope."""

    agent: str
    scope: Scope
    path: str
    state: str = "not installed"
    events: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    shim: str | None = None
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints."""
        names = ("agent", "scope", "state", "path", "events", "missing", "hooks", "shim", "message")
        return {name: getattr(self, name) for name in names}


def configure_status(parser: Parser) -> None:
    """Add the options of `acode hooks status`."""
    _add_agents(parser, "all")
    _add_scope(parser, "")
    parser.add_argument("--json", action="store_true", help="one array: an object for each agent and scope")


def status(options: Namespace, context: Context) -> int:
    """Show what is installed where."""
    hook = find_program(HOOK, context.environ)
    integrations = _integrations(options.agents or INTEGRATIONS)
    found = [_look(i, scope, hook, context) for i in integrations for scope in _scopes(options)]
    if options.json:
        output.line(output.format_json([one.to_json() for one in found]))
        return 0
    from collector.cli.table import Column, render

    columns = [
        Column("AGENT", 11), Column("SCOPE", 7), Column("STATE", 13), Column("FILE", 10, 2),
        Column("DETAIL", 10, 1),
    ]  # fmt: skip
    rows = [[one.agent, one.scope, one.state, one.path, one.message] for one in found]
    width = output.terminal_width(context.environ)
    output.write("".join(line + "\n" for line in render(columns, rows, width)))
    return 0


def look(integration: Integration, scope: Scope, context: Context) -> Status:
    """Return how it is with one agent in one scope."""
    return _look(integration, scope, find_program(HOOK, context.environ), context)


def _look(integration: Integration, scope: Scope, hook: str | None, context: Context) -> Status:
    try:
        path = integration.settings_path(scope, _project(context), context.environ)
    except AcodeError as error:
        return Status(integration.agent, scope, "", message=error.message)
    one = Status(integration.agent, scope, str(path))
    try:
        found = hook_files.find(integration, path)
    except AcodeError as error:
        one.state, one.message = "broken", error.message
        return one
    if found:
        _describe(one, found, Wanted(integration, hook or ""))
    return one


def _describe(one: Status, found: Found, wanted: Wanted) -> None:
    """Say what is there and what is not."""
    one.events = sorted(found.hooks)
    one.hooks = found.paths
    one.shim = found.shim
    one.missing = [event for event in wanted.integration.events if event not in found.hooks]
    lines = []
    if one.missing:
        lines.append(f"without {', '.join(one.missing)}")
    lines += [f"calls {path} of another installation" for path in found.paths if path != wanted.hook]
    programs = (*found.paths, *filter(None, [found.shim]))
    lines += [f"{path} does not exist" for path in programs if not os.access(path, os.X_OK)]
    one.state = "partly" if lines else "installed"
    if one.agent == _CLAUDE and not found.shim:
        lines.append(f"prefix {found.foreign_prefix} kept" if found.foreign_prefix else "no shim")
    one.message = "; ".join(lines)


COMMANDS = {
    "install": Command(configure_install, install),
    "uninstall": Command(configure_uninstall, uninstall),
    "status": Command(configure_status, status),
}
