"""Runs of any age and kind: copies of a run folder as the recorder leaves it, under other names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from collector.clock import format_iso, now_ms
from collector.ids import new_ulid, run_name
from collector.model.query import RunQuery
from collector.model.run import Run
from collector.record import spool
from collector.record.folder import point_latest
from collector.store import open_stores
from collector.store.waiting import index_waiting
from collector.workspace import Workspace
from tests.conftest import Acode, read_json

DAY = 86_400_000
HOUR = 3_600_000


def make_run(
    workspace: Workspace,
    task: str,
    *,
    days: float = 0,
    status: str = "success",
    tags: Sequence[str] = (),
    content: bytes = b"x\n",
) -> Path:
    """Put a run folder into a workspace, sealed, with one stream, and announce it; return the folder."""
    workspace.create()
    start = now_ms() - int(days * DAY) - 5000
    number = 0
    while (folder := Path(workspace.artifacts, run_name(task, start, number))).exists():
        number += 1
    folder.mkdir()
    (folder / "stdout.txt").write_bytes(content)
    (folder / "stderr.txt").write_bytes(b"")
    (folder / "output.idx").write_bytes(b"x")
    point_latest(workspace.latest, folder.name)
    run_id = new_ulid(start)
    artifact = {
        "artifact_id": new_ulid(start), "run_id": run_id, "type": "stdout", "path": "stdout.txt",
        "file_name": "stdout.txt", "size_bytes": len(content), "stored_bytes": len(content),
        "checksum_sha256": sha256(content).hexdigest(), "content_type": "text/plain", "encoding": "utf-8",
        "created_at": format_iso(start), "modified_at": format_iso(start), "source": "stdout",
    }  # fmt: skip
    record = {
        "schema_version": 1, "run_id": run_id, "name": folder.name, "task": task, "command": "echo",
        "arguments": ["x"], "command_line": f"echo {task}", "working_directory": workspace.root,
        "status": status, "exit_code": 0 if status == "success" else 1, "start_time": format_iso(start),
        "end_time": format_iso(start + 1000), "duration_ms": 1000, "type": "command", "context": "host",
        "tags": dict.fromkeys(tags, ""), "artifacts": [artifact], "sealed": True,
    }  # fmt: skip
    if status == "running":
        record |= {"exit_code": None, "end_time": None, "duration_ms": None, "artifacts": []}
        record["recorder"] = {"pid": os.getpid(), "start_ticks": 0, "boot_id": ""}
    (folder / "run.json").write_text(json.dumps(record))
    spool.announce(workspace.spool, spool.RUN, folder.name)
    return folder


def record(acode: Acode, task: str, **how: Any) -> Path:
    """Make a run and index it; return its folder."""
    folder = make_run(acode.workspace, task, **how)
    index_waiting(acode.workspace)
    return folder


def runs_of(acode: Acode) -> list[Run]:
    """Return all runs, oldest first."""
    index_waiting(acode.workspace)
    return runs_in(acode.workspace)


def runs_in(workspace: Workspace) -> list[Run]:
    """Return all runs as they are in the database, oldest first."""
    runs, _ = open_stores(workspace)
    try:
        return list(runs.list(RunQuery(limit=10_000, descending=False)).items)
    finally:
        runs.close()


def tasks_of(acode: Acode) -> list[str]:
    """Return the tasks of all runs, oldest first."""
    return [run.task for run in runs_of(acode)]


def configure(acode: Acode, **settings: Any) -> None:
    """Write settings of retention."""
    lines = [f"    {name}: {json.dumps(value)}" for name, value in settings.items()]
    path = Path(acode.workspace.folder, "config.yml")
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["runs:", "  retention:", *(lines or ["    enabled: false"]), ""]))


def nothing_dangles(workspace: Workspace) -> None:
    """Assert that every row has its folder with its record and its files, and every folder its row."""
    runs = runs_in(workspace)
    for run in runs:
        folder = Path(workspace.run_folder(run.folder))
        assert read_json(folder / "run.json")["run_id"] == run.run_id
        for artifact in run.artifacts:
            path = folder / artifact.path
            assert path.is_file() or path.with_name(path.name + ".zst").is_file()
    folders = [path for path in Path(workspace.artifacts).iterdir() if (path / "run.json").exists()]
    assert {run.name for run in runs} == {path.name for path in folders if not path.is_symlink()}


def acode_forked(acode: Acode, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run acode in a process of its own that need not load everything anew; stdin is empty."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside the threads of pytest-xdist
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                status = _main_in_child(acode, arguments, out.fileno(), err.fileno())
            finally:
                os._exit(status)
        _, code = os.waitpid(pid, 0)
        out.seek(0)
        err.seek(0)
        status = os.waitstatus_to_exitcode(code)
        return subprocess.CompletedProcess(arguments, status, out.read(), err.read())


def _main_in_child(acode: Acode, arguments: Sequence[str], out: int, err: int) -> int:
    from collector.cli.main import main

    for fd, number in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(fd, number)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, mode) for n, mode in ((0, "r"), (1, "w"), (2, "w")))
    os.environ.clear()
    os.environ.update(acode.environ)
    os.chdir(acode.root)
    status = main(list(arguments))
    sys.stdout.flush()
    return status
