"""Reads the file that the viewer shows: lines in one thread, counting and searching in another.

A file is open as soon as its first bytes are read; how many lines it has is found out meanwhile, and a
file that grows is counted on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from acode_tui.document import (
    Hits,
    Line,
    LineIndex,
    Needle,
    find_error,
    find_next,
    read_lines,
    read_tail,
    search,
)
from acode_tui.document.hexdump import HexIndex, hex_lines, is_binary
from acode_tui.messages import (
    ErrorFound,
    FileCounted,
    FileEntry,
    FileFailed,
    FileOpened,
    LinesRead,
    RunRead,
    SearchMoved,
)
from acode_tui.messages.reports import PrintedFound
from acode_tui.render.ansi import PLAIN, Styled, parse_line
from acode_tui.render.code import color_code, color_levels, language_of
from acode_tui.render.format import size as format_size
from acode_tui.source.desk import Desk, Post
from acode_tui.source.open import Unreadable, open_entry
from acode_tui.source.printed import find_printed
from acode_tui.source.runs import list_files
from collector import Run, Workspace, append_audit

BLOCK = 128
"""Lines that are read at once."""
TAIL = 1000
_STEP = 8 * 1024 * 1024
_REPORT = 0.08
_POLL = 0.1


class FileReader:
    """Reads one file after the other; every answer carries the token of the file it is about."""

    def __init__(self, workspace: Workspace, post: Post) -> None:
        self.post = post
        self.token = 0
        self._reader = Desk("acode-lines", workspace, post)
        self._scanner = Desk("acode-scan", workspace, post)
        self._index: LineIndex | None = None
        self._language: str | None = None
        self._hits: Hits | None = None

    def start(self) -> None:
        """Begin to work."""
        self._reader.start()
        self._scanner.start()

    def close(self) -> None:
        """Stop, and let go of the file."""
        self.token += 1
        for desk in (self._reader, self._scanner):
            desk.close()
        for desk in (self._reader, self._scanner):
            desk.join()
        self._let_go()

    def list_files(self, run: Run) -> None:
        """Read a run anew, with the files it has."""

        def job() -> None:
            stores = self._reader.stores()
            found = stores[0].find(run.run_id) or run
            self.post(RunRead(found, list_files(found, stores)))

        self._reader.submit(job)

    def open(self, entry: FileEntry, grows: bool) -> int:
        """Open a file; `grows` keeps looking for more of it. Return its token."""
        self.token += 1
        token = self.token
        self._reader.submit(lambda: self._open(token, entry, grows))
        return token

    def read_blocks(self, numbers: Sequence[int]) -> None:
        """Read blocks of lines."""
        token = self.token
        for number in numbers:
            self._reader.submit(lambda n=number: self._read_block(token, n))  # type: ignore[misc]

    def search(self, text: str, line: int) -> None:
        """Search the file; the first hit from a line on is reported as soon as there is one."""
        token = self.token
        self._scanner.submit(lambda: self._search(token, text, line))

    def next_hit(self, line: int, column: int, forward: bool) -> None:
        """Find the next hit from a place on."""
        token = self.token
        self._reader.submit(lambda: self._next_hit(token, line, column, forward))

    def next_error(self, line: int, forward: bool) -> None:
        """Find the next line below (or above) one that tells of a failure."""
        token = self.token
        self._scanner.submit(lambda: self._next_error(token, line, forward))

    def find_printed(self, name: str, message: str) -> None:
        """Find where the failure of a test was printed."""
        token = self.token
        self._reader.submit(lambda: self._scanner.submit(lambda: self._find_printed(token, name, message)))

    # In the reader

    def _open(self, token: int, entry: FileEntry, grows: bool) -> None:
        if token != self.token:
            return
        try:
            source = open_entry(entry, self._reader.stores(), grows)
            head = source.read(0, 8192)
        except (Unreadable, OSError) as error:
            self.post(FileFailed(token, str(error)))
            return
        self._let_go()
        self._hits = None
        binary = is_binary(head)
        self._language = None if binary else language_of(entry.path, head)
        self._index = index = HexIndex(source) if binary else LineIndex(source)
        index.extend(1)
        self.post(FileOpened(token, "binary" if binary else self._language or "text", source.size()))
        self._count(token, index)
        self._read_block(token, 0)
        details = {"path": entry.path, "through": "inspector"}
        append_audit(self._reader.workspace, "access", entry.artifact_id or "", details)
        self._scanner.submit(lambda: self._scan(token, index, grows))

    def _let_go(self) -> None:
        index, self._index = self._index, None
        if index is not None:
            index.source.close()

    def _read_block(self, token: int, number: int) -> None:
        index = self._index
        if token != self.token or index is None:
            return
        try:
            lines = self._lines(index, number * BLOCK)
        except (OSError, ValueError):
            # The file was let go of meanwhile.
            return
        language = self._language
        is_whole = index.is_exact or (number + 1) * BLOCK < index.breaks
        if language is None:
            self.post(LinesRead(token, number, [color_levels(line) for line in lines], is_whole=is_whole))
            return
        self.post(LinesRead(token, number, lines, is_final=False, is_whole=is_whole))
        self._reader.submit(lambda: self._color_block(token, number, lines, language))

    def _color_block(self, token: int, number: int, lines: list[Styled], language: str) -> None:
        if token == self.token:
            self.post(LinesRead(token, number, color_code(lines, language)))

    def _lines(self, index: LineIndex, first: int) -> list[Styled]:
        if isinstance(index, HexIndex):
            return hex_lines(index, first, BLOCK)
        return style_lines(read_lines(index, first, BLOCK))

    def _next_hit(self, token: int, line: int, column: int, forward: bool) -> None:
        index, hits = self._index, self._hits
        if token != self.token or index is None or hits is None:
            return
        offset = index.offset_of(line) + column
        self._report_hit(token, index, hits, offset, forward)

    def _report_hit(
        self, token: int, index: LineIndex, hits: Hits, offset: int, forward: bool = True
    ) -> bool:
        found = find_next(index, hits, offset, forward)
        if found is None:
            self._report_search(token, hits)
            return False
        place, number = found
        line = index.line_of(place)
        self.post(
            SearchMoved(
                token, hits.needle.text, hits.total, hits.is_complete,
                line, place - index.offset_of(line), number,
            )
        )  # fmt: skip
        return True

    def _report_search(self, token: int, hits: Hits) -> None:
        self.post(SearchMoved(token, hits.needle.text, hits.total, hits.is_complete))

    # In the scanner

    def _is_over(self, token: int) -> bool:
        return token != self.token or self._scanner.stop.is_set()

    def _scan(self, token: int, index: LineIndex, grows: bool) -> None:
        """Count the lines; of a growing file once more every time it is asked for."""
        told = time.monotonic()
        try:
            while not self._is_over(token) and not index.extend(_STEP):
                if time.monotonic() - told > _REPORT:
                    told = time.monotonic()
                    self._count(token, index)
            self._count(token, index)
        except (OSError, ValueError):
            return
        if grows and not self._is_over(token):
            self._scanner.submit(lambda: self._watch(token, index))

    def _watch(self, token: int, index: LineIndex) -> None:
        """Look whether the file has grown, then make room for a search, then look again."""
        if self._is_over(token):
            return
        try:
            if index.source.size() != index.size:
                index.extend(1 << 40)
                self._count(token, index)
        except (OSError, ValueError):
            return
        self._scanner.stop.wait(_POLL)
        self._scanner.submit(lambda: self._watch(token, index))

    def _count(self, token: int, index: LineIndex) -> None:
        tail: list[Styled] = []
        if not index.is_exact and not isinstance(index, HexIndex):
            tail = style_lines(read_tail(index, TAIL))
        self.post(FileCounted(token, index.estimated_lines(), index.is_exact, index.source.size(), tail))

    def _next_error(self, token: int, line: int, forward: bool) -> None:
        index = self._index
        if index is None or isinstance(index, HexIndex):
            return
        found: int | None = None
        try:
            for place in find_error(index, line, forward):
                if self._is_over(token):
                    return
                found = place
        except (OSError, ValueError):
            return
        self.post(ErrorFound(token, found))

    def _find_printed(self, token: int, name: str, message: str) -> None:
        index = self._index
        if self._is_over(token) or index is None or isinstance(index, HexIndex):
            return
        found: int | None = None
        try:
            for place in find_printed(index, name, message):
                if self._is_over(token):
                    return
                found = place
        except (OSError, ValueError):
            return
        self.post(PrintedFound(token, found))

    def _search(self, token: int, text: str, line: int) -> None:
        index = self._index
        if self._is_over(token) or index is None or isinstance(index, HexIndex):
            return
        hits = self._hits = Hits(Needle.of(text))
        offset = index.offset_of(line)
        told, found = time.monotonic(), False
        try:
            for _ in search(index, hits.needle, hits):
                if self._is_over(token) or self._hits is not hits:
                    return
                if not found and hits.total and hits.searched > offset:
                    found = self._report_hit(token, index, hits, offset)
                elif time.monotonic() - told > _REPORT:
                    told = time.monotonic()
                    self._report_search(token, hits)
            if not found and hits.total:
                self._report_hit(token, index, hits, offset)
            self._report_search(token, hits)
        except (OSError, ValueError):
            return


def style_lines(lines: Sequence[Line]) -> list[Styled]:
    """Return recorded lines made harmless, with their colours; says how much of a long one is left out."""
    styled = []
    state = PLAIN
    for line in lines:
        result, state = parse_line(line.data, state)
        if line.cut:
            note = f" … {format_size(line.cut)} more"
            start = len(result.text)
            spans = (*result.spans, (start, start + len(note), "accent"))
            result = Styled(result.text + note, spans)
        styled.append(result)
    return styled
