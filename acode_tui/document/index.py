"""Where the lines of a file are: the number of line breaks in each 256 KiB of it.

An index of a 1 GB file takes 32 KB and is made at the speed of reading; the place of a line is then found
within one chunk. Nothing is mapped into memory: a mapped file counts as the program's own memory, and a
search over it would hold the interpreter's lock.
"""

from __future__ import annotations

import os
import threading
from array import array
from bisect import bisect_left
from typing import BinaryIO, Protocol

CHUNK = 256 * 1024


class Source:
    """The bytes of a file, read from anywhere; for one thread at a time, except `read`."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._lock = threading.Lock()
        try:
            self._fd = content.fileno()
            self._plain = os.lseek(self._fd, 0, os.SEEK_END) == content.seek(0, os.SEEK_END)
        except OSError:
            self._fd, self._plain = -1, False

    def size(self) -> int:
        """Return how long the content is now."""
        if self._plain:
            return os.fstat(self._fd).st_size
        with self._lock:
            return self._content.seek(0, os.SEEK_END)

    def read(self, offset: int, count: int) -> bytes:
        """Return up to so many bytes from a place; fewer only at the end."""
        if self._plain:
            return os.pread(self._fd, count, offset)
        with self._lock:
            self._content.seek(offset)
            return self._content.read(count)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._content.close()


class Content(Protocol):
    """Bytes that may grow: a file, or two that are read as one."""

    def size(self) -> int:
        """Return how long the content is now."""

    def read(self, offset: int, count: int) -> bytes:
        """Return up to so many bytes from a place."""

    def close(self) -> None:
        """Let go of it."""


class LineIndex:
    """How many line breaks there are up to the end of each chunk.

    One thread extends it, others may read at the same time: `array.append` is atomic, and the counts of
    finished chunks never change.
    """

    def __init__(self, source: Content) -> None:
        self.source = source
        self.size = 0
        self.breaks = 0
        self.is_exact = False
        self._ends_with_break = True
        self._full = array("Q")
        self._full_breaks = 0

    @property
    def lines(self) -> int:
        """How many lines the part that was read has."""
        return self.breaks + (0 if self._ends_with_break else 1)

    def extend(self, budget: int) -> bool:
        """Read on by at most so many bytes; return whether the end was reached.

        What is left of a chunk that was not full is read again: the file may have grown.
        """
        total = self.source.size()
        if total < self.size:
            self._restart()
        spent = 0
        while spent < budget and self.size < total:
            offset = len(self._full) * CHUNK
            data = self.source.read(offset, CHUNK)
            spent += len(data)
            breaks = self._full_breaks + data.count(b"\n")
            self.breaks, self.size = breaks, offset + len(data)
            self._ends_with_break = data.endswith(b"\n") or not data
            if len(data) < CHUNK:
                break
            self._full_breaks = breaks
            self._full.append(breaks)
        self.is_exact = self.size >= total or spent < budget
        return self.is_exact

    def estimated_lines(self) -> int:
        """Return how many lines there will be, going by those that were counted."""
        if self.is_exact or not self.size:
            return self.lines
        return max(self.lines, int(self.lines * self.source.size() / self.size))

    def offset_of(self, line: int) -> int:
        """Return where a line begins; the end of what was read for one that is beyond it."""
        if line <= 0:
            return 0
        if line > self.breaks:
            return self.size
        chunk = bisect_left(self._full, line)
        before = self._full[chunk - 1] if chunk else 0
        base = chunk * CHUNK
        return base + nth_break(self.source.read(base, CHUNK), line - before) + 1

    def line_of(self, offset: int) -> int:
        """Return the number of the line that a place is in."""
        chunk = min(offset // CHUNK, len(self._full))
        before = self._full[chunk - 1] if chunk else 0
        base = chunk * CHUNK
        return before + self.source.read(base, max(0, offset - base)).count(b"\n")

    def _restart(self) -> None:
        self._full = array("Q")
        self._full_breaks = self.breaks = self.size = 0
        self._ends_with_break = True


def nth_break(data: bytes, number: int) -> int:
    """Return where the n-th line break (from 1) of some bytes is, or -1.

    Halving first keeps this fast for a chunk of 200,000 empty lines.
    """
    start, end = 0, len(data)
    while end - start > 4096:
        middle = (start + end) // 2
        here = data.count(b"\n", start, middle)
        if here >= number:
            end = middle
        else:
            start, number = middle, number - here
    place = start - 1
    for _ in range(number):
        place = data.find(b"\n", place + 1)
        if place < 0:
            return -1
    return place
