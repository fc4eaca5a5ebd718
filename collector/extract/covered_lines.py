"""Coverage as it is gathered file by file: what several parts of a report say of one file is united.

A line is known, or known and hit; branches and functions likewise, by whatever identifies them. Files that
are done are kept packed, so that reports of hundreds of megabytes fit; the bounds below are far above what
real reports hold.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace

from collector.model.results import CoverageReport, FileCoverage

MAX_LINE = 1_000_000
MAX_FILES = 100_000
MAX_PATH = 4_000
MAX_ALL_LINES = 100_000_000
MAX_RANGES = 500_000

_POSITIVE = (1 << 61) - 1
KNOWN, HIT = 1, 3  # a hit line is a known one: united by "or"
_UNCOVERED = re.compile(rb"\x01+")


@dataclass(slots=True)
class FileMarks:
    """What was told of one file.

    `lines` holds KNOWN or HIT for each line number, `branches` and `functions` whether they were hit; None
    where the producer does not measure them.
    """

    lines: bytearray = field(default_factory=bytearray)
    branches: dict[int, bool] | None = None
    functions: dict[int, bool] | None = None

    def mark(self, numbers: Iterable[int], state: int) -> None:
        """Mark lines as known or hit; numbers below 1 and above MAX_LINE are no lines."""
        wanted = list(numbers)
        if wanted and not (min(wanted) > 0 and max(wanted) <= MAX_LINE):
            wanted = [number for number in wanted if 0 < number <= MAX_LINE]
        lines, missing = self.lines, max(wanted, default=-1) + 1 - len(self.lines)
        lines.extend(bytes(max(missing, 0)))
        for number in wanted:
            lines[number] |= state

    def tell_branches(self, told: Iterable[tuple[Hashable, bool]]) -> None:
        """Tell of branches, each identified within its file, whether they were hit."""
        self.branches = _tell(self.branches, told)

    def tell_functions(self, told: Iterable[tuple[Hashable, bool]]) -> None:
        """Tell of functions, each identified within its file, whether they were hit."""
        self.functions = _tell(self.functions, told)


@dataclass(frozen=True, slots=True)
class _Packed:
    lines: bytes
    branches: array[int] | None
    functions: array[int] | None


class CoverageFiles:
    """The files of one report."""

    def __init__(self) -> None:
        self._files: dict[str, _Packed] = {}
        self._counted: dict[str, FileCoverage] = {}
        self._all_lines = 0
        self._left_out = 0

    def add(self, path: str, marks: FileMarks) -> None:
        """Unite what was told of a file with what is known of it; `marks` must not be used any more."""
        if not self._has_room(path, len(marks.lines)):
            return
        earlier = self._files.get(path)
        if earlier is not None:
            _unite(marks, earlier)
        self._files[path] = _Packed(
            zlib.compress(marks.lines, 1), _pack(marks.branches), _pack(marks.functions)
        )

    def add_counts(self, counts: FileCoverage) -> None:
        """Take a file of which nothing but counts is told, unless its lines are."""
        if self._has_room(counts.path, 0):
            self._counted[counts.path] = counts

    def _has_room(self, path: str, lines: int) -> bool:
        self._all_lines += lines
        is_new = path not in self._files and path not in self._counted
        fits = len(self._files) + len(self._counted) < MAX_FILES or not is_new
        if fits and len(path) <= MAX_PATH and self._all_lines <= MAX_ALL_LINES:
            return True
        self._left_out += 1
        return False

    def report(self, source: str, problems: Iterable[str]) -> CoverageReport:
        """Count everything; files without branches have 0 of them where others have some."""
        files = {path: counts for path, counts in self._counted.items() if path not in self._files}
        room = MAX_RANGES
        for path, packed in self._files.items():
            files[path] = _count(path, packed, room)
            room -= len(files[path].uncovered)
        told = [f"{source}: {problem}" for problem in problems]
        if self._left_out:
            told.append(f"{source}: {self._left_out:,} parts of it are beyond the limits and left out")
        if room <= 0:
            told.append(f"{source}: more than {MAX_RANGES:,} uncovered ranges, the rest is left out")
        return total_coverage(files.values(), (source,), told)


def total_coverage(
    files: Iterable[FileCoverage], sources: Iterable[str], problems: Iterable[str]
) -> CoverageReport:
    """Make a report of files: sorted, with totals. What one file measures is not None for any."""
    found = sorted(files, key=lambda file: file.path)
    if any(file.branches is not None for file in found):
        found = [_with_branches(file) for file in found]
    if any(file.functions is not None for file in found):
        found = [_with_functions(file) for file in found]
    return CoverageReport(
        lines=sum(file.lines for file in found),
        lines_covered=sum(file.lines_covered for file in found),
        branches=_sum(file.branches for file in found),
        branches_covered=_sum(file.branches_covered for file in found),
        functions=_sum(file.functions for file in found),
        functions_covered=_sum(file.functions_covered for file in found),
        files=tuple(found),
        sources=tuple(sources),
        problems=tuple(problems),
    )


def _with_branches(file: FileCoverage) -> FileCoverage:
    return file if file.branches is not None else replace(file, branches=0, branches_covered=0)


def _with_functions(file: FileCoverage) -> FileCoverage:
    return file if file.functions is not None else replace(file, functions=0, functions_covered=0)


def _sum(counts: Iterable[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None


def _tell(marks: dict[int, bool] | None, told: Iterable[tuple[Hashable, bool]]) -> dict[int, bool] | None:
    for key, is_hit in told:
        marks = {} if marks is None else marks
        number = hash(key) & _POSITIVE
        if is_hit or number not in marks:
            marks[number] = is_hit
    return marks


def _pack(marks: dict[int, bool] | None) -> array[int] | None:
    return None if marks is None else array("q", (key << 1 | hit for key, hit in marks.items()))


def _unite(marks: FileMarks, packed: _Packed) -> None:
    """Take what is known of a file already into what is told of it now."""
    earlier = zlib.decompress(packed.lines)
    length = max(len(earlier), len(marks.lines))
    both = int.from_bytes(earlier, "little") | int.from_bytes(marks.lines, "little")
    marks.lines = bytearray(both.to_bytes(length, "little"))
    marks.branches = _united(marks.branches, packed.branches)
    marks.functions = _united(marks.functions, packed.functions)


def _united(marks: dict[int, bool] | None, packed: array[int] | None) -> dict[int, bool] | None:
    if packed is None:
        return marks
    united = marks or {}
    for number in packed:
        united[number >> 1] = bool(number & 1) or united.get(number >> 1, False)
    return united


def _count(path: str, packed: _Packed, room: int) -> FileCoverage:
    lines = zlib.decompress(packed.lines)
    uncovered = [(match.start(), match.end() - 1) for match in _UNCOVERED.finditer(lines)]
    hit = lines.count(HIT)
    branches, functions = packed.branches, packed.functions
    return FileCoverage(
        path=path, lines=hit + lines.count(KNOWN), lines_covered=hit,
        uncovered=tuple(uncovered[:max(room, 0)]),
        branches=None if branches is None else len(branches),
        branches_covered=None if branches is None else sum(number & 1 for number in branches),
        functions=None if functions is None else len(functions),
        functions_covered=None if functions is None else sum(number & 1 for number in functions),
    )  # fmt: skip
