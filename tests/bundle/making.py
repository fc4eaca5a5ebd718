"""Bundles made without acode, from docs/bundles.md alone, so that each can be wrong in one way.

`Zip` writes what it is told, `sealed` says of files what a bundle says of them.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PRODUCER = "acode 0.1.0"
REGULAR = 0o100644 << 16


def pack(data: bytes) -> bytes:
    """Deflate, at any level: a bundle does not say which."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass
class Member:
    """A file in a zip; what is not given follows from the content."""

    name: bytes
    data: bytes
    method: int = 0
    packed: bytes | None = None
    crc: int | None = None
    size: int | None = None
    flags: int = 0
    mode: int = REGULAR
    made_by: int | None = None
    needed: int | None = None
    date: int = 0x21
    time: int = 0
    extra: bytes = b""
    comment: bytes = b""
    internal: int = 0
    disk: int = 0
    local: dict[str, Any] = field(default_factory=dict)
    """What the header before the content says else: name, method, crc, size, length, flags, needed …"""
    before: bytes = b""
    after: bytes = b""
    offset: int | None = None
    """Where the directory says it lies, if not where it does."""
    length: int | None = None
    """How long the directory says its packed form is."""

    @property
    def stored(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return pack(self.data) if self.method == 8 else self.data

    def facts(self) -> dict[str, Any]:
        needed = self.needed if self.needed is not None else 20 if self.method == 8 else 10
        return {
            "name": self.name, "method": self.method, "flags": self.flags, "needed": needed,
            "crc": zlib.crc32(self.data) if self.crc is None else self.crc,
            "size": len(self.data) if self.size is None else self.size,
            "length": len(self.stored) if self.length is None else self.length,
            "extra": self.extra, "date": self.date, "time": self.time,
        }  # fmt: skip


def end64(count: int, length: int, offset: int) -> bytes:
    """Return the 64-bit end records."""
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 0x32D, 45, 0, 0, count, count, length, offset)
    return record + struct.pack("<4sIQI", b"PK\6\7", 0, offset + length, 1)


@dataclass
class Zip:
    """A zip file as it is told."""

    members: list[Member]
    prefix: bytes = b""
    gap: bytes = b""
    suffix: bytes = b""
    end: dict[str, int] = field(default_factory=dict)
    """What the end record says else: disk, first, here, count, length, offset."""
    comment: bytes = b""
    order: Callable[[list[Member]], list[Member]] = list
    """The order of the directory."""
    before_end: bytes = b""

    def build(self) -> bytes:
        body = bytearray(self.prefix)
        places: dict[int, int] = {}
        for member in self.members:
            body += member.before
            places[id(member)] = len(body)
            facts = {**member.facts(), **member.local}
            body += struct.pack(
                "<4s5H3I2H", b"PK\3\4", facts["needed"], facts["flags"], facts["method"], facts["time"],
                facts["date"], facts["crc"], facts["length"], facts["size"], len(facts["name"]),
                len(facts["extra"]),
            ) + facts["name"] + facts["extra"] + member.stored + member.after  # fmt: skip
        body += self.gap
        where = len(body)
        for member in self.order(self.members):
            body += self._directory_record(member, places[id(member)])
        length = len(body) - where
        count = len(self.order(self.members))
        end = {
            "disk": 0,
            "first": 0,
            "here": count,
            "count": count,
            "length": length,
            "offset": where,
            **self.end,
        }
        body += self.before_end
        if count > 0xFFFE:
            body += end64(count, length, where)
            end |= {"here": 0xFFFF, "count": 0xFFFF}
        body += struct.pack("<4s4H2IH", b"PK\5\6", *end.values(), len(self.comment)) + self.comment
        return bytes(body) + self.suffix

    def _directory_record(self, member: Member, place: int) -> bytes:
        facts = member.facts()
        made_by = 0x300 | facts["needed"] if member.made_by is None else member.made_by
        return struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", made_by, facts["needed"], facts["flags"], facts["method"],
            facts["time"], facts["date"], facts["crc"], facts["length"], facts["size"], len(facts["name"]),
            len(facts["extra"]), len(member.comment), member.disk, member.internal, member.mode,
            place if member.offset is None else member.offset,
        )  + bytes(facts["name"] + facts["extra"] + member.comment)  # fmt: skip

    def named(self, name: str) -> Member:
        """Return the member of a name."""
        return next(member for member in self.members if member.name == name.encode())


