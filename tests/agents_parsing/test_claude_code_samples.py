"""Real transcripts of Claude Code 2.0 and 2.1: everything counted a second time, straight from the JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from collector.agents.claude_code import AGENT
from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    InstanceStarted,
    Message,
    Prompt,
    SessionSeen,
)
from collector.agents.transcripts import recognize
from tests.agents_parsing.claude_code_lines import only

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "transcripts"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")

SPOTTER_A = "claude-code/fa812bfe-b295-4cca-9c2f-fdf01028cb46.jsonl"
SPOTTER_B = "claude-code/4d5611e5-241a-462a-8d15-5122611a9569.jsonl"
FOUR = "claude-code/full-session-four.jsonl"
SHORT = "claude-code/short.jsonl"
SUBAGENT = "claude-code/subagent.jsonl"
TOOL_HEAVY = "claude-code/tool_heavy.jsonl"
WITH_HOOKS = "hooks/sample_main_transcript.jsonl"
MAINS = (SPOTTER_A, SPOTTER_B, FOUR, SHORT, SUBAGENT, TOOL_HEAVY, WITH_HOOKS)


def files_of(main: str) -> list[Path]:
    """A conversation's files, found without the adapter."""
    path = SAMPLES / main
    return [path, *sorted((path.parent / path.stem).rglob("agent-*.jsonl"))]


@cache
def records_of(main: str) -> list[dict[str, Any]]:
    return [json.loads(line) for path in files_of(main) for line in path.read_bytes().splitlines()]


@cache
def events_of(main: str) -> list[AnyEvent]:
    path = SAMPLES / main
    events: list[AnyEvent] = []
    for file in (path, *AGENT.companions(path)):
        parser = AGENT.line_parser(file)
        events += [event for line in file.read_bytes().split(b"\n") for event in parser.feed(line)]
    return events


@cache
def tool_uses(main: str) -> dict[str, dict[str, Any]]:
    found = {}
    for record in records_of(main):
        if record["type"] == "assistant":
            for block in record["message"]["content"]:
                if block["type"] == "tool_use":
                    found[block["id"]] = block
    return found


@cache
def results(main: str) -> dict[str, tuple[str, bool, Any]]:
    """Each call's text, error mark and own account."""
    found = {}
    for record in records_of(main):
        if record["type"] != "user" or isinstance(record["message"]["content"], str):
            continue
        for block in record["message"]["content"]:
            if block["type"] == "tool_result":
                content = block["content"]
                said = content if isinstance(content, str) else "\n".join(b.get("text", "") for b in content)
                found[block["tool_use_id"]] = (said, bool(block.get("is_error")), record.get("toolUseResult"))
    return found


@pytest.mark.parametrize("main", MAINS)
def test_every_call_is_told_with_its_tool_and_command(main: str) -> None:
    expected = tool_uses(main)
    starts = only(CallStarted, events_of(main))
    assert {start.call_id: (start.tool, dict(start.input)) for start in starts} == {
        call_id: (block["name"], block["input"]) for call_id, block in expected.items()
    }
    assert len(starts) == len(expected)
    commands = [start.command_line for start in starts if start.tool == "Bash"]
    assert commands == [b["input"]["command"] for b in expected.values() if b["name"] == "Bash"]
    assert {start.kind for start in starts if start.tool == "Bash"} <= {"shell"}


def test_the_number_of_shell_commands_is_that_of_the_research() -> None:
    counts = {main: sum(b["name"] == "Bash" for b in tool_uses(main).values()) for main in MAINS}
    assert counts == {
        SPOTTER_A: 78, SPOTTER_B: 72, FOUR: 2, SHORT: 1, SUBAGENT: 4, TOOL_HEAVY: 2, WITH_HOOKS: 5,
    }  # fmt: skip
    for main, count in counts.items():
        assert sum(s.kind == "shell" for s in only(CallStarted, events_of(main))) == count


@pytest.mark.parametrize("main", MAINS)
def test_exit_codes_of_commands(main: str) -> None:
    """Counted from the results' text; None where a transcript without the tool's own account cannot tell."""
    answers, ended_tasks = results(main), {}
    for _, _, account in answers.values():
        if isinstance(account, dict) and "task" in account:
            ended_tasks[account["task"]["task_id"]] = account["task"]["exitCode"]
    expected: Counter[int | None] = Counter()
    for call_id, block in tool_uses(main).items():
        if block["name"] != "Bash" or call_id not in answers:
            continue
        said, failed, account = answers[call_id]
        code: int | None = 0
        if failed:
            found = re.match(r"Exit code (\d+)$", said.split("\n")[0])
            code = int(found.group(1)) if found else None
        elif isinstance(account, dict):
            if account.get("backgroundTaskId"):
                code = ended_tasks.get(account["backgroundTaskId"])
            elif account.get("returnCodeInterpretation"):
                code = None
        elif block["input"]["command"].split("|")[-1].split()[0] in ("find", "grep"):
            code = None
        expected[code] += 1
    last = {end.call_id: end for end in only(CallEnded, events_of(main))}
    shells = [s.call_id for s in only(CallStarted, events_of(main)) if s.kind == "shell"]
    assert Counter(last[call_id].exit_code for call_id in shells if call_id in last) == expected


