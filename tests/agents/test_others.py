"""Codex, Gemini CLI and OpenCode: what stands in for their shells records, and they notice nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.agents.conftest import Finished, Runner
from tests.agents.model_server import Script, Step

COMMANDS = {
    "echo out; echo err >&2; exit 3": 3,
    "no-such-command; echo $0 $SHLVL; bash -c 'echo nested; exit 2'": 2,
    "cat <<'END'\nit's \"quoted\" $HOME\nEND": 0,
    "for i in 1 2 3; do echo out $i; echo err $i >&2; done": 0,
    "exit 137": 137,
}
TOOLS = {
    "codex": ("exec_command", "cmd", "exec_command"),
    "gemini": ("run_shell_command", "command", "run_shell_command"),
    "opencode": ("bash", "command", "bash"),
}
"""For each agent its shell tool, the input that holds the command, and the tool that is recorded."""


def script(agent: str, *commands: str) -> Script:
    """Return a script of one command after the other."""
    tool, key, _ = TOOLS[agent]
    others = {} if agent == "codex" else {"description": "a step"}
    calls = [Step(calls=((tool, {key: command, **others}),)) for command in commands]
    return {"": [*calls, Step("Finished.")]}


@pytest.fixture(params=TOOLS)
def agent(request: pytest.FixtureRequest) -> Runner:
    """Each of the agents, one after the other."""
    runner: Runner = request.getfixturevalue(request.param)
    return runner


def _results(body: dict[str, Any]) -> Iterator[str]:
    for item in body.get("input", []):
        if str(item.get("type")).endswith("_output"):
            yield str(item["output"])
    for content in body.get("contents", []):
        for part in content["parts"]:
            if "functionResponse" in part:
                yield json.dumps(part["functionResponse"]["response"])
    for message in body.get("messages", []):
        if message["role"] == "tool":
            yield str(message["content"])


_MEASURED = re.compile(r"(Chunk ID: |PGID: |Wall time: )[0-9a-f.]+")


def results(done: Finished) -> list[str]:
    """Return what the model was told of its calls, without what is measured or given out by the system."""
    longest = max((list(_results(request["body"])) for request in done.requests), key=len)
    return [_MEASURED.sub(r"\1#", text.replace(str(done.folder), "FOLDER")) for text in longest]


def test_commands_are_recorded_as_they_ran(agent: Runner) -> None:
    done = agent.run(script(agent.agent, *COMMANDS))
    assert done.status == 0
    for command, code in COMMANDS.items():
        run = done.run_of(command)
        assert (run["exit_code"], run["agent"]) == (code, agent.agent)
        assert run["tool"] == TOOLS[agent.agent][2]
    run = done.run_of("echo out; echo err >&2; exit 3")
    assert (done.stream(run, "stdout"), done.stream(run, "stderr")) == (b"out\n", b"err\n")
    assert len(done.shim_runs()) == len(COMMANDS)
    assert len({run["session_id"] for run in done.shim_runs()}) == 1


def test_the_model_is_told_the_same_as_without_acode(agent: Runner) -> None:
    """These agents read two pipes, whose order they cannot know themselves; so there is one here."""
    commands = [f"exec 2>&1; {command}" for command in COMMANDS]
    plain, recorded = (
        agent.run(script(agent.agent, *commands), recorded=recorded) for recorded in (False, True)
    )
    assert len(results(plain)) == len(COMMANDS)
    assert results(plain) == results(recorded)


def test_the_command_finds_its_own_shell_and_path(agent: Runner) -> None:
    names = "SHELL PATH BASH_ENV ENV"
    command = f'for n in {names}; do eval "echo $n=\\$$n"; done'
    plain, recorded = (
        agent.run(script(agent.agent, command), recorded=recorded) for recorded in (False, True)
    )
    assert results(plain) == results(recorded)


def test_codex_names_the_call(codex: Runner) -> None:
    done = codex.run(script("codex", "echo one"))
    call = next(item for item in done.requests[-1]["body"]["input"] if item.get("type") == "function_call")
    run = done.run_of("echo one")
    assert run["tool_call_id"] == call["call_id"]
    started = json.loads((done.folder / "stdout.txt").read_text().splitlines()[0])
    assert run["recorder"]["conversation_id"] == started["thread_id"]


def test_codex_in_its_sandbox_is_recorded(codex: Runner) -> None:
    done = codex.run(script("codex", "echo one; exit 3"), arguments=["--sandbox", "workspace-write"])
    assert done.run_of("echo one; exit 3")["exit_code"] == 3