def dump(value: Mapping[str, Any]) -> bytes:
    """Write JSON as a bundle has it: sorted, a line for each key, and for each item of a list there."""
    lines = []
    for key, item in sorted(value.items()):
        if isinstance(item, list) and item:
            text = "[\n" + ",\n".join(json.dumps(one, sort_keys=True) for one in item) + "\n]"
        else:
            text = json.dumps(item, sort_keys=True)
        lines.append(f"{json.dumps(key)}: {text}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Contents:
    """What is in a bundle: each run's files in their order, its record last, and what is said of them all."""

    files: dict[str, bytes]
    records: dict[str, dict[str, Any]]
    """The records by the name of their folder; they are written when the bundle is made."""
    change: Callable[[dict[str, Any]], object] = lambda manifest: None
    """Changes manifest.json before everything else is made from it."""
    raw_manifest: Callable[[bytes], bytes] = bytes
    raw_tags: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    raw_records: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    omitted: list[dict[str, str]] = field(default_factory=list)
    extra_tags: dict[str, bytes] = field(default_factory=dict)
    methods: dict[str, int] = field(default_factory=dict)

    def payload(self) -> dict[str, bytes]:
        """Return every file below data/, in the order of the zip."""
        found: dict[str, bytes] = {}
        for name, run in sorted(self.records.items()):
            place = f"data/runs/{name}/"
            found |= {path: data for path, data in self.files.items() if path.startswith(place)}
            found[f"{place}run.json"] = self.raw_records.get(name, bytes)(dump(run))
        return found

    def manifest(self) -> dict[str, Any]:
        payload = self.payload()
        runs = []
        for name, run in sorted(self.records.items()):
            mine = [data for path, data in payload.items() if path.startswith(f"data/runs/{name}/")]
            said = {"run_id": run.get("run_id"), "name": name}
            runs.append({**said, "files": len(mine), "bytes": sum(map(len, mine))})
        files = [{"path": path, "size": len(data), "sha256": sha256(data)} for path, data in payload.items()]
        counts = {"runs": len(runs), "files": len(files), "bytes": sum(map(len, payload.values()))}
        manifest = {
            "format": "acode-bundle", "format_version": 1, "producer": PRODUCER, "redacted": False,
            "complete": not self.omitted, "counts": counts, "runs": runs, "omitted": self.omitted,
            "files": files,
        }  # fmt: skip
        self.change(manifest)
        return manifest

    def zip(self) -> Zip:
        """Return the zip, every part of it as the rest wants it."""
        payload, manifest = self.payload(), self.manifest()
        members = [Member(path.encode(), data, self.methods.get(path, 8)) for path, data in payload.items()]
        crcs = b"".join(struct.pack("<I", zlib.crc32(member.stored)) for member in members)
        lines = "".join(f"{file['sha256']}  {file['path']}\n" for file in manifest.get("files") or [])
        counts = manifest.get("counts", {})
        tags = {
            "bag-info.txt": (
                f"Acode-Bundle-Version: {manifest.get('format_version')}\n"
                f"Acode-Packed-CRC32: {zlib.crc32(crcs):08x}\n"
                f"Bag-Software-Agent: {manifest.get('producer')}\n"
                f"Payload-Oxum: {counts.get('bytes')}.{counts.get('files')}\n"
            ).encode(),
            "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "manifest-sha256.txt": lines.encode("utf-8", "replace"),
            "manifest.json": self.raw_manifest(dump(manifest)),
        }
        tags = {name: self.raw_tags.get(name, bytes)(data) for name, data in tags.items()} | self.extra_tags
        listed = "".join(f"{sha256(tags[name])}  {name}\n" for name in sorted(tags))
        name = "tagmanifest-sha256.txt"
        tags[name] = self.raw_tags.get(name, bytes)(listed.encode())
        members += [Member(name.encode(), data) for name, data in tags.items()]
        return Zip(members)

    def build(self) -> bytes:
        return self.zip().build()
