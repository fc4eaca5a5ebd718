"""What the collector's other threads have in common: they look for work when told, and end after a piece."""

from __future__ import annotations

import threading
from collections.abc import Callable

_PATIENCE_SECONDS = 5.0


class LookingThread:
    """A thread that waits for news; what it does then is `_work` of its kind, called once.

    Args:
        name: of the thread.
        may_write: whether this process still is the one that may write.
    """

    def __init__(self, name: str, may_write: Callable[[], bool]) -> None:
        self._may_write = may_write
        self._news = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin, with what waits already."""
        self.look()
        self._thread.start()

    def look(self) -> None:
        """Something was announced, has come or gone."""
        self._news.set()

    def stop(self) -> bool:
        """Begin nothing else, and wait a little for what is at hand; tell whether it is done.

        What is not is left as a crash would leave it: whoever does such work next goes on with it.
        """
        self._stop.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_SECONDS)
        return not self._thread.is_alive()

    def _may_go_on(self) -> bool:
        return not self._stop.is_set() and self._may_write()

    def _work(self) -> None:
        raise NotImplementedError
