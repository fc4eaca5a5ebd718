"""`acode session run`: the agent as without acode, and what the collector is told of it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.clock import parse_iso, process_start_ticks
from collector.ids import is_ulid
from tests.agents_shim.conftest import Shim
from tests.conftest import wait_for
from tests.terminal import Terminal


def letters(shim: Shim) -> list[dict[str, Any]]:
    """Return what was left in the inbox, in its order."""
    return [json.loads(path.read_text()) for path in sorted(Path(shim.workspace.inbox).glob("*.instance"))]


def agent(shim: Shim, program: str, script: str = "", folder: str = "agents") -> Path:
    """Write a program that tells its arguments and environment as JSON, then runs a shell script."""
    path = shim.root / folder / program
    path.parent.mkdir(parents=True, exist_ok=True)
    tell = "import json, os, sys; json.dump([sys.argv[1:], dict(os.environ)], open(os.environ['TOLD'], 'w'))"
    path.write_text(f'#!/bin/dash\n{shlex.quote(sys.executable)} -S -c {shlex.quote(tell)} "$@"\n{script}\n')
    path.chmod(0o755)
    shim.environ["TOLD"] = str(shim.root / "told.json")
    return path


def told(shim: Shim) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the environment that the program had."""
    arguments, environ = json.loads((shim.root / "told.json").read_text())
    return arguments, environ


@pytest.mark.parametrize("code", [0, 1, 3, 127, 130, 255])
def test_the_exit_status_is_the_agent_s(shim: Shim, code: int) -> None:
    done = shim.session("sh", "-c", f"cat; echo out; echo err >&2; exit {code}", input=b"in\n")
    assert (done.returncode, done.stdout, done.stderr) == (code, b"in\nout\n", b"err\n")
    started, ended = letters(shim)
    assert (ended["kind"], ended["exit_code"], ended["signal"]) == ("ended", code, None)
    assert (started["kind"], started["agent"]) == ("started", "sh")


@pytest.mark.parametrize("number", [2, 9, 15])
def test_an_agent_that_a_signal_ends_is_128_and_the_signal(shim: Shim, number: int) -> None:
    done = shim.session("--", sys.executable, "-c", f"import os; os.kill(os.getpid(), {number})")
    assert done.returncode in (128 + number, 1)
    if done.returncode != 1:  # a KeyboardInterrupt
        assert letters(shim)[1]["signal"] == number


def test_what_the_letters_say(shim: Shim) -> None:
    shim.environ["ACODE_INSTANCE_ID"] = "parent-1"
    options = ["--name", "one", "--role=tester", "--model", "m-1", "--session", "s-1"]
    command = ["sh", "-c", "echo $ACODE_SESSION_ID $ACODE_INSTANCE_ID $ACODE_WORKSPACE $ACODE_AGENT"]
    done = shim.session(*options, "--", *command)
    started, ended = letters(shim)
    instance = started["instance_id"]
    assert is_ulid(instance)
    assert done.stdout.decode() == f"s-1 {instance} {shim.root} sh\n"
    given = {key: started[key] for key in ("name", "role", "model", "team", "session_id", "agent", "argv")}
    assert given == {
        "name": "one", "role": "tester", "model": "m-1", "team": None, "session_id": "s-1", "agent": "sh",
        "argv": command,
    }  # fmt: skip
    assert (started["parent_instance_id"], started["working_directory"]) == ("parent-1", str(shim.root))
    assert isinstance(started["start_ticks"], int)
    assert (ended["session_id"], ended["instance_id"]) == ("s-1", instance)
    assert parse_iso(started["started_at"]) <= parse_iso(ended["ended_at"])


SESSIONS = [
    (["--team", "t-1", "--session", "s-1"], {"ACODE_SESSION_ID": "inherited"}, "t-1"),
    (["--session", "s-1"], {"ACODE_SESSION_ID": "inherited"}, "s-1"),
    ([], {"ACODE_SESSION_ID": "inherited"}, "inherited"),
    (["--team", "", "--session="], {}, "conversation-1"),
]


