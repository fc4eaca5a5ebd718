"""What `acode doctor` looks at in the settings of coding agents: hooks that cannot work."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from collector.agents import hook_files, json_edit
from collector.agents.hooks import INTEGRATIONS, SCOPES
from collector.cli.context import Context
from collector.cli.diagnosis import FAIL, OK, WARN, Check, Finding
from collector.cli.hooks import Status, look
from collector.workspace import Workspace

_SWITCHES: dict[str, tuple[tuple[str, ...], object]] = {
    "claude-code": (("disableAllHooks",), True),
    "gemini": (("hooksConfig", "enabled"), False),
}
"""Where an agent's own settings can switch all hooks off, and what it says there then."""


def check_hooks(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether what is installed can be started, and the agent lets it."""
    found = [look(one, scope, context) for one in INTEGRATIONS.values() for scope in SCOPES]
    installed = [one for one in found if one.state != "not installed"]
    for one in installed:
        yield from _troubles(one)
    if installed and context.environ.get("ACODE_HOOKS") == "off":
        yield Finding(WARN, "hooks", "ACODE_HOOKS=off: hooks do nothing", "unset it")
    names = ", ".join(dict.fromkeys(f"{one.agent} ({one.scope})" for one in installed))
    if not installed:
        yield Finding(OK, "hooks", "in no agent's settings; 'acode hooks install' records their sessions")
    elif not any(True for one in installed for _ in _troubles(one)):
        yield Finding(OK, "hooks", f"installed for {names}")


def _troubles(one: Status) -> Iterator[Finding]:
    again = f"'acode hooks install {one.agent} --{one.scope}'"
    if one.state == "broken":
        yield Finding(WARN, "hooks", f"{one.agent}: {one.message}", "correct the file")
        return
    for program in dict.fromkeys((*one.hooks, *filter(None, [one.shim]))):
        if not os.access(program, os.X_OK):
            yield Finding(FAIL, "hooks", f"{one.agent}: {program} in {one.path} is gone", f"{again} mends it")
        elif _has_lost_python(program):
            text = f"{one.agent}: the Python that {program} needs is gone"
            yield Finding(FAIL, "hooks", text, f"install acode again, then {again}")
    if one.missing:
        text = f"{one.agent}: no hook for {', '.join(one.missing)} in {one.path}"
        yield Finding(WARN, "hooks", text, f"{again} adds them")
    if _is_switched_off(one):
        key = ".".join(_SWITCHES[one.agent][0])
        text = f"{one.agent}: {key} in {one.path} switches all hooks off"
        yield Finding(WARN, "hooks", text, f"take {key} out")


def _has_lost_python(program: str) -> bool:
    """Tell whether the interpreter beside a program is a link to one that was removed."""
    python = Path(program).parent / "python3"
    return os.path.lexists(python) and not python.exists()


def _is_switched_off(one: Status) -> bool:
    if one.agent not in _SWITCHES:
        return False
    keys, off = _SWITCHES[one.agent]
    value: Any = _settings(Path(one.path))
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value is off


def _settings(path: Path) -> Any:
    text = (hook_files.read(path) or b"").decode("utf-8", "replace")
    try:
        root = json_edit.parse(text)
        return None if root is None else json_edit.to_python(text, root)
    except json_edit.JsonError:
        return None


CHECKS: tuple[Check, ...] = (check_hooks,)
