"""`acode doctor`: each kind of trouble is made, found, and said in a line with what to do."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collector.cli.doctor_store import lock_holder
from collector.cli.doctor_system import filesystem_of
from tests.cli.conftest import Recorded
from tests.conftest import wait_for

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/me/my\\040disk rw - fuse.sshfs me@there: rw
32 22 0:42 / /homework rw - 9p share rw
bad line
"""


def found(acode: Recorded, name: str, *options: str, **environ: str) -> list[dict[str, str]]:
    done = acode.run("doctor", "--json", *options, env={**acode.environ, **environ})
    assert done.stderr == b""
    return [one for one in json.loads(done.stdout) if one["name"] == name]


def the(acode: Recorded, name: str, level: str, **environ: str) -> dict[str, str]:
    (one,) = [one for one in found(acode, name, **environ) if one["level"] == level]
    assert one["advice"] or level == "ok"
    assert all(text.isprintable() for text in one.values())
    return one


@pytest.fixture
def one_run(fresh: Recorded) -> Recorded:
    """A workspace with a run."""
    fresh.exec("echo", "one")
    fresh.ok("runs", "list", "--json")
    return fresh


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/tmp", "ext4"),
        ("/home/me", "nfs4"),
        ("/home/me/my disk/x", "fuse.sshfs"),
        ("/homework", "9p"),
        ("/", "ext4"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path: str, kind: str) -> None:
    assert filesystem_of(path, MOUNTS) == kind
    assert filesystem_of(path, "") == ""


def test_a_pid_file_that_was_left_is_found_and_fixed(one_run: Recorded) -> None:
    pid = Path(one_run.workspace.collector_pid)
    pid.write_text("999999 1 - 1 0.0.1\n")
    assert "collector.pid" in the(one_run, "pid file", "warn")["text"]
    assert pid.exists()
    (fixed,) = found(one_run, "pid file", "--fix")
    assert fixed["level"] == "ok"
    assert not pid.exists()
    assert found(one_run, "pid file") == []


def test_half_written_files_of_dead_processes_are_fixed_and_no_others(one_run: Recorded) -> None:
    folder = Path(one_run.workspace.folder)
    old, new, alive, other = (
        folder / name
        for name in (".a.999999-1.tmp", ".b.999999-1.tmp", f".c.{os.getpid()}-1.tmp", "notes.tmp")
    )
    for path in (old, new, alive, other):
        path.write_text("x")
    for path in (old, alive, other):
        os.utime(path, (1, 1))
    assert "1 half-written file " in the(one_run, "leftovers", "warn")["text"]
    found(one_run, "leftovers", "--fix")
    assert [path.exists() for path in (old, new, alive, other)] == [False, True, True, True]


def test_a_collector_of_another_version_is_named(fresh: Recorded) -> None:
    process = fresh.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pid = Path(fresh.workspace.collector_pid)
    wait_for(pid.exists)
    try:
        assert "running" in the(fresh, "collector", "ok")["text"]
        assert found(fresh, "version") == []
        *fields, _, mark = pid.read_text().split()
        pid.write_text(" ".join([*fields, "0.0.1", mark]) + "\n")
        assert "0.0.1" in the(fresh, "version", "warn")["text"]
    finally:
        process.terminate()
        process.wait(10)


def test_whoever_holds_the_lock_without_being_a_collector_is_named(one_run: Recorded) -> None:
    code = (
        "import fcntl,sys; f=open(sys.argv[1],'r+'); fcntl.flock(f, 2); print(flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", code, one_run.workspace.writer_lock]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert str(holder.pid) in the(one_run, "lock", "warn")["text"]
        holder.communicate(b"")
    assert found(one_run, "lock") == []
    assert lock_holder(7, "1: FLOCK  ADVISORY  WRITE 42 08:01:7 0 EOF\n") == 42
    assert lock_holder(8, "1: FLOCK  ADVISORY  WRITE 42 08:01:7 0 EOF\n") is None


def test_a_large_wal_and_damaged_databases_that_are_kept_are_named(one_run: Recorded) -> None:
    aside = Path(one_run.workspace.database + ".corrupt-20260101-000000")
    aside.write_bytes(b"x" * 2048)
    assert "2.0 KB" in the(one_run, "set aside", "warn")["text"]
    with sqlite3.connect(one_run.workspace.database) as database:
        database.execute("PRAGMA wal_autocheckpoint=0")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES (1)")
        database.commit()
        os.truncate(one_run.workspace.database + "-wal", 200 << 20)
        assert "200.0 MB" in the(one_run, "wal", "warn")["text"]
    database.close()


def test_a_newer_database_is_named(one_run: Recorded) -> None:
    with sqlite3.connect(one_run.workspace.database) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    one = the(one_run, "database", "fail")
    assert "99" in one["text"]
    assert "upgrade" in one["advice"]


def test_a_run_without_its_recorder_is_named(fresh: Recorded) -> None:
    process = fresh.start("exec", "--", "sleep", "60")
    wait_for(lambda: len(fresh.json("runs", "list", "--json")) == 1)
    run = fresh.record()
    os.kill(process.pid, 9)
    os.kill(run["pid"], 9)
    process.communicate(timeout=10)
    assert run["name"] in the(fresh, "runs", "warn")["text"]
    fresh.ok("runs", "list", "--json")
    the(fresh, "runs", "ok")


