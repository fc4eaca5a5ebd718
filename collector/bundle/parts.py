"""Writing a bundle's zip, entry by entry; a run that does not fit any more goes into the next part.

A part is written to a temporary file in its place and appears under its name when all are whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from collector import durable
from collector.bundle import deflate
from collector.bundle.container import (
    MAX_ENTRIES,
    STORED,
    Entry,
    directory,
    header_length,
    local_header,
)
from collector.bundle.manifest import (
    TAG_FILES,
    File,
    Manifest,
    Omitted,
    RunEntry,
    dump_manifest,
    packed_crc,
    tag_files,
)
from collector.bundle.packing import Packed

_COPY_BYTES = 1 << 20
_PER_FILE_BYTES = 700
"""At most so much is said of a file in manifests, headers and directory, besides its name, five times."""
_ROOM_BYTES = 4096


@dataclass(slots=True)
class _Mark:
    """How much of a part there was when a run began."""

    offset: int = 0
    entries: int = 0


@dataclass(slots=True)
class Part:
    """One zip that is being written."""

    path: str
    fd: int
    entries: list[Entry] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    runs: list[RunEntry] = field(default_factory=list)
    omitted: list[Omitted] = field(default_factory=list)
    crcs: list[int] = field(default_factory=list)
    offset: int = 0
    about: int = 0
    """How much will be said of the files, at most."""
    begun: _Mark = field(default_factory=_Mark)

    def add(self, name: str, packed: Packed) -> bool:
        """Write a file; False, and nothing was, when its content is not what it should be."""
        if packed.problem:
            return False
        begin = self.offset
        entry = (
            self._add_whole(name, packed) if isinstance(packed.pieces, list) else self._stream(name, packed)
        )
        if packed.problem:
            self._cut(begin)
            return False
        self._note(entry, File(name, packed.size, packed.sha256))
        return True

    def _note(self, entry: Entry, file: File) -> None:
        self.entries.append(entry)
        self.files.append(file)
        self.about += 5 * len(entry.name) + _PER_FILE_BYTES

    def _add_whole(self, name: str, packed: Packed) -> Entry:
        length = sum(map(len, packed.pieces))
        entry = Entry(name, packed.method, packed.crc, length, packed.size, self.offset)
        self._write(local_header(entry))
        self._write_packed(packed.pieces)
        return entry

    def _stream(self, name: str, packed: Packed) -> Entry:
        """Write a large file; what its header says is known afterwards."""
        begin = self.offset
        self._write(bytes(header_length(name, wide=True)))
        self._write_packed(packed.pieces)
        length = self.offset - begin - header_length(name, wide=True)
        entry = Entry(name, packed.method, packed.crc, length, packed.size, begin, wide=True)
        os.pwrite(self.fd, local_header(entry), begin)
        return entry

    def _write_packed(self, pieces: Iterable[bytes]) -> None:
        crc = 0
        for piece in pieces:
            crc = deflate.checksum(piece, crc)
            self._write(piece)
        self.crcs.append(crc)

    def _write(self, data: bytes) -> None:
        durable.write_all(self.fd, data)
        self.offset += len(data)

    def _cut(self, offset: int) -> None:
        """Take away what was written last."""
        os.ftruncate(self.fd, offset)
        os.lseek(self.fd, offset, os.SEEK_SET)
        self.offset = offset
        del self.crcs[len(self.entries) :]

    # Runs

    def begin_run(self) -> None:
        """Remember where a run begins."""
        self.begun = _Mark(self.offset, len(self.entries))

    def end_run(self, run_id: str, name: str, omitted: Sequence[Omitted]) -> None:
        """Note that all files of a run are there."""
        files = self.files[self.begun.entries :]
        self.runs.append(RunEntry(run_id, name, len(files), sum(file.size for file in files)))
        self._note_omitted(omitted)

    def _note_omitted(self, omitted: Sequence[Omitted]) -> None:
        self.omitted += omitted
        self.about += 400 + sum(400 + len(item.path) * 12 for item in omitted)

    def is_larger_than(self, limit: int) -> bool:
        """Tell whether the finished part would be longer than that (0: any), or have too many files."""
        too_many = len(self.entries) + len(TAG_FILES) + 1 > MAX_ENTRIES
        return too_many or bool(limit and self.offset + self.about + _ROOM_BYTES > limit)

    def move_last_run(self, other: Part) -> None:
        """Take the last run away, and put it into another part, which is empty."""
        begun, run = self.begun, self.runs.pop()
        os.lseek(other.fd, 0, os.SEEK_SET)
        for entry, file in zip(self.entries[begun.entries :], self.files[begun.entries :], strict=True):
            moved = replace(entry, offset=other.offset)
            other._write(local_header(moved))
            other._copy(self.fd, entry)
            other._note(moved, file)
            self.about -= 5 * len(entry.name) + _PER_FILE_BYTES
        other.runs.append(run)
        other._note_omitted([item for item in self.omitted if item.run_id == run.run_id])
        self.omitted = [item for item in self.omitted if item.run_id != run.run_id]
        del self.entries[begun.entries :], self.files[begun.entries :]
        self._cut(begun.offset)

    def _copy(self, fd: int, entry: Entry) -> None:
        self._write_packed(
            os.pread(fd, min(_COPY_BYTES, entry.end - at), at)
            for at in range(entry.data_offset, entry.end, _COPY_BYTES)
        )

    # The end

    def manifest(self, producer: str, redacted: bool) -> Manifest:
        """Return what the part says of itself."""
        return Manifest(producer, redacted, tuple(self.runs), tuple(self.files), tuple(self.omitted))

    def finish(self, manifest: Manifest, signature: bytes = b"") -> int:
        """Write the tag files and the directory, durably; return how long the part is."""
        contents = tag_files(dump_manifest(manifest), manifest, packed_crc(self.crcs), signature)
        for name, data in contents.items():
            packed = Packed(pieces=[data], method=STORED, size=len(data), crc=deflate.checksum(data))
            self.entries.append(self._add_whole(name, packed))
        self._write(directory(self.entries, self.offset))
        durable.sync_descriptor(self.fd)
        return self.offset
