"""The zip a bundle is: one form only, written here and read back strictly.

Everything in a header is a function of the entry (APPNOTE 6.3.10: no flags, no comments, no descriptors,
time 1980-01-01, mode 644), entries lie one behind the other without a gap, and the directory ends the file.
So a reader makes the headers anew and compares: what confuses zip readers cannot be written down.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

STORED, DEFLATED = 0, 8
MAX_ENTRIES = 100_000
MAX_DIRECTORY_BYTES = 64 << 20
MAX_RATIO = 200
"""Beyond a mebibyte nothing is packed more tightly than this."""
RATIO_FREE_BYTES = 1 << 20
_32, _16 = 0xFFFF_FFFF, 0xFFFF
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_MODE = 0o100644 << 16
_DATE, _TIME = 0x21, 0
_UNIX = 3 << 8


class RefusedError(Exception):
    """A file is not a bundle as this version writes them; says why, and in which entry."""

    def __init__(self, message: str, path: str = "") -> None:
        self.path = path
        self.message = message
        super().__init__(f"{path}: {message}" if path else message)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in the zip; `offset` is where its header begins, `wide` whether that has 64-bit sizes."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    wide: bool = False

    @property
    def data_offset(self) -> int:
        """Where its content begins."""
        return self.offset + header_length(self.name, self.wide)

    @property
    def end(self) -> int:
        """Where the next entry begins."""
        return self.data_offset + self.packed


def header_length(name: str, wide: bool) -> int:
    """Return how long the header before a content is."""
    return _LOCAL.size + len(name) + (20 if wide else 0)


def local_header(entry: Entry) -> bytes:
    """Return what stands before an entry's content."""
    name = entry.name.encode("ascii")
    extra = struct.pack("<2H2Q", 1, 16, entry.size, entry.packed) if entry.wide else b""
    sizes = (_32, _32) if entry.wide else (entry.packed, entry.size)
    version = _version(entry.method, entry.wide)
    fields = (version, 0, entry.method, _TIME, _DATE, entry.crc, *sizes, len(name), len(extra))
    return _LOCAL.pack(b"PK\3\4", *fields) + name + extra


def _version(method: int, wide: bool) -> int:
    if wide:
        return 45
    return 20 if method == DEFLATED else 10


def directory_record(entry: Entry) -> bytes:
    """Return an entry's record in the directory."""
    name = entry.name.encode("ascii")
    values = (entry.size, entry.packed, entry.offset)
    long = [value for value in values if value >= _32]
    extra = struct.pack(f"<2H{len(long)}Q", 1, 8 * len(long), *long) if long else b""
    version = _version(entry.method, entry.wide or bool(long))
    size, packed, offset = (min(value, _32) for value in values)
    head = (_UNIX | version, version, 0, entry.method, _TIME, _DATE, entry.crc, packed, size)
    return _CENTRAL.pack(b"PK\1\2", *head, len(name), len(extra), 0, 0, 0, _MODE, offset) + name + extra


def end_records(count: int, length: int, offset: int) -> bytes:
    """Return what ends the file: the 64-bit records only where they are needed.

    Args:
        count: entries.
        length: bytes of the directory.
        offset: where that begins.
    """
    wide = count >= _16 or length >= _32 or offset >= _32
    short = (min(count, _16), min(count, _16), min(length, _32), min(offset, _32))
    end = _END.pack(b"PK\5\6", 0, 0, *short, 0)
    if not wide:
        return end
    where = offset + length
    end64 = _END64.pack(b"PK\6\6", 44, _UNIX | 45, 45, 0, 0, count, count, length, offset)
    return end64 + _LOCATOR.pack(b"PK\6\7", 0, where, 1) + end


def directory(entries: Iterable[Entry], offset: int) -> bytes:
    """Return the directory and what follows it.

    Args:
        entries: in the order of the file.
        offset: where the directory begins.
    """
    records = [directory_record(entry) for entry in entries]
    body = b"".join(records)
    return body + end_records(len(records), len(body), offset)


# Reading


def read_directory(file: BinaryIO, file_size: int) -> list[Entry]:
    """Return the entries of a bundle, in the order of the file; every byte that is no content was checked.

    Raises:
        RefusedError: it is anything but what `directory` and `local_header` write.
        OSError: it cannot be read.
    """
    count, length, offset = _read_end(file, file_size)
    file.seek(offset)
    data = file.read(length)
    if len(data) != length:
        raise RefusedError("it ends in the middle")
    entries = list(_iter_records(data, count))
    _check_layout(file, entries, offset)
    if directory(entries, offset) != data + _read_rest(file, offset + length):
        raise RefusedError("its directory is not as acode writes it")
    return entries


def _read_rest(file: BinaryIO, offset: int) -> bytes:
    file.seek(offset)
    return file.read(_END.size + _END64.size + _LOCATOR.size + 1)


