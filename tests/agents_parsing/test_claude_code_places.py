"""Where Claude Code's transcripts are found."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.agents.claude_code import AGENT, ClaudeCode, folder_name
from tests.agents_parsing.claude_code_lines import SESSION, encode, line, typed

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a transcript into the home folder."""

    def write(folder: str, name: str = SESSION, cwd: str | None = None, **fields: str) -> Path:
        path = tmp_path / ".claude" / "projects" / folder / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(typed("go", **({"cwd": cwd} if cwd else {}), **fields)) + b"\n")
        return path

    return write


def test_every_conversation_is_found(write: Write, tmp_path: Path) -> None:
    main, other = write("-home-dev-app"), write("-tmp", "22222222-2222-4333-8444-555555555555")
    write("-home-dev-app", "agent-a1b2")
    write(f"-home-dev-app/{SESSION}/subagents", "agent-a3")
    (main.parent / "memory").mkdir()
    (main.parent / "notes.txt").touch()
    assert list(AGENT.find_transcripts(tmp_path, {})) == [main, other]
    moved = {"CLAUDE_CONFIG_DIR": str(tmp_path / ".claude")}
    assert list(AGENT.find_transcripts(tmp_path / "nowhere", moved)) == [main, other]
    assert not list(AGENT.find_transcripts(tmp_path / "nowhere", {}))


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("/home/dev/my_app.py", "-home-dev-my-app-py"),
        ("/home/dev/é", "-home-dev--"),
        ("/home/dev/\U0001f600", "-home-dev---"),
        ("/" + "x" * 300, "-" + "x" * 199),
    ],
)
def test_folders_are_named_after_the_working_directory(directory: str, name: str) -> None:
    assert folder_name(directory) == name


def test_recent_conversations_of_a_workspace(write: Write, tmp_path: Path) -> None:
    root = Path("/home/dev/app")
    inside = write("-home-dev-app", cwd="/home/dev/app")
    below = write("-home-dev-app-src", cwd="/home/dev/app/src")
    write("-home-dev-app-two", cwd="/home/dev/app-two")  # the same prefix, another place
    write("-home-dev", cwd="/home/dev")
    write("-home-dev-application", cwd="/home/dev/application")
    old = write("-home-dev-app", "33333333-2222-4333-8444-555555555555", cwd="/home/dev/app")
    os.utime(old, (1000, 1000))
    agent = ClaudeCode()
    assert list(agent.recent_transcripts(tmp_path, {}, root, 2000)) == [inside, below]
    assert list(agent.recent_transcripts(tmp_path, {}, root, 500)) == [inside, old, below]
    assert not list(agent.recent_transcripts(tmp_path, {}, root, 1e11))
    assert not list(agent.recent_transcripts(tmp_path / "x", {}, root, 0))


def test_a_conversation_whose_subagents_are_at_work_is_recent(write: Write, tmp_path: Path) -> None:
    main = write("-home-dev-app", cwd="/home/dev/app")
    os.utime(main, (1000, 1000))
    root = Path("/home/dev/app")
    assert not list(ClaudeCode().recent_transcripts(tmp_path, {}, root, 2000))
    write(f"-home-dev-app/{SESSION}/subagents", "agent-a1")
    assert list(ClaudeCode().recent_transcripts(tmp_path, {}, root, 2000)) == [main]


