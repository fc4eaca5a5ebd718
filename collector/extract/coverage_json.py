"""Coverage in JSON: of coverage.py, and of Istanbul (nyc, c8, Jest, Vitest) whole or as a summary."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from collector.extract.covered_lines import HIT, KNOWN, CoverageFiles, FileMarks
from collector.extract.paths import tidy_path
from collector.extract.values import NotResults
from collector.model.results import CoverageReport, FileCoverage

MAX_BYTES = 64 << 20
_FAMILIAR = re.compile(rb'"(?:executed_lines|statementMap|num_statements)"|"lines"\s*:\s*\{\s*"total"')

_Reader = Callable[[str, Any, CoverageFiles], None]


def read_json(pieces: Iterable[bytes], source: str) -> CoverageReport:
    """Read a document of at most 64 MB; a bigger or broken one is a problem, if it is coverage at all.

    Raises:
        NotResults: it is something else.
    """
    text, is_whole = _gather(pieces)
    files = CoverageFiles()
    try:
        if not is_whole:
            raise ValueError(f"JSON of more than {MAX_BYTES >> 20} MB is not read")
        document = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        if not _FAMILIAR.search(text[: 1 << 20]):
            raise NotResults(str(error)) from error
        return files.report(source, [f"broken JSON: {error}" if is_whole else str(error)])
    damaged = 0
    for path, told, reader in _entries(document):
        try:
            reader(tidy_path(path), told, files)
        except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError):
            damaged += 1
    return files.report(
        source, [f"{damaged:,} files in it are not told as they should be"] if damaged else []
    )


def _gather(pieces: Iterable[bytes]) -> tuple[bytes, bool]:
    """Return the text, and whether it is all of it."""
    held, length = [], 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length > MAX_BYTES:
            return b"".join(held[:16]), False
    return b"".join(held), True


def _entries(document: Any) -> Iterator[tuple[str, Any, _Reader]]:
    """Return every file with what reads it, by what the document looks like."""
    if not isinstance(document, dict):
        raise NotResults("it is JSON without files")
    files = document.get("files")
    if isinstance(files, dict) and "meta" in document and "totals" in document:
        return ((path, told, _read_coverage_py) for path, told in files.items())
    total = document.get("total")
    if isinstance(total, dict) and isinstance(total.get("lines"), dict):
        return ((path, told, _read_summary) for path, told in document.items() if path != "total")
    if any(isinstance(told, dict) and "statementMap" in told.get("data", told) for told in document.values()):
        return ((path, told, _read_istanbul) for path, told in document.items())
    raise NotResults("it is JSON of another kind")


def _read_coverage_py(path: str, told: Mapping[str, Any], files: CoverageFiles) -> None:
    marks = FileMarks()
    marks.mark(told["missing_lines"], KNOWN)
    marks.mark(told["executed_lines"], HIT)
    if "executed_branches" in told:
        marks.branches = {}
        marks.tell_branches((tuple(branch), False) for branch in told["missing_branches"])
        marks.tell_branches((tuple(branch), True) for branch in told["executed_branches"])
    # "" is what stands outside of functions; those without statements are not counted by coverage.py either.
    summaries = {name: function["summary"] for name, function in told.get("functions", {}).items() if name}
    counted = {name: summary for name, summary in summaries.items() if summary["num_statements"]}
    marks.tell_functions((name, summary["covered_lines"] > 0) for name, summary in counted.items())
    files.add(path, marks)


def _read_istanbul(path: str, told: Mapping[str, Any], files: CoverageFiles) -> None:
    """Take a file as Istanbul counts it: a line is what the statements that begin in it are."""
    told = told.get("data", told)
    marks, hits = FileMarks(), told["s"]
    starts = {key: statement["start"]["line"] for key, statement in told["statementMap"].items()}
    marks.mark(starts.values(), KNOWN)
    marks.mark((line for key, line in starts.items() if hits[key] > 0), HIT)
    marks.branches, marks.functions = {}, {}
    arms = [((key, arm), count) for key, counts in told["b"].items() for arm, count in enumerate(counts)]
    marks.tell_branches((key, count > 0) for key, count in arms)
    marks.tell_functions((key, count > 0) for key, count in told["f"].items())
    files.add(path, marks)


def _read_summary(path: str, told: Mapping[str, Any], files: CoverageFiles) -> None:
    counts = {
        name: (int(told[name]["total"]), int(told[name]["covered"]))
        for name in ("lines", "branches", "functions")
    }
    files.add_counts(FileCoverage(
        path=path, lines=counts["lines"][0], lines_covered=counts["lines"][1],
        branches=counts["branches"][0], branches_covered=counts["branches"][1],
        functions=counts["functions"][0], functions_covered=counts["functions"][1],
    ))  # fmt: skip
