"""The inbox: letters in the order they came, those that are not whole yet left for later."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collector.agents.inbox import iter_letters

HEAD = b"acode-hook 1 SESSION INSTANCE\n"


def put(inbox: Path, name: str, data: bytes, age_seconds: float = 0) -> Path:
    path = inbox / name
    path.write_bytes(data)
    if age_seconds:
        moment = path.stat().st_mtime - age_seconds
        os.utime(path, (moment, moment))
    return path


def test_letters_come_in_order_and_go_when_they_were_read(tmp_path: Path) -> None:
    put(tmp_path, "z.codex.hook", HEAD + b'{"n": 1}', 5)
    put(tmp_path, "a.claude-code.hook", HEAD + b'{"n": 2}')
    put(tmp_path, "x.otlp", b"acode-otlp 1 /v1/logs application/json\n\0body", 9)
    put(tmp_path, "y.instance", b'{"kind": "started"}', 7)
    letters = list(iter_letters(str(tmp_path)))
    assert [(letter.kind, letter.agent) for letter in letters] == [
        ("otlp", ""), ("instance", ""), ("hook", "codex"), ("hook", "claude-code"),
    ]  # fmt: skip
    assert letters[0].body == b"\0body"
    assert letters[0].head == ("/v1/logs", "application/json")
    assert letters[3].head == ("SESSION", "INSTANCE")
    assert letters[3].payload == {"n": 2}
    for letter in letters:
        letter.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_letter_that_is_still_written_waits(tmp_path: Path) -> None:
    path = put(tmp_path, "a.codex.hook", HEAD + b'{"n": ')
    assert list(iter_letters(str(tmp_path))) == []
    path.write_bytes(HEAD + b'{"n": 1}')
    assert [letter.payload for letter in iter_letters(str(tmp_path))] == [{"n": 1}]


@pytest.mark.parametrize(
    "data", [b"", b"\0", HEAD, HEAD + b"[1]", b"else 1 a b\n{}", HEAD + b"[" * 100_000, HEAD + b'{"a": \xff}']
)
def test_what_makes_no_sense_is_set_aside_after_a_minute(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "a.codex.hook", data, 120)
    assert list(iter_letters(str(tmp_path))) == []
    assert [path.name for path in tmp_path.iterdir()] == ["a.codex.hook.damaged"]
    assert list(iter_letters(str(tmp_path))) == []


def test_other_things_in_the_inbox_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder.hook").mkdir()
    (tmp_path / "link.codex.hook").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.codex.hook")
    put(tmp_path, ".half.codex.hook", HEAD + b"{}")
    put(tmp_path, "readme.txt", b"hello")
    assert list(iter_letters(str(tmp_path))) == []
    assert len(list(tmp_path.iterdir())) == 5


def test_no_inbox_is_an_empty_one(tmp_path: Path) -> None:
    assert list(iter_letters(str(tmp_path / "none"))) == []
