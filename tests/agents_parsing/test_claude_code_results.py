"""What came of a call: each form that Claude Code 2.0 to 2.1.329 gives it, as real runs showed them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector.agents.events import CallEnded, CallStarted
from tests.agents_parsing.claude_code_lines import (
    MAIN,
    SESSION,
    answers,
    end_of,
    line,
    only,
    parse,
    ran,
    says,
    typed,
    uses,
)

SUBAGENT = MAIN.parent / SESSION / "subagents" / "agent-a1b2c3.jsonl"
REFUSED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file "
    "edit, the new_string was NOT written to the file). STOP what you are doing."
)
BASH = uses("Bash", command="make test")


def told(end: CallEnded) -> tuple[Any, ...]:
    return end.outcome, end.exit_code, end.exit_code_basis


# Commands


def test_a_command_is_told_as_the_model_wrote_it() -> None:
    tool_use = uses(
        "Bash", command="a \\\n  && b\n", description="Both", timeout=120000, run_in_background=True
    )
    [start] = only(CallStarted, parse(says(tool_use)))
    assert (start.kind, start.tool, start.command_line) == ("shell", "Bash", "a \\\n  && b\n")
    assert (start.description, start.timeout_ms, start.background) == ("Both", 120000, True)
    assert (start.working_directory, start.message_id) == ("/home/dev/app", "msg_1")
    assert start.at == 1_772_359_200_000


def test_success_means_0() -> None:
    end = end_of(BASH, answers("out", ran("out")))
    assert told(end) == ("success", 0, "success flag")
    assert (end.stdout, end.stderr, end.output_truncated) == ("out", None, False)


def test_both_streams_where_the_tool_has_them_apart() -> None:
    end = end_of(BASH, answers("out\nerr", {**ran("out"), "stderr": "err"}))
    assert (end.stdout, end.stderr) == ("out", "err")


def test_no_output_is_not_the_sentence_that_the_model_is_told() -> None:
    assert end_of(BASH, answers("(Bash completed with no output)", ran(""))).stdout == ""
    assert end_of(BASH, answers("(Bash completed with no output)")).stdout == ""


@pytest.mark.parametrize("code", [1, 2, 127, 137, 255])
def test_a_failure_says_its_exit_code_in_the_first_line(code: int) -> None:
    said = f"Exit code {code}\nfirst\nExit code 9"
    end = end_of(BASH, answers(said, f"Error: {said}", failed=True))
    assert told(end) == ("failure", code, "text")
    assert (end.stdout, end.signal, end.message) == ("first\nExit code 9", None, None)


def test_a_failure_without_output() -> None:
    end = end_of(BASH, answers("Exit code 1", "Error: Exit code 1", failed=True))
    assert (told(end), end.stdout) == (("failure", 1, "text"), "")


@pytest.mark.parametrize("said", ["Exit code", "Exit code x\n", "The Exit code 3\n", " Exit code 3\n", "3"])
def test_another_first_line_is_no_exit_code(said: str) -> None:
    assert told(end_of(BASH, answers(said, failed=True))) == ("failure", None, None)


def test_an_exit_code_in_the_output_of_another_tool_is_none() -> None:
    end = end_of(uses("mcp__ci__run"), answers("Exit code 3\nno", failed=True))
    assert (end.outcome, end.exit_code, end.message) == ("failure", None, "Exit code 3")


def test_a_failure_of_version_2_0_has_no_exit_code_at_all() -> None:
    end = end_of(BASH, answers("FAIL a.test.ts\n1 failed", "Error: FAIL a.test.ts\n1 failed", failed=True))
    assert told(end) == ("failure", None, None)
    assert (end.stdout, end.message) == ("FAIL a.test.ts\n1 failed", "FAIL a.test.ts")


def test_a_harmless_1_is_no_exit_code() -> None:
    account = ran("", returnCodeInterpretation="No matches found")
    end = end_of(uses("Bash", command="grep x y"), answers("(Bash completed with no output)", account))
    assert (told(end), end.message) == (("success", None, None), "No matches found")


@pytest.mark.parametrize(
    ("command", "may"),
    [
        ("grep x y", True),
        ("ls | grep x", True),
        ("echo hi && grep 'a|b;c' y", True),
        ("false || diff a b > /dev/null", True),
        ("true; [ 1 = 2 ]", True),
        ("test -f x", True),
        ("find . -name '*.py'", True),
        ("git diff --exit-code", True),
        ("git -C x grep y", True),
        ("X=1 rg x", True),
        ("(grep x y)", True),
        ("! grep x y", True),
        ("grep x <<EOF\na\nEOF", True),
        ("grep x y | head", False),
        ("grep x y; echo done", False),
        ('echo "| grep x"', False),
        ("echo a \\| grep", False),
        ("git status", False),
        ("cat <<EOF\na\nEOF", False),
        ("make test", False),
        ("", False),
        ("'", False),
        (" ;;; ", False),
    ],
)
def test_without_the_tools_own_account_a_command_that_may_end_with_1_has_no_exit_code(
    command: str, may: bool
) -> None:
    """Claude Code takes 1 for a success by the last simple command; a subagent's transcript hides it."""
    end = end_of(uses("Bash", command=command), answers("out"), SUBAGENT)
    assert told(end) == (("success", None, None) if may else ("success", 0, "success flag"))


