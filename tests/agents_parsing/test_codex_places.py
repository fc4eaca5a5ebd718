"""Where Codex keeps its rollouts, and which of them are whose."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from collector.agents.codex import AGENT
from collector.agents.transcripts import recognize
from tests.agents_parsing.codex_lines import THREAD, meta

CHILD, GRANDCHILD = "01a30000-0000-7000-8000-000000000001", "01a40000-0000-7000-8000-000000000001"
STRANGER = "01a50000-0000-7000-8000-000000000001"


def write(folder: Path, thread: str, **fields: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"rollout-2026-11-23T09-00-00-{thread}.jsonl"
    path.write_text(json.dumps(meta(**{"id": thread, "session_id": thread, **fields})) + "\n")
    return path


def subagent(parent: str) -> dict[str, Any]:
    return {"session_id": THREAD, "source": {"subagent": {"thread_spawn": {"parent_thread_id": parent}}}}


@pytest.fixture
def day(tmp_path: Path) -> Path:
    return tmp_path / ".codex" / "sessions" / "2026" / "11" / "23"


def test_main_rollouts_are_found_and_subagents_left_out(tmp_path: Path, day: Path) -> None:
    main = write(day, THREAD)
    write(day, CHILD, **subagent(THREAD))
    archived = write(tmp_path / ".codex" / "archived_sessions", STRANGER)
    (day / "notes.jsonl").write_text("{}\n")
    assert list(AGENT.find_transcripts(tmp_path, {})) == [main, archived]


def test_codex_home_is_elsewhere(tmp_path: Path) -> None:
    main = write(tmp_path / "other" / "sessions" / "2026" / "11" / "23", THREAD)
    assert list(AGENT.find_transcripts(tmp_path / "home", {"CODEX_HOME": str(tmp_path / "other")})) == [main]
    assert list(AGENT.find_transcripts(tmp_path / "home", {})) == []


def test_a_compressed_rollout_counts_only_without_a_plain_one(tmp_path: Path, day: Path) -> None:
    plain = write(day, THREAD)
    packed = plain.with_suffix(".jsonl.zst")
    packed.write_bytes(zstd.compress(plain.read_bytes()))
    assert list(AGENT.find_transcripts(tmp_path, {})) == [plain]
    plain.unlink()
    assert list(AGENT.find_transcripts(tmp_path, {})) == [packed]
    assert recognize(packed) is AGENT
    packed.write_bytes(zstd.compress(json.dumps(meta(id=CHILD, **subagent(THREAD))).encode() + b"\n"))


def test_recent_rollouts_are_those_of_the_workspace_that_changed(tmp_path: Path, day: Path) -> None:
    old_day = tmp_path / ".codex" / "sessions" / "2025" / "01" / "31"
    inside, below = write(day, THREAD), write(old_day, STRANGER, cwd="/home/dev/app/sub")
    write(day, "01a60000-0000-7000-8000-000000000001", cwd="/home/dev/apple")
    write(day, CHILD, **subagent(THREAD))
    quiet = write(day, "01a70000-0000-7000-8000-000000000001")
    os.utime(quiet, (1000, 1000))
    (day / "rollout-torn.jsonl").write_text('{"type": "session_meta"')
    since = inside.stat().st_mtime - 60
    found = set(AGENT.recent_transcripts(tmp_path, {}, Path("/home/dev/app"), since))
    assert found == {inside, below}


def test_a_rollout_is_recent_as_soon_as_its_first_line_is_whole(tmp_path: Path, day: Path) -> None:
    path = write(day, THREAD)
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    assert list(AGENT.recent_transcripts(tmp_path, {}, Path("/home/dev/app"), 0)) == []
    path.write_bytes(whole)
    assert list(AGENT.recent_transcripts(tmp_path, {}, Path("/home/dev/app"), 0)) == [path]


def test_companions_are_the_subagents_of_all_levels_on_all_days(tmp_path: Path, day: Path) -> None:
    main = write(day, THREAD)
    child = write(day, CHILD, **subagent(THREAD))
    later = write(day.parent / "24", GRANDCHILD, **subagent(CHILD))
    write(day, STRANGER)
    assert sorted(AGENT.companions(main)) == sorted([child, later])
    assert list(AGENT.companions(child)) == []


def test_companions_of_a_rollout_that_lies_elsewhere(tmp_path: Path) -> None:
    main, child = write(tmp_path, THREAD), write(tmp_path, CHILD, **subagent(THREAD))
    assert list(AGENT.companions(main)) == [child]
    assert list(AGENT.companions(tmp_path / "gone" / main.name)) == []


@pytest.mark.parametrize(
    ("name", "head", "is_ours"),
    [
        (f"rollout-x-{THREAD}.jsonl", b"", True),
        ("copy.jsonl", json.dumps(meta()).encode() + b"\n{", True),
        ("out.jsonl", b'{"type":"thread.started","thread_id":"x"}\n', True),
        ("out.jsonl", b'{"type":"thread.started"}\n', False),
        ("out.jsonl", b'{"type":"user","message":{}}\n', False),
        ("out.jsonl", b"\0\xff\n", False),
        ("out.jsonl", b"[1]\n", False),
        ("out.jsonl", b"", False),
    ],
)
def test_what_is_recognized(name: str, head: bytes, is_ours: bool) -> None:
    assert AGENT.recognizes(Path("/somewhere") / name, head) is is_ours


def test_nothing_is_found_where_there_is_nothing(tmp_path: Path) -> None:
    assert list(AGENT.find_transcripts(tmp_path, {})) == []
    assert list(AGENT.recent_transcripts(tmp_path, {}, tmp_path, 0)) == []
    assert list(AGENT.parse(tmp_path / "x")) == []
