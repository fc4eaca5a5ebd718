"""The collector's second thread: seals runs while the first one indexes, so that no row waits for a hash.

It touches run folders and the spool, never the database; what it has sealed it announces.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from collector.errors import AcodeError
from collector.store.sealer import Sealer
from collector.store.trouble import Log

_SLICE_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0


class SealingThread:
    """Seals what waits whenever it is told to look; stops after the run at hand.

    Args:
        sealer: who knows how.
        log: told once of what goes wrong.
        may_write: whether this process still is the one that may seal.
    """

    def __init__(self, sealer: Sealer, log: Log, may_write: Callable[[], bool]) -> None:
        self._sealer = sealer
        self._log = log
        self._may_write = may_write
        self._news = threading.Event()
        self._stop = threading.Event()
        self._in_trouble = False
        self._thread = threading.Thread(target=self._work, name="acode-seal", daemon=True)

    def start(self) -> None:
        """Begin, with what waits already."""
        self.look()
        self._thread.start()

    def look(self) -> None:
        """Something was announced."""
        self._news.set()

    def stop(self) -> bool:
        """Begin no other run, and wait a little for the one at hand; tell whether it is done.

        One that is not is left as a crash would leave it: whoever seals next goes on with it.
        """
        self._stop.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_SECONDS)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while not self._stop.is_set():
            self._news.wait()
            self._news.clear()
            while not self._stop.is_set() and self._may_write() and (left := self._slice()):
                if left < 0:
                    self._stop.wait(_TRY_AGAIN_SECONDS)

    def _slice(self) -> int:
        """Seal for a while; return how many are left, or -1 when it cannot be done now."""
        try:
            left = self._sealer.seal_waiting(_SLICE_SECONDS)
        except (AcodeError, OSError) as error:
            if not self._in_trouble:
                self._log("step.failed", step="seal", error=str(error))
            self._in_trouble = True
            return -1
        self._in_trouble = False
        return left
