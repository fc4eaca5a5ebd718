"""Following what happens to a store from another process or thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from collector.model.query import Event
from collector.store.runs import SqliteRunStore


def follow_events(
    store: SqliteRunStore,
    stop: threading.Event,
    after: int | None = None,
    interval: float = 0.1,
) -> Iterator[list[Event]]:
    """Yield batches of events as they are committed, until told to stop.

    `PRAGMA data_version` tells within microseconds whether anything was committed, so waiting costs
    next to nothing.

    Args:
        store: read by this iterator alone.
        stop: ends the iteration.
        after: the last event already known; None begins with what comes next.
        interval: seconds between two looks.
    """
    known = store.last_event_id() if after is None else after
    version = -1
    while not stop.is_set():
        current = store.data_version()
        if current != version:
            version = current
            while batch := store.events(known):
                known = batch[-1].event_id
                yield batch
        stop.wait(interval)
