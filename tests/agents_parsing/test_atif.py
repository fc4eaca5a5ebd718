"""ATIF: a session as a trajectory, by hand and against Harbor's own models where these are installed."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.agents.atif import to_atif
from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    InstanceStarted,
    Message,
    Outcome,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.model.run import Run
from collector.model.session import AgentInstance, Session

C = "conversation"
START = 1_768_919_535_000  # 2026-01-20T14:32:15Z
SESSION = Session(
    session_id=C, agent="claude-code", agent_version="2.1.329", model="opus", title="Fix it", status="ended",
    started_at=START, tokens={"input": 5}, cost=0.5,
    instances=(
        AgentInstance(instance_id=C, session_id=C),
        AgentInstance(instance_id="child", session_id=C, name="helper", tool_call_id="c3", model="haiku"),
    ),
)  # fmt: skip


def run(call_id: str, **known: Any) -> Run:
    return Run(
        run_id=f"01J{call_id}", name=f"test-{call_id}", task="test", command="bash", command_line="x",
        tool_call_id=call_id, start_time=START, end_time=START + 900, **known,
    )  # fmt: skip


def started(call_id: str, tool: str = "Bash", message_id: str | None = "m1", **known: Any) -> CallStarted:
    fields = {"kind": "shell", "command_line": "make", "input": {"command": "make"}, **known}
    return CallStarted(conversation_id=C, call_id=call_id, tool=tool, message_id=message_id, **fields)


def ended(call_id: str, outcome: Outcome = "success", **known: Any) -> CallEnded:
    return CallEnded(conversation_id=C, call_id=call_id, outcome=outcome, **known)


def whole() -> list[AnyEvent]:
    tokens = {"input": 10, "output": 20, "cache_read": 600, "cache_write": 100, "reasoning": 7}
    return [
        SessionSeen(conversation_id=C, at=START, model="opus"),
        Prompt(conversation_id=C, at=START, text="Fix it", source="hook"),
        Prompt(conversation_id=C, at=START, text="Fix it", prompt_id="p1"),
        Message(conversation_id=C, at=START + 100, message_id="m1", text="I look.", tokens={"output": 1}),
        started("c1", at=START + 100, working_directory="/w", description="Builds", timeout_ms=5000),
        started("c1", at=START + 101, source="otlp"),
        Message(conversation_id=C, at=START + 200, message_id="m1", request_id="r1", model="opus",
                text="Then I act.", tokens=tokens, cost=0.25),
        started("c2"),
        ended("c1", "failure", at=START + 900, exit_code=2, exit_code_basis="text", stdout="out\n",
              stderr="err\n"),
        ended("c2", "rejected", message="not now"),
        Message(conversation_id=C, at=START + 1000, message_id="m2", model="sonnet",
                tokens={"input": 4, "output": 2}),
        started("c3", tool="Task", message_id="m2", kind="agent", input={"prompt": "Count", "n": math.nan}),
        InstanceStarted(conversation_id=C, instance_id="child", at=START, prompt="Count", call_id="c3"),
        InstanceStarted(conversation_id=C, instance_id="deep", parent_instance_id="child", prompt="Deep"),
        Message(conversation_id=C, instance_id="child", message_id="m3", text="One.", tokens={"input": 3},
                cost=0.5),
        CallStarted(conversation_id=C, instance_id="child", call_id="c4", tool="Read", kind="read",
                    command_line="Read a", message_id="m3"),
        ended("c3", "success", stdout="One file", child_instance_id="child"),
        started("c5", message_id=None, at=START + 2000),
        ended("c6", "success", exit_code=0),
        SessionEnded(conversation_id=C, at=START + 3000),
    ]  # fmt: skip


RUNS = {
    "c1": run("c1", status="failure", exit_code=2, duration_ms=801, provenance={"exit_code": "recorder"}),
    "c5": run("c5", status="timeout", signal=9, duration_ms=5000),
}


def test_prompts_and_answers_are_steps_told_once() -> None:
    trajectory = to_atif(SESSION, whole(), RUNS)
    steps = trajectory["steps"]
    assert [(s["step_id"], s["source"], s["message"]) for s in steps] == [
        (1, "user", "Fix it"), (2, "agent", "I look.\n\nThen I act."), (3, "agent", ""), (4, "agent", ""),
        (5, "agent", ""),
    ]  # fmt: skip
    assert [s.get("model_name") for s in steps] == [None, "opus", "sonnet", None, None]
    assert (steps[0]["timestamp"], steps[1]["timestamp"]) == (
        "2026-01-20T14:32:15.000Z", "2026-01-20T14:32:15.100Z",
    )  # fmt: skip
    assert (trajectory["schema_version"], trajectory["session_id"]) == ("ATIF-v1.8", C)
    assert trajectory["agent"] == {"name": "claude-code", "version": "2.1.329", "model_name": "opus"}
    assert trajectory["extra"] == {
        "title": "Fix it", "status": "ended", "started_at": "2026-01-20T14:32:15.000Z",
        "tokens": {"input": 5}, "cost_usd": 0.5,
    }  # fmt: skip


def test_a_prompt_is_all_that_a_cache_had_to_do_with_and_the_rest() -> None:
    steps = to_atif(SESSION, whole(), RUNS)["steps"]
    assert steps[1]["metrics"] == {
        "prompt_tokens": 710, "completion_tokens": 20, "cached_tokens": 600, "cost_usd": 0.25,
        "extra": {"cache_creation_input_tokens": 100, "reasoning_tokens": 7},
    }  # fmt: skip
    assert steps[1]["extra"] == {"request_id": "r1"}
    assert "metrics" not in steps[0]


def test_the_totals_are_the_sums_and_the_cost_includes_subagents() -> None:
    trajectory = to_atif(SESSION, whole(), RUNS)
    assert trajectory["final_metrics"] == {
        "total_steps": 5, "total_prompt_tokens": 714, "total_completion_tokens": 22,
        "total_cached_tokens": 600, "total_cost_usd": 0.75,
    }  # fmt: skip
    (child,) = trajectory["subagent_trajectories"]
    assert (child["final_metrics"]["total_prompt_tokens"], child["final_metrics"]["total_cost_usd"]) == (
        3,
        0.5,
    )


def test_a_call_has_its_result_in_the_same_step_with_the_recorded_exit_code() -> None:
    steps = to_atif(SESSION, whole(), RUNS)["steps"]
    assert [c["tool_call_id"] for c in steps[1]["tool_calls"]] == ["c1", "c2"]
    call = steps[1]["tool_calls"][0]
    assert (call["function_name"], call["arguments"]) == ("Bash", {"command": "make"})
    assert call["extra"] == {
        "kind": "shell", "command_line": "make", "working_directory": "/w", "description": "Builds",
        "started_at": "2026-01-20T14:32:15.000Z", "timeout_ms": 5000,
    }  # fmt: skip
    failed, refused = steps[1]["observation"]["results"]
    assert (failed["source_call_id"], failed["content"]) == ("c1", "out\nerr\n")
    assert failed["extra"] == {
        "status": "failure", "outcome": "failure", "exit_code": 2, "duration_ms": 801,
        "ended_at": "2026-01-20T14:32:15.900Z", "provenance": {"exit_code": "recorder"},
        "run_id": "01Jc1", "run": "test-c1",
    }  # fmt: skip
    assert refused["content"] == "rejected by a person; it never ran: not now"
    assert (refused["extra"]["outcome"], "exit_code" in refused["extra"]) == ("rejected", False)


def test_an_exit_code_that_only_the_agent_told_says_so() -> None:
    (failed, _) = to_atif(SESSION, whole(), {})["steps"][1]["observation"]["results"]
    assert failed["extra"]["exit_code"] == 2
    assert failed["extra"]["provenance"]["exit_code"] == "transcript: text"
    assert "run" not in failed["extra"]


def test_a_call_without_an_end_and_an_end_without_a_call_are_kept() -> None:
    steps = to_atif(SESSION, whole(), RUNS)["steps"]
    assert steps[3]["tool_calls"][0]["tool_call_id"] == "c5"
    (timed_out,) = steps[3]["observation"]["results"]
    assert (timed_out["extra"]["status"], timed_out["extra"]["signal"]) == ("timeout", 9)
    assert "observation" not in to_atif(SESSION, whole(), {})["steps"][3]
    assert steps[4]["tool_calls"] == [{"tool_call_id": "c6", "function_name": "unknown", "arguments": {}}]
    assert steps[4]["observation"]["results"][0]["extra"]["exit_code"] == 0


def test_subagents_are_trajectories_that_their_calls_name() -> None:
    trajectory = to_atif(SESSION, whole(), RUNS)
    (result,) = trajectory["steps"][2]["observation"]["results"]
    assert result["subagent_trajectory_ref"] == [{"trajectory_id": "child", "session_id": C}]
    assert trajectory["steps"][2]["tool_calls"][0]["arguments"] == {"prompt": "Count", "n": None}
    (child,) = trajectory["subagent_trajectories"]
    assert child["trajectory_id"] == "child"
    assert child["agent"] == {
        "name": "claude-code", "version": "2.1.329", "model_name": "haiku", "extra": {"instance_id": "child"},
    }  # fmt: skip
    assert [(s["source"], s["message"]) for s in child["steps"]] == [("user", "Count"), ("agent", "One.")]
    assert child["steps"][1]["tool_calls"][0]["function_name"] == "Read"
    (grandchild,) = child["subagent_trajectories"]
    assert [s["message"] for s in grandchild["steps"]] == ["Deep"]


@pytest.mark.parametrize(
    "parents", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "a", "d": "a"}, {"a": "nobody"}]
)
@pytest.mark.parametrize("is_recorded", [True, False])
def test_subagents_that_started_each_other_are_not_lost(parents: dict[str, str], is_recorded: bool) -> None:
    records = tuple(
        AgentInstance(instance_id=i, session_id=C, parent_instance_id=p) for i, p in parents.items()
    )
    events: list[AnyEvent] = [
        InstanceStarted(conversation_id=C, instance_id=i, parent_instance_id=None if is_recorded else p)
        for i, p in parents.items()
    ]
    session = Session(session_id=C, instances=records if is_recorded else ())
    trajectory = to_atif(session, events, {})

    def ids(of: dict[str, Any]) -> list[str]:
        return [
            of["trajectory_id"],
            *[i for child in of.get("subagent_trajectories", ()) for i in ids(child)],
        ]

    assert sorted(ids(trajectory)) == sorted([C, *parents])


def test_a_session_of_which_nothing_is_known_is_a_trajectory_too() -> None:
    trajectory = to_atif(Session(session_id="s"), [], {})
    assert trajectory["agent"] == {"name": "unknown", "version": "unknown"}
    assert [(s["step_id"], s["source"]) for s in trajectory["steps"]] == [(1, "system")]


def test_other_conversations_of_the_same_file_are_left_out() -> None:
    main = AgentInstance(instance_id="i", session_id="s", conversation_ids=("a", "b"))
    events: list[AnyEvent] = [Prompt(conversation_id=c, text=f"in {c}") for c in ("a", "other", "b")]
    steps = to_atif(Session(session_id="s", instances=(main,)), events, {})["steps"]
    assert [step["message"] for step in steps] == ["in a", "in b"]


def test_equal_input_gives_equal_output() -> None:
    first, second = (json.dumps(to_atif(SESSION, whole(), RUNS), allow_nan=False) for _ in range(2))
    assert first == second


TEXTS = st.sampled_from(["", "a", "ab", "\ud800"])
IDS = st.sampled_from(["x", "y", "z"])
INSTANCES = st.none() | IDS
EVENTS = st.one_of(
    st.builds(Prompt, conversation_id=st.just(C), text=TEXTS, instance_id=INSTANCES),
    st.builds(Message, conversation_id=st.just(C), message_id=IDS, text=TEXTS, instance_id=INSTANCES,
              tokens=st.dictionaries(st.sampled_from(["input", "output", "cache_read"]), st.integers(0, 9)),
              at=st.none() | st.integers(0, START)),
    st.builds(CallStarted, conversation_id=st.just(C), call_id=IDS, tool=TEXTS, kind=st.just("shell"),
              command_line=TEXTS, message_id=st.none() | IDS, instance_id=INSTANCES),
    st.builds(CallEnded, conversation_id=st.just(C), call_id=IDS, instance_id=INSTANCES, stdout=TEXTS,
              outcome=st.sampled_from(["success", "background", "denied"]),
              child_instance_id=INSTANCES),
    st.builds(InstanceStarted, conversation_id=st.just(C), instance_id=IDS, parent_instance_id=INSTANCES,
              prompt=st.none() | TEXTS, call_id=st.none() | IDS),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=12))
def test_every_trajectory_keeps_the_rules_of_the_format(events: list[AnyEvent]) -> None:
    check(to_atif(Session(session_id="s"), events, {}))


def check(trajectory: dict[str, Any]) -> None:
    """The rules that Harbor's models check, as far as our output could break them."""
    assert trajectory["steps"]
    for number, step in enumerate(trajectory["steps"], 1):
        assert step["step_id"] == number
        calls = {call["tool_call_id"] for call in step.get("tool_calls", ())}
        assert len(calls) == len(step.get("tool_calls", ()))
        for result in step.get("observation", {}).get("results", ()):
            assert result["source_call_id"] in calls
        if step["source"] != "agent":
            assert not step.keys() & {"model_name", "tool_calls", "metrics"}
    children = trajectory.get("subagent_trajectories", ())
    assert len({child["trajectory_id"] for child in children}) == len(children)
    for child in children:
        check(child)


def test_harbors_own_models_accept_it() -> None:
    harbor = pytest.importorskip("harbor.models.trajectories", reason="harbor needs Python 3.12")
    exported = to_atif(SESSION, whole(), RUNS)
    read = harbor.Trajectory.model_validate(exported)
    assert read.to_json_dict() == json.loads(json.dumps(exported))
    harbor.Trajectory.model_validate(to_atif(Session(session_id="s"), [], {}))
