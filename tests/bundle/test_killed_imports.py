"""An import that is killed anywhere leaves all of its runs or none, and nothing in the way of the next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collector.bundle import ImportOptions, import_bundle
from collector.record import spool
from collector.store.lock import WriterLock
from collector.workspace import Workspace
from tests.bundle.stores import record, runs_of, snapshot, write_run
from tests.conftest import PROJECT, wait_for

POINTS = 8
OWN = {"stdout.txt": b"mine\n"}


ENVIRON = {**os.environ, "PYTHONPATH": str(PROJECT), "ACODE_COLLECTOR_AUTOSTART": "false"}


def words(workspace: Workspace, bundle: str, number: int) -> list[str]:
    """Return the command of an import that dies at its n-th change of the disk; 0 for never."""
    return [sys.executable, "-m", "tests.bundle.dying", workspace.root, bundle, str(number)]


def dying(workspace: Workspace, bundle: str, number: int) -> subprocess.CompletedProcess[str]:
    command = words(workspace, bundle, number)
    return subprocess.run(command, cwd=PROJECT, env=ENVIRON, capture_output=True, text=True, check=False)


def with_a_run(root: Path) -> Workspace:
    """Return a workspace with a run whose name one of the bundle's has, too."""
    workspace = Workspace(str(root))
    write_run(workspace, record(5000, "test", OWN), OWN)
    runs_of(workspace)
    return workspace


def check_whole(workspace: Workspace, bundle: str) -> None:
    """Check what is left of an import that died: all or nothing; a second one does the rest."""
    found = {run.run_id for run in runs_of(workspace)}
    assert len(found) in (1, 3)
    folders = [path for path in Path(workspace.artifacts).iterdir() if (path / "run.json").is_file()]
    assert len({path for path in folders if not path.is_symlink()}) == len(found)
    before = snapshot(Path(workspace.artifacts))
    assert {run.run_id for run in runs_of(workspace)} == found
    assert snapshot(Path(workspace.artifacts)) == before
    import_bundle(workspace, bundle, ImportOptions())
    assert len(runs_of(workspace)) == 3
    assert not Path(workspace.imports).exists()
    assert spool.list_announcements(workspace.spool) == []


@pytest.fixture(scope="module")
def bundle(good_bundle: bytes, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("bundle") / "good.zip"
    path.write_bytes(good_bundle)
    return str(path)


@pytest.fixture(scope="module")
def calls(bundle: str, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return how many changes of the disk a whole import makes."""
    done = dying(with_a_run(tmp_path_factory.mktemp("whole")), bundle, 0)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("point", range(POINTS))
def test_an_import_that_is_killed_leaves_all_or_nothing(
    point: int, calls: int, bundle: str, tmp_path: Path
) -> None:
    assert calls > POINTS
    workspace = with_a_run(tmp_path / "w")
    done = dying(workspace, bundle, 1 + (calls - 1) * point // (POINTS - 1))
    assert done.returncode == 9
    check_whole(workspace, bundle)


def test_what_was_announced_is_taken_in_though_importer_and_database_are_gone(
    bundle: str, tmp_path: Path
) -> None:
    workspace = with_a_run(tmp_path / "w")
    lock = WriterLock(workspace)
    lock.acquire(5.0)
    with lock:
        process = subprocess.Popen(words(workspace, bundle, 0), cwd=PROJECT, env=ENVIRON)
        wait_for(lambda: any(a[1] == spool.IMPORT for a in spool.list_announcements(workspace.spool)))
        process.kill()
        process.wait()
    assert len(list(Path(workspace.imports).iterdir())) == 1
    for path in Path(workspace.folder).glob("runs.db*"):
        path.unlink()
    assert len(runs_of(workspace)) == 3
