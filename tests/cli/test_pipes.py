"""Readers that leave early, fields that are asked for, colours that are not wanted: of every verb."""

from __future__ import annotations

import os
import subprocess

import pytest

from collector.cli import fields
from collector.cli.commands import GROUPS, SINGLE
from collector.cli.sessions_list import FIELDS as SESSION_FIELDS
from collector.model.artifact import Artifact
from collector.model.run import FIELDS as RUN_FIELDS
from tests.cli.conftest import Recorded
from tests.conftest import ACODE
from tests.terminal import Terminal

NOT_HERE = frozenset({"demo"})
"""Commands that do more than print."""
WORDS = [[group, verb] for group, verbs in GROUPS.items() for verb in verbs]
WORDS += [[name] for name in SINGLE if name not in NOT_HERE]
READING = [
    line.split()
    for line in """
        runs list --format jsonl
        runs list --json
        runs list
        runs list --fields ?
        runs show test
        runs show --json
        runs stdout binary
        runs output both
        runs artifacts both
        runs follow build
        artifacts list
        artifacts cat both stdout.txt
        sessions list --json
        config show
        config show --json
        config get tasks
        completion bash
        doctor
        --help
        runs --help
        --version
        __complete r
        collector --help
        collector status
        exec --help
        session run --help
        task --help
    """.strip().splitlines()
]


def without_reader(recorded: Recorded, *arguments: str) -> tuple[int, bytes]:
    """Run a command whose reader is gone before it has begun."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = recorded.run(*arguments, stdin=subprocess.DEVNULL, stdout=writer)
    finally:
        os.close(writer)
    return done.returncode, done.stderr


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_reader_that_has_left_is_no_error(recorded: Recorded, arguments: list[str]) -> None:
    status, said = without_reader(recorded, *arguments)
    assert (status, said) == (0, b"")


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_the_help_of_every_verb_may_lose_its_reader(recorded: Recorded, words: list[str]) -> None:
    assert without_reader(recorded, *words, "--help") == (0, b"")


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_no_verb_has_colours_that_are_not_wanted(recorded: Recorded, environ: dict[str, str]) -> None:
    names = {k: v for k, v in recorded.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    for line in (
        "runs list",
        "runs show test",
        "runs why",
        "doctor",
        "runs stdout hostile",
        "artifacts list",
    ):
        argv = [*ACODE, "--no-pager", *line.split()]
        terminal = Terminal(argv, {**names, **environ}, str(recorded.root))
        terminal.finish()
        assert b"\x1b" not in terminal.output


@pytest.mark.parametrize("word", ["?", "help"])
@pytest.mark.parametrize("listing", [["runs", "list"], ["runs", "artifacts", "both"], ["sessions", "list"]])
def test_fields_are_listed_when_asked_for(recorded: Recorded, listing: list[str], word: str) -> None:
    told = recorded.ok(*listing, "--fields", word)
    expected = fields.fields_of(" ".join(listing[:2]))
    assert [line.split()[0] for line in told.splitlines()] == list(expected)
    assert all(text in told for text in expected.values())


def test_every_field_is_explained_and_none_that_is_not_there() -> None:
    assert tuple(fields.RUN) == ("schema_version", *RUN_FIELDS)
    assert tuple(fields.ARTIFACT) == Artifact.__match_args__
    assert tuple(fields.SESSION) == SESSION_FIELDS
