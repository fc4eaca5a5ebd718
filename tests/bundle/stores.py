"""Workspaces with runs in them, written as the recorder leaves them, byte by byte and without it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collector.model.query import RunQuery
from collector.model.run import Run
from collector.record import spool
from collector.store import open_stores
from collector.store.waiting import index_waiting
from collector.workspace import Workspace

START = "2026-01-20T14:32:15.000Z"
STAMP = "20260120-143215"
KINDS = {"stdout.txt": "stdout", "stderr.txt": "stderr", "output.txt": "output"}


def ulid(number: int) -> str:
    """Return a ULID of one's own for a number."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    text = ""
    for _ in range(10):
        number, digit = divmod(number, 32)
        text = digits[digit] + text
    return f"01KFDW3H1R000000{text}"


def artifact(run_id: str, number: int, path: str, data: bytes, **values: Any) -> dict[str, Any]:
    """Return the entry of a sealed artifact."""
    kind = KINDS.get(path, "other")
    return {
        "artifact_id": ulid(number), "run_id": run_id, "type": kind, "path": path,
        "file_name": path.rpartition("/")[2], "size_bytes": len(data), "stored_bytes": len(data),
        "checksum_sha256": hashlib.sha256(data).hexdigest(), "content_type": "text/plain",
        "encoding": "utf-8", "created_at": START, "modified_at": START, "description": None,
        "source": kind if kind in ("stdout", "stderr") else "file", "truncated": False,
        "truncation_reason": None, "original_size_bytes": len(data), "compressed": False, "encrypted": False,
        "sensitive": False, "missing": False, "corrupt": False, "metadata": {}, **values,
    }  # fmt: skip


def record(number: int, task: str, files: Mapping[str, bytes], **values: Any) -> dict[str, Any]:
    """Return the record of a run that has ended; its artifacts' ids follow its own."""
    run_id = ulid(number)
    artifacts = [artifact(run_id, number + 1 + n, path, files[path]) for n, path in enumerate(sorted(files))]
    return {
        "schema_version": 1, "run_id": run_id, "name": f"{task}-{STAMP}", "task": task, "command": "make",
        "arguments": ["-j2", task], "command_line": f"make -j2 {task}", "working_directory": "/home/u/p",
        "status": "success", "exit_code": 0, "signal": None, "start_time": START,
        "end_time": "2026-01-20T14:32:17.500Z", "duration_ms": 2500, "session_id": None, "task_id": None,
        "parent_run_id": None, "agent_instance_id": None, "tool": None, "tool_call_id": None, "type": "build",
        "context": "host", "operating_mode": None, "container_id": None, "error_code": None,
        "error_message": None, "environment": {"PATH": "/usr/bin"}, "tags": {"ci": ""}, "workspace_id": None,
        "agent": None, "agent_version": None, "model": None, "tokens": {}, "cost": None, "cpu_ms": 12,
        "max_rss_bytes": 1 << 20, "host": "box", "pid": 4242,
        "provenance": {"exit_code": "recorder", "files": "scan"}, "recorder": {"kind": "exec"},
        "metrics": {}, "summary": {}, "skipped": [], "note": None, "artifacts": artifacts, **values,
    }  # fmt: skip


def write_run(workspace: Workspace, run: Mapping[str, Any], files: Mapping[str, bytes]) -> Path:
    """Write a run folder, and announce it."""
    workspace.create()
    folder = Path(workspace.artifacts, run["name"])
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps(run, indent=2))
    spool.announce(workspace.spool, spool.RUN, run["name"])
    return folder


def runs_of(workspace: Workspace) -> tuple[Run, ...]:
    """Return every run, once what waits is indexed."""
    index_waiting(workspace)
    store, _ = open_stores(workspace)
    try:
        return store.list(RunQuery(limit=10_000)).items
    finally:
        store.close()


LOG = b"".join(b"2026-01-20 14:32:%02d INFO step %d of the build\n" % (n % 60, n) for n in range(60))
BUILD = {
    "stdout.txt": LOG,
    "stderr.txt": b"",
    "dist/app.bin": bytes(range(256)) * 3,
    "dist/\u00fc b.log": b"x\n",
}
TEST = {"stdout.txt": b"ok\n", "stderr.txt": b"warning: none\n"}


def two_runs(workspace: Workspace) -> list[Path]:
    """Write a build and a test, which has a tag and a note."""
    folders = [
        write_run(workspace, record(1000, "build", BUILD), BUILD),
        write_run(workspace, record(2000, "test", TEST, status="failure", exit_code=1), TEST),
    ]
    note = {"text": "flaky since Monday", "at": START}
    said = {
        "schema_version": 1,
        "tags": {"flaky": {"value": "yes", "at": START}},
        "removed": {},
        "note": note,
    }
    (folders[1] / "annotations.json").write_text(json.dumps(said))
    (folders[1] / "output.idx").write_bytes(b"acode-output-index 1\n\x05\x06\x07\x1d")
    return folders


def snapshot(root: Path) -> dict[str, bytes]:
    """Return every file below a folder; those of SQLite by their rows' place, not by their bytes."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = b"-> " + str(path.readlink()).encode()
        elif path.is_file() and ".db" not in path.name:
            found[name] = path.read_bytes()
        elif path.is_dir():
            found[name] = b"/"
    return found
