"""What retention says a run takes is what the disk says."""

from __future__ import annotations

import os
from pathlib import Path

from collector.store.facts import iter_facts
from tests.conftest import Acode
from tests.retention.making import record, runs_of


def disk_bytes(acode: Acode) -> int:
    """What `du` says of all run folders together."""
    found = {}
    for folder in acode.folders():
        for path in (folder, *folder.rglob("*")):
            found[path.stat().st_ino] = path.stat().st_blocks * 512
    return sum(found.values())


def test_real_runs_are_as_large_as_the_disk_says(acode: Acode) -> None:
    text = "seq 1 40000"
    for script in (text, text, "echo a", "echo a; echo b >&2", "head -c 50000 /dev/urandom"):
        acode.exec("sh", "-c", script)
        acode.settle()  # runs that are sealed together do not know of each other's files
    assert len(runs_of(acode)) == 5
    total = sum(run.bytes for run in iter_facts(acode.workspace.database))
    assert abs(total - disk_bytes(acode)) <= 0.05 * disk_bytes(acode) + 3 * 4096


def test_content_that_several_runs_have_counts_with_the_newest(acode: Acode) -> None:
    content = os.urandom(50_000)
    for number in range(3):
        record(acode, f"t{number}", days=3 - number, content=content)
    sizes = [run.bytes for run in iter_facts(acode.workspace.database)]
    assert sizes == [12288, 12288, 12288 + 53248]


def test_facts_come_oldest_first_whatever_the_order_of_recording(acode: Acode) -> None:
    for days in (3, 9, 1, 5):
        record(acode, f"t{days}", days=days)
    starts = [run.start_time for run in iter_facts(acode.workspace.database)]
    assert starts == sorted(starts)
    assert {Path(run.folder).name for run in iter_facts(acode.workspace.database)} == {
        folder.name for folder in acode.folders()
    }