def test_a_command_that_a_person_stopped() -> None:
    end = end_of(BASH, answers("part", {**ran("part"), "interrupted": True}))
    assert (told(end), end.stdout) == (("interrupted", None, None), "part")


def test_a_command_that_was_stopped_and_has_an_exit_code() -> None:
    said = "Exit code 137\npart\n[Request interrupted by user for tool use]"
    end = end_of(BASH, answers(said, f"Error: {said}", failed=True))
    assert told(end) == ("interrupted", 137, "text")
    assert end.stdout == "part\n"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Exit code 143\nCommand timed out after 1s\nstart", 143),
        ("Command timed out after 2m 0.0s\nstart", None),
    ],
)
def test_a_time_limit_that_ended_the_command(said: str, code: int | None) -> None:
    end = end_of(BASH, answers(said, f"Error: {said}", failed=True))
    assert (end.outcome, end.exit_code, end.stdout) == ("timeout", code, "start")
    assert end.message is not None
    assert end.message.startswith("Command timed out after ")


def test_a_time_limit_that_sent_it_to_the_background() -> None:
    """Since 2.1.329 the command goes on."""
    said = (
        "start\nCommand did not complete within its 1s timeout and was moved to the background (ID: b1). "
        "Output is being written to: /tmp/tasks/b1.output. You will be notified when it completes."
    )
    details = ran("start", backgroundTaskId="b1", timedOutAfterMs=1000)
    for end in (end_of(BASH, answers(said, details)), end_of(BASH, answers(said), SUBAGENT)):
        assert told(end) == ("background", None, None)
        assert (end.stdout, end.output_path) == ("start", "/tmp/tasks/b1.output")
        assert end.message is not None
        assert "1s timeout" in end.message


def test_a_time_limit_that_only_the_tools_own_account_tells() -> None:
    end = end_of(BASH, answers("start", ran("start", timedOutAfterMs=1000)))
    assert (told(end), end.message) == (("timeout", None, None), "timed out after 1000 ms")


def test_words_about_the_background_within_an_output_mean_nothing() -> None:
    said = "see: Command running in background with ID: b1. Output is being written to: /x"
    assert told(end_of(BASH, answers(said))) == ("success", 0, "success flag")
    log = "Command running in background with ID: b1"
    assert told(end_of(BASH, answers(log, ran(log)))) == ("success", 0, "success flag")


def test_output_that_was_too_long_for_the_model() -> None:
    said = (
        "<persisted-output>\nOutput too large (106.3KB). Full output saved to: /p/tool-results/x.txt\n\n"
        "Preview (first 2KB):\n1\n2\n...\n</persisted-output>"
    )
    account = ran("1\n2\n3", persistedOutputPath="/p/tool-results/x.txt", persistedOutputSize=108894)
    end = end_of(BASH, answers(said, account))
    assert (end.output_path, end.output_bytes) == ("/p/tool-results/x.txt", 108894)
    assert (end.stdout, end.output_truncated, end.exit_code) == ("1\n2\n3", True, 0)
    end = end_of(BASH, answers(said), SUBAGENT)
    assert (end.output_path, end.output_bytes) == ("/p/tool-results/x.txt", None)
    assert (end.stdout, end.output_truncated, end.exit_code) == ("1\n2\n", True, 0)


def test_failed_output_that_was_cut() -> None:
    said = "Exit code 7\n1\n\n\n... [20012 characters truncated] ...\n\n9"
    end = end_of(BASH, answers(said, f"Error: {said}", failed=True))
    assert (end.exit_code, end.output_truncated, end.output_path) == (7, True, None)


