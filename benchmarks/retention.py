"""Deleting many runs beside `rm -rf` of the same folders, in one run; and what the reaper costs others.

    python -m benchmarks.retention --runs 1000

Each run is a real one, recorded once and copied under other names, with the files a test run leaves. It says
how long deleting takes until no view and no name has the runs any longer, how long removing the folders for
good takes, and how much slower a command is recorded meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from collector.clock import parse_iso
from collector.daemon.control import request_delete_runs
from collector.ids import new_ulid, run_name
from collector.store import trash
from collector.store.database import open_reader
from collector.store.facts import StoredFacts
from collector.store.indexer import reindex
from collector.workspace import Workspace

PROJECT = Path(__file__).resolve().parent.parent
START = f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}; from collector.__main__ import run; run()"
ACODE = [sys.executable, "-I", "-S", "-c", START]
FILES = 4


def environment(root: Path) -> dict[str, str]:
    """Return the environment of a command."""
    return {"PATH": os.environ["PATH"], "ACODE_WORKSPACE": str(root), "ACODE_COLLECTOR_AUTOSTART": "false"}


def make_runs(root: Path, count: int) -> Workspace:
    """Fill a workspace with copies of one recorded run."""
    (root / "TestResults").mkdir()
    script = f"seq 3000; seq 200 >&2; for i in $(seq {FILES}); do seq $i 2000 > TestResults/r$i.log; done"
    subprocess.run(
        [*ACODE, "exec", "--task", "bench", "--", "sh", "-c", script],
        env=environment(root), cwd=root, check=True, capture_output=True,
    )  # fmt: skip
    workspace = Workspace(str(root))
    reindex(workspace)
    subprocess.run([*ACODE, "runs", "list"], env=environment(root), cwd=root, check=True, capture_output=True)
    (source,) = (p for p in Path(workspace.artifacts).iterdir() if p.is_dir() and not p.is_symlink())
    record = json.loads((source / "run.json").read_text())
    for number in range(1, count):
        copy(source, record, number)
    reindex(workspace)
    return workspace


def copy(source: Path, record: dict[str, object], number: int) -> None:
    """Copy a run under another name and id."""
    start = parse_iso(str(record["start_time"])) - number * 1000
    name = run_name("bench", start)
    target = source.with_name(name)
    shutil.copytree(source, target)
    text = json.dumps(record | {"name": name, "run_id": new_ulid(start)})
    for artifact in record["artifacts"]:  # type: ignore[attr-defined]
        text = text.replace(artifact["artifact_id"], new_ulid(start))
    (target / "run.json").write_text(text)


def run_ids(workspace: Workspace) -> list[str]:
    """Return the ids of all runs."""
    connection = open_reader(workspace.database)
    try:
        return [run.run_id for run in StoredFacts(connection)]
    finally:
        connection.close()


def seconds_of_rm(workspace: Workspace, root: Path) -> float:
    """Return how long `rm -rf` takes for a copy of the same folders."""
    target = root / "copy"
    subprocess.run(["cp", "-r", workspace.artifacts, target], check=True)
    os.sync()
    begin = time.perf_counter()
    subprocess.run(["rm", "-rf", target], check=True)
    return time.perf_counter() - begin


def exec_seconds(root: Path, times: int) -> list[float]:
    """Return how long recording a command takes, some times."""
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        subprocess.run([*ACODE, "exec", "--", "true"], env=environment(root), cwd=root, check=True)
        found.append(time.perf_counter() - begin)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--collector", action="store_true", help="let a running collector delete")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="acode-retention-"))
    try:
        workspace = make_runs(root, options.runs)
        files = sum(len(names) for _, _, names in os.walk(workspace.artifacts))
        print(f"{options.runs} runs, {files} files")
        removed = seconds_of_rm(workspace, root)
        print(f"rm -rf                     {removed * 1000:8.0f} ms")
        if options.collector:
            measure_with_collector(root, workspace, removed)
        else:
            measure(root, workspace, removed)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(root: Path, workspace: Workspace, removed: float) -> None:
    """Delete everything in this process, then remove it for good while commands are recorded."""
    doomed = run_ids(workspace)
    os.sync()
    begin, cpu = time.perf_counter(), time.process_time()
    report = request_delete_runs(workspace, doomed)
    took, cpu = time.perf_counter() - begin, time.process_time() - cpu
    left = len(run_ids(workspace))
    times = f"{took * 1000:8.0f} ms   1/{removed / took:.0f}   {cpu * 1000:.0f} ms of CPU"
    print(f"deleted ({left} left)           {times}   {report}")
    alone = exec_seconds(root, 20)
    thread = threading.Thread(target=trash.empty, args=(workspace,))
    begin = time.perf_counter()
    thread.start()
    beside = exec_seconds(root, 20)
    thread.join()
    print(f"removed for good           {(time.perf_counter() - begin) * 1000:8.0f} ms")
    a, b = statistics.median(alone), statistics.median(beside)
    print(f"exec alone {a * 1000:.1f} ms, beside the reaper {b * 1000:.1f} ms ({(b / a - 1) * 100:+.0f} %)")


def measure_with_collector(root: Path, workspace: Workspace, removed: float) -> None:
    """Delete everything through a running collector."""
    process = subprocess.Popen([*ACODE, "collector", "run"], env=environment(root), cwd=root)
    while not Path(workspace.collector_pid).exists():
        time.sleep(0.05)
    time.sleep(3)
    try:
        doomed = run_ids(workspace)
        os.sync()
        begin = time.perf_counter()
        report = request_delete_runs(workspace, doomed)
        took = time.perf_counter() - begin
        print(f"deleted by the collector   {took * 1000:8.0f} ms   1/{removed / took:.0f}   {report}")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
