"""Threads that ask the stores, so that whoever serves is never blocked; each question has a time limit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from collector.errors import BusyError, LimitError
from collector.serve.library import Library, Place

T = TypeVar("T")
THREADS = 4
MAX_WAITING = 64
_GRACE_SECONDS = 2.0
"""After it was interrupted, a question may still tell what it found so far."""


class Pool:
    """A few threads with a library each.

    Args:
        place: which workspace.
        seconds: how long a question may take.
        threads: how many.
    """

    def __init__(self, place: Place, seconds: float = 30.0, threads: int = THREADS) -> None:
        self.place = place
        self.seconds = seconds
        self.waiting = 0
        self._local = threading.local()
        self._libraries: list[Library] = []
        self._threads = ThreadPoolExecutor(threads, "acode-ask", self._open)

    def _open(self) -> None:
        self._local.library = Library(self.place)
        self._libraries.append(self._local.library)

    async def ask(self, job: Callable[[Library], T], refresh: bool = True) -> T:
        """Return what a job says, which is given the library of the thread that it runs in.

        Args:
            job: blocks; must not keep the library.
            refresh: whether what waits is to be indexed before.

        Raises:
            BusyError: too many others wait.
            LimitError: it took too long, and was stopped.
        """
        if self.waiting >= MAX_WAITING:
            raise BusyError("ACODE-RUN-022", "too many requests wait", "try again in a moment")
        task = _Task(job, refresh)
        self.waiting += 1
        try:
            future = asyncio.wrap_future(self._threads.submit(task, self._local))
            done, _ = await asyncio.wait({future}, timeout=self.seconds)
            if not done:
                task.interrupt()
                done, _ = await asyncio.wait({future}, timeout=_GRACE_SECONDS)
            if not done:
                future.add_done_callback(_forget)
                raise LimitError("ACODE-RUN-003", "there was no time to answer", "narrow the filter")
            return future.result()
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Stop what is asked, and let go of the stores."""
        for library in self._libraries:
            library.interrupt()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for library in self._libraries:
            library.close()


class _Task(Generic[T]):
    """One question; it can be interrupted while it is asked, and never after."""

    def __init__(self, job: Callable[[Library], T], refresh: bool) -> None:
        self._job = job
        self._refresh = refresh
        self._library: Library | None = None
        self._lock = threading.Lock()
        self._is_over = False

    def __call__(self, local: threading.local) -> T:
        library: Library = local.library
        if self._refresh:
            library.refresh()
        with self._lock:
            if self._is_over:
                raise LimitError("ACODE-RUN-003", "there was no time to answer", "narrow the filter")
            self._library = library
        try:
            return self._job(library)
        finally:
            with self._lock:
                self._library = None

    def interrupt(self) -> None:
        """Stop it, or keep it from beginning."""
        with self._lock:
            self._is_over = True
            if self._library is not None:
                self._library.interrupt()


def _forget(future: asyncio.Future[T]) -> None:
    """Look at what came too late, lest somebody complains that nobody did."""
    if not future.cancelled():
        future.exception()
