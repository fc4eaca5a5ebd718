# ruff: noqa: E501 - a table: one kind a line
"""Hostile in what the bundle says of itself, and in what things are called."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.bundle.kinds import (
    BUILD,
    IN_TEST,
    OUT,
    TEST,
    drop,
    kind,
    of_zip,
    put,
)
from tests.bundle.making import Contents, sha256
from tests.bundle.stores import STAMP, ulid

# What it says of itself


def of_manifest(name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change manifest.json, and let everything else follow it."""

    def make(contents: Contents) -> bytes:
        contents.change = change
        return contents.build()

    kind(f"manifest: {name}", make)


def of_manifest_bytes(name: str, change: Callable[[bytes], bytes]) -> None:
    def make(contents: Contents) -> bytes:
        contents.raw_manifest = change
        return contents.build()

    kind(f"manifest: {name}", make)


key: str
value: Any
VERSIONS: tuple[Any, ...] = (0, 2, 99, -1, 1.0, "1", True, None, [1])
for version in VERSIONS:
    of_manifest(f"format version {version!r}", put("format_version", version))
for key in (
    "format",
    "format_version",
    "producer",
    "redacted",
    "complete",
    "counts",
    "runs",
    "omitted",
    "files",
):
    of_manifest(f"without {key}", drop(key))
for key, value in (
    ("format", "acode"), ("producer", 1), ("redacted", "no"), ("complete", False), ("runs", {}), ("files", {}),
    ("files", None), ("runs", []), ("files", []), ("omitted", None), ("counts", {}), ("more", 1),
):  # fmt: skip
    of_manifest(f"{key}={value!r}", put(key, value))
of_manifest("a producer of two lines", lambda m: m.update(producer="acode\nBag-Size: 1"))
of_manifest("an artifact that is said to be missing", lambda m: m.update(
    omitted=[{"run_id": ulid(2000), "path": "x", "reason": "missing"}], complete=False))  # fmt: skip
for key in ("runs", "files", "bytes"):
    of_manifest(f"counts say fewer {key}", put(key, 1, "counts"))
for key, value in (
    ("sha256", "0" * 64), ("sha256", "x"), ("sha256", None), ("size", -1), ("size", 1.5), ("size", 1 << 60),
    ("size", "3"), ("path", "/etc/passwd"), ("path", "../../x"), ("path", "data/runs"), ("path", 7), ("more", 1),
):  # fmt: skip
    of_manifest(f"a file's {key}={value!r}", put(key, value, "files", -2))
of_manifest("a checksum in capitals", lambda m: m["files"][0].update(sha256=m["files"][0]["sha256"].upper()))
of_manifest("a file less", lambda m: m["files"].pop(0))
of_manifest(
    "a file more", lambda m: m["files"].append({"path": IN_TEST + "z", "size": 0, "sha256": sha256(b"")})
)
of_manifest("a file twice", lambda m: m["files"].insert(0, m["files"][0]))
of_manifest("files in another order", lambda m: m["files"].reverse())
of_manifest("runs in another order", lambda m: m["runs"].reverse())
of_manifest("a run twice", lambda m: m["runs"].append(m["runs"][-1]))
of_manifest("a run less", lambda m: m["runs"].pop())
of_manifest("a run without files", lambda m: m["runs"].append(
    {"run_id": ulid(9), "name": f"z-{STAMP}", "files": 0, "bytes": 0}))  # fmt: skip
for key, value in (
    ("run_id", ulid(7)), ("run_id", "x"), ("run_id", None), ("name", "../evil"), ("name", "latest"),
    ("name", 5), ("files", 0), ("files", 1), ("files", 99), ("files", 1 << 52), ("files", -1), ("bytes", 0),
    ("bytes", -1), ("files", True),
):  # fmt: skip
    of_manifest(f"a run's {key}={value!r}", put(key, value, "runs", 0))
of_manifest(
    "a run takes a file of the other",
    lambda m: (
        m["runs"][0].update(files=m["runs"][0]["files"] + 1),
        m["runs"][1].update(files=m["runs"][1]["files"] - 1),
    ),
)

