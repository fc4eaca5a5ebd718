"""Nobody else may write what acode makes, whatever the umask is."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Acode


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nothing_that_is_made_can_be_written_by_others(
    acode: Acode, umask: int, collector: subprocess.Popen[bytes]
) -> None:
    assert collector.poll() is None
    steps = (
        ["exec", "--", "sh", "-c", "echo out; echo '<testsuite/>' > junit.xml; exit 1"],
        ["runs", "list"], ["runs", "stdout", "@"], ["runs", "tag", "@", "x"], ["runs", "note", "@", "hello"],
        ["artifacts", "verify", "--all"], ["search", "out"], ["query", "save", "mine", "status:failed"],
        ["exec", "--", "true"], ["runs", "delete", "@", "--force"], ["runs", "optimize"],
    )  # fmt: skip
    for words in steps:
        acode.run(*words, umask=umask)
    folder = Path(acode.workspace.folder)
    made = [folder, *folder.rglob("*")]
    assert len(made) > 20
    loose = {
        str(path.relative_to(acode.root)): oct(path.lstat().st_mode & 0o777)
        for path in made
        if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o022
    }
    assert loose == {}
    assert os.lstat(folder / "audit.jsonl").st_mode & 0o077 == 0
