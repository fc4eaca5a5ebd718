"""`acode artifacts open`: the content in a program of the user's own, and nothing left behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Recorded
from tests.conftest import ACODE
from tests.terminal import Terminal

SHOWS = 'echo "$# $1" > "$OUT/name"; cat "$1" > "$OUT/content"; ls -ld "$1" "$(dirname "$1")" > "$OUT/modes"'


@pytest.fixture
def editor(fresh: Recorded) -> Path:
    """A program that notes what it is given."""
    path = fresh.root / "my editor"
    path.write_text(f"#!/bin/sh\n{SHOWS}\n")
    path.chmod(0o755)
    return path


def open_on_terminal(fresh: Recorded, *words: str, **variables: str) -> tuple[int, str]:
    environ = {**fresh.environ, "OUT": str(fresh.root), "TMPDIR": str(fresh.root / "tmp"), **variables}
    (fresh.root / "tmp").mkdir(exist_ok=True)
    terminal = Terminal([*ACODE, "artifacts", "open", *words], environ, str(fresh.root))
    status = terminal.finish()
    assert not list((fresh.root / "tmp").iterdir())
    return status, terminal.text()


def test_compressed_content_is_opened_as_it_was_and_the_copy_is_removed(
    fresh: Recorded, editor: Path
) -> None:
    fresh.run("exec", "--", sys.executable, "-c", "for n in range(20000): print('line', n)")
    fresh.run("runs", "list")
    assert (fresh.folder() / "stdout.txt.zst").exists()
    assert open_on_terminal(fresh, "@", "stdout.txt", VISUAL=f"'{editor}'")[0] == 0
    assert (fresh.root / "content").read_text() == "".join(f"line {n}\n" for n in range(20000))
    assert (fresh.root / "name").read_text().strip().endswith("/stdout.txt")
    modes = [line[:10] for line in (fresh.root / "modes").read_text().splitlines()]
    assert sorted(modes) == ["-r--------", "drwx------"]


def test_the_output_is_opened_where_no_file_is_named_and_the_pager_when_asked(
    fresh: Recorded, editor: Path
) -> None:
    fresh.run("exec", "--", "sh", "-c", "echo out; echo err >&2")
    fresh.run("runs", "list")
    assert open_on_terminal(fresh, "@", EDITOR=f"'{editor}'")[0] == 0
    assert sorted((fresh.root / "content").read_text().split()) == ["err", "out"]
    status, _ = open_on_terminal(fresh, "@", "stderr.txt", "--pager", EDITOR="false", PAGER=f"'{editor}'")
    assert (status, (fresh.root / "content").read_text()) == (0, "err\n")
    (artifact, *_) = fresh.json("runs", "artifacts", "--json")
    assert open_on_terminal(fresh, artifact["artifact_id"], EDITOR=f"'{editor}'")[0] == 0


def test_a_program_that_fails_or_is_not_there_is_one_line(fresh: Recorded) -> None:
    fresh.run("exec", "--", "echo", "out")
    fresh.run("runs", "list")
    status, text = open_on_terminal(fresh, "@", EDITOR="sh -c 'exit 3'")
    assert (status, "sh ended with status 3" in text) == (1, True)
    status, text = open_on_terminal(fresh, "@", EDITOR="/no/such/editor")
    assert (status, "cannot start '/no/such/editor'" in text) == (1, True)


def test_ctrl_c_is_the_program_s_own(fresh: Recorded) -> None:
    fresh.run("exec", "--", "echo", "out")
    fresh.run("runs", "list")
    (fresh.root / "tmp").mkdir()
    shows = "sh -c 'trap \"echo caught\" INT; echo ready; read line; echo done' sh"
    environ = {**fresh.environ, "TMPDIR": str(fresh.root / "tmp"), "EDITOR": shows}
    terminal = Terminal([*ACODE, "artifacts", "open", "@"], environ, str(fresh.root))
    terminal.wait_for("ready")
    terminal.send("\x03")
    terminal.wait_for("caught")
    terminal.send("\r")
    assert terminal.finish() == 0
    assert "done" in terminal.text()
    assert not list((fresh.root / "tmp").iterdir())


def test_without_a_terminal_or_a_file_it_is_one_line(fresh: Recorded) -> None:
    fresh.run("exec", "--", "echo", "out")
    assert "artifacts cat" in fresh.fails(1, "artifacts", "open", "@")
    assert "ACODE-RUN-002" in fresh.fails(1, "artifacts", "open", "@", "none.txt")
    assert "ACODE-RUN-001" in fresh.fails(1, "artifacts", "open", "none")
