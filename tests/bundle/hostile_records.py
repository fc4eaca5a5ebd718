# ruff: noqa: E501 - a table: one kind a line
"""Hostile in what it says of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.bundle.kinds import (
    IN_TEST,
    TEST,
    drop,
    in_stdout,
    kind,
    put,
)
from tests.bundle.making import Contents, dump
from tests.bundle.stores import STAMP, ulid

# Records


def of_record(name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a run's record, and let everything else follow it."""

    def make(contents: Contents) -> bytes:
        change(contents.records[TEST])
        return contents.build()

    kind(f"record: {name}", make)


def one_call(contents: Contents) -> bytes:
    """Two runs that say they are the same call of an agent."""
    for record in contents.records.values():
        record.update(tool_call_id="call-1", agent="codex")
    return contents.build()


kind("record: a call twice", one_call)


def of_record_bytes(name: str, change: Callable[[bytes], bytes]) -> None:
    def make(contents: Contents) -> bytes:
        contents.raw_records[TEST] = change
        return contents.build()

    kind(f"record: {name}", make)


VERSIONS: tuple[Any, ...] = (0, 2, "1", None, True)
for version in VERSIONS:
    of_record(f"schema version {version!r}", put("schema_version", version))
for key in (
    "schema_version", "run_id", "name", "skipped", "task", "command", "command_line", "status", "start_time", "end_time",
    "artifacts",
):  # fmt: skip
    of_record(f"without {key}", drop(key))
for key, value in (
    ("run_id", "x"), ("run_id", 7), ("run_id", ulid(1000)), ("run_id", ulid(2000).lower()), ("run_id", "../../evil"),
    ("name", f"build-{STAMP}"), ("name", f"other-{STAMP}"), ("name", "../evil"), ("name", ""), ("name", None),
    ("status", "running"), ("status", "fine"), ("status", None), ("status", 1), ("type", "evil"), ("context", "moon"),
    ("start_time", "yesterday"), ("start_time", 1), ("start_time", "0001-01-01T00:00:00Z"),
    ("end_time", "9999-12-31T23:59:59.999999-23:59"), ("end_time", None), ("duration_ms", -1), ("duration_ms", "1"),
    ("exit_code", "0"), ("exit_code", 1.5), ("exit_code", True), ("pid", "x"), ("cost", "free"),
    ("task", ["x"]), ("command_line", 5), ("working_directory", 1), ("environment", []), ("environment", {"A": 1}),
    ("tags", {"x": 1}), ("tags", "x"), ("tokens", {"input": "1"}), ("tokens", []), ("session_id", 5),
    ("arguments", 5), ("provenance", []), ("recorder", "x"), ("metrics", 1), ("summary", []), ("note", 5),
    ("skipped", {}), ("skipped", [1]), ("artifacts", {}), ("artifacts", None), ("artifacts", ["x"]),
    ("artifacts", [[]]), ("artifacts", []), ("agent", {}), ("tool_call_id", 9), ("max_rss_bytes", 1 << 52 << 2),
):  # fmt: skip
    of_record(f"{key}={str(value)[:40]!r}", put(key, value))
for key in ("artifact_id", "path", "type", "size_bytes", "created_at", "checksum_sha256", "missing"):
    of_record(f"an artifact without {key}", in_stdout(drop(key)))
for key, value in (
    ("artifact_id", "x"), ("artifact_id", 5), ("artifact_id", ulid(1001)), ("artifact_id", ulid(2000)),
    ("artifact_id", ulid(2001)), ("run_id", ulid(1000)), ("run_id", None),
    ("path", "/etc/passwd"), ("path", "../stdout.txt"), ("path", "../../../evil"), ("path", "a/../../b"), ("path", "."),
    ("path", ".."), ("path", ""), ("path", "a//b"), ("path", "a/"), ("path", "a\0b"), ("path", "stderr.txt"),
    ("path", "stderr.txt/x"), ("path", "run.json"), ("path", "call.json"), ("path", "import.json"),
    ("path", "annotations.json"), ("path", "output.idx"), ("path", ".incoming/x"), ("path", "run.json/x"),
    ("path", ".run.json.1-1.tmp"), ("path", "x" * 300), ("path", "x/" * 600 + "y"), ("path", "a/" * 100 + "b"), ("path", 5),
    ("path", "nowhere.txt"), ("file_name", "passwd"), ("file_name", "../x"), ("type", "evil"), ("source", "moon"),
    ("checksum_sha256", None), ("checksum_sha256", "0" * 64), ("checksum_sha256", "X" * 64), ("checksum_sha256", ""),
    ("size_bytes", 4), ("size_bytes", -3), ("size_bytes", "3"), ("size_bytes", 3.0), ("size_bytes", None),
    ("stored_bytes", 2), ("stored_bytes", 1 << 40), ("compressed", True), ("encrypted", True), ("missing", True),
    ("missing", "no"), ("corrupt", 1), ("created_at", "now"), ("created_at", None), ("metadata", []),
    ("content_type", None), ("encoding", 8),
):  # fmt: skip
    text = f"an artifact's {key}={str(value)[:40]!r}"
    of_record(text, in_stdout(put(key, value)))