def test_a_workspace_may_be_reached_by_a_link(write: Write, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    path = write(folder_name(str(real)), cwd=str(real))
    assert list(ClaudeCode().recent_transcripts(tmp_path, {}, tmp_path / "link", 0)) == [path]


def test_the_folder_of_a_long_path_is_cut(write: Write, tmp_path: Path) -> None:
    root = "/home/dev/" + "x" * 300
    path = write(folder_name(root) + "-1a2b3c", cwd=root)
    write(folder_name(root) + "-9z8y7x", cwd=root + "y")
    assert list(ClaudeCode().recent_transcripts(tmp_path, {}, Path(root), 0)) == [path]


def test_a_folder_that_the_user_named(write: Write, tmp_path: Path) -> None:
    path = write("mine", cwd="/home/dev/app")
    root, environ = Path("/home/dev/app"), {"CLAUDE_CODE_PROJECT_DIR_NAME": "mine"}
    assert list(ClaudeCode().recent_transcripts(tmp_path, environ, root, 0)) == [path]
    assert not list(ClaudeCode().recent_transcripts(tmp_path, {}, root, 0))


def test_a_transcript_that_does_not_say_its_place_yet_is_asked_again(write: Write, tmp_path: Path) -> None:
    path = write("-home-dev-app")
    path.write_bytes(b'{"type":"mode","mode":"normal","sessionId":"x"}\n')
    agent, root = ClaudeCode(), Path("/home/dev/app")
    assert not list(agent.recent_transcripts(tmp_path, {}, root, 0))
    with path.open("ab") as file:
        said = typed("x" * 100_000)
        said["cwd"] = said.pop("cwd")  # comes after the first 64 KB
        file.write(encode(said) + b"\n")
    assert list(agent.recent_transcripts(tmp_path, {}, root, 0)) == [path]
    path.write_bytes(b'{"cwd":"\\ud800\\x"}\n')  # known by now: not read again
    assert list(agent.recent_transcripts(tmp_path, {}, root, 0)) == [path]
    assert not list(ClaudeCode().recent_transcripts(tmp_path, {}, root, 0))


def test_transcripts_of_subagents(write: Write) -> None:
    main = write("-home-dev-app")
    subagents = f"-home-dev-app/{SESSION}/subagents"
    one, two = write(subagents, "agent-a1"), write(f"{subagents}/workflows/wf_1", "agent-a2")
    flat = write("-home-dev-app", "agent-a3")
    write("-home-dev-app", "agent-a4", sessionId="another")
    write(f"{subagents}/workflows/wf_1", "journal")
    one.with_name("agent-a1.meta.json").touch()
    (main.parent / "agent-empty.jsonl").touch()
    agent = ClaudeCode()
    assert list(agent.companions(main)) == [one, two, flat]
    assert list(agent.companions(main)) == [one, two, flat]
    assert not list(agent.companions(one))
    assert not list(agent.companions(main.with_name("gone.jsonl")))


def test_transcripts_are_recognized_by_what_is_in_them() -> None:
    path = Path("x.jsonl")
    user = encode(line("user", message={}))
    for head in (
        user + b"\n",
        b'{"type":"queue-operation","operation":"enqueue","sessionId":"x"}\n',
        b'{"type":"file-history-snapshot","messageId":"x","snapshot":{"messageId":"x"}}\n' + user,
        b'{"type":"summary","summary":"x","leafUuid":"y"}\n',
        b"garbage\n\n" + user + b"\n",
        encode(line("user", message={"content": "x" * 100_000}))[:65536],
        user,
    ):
        assert AGENT.recognizes(path, head), head[:80]
    for head in (
        b"", b"\n", b"\0\0", b"{}\n", b"[]\n", b'{"type":"user"}\n', b'"parentUuid"\n',
        b'{"timestamp":"x","type":"session_meta","payload":{"id":"x"}}\n',
        b'{"type":"user","sessionId":"x","message":{}}\n',
        b'{"type":"system","subtype":"init","session_id":"x"}\n',
        b'{"type":"mode"}\n', b"x" * 65536,
    ):  # fmt: skip
        assert not AGENT.recognizes(path, head), head[:80]


def test_a_transcript_is_read_by_lines() -> None:
    with pytest.raises(ValueError, match="read by lines"):
        AGENT.parse(Path("x.jsonl"))
    assert (AGENT.name, AGENT.title, AGENT.commands) == ("claude-code", "Claude Code", ("claude",))