def _read_end(file: BinaryIO, file_size: int) -> tuple[int, int, int]:
    """Return count, length and offset of the directory, which must end where its end records begin."""
    if file_size < _END.size:
        raise RefusedError("it is no zip file" if file_size else "it is empty")
    file.seek(file_size - _END.size)
    mark, disk, first_disk, here, count, length, offset, comment = _END.unpack(file.read(_END.size))
    if mark != b"PK\5\6":
        raise RefusedError("it is no zip file, or something was appended to it")
    if comment or disk or first_disk or here != count:
        raise RefusedError("it has a comment, or is a part of several")
    tail = _END.size
    if _16 in (here, count) or _32 in (length, offset):
        tail += _END64.size + _LOCATOR.size
        count, length, offset = _read_end64(file, file_size - tail)
    if count > MAX_ENTRIES or length > MAX_DIRECTORY_BYTES:
        raise RefusedError(f"it has {count} entries, more than {MAX_ENTRIES}, or an endless directory")
    if offset + length + tail != file_size:
        raise RefusedError("something lies before, behind or within its directory")
    return count, length, offset


def _read_end64(file: BinaryIO, where: int) -> tuple[int, int, int]:
    if where < 0:
        raise RefusedError("its 64-bit end record is missing")
    file.seek(where)
    mark, *_, count, length, offset = _END64.unpack(file.read(_END64.size))
    if mark != b"PK\6\6":
        raise RefusedError("its 64-bit end record is missing")
    return count, length, offset


def _iter_records(data: bytes, count: int) -> Iterator[Entry]:
    at = 0
    for _ in range(count):
        if at + _CENTRAL.size > len(data):
            raise RefusedError("its directory has fewer entries than it says")
        entry, at = _record(data, at)
        yield entry
    if at != len(data):
        raise RefusedError("its directory has more in it than it says")


def _record(data: bytes, at: int) -> tuple[Entry, int]:
    (mark, _, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment_length,
     disk, _, mode, offset) = _CENTRAL.unpack_from(data, at)  # fmt: skip
    at += _CENTRAL.size
    raw = data[at : at + name_length]
    extra = data[at + name_length : at + name_length + extra_length]
    if mark != b"PK\1\2" or len(raw) != name_length or len(extra) != extra_length:
        raise RefusedError("its directory is torn")
    if not raw.isascii():
        raise RefusedError("a name is not plain text", raw.decode("utf-8", "replace"))
    name = raw.decode("ascii")
    _check_kind(name, flags, method, mode, comment_length, disk)
    size, packed, offset = _widened(name, extra, size, packed, offset)
    return Entry(name, method, crc, packed, size, offset), at + name_length + extra_length


def _check_kind(name: str, flags: int, method: int, mode: int, comment_length: int, disk: int) -> None:
    if flags & 1 or flags & 0x2040:
        raise RefusedError("it is encrypted", name)
    if flags:
        raise RefusedError(f"its flags are {flags:#x}", name)
    if method not in (STORED, DEFLATED):
        raise RefusedError(f"it is packed by method {method}", name)
    if name.endswith("/"):
        raise RefusedError("it is a folder", name)
    if mode != _MODE:
        kind = "a symbolic link" if mode >> 28 == 0o12 else "no regular file of mode 644"
        raise RefusedError(f"it is {kind}", name)
    if comment_length or disk:
        raise RefusedError("it has a comment, or lies elsewhere", name)


def _widened(name: str, extra: bytes, *values: int) -> list[int]:
    """Return sizes and offset with those that were too long for their field."""
    missing = sum(value == _32 for value in values)
    if len(extra) != (4 + 8 * missing if missing else 0):
        raise RefusedError("it has an extra field", name)
    if not missing:
        return list(values)
    tag, length, *long = struct.unpack(f"<2H{missing}Q", extra)
    if tag != 1 or length != 8 * missing:
        raise RefusedError("it has an extra field", name)
    return [long.pop(0) if value == _32 else value for value in values]


def _check_layout(file: BinaryIO, entries: list[Entry], end: int) -> None:
    """Refuse entries that overlap, leave gaps or have another header; add what only the header says."""
    expected = 0
    for number, entry in enumerate(entries):
        if entry.offset != expected:
            raise RefusedError("entries overlap, or something lies between them", entry.name)
        entries[number] = entry = _with_width(file, entry)
        if entry.end > end:
            raise RefusedError("it reaches into the directory", entry.name)
        if entry.method == STORED and entry.packed != entry.size:
            raise RefusedError("its two sizes differ", entry.name)
        if entry.size > max(RATIO_FREE_BYTES, entry.packed * MAX_RATIO):
            raise RefusedError(f"it would grow {entry.size // max(1, entry.packed)} times", entry.name)
        expected = entry.end
    if expected != end:
        raise RefusedError("something lies between its last entry and its directory")


def _with_width(file: BinaryIO, entry: Entry) -> Entry:
    file.seek(entry.offset)
    head = file.read(header_length(entry.name, wide=True))
    if len(head) >= _LOCAL.size:
        is_wide = head[28:30] == b"\x14\0"
        both = Entry(entry.name, entry.method, entry.crc, entry.packed, entry.size, entry.offset, is_wide)
        expected = local_header(both) if is_wide or max(entry.packed, entry.size) <= _32 else b""
        if expected and head.startswith(expected):
            return both
    raise RefusedError("its header says something else than the directory", entry.name)
