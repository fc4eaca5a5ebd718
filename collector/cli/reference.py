"""docs/reference.md, made from the program: `python -m collector.cli.reference > docs/reference.md`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from collector.cli.commands import FOREIGN, GROUPS, SINGLE
from collector.cli.fields import ARTIFACT, RUN, SESSION
from collector.cli.parsing import Command, Parser, is_repeatable
from collector.model.query import FIELDS, ORDERED, SORTS
from collector.query.language import CHOICES, KEYS, MEANINGS

_HEAD = """\
# Reference

Made from the program by `python -m collector.cli.reference`; a test compares. How things are meant is in
[cli.md](cli.md); settings are in [configuration.md](configuration.md), error codes in
[errors.md](errors.md), the inspector's keys in [keys.md](keys.md).
"""
_OWN_HELP = {
    "exec": "acode exec --help", "task run": "acode task run --help",
    "session run": "acode session run --help", "collector": "acode collector --help",
}  # fmt: skip
_KINDS = {
    "word": "one of its values", "glob": "a text, or a pattern with `*` and `?`", "prefix": "a beginning",
    "time": "a time", "duration": "a duration", "number": "a whole number", "size": "a size",
    "tag": "`NAME` or `NAME=VALUE`", "has": "one of its values", "note": "a part of the text",
    "text": "a part of the text",
}  # fmt: skip


def as_markdown() -> str:
    """Return the whole page."""
    lines = [
        _HEAD,
        "## Commands",
        "",
        "Every command also takes `--workspace DIR`, `--no-pager` and `--help`.",
    ]
    for name, text in FOREIGN.items():
        lines += [
            "",
            f"### acode {name}",
            "",
            _sentence(text),
            f"See `{_OWN_HELP.get(name, 'acode ' + name)}`.",
        ]
    for name, module, text in _commands():
        lines += ["", f"### acode {name}", "", _sentence(text), *_options(name, module)]
    lines += ["", "## Filter keys", "", *_filter_keys()]
    lines += ["", "## Sorting", "", "`--sort` takes " + ", ".join(f"`{name}`" for name in SORTS) + "."]
    for title, table in (("a run", RUN), ("an artifact", ARTIFACT), ("a session", SESSION)):
        lines += ["", f"## JSON fields of {title}", "", *_fields(table)]
    return "\n".join(lines) + "\n"


def _commands() -> Iterator[tuple[str, str, str]]:
    for group, verbs in GROUPS.items():
        for verb, (module, text) in verbs.items():
            yield f"{group} {verb}", module, text
    for name, (module, text) in SINGLE.items():
        yield name, module, text


def parser_of(name: str, module: str) -> Parser:
    """Return the parser of a command such as `runs list`."""
    verb = name.rpartition(" ")[2]
    command: Command = __import__(f"collector.cli.{module}", fromlist=["COMMANDS"]).COMMANDS[verb]
    parser = Parser(f"acode {name}", "")
    command.configure(parser)
    return parser


def _options(name: str, module: str) -> list[str]:
    rows = [_row(action) for action in parser_of(name, module).actions() if action.dest != "workspace"]
    return ["", "| | |", "|---|---|", *rows] if rows else []


def _row(action: argparse.Action) -> str:
    text = (action.help or "").replace("|", "\\|")
    return f"| {_shown(action)} | {text} |"


def _shown(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        name = f"[{value}]" if action.nargs in ("?", "*") else value
        return f"`{name}`" + (" …" if action.nargs in ("*", "+") else "")
    names = " ".join(f"`{option}{' ' + value if value else ''}`" for option in action.option_strings)
    return names + (" …" if is_repeatable(action) and action.nargs != 0 else "")


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None:
        return "\\|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())


def _filter_keys() -> list[str]:
    lines = ["| key | field | value | what it asks |", "|---|---|---|---|"]
    for key, field in KEYS.items():
        values = ", ".join(f"`{value}`" for value in CHOICES.get(field, ()))
        kind = values or _KINDS["text" if key == "re" else FIELDS[field]]
        kind += "; `>` `>=` `<` `<=` `a..b`" if FIELDS[field] in ORDERED else ""
        kind = "an expression" if key == "re" else kind
        lines.append(f"| `{key}` | `{field}` | {kind} | {MEANINGS[key]} |")
    return lines


def _fields(table: dict[str, str]) -> list[str]:
    return ["| key | |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in table.items())]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
