"""Results of Codex's commands in the six shapes that its rollouts have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collector.agents.events import CallEnded, CallStarted
from tests.agents_parsing.codex_lines import (
    AT_MS,
    answers,
    calls,
    chunk,
    custom,
    ended,
    event,
    item,
    line,
    meta,
    only,
    parse,
    response,
)

EXEC = calls("exec_command", {"cmd": "make test"})


def old(output: str, code: int, seconds: float = 1.5) -> str:
    return json.dumps({"output": output, "metadata": {"exit_code": code, "duration_seconds": seconds}})


# Shape A is JSON in a text


def test_a_exit_code_and_duration_are_fields_in_a_text() -> None:
    end = ended(calls("shell", {"command": ["bash", "-lc", "rg x"]}), answers(old("a\nb\n", 1)))
    assert (end.outcome, end.exit_code, end.exit_code_basis) == ("failure", 1, "field")
    assert (end.stdout, end.duration_ms) == ("a\nb\n", 1500)


def test_a_call_that_was_written_when_it_had_ended_began_as_long_before_as_it_took() -> None:
    events = parse(
        meta("0.40.0"),
        calls("shell", {"command": ["true"]}, at=9000), answers(old("", 0), at=9000),
    )  # fmt: skip
    [start], [end] = only(CallStarted, events), only(CallEnded, events)
    assert (start.at, end.at) == (AT_MS + 7500, AT_MS + 9000)


def test_a_call_of_an_old_version_without_a_result_is_told_all_the_same() -> None:
    lines = calls("shell", {"command": ["sleep", "9"]}, at=5), event("turn_aborted", 9, reason="interrupted")
    events = parse(meta("0.40.0"), *lines)
    [start], [end] = only(CallStarted, events), only(CallEnded, events)
    assert (start.command_line, start.at, end.outcome) == ("sleep 9", AT_MS + 5, "interrupted")


def test_parallel_calls_of_an_old_version_keep_their_results_apart() -> None:
    ask = {"command": ["bash", "-lc", "exit $X"]}
    events = parse(
        meta("0.40.0"), calls("shell", ask, "call_1", 50), calls("shell", ask, "call_2", 50),
        answers(old("", 3, 0.01), "call_1", 50), answers(old("", 0, 0.02), "call_2", 50),
    )  # fmt: skip
    assert [(s.call_id, s.at) for s in only(CallStarted, events)] == [
        ("call_1", AT_MS + 40), ("call_2", AT_MS + 30),
    ]  # fmt: skip
    assert [e.exit_code for e in only(CallEnded, events)] == [3, 0]


@pytest.mark.parametrize(
    ("output", "outcome", "exit_code"),
    [
        ("failed in sandbox MacosSeatbelt with execution error: sandbox denied exec error, exit code: 2, "
         "stdout: o, stderr: e", "failure", 2),
        ("patch rejected by user", "rejected", None),
        ("exec command rejected by user", "rejected", None),
        ("execution error: No such file or directory (os error 2)", "failure", None),
        ("exec_command failed: CreateProcess { message: \"Rejected(\\\"`rm` rejected: not permitted\\\")\" }",
         "denied", None),
        ("approval policy is Never; reject command \u2014 you cannot ask", "denied", None),
        ("patch rejected: writing is blocked by read-only sandbox; rejected by user approval settings",
         "denied", None),
        ("Command blocked by PreToolUse hook: no. Command: make test", "denied", None),
        ("Wall time: 5.7 seconds\naborted by user", "interrupted", None),
        ("aborted by user after 3.2s", "interrupted", None),
        ("aborted", "interrupted", None),
        ("command timed out after 1000 milliseconds\nhalf", "timeout", None),
        (old("command timed out after 1000 milliseconds\nhalf", 124), "timeout", None),
        ("failed to parse function arguments: missing field `cmd`", "failure", None),
        ("unsupported call: exec_command", "failure", None),
        ("what nobody has seen yet", "unknown", None),
    ],
)  # fmt: skip
def test_what_never_ran_or_was_stopped_has_no_exit_code(
    output: str, outcome: str, exit_code: int | None
) -> None:
    end = ended(EXEC, answers(output))
    assert (end.outcome, end.exit_code) == (outcome, exit_code)


def test_a_sandbox_that_denied_a_command_kept_its_streams_apart() -> None:
    text = "failed in sandbox X with execution error: denied, exit code: 1, stdout: , stderr: bash: no\nway"
    end = ended(EXEC, answers(text))
    assert (end.stdout, end.stderr, end.exit_code_basis) == ("", "bash: no\nway", "text")


@pytest.mark.parametrize("text", ["aborted by the linker: 12 errors", "patch rejected by peer review: no"])
def test_output_that_only_begins_like_a_refusal_is_output(text: str) -> None:
    end = ended(EXEC, answers(chunk(text, "Process exited with code 0")))
    assert (end.outcome, end.exit_code, end.stdout) == ("success", 0, text)


def test_a_command_that_speaks_of_a_timeout_had_none() -> None:
    text = "command timed out after 5 tries"
    assert ended(EXEC, answers(chunk(text, "Process exited with code 1"))).outcome == "failure"
    assert ended(EXEC, answers(chunk(text, "Process exited with code 124"))).outcome == "timeout"
    assert ended(EXEC, answers(chunk("late", "Process exited with code 124"))).exit_code == 124


def test_control_characters_in_json_in_a_text_are_read() -> None:
    end = ended(EXEC, answers(old("aXb", 3).replace("X", "\x01")))
    assert (end.exit_code, end.stdout) == (3, "a\x01b")


def test_json_that_a_command_printed_is_not_taken_for_a_result() -> None:
    end = ended(EXEC, answers(chunk(old("", 7), "Process exited with code 0")))
    assert (end.exit_code, end.stdout) == (0, old("", 7))


# Shape B is a text with a header


def test_b_header() -> None:
    text = "Exit code: 2\nWall time: 0.25 seconds\nTotal output lines: 900\nOutput:\nabc\n"
    end = ended(calls("shell_command", {"command": "make"}), answers(text))
    assert (end.outcome, end.exit_code, end.exit_code_basis) == ("failure", 2, "text")
    assert (end.stdout, end.duration_ms, end.output_truncated) == ("abc\n", 250, True)


def test_a_header_in_the_middle_of_an_output_is_output() -> None:
    end = ended(EXEC, answers("text\nExit code: 2\nOutput:\nabc\n"))
    assert (end.outcome, end.exit_code) == ("unknown", None)


def test_output_of_other_tools_is_never_read_as_a_header() -> None:
    text = "Exit code: 2\nWall time: 0.25 seconds\nOutput:\nabc\n"
    end = ended(calls("read_file", {"path": "log"}), answers(text))
    assert (end.outcome, end.exit_code, end.stdout) == ("unknown", None, text)


# Shape C comes in pieces


def test_c_header() -> None:
    end = ended(EXEC, answers(chunk("out\n", "Process exited with code 3")))
    assert (end.outcome, end.exit_code, end.exit_code_basis, end.stdout) == ("failure", 3, "text", "out\n")
    assert (end.duration_ms, end.output_truncated) == (500, False)


def test_c_cut_output_is_said_to_be_cut() -> None:
    cut = "a\u20269 tokens truncated\u2026c"
    body = f"Warning: truncated output (original token count: 9)\nTotal output lines: 3\n\n{cut}"
    end = ended(EXEC, answers(chunk(body, "Process exited with code 0")))
    assert (end.stdout, end.output_truncated) == (cut, True)


def test_the_end_of_a_command_that_went_on_is_told_of_the_first_call() -> None:
    events = parse(
        meta(), EXEC, answers(chunk("a\n", "Process running with session ID 7"), at=1000),
        calls("write_stdin", {"session_id": 7, "chars": ""}, "call_2", 1100),
        answers(chunk("b\n", "Process running with session ID 7"), "call_2", 2000),
        calls("write_stdin", {"session_id": 7, "chars": "q"}, "call_3", 2100),
        answers(chunk("c\n", "Process exited with code 4"), "call_3", 3000),
    )  # fmt: skip
    assert [s.call_id for s in only(CallStarted, events)] == ["call_1"]
    first, last = only(CallEnded, events)
    assert (first.call_id, first.outcome, first.stdout) == ("call_1", "background", "a\n")
    assert (last.call_id, last.outcome, last.exit_code, last.stdout) == ("call_1", "failure", 4, "a\nb\nc\n")
    assert (last.at, last.duration_ms) == (AT_MS + 3000, None), "the wall time is that of the last piece"


def test_write_stdin_to_an_unknown_command_is_a_call_of_its_own() -> None:
    events = parse(
        meta(), calls("write_stdin", {"session_id": 99, "chars": "x"}),
        answers("write_stdin failed: Unknown process id 99"),
    )  # fmt: skip
    [start], [end] = only(CallStarted, events), only(CallEnded, events)
    assert (start.kind, end.outcome) == ("other", "failure")


def test_two_commands_that_go_on_are_not_mixed_up() -> None:
    events = parse(
        meta(), EXEC, answers(chunk("a", "Process running with session ID 1")),
        calls("exec_command", {"cmd": "two"}, "call_2"),
        answers(chunk("b", "Process running with session ID 2"), "call_2"),
        calls("write_stdin", {"session_id": 1}, "call_3"), calls("write_stdin", {"session_id": 2}, "call_4"),
        answers(chunk("B", "Process exited with code 2"), "call_4"),
        answers(chunk("A", "Process exited with code 1"), "call_3"),
    )  # fmt: skip
    last = {end.call_id: (end.exit_code, end.stdout) for end in only(CallEnded, events)}
    assert last == {"call_1": (1, "aA"), "call_2": (2, "bB")}


# Shapes D and E are fields


def told(**fields: Any) -> dict[str, Any]:
    return {
        "command": ["/bin/bash", "-lc", "make test"], "cwd": "/home/dev/app", "exit_code": 3,
        "status": "failed", "duration": {"secs": 1, "nanos": 500_000_000}, **fields,
    }  # fmt: skip


def test_d_fields_win_over_the_text() -> None:
    fields = told(stdout="o", stderr="e", aggregated_output="")
    end = ended(EXEC, event("exec_command_end", 10, call_id="call_1", **fields), answers("oe", at=20))
    assert (end.outcome, end.exit_code, end.exit_code_basis) == ("failure", 3, "field")
    assert (end.stdout, end.stderr, end.duration_ms, end.at) == ("o", "e", 1500, AT_MS + 10)


def test_d_one_stream_is_enough() -> None:
    for stdout, stderr in (("o", ""), ("", "e")):
        fields = told(stdout=stdout, stderr=stderr, aggregated_output="")
        end = ended(EXEC, event("exec_command_end", call_id="call_1", **fields))
        assert (end.stdout, end.stderr) == (stdout or None, stderr or None)
    end = ended(EXEC, event("exec_command_end", call_id="call_1", **told(stdout="o", aggregated_output="oe")))
    assert (end.stdout, end.stderr) == ("oe", None)


def test_e_items_have_both_streams_in_one() -> None:
    fields = told(aggregated_output="oe", cwd="file:///home/dev/app", status="completed", exit_code=0)
    events = parse(meta(), EXEC, item("CommandExecution", 10, id="call_1", **fields), answers("x", at=20))
    [end] = only(CallEnded, events)
    assert (end.outcome, end.exit_code, end.stdout, end.stderr) == ("success", 0, "oe", None)


def test_output_that_was_cut_for_the_rollout_is_said_to_be_cut() -> None:
    cut = "a\n\n... command output truncated for persistence ...\n\nb"
    end = ended(EXEC, item("CommandExecution", id="call_1", **told(aggregated_output=cut)))
    assert end.output_truncated


def test_a_declined_command_never_ran() -> None:
    end = ended(EXEC, item("CommandExecution", id="call_1", **told(status="declined", exit_code=-1)))
    assert (end.outcome, end.exit_code) == ("rejected", None)


def test_fields_of_a_command_that_goes_on_end_the_first_call_once() -> None:
    events = parse(
        meta(), EXEC, answers(chunk("a", "Process running with session ID 7"), at=1000),
        calls("write_stdin", {"session_id": 7}, "call_2", 1100),
        item("CommandExecution", 3000, id="call_1", **told(aggregated_output="ab")),
        answers(chunk("b", "Process exited with code 3"), "call_2", 3001),
    )  # fmt: skip
    assert [(e.outcome, e.stdout) for e in only(CallEnded, events)] == [
        ("background", "a"),
        ("failure", "ab"),
    ]


def test_what_an_aborted_command_printed_is_told_but_no_exit_code() -> None:
    lines = (
        EXEC, answers("Wall time: 5.7 seconds\naborted by user", at=5700),
        event("turn_aborted", 5800, reason="interrupted"),
        item("CommandExecution", 5900, id="call_1", **told(exit_code=-1, aggregated_output="half\n")),
    )  # fmt: skip
    outcomes = [(e.outcome, e.exit_code, e.stdout) for e in only(CallEnded, parse(meta(), *lines))]
    assert outcomes == [("interrupted", None, None), ("interrupted", None, "half\n")]


@pytest.mark.parametrize(("reason", "outcome"), [("interrupted", "interrupted"), ("replaced", "cancelled")])
def test_an_aborted_turn_ends_the_calls_that_wait(reason: str, outcome: str) -> None:
    end = ended(EXEC, event("turn_aborted", 10, reason=reason))
    assert (end.outcome, end.message, end.at) == (outcome, reason, AT_MS + 10)


def test_an_aborted_turn_leaves_alone_what_goes_on() -> None:
    lines = EXEC, answers(chunk("", "Process running with session ID 7")), event("turn_aborted", reason="x")
    assert [e.outcome for e in only(CallEnded, parse(meta(), *lines))] == ["background"]


def test_a_persons_own_command_is_told_once() -> None:
    text = (
        "<user_shell_command>\n<command>\nmake test\n</command>\n<result>\nExit code: 6\n"
        "Duration: 0.0142 seconds\nOutput:\nbang\n\n</result>\n</user_shell_command>"
    )
    message = response("message", 20, id="msg_1", role="user", content=[{"type": "input_text", "text": text}])
    alone = parse(meta(), message)
    [start], [end] = only(CallStarted, alone), only(CallEnded, alone)
    assert (start.tool, start.kind, start.command_line) == ("user_shell", "shell", "make test")
    assert (end.exit_code, end.exit_code_basis, end.stdout, end.duration_ms) == (6, "text", "bang\n", 14)
    assert (start.at, end.at) == (AT_MS + 6, AT_MS + 20)
    fields = told(source="user_shell", aggregated_output="bang\n", exit_code=6)
    both = parse(meta(), item("CommandExecution", 10, id="u1", **fields), message)
    assert [(e.call_id, e.exit_code) for e in only(CallEnded, both)] == [("u1", 6)]
    assert [s.tool for s in only(CallStarted, both)] == ["user_shell"]


@pytest.mark.parametrize(("code", "known"), [(0, ("success", 0)), (-1, ("failure", None))])
def test_how_a_persons_own_command_ended(code: int, known: tuple[str, int | None]) -> None:
    text = (
        f"<user_shell_command>\n<command>\nls\n</command>\n<result>\nExit code: {code}\n"
        "Duration: 0.0142 seconds\nOutput:\n\n</result>\n</user_shell_command>"
    )
    message = response("message", id="msg_1", role="user", content=[{"type": "input_text", "text": text}])
    [end] = only(CallEnded, parse(meta(), message))
    assert (end.outcome, end.exit_code) == known
    assert (end.exit_code_basis is None) == (end.exit_code is None)


def test_a_command_of_which_only_the_end_is_known_began_as_long_before_as_it_took() -> None:
    fields = told(duration={"secs": 2, "nanos": 500_000_000})
    [start] = only(CallStarted, parse(meta(), item("CommandExecution", 9000, id="u1", **fields)))
    assert start.at == AT_MS + 6500


# Shape F is a script

SCRIPT = (
    "const r = await tools.exec_command({cmd: 'echo \\'a\\'\\n', \"workdir\": \"/tmp\", yield_time_ms: 5});\n"
)
PRINTED = {"chunk_id": "1", "wall_time_seconds": 0.25, "exit_code": 3, "output": "a\n"}


def script_output(state: str, *printed: Any) -> list[dict[str, str]]:
    texts = [f"Script {state}\nWall time 0.1 seconds\nOutput:\n", *map(json.dumps, printed)]
    return [{"type": "input_text", "text": text} for text in texts]


def test_f_commands_of_a_script_that_are_plain_literals_are_told() -> None:
    output = script_output("completed", PRINTED)
    events = parse(meta(), custom("exec", SCRIPT), answers(output, at=50, kind="custom_tool"))
    script, command = only(CallStarted, events)
    assert (script.kind, script.command_line) == ("other", SCRIPT.strip())
    assert (command.kind, command.command_line) == ("shell", "echo 'a'\n")
    assert (command.call_id, command.working_directory) == ("call_1:1", "/tmp")
    nested, whole = only(CallEnded, events)
    assert (nested.call_id, nested.exit_code, nested.exit_code_basis) == ("call_1:1", 3, "field")
    assert (nested.stdout, nested.duration_ms) == ("a\n", 250)
    assert (whole.call_id, whole.outcome, whole.duration_ms) == ("call_1", "success", None)


def test_results_that_the_script_did_not_print_are_unknown() -> None:
    events = parse(meta(), custom("exec", SCRIPT + SCRIPT), answers(script_output("completed", PRINTED)))
    assert [e.exit_code for e in only(CallEnded, events)] == [None, None, None]
    assert [e.outcome for e in only(CallEnded, events)] == ["unknown", "unknown", "success"]


def test_a_command_that_codex_lost_sight_of_has_no_exit_code() -> None:
    output = script_output("completed", {**PRINTED, "exit_code": -1})
    nested, _ = only(CallEnded, parse(meta(), custom("exec", SCRIPT), answers(output)))
    assert (nested.outcome, nested.exit_code, nested.stdout) == ("unknown", None, "a\n")


@pytest.mark.parametrize(
    "script",
    [
        "for (const x of [1, 2]) { await tools.exec_command({cmd: 'make'}) }",
        "await Promise.all([1].map((x) => tools.exec_command({cmd: 'make'})))",
        "await tools.exec_command({cmd: `make ${target}`})",
        "await tools.exec_command({cmd: 'make ' + target})",
        "await tools.exec_command(options)",
        "if (x) await tools.exec_command({cmd: 'make'})",
        "await tools.exec_command({cmd: 'unended",
        "await tools.exec_command({cmd: 'a', ...more})",
        "throw new Error('boom')",
    ],
)
def test_a_script_whose_commands_are_not_certain_is_one_call(script: str) -> None:
    events = parse(meta(), custom("exec", script), answers(script_output("failed")))
    [start], [end] = only(CallStarted, events), only(CallEnded, events)
    assert (start.tool, start.kind, start.command_line) == ("exec", "other", script)
    assert end.outcome == "failure"


def test_commands_of_a_script_that_fields_tell_are_not_told_twice() -> None:
    events = parse(
        meta(), custom("exec", SCRIPT),
        item("CommandExecution", 10, id="exec-1", **told(aggregated_output="a")),
        answers(script_output("completed", PRINTED), at=20, kind="custom_tool"),
    )  # fmt: skip
    assert [(s.call_id, s.tool) for s in only(CallStarted, events)] == [
        ("call_1", "exec"), ("exec-1", "exec_command"),
    ]  # fmt: skip
    assert [(e.call_id, e.exit_code) for e in only(CallEnded, events)] == [("exec-1", 3), ("call_1", None)]


def test_a_script_that_runs_on_ends_with_the_last_wait() -> None:
    events = parse(
        meta(), custom("exec", SCRIPT),
        answers("Script running with cell ID 4\nWall time 0.5 seconds\nOutput:\n"),
        calls("wait", {"cell_id": "4"}, "call_2"), answers(script_output("completed", PRINTED), "call_2", 90),
    )  # fmt: skip
    assert [s.call_id for s in only(CallStarted, events)] == ["call_1", "call_1:1"]
    assert [(e.call_id, e.outcome, e.exit_code) for e in only(CallEnded, events)] == [
        ("call_1", "background", None), ("call_1:1", "failure", 3), ("call_1", "success", None),
    ]  # fmt: skip


def test_lines_of_the_first_versions_have_no_payload() -> None:
    flat = {"id": "old-thread", "timestamp": "2025-05-01T10:00:00Z", "instructions": None}
    call = {
        "type": "function_call",
        "name": "shell",
        "call_id": "c",
        "arguments": '{"command": ["ls", "-l x"]}',
    }
    output = {"type": "function_call_output", "call_id": "c", "output": old("", 0)}
    events = parse(flat, line("turn_context", {"model": "m"}), call, output)
    [start], [end] = only(CallStarted, events), only(CallEnded, events)
    assert (start.conversation_id, start.command_line, end.exit_code) == ("old-thread", "ls '-l x'", 0)
