"""The collector's second thread: seals runs while the first one indexes, so that no row waits for a hash.

It touches run folders and the spool, never the database; what it has sealed it announces.
"""

from __future__ import annotations

from collections.abc import Callable

from collector.daemon.looking import LookingThread
from collector.errors import AcodeError
from collector.store.sealer import Sealer
from collector.store.trouble import Log

_SLICE_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 1.0


class SealingThread(LookingThread):
    """Seals what waits whenever it is told to look; stops after the run at hand.

    Args:
        sealer: who knows how.
        log: told once of what goes wrong.
        may_write: whether this process still is the one that may seal.
    """

    def __init__(self, sealer: Sealer, log: Log, may_write: Callable[[], bool]) -> None:
        self._sealer = sealer
        self._log = log
        super().__init__("acode-seal", may_write)
        self._in_trouble = False

    def _work(self) -> None:
        while not self._stop.is_set():
            self._news.wait()
            self._news.clear()
            while self._may_go_on() and (left := self._slice()):
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
