"""What a rollout of Codex says beside results: the session, prompts, tokens, tools, forks, subagents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.agents.events import (
    CallEnded,
    CallStarted,
    InstanceEnded,
    InstanceStarted,
    Message,
    Prompt,
    SessionSeen,
)
from tests.agents_parsing.codex_lines import (
    AT_MS,
    ROLLOUT,
    THREAD,
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
    started,
)

PATCH = """*** Begin Patch
*** Add File: a b.py
+one
+two
*** Update File: old.py
*** Move to: new.py
@@ def f():
 keep
-out
+in
*** Delete File: gone.py
*** End Patch
"""


def usage(given: int, cached: int = 0, made: int = 0, **more: int) -> dict[str, int]:
    counts = {"input_tokens": given, "cached_input_tokens": cached, "output_tokens": made, **more}
    return {**counts, "total_tokens": given + made}


def token_count(total: dict[str, int], last: dict[str, int]) -> dict[str, Any]:
    return event("token_count", info={"total_token_usage": total, "last_token_usage": last})


def record(thread: str, response_id: str, used: dict[str, int]) -> dict[str, Any]:
    payload = {"thread_id": thread, "response_id": response_id, "usage": used}
    return line("token_usage_record", payload)


# The session


def test_the_first_line_says_what_the_session_is() -> None:
    [seen] = parse(meta())
    assert seen == SessionSeen(
        conversation_id=THREAD, at=AT_MS, agent_version="0.169.0", working_directory="/home/dev/app",
        git_branch="main", transcript_path=str(ROLLOUT),
    )  # fmt: skip


def test_model_and_directory_are_told_when_they_change() -> None:
    contexts = [
        line("turn_context", {"model": model, "cwd": cwd}, at)
        for at, model, cwd in [(1, "m1", "/a"), (2, "m1", "/a"), (3, "m2", "/a"), (4, "m2", "/b")]
    ]
    seen = only(SessionSeen, parse(meta(), *contexts))[1:]
    assert [(s.model, s.working_directory) for s in seen] == [("m1", "/a"), ("m2", "/a"), ("m2", "/b")]
    call = only(CallStarted, parse(meta(), *contexts, calls("exec_command", {"cmd": "ls"})))[0]
    assert call.working_directory == "/b"


def test_a_rollout_without_its_beginning_goes_by_its_name() -> None:
    [start] = parse(calls("exec_command", {"cmd": "ls"}))
    assert start.conversation_id == THREAD


def test_a_thread_can_be_renamed() -> None:
    assert (
        only(SessionSeen, parse(meta(), event("thread_name_updated", thread_name="Fix it")))[1].title
        == "Fix it"
    )


# Prompts and answers


def test_prompts_of_both_forms() -> None:
    [old] = only(Prompt, parse(meta(), event("user_message", 5, message="do it", kind="plain")))
    assert (old.text, old.at, old.prompt_id) == ("do it", AT_MS + 5, f"{THREAD}:p1")
    [new] = only(
        Prompt, parse(meta(), item("UserMessage", 5, id="u1", content=[{"type": "text", "text": "do it"}]))
    )
    assert (new.text, new.at, new.prompt_id) == ("do it", AT_MS + 5, "u1")


def test_context_that_codex_adds_is_no_prompt() -> None:
    context = response(
        "message", role="user", content=[{"type": "input_text", "text": "<environment_context>"}]
    )
    assert (
        only(Prompt, parse(meta(), context, event("user_message", message="x", kind="user_instructions")))
        == []
    )


def test_an_answers_text_and_tokens_are_one_message() -> None:
    used = usage(1000, 300, 50, reasoning_output_tokens=7, cache_write_input_tokens=100)
    text, final = only(
        Message,
        parse(
            meta(), line("turn_context", {"model": "m1"}), event("agent_message", message="hello"),
            token_count(used, used),
        ),
    )  # fmt: skip
    assert (text.message_id, text.text, dict(text.tokens)) == (f"{THREAD}:t1", "hello", {})
    assert (final.message_id, final.text, final.model) == (f"{THREAD}:t1", "hello", "m1")
    assert final.tokens == {"input": 600, "output": 50, "cache_read": 300, "cache_write": 100, "reasoning": 7}


def test_a_repeated_token_count_says_nothing() -> None:
    first, second = usage(10, 0, 1), usage(30, 0, 3)
    messages = only(
        Message,
        parse(
            meta(), event("token_count", info=None), token_count(first, first), token_count(first, first),
            event("token_count"), token_count(second, usage(20, 0, 2)), token_count(second, usage(20, 0, 2)),
        ),
    )  # fmt: skip
    assert [(m.message_id, m.tokens["input"]) for m in messages] == [
        (f"{THREAD}:t1", 10),
        (f"{THREAD}:t2", 20),
    ]


def test_tokens_of_a_request_are_the_difference_where_they_are_not_told() -> None:
    first, second = usage(10, 0, 1), usage(30, 5, 3)
    lines = [event("token_count", info={"total_token_usage": total}) for total in (first, second)]
    tokens = [m.tokens for m in only(Message, parse(meta(), *lines))]
    assert tokens == [{"input": 10, "output": 1}, {"input": 15, "cache_read": 5, "output": 2}]
    told = parse(meta(), token_count(first, first), token_count(second, usage(7)))
    assert only(Message, told)[1].tokens == {"input": 7}


def test_records_of_requests_count_instead_of_token_counts() -> None:
    first, second = usage(10, 0, 1), usage(20, 0, 2)
    total = usage(30, 0, 3)
    messages = only(
        Message,
        parse(
            meta(), record(THREAD, "resp_1", first), token_count(first, first),
            record(THREAD, "resp_2", second), token_count(total, second),
            record("01a20000-0000-7000-8000-000000000099", "resp_3", second),
        ),
    )  # fmt: skip
    assert [m.tokens["input"] for m in messages] == [10, 20]


def test_an_answer_without_tokens_is_not_mixed_up_with_the_next() -> None:
    lines = (
        event("agent_message", message="first"), event("turn_aborted", reason="interrupted"),
        event("user_message", message="go on"), event("agent_message", message="second"),
        calls("exec_command", {"cmd": "ls"}), answers(chunk("", "Process exited with code 0")),
        event("agent_message", message="third"),
    )  # fmt: skip
    told = {m.message_id[-2:]: m.text for m in only(Message, parse(meta(), *lines))}
    assert told == {"t1": "first", "t2": "second", "t3": "third"}


def test_calls_belong_to_the_answer_whose_tokens_follow() -> None:
    call = calls("exec_command", {"cmd": "ls"})
    assert started(call).message_id == f"{THREAD}:t1"
    used = usage(10)
    events = parse(meta("0.40.0"), token_count(used, used), calls("view_image", {"path": "a.png"}))
    assert only(CallStarted, events)[0].message_id == f"{THREAD}:t1", "old versions told the tokens first"


# Tools


def test_a_shell_command_with_all_that_is_known_of_it() -> None:
    start = started(
        calls(
            "shell_command",
            {"command": "npm test", "workdir": "/srv", "timeout_ms": 5000, "justification": "j"},
        )
    )
    assert (start.kind, start.tool, start.command_line) == ("shell", "shell_command", "npm test")
    assert (start.working_directory, start.timeout_ms, start.description) == ("/srv", 5000, "j")


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (["bash", "-lc", "a | b"], "a | b"),
        (["/bin/zsh", "-c", "a"], "a"),
        (["git", "commit", "-m", "two words"], "git commit -m 'two words'"),
        ("already text", "already text"),
        ([], "shell"),
        (["bash", "script.sh", "x"], "bash script.sh x"),
    ],
)
def test_command_lines(command: Any, line: str) -> None:
    assert started(calls("shell", {"command": command})).command_line == line


@pytest.mark.parametrize(
    ("call", "kind", "command_line"),
    [
        (calls("view_image", {"path": "a.png"}), "read", "view_image a.png"),
        (calls("update_plan", {"plan": []}), "other", 'update_plan {"plan": []}'),
        (calls("mcp__db__query", {"sql": "select 1"}), "mcp", 'db.query {"sql": "select 1"}'),
        (calls("query", {"name": "n"}, namespace="mcp__db"), "mcp", "db.query n"),
        (calls("spawn_agent", {"message": "look"}, namespace="collaboration"), "agent", "spawn_agent look"),
        (calls("unheard_of", "no JSON"), "other", "unheard_of"),
        (custom("apply_patch", PATCH), "edit", "apply_patch 'a b.py' old.py gone.py"),
        (
            response("local_shell_call", call_id="c", action={"type": "exec", "command": ["ls"]}),
            "shell",
            "ls",
        ),
        (response("tool_search_call", call_id="c", arguments={"query": "q"}), "search", "tool_search q"),
    ],
)
def test_kinds_of_tools(call: dict[str, Any], kind: str, command_line: str) -> None:
    start = started(call)
    assert (start.kind, start.command_line) == (kind, command_line)


def test_a_web_search_ends_where_it_is_told() -> None:
    search = response(
        "web_search_call", id="ws_1", status="completed", action={"type": "search", "query": "q"}
    )
    events = parse(meta(), search)
    assert only(CallStarted, events)[0].command_line == "web_search q"
    assert [(e.call_id, e.outcome) for e in only(CallEnded, events)] == [("ws_1", "success")]


@pytest.mark.parametrize(
    ("result", "outcome", "message"),
    [
        ({"status": "completed", "result": {"content": [{"type": "text", "text": "42"}]}}, "success", None),
        ({"result": {"Ok": {"content": [{"type": "text", "text": "42"}], "isError": True}}}, "failure", None),
        ({"result": {"Err": "user rejected MCP tool call"}}, "rejected", "user rejected MCP tool call"),
        ({"status": "failed", "error": {"message": "MCP tool call requires approval, but no"}}, "denied",
         "MCP tool call requires approval, but no"),
    ],
)  # fmt: skip
def test_results_of_mcp_tools(result: dict[str, Any], outcome: str, message: str | None) -> None:
    fields = {"server": "db", "tool": "query", "arguments": {}, "duration": {"secs": 2, "nanos": 0}, **result}
    end = ended(
        calls("query", {}, namespace="mcp__db"), item("McpToolCall", id="call_1", **fields), answers("x")
    )
    assert (end.outcome, end.message, end.duration_ms) == (outcome, message, 2000)
    old = {"invocation": {"server": "db", "tool": "query", "arguments": {}}, "duration": "2s", **result}
    alone = parse(meta(), event("mcp_tool_call_end", call_id="call_1", **old))
    assert [s.command_line for s in only(CallStarted, alone)] == ["db.query"]
    assert [(e.outcome, e.duration_ms) for e in only(CallEnded, alone)] == [(outcome, 2000)]


# Edits

DIFF = """--- /dev/null
+++ b/a b.py
@@ -0,0 +1,2 @@
+one
+two
--- a/old.py
+++ b/new.py
@@ -1,2 +1,2 @@ def f():
 keep