@pytest.mark.parametrize(("options", "environ", "session"), SESSIONS)
def test_the_session_is_the_team_s_else_the_given_else_the_inherited(
    shim: Shim, options: list[str], environ: dict[str, str], session: str
) -> None:
    shim.environ |= environ
    assert shim.session(*options, "sh", "-c", "echo $ACODE_SESSION_ID").stdout.decode() == f"{session}\n"


def test_a_session_of_its_own_is_a_new_ulid(shim: Shim) -> None:
    del shim.environ["CLAUDE_CODE_SESSION_ID"]
    sessions = [shim.session("sh", "-c", "echo $ACODE_SESSION_ID").stdout.decode().strip() for _ in range(2)]
    assert all(is_ulid(session) for session in sessions)
    assert sessions[0] != sessions[1]


def test_an_agent_that_is_not_there_is_127(shim: Shim) -> None:
    done = shim.session("no-such-agent")
    assert done.returncode == 127
    assert done.stderr.startswith(b"acode: ACODE-RUN-012: no-such-agent: command not found")
    assert done.stderr.count(b"\n") == 1
    assert letters(shim) == []


def test_an_agent_that_is_no_program_is_126(shim: Shim) -> None:
    (shim.root / "data").write_text("x")
    assert shim.session("./data").returncode == 126


@pytest.mark.parametrize("arguments", [[], ["--name"], ["--odd", "x", "true"], ["--"]])
def test_wrong_usage_is_125_with_one_line(shim: Shim, arguments: list[str]) -> None:
    done = shim.session(*arguments)
    assert done.returncode == 125
    assert done.stderr.startswith(b"acode: ACODE-RUN-019: ")
    assert done.stderr.count(b"\n") == 1


def test_help(shim: Shim) -> None:
    assert shim.session("--help").stdout.startswith(b"usage: acode session run")


def test_both_spellings(shim: Shim) -> None:
    command = [str(shim.scripts / "acode"), "sessions", "run", "sh", "-c", "exit 3"]
    assert subprocess.run(command, env=shim.environ, cwd=shim.root, check=False).returncode == 3


# Out of the way


MASKS = "grep -E '^Sig(Blk|Ign)' /proc/self/status"


def test_the_agent_has_its_caller_s_process_group_descriptors_and_signals(shim: Shim) -> None:
    tell = "print(os.getpgrp() == os.getsid(0), len(os.listdir('/proc/self/fd')))"
    inner = f"{sys.executable} -S -c {shlex.quote(f'import os; {tell}')}; {MASKS}"
    seen = []
    for before in ("", f"{shlex.quote(str(shim.scripts / 'acode'))} session run --"):
        script = f"trap '' USR1 PIPE; {before} sh -c {shlex.quote(inner)}"
        done = subprocess.run(
            ["setsid", "-w", "sh", "-c", script], env=shim.environ, cwd=shim.root, capture_output=True,
            check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        first, *masks = done.stdout.splitlines()
        seen.append((first, [int(mask.split()[1], 16) & ~(3 << 31) for mask in masks]))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_is_passed_on(shim: Shim, number: signal.Signals) -> None:
    script = f"trap 'echo got; exit 9' {number.name[3:]}; echo ready; while :; do sleep 0.05; done"
    command = [str(shim.scripts / "acode"), "session", "run", "sh", "-c", script]
    process = subprocess.Popen(command, env=shim.environ, cwd=shim.root, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (9, b"got\n")


def test_the_agent_goes_on_when_acode_is_killed(shim: Shim) -> None:
    gate = shim.root / "gate"
    os.mkfifo(gate)
    command = [
        str(shim.scripts / "acode"),
        "session",
        "run",
        "sh",
        "-c",
        f"echo $$; read x < {gate}; echo on",
    ]
    process = subprocess.Popen(command, env=shim.environ, cwd=shim.root, stdout=subprocess.PIPE)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    wait_for(lambda: letters(shim))
    (started,) = letters(shim)
    assert (started["pid"], started["agent_pid"]) == (process.pid, pid)
    assert started["agent_start_ticks"] == process_start_ticks(pid)
    process.kill()
    process.wait(20)
    gate.write_text("go\n")
    assert process.stdout.read() == b"on\n"
    process.stdout.close()


def test_ctrl_z_stops_both_and_fg_lets_both_go_on(shim: Shim) -> None:
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], shim.environ, str(shim.root))
    acode = shlex.quote(str(shim.scripts / "acode"))
    shell.send(f"{acode} session run -- sh -c 'echo started; read x; echo got $x; exit 4'; echo status $?\n")
    shell.wait_until(lambda: "started" in shell.lines())
    shell.send("\x1a")
    shell.wait_for("Stopped")
    shell.send("echo back in the shell | tr a-z A-Z\n")
    shell.wait_for("BACK IN THE SHELL")
    shell.send("fg\n")
    shell.send("word\n")
    shell.wait_until(lambda: "got word" in shell.lines())
    shell.send("exit 0\n")
    assert shell.finish() == 0


