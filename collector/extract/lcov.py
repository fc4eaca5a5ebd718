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

_FILE = re.compile(rb"^SF:", re.MULTILINE)
_LINE = re.compile(rb"^DA:(\d{1,9}),", re.MULTILINE)
_LINE_HIT = re.compile(rb"^DA:(\d{1,9}),0*[1-9]", re.MULTILINE)
_BRANCH = re.compile(rb"^BRDA:([^\r\n]*),([^,\r\n]*)", re.MULTILINE)
_FUNCTION = re.compile(rb"^FN:\d+,(?:\d+,)?([^\r\n]*)", re.MULTILINE)
_FUNCTION_HITS = re.compile(rb"^FNDA:([^,\r\n]*),([^\r\n]*)", re.MULTILINE)
_NUMBERED = re.compile(rb"^FNL:(\d+),", re.MULTILINE)
_NUMBERED_HITS = re.compile(rb"^FNA:(\d+),([^,\r\n]*)", re.MULTILINE)
_SUM = re.compile(rb"^(LF|LH|BRF|BRH|FNF|FNH):(\d{1,9})", re.MULTILINE)
_END = re.compile(rb"^end_of_record", re.MULTILINE)


class _Record:
    """What is told of one file until the next one begins."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.marks = FileMarks()
        self.sums: dict[bytes, int] = {}
        self.is_ended = False

    def take(self, text: bytes) -> None:
        """Take whole lines of the record."""
        marks = self.marks
        marks.mark(map(int, _LINE.findall(text)), KNOWN)
        marks.mark(map(int, _LINE_HIT.findall(text)), HIT)
        for key, taken in _BRANCH.findall(text):
            marks.branch(key, _is_hit(taken))
        for name in _FUNCTION.findall(text):
            marks.function(name, False)
        for hits, name in _FUNCTION_HITS.findall(text):
            marks.function(name, _is_hit(hits))
        for number in _NUMBERED.findall(text):
            marks.function(int(number[:9]), False)
        for number, hits in _NUMBERED_HITS.findall(text):
            marks.function(int(number[:9]), _is_hit(hits))
        self.sums.update((name, int(count)) for name, count in _SUM.findall(text))
        self.is_ended = self.is_ended or bool(_END.search(text))

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
        before, *records = _FILE.split(block)
        if record:
            record.take(before)
        for text in records:
            if record:
                record.close(files)
            path, _, rest = text.partition(b"\n")
            record = _Record(tidy_path(path.decode(errors="replace").strip()))
            record.take(rest)
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
    return count.lstrip(b"0")[:1] in _DIGITS


_DIGITS = tuple(b"%d" % digit for digit in range(1, 10))
