"""What is longer than the terminal goes through a pager; nothing else does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Recorded
from tests.conftest import ACODE
from tests.terminal import Terminal

SMALL = 5
"""Rows of a terminal in which the listing of the recorded runs does not fit."""


def shown(recorded: Recorded, *arguments: str, rows: int = SMALL, **environ: str) -> Terminal:
    names = {k: v for k, v in recorded.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR", "LESS")}
    argv = [*ACODE, *arguments]
    return Terminal(argv, {**names, **environ}, str(recorded.root), columns=100, rows=rows)


def paged(recorded: Recorded, *arguments: str, rows: int = SMALL, **environ: str) -> bytes | None:
    """Return what the pager was given; None when there was none."""
    copy = recorded.root / "paged"
    copy.unlink(missing_ok=True)
    terminal = shown(recorded, *arguments, rows=rows, **{"ACODE_PAGER": f"cat > '{copy}'", **environ})
    assert terminal.finish() == 0
    return copy.read_bytes() if copy.exists() else None


@pytest.mark.skipif(shutil.which("less") is None, reason="no less here")
def test_a_long_listing_is_read_in_less_and_left_with_q(recorded: Recorded) -> None:
    terminal = shown(recorded, "runs", "list")
    terminal.wait_for("names-")
    terminal.wait_until(lambda: terminal.lines()[-1].startswith(":"))
    assert "build-" not in terminal.text()
    terminal.send("G")
    terminal.wait_for("build-")
    terminal.send("q")
    assert terminal.finish() == 0


@pytest.mark.parametrize(
    "arguments",
    [["runs", "list"], ["runs", "list", "--json"], ["runs", "show", "test"], ["config", "show"],
     ["artifacts", "list"], ["runs", "stdout", "both"]],
    ids=" ".join,
)  # fmt: skip
def test_all_of_it_goes_through_the_pager(recorded: Recorded, arguments: list[str]) -> None:
    given = paged(recorded, *arguments, NO_COLOR="1", rows=4)
    assert given is not None
    direct = shown(recorded, *arguments, NO_COLOR="1", ACODE_PAGER="cat", rows=4)
    direct.finish()
    assert given == direct.output.replace(b"\r\n", b"\n")


def test_colours_are_kept(recorded: Recorded) -> None:
    assert b"\x1b[31mfailure" in (paged(recorded, "runs", "list") or b"")


def test_what_fits_is_not_paged(recorded: Recorded) -> None:
    assert paged(recorded, "runs", "list", rows=40) is None


def test_colours_and_long_characters_take_no_room(recorded: Recorded) -> None:
    lines = recorded.ok("runs", "show", "test").count("\n")
    assert paged(recorded, "runs", "show", "test", rows=lines + 1) is None
    assert paged(recorded, "runs", "show", "test", rows=lines) is not None


@pytest.mark.parametrize("arguments", [["--no-pager", "runs", "list"], ["runs", "list", "--no-pager"]])
def test_no_pager_means_none(recorded: Recorded, arguments: list[str]) -> None:
    assert paged(recorded, *arguments) is None


@pytest.mark.parametrize(
    "environ",
    [{"ACODE_PAGER": "cat"}, {"ACODE_PAGER": ""}, {"ACODE_PAGER": "no-such-pager -x"}, {"TERM": "dumb"}],
    ids=str,
)
def test_without_a_pager_everything_is_printed(recorded: Recorded, environ: dict[str, str]) -> None:
    names: dict[str, Any] = dict(environ)
    terminal = shown(recorded, "runs", "list", **names)
    assert terminal.finish() == 0
    assert terminal.output.count(b"\r\n") == 8


def test_the_general_pager_is_used_unless_there_is_one_for_acode(recorded: Recorded) -> None:
    assert shown(recorded, "runs", "list", PAGER="echo general; exec cat >/dev/null").finish() == 0
    terminal = shown(recorded, "runs", "list", PAGER="echo general; exec cat >/dev/null")
    terminal.wait_for("general")
    terminal.finish()
    terminal = shown(
        recorded, "runs", "list", PAGER="echo general", ACODE_PAGER="echo own; exec cat >/dev/null"
    )
    terminal.wait_for("own")
    assert "general" not in terminal.text()
    terminal.finish()


def test_a_pager_that_is_left_early_is_no_error(recorded: Recorded) -> None:
    for pager in ("head -1", "true", "exit 3"):
        terminal = shown(recorded, "runs", "list", "--json", "--limit", "0", ACODE_PAGER=pager)
        assert terminal.finish() == 0
        assert b"acode:" not in terminal.output


def test_an_error_is_said_after_the_pager_and_keeps_its_status(recorded: Recorded) -> None:
    terminal = shown(recorded, "runs", "show", "nothing", ACODE_PAGER="cat")
    assert terminal.finish() == 1
    assert b"ACODE-RUN-001" in terminal.output


def test_nothing_is_paged_in_a_pipe(recorded: Recorded, tmp_path: Path) -> None:
    environ = {**recorded.environ, "ACODE_PAGER": f"touch '{tmp_path / 'paged'}'"}
    assert recorded.ok("runs", "list", env=environ).count("\n") == 8
    assert not (tmp_path / "paged").exists()


def test_recorded_control_sequences_do_not_reach_the_pager(recorded: Recorded) -> None:
    assert b"\x1b]0;" not in (paged(recorded, "runs", "stdout", "hostile", rows=1) or b"")


@pytest.mark.parametrize(
    ("environ", "is_colored"),
    [({}, False), ({"CLICOLOR_FORCE": "1"}, True), ({"CLICOLOR_FORCE": "0"}, False),
     ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False)],
)  # fmt: skip
def test_colours_in_a_pipe_are_those_that_were_asked_for(
    recorded: Recorded, environ: dict[str, str], is_colored: bool
) -> None:
    names = {k: v for k, v in recorded.environ.items() if k != "NO_COLOR"}
    assert ("\x1b[" in recorded.ok("runs", "list", env={**names, **environ})) == is_colored
