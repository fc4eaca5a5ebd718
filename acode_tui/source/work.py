"""Work that a dialog asks for: done in a thread of its own, told how far it is, stopped where it can be.

A dialog that is closed meanwhile is not told any more: its screen is, by a line.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from acode_tui.messages.keeping import Progressed, WorkFailed, WorkStopped
from acode_tui.source.desk import Desk, Post
from collector import AcodeError, Workspace

_GAP = 0.05
"""Seconds between two reports of progress."""


class Stopped(Exception):
    """Somebody does not want the result any more."""


class Work(Desk):
    """A thread that does what a dialog asks for."""

    def __init__(self, name: str, workspace: Workspace, post: Post) -> None:
        super().__init__(name, workspace, post)
        self.token = 0
        self._told_at = 0.0
        self._is_cancelled = False

    def do(self, job: Callable[[int], object]) -> int:
        """Have something done, which is told the token of its answers; return that.

        Whatever goes wrong with it is said as `WorkFailed`.
        """
        self.token += 1
        token = self.token

        def guarded() -> None:
            try:
                self._is_cancelled = False
                job(token)
            except Stopped:
                self.post(WorkStopped())
            except AcodeError as error:
                self.forget_stores()
                self.post(WorkFailed(str(error), token))
            except Exception as error:  # noqa: BLE001 - a dialog must not wait for a thread that has died
                self.post(WorkFailed(f"{type(error).__name__}: {error}", token))

        self.submit(guarded)
        return token

    def cancel(self) -> None:
        """Stop what is being done as soon as it tells how far it is."""
        self._is_cancelled = True

    def finish(self) -> None:
        """Stop after everything that was asked for is done."""
        self._jobs.put(None)

    def is_asked(self, token: int) -> bool:
        """Tell whether an answer is still waited for; a newer question replaces an older one."""
        return token == self.token and not self.stop.is_set()

    def go_on(self, token: int) -> None:
        """Let the screen draw, and stop what nobody waits for any more.

        Raises:
            Stopped: a newer question has replaced this one, or the dialog is closed.
        """
        time.sleep(0)
        if not self.is_asked(token):
            raise Stopped

    def progress(self, done: int, total: int) -> None:
        """Tell how far it is.

        Raises:
            Stopped: the result is not wanted any more.
        """
        if self._is_cancelled or self.stop.is_set():
            raise Stopped
        now = time.monotonic()
        if now - self._told_at >= _GAP or done >= total:
            self._told_at = now
            self.post(Progressed(done, total))
