"""Deleting what a run printed, once it is old enough, and keeping the run: its record says what was there.

The record comes first: it is durable without the files before they go. A crash in between leaves files that
no record speaks of, and the same request, which still waits, removes them.
"""

from __future__ import annotations

import os

from collector import durable
from collector.record.content import FORMS
from collector.workspace import OUTPUT_INDEX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOG_TYPES = ("stdout", "stderr", "output", "log")
"""The types of artifacts that hold what a run printed."""
EXPIRED = "deleted by runs.retention.logRetentionDays"


def expire_logs(folder: str, record: dict[str, Any], mode: int) -> dict[str, Any]:
    """Delete the streams and logs of a sealed run; return its new record.

    Args:
        folder: the run folder.
        record: its run.json; of a run that goes on nothing is deleted.
        mode: permissions of run.json.

    Raises:
        OSError: the disk refuses something; a second call goes on.
    """
    from collector.record.run_json import write_run_json

    if record["status"] == "running":
        return record
    gone = [artifact for artifact in record["artifacts"] if artifact.get("type") in LOG_TYPES]
    if gone:
        kept = [artifact for artifact in record["artifacts"] if artifact.get("type") not in LOG_TYPES]
        said = [{"path": artifact["path"], "reason": EXPIRED} for artifact in gone]
        record = {**record, "artifacts": kept, "skipped": [*(record.get("skipped") or ()), *said]}
        write_run_json(folder, record, mode, sync=True)
    for skipped in record.get("skipped") or ():
        if skipped.get("reason") == EXPIRED:
            _unlink(folder, str(skipped.get("path")), record)
    durable.unlink_quietly(os.path.join(folder, OUTPUT_INDEX))
    return record


def _unlink(folder: str, path: str, record: dict[str, Any]) -> None:
    """Remove a file in all its forms, unless the record speaks of it after all."""
    if any(artifact["path"] == path for artifact in record["artifacts"]):
        return
    try:
        full = durable.safe_join(folder, path)
    except ValueError:
        return
    for form in FORMS:
        durable.unlink_quietly(full + form)
