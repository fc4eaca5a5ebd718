"""Chats of Gemini CLI, in lines and as documents; results; hooks; places."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

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
from collector.agents.gemini import AGENT
from tests.agents_parsing.codex_lines import assert_all_sound, only
from tests.agents_parsing.mutations import mutations

SESSION = "93623a3c-1a48-4a22-9894-f24fd71c11bc"
CHILD = "67c145a5-bb22-46e6-a18f-4959040e55ff"
AT_MS = 1_795_424_400_000
AT = "2026-11-23T09:00:00.000Z"
LATER = "2026-11-23T09:00:05.000Z"


def header(**fields: Any) -> dict[str, Any]:
    return {
        "sessionId": SESSION,
        "projectHash": "5f37",
        "startTime": AT,
        "lastUpdated": AT,
        "kind": "main",
        **fields,
    }


def user(text: Any, message_id: str = "u1") -> dict[str, Any]:
    content = [{"text": text}] if isinstance(text, str) else text
    return {"id": message_id, "timestamp": AT, "type": "user", "content": content}


def answer(*calls: dict[str, Any], message_id: str = "m1", text: str = "", **tokens: int) -> dict[str, Any]:
    counts = {"input": 0, "output": 0, "cached": 0, "thoughts": 0, "tool": 0, "total": 0, **tokens}
    message = {
        "id": message_id,
        "timestamp": AT,
        "type": "gemini",
        "content": text,
        "tokens": counts,
        "model": "g",
    }
    return {**message, "toolCalls": list(calls)} if calls else message


def call(
    output: str | None, *, name: str = "run_shell_command", error: str | None = None, shown: Any = None,
    status: str = "success", call_id: str = "run_shell_command__run_shell_command_1795424401000_0",
    **args: Any,
) -> dict[str, Any]:  # fmt: skip
    response = {k: v for k, v in (("output", output), ("error", error)) if v is not None}
    result = [{"functionResponse": {"id": call_id, "name": name, "response": response}}]
    return {
        "id": call_id, "name": name, "args": args or {"command": "make"}, "result": result, "status": status,
        "timestamp": LATER, "resultDisplay": shown,
    }  # fmt: skip


def shell(*lines: str) -> str:
    """What the shell tool tells its model."""
    return "<untrusted_context>\n" + "\n".join([*lines, "Process Group PGID: 42"]) + "\n</untrusted_context>"


def parse(*records: dict[str, Any] | bytes, path: Path = Path("/x/chats/session-1.jsonl")) -> list[AnyEvent]:
    parser = AGENT.line_parser(path)
    assert parser is not None
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in records]
    events = [told for line in lines for told in parser.feed(line)]
    assert_all_sound(events)
    return events


def ended(*calls: dict[str, Any]) -> CallEnded:
    [end] = only(CallEnded, parse(header(), answer(*calls)))
    return end


# Results of commands


@pytest.mark.parametrize(
    ("lines", "shown", "expected"),
    [
        (["Output: hello", "err"], "hello\nerr", ("success", 0, "success flag", "hello\nerr")),
        (["Output: (empty)"], "", ("success", 0, "success flag", "")),
        (["Output: (empty)", "Exit Code: 1"], "Command exited with code: 1", ("failure", 1, "text", "")),
        (["Output: x", "Exit Code: 127"], "x", ("failure", 127, "text", "x")),
        (["Output: bg", "Background PIDs: 7, 8"], "bg", ("success", 0, "success flag", "bg")),
        (["Output: Exit Code: 5"], "Exit Code: 5", ("success", 0, "success flag", "Exit Code: 5")),
        (["Output: a", "Exit Code: 5"], None, ("failure", 5, "text", "a")),
        (["Output: a", "Error: spawn failed"], "a", ("failure", None, None, "a")),
        (["Output: a", "Exit Code: 5", "b", "Exit Code: 1"], "a\nExit Code: 5\nb", ("failure", 1, "text",
                                                                                "a\nExit Code: 5\nb")),
    ],
)  # fmt: skip
def test_exit_codes(lines: list[str], shown: str | None, expected: tuple[Any, ...]) -> None:
    end = ended(call(shell(*lines), shown=shown))
    assert (end.outcome, end.exit_code, end.exit_code_basis, end.stdout) == expected


def test_a_command_that_a_signal_ended_has_no_exit_code() -> None:
    for told in ("Signal: 9", "Signal: SIGKILL"):
        end = ended(call(shell("Output: (empty)", told), shown="Command terminated by signal: 9"))
        assert (end.outcome, end.exit_code, end.signal, end.stdout) == ("failure", None, 9, "")


@pytest.mark.parametrize(("code", "outcome"), [(0, "success"), (127, "failure")])
def test_versions_of_2025_tell_everything(code: int, outcome: str) -> None:
    text = (
        "Command: make\nDirectory: (root)\nOutput: a\nb\nError: (none)\n"
        f"Exit Code: {code}\nSignal: 0\nBackground PIDs: (none)\nProcess Group PGID: 7"
    )
    end = ended(call(text, shown="a\nb"))
    assert (end.outcome, end.exit_code, end.exit_code_basis) == (outcome, code, "text")
    assert (end.stdout, end.signal) == ("a\nb", None)


def test_versions_of_2025_with_two_streams() -> None:
    text = (
        "Command: make\nDirectory: src\nStdout: out\nStderr: err\nError: (none)\nExit Code: 2\n"
        "Signal: (none)\nBackground PIDs: (none)\nProcess Group PGID: (none)"
    )
    end = ended(call(text))
    assert (end.exit_code, end.stdout, end.stderr) == (2, "out", "err")


def test_one_stream_that_looks_like_two() -> None:
    end = ended(call(shell("Output: a", "Stderr: b", "Exit Code: 2")))
    assert (end.stdout, end.stderr, end.exit_code) == ("a\nStderr: b", None, 2)


def test_output_that_was_cut_for_the_model_is_whole_in_what_was_shown() -> None:
    whole = "\n".join(map(str, range(9000)))
    head = "Output too large. Showing first 8 characters. For full output see: /t/x.txt\n"
    for begin in (f"<untrusted_context>\nOutput: {whole[:8]}\n...\n", ""):
        told = f"{head}{begin}{whole[-400:]}\nExit Code: 5\nProcess Group PGID: 7\n</untrusted_context>"
        end = ended(call(told, shown=whole))
        assert (end.exit_code, end.stdout, end.output_truncated) == (5, whole, False)
        end = ended(call(told))
        assert (end.exit_code, end.output_truncated) == (5, True)


def test_a_text_of_another_form_says_nothing_of_the_exit_code() -> None:
    for told in ("All is well", shell("Result: 5"), ""):
        end = ended(call(told, shown="x"))
        assert (end.outcome, end.exit_code) == ("unknown", None)


@pytest.mark.parametrize(
    ("text", "outcome", "stdout"),
    [
        ("Command was automatically cancelled because it exceeded the timeout of 0.1 minutes without output. "
         "Below is the output before it was cancelled:\nstarted", "timeout", "started"),
        ("Command was cancelled by user before it could complete. "
         "There was no output before it was cancelled.", "interrupted", ""),
        ("Command moved to background (PID: 7). Output hidden. Press Ctrl+B to view.", "background", None),
        ("Command is running in background. PID: 7. Initial output:\nx", "background", None),
    ],
)  # fmt: skip
def test_commands_that_did_not_end(text: str, outcome: str, stdout: str | None) -> None:
    end = ended(call(f"<untrusted_context>\n{text}\n</untrusted_context>"))
    assert (end.outcome, end.exit_code, end.stdout) == (outcome, None, stdout)


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        ("error", "params must have required property 'command'", "failure"),
        ("error", "Tool execution blocked: not here", "denied"),
        ("error", "Tool \"x\" execution denied by policy.", "denied"),
        ("cancelled", "[Operation Cancelled] Reason: User cancelled the operation.", "interrupted"),
        ("cancelled", "[Operation Cancelled] Reason: User did not allow tool call", "rejected"),
        ("cancelled", "[Operation Cancelled] Reason: User denied execution.", "rejected"),
    ],
)  # fmt: skip
def test_calls_that_did_not_work(status: str, error: str, outcome: str) -> None:
    end = ended(call(None, error=error, status=status))
    assert (end.outcome, end.exit_code, end.message) == (outcome, None, error)


def test_a_call_that_waits_has_no_end() -> None:
    events = parse(header(), answer(call(None, status="awaiting_approval")))
    assert len(only(CallStarted, events)) == 1
    assert only(CallEnded, events) == []


# Other tools


@pytest.mark.parametrize(
    ("name", "args", "kind", "line"),
    [
        ("read_file", {"file_path": "/a.py"}, "read", "read_file /a.py"),
        ("replace", {"file_path": "/a.py", "old_string": "x"}, "edit", "replace /a.py"),
        ("write_file", {"file_path": "/a.py", "content": "x"}, "write", "write_file /a.py"),
        ("grep_search", {"pattern": "x"}, "search", "grep_search x"),
        ("google_web_search", {"query": "x"}, "web", "google_web_search x"),
        ("mcp_db_query", {"sql": "x"}, "mcp", 'mcp_db_query {"sql": "x"}'),
        ("invoke_agent", {"agent_name": "scout", "prompt": "look"}, "agent", "invoke_agent look"),
        ("write_todos", {"todos": []}, "other", 'write_todos {"todos": []}'),
    ],
)
def test_kinds_of_tools(name: str, args: dict[str, Any], kind: str, line: str) -> None:
    events = parse(header(), answer(call("ok", name=name, **args)))
    [start], [end] = only(CallStarted, events), only(CallEnded, events)
    assert (start.kind, start.command_line, start.tool) == (kind, line, name)
    assert (end.outcome, end.stdout, end.exit_code) == ("success", "ok", None)


def test_an_edit_has_a_diff_with_its_path() -> None:
    shown = {
        "fileDiff": "Index: x\n===\n--- x\tCurrent\n+++ x\tProposed\n@@ -1,1 +1,1 @@\n-a\n+b\n",
        "fileName": "calc.py", "filePath": "/home/dev/calc.py", "isNewFile": False,
    }  # fmt: skip
    end = ended(call("ok", name="replace", shown=shown, file_path="/home/dev/calc.py"))
    assert end.diff == "--- a/home/dev/calc.py\n+++ b/home/dev/calc.py\n@@ -1,1 +1,1 @@\n-a\n+b\n"
    new = ended(call("ok", name="write_file", shown={**shown, "isNewFile": True}, file_path="x"))
    assert new.diff is not None
    assert new.diff.startswith("--- /dev/null\n+++ b/home/dev/calc.py\n")


def test_a_new_file_of_a_version_without_diffs() -> None:
    made = "Successfully created and wrote to new file: /a/b.py."
    assert ended(call(made, name="write_file", file_path="/a/b.py", content="1\n2\n")).diff == (
        "--- /dev/null\n+++ b/a/b.py\n@@ -0,0 +1,2 @@\n+1\n+2\n"
    )
    overwrote = "Successfully overwrote file: /a/b.py."
    assert ended(call(overwrote, name="write_file", file_path="/a/b.py", content="1\n")).diff is None


# Messages


def test_tokens_are_of_disjoint_kinds() -> None:
    told = parse(
        header(), answer(text="hi", input=1000, cached=300, output=20, thoughts=7, tool=5, total=1032)
    )
    [message] = only(Message, told)
    assert (message.message_id, message.text, message.model, message.at) == ("m1", "hi", "g", AT_MS)
    assert message.tokens == {"input": 705, "output": 27, "cache_read": 300, "reasoning": 7}
    assert message.tokens["input"] + message.tokens["cache_read"] + message.tokens["output"] == 1032


def test_a_message_that_is_written_again_tells_only_what_is_new() -> None:
    first = answer(text="hi", input=10, output=1)
    one, two = (
        call("a", call_id="c1", name="glob", pattern="x"),
        call("b", call_id="c2", name="glob", pattern="y"),
    )
    events = parse(header(), first, {**first, "toolCalls": [one]}, {**first, "toolCalls": [one, two]})
    assert len(only(Message, events)) == 1
    assert [e.call_id for e in only(CallEnded, events)] == [f"{SESSION}:c1", f"{SESSION}:c2"]
    assert {s.message_id for s in only(CallStarted, events)} == {"m1"}


def test_history_that_is_written_again_tells_nothing_again() -> None:
    first = answer(call("a", call_id="c1", name="glob", pattern="x"), text="hi", input=10)
    shortened = [user("summary", "s1"), {**first, "toolCalls": [{**first["toolCalls"][0], "result": []}]}]
    before = parse(header(), user("do it"), first)
    assert (
        parse(header(), user("do it"), first, {"$set": {"messages": shortened}}, {"$rewindTo": "m1"})
        == before
    )


def test_context_and_results_of_tools_are_no_prompts() -> None:
    result = [{"functionResponse": {"id": "c1", "name": "glob", "response": {"output": "x"}}}]
    context = user("<session_context>\nThis is the Gemini CLI", "c")
    events = parse(
        header(), context, user("do it", "u1"), user(result, "u2"), user("again", "u3"), user("do it", "u1")
    )
    assert [(p.text, p.prompt_id) for p in only(Prompt, events)] == [("do it", "u1"), ("again", "u3")]


def test_the_summary_is_the_title() -> None:
    events = parse(header(), {"$set": {"summary": "Fix it"}}, {"$set": {"lastUpdated": AT}})
    assert [s.title for s in only(SessionSeen, events)] == [None, "Fix it"]


def test_a_call_began_when_its_id_says() -> None:
    events = parse(header(), answer(call(shell("Output: x"))))
    [start], [end] = only(CallStarted, events), only(CallEnded, events)
    assert (start.at, end.at) == (AT_MS + 1000, AT_MS + 5000)
    foreign = call(shell("Output: x"), call_id="call_1234567890123456")
    assert only(CallStarted, parse(header(), answer(foreign)))[0].at == AT_MS, "else when the answer came"


def test_the_project_of_a_chat(tmp_path: Path) -> None:
    project = tmp_path / "tmp" / "app"
    chat = project / "chats" / "session-2026-11-23T09-00-93623a3c.jsonl"
    chat.parent.mkdir(parents=True)
    (project / ".project_root").write_text("/home/dev/app\n")
    command = call(shell("Output: x"), command="make", dir_path="sub", is_background=True, description="d")
    events = parse(header(), answer(command), path=chat)
    [seen], [start] = only(SessionSeen, events), only(CallStarted, events)
    assert (seen.working_directory, seen.transcript_path) == ("/home/dev/app", str(chat))
    assert (start.working_directory, start.background, start.description) == ("/home/dev/app/sub", True, "d")


# Subagents


def test_a_subagents_chat_is_an_instance_of_the_main_one() -> None:
    path = Path(f"/x/chats/{SESSION}/{CHILD}.jsonl")
    events = parse(
        header(sessionId=CHILD, kind="subagent"), user("look"), answer(call(shell("Output: x"))), path=path
    )
    assert {(told.conversation_id, told.instance_id) for told in events} == {(SESSION, CHILD)}
    assert only(InstanceStarted, events)[0].transcript_path == str(path)
    assert only(Prompt, events) == []


def test_the_call_of_a_subagent_names_it() -> None:
    started = {**call("done", name="invoke_agent", agent_name="scout", prompt="look"), "agentId": CHILD}
    events = parse(header(), answer(started))
    [begun], [end], [over] = (
        only(InstanceStarted, events),
        only(CallEnded, events),
        only(InstanceEnded, events),
    )
    assert (begun.instance_id, begun.name, begun.prompt, begun.call_id) == (
        CHILD,
        "scout",
        "look",
        end.call_id,
    )
    assert (end.child_instance_id, over.instance_id) == (CHILD, CHILD)


# Documents


def test_a_chat_of_2025_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "session-1.json"
    path.write_text(
        json.dumps({**header(), "messages": [user("do it"), answer(call(shell("Output: x")), text="hi")]})
    )
    assert AGENT.line_parser(path) is None
    kinds = [type(told) for told in AGENT.parse(path)]
    assert kinds == [SessionSeen, Prompt, Message, CallStarted, CallEnded]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"messages": []}', '{"sessionId": 1}', "[" * 100_000]
)
def test_what_is_no_chat_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "session-1.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"."):
        list(AGENT.parse(path))


# Hooks


def hook(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "session_id": SESSION, "transcript_path": "/t.jsonl", "cwd": "/home/dev/app",
        "hook_event_name": name, "timestamp": AT, **fields,
    }  # fmt: skip


def test_hooks_tell_of_the_session_and_its_prompts() -> None:
    [seen] = AGENT.hook_events(hook("SessionStart", source="startup"), 5)
    assert isinstance(seen, SessionSeen)
    assert (seen.at, seen.source, seen.transcript_path, seen.working_directory) == (
        AT_MS, "hook", "/t.jsonl", "/home/dev/app",
    )  # fmt: skip
    _, prompt = AGENT.hook_events(hook("BeforeAgent", prompt="do it"), 5)
    assert isinstance(prompt, Prompt)
    assert prompt.text == "do it"
    [end] = AGENT.hook_events(hook("SessionEnd", reason="exit"), 5)
    assert isinstance(end, SessionEnded)
    assert end.reason == "exit"


@pytest.mark.parametrize("name", ["BeforeTool", "AfterTool", "AfterAgent", "Unheard"])
def test_hooks_tell_nothing_of_calls(name: str) -> None:
    told = AGENT.hook_events(hook(name, tool_name="x", tool_input={"command": "x"}, prompt="p"), 5)
    assert [type(one) for one in told] == [SessionSeen]


def test_wrong_types_in_hooks_raise_nothing() -> None:
    for changed in mutations(hook("BeforeAgent", prompt="x")):
        if isinstance(changed, dict):
            assert_all_sound(AGENT.hook_events(changed, 5))


# Places


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / ".gemini" / "tmp" / "app"
    (folder / "chats").mkdir(parents=True)
    (folder / ".project_root").write_text("/home/dev/app")
    return folder


def chat(project: Path, name: str) -> Path:
    path = project / "chats" / name
    path.write_text(json.dumps(header()) + "\n")
    return path


def test_chats_are_found(tmp_path: Path, project: Path) -> None:
    one = chat(project, "session-2026-11-23T09-00-93623a3c.jsonl")
    chat(project, "session-2026-11-23T09-00-93623a3c.json")
    two = chat(project, "session-2025-10-27T19-55-981c87cb.json")
    chat(project, "notes.json")
    assert sorted(AGENT.find_transcripts(tmp_path, {})) == sorted([one, two])
    assert list(AGENT.find_transcripts(Path("/nowhere"), {"GEMINI_CLI_HOME": str(tmp_path)})) != []
    assert list(AGENT.find_transcripts(tmp_path / "none", {})) == []


def test_recent_chats_are_those_of_the_workspace(tmp_path: Path, project: Path) -> None:
    named = chat(project, "session-a.jsonl")
    quiet = chat(project, "session-b.jsonl")
    os.utime(quiet, (1000, 1000))
    hashed = project.parent / hashlib.sha256(b"/home/dev/app").hexdigest()
    (hashed / "chats").mkdir(parents=True)
    by_hash = chat(hashed, "session-c.json")
    other = project.parent / "other"
    (other / "chats").mkdir(parents=True)
    (other / ".project_root").write_text("/home/dev/apple")
    chat(other, "session-d.jsonl")
    found = set(AGENT.recent_transcripts(tmp_path, {}, Path("/home/dev/app"), named.stat().st_mtime - 60))
    assert found == {named, by_hash}
    above = set(AGENT.recent_transcripts(tmp_path, {}, Path("/home/dev"), named.stat().st_mtime - 60))
    assert above >= {named}


def test_companions_are_the_subagents(project: Path) -> None:
    main = chat(project, "session-a.jsonl")
    folder = project / "chats" / SESSION
    folder.mkdir()
    child = folder / f"{CHILD}.jsonl"
    child.write_text(json.dumps(header(sessionId=CHILD, kind="subagent")) + "\n")
    assert list(AGENT.companions(main)) == [child]
    assert list(AGENT.companions(child)) == []
    main.write_text(json.dumps(header(sessionId="../../etc")) + "\n")
    assert list(AGENT.companions(main)) == []


def test_what_is_recognized() -> None:
    head = json.dumps(header()).encode()
    assert AGENT.recognizes(Path("/x/session-1.jsonl"), head)
    assert AGENT.recognizes(Path("/x/copy.json"), head)
    assert not AGENT.recognizes(Path("/x/session-1.jsonl"), b'{"sessionId": "x"}')
    assert not AGENT.recognizes(Path("/x/session-1.txt"), head)
    assert not AGENT.recognizes(Path("/x/session-1.json"), b"\0\xff")


# Hostile chats

RECORDS = [
    header(kind="subagent", summary="x", directories=["/a"], messages=[user("x", "u0")]),
    user("do it"),
    answer(call(shell("Output: x", "Exit Code: 1"), shown="x"), text="hi", input=10, output=1),
    answer({**call("x", name="replace", shown={"fileDiff": "--- a\n+++ b\n@@ -1 +1 @@\n", "filePath": "/a"}),
            "agentId": CHILD}, message_id="m2"),
    answer(call(None, error="x", status="error"), message_id="m3"),
    {"$set": {"messages": [answer(call("x"), message_id="m4")], "summary": "x"}},
    {"$rewindTo": "m1"},
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(RECORDS)))
def test_wrong_types_anywhere_raise_nothing(number: int) -> None:
    for changed in mutations(RECORDS[number]):
        parse(header(), json.dumps(changed).encode(), path=Path(f"/x/chats/{SESSION}/{CHILD}.jsonl"))


@pytest.mark.parametrize(
    "broken", [b"", b"\0\0", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000, b"1e999"]
)
def test_a_broken_line_does_not_hide_the_others(broken: bytes) -> None:
    events = parse(header(), broken, answer(call(shell("Output: x", "Exit Code: 3"), shown="x")), broken)
    assert [e.exit_code for e in only(CallEnded, events)] == [3]


@pytest.mark.parametrize("shown", ["", "x" * 300_000, "\nExit Code: 1\nProcess Group PGID: 1", "(empty)"])
def test_any_output_is_told_as_it_was(shown: str) -> None:
    end = ended(call(shell(f"Output: {shown or '(empty)'}", "Exit Code: 4"), shown=shown))
    assert (end.exit_code, end.stdout) == (4, "" if shown == "(empty)" else shown)
