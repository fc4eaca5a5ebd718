"""The plugin for OpenCode, run by node: what it posts, and that it never gets in the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector.agents import opencode_plugin
from collector.agents.hooks import PLUGIN_EVENT
from tests.conftest import PROJECT

HOOK = str(PROJECT / "bin" / "acode-hook")
CALLS = """
import { Acode } from "./acode.mjs"
const hooks = await Acode({ directory: process.cwd(), worktree: "/", project: {}, client: {} })
const circular = {}
circular.self = circular
const answers = []
for (const [name, ...given] of CALLS) answers.push(await hooks[name](...given) ?? null)
console.log(JSON.stringify(answers))
"""


class Plugin:
    """The plugin in a workspace."""

    def __init__(self, folder: Path, hook: str = HOOK) -> None:
        self.root = folder
        (folder / ".acode").mkdir()
        (folder / ".acode" / "collector.pid").write_text(f"{os.getpid()} 1 - 0 x\n")
        (folder / "acode.mjs").write_text(opencode_plugin.source(hook))

    def call(self, calls: str) -> list[dict[str, Any]]:
        """Call hooks of the plugin (a JavaScript array of arrays); return what was posted, oldest first."""
        (self.root / "main.mjs").write_text(CALLS.replace("CALLS", calls))
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.root)}
        done = subprocess.run(
            ["node", "main.mjs"], cwd=self.root, env=environ, capture_output=True, check=False, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert set(json.loads(done.stdout)) <= {None}
        inbox = self.root / ".acode" / "inbox"
        files = sorted(inbox.iterdir(), key=lambda file: file.stat().st_mtime_ns) if inbox.exists() else []
        return [json.loads(file.read_bytes().partition(b"\n")[2]) for file in files]


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    if not shutil.which("node"):
        pytest.skip("needs node")
    return Plugin(tmp_path)


def event(kind: str, properties: str) -> str:
    return f'["event", {{event: {{type: "{kind}", properties: {properties}}}}}]'


def test_a_call_of_a_tool_is_posted_before_and_after(plugin: Plugin) -> None:
    posted = plugin.call(
        """[
        ["tool.execute.before", {tool: "bash", sessionID: "s", callID: "c"}, {args: {command: "ls"}}],
        ["tool.execute.after", {tool: "bash", sessionID: "s", callID: "c", args: {command: "ls"}},
         {title: "ls", output: "a\\nb", metadata: {exit: 0}, extra: 1}],
        ]"""
    )
    times = [one.pop("at") for one in posted]
    assert times == sorted(times)
    common = {
        "directory": str(plugin.root), "sessionID": "s", "callID": "c", "tool": "bash",
        "args": {"command": "ls"},
    }  # fmt: skip
    result = {"title": "ls", "output": "a\nb", "metadata": {"exit": 0}}
    assert posted == [
        {"event": "tool.execute.before", **common},
        {"event": "tool.execute.after", **common, "output": result},
    ]


def test_a_prompt_is_posted_with_what_the_person_wrote(plugin: Plugin) -> None:
    (posted,) = plugin.call(
        """[["chat.message", {sessionID: "s"}, {message: {id: "m", agent: "build", model: {modelID: "x"}},
        parts: [{type: "text", text: "one"}, {type: "text", text: "hidden", synthetic: true},
                {type: "file", url: "u"}, {type: "text", text: "two"}]}]]"""
    )
    assert {key: posted[key] for key in ("event", "sessionID", "messageID", "agent", "model", "text")} == {
        "event": "chat.message", "sessionID": "s", "messageID": "m", "agent": "build",
        "model": {"modelID": "x"}, "text": "one\ntwo",
    }  # fmt: skip


def test_of_the_bus_only_what_matters_is_posted(plugin: Plugin) -> None:
    wanted = [
        event("session.created", '{info: {id: "s"}}'),
        event("session.updated", '{info: {id: "s"}}'),
        event("session.deleted", '{info: {id: "s"}}'),
        event("session.error", '{sessionID: "s", error: {name: "E"}}'),
        event("message.updated", '{info: {role: "assistant", sessionID: "s", time: {completed: 1}}}'),
        event("message.part.updated", '{part: {type: "tool", sessionID: "s", state: {status: "error"}}}'),
    ]
    other = [
        event("message.updated", '{info: {role: "assistant", sessionID: "s", time: {created: 1}}}'),
        event("message.updated", '{info: {role: "user", sessionID: "s", time: {completed: 1}}}'),
        event("message.part.updated", '{part: {type: "tool", sessionID: "s", state: {status: "running"}}}'),
        event("message.part.updated", '{part: {type: "text", sessionID: "s"}}'),
        event("message.part.delta", "{}"),
        event("session.idle", '{sessionID: "s"}'),
        event("file.edited", "{}"),
    ]
    posted = plugin.call("[" + ",".join(wanted + other) + "]")
    assert [one["event"] for one in posted] == [
        "session.created", "session.updated", "session.deleted", "session.error", "message.updated",
        "message.part.updated",
    ]  # fmt: skip
    assert {one["sessionID"] for one in posted} == {"s"}


def test_nothing_makes_it_throw(plugin: Plugin) -> None:
    posted = plugin.call(
        """[
        ["event", undefined], ["event", {}], ["event", {event: null}], ["event", {event: {}}],
        ["event", {event: {type: "session.created", properties: null}}],
        ["event", {event: {type: "message.updated", properties: {info: 7}}}],
        ["chat.message"], ["chat.message", {}, {}], ["chat.message", {}, {parts: 7}],
        ["tool.execute.before"], ["tool.execute.before", {}, {args: circular}],
        ["tool.execute.before", {}, {args: 10n}], ["tool.execute.after", {}, undefined],
        ["tool.execute.after", {tool: "x"}, {output: "y".repeat(3000000)}],
        ]"""
    )
    assert len(posted[-1]["output"]["output"]) == 3_000_000


@pytest.mark.parametrize("hook", ["/nonexistent/acode-hook", "/", "/bin/false", "\0"])
def test_a_hook_that_cannot_be_called_is_no_harm(tmp_path: Path, hook: str) -> None:
    if not shutil.which("node"):
        pytest.skip("needs node")
    calls = '[["tool.execute.before", {}, {args: {x: "y".repeat(1000000)}}]]'
    assert Plugin(tmp_path, hook).call(calls) == []


def test_a_hook_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    if not shutil.which("node"):
        pytest.skip("needs node")
    hook = tmp_path / "acode-hook"
    hook.write_text("#!/bin/sh\nexec sleep 3\n")
    hook.chmod(0o755)
    (tmp_path / "w").mkdir()
    order = (
        '["tool.execute.before", {}, {args: {}}],'
        '["event", {event: {get type() { process.exit(0) }}}]'  # reached only when the first one returns
    )
    plugin = Plugin(tmp_path / "w", str(hook))
    (plugin.root / "main.mjs").write_text(CALLS.replace("CALLS", f"[{order}]"))
    done = subprocess.run(["node", "main.mjs"], cwd=plugin.root, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_plugin_is_known_again() -> None:
    for hook in ("/x/acode-hook", '/with "quotes" \\ and ä/acode-hook'):
        found = opencode_plugin.find(opencode_plugin.source(hook).encode())
        assert found.hooks == {PLUGIN_EVENT: [hook]}
    for other in (b"", b"export const X = 1", b"\xff\xfe", b'const HOOK = "/x/acode-hook"', b"// acode: \n"):
        assert not opencode_plugin.find(other)
