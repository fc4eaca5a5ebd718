"""Copilot CLI: its log tells of everything, live, and its hooks of the session; nothing is counted twice."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.agents.conftest import Finished, Runner
from tests.agents.model_server import Script, Step
from tests.conftest import wait_for

FAILS = {"echo out; echo err >&2; exit 3": 3, "no-such-command": 127, "true": 0, "seq 1 100000; exit 9": 9}


def bash(command: str, **options: object) -> tuple[str, dict[str, object]]:
    return "bash", {"command": command, "description": "a step", **options}


SCRIPT: Script = {
    "SUBTASK": [Step(calls=(bash("echo from the subagent; exit 5"),)), Step("Looked.")],
    "": [
        *(Step(calls=(bash(command),)) for command in FAILS),
        Step(calls=(bash("echo one"), bash("echo two; exit 2"))),
        Step(calls=(("create", {"path": "PROJECT/new.txt", "file_text": "one\ntwo\n"}),)),
        Step(calls=(("edit", {"path": "PROJECT/new.txt", "old_str": "two", "new_str": "three"}),)),
        Step(calls=(("task", {"name": "looker", "prompt": "SUBTASK", "description": "look",
                              "agent_type": "general-purpose"}),)),
        Step("Finished."),
    ],
}  # fmt: skip
CODES = {**FAILS, "echo one": 0, "echo two; exit 2": 2, "echo from the subagent; exit 5": 5}


def script(project: str) -> Script:
    """Return the script with the project's folder in it."""

    def located(value: dict[str, Any]) -> dict[str, Any]:
        return {k: v.replace("PROJECT", project) if isinstance(v, str) else v for k, v in value.items()}

    return {
        word: [Step(s.say, tuple((name, located(value)) for name, value in s.calls)) for s in steps]
        for word, steps in SCRIPT.items()
    }


_NAMED_ANEW = re.compile(r"\S+-copilot-tool-output-\S+")


def results(done: Finished) -> list[list[str]]:
    """Return what the model was told of its calls, in each conversation."""
    told = [
        [
            _NAMED_ANEW.sub("#", str(m["content"])).replace(str(done.folder), "")
            for m in request["body"]["messages"]
            if m["role"] == "tool"
        ]
        for request in done.requests
    ]
    return sorted(told, key=lambda texts: (len(texts), texts))


@pytest.fixture
def placed(copilot: Runner, tmp_path: Path) -> Finished:
    """A project that is there before the agent is."""
    done = Finished(tmp_path / "placed")
    (done.project / ".git").mkdir(parents=True)
    return done


def take_in(copilot: Runner, done: Finished) -> None:
    """Let a collector take in what the agent wrote."""
    copilot.acode(done, "collector", "start")
    wait_for(lambda: len(done.runs()) == len(CODES) + 3 and all(r["end_time"] for r in done.runs()), 60)
    copilot.acode(done, "collector", "stop")


@pytest.mark.parametrize("hooks", [True, False])
def test_every_call_is_one_run_with_its_exit_code_and_tokens(
    copilot: Runner, placed: Finished, hooks: bool
) -> None:
    if hooks:
        copilot.acode(placed, "hooks", "install", "copilot", "--project")
    done = copilot.run(script(str(placed.project)), at=placed)
    assert done.status == 0
    take_in(copilot, done)
    runs = done.runs()
    shell = [run for run in runs if run["tool"] == "bash"]
    assert {run["command_line"]: run["exit_code"] for run in shell} == CODES
    assert sorted(run["tool"] for run in runs if run["tool"] != "bash") == ["create", "edit", "task"]
    assert {run["provenance"]["exit_code"] for run in shell} == {"transcript"}
    (session,) = json.loads(copilot.acode(done, "sessions", "list", "--json").stdout)
    asked = [request for request in done.requests if request["body"].get("tools")]
    assert session["tokens"] == {"input": 100 * len(asked), "output": 10 * len(asked)}
    assert (session["agent"], session["prompts"], session["status"]) == ("copilot", 1, "ended")
    whole = json.loads(copilot.acode(done, "sessions", "show", "--json").stdout)
    main, sub = whole["instances"]
    assert (sub["name"], sub["parent_instance_id"]) == ("looker", main["instance_id"])
    assert [r["command_line"] for r in shell if r["agent_instance_id"] == sub["instance_id"]] == [
        "echo from the subagent; exit 5"
    ]


def test_the_model_is_told_the_same_as_without_acode(copilot: Runner) -> None:
    """It reads two pipes, whose order it cannot know itself; so there is one here."""
    commands: Script = {"": [*(Step(calls=(bash(f"exec 2>&1; {c}"),)) for c in FAILS), Step("Done.")]}
    plain, recorded = (copilot.run(commands, recorded=recorded) for recorded in (False, True))
    assert len(results(plain)[-1]) == len(FAILS)
    assert results(plain) == results(recorded)