def test_exit_codes_other_than_zero_by_hand() -> None:
    codes = {
        main: sorted(e.exit_code for e in only(CallEnded, events_of(main)) if e.exit_code) for main in MAINS
    }
    assert codes == {
        SPOTTER_A: [1, 2, 2, 2, 6, 128, 128], SPOTTER_B: [1, 128], FOUR: [], SHORT: [], SUBAGENT: [],
        TOOL_HEAVY: [], WITH_HOOKS: [1, 127],
    }  # fmt: skip


def test_outcomes_other_than_success_by_hand() -> None:
    """Read off the transcripts: hooks that refused a commit, a server in the background, an interruption."""
    outcomes = {}
    for main in MAINS:
        tools = {start.call_id: start.tool for start in only(CallStarted, events_of(main))}
        last = {end.call_id: end.outcome for end in only(CallEnded, events_of(main))}
        told = Counter((tools[call], outcome) for call, outcome in last.items() if outcome != "success")
        outcomes[main] = dict(told)
    assert outcomes == {
        SPOTTER_A: {("Bash", "failure"): 7, ("Bash", "denied"): 1},
        SPOTTER_B: {
            ("Bash", "failure"): 2, ("Bash", "denied"): 3, ("Read", "failure"): 1, ("Read", "cancelled"): 7,
        },
        FOUR: {("Bash", "failure"): 1},
        SHORT: {("Bash", "interrupted"): 1, ("Glob", "interrupted"): 1},
        SUBAGENT: {},
        TOOL_HEAVY: {("Bash", "background"): 1},
        WITH_HOOKS: {("Bash", "failure"): 2},
    }  # fmt: skip


@pytest.mark.parametrize("main", MAINS)
def test_tokens_count_once_for_each_answer_of_the_model(main: str) -> None:
    last_usage: dict[str, dict[str, Any]] = {}
    for record in records_of(main):
        if record["type"] == "assistant" and record["message"]["model"] != "<synthetic>":
            last_usage[record["message"]["id"]] = record["message"]["usage"]
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    expected = [sum(usage.get(name, 0) for usage in last_usage.values()) for name in names]

    last = {message.message_id: message for message in only(Message, events_of(main))}
    kinds = ("input", "output", "cache_read", "cache_write")
    assert [sum(m.tokens[kind] for m in last.values()) for kind in kinds] == expected
    assert last.keys() == last_usage.keys()
    assert all(message.request_id for message in last.values())


def test_the_tokens_of_one_conversation_by_hand() -> None:
    """Read off the transcript: one answer, in five lines."""
    last = {message.message_id: message for message in only(Message, events_of(SHORT))}
    assert [dict(message.tokens) for message in last.values()] == [
        {"input": 3, "output": 13, "cache_read": 11515, "cache_write": 13835}
    ]


@pytest.mark.parametrize("main", MAINS)
def test_the_text_of_an_answer_is_that_of_all_its_blocks(main: str) -> None:
    texts: dict[str, list[str]] = {}
    for record in records_of(main):
        if record["type"] == "assistant" and record["message"]["model"] != "<synthetic>":
            blocks = record["message"]["content"]
            texts.setdefault(record["message"]["id"], []).extend(
                b["text"] for b in blocks if b["type"] == "text"
            )
    last = {message.message_id: message.text for message in only(Message, events_of(main))}
    assert last == {message_id: "\n".join(parts) or None for message_id, parts in texts.items()}


def test_prompts_are_what_people_typed() -> None:
    prompts = {main: [p.text[:40] for p in only(Prompt, events_of(main))] for main in MAINS}
    assert prompts == {
        SPOTTER_A: ["Work on bead spotter-a0y. Run bd show sp", "continue until all are done"],
        SPOTTER_B: ["Work on bead spotter-dov. Run bd show sp", "continue"],
        FOUR: [
            "Can you add the first two initials of ac", "does it get the logged in user from the ",
            "The username I am logged in with is jnar",
        ],
        SHORT: ["mix phx.server doesnt seem to start"],
        SUBAGENT: ["/handgemacht:create-beads websearch to l", "create the beads"],
        TOOL_HEAVY: ["start phoenix in background", "scrolling back in xterm.js still does no"],
        WITH_HOOKS: [
            "can you run a command ls -la ", "ok can you create a hello_world.py file ",
            "can you read it back with Read tool? ", "can you run `cat nonexistent.txt`",
            "do something requiring multiple tools in",
        ],
    }  # fmt: skip


@pytest.mark.parametrize("main", MAINS)
def test_subagents_are_those_that_calls_and_files_name(main: str) -> None:
    named = {
        account["agentId"]
        for _, _, account in results(main).values()
        if isinstance(account, dict) and "agentId" in account
    }
    named |= {path.stem.removeprefix("agent-") for path in files_of(main)[1:]}
    started = only(InstanceStarted, events_of(main))
    assert {instance.instance_id for instance in started} == named
    calls = {i.instance_id: i.call_id for i in started if i.call_id}
    tasks = {call_id for call_id, block in tool_uses(main).items() if block["name"] == "Task"}
    assert set(calls.values()) == tasks