for text in ("2026-01-20T14:32:15Z", "2026-01-20T15:32:15.000+01:00", "2026-01-20 14:32:15.000Z"):
    of_record(f"an artifact of {text}", in_stdout(put("created_at", text)))
of_record("an artifact twice", lambda r: r["artifacts"].append(dict(r["artifacts"][0])))
of_record("an artifact more", lambda r: r["artifacts"].append(
    {**r["artifacts"][0], "path": "more.txt", "file_name": "more.txt", "artifact_id": ulid(2099)}))  # fmt: skip
of_record("an artifact less", lambda r: r["artifacts"].pop())
of_record("something that was left out and is not said", lambda r: r["skipped"].append(
    {"path": "x", "reason": "left out of the bundle"}))  # fmt: skip

of_record_bytes("no JSON", lambda data: data[:-9])
of_record_bytes("a list", lambda data: b"[]\n")
of_record_bytes("empty", lambda data: b"")
of_record_bytes("one line", lambda data: json.dumps(json.loads(data)).encode())
of_record_bytes("a key twice", lambda data: data.replace(b"{", b'{\n "status": "success",', 1))
of_record_bytes("no Unicode", lambda data: data.replace(b"make", b"\xff\xff", 1))
of_record_bytes("half of a pair", lambda data: data.replace(b'"make"', b'"\\udc80"', 1))
of_record_bytes("a half of a pair as a key", lambda data: data.replace(b'"PATH"', b'"\\ud800"', 1))
of_record_bytes("not a number", lambda data: data.replace(b'"cost": null', b'"cost": NaN'))
of_record_bytes("infinity", lambda data: data.replace(b'"cost": null', b'"cost": Infinity'))
of_record_bytes("an endless number", lambda data: data.replace(b'"cost": null', b'"cost": 1e400'))
of_record_bytes(
    "a number too large", lambda data: data.replace(b'"pid": 4242', b'"pid": 9223372036854775808')
)
of_record_bytes(
    "a number of 5000 digits", lambda data: data.replace(b'"pid": 4242', b'"pid": ' + b"9" * 5000)
)
of_record_bytes(
    "deep", lambda data: data.replace(b'"summary": {}', b'"summary": ' + b'{"a":' * 200 + b"1" + b"}" * 200)
)
of_record_bytes("a hundred thousand deep", lambda data: b'{"a":' * 100_000)
of_record_bytes("17 MiB", lambda data: data.replace(b'"note": null', b'"note": "' + b"x" * (17 << 20) + b'"'))
of_record_bytes(
    "three million values",
    lambda data: data.replace(b'"skipped": []', b'"skipped": [' + b"0," * 3_000_000 + b"0]"),
)


def of_annotations(name: str, data: bytes) -> None:
    def make(contents: Contents) -> bytes:
        contents.files[f"{IN_TEST}annotations.json"] = data
        return contents.build()

    kind(f"annotations: {name}", make)


SAID: dict[str, Any] = {"schema_version": 1, "tags": {}, "removed": {}, "note": None}
of_annotations("nothing said", dump(SAID))
of_annotations("no JSON", b"{")
of_annotations("a list", b"[]\n")
of_annotations("not as acode writes it", json.dumps({**SAID, "note": {"text": "x", "at": "y"}}).encode())
of_annotations("more than acode writes", dump({**SAID, "more": 1}))
of_annotations("tags that are texts", dump({**SAID, "tags": {"x": "y"}}))
of_annotations("a note that is a text", dump({**SAID, "note": "x"}))
of_annotations("deep", b'{"tags": ' * 60 + b"{}" + b"}" * 60)
of_annotations("5 MiB", dump({**SAID, "note": {"text": "x" * (5 << 20), "at": ""}}))
