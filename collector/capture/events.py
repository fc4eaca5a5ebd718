"""The vocabulary between capture and whoever listens.

An event is the tuple `(microseconds, stream, data)`: the monotonic clock, `STDOUT` or `STDERR`, and bytes
as the command wrote them. A plain tuple, because a million of them pass in a second.
"""

from __future__ import annotations

from _queue import Empty, SimpleQueue

STDOUT = 1
STDERR = 2
MAX_PENDING_BYTES = 32 << 20

OutputEvent = tuple[int, int, bytes]


class EventQueue:
    """Events on their way to a sink that may be slow, stuck or broken.

    `put` never waits and never raises: what does not fit is counted in `lost_bytes`. Each counter is
    written by one thread only, so none needs a lock.
    """

    def __init__(self, max_pending_bytes: int = MAX_PENDING_BYTES) -> None:
        self._queue: SimpleQueue[OutputEvent | None] = SimpleQueue()
        self._max = max_pending_bytes
        self._put = [0, 0, 0]
        self._lost = [0, 0, 0]
        self._taken = 0

    def put(self, event: OutputEvent) -> None:
        """Add an event, or count its bytes as lost when the sink is too far behind."""
        _, stream, data = event
        if self._put[STDOUT] + self._put[STDERR] - self._taken > self._max:
            self._lost[stream] += len(data)
            return
        self._put[stream] += len(data)
        self._queue.put(event)

    def close(self) -> None:
        """Say that no event will follow."""
        self._queue.put(None)

    def get(self, timeout: float | None) -> OutputEvent | None:
        """Return the next event, None at the end; raises `queue.Empty` when the time is up."""
        event = self._queue.get(True, timeout)
        if event is not None:
            self._taken += len(event[2])
        return event

    def lost_bytes(self, stream: int) -> int:
        """Return how many bytes of a stream never reached the sink."""
        return self._lost[stream]


__all__ = ["STDERR", "STDOUT", "Empty", "EventQueue", "OutputEvent"]
