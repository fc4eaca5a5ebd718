"""lcov's tracefiles, in the old and in the new form of functions, as a stream.

A file that several records tell of is united, as genhtml does. `LF` and `LH` are only believed where a record
has no lines of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from collector.extract.covered_lines import HIT, KNOWN, CoverageFiles, FileMarks
from collector.extract.paths import tidy_path
from collector.model.results import CoverageReport, FileCoverage

_MAX_LINE_BYTES = 1 << 16

# Every pattern begins with the end of the line before: a literal is found at once, "^" is tried everywhere.
_FILE = b"\nSF:"
_LINE_MISSED = re.compile(rb"\nDA:(\d{1,9}),(?!0*[1-9])")
_LINE_HIT = re.compile(rb"\nDA:(\d{1,9}),0*[1-9]")
_BRANCH = re.compile(rb"\nBRDA:([^\r\n]*),([^,\r\n]*)")
_FUNCTION = re.compile(rb"\nFN:\d+,(?:\d+,)?([^\r\n]*)")
_FUNCTION_HITS = re.compile(rb"\nFNDA:([^,\r\n]*),([^\r\n]*)")
_NUMBERED = re.compile(rb"\nFNL:(\d{1,9}),")
_NUMBERED_HITS = re.compile(rb"\nFNA:(\d{1,9}),([^,\r\n]*)")
_SUM = re.compile(rb"\n(L[FH]|BR[FH]|FN[FH]):(\d{1,9})")


class _Record:
    """What is told of one file until the next one begins."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.marks = FileMarks()
        self.sums: dict[bytes, int] = {}
        self.is_ended = False

    def take(self, text: bytes) -> None:
        """Take whole lines of the record, with the end of the line before them."""
        marks = self.marks
        marks.mark(map(int, _LINE_MISSED.findall(text)), KNOWN)
        marks.mark(map(int, _LINE_HIT.findall(text)), HIT)
        marks.tell_branches((key, _is_hit(taken)) for key, taken in _BRANCH.findall(text))
        marks.tell_functions((name, False) for name in _FUNCTION.findall(text))
        marks.tell_functions((name, _is_hit(hits)) for hits, name in _FUNCTION_HITS.findall(text))
        marks.tell_functions((int(number), False) for number in _NUMBERED.findall(text))
        marks.tell_functions((int(number), _is_hit(hits)) for number, hits in _NUMBERED_HITS.findall(text))
        self.sums.update((name, int(count)) for name, count in _SUM.findall(text))
        self.is_ended = self.is_ended or b"\nend_of_record" in text

    def close(self, files: CoverageFiles) -> None:
        """Hand over what was told."""
        if self.marks.lines or not self.sums:
            files.add(self.path, self.marks)
        else:
            files.add_counts(self._counts())

    def _counts(self) -> FileCoverage:
        get = self.sums.get
        return FileCoverage(
            path=self.path, lines=get(b"LF", 0), lines_covered=get(b"LH", 0),
            branches=get(b"BRF"), branches_covered=get(b"BRH", 0) if b"BRF" in self.sums else None,
            functions=get(b"FNF"), functions_covered=get(b"FNH", 0) if b"FNF" in self.sums else None,
        )  # fmt: skip


def read_lcov(pieces: Iterable[bytes], source: str) -> CoverageReport:
    """Read a tracefile from pieces of any size."""
    files = CoverageFiles()
    record: _Record | None = None
    for block in _blocks(pieces):
        before, *records = (b"\n" + block).split(_FILE)
        if record:
            record.take(before)
        for text in records:
            if record:
                record.close(files)
            path, end, rest = text.partition(b"\n")
            record = _Record(tidy_path(path.decode(errors="replace").strip()))
            record.take(end + rest)
    if record:
        record.close(files)
    is_cut = record is not None and not record.is_ended
    return files.report(source, ["it ends within a record"] if is_cut else [])


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Return blocks of whole lines; of a line without end only its beginning is kept."""
    rest = b""
    for piece in pieces:
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield rest + piece[:cut]
            rest = piece[cut:]
        elif len(rest) < _MAX_LINE_BYTES:
            rest += piece
    yield rest


def _is_hit(count: bytes) -> bool:
    """Whether a count is above 0; `-` is a branch that was never reached."""
    return count not in _NEVER and count.lstrip(b"0")[:1] in _DIGITS


_NEVER = (b"0", b"-")
_DIGITS = tuple(b"%d" % digit for digit in range(1, 10))
