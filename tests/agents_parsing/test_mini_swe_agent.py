"""mini-swe-agent's trajectories: what each says, by hand; and that nothing in them can break the reader."""

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

MINI = get_agent("mini-swe-agent")
TEMPLATE = "Please solve: {{ task }}\n\nRules:\n{{system}} is the system."
START = 1_768_919_535  # 2026-01-20T14:32:15Z
LATE = {"exception_info": "Command 'sleep 60' timed out after 30 s", "exception_type": "TimeoutExpired"}

T = TypeVar("T")


def only(events: Sequence[AnyEvent], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def answer(text: str, *commands: str, at: float, number: int, **usage: Any) -> dict[str, Any]:
    actions = [{"command": c, "tool_call_id": f"call_{number}_{n}"} for n, c in enumerate(commands)]
    response = {"id": f"resp-{number}", "model": "fake-model", "usage": usage, "choices": []}
    extra = {"actions": actions, "response": response, "cost": 0.25, "timestamp": at}
    return {"role": "assistant", "content": text, "tool_calls": [{}], "extra": extra}


def result(tool_call_id: str, output: str, code: Any, at: float, **extra: Any) -> dict[str, Any]:
    known = {"raw_output": output, "returncode": code, "timestamp": at, "exception_info": "", **extra}
    return {"role": "tool", "content": "shown", "tool_call_id": tool_call_id, "extra": known}


def document(*messages: dict[str, Any], cwd: str = "") -> dict[str, Any]:
    return {
        "info": {
            "model_stats": {"instance_cost": 1.0, "api_calls": 4},
            "config": {
                "agent": {"instance_template": TEMPLATE},
                "model": {"model_name": "openai/fake-model"},
                "environment": {"cwd": cwd, "timeout": 30},
            },
            "mini_version": "2.4.6",
            "exit_status": "Submitted",
        },
        "messages": [
            {"role": "system", "content": "You are an agent."},
            {"role": "user", "content": "Please solve: Write calc.py\n\nRules:\nLinux is the system."},
            *messages,
        ],
        "trajectory_format": "mini-swe-agent-1.1",
    }


def written(tmp_path: Path, value: Any, name: str = "one.traj.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(value, indent=2))
    return path


def read(tmp_path: Path, value: Any) -> list[AnyEvent]:
    return list(MINI.parse(written(tmp_path, value)))


def task(tmp_path: Path) -> list[AnyEvent]:
    usage = {
        "prompt_tokens": 1000, "completion_tokens": 50, "cache_creation_input_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 600}, "completion_tokens_details": {"reasoning_tokens": 7},
    }  # fmt: skip
    return read(
        tmp_path,
        document(
            answer("Look.", "ls; exit 3", at=START + 0.5, number=1, **usage),
            result("call_1_0", "out\nerr\n", 3, START + 1.25),
            answer("Both.", "cat a", "kill -9 $$", at=START + 2, number=2),
            result("call_2_1", "", -9, START + 4),
            result("call_2_0", "a\n", 0, START + 3),
            answer("Slow.", "sleep 60", at=START + 5, number=3),
            result("call_3_0", "begun\n", -1, START + 35, **LATE),
            answer("", "echo DONE; cat p", at=START + 40, number=4),
            {"role": "exit", "content": "", "extra": {"exit_status": "Submitted", "submission": "patch\n"}},
        ),
    )  # fmt: skip


def test_a_task_is_told_from_its_first_message_to_its_last(tmp_path: Path) -> None:
    events = task(tmp_path)
    (seen,) = only(events, SessionSeen)
    (prompt,) = only(events, Prompt)
    (ended,) = only(events, SessionEnded)
    assert (seen.agent_version, seen.model) == ("2.4.6", "openai/fake-model")
    assert seen.at == START * 1000 + 500
    assert prompt.text == "Write calc.py"
    assert (ended.reason, ended.error) == ("Submitted", None)
    assert len({event.conversation_id for event in events}) == 1
    assert events[0].conversation_id.startswith("20260120-143215-")


def test_each_command_has_its_own_return_code_output_and_times(tmp_path: Path) -> None:
    events = task(tmp_path)
    started, ended = only(events, CallStarted), {end.call_id: end for end in only(events, CallEnded)}
    assert [start.command_line for start in started] == [
        "ls; exit 3", "cat a", "kill -9 $$", "sleep 60", "echo DONE; cat p",
    ]  # fmt: skip
    assert {(start.tool, start.kind) for start in started} == {("bash", "shell")}
    told = [ended[start.call_id] for start in started]
    assert [(e.outcome, e.exit_code, e.signal) for e in told] == [
        ("failure", 3, None), ("success", 0, None), ("failure", None, 9), ("timeout", None, None),
        ("success", 0, None),
    ]  # fmt: skip
    bases = [e.exit_code_basis for e in told]
    assert bases == ["field", "field", None, None, "success flag"]
    assert [e.stdout for e in told] == ["out\nerr\n", "a\n", "", "begun\n", "patch\n"]
    assert [e.output_truncated for e in told] == [False, False, False, False, True]
    assert (started[0].at, told[0].at) == (START * 1000 + 500, START * 1000 + 1250)
    assert told[3].message == "Command 'sleep 60' timed out after 30 s"


def test_tokens_leave_the_cache_out_of_the_input(tmp_path: Path) -> None:
    messages = only(task(tmp_path), Message)
    assert [message.text for message in messages] == ["Look.", "Both.", "Slow.", None]
    assert messages[0].tokens == {
        "input": 300, "output": 50, "cache_read": 600, "cache_write": 100, "reasoning": 7,
    }  # fmt: skip
    assert (messages[0].model, messages[0].cost, messages[0].request_id) == (
        "openai/fake-model",
        0.25,
        "resp-1",
    )
    assert sum(message.cost or 0 for message in messages) == 1.0


def test_of_refused_and_interrupted_commands_none_has_an_exit_code(tmp_path: Path) -> None:
    skipped = {"exception_info": "action was not executed"}
    rejection = "Commands not executed. The user rejected your commands with the following message: no"
    events = read(
        tmp_path,
        document(
            answer("a", "rm -r x", "rm y", at=START, number=1),
            result("call_1_0", "", -1, START + 1, **skipped),
            result("call_1_1", "", -1, START + 1, **skipped),
            {"role": "user", "content": rejection, "extra": {"interrupt_type": "UserRejection"}},
            answer("b", "make", "make test", "make install", at=START + 2, number=2),
            result("call_2_0", "made\n", 0, START + 9),
            result("call_2_1", "", -1, START + 9, **skipped),
            result("call_2_2", "", -1, START + 9, **skipped),
            {"role": "user", "content": "Interrupted by user: stop",
             "extra": {"interrupt_type": "UserInterruption"}},
        ),
    )  # fmt: skip
    ended = only(events, CallEnded)
    assert [e.outcome for e in ended] == ["rejected", "rejected", "success", "interrupted", "cancelled"]
    assert [e.exit_code for e in ended] == [None, None, 0, None, None]
    assert ended[0].message == rejection
    assert [p.text for p in only(events, Prompt)][1:] == [rejection, "Interrupted by user: stop"]


def test_a_task_given_up_in_the_middle_of_a_command_leaves_it_without_an_end(tmp_path: Path) -> None:
    events = read(tmp_path, document(answer("a", "sleep 600", at=START, number=1)))
    assert len(only(events, CallStarted)) == 1
    assert only(events, CallEnded) == []


def test_an_answer_that_was_no_call_costs_all_the_same(tmp_path: Path) -> None:
    wrong = {
        "interrupt_type": "FormatError", "cost": 0.5,
        "response": {"id": "r", "usage": {"prompt_tokens": 9, "completion_tokens": 4},
                     "choices": [{"message": {"content": "no call"}}]},
    }  # fmt: skip
    events = read(tmp_path, document({"role": "user", "content": "Tool call error", "extra": wrong}))
    (message,) = only(events, Message)
    assert (message.text, message.tokens, message.cost) == ("no call", {"input": 9, "output": 4}, 0.5)
    assert len(only(events, Prompt)) == 1


def test_the_responses_api_is_read_too(tmp_path: Path) -> None:
    response = {
        "object": "response", "id": "resp_1", "model": "other", "created_at": 1,
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi."}]},
                   {"type": "function_call", "call_id": "c1", "name": "bash", "arguments": "{}"}],
        "usage": {"input_tokens": 10, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 4}},
        "extra": {"actions": [{"command": "true", "tool_call_id": "c1"}], "cost": 0.0, "timestamp": START},
    }  # fmt: skip
    extra = {"raw_output": "", "returncode": 0, "timestamp": START + 1, "exception_info": None}
    observed = {"type": "function_call_output", "call_id": "c1", "output": "shown", "extra": extra}
    events = read(tmp_path, document(response, observed))
    message = only(events, Message)[0]
    assert (message.text, message.model, message.cost) == ("Hi.", "other", None)
    assert message.tokens == {"input": 6, "output": 3, "cache_read": 4}
    assert [end.exit_code for end in only(events, CallEnded)] == [0]