def test_a_stop_that_the_agent_makes_itself_is_the_shell_s_to_see(shim: Shim) -> None:
    """Claude Code takes Ctrl-Z as a key and then stops itself alone."""
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], shim.environ, str(shim.root))
    acode = shlex.quote(str(shim.scripts / "acode"))
    shell.send(f"{acode} session run -- sh -c 'kill -STOP $$; echo on again; exit 4'\n")
    shell.wait_for("Stopped")
    shell.send("fg; echo status $?\n")
    shell.wait_until(lambda: "status 4" in shell.lines())
    shell.send("exit 0\n")
    assert shell.finish() == 0


def test_ctrl_c_is_the_agent_s_alone(shim: Shim) -> None:
    script = "trap 'echo asked; exit 6' INT; echo ready; while :; do sleep 0.05; done"
    terminal = Terminal(
        [str(shim.scripts / "acode"), "session", "run", "sh", "-c", script], shim.environ, str(shim.root)
    )
    terminal.wait_for("ready")
    terminal.send("\x03")
    assert terminal.finish() == 6
    assert "asked" in terminal.text()


def test_the_agent_has_the_terminal_itself(shim: Shim) -> None:
    script = "tty; ps -o stat= -p $$ | grep -c '+'; stty size"
    terminal = Terminal(
        [str(shim.scripts / "acode"), "session", "run", "sh", "-c", script], shim.environ, str(shim.root),
        columns=97, rows=31,
    )  # fmt: skip
    assert terminal.finish() == 0
    assert "31 97" in terminal.text()
    assert "/dev/pts/" in terminal.text()
    assert "\n1\n" in terminal.text()


# Recording is not needed


def test_without_recording_the_agent_runs_plainly(shim: Shim) -> None:
    shim.environ["ACODE_RUNS_ENABLED"] = "false"
    done = shim.session("sh", "-c", "env | grep -c ^ACODE_SESSION_ID; exit 5")
    assert (done.returncode, done.stdout, done.stderr) == (5, b"0\n", b"")
    assert not Path(shim.workspace.folder).exists()


def test_a_workspace_that_cannot_be_written_costs_one_line(shim: Shim) -> None:
    (shim.root / ".acode").write_text("a file")
    done = shim.session("sh", "-c", "echo out; exit 5")
    assert (done.returncode, done.stdout) == (5, b"out\n")
    assert done.stderr.startswith(b"acode: ACODE-AGT-014: ")
    assert done.stderr.count(b"\n") == 1


def test_settings_that_are_wrong_cost_one_line(shim: Shim) -> None:
    (shim.root / ".acode").mkdir()
    (shim.root / ".acode" / "config.yml").write_text("runs: [\n")
    done = shim.session("sh", "-c", "exit 5")
    assert done.returncode == 5
    assert done.stderr.count(b"\n") == 1


# What each agent is given


def _hooks(settings: str) -> dict[str, Any]:
    hooks: dict[str, Any] = json.loads(settings)["hooks"]
    return hooks


