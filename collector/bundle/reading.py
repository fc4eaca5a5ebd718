"""Reading a bundle that nobody vouches for: everything about it is checked before any content is used.

First the zip, then what the bundle says of itself, then each run's record against both. What remains is the
content, which is unpacked with a budget and compared with its checksums as it comes.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO, Self

from collector.bundle import deflate
from collector.bundle.container import STORED, Entry, RefusedError, read_directory
from collector.bundle.manifest import (
    BAG_INFO,
    MANIFEST,
    SIGNATURE,
    File,
    Manifest,
    Omitted,
    RunEntry,
    dump_manifest,
    packed_crc,
    read_manifest,
    read_packed_crc,
    tag_files,
    tag_names,
)
from collector.bundle.manifest import MAX_BYTES as MAX_MANIFEST_BYTES
from collector.bundle.names import KEPT_BESIDE, PAYLOAD, bundle_names, check_bundle_names, is_run_name
from collector.bundle.protecting import Decrypted, is_encrypted, no_key
from collector.bundle.records import (
    MAX_ANNOTATIONS_BYTES,
    MAX_RUN_JSON_BYTES,
    STREAMS,
    omitted_of,
    parse_annotations,
    parse_record,
)
from collector.bundle.strict_json import parse_object
from collector.bundle.unpacking import unpacked
from collector.workspace import ANNOTATIONS_JSON, OUTPUT_INDEX, RUN_JSON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.encryption.key import FindKey

MAX_CONTENT_BYTES = 64 << 30
_MAX_SIGNATURE_BYTES = 64 << 10
_MAX_INDEX_BYTES = 1 << 30
_READ_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class BundledFile:
    """A file of a run in a bundle, and where it goes in the run folder."""

    entry: Entry
    sha256: str
    path: str


@dataclass(slots=True)
class BundledRun:
    """A run in a bundle; its record is `record`, its other files `files`."""

    run_id: str
    name: str
    record: dict[str, Any]
    record_bytes: bytes
    record_entry: Entry
    files: list[BundledFile] = field(default_factory=list)


class Bundle:
    """A bundle that has been opened and found in order, but for its content; use as a context.

    Args:
        path: the file.
        max_bytes: of content; more is refused.
        find_key: knows the keys of encrypted ones.

    Raises:
        AcodeError: it is encrypted, and there is no key.
        RefusedError: it is no bundle, or one that is not as acode writes them.
        OSError: it cannot be read.
    """

    def __init__(self, path: str, max_bytes: int = MAX_CONTENT_BYTES, find_key: FindKey = no_key) -> None:
        self._file = os.fdopen(_open(path), "rb", buffering=_READ_BYTES)
        try:
            self.is_encrypted = is_encrypted(self._file)
            self._open(find_key)
            self._entries = read_directory(self._file, self.size)
            self._check_names(max_bytes)
            self._read_tags()
            self.runs = list(self._iter_runs())
            self._check_ids()
        except BaseException:
            self._file.close()
            raise

    _file: BinaryIO
    _read_at: Callable[[int, int], bytes]
    size: int
    manifest: Manifest
    manifest_bytes: bytes
    signature: bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _open(self, find_key: FindKey) -> None:
        if self.is_encrypted:
            decrypted = Decrypted(self._file, find_key)
            self._file, self._read_at, self.size = decrypted.file, decrypted.read_at, decrypted.size
            return
        fd = self._file.fileno()
        self._read_at = lambda count, offset: os.pread(fd, count, offset)
        self.size = os.fstat(fd).st_size

    @property
    def digest(self) -> str:
        """The SHA-256 of manifest.json, which stands for all content."""
        return hashlib.sha256(self.manifest_bytes).hexdigest()

    # What it says of itself

    def _check_names(self, max_bytes: int) -> None:
        names = [entry.name for entry in self._entries]
        try:
            check_bundle_names(names)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        tags = tag_names(names)
        if tuple(names[-len(tags) :]) != tags:
            raise RefusedError("it has not all the files of a bundle, or not in their order")
        self._payload, self._tags = self._entries[: -len(tags)], self._entries[-len(tags) :]
        if any(entry.method != STORED for entry in self._tags):
            raise RefusedError("what it says of itself is packed")
        total = sum(entry.size for entry in self._payload)
        if total > max_bytes:
            raise RefusedError(f"it holds {total} bytes, more than {max_bytes}")

    def _read_tags(self) -> None:
        """Read manifest.json and see to it that everything else follows from it."""
        found = {entry.name: entry for entry in self._tags}
        self.manifest_bytes = self._read(found[MANIFEST], MAX_MANIFEST_BYTES)
        self.signature = self._read(found[SIGNATURE], _MAX_SIGNATURE_BYTES) if SIGNATURE in found else b""
        try:
            self.manifest = read_manifest(parse_object(self.manifest_bytes, MAX_MANIFEST_BYTES))
            self._packed_crc = read_packed_crc(self._read(found[BAG_INFO], _READ_BYTES))
        except ValueError as error:
            raise RefusedError(str(error), MANIFEST) from None
        if dump_manifest(self.manifest) != self.manifest_bytes:
            raise RefusedError("it is not written as acode writes it", MANIFEST)
        listed = [(file.path, file.size) for file in self.manifest.files]
        if listed != [(entry.name, entry.size) for entry in self._payload]:
            raise RefusedError("it lists other files than there are", MANIFEST)
        expected = tag_files(self.manifest_bytes, self.manifest, self._packed_crc, self.signature)
        for name, entry in found.items():
            if entry.size != len(expected[name]) or self._read(entry, entry.size) != expected[name]:
                raise RefusedError("it does not fit the manifest", name)

    def _read(self, entry: Entry, limit: int) -> bytes:
        if entry.size > limit:
            raise RefusedError(f"it is longer than {limit} bytes", entry.name)
        return b"".join(self.iter_content(entry))

    # Runs

    def _iter_runs(self) -> Iterator[BundledRun]:
        files = iter(zip(self._payload, self.manifest.files, strict=True))
        omitted: list[Omitted] = []
        names = [run.name for run in self.manifest.runs]
        if names != sorted(set(names)):
            raise RefusedError("its runs are not in order, or one is there twice", MANIFEST)
        for said in self.manifest.runs:
            mine = list(islice(files, min(said.files, len(self._payload))))
            run = self._run(said, mine)
            omitted += omitted_of(run.record)
            yield run
        if next(files, None) is not None:
            raise RefusedError("there are files of no run", MANIFEST)
        if tuple(omitted) != self.manifest.omitted:
            raise RefusedError("it says something else of what is missing than the records do", MANIFEST)

    def _run(self, said: RunEntry, mine: list[tuple[Entry, File]]) -> BundledRun:
        """Check a run's record against its files; `mine` should be these, run.json last."""
        place = f"{PAYLOAD}{said.name}/"
        if not is_run_name(said.name) or not mine or mine[-1][0].name != place + RUN_JSON:
            raise RefusedError("it is not followed by its run.json", place)
        if said.files != len(mine) or said.bytes != sum(entry.size for entry, _ in mine):
            raise RefusedError("the manifest says another size of it", place)
        try:
            data = self._checked(*mine[-1], MAX_RUN_JSON_BYTES)
            run = BundledRun(said.run_id, said.name, parse_record(data, said.name), data, mine[-1][0])
            if run.record["run_id"] != said.run_id:
                raise ValueError("the manifest says it has another id")
            run.files = _files_of(run, place, mine[:-1])
        except ValueError as error:
            raise RefusedError(str(error), place + RUN_JSON) from None
        for file, (entry, listed) in zip(run.files, mine, strict=False):
            self._check_beside(file, entry, listed)
        return run

    def _check_beside(self, file: BundledFile, entry: Entry, listed: File) -> None:
        """Check a file that is no artifact."""
        if file.path == OUTPUT_INDEX and entry.size > _MAX_INDEX_BYTES:
            raise RefusedError("it is too long", entry.name)
        if file.path == ANNOTATIONS_JSON:
            try:
                parse_annotations(self._checked(entry, listed, MAX_ANNOTATIONS_BYTES))
            except ValueError as error:
                raise RefusedError(str(error), entry.name) from None

    def _checked(self, entry: Entry, listed: File, limit: int) -> bytes:
        data = self._read(entry, limit)
        if hashlib.sha256(data).hexdigest() != listed.sha256:
            raise ValueError("its content is not what the manifest says")
        return data

    def _check_ids(self) -> None:
        """Refuse a bundle in which two things have the same identity."""
        seen: set[object] = set()
        for run in self.runs:
            ids: list[object] = [run.run_id, *(entry["artifact_id"] for entry in run.record["artifacts"])]
            if run.record.get("tool_call_id") is not None:
                ids.append((run.record["tool_call_id"], run.record.get("agent")))
            for one in ids:
                if one in seen:
                    raise RefusedError(f"the id {one} is there twice", f"{PAYLOAD}{run.name}/{RUN_JSON}")
                seen.add(one)

    # Content

    def iter_content(self, entry: Entry, crcs: list[int] | None = None) -> Iterator[bytes]:
        """Yield an entry's content in pieces, never more than it should be.

        Args:
            entry: of this bundle.
            crcs: gets the CRC-32 of the packed data at the end.

        Raises:
            RefusedError: it is not what the directory says; at its end at the latest.
            OSError: it cannot be read.
        """
        size = crc = packed = 0
        for data, taken in unpacked(self._iter_packed(entry), entry):
            packed = deflate.checksum(taken, packed)
            crc, size = deflate.checksum(data, crc), size + len(data)
            if size > entry.size:
                raise RefusedError("it is longer than it says", entry.name)
            yield data
        if size != entry.size or crc != entry.crc:
            raise RefusedError("its content is damaged", entry.name)
        if crcs is not None:
            crcs.append(packed)

    def _iter_packed(self, entry: Entry) -> Iterator[bytes]:
        at = entry.data_offset
        while at < entry.end:
            data = self._read_at(min(_READ_BYTES, entry.end - at), at)
            if not data:
                raise RefusedError("it became shorter while it was read", entry.name)
            at += len(data)
            yield data

    def check_packed(self, crcs: list[int]) -> None:
        """Compare the CRC-32s of all packed data, in their order, with what the bundle says.

        Raises:
            RefusedError: something changed that no content shows.
        """
        if packed_crc(crcs) != self._packed_crc:
            raise RefusedError("its packed data is damaged", BAG_INFO)

    def payload(self) -> list[tuple[Entry, str]]:
        """Return every file under `data/` with the SHA-256 it should have."""
        return [(entry, file.sha256) for entry, file in zip(self._payload, self.manifest.files, strict=True)]


