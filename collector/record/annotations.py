"""annotations.json: what people say of a run, beside its record, which they cannot change.

Tags that were added and taken away and a note, each with when. The file is replaced in one step; whoever
changes it holds a lock (store/annotating.py), so that of two nothing is lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from collector import clock, durable
from collector.workspace import ANNOTATIONS_JSON

MAX_BYTES = 4 << 20
MAX_NOTE = 65_536
"""Bytes of a note: it is read with every listing its run is in."""

Annotations = Mapping[str, Any]
EMPTY: Annotations = {"schema_version": 1, "tags": {}, "removed": {}, "note": None}


def read_annotations(folder: str) -> Annotations:
    """Return what is said of a run; nothing is said by a file that makes no sense.

    Args:
        folder: the run folder.
    """
    try:
        return load_annotations(folder)
    except (OSError, ValueError):
        return EMPTY


def load_annotations(folder: str) -> Annotations:
    """Return what is said of a run, for who will replace it.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not what acode writes.
    """
    path = os.path.join(folder, ANNOTATIONS_JSON)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return EMPTY
    with os.fdopen(fd, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError("it is too large")
    try:
        return check_annotations(json.loads(data))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def check_annotations(value: Any) -> Annotations:
    """Return what annotations.json holds.

    Raises:
        ValueError: it is not what acode writes.
    """
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    tags, removed, note = value.get("tags", {}), value.get("removed", {}), value.get("note")
    if not isinstance(tags, dict) or not all(_has_text(tag, "value") for tag in tags.values()):
        raise ValueError("its tags are not what acode writes")
    if not isinstance(removed, dict) or not (note is None or _has_text(note, "text")):
        raise ValueError("it is not what acode writes")
    json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no Unicode
    return {**EMPTY, "tags": tags, "removed": removed, "note": note}


def _has_text(value: object, key: str) -> bool:
    return isinstance(value, dict) and isinstance(value.get(key), str)


def write_annotations(folder: str, annotations: Annotations, mode: int) -> None:
    """Replace what is said of a run, durably.

    Raises:
        OSError: nothing changed.
    """
    data = json.dumps(annotations, ensure_ascii=False, indent=2) + "\n"
    durable.replace_file(os.path.join(folder, ANNOTATIONS_JSON), data.encode("utf-8", "replace"), mode)


def add_tags(annotations: Annotations, tags: Mapping[str, str], now_ms: int) -> Annotations:
    """Return annotations with more tags, whose values replace others of the same name."""
    at = clock.format_iso(now_ms)
    known = annotations["tags"]
    added = {n: {"value": v, "at": at} for n, v in tags.items() if known.get(n, {}).get("value") != v}
    removed = {name: when for name, when in annotations["removed"].items() if name not in tags}
    return {**annotations, "tags": {**known, **added}, "removed": removed}


def remove_tags(annotations: Annotations, names: Sequence[str], now_ms: int) -> Annotations:
    """Return annotations that take tags away, also those that were recorded."""
    at = clock.format_iso(now_ms)
    kept = {name: tag for name, tag in annotations["tags"].items() if name not in names}
    removed = {**annotations["removed"], **{name: {"at": at} for name in names}}
    return {**annotations, "tags": kept, "removed": removed}


def set_note(annotations: Annotations, text: str | None, now_ms: int) -> Annotations:
    """Return annotations with another note; None for none."""
    note = None if text is None else {"text": text, "at": clock.format_iso(now_ms)}
    return {**annotations, "note": note}


def with_annotations(record: dict[str, Any], annotations: Annotations) -> dict[str, Any]:
    """Return a record with what people said of it; pure, and the same when done twice."""
    if not (annotations["tags"] or annotations["removed"] or annotations["note"]):
        return record
    recorded = record.get("tags")
    tags = dict(recorded) if isinstance(recorded, dict) else {}
    tags = {name: value for name, value in tags.items() if name not in annotations["removed"]}
    tags |= {name: tag["value"] for name, tag in annotations["tags"].items()}
    note = annotations["note"]
    return {**record, "tags": tags, "note": note["text"] if note else record.get("note")}
