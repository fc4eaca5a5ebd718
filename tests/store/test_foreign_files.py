"""What lies in a workspace may come from anywhere: nothing of others is removed, written or waited for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from collector.ids import new_ulid
from collector.model.query import RunQuery
from collector.record import spool
from collector.store import trash
from collector.store.indexer import Indexer, reindex
from collector.store.waiting import index_waiting
from tests.conftest import Acode, read_json
from tests.store.test_indexing import change, only_run

HOURS_AGO = (1_000_000_000, 1_000_000_000)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder of somebody else, with folders of all kinds in it, untouched for long."""
    folder = tmp_path / "foreign"
    for name in ("documents", "release-20260120-143215", "2026", "empty", new_ulid(0).lower()):
        (folder / name).mkdir(parents=True)
    (folder / "documents/precious").write_text("x")
    (folder / "release-20260120-143215/notes.md").write_text("x")
    (folder / "installer.run").write_text("x")
    for path in (*folder.rglob("*"), folder):
        os.utime(path, HOURS_AGO)
    return folder


def contents(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_a_trash_that_leads_elsewhere_is_not_emptied(acode: Acode, foreign: Path) -> None:
    before = contents(foreign)
    acode.exec("true")
    index_waiting(acode.workspace)
    Path(acode.workspace.trash).symlink_to(foreign)
    spool.announce(acode.workspace.spool, spool.DELETE, only_run(acode).run_id)
    index_waiting(acode.workspace)
    assert contents(foreign) == before
    assert len(acode.folders()) == 1


def test_only_runs_are_removed_from_the_trash(acode: Acode, foreign: Path) -> None:
    acode.workspace.create()
    shutil.copytree(foreign, acode.workspace.trash)
    before = contents(Path(acode.workspace.trash))
    deleted = Path(acode.workspace.trash, new_ulid(1))
    deleted.mkdir()
    assert trash.empty(acode.workspace) == 1
    assert contents(Path(acode.workspace.trash)) == before


def test_a_store_that_others_use_too_keeps_what_is_theirs(acode: Acode, foreign: Path) -> None:
    acode.environ["ARTIFACTS_DIR"] = str(foreign)
    acode.workspace.artifacts = str(foreign)
    before = contents(foreign)
    orphan = foreign / "make-20260120-143215-1"
    orphan.mkdir()
    for name in ("stdout.txt", "stderr.txt", "output.idx", ".run.json.77.tmp"):
        (orphan / name).touch()
    young = foreign / "make-20260120-143215-2"
    young.mkdir()
    os.utime(orphan, HOURS_AGO)
    acode.workspace.create()
    indexer = Indexer(acode.workspace)
    indexer.open()
    assert indexer.remove_orphans() == 1
    indexer.close()
    assert contents(foreign) == sorted([*before, young])


def test_a_spool_that_leads_elsewhere_is_not_used(acode: Acode, foreign: Path) -> None:
    Path(acode.workspace.folder).mkdir()
    Path(acode.workspace.spool).symlink_to(foreign)
    before = contents(foreign)
    done = acode.exec("sh", "-c", "exit 3")
    assert (done.returncode, done.stderr[:26]) == (3, b"acode: ACODE-RUN-024: this")
    with pytest.raises(NotADirectoryError):
        index_waiting(acode.workspace)
    assert contents(foreign) == before


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_database_that_is_no_file_is_set_aside(
    acode: Acode, tmp_path: Path, suffix: str, kind: str
) -> None:
    acode.workspace.create()
    victim = tmp_path / "victim"
    victim.write_text("x")
    path = Path(acode.workspace.database + suffix)
    if kind == "link":
        path.symlink_to(victim)
    else:
        os.mkfifo(path)
    acode.exec("true")
    index_waiting(acode.workspace)
    assert only_run(acode).status == "success"
    assert victim.read_text() == "x"


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_log_that_is_no_file_is_not_written(acode: Acode, tmp_path: Path, kind: str) -> None:
    acode.exec("true")
    victim = tmp_path / "victim"
    victim.write_text("x")
    if kind == "link":
        Path(acode.workspace.collector_log).symlink_to(victim)
    else:
        os.mkfifo(acode.workspace.collector_log)
    assert acode.run("collector", "start").returncode == 0
    assert acode.run("collector", "stop").returncode == 0
    assert victim.read_text() == "x"


def test_a_pipe_for_a_pid_file_delays_nobody(acode: Acode) -> None:
    del acode.environ["ACODE_COLLECTOR_AUTOSTART"]
    acode.workspace.create()
    os.mkfifo(acode.workspace.collector_pid)
    done = acode.exec("sh", "-c", "exit 3")
    assert (done.returncode, done.stderr) == (3, b"")
    assert acode.run("collector", "status").returncode == 0
    acode.run("collector", "stop")


def test_a_pipe_in_the_spool_delays_nobody(acode: Acode) -> None:
    acode.workspace.create()
    os.mkfifo(Path(acode.workspace.spool, "x.seal"))
    with pytest.raises(OSError, match="No such device"):
        spool.announce(acode.workspace.spool, spool.SEAL, "x")
    index_waiting(acode.workspace)
    assert spool.list_announcements(acode.workspace.spool) == []


@pytest.mark.parametrize("run_id", ["../../escaped", "x", 7, [1]])
def test_a_run_id_that_is_none_is_refused(acode: Acode, run_id: object) -> None:
    acode.exec("true")
    change(acode.folder(), run_id=run_id)
    assert reindex(acode.workspace).damaged[0][0] == acode.folder().name


def test_a_deletion_cut_short_is_finished(acode: Acode) -> None:
    acode.exec("true")
    index_waiting(acode.workspace)
    run = only_run(acode)
    spool.announce(acode.workspace.spool, spool.DELETE, run.run_id)
    trash.put(acode.workspace, str(acode.folder()), run.run_id)  # and here it was killed
    indexer = Indexer(acode.workspace)
    indexer.open()
    indexer.index_spool()
    assert (indexer.adopt_unknown(), indexer.runs.count(RunQuery())) == (0, 0)
    indexer.close()


def test_a_store_on_another_disk_lets_runs_be_deleted(acode: Acode, other_disk: Path) -> None:
    acode.environ["ARTIFACTS_DIR"] = str(other_disk)
    acode.workspace.artifacts = str(other_disk)
    acode.exec("true")
    index_waiting(acode.workspace)
    run_id = only_run(acode).run_id
    spool.announce(acode.workspace.spool, spool.DELETE, run_id)
    index_waiting(acode.workspace)
    assert acode.folders() == [other_disk / ".trash"]
    assert [path.name for path in (other_disk / ".trash").iterdir()] == [run_id]
    assert trash.empty(acode.workspace) == 1
    assert list((other_disk / ".trash").iterdir()) == []
    assert reindex(acode.workspace).indexed == 0


@pytest.fixture
def other_disk(tmp_path: Path):  # type: ignore[no-untyped-def] # a generator fixture
    """Another file system than the workspace's."""
    disk = Path("/dev/shm")
    if not disk.is_dir() or disk.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system")
    folder = disk / f"acode-{new_ulid(0)}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_may_write(acode: Acode, umask: int) -> None:
    acode.environ["ARTIFACTS_DIR"] = "a/b/c"
    acode.exec("sh", "-c", "exit 3", umask=umask)
    for verb in (["collector", "start"], ["runs", "delete", "latest", "--force"], ["collector", "stop"]):
        assert acode.run(*verb, umask=umask).returncode == 0
    made = [path for path in acode.root.rglob("*") if not path.is_symlink()]
    assert {path.name for path in made} >= {"trash", "runs.db", "collector.log", "spool", "c"}
    assert [path for path in made if path.stat().st_mode & 0o022] == []


def test_records_carry_nothing_of_the_launcher(acode: Acode) -> None:
    acode.environ["ACODE_LAUNCHER_STAT"] = "1 (acode) R"
    acode.exec("true")
    assert "ACODE_LAUNCHER_STAT" not in read_json(acode.folder() / "run.json")["environment"]
