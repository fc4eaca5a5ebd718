"""The collector's fourth thread: decides when runs are cleaned up, empties the trash, raises alerts.

What it decides the first thread carries out, so that nothing waits for a million runs to be judged; and it
goes slowly, because nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable

from collector.daemon.looking import LookingThread
from collector.daemon.searching import be_nice
from collector.retention.cleaner import Cleaner
from collector.store.trouble import Log
from collector.workspace import Workspace

_LOOK_SECONDS = 10.0
_APART_SECONDS = 1.0
_BREATH_SECONDS = 0.002


class RetentionThread(LookingThread):
    """Looks around every now and then, and when it is told that something has come or gone.

    Args:
        workspace: whose runs.
        log: told what was cleaned up, and what is wrong.
        may_write: whether this process still is the one that may write.
    """

    def __init__(self, workspace: Workspace, log: Log, may_write: Callable[[], bool]) -> None:
        super().__init__("acode-retention", may_write)
        self._cleaner = Cleaner(workspace, log, self._may_go_on)

    def _may_go_on(self) -> bool:
        return not self._stop.wait(_BREATH_SECONDS) and self._may_write()

    def _work(self) -> None:
        be_nice()
        while not self._stop.is_set():
            self._news.wait(_LOOK_SECONDS)
            self._news.clear()
            if self._may_go_on():
                self._cleaner.look_around()
            self._stop.wait(_APART_SECONDS)
