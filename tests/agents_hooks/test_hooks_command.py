"""`acode hooks` on real files: put in, taken out to the byte, shown, and left alone when in doubt."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector.agents.hooks import INTEGRATIONS, get_program
from tests.conftest import ACODE, Acode

AGENTS = tuple(INTEGRATIONS)
JSON_AGENTS = tuple(name for name in AGENTS if name != "opencode")
HOOK = get_program("acode-hook", {})
PROJECT_FILES = {
    "claude-code": ".claude/settings.local.json",
    "codex": ".codex/hooks.json",
    "gemini": ".gemini/settings.json",
    "opencode": ".opencode/plugins/acode.js",
    "cursor": ".cursor/hooks.json",
    "copilot": ".github/hooks/acode.json",
}
USER_FILES = {
    "claude-code": ".claude/settings.json",
    "codex": ".codex/hooks.json",
    "gemini": ".gemini/settings.json",
    "opencode": ".config/opencode/plugins/acode.js",
    "cursor": ".cursor/hooks.json",
    "copilot": ".copilot/hooks/acode.json",
}
AS_ROOT = os.geteuid() == 0


class Hooks(Acode):
    """acode in a repository of its own, with a home folder beside it."""

    def __init__(self, folder: Path) -> None:
        root = folder / "repository"
        (root / ".git").mkdir(parents=True)
        super().__init__(root)
        self.home = folder / "home"
        self.home.mkdir()
        kept = ("PATH", "LANG", "ACODE_COLLECTOR_AUTOSTART")
        self.environ = {k: v for k, v in self.environ.items() if k in kept} | {
            "HOME": str(self.home),
            "ACODE_WORKSPACE": str(root),
        }

    def hooks(self, *arguments: str) -> str:
        """Run `acode hooks …`, which must succeed; return its stdout."""
        done = self.run("hooks", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def fails(self, *arguments: str) -> str:
        """Run `acode hooks …`, which must fail with one line; return the line."""
        done = self.run("hooks", *arguments)
        assert done.returncode in (1, 2)
        assert done.stdout == b""
        line = done.stderr.decode().splitlines()[-1]
        assert line.startswith("acode: ACODE-")
        return line

    def status(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what `acode hooks status --json` says."""
        records: list[dict[str, Any]] = json.loads(self.hooks("status", "--json", *arguments))
        return records

    def state(self, agent: str, scope: str = "--project") -> dict[str, Any]:
        """Return how it is with one agent in one scope."""
        (record,) = self.status(agent, scope)
        return record


@pytest.fixture
def hooks(tmp_path: Path) -> Hooks:
    return Hooks(tmp_path)


def snapshot(folder: Path) -> dict[str, tuple[int, bytes | str | None]]:
    """Return every path below a folder with mode and content; what acode remembers left out."""
    found: dict[str, tuple[int, bytes | str | None]] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if ".config" in name and "opencode" not in name:
            continue
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[name] = (mode, str(path.readlink()))
        else:
            found[name] = (mode, path.read_bytes() if stat.S_ISREG(mode) else None)
    return found


def place(hooks: Hooks, agent: str, scope: str) -> Path:
    """Return where an agent's settings lie."""
    return hooks.root / PROJECT_FILES[agent] if scope == "--project" else hooks.home / USER_FILES[agent]


@pytest.mark.parametrize("scope", ["--project", "--user"])
@pytest.mark.parametrize("agent", AGENTS)
def test_installing_makes_the_file_and_uninstalling_leaves_nothing(
    hooks: Hooks, agent: str, scope: str
) -> None:
    before = snapshot(hooks.root.parent)
    hooks.hooks("install", agent, scope)
    path = place(hooks, agent, scope)
    content = path.read_text()
    assert HOOK in content
    if agent in JSON_AGENTS:
        events = json.loads(content)["hooks"]
        assert set(events) == set(INTEGRATIONS[agent].events)
    assert hooks.state(agent, scope)["state"] == "installed"

    twice = hooks.hooks("install", agent, scope)
    assert "already installed" in twice
    assert path.read_text() == content

    hooks.hooks("uninstall", agent, scope)
    assert snapshot(hooks.root.parent) == before
    assert hooks.state(agent, scope)["state"] == "not installed"
    assert "not installed" in hooks.hooks("uninstall", agent, scope)


