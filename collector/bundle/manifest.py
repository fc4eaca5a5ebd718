"""What a bundle says of itself: `manifest.json`, and the same again as a BagIt bag (RFC 8493).

Only `manifest.json` holds anything that is not a function of the rest; a reader makes all others anew from
it. It knows nothing of how tightly the content is packed, so it is the same whatever did that, and is what is
signed.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FORMAT = "acode-bundle"
VERSION = 1
MANIFEST = "manifest.json"
SIGNATURE = "signature.dsse.json"
BAG_INFO, BAGIT = "bag-info.txt", "bagit.txt"
PAYLOAD_MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
TAG_FILES = (BAG_INFO, BAGIT, PAYLOAD_MANIFEST, MANIFEST, TAG_MANIFEST)
"""In their order, which is behind all content; a signature stands before the last."""
MAX_BYTES = 48 << 20
_PRODUCER = re.compile(r"[!-~]+( [!-~]+)*")
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=True, allow_nan=False)
_DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


@dataclass(frozen=True, slots=True)
class File:
    """A file in a bundle: where, how long, and the SHA-256 of its content."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run in a bundle: how many files it has there, run.json among them, and how many bytes."""

    run_id: str
    name: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Omitted:
    """Something of a run that is not in the bundle, and why: missing, corrupt, or left out."""

    run_id: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a bundle; runs and files in the order of the zip."""

    producer: str
    redacted: bool
    runs: tuple[RunEntry, ...] = ()
    files: tuple[File, ...] = ()
    omitted: tuple[Omitted, ...] = ()
    version: int = field(default=VERSION)

    @property
    def bytes(self) -> int:
        """How much content there is."""
        return sum(file.size for file in self.files)


def dump_manifest(manifest: Manifest) -> bytes:
    """Return manifest.json."""
    value = {
        "format": FORMAT,
        "format_version": manifest.version,
        "producer": manifest.producer,
        "redacted": manifest.redacted,
        "complete": not manifest.omitted,
        "counts": {"runs": len(manifest.runs), "files": len(manifest.files), "bytes": manifest.bytes},
        "runs": [_dict(run) for run in manifest.runs],
        "omitted": [_dict(omitted) for omitted in manifest.omitted],
        "files": [_dict(file) for file in manifest.files],
    }
    return dump_json(value)


def _dict(value: RunEntry | File | Omitted) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def dump_json(value: Mapping[str, Any]) -> bytes:
    """Return the one form in which JSON stands in a bundle: sorted, ASCII, a line for each key or item.

    Raises:
        ValueError: there is a number in it that JSON does not have.
    """
    lines = [f"{_ENCODER.encode(key)}: {_dump_value(value[key])}" for key in sorted(value)]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def _dump_value(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _ENCODER.encode(value)
    return "[\n" + ",\n".join(map(_ENCODER.encode, value)) + "\n]"


def read_manifest(value: Mapping[str, Any]) -> Manifest:
    """Return what manifest.json says; whether it is written as it should be, `dump_manifest` tells.

    Raises:
        ValueError: it is not one, or one of a newer version.
    """
    version = value.get("format_version")
    if value.get("format") != FORMAT or type(version) is not int or version < 1:
        raise ValueError("it is not the manifest of a bundle")
    if version > VERSION:
        raise ValueError(f"it was written by a newer acode: format {version}, this one knows {VERSION}")
    try:
        manifest = Manifest(
            value["producer"],
            value["redacted"],
            tuple(RunEntry(**run) for run in value["runs"]),
            tuple(File(**file) for file in value["files"]),
            tuple(Omitted(**omitted) for omitted in value["omitted"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is not as acode writes it: {error}") from error
    _check_types(manifest)
    return manifest


def _check_types(manifest: Manifest) -> None:
    texts: list[object] = [manifest.producer]
    numbers: list[object] = []
    for run in manifest.runs:
        texts += (run.run_id, run.name)
        numbers += (run.files, run.bytes)
    for file in manifest.files:
        texts += (file.path, file.sha256)
        numbers.append(file.size)
    for omitted in manifest.omitted:
        texts += (omitted.run_id, omitted.path, omitted.reason)
    if len(str(manifest.producer)) > 80 or not _PRODUCER.fullmatch(str(manifest.producer)):
        raise ValueError("it does not say what wrote it")
    if not (all(type(text) is str for text in texts) and type(manifest.redacted) is bool):
        raise ValueError("it holds something that is no text")
    if not all(type(number) is int and 0 <= number < 1 << 53 for number in numbers):
        raise ValueError("it holds something that is no size")


# The bag


def payload_manifest(files: Iterable[File]) -> bytes:
    """Return manifest-sha256.txt; no path of a bundle holds what would have to be encoded in it."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in files).encode("ascii")


def packed_crc(crcs: Iterable[int]) -> int:
    """Return one CRC-32 over those of the packed data of all entries under `data/`, in their order.

    Some bits of packed data mean nothing, so that no checksum of the content notices when they change.
    """
    return zlib.crc32(b"".join(crc.to_bytes(4, "little") for crc in crcs))


def read_packed_crc(info: bytes) -> int:
    """Return what bag-info.txt says it is.

    Raises:
        ValueError: it does not say.
    """
    match = re.search(rb"^Acode-Packed-CRC32: ([0-9a-f]{8})$", info, re.MULTILINE)
    if match is None:
        raise ValueError("its bag-info.txt is not as acode writes it")
    return int(match[1], 16)


def bag_info(manifest: Manifest, crc: int) -> bytes:
    """Return bag-info.txt.

    Args:
        manifest: of the bundle.
        crc: see `packed_crc`.
    """
    lines = (
        f"Acode-Bundle-Version: {manifest.version}",
        f"Acode-Packed-CRC32: {crc:08x}",
        f"Bag-Software-Agent: {manifest.producer}",
        f"Payload-Oxum: {manifest.bytes}.{len(manifest.files)}",
    )
    return ("\n".join(lines) + "\n").encode("ascii", "replace")


def tag_manifest(contents: Mapping[str, bytes]) -> bytes:
    """Return tagmanifest-sha256.txt for the other tag files, by name."""
    lines = [f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n" for name in sorted(contents)]
    return "".join(lines).encode("ascii")


def tag_files(manifest: bytes, parsed: Manifest, crc: int, signature: bytes = b"") -> dict[str, bytes]:
    """Return every tag file by its name, in the order of the zip.

    Args:
        manifest: the content of manifest.json.
        parsed: what it says.
        crc: see `packed_crc`.
        signature: the content of signature.dsse.json; empty for none.
    """
    contents = {
        BAG_INFO: bag_info(parsed, crc),
        BAGIT: _DECLARATION,
        PAYLOAD_MANIFEST: payload_manifest(parsed.files),
        MANIFEST: manifest,
    }
    if signature:
        contents[SIGNATURE] = signature
    contents[TAG_MANIFEST] = tag_manifest(contents)
    return contents


def tag_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the tag files of a bundle that has these entries, in their order."""
    signed = (*TAG_FILES[:-1], SIGNATURE, TAG_MANIFEST)
    return signed if SIGNATURE in names[-3:] else TAG_FILES
