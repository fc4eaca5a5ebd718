"""`acode __complete WORD…`: what could stand where the cursor is; what the shells' scripts ask at each tab.

The first line printed says what else the shell should offer: `none`, `files`, `dirs`, or `command N` when
the words from the N-th on are another program's. Each further line is a candidate, a tab, and what it is.
Commands, options and their values come from the parsers themselves. Nothing is ever written, started or
said, and whatever goes wrong, the answer is empty.
"""

from __future__ import annotations

import re
import sys

from collector.cli.commands import ALIASES, FOREIGN, GROUPS, SINGLE, global_options
from collector.cli.complete_values import Asked, Candidates, values_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from collector.cli.parsing import Command, Parser

NOTHING, FILES, FOLDERS = "none", "files", "dirs"
Answer = tuple[str, Candidates]
_HELP_LINE = re.compile(r"^  (-\S+)(?: ([A-Z][^ ]*))?  +(\S.*)$", re.MULTILINE)
_VERB_LINE = re.compile(r"^  ([a-z]+)((?: \[[^\]]+\])*) +(\S.*)?$", re.MULTILINE)


def main(words: list[str], environ: Mapping[str, str]) -> int:
    """Print what completes the last of these words, which follow `acode`; always succeeds."""
    try:
        directive, candidates = complete(words or [""], environ)
    except BaseException:  # noqa: BLE001 - a tab must not say anything
        directive, candidates = NOTHING, []
    lines = [directive, *(f"{value}\t{_one_line(text)}" for value, text in candidates if _is_plain(value))]
    sys.stdout.buffer.write(("\n".join(lines) + "\n").encode("utf-8", "replace"))
    return 0


def complete(words: list[str], environ: Mapping[str, str]) -> Answer:
    """Return what the shell should offer besides, and the candidates, for the last of these words."""
    asked = Asked(environ)
    start = _after_globals(words, asked)
    if start is None:
        return FOLDERS, []
    given, current = words[start:-1], words[-1]
    if not given:
        return NOTHING, _fitting([*_commands(), *(global_options() if current[:1] == "-" else ())], current)
    name = ALIASES.get(given[0], given[0])
    if name in GROUPS and len(given) == 1:
        verbs = [(verb, text) for verb, (_, text) in GROUPS[name].items()]
        foreign = [(word.partition(" ")[2], text) for word, text in FOREIGN.items() if " " in word]
        return NOTHING, _fitting(verbs + (foreign if name == "sessions" else []), current)
    if name in GROUPS and given[1] in GROUPS[name]:
        return _of_command(
            GROUPS[name][given[1]][0], given[1], f"{name} {given[1]}", [*given[2:], current], asked
        )
    if name in SINGLE:
        return _of_command(SINGLE[name][0], name, name, [*given[1:], current], asked)
    return _of_foreign(name, [*given[1:], current], start + 1, asked)


def _commands() -> Candidates:
    groups = [(group, f"{', '.join(verbs)}") for group, verbs in GROUPS.items()]
    foreign = [(name.partition(" ")[0], text) for name, text in FOREIGN.items() if " " not in name]
    return [*foreign, *groups, *((name, text) for name, (_, text) in SINGLE.items())]


def _after_globals(words: Sequence[str], asked: Asked) -> int | None:
    """Return where the command begins; None when the value of `--workspace` is being typed."""
    start = 0
    while start < len(words) - 1 and words[start].startswith("-"):
        name, equals, value = words[start].partition("=")
        if name == "--workspace":
            if not equals:
                start += 1
                if start == len(words) - 1:
                    return None
                value = words[start]
            asked.root = value
        start += 1
    return start


def _fitting(candidates: Candidates, current: str, prefix: str = "") -> Candidates:
    return [(prefix + value, text) for value, text in candidates if value.startswith(current)]


# Commands whose options argparse knows


class _Reading:
    """What was typed before the cursor, as a parser takes it."""

    def __init__(self, parser: Parser) -> None:
        self.options = {name: action for action in parser.actions() for name in action.option_strings}
        self.places = [action for action in parser.actions() if not action.option_strings]
        self.positional: list[str] = []
        self.used: set[str] = set()
        self.pending: argparse.Action | None = None
        self.ended = False

    def take(self, word: str) -> None:
        """Read one more word."""
        if self.pending is not None:
            self.pending = None
            return
        name, equals, _ = word.partition("=")
        action = self.options.get(name)
        if self.ended or action is None:
            self.ended = self.ended or word == "--"
            if word != "--":
                self.positional.append(word)
            return
        self.used.add(action.dest)
        self.pending = action if action.nargs != 0 and not equals else None

    def place(self) -> argparse.Action | None:
        """Return the argument that comes next; one that repeats is always next."""
        number = len(self.positional)
        if number < len(self.places):
            return self.places[number]
        return self.places[-1] if self.places and self.places[-1].nargs in ("*", "+") else None