FORMS = {
    "pretty": '{\n  "model": "x",\n  "hooks": {\n    "Stop": [\n      {"command": "theirs"}\n    ]\n  }\n}\n',
    "one line": '{"model": "x", "env": {"A": "1"}}',
    "empty": "",
    "blank": "\n\n",
    "object": "{}",
    "empty hooks": '{"hooks":{}}',
    "crlf": '{\r\n\t"model": "x"\r\n}\r\n',
    "mark": '\ufeff{\n    "model": "x"\n}\n',
    "no line end": '{\n    "model": "x"\n}',
    "tabs": '{\n\t"model": "x",\n\t"permissions": {\n\t\t"allow": []\n\t}\n}\n',
    "comments": '// mine\n{\n  // a\n  "model": "x", // why\n  /* b */ "list": [1, 2,], // c\n}\n// end\n',
    "trailing comma": '{\n  "model": "x",\n}\n',
    "strange": '{ "model" :\t"\\u0041😀" ,\n\n\n"n":-0.0e+1 }   \n\n',
    "twice": '{"hooks": {}, "model": 1, "hooks": {"Other": []}}',
}  # fmt: skip


IGNORED = {
    "claude-code": {"comments", "trailing comma"},
    "codex": {"comments", "trailing comma", "mark"},
    "gemini": {"comments", "trailing comma"},  # the comments: `[1, 2,]` is in them
}
"""Files that the agent itself does not read; seen with the real programs."""


@pytest.mark.parametrize("agent", JSON_AGENTS)
@pytest.mark.parametrize("form", FORMS)
def test_a_file_comes_back_to_the_byte(hooks: Hooks, agent: str, form: str) -> None:
    if form in IGNORED.get(agent, ()):
        pytest.skip("the agent ignores such a file")
    path = place(hooks, agent, "--project")
    path.parent.mkdir(parents=True)
    path.write_bytes(FORMS[form].encode())
    path.chmod(0o640)
    before = snapshot(hooks.root)
    hooks.hooks("install", agent, "--project")
    changed = path.read_bytes()
    assert HOOK.encode() in changed
    hooks.hooks("install", agent, "--project")
    assert path.read_bytes() == changed
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    hooks.hooks("uninstall", agent, "--project")
    assert snapshot(hooks.root) == before


@pytest.mark.parametrize("remembered", [True, False])
def test_changes_made_meanwhile_stay(hooks: Hooks, remembered: bool) -> None:
    path = place(hooks, "claude-code", "--project")
    path.parent.mkdir()
    text = '{\n  "model": "old",\n  "hooks": {\n    "Stop": [\n      {"hooks": []}\n    ]\n  }\n}\n'
    path.write_text(text)
    hooks.hooks("install", "claude-code", "--project")
    path.write_text(path.read_text().replace('"old"', '"new",\n  "added": true'))
    if not remembered:
        shutil.rmtree(hooks.home / ".config" / "acode")
    hooks.hooks("uninstall", "claude-code", "--project")
    assert path.read_text() == text.replace('"old"', '"new",\n  "added": true')


def test_a_second_installation_after_a_change_remembers_the_change(hooks: Hooks) -> None:
    path = place(hooks, "codex", "--project")
    path.parent.mkdir()
    path.write_text('{"a": 1}')
    hooks.hooks("install", "codex", "--project")
    moved = path.read_text().replace('"a": 1', '"a": 2').replace(HOOK, "/elsewhere/bin/acode-hook")
    path.write_text(moved)
    assert hooks.state("codex")["state"] == "partly"
    hooks.hooks("install", "codex", "--project")
    assert hooks.state("codex")["hooks"] == [HOOK]
    hooks.hooks("uninstall", "codex", "--project")
    assert path.read_text() == '{"a": 2}'


def test_a_file_that_was_not_there_goes_only_when_nobody_else_uses_it(hooks: Hooks) -> None:
    path = place(hooks, "gemini", "--project")
    hooks.hooks("install", "gemini", "--project")
    document = json.loads(path.read_text())
    path.write_text(json.dumps({"theme": "dark", **document}))
    hooks.hooks("uninstall", "gemini", "--project")
    assert json.loads(path.read_text()) == {"theme": "dark"}

    path.unlink()
    hooks.hooks("install", "gemini", "--project")
    path.write_text(json.dumps(json.loads(path.read_text())))  # as another program would write it
    (path.parent / "other").write_text("theirs")
    hooks.hooks("uninstall", "gemini", "--project")
    assert sorted(p.name for p in path.parent.iterdir()) == ["other"]


