# ruff: noqa: E501 - a table: one kind a line
"""Hostile in the zip: its records, headers, packed data."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

from tests.bundle.kinds import (
    OUT,
    TEST,
    artifact_of,
    kind,
    of_zip,
)
from tests.bundle.making import Contents, Member, Zip, end64, pack, sha256

# The file


def of_bytes(name: str, change: Callable[[bytes], bytes]) -> None:
    kind(f"file: {name}", lambda contents: change(contents.build()))


def put_end(field: str, value: int) -> Callable[[Zip], object]:
    return lambda made: made.end.update({field: value})


def all_at_once(made: Zip) -> None:
    for member in made.members:
        member.offset = 0


def of_member(name: str, /, **values: Any) -> None:
    """Change a file's entry, in the header and the directory."""
    of_zip(name, lambda made: vars(made.named(OUT)).update(values))


def of_header(name: str, /, **values: Any) -> None:
    """Let the header before a content say something else than the directory."""
    of_zip(f"header says {name}", lambda made: made.named(OUT).local.update(values))


of_bytes("empty", lambda data: b"")
of_bytes("one byte", lambda data: b"P")
of_bytes("text", lambda data: b"not a zip at all\n" * 50)
of_bytes("only an end record", lambda data: data[-22:])
of_bytes("an empty zip", lambda data: b"PK\5\6" + bytes(18))
of_bytes("a gzip in front of it", lambda data: zlib.compress(data))
of_bytes("the last byte is gone", lambda data: data[:-1])
of_bytes("the first byte is gone", lambda data: data[1:])
of_bytes("half of it", lambda data: data[: len(data) // 2])
of_bytes("something in front", lambda data: b"#!/bin/sh\n" + data)
of_bytes("something behind", lambda data: data + b"\0")
of_bytes("itself behind itself", lambda data: data + data)
of_bytes("a second end record", lambda data: data + data[-22:])
of_bytes("zeros in the middle", lambda data: data[:40] + bytes(40) + data[80:])
of_bytes("a tar", lambda data: b"data/runs/".ljust(257, b"\0") + b"ustar\x0000".ljust(255, b"\0") + data)

of_zip("a comment", lambda z: setattr(z, "comment", b"hello"))
of_zip("a comment that is a zip", lambda z: setattr(z, "comment", b"PK\5\6" + bytes(18)))
of_zip("a prefix that offsets know", lambda z: setattr(z, "prefix", b"MZ" + bytes(98)))
of_zip("a gap before the directory", lambda z: setattr(z, "gap", b"\0" * 7))
of_zip("a gap between entries", lambda z: setattr(z.members[1], "before", b"hidden"))
of_zip("a gap behind a content", lambda z: setattr(z.members[0], "after", b"hidden"))
of_zip("something between directory and end", lambda z: setattr(z, "before_end", b"\0" * 8))
for field, value in (
    ("disk", 1), ("first", 1), ("here", 1), ("count", 1), ("count", 99), ("count", 0xFFFF), ("length", 0),
    ("length", 10**6), ("length", 0xFFFFFFFF), ("offset", 0), ("offset", 4), ("offset", 0xFFFFFFFF),
):  # fmt: skip
    of_zip(f"its end record says {field}={value}", put_end(field, value))
of_zip("64-bit end records that nothing needs", lambda z: setattr(z, "before_end", _end64(z)))
of_zip("the directory in another order", lambda z: setattr(z, "order", lambda members: members[::-1]))
of_zip("the directory without an entry", lambda z: setattr(z, "order", lambda members: members[1:]))
of_zip(
    "an entry twice in the directory", lambda z: setattr(z, "order", lambda members: [*members, members[0]])
)
of_zip("all entries are one (overlap)", all_at_once)
of_zip("an entry within another (quoted overlap)", lambda z: _quoted(z))
of_zip("an offset beyond the end", lambda z: setattr(z.named(OUT), "offset", 1 << 30))
of_zip("entries in another order", lambda z: z.members.reverse())
of_zip("tag files first", lambda z: z.members.sort(key=lambda m: m.name.startswith(b"data/")))


def _end64(made: Zip) -> bytes:
    body = Zip(made.members).build()
    _, _, _, _, count, length, offset, _ = struct.unpack("<4s4H2IH", body[-22:])
    return end64(count, length, offset)


def _quoted(made: Zip) -> None:
    """Let the content of one entry be the header and content of the next (bamsoftware.com/hacks/zipbomb)."""
    first, second = made.members[0], made.members[1]
    inner = Zip([second]).build()
    first.method, first.packed = 0, inner[: inner.index(b"PK\1\2")]
    first.length = first.size = len(first.stored)
    first.crc = zlib.crc32(first.stored)
    second.offset = 30 + len(first.name)


for method in (1, 2, 6, 9, 12, 14, 19, 93, 95, 97, 98, 99):
    of_member(f"method {method}", method=method, packed=b"ok\n")
for flags, what in (
    (0x1, "encrypted"), (0x41, "strongly encrypted"), (0x2000, "masked"), (0x8, "with a descriptor"),
    (0x800, "in UTF-8"), (0x2, "maximum"), (0x20, "a patch"), (0x10, "reserved"),
):  # fmt: skip
    of_member(f"flags say it is {what}", flags=flags)
for mode, what in (
    (0o120777, "symbolic link"), (0o040755, "folder"), (0o010644, "pipe"), (0o140755, "socket"),
    (0o020644, "character device"), (0o060644, "block device"), (0o104755, "setuid program"),
    (0o102755, "setgid program"), (0o101777, "sticky file"), (0o100777, "file for all"), (0o100755, "program"),
    (0o000644, "file of no type"), (0, "file of no mode"), (0o170644, "file of all types"),
):  # fmt: skip
    of_member(f"a {what}", mode=mode << 16)
of_member("DOS attributes", mode=(0o100644 << 16) | 0x10)
of_member("made on DOS, mode and all", made_by=20)
of_member("made by another version", made_by=0x31E)
of_member("needs another version", needed=63)
of_member("another date", date=0x5C21)
of_member("another time", time=1)
of_member("internal attributes", internal=1)
of_member("on another disk", disk=1)
of_member("a comment of its own", comment=b"x")
for tag, body in (
    (0x7075, b"\1" + struct.pack("<I", zlib.crc32(OUT.encode())) + b"../../evil"), (0x5455, b"\1" + bytes(4)),
    (0x7875, b"\1\4" + bytes(4) + b"\4" + bytes(4)), (1, bytes(16)), (0x9901, bytes(7)), (0x756E, bytes(14)),
):  # fmt: skip
    of_member(f"an extra field {tag:#x}", extra=struct.pack("<2H", tag, len(body)) + body)
of_member("an extra field that is torn", extra=b"\1\0\xff\xff")

of_header("another name", name=OUT.replace("stdout", "stderr").encode())
of_header("a name above it", name=b"../" * 3 + OUT.encode()[9:])
of_header("a name in capitals", name=OUT.upper().encode())
of_header("a shorter name", name=OUT.encode()[:-4])
of_header("another method", method=0)
of_header("another checksum", crc=1)
of_header("another size", size=4)
of_header("another packed size", length=4)
of_header("no sizes", size=0, length=0, flags=8)
of_header("it is encrypted", flags=1)
of_header("another version", needed=45)
of_header("another date", date=0x5C21)
of_header("an extra field", extra=struct.pack("<2H", 0x5455, 5) + b"\1" + bytes(4))
of_header("64-bit sizes that are others", extra=struct.pack("<2H2Q", 1, 16, 1, 1), needed=45,
          size=0xFFFFFFFF, length=0xFFFFFFFF)  # fmt: skip


# Content


of_member("longer than it says", data=b"ok\nand more", size=3, crc=zlib.crc32(b"ok\nand more"))
of_member("shorter than it says", data=b"ok", size=3, crc=zlib.crc32(b"ok"))
of_member("another content of the same length", data=b"no\n")
of_member("another content with its checksum", data=b"no\n", crc=zlib.crc32(b"no\n"))
of_member("a wrong checksum", crc=zlib.crc32(b"ok\n") ^ 1)
of_member("a stream that ends early", packed=pack(b"ok\n")[:-1])
of_member("a stream with something behind", packed=pack(b"ok\n") + b"\0")
of_member("two streams", packed=pack(b"ok\n") + pack(b"ok\n"))
of_member("no stream", packed=b"\xff" * 8)
of_member("a reserved block type", packed=b"\x07" + pack(b"ok\n"))
of_member("empty though it should not be", packed=pack(b""))
of_member("a zlib stream", packed=zlib.compress(b"ok\n"))
of_member("stored with two sizes", method=0, packed=b"ok\n!", size=3)
of_member("stored instead of packed, which its seal does not know", method=0)
of_member(
    "four exbibytes", size=0xFFFFFFFF, length=0xFFFFFFFF, extra=struct.pack("<2H2Q", 1, 16, 1 << 62, 1 << 62)
)
of_member("a mebibyte of nothing it does not say", packed=pack(bytes(64 << 20)))


def idle_bits(contents: Contents) -> bytes:
    """Change a bit of packed data that no reader looks at: what follows the last block in its byte."""
    made = contents.zip()
    member = made.named(OUT)
    for bit in range(7, -1, -1):
        packed = member.stored[:-1] + bytes([member.stored[-1] ^ 1 << bit])
        if zlib.decompressobj(-15).decompress(packed) == b"ok\n":
            member.packed = packed
            return made.build()
    raise AssertionError("every bit matters")


kind("content: a bit that no reader looks at", idle_bits)


def bomb(contents: Contents) -> bytes:
    """A bundle that is right in everything, and unpacks to a thousand times its length."""
    data = bytes(48 << 20)
    contents.files[OUT] = data
    entry = artifact_of(contents.records[TEST], "stdout.txt")
    entry |= {"size_bytes": len(data), "stored_bytes": len(data), "checksum_sha256": sha256(data)}
    return contents.build()


kind("content: a bomb of one file", bomb)


def nested(contents: Contents) -> bytes:
    """A bundle in a bundle's place."""
    inner = contents.build()
    return Zip([Member(b"data/runs/x.zip", inner, 8)]).build()


kind("a bundle in a zip", nested)
kind("many entries", lambda contents: Zip([Member(b"a%d" % n, b"") for n in range(100_001)]).build())
