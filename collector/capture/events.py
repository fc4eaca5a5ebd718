"""The vocabulary between capture and whoever listens.

An event is the tuple `(microseconds, stream, data)`: the monotonic clock, `STDOUT` or `STDERR`, and bytes
as the command wrote them. A plain tuple, because a million of them pass in a second.
"""

from __future__ import annotations

import time
from _queue import Empty, SimpleQueue

STDOUT = 1
STDERR = 2
MAX_PENDING_BYTES = 32 << 20
_MOMENT_SECONDS = 0.05
_LOOK_SECONDS = 0.001
_BURST_BYTES = 8 << 20

OutputEvent = tuple[int, int, bytes]


class EventQueue:
    """Events on their way to a sink that may be slow, stuck or broken.

    `put` never raises, and never waits for a sink that is stuck: what does not fit is counted in
    `lost_bytes`. A sink that only needs a moment, as a healthy disk does behind a fast command, is given
    that moment; once one was not enough, nothing is waited for until half of the queue has gone.
    Each counter is written by one thread only, so none needs a lock.
    """

    def __init__(self, max_pending_bytes: int = MAX_PENDING_BYTES) -> None:
        self._queue: SimpleQueue[OutputEvent | None] = SimpleQueue()
        self._max = max_pending_bytes
        self._put = [0, 0, 0]
        self._lost = [0, 0, 0]
        self._taken = 0
        self._is_stalled = False

    def put(self, event: OutputEvent) -> None:
        """Add an event, or count its bytes as lost when the sink is too far behind."""
        _, stream, data = event
        if self._pending() > self._max and not self._gets_space():
            self._lost[stream] += len(data)
            return
        self._put[stream] += len(data)
        self._queue.put(event)

    def _pending(self) -> int:
        return self._put[STDOUT] + self._put[STDERR] - self._taken

    def _gets_space(self) -> bool:
        if self._is_stalled:
            self._is_stalled = self._pending() > self._max // 2
            return not self._is_stalled
        deadline = time.monotonic() + _MOMENT_SECONDS
        while self._pending() > self._max - _BURST_BYTES:
            if time.monotonic() > deadline:
                self._is_stalled = self._pending() > self._max
                return not self._is_stalled
            time.sleep(_LOOK_SECONDS)
        return True

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
