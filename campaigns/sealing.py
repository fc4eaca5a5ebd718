"""Sealing killed, or failed by the kernel, at every system call that changes something.

    python -m campaigns.sealing [--every 1] [--fault kill|ENOSPC|EIO|EDQUOT|EROFS|EACCES] ...

Three recorded runs wait to be sealed: two with the same large text on stdout, one with text on both streams,
two of them with files to collect. `acode runs list` seals them: it collects, compresses, links,
writes the record, removes plain files. After the fault every content is read and compared with what the
commands wrote; after recovery it is compared again, every checksum fits, nothing half done is left, and a
second recovery changes nothing.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from campaigns.syscalls import acode, environment, inject, points
from collector.model.query import RunQuery
from collector.record.content import open_content
from collector.store import open_stores
from collector.store.database import quick_check
from collector.store.indexer import Indexer
from collector.workspace import Workspace

CALLS = (
    "rename", "renameat", "renameat2", "linkat", "link", "unlink", "unlinkat", "fsync", "fdatasync", "write",
    "pwrite64", "ftruncate", "fchmod", "utimensat", "flock",
)  # fmt: skip
FAULTS = ("kill", "ENOSPC", "EIO", "EDQUOT", "EROFS", "EACCES")
TEXT = "".join(f"{n:07} the quick brown fox jumps over the lazy dog\n" for n in range(3000))
SCRIPTS = ("cat text", "cat text; cp text a.log", "cat text; cat text >&2; echo '<testsuite/>' > junit.xml")
WRITTEN = 4  # streams that are not empty


def prepare(root: Path) -> None:
    """Record the runs, and let nobody seal them."""
    root.mkdir(parents=True)
    (root / "text").write_text(TEXT)
    for script in SCRIPTS:
        subprocess.run(
            acode("exec", "--collect", "a.log", "--collect", "junit.xml", "--", "sh", "-c", script),
            env=environment(root), cwd=root, capture_output=True, check=True, timeout=60,
        )  # fmt: skip


def recover(workspace: Workspace) -> None:
    """Do what a collector does when it starts."""
    indexer = Indexer(workspace)
    indexer.open(5)
    indexer.index_spool()
    indexer.adopt_unknown()
    indexer.index_spool()
    indexer.seal_spool()
    indexer.close()


def lost(workspace: Workspace) -> str:
    """Compare every stream in the run folders with what was written; return what is wrong, or nothing."""
    count = 0
    for folder in Path(workspace.artifacts).iterdir():
        if folder.is_symlink():
            continue
        for name in ("stdout.txt", "stderr.txt"):
            with open_content(str(folder), name) as content:
                data = content.read()
            if data not in (b"", TEXT.encode()):
                return f"{folder.name}/{name} is not what was written"
            count += bool(data)
    return "" if count == WRITTEN else f"{count} streams are there"


def look(workspace: Workspace, fault: str) -> str:
    """Recover twice; return what is wrong, or nothing."""
    states = []
    for _ in range(2):
        recover(workspace)
        runs, artifacts = open_stores(workspace)
        found = runs.list(RunQuery()).items
        kept = [artifact for run in found for artifact in artifacts.by_run(run.run_id)]
        files = sorted(str(path) for path in Path(workspace.artifacts).rglob("*"))
        states.append((repr([run.to_json() for run in found]), files))
        if len(found) != len(SCRIPTS) or any(a.missing or a.corrupt for a in kept):
            return "a run or a file is missing"
        if not all(a.checksum_sha256 and artifacts.verify(a) for a in kept):
            return "a checksum is missing or does not fit"
        if fault == "kill" and (left := leftovers(files)):
            return f"left behind: {left}"
        runs.close()
    if quick_check(workspace.database) != "ok":
        return "the database is damaged"
    return "" if states[0] == states[1] else "a second recovery changed something"


def leftovers(files: list[str]) -> list[str]:
    """Return what a finished seal does not leave of storing files."""
    both = [path for path in files if path + ".zst" in files]
    return both + [path for path in files if path.endswith(".tmp")]


def attack(template: Path, root: Path, point: tuple[str, int], fault: str) -> str:
    """Fault one point in a copy of the workspace; return what went wrong, or nothing."""
    shutil.copytree(template, root, symlinks=True)
    inject(root, point, fault, acode("runs", "list"))
    workspace = Workspace(str(root))
    return lost(workspace) or look(workspace, fault) or lost(workspace)


def campaign(folder: Path, faults: tuple[str, ...], every: int) -> tuple[int, list[str]]:
    """Attack every n-th point with each fault; return how many points, and what went wrong."""
    template = folder / "template"
    prepare(template)
    fresh = folder / "count"
    shutil.copytree(template, fresh, symlinks=True)
    found = points(fresh, CALLS, acode("runs", "list"))
    tried, wrong = 0, []
    for fault in faults:
        for point in found[::every]:
            root = folder / "attack"
            problem = attack(template, root, point, fault)
            tried += 1
            if problem:
                wrong.append(f"{fault} at {point[0]} number {point[1]}: {problem}")
            shutil.rmtree(root)
    return tried, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--fault", choices=FAULTS, action="append")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tried, wrong = campaign(Path(folder), tuple(options.fault or FAULTS), options.every)
    for line in wrong:
        print(line)
    print(f"{tried} points, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
