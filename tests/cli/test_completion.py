"""Completion in the shells themselves: keys on a terminal, and what then stands on the line."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.cli.commands import FOREIGN, GROUPS, SINGLE
from collector.cli.completion import SHELLS
from collector.config.settings import SETTINGS
from tests.cli.conftest import Recorded
from tests.conftest import ACODE, wait_for
from tests.terminal import Terminal

HOSTILE = "$(touch owned);`touch owned` 'x'"
Complete = Callable[..., list[str]]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Runs with names that a shell would run if it were let."""
    acode = Recorded(tmp_path_factory.mktemp("completed"))
    (acode.root / ".acode").mkdir()
    acode.run("exec", "--task", "build", "--session", "s-one", "--tag", "env=prod", "--", "echo", "one")
    acode.run("exec", "--task", "unit", "--tag", f"x={HOSTILE}", "--", "false")
    name = acode.folders()[-1].name
    acode.run("artifacts", "collect", "--run-id", "unit", "--file", "-", "--name", HOSTILE, input=b"x")
    acode.run("artifacts", "collect", "--run-id", "unit", "--file", "-", "--name", "a b.txt", input=b"x")
    acode.run("runs", "list")
    assert name.startswith("unit")
    binary = acode.root / "bin" / "acode"
    binary.parent.mkdir()
    binary.touch()
    binary.chmod(0o755)
    return acode


@pytest.fixture(scope="module")
def complete(workspace: Recorded) -> Complete:
    """Ask for what completes the last word; return the candidates."""

    def ask(*words: str, directive: str = "none") -> list[str]:
        first, *lines = workspace.ok("__complete", *words).splitlines()
        assert first == directive
        return [line.partition("\t")[0] for line in lines]

    return ask


# What is offered


def test_commands_and_verbs_come_from_the_table_of_commands(complete: Complete) -> None:
    first = {name.partition(" ")[0] for name in FOREIGN if " " not in name}
    assert set(complete("")) == first | set(GROUPS) | set(SINGLE)
    for group, verbs in GROUPS.items():
        assert set(complete(group, "")) >= set(verbs)
    assert complete("ru") == ["runs"]
    assert complete("runs", "sho") == ["show"]
    assert complete("run", "sho") == ["show"]


def test_options_come_from_each_parser(complete: Complete) -> None:
    assert "--log-failed" in complete("runs", "show", "--")
    assert complete("runs", "show", "--log") == ["--log-failed"]
    assert "--json" not in complete("runs", "show", "--json", "--")
    assert "--status" in complete("runs", "list", "--status", "failed", "--st")
    assert complete("runs", "list", "--format", "json") == ["json", "jsonl"]
    assert complete("runs", "list", "--format=c") == ["--format=csv"]
    assert complete("exec", "--ti") == ["--timeout"]
    assert complete("collector", "logs", "--t") == ["--tail"]
    assert complete("session", "run", "--te") == ["--team"]


def test_runs_are_completed_by_name_id_and_age(complete: Complete, workspace: Recorded) -> None:
    names = [run["name"] for run in workspace.json("runs", "list", "--json")]
    assert complete("runs", "show", "") == ["latest", "@last-failed", *names]
    assert complete("runs", "show", "buil") == [names[1]]
    assert complete("runs", "show", "@") == ["@last-failed", "@1"]
    run_id = workspace.json("runs", "show", "build", "--json")["run_id"]
    assert complete("runs", "show", run_id[:20].lower()) == [run_id]
    assert complete("runs", "delete", names[0], "") == ["latest", "@last-failed", names[1]]
    assert complete("--workspace", str(workspace.root), "runs", "show", "buil") == [names[1]]


def test_tags_sessions_files_settings_and_agents_are_completed(complete: Complete) -> None:
    assert complete("runs", "list", "--tag", "env") == ["env=prod"]
    assert complete("sessions", "show", "s") == ["s-one"]
    assert complete("artifacts", "cat", "build", "std") == ["stdout.txt", "stderr.txt"]
    assert "a b.txt" in complete("artifacts", "cat", "unit", "")
    assert set(complete("config", "get", "")) == {setting.name for setting in SETTINGS.values()}
    assert complete("config", "set", "runs.enabled", "t") == ["true"]
    assert complete("config", "set", "runs.artifacts.layout", "") == ["flat", "dated"]
    assert "claude-code" in complete("hooks", "install", "")
    assert complete("runs", "list", "--fields", "name,exit") == ["name,exit_code"]
    assert complete("runs", "list", "--sort", "dur") == ["duration_ms"]