of_manifest_bytes("no JSON", lambda data: data[:-5])
of_manifest_bytes("a list", lambda data: b"[]\n")
of_manifest_bytes("a text", lambda data: b'"acode-bundle"\n')
of_manifest_bytes("null", lambda data: b"null\n")
of_manifest_bytes("empty", lambda data: b"")
of_manifest_bytes("more spaces", lambda data: data.replace(b": ", b":  ", 1))
of_manifest_bytes("no line end", lambda data: data.rstrip())
of_manifest_bytes("a line more", lambda data: data + b"\n")
of_manifest_bytes("a byte order mark", lambda data: b"\xef\xbb\xbf" + data)
of_manifest_bytes("UTF-16", lambda data: data.decode().encode("utf-16"))
of_manifest_bytes("no Unicode", lambda data: data.replace(b"acode 0", b"\xff\xfe 0"))
of_manifest_bytes("half of a pair", lambda data: data.replace(b"acode 0", b"\\ud800 0"))
of_manifest_bytes("a key twice", lambda data: data.replace(b"{", b'{\n "format": "x",', 1))
of_manifest_bytes(
    "another order of keys",
    lambda data: (json.dumps(dict(reversed(json.loads(data).items())), indent=1) + "\n").encode(),
)
of_manifest_bytes("not a number", lambda data: data.replace(b'"size": 3', b'"size": NaN'))
of_manifest_bytes("an endless number", lambda data: data.replace(b'"size": 3', b'"size": 1e999'))
of_manifest_bytes(
    "a number of a thousand digits", lambda data: data.replace(b'"size": 3', b'"size": ' + b"9" * 1000)
)
of_manifest_bytes("a hundred thousand brackets", lambda data: b"[" * 100_000)
of_manifest_bytes("a thousand brackets that close", lambda data: b'{"x": ' + b"[" * 500 + b"]" * 500 + b"}\n")
of_manifest_bytes("three million values", lambda data: b"[" + b"0," * 3_000_000 + b"0]\n")


def of_tag(file: str, name: str, change: Callable[[bytes], bytes]) -> None:
    def make(contents: Contents) -> bytes:
        contents.raw_tags[file] = change
        return contents.build()

    kind(f"{file}: {name}", make)


of_tag("bagit.txt", "another version", lambda data: data.replace(b"1.0", b"0.97"))
of_tag("bagit.txt", "another encoding", lambda data: data.replace(b"UTF-8", b"UTF-7"))
of_tag("bagit.txt", "empty", lambda data: b"")
of_tag("bag-info.txt", "another sum", lambda data: data.replace(b"Payload-Oxum: ", b"Payload-Oxum: 1"))
of_tag(
    "bag-info.txt",
    "no checksum of the packed data",
    lambda data: data.replace(b"Acode-Packed", b"Acode-Pecked"),
)
of_tag(
    "bag-info.txt",
    "another checksum of the packed data",
    lambda data: data.replace(b"CRC32: ", b"CRC32: 0")[:-1],
)
of_tag("bag-info.txt", "a line more", lambda data: data + b"Bagging-Date: 2026-01-20\n")
of_tag("manifest-sha256.txt", "a file less", lambda data: data.split(b"\n", 1)[1])
of_tag("manifest-sha256.txt", "a path above", lambda data: data + b"0" * 64 + b"  ../../x\n")
of_tag("manifest-sha256.txt", "CRLF", lambda data: data.replace(b"\n", b"\r\n"))
of_tag("tagmanifest-sha256.txt", "empty", lambda data: b"")
of_tag(
    "tagmanifest-sha256.txt",
    "another checksum",
    lambda data: data.replace(data[:1], b"0" if data[:1] != b"0" else b"1", 1),
)
of_tag("tagmanifest-sha256.txt", "a file less", lambda data: data.split(b"\n", 1)[1])


def of_missing_tags(file: str) -> None:
    of_zip(f"without {file}", lambda z: z.members.remove(z.named(file)))
    of_zip(f"with {file} packed", lambda z: vars(z.named(file)).update(method=8))
    of_zip(f"with {file} twice", lambda z: z.members.append(z.named(file)))


for file in ("bag-info.txt", "bagit.txt", "manifest-sha256.txt", "manifest.json", "tagmanifest-sha256.txt"):
    of_missing_tags(file)


def with_tag(name: str) -> None:
    def make(contents: Contents) -> bytes:
        contents.extra_tags[name] = b"0\n"
        return contents.build()

    kind(f"a file beside data: {name}", make)


for tag in ("fetch.txt", "manifest-md5.txt", "README.txt", "zz.txt", "signature.dsse.jso", "__MACOSX/x"):
    with_tag(tag)


# Names


def of_name(name: str, new: str | bytes) -> None:
    """Give a file of a run another name, everywhere it is said."""

    def make(contents: Contents) -> bytes:
        raw = new if isinstance(new, bytes) else new.encode()
        text = raw.decode("utf-8", "surrogateescape")
        contents.change = lambda manifest: _rename(manifest, text)
        made = contents.zip()
        made.named(OUT).name = raw
        return made.build()

    kind(f"name: {name}", make)


