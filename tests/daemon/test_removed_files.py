"""A collector whose workspace, database or disk is changed under its hands."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from collector import durable
from collector.daemon import control
from collector.errors import AcodeError, LimitError
from collector.model.query import RunQuery
from collector.record import spool
from collector.record.recorder import is_recorder_alive
from collector.store import run_folders, sealer
from collector.store.database import open_writer, transaction
from collector.store.indexer import Indexer
from tests.conftest import Acode, wait_for
from tests.daemon.test_collector import states

Process = subprocess.Popen[bytes]


def test_a_workspace_made_anew_has_a_collector_of_its_own(acode: Acode, collector: Process) -> None:
    while Path(acode.workspace.folder).exists():  # the collector may be making a file in it
        shutil.rmtree(acode.workspace.folder, ignore_errors=True)
    acode.run("exec", "--task", "after", "--", "true")
    fresh = acode.start("collector", "run")
    assert collector.wait(20) == 0
    wait_for(lambda: control.collector_status(acode.workspace).pid == fresh.pid)
    acode.run("exec", "--task", "later", "--", "true")
    wait_for(lambda: states(acode) == {"after": "success", "later": "success"})
    fresh.terminate()
    fresh.communicate()


def test_a_removed_database_is_made_again(acode: Acode, collector: Process) -> None:
    acode.run("exec", "--task", "before", "--", "true")
    wait_for(lambda: states(acode) == {"before": "success"})
    for path in Path(acode.workspace.folder).glob("runs.db*"):
        path.unlink()
    acode.run("exec", "--task", "after", "--", "true")

    def both_are_there() -> bool:
        try:
            return states(acode) == {"before": "success", "after": "success"}
        except AcodeError:
            return False

    wait_for(both_are_there)


def test_the_pid_file_of_another_is_left_alone(acode: Acode, collector: Process) -> None:
    other = f"{os.getpid()} 0 - 0 0.1\n"
    Path(acode.workspace.collector_pid).write_text(other)
    collector.terminate()
    assert collector.wait(20) == 0
    assert Path(acode.workspace.collector_pid).read_text() == other


@pytest.mark.parametrize("step", ["index_spool", "seal_spool"])
def test_a_passing_trouble_keeps_the_announcement(
    acode: Acode, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    acode.exec("true")
    indexer = Indexer(acode.workspace)
    acode.workspace.create()
    indexer.open()
    if step == "seal_spool":
        indexer.index_spool()
    before = spool.list_announcements(acode.workspace.spool)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(*((run_folders, "read_record") if step == "index_spool" else (sealer, "seal")), full)
        with pytest.raises(OSError, match="No space"):
            getattr(indexer, step)()
    after = spool.list_announcements(acode.workspace.spool)
    assert [subject for _, _, subject in after] == [subject for _, _, subject in before]
    indexer.index_spool()
    assert indexer.seal_spool() == 0
    assert all(a.checksum_sha256 for a in indexer.runs.list(RunQuery()).items[0].artifacts)
    indexer.close()


def test_a_full_disk_is_named_although_sqlite_has_rolled_back(tmp_path: Path) -> None:
    connection = open_writer(str(tmp_path / "runs.db"))

    def fill_the_disk() -> None:
        with transaction(connection):
            connection.execute("ROLLBACK")
            raise LimitError("ACODE-ART-005", "no space left for runs.db")

    with pytest.raises(LimitError):
        fill_the_disk()
    with transaction(connection):
        connection.execute("DELETE FROM runs")
    connection.close()


def test_a_recorder_on_another_machine_is_known_by_its_lock(acode: Acode) -> None:
    process = acode.start("exec", "--", "sh", "-c", "echo ready; exec sleep 60")
    assert process.stdout is not None
    process.stdout.readline()
    wait_for(lambda: spool.list_announcements(acode.workspace.spool))
    elsewhere = {**acode.record()["recorder"], "boot_id": "another"}
    assert is_recorder_alive(str(acode.folder()), elsewhere)
    process.terminate()
    process.communicate()
    assert not is_recorder_alive(str(acode.folder()), elsewhere)


@pytest.mark.parametrize("kind", ["pipe", "link", "file"])
def test_what_a_dead_process_left_is_replaced(tmp_path: Path, kind: str) -> None:
    left = tmp_path / f".run.json.{os.getpid()}-{threading.get_ident()}.tmp"
    victim = tmp_path / "victim"
    victim.write_text("x")
    if kind == "pipe":
        os.mkfifo(left)
    elif kind == "link":
        left.symlink_to(victim)
    else:
        left.write_text("much longer than what follows")
    durable.replace_file(str(tmp_path / "run.json"), b"{}")
    assert (tmp_path / "run.json").read_text() == "{}"
    assert victim.read_text() == "x"
    assert not left.exists()
