"""Changes below folders, seen soon while something happens and at little cost while nothing does.

`watchfiles.watch` looks at one pace for ever; what it is made of, RustNotify, takes the pace at each call.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from watchfiles._rust_notify import RustNotify

QUIET_STEP_MS = 40
QUIET_SECONDS = 5.0


def iter_changes(
    paths: list[str], stop: threading.Event, step_ms: Callable[[], int], debounce_ms: int, timeout_ms: int
) -> Iterator[set[tuple[int, str]]]:
    """Yield what changed, each with its kind (`watchfiles.Change`); nothing after a timeout.

    Args:
        paths: the folders.
        stop: ends it.
        step_ms: asked before each wait: a change is seen within two such steps.
        debounce_ms: changes are gathered for no longer.
        timeout_ms: how long a wait lasts.

    Raises:
        OSError: the system has no watches left, or a folder is gone.
    """
    with RustNotify(paths, False, False, 0, True, True) as watcher:
        while True:
            changes = watcher.watch(debounce_ms, step_ms(), timeout_ms, stop)
            if changes in ("stop", "signal"):
                return
            yield set() if isinstance(changes, str) else changes


def step_since(busy_at: float, lively_ms: int) -> int:
    """Return how long to wait between looks: short until a while after a moment of `time.monotonic`."""
    return QUIET_STEP_MS if time.monotonic() - busy_at > QUIET_SECONDS else lively_ms
