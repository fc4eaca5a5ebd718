"""Watching the workspace, so that what a run changed is known without looking through every folder.

The watch only narrows down where to look: a file's own times decide whether it belongs to a run, as in a
scan. It answers only for times during which it has watched all along, and only after a file of its own has
been reported back, which the kernel does in order: everything before has been reported, too. Whenever it
cannot answer, the folders are looked through.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection
from pathlib import Path

from collector.daemon.changes import iter_changes, step_since
from collector.record.scan import PRUNED
from collector.store.trouble import Log
from collector.workspace import FOLDER, Workspace

MAX_FOLDERS = 30_000
"""In larger trees a watch would use up what the system grants to a user, and others need some of it."""
MAX_CHANGES = 5_000
"""The kernel drops reports when too many wait; long before, looking through the folders is the better way."""
_KEPT = 50_000
_ECHO = ".watch-"
_ECHO_SECONDS = 2.0
_COUNT_SECONDS = 5.0
_STEP_MS, _DEBOUNCE_MS, _TIMEOUT_MS = 5, 20, 500


class WorkspaceWatch:
    """Watches a workspace's folder in a thread of its own.

    Args:
        workspace: whose.
        log: told whether it works, and why not.
    """

    def __init__(self, workspace: Workspace, log: Log) -> None:
        self._root = os.path.realpath(workspace.root)
        self._own = os.path.join(self._root, FOLDER)
        self._log = log
        self._stop = threading.Event()
        self._heard = threading.Condition()
        self._since_ns = 0
        self._busy_at = time.monotonic()
        self._changes: dict[str, int] = {}
        self._echoes: set[str] = set()
        self._thread = threading.Thread(target=self._watch, name="acode-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch; it may take a moment until it answers."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def changed(self, source: str, since_ns: int) -> Collection[str] | None:
        """Return the paths below a folder that may have changed from a time on; None if that is not known.

        Args:
            source: an absolute path without links.
            since_ns: nanoseconds since 1970.
        """
        if not self._since_ns or since_ns < self._since_ns or not self._is_below(source):
            return None
        if not self._echo():
            return None
        prefix = source.rstrip("/") + "/"
        with self._heard:
            if since_ns < self._since_ns:
                return None
            recent = [path for path, at in self._changes.items() if at >= since_ns]
            found = {path[len(prefix) :] for path in recent if path.startswith(prefix)}
        return None if len(found) > MAX_CHANGES else found

    def _is_below(self, source: str) -> bool:
        return source == self._root or source.startswith(self._root.rstrip("/") + "/")

    def _echo(self) -> bool:
        """Wait until everything that has happened so far has been reported."""
        path = os.path.join(self._own, f"{_ECHO}{time.monotonic_ns()}")
        try:
            Path(path).touch()
            with self._heard:
                self._heard.wait_for(lambda: path in self._echoes or not self._since_ns, _ECHO_SECONDS)
                return path in self._echoes
        except OSError:
            return False
        finally:
            Path(path).unlink(missing_ok=True)
            with self._heard:
                self._echoes.discard(path)

    # In the thread

    def _watch(self) -> None:
        try:
            if not self._is_small_enough():
                return
            for changes in iter_changes([self._root], self._stop, self._step_ms, _DEBOUNCE_MS, _TIMEOUT_MS):
                self._take({path for _, path in changes})
        except OSError as error:
            self._log("watch.workspace_failed", error=str(error))
        finally:
            with self._heard:
                self._since_ns = 0
                self._heard.notify_all()

    def _step_ms(self) -> int:
        return step_since(self._busy_at, _STEP_MS)

    def _is_small_enough(self) -> bool:
        count, deadline = 0, time.monotonic() + _COUNT_SECONDS
        for _, folders, _ in os.walk(self._root):
            count += len(folders)
            if count > MAX_FOLDERS or time.monotonic() > deadline:
                self._log("watch.workspace_too_large", folders=count)
                return False
            if self._stop.is_set():
                return False
        return True

    def _take(self, paths: set[str]) -> None:
        """Note what was reported; the first report, an empty one, says that the watch has begun."""
        now = time.time_ns()
        with self._heard:
            if not self._since_ns:
                self._since_ns = now
            for path in paths:
                if path.startswith(self._own):
                    if not os.path.basename(path).startswith(_ECHO):
                        continue
                    self._echoes.add(path)
                elif PRUNED.isdisjoint(path.split("/")):
                    self._changes.pop(path, None)
                    self._changes[path] = now
                self._busy_at = time.monotonic()
            while len(self._changes) > _KEPT:
                self._since_ns = max(self._since_ns, self._changes.pop(next(iter(self._changes))) + 1)
            self._heard.notify_all()
