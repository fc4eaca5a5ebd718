"""Transcripts as agents leave them: growing, cut, rewritten, compressed, half a line long."""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from collector.agents.adapter import get_agent
from collector.agents.events import CallStarted
from collector.agents.following import archive_into
from collector.agents.session_state import SessionState
from collector.agents.transcripts import TranscriptFile, archive, recognize, require_agent
from collector.errors import AccessError, InputError
from collector.workspace import Workspace
from tests.conftest import Acode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CLAUDE = "claude-code"


def call(number: int) -> bytes:
    """A line of a Claude Code transcript that asks for a command."""
    block = {
        "type": "tool_use",
        "id": f"toolu_{number}",
        "name": "Bash",
        "input": {"command": f"echo {number}"},
    }
    line = {
        "type": "assistant", "parentUuid": None, "sessionId": "s1", "uuid": f"u{number}", "cwd": "/w",
        "version": "2.1", "timestamp": "2026-01-20T14:32:15.123Z",
        "message": {"id": f"msg_{number}", "role": "assistant", "model": "big", "content": [block]},
    }  # fmt: skip
    return json.dumps(line).encode() + b"\n"


def commands(batches: Iterable[Iterable[Any]]) -> list[str]:
    return [e.command_line for events in batches for e in events if isinstance(e, CallStarted)]


def test_what_is_new_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    path.write_bytes(call(1))
    file = TranscriptFile(get_agent(CLAUDE), path)
    assert commands(file.read()) == ["echo 1"]
    assert not file.has_changed()
    with path.open("ab") as target:
        target.write(call(2) + call(3)[:50])
    assert file.has_changed()
    assert commands(file.read()) == ["echo 2"]
    with path.open("ab") as target:
        target.write(call(3)[50:])
    assert commands(file.read()) == ["echo 3"]


def test_a_last_line_without_an_end_is_read_when_nothing_more_comes(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    path.write_bytes(call(1) + call(2).rstrip())
    file = TranscriptFile(get_agent(CLAUDE), path)
    assert commands(file.read()) == ["echo 1"]
    assert commands(file.finish()) == ["echo 2"]


def test_a_rewritten_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    path.write_bytes(call(1) + call(2))
    file = TranscriptFile(get_agent(CLAUDE), path)
    assert commands(file.read()) == ["echo 1", "echo 2"]
    path.write_bytes(call(3))
    assert commands(file.read()) == ["echo 3"]
    replacement = tmp_path / "new"
    replacement.write_bytes(call(4) + call(5))
    replacement.rename(path)
    assert commands(file.read()) == ["echo 4", "echo 5"]


def test_broken_lines_cost_only_themselves(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    bad = [
        b"\n",
        b"\0\0\0\n",
        b"{\n",
        b"[]\n",
        b'{"type": 5}\n',
        b"\xff\xfe\n",
        b'{"type":"assistant"}\n',
        b"null\n",
    ]
    bad.append(b'{"type":"assistant","message":{"content":' + b"[" * 100_000 + b"\n")
    path.write_bytes(call(1) + call(2).join(bad) + call(3))
    found = commands(TranscriptFile(get_agent(CLAUDE), path).read())
    assert [found[0], found[-1]] == ["echo 1", "echo 3"]


def test_compressed_transcripts_are_read(tmp_path: Path) -> None:
    lines = call(1) + call(2)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "b.jsonl.zst").write_bytes(zstd.compress(lines))
    for name in ("a.jsonl.gz", "b.jsonl.zst"):
        path = tmp_path / name
        assert recognize(path) is get_agent(CLAUDE)
        file = TranscriptFile(get_agent(CLAUDE), path)
        assert commands(file.read()) == ["echo 1", "echo 2"]
        assert not file.has_changed()


def test_a_compressed_file_that_is_cut_is_an_error_of_that_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(call(1) * 100)[:-20])
    with pytest.raises((OSError, EOFError)):
        commands(TranscriptFile(get_agent(CLAUDE), path).read())


