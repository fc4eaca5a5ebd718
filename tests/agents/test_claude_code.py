"""Claude Code: what really ran against what was recorded, and that it behaves as without acode."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.agents.conftest import Finished, Runner
from tests.agents.model_server import Script, Step
from tests.conftest import wait_for

ORDER = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
DOCUMENT = "cat <<'END'\nit's eval 'x' && pwd -P >| /tmp/nowhere\n$HOME \"quoted\" \\n\nEND"
FAILS = {"exit 0": 0, "exit 1": 1, "no-such-command": 127, "exit 137": 137, "false || exit 42": 42}
SIGNALS = {"kill -9 $$": 9, "kill -TERM $$": 15, "exec 2> /dev/null; bash -c 'kill -9 $$'": None}
LARGE = 10_000_000


def bash(command: str, **options: object) -> tuple[str, dict[str, object]]:
    return "Bash", {"command": command, "description": "a step", **options}


def steps(*commands: str) -> Script:
    """Return a script of one command after the other."""
    return {"": [*(Step(calls=(bash(command),)) for command in commands), Step("Finished.")]}


def results(done: Finished) -> list[str]:
    """Return what the model was told of its calls, in their order."""
    found: dict[str, str] = {}
    for request in done.requests:
        for message in request["body"]["messages"]:
            for block in message["content"] if isinstance(message["content"], list) else []:
                if block["type"] == "tool_result":
                    found[block["tool_use_id"]] = str(block["content"])
    return [text for _, text in sorted(found.items())]


def transcript(done: Finished) -> Path:
    """Return the one main transcript."""
    (path,) = done.home.glob(".claude/projects/*/*.jsonl")
    return path


def test_exit_codes_streams_and_order_are_exact(claude: Runner) -> None:
    done = claude.run(steps(*FAILS, ORDER, DOCUMENT))
    assert done.status == 0
    for command, code in FAILS.items():
        run = done.run_of(command)
        assert (run["exit_code"], run["signal"]) == (code, None)
        assert run["status"] == ("success" if code == 0 else "failure")
        assert (run["agent"], run["tool"]) == ("claude-code", "Bash")
        assert run["recorder"]["conversation_id"] == transcript(done).stem
    order = done.run_of(ORDER)
    assert done.stream(order, "stdout") == b"out 1\nout 2\nout 3\n"
    assert done.stream(order, "stderr") == b"err 1\nerr 2\nerr 3\n"
    document = done.run_of(DOCUMENT)
    assert (
        done.stream(document, "stdout") == b"it's eval 'x' && pwd -P >| /tmp/nowhere\n$HOME \"quoted\" \\n\n"
    )


_VOLATILE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # ids
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z"  # times
    r"|(?:toolu|msg)_\w+|claude-[0-9a-f]{4}-cwd|\b[0-9a-f]{16,}\b|\d{2,}ms"
)
_MEASURED = ("timestamp", "duration", "ms", "cost", "hash", "bytes", "port", "ttft", "size")


def _plain(value: Any, folder: str) -> Any:
    """Return a value without what differs from run to run: ids, times, folders, what was measured."""
    if isinstance(value, dict):
        return {
            key: _plain(item, folder)
            for key, item in value.items()
            if not (isinstance(item, int | float) and any(word in key.lower() for word in _MEASURED))
        }
    if isinstance(value, list):
        return [_plain(item, folder) for item in value]
    if isinstance(value, str):
        return _VOLATILE.sub("#", value.replace(folder, "FOLDER").replace(folder.replace("/", "-"), "FOLDER"))
    return value


def entries(done: Finished, *types: str) -> list[Any]:
    """Return a transcript's entries of some types, without what differs from run to run."""
    lines = [json.loads(line) for line in transcript(done).read_text().splitlines()]
    return [_plain(line, str(done.folder)) for line in lines if line["type"] in types]


