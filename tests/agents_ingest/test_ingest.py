"""What several channels say of a command becomes one run; what agents say becomes sessions."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector.agents.events import (
    AnyEvent,
    InstanceEnded,
    InstanceStarted,
    Message,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.agents.ingest import Place
from tests.agents_ingest.conftest import T0, Record, Taking, ended, started


def test_a_call_that_no_recorder_saw_is_a_run(taking: Taking) -> None:
    taking.take(
        SessionSeen(conversation_id="s1", at=T0, agent_version="2.1", model="big", working_directory="/w"),
        Message(conversation_id="s1", at=T0, message_id="m1", model="big", tokens={"input": 5, "output": 7}),
        started(message_id="m1"),
        ended(outcome="failure", exit_code=2, exit_code_basis="text", stdout="boom\n"),
    )
    run = taking.run()
    assert (run.status, run.exit_code, run.command_line, run.type) == ("failure", 2, "make test", "test")
    assert (run.session_id, run.agent, run.agent_version, run.model) == ("s1", "claude-code", "2.1", "big")
    assert (run.tool, run.tool_call_id, run.working_directory) == ("Bash", "c1", "/w")
    assert dict(run.tokens) == {"input": 5, "output": 7}
    assert (run.start_time, run.end_time, run.duration_ms) == (T0, T0 + 1500, 1500)
    assert taking.output(run) == "boom\n"
    assert dict(run.provenance) == {
        "exit_code": "transcript: text",
        "timing": "transcript: upper bound",
        "output": "transcript",
        "tokens": "transcript",
    }


def test_a_recorded_command_and_its_call_are_one_run(taking: Taking, recorded: Record) -> None:
    recorded("make test")
    taking.take(
        Message(conversation_id="s1", at=T0, message_id="m1", model="big", tokens={"output": 7}),
        started(message_id="m1", instance_id="sub"),
        ended(outcome="failure", exit_code=1, exit_code_basis="text", stdout="cut"),
    )
    run = taking.run()
    assert (run.exit_code, run.duration_ms, taking.output(run)) == (2, 700, "all of it\n")
    assert (run.tool_call_id, run.agent_instance_id, run.model) == ("c1", "sub", "big")
    assert dict(run.tokens) == {"output": 7}
    assert dict(run.provenance)["exit_code"] == "recorder"
    folder = Path(taking.workspace.run_folder(run.folder))
    assert json.loads((folder / "run.json").read_text())["tool_call_id"] == "c1"
    assert not (folder / "call.json").exists()


def test_equal_commands_are_told_apart_by_time(taking: Taking, recorded: Record) -> None:
    first, second = recorded("ls", T0 + 10), recorded("ls", T0 + 9000)
    taking.take(
        started("c1", "ls", at=T0), ended("c1", at=T0 + 800),
        started("c2", "ls", at=T0 + 8990), ended("c2", at=T0 + 9800),
    )  # fmt: skip
    calls = {run.run_id: run.tool_call_id for run in taking.runs()}
    assert calls == {first.run_id: "c1", second.run_id: "c2"}


def test_somebody_elses_run_of_the_same_command_is_left_alone(taking: Taking, recorded: Record) -> None:
    recorded("ls", recorder={"kind": "exec"})
    recorded("ls", session_id="s2")
    taking.take(started("c1", "ls"), ended("c1"))
    assert sorted(run.tool_call_id or "" for run in taking.runs()) == ["", "", "c1"]


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        ("denied", "cancelled", "ACODE-AGT-009"),
        ("rejected", "cancelled", "ACODE-AGT-010"),
        ("interrupted", "cancelled", "ACODE-AGT-011"),
        ("cancelled", "cancelled", "ACODE-AGT-012"),
        ("timeout", "timeout", "ACODE-RUN-015"),
    ],
)
def test_what_never_ended_by_itself_has_no_exit_code(
    taking: Taking, outcome: str, status: str, code: str
) -> None:
    taking.take(started(), ended(outcome=outcome, message="because\nof this"))
    run = taking.run()
    assert (run.status, run.exit_code, run.error_code) == (status, None, code)
    assert (run.error_message or "").endswith(": because")


def test_a_call_without_an_end_is_given_up_when_its_session_ends(taking: Taking) -> None:
    taking.take(started(), SessionEnded(conversation_id="s1", at=T0 + 5000, reason="exit"))
    assert (taking.run().status, taking.run().error_code) == ("cancelled", "ACODE-AGT-013")
    assert (taking.session().status, taking.session().end_reason) == ("ended", "exit")


def test_taking_in_the_same_again_changes_nothing(taking: Taking) -> None:
    events = (
        Prompt(conversation_id="s1", at=T0, text="do it"),
        Message(conversation_id="s1", at=T0, message_id="m1", tokens={"input": 3, "output": 4}),
        started(message_id="m1"),
        ended(),
        Prompt(conversation_id="s1", at=T0 + 60_000, text="do it"),
    )
    taking.take(*events)
    runs, session = taking.runs(), taking.session()
    taking.take(*events)
    taking.take(*events, live=True)
    assert taking.runs() == runs
    assert (session.prompts, session.tokens_used) == (2, 7)
    assert taking.session() == session


def test_the_last_record_of_a_message_counts_and_each_message_once(taking: Taking) -> None:
    def message(output: int, **more: Any) -> Message:
        values: dict[str, Any] = {"conversation_id": "s1", "message_id": "m", "at": T0} | more
        return Message(**values, tokens={"output": output})

    taking.take(message(1), message(40), message(42))
    assert dict(taking.session().tokens) == {"output": 42}
    # A fork repeats the history of the conversation it came from.
    taking.take(message(42, conversation_id="s2"), message(5, conversation_id="s2", message_id="n"))
    assert dict(taking.session("s2").tokens) == {"output": 5}
    assert dict(taking.session("s1").tokens) == {"output": 42}


def test_telemetry_adds_the_cost_and_never_counts_twice(taking: Taking) -> None:
    told: dict[str, Any] = {"conversation_id": "s1", "at": T0, "request_id": "r1", "tokens": {"output": 9}}
    taking.take(
        Message(**told, message_id="r1", cost=0.25, source="otlp"),
        Message(**told, message_id="m1"),
        Message(**told | {"request_id": "r2"}, message_id="r2", cost=0.5, source="otlp"),
    )
    session = taking.session()
    assert (session.tokens_used, session.cost) == (18, 0.75)


def test_telemetry_without_request_ids_tells_the_cost_only(taking: Taking) -> None:
    told: dict[str, Any] = {"conversation_id": "s1", "at": T0, "tokens": {"output": 9}}
    taking.take(
        Message(**told, message_id="m1"), Message(**told, message_id="x", cost=0.25, source="otlp"),
        Message(**told, message_id="y", cost=0.05, source="otlp"),
    )  # fmt: skip
    assert (taking.session().tokens_used, taking.session().cost) == (9, 0.3)


def test_hook_and_transcript_of_one_call_are_one_run_with_the_better_of_each(taking: Taking) -> None:
    taking.take(
        started(source="hook"),
        started(),
        ended(source="hook", outcome="failure", stdout="short", duration_ms=700, at=T0 + 1000),
        ended(outcome="failure", exit_code=3, exit_code_basis="text", stdout="longer text"),
        live=True,
    )
    run = taking.run()
    assert (run.exit_code, run.duration_ms, run.end_time) == (3, 700, T0 + 1000)
    assert taking.output(run) == "longer text"
    assert dict(run.provenance) == {
        "exit_code": "transcript: text", "timing": "hook", "output": "transcript",
    }  # fmt: skip


def test_subagents_are_instances_below_their_parents(taking: Taking) -> None:
    taking.take(
        Prompt(conversation_id="s1", at=T0, text="count the files\nplease"),
        started("c1", "Agent count", kind="agent", tool="Agent"),
        InstanceStarted(
            conversation_id="s1", at=T0 + 5, instance_id="a1", name="count", role="Explore", call_id="c1"
        ),
        Message(conversation_id="s1", instance_id="a1", at=T0 + 6, message_id="m2", tokens={"output": 3}),
        started("c2", "ls", instance_id="a1"),
        ended("c2", instance_id="a1"),
        InstanceEnded(conversation_id="s1", instance_id="a1", at=T0 + 900),
        ended("c1", child_instance_id="a1"),
    )
    main, child = taking.session().instances
    assert (main.instance_id, main.conversation_ids, main.parent_instance_id) == ("s1", ("s1",), None)
    assert (child.parent_instance_id, child.name, child.role, child.status) == (
        "s1",
        "count",
        "Explore",
        "ended",
    )
    assert (child.tokens_used, child.tool_call_id) == (3, "c1")
    assert {run.command_line: run.agent_instance_id for run in taking.runs()} == {
        "Agent count": "s1",
        "ls": "a1",
    }
    assert taking.session().title == "count the files"
    assert taking.session().runs == 2


def test_two_agents_may_use_one_session_id(taking: Taking) -> None:
    taking.take(started("c1", "ls"), ended("c1"))
    taking.take(started("c1", "pwd"), ended("c1"), agent="codex")
    assert {run.agent: run.session_id for run in taking.runs()} == {"claude-code": "s1", "codex": "s1.codex"}


def test_edits_keep_their_diff_and_other_tools_their_input(taking: Taking) -> None:
    taking.take(
        started("c1", "Edit a.py", kind="edit", tool="Edit", input={"file_path": "a.py"}),
        ended("c1", diff="--- a\n+++ b\n"),
        started("c2", "mcp add", kind="mcp", tool="mcp__demo__add", input={"a": 2}),
        ended("c2", stdout="42"),
    )
    edit, mcp = taking.runs()
    assert (edit.type, edit.task, mcp.type, mcp.task) == (
        "generate",
        "edit",
        "command",
        "mcp__demo__add",
    )
    assert taking.output(edit, "changes.diff") == "--- a\n+++ b\n"
    assert [artifact.type for artifact in edit.artifacts] == ["diff"]
    assert json.loads(taking.output(mcp, "input.json")) == {"a": 2}


def test_a_call_is_shown_while_it_runs_and_given_to_the_shim_when_that_recorded_it(
    taking: Taking, recorded: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.agents.ingest.SETTLE_SECONDS", 0.0)
    ingest = taking.ingest(live=True)
    ingest.take("claude-code", [started()])
    ingest.settle()
    taking.index()
    assert (taking.run().status, taking.run().tool_call_id) == ("running", "c1")
    shim = recorded("make test")
    ingest.take("claude-code", [ended()])
    ingest.settle()
    taking.index()
    assert (taking.run().run_id, taking.run().tool_call_id, taking.run().exit_code) == (shim.run_id, "c1", 2)
    assert taking.session().runs == 1


def test_a_call_that_is_shown_ends_after_a_restart(taking: Taking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.agents.ingest.SETTLE_SECONDS", 0.0)
    before = taking.ingest(live=True)
    before.take("claude-code", [started()])
    before.settle()
    taking.index()
    name = taking.run().name
    after = taking.ingest(live=True)
    after.take("claude-code", [ended(stdout="done", exit_code=0)])
    after.settle()
    taking.index()
    assert (taking.run().name, taking.run().status, taking.output(taking.run())) == (name, "success", "done")


def test_the_database_is_made_again_from_the_folders(taking: Taking, recorded: Record) -> None:
    recorded("make test")
    taking.take(
        Message(conversation_id="s1", at=T0, message_id="m1", model="big", tokens={"output": 7}),
        Prompt(conversation_id="s1", at=T0, text="go"), started(message_id="m1"), ended(),
        started("c2", "pwd", at=T0 + 5000), ended("c2", at=T0 + 5100),
    )  # fmt: skip
    runs, session = taking.runs(), taking.session()
    taking.indexer.rebuild("for the test")
    taking.index()
    assert [(r.name, r.tool_call_id, dict(r.tokens)) for r in taking.runs()] == [
        (r.name, r.tool_call_id, dict(r.tokens)) for r in runs
    ]
    assert taking.session() == session
    assert [where[1:] for where in taking.indexer.sessions.places_of("s1", "claude-code")] == [("s1", "s1")]


def test_a_recorder_that_knows_the_calls_id_needs_no_match(taking: Taking, recorded: Record) -> None:
    ingest = taking.ingest(live=True)
    ingest.take("codex", [started(command="as the model wrote it")])
    recorded("as the shell got it", T0 + 90_000, agent="codex", tool_call_id="c1")
    ingest.take("codex", [ended()])
    ingest.settle(final=True)
    taking.index()
    assert (taking.run().command_line, taking.run().exit_code) == ("as the shell got it", 2)


def test_a_resumed_conversation_goes_on_where_it_was_resumed(taking: Taking) -> None:
    def events(number: int, at: int) -> tuple[AnyEvent, ...]:
        more: dict[str, Any] = {"conversation_id": "talk"}
        message = Message(**more, message_id=f"m{number}", at=at, tokens={"output": number})
        call = started(f"c{number}", f"echo {number}", at=at, **more)
        return (
            Prompt(**more, at=at, text=f"prompt {number}"), message, call,
            ended(f"c{number}", at=at + 50, **more),
        )  # fmt: skip

    first = taking.ingest()
    first.place("claude-code", "talk", Place("one", "i1"), T0 - 10)
    first.take("claude-code", events(1, T0))
    first.settle(final=True)
    taking.index()
    second = taking.ingest()
    second.place("claude-code", "talk", Place("two", "i2"), T0 + 60_000)
    second.take("claude-code", [*events(1, T0), *events(2, T0 + 61_000)])
    second.settle(final=True)
    taking.index()
    sessions = [taking.session("one"), taking.session("two")]
    assert [(s.prompts, s.tokens_used, s.runs) for s in sessions] == [(1, 1, 1), (1, 2, 1)]
    taking.take(*events(1, T0), *events(2, T0 + 61_000))
    assert [taking.session("one"), taking.session("two")] == sessions


def test_an_end_that_telemetry_tells_before_the_beginning_is_known(taking: Taking) -> None:
    ingest = taking.ingest(live=True)
    ingest.take("claude-code", [ended(source="otlp", outcome="success", duration_ms=40)])
    ingest.settle()
    ingest.take("claude-code", [started(), ended(outcome="failure", exit_code=1)])
    ingest.settle(final=True)
    taking.index()
    assert (taking.run().exit_code, taking.run().duration_ms) == (1, 40)
    assert dict(taking.run().provenance)["timing"] == "otlp"


def test_what_a_channel_says_later_of_a_call_says_more(taking: Taking) -> None:
    taking.take(
        started("c1", "edit", kind="edit", tool="edit", at=T0),
        started("c1", "edit a.py", kind="edit", tool="edit", at=T0 + 5, input={"path": "a.py"}),
        ended("c1"),
    )
    assert (taking.run().command_line, taking.run().start_time) == ("edit a.py", T0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_what_a_full_disk_refuses_is_written_when_there_is_room(taking: Taking, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        taking.workspace.artifacts = str(disk)
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * 400_000)
        ingest = taking.ingest(live=True)
        ingest.take("claude-code", [started(), ended(stdout="y" * 300_000)])
        for _ in range(3):
            with pytest.raises(OSError, match="No space left"):
                ingest.settle(final=True)
        assert [path.name for path in disk.iterdir()] == ["ballast"]
        ballast.unlink()
        ingest.settle(final=True)
        taking.index()
        assert len(taking.output(taking.run())) == 300_000
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_half_a_surrogate_pair_anywhere_costs_only_its_character(taking: Taking) -> None:
    half = "a\ud800b"
    taking.take(
        SessionSeen(conversation_id=f"s{half}", at=T0, model=half, working_directory=half, title=half),
        Prompt(conversation_id=f"s{half}", at=T0, text=half),
        Message(conversation_id=f"s{half}", at=T0, message_id=half, model=half, tokens={"output": 1}),
        started(half, half, conversation_id=f"s{half}", tool=half, message_id=half, input={half: half}),
        ended(half, conversation_id=f"s{half}", stdout=half, message=half, diff=half, outcome="failure"),
    )
    run = taking.run()
    assert (run.command_line, run.tool_call_id, run.tokens) == ("a\ufffdb", "a\ufffdb", {"output": 1})
    assert taking.session("sa\ufffdb").prompts == 1


def test_a_session_is_found_by_its_id_and_by_that_of_its_conversations(taking: Taking) -> None:
    ingest = taking.ingest()
    for session, conversation in (("run-1", "talk-a"), ("run-2", "talk-b"), ("talk-c", "talk-c")):
        ingest.place("codex", conversation, Place(session, f"{session}-main"), T0)
        ingest.take("codex", [SessionSeen(conversation_id=conversation, at=T0)])
    ingest.settle(final=True)
    taking.index()

    def found(text: str) -> set[str]:
        return {session.session_id for session in taking.indexer.sessions.find_matching(text)}

    assert (found("run-1"), found("run-"), found("talk-a")) == ({"run-1"}, {"run-1", "run-2"}, {"run-1"})
    assert (found("talk-"), found("talk-c")) == ({"run-1", "run-2", "talk-c"}, {"talk-c"})
    assert (found("talk-d"), found("un-1")) == (set(), set())
