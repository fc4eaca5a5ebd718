"""docs/cli.md and docs/configuration.md say what the program does."""

from __future__ import annotations

import re

import pytest

from collector.cli.commands import FOREIGN, GROUPS, SINGLE
from collector.cli.config import format_value
from collector.cli.parsing import Command, Parser
from collector.config import FILES
from collector.config.settings import SETTINGS, SYNONYM_NAMES, SYNONYMS, normalize, variable
from collector.query.language import CHOICES, KEYS
from tests.conftest import PROJECT

CLI = (PROJECT / "docs" / "cli.md").read_text()
CONFIGURATION = (PROJECT / "docs" / "configuration.md").read_text()
COMMANDS = [
    (f"{group} {verb}", module, verb)
    for group, verbs in GROUPS.items()
    for verb, (module, _) in verbs.items()
]
COMMANDS += [(name, module, name) for name, (module, _) in SINGLE.items()]


def section(name: str) -> str:
    found = re.search(rf"^### acode {name}\n(.*?)(?=^##|\Z)", CLI, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section for acode {name}"
    return found[1]


@pytest.mark.parametrize(("name", "module", "verb"), COMMANDS)
def test_every_option_is_documented_and_every_documented_option_exists(
    name: str, module: str, verb: str
) -> None:
    command: Command = __import__(f"collector.cli.{module}", fromlist=["COMMANDS"]).COMMANDS[verb]
    parser = Parser(f"acode {name}", "")
    command.configure(parser)
    options = {option for option in parser.option_names() if option not in ("-h", "--help", "--workspace")}
    text = section(name)
    table = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    assert set(re.findall(r"`(--?[a-zA-Z][a-z-]*)", table)) == options
    for action in parser.positional_names():
        assert action in table
    for mentioned in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text):
        assert mentioned in options | {"--fields"}


def test_no_command_is_documented_that_does_not_exist() -> None:
    known = {name for name, _, _ in COMMANDS} | {"exec", "session run", "task run", "collector"}
    assert set(re.findall(r"^### acode (.+)$", CLI, re.MULTILINE)) == known
    assert set(FOREIGN) == {"exec", "session run", "task", "collector"}


def test_every_key_of_the_filter_language_is_documented() -> None:
    for key in KEYS:
        assert re.search(rf"^\|.*`{key}`.*\|", CLI, re.MULTILINE), key
    for values in CHOICES.values():
        for value in values:
            assert f"`{value}`" in CLI


def test_the_settings_table_is_the_program_s() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]*)` \| (.+) \|$", CONFIGURATION, re.MULTILINE)
    expected = [
        (s.name, format_value(s, s.default), s.help.replace("|", "\\|") + (" *(later)*" if s.waits else ""))
        for s in SETTINGS.values()
    ]
    assert rows == expected


def test_files_variables_and_other_names_are_documented() -> None:
    for name in FILES:
        assert f"`{name}`" in CONFIGURATION
    assert variable(SETTINGS["runs.artifacts.maxsizeperartifact"]) in CONFIGURATION
    for name in SYNONYM_NAMES:
        assert f"`{name}`" in CONFIGURATION
        assert SETTINGS[SYNONYMS[normalize(name)]].name in CONFIGURATION