def test_filters_are_completed_key_by_key_and_value_by_value(complete: Complete) -> None:
    assert complete("runs", "list", "stat") == ["status:"]
    assert complete("runs", "list", "status:f") == ["status:failure"]
    assert complete("runs", "list", "status:failure,t") == ["status:failure,timeout"]
    assert complete("runs", "list", "-stat") == ["-status:"]
    assert complete("runs", "list", "tag:e") == ["tag:env=prod"]
    assert complete("runs", "list", "task:") == ["task:unit", "task:build"]
    assert "since:1h" in complete("runs", "list", "since:")
    assert complete("runs", "list", "--status", "time") == ["timeout"]


def test_the_command_of_exec_is_left_to_the_shell(complete: Complete) -> None:
    complete("exec", "--task", "x", "--", "ls", directive="command 4")
    complete("exec", "ls", "-", directive="command 1")
    complete("runs", "cast", "--output", "", directive="files")
    complete("--workspace", "", directive="dirs")


@pytest.mark.parametrize(
    "words",
    [["nonsense", ""], ["runs", "nonsense", ""], ["runs", "list", "a:b:"], ["runs", "show", "\x1b[2J"], [],
     ["--workspace", "/nowhere", "runs", "show", ""], ["artifacts", "cat", "nothing", ""],
     ["runs", "list", '"a'],
     ["config", "set", "x", ""], ["collector", "x", ""], ["runs", "list", "tag:" + "x" * 5000]],
)  # fmt: skip
def test_nothing_to_offer_is_no_error(workspace: Recorded, words: list[str]) -> None:
    lines = workspace.ok("__complete", *words).splitlines()
    assert lines[0] in ("none", "files", "dirs")


def test_a_damaged_workspace_is_no_error_and_stays_as_it_is(fresh: Recorded) -> None:
    (fresh.root / ".acode" / "config.yml").write_text("runs: [")
    Path(fresh.workspace.database).write_bytes(b"no database" * 100)
    before = sorted(p.name for p in (fresh.root / ".acode").iterdir())
    for words in (["runs", "show", ""], ["config", "get", "tasks."], ["runs", "list", "tag:"]):
        assert fresh.ok("__complete", *words).startswith("none\n")
    assert sorted(p.name for p in (fresh.root / ".acode").iterdir()) == before


def test_completing_in_an_empty_folder_writes_nothing(tmp_path: Path) -> None:
    Recorded(tmp_path).ok("__complete", "runs", "show", "")
    assert list(tmp_path.iterdir()) == []


def test_what_waits_in_the_spool_is_left_there(fresh: Recorded) -> None:
    fresh.exec("true")
    before = {p: p.stat().st_mtime_ns for p in (fresh.root / ".acode").rglob("*")}
    fresh.ok("__complete", "runs", "show", "")
    assert {p: p.stat().st_mtime_ns for p in (fresh.root / ".acode").rglob("*")} == before


# In the shells

STARTS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
SOURCES = {
    "bash": "PS1='$ '; . {path}",
    "zsh": "PS1='$ '; autoload -U compinit; compinit -D -u; . {path}",
    "fish": "function fish_prompt; echo -n '$ '; end; set -g fish_autosuggestion_enabled 0; source {path}",
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, workspace: Recorded) -> Iterator[Shell]:
    """A shell on a terminal that has read its script."""
    if shutil.which(request.param) is None:
        pytest.skip(f"no {request.param} here")
    yield from _open(request.param, workspace)


def _open(name: str, workspace: Recorded) -> Iterator[Shell]:
    found = Shell(name, workspace)
    yield found
    found.close()


