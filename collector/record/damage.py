"""damage.json: which artifacts were found to be gone or changed, beside the record, which stays as it was.

Written by whoever verifies, under the lock of annotations. A flag is about a checksum: content that is
recorded anew is not damaged because the old one was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from collector import clock, durable
from collector.record.json_file import read_object
from collector.workspace import DAMAGE_JSON

CORRUPT = "corrupt"
MISSING = "missing"
MAX_BYTES = 4 << 20
Damage = Mapping[str, Mapping[str, str]]
"""Path of an artifact: `state`, `at`, and the `checksum_sha256` it should have."""


def read_damage(folder: str) -> Damage:
    """Return what was found in a run folder; nothing by a file that makes no sense."""
    value = read_object(os.path.join(folder, DAMAGE_JSON), MAX_BYTES)
    found = value.get("artifacts") if value is not None else None
    return (
        {path: known for path, known in found.items() if _is_known(known)} if isinstance(found, dict) else {}
    )


def _is_known(found: object) -> bool:
    return isinstance(found, dict) and found.get("state") in (CORRUPT, MISSING)


def write_damage(folder: str, damage: Damage, mode: int) -> None:
    """Replace what was found, durably; nothing leaves no file.

    Raises:
        OSError: nothing changed.
    """
    path = os.path.join(folder, DAMAGE_JSON)
    if not damage:
        durable.unlink_quietly(path)
        return
    data = json.dumps({"schema_version": 1, "artifacts": damage}, ensure_ascii=False, indent=2) + "\n"
    durable.replace_file(path, data.encode("utf-8", "replace"), mode)


def found_now(states: Mapping[str, tuple[str, str | None]], before: Damage, now_ms: int) -> Damage:
    """Return what is damaged after some artifacts were verified; pure.

    Args:
        states: path: `corrupt`, `missing` or empty for what is intact, and the checksum it should have.
        before: what was damaged before; of what is not in `states` it stays so.
        now_ms: when it was found.
    """
    damage = {path: known for path, known in before.items() if path not in states}
    for path, (state, checksum) in states.items():
        known = before.get(path)
        if known is not None and (known["state"], known.get("checksum_sha256")) == (state, checksum):
            damage[path] = known
        elif state:
            at = clock.format_iso(now_ms)
            damage[path] = {"state": state, "at": at, **({"checksum_sha256": checksum} if checksum else {})}
    return damage


def with_damage(record: dict[str, Any], damage: Damage) -> dict[str, Any]:
    """Return a record whose artifacts say what was found; pure, and the same when done twice."""
    artifacts = record.get("artifacts")
    if not damage or not isinstance(artifacts, list):
        return record
    return {**record, "artifacts": [_flagged(artifact, damage) for artifact in artifacts]}


def _flagged(artifact: Any, damage: Damage) -> Any:
    path = artifact.get("path") if isinstance(artifact, dict) else None
    known = damage.get(path) if isinstance(path, str) else None
    if known is None or known.get("checksum_sha256") != artifact.get("checksum_sha256"):
        return artifact
    return {**artifact, known["state"]: True}
