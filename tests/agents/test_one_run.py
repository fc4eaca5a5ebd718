"""What shim, hooks, transcript and telemetry of a real agent say becomes one run for each call."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.agents.conftest import Finished, Runner
from tests.agents.model_server import Script, Step
from tests.agents.test_claude_code import bash
from tests.conftest import wait_for

Json = dict[str, Any]


def transcripts(done: Finished) -> list[Path]:
    """Return the transcripts of the conversation and of its subagents."""
    return sorted(done.home.glob(".claude/projects/**/*.jsonl"))


def asked(done: Finished) -> dict[str, Json]:
    """Return every call that the transcripts hold, by its id: counted here, not by the importer."""
    found: dict[str, Json] = {}
    for line in _lines(done):
        message = line.get("message") or {}
        content = message.get("content")
        for block in content if isinstance(content, list) else []:
            if block.get("type") == "tool_use":
                found[block["id"]] = {**block, "agent": line.get("agentId")}
    return found


def _lines(done: Finished) -> Iterator[Json]:
    for path in transcripts(done):
        for line in path.read_text().splitlines():
            yield json.loads(line)


def calls(claude: Runner, done: Finished) -> dict[str, Json]:
    """Return every run of an agent's call, by the call's id, as acode lists it."""
    listed = claude.acode(done, "runs", "list", "--format", "jsonl")
    runs = [json.loads(line) for line in listed.stdout.splitlines()]
    assert all(run["tool_call_id"] for run in runs), [run["command_line"] for run in runs]
    assert len({run["tool_call_id"] for run in runs}) == len(runs)
    return {run["tool_call_id"]: run for run in runs}


def session(claude: Runner, done: Finished) -> Json:
    shown: Json = json.loads(claude.acode(done, "sessions", "show", "--json").stdout)
    return shown


def take_in(claude: Runner, done: Finished) -> None:
    """Let a collector take in what is left, until nothing of the agent is open."""
    claude.acode(done, "collector", "start")
    inbox = Path(done.workspace.inbox)

    def settled() -> bool:
        open_calls = claude.acode(done, "runs", "list", "--status", "running", "--json").stdout.strip()
        listed = claude.acode(done, "runs", "list", "--format", "jsonl").stdout.splitlines()
        taken = {json.loads(line)["tool_call_id"] for line in listed}
        return not list(inbox.glob("*.hook")) and open_calls == b"[]" and asked(done).keys() <= taken

    wait_for(settled, 60)
    claude.acode(done, "collector", "stop")


def everything(project: Path) -> Script:
    """Return a script with a call of every kind."""
    calc = str(project / "calc.py")
    task = {"description": "a", "prompt": "FIRSTSUB", "subagent_type": "general-purpose"}
    return {
        "FIRSTSUB": [Step(calls=(bash("echo first; exit 5"),)), Step("One.")],
        "": [
            Step("Looking.", calls=(bash("ls"),)),
            Step(calls=(("Write", {"file_path": calc, "content": "def add(a, b):\n    return a - b\n"}),)),
            Step(calls=(("Read", {"file_path": calc}), bash("echo a >&2; exit 3"), bash("echo b"))),
            Step(calls=(("Edit", {"file_path": calc, "old_string": "a - b", "new_string": "a + b"}),)),
            Step(calls=(("Glob", {"pattern": "*.py"}),)),
            Step(calls=(bash("sleep 0.3; echo late | tee late; exit 4", run_in_background=True),)),
            Step(calls=(("Task", task),)),
            Step(calls=(bash("while [ ! -s late ]; do sleep 0.1; done"),)),
            Step("Finished."),
        ],
    }


def test_every_call_is_one_run_with_the_best_of_each_channel(claude: Runner, tmp_path: Path) -> None:
    done = claude.run(everything(tmp_path / "claude-code-1" / "project"))
    assert done.status == 0
    take_in(claude, done)
    wanted, found = asked(done), calls(claude, done)
    assert found.keys() == wanted.keys()
    names = {"Task": "Agent"}  # what the agent itself calls it
    tools = Counter(names.get(call["name"], call["name"]) for call in wanted.values())
    assert Counter(names.get(run["tool"], run["tool"]) for run in found.values()) == tools
    whole = session(claude, done)
    (main,) = [i for i in whole["instances"] if i["parent_instance_id"] is None]
    for call_id, call in wanted.items():
        run = found[call_id]
        assert run["session_id"] == whole["session_id"]
        assert run["agent_instance_id"] == (call["agent"] or main["instance_id"])
        assert run["agent"] == "claude-code"
        if call["name"] == "Bash":
            assert run["command_line"] == call["input"]["command"]
            assert run["recorder"]["kind"] == "shim"
            assert run["provenance"]["exit_code"] == "recorder"
        else:
            assert run["exit_code"] is None
    codes = {run["command_line"]: run["exit_code"] for run in found.values() if run["tool"] == "Bash"}
    assert codes["echo a >&2; exit 3"] == 3
    assert codes["sleep 0.3; echo late | tee late; exit 4"] == 4
    assert codes["echo first; exit 5"] == 5
    (edit,) = [run for run in found.values() if run["tool"] == "Edit"]
    assert [artifact["type"] for artifact in edit["artifacts"]].count("diff") == 1
    diff = Path(done.workspace.run_folder(edit["name"]), "changes.diff").read_text()
    assert "-    return a - b" in diff
    assert "+    return a + b" in diff


def test_tokens_and_cost_are_what_the_model_server_counted(claude: Runner, tmp_path: Path) -> None:
    done = claude.run(everything(tmp_path / "claude-code-1" / "project"))
    take_in(claude, done)
    usage: dict[str, Json] = {}
    for line in _lines(done):
        message = line.get("message") or {}
        if line["type"] == "assistant" and message.get("model") != "<synthetic>":
            usage[line.get("requestId") or message["id"]] = message["usage"]
    whole = session(claude, done)
    kinds = {"input": "input_tokens", "output": "output_tokens", "cache_read": "cache_read_input_tokens"}
    for mine, theirs in kinds.items():
        assert whole["tokens"].get(mine, 0) == sum(u.get(theirs) or 0 for u in usage.values())
        assert whole["tokens"].get(mine, 0) == sum(i["tokens"].get(mine, 0) for i in whole["instances"])
    counted = sum(run["tokens"].get("output", 0) for run in calls(claude, done).values())
    assert counted <= whole["tokens"]["output"]
    told = [json.loads(line) for line in (done.folder / "stdout.txt").read_text().splitlines()]
    costs = [line["total_cost_usd"] for line in told if line.get("type") == "result"]
    assert round(whole["cost"], 6) == round(max(costs), 6)


def test_what_was_refused_is_said_as_such(claude: Runner) -> None:
    script: Script = {
        "": [Step(calls=(bash("touch refused"),)), Step(calls=(bash("echo fine"),)), Step("End.")]
    }
    done = claude.run(script, arguments=["--disallowedTools", "Bash(touch:*)"])
    take_in(claude, done)
    runs = {run["command_line"]: run for run in calls(claude, done).values()}
    assert not (done.project / "refused").exists()
    refused = runs["touch refused"]
    assert (refused["status"], refused["exit_code"]) == ("cancelled", None)
    assert refused["error_code"] == "ACODE-AGT-009"
    assert runs["echo fine"]["exit_code"] == 0


def test_a_resumed_and_a_forked_conversation_count_everything_once(claude: Runner) -> None:
    conversation = "11111111-2222-4333-8444-555555555555"
    script: Script = {
        "": [Step(calls=(bash("echo first"),)), Step("End.")],
        "AGAIN": [Step(calls=(bash("echo second"),)), Step("End.")],
        "FORK": [Step(calls=(bash("echo third"),)), Step("End.")],
    }
    done = claude.run(script, arguments=["--session-id", conversation])
    claude.run(script, at=done, prompt="AGAIN", arguments=["--resume", conversation])
    claude.run(script, at=done, prompt="FORK", arguments=["--resume", conversation, "--fork-session"])
    take_in(claude, done)
    found = calls(claude, done)
    assert sorted(run["command_line"] for run in found.values()) == [
        "echo first",
        "echo second",
        "echo third",
    ]
    listed = json.loads(claude.acode(done, "sessions", "list", "--json").stdout)
    assert [s["prompts"] for s in listed] == [1, 1, 1]
    output: dict[str, int] = {}
    for line in _lines(done):
        message = line.get("message") or {}
        if line["type"] == "assistant" and message.get("model") != "<synthetic>":
            output[line.get("requestId") or message["id"]] = message["usage"]["output_tokens"]
    assert sum(s["tokens"].get("output", 0) for s in listed) == sum(output.values())
    again = claude.acode(done, "sessions", "import", "--again", "--agent", "claude-code")
    assert b"0 runs added" in again.stdout, again.stdout + again.stderr
    assert calls(claude, done).keys() == found.keys()