class Shell:
    """A shell at work in a workspace; `line` is what stands on its command line after some keys."""

    def __init__(self, name: str, workspace: Recorded) -> None:
        self.name = name
        self.root = workspace.root
        script = self.root / f"completion.{name}"
        script.write_text(workspace.ok("completion", name))
        environ = {
            **{k: v for k, v in workspace.environ.items() if k not in ("COLUMNS", "LINES")},
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "TERM": "xterm-256color",
        }
        (self.root / "home").mkdir(exist_ok=True)
        self.terminal = Terminal(STARTS[name], environ, str(self.root), columns=160, rows=50)
        self._marks = 0
        self._run(SOURCES[name].format(path=shlex.quote(str(script))))

    def _run(self, command: str) -> None:
        """Run a command line, and wait until it is done."""
        self._marks += 1
        self.terminal.send(f"{command}; echo do''ne{self._marks}\r")
        self.terminal.wait_for(f"done{self._marks}")

    def words(self, keys: str) -> list[str]:
        """Type keys and a tab, and run the line: return the words that the shell took it for."""
        out = self.root / "words"
        out.unlink(missing_ok=True)
        self.terminal.send(keys + "\t")
        self._settle()
        self.terminal.send("\r")
        wait_for(lambda: out.exists() and out.read_bytes().endswith(b"\n"))
        words: list[str] = json.loads(out.read_text())
        return words

    def _settle(self) -> None:
        """Wait until the shell has asked, and shows what came of it."""
        asked = self.root / "asked"
        self.terminal.wait_until(asked.exists)
        asked.unlink()
        before = b""
        while before != self.terminal.output:
            before = self.terminal.output
            self.terminal._read(0.3)

    def close(self) -> None:
        os.kill(self.terminal.pid, signal.SIGKILL)
        self.terminal.finish()


@pytest.fixture(autouse=True)
def spy(workspace: Recorded) -> None:
    """Let the `acode` on the path note that it was asked, and what else it was called with."""
    note = (
        "import json, os, sys; os.chdir(sys.argv[1]);"
        "open('new', 'w').write(json.dumps(sys.argv[2:]) + '\\n');"
        "os.rename('new', 'words')"
    )
    root = str(workspace.root)
    (workspace.root / "bin" / "acode").write_text(
        "#!/bin/sh\n"
        f'[ "$1" = __complete ] || exec {shlex.join([sys.executable, "-c", note, root])} "$@"\n'
        f'{shlex.join(ACODE)} "$@"\n'
        f": > {shlex.quote(root)}/asked\n"
    )


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("acode runs sho", ["runs", "show"]),
        ("acode runs show --log", ["runs", "show", "--log-failed"]),
        ("acode runs show @la", ["runs", "show", "@last-failed"]),
        ("acode runs list status:time", ["runs", "list", "status:timeout"]),
        ("acode runs list status:failure,time", ["runs", "list", "status:failure,timeout"]),
        ("acode runs list 'status:time", ["runs", "list", "status:timeout"]),
        ("acode runs list --format=cs", ["runs", "list", "--format=csv"]),
        ("acode runs list tag:env", ["runs", "list", "tag:env=prod"]),
        ("acode artifacts cat unit a", ["artifacts", "cat", "unit", "a b.txt"]),
        ("acode artifacts cat unit '$", ["artifacts", "cat", "unit", HOSTILE]),
        ("acode --workspace . runs sho", ["--workspace", ".", "runs", "show"]),
    ],
)
def test_a_tab_completes_the_word(shell: Shell, keys: str, expected: list[str]) -> None:
    if shell.name == "bash" and HOSTILE in expected:
        keys = keys.replace("'$", "\\$")  # within quotes it cannot be written, and is not offered
    assert shell.words(keys) == expected
    assert not (shell.root / "owned").exists()


# Installing


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", ".local/share/bash-completion/completions/acode"),
        ("zsh", ".local/share/zsh/site-functions/_acode"),
        ("fish", ".config/fish/completions/acode.fish"),
    ],
)
def test_install_writes_where_the_shell_looks_and_says_so(fresh: Recorded, shell: str, place: str) -> None:
    path = fresh.root / "home" / place
    environ = {**fresh.environ, "SHELL": f"/usr/bin/{shell}"}
    for _ in range(2):
        assert str(path) in fresh.ok("completion", "--install", env=environ)
        assert path.read_text() == fresh.ok("completion", shell)
    path.write_text("the user's own\n")
    assert "not acode's" in fresh.fails(1, "completion", shell, "--install")
    assert path.read_text() == "the user's own\n"


def test_a_shell_that_is_not_known_is_one_line(fresh: Recorded) -> None:
    assert "ACODE-RUN-019" in fresh.fails(2, "completion", env={**fresh.environ, "SHELL": "/bin/tcsh"})
    assert "ACODE-RUN-019" in fresh.fails(2, "completion", "tcsh")
    assert "HOME" in fresh.fails(2, "completion", "bash", "--install", env={**fresh.environ, "HOME": ""})
