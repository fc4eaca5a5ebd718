"""A real chat of Gemini CLI 0.11: counted a second time, from the JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from collector.agents.events import AnyEvent, CallEnded, CallStarted, Message, Prompt
from collector.agents.gemini import AGENT
from collector.agents.transcripts import recognize
from tests.agents_parsing.codex_lines import assert_all_sound, only

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "transcripts" / "gemini"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
CHAT = SAMPLES / "session-2025-10-27T19-55-981c87cb.json"


@cache
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(CHAT.read_bytes())
    return loaded


@cache
def events() -> list[AnyEvent]:
    told = list(AGENT.parse(CHAT))
    assert_all_sound(told)
    return told


def calls() -> list[dict[str, Any]]:
    return [call for message in document()["messages"] for call in message.get("toolCalls", [])]


def test_it_is_recognized() -> None:
    assert recognize(CHAT) is AGENT


def test_every_call_is_told_once() -> None:
    told = [(s.call_id.partition(":")[2], s.tool) for s in only(CallStarted, events())]
    assert told == [(call["id"], call["name"]) for call in calls()]
    shells = [call["args"]["command"] for call in calls() if call["name"] == "run_shell_command"]
    assert [s.command_line for s in only(CallStarted, events()) if s.kind == "shell"] == shells
    assert len(shells) == 5


def test_every_exit_code_is_told() -> None:
    expected: dict[str, int | None] = {}
    for call in calls():
        if call["name"] == "run_shell_command":
            found = re.search(r"\nExit Code: (\d+)\n", json.dumps(call["result"]).replace("\\n", "\n"))
            expected[call["id"]] = int(found[1]) if found else None
    ends = {e.call_id.partition(":")[2]: e for e in only(CallEnded, events())}
    assert {call_id: ends[call_id].exit_code for call_id in expected} == expected
    assert Counter(expected.values()) == {None: 1, 127: 1, 1: 1, 0: 2}
    cancelled = [call["id"] for call in calls() if call["status"] == "cancelled"]
    assert [call_id for call_id, end in ends.items() if end.outcome == "interrupted"] == cancelled
    errors = [call["id"] for call in calls() if call["status"] == "error"]
    assert errors
    assert all(ends[call_id].outcome == "failure" for call_id in errors)


def test_the_output_is_what_was_shown() -> None:
    ends = {e.call_id.partition(":")[2]: e for e in only(CallEnded, events())}
    for call in calls():
        if call["name"] == "run_shell_command" and call["status"] == "success":
            assert ends[call["id"]].stdout == call["resultDisplay"]


def test_every_token_is_counted_once() -> None:
    sums = Counter()  # type: Counter[str]
    for message in only(Message, events()):
        sums.update(message.tokens)
    counts = [message["tokens"] for message in document()["messages"] if message.get("tokens")]
    total = {kind: sum(count[kind] for count in counts) for kind in counts[0]}
    assert sums["input"] + sums["cache_read"] + sums["output"] == total["total"]
    assert (sums["cache_read"], sums["reasoning"]) == (total["cached"], total["thoughts"])
    assert sums["output"] == total["output"] + total["thoughts"]


def test_every_prompt_is_told() -> None:
    typed = [message["content"] for message in document()["messages"] if message["type"] == "user"]
    assert [p.text for p in only(Prompt, events())] == typed