def v1(*contents: str, status: str = "Submitted", timed: bool = True) -> Any:
    roles = ["system", "user"] + ["assistant", "user"] * len(contents)
    messages: list[dict[str, Any]] = [
        {"role": role, "content": content} for role, content in zip(roles, contents, strict=False)
    ]
    if not timed:
        return messages
    for n, message in enumerate(messages):
        message["timestamp"] = START + n
    stats = {"instance_cost": 0.75, "api_calls": 3}
    return {
        "info": {"exit_status": status, "submission": "", "mini_version": "1.17.5", "model_stats": stats},
        "messages": messages, "trajectory_format": "mini-swe-agent-1",
    }  # fmt: skip


V1 = (
    "You are an agent.",
    "Write calc.py",
    "Look.\n\n```bash\nls\nexit 2\n```",
    "<returncode>2</returncode>\n<output>\na\nb\n</output>",
    "Slow.\n\n```mswea_bash_command\nsleep 60\n```",
    "The last command <command>sleep 60</command> timed out and has been killed.\n"
    "The output of the command was:\n<output>\nbegun\n</output>\nPlease try another command and make sure",
    "Two.\n```bash\na\n```\n```bash\nb\n```",
    "Please always provide EXACTLY ONE action in triple backticks, found 2 actions.",
    "Ask.\n```bash\nrm x\n```",
    "Command not executed. The user rejected your command with the following message: no",
    "Done.\n```bash\necho COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat p\n```",
    "patch\n",
)


