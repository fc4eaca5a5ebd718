"""Rollouts with something wrong in them: what is right is told, and nothing raises."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from collector.agents.codex import AGENT
from collector.agents.events import AnyEvent, CallEnded, CallStarted
from tests.agents_parsing.codex_lines import (
    THREAD,
    answers,
    assert_all_sound,
    calls,
    chunk,
    custom,
    event,
    item,
    line,
    meta,
    only,
    parse,
    response,
)
from tests.agents_parsing.mutations import mutations

FIELDS = {
    "command": ["bash", "-lc", "ls"], "exit_code": 1, "status": "failed", "aggregated_output": "x",
    "duration": {"secs": 1, "nanos": 1}, "cwd": "file:///a", "source": "user_shell",
}  # fmt: skip
USAGE = {"input_tokens": 9, "cached_input_tokens": 1, "output_tokens": 2, "reasoning_output_tokens": 1}
USER_COMMAND = (
    "<user_shell_command>\n<command>\nls\n</command>\n<result>\nExit code: 1\nDuration: 0.1 seconds\n"
    "Output:\nx\n</result>\n</user_shell_command>"
)
LINES = [
    meta(forked_from_id="x", source={"subagent": {"thread_spawn": {"parent_thread_id": "p"}}}),
    line("turn_context", {"model": "m", "cwd": "/a"}),
    event("task_started", turn_id=THREAD),
    event("user_message", message="x"),
    event("agent_message", message="x"),
    event("token_count", info={"total_token_usage": USAGE, "last_token_usage": USAGE}),
    line("token_usage_record", {"thread_id": THREAD, "usage": USAGE}),
    calls("shell", {"command": ["bash", "-lc", "ls"], "workdir": "/a", "timeout_ms": 1}),
    answers(json.dumps({"output": "x", "metadata": {"exit_code": 1, "duration_seconds": 0.1}})),
    calls("exec_command", {"cmd": "ls"}),
    answers(chunk("x", "Process running with session ID 7")),
    calls("write_stdin", {"session_id": 7}, "call_2"),
    answers([{"type": "input_text", "text": chunk("x", "Process exited with code 1")}], "call_2"),
    answers({"content": "x", "success": True}),
    custom("apply_patch", "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch"),
    custom("exec", "await tools.exec_command({cmd: 'ls'})"),
    answers([{"type": "input_text", "text": "Script completed\nWall time 1 seconds\nOutput:\n"},
             {"type": "input_text", "text": '{"exit_code": 1, "output": "x"}'}]),
    response("local_shell_call", call_id="call_3", action={"command": ["ls"]}),
    response("web_search_call", id="ws", action={"query": "q"}, status="completed"),
    response("message", role="user", content=[{"text": USER_COMMAND}]),
    event("exec_command_end", call_id="call_4", stdout="a", stderr="b", **FIELDS),
    item("CommandExecution", id="call_1", **FIELDS),
    item("FileChange", id="call_5", status="completed", changes={
        "/a": {"type": "update", "unified_diff": "@@ -1 +1 @@\n-a\n+b\n", "move_path": "/b"},
        "/c": {"add": {"content": "x"}}}),
    item("McpToolCall", id="call_6", server="s", tool="t", arguments={}, result={"content": [{"text": "x"}]}),
    item("SubAgentActivity", id="call_1", kind="started", agent_thread_id="child", agent_path="/root/x"),
    item("CollabAgentToolCall", id="call_1", tool="spawn", receiver_thread_ids=["child"], prompt="x"),
    event("collab_agent_spawn_end", call_id="call_1", new_thread_id="child", prompt="x"),
    event("turn_aborted", reason="interrupted"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(LINES)))
def test_wrong_types_anywhere_raise_nothing(number: int) -> None:
    for changed in mutations(LINES[number]):
        parser = AGENT.line_parser(Path("/x/rollout-1.jsonl"))
        events: list[AnyEvent] = []
        for one in [*LINES[:number], changed, *LINES[number + 1 :]][max(0, number - 3) : number + 4]:
            events += parser.feed(json.dumps(one).encode())
        assert_all_sound(events)


@pytest.mark.parametrize(
    "broken",
    [
        b"", b"\0", b"\0" * 5000, b"{", b"[]", b"null", b"1e999", b'"text"', b"{}", b'{"type": "x"}',
        b"\xff\xfe\x00", b"[" * 100_000, b'{"type":"response_item","payload":{"type":' + b"[" * 50_000,
        b'{"type": "response_item", "payload": {"type": "unknown_kind", "call_id": "x"}}',
        b'{"type": "event_msg", "payload": {"type": "item_completed", "item": {"type": "New"}}}',
        b'{"type":"unknown","payload":{}}', b"1" * 5000, b'{"a": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_a_broken_line_does_not_hide_the_others(broken: bytes) -> None:
    first, second = calls("exec_command", {"cmd": "ls"}), answers(chunk("x\0y", "Process exited with code 1"))
    events = parse(meta(), broken, first, broken, second, broken)
    [start], [end] = only(CallStarted, events), only(CallEnded, events)
    assert (start.command_line, end.exit_code, end.stdout) == ("ls", 1, "x\0y")


def test_bytes_that_are_no_text_are_replaced() -> None:
    call = json.dumps(calls("exec_command", {"cmd": "echo X"})).encode().replace(b"X", b"\xff")
    assert only(CallStarted, parse(meta(), call))[0].command_line == "echo \ufffd"


def test_control_characters_within_texts_are_read() -> None:
    text = json.dumps(answers(chunk("aXb", "Process exited with code 0"))).encode().replace(b"X", b"\x01")
    events = parse(meta(), calls("exec_command", {"cmd": "ls"}), text)
    assert only(CallEnded, events)[0].stdout == "a\x01b"


def test_calls_without_an_end_do_not_pile_up() -> None:
    parser = AGENT.line_parser(Path("/x/rollout-1.jsonl"))
    list(parser.feed(json.dumps(meta()).encode()))
    for number in range(10_000):
        list(parser.feed(json.dumps(calls("exec_command", {"cmd": "ls"}, f"call_{number}")).encode()))
    late = answers(chunk("", "Process exited with code 1"), "call_9999")
    assert len(list(parser.feed(json.dumps(late).encode()))) == 1


def test_a_command_that_goes_on_for_ever_does_not_fill_the_memory() -> None:
    running = chunk("x" * 100_000, "Process running with session ID 7")
    lines = [calls("exec_command", {"cmd": "yes"}), answers(running)]
    for number in range(200):
        lines += [calls("write_stdin", {"session_id": 7}, f"w{number}"), answers(running, f"w{number}")]
    events = parse(meta(), *lines, calls("write_stdin", {"session_id": 7}, "last"),
                   answers(chunk("end", "Process exited with code 0"), "last"))  # fmt: skip
    last = only(CallEnded, events)[-1]
    assert last.stdout is not None
    assert last.stdout.endswith("end")
    assert len(last.stdout) < 6_000_000


def test_lines_in_any_order_raise_nothing() -> None:
    shuffle = random.Random(7)
    for _ in range(200):
        lines: list[dict[str, Any]] = shuffle.choices(LINES, k=20)
        parse(*lines)
