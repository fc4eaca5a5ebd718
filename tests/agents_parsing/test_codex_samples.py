"""Real rollouts of Codex 0.40 and outputs of `codex exec --json`: counted a second time, from the JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from collector.agents.codex import AGENT
from collector.agents.events import AnyEvent, CallEnded, CallStarted, Message, Prompt, SessionSeen
from collector.agents.transcripts import recognize
from tests.agents_parsing.codex_lines import assert_all_sound, only

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "transcripts" / "codex"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
ROLLOUTS = sorted(SAMPLES.glob("rollout-*.jsonl")) if SAMPLES.is_dir() else []
STREAMS = sorted(SAMPLES.glob("codex-stream-*.jsonl")) if SAMPLES.is_dir() else []
EXIT_CODE = re.compile(r"exit code: (\d+), stdout")


@cache
def records_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@cache
def events_of(path: Path) -> list[AnyEvent]:
    parser = AGENT.line_parser(path)
    events = [told for line in path.read_bytes().splitlines() for told in parser.feed(line)]
    assert_all_sound(events)
    return events


def payloads(path: Path, kind: str) -> list[dict[str, Any]]:
    return [r["payload"] for r in records_of(path) if r["payload"].get("type") == kind]


def exit_code_in(output: str) -> int | None:
    if output.startswith("{"):
        code: int = json.loads(output)["metadata"]["exit_code"]
        return code
    found = EXIT_CODE.search(output)
    return int(found[1]) if found else None


def test_the_samples_are_all_here() -> None:
    assert (len(ROLLOUTS), len(STREAMS)) == (3, 3)


@pytest.mark.parametrize("path", ROLLOUTS + STREAMS, ids=lambda path: path.stem[-12:])
def test_every_sample_is_recognized(path: Path) -> None:
    assert recognize(path) is AGENT


@pytest.mark.parametrize("path", ROLLOUTS, ids=lambda path: path.stem[-12:])
def test_every_call_is_told_once_with_its_command(path: Path) -> None:
    expected = Counter()  # type: Counter[tuple[str, str]]
    for call in payloads(path, "function_call"):
        arguments = json.loads(call["arguments"])
        words = arguments.get("command", [])
        if call["name"] == "shell" and words[:2] == ["bash", "-lc"] and "*** Begin Patch" not in words[2]:
            expected[call["call_id"], words[2]] += 1
        elif call["name"] == "shell" and "*** Begin Patch" in words[-1]:
            names = re.findall(r"\*\*\* (?:Add|Update|Delete) File: (.*)", words[-1])
            expected[call["call_id"], f"apply_patch {' '.join(names)}"] += 1
        else:
            expected[call["call_id"], call["name"]] += 1
    told = Counter()  # type: Counter[tuple[str, str]]
    for start in only(CallStarted, events_of(path)):
        line = start.command_line.replace("'", "") if start.kind == "edit" else start.command_line
        told[start.call_id, line if start.tool == "shell" else start.tool] += 1
    assert told == expected


@pytest.mark.parametrize("path", ROLLOUTS, ids=lambda path: path.stem[-12:])
def test_every_exit_code_is_told(path: Path) -> None:
    outputs = {o["call_id"]: o["output"] for o in payloads(path, "function_call_output")}
    shells = {c["call_id"] for c in payloads(path, "function_call") if c["name"] == "shell"}
    expected = {call: exit_code_in(outputs[call]) for call in shells}
    told = {e.call_id: e.exit_code for e in only(CallEnded, events_of(path)) if e.call_id in shells}
    assert told == expected
    refused = {call for call in shells if outputs[call] == "patch rejected by user"}
    assert {e.call_id for e in only(CallEnded, events_of(path)) if e.outcome == "rejected"} == refused


@pytest.mark.parametrize("path", ROLLOUTS, ids=lambda path: path.stem[-12:])
def test_every_token_is_counted_once(path: Path) -> None:
    totals = [c["info"]["total_token_usage"] for c in payloads(path, "token_count") if c.get("info")]
    changes = [total for i, total in enumerate(totals) if i == 0 or total != totals[i - 1]]
    last = changes[-1]
    told = [m for m in only(Message, events_of(path)) if m.tokens]
    assert len(told) == len({m.message_id for m in told}) == len(changes)
    sums = Counter()  # type: Counter[str]
    for message in told:
        sums.update(message.tokens)
    assert sums["input"] == last["input_tokens"] - last["cached_input_tokens"]
    assert (sums["cache_read"], sums["output"]) == (last["cached_input_tokens"], last["output_tokens"])
    assert sums["reasoning"] == last["reasoning_output_tokens"]
    assert sums["input"] + sums["cache_read"] + sums["output"] == last["total_tokens"]


@pytest.mark.parametrize("path", ROLLOUTS, ids=lambda path: path.stem[-12:])
def test_every_prompt_and_answer_is_told(path: Path) -> None:
    prompts = [p["message"] for p in payloads(path, "user_message")]
    assert [p.text for p in only(Prompt, events_of(path))] == prompts
    answers = [p["message"] for p in payloads(path, "agent_message")]
    texts = {m.message_id: m.text for m in only(Message, events_of(path)) if m.text}
    assert "\n\n".join(texts.values()) == "\n\n".join(answers)


@pytest.mark.parametrize("path", ROLLOUTS, ids=lambda path: path.stem[-12:])
def test_the_session_and_its_times(path: Path) -> None:
    meta = records_of(path)[0]["payload"]
    seen = only(SessionSeen, events_of(path))
    assert {told.conversation_id for told in events_of(path)} == {meta["id"]}
    assert (seen[0].agent_version, seen[0].working_directory) == (meta["cli_version"], meta["cwd"])
    ends = {e.call_id: e for e in only(CallEnded, events_of(path))}
    for start in only(CallStarted, events_of(path)):
        end = ends[start.call_id]
        if end.duration_ms is not None:
            assert start.at is not None
            assert end.at == start.at + end.duration_ms


def test_the_edits_of_the_largest_sample() -> None:
    edits = [e for e in only(CallEnded, events_of(ROLLOUTS[0])) if e.diff]
    starts = {s.call_id: s for s in only(CallStarted, events_of(ROLLOUTS[0])) if s.kind == "edit"}
    assert len(edits) > 5
    assert {e.call_id for e in edits} <= starts.keys()
    for edit in edits:
        command = json.loads(next(
            c["arguments"] for c in payloads(ROLLOUTS[0], "function_call") if c["call_id"] == edit.call_id
        ))["command"]  # fmt: skip
        added = re.findall(r"^\+(?!\+\+ )(.*)$", edit.diff or "", re.MULTILINE)
        assert added == re.findall(r"^\+(.*)$", command[-1], re.MULTILINE)


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_streams_tell_commands_answers_and_tokens(path: Path) -> None:
    lines = records_of(path)
    thread = lines[0]["thread_id"]
    items = [line["item"] for line in lines if line["type"] == "item.completed"]
    commands = [i for i in items if i["type"] == "command_execution"]
    events = events_of(path)
    assert {(told.conversation_id, told.source, told.at) for told in events} == {(thread, "stream", None)}
    assert [s.command_line for s in only(CallStarted, events)] == [
        {"bash -lc 'cat test.js'": "cat test.js", "zsh -lc ls": "ls"}[c["command"]] for c in commands
    ]
    assert [(e.exit_code, e.exit_code_basis, e.stdout) for e in only(CallEnded, events)] == [
        (c["exit_code"], "field", c["aggregated_output"]) for c in commands
    ]
    texts = [m.text for m in only(Message, events) if m.text]
    assert texts == [i["text"] for i in items if i["type"] == "agent_message"]
    [used] = [m.tokens for m in only(Message, events) if m.tokens]
    usage = lines[-1]["usage"]
    assert used.get("input", 0) + used.get("cache_read", 0) == usage["input_tokens"]
    assert (used.get("cache_read", 0), used["output"]) == (
        usage["cached_input_tokens"],
        usage["output_tokens"],
    )