def test_version_1_has_commands_and_results_in_its_texts(tmp_path: Path) -> None:
    events = read(tmp_path, v1(*V1))
    started, ended = only(events, CallStarted), only(events, CallEnded)
    assert [s.command_line for s in started] == [
        "ls\nexit 2", "sleep 60", "rm x", "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat p",
    ]  # fmt: skip
    assert [(e.outcome, e.exit_code, e.exit_code_basis) for e in ended] == [
        ("failure", 2, "text"), ("timeout", None, None), ("rejected", None, None),
        ("success", 0, "success flag"),
    ]  # fmt: skip
    assert [e.stdout for e in ended] == ["a\nb\n", "begun\n", None, "patch\n"]
    assert (started[0].at, ended[0].at) == ((START + 2) * 1000, (START + 3) * 1000)
    assert sum(m.cost or 0 for m in only(events, Message)) == 0.75
    assert [end.reason for end in only(events, SessionEnded)] == ["Submitted"]
    assert len(only(events, Prompt)) == 2


def test_a_bare_list_of_messages_is_the_oldest_format(tmp_path: Path) -> None:
    events = read(tmp_path, v1(*V1[:4], timed=False))
    assert [(e.exit_code, e.at) for e in only(events, CallEnded)] == [(2, None)]
    head = "<returncode>0</returncode>\n<warning>\nlong\n</warning>\n<output_head>\nx\n</output_head>"
    (end,) = only(read(tmp_path, v1(*V1[:3], head)), CallEnded)
    assert (end.exit_code, end.output_truncated) == (0, True)