def _of_command(module: str, verb: str, name: str, words: list[str], asked: Asked) -> Answer:
    from collector.cli.parsing import Parser

    command: Command = __import__(f"collector.cli.{module}", fromlist=["COMMANDS"]).COMMANDS[verb]
    parser = Parser(f"acode {name}", "")
    command.configure(parser)
    reading = _Reading(parser)
    for word in words[:-1]:
        reading.take(word)
        if word.startswith("--workspace="):
            asked.root = word.partition("=")[2]
    asked.name, asked.positional, current = name, reading.positional, words[-1]
    if reading.pending is not None:
        return _values(reading.pending, current, asked)
    option, equals, value = current.partition("=")
    if equals and option in reading.options and not reading.ended:
        directive, found = _values(reading.options[option], value, asked)
        return directive, [(f"{option}={text}", about) for text, about in found]
    place = reading.place()
    if current.startswith("-") and not reading.ended:
        options = _options(reading)
        negated = (
            _values(place, current[1:], asked)[1] if place is not None and place.dest == "filter" else []
        )
        return NOTHING, [*_fitting(options, current), *(("-" + text, about) for text, about in negated)]
    return (NOTHING, []) if place is None else _values(place, current, asked)


def _options(reading: _Reading) -> Candidates:
    """Return the options that can still be given: what adds to a list may be given again."""
    from collector.cli.parsing import is_repeatable

    return [
        (name, action.help or "")
        for name, action in reading.options.items()
        if name.startswith("--") and (action.dest not in reading.used or is_repeatable(action))
    ]


def _values(action: argparse.Action, current: str, asked: Asked) -> Answer:
    if action.choices:
        return NOTHING, _fitting([(str(choice), "") for choice in action.choices], current)
    kind = str(action.metavar or action.dest)
    if kind == "DIR":
        return FOLDERS, []
    if kind in ("PATH", "FILE") and (action.option_strings or not asked.positional):
        return FILES, []
    return NOTHING, values_for(kind, action.dest, current, asked)


# Commands that parse their own options: their help is the one list of them


def _of_foreign(name: str, words: list[str], offset: int, asked: Asked) -> Answer:
    if name == "collector":
        return NOTHING, _of_collector(words)
    if name == "task":
        if len(words) == 1:
            return NOTHING, _fitting([("run", FOREIGN["task"])], words[0])
        words, offset = words[1:], offset + 1
    elif name == "sessions" and words[0] == "run":
        words, offset = words[1:], offset + 1
    elif name != "exec":
        return NOTHING, []
    options = _help_options(name)
    position = 0
    while position < len(words) - 1 and words[position].startswith("-") and words[position] != "--":
        position += 2 if options.get(words[position], ("", ""))[0] else 1
    position += words[position : position + 1] == ["--"] and position < len(words) - 1
    if position >= len(words):  # the value of an option
        return _foreign_value(words[-2], options, words[-1], asked)
    if position == len(words) - 1 and words[-1].startswith("-"):
        return NOTHING, _fitting([(option, text) for option, (_, text) in options.items()], words[-1])
    if name == "task" and position == len(words) - 1:
        return NOTHING, values_for("TASK", "task", words[-1], asked)
    return (FILES, []) if name == "task" else (f"command {offset + position}", [])


def _foreign_value(option: str, options: Mapping[str, tuple[str, str]], current: str, asked: Asked) -> Answer:
    kind, text = options.get(option, ("", ""))
    if kind == "DIR":
        return FOLDERS, []
    if kind in ("TYPE", "CONTEXT"):
        words = re.findall(r"\b[a-z]{4,}\b", text.partition("(")[0])
        return NOTHING, _fitting([(word, "") for word in words if word != "type"], current)
    return NOTHING, values_for(kind, option.lstrip("-"), current, asked)


def _help_options(name: str) -> dict[str, tuple[str, str]]:
    """Return each option of a help text with what its value is called and what it does."""
    module = "session_run" if name == "sessions" else "exec"
    text: str = __import__(f"collector.cli.{module}", fromlist=["HELP"]).HELP
    return {option: (kind, about) for option, kind, about in _HELP_LINE.findall(text)}


def _of_collector(words: list[str]) -> Candidates:
    from collector.cli.collector import HELP

    verbs = {verb: (options, text) for verb, options, text in _VERB_LINE.findall(HELP)}
    if len(words) == 1:
        told = [(verb, "" if text.startswith("[") else text) for verb, (_, text) in verbs.items()]
        return _fitting(told, words[0])
    options = re.findall(r"--[a-z-]+", verbs.get(words[0], ("", ""))[0])
    return _fitting([(option, "") for option in options], words[-1])


def _one_line(text: str) -> str:
    from collector.cli.output import sanitize

    return sanitize(" ".join(text.split()))[:120]


def _is_plain(value: str) -> bool:
    """Only what can be seen is offered: a control character in a recorded name could drive the terminal."""
    return value.isprintable() and bool(value)
