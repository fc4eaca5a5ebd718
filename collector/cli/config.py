"""`acode config show|init`: what is set, by what; and a file to begin with. The other verbs: config_edit."""

from __future__ import annotations

import os
from pathlib import Path

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.config import FILES
from collector.config.settings import SETTINGS, Setting, Value
from collector.errors import AccessError, ConflictError

_DEFAULT_FOLDER = ".acode/artifacts"
_DAY_MS = 86_400_000
_DURATIONS = ((_DAY_MS, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms"))
_SIZES = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))
_EXAMPLES = {
    "tasks": '{build: "npm run build"}',
    "runs.retention.schedule": '"0 2 * * *"',
    "runs.encryption.keyfile": "acode.key",
}
"""Of settings whose default says nothing about what they hold."""
_HEAD = "# Settings of acode in this workspace. What is commented out shows the default.\n"


def format_value(setting: Setting, value: Value) -> str:
    """Format a value the way a settings file holds it."""
    if setting.key == "runs.artifacts.directory" and value is None:
        return _DEFAULT_FOLDER
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _format_number(setting.kind, value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_quote(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quote(k)}: {_quote(v)}" for k, v in value.items()) + "}"
    return value


def _format_number(kind: str, value: int) -> str:
    if kind == "mode":
        return f"{value:o}"
    units = {"duration": _DURATIONS, "size": _SIZES}.get(kind, ())
    for factor, unit in units:
        if value and value % factor == 0:
            return f"{value // factor}{unit}"
    return str(value)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def configure_show(parser: Parser) -> None:
    """Add the options of `acode config show`."""
    parser.add_argument("--json", action="store_true", help="one JSON object: name to value and origin")


def show(options: Namespace, context: Context) -> int:
    """Show every setting."""
    items = context.config.items()
    if options.json:
        record = {name: {"value": value, "origin": origin} for name, value, origin in items}
        output.line(output.format_json(record))
        return 0
    from collector.cli.table import Column, render

    rows = [
        [setting.name, origin, format_value(setting, value)]
        for setting, (_, value, origin) in zip(SETTINGS.values(), items, strict=True)
    ]
    columns = [Column("SETTING", 20), Column("FROM", 7, 1), Column("VALUE", 10)]
    width = output.terminal_width(context.environ)
    output.write("".join(line + "\n" for line in render(columns, rows, width)))
    return 0


def template() -> str:
    """Return a settings file with every setting, explained and commented out."""
    lines = [_HEAD]
    opened: list[str] = []
    for setting in SETTINGS.values():
        *sections, name = setting.name.split(".")
        for depth, section in enumerate(sections):
            if opened[depth : depth + 1] != [section]:
                opened = [*sections[: depth + 1]]
                lines.append(f"{'  ' * depth}{section}:")
        indent = "  " * len(sections)
        lines.append(f"{indent}# {setting.help}")
        lines.append(f"{indent}#{name}: {_example(setting)}")
    return "\n".join(lines) + "\n"


def _example(setting: Setting) -> str:
    return _EXAMPLES.get(setting.key) or format_value(setting, setting.default)


def configure_init(parser: Parser) -> None:
    """Add the options of `acode config init`."""
    parser.add_argument("--force", action="store_true", help="replace the file that is there")


def init(options: Namespace, context: Context) -> int:
    """Write `.acode/config.yml`."""
    root = Path(context.root)
    existing = [name for name in FILES if os.path.lexists(root / name)]
    if existing and not options.force:
        raise ConflictError("ACODE-RUN-023", f"{existing[0]} exists already", "--force replaces it")
    path = root / FILES[0]
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(template(), encoding="utf-8")
    except OSError as error:
        raise AccessError(
            "ACODE-ART-006", f"cannot write {path}: {error.strerror}", "check its permissions"
        ) from None
    output.line(f"wrote {output.sanitize(str(path))}")
    return 0


COMMANDS = {"show": Command(configure_show, show), "init": Command(configure_init, init)}