def test_the_id_is_the_tasks_and_not_the_files(tmp_path: Path) -> None:
    first = document(answer("a", "true", at=START, number=1))
    grown = document(answer("a", "true", at=START, number=1), result("call_1_0", "", 0, START + 1))
    other = document(answer("a", "true", at=START + 1, number=1))
    ids = [read(tmp_path, value)[0].conversation_id for value in (first, grown, other)]
    assert ids[0] == ids[1] != ids[2]
    (tmp_path / "sub").mkdir()
    assert next(iter(MINI.parse(written(tmp_path / "sub", first)))).conversation_id == ids[0]


def test_calls_with_the_same_id_in_two_answers_are_two(tmp_path: Path) -> None:
    again = answer("b", "false", at=START + 2, number=1)
    events = read(
        tmp_path,
        document(
            answer("a", "true", at=START, number=1), result("call_1_0", "1", 0, START + 1),
            again, result("call_1_0", "2", 1, START + 3),
        ),
    )  # fmt: skip
    assert len({s.call_id for s in only(events, CallStarted)}) == 2
    assert [e.exit_code for e in only(events, CallEnded)] == [0, 1]
    assert {e.call_id for e in only(events, CallEnded)} == {s.call_id for s in only(events, CallStarted)}


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"messages": [', b"[" * 100_000, b"null", b"{}", b"\xff\xfe"]
)
def test_a_torn_file_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "torn.traj.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        list(MINI.parse(path))


def test_wrong_types_anywhere_break_nothing(tmp_path: Path) -> None:
    whole = document(
        answer("Look.", "ls", at=START, number=1, prompt_tokens=5),
        result("call_1_0", "out", 3, START + 1),
        answer("Go.", "rm", at=START + 2, number=2),
        {"role": "user", "content": "Interrupted by user", "extra": {"interrupt_type": "UserInterruption"}},
    )
    read_something = 0
    for value in (*mutations(whole), *mutations(v1(*V1))):
        try:
            events = read(tmp_path, value)
        except ValueError:
            continue
        assert_sound(events)
        read_something += len(events) > 1
    assert read_something > 500


def test_trajectories_are_found_where_mini_puts_them(tmp_path: Path) -> None:
    home, root, config = tmp_path / "home", tmp_path / "work", tmp_path / "config"
    root.mkdir()
    config.mkdir()
    environ = {"MSWEA_GLOBAL_CONFIG_DIR": str(config)}
    assert list(MINI.find_transcripts(home, environ)) == []
    last = written(config, document(), "last_mini_run.traj.json")
    own = written(root, document())
    assert list(MINI.find_transcripts(home, environ)) == [last]
    assert list(MINI.recent_transcripts(home, environ, root, 0.0)) == [own, last]
    os.utime(own, (10, 10))
    assert list(MINI.recent_transcripts(home, environ, root, 10.0)) == [last]
    written(config, document(cwd="/elsewhere"), "last_mini_run.traj.json")
    assert list(MINI.recent_transcripts(home, environ, root, 10.0)) == []
    written(config, document(cwd=str(root / "sub")), "last_mini_run.traj.json")
    assert list(MINI.recent_transcripts(home, environ, root, 10.0)) == [last]


def test_only_trajectories_are_recognized(tmp_path: Path) -> None:
    path = written(tmp_path, document())
    assert MINI.recognizes(path, path.read_bytes())
    assert MINI.recognizes(tmp_path / "any.json", path.read_bytes())
    assert not MINI.recognizes(tmp_path / "any.json", b'{"name": "x"}')
    assert not MINI.recognizes(tmp_path / "x.traj.json", b"text")
    assert MINI.line_parser(path) is None
    assert list(MINI.companions(path)) == []
    assert list(MINI.hook_events({"session_id": "x"}, 0)) == []
