"""Which files of a run hold secrets, and whether its record does: looked at once, when the run is sealed.

What is flagged is masked when it is shown; what was looked through and is not flagged is shown without
looking again. `run.summary["secrets"]` says that it was looked through, and what its record holds.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from collector import durable
from collector.record.content import open_content
from collector.record.masked_content import PLACES, find_places
from collector.record.masking import SECRETS, SHOWN, masked_fields
from collector.record.redacting import count_secrets, mask_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from collector.redaction import Rules

    Counts = dict[str, int]
    Entry = dict[str, Any]
    Found = tuple[Counts, list[list[Any]]]
    """How often each rule found something, and where the first of it is."""

_CHUNK = 1 << 20
_MAX_PLACES = 200
_STREAMS = ("stdout", "stderr")


def flag_artifacts(folder: str, record: Entry, new: Collection[str], rules: Rules) -> Entry:
    """Return a record whose new files are flagged where they hold secrets; each content is read once."""
    known: dict[tuple[int, int] | str, Found] = {}
    entries = []
    for entry in record["artifacts"]:
        if entry["path"] in new and not entry.get("missing"):
            key = _file_of(folder, entry["path"])
            if key not in known:
                known[key] = _find_in(folder, entry["path"], rules)
            entry = flagged(entry, known[key])
        entries.append(entry)
    return {**record, "artifacts": entries}


def _file_of(folder: str, path: str) -> tuple[int, int] | str:
    """Return what two names of one file have in common; a name of its own where there is no plain file."""
    try:
        status = os.lstat(durable.safe_join(folder, path))
    except (OSError, ValueError):
        return path
    return status.st_dev, status.st_ino


def flagged(entry: Entry, found: Found) -> Entry:
    """Return an artifact's entry with what was found in it."""
    counts, places = found
    if not counts:
        return entry
    metadata = {**(entry.get("metadata") or {}), SECRETS: counts, PLACES: places}
    return {**entry, "sensitive": True, "metadata": metadata}


def flag_record(record: Entry, rules: Rules) -> Entry:
    """Return a record that says it was looked through, and how often each rule finds something in itself."""
    summary = {name: value for name, value in record["summary"].items() if name not in (SECRETS, SHOWN)}
    counts = count_secrets({**record, "summary": {}}, rules)
    if counts:
        summary[SHOWN] = masked_fields(record, rules)
    return {**record, "summary": {**summary, SECRETS: counts}}


def _find_in(folder: str, path: str, rules: Rules) -> Found:
    counts: Counts = {}
    places: list[list[Any]] = []
    try:
        with open_content(folder, path) as content:
            for place, is_rest in find_places(content, rules):
                counts[place[2]] = counts.get(place[2], 0) + (not is_rest)
                if len(places) < _MAX_PLACES:
                    places.append(list(place))
    except (OSError, ValueError):
        return counts, places
    return counts, places


def count_in(content: BinaryIO, rules: Rules) -> Counts:
    """Return how often each rule finds something in a content; memory stays flat."""
    from collector.redaction import StreamRedactor

    redactor = StreamRedactor(rules)
    while data := content.read(_CHUNK):
        redactor.feed(data)
    redactor.finish()
    return dict(redactor.findings)


def redact_made(
    folder: str, record: Entry, artifacts: list[Entry], new: Collection[str], rules: Rules
) -> tuple[Entry, list[Entry]]:
    """Mask what was made of a run's files and output; return the record and the entries, masked as well.

    Those are masked already, but what is decoded, or put together of parts, may be a secret all the same.

    Raises:
        OSError: the disk is full.
    """
    entries = []
    for entry in artifacts:
        made = entry["path"] in new and entry.get("encoding") and entry["source"] not in _STREAMS
        entries.append(_redacted(folder, entry, rules) if made else entry)
    masked: Entry = mask_value({name: value for name, value in record.items() if name != "artifacts"}, rules)
    return {**masked, "artifacts": []}, entries


def _redacted(folder: str, entry: Entry, rules: Rules) -> Entry:
    from collector.redaction import StreamRedactor

    try:
        with open_content(folder, entry["path"]) as content:
            if not (counts := count_in(content, rules)):
                return entry
            content.seek(0)
            redactor = StreamRedactor(rules)
            parts = [redactor.feed(data) for data in iter(lambda: content.read(_CHUNK), b"")]
        data = b"".join([*parts, redactor.finish()])
        path = durable.safe_join(folder, entry["path"])
        durable.replace_file(path, data, os.lstat(path).st_mode & 0o777)
    except (FileNotFoundError, ValueError):
        return entry
    sizes = {"size_bytes": len(data), "stored_bytes": len(data), "checksum_sha256": None}
    return {**entry, **sizes, "metadata": {**entry["metadata"], "redacted": counts}}