def test_a_link_stays_a_link(hooks: Hooks) -> None:
    dotfiles = hooks.home / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "claude.json").write_text('{"model": "x"}\n')
    path = place(hooks, "claude-code", "--user")
    path.parent.mkdir()
    path.symlink_to("../dotfiles/claude.json")
    before = snapshot(hooks.home)
    hooks.hooks("install", "claude-code", "--user")
    assert path.is_symlink()
    assert HOOK in (dotfiles / "claude.json").read_text()
    hooks.hooks("uninstall", "claude-code", "--user")
    assert snapshot(hooks.home) == before


OF_A_WRONG_FORM = (b'{"hooks": 7}', b"[1, 2]")
BROKEN = [
    (b'{"hooks": {', 1, 12),
    (b'{\n  "a": 1\n  "b": 2\n}', 3, 3),
    (b'{"a": "\xff"}', 1, 8),
    (b'{"hooks": 7}', 1, 11),
    (b"[1, 2]", 1, 1),
    (b"\x00\x00", 1, 1),
    (b"\xff\xfe{\x00}\x00", 1, 1),
    (b'{"a": ' * 5000, 1, None),
]


@pytest.mark.parametrize(("content", "line", "column"), BROKEN)
def test_a_file_that_is_not_understood_is_left_alone(
    hooks: Hooks, content: bytes, line: int, column: int | None
) -> None:
    path = place(hooks, "claude-code", "--project")
    path.parent.mkdir()
    path.write_bytes(content)
    before = snapshot(hooks.root.parent)
    message = hooks.fails("install", "codex", "claude-code", "--project")
    assert f"ACODE-AGT-002: {path}:{line}:{'' if column is None else f'{column}:'}" in message
    assert snapshot(hooks.root.parent) == before
    if content in OF_A_WRONG_FORM:  # JSON all the same: there is nothing of ours in it
        hooks.hooks("uninstall", "claude-code", "--project")
    else:
        assert "ACODE-AGT-002" in hooks.fails("uninstall", "claude-code", "--project")
    assert snapshot(hooks.root.parent) == before


@pytest.mark.parametrize(
    ("agent", "content", "line", "what"),
    [
        ("claude-code", '{\n  "url": "http://x", // mine\n  "b": [1,]\n}\n', "2:22", "a comment"),
        ("claude-code", '{"a": {"b": [1, 2],}}', "1:19", "a trailing comma"),
        ("codex", "/* mine */ {}", "1:1", "a comment"),
        ("codex", "\ufeff{}", "1:1", "a byte order mark"),
        ("gemini", '{\n  // mine\n  "a": 1,\n}\n', "3:9", "a trailing comma"),
    ],
)
def test_a_file_that_the_agent_would_ignore_is_left_alone_and_told(
    hooks: Hooks, agent: str, content: str, line: str, what: str
) -> None:
    path = place(hooks, agent, "--project")
    path.parent.mkdir()
    path.write_bytes(content.encode())
    before = snapshot(hooks.root.parent)
    message = hooks.fails("install", agent, "--project")
    assert f"ACODE-AGT-002: {path}:{line}: {what}, for which {agent} ignores the whole file" in message
    assert hooks.state(agent)["state"] == "broken"
    hooks.hooks("uninstall", agent, "--project")
    assert snapshot(hooks.root.parent) == before


def test_hooks_are_taken_out_of_a_file_that_the_agent_ignores_since(hooks: Hooks) -> None:
    path = place(hooks, "claude-code", "--project")
    hooks.hooks("install", "claude-code", "--project")
    path.write_text("// mine\n" + path.read_text())
    assert hooks.state("claude-code")["state"] == "broken"
    hooks.hooks("uninstall", "claude-code", "--project")
    assert path.read_text() == "// mine\n{}\n"