def test_what_a_subagent_did_is_told_of_the_subagent() -> None:
    events = events_of(SPOTTER_A)
    own = {path.stem.removeprefix("agent-"): path for path in files_of(SPOTTER_A)[1:]}
    counts = Counter(start.instance_id for start in only(CallStarted, events))
    for agent_id, path in own.items():
        assert counts[agent_id] == path.read_bytes().count(b'"type":"tool_use"')
    assert counts[None] == 197
    names = {i.instance_id: i.name for i in only(InstanceStarted, events) if i.name}
    assert names["acompact-70d8e7"] == "compact"
    assert all(event.conversation_id == SPOTTER_A[12:48] for event in events)


@pytest.mark.parametrize(
    ("main", "version", "model", "branch"),
    [
        (SPOTTER_A, "2.1.39", "claude-opus-4-6", "spotter-a0y"),
        (SPOTTER_B, "2.1.39", "claude-opus-4-6", "spotter-dov"),
        (FOUR, "2.0.27", "claude-sonnet-4-5-20250929", "feat/final-react-refactor-v2"),
    ],
)
def test_the_session(main: str, version: str, model: str, branch: str) -> None:
    seen = [s for s in only(SessionSeen, events_of(main)) if s.instance_id is None]
    assert [s.agent_version for s in seen if s.agent_version] == [version]
    assert next(s.model for s in seen if s.model) == model
    assert next(s.git_branch for s in seen if s.git_branch) == branch
    assert {s.transcript_path for s in seen if s.transcript_path} == {str(SAMPLES / main)}
    assert len([s for s in seen if s.working_directory]) == 1


def apply(diff: str, before: str) -> str:
    """Apply a unified diff, strictly; another program than the one that made it."""
    old, new, position = before.split("\n"), [], 0
    lines = diff.split("\n")[2:-1]
    for number, line in enumerate(lines):
        if line.startswith("@@"):
            found = re.match(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", line)
            assert found
            start = int(found.group(1)) - (0 if found.group(2) == "0" else 1)
            new += old[position:start]
            position = start
        elif line.startswith("+"):
            new.append(line[1:])
        elif line.startswith("\\"):
            assert number
        else:
            assert old[position] == line[1:], (position, line)
            new += [line[1:]] if line.startswith(" ") else []
            position += 1
    return "\n".join(new + old[position:])


@pytest.mark.parametrize("main", MAINS)
def test_diffs_turn_the_old_file_into_the_new_one(main: str) -> None:
    ends = {end.call_id: end for end in only(CallEnded, events_of(main))}
    tried = 0
    for call_id, (_, failed, account) in results(main).items():
        tool = tool_uses(main)[call_id]["name"]
        if tool not in ("Edit", "Write") or failed or not isinstance(account, dict):
            continue
        before = account.get("originalFile") or ""
        if tool == "Write":
            after = account["content"]
        else:
            old, new = account["oldString"], account["newString"]
            if not new and old + "\n" in before:  # the tool takes the end of the line along
                old += "\n"
            after = before.replace(old, new, -1 if account["replaceAll"] else 1)
        diff = ends[call_id].diff
        assert diff is not None
        assert diff.startswith("--- ")
        assert apply(diff, before).rstrip("\n") == after.rstrip("\n")
        tried += 1
    expected = sum(b["name"] in ("Edit", "Write") for b in tool_uses(main).values())
    assert tried == expected


@pytest.mark.parametrize("main", MAINS)
def test_the_samples_are_recognized(main: str) -> None:
    for path in files_of(main):
        assert recognize(path) is AGENT


def test_transcripts_of_others_are_not() -> None:
    others = [p for p in SAMPLES.rglob("*.json*") if p.parent.name in ("codex", "gemini")]
    assert len(others) == 9
    assert not any(AGENT.recognizes(p, p.read_bytes()[:65536]) for p in others)


def test_hook_payloads_of_the_sample() -> None:
    """Kept by a log without the calls' ids: what can be told of them is prompts, subagents and places."""
    path = SAMPLES / "hooks" / "sample_hook_logs.jsonl"
    payloads = [json.loads(line) for line in path.read_bytes().splitlines()]
    events = [event for payload in payloads for event in AGENT.hook_events(payload, 5)]
    assert {event.conversation_id for event in events} == {"c45af7b1-cb7c-4e51-93db-8cbb250a877a"}
    assert {event.source for event in events} == {"hook"}
    typed = [p["prompt"] for p in payloads if p["event"] == "UserPromptSubmit"]
    assert [prompt.text for prompt in only(Prompt, events)] == typed
    assert [p.text for p in only(Prompt, events_of(WITH_HOOKS))] == typed
    assert not only(CallStarted, events)
    assert {s.transcript_path for s in only(SessionSeen, events)} == {
        None, "/root/.claude/projects/-workspace/c45af7b1-cb7c-4e51-93db-8cbb250a877a.jsonl",
    }  # fmt: skip
    assert events[0].at == 1767381086000
