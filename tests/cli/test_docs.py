"""docs/cli.md and docs/configuration.md say what the program does."""

from __future__ import annotations

import re

import pytest

from collector.cli.commands import FOREIGN, GROUPS, SINGLE
from collector.cli.config import format_value
from collector.cli.reference import as_markdown, parser_of
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


OF_OTHERS: dict[str, set[str]] = {}
"""Options of other programs, or of other commands, that a section speaks of."""


def section(name: str) -> str:
    """Return what docs/cli.md says about a command beyond the reference; nothing for most."""
    found = re.search(rf"^### acode {name}\n(.*?)(?=^##|\Z)", CLI, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize(("name", "module", "verb"), COMMANDS)
def test_every_option_that_a_section_mentions_exists(name: str, module: str, verb: str) -> None:
    del verb
    options = set(parser_of(name, module).option_names()) | {"--workspace", "--no-pager", "--help"}
    for mentioned in re.findall(r"(?<![\w-])--[a-z][a-z-]+", section(name)):
        assert mentioned in options | OF_OTHERS.get(name, set())


def test_the_reference_is_made_from_the_program() -> None:
    assert (PROJECT / "docs" / "reference.md").read_text() == as_markdown()


def test_no_command_is_documented_that_does_not_exist() -> None:
    known = {name for name, _, _ in COMMANDS} | {"exec", "session run", "task run", "collector"}
    assert set(re.findall(r"^### acode (.+)$", CLI, re.MULTILINE)) <= known
    assert set(FOREIGN) == {"exec", "session run", "task", "collector"}


def test_every_key_of_the_filter_language_is_documented() -> None:
    for key in KEYS:
        assert re.search(rf"^\|.*`{key}`.*\|", CLI, re.MULTILINE), key
    for values in CHOICES.values():
        for value in values:
            assert f"`{value}`" in CLI


def test_the_settings_table_is_the_program_s() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]*)` \| (.+) \|$", CONFIGURATION, re.MULTILINE)
    expected = [(s.name, format_value(s, s.default), s.help.replace("|", "\\|")) for s in SETTINGS.values()]
    assert rows == expected


def test_files_variables_and_other_names_are_documented() -> None:
    for name in FILES:
        assert f"`{name}`" in CONFIGURATION
    assert variable(SETTINGS["runs.artifacts.maxsizeperartifact"]) in CONFIGURATION
    for name in SYNONYM_NAMES:
        assert f"`{name}`" in CONFIGURATION
        assert SETTINGS[SYNONYMS[normalize(name)]].name in CONFIGURATION