def test_nobodys_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")
    with pytest.raises(InputError, match="ACODE-AGT-004"):
        require_agent(path, None)
    with pytest.raises(AccessError, match="ACODE-AGT-005"):
        require_agent(tmp_path / "missing", None)
    with pytest.raises(InputError, match=r"ACODE-AGT-001.*claude-code"):
        require_agent(path, "claud-code")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    os.mkfifo(path)
    with pytest.raises(OSError, match="no regular file"):
        commands(TranscriptFile(get_agent(CLAUDE), path).read())


def test_the_copy_follows_the_file_byte_for_byte(tmp_path: Path) -> None:
    path, folder = tmp_path / "s1.jsonl", tmp_path / "kept"
    path.write_bytes(b"one\n")
    first = archive(path, str(folder), grows=True)
    path.write_bytes(b"one\ntwo\nhalf")
    assert archive(path, str(folder), grows=True) == first
    assert Path(first or "").read_bytes() == b"one\ntwo\nhalf"
    path.write_bytes(b"other\n")
    second = archive(path, str(folder), grows=True)
    assert Path(second or "").read_bytes() == b"other\n"
    assert Path(first or "").read_bytes() == b"one\ntwo\nhalf"
    path.write_bytes(b"other\nmore\n")
    assert archive(path, str(folder), grows=True) == second
    path.unlink()
    assert sorted(p.read_bytes() for p in folder.iterdir()) == [b"one\ntwo\nhalf", b"other\nmore\n"]


def test_the_copy_of_a_document_is_replaced(tmp_path: Path) -> None:
    path, folder = tmp_path / "chat.json", tmp_path / "kept"
    for text in (b"{}", b'{"a": 1}', b"[]"):
        path.write_bytes(text)
        archive(path, str(folder), grows=False)
        assert [p.read_bytes() for p in folder.iterdir()] == [text]


def test_a_transcript_that_is_a_folder_is_kept_whole(tmp_path: Path) -> None:
    main = tmp_path / "conversations" / "abc" / "base_state.json"
    child = main.parent / "subagents" / "def" / "base_state.json"
    for state in (main, child):
        (state.parent / "events").mkdir(parents=True)
        state.write_text("{}")
        (state.parent / "events" / "event-0.json").write_text(str(state))
    workspace = Workspace(str(tmp_path / "work"))
    session = SessionState(workspace, "s1", lambda key: None)
    for state in (main, child):
        archive_into(session, TranscriptFile(get_agent("openhands"), state), [main, child])
    kept = Path(session.folder, "transcripts", "abc")
    assert (kept / "events" / "event-0.json").read_text() == str(main)
    assert (kept / "subagents" / "def" / "events" / "event-0.json").read_text() == str(child)
    assert [entry["archived"] for entry in session.session.transcripts] == [
        "transcripts/abc/base_state.json", "transcripts/abc/subagents/def/base_state.json",
    ]  # fmt: skip


def test_a_call_that_is_not_over_is_read_again_until_its_agent_is_silent(acode: Acode) -> None:
    path = acode.root / "s1.jsonl"
    path.write_bytes(call(1))

    def imported() -> list[int]:
        report = acode.run("sessions", "import", "--json", str(path))
        assert report.returncode == 0, report.stderr
        values = json.loads(report.stdout)
        return [values[key] for key in ("runs_added", "calls_open", "unchanged")]

    assert imported() == [0, 1, 0]
    assert b"1 call not over yet" in acode.run("sessions", "import", str(path)).stdout
    written = path.stat().st_mtime_ns
    assert imported() == [0, 1, 0]
    assert path.stat().st_mtime_ns == written
    os.utime(path, (time.time() - 3600,) * 2)
    assert imported() == [1, 0, 0]
    assert imported() == [0, 0, 1]