def test_status_says_what_is_broken(hooks: Hooks) -> None:
    path = place(hooks, "gemini", "--user")
    path.parent.mkdir()
    path.write_text('{\n "a": nope}')
    record = hooks.state("gemini", "--user")
    assert record["state"] == "broken"
    assert f"{path}:2:7: a word that JSON does not know" in record["message"]
    assert "broken" in hooks.hooks("status", "gemini")


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_what_is_no_file_is_left_alone(hooks: Hooks, kind: str) -> None:
    path = place(hooks, "cursor", "--project")
    path.parent.mkdir()
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    assert "ACODE-AGT-003" in hooks.fails("install", "cursor", "--project")
    assert "ACODE-AGT-003" in hooks.fails("uninstall", "cursor", "--project")


WITHOUT_RIGHTS = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--")
"""Root without root's right to write everywhere."""


@pytest.mark.parametrize("locked", ["file", "folder"])
@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_a_file_that_cannot_be_written_is_told(hooks: Hooks, locked: str, verb: str) -> None:
    if AS_ROOT and not shutil.which("setpriv"):
        pytest.skip("root can write everywhere")
    path = place(hooks, "claude-code", "--project")
    path.parent.mkdir()
    path.write_text("{}")
    if verb == "uninstall":
        hooks.hooks("install", "claude-code", "--project")
    (path.parent if locked == "folder" else path).chmod(0o555 if locked == "folder" else 0o444)
    before = snapshot(hooks.root)
    command = [*(WITHOUT_RIGHTS if AS_ROOT else ()), *ACODE, "hooks", verb, "claude-code", "--project"]
    done = subprocess.run(command, env=hooks.environ, cwd=hooks.root, capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stdout == b""
    assert f"ACODE-AGT-003: {path} cannot be changed: Permission denied".encode() in done.stderr
    assert snapshot(hooks.root) == before
    path.parent.chmod(0o755)


def test_a_file_keeps_its_owner(hooks: Hooks) -> None:
    if not AS_ROOT:
        pytest.skip("only root can give files away")
    path = place(hooks, "claude-code", "--project")
    path.parent.mkdir()
    path.write_text("{}")
    os.chown(path, 65534, 65534)
    hooks.hooks("install", "claude-code", "--project")
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


def test_dry_run_shows_a_patch_and_changes_nothing(hooks: Hooks) -> None:
    path = place(hooks, "claude-code", "--project")
    path.parent.mkdir()
    path.write_text('{\n  "model": "x"\n}')
    before = snapshot(hooks.root.parent)
    patch = hooks.hooks("install", "claude-code", "codex", "opencode", "--project", "--dry-run")
    assert snapshot(hooks.root.parent) == before
    assert f"--- {path}\n+++ {path}\n" in patch
    assert f"--- /dev/null\n+++ {place(hooks, 'codex', '--project')}\n" in patch
    assert "\\ No newline at end of file" in patch

    hooks.hooks("install", "claude-code", "codex", "opencode", "--project")
    content = path.read_bytes()
    back = hooks.hooks("uninstall", "claude-code", "codex", "--project", "--dry-run")
    assert path.read_bytes() == content
    assert f"+++ {path}\n" in back
    assert f"--- {place(hooks, 'codex', '--project')}\n+++ /dev/null\n" in back


def test_a_patch_does_what_install_does(hooks: Hooks) -> None:
    if not shutil.which("git"):
        pytest.skip("needs git")
    path = place(hooks, "claude-code", "--project")
    path.parent.mkdir()
    path.write_text('{\n  "model": "x"\n}')
    patch = hooks.run("hooks", "install", "claude-code", "--project", "--dry-run").stdout
    patch = patch.replace(f" {path}".encode(), b" a/.claude/settings.local.json")
    subprocess.run(["git", "apply", "-p1"], input=patch, cwd=hooks.root, check=True)
    patched = path.read_bytes()
    path.write_text('{\n  "model": "x"\n}')
    hooks.hooks("install", "claude-code", "--project")
    assert path.read_bytes() == patched


def test_status_lists_every_agent_in_both_scopes(hooks: Hooks) -> None:
    hooks.hooks("install", "codex", "--user")
    records = hooks.status()
    assert [(r["agent"], r["scope"]) for r in records] == [
        (agent, scope) for agent in AGENTS for scope in ("project", "user")
    ]
    installed = [r for r in records if r["state"] != "not installed"]
    assert [(r["agent"], r["scope"], r["state"]) for r in installed] == [("codex", "user", "installed")]
    assert installed[0]["missing"] == []
    assert set(installed[0]["events"]) == set(INTEGRATIONS["codex"].events)
    table = hooks.hooks("status")
    assert table.startswith("AGENT")
    assert len(table.splitlines()) == 1 + len(records)


def test_status_says_what_is_missing(hooks: Hooks) -> None:
    path = place(hooks, "claude-code", "--project")
    hooks.hooks("install", "claude-code", "--project")
    document = json.loads(path.read_text())
    del document["hooks"]["Stop"]
    document["hooks"]["SessionEnd"][0]["hooks"][0]["command"] = "/gone/acode-hook"
    path.write_text(json.dumps(document))
    record = hooks.state("claude-code")
    assert record["state"] == "partly"
    assert record["missing"] == ["Stop"]
    assert set(record["hooks"]) == {HOOK, "/gone/acode-hook"}
    assert "without Stop" in record["message"]
    assert "/gone/acode-hook of another installation" in record["message"]
    assert "/gone/acode-hook does not exist" in record["message"]
    hooks.hooks("install", "claude-code", "--project")
    assert hooks.state("claude-code")["state"] == "installed"


def test_the_shim_is_the_prefix_of_claude_code_unless_there_is_another(
    tmp_path: Path,
) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name in ("acode", "acode-hook", "acode-shim"):
        (bin_folder / name).write_text("#!/bin/sh\n")
        (bin_folder / name).chmod(0o755)
    hooks = Hooks(tmp_path)
    hooks.environ["PATH"] = f"{bin_folder}:{hooks.environ['PATH']}"
    path = place(hooks, "claude-code", "--project")
    hooks.hooks("install", "claude-code", "--project")
    shim = json.loads(path.read_text())["env"]["CLAUDE_CODE_SHELL_PREFIX"]
    assert Path(shim).name == "acode-shim"
    assert Path(shim).is_absolute()
    assert hooks.state("claude-code")["shim"] == shim

    hooks.hooks("install", "claude-code", "--project", "--no-shim")
    assert "env" not in json.loads(path.read_text())
    hooks.hooks("uninstall", "claude-code", "--project")
    assert not path.exists()

    path.parent.mkdir()
    path.write_text('{"env": {"CLAUDE_CODE_SHELL_PREFIX": "/their/logger"}}')
    done = hooks.run("hooks", "install", "claude-code", "--project", "--shim")
    assert b"'/their/logger' already and stays" in done.stderr
    assert json.loads(path.read_text())["env"] == {"CLAUDE_CODE_SHELL_PREFIX": "/their/logger"}
    hooks.hooks("uninstall", "claude-code", "--project")
    assert path.read_text() == '{"env": {"CLAUDE_CODE_SHELL_PREFIX": "/their/logger"}}'


def test_other_homes_of_agents_are_respected(hooks: Hooks, tmp_path: Path) -> None:
    places = {
        "claude-code": ("CLAUDE_CONFIG_DIR", "settings.json"),
        "codex": ("CODEX_HOME", "hooks.json"),
        "copilot": ("COPILOT_HOME", "hooks/acode.json"),
    }
    for agent, (variable, name) in places.items():
        hooks.environ[variable] = str(tmp_path / variable)
        hooks.hooks("install", agent, "--user")
        assert HOOK in (tmp_path / variable / name).read_text()
    hooks.environ["XDG_CONFIG_HOME"] = str(tmp_path / "xdg")
    hooks.hooks("install", "opencode", "--user")
    assert HOOK in (tmp_path / "xdg/opencode/plugins/acode.js").read_text()
    assert not list(hooks.home.iterdir()) or [p.name for p in hooks.home.iterdir()] == [".config"]


def test_without_a_home_the_project_still_works(hooks: Hooks) -> None:
    del hooks.environ["HOME"]
    done = hooks.run("hooks", "install", "codex", "--project")
    assert done.returncode == 0
    assert b"could not be remembered" in done.stderr
    assert "set HOME" in hooks.fails("install", "codex", "--user")
    hooks.hooks("uninstall", "codex", "--project")
    assert not hooks.state("codex")["events"]


def test_what_is_remembered_is_for_the_user_alone(hooks: Hooks) -> None:
    path = place(hooks, "gemini", "--user")
    path.parent.mkdir()
    path.write_text('{"apiKey": "secret"}')
    hooks.hooks("install", "gemini", "--user")
    (memory,) = (hooks.home / ".config/acode/hooks").iterdir()
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600
    assert stat.S_IMODE(memory.parent.stat().st_mode) == 0o700
    hooks.hooks("uninstall", "gemini", "--user")
    assert not memory.exists()


@pytest.mark.parametrize(
    "memory", [b"", b"{", b"[]", b"null", b"\xff", b'{"path": 1}', b'{"original": "!", "path": "PATH"}']
)
def test_a_damaged_memory_is_as_good_as_none(hooks: Hooks, memory: bytes) -> None:
    path = place(hooks, "codex", "--project")
    path.parent.mkdir()
    path.write_text('{\n  "a": 1\n}\n')
    hooks.hooks("install", "codex", "--project")
    (file,) = (hooks.home / ".config/acode/hooks").iterdir()
    file.write_bytes(memory.replace(b"PATH", str(path).encode()))
    hooks.hooks("uninstall", "codex", "--project")
    assert path.read_text() == '{\n  "a": 1\n}\n'


def test_somebody_else_s_plugin_is_kept(hooks: Hooks) -> None:
    path = place(hooks, "opencode", "--project")
    path.parent.mkdir(parents=True)
    path.write_text("export const Mine = async () => ({})\n")
    assert "ACODE-AGT-003" in hooks.fails("install", "opencode", "--project")
    hooks.hooks("uninstall", "opencode", "--project")
    assert path.read_text() == "export const Mine = async () => ({})\n"


def test_an_unknown_agent_is_told_with_the_nearest_name(hooks: Hooks) -> None:
    assert "ACODE-AGT-001: unknown agent 'claud-code'; did you mean 'claude-code'?" in hooks.fails(
        "install", "claud-code"
    )
    assert "ACODE-AGT-001: aider has no hooks" in hooks.fails("status", "aider")
    assert "ACODE-AGT-001" in hooks.fails("uninstall", "x" * 5000)
    assert "ACODE-RUN-019" in hooks.fails("install", "codex", "--user", "--project")


def test_without_a_name_the_agents_on_the_path_are_meant(hooks: Hooks, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    hooks.environ["PATH"] = str(tools)
    assert "ACODE-AGT-014: no agent is on the PATH" in hooks.fails("install")
    (tools / "codex").write_text("#!/bin/sh\n")
    (tools / "codex").chmod(0o755)
    assert hooks.hooks("install").startswith("codex: installed in ")
    assert hooks.hooks("uninstall").startswith("codex: removed from ")


def test_the_scope_is_said_when_it_was_not_chosen(hooks: Hooks) -> None:
    done = hooks.run("hooks", "install", "codex")
    assert f"installing for {hooks.root} alone; --user".encode() in done.stderr
    assert b"trust them with /hooks" in done.stderr
    assert b"keep it out of version control" in done.stderr
    assert place(hooks, "codex", "--project").exists()


def test_both_scopes_at_once_are_mentioned(hooks: Hooks) -> None:
    hooks.hooks("install", "codex", "--user")
    done = hooks.run("hooks", "install", "codex", "--project")
    assert b"also installed with --user" in done.stderr


def test_settings_go_into_the_repository_also_when_the_workspace_lies_above(hooks: Hooks) -> None:
    inner = hooks.root / "packages" / "inner"
    (inner / ".git").mkdir(parents=True)
    (inner / "src").mkdir()
    done = hooks.run("hooks", "install", "codex", cwd=inner / "src")
    assert done.returncode == 0
    assert (inner / ".codex" / "hooks.json").exists()
    assert not place(hooks, "codex", "--project").exists()
    hooks.run("hooks", "install", "codex", cwd=hooks.root.parent)
    assert place(hooks, "codex", "--project").exists()


def test_a_megabyte_of_settings_comes_back(hooks: Hooks) -> None:
    path = place(hooks, "claude-code", "--project")
    path.parent.mkdir()
    document = {"permissions": {"allow": [f"Bash(command number {n}:*)" for n in range(30_000)]}}
    text = json.dumps(document, indent=2)
    assert len(text) > 1_000_000
    path.write_text(text)
    hooks.hooks("install", "claude-code", "--project")
    assert json.loads(path.read_text())["permissions"] == document["permissions"]
    path.write_text(path.read_text().replace("number 7:", "number seven:"))
    hooks.hooks("uninstall", "claude-code", "--project")
    assert path.read_text() == text.replace("number 7:", "number seven:")
