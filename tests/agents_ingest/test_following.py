"""A running collector and an agent at work: hooks, a transcript that grows, crashes in between."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector.clock import format_iso, now_ms
from tests.conftest import PROJECT, Acode, wait_for

HOOK = PROJECT / "bin" / "acode-hook"
SESSION = "11111111-2222-4333-8444-555555555555"


class Claude:
    """What Claude Code leaves on disk and tells its hooks, without its model."""

    def __init__(self, acode: Acode) -> None:
        self._acode = acode
        slug = re.sub(r"[^A-Za-z0-9]", "-", str(acode.root))
        folder = Path(acode.environ["HOME"]) / ".claude" / "projects" / slug
        folder.mkdir(parents=True)
        self.transcript = folder / f"{SESSION}.jsonl"
        self._lines = 0

    def line(self, kind: str, **more: Any) -> None:
        self._lines += 1
        values = {
            "type": kind, "parentUuid": None, "sessionId": SESSION, "uuid": f"u{self._lines}",
            "cwd": str(self._acode.root), "version": "2.1.0", "timestamp": format_iso(now_ms()), **more,
        }  # fmt: skip
        with self.transcript.open("a") as target:
            target.write(json.dumps(values, separators=(",", ":")) + "\n")

    def asks(self, call_id: str, command: str) -> None:
        block = {"type": "tool_use", "id": call_id, "name": "Bash", "input": {"command": command}}
        usage = {"input_tokens": 10, "output_tokens": 5}
        message = {
            "id": f"msg_{call_id}",
            "role": "assistant",
            "model": "big",
            "content": [block],
            "usage": usage,
        }
        self.line("assistant", message=message, requestId=f"req_{call_id}")

    def gets(self, call_id: str, text: str, failed: bool = False) -> None:
        block = {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": failed}
        result = f"Error: {text}" if failed else {"stdout": text, "stderr": "", "interrupted": False}
        self.line("user", message={"role": "user", "content": [block]}, toolUseResult=result)

    def hook(self, event: str, **more: Any) -> None:
        payload = {
            "session_id": SESSION, "transcript_path": str(self.transcript), "cwd": str(self._acode.root),
            "hook_event_name": event, **more,
        }  # fmt: skip
        done = subprocess.run(
            [HOOK, "claude-code", event], input=json.dumps(payload).encode(), env=self._acode.environ,
            cwd=self._acode.root, capture_output=True, check=False, timeout=20,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

    def bash_hook(self, event: str, call_id: str, command: str, **more: Any) -> None:
        self.hook(event, tool_name="Bash", tool_use_id=call_id, tool_input={"command": command}, **more)


@pytest.fixture
def claude(acode: Acode) -> Claude:
    return Claude(acode)


def runs(acode: Acode) -> list[dict[str, Any]]:
    listed = acode.run("runs", "list", "--format", "jsonl", "--asc")
    return [json.loads(line) for line in listed.stdout.splitlines()]


def ended(acode: Acode, count: int) -> bool:
    found = runs(acode)
    return len(found) == count and all(run["status"] != "running" for run in found)


def test_a_transcript_is_followed_as_it_grows(
    acode: Acode, claude: Claude, collector: subprocess.Popen[bytes]
) -> None:
    claude.line("user", message={"role": "user", "content": "please test"})
    claude.asks("c1", "make test")
    claude.gets("c1", "Exit code 2\nboom", failed=True)
    wait_for(lambda: ended(acode, 1))
    claude.asks("c2", "make")
    claude.gets("c2", "fine")
    wait_for(lambda: ended(acode, 2))
    assert [(r["command_line"], r["exit_code"], r["tool_call_id"]) for r in runs(acode)] == [
        ("make test", 2, "c1"), ("make", 0, "c2"),
    ]  # fmt: skip
    session = json.loads(acode.run("sessions", "show", "--json").stdout)
    assert (session["title"], session["tokens_used"], session["status"]) == ("please test", 30, "running")
    kept = Path(acode.workspace.sessions, SESSION, "transcripts", claude.transcript.name)
    wait_for(lambda: kept.exists() and kept.read_bytes() == claude.transcript.read_bytes())
    claude.hook("SessionEnd", reason="prompt_input_exit")
    wait_for(lambda: b'"ended"' in acode.run("sessions", "list", "--json").stdout)
    assert collector.poll() is None


def test_a_call_is_seen_while_it_runs(
    acode: Acode, claude: Claude, collector: subprocess.Popen[bytes]
) -> None:
    claude.bash_hook("PreToolUse", "c1", "sleep 100")
    wait_for(lambda: [run["status"] for run in runs(acode)] == ["running"])
    claude.bash_hook(
        "PostToolUse", "c1", "sleep 100", tool_response={"stdout": "z", "stderr": "", "interrupted": False},
        duration_ms=1200,
    )  # fmt: skip
    wait_for(lambda: ended(acode, 1))
    (run,) = runs(acode)
    assert (run["status"], run["duration_ms"], run["provenance"]["timing"]) == ("success", 1200, "hook")
    assert collector.poll() is None


def test_nothing_is_lost_when_the_collector_is_killed_in_the_middle(acode: Acode, claude: Claude) -> None:
    def start() -> subprocess.Popen[bytes]:
        process = acode.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: acode.run("collector", "status").returncode == 0)
        return process

    first = start()
    claude.bash_hook("PreToolUse", "c1", "make")
    wait_for(lambda: [run["status"] for run in runs(acode)] == ["running"])
    first.send_signal(signal.SIGKILL)
    first.wait()
    claude.bash_hook("PostToolUseFailure", "c1", "make", error="Exit code 2\nno rule", duration_ms=300)
    claude.asks("c1", "make")
    claude.gets("c1", "Exit code 2\nno rule", failed=True)
    second = start()
    wait_for(lambda: ended(acode, 1))
    second.terminate()
    second.wait(10)
    (run,) = runs(acode)
    assert (run["exit_code"], run["model"], run["duration_ms"]) == (2, "big", 300)
    assert [path.suffix for path in Path(acode.workspace.inbox).iterdir()] == []


def test_importing_what_is_followed_makes_nothing_twice(
    acode: Acode, claude: Claude, collector: subprocess.Popen[bytes]
) -> None:
    for number in range(10):
        claude.asks(f"c{number}", f"echo {number}")
        claude.gets(f"c{number}", str(number))
        assert acode.run("sessions", "import", "--again", str(claude.transcript)).returncode == 0
    wait_for(lambda: ended(acode, 10))
    assert sorted(run["tool_call_id"] for run in runs(acode)) == [f"c{n}" for n in range(10)]
    folders = [path for path in Path(acode.workspace.artifacts).iterdir() if not path.is_symlink()]
    assert len(folders) == 10
    assert collector.poll() is None


def test_hooks_wait_for_a_collector(acode: Acode, claude: Claude) -> None:
    claude.hook("SessionStart", source="startup", model="big")
    claude.bash_hook("PreToolUse", "c1", "ls")
    claude.bash_hook("PostToolUse", "c1", "ls", tool_response={"stdout": "a", "stderr": ""}, duration_ms=5)
    assert len(list(Path(acode.workspace.inbox).iterdir())) == 3
    process = acode.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: ended(acode, 1))
    process.terminate()
    process.wait(10)
    raw = Path(acode.workspace.sessions, SESSION, "hooks.jsonl").read_text().splitlines()
    assert [json.loads(line)["payload"]["hook_event_name"] for line in raw] == [
        "SessionStart", "PreToolUse", "PostToolUse",
    ]  # fmt: skip


def test_what_an_agent_writes_cannot_stop_the_collector(
    acode: Acode, claude: Claude, collector: subprocess.Popen[bytes]
) -> None:
    claude.transcript.write_bytes(b"\0\0\n{\n" + b"[" * 50_000 + b'\n{"type":"assistant","sessionId":3}\n')
    inbox = Path(acode.workspace.inbox)
    (inbox / "a.nobody.hook").write_text("acode-hook 1 - -\n{}")
    (inbox / "b.claude-code.hook").write_text('acode-hook 1 - -\n{"hook_event_name": 5, "session_id": []}')
    (inbox / "c.otlp").write_text("acode-otlp 1 /v1/logs application/json\n[]")
    (inbox / "d.instance").write_text("{}")
    claude.asks("c1", "ls")
    claude.gets("c1", "ok")
    wait_for(lambda: ended(acode, 1) and not list(inbox.iterdir()))
    assert collector.poll() is None


def test_transcripts_are_left_alone_where_that_is_wanted(acode: Acode, claude: Claude) -> None:
    acode.environ["ACODE_AGENTS_FOLLOW"] = "false"
    process = acode.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    claude.asks("c1", "make")
    claude.gets("c1", "fine")
    acode.exec("true")
    wait_for(lambda: ended(acode, 1))
    claude.hook("UserPromptSubmit", prompt="go")  # names the transcript
    wait_for(lambda: ended(acode, 2))
    process.terminate()
    process.wait(10)
    assert sorted(run["command_line"] for run in runs(acode)) == ["make", "true"]


def test_a_session_is_shown_live_until_it_ends(
    acode: Acode, claude: Claude, collector: subprocess.Popen[bytes]
) -> None:
    claude.hook("SessionStart", source="startup")
    wait_for(lambda: b'"running"' in acode.run("sessions", "list", "--json").stdout)
    following = acode.start("sessions", "follow", SESSION, "--json")
    claude.asks("c1", "make test")
    claude.gets("c1", "Exit code 2\nboom", failed=True)
    wait_for(lambda: ended(acode, 1))
    claude.hook("SessionEnd", reason="prompt_input_exit")
    out, err = following.communicate(timeout=60)
    assert {json.loads(line)["command_line"] for line in out.splitlines()} == {"make test"}
    assert (following.returncode, err.decode()) == (0, f"session {SESSION} ended\n")
    assert collector.poll() is None


def test_following_a_session_of_the_past_does_not_wait_for_ever(acode: Acode, claude: Claude) -> None:
    claude.asks("c1", "make test")
    claude.gets("c1", "fine")
    assert acode.run("sessions", "import", str(claude.transcript)).returncode == 0
    done = acode.run("sessions", "follow", SESSION)
    assert b"make test" in done.stdout
    assert (done.returncode, done.stderr.decode()) == (0, f"session {SESSION} may be over\n")


QUICK_AGENT = """#!/bin/sh
until grep -qs "$ACODE_INSTANCE_ID" "$ACODE_WORKSPACE"/.acode/inbox/*; do sleep 0.01; done
folder=$HOME/.copilot/session-state/$1
mkdir -p "$folder"
now=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
sed "s/NOW/$now/" > "$folder/events.jsonl" <<'END'
{"type":"session.start","timestamp":"NOW","data":{"producer":"copilot-agent","context":{"cwd":"ROOT"}}}
{"type":"tool.execution_start","timestamp":"NOW","data":{"toolCallId":"c1","toolName":"bash","arguments":{"command":"make"}}}
{"type":"tool.execution_complete","timestamp":"NOW","data":{"toolCallId":"c1","success":true,"shellExecution":{"exitCode":2}}}
END
"""


def test_an_agent_that_ends_at_once_still_belongs_to_its_session_run(
    acode: Acode, collector: subprocess.Popen[bytes]
) -> None:
    program = acode.root / "bin" / "copilot"
    program.parent.mkdir()
    program.write_text(QUICK_AGENT.replace("ROOT", str(acode.root)))
    program.chmod(0o755)
    for number in range(3):
        options = ["--session", f"mine-{number}", "--name", "quick"]
        done = acode.run("session", "run", *options, "--", str(program), f"conversation-{number}")
        assert (done.returncode, done.stderr) == (0, b"")
    wait_for(lambda: ended(acode, 3))
    assert [(r["session_id"], r["exit_code"]) for r in runs(acode)] == [(f"mine-{n}", 2) for n in range(3)]
    listed = json.loads(acode.run("sessions", "list", "--json").stdout)
    assert sorted(session["session_id"] for session in listed) == ["mine-0", "mine-1", "mine-2"]
    assert collector.poll() is None