def test_a_picture_is_no_output() -> None:
    end = end_of(BASH, answers([{"type": "image"}], ran("data:image/png;base64,AAAA", isImage=True)))
    assert (end.stdout, end.exit_code) == (None, 0)


# What never ran, or was stopped


@pytest.mark.parametrize(
    "said",
    [
        "PreToolUse:Bash hook error: [/hooks/check.sh]: no\n",
        "Permission to use Bash with command rmdir x has been denied.",
        "Claude requested permissions to use Bash, but you haven't granted it yet.",
        "This command requires approval",
        "Output redirection to '/etc/x' was blocked. For security, Claude Code may only write to files in",
        "<tool_use_error>Permission to use Read has been denied.</tool_use_error>",
        "<tool_use_error>Blocked: standalone sleep 40.</tool_use_error>",
    ],
)
def test_a_refusal_by_a_rule_or_hook(said: str) -> None:
    end = end_of(BASH, answers(said, f"Error: {said}", failed=True))
    assert told(end) == ("denied", None, None)
    assert end.stdout is None
    assert end.message
    assert "\n" not in end.message


def test_a_refusal_is_known_by_its_mark_whatever_its_words() -> None:
    for kind in ("permission-rule", "automode-blocked", "automode-unavailable", "a-kind-to-come"):
        end = end_of(BASH, answers("Not on my watch.", failed=True, toolDenialKind=kind))
        assert (end.outcome, end.message) == ("denied", "Not on my watch.")
    for kind in ("interrupted", "cancelled"):
        assert end_of(BASH, answers("x", failed=True, toolDenialKind=kind)).outcome == kind


def test_nobody_to_ask_is_a_refusal_too() -> None:
    end = end_of(
        BASH,
        answers(
            "Claude requested permissions to use WebFetch, but you haven't granted it yet.",
            failed=True, toolDenialKind="user-rejected", permissionDecision={"decision": "reject"},
        ),
    )  # fmt: skip
    assert end.outcome == "denied"


def test_a_result_that_was_withheld_after_the_command_ran_is_no_refusal() -> None:
    marks: dict[str, Any] = {"toolDenialKind": "permission-rule", "toolDenialAfterRun": True}
    assert told(end_of(BASH, answers("withheld", failed=True, **marks))) == ("failure", None, None)


def test_a_hook_that_refused_a_command_in_its_own_words() -> None:
    """Version 2.1.39: only that a hook ran before, and that there is no exit code, tells it."""
    hook = line(
        "progress",
        data={"type": "hook_progress", "hookEvent": "PreToolUse", "hookName": "PreToolUse:Bash"},
        parentToolUseID="toolu_1", toolUseID="toolu_1",
    )  # fmt: skip
    for said, outcome in (("Pre-commit failed:\nx", "denied"), ("Exit code 1\nPre-commit failed", "failure")):
        [end] = only(CallEnded, parse(says(BASH), hook, answers(said, f"Error: {said}", failed=True)))
        assert end.outcome == outcome
    assert end_of(BASH, answers("Pre-commit failed:\nx", failed=True)).outcome == "failure"


def test_a_rejection_by_a_person() -> None:
    end = end_of(BASH, answers(REFUSED, "User rejected tool use", failed=True))
    assert told(end) == ("rejected", None, None)
    marks: dict[str, Any] = {"toolDenialKind": "user-rejected", "toolDenialBeforeRun": True}
    assert end_of(BASH, answers(REFUSED, failed=True, **marks)).outcome == "rejected"


def test_a_rejection_that_the_agent_recorded_as_a_decision() -> None:
    marks: dict[str, Any] = {"toolDenialKind": "user-rejected", "permissionDecision": {"decision": "reject"}}
    assert end_of(BASH, answers(REFUSED, failed=True, **marks)).outcome == "rejected"


def test_a_running_command_that_a_person_stopped_has_the_words_of_a_rejection() -> None:
    """2.1.329 marks what never ran; the words are the same."""
    end = end_of(
        BASH, answers(REFUSED, "User rejected tool use", failed=True, toolDenialKind="user-rejected")
    )
    assert told(end) == ("interrupted", None, None)
    assert end.message == "a person stopped it while it ran"