def _rename(manifest: dict[str, Any], new: str) -> None:
    for file in manifest["files"]:
        if file["path"] == OUT:
            file["path"] = new.encode("utf-8", "replace").decode()


for name, new in {
    "absolute": "/etc/cron.d/acode", "two slashes": "//host/share", "above": "../../../evil",
    "above, within": f"{IN_TEST}../../../../evil", "above, at the end": f"{IN_TEST}..", "here": f"{IN_TEST}.",
    "here, within": f"{IN_TEST}./stdout.txt", "an empty part": f"{IN_TEST}/stdout.txt", "a folder": f"{IN_TEST}x/",
    "backslashes": f"{IN_TEST}..\\..\\evil", "one backslash": f"{IN_TEST}a\\b", "a drive": "C:/evil",
    "a drive within": f"{IN_TEST}C:evil", "a stream of NTFS": f"{IN_TEST}stdout.txt:evil", "a NUL": f"{IN_TEST}a\0b",
    "a line end": f"{IN_TEST}a\nb", "a return": f"{IN_TEST}a\rb", "an escape": f"{IN_TEST}\x1b[2Ja",
    "a bell": f"{IN_TEST}\x07", "DEL": f"{IN_TEST}\x7f", "no ASCII": f"{IN_TEST}\u00fc.txt",
    "decomposed": f"{IN_TEST}u\u0308.txt", "right to left": f"{IN_TEST}\u202etxt.exe", "full width": f"{IN_TEST}\uff0e\uff0e/x",
    "a star": f"{IN_TEST}*", "a question mark": f"{IN_TEST}?", "a bar": f"{IN_TEST}a|b", "a quote": f'{IN_TEST}"',
    "a dot at the end": f"{IN_TEST}stdout.", "a space at the end": f"{IN_TEST}stdout ", "a space at the beginning": f"{IN_TEST} a",
    "a device": f"{IN_TEST}CON", "a device with a suffix": f"{IN_TEST}aux.txt", "hidden": f"{IN_TEST}.stdout.txt",
    "another than its own": f"{IN_TEST}stdout2.txt", "as its compressed form": f"{IN_TEST}stdout.txt.zst",
    "in capitals": f"{IN_TEST}STDOUT.TXT", "of the other stream": f"{IN_TEST}stderr.txt",
    "of the other run": f"data/runs/{BUILD}/stdout.txt", "of the record": f"{IN_TEST}run.json",
    "of the record in capitals": f"{IN_TEST}RUN.JSON", "in a file": f"{IN_TEST}stderr.txt/x",
    "in no run": "data/stdout.txt", "beside data": "stdout.txt", "in data": "data/runs/stdout.txt",
    "in Data": OUT.replace("data/", "Data/"), "deep": IN_TEST + "a/" * 40 + "b", "long": IN_TEST + "a" * 5000,
    "empty": "", "a slash": "/", "an artifact of its own": f"{IN_TEST}import.json", "incoming": f"{IN_TEST}.incoming/x",
    "another hash": f"{IN_TEST}stdout=00000000000000000000000000000000.txt",
}.items():  # fmt: skip
    of_name(name, new)
of_name("overlong dots", IN_TEST.encode() + b"\xc0\xae\xc0\xae/x")
of_name("no UTF-8", IN_TEST.encode() + b"\xff\xfe")


def of_run_name(name: str) -> None:
    """Give a run another name, everywhere it is said."""

    def make(contents: Contents) -> bytes:
        contents.records[name] = {**contents.records.pop(TEST), "name": name}
        files = {path.replace(IN_TEST, f"data/runs/{name}/"): data for path, data in contents.files.items()}
        contents.files = files
        return contents.build()

    kind(f"run name: {name[:40]!r}", make)


for name in (
    "latest", "2026", "20260120", "..", ".", f".hidden-{STAMP}", f"Test-{STAMP}", f"t\u00e4st-{STAMP}",
    "test", f"te st-{STAMP}", f"a/b-{STAMP}", f"test-{STAMP}-", f"test-{STAMP}-x", f"test-{STAMP}.", "-",
    f"{'t' * 300}-{STAMP}", f"test\n-{STAMP}", f"..-{STAMP}", ".imports", ".trash", f"test-{STAMP}-{'9' * 20}",
):  # fmt: skip
    of_run_name(name)