def test_claude_code_gets_the_prefix_and_hooks_for_this_session_only(shim: Shim) -> None:
    program = agent(shim, "claude")
    before = {path for path in shim.root.rglob("*") if ".acode" not in path.parts}
    shim.session("--", str(program), "-p", "do it")
    arguments, environ = told(shim)
    assert environ["CLAUDE_CODE_SHELL_PREFIX"] == str((shim.scripts / "acode-shim").resolve())
    assert environ["ACODE_AGENT"] == "claude-code"
    assert (arguments[0], arguments[2:]) == ("--settings", ["-p", "do it"])
    handler = _hooks(arguments[1])["PreToolUse"][0]["hooks"][0]
    assert handler["command"] == str((shim.scripts / "acode-hook").resolve())
    assert handler["args"] == ["claude-code", "PreToolUse"]
    after = {path for path in shim.root.rglob("*") if ".acode" not in path.parts}
    assert after - before == {shim.root / "told.json"}
    assert not any(name.startswith("OTEL_") for name in environ)  # there is no collector


@pytest.mark.parametrize("form", ["file", "text", "equals"])
def test_settings_that_the_user_passes_are_kept(shim: Shim, form: str) -> None:
    own = {"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "mine"}]}]}, "model": "m"}
    (shim.root / "own.json").write_text(json.dumps(own))
    value = "own.json" if form == "file" else json.dumps(own)
    given = [f"--settings={value}"] if form == "equals" else ["--settings", value]
    shim.session("--", str(agent(shim, "claude")), "-p", "x", *given, "--verbose")
    arguments, _ = told(shim)
    assert arguments[:2] == ["-p", "x"]
    assert arguments[-1] == "--verbose"
    (settings,) = [word.partition("=")[2] for word in arguments if word.startswith("--settings")]
    assert json.loads(settings)["model"] == "m"
    commands = [entry["hooks"][0]["command"] for entry in _hooks(settings)["PreToolUse"]]
    assert commands == ["mine", str((shim.scripts / "acode-hook").resolve())]


@pytest.mark.parametrize("value", ["no-such-file.json", "{broken", "[1]", '{"hooks": 3}'])
def test_settings_that_nobody_understands_are_left_to_the_agent(shim: Shim, value: str) -> None:
    done = shim.session("--", str(agent(shim, "claude")), "--settings", value)
    arguments, environ = told(shim)
    assert arguments == ["--settings", value]
    assert "CLAUDE_CODE_SHELL_PREFIX" in environ
    assert done.stderr.count(b"\n") == 1


def test_hooks_that_are_installed_are_not_given_twice(shim: Shim) -> None:
    program = agent(shim, "claude")
    folder = shim.root / ".claude"
    folder.mkdir()
    handler = {"type": "command", "command": "/elsewhere/acode-hook", "args": ["claude-code", "Stop"]}
    (folder / "settings.local.json").write_text(json.dumps({"hooks": {"Stop": [{"hooks": [handler]}]}}))
    shim.session("--", str(program), "-p", "x")
    assert told(shim)[0] == ["-p", "x"]


@pytest.mark.parametrize("verb", ["mcp", "doctor", "update"])
def test_verbs_of_claude_code_get_no_settings(shim: Shim, verb: str) -> None:
    shim.session("--", str(agent(shim, "claude")), verb, "list")
    assert told(shim)[0] == [verb, "list"]


def test_a_prefix_of_the_user_s_own_stays(shim: Shim) -> None:
    shim.environ["CLAUDE_CODE_SHELL_PREFIX"] = "/usr/bin/audit"
    done = shim.session("--", str(agent(shim, "claude")))
    assert told(shim)[1]["CLAUDE_CODE_SHELL_PREFIX"] == "/usr/bin/audit"
    assert b"CLAUDE_CODE_SHELL_PREFIX is yours" in done.stderr


def test_an_older_shim_is_replaced(shim: Shim) -> None:
    shim.environ["CLAUDE_CODE_SHELL_PREFIX"] = "/old/bin/acode-shim"
    shim.session("--", str(agent(shim, "claude")))
    assert told(shim)[1]["CLAUDE_CODE_SHELL_PREFIX"] == str((shim.scripts / "acode-shim").resolve())


LAUNCHED = [
    ["npx", "-y", "@anthropic-ai/claude-code@2.1.0", "-p", "x"],
    ["env", "A=b", "claude", "-p", "x"],
    ["timeout", "60", "claude", "-p", "x"],
]


@pytest.mark.parametrize("command", LAUNCHED)
def test_an_agent_behind_a_launcher_is_recognized(shim: Shim, command: list[str]) -> None:
    program = agent(shim, command[0])
    shim.environ["PATH"] = f"{program.parent}:{shim.environ['PATH']}"
    shim.session("--", *command)
    arguments, environ = told(shim)
    assert environ["ACODE_AGENT"] == "claude-code"
    place = len(command) - 3
    assert arguments[:place] == command[1:-2]
    assert arguments[place] == "--settings"
    assert arguments[place + 2 :] == ["-p", "x"]


@pytest.fixture
def endpoint(shim: Shim) -> Iterator[tuple[int, str]]:
    """A collector that takes telemetry; its port and token."""
    shim.environ["ACODE_COLLECTOR_AUTOSTART"] = "true"
    process = shim.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    file = Path(shim.workspace.folder, "collector.port")
    wait_for(lambda: file.exists() and Path(shim.workspace.collector_pid).exists())
    port, token, _ = file.read_text().split("\n")
    yield int(port), token
    process.terminate()
    process.wait(20)


def test_claude_code_tells_the_collector_of_its_requests(shim: Shim, endpoint: tuple[int, str]) -> None:
    shim.session("--", str(agent(shim, "claude")))
    _, environ = told(shim)
    port, token = endpoint
    assert {
        name: value for name, value in environ.items() if name.startswith(("OTEL", "CLAUDE_CODE_ENABLE"))
    } == {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{token}",
    }
    assert letters(shim) == []  # the collector has taken them in before the session's end


@pytest.mark.parametrize("where", ["environment", "settings"])
def test_telemetry_of_the_user_s_own_stays(shim: Shim, endpoint: tuple[int, str], where: str) -> None:
    if where == "environment":
        shim.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://example.test"
    else:
        folder = Path(shim.environ["HOME"]) / ".claude"
        folder.mkdir(parents=True)
        (folder / "settings.json").write_text('{"env": {"OTEL_LOGS_EXPORTER": "console"}}')
    shim.session("--", str(agent(shim, "claude")))
    _, environ = told(shim)
    assert "CLAUDE_CODE_ENABLE_TELEMETRY" not in environ
    assert endpoint[1] not in str(environ)


def test_codex_gets_its_exporter_as_an_argument(shim: Shim, endpoint: tuple[int, str]) -> None:
    shim.session("--", str(agent(shim, "codex")), "exec", "do it")
    arguments, environ = told(shim)
    assert arguments[0] == "-c"
    assert arguments[1].startswith("otel.exporter={otlp-http={")
    assert endpoint[1] in arguments[1]
    assert arguments[2:] == ["exec", "do it"]
    assert Path(environ["BASH_ENV"]).parent == Path(shim.workspace.shells)
    assert environ["ACODE_BASH_ENV"] == ""


def test_codex_with_an_exporter_of_its_own_keeps_it(shim: Shim, endpoint: tuple[int, str]) -> None:
    folder = Path(shim.environ["HOME"]) / ".codex"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[otel]\nenvironment = 'dev'\n")
    shim.session("--", str(agent(shim, "codex")), "exec")
    assert told(shim)[0] == ["exec"]
    assert endpoint


def test_gemini_and_opencode_get_stand_ins(shim: Shim) -> None:
    shim.environ["SHELL"] = "/bin/bash"
    links = shim.workspace.shells
    shim.session("--", str(agent(shim, "gemini")))
    _, environ = told(shim)
    assert environ["PATH"].split(":")[0] == links
    assert environ["SHELL"] == "/bin/bash"
    shim.session("--", str(agent(shim, "opencode")))
    _, environ = told(shim)
    assert environ["SHELL"].startswith(f"{links}/")
    assert environ["ACODE_SHELL"] == "/bin/bash"
    assert links not in environ["PATH"]
    shim.environ["SHELL"] = "/usr/bin/fish"
    shim.session("--", str(agent(shim, "opencode")))
    _, environ = told(shim)
    assert environ["SHELL"] == "/usr/bin/fish"
    assert environ["PATH"].split(":")[0] == links
