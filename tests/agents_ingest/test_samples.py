"""Real transcripts, imported by the installed command, against a count that knows nothing of the importer."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Acode

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "transcripts"
CLAUDE = SAMPLES / "claude-code"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample transcripts are not here")


def objects(*paths: Path) -> Iterator[dict[str, Any]]:
    for path in paths:
        for line in path.read_text().splitlines():
            yield json.loads(line)


def blocks(record: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    content = (record.get("message") or {}).get("content")
    for block in content if isinstance(content, list) else []:
        if block.get("type") == kind:
            yield block


def text_of(content: Any) -> str:
    return content if isinstance(content, str) else "".join(b.get("text", "") for b in content or [])


def files_of(main: Path) -> list[Path]:
    return [main, *sorted((main.with_suffix("") / "subagents").glob("agent-*.jsonl"))]


def runs_of(acode: Acode, *words: str) -> list[dict[str, Any]]:
    listed = acode.run("runs", "list", "--format", "jsonl", "--asc", *words)
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line) for line in listed.stdout.splitlines()]


def long_ago(main: Path, folder: Path) -> Path:
    """Copy a transcript and those of its subagents; nobody has written to them for an hour."""
    copy = Path(shutil.copy(main, folder))
    if main.with_suffix("").is_dir():
        shutil.copytree(main.with_suffix(""), copy.with_suffix(""))
    for path in (copy, *copy.with_suffix("").rglob("*")):
        os.utime(path, (time.time() - 3600,) * 2)
    return copy


MAINS = sorted(CLAUDE.glob("*.jsonl")) if CLAUDE.is_dir() else []


@needs_samples
@pytest.mark.parametrize("main", MAINS, ids=[path.stem[:8] for path in MAINS])
def test_every_command_exit_code_and_token_of_claude_code(acode: Acode, main: Path) -> None:
    main = long_ago(main, acode.root)
    calls: dict[str, str] = {}
    ends: dict[str, int | None] = {}
    usage: dict[str, dict[str, int]] = {}
    tasks: dict[str, str] = {}
    plain: set[str] = set()
    for record in objects(*files_of(main)):
        for block in blocks(record, "tool_use"):
            calls[block["id"]] = block["input"]["command"] if block["name"] == "Bash" else ""
        for block in blocks(record, "tool_result"):
            ends[block["tool_use_id"]] = expected_exit_code(record, block)
            result = record.get("toolUseResult")
            if result is None:
                plain.add(block["tool_use_id"])
            if isinstance(result, dict) and result.get("backgroundTaskId"):
                tasks[result["backgroundTaskId"]] = block["tool_use_id"]
            task = result.get("task") if isinstance(result, dict) else None
            if task and task["task_id"] in tasks and task.get("exitCode") is not None:
                ends[tasks[task["task_id"]]] = task["exitCode"]  # a background command's, asked for later
        message = record.get("message") or {}
        if record["type"] == "assistant" and message.get("model") != "<synthetic>":
            usage[record.get("requestId") or message["id"]] = message["usage"]
    report = acode.run("sessions", "import", "--agent", "claude-code", "--json", str(main))
    assert report.returncode == 0, report.stderr
    assert json.loads(report.stdout)["runs_added"] == len(calls)
    runs = {run["tool_call_id"]: run for run in runs_of(acode)}
    assert runs.keys() == calls.keys()
    commands = {call_id: command for call_id, command in calls.items() if command}
    assert {i: r["command_line"] for i, r in runs.items() if r["tool"] == "Bash"} == commands
    # Without a word of its own a result of these may stand for 1: to Claude Code that is no failure.
    last = {call_id: re.split(r"\||&&|;", command)[-1].split()[0] for call_id, command in commands.items()}
    unsure = {i for i, word in last.items() if i in plain and word in ("find", "grep", "rg", "diff", "test")}
    told = {call_id: None if call_id in unsure else ends.get(call_id) for call_id in commands}
    assert {call_id: runs[call_id]["exit_code"] for call_id in commands} == told
    kinds = {
        "input": "input_tokens", "output": "output_tokens", "cache_read": "cache_read_input_tokens",
        "cache_write": "cache_creation_input_tokens",
    }  # fmt: skip
    sums = {mine: sum(u.get(theirs) or 0 for u in usage.values()) for mine, theirs in kinds.items()}
    session = json.loads(acode.run("sessions", "show", "--json").stdout)
    assert {kind: session["tokens"].get(kind, 0) for kind in sums} == sums
    again = acode.run("sessions", "import", "--again", "--json", str(main))
    assert json.loads(again.stdout)["runs_added"] == 0
    assert len(runs_of(acode)) == len(calls)
    assert json.loads(acode.run("sessions", "show", "--json").stdout)["tokens"] == session["tokens"]


def expected_exit_code(record: dict[str, Any], block: dict[str, Any]) -> int | None:
    """What the transcript tells: `Exit code N` of a failure, 0 of a success that has no more to say."""
    result = record.get("toolUseResult")
    if block.get("is_error"):
        first = text_of(block.get("content")).split("\n", 1)[0]
        return int(first.removeprefix("Exit code ")) if first.startswith("Exit code ") else None
    if isinstance(result, dict):
        silent = ("backgroundTaskId", "returnCodeInterpretation", "timedOutAfterMs")
        if result.get("interrupted") or any(result.get(key) for key in silent):
            return None
    return 0


@needs_samples
def test_the_transcripts_are_kept_byte_for_byte(acode: Acode) -> None:
    assert acode.run("sessions", "import", str(CLAUDE)).returncode == 0
    kept = Counter(p.read_bytes() for p in Path(acode.workspace.sessions).rglob("transcripts/**/*.jsonl"))
    assert kept == Counter(p.read_bytes() for p in CLAUDE.rglob("*.jsonl"))


@needs_samples
def test_a_folder_of_everything_is_imported_once(acode: Acode) -> None:
    first = acode.run("sessions", "import", str(SAMPLES), "--json")
    assert first.returncode == 0, first.stderr
    added = json.loads(first.stdout)["runs_added"]
    assert added == len(runs_of(acode))
    assert added > 700
    again = json.loads(acode.run("sessions", "import", str(SAMPLES), "--json", "--again").stdout)
    assert again["runs_added"] == 0
    agents = Counter(run["agent"] for run in runs_of(acode))
    assert set(agents) == {"claude-code", "codex", "gemini"}


@needs_samples
def test_the_database_is_only_a_copy(acode: Acode) -> None:
    assert acode.run("sessions", "import", str(CLAUDE)).returncode == 0
    sessions, runs = acode.run("sessions", "list", "--json").stdout, runs_of(acode)
    for path in Path(acode.workspace.folder).glob("runs.db*"):
        path.unlink()
    assert acode.run("runs", "reindex").returncode == 0
    assert acode.run("sessions", "list", "--json").stdout == sessions
    assert runs_of(acode) == runs
