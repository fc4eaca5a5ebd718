"""OpenHands' conversations: what each says, by hand; and that nothing in them can break the reader."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from collector.agents.adapter import get_agent
from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    InstanceEnded,
    InstanceStarted,
    Message,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from tests.agents_parsing.mutations import assert_sound, mutations

OPENHANDS = get_agent("openhands")
ID = "9f3bebb72d394942812f2436f60d3fe4"
CHILD = "00000000000040008000000000000001"
LATE = "\n[The command timed out after 1.0 seconds. You may wait longer]"
BUSY = '\n[Your command "ls" is NOT executed. The previous command is still running]'

T = TypeVar("T")


def only(events: Sequence[AnyEvent], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(autouse=True)
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(second: int) -> int:
    """2026-01-20 14:32 in Kathmandu (UTC+05:45) is 08:47 UTC."""
    return int(datetime.fromisoformat(f"2026-01-20T08:47:{second:02d}+00:00").timestamp() * 1000)


def event(kind: str, second: int, source: str, **fields: Any) -> dict[str, Any]:
    identity = f"{second:08x}-0000-4000-8000-000000000000"
    stamp = f"2026-01-20T14:32:{second:02d}.000000"
    return {"id": identity, "timestamp": stamp, "source": source, "kind": kind, **fields}


def action(second: int, tool: str, arguments: dict[str, Any], response: str, **more: Any) -> dict[str, Any]:
    call = {"id": f"call_{second}", "name": tool, "arguments": json.dumps(arguments), "origin": "completion"}
    known = {
        "thought": [], "tool_name": tool, "tool_call_id": f"call_{second}", "tool_call": call,
        "action": arguments, "llm_response_id": response,
    }  # fmt: skip
    return event("ActionEvent", second, "agent", **{**known, **more})


def observation(second: int, cause: int, text: str, **fields: Any) -> dict[str, Any]:
    return event(
        "ObservationEvent", second, "environment", tool_name="any", tool_call_id=f"call_{cause}",
        action_id=f"{cause:08x}-0000-4000-8000-000000000000",
        observation={"content": [{"type": "text", "text": text}], "is_error": False} | fields,
    )  # fmt: skip


def terminal(second: int, cause: int, text: str, code: int, suffix: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"exit_code": code, "working_dir": "/app/sub", "prefix": "", "suffix": suffix}
    return observation(second, cause, text, exit_code=code, metadata=metadata, **more)


def refusal(second: int, cause: int, reason: str, source: str) -> dict[str, Any]:
    return event(
        "UserRejectObservation", second, "environment", tool_name="any", tool_call_id=f"call_{cause}",
        action_id=f"{cause:08x}-0000-4000-8000-000000000000", rejection_reason=reason,
        rejection_source=source,
    )  # fmt: skip


def says(second: int, source: str, text: str, **more: Any) -> dict[str, Any]:
    message = {"role": source, "content": [{"type": "text", "text": text}]}
    return event("MessageEvent", second, source, llm_message=message, **more)


def events_of_a_conversation() -> list[dict[str, Any]]:
    return [
        says(1, "user", "Write calc.py"),
        action(2, "terminal", {"command": "ls; exit 3", "kind": "TerminalAction"}, "r1",
               thought=[{"type": "text", "text": "Look."}], summary="list the files"),
        action(3, "file_editor", {"command": "create", "path": "/app/a.py"}, "r1",
               summary='file_editor: {"command": "create"}'),
        terminal(4, 2, "a.txt", 3),
        observation(5, 3, "File created", path="/app/a.py", prev_exist=False, old_content=None,
                    new_content="x = 1\n"),
        action(6, "terminal", {"command": "sleep 9; exit 5", "timeout": 1.0}, "r2"),
        terminal(7, 6, "begun\n", -1, LATE),
        action(8, "terminal", {"command": "ls"}, "r3"),
        terminal(9, 8, "", -1, BUSY, is_error=True),
        action(10, "terminal", {"command": "", "is_input": False}, "r4"),
        terminal(11, 10, "end\n", 5),
        action(12, "file_editor", {"command": "view", "path": "/none"}, "r5"),
        observation(13, 12, "Invalid path", is_error=True),
        action(14, "terminal", {"command": "rm -r /"}, "r6"),
        refusal(15, 14, "No!", "user"),
        action(16, "terminal", {"command": "curl x"}, "r7"),
        refusal(17, 16, "hook", "hook"),
        action(18, "nosuch", {}, "r8", action=None),
        event("AgentErrorEvent", 19, "agent", tool_name="nosuch", tool_call_id="call_18", error="not found"),
        action(20, "search_issues", {"kind": "MCPToolAction", "data": {"query": "bug"}}, "r9"),
        observation(21, 20, "none<response clipped><NOTE>"),
        says(22, "agent", "Done.", llm_response_id="r10"),
    ]  # fmt: skip


def usage(response_id: str, prompt: int, completion: int, **more: int) -> dict[str, Any]:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, **more}
    return {"model": "openai/fake", "response_id": response_id, **counts}


def state(**more: Any) -> dict[str, Any]:
    usages = [usage("r1", 1000, 20, cache_read_tokens=600, cache_write_tokens=100), usage("title", 7, 3)]
    costs = [{"model": "openai/fake", "cost": 0.5}, {"model": "openai/fake", "cost": 0.25}]
    metrics = {"model_name": "openai/fake", "accumulated_cost": 0.75, "costs": costs, "token_usages": usages}
    return {
        "id": "9f3bebb7-2d39-4942-812f-2436f60d3fe4",
        "agent": {"llm": {"model": "openai/fake"}},
        "workspace": {"working_dir": "/app"},
        "execution_status": "finished",
        "stats": {"usage_to_metrics": {"agent": metrics}},
        **more,
    }


def conversation(folder: Path, known: Any, events: list[Any]) -> Path:
    (folder / "events").mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(events):
        (folder / "events" / f"event-{number:05d}-{number:08x}.json").write_text(json.dumps(one))
    (folder / "base_state.json").write_text(json.dumps(known))
    return folder / "base_state.json"


@pytest.fixture
def events(tmp_path: Path) -> list[AnyEvent]:
    return list(OPENHANDS.parse(conversation(tmp_path / ID, state(), events_of_a_conversation())))


def test_a_conversation_is_told_from_its_state_and_its_event_files(events: list[AnyEvent]) -> None:
    (seen,) = only(events, SessionSeen)
    (prompt,) = only(events, Prompt)
    (ended,) = only(events, SessionEnded)
    assert (seen.model, seen.working_directory) == ("openai/fake", "/app")
    assert (prompt.text, prompt.at) == ("Write calc.py", at(1))
    assert (ended.reason, ended.error) == ("finished", None)
    assert {event.conversation_id for event in events} == {ID}
    assert [m.text for m in only(events, Message) if m.text] == ["Look.", "Done."]


def test_exit_codes_are_those_of_the_prompt_and_minus_one_is_none(events: list[AnyEvent]) -> None:
    ended = {end.call_id: end for end in only(events, CallEnded)}
    started = only(events, CallStarted)
    assert [(s.tool, s.kind) for s in started] == [
        ("terminal", "shell"), ("file_editor", "write"), ("terminal", "shell"), ("terminal", "shell"),
        ("terminal", "other"), ("file_editor", "read"), ("terminal", "shell"), ("terminal", "shell"),
        ("nosuch", "other"), ("search_issues", "mcp"),
    ]  # fmt: skip
    told = [ended[s.call_id] for s in started]
    assert [(e.outcome, e.exit_code) for e in told] == [
        ("failure", 3), ("success", None), ("failure", 5), ("denied", None), ("success", None),
        ("failure", None), ("rejected", None), ("denied", None), ("failure", None), ("success", None),
    ]  # fmt: skip
    assert [e.exit_code_basis for e in told if e.exit_code is not None] == ["field", "field"]
    assert (told[0].stdout, started[0].at, told[0].at) == ("a.txt", at(2), at(4))
    assert [e.message for e in told[6:9]] == ["No!", "hook", "not found"]
    assert told[9].output_truncated


def test_a_command_left_running_ends_with_the_rest_of_its_output(events: list[AnyEvent]) -> None:
    slow = next(s for s in only(events, CallStarted) if s.command_line == "sleep 9; exit 5")
    ends = [e for e in only(events, CallEnded) if e.call_id == slow.call_id]
    assert slow.timeout_ms == 1000
    assert [(e.outcome, e.exit_code, e.stdout, e.at) for e in ends] == [
        ("background", None, "begun\n", at(7)), ("failure", 5, "begun\nend\n", at(11)),
    ]  # fmt: skip


def test_an_edit_has_its_diff(events: list[AnyEvent]) -> None:
    (diff,) = [e.diff for e in only(events, CallEnded) if e.diff]
    assert diff == "--- /dev/null\n+++ /app/a.py\n@@ -0,0 +1 @@\n+x = 1\n"


def test_a_diff_says_where_there_is_no_newline_at_the_end(tmp_path: Path) -> None:
    edit = {"path": "a", "prev_exist": True, "old_content": "1\r\n\x0b2", "new_content": "1\r\n\x0b3\n"}
    written = [action(1, "file_editor", {"command": "insert"}, "r"), observation(2, 1, "edited", **edit)]
    (end,) = only(list(OPENHANDS.parse(conversation(tmp_path / ID, state(), written))), CallEnded)
    assert end.diff == "--- a\n+++ a\n@@ -1,2 +1,2 @@\n 1\r\n-\x0b2\n\\ No newline at end of file\n+\x0b3\n"


def test_calls_show_what_they_do(events: list[AnyEvent]) -> None:
    started = only(events, CallStarted)
    assert [s.command_line for s in started] == [
        "ls; exit 3", "file_editor create /app/a.py", "sleep 9; exit 5", "ls", "terminal",
        "file_editor view /none", "rm -r /", "curl x", "nosuch", "search_issues bug",
    ]  # fmt: skip
    assert [s.description for s in started[:3]] == ["list the files", None, None]
    assert [s.working_directory for s in started[:3]] == ["/app", "/app", "/app/sub"]
    assert started[9].input == {"query": "bug"}


def test_tokens_and_cost_of_each_request_are_found_by_its_id(events: list[AnyEvent]) -> None:
    messages = {m.message_id: m for m in only(events, Message)}
    assert messages["r1"].tokens == {"input": 300, "output": 20, "cache_read": 600, "cache_write": 100}
    assert (messages["r1"].cost, messages["title"].cost) == (0.5, 0.25)
    assert messages["title"].tokens == {"input": 7, "output": 3}
    assert {s.message_id for s in only(events, CallStarted)} <= messages.keys()


def test_costs_that_cannot_be_told_apart_are_told_once(tmp_path: Path) -> None:
    known = state()
    del known["stats"]["usage_to_metrics"]["agent"]["costs"][0]
    events = list(OPENHANDS.parse(conversation(tmp_path / ID, known, events_of_a_conversation())))
    assert [m.cost for m in only(events, Message) if m.cost is not None] == [0.75]


def test_a_subagent_is_an_instance_of_the_conversation(tmp_path: Path) -> None:
    main = conversation(tmp_path / ID, state(), events_of_a_conversation())
    child = conversation(
        tmp_path / ID / "subagents" / CHILD, state(execution_status="error"),
        [says(1, "user", "Count the files"), action(2, "terminal", {"command": "ls"}, "c1"),
         terminal(3, 2, "a", 0), event("ConversationErrorEvent", 4, "environment", code="X", detail="broke")],
    )  # fmt: skip
    grandchild = conversation(child.parent / "subagents" / "0002", state(), [])
    assert list(OPENHANDS.companions(main)) == [child, grandchild]
    events = list(OPENHANDS.parse(child))
    assert {(event.conversation_id, event.instance_id) for event in events} == {(ID, CHILD)}
    started = only(events, InstanceStarted)
    assert [(s.prompt, s.parent_instance_id, s.at) for s in started] == [
        (None, None, None), ("Count the files", None, at(1)),
    ]  # fmt: skip
    assert [e.error for e in only(events, InstanceEnded)] == ["broke"]
    assert [e.exit_code for e in only(events, CallEnded)] == [0]
    assert [s.parent_instance_id for s in only(list(OPENHANDS.parse(grandchild)), InstanceStarted)] == [CHILD]


def test_calls_of_another_agent_are_told_as_they_go(tmp_path: Path) -> None:
    known = {"tool_call_id": "t1", "title": "Run ls", "tool_kind": "execute", "raw_input": {"command": "ls"}}
    written = [
        event("ACPToolCallEvent", 1, "agent", status="pending", **known),
        event("ACPToolCallEvent", 2, "agent", status="completed", raw_output="a\n", **known),
    ]
    events = list(OPENHANDS.parse(conversation(tmp_path / ID, state(), written)))
    assert [(s.kind, s.command_line) for s in only(events, CallStarted)] == [("shell", "ls")]
    assert [(e.outcome, e.stdout, e.exit_code) for e in only(events, CallEnded)] == [("success", "a\n", None)]


def v0(number: int, source: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "timestamp": f"2026-01-20T14:32:{number:02d}", "source": source, **more}


def v0_events() -> list[dict[str, Any]]:
    response = {"id": "resp-1", "model": "claude", "usage": {
        "prompt_tokens": 3486, "completion_tokens": 1135, "cache_creation_input_tokens": 3482,
        "prompt_tokens_details": {"cached_tokens": 0},
    }}  # fmt: skip
    call = {"function_name": "execute_bash", "tool_call_id": "toolu_1", "model_response": response}
    return [
        v0(0, "user", action="message", args={"content": "Write it"}, message="Write it"),
        v0(1, "agent", action="recall", args={}),
        v0(2, "agent", action="run", args={"command": "ls; exit 2", "thought": "Look."}, timeout=120,
           tool_call_metadata=call, llm_metrics={"accumulated_cost": 0.25}),
        v0(3, "agent", observation="run", cause=2, content="a\n",
           extras={"command": "ls", "metadata": {"exit_code": 2, "working_dir": "/workspace", "suffix": ""}}),
        v0(4, "agent", action="run", args={"command": "sleep 9"}),
        v0(5, "agent", observation="run", cause=4, content="begun\n",
           extras={"metadata": {"exit_code": -1, "suffix": "\n[The command has no new output after 10 s]"}}),
        v0(6, "agent", action="run", args={"command": "C-c", "is_input": True}),
        v0(7, "agent", observation="run", cause=6, content="^C\n", extras={"metadata": {"exit_code": 130}}),
        v0(8, "agent", action="edit", args={"path": "/w/a", "command": "create", "thought": "Now."}),
        v0(9, "agent", observation="edit", cause=8, content="diff",
           extras={"path": "/w/a", "prev_exist": True, "old_content": "1\n", "new_content": "2\n"}),
        v0(10, "agent", action="read", args={"path": "/w/b"}),
        v0(11, "agent", observation="error", cause=10, content="File not found"),
        v0(12, "agent", action="run", args={"command": "rm"}),
        v0(13, "user", observation="user_rejected", cause=12, content="Rejected"),
        v0(14, "agent", action="run", args={"command": "old"}),
        v0(15, "agent", observation="run", cause=14, content="", extras={"exit_code": 0, "command_id": 1}),
        v0(16, "agent", action="finish", args={"final_thought": "All done."},
           llm_metrics={"accumulated_cost": 0.75}),
    ]  # fmt: skip


def test_version_0_is_a_list_of_actions_and_observations(tmp_path: Path) -> None:
    path = tmp_path / "trajectory.json"
    path.write_text(json.dumps(v0_events()))
    events = list(OPENHANDS.parse(path))
    started = only(events, CallStarted)
    assert [(s.kind, s.command_line) for s in started] == [
        ("shell", "ls; exit 2"), ("shell", "sleep 9"), ("other", "run C-c"), ("write", "edit create /w/a"),
        ("read", "read /w/b"), ("shell", "rm"), ("shell", "old"),
    ]  # fmt: skip
    ended = {end.call_id: end for end in only(events, CallEnded)}
    assert [(ended[s.call_id].outcome, ended[s.call_id].exit_code) for s in started] == [
        ("failure", 2), ("failure", 130), ("success", None), ("success", None), ("failure", None),
        ("rejected", None), ("success", 0),
    ]  # fmt: skip
    assert ended[started[1].call_id].stdout == "begun\n^C\n"
    assert ended[started[3].call_id].diff == "--- /w/a\n+++ /w/a\n@@ -1 +1 @@\n-1\n+2\n"
    assert (started[0].at, started[0].tool, started[0].timeout_ms) == (at(2), "execute_bash", 120_000)
    assert started[1].working_directory == "/workspace"
    messages = only(events, Message)
    assert [m.text for m in messages] == ["Look.", "Now.", "All done.", None]
    assert messages[0].tokens == {"input": 4, "output": 1135, "cache_write": 3482}
    assert [m.cost for m in messages] == [None, None, None, 0.75]
    assert [p.text for p in only(events, Prompt)] == ["Write it"]


def test_version_0_may_lie_in_a_folder_of_events(tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".openhands" / "sessions" / "abc" / "events"
    folder.mkdir(parents=True)
    for number in (10, 2, 3, 0):
        (folder / f"{number}.json").write_text(json.dumps(v0_events()[number]))
    (folder / "4.json").write_text("{torn")
    (path,) = OPENHANDS.find_transcripts(tmp_path / "home", {})
    assert path == folder / "0.json"
    events = list(OPENHANDS.parse(path))
    assert [s.command_line for s in only(events, CallStarted)] == ["ls; exit 2", "read /w/b"]
    assert {event.conversation_id for event in events} == {"abc"}


@pytest.mark.parametrize("content", [b"", b"{", b"3", b"{}", b"[" * 100_000, b"\xff"])
def test_a_torn_file_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        list(OPENHANDS.parse(path))


def test_a_torn_event_is_left_out_and_a_torn_state_is_an_error(tmp_path: Path) -> None:
    path = conversation(tmp_path / ID, state(), events_of_a_conversation())
    (tmp_path / ID / "events" / "event-00003-00000003.json").write_text('{"kind": "Obs')
    assert len(only(list(OPENHANDS.parse(path)), CallStarted)) == 10
    path.write_text('{"id":')
    with pytest.raises(ValueError, match=r"."):
        list(OPENHANDS.parse(path))


def test_wrong_types_anywhere_break_nothing(tmp_path: Path) -> None:
    whole = events_of_a_conversation()
    for number in (0, 1, 3, 4, 6, 13, 18, 21):  # one of each kind
        one, before = whole[number], whole[max(0, number - 2) : number]
        path = conversation(tmp_path / f"{number}", state(), [*before, one])
        file = tmp_path / f"{number}" / "events" / f"event-{len(before):05d}-{len(before):08x}.json"
        for changed in mutations(one):
            file.write_text(json.dumps(changed))
            events = list(OPENHANDS.parse(path))
            assert_sound(events)
            assert only(events, SessionSeen)
    path = conversation(tmp_path / ID, state(), whole[:4])
    for changed in mutations(state()):
        path.write_text(json.dumps(changed))
        assert_sound(OPENHANDS.parse(path))


def test_wrong_types_anywhere_in_version_0_break_nothing(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    for changed in mutations([*v0_events()[:4], *v0_events()[6:10]]):
        path.write_text(json.dumps(changed))
        if isinstance(changed, list):
            assert_sound(OPENHANDS.parse(path))


def test_conversations_are_found_and_those_of_the_workspace_followed(tmp_path: Path) -> None:
    home, root = tmp_path / "home", tmp_path / "work"
    folder = home / ".openhands" / "conversations"
    here = conversation(folder / "aa", state(workspace={"working_dir": str(root / "sub")}), [])
    there = conversation(folder / "bb", state(workspace={"working_dir": "/elsewhere"}), [])
    begun = conversation(folder / "cc", {}, [says(1, "user", "x")])
    begun.unlink()
    first = folder / "cc" / "events" / "event-00000-00000000.json"
    assert list(OPENHANDS.find_transcripts(home, {})) == [here, there, first]
    assert list(OPENHANDS.recent_transcripts(home, {}, root, 0.0)) == [here]
    os.utime(here, (10, 10))
    assert list(OPENHANDS.recent_transcripts(home, {}, root, 10.0)) == []
    assert [p.text for p in only(list(OPENHANDS.parse(first)), Prompt)] == ["x"]


def test_only_conversations_are_recognized(tmp_path: Path) -> None:
    path = conversation(tmp_path / ID, state(), events_of_a_conversation())
    first = tmp_path / ID / "events" / "event-00000-00000000.json"
    listed = json.dumps(v0_events()).encode()
    assert OPENHANDS.recognizes(path, path.read_bytes())
    assert OPENHANDS.recognizes(first, first.read_bytes())
    assert OPENHANDS.recognizes(tmp_path / "x.json", listed)
    assert not OPENHANDS.recognizes(tmp_path / "base_state.json", b"{}")
    assert not OPENHANDS.recognizes(tmp_path / "x.json", b'[{"role": "user"}]')
    assert not OPENHANDS.recognizes(tmp_path / "x.json", b'{"source": 1, "action": 2}')
    assert OPENHANDS.line_parser(path) is None
    assert list(OPENHANDS.hook_events({}, 0)) == []
