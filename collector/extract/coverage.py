"""Coverage reports, in whatever format, and several of them as one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from typing import BinaryIO

from collector.extract.cobertura import Cobertura
from collector.extract.coverage_json import read_json
from collector.extract.covered_lines import total_coverage
from collector.extract.lcov import read_lcov
from collector.extract.paths import is_absolute
from collector.extract.safe_xml import read_xml
from collector.extract.values import NotResults, pieces
from collector.model.results import CoverageReport, FileCoverage

__all__ = ["NotResults", "merge_coverage", "read_coverage"]

_LCOV = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:\s|#[^\n]*\n)*(?:TN|SF):")
_JSON = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*\{")


def read_coverage(file: BinaryIO, source: str) -> CoverageReport:
    """Read Cobertura XML, lcov, coverage.py's JSON or Istanbul's, told by how the file begins.

    Args:
        file: read to its end, never closed.
        source: what the report and its problems call the file.

    Returns:
        What could be read, by file.

    Raises:
        NotResults: it is something else, or too broken to tell.
    """
    rest = pieces(file)
    head = next(rest, b"")
    everything = chain([head], rest)
    if _LCOV.match(head):
        return read_lcov(everything, source)
    if _JSON.match(head):
        return read_json(everything, source)
    reader, problem = read_xml(everything, {"coverage": Cobertura})
    assert isinstance(reader, Cobertura)
    return reader.report(source, problem)


def merge_coverage(reports: Iterable[CoverageReport]) -> CoverageReport:
    """Put the reports of one run together.

    A file that several of them tell of is one file: by the same path, or one path absolute and the other its
    end, with as many lines and no second candidate. Its covered lines are united, so that the same run in
    two formats changes nothing and the shards of a run add up. Of branches and functions, and where the
    reports do not agree on how many lines there are, only counts can be compared: the fuller one is taken.
    """
    everything = list(reports)
    files: dict[str, FileCoverage] = {}
    for report in everything:
        names = _names(files, report.files)
        for file in report.files:
            known = files.pop(names.get(file.path, file.path), None)
            merged = _united(known, file) if known else file
            files[merged.path] = merged
    return total_coverage(
        files.values(),
        (source for report in everything for source in report.sources),
        (problem for report in everything for problem in report.problems),
    )


def _names(known: dict[str, FileCoverage], files: Iterable[FileCoverage]) -> dict[str, str]:
    """Say which of these files are known by another path, where there is no doubt about it."""
    by_end: dict[tuple[str, int], list[str]] = {}
    for path, file in known.items():
        by_end.setdefault((_base(path), file.lines), []).append(path)
    found = {}
    for file in files:
        alike = [path for path in by_end.get((_base(file.path), file.lines), ()) if _is_end(path, file.path)]
        if file.path not in known and len(alike) == 1:
            found[file.path] = alike[0]
    uses = Counter(found.values())
    return {path: other for path, other in found.items() if uses[other] == 1}


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _is_end(path: str, other: str) -> bool:
    if is_absolute(path) == is_absolute(other):
        return False
    return path.endswith("/" + other) or other.endswith("/" + path)


def _united(known: FileCoverage, file: FileCoverage) -> FileCoverage:
    path = min(known.path, file.path, key=len)
    fuller = max(known, file, key=lambda one: (one.lines, one.lines_covered))
    if known.lines == file.lines and _tells_lines(known) and _tells_lines(file):
        uncovered = _both(known.uncovered, file.uncovered)
        fuller = replace(fuller, uncovered=uncovered, lines_covered=file.lines - _length(uncovered))
    branches, branches_covered = _fuller(
        (known.branches, known.branches_covered), (file.branches, file.branches_covered)
    )
    functions, functions_covered = _fuller(
        (known.functions, known.functions_covered), (file.functions, file.functions_covered)
    )
    return replace(
        fuller, path=path, branches=branches, branches_covered=branches_covered,
        functions=functions, functions_covered=functions_covered,
    )  # fmt: skip


def _fuller(*counts: tuple[int | None, int | None]) -> tuple[int | None, int | None]:
    return max(counts, key=lambda count: (count[0] if count[0] is not None else -1, count[1] or 0))


def _tells_lines(file: FileCoverage) -> bool:
    return _length(file.uncovered) == file.lines - file.lines_covered


def _length(ranges: Iterable[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _both(
    one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], ...]:
    """Return the lines that are in both; ranges are sorted."""
    found, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        first, last = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if first <= last:
            found.append((first, last))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)
