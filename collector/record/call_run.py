"""Run folders for what an agent says it ran, where no recorder was there to see it.

The same record, files and announcements as a recorder makes; `recorder.kind` is `agent`, and the
provenance says which channel each field came from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from typing import Any

from collector import clock, durable
from collector.config import Config
from collector.record import spool
from collector.record.folder import make_run_folder, point_latest
from collector.record.run_json import SCHEMA_VERSION, artifact_entry, write_run_json
from collector.record.sensitive import flag_artifacts, flag_record
from collector.workspace import STDERR, STDOUT, Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.redaction import Rules

DIFF = "changes.diff"
INPUT = "input.json"
_MARKER = b"\n[acode: %d bytes cut here: the recording's limit was reached]\n"
_KINDS = {STDOUT: "stdout", STDERR: "stderr", DIFF: "diff", INPUT: "json"}


def open_call_run(workspace: Workspace, config: Config, record: dict[str, Any], sync: bool) -> str:
    """Make the folder of a call that is still running and announce it; return its name.

    Raises:
        OSError: nothing was announced.
    """
    name = _make(workspace, config, record)
    write_run_json(workspace.run_folder(name), record, config.file_mode, sync)
    spool.announce(workspace.spool, spool.RUN, name)
    point_latest(workspace.latest, name)
    return name


def withdraw_call_run(workspace: Workspace, name: str) -> None:
    """Take back a running call's folder: a recorder has it under another name."""
    folder = workspace.run_folder(name)
    try:
        for entry in os.listdir(folder):
            os.unlink(os.path.join(folder, entry))
        os.rmdir(folder)
    except OSError:
        return
    spool.announce(workspace.spool, spool.RUN, name)


def write_call_run(
    workspace: Workspace,
    config: Config,
    record: dict[str, Any],
    files: Mapping[str, bytes],
    sync: bool,
    secrets: Rules | None = None,
) -> str:
    """Write the folder of a call that is over and announce it; return its name.

    Args:
        workspace: where.
        config: limits and permissions.
        record: run.json as it shall be, but for `artifacts`; a `name` that is set is the folder of
            `open_call_run`.
        files: content by file name; what is longer than the limit keeps its head.
        sync: make it durable before it is announced.
        secrets: what is looked for, to flag it; None for nothing.

    Raises:
        OSError: nothing was announced; what was written is no run yet.
    """
    if record["name"]:
        return _fill(workspace, config, record, files, (sync, secrets))
    name = _make(workspace, config, record)
    try:
        return _fill(workspace, config, record, files, (sync, secrets))
    except OSError:
        shutil.rmtree(workspace.run_folder(name), ignore_errors=True)
        record["name"] = ""
        raise


def _fill(
    workspace: Workspace,
    config: Config,
    record: dict[str, Any],
    files: Mapping[str, bytes],
    how: tuple[bool, Rules | None],
) -> str:
    sync, secrets = how
    name: str = record["name"]
    folder = workspace.run_folder(name)
    end_ms = clock.parse_iso(record["end_time"])
    sealed = record["status"] == "success"  # any other gets error.json from the sealer
    record["artifacts"] = [
        _write(folder, record, file_name, data, (config, end_ms, sealed)) for file_name, data in files.items()
    ]
    if sealed and secrets is not None:  # any other is looked through when it is sealed
        found = flag_artifacts(folder, record, files.keys(), secrets)
        record |= flag_record(found, secrets)
    write_run_json(folder, record, config.file_mode, sync)
    spool.announce(workspace.spool, spool.RUN if sealed else spool.END, name)
    return name


def call_record(started_ms: int, run_id: str, task: str, command_line: str) -> dict[str, Any]:
    """Return run.json of a call with every field there; the caller fills in what is known."""
    return {
        "schema_version": SCHEMA_VERSION, "run_id": run_id, "name": "", "task": task,
        "command": "", "arguments": [], "command_line": command_line, "working_directory": "",
        "status": "running", "exit_code": None, "signal": None,
        "start_time": clock.format_iso(started_ms), "end_time": None, "duration_ms": None,
        "session_id": None, "task_id": None, "parent_run_id": None, "agent_instance_id": None,
        "tool": None, "tool_call_id": None, "type": "command", "context": "host",
        "operating_mode": None, "container_id": None, "error_code": None, "error_message": None,
        "environment": {}, "tags": {}, "workspace_id": None, "agent": None, "agent_version": None,
        "model": None, "tokens": {}, "cost": None, "cpu_ms": None, "max_rss_bytes": None,
        "host": None, "pid": None, "artifacts": [], "provenance": {},
        "metrics": {}, "summary": {}, "skipped": [], "note": None,
        "recorder": {"kind": "agent"},
    }  # fmt: skip


def input_file(value: Mapping[str, Any]) -> bytes:
    """Return a tool's input as it is kept."""
    return json.dumps(dict(value), ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"


def _make(workspace: Workspace, config: Config, record: dict[str, Any]) -> str:
    start_ms = clock.parse_iso(record["start_time"])
    folder = make_run_folder(
        workspace.artifacts, record["task"], start_ms, config.dir_mode, config.is_dated
    )  # fmt: skip
    record["name"] = os.path.basename(folder)
    return folder


def _write(
    folder: str, record: dict[str, Any], name: str, data: bytes, how: tuple[Config, int, bool]
) -> dict[str, Any]:
    config, end_ms, sealed = how
    limit = config.max_artifact_bytes
    whole = len(data)
    if limit and whole > limit:
        data = data[:limit] + _MARKER % (whole - limit)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    fd = os.open(os.path.join(folder, name), flags, config.file_mode)
    try:
        durable.write_all(fd, data)
    finally:
        os.close(fd)
    entry: dict[str, Any] = artifact_entry(record["run_id"], _KINDS[name], name, len(data), end_ms)
    entry["source"] = "imported"
    entry["original_size_bytes"] = whole
    if whole != len(data):
        entry |= {"truncated": True, "truncation_reason": "size_limit"}
    if sealed:
        entry["checksum_sha256"] = hashlib.sha256(data).hexdigest()
    return entry
