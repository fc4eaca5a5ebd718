"""The inbox: letters in the order they came, those that are not whole yet left for later."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from collector.agents.following import Follower
from collector.agents.inbox import iter_letters
from collector.agents.known import KnownInStore
from collector.clock import format_iso, now_ms
from collector.config import Config
from collector.record.session_folder import HOOKS, append_lines, iter_lines
from tests.agents_ingest.conftest import Taking
from tests.conftest import wait_for

HEAD = b"acode-hook 1 SESSION INSTANCE\n"


def put(inbox: Path, name: str, data: bytes, age_seconds: float = 0) -> Path:
    path = inbox / name
    path.write_bytes(data)
    if age_seconds:
        moment = path.stat().st_mtime - age_seconds
        os.utime(path, (moment, moment))
    return path


def test_letters_come_in_order(tmp_path: Path) -> None:
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


def payload(number: int) -> bytes:
    record = {"session_id": "s1", "hook_event_name": "UserPromptSubmit", "prompt": f"number {number}"}
    return HEAD + json.dumps(record).encode()


def follower(taking: Taking, home: Path) -> Follower:
    known = KnownInStore(taking.indexer.runs, taking.indexer.sessions)
    return Follower(taking.workspace, Config({}), known, (home, {}), lambda *a, **k: None)


def prompts(folder: str) -> list[str]:
    return [line["payload"]["prompt"] for _, line in iter_lines(folder, HOOKS)]


def test_a_burst_of_letters_is_taken_in_once_and_in_order(taking: Taking, tmp_path: Path) -> None:
    inbox = Path(taking.workspace.inbox)
    for number in range(250):
        put(inbox, f"{number}.claude-code.hook", payload(number), 1000 - number)
    assert follower(taking, tmp_path).step() == 250
    assert list(inbox.iterdir()) == []
    assert prompts(f"{taking.workspace.sessions}/SESSION") == [f"number {n}" for n in range(250)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_letters_that_a_full_disk_keeps_waiting_count_once(
    taking: Taking, tmp_path: Path, small_disk: Path
) -> None:
    Path(taking.workspace.sessions).symlink_to(small_disk)
    inbox = Path(taking.workspace.inbox)
    for number in range(5):
        put(inbox, f"{number}.claude-code.hook", payload(number), 10 - number)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"):
        ballast.write_bytes(bytes(1 << 20))
    following = follower(taking, tmp_path)
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            following.step()
    assert len(list(inbox.iterdir())) == 5
    ballast.unlink()
    following.step()
    assert list(inbox.iterdir()) == []
    assert prompts(f"{small_disk}/SESSION") == [f"number {n}" for n in range(5)]


def test_half_a_line_that_a_crash_left_costs_only_itself(tmp_path: Path) -> None:
    append_lines(str(tmp_path), HOOKS, [{"n": 1}])
    with (tmp_path / HOOKS).open("a") as file:
        file.write('{"n": ')
    append_lines(str(tmp_path), HOOKS, [{"n": 2}, {"n": 3}])
    assert [line["n"] for _, line in iter_lines(str(tmp_path), HOOKS)] == [1, 2, 3]


def test_what_does_not_fit_on_the_disk_is_not_there_in_part(small_disk: Path) -> None:
    append_lines(str(small_disk), HOOKS, [{"n": 1}])
    with pytest.raises(OSError, match="No space left"):
        append_lines(str(small_disk), HOOKS, [{"n": 2}, {"n": "x" * 500_000}])
    append_lines(str(small_disk), HOOKS, [{"n": 3}])
    assert [line["n"] for _, line in iter_lines(str(small_disk), HOOKS)] == [1, 3]


def test_what_a_log_says_counts_before_a_hook_says_that_all_is_over(taking: Taking, tmp_path: Path) -> None:
    log = tmp_path / ".copilot" / "session-state" / "s1" / "events.jsonl"
    log.parent.mkdir(parents=True)
    context = {"producer": "copilot-agent", "context": {"cwd": taking.workspace.root}}
    called = {"toolCallId": "c1", "toolName": "bash", "arguments": {"command": "make"}}
    over = {"toolCallId": "c1", "success": True, "shellExecution": {"exitCode": 2}}

    def write(kind: str, data: Mapping[str, object]) -> None:
        with log.open("a") as file:
            file.write(json.dumps({"type": kind, "timestamp": format_iso(now_ms()), "data": data}) + "\n")

    write("session.start", context)
    write("tool.execution_start", called)
    following = follower(taking, tmp_path)
    following.step()
    write("tool.execution_complete", over)
    end = {"session_id": "s1", "hook_event_name": "SessionEnd", "reason": "complete"}
    put(Path(taking.workspace.inbox), "a.copilot.hook", b"acode-hook 1 - -\n" + json.dumps(end).encode())
    following.step()
    wait_for(lambda: following.step() == 0 and _index(taking) == 1)
    assert (taking.run().status, taking.run().exit_code) == ("failure", 2)


def _index(taking: Taking) -> int:
    taking.index()
    return len(taking.runs())