def test_the_agent_sees_and_writes_the_same_as_without_acode(claude: Runner) -> None:
    commands = [*FAILS, *SIGNALS, ORDER, DOCUMENT, "no-such-command; echo $0 $SHLVL", "cd / && pwd", "pwd"]
    plain, recorded = (claude.run(steps(*commands), recorded=recorded) for recorded in (False, True))
    assert results(plain) == [
        text.replace(str(recorded.folder), str(plain.folder)) for text in results(recorded)
    ]
    assert len(results(plain)) == len(commands)
    assert entries(plain, "user", "assistant") == entries(recorded, "user", "assistant")


def test_a_command_that_a_signal_ended_says_so(claude: Runner) -> None:
    done = claude.run(steps(*SIGNALS))
    for command, number in SIGNALS.items():
        run = done.run_of(command)
        assert run["signal"] == number
        assert run["exit_code"] == (137 if number is None else 128 + number)


def test_only_what_the_agent_may_know_is_in_the_environment(claude: Runner) -> None:
    plain, recorded = (
        claude.run(steps("env | cut -d= -f1 | sort"), recorded=recorded) for recorded in (False, True)
    )
    added = set(results(recorded)[0].split()) - set(results(plain)[0].split())
    others = {name for name in added if not name.startswith("ACODE_")}
    assert others == {"CLAUDE_CODE_SHELL_PREFIX", "CLAUDE_CODE_ENABLE_TELEMETRY"}


def test_a_timeout_of_the_agent_is_no_exit_code(claude: Runner) -> None:
    """Without a background to move it to, Claude Code ends the whole process group."""
    script = {"": [Step(calls=(bash("echo begin; sleep 300", timeout=1000),)), Step("Finished.")]}
    done = claude.run(script, environ={"CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1"})
    run = done.run_of("echo begin; sleep 300")
    assert (run["status"], run["exit_code"], run["signal"]) == ("cancelled", None, 15)
    assert done.stream(run, "stdout") == b"begin\n"


def test_a_grandchild_in_the_background_is_not_waited_for(claude: Runner) -> None:
    command = "(while [ ! -e gate ]; do sleep 0.05; done; echo late; echo late > late) & echo started"
    done = claude.run(steps(command, "touch gate; while [ ! -e late ]; do sleep 0.05; done; cat late"))
    assert results(done) == ["started", "late"]
    assert done.stream(done.run_of(command), "stdout") == b"started\n"


def test_a_background_command_is_recorded_to_its_end(claude: Runner) -> None:
    command = "echo begin; while [ ! -e gate ]; do sleep 0.05; done; echo end; exit 3"
    script = {
        "": [
            Step(calls=(bash(command, run_in_background=True),)),
            Step(calls=(bash("touch gate; sleep 1"),)),
            Step("Finished."),
        ]
    }
    done = claude.run(script)
    run = done.run_of(command)
    assert (run["status"], run["exit_code"]) == ("failure", 3)
    assert done.stream(run, "stdout") == b"begin\nend\n"