def _open(path: str) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise RefusedError("it is no regular file")
    return fd


def _files_of(run: BundledRun, place: str, mine: list[tuple[Entry, File]]) -> list[BundledFile]:
    """Return the files of a run in the order of the bundle, which is the only one.

    Raises:
        ValueError: they are not those its record speaks of.
    """
    artifacts = {entry["path"]: entry for entry in run.record["artifacts"] if not entry["missing"]}
    names = bundle_names(artifacts)
    paths = sorted(artifacts, key=names.__getitem__)
    there = {entry.name for entry, _ in mine}
    beside = [path for path in BESIDE_IN_ORDER if place + path in there]
    if OUTPUT_INDEX in beside and any(e["missing"] and e["type"] in STREAMS for e in run.record["artifacts"]):
        raise ValueError("it has the order of streams that it has not")
    expected = [place + names[path] for path in paths] + [place + path for path in beside]
    if [entry.name for entry, _ in mine] != expected:
        raise ValueError("it speaks of other files than there are")
    files = []
    for path, (entry, listed) in zip([*paths, *beside], mine, strict=True):
        artifact = artifacts.get(path)
        if artifact is not None and _facts(artifact) != (listed.size, listed.sha256):
            raise ValueError(f"it says something else of {path[:80]!r} than the manifest")
        files.append(BundledFile(entry, listed.sha256, path))
    return files


BESIDE_IN_ORDER = tuple(sorted(KEPT_BESIDE, key=lambda name: name == ANNOTATIONS_JSON))
"""`output.idx`, then `annotations.json`."""


def _facts(artifact: dict[str, Any]) -> tuple[int, str]:
    return artifact["size_bytes"], artifact["checksum_sha256"]
