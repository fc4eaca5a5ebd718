"""Runs a real agent against the scripted model: a home of its own, nothing reachable but the loopback.

    python -m tests.agents.run SPECIFICATION.json

A process of its own, because as root it leaves the network first. The specification says which agent,
where, and the script; what came of it (exit status, requests) is written beside it.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.agents.model_server import Script, from_json, serve, to_json

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


@dataclass(frozen=True)
class Specification:
    """One run: `program` is the agent's, `before` what is put in front of it (`acode session run --`).

    `until` names a file of the project: the model answers until it is there.
    """

    agent: str
    program: str
    folder: str
    prompt: str
    script: str
    before: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    until: str = ""
    seconds: float = 120.0


def leave_network() -> None:
    """Keep the loopback only; without the right to, stay."""
    if os.geteuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        return
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def _claude(url: str, home: Path, project: Path, run: Specification) -> tuple[list[str], dict[str, str]]:
    environ = {
        "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-ant-none", "IS_SANDBOX": "1",
        "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "1",
    }  # fmt: skip
    flags = ["--dangerously-skip-permissions", "--output-format", "stream-json", "--verbose"]
    return ["-p", run.prompt, *flags], environ


def _codex(url: str, home: Path, project: Path, run: Specification) -> tuple[list[str], dict[str, str]]:
    settings = home / ".codex" / "config.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(
        'model_provider = "scripted"\napproval_policy = "never"\nsandbox_mode = "danger-full-access"\n'
        f'[model_providers.scripted]\nname = "scripted"\nbase_url = "{url}/v1"\nwire_api = "responses"\n'
        'env_key = "SCRIPTED_KEY"\n'
    )
    return ["exec", "--json", "--skip-git-repo-check", "-m", "gpt-5.5", run.prompt], {"SCRIPTED_KEY": "none"}


def _gemini(url: str, home: Path, project: Path, run: Specification) -> tuple[list[str], dict[str, str]]:
    settings = home / ".gemini" / "settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps({
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False}, "general": {"enableAutoUpdate": False},
    }))  # fmt: skip
    environ = {
        "GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": url, "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }  # fmt: skip
    flags = ["-m", "gemini-2.5-pro", "--approval-mode", "yolo", "--output-format", "stream-json"]
    return [*flags, "-p", run.prompt], environ


def _opencode(url: str, home: Path, project: Path, run: Specification) -> tuple[list[str], dict[str, str]]:
    provider = {
        "npm": "@ai-sdk/openai-compatible", "name": "scripted",
        "options": {"baseURL": f"{url}/v1", "apiKey": "none"},
        "models": {"scripted": {"name": "scripted", "limit": {"context": 100000, "output": 8000}}},
    }  # fmt: skip
    (project / "opencode.json").write_text(json.dumps({
        "autoupdate": False, "share": "disabled", "model": "scripted/scripted",
        "small_model": "scripted/scripted", "permission": {"edit": "allow", "bash": "allow"},
        "provider": {"scripted": provider},
    }))  # fmt: skip
    environ = {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}
    return ["run", "--format", "json", run.prompt], environ


def _copilot(url: str, home: Path, project: Path, run: Specification) -> tuple[list[str], dict[str, str]]:
    environ = {
        "COPILOT_OFFLINE": "true", "COPILOT_AUTO_UPDATE": "false", "COPILOT_ALLOW_ALL": "true",
        "COPILOT_PROVIDER_BASE_URL": f"{url}/v1", "COPILOT_MODEL": "scripted",
    }  # fmt: skip
    return ["-p", run.prompt, "--output-format", "json"], environ


_AGENTS = {
    "claude-code": _claude, "codex": _codex, "gemini": _gemini, "opencode": _opencode, "copilot": _copilot,
}  # fmt: skip


def run(specification: Specification) -> None:
    """Run the agent to its end; results go to the folder."""
    leave_network()
    folder = Path(specification.folder)
    home, project = folder / "home", folder / "project"
    for path in (home, project):
        path.mkdir(parents=True, exist_ok=True)
    if not (project / ".git").exists():
        (project / ".git").mkdir()
        subprocess.run(["git", "init", "-q", "."], cwd=project, check=False)
    model, port, stop = serve(from_json(specification.script))
    arguments, environ = _AGENTS[specification.agent](
        f"http://127.0.0.1:{port}", home, project, specification
    )
    environ = {
        "HOME": str(home), "PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8",
        "SHELL": "/bin/bash", "SHLVL": "1", **environ, **specification.environ,
    }  # fmt: skip
    command = [*specification.before, specification.program, *arguments, *specification.arguments]
    with (folder / "stdout.txt").open("wb") as out, (folder / "stderr.txt").open("wb") as err:
        process = subprocess.Popen(
            command, cwd=project, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        (folder / "pid").write_text(f"{process.pid}\n")
        try:
            status = process.wait(specification.seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            status = process.wait(20)
    deadline = time.monotonic() + specification.seconds
    while specification.until and not (project / specification.until).exists():
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    stop()
    result = {"status": status, "requests": model.requests}
    (folder / "result.json").write_text(json.dumps(result))


def write_specification(path: Path, specification: Specification) -> None:
    """Write a specification for `python -m tests.agents.run`."""
    path.write_text(json.dumps(asdict(specification)))


def specification(agent: str, program: str, folder: Path, script: Script, **others: Any) -> Specification:
    """Return the specification of a run."""
    given = {"prompt": "Do what there is to do.", **others}
    return Specification(agent=agent, program=program, folder=str(folder), script=to_json(script), **given)


if __name__ == "__main__":
    run(Specification(**json.loads(Path(sys.argv[1]).read_text())))