-out
+in
--- a/gone.py
+++ /dev/null
"""


def test_a_patch_becomes_a_diff() -> None:
    end = ended(custom("apply_patch", PATCH), answers("Exit code: 0\nWall time: 0 seconds\nOutput:\nDone"))
    assert end.diff == DIFF


def test_a_patch_that_failed_changed_nothing() -> None:
    end = ended(custom("apply_patch", PATCH), answers("apply_patch verification failed: no such file"))
    assert (end.outcome, end.diff) == ("failure", None)


def test_a_patch_that_a_shell_was_given_is_an_edit() -> None:
    heredoc = f"cd /srv && apply_patch <<'EOF'\n{PATCH}EOF"
    for call in (
        calls("shell", {"command": ["bash", "-lc", heredoc]}),
        calls("shell", {"command": ["apply_patch", PATCH]}),
        calls("exec_command", {"cmd": heredoc}),
    ):
        start = started(call)
        assert (start.kind, start.command_line) == ("edit", "apply_patch 'a b.py' old.py gone.py")
        text = "Wall time: 0.0 seconds\nOutput:\nExit code: 0\nWall time: 0 seconds\nOutput:\nDone\n"
        end = ended(call, answers(text))
        assert (end.exit_code, end.stdout, end.diff) == (0, "Done\n", DIFF)
    assert started(calls("exec_command", {"cmd": "grep apply_patch x"})).kind == "shell"


def test_changes_become_a_diff_relative_to_the_folder() -> None:
    changes = {
        "/home/dev/app/a.py": {
            "type": "update", "unified_diff": "@@ -1 +1 @@\n-x\n+y", "move_path": "/home/dev/app/b.py",
        },
        "/home/dev/app/c.py": {"type": "add", "content": "1\n2\n"},
        "/etc/d": {"type": "delete", "content": "z"},
    }  # fmt: skip
    old = {path: {change["type"]: change} for path, change in changes.items()}
    expected = (
        "--- a/a.py\n+++ b/b.py\n@@ -1 +1 @@\n-x\n+y\n"
        "--- /dev/null\n+++ b/c.py\n@@ -0,0 +1,2 @@\n+1\n+2\n"
        "--- a/etc/d\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-z\n"
    )
    call = custom("apply_patch", PATCH)
    for told in (
        item("FileChange", id="call_1", status="completed", changes=changes),
        event("patch_apply_end", call_id="call_1", success=True, changes=old),
    ):
        end = ended(call, told, answers("Exit code: 0\nWall time: 0 seconds\nOutput:\nDone"))
        assert (end.outcome, end.diff) == ("success", expected)
    headed = {"/home/dev/app/a": {"type": "update", "unified_diff": "--- x\n+++ y\n@@ -1 +1 @@\n-a\n+b\n"}}
    end = ended(call, item("FileChange", id="call_1", status="completed", changes=headed))
    assert end.diff == "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n"
    declined = ended(call, item("FileChange", id="call_1", status="declined", changes=changes))
    assert (declined.outcome, declined.diff) == ("rejected", None)


# Forks

PARENT = "01a10000-0000-7000-8000-000000000001"
OLD_TURN, NEW_TURN = "01a10000-0000-7000-8000-000000000002", "01a20000-0000-7000-8000-000000000002"


def test_copied_history_is_left_to_the_parents_rollout() -> None:
    used = usage(10)
    events = parse(
        meta(forked_from_id=PARENT), meta(id=PARENT, session_id=PARENT),
        event("task_started", turn_id=OLD_TURN), event("user_message", message="old"),
        calls("exec_command", {"cmd": "old"}), answers(chunk("", "Process exited with code 0")),
        token_count(used, used), event("turn_aborted", turn_id=OLD_TURN, reason="interrupted"),
        event("task_started", turn_id=NEW_TURN), event("user_message", message="new"),
        calls("exec_command", {"cmd": "new"}, "call_2"), record(THREAD, "resp_1", used),
    )  # fmt: skip
    assert only(SessionSeen, events)[0].parent_conversation_id == PARENT
    assert {told.conversation_id for told in events} == {THREAD}
    assert [p.text for p in only(Prompt, events)] == ["new"]
    assert [s.command_line for s in only(CallStarted, events)] == ["new"]
    assert [m.message_id for m in only(Message, events)] == [f"{THREAD}:t1"]


def test_without_ids_of_turns_a_pause_ends_the_copy() -> None:
    events = parse(
        meta(forked_from_id=PARENT), meta(id=PARENT), event("user_message", 20, message="old"),
        event("user_message", 5000, message="new"),
    )  # fmt: skip
    assert [p.text for p in only(Prompt, events)] == ["new"]


def test_the_same_first_line_again_begins_no_copy() -> None:
    assert len(only(Prompt, parse(meta(), meta(), event("user_message", message="x")))) == 1


# Subagents

CHILD = "01a30000-0000-7000-8000-000000000001"


def child_meta(**fields: Any) -> dict[str, Any]:
    spawn = {"parent_thread_id": THREAD, "depth": 1, "agent_nickname": "Jason", "agent_role": "worker"}
    return meta(id=CHILD, source={"subagent": {"thread_spawn": spawn}}, **fields)


def test_a_subagents_thread_is_an_instance_of_the_main_one() -> None:
    path = ROLLOUT.with_name(f"rollout-2026-11-23T09-05-00-{CHILD}.jsonl")
    events = parse(child_meta(), calls("exec_command", {"cmd": "ls"}), path=path)
    assert {(told.conversation_id, told.instance_id) for told in events} == {(THREAD, CHILD)}
    [begun] = only(InstanceStarted, events)
    assert (begun.name, begun.role, begun.parent_instance_id) == ("Jason", "worker", None)
    assert begun.transcript_path == str(path)
    assert only(SessionSeen, events)[0].transcript_path is None, "it is not the session's own"


def test_a_subagent_of_a_subagent_has_a_parent() -> None:
    spawned = {"source": {"subagent": {"thread_spawn": {"parent_thread_id": CHILD}}}}
    for fields in ({"parent_thread_id": CHILD}, spawned, {"parent_thread_id": CHILD, **spawned}):
        some: dict[str, Any] = {"id": "01a40000-0000-7000-8000-000000000001", **fields}
        [begun] = only(InstanceStarted, parse(meta(**some)))
        assert (begun.conversation_id, begun.parent_instance_id) == (THREAD, CHILD)


def test_the_call_that_started_a_subagent_names_it() -> None:
    spawn = calls("spawn_agent", {"message": "look", "task_name": "scout"}, namespace="collaboration")
    activity = item(
        "SubAgentActivity", 10, id="call_1", kind="started", agent_thread_id=CHILD, agent_path="/root/scout",
        model="m1",
    )  # fmt: skip
    done = item("SubAgentActivity", 90, id="x", kind="completed", agent_thread_id=CHILD)
    events = parse(meta(), spawn, activity, answers('{"task_name":"/root/scout"}'), done)
    [begun], [end], [over] = (
        only(InstanceStarted, events),
        only(CallEnded, events),
        only(InstanceEnded, events),
    )
    assert (begun.instance_id, begun.name, begun.model, begun.call_id) == (CHILD, "scout", "m1", "call_1")
    assert end.child_instance_id == CHILD
    assert (over.instance_id, over.at) == (CHILD, AT_MS + 90)


@pytest.mark.parametrize(
    "told",
    [
        event("collab_agent_spawn_end", call_id="call_1", new_thread_id=CHILD, prompt="look"),
        item(
            "CollabAgentToolCall", id="call_1", tool="spawnAgent", receiver_thread_ids=[CHILD], prompt="look"
        ),
    ],
)
def test_other_forms_of_a_subagents_beginning(told: dict[str, Any]) -> None:
    [begun] = only(InstanceStarted, parse(meta(), told))
    assert (begun.instance_id, begun.call_id, begun.prompt) == (CHILD, "call_1", "look")


def test_a_subagent_that_was_closed() -> None:
    closed = item("CollabAgentToolCall", 9, id="c", tool="closeAgent", receiver_thread_ids=[CHILD, None, 7])
    [over] = only(InstanceEnded, parse(meta(), closed))
    assert (over.instance_id, over.at) == (CHILD, AT_MS + 9)
    waited = item("CollabAgentToolCall", id="c", tool="wait", receiver_thread_ids=[CHILD])
    assert [type(told) for told in parse(meta(), waited)] == [SessionSeen]


def test_a_copy_of_the_parents_history_is_not_the_subagents() -> None:
    events = parse(
        child_meta(forked_from_id=THREAD), meta(), event("task_started", turn_id=NEW_TURN),
        calls("exec_command", {"cmd": "parents"}),
        event("task_started", turn_id="01a30000-0000-7000-8000-000000000002"),
        calls("exec_command", {"cmd": "own"}, "call_2"),
    )  # fmt: skip
    assert [s.command_line for s in only(CallStarted, events)] == ["own"]
    assert only(SessionSeen, events)[0].parent_conversation_id is None


def test_a_parser_that_goes_on_says_the_same(tmp_path: Path) -> None:
    lines = [
        meta(), event("user_message", message="x"), calls("exec_command", {"cmd": "ls"}),
        answers(chunk("a", "Process exited with code 1")), event("agent_message", message="bye"),
    ]  # fmt: skip
    from collector.agents.codex import AGENT

    parser = AGENT.line_parser(ROLLOUT)
    piecewise = [told for one in lines for told in list(parser.feed(json.dumps(one).encode()))]
    assert piecewise == parse(*lines)
