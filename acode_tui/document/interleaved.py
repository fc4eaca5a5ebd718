"""Both streams of a run as one content, in the order in which they came, without writing it anywhere.

`output.idx` (described in `collector.record.output_index`) says whose the next bytes are. Of it only every
512th place is kept, so that a recording of any length costs a few kilobytes; what lies between is decoded
again when it is read.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right

from acode_tui.document.index import Source

HEADER = b"acode-output-index 1\n"
_STEP = 512
_BLOCK = 64 * 1024


class Interleaved:
    """Reads like a `Source`; `is_complete` also shows what the index does not mention, stdout first.

    While a run goes on, bytes that are not in the index yet have no place: they are left out.
    """

    def __init__(
        self, streams: tuple[Source | None, Source | None], index: Source, is_complete: bool
    ) -> None:
        self._streams = streams
        self._index = index
        self._is_complete = is_complete
        self._lock = threading.Lock()
        self._is_open = True
        self._sizes = [0, 0]
        # Of every 512th piece: its place in the whole, in stdout, in stderr, and in the index.
        self._marks = tuple(array("Q", [first]) for first in (0, 0, 0, len(HEADER)))
        self._end = [0, 0, 0, len(HEADER)]
        self._count = 0

    def size(self) -> int:
        """Return how long the content is now."""
        with self._lock:
            return self._catch_up()

    def read(self, offset: int, count: int) -> bytes:
        """Return up to so many bytes from a place; fewer only at the end."""
        with self._lock:
            whole = self._catch_up()
            count = min(count, whole - offset)
            if count <= 0:
                return b""
            indexed = self._end[0]
            data = self._read_pieces(offset, min(count, indexed - offset)) if offset < indexed else b""
            if len(data) < count:
                data += self._read_rest(offset + len(data) - indexed, count - len(data))
            return data

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._is_open = False
            for source in (*self._streams, self._index):
                if source is not None:
                    source.close()

    # The index

    def _catch_up(self) -> int:
        """Take note of the pieces that have been added; return how long the whole is."""
        if not self._is_open:
            raise ValueError("it was let go of")
        self._sizes = [source.size() if source is not None else 0 for source in self._streams]
        whole = self._end[0]
        if not self._is_complete or not self._count:
            while data := self._index.read(self._end[3], _BLOCK):
                if not self._take(data):
                    break
            whole = self._end[0]
        if self._is_complete:
            whole += sum(self._sizes) - self._end[1] - self._end[2]
        return whole

    def _take(self, data: bytes) -> bool:
        """Go through a part of the index; return whether to go on behind it."""
        base, before = self._end[3], self._end[3]
        for stream, length, end in _pieces(data):
            left = self._sizes[stream] - self._end[1 + stream]
            if length > left:
                if not self._is_complete:
                    return False  # the bytes are still on their way
                length = max(0, left)
            self._end[0] += length
            self._end[1 + stream] += length
            self._end[3] = base + end
            self._count += 1
            if self._count % _STEP == 0:
                for mark, value in zip(self._marks, self._end, strict=True):
                    mark.append(value)
        return self._end[3] > before

    # Reading

    def _read_pieces(self, offset: int, count: int) -> bytes:
        """Return bytes that the index knows: one read for each stream, then put in order."""
        number = bisect_right(self._marks[0], offset) - 1
        place, out, err, at = (mark[number] for mark in self._marks)
        starts, parts = [out, err], list[tuple[int, int]]()
        skipped, seen = [out, err], set[int]()
        while place < offset + count:
            data = self._index.read(at, _BLOCK)
            used = 0
            for stream, length, end in _pieces(data):
                used = end
                length = min(length, max(0, self._sizes[stream] - skipped[stream]))
                low, high = max(place, offset), min(place + length, offset + count)
                if low < high:
                    if stream not in seen:
                        seen.add(stream)
                        starts[stream] = skipped[stream] + low - place
                    parts.append((stream, high - low))
                place += length
                skipped[stream] += length
                if place >= offset + count:
                    break
            if not used:
                break
            at += used
        return self._joined(starts, parts)

    def _joined(self, starts: list[int], parts: list[tuple[int, int]]) -> bytes:
        taken = [sum(length for s, length in parts if s == stream) for stream in (0, 1)]
        whole = [
            source.read(start, length) if length and source is not None else b""
            for source, length, start in zip(self._streams, taken, starts, strict=True)
        ]
        pieces, places = [], [0, 0]
        for stream, length in parts:
            pieces.append(whole[stream][places[stream] : places[stream] + length])
            places[stream] += length
        return b"".join(pieces)

    def _read_rest(self, offset: int, count: int) -> bytes:
        """Return bytes that the index does not mention."""
        left = self._sizes[0] - self._end[1]
        data = b""
        out, err = self._streams
        if offset < left and out is not None:
            data = out.read(self._end[1] + offset, min(count, left - offset))
        if len(data) < count and err is not None:
            data += err.read(self._end[2] + max(0, offset - left), count - len(data))
        return data


def _pieces(data: bytes) -> list[tuple[int, int, int]]:
    """Return (stream, length, where its entry ends) for every whole entry; stream 0 is stdout."""
    found: list[tuple[int, int, int]] = []
    position, end = 0, len(data)
    try:
        while position < end:
            while data[position] >= 0x80:  # the time, which is not needed
                position += 1
            position += 1
            packed = shift = 0
            while (byte := data[position]) >= 0x80:
                packed |= (byte & 0x7F) << shift
                shift += 7
                position += 1
            position += 1
            packed |= byte << shift
            found.append((packed & 1, packed >> 1, position))
    except IndexError:
        pass  # the last entry is still being written
    return found
