"""In which order a command wrote to two pipes that lead to one place.

Two writes that follow each other within microseconds are both there when the reader wakes, and nothing in
the pipes tells which was first. So each pipe is asked for a real-time signal for every write (F_SETSIG,
fcntl(2)): such signals are queued, in order, and name the descriptor. They are blocked and picked up beside
the data; the command notices nothing of it, for only our ends of the pipes are changed.

How long each write was is not told. A stream whose writes are as many as its lines is cut at its lines;
where they are not, lines are given out in proportion.
"""

from __future__ import annotations

import fcntl
import os

from collector.capture.events import EventQueue
from collector.capture.process import ORDER_SIGNAL
from collector.capture.relay import PIPE_BYTES, Relay, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
else:
    import _signal as signals

_MAX_READS = 32
_BURST_WRITES = 200
_CALM_MS = 5


class WriteOrder:
    """Which of some pipes was written to, write by write."""

    def __init__(self, fds: list[int]) -> None:
        self._fds = fds
        self.is_on = False

    def begin(self) -> bool:
        """Ask to be told of every write; False where that cannot be had."""
        try:
            for fd in self._fds:
                fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
                fcntl.fcntl(fd, fcntl.F_SETSIG, ORDER_SIGNAL)
                fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
        except (OSError, AttributeError):
            return False
        self.is_on = True
        return True

    def pause(self) -> None:
        """Ask no more: a long burst of small writes would pay for each."""
        self.is_on = False
        for fd in self._fds:
            try:
                fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_ASYNC)
            except OSError:
                continue  # closed: its reader has gone

    def take(self) -> list[int]:
        """Return the descriptors written to since the last time, in order.

        `si_fd` has no name in Python; on 64-bit Linux it lies where `si_status` does (sigaction(2)).
        """
        found: list[int] = []
        while (info := signals.sigtimedwait({ORDER_SIGNAL}, 0)) is not None:
            found.append(info.si_status)
        return found


class OrderedRelay(Relay):
    """The relay of two pipes that lead to one place, in the order of the command's writes."""

    def __init__(self, sources: list[Source], queue: EventQueue, done_fd: int) -> None:
        super().__init__(sources, queue, done_fd, may_nap=False)
        self._order = WriteOrder([source.fd for source in sources])
        self._can_order = self._order.begin()
        self._early: list[int] = []

    def copy_ready(self, ready: list[tuple[int, int]]) -> int:
        """Copy what is there, in order; after a burst, begin to look at the order again."""
        if self._order.is_on:
            return self._copy_in_order()
        if not ready and self._can_order:
            self.timeout_ms = None
            self._order.begin()
        return super().copy_ready(ready)

    def drain(self) -> None:
        """Copy what the command wrote before it ended, in order as far as there is more than one."""
        left = 2 * PIPE_BYTES
        while left > 0 and self._order.is_on and len(self._sources) > 1:
            copied = self._copy_in_order()
            if not copied:
                break
            left -= copied
        super().drain()

    def _copy_in_order(self) -> int:
        found, order = self._read_all()
        at_end = [fd for fd, parts in found.items() if not parts[-1]]
        for fd in at_end:  # the end of a pipe is told of as a write is
            if fd in order:
                del order[len(order) - 1 - order[::-1].index(fd)]
        sources = dict(self._sources)
        data = {fd: b"".join(parts) for fd, parts in found.items()}
        pieces = interleave({fd: content for fd, content in data.items() if content}, order)
        copied = sum([self.pass_on(sources[fd], piece) for fd, piece in pieces])
        for fd in self._sources.keys() & at_end:
            self.pass_on(sources[fd], b"")
        if len(order) > _BURST_WRITES and len(found) == 1:
            self._order.pause()
            self.timeout_ms = _CALM_MS
        return copied

    def _read_all(self) -> tuple[dict[int, list[bytes]], list[int]]:
        """Read until nothing new has come: then every write that was told of has been read.

        Returns:
            What was read, by descriptor (an empty last part: its end was reached), and the writes.
        """
        found: dict[int, list[bytes]] = {}
        order, self._early = self._early, []
        for _ in range(_MAX_READS):
            new = False
            for fd, source in self._sources.items():
                parts = found.get(fd, [])
                data = source.read() if not parts or parts[-1] else None
                if data is not None:
                    found.setdefault(fd, []).append(data)
                    new = new or bool(data)
            writes = self._order.take()
            order += writes
            if not new and not writes:
                return found, order
        # It goes on writing: what was told of last may not have been read yet.
        order, self._early = _without_early(order, found)
        return found, order


def interleave(data: dict[int, bytes], order: list[int]) -> list[tuple[int, bytes]]:
    """Cut what was read from each descriptor into its turns.

    Args:
        data: what was read, by descriptor.
        order: the descriptors, one for each write.

    Returns:
        Pieces in the order of the writes; together they are all of the data.
    """
    if len(data) < 2:
        return list(data.items())
    turns: list[tuple[int, int]] = []  # descriptor, writes in a row
    for fd in order:
        if fd in data:
            if turns and turns[-1][0] == fd:
                turns[-1] = (fd, turns[-1][1] + 1)
            else:
                turns.append((fd, 1))
    cuts = {fd: _cut(content, [n for f, n in turns if f == fd]) for fd, content in data.items()}
    pieces = [(fd, cuts[fd].pop(0)) for fd, _ in turns]
    pieces += [(fd, rest) for fd, rests in cuts.items() for rest in rests]  # nothing told of these
    return [(fd, piece) for fd, piece in pieces if piece]


def _without_early(order: list[int], found: dict[int, list[bytes]]) -> tuple[list[int], list[int]]:
    """Set the last writes apart that more lines would be needed for than were read."""
    kept, early = list(order), []
    for fd in set(order):
        lines = sum([part.count(b"\n") for part in found.get(fd, [])])
        surplus = order.count(fd) - max(lines, 1)
        for place in range(len(kept) - 1, -1, -1):
            if surplus <= 0:
                break
            if kept[place] == fd:
                early.append((place, fd))
                kept[place] = 0
                surplus -= 1
    return [fd for fd in kept if fd], [fd for _, fd in sorted(early)]


def _cut(content: bytes, writes: list[int]) -> list[bytes]:
    """Cut a stream into its turns, given how many writes each had."""
    if len(writes) < 2:
        return [content]
    lines = content.split(b"\n")
    last = lines.pop()
    lines = [line + b"\n" for line in lines] + ([last] if last else [])
    total, extra = sum(writes), max(0, len(lines) - sum(writes))
    pieces: list[bytes] = []
    begin = seen = 0
    for count in writes:
        seen += count
        end = seen + extra if len(lines) >= total else round(seen * len(lines) / total)
        pieces.append(b"".join(lines[begin:end]))
        begin = end
    pieces[-1] += b"".join(lines[begin:])
    return pieces
