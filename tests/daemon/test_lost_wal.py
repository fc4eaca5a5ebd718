"""The files beside runs.db go away under a running collector: what is asked of it is done all the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from collector.store.lock import is_write_locked
from tests.conftest import Acode, wait_for


@pytest.mark.parametrize("suffixes", [("-wal", "-shm"), ("-wal",), ("-shm",)])
def test_a_run_can_be_deleted_after_the_log_of_the_database_was_removed(
    acode: Acode, collector: subprocess.Popen[bytes], suffixes: tuple[str, ...]
) -> None:
    for number in range(2):
        acode.exec("echo", str(number))
    assert acode.run("runs", "list").stdout.count(b"success") == 2
    for suffix in suffixes:
        Path(acode.workspace.database + suffix).unlink()
    doomed = acode.folders()[-1].name
    assert acode.run("runs", "delete", doomed, "--force").returncode == 0
    assert collector.poll() is None
    assert is_write_locked(acode.workspace)
    assert acode.run("runs", "list").stdout.count(b"success") == 1
    assert [folder.name for folder in acode.folders()] != [doomed]
    wait_for(lambda: list(Path(acode.workspace.folder).glob("runs.db.corrupt-*")) != [])
