"""Files that somebody hands in for a run: `acode artifacts collect`.

Each waits in `.incoming/` of the run folder, as `ID.data` and, written last, `ID.json`, until the run is
sealed; only the sealer changes a run's record. A crash at any point leaves what the next seal goes on with.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any

from collector import clock, durable
from collector.errors import AccessError, InputError
from collector.ids import new_ulid
from collector.record.choose import kind_of
from collector.record.collect import Limits, copy_durably, file_entry, places_of, shown_path
from collector.record.file_facts import HEAD_BYTES, encoding_of
from collector.workspace import INCOMING

_MAX_FACTS = 64 << 10


def hand_in(folder: str, fd: int, name: str, limits: Limits, description: str | None = None) -> str:
    """Leave a file in a run folder, to be taken into the run when it is sealed; return its artifact id.

    Args:
        folder: the run folder.
        fd: what to read, to its end.
        name: the artifact's path in the run.
        limits: how much of it is kept, and its mode.
        description: what it is, in the user's words.

    Raises:
        InputError: the name is no path below a folder.
        AccessError: it cannot be read or written.
    """
    try:
        durable.safe_join(folder, name)
    except ValueError as error:
        raise InputError("ACODE-ART-009", str(error), "name it as a path within the run") from error
    name = shown_path(name, limits.redacted)
    description = shown_path(description, limits.redacted) if description else description
    now = clock.now_ms()
    artifact_id = new_ulid(now)
    waiting = os.path.join(folder, INCOMING)
    status = os.fstat(fd)
    is_file = stat.S_ISREG(status.st_mode)
    facts: dict[str, Any] = {"artifact_id": artifact_id, "name": name, "description": description}
    try:
        os.makedirs(waiting, mode=limits.dir_mode, exist_ok=True)
        data = os.path.join(waiting, f"{artifact_id}.data")
        copied = copy_durably(fd, data, limits, status if is_file else None)
        facts |= {"checksum_sha256": copied.checksum, "is_cut": copied.is_cut}
        facts["original_size_bytes"] = status.st_size if is_file else None if copied.is_cut else copied.size
        text = json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace")
        durable.replace_file(os.path.join(waiting, f"{artifact_id}.json"), text, limits.file_mode)
    except OSError as error:
        raise AccessError(
            "ACODE-ART-006",
            f"cannot keep {name!r}: {error.strerror or error}",
            "check the disk and its permissions",
        ) from error
    return artifact_id


def has_incoming(folder: str) -> bool:
    """Tell whether something that was handed in waits for its run to be sealed."""
    try:
        return any(name.endswith(".json") for name in os.listdir(os.path.join(folder, INCOMING)))
    except OSError:
        return False


def adopt(folder: str, record: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Take what was handed in into the record; its files are where the record says."""
    waiting = os.path.join(folder, INCOMING)
    for name in sorted(_names(waiting)):
        facts = _facts(os.path.join(waiting, name))
        if facts is None or any(a["artifact_id"] == facts["artifact_id"] for a in record["artifacts"]):
            continue
        data = os.path.join(waiting, name.removesuffix(".json") + ".data")
        entry = _adopted(folder, record, facts, data, limits)
        if entry is not None:
            record = {**record, "artifacts": [*record["artifacts"], entry]}
    return record


def forget_incoming(folder: str) -> None:
    """Remove what says that files were handed in, once run.json says it durably."""
    waiting = os.path.join(folder, INCOMING)
    for name in _names(waiting):
        if not os.path.lexists(os.path.join(waiting, name.removesuffix(".json") + ".data")):
            durable.unlink_quietly(os.path.join(waiting, name))
    try:
        os.rmdir(waiting)
    except OSError:
        return  # not there, or something new came in


def _names(waiting: str) -> list[str]:
    try:
        return [name for name in os.listdir(waiting) if name.endswith(".json")]
    except OSError:
        return []


def _facts(path: str) -> dict[str, Any] | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            facts = json.loads(file.read(_MAX_FACTS))
    except (OSError, ValueError, RecursionError):
        return None
    usable = isinstance(facts, dict) and all(isinstance(facts.get(k), str) for k in ("artifact_id", "name"))
    return facts if usable else None


def _adopted(
    folder: str, record: dict[str, Any], facts: dict[str, Any], data: str, limits: Limits
) -> dict[str, Any] | None:
    """Give a file that was handed in its place, the same one when a crash made it begin anew."""
    taken = [artifact["path"] for artifact in record["artifacts"]]
    (place,) = places_of([facts["name"]], taken)
    try:
        target = durable.safe_join(folder, place)
        if os.path.lexists(data):
            os.makedirs(os.path.dirname(target), mode=limits.dir_mode, exist_ok=True)
            durable.move(data, target)
        fd = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(fd)
        encoding = encoding_of(os.pread(fd, HEAD_BYTES, 0), status.st_size <= HEAD_BYTES)
    finally:
        os.close(fd)
    entry = file_entry(record["run_id"], kind_of(place), place, encoding, status)
    original = facts.get("original_size_bytes")
    entry["original_size_bytes"] = original if isinstance(original, int) else None
    if facts.get("is_cut") is True:
        entry |= {"truncated": True, "truncation_reason": "size_limit"}
    entry |= {name: facts.get(name) for name in ("artifact_id", "description", "checksum_sha256")}
    entry["metadata"] = {"handed_in": True}
    return entry