def test_folders_without_a_row_or_a_record_are_named(one_run: Recorded) -> None:
    artifacts = Path(one_run.workspace.artifacts)
    orphan = artifacts / "test-20260101-000000"
    orphan.mkdir()
    assert found(one_run, "orphans") == []  # it may have been made this moment
    os.utime(orphan, (1, 1))
    assert "test-20260101-000000" in the(one_run, "orphans", "warn")["text"]
    orphan.rmdir()
    with sqlite3.connect(one_run.workspace.database) as database:
        database.execute("DELETE FROM artifacts")
        database.execute("DELETE FROM runs")
    database.close()
    assert "1 run folder" in the(one_run, "folders", "warn")["text"]
    one_run.ok("runs", "reindex")
    assert found(one_run, "folders") == []


def test_a_run_that_waits_in_the_spool_is_no_trouble(one_run: Recorded) -> None:
    one_run.exec("echo", "two")
    assert found(one_run, "folders") == []


def test_what_everybody_may_change_is_named(one_run: Recorded) -> None:
    Path(one_run.workspace.folder).chmod(0o777)
    assert "chmod o-w" in the(one_run, "permissions", "warn")["advice"]
    Path(one_run.workspace.folder).chmod(0o755)
    assert found(one_run, "permissions") == []


def test_recorded_files_in_git_are_named(one_run: Recorded) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(one_run.root), *words], check=True, capture_output=True)

    git("init")
    (one_run.root / ".acode" / "config.yml").write_text("runs: {}\n")
    git("add", "-f", ".acode/config.yml")
    the(one_run, "git", "ok")
    git("add", "-f", str(one_run.folder() / "run.json"))
    assert "run.json" in the(one_run, "git", "warn")["text"]


def test_the_settings_of_a_repository_run_nothing(one_run: Recorded) -> None:
    subprocess.run(["git", "init", str(one_run.root)], check=True, capture_output=True)
    with (one_run.root / ".git" / "config").open("a") as file:
        file.write('[core]\n\tfsmonitor = "touch owned; false"\n')
    found(one_run, "git")
    assert not (one_run.root / "owned").exists()


def test_another_acode_and_a_slow_one_before_it_are_named(one_run: Recorded, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    first = folder / "acode"
    first.write_text('#!/usr/bin/env bash\nexec "/opt/pyenv/libexec/pyenv" exec acode "$@"\n')
    first.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    assert "each time" in the(one_run, "path", "warn", PATH=path)["text"]
    assert "no acode" in the(one_run, "path", "warn", PATH="/nowhere")["text"]


def test_a_terminal_without_utf8_is_named(one_run: Recorded) -> None:
    plain = {"LC_ALL": "C", "TERM": "xterm"}
    assert "UTF-8" in the(one_run, "terminal", "warn", **plain)["text"]
    assert "dumb" in the(one_run, "terminal", "ok", TERM="dumb")["text"]


def test_completion_is_a_hint(one_run: Recorded) -> None:
    assert "--install" in the(one_run, "completion", "ok", SHELL="/bin/bash")["text"]
    one_run.ok("completion", "bash", "--install")
    assert "installed" in the(one_run, "completion", "ok", SHELL="/bin/bash")["text"]
    assert found(one_run, "completion", SHELL="/bin/tcsh") == []


def test_hooks_that_cannot_work_are_named(one_run: Recorded, tmp_path: Path) -> None:
    settings = one_run.root / ".claude" / "settings.local.json"
    assert "no agent" in the(one_run, "hooks", "ok")["text"]
    one_run.run("hooks", "install", "claude-code", "--project", "--no-shim")
    assert "claude-code (project)" in the(one_run, "hooks", "ok")["text"]
    installed = settings.read_text()
    settings.write_text(installed.replace("{", '{"disableAllHooks": true,', 1))
    assert "disableAllHooks" in the(one_run, "hooks", "warn")["text"]
    hook = json.loads(installed)["hooks"]["Stop"][0]["hooks"][0]["command"]
    gone = str(tmp_path / "venv" / "acode-hook")
    settings.write_text(installed.replace(hook, gone))
    assert gone in the(one_run, "hooks", "fail")["text"]
    Path(gone).parent.mkdir()
    Path(gone).write_text("#!/bin/sh\n")
    Path(gone).chmod(0o755)
    (Path(gone).parent / "python3").symlink_to("/nowhere/python3")
    assert "Python" in the(one_run, "hooks", "fail")["text"]
    settings.write_text("{")
    assert "settings.local.json" in the(one_run, "hooks", "warn")["text"]


def test_an_announcement_that_waits_long_is_named(fresh: Recorded) -> None:
    process = fresh.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(Path(fresh.workspace.collector_pid).exists)
    try:
        os.kill(process.pid, 19)  # stopped: it cannot get to its work
        waiting = Path(fresh.workspace.spool) / "x.run"
        waiting.touch()
        os.utime(waiting, (time.time() - 3600, time.time() - 3600))
        assert "some for long" in the(fresh, "collector", "warn")["text"]
    finally:
        os.kill(process.pid, 9)
        process.wait(10)
