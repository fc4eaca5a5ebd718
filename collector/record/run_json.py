"""run.json: the record of a run, as the recorder writes it.

Written by hand on top of the accelerator that `json` itself uses, because importing `json` costs as
much as recording a short command. The tests read it back with `json`.
"""

from __future__ import annotations

import os
from _json import encode_basestring_ascii as _quote

from collector import durable
from collector.clock import format_iso
from collector.ids import new_ulid
from collector.workspace import RUN_JSON

SCHEMA_VERSION = 1

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def dumps(value: Json) -> str:
    """Format a value as JSON on one line; every string becomes valid Unicode."""
    if isinstance(value, str):
        return _quote(clean(value))
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join([dumps(item) for item in value]) + "]"
    return "{" + ", ".join([f"{_quote(clean(k))}: {dumps(v)}" for k, v in value.items()]) + "}"


def clean(text: str) -> str:
    """Replace what is not Unicode: bytes of an argument or path that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text


def dump_record(record: dict[str, Json]) -> bytes:
    """Format a record with one field a line, so that people and `diff` can read it."""
    lines = [f"  {_quote(key)}: {dumps(value)}" for key, value in record.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def write_run_json(folder: str, record: dict[str, Json], mode: int, sync: bool) -> None:
    """Replace a folder's run.json in one step; durable when `sync` is set.

    Raises:
        OSError: the old content is untouched.
    """
    durable.replace_file(os.path.join(folder, RUN_JSON), dump_record(record), mode, sync)


def artifact_entry(run_id: str, kind: str, name: str, size_bytes: int, ms: int) -> dict[str, Json]:
    """Return a record's entry for a file in the run folder, as it is before it is sealed.

    Args:
        run_id: whose file it is.
        kind: the artifact's type.
        name: its path in the run folder.
        size_bytes: its size, of the content and on disk.
        ms: when it was last written, milliseconds since 1970.
    """
    stamp = format_iso(ms)
    return {
        "artifact_id": new_ulid(ms),
        "run_id": run_id,
        "type": kind,
        "path": name,
        "file_name": name,
        "size_bytes": size_bytes,
        "stored_bytes": size_bytes,
        "checksum_sha256": None,
        "content_type": "application/json" if kind == "json" else "text/plain",
        "encoding": "utf-8",
        "created_at": stamp,
        "modified_at": stamp,
        "description": None,
        "source": kind if kind in ("stdout", "stderr") else "extracted",
        "truncated": False,
        "truncation_reason": None,
        "original_size_bytes": size_bytes,
        "compressed": False,
        "encrypted": False,
        "sensitive": False,
        "missing": False,
        "corrupt": False,
        "metadata": {},
    }


def made_entry(folder: str, run_id: str, kind: str, name: str, content_type: str) -> dict[str, Json]:
    """Return the entry of a file that was made in a run folder."""
    status = os.stat(os.path.join(folder, name))
    entry: dict[str, Json] = dict(
        artifact_entry(run_id, kind, name, status.st_size, status.st_mtime_ns // 1_000_000)
    )
    return {**entry, "content_type": content_type, "source": "extracted"}