def test_before_2_1_329_only_the_next_line_tells_that_it_was_running() -> None:
    stop = [{"type": "text", "text": "[Request interrupted by user for tool use]"}]
    refused = answers(REFUSED, "User rejected tool use", failed=True)
    stopped = parse(says(BASH), refused, typed(stop, interruptedMessageId="msg_1"))
    assert [end.outcome for end in only(CallEnded, stopped)] == ["rejected", "interrupted"]
    rejected = parse(says(BASH), answers(REFUSED, "User rejected tool use", failed=True), typed(stop))
    assert [end.outcome for end in only(CallEnded, rejected)] == ["rejected"]


def test_a_rejection_long_ago_is_not_what_was_stopped_now() -> None:
    stop = typed("[Request interrupted by user]", interruptedMessageId="msg_2")
    refused = answers(REFUSED, "User rejected tool use", failed=True)
    events = parse(says(BASH), refused, says(uses("Bash", "toolu_2"), message_id="msg_2"), stop)
    assert [end.outcome for end in only(CallEnded, events)] == ["rejected"]


def test_where_nobody_is_asked_nobody_can_have_rejected() -> None:
    go = typed("go", permissionMode="bypassPermissions")
    refused = answers(REFUSED, "User rejected tool use", failed=True)
    assert [end.outcome for end in only(CallEnded, parse(go, says(BASH), refused))] == ["interrupted"]
    ask = {"type": "permission-mode", "permissionMode": "default", "sessionId": SESSION}
    refused = answers(REFUSED, "User rejected tool use", failed=True)
    assert [e.outcome for e in only(CallEnded, parse(go, ask, says(BASH), refused))] == ["rejected"]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("<tool_use_error>Sibling tool call errored</tool_use_error>", "cancelled"),
        ("<tool_use_error>Cancelled: parallel tool call Bash(x) errored</tool_use_error>", "cancelled"),
        ("[Request interrupted by user for tool use]", "interrupted"),
        ("<tool_use_error>InputValidationError: command is missing</tool_use_error>", "failure"),
        ("<tool_use_error>Error: No such tool available: Bash</tool_use_error>", "failure"),
    ],
)
def test_other_ends_without_an_exit_code(said: str, outcome: str) -> None:
    end = end_of(BASH, answers(said, failed=True))
    assert told(end) == (outcome, None, None)
    assert end.message is not None
    assert not end.message.startswith(("<", "Error: "))


def test_an_agent_that_is_killed_leaves_a_call_without_an_end() -> None:
    assert not only(CallEnded, parse(says(BASH)))


def test_the_end_that_a_resumed_agent_makes_up_for_such_a_call_is_none() -> None:
    said = (
        "[Tool call interrupted: the session ended before this call's result was recorded, so its outcome "
        "is unknown. Check whether it took effect.]"
    )
    made_up = answers(said, said, failed=True, toolDenialKind="interrupted")
    assert not only(CallEnded, parse(says(BASH), made_up))


def test_parallel_calls_end_each_for_itself() -> None:
    events = parse(
        says(uses("Bash", "toolu_1", command="a"), uses("Bash", "toolu_2", command="b")),
        answers("Exit code 3\nb", failed=True, call_id="toolu_2"),
        answers("a", ran("a"), call_id="toolu_1"),
    )
    assert [(e.call_id, e.exit_code) for e in only(CallEnded, events)] == [("toolu_2", 3), ("toolu_1", 0)]


def test_several_results_in_one_line_share_no_account() -> None:
    both = answers("one", ran("other"), call_id="toolu_1")
    second = {"type": "tool_result", "tool_use_id": "toolu_2", "content": "two"}
    both["message"]["content"].append(second)
    calls = says(uses("Bash", "toolu_1", command="a"), uses("Bash", "toolu_2", command="b"))
    assert [end.stdout for end in only(CallEnded, parse(calls, both))] == ["one", "two"]


def test_the_end_of_a_call_whose_start_was_not_read() -> None:
    failed = answers("Exit code 3\nx", "Error: Exit code 3\nx", failed=True)
    assert told(only(CallEnded, parse(failed))[0]) == ("failure", 3, "text")
    assert told(only(CallEnded, parse(answers("x", ran("x"))))[0]) == ("success", 0, "success flag")
    assert told(only(CallEnded, parse(answers("x")))[0]) == ("success", None, None)


# Other tools


