"""The zip of a bundle where it needs 64 bits: many entries, long ones, far ones; others read it the same."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from collector.bundle.container import (
    STORED,
    Entry,
    RefusedError,
    directory,
    local_header,
    read_directory,
)


def written(path: Path, lengths: list[int]) -> list[Entry]:
    """Write a zip of stored entries of zeros, which take no room on the disk; return them."""
    entries: list[Entry] = []
    with path.open("wb") as file:
        for number, length in enumerate(lengths):
            wide = length >= 0xFFFFFFFF
            entry = Entry(f"data/{number}", STORED, 0, length, length, file.tell(), wide)
            entries.append(entry)
            file.write(local_header(entry))
            file.seek(entry.end)
        file.write(directory(entries, file.tell()))
    return entries


def entries_of(path: Path) -> list[Entry]:
    with path.open("rb") as file:
        return read_directory(file, path.stat().st_size)


@pytest.mark.parametrize(
    "lengths",
    [[0], [5, 0, 7], [0xFFFFFFFE], [0xFFFFFFFF, 3], [5 << 30, 1], [3 << 30, 3 << 30, 2], [0] * 65_535],
    ids=["one", "few", "just short", "just long", "long", "far", "many"],
)  # fmt: skip
def test_what_is_written_is_read_back_by_us_and_by_others(lengths: list[int], tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    entries = written(path, lengths)
    assert entries_of(path) == entries
    with zipfile.ZipFile(path) as other:
        found = [(info.filename, info.file_size, info.header_offset) for info in other.infolist()]
    assert found == [(entry.name, entry.size, entry.offset) for entry in entries]


def test_every_change_of_the_64_bit_records_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    written(path, [5 << 30, 1])
    size = path.stat().st_size
    for back in range(1, 22 + 20 + 56 + 1):
        with path.open("r+b") as file:
            file.seek(size - back)
            (before,) = file.read(1)
            file.seek(size - back)
            file.write(bytes([before ^ 1]))
            file.flush()
            with pytest.raises(RefusedError):
                read_directory(file, size)
            file.seek(size - back)
            file.write(bytes([before]))
    assert len(entries_of(path)) == 2


def test_more_entries_than_a_bundle_may_have_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "x.zip", [0] * 100_001)
    with pytest.raises(RefusedError, match="100001 entries"):
        entries_of(tmp_path / "x.zip")
