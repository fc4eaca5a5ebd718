"""import.json: that a run came in a bundle, beside its record, which stays as it was exported.

So what is exported again is the same as what came, and the store still tells what was recorded here from what
somebody handed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from collector import durable
from collector.workspace import IMPORT_JSON

MAX_BYTES = 64 << 10
_TEXTS = ("imported_at", "bundle", "name")


def import_note(imported_at: str, bundle: str, name: str) -> dict[str, str]:
    """Return what is noted of a run that came in a bundle.

    Args:
        imported_at: when, ISO 8601.
        bundle: the SHA-256 of the bundle's manifest.json.
        name: what the run was called there.
    """
    return {"imported_at": imported_at, "bundle": bundle, "name": name}


def write_import(folder: str, note: Mapping[str, str], mode: int) -> None:
    """Note in a run folder that it came in a bundle; not durable by itself.

    Raises:
        OSError: nothing changed.
    """
    data = json.dumps({"schema_version": 1, **note}, indent=2) + "\n"
    durable.replace_file(os.path.join(folder, IMPORT_JSON), data.encode(), mode, sync=False)


def read_import(folder: str) -> dict[str, str] | None:
    """Return what is noted of a run that came in a bundle; None for one that was recorded here."""
    path = os.path.join(folder, IMPORT_JSON)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    try:
        note = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    texts = note if isinstance(note, dict) else {}
    return {name: texts[name] for name in _TEXTS if isinstance(texts.get(name), str)}


def with_import(record: dict[str, Any], note: Mapping[str, str] | None) -> dict[str, Any]:
    """Return a record that says it was imported; pure, and the same when done twice."""
    if note is None:
        return record
    provenance = record.get("provenance")
    said = {"imported": note.get("imported_at", "at some time"), "bundle": note.get("bundle", "unknown")}
    artifacts = record.get("artifacts")
    return {
        **record,
        "provenance": {**(provenance if isinstance(provenance, dict) else {}), **said},
        "artifacts": [_imported(item) for item in artifacts] if isinstance(artifacts, list) else artifacts,
    }


def _imported(artifact: Any) -> Any:
    if not isinstance(artifact, dict) or artifact.get("source") == "imported":
        return artifact
    metadata = artifact.get("metadata")
    kept = {**(metadata if isinstance(metadata, dict) else {}), "source": artifact.get("source")}
    return {**artifact, "source": "imported", "metadata": kept}
