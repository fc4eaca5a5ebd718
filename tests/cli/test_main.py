"""From what was typed to a command: help, names, options, errors in one line, never a traceback."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from collector.cli.commands import FOREIGN, GROUPS, SINGLE
from tests.cli.conftest import Recorded
from tests.conftest import ACODE, PROJECT

ALL = [f"{group} {verb}".split() for group, verbs in GROUPS.items() for verb in verbs]
ALL += [[name] for name in SINGLE]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_names_every_command(fresh: Recorded, arguments: list[str]) -> None:
    text = fresh.ok(*arguments)
    for words in ALL:
        assert f"  {' '.join(words)} " in text
    for name in FOREIGN:
        assert f"  {name} " in text


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help(fresh: Recorded, words: list[str]) -> None:
    text = fresh.ok(*words, "--help")
    assert text.startswith(f"usage: acode {' '.join(words)}")
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_alone_lists_its_verbs(fresh: Recorded, group: str) -> None:
    assert fresh.run(group).returncode == 2
    text = fresh.ok(group, "--help")
    assert all(f"  {verb} " in text for verb in GROUPS[group])


def test_version_is_the_packages(fresh: Recorded) -> None:
    from collector import __version__

    assert fresh.ok("--version") == f"acode {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["rnus", "list"], ["ACODE-RUN-019", "'rnus'", "'runs'"]),
        (["runs", "lst"], ["ACODE-RUN-019", "'lst'", "'list'"]),
        (["runs", "--lst"], ["ACODE-RUN-019", "'--lst'"]),
        (["--worksapce", "x", "runs", "list"], ["'--worksapce'", "'--workspace'"]),
        (["--workspace"], ["--workspace"]),
        (["doctor", "--jsn"], ["'--jsn'", "'--json'"]),
        (["runs", "show", "a", "b"], ["unexpected", "'b'"]),
        (["runs", "delete"], ["RUN"]),
        (["zzzzzz"], ["'zzzzzz'", "--help"]),
        (["\x1b[2J"], ["ACODE-RUN-019"]),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    fresh: Recorded, arguments: list[str], parts: list[str]
) -> None:
    message = fresh.fails(2, *arguments)
    assert message[:-1].isprintable()
    for part in parts:
        assert part in message


def test_a_workspace_can_be_named_before_and_after_the_command(recorded: Recorded, tmp_path: Path) -> None:
    environ = {k: v for k, v in recorded.environ.items() if k != "ACODE_WORKSPACE"}
    root = str(recorded.root)
    expected = recorded.ok("runs", "stats", "--json")
    for arguments in (["--workspace", root, "runs", "stats"], [f"--workspace={root}", "run", "stats"],
                      ["runs", "stats", "--workspace", root]):  # fmt: skip
        assert recorded.ok(*arguments, "--json", cwd=tmp_path, env=environ) == expected
    deep = recorded.root / "deep" / "er"
    deep.mkdir(parents=True, exist_ok=True)
    assert recorded.ok("runs", "stats", "--json", cwd=deep, env=environ) == expected


def test_a_workspace_that_is_not_there_is_one_line(fresh: Recorded) -> None:
    assert "ACODE-ART-006" in fresh.fails(1, "--workspace", "/nowhere/at/all", "runs", "list")
    assert "ACODE-ART-006" in fresh.fails(1, "runs", "list", "--workspace", "/etc/passwd")


def test_a_current_folder_that_is_gone_is_one_line(fresh: Recorded, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    environ = {k: v for k, v in fresh.environ.items() if k != "ACODE_WORKSPACE"}
    pid = os.fork()
    if pid == 0:
        os.chdir(gone)
        gone.rmdir()
        done = fresh.run("runs", "list", cwd=None, env=environ)
        os._exit(0 if done.returncode == 1 and done.stderr.count(b"\n") == 1 else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_database_that_is_none_is_rebuilt_or_named(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    fresh.ok("runs", "list", "--json")
    for path in Path(fresh.workspace.folder).glob("runs.db-*"):
        path.unlink()
    Path(fresh.workspace.database).write_bytes(b"this is no database" * 1000)
    assert len(fresh.json("runs", "list", "--json")) == 1


def test_a_newer_database_is_refused(fresh: Recorded) -> None:
    import sqlite3

    fresh.exec("echo", "one")
    fresh.ok("runs", "list", "--json")
    database = sqlite3.connect(fresh.workspace.database)
    database.execute("PRAGMA user_version = 99")
    database.close()
    assert "ACODE-RUN-025" in fresh.fails(1, "runs", "list")


def test_a_mistake_in_the_settings_is_one_line_for_every_command(fresh: Recorded) -> None:
    (fresh.root / ".acode" / "config.yml").write_text("runs:\n  enabld: true\n")
    for arguments in (["runs", "list"], ["config", "show"], ["runs", "stats"]):
        message = fresh.fails(2, *arguments)
        assert ".acode/config.yml:2" in message
        assert "'runs.enabled'" in message


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error(recorded: Recorded, tmp_path: Path, closed: str) -> None:
    found = recorded.json("runs", "artifacts", "build", "--json")
    saved = tmp_path / "saved"
    for arguments, status in (
        (["runs", "list"], 0),
        (["runs", "show", "nothing"], 1),
        (["runs", "follow", "both"], 0),
        (["runs", "artifact", found[0]["artifact_id"], "--output", str(saved)], 0),
    ):
        command = ["sh", "-c", f'"$@" {closed}', "sh", *ACODE, *arguments]
        done = subprocess.run(
            command, env=recorded.environ, cwd=recorded.root, capture_output=True, check=False
        )
        assert done.returncode == status
        assert b"Traceback" not in done.stderr
    assert saved.read_bytes() == b"built\n"


def test_a_traceback_is_shown_only_when_asked_for(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    done = fresh.run("runs", "show", "nothing", env={**fresh.environ, "ACODE_DEBUG": "1"})
    assert b"Traceback" in done.stderr
    assert b"Traceback" not in fresh.run("runs", "show", "nothing").stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_workspace_can_be_read(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    fresh.ok("runs", "list", "--json")
    folder = Path(fresh.workspace.folder)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert len(fresh.json("runs", "list", "--json")) == 1
    finally:
        folder.chmod(0o755)


def test_a_task_of_the_settings_is_run_and_recorded(fresh: Recorded) -> None:
    text = 'tasks: {greet: "echo hello", both: "echo one && echo two; false"}\n'
    (fresh.root / ".acode" / "config.yml").write_text(text)
    done = fresh.run("task", "run", "greet", "you there")
    assert (done.returncode, done.stdout) == (0, b"hello you there\n")
    done = fresh.run("task", "run", "--tag", "x", "both")
    assert (done.returncode, done.stdout) == (1, b"one\ntwo\n")
    runs = fresh.json("runs", "list", "--json")
    assert [(run["task"], run["tags"]) for run in runs] == [("both", {"x": ""}), ("greet", {})]
    assert "did you mean 'greet'" in fresh.fails(1, "task", "run", "gret")
    assert "ACODE-RUN-019" in fresh.fails(2, "task", "run")
    assert "ACODE-RUN-019" in fresh.fails(2, "task", "rnu", "greet")


def test_a_listing_loads_nothing_heavy(recorded: Recorded) -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; from collector.cli.main import main;"
        "main(['runs', 'list']);"
        "heavy = {'dataclasses', 'typing', 'inspect', 'pathlib', 'yaml', 'logging', 'subprocess', 'asyncio',"
        " 'shutil', 'hashlib', 'urllib', 'rich', 'textual', 'difflib', 'locale', 'watchfiles'};"
        "sys.stderr.write(' '.join(sorted(heavy & sys.modules.keys())))"
    )
    argv = [sys.executable, "-I", "-S", "-c", code, str(PROJECT)]
    done = subprocess.run(argv, capture_output=True, env=recorded.environ, cwd=recorded.root, check=True)
    assert done.stderr == b""