@pytest.mark.parametrize(
    ("tool", "tool_input", "kind", "shown"),
    [
        ("Read", {"file_path": "/home/dev/app/src/a.py"}, "read", "Read src/a.py"),
        ("Read", {"file_path": "/etc/hosts"}, "read", "Read /etc/hosts"),
        ("Edit", {"file_path": "/home/dev/app/a.py"}, "edit", "Edit a.py"),
        ("MultiEdit", {"file_path": "/home/dev/app/a.py"}, "edit", "MultiEdit a.py"),
        ("NotebookEdit", {"notebook_path": "/home/dev/app/n.ipynb"}, "edit", "NotebookEdit n.ipynb"),
        ("Write", {"file_path": "/home/dev/app/a.py", "content": "x"}, "write", "Write a.py"),
        ("Grep", {"pattern": "def f", "path": "/home/dev/app"}, "search", "Grep def f"),
        ("Glob", {"pattern": "**/*.py"}, "search", "Glob **/*.py"),
        ("WebFetch", {"url": "https://example.com/", "prompt": "p"}, "web", "WebFetch https://example.com/"),
        ("WebSearch", {"query": "a  b"}, "web", "WebSearch a b"),
        ("mcp__demo__add", {"a": 2}, "mcp", 'mcp__demo__add {"a": 2}'),
        ("mcp__demo__now", {}, "mcp", "mcp__demo__now"),
        ("Task", {"description": "Count", "prompt": "count all"}, "agent", "Task Count"),
        ("Agent", {"description": "Count", "prompt": "count all"}, "agent", "Agent Count"),
        ("TaskOutput", {"task_id": "b1"}, "other", "TaskOutput b1"),
        ("KillShell", {"shell_id": "b1"}, "other", "KillShell b1"),
        ("TaskCreate", {"subject": "notes", "description": "d"}, "other", "TaskCreate notes"),
        ("SomethingNew", {"x": 1}, "other", "SomethingNew"),
        ("Bash", {}, "shell", "Bash"),
        ("Skill", {"skill": "x" * 400}, "other", "Skill " + "x" * 293 + "…"),
    ],
)
def test_kinds_of_tools(tool: str, tool_input: dict[str, Any], kind: str, shown: str) -> None:
    [start] = only(CallStarted, parse(says(uses(tool, **tool_input))))
    assert (start.kind, start.command_line, start.input) == (kind, shown, tool_input)


def test_what_tools_return() -> None:
    parts = [{"type": "text", "text": "4"}, {"type": "image"}, {"type": "text", "text": "2"}]
    assert end_of(uses("mcp__demo__add"), answers(parts, parts)).stdout == "4\n2"
    assert (
        end_of(uses("Glob"), answers("a\nb", {"filenames": ["a", "b"], "durationMs": 12})).duration_ms == 12
    )
    searched = end_of(uses("WebSearch"), answers("found", {"results": [], "durationSeconds": 0.0815}))
    assert (searched.stdout, searched.duration_ms) == ("found", 82)


# Edits


def patched(diff: str | None, tmp_path: Path, name: str, before: str | None) -> str:
    """What git makes of a diff."""
    assert diff is not None
    if before is not None:
        (tmp_path / name).write_text(before)
    subprocess.run(["git", "apply", "-"], input=diff.encode(), cwd=tmp_path, check=True)
    return (tmp_path / name).read_text()


EDIT = uses("Edit", file_path="/home/dev/app/a.py", old_string="two", new_string="2\n2b")


def test_an_edit_with_its_patch(tmp_path: Path) -> None:
    hunk = {
        "oldStart": 1, "oldLines": 3, "newStart": 1, "newLines": 4,
        "lines": [" one", "-two", "+2", "+2b", " three"],
    }  # fmt: skip
    account = {
        "filePath": "/home/dev/app/a.py",
        "originalFile": "one\ntwo\nthree\n",
        "structuredPatch": [hunk],
    }
    diff = end_of(EDIT, answers("updated", account)).diff
    assert diff == "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,4 @@\n one\n-two\n+2\n+2b\n three\n"
    assert patched(diff, tmp_path, "a.py", "one\ntwo\nthree\n") == "one\n2\n2b\nthree\n"


def test_a_file_without_a_newline_at_its_end(tmp_path: Path) -> None:
    lines = ["-one", "+uno", " two", "-three", "+three", "\\ No newline at end of file"]
    account = {"structuredPatch": [{"oldStart": 1, "newStart": 1, "lines": lines}]}
    diff = end_of(EDIT, answers("updated", account)).diff
    assert patched(diff, tmp_path, "a.py", "one\ntwo\nthree\n") == "uno\ntwo\nthree"


