"""The collector's fourth thread: decides when runs are cleaned up, empties the trash, raises alerts.

What it decides the first thread carries out, so that nothing waits for a million runs to be judged; and it
goes slowly, because nobody waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from collector.daemon.searching import be_nice
from collector.retention.cleaner import Cleaner
from collector.store.trouble import Log
from collector.workspace import Workspace

_LOOK_SECONDS = 10.0
_APART_SECONDS = 1.0
_BREATH_SECONDS = 0.002
_PATIENCE_SECONDS = 5.0


class RetentionThread:
    """Looks around every now and then, and when it is told that something has come or gone.

    Args:
        workspace: whose runs.
        log: told what was cleaned up, and what is wrong.
        may_write: whether this process still is the one that may write.
    """

    def __init__(self, workspace: Workspace, log: Log, may_write: Callable[[], bool]) -> None:
        self._may_write = may_write
        self._news = threading.Event()
        self._stop = threading.Event()
        self._cleaner = Cleaner(workspace, log, self._may_go_on)
        self._thread = threading.Thread(target=self._work, name="acode-retention", daemon=True)

    def start(self) -> None:
        """Begin, with a look around."""
        self.look()
        self._thread.start()

    def look(self) -> None:
        """Something has come or gone."""
        self._news.set()

    def stop(self) -> bool:
        """Begin nothing else, and wait a little for what is at hand; tell whether it is done."""
        self._stop.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_SECONDS)
        return not self._thread.is_alive()

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