def test_failed_output_is_kept_in_full_where_the_agent_has_cut_it(claude: Runner) -> None:
    line = "a line of a log that failed, number"
    command = f"i=0; yes '{line}' | head -c {LARGE}; exit 1"
    done = claude.run(steps(command), environ={"ACODE_RUNS_ARTIFACTS_MAX_SIZE_PER_ARTIFACT": "0"})
    expected = ((line + "\n") * (LARGE // len(line))).encode()[:LARGE]
    run = done.run_of(command)
    assert done.stream(run, "stdout") == expected
    assert run["exit_code"] == 1
    assert transcript(done).stat().st_size < LARGE / 10


def test_parallel_calls_are_runs_of_their_own(claude: Runner) -> None:
    names = ("one", "two", "three")
    calls = tuple(bash(f"echo {name}; exit {code}") for code, name in enumerate(names))
    done = claude.run({"": [Step(calls=calls), Step("Finished.")]})
    for code, name in enumerate(names):
        run = done.run_of(f"echo {name}; exit {code}")
        assert (run["exit_code"], done.stream(run, "stdout")) == (code, f"{name}\n".encode())


def test_commands_of_subagents_are_recorded(claude: Runner) -> None:
    tasks = tuple(
        ("Task", {"description": word, "prompt": f"{word}: go", "subagent_type": "general-purpose"})
        for word in ("FIRSTSUB", "SECONDSUB")
    )
    wait = bash("while [ ! -e first ] || [ ! -e second ]; do sleep 0.1; done; echo both")
    script: Script = {
        "FIRSTSUB": [Step(calls=(bash("echo first | tee first"),)), Step("One.")],
        "SECONDSUB": [Step(calls=(bash("echo second | tee second; exit 5"),)), Step("Two.")],
        "": [Step(calls=tasks), Step(calls=(wait,)), Step("Finished.")],
    }
    done = claude.run(script)
    assert done.run_of("echo first | tee first")["exit_code"] == 0
    assert done.run_of("echo second | tee second; exit 5")["exit_code"] == 5


def test_a_resumed_conversation_keeps_its_id_in_another_session(claude: Runner) -> None:
    conversation = "11111111-2222-4333-8444-555555555555"
    script: Script = {"": [Step(calls=(bash("echo first"),))], "AGAIN": [Step(calls=(bash("echo second"),))]}
    done = claude.run(script, arguments=["--session-id", conversation])
    claude.run(script, at=done, prompt="AGAIN", arguments=["--resume", conversation])
    runs = [done.run_of(f"echo {word}") for word in ("first", "second")]
    assert {run["recorder"]["conversation_id"] for run in runs} == {conversation}


def _wait_for_file(path: Path) -> None:
    wait_for(path.exists, 60)


def _agent_of(done: Finished) -> int:
    """Return the agent's pid: of the children of `session run`, the one that is no collector."""
    pid = int((done.folder / "pid").read_text())
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    (agent,) = [child for child in children if b"/claude\0" in Path(f"/proc/{child}/cmdline").read_bytes()]
    return int(agent)


GATED = "touch begun; while [ ! -e gate ]; do sleep 0.05; done; echo end; exit 4"


def test_a_killed_agent_leaves_what_its_command_did(claude: Runner) -> None:
    """The shell of an agent that was killed lives on; so does its recorder."""
    process, done = claude.start(steps(GATED))
    _wait_for_file(done.project / "begun")
    os.kill(_agent_of(done), signal.SIGKILL)
    assert process.wait(60) == 0
    assert done.status == 137
    (done.project / "gate").touch()
    claude.settle(done)
    run = done.run_of(GATED)
    assert (run["status"], run["exit_code"]) == ("failure", 4)
    assert done.stream(run, "stdout") == b"end\n"


def test_an_agent_goes_on_when_acode_is_killed(claude: Runner) -> None:
    process, done = claude.start(steps(GATED, "touch afterwards; exit 6"), until="afterwards")
    _wait_for_file(done.project / "begun")
    os.kill(int((done.folder / "pid").read_text()), signal.SIGKILL)
    (done.project / "gate").touch()
    assert process.wait(120) == 0
    assert done.status == -9
    claude.settle(done)
    assert done.run_of(GATED)["exit_code"] == 4
    assert done.run_of("touch afterwards; exit 6")["exit_code"] == 6


def test_an_interrupted_command_is_cancelled(claude: Runner) -> None:
    process, done = claude.start(steps(GATED))
    _wait_for_file(done.project / "begun")
    os.kill(int((done.folder / "pid").read_text()), signal.SIGTERM)  # session run passes it on
    assert process.wait(60) == 0
    assert done.status == 143
    claude.settle(done)
    run = done.run_of(GATED)
    assert (run["status"], run["exit_code"]) == ("cancelled", None)


def test_the_shim_killed_with_its_command_leaves_a_cancelled_run(claude: Runner) -> None:
    process, done = claude.start(steps("touch begun; sleep 300", "echo afterwards"))
    _wait_for_file(done.project / "begun")
    wait_for(done.shim_runs)  # the command is started before its folder is made
    (run,) = done.shim_runs()
    os.killpg(os.getpgid(run["recorder"]["pid"]), signal.SIGKILL)
    assert process.wait(60) == 0
    claude.settle(done)
    run = done.run_of("touch begun; sleep 300")
    assert (run["status"], run["exit_code"]) == ("cancelled", None)
    assert done.run_of("echo afterwards")["exit_code"] == 0


def test_an_agent_notices_nothing_of_a_workspace_that_cannot_be_written(claude: Runner) -> None:
    commands = (*FAILS, ORDER)
    plain = claude.run(steps(*commands), recorded=False)
    process, done = claude.start(steps("touch begun; while [ ! -e gate ]; do sleep 0.05; done", *commands))
    _wait_for_file(done.project / "begun")
    artifacts = Path(done.workspace.artifacts)
    artifacts.rename(artifacts.with_name("elsewhere"))
    artifacts.touch()
    (done.project / "gate").touch()
    assert process.wait(120) == 0
    assert done.status == 0
    assert results(done)[1:] == results(plain)


def test_no_settings_are_written_and_the_users_own_hooks_still_run(claude: Runner) -> None:
    folder = claude.run(steps("true")).folder  # makes a home
    done = Finished(folder)
    hook = {"type": "command", "command": "cat > /dev/null; echo own >> own-hook"}
    settings = json.dumps({"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [hook]}]}})
    (done.folder / "mine.json").write_text(settings)
    before = set(folder.rglob("settings*.json"))
    claude.run(steps("echo again"), at=done, arguments=["--settings", str(done.folder / "mine.json")])
    assert (done.project / "own-hook").read_text() == "own\n"
    assert set(folder.rglob("settings*.json")) == before
    assert not (done.project / ".claude").exists()
    assert (done.folder / "mine.json").read_text() == settings


def test_hooks_and_servers_are_not_recorded_as_commands(claude: Runner) -> None:
    hook = {"type": "command", "command": 'cat > /dev/null; echo "$0 it\'s" > hooked'}
    settings = json.dumps({"hooks": {"SessionStart": [{"hooks": [hook]}]}})
    done = claude.run(steps("echo one"), arguments=["--settings", settings])
    assert (done.project / "hooked").read_text() == "/bin/sh it's\n"
    assert [run["command_line"] for run in done.shim_runs()] == ["echo one"]


def test_several_agents_in_one_workspace_keep_apart(claude: Runner) -> None:
    first, done = claude.start(steps(*(f"echo a{i}" for i in range(3))), options=["--name", "first"])
    other = Finished(done.folder.with_name("other"))
    other.folder.mkdir()
    (other.folder / "project").symlink_to(done.project)
    second, _ = claude.start(
        steps(*(f"echo b{i}" for i in range(3))), at=other, options=["--name", "second", "--team", "us"]
    )
    assert first.wait(120) == second.wait(120) == 0
    claude.settle(done)
    sessions = [{done.run_of(f"echo {word}{i}")["session_id"] for i in range(3)} for word in "ab"]
    assert [len(ids) for ids in sessions] == [1, 1]
    assert sessions[0] != sessions[1] == {"us"}


@pytest.mark.parametrize("prefix", ["/bin/true-no-such", "/usr/bin/env"])
def test_a_prefix_of_the_users_own_is_kept(claude: Runner, prefix: str) -> None:
    done = claude.run(steps("echo $CLAUDE_CODE_SHELL_PREFIX"), environ={"CLAUDE_CODE_SHELL_PREFIX": prefix})
    assert b"CLAUDE_CODE_SHELL_PREFIX is yours" in (done.folder / "stderr.txt").read_bytes()
    assert done.shim_runs() == []
