"""The collector's third thread: indexes texts for searching, when the others leave it time.

It reads the database of runs and writes that of searching, which nobody else does.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from collector.daemon.looking import LookingThread
from collector.errors import AcodeError
from collector.store.text_indexer import TextIndexer
from collector.store.trouble import Log
from collector.workspace import Workspace

_SLICE_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 5.0
_LOOK_SECONDS = 3.0
_NICE = 10


class SearchThread(LookingThread):
    """Indexes what waits whenever it is told to look; a text that is begun at the end waits again.

    Args:
        workspace: whose texts.
        log: told once of what goes wrong.
        may_write: whether this process still is the one that may write.
    """

    def __init__(self, workspace: Workspace, log: Log, may_write: Callable[[], bool]) -> None:
        self._log = log
        super().__init__("acode-search", may_write)
        self._in_trouble = False
        self._indexer = TextIndexer(workspace, log, self._may_go_on)
        self.is_busy = False
        """Whether there is more to index."""

    def _work(self) -> None:
        be_nice()
        while not self._stop.is_set():
            self._news.wait(_LOOK_SECONDS)
            self._news.clear()
            while self._may_go_on() and self._slice():
                pass
        self._indexer.close()

    def _slice(self) -> bool:
        """Index for a while; tell whether there is more."""
        try:
            self.is_busy = self._indexer.index_waiting(_SLICE_SECONDS)
        except (AcodeError, OSError) as error:
            if not self._in_trouble:
                self._log("step.failed", step="search", error=str(error))
            self._in_trouble = True
            self._indexer.close()
            self._stop.wait(_TRY_AGAIN_SECONDS)
            return True
        self._in_trouble = False
        return self.is_busy


def be_nice() -> None:
    """Let everything else go first; on Linux a thread has a priority of its own."""
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        except OSError:
            return
