"""SWE-agent's trajectories: what each says, by hand; and that nothing in them can break the reader."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from collector.agents.adapter import get_agent
from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    Message,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from tests.agents_parsing.mutations import assert_sound, mutations

SWE = get_agent("swe-agent")
T = TypeVar("T")


def only(events: Sequence[AnyEvent], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def step(action: str, observation: str, seconds: float = 0.25, **more: Any) -> dict[str, Any]:
    state = {"working_dir": "/repo", "open_file": "n/a"}
    known = {"response": f"I do {action[:9]}", "thought": "", "state": state, "execution_time": seconds}
    return {"action": action, "observation": observation, "query": [], **known, **more}


REFUSED = {
    "query": [{"role": "system", "content": "s"},
              {"role": "user", "content": "Operation 'vim' is not supported by this environment."}],
}  # fmt: skip


def document() -> dict[str, Any]:
    return {
        "environment": "main",
        "trajectory": [
            step("ls -F\n", "a.py\n", 0.5),
            step("str_replace_editor create /repo/b.py --file_text 'x = 1\ny = 2'",
                 "File created successfully at: /repo/b.py"),
            step("str_replace_editor str_replace /repo/b.py --old_str 'x = 1' --new_str 'x = 2'",
                 "The file /repo/b.py has been edited. Here's the result"),
            step("str_replace_editor view /repo/b.py", "     1\tx = 2", state={"working_dir": "/repo/sub"}),
            step("find_file a.py src", "Found 1 matches"),
            step("edit 1:1\nx = (\nend_of_edit", "Your proposed edit has introduced new syntax error(s)."),
            step("sleep 100", "The command 'sleep 100' was cancelled because it took more than 30 seconds."),
            step("vim", "", 0.0, state={}),
            step("", "", 0.0, response="no action here", state={}, **REFUSED),
            step("submit", "diff --git a/b.py b/b.py\n"),
        ],
        "history": [
            {"role": "system", "content": "You are", "agent": "main"},
            {"role": "user", "content": "a demonstration", "is_demo": True},
            {"role": "user", "content": [{"type": "text", "text": "Fix the bug."}], "agent": "main"},
        ],
        "info": {
            "exit_status": "submitted", "submission": "diff", "swe_agent_version": "1.1.0",
            "model_stats": {"instance_cost": 0.125, "tokens_sent": 7141, "tokens_received": 243},
        },
        "replay_config": json.dumps({"agent": {"model": {"name": "gpt-4o"}}}),
    }  # fmt: skip


def written(tmp_path: Path, value: Any, name: str = "org__repo-1.traj") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(value))
    return path


def read(tmp_path: Path, value: Any) -> list[AnyEvent]:
    return list(SWE.parse(written(tmp_path, value)))


def test_every_step_is_an_answer_and_a_call(tmp_path: Path) -> None:
    events = read(tmp_path, document())
    started = only(events, CallStarted)
    assert [(s.tool, s.kind) for s in started] == [
        ("bash", "shell"), ("str_replace_editor", "write"), ("str_replace_editor", "edit"),
        ("str_replace_editor", "read"), ("find_file", "search"), ("edit", "edit"), ("bash", "shell"),
        ("bash", "shell"), ("submit", "other"),
    ]  # fmt: skip
    assert [s.command_line for s in started] == [
        "ls -F", "str_replace_editor create /repo/b.py", "str_replace_editor str_replace /repo/b.py",
        "str_replace_editor view /repo/b.py", "find_file a.py src", "edit 1:1", "sleep 100", "vim", "submit",
    ]  # fmt: skip
    assert started[1].input == {"command": "create", "path": "/repo/b.py", "file_text": "x = 1\ny = 2"}
    assert started[2].input == {
        "command": "str_replace", "path": "/repo/b.py", "old_str": "x = 1", "new_str": "x = 2",
    }  # fmt: skip
    assert [s.working_directory for s in started][:5] == [None, "/repo", "/repo", "/repo", "/repo/sub"]
    assert len(only(events, Message)) == 10 + 1


def test_no_exit_code_is_made_up(tmp_path: Path) -> None:
    ended = only(read(tmp_path, document()), CallEnded)
    assert [e.outcome for e in ended] == [
        "unknown", "success", "success", "unknown", "unknown", "failure", "timeout", "denied", "unknown",
    ]  # fmt: skip
    assert {(e.exit_code, e.exit_code_basis, e.at) for e in ended} == {(None, None, None)}
    assert (ended[0].stdout, ended[0].duration_ms) == ("a.py\n", 500)
    assert ended[7].duration_ms is None
    assert ended[7].message == "Operation 'vim' is not supported by this environment."


def test_what_is_told_of_the_whole_task(tmp_path: Path) -> None:
    events = read(tmp_path, document())
    (seen,) = only(events, SessionSeen)
    (prompt,) = only(events, Prompt)
    (ended,) = only(events, SessionEnded)
    assert (seen.agent_version, seen.model, seen.title) == ("1.1.0", "gpt-4o", "org__repo-1")
    assert prompt.text == "Fix the bug."
    assert ended.reason == "submitted"
    told = [m for m in only(events, Message) if m.tokens]
    assert [(m.tokens, m.cost) for m in told] == [({"input": 7141, "output": 243}, 0.125)]


def test_states_before_version_1_are_json_in_a_text(tmp_path: Path) -> None:
    state = '{"open_file": "n/a", "working_dir": "/old"}\n'
    known = {"observation": "", "response": "r", "thought": "t", "state": state}
    steps = [{"action": action, **known} for action in ("cd /old", "true")]
    events = read(tmp_path, {"trajectory": steps, "info": {}, "history": []})
    assert [s.working_directory for s in only(events, CallStarted)] == [None, "/old"]
    assert [e.outcome for e in only(events, CallEnded)] == ["unknown", "unknown"]


def test_every_attempt_counts_and_the_copy_of_the_best_does_not(tmp_path: Path) -> None:
    first = {"trajectory": [step("false", "")], "history": [], "info": {}}
    second = {"trajectory": [step("true", ""), step("submit", "diff")], "history": [], "info": {}}
    total = {"model_stats": {"tokens_sent": 10, "tokens_received": 5}, "exit_status": "submitted"}
    running = read(tmp_path, {"attempts": [first]})
    events = read(tmp_path, {"attempts": [first, second], **second, "info": total})
    assert [s.command_line for s in only(events, CallStarted)] == ["false", "true", "submit"]
    assert len({s.call_id for s in only(events, CallStarted)}) == 3
    assert running[0].conversation_id == events[0].conversation_id
    assert [m.tokens for m in only(events, Message) if m.tokens] == [{"input": 10, "output": 5}]


def test_the_same_step_has_the_same_id_when_more_follow(tmp_path: Path) -> None:
    whole = document()
    grown = {**whole, "trajectory": whole["trajectory"][:2]}
    other = {**whole, "trajectory": [step("ls -F\n", "a.py\n", 0.5001)]}
    calls = [only(read(tmp_path, value), CallStarted)[0].call_id for value in (whole, grown, other)]
    assert calls[0] == calls[1] != calls[2]


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"trajectory": [', b"[]", b"{}", b'{"trajectory": 3}', b"[" * 100_000, b"\xff"]
)
def test_a_torn_file_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "torn.traj"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        list(SWE.parse(path))


def test_wrong_types_anywhere_break_nothing(tmp_path: Path) -> None:
    whole = document()
    attempts = {"attempts": [{"trajectory": whole["trajectory"][:2]}, {"trajectory": []}], "info": {}}
    read_something = 0
    for value in (*mutations(whole), *mutations(attempts)):
        try:
            events = read(tmp_path, value)
        except ValueError:
            continue
        assert_sound(events)
        read_something += len(events) > 1
    assert read_something > 1000


def test_an_unbalanced_quote_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    action = "str_replace_editor insert /repo/b.py --new_str 'it's"
    (started,) = only(read(tmp_path, {"trajectory": [step(action, "")]}), CallStarted)
    assert (started.kind, started.command_line) == ("edit", "str_replace_editor insert /repo/b.py")


def test_trajectories_are_found_below_the_folder(tmp_path: Path) -> None:
    home, root, other = tmp_path / "home", tmp_path / "work", tmp_path / "other"
    folder = root / "trajectories" / "me" / "run" / "org__repo-1"
    folder.mkdir(parents=True)
    other.mkdir()
    (folder / "org__repo-1.config.yaml").write_text("")
    path = written(folder, document())
    elsewhere = written(other, document())
    environ = {"PWD": str(root), "SWE_AGENT_TRAJECTORY_DIR": str(other)}
    assert list(SWE.find_transcripts(home, environ)) == [path, elsewhere]
    assert list(SWE.find_transcripts(home, {})) == []
    assert list(SWE.recent_transcripts(home, {}, root, 0.0)) == [path]
    os.utime(path, (10, 10))
    assert list(SWE.recent_transcripts(home, {}, root, 10.0)) == []


def test_only_trajectories_are_recognized(tmp_path: Path) -> None:
    path = written(tmp_path, document())
    head = path.read_bytes()
    assert SWE.recognizes(path, head)
    assert SWE.recognizes(tmp_path / "x.json", head)
    assert not SWE.recognizes(tmp_path / "x.json", b'{"messages": []}')
    assert not SWE.recognizes(tmp_path / "x.traj", b"binary\0")
    assert SWE.line_parser(path) is None
    assert list(SWE.companions(path)) == []
    assert list(SWE.hook_events({}, 0)) == []
