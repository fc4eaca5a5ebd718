"""Damage runs.db at random places, and see that recovery finds every run again and keeps the damaged file.

    python -m campaigns.damage [--rounds 200] [--runs 200] [--seed 1]

Each round overwrites one to three pages, cuts the file short, empties it, or puts something else in its
place, with or without a write-ahead log; then somebody lists runs and recovers, as users do.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import tempfile
import time
from pathlib import Path

from collector.errors import AcodeError
from collector.ids import new_ulid
from collector.model.query import RunQuery
from collector.store import open_stores
from collector.store.indexer import reindex
from collector.store.waiting import index_waiting
from collector.workspace import Workspace

PAGE = 4096


def main() -> int:
    """Run the campaign; the exit status is 1 when anything was lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="acode-damage-") as folder:
        workspace = Workspace(folder)
        workspace.create()
        names = make_runs(workspace, options.runs)
        lost, unkept, rebuilt = 0, 0, 0
        seconds: list[float] = []
        for number in range(options.rounds):
            found, kept, took = one_round(workspace, random.Random(options.seed * 100_003 + number))
            lost += found != names
            rebuilt += kept is not None
            unkept += kept is False
            seconds.append(took)
    print(f"{options.rounds} damages of a database of {options.runs} runs: {rebuilt} rebuilt, {lost} with "
          f"runs lost, {unkept} damaged files not kept; the slowest took {max(seconds):.2f} s")  # fmt: skip
    return int(bool(lost or unkept))


def make_runs(workspace: Workspace, count: int) -> set[str]:
    """Write finished and sealed run folders."""
    names = set()
    for number in range(count):
        at = 1_768_900_000_000 + number * 1000
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(at / 1000))
        iso = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at / 1000))
        name = f"task-{stamp}"
        record = {
            "schema_version": 1, "run_id": new_ulid(at), "name": name, "task": "task", "command": "make",
            "arguments": [str(number)], "command_line": f"make {number}", "working_directory": "/",
            "status": "success", "exit_code": 0, "start_time": iso, "end_time": iso, "duration_ms": 1,
            "type": "build", "context": "host", "artifacts": [], "sealed": True,
        }  # fmt: skip
        folder = Path(workspace.artifacts, name)
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(record))
        names.add(name)
    reindex(workspace)
    return names


def one_round(workspace: Workspace, rng: random.Random) -> tuple[set[str], bool | None, float]:
    """Damage, then look; return the names found, whether the damaged file was kept, and the seconds."""
    path = Path(workspace.database)
    before = set(path.parent.glob("runs.db.corrupt-*"))
    damage(path, rng)
    broken = path.read_bytes()
    begin = time.monotonic()
    with contextlib.suppress(AcodeError):  # what a reader meets; it has been mended then, or will be
        index_waiting(workspace)
        listed(workspace)
    reindex(workspace)
    took = time.monotonic() - begin
    found = listed(workspace)
    new = set(path.parent.glob("runs.db.corrupt-*")) - before
    files = [file for file in new if not file.name.endswith(("-wal", "-shm", "-journal"))]
    kept = any(file.read_bytes() == broken for file in files) if files else None
    for file in new:
        file.unlink()
    return found, kept, took


def damage(path: Path, rng: random.Random) -> None:
    """Do to a file what a bad disk, a crash or another program does."""
    size = path.stat().st_size
    kinds = ("page", "page", "page", "page", "bytes", "bytes", "header", "cut", "zero", "empty", "text")
    kind = rng.choice(kinds)
    with path.open("r+b") as file:
        for _ in range(rng.randint(1, 3)):
            if kind == "page":
                file.seek(rng.randrange(size // PAGE) * PAGE)
                file.write(rng.randbytes(PAGE))
            elif kind == "zero":
                file.seek(rng.randrange(size // PAGE) * PAGE)
                file.write(bytes(PAGE))
            elif kind == "bytes":
                file.seek(rng.randrange(size - 64))
                file.write(rng.randbytes(64))
            elif kind == "header":
                file.seek(rng.randrange(100))
                file.write(rng.randbytes(4))
        if kind in ("cut", "empty"):
            file.truncate(rng.randrange(size) if kind == "cut" else 0)
        elif kind == "text":
            file.seek(0)
            file.write(b"this is no database\n" * 10)
    if rng.random() < 0.3:
        Path(f"{path}-wal").write_bytes(os.urandom(rng.randrange(1, 8192)))


def listed(workspace: Workspace) -> set[str]:
    """Return the names of all runs there are for who reads."""
    runs, _ = open_stores(workspace)
    try:
        return {run.name for run in runs.list(RunQuery(limit=100_000)).items}
    finally:
        runs.close()


if __name__ == "__main__":
    raise SystemExit(main())