@pytest.mark.parametrize("content", ["one\ntwo\n", "one", "\n", "a\n\n"])
def test_a_new_file(content: str, tmp_path: Path) -> None:
    write = uses("Write", file_path="/home/dev/app/n.txt", content=content)
    account: dict[str, Any] = {"type": "create", "content": content, "originalFile": None}
    told_by_account = end_of(write, answers("File created successfully at: x", account)).diff
    told_by_words = end_of(write, answers("File created successfully at: x"), SUBAGENT).diff
    assert told_by_account == told_by_words
    assert patched(told_by_words, tmp_path, "n.txt", None) == content


def test_a_file_that_was_overwritten_without_a_word_of_what_was_there() -> None:
    write = uses("Write", file_path="/home/dev/app/n.txt", content="x")
    assert end_of(write, answers("The file x has been updated successfully."), SUBAGENT).diff is None


@pytest.mark.parametrize(
    ("before", "after"), [("a\nb\n", "a\nc\n"), ("a\nb", "a\nb\n"), ("a\n", "b"), ("", "x\n"), ("x\n", "")]
)
def test_an_overwritten_file_without_a_patch(before: str, after: str, tmp_path: Path) -> None:
    write = uses("Write", file_path="/home/dev/app/n.txt", content=after)
    diff = end_of(
        write, answers("updated", {"type": "update", "originalFile": before, "content": after})
    ).diff
    assert patched(diff, tmp_path, "n.txt", before) == after


def test_an_edit_of_which_only_the_input_is_known(tmp_path: Path) -> None:
    diff = end_of(EDIT, answers("The file has been updated successfully."), SUBAGENT).diff
    assert diff is not None
    assert diff.splitlines()[2:] == [
        "@@ -1,1 +1,2 @@ where in the file is not known", "-two", "+2", "+2b",
    ]  # fmt: skip
    assert patched(diff, tmp_path, "a.py", "two\n") == "2\n2b\n"


def test_several_edits_at_once() -> None:
    edits = [{"old_string": "a", "new_string": "b"}, {"old_string": "c", "new_string": ""}, {"x": 1}, 5]
    tool_use = uses("MultiEdit", file_path="/home/dev/app/a.py", edits=edits)
    diff = end_of(tool_use, answers("ok")).diff
    assert diff is not None
    assert [d for d in diff.splitlines() if d[:1] in "+-@"][2:] == [
        "@@ -1,1 +1,1 @@ where in the file is not known", "-a", "+b",
        "@@ -1,1 +0,0 @@ where in the file is not known", "-c",
    ]  # fmt: skip


def test_a_notebook(tmp_path: Path) -> None:
    before, after = '{"cells": [\n 1\n]}', '{"cells": [\n 2\n]}'
    account = {
        "notebook_path": "/home/dev/app/n.ipynb", "original_file": before, "updated_file": after,
    }  # fmt: skip
    tool_use = uses("NotebookEdit", notebook_path="/home/dev/app/n.ipynb", new_source="2")
    assert patched(end_of(tool_use, answers("ok", account)).diff, tmp_path, "n.ipynb", before) == after


def test_a_file_elsewhere_and_one_with_a_strange_name() -> None:
    elsewhere = uses("Edit", file_path="/etc/x", old_string="a", new_string="b")
    diff = end_of(elsewhere, answers("ok")).diff
    assert diff is not None
    assert diff.startswith("--- /etc/x\n+++ /etc/x\n")
    strange = uses("Edit", file_path="/home/dev/app/a\nb", old_string="a", new_string="b")
    diff = end_of(strange, answers("ok")).diff
    assert diff is not None
    assert diff.startswith('--- "a\\nb"\n')


def test_an_edit_that_failed_changed_nothing() -> None:
    said = "<tool_use_error>String to replace not found in file.\nString: two</tool_use_error>"
    end = end_of(EDIT, answers(said, failed=True))
    assert (end.outcome, end.diff, end.message) == (
        "failure", None, "String to replace not found in file.",
    )  # fmt: skip


def test_a_comparison_that_would_take_long_is_not_made() -> None:
    same = "".join(f"{number}\n" for number in range(1, 6000))
    before, after = f"a\n{same}", f"b\n{same}"
    write = uses("Write", file_path="/home/dev/app/n.txt", content=after)
    diff = end_of(write, answers("ok", {"type": "update", "originalFile": before, "content": after})).diff
    assert diff is not None
    assert diff.startswith("--- a/n.txt\n+++ b/n.txt\n@@ -1,6000 +1,6000 @@\n-a\n-1\n")
    assert diff.count("\n") == 12_003
