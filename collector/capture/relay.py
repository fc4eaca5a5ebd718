"""Copying bytes: from the command to where they belong, and past a listener.

The user's bytes go first and are never changed. Streams that go to one place share one loop, so that
their order is kept; streams that go to different places have a loop (and a thread) each, so that one
that is held up cannot hold up the other.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import time

from collector.capture.events import EventQueue

CHUNK_BYTES = 64 << 10
PIPE_BYTES = 1 << 20
_READ = select.POLLIN | select.POLLHUP | select.POLLERR
_SMALL_BYTES = 16 << 10
_QUICK_SECONDS = 0.0005
_BURST_WAKES = 64
_NAP_SECONDS = 0.001
_PTY_QUIET_MS = 100
_F_SETPIPE_SZ = 1031


class Source:
    """One of the command's output streams: where its bytes come from and go to."""

    __slots__ = ("error", "fd", "is_large", "is_pty", "is_whole", "stream", "target")

    def __init__(self, fd: int, stream: int, target: int, is_pty: bool) -> None:
        self.fd = fd
        self.stream = stream
        self.target = target
        self.is_pty = is_pty
        self.is_whole = False
        self.error = ""
        self.is_large = is_pty
        os.set_blocking(fd, False)

    def read(self) -> bytes | None:
        """Return what is there, empty at the end, None when nothing is there now.

        A pseudo-terminal says its end with EIO.
        """
        try:
            data = os.read(self.fd, CHUNK_BYTES)
            if len(data) == CHUNK_BYTES and not self.is_large:
                self.is_large = True
                _enlarge(self.fd)
            return data
        except BlockingIOError:
            return None
        except OSError:
            return b""


class Relay:
    """One loop over the sources that go to one place.

    Args:
        sources: at least one.
        queue: who listens; told of every byte after the user has it.
        done_fd: becomes readable when the command has ended; what is left is then drained.
        may_nap: whether the loop may wait a millisecond now and then to gather a long burst of small
            writes. It costs the writer nothing, and lets it run at the speed of a plain file; within
            such a burst the order between two streams is known to a millisecond.
    """

    def __init__(self, sources: list[Source], queue: EventQueue, done_fd: int, may_nap: bool) -> None:
        self._sources = {source.fd: source for source in sources}
        self._queue = queue
        self._done_fd = done_fd
        self._may_nap = may_nap
        self.timeout_ms: int | None = None
        self._is_busy = False
        self._poll = select.poll()
        for fd in (*self._sources, done_fd):
            self._poll.register(fd, _READ)

    def run(self) -> None:
        """Copy until every source has ended, or the command has and what it left is drained."""
        burst, last_wake = 0, 0.0
        while self._sources:
            ready = self._poll.poll(self.timeout_ms)
            if self.is_done(ready):
                self.drain()
                return
            self._is_busy = True
            copied = self.copy_ready(ready)
            self._is_busy = False
            if not self._may_nap or copied > _SMALL_BYTES:
                continue
            now = time.monotonic()
            burst = burst + 1 if now - last_wake < _QUICK_SECONDS else 0
            if burst > _BURST_WAKES:
                time.sleep(_NAP_SECONDS)
                now = time.monotonic()
            last_wake = now

    @property
    def has_passed_all(self) -> bool:
        """Whether everything that was written so far has reached the user; for other threads."""
        waiting = select.poll()
        for fd in list(self._sources):
            waiting.register(fd, select.POLLIN)
        return not waiting.poll(0) and not self._is_busy

    def is_done(self, ready: list[tuple[int, int]]) -> bool:
        """Tell whether the command has ended."""
        return any(fd == self._done_fd for fd, _ in ready)

    def copy_ready(self, ready: list[tuple[int, int]]) -> int:
        """Copy one chunk of each source that has one; return how many bytes."""
        copied = 0
        for fd, _ in ready:
            source = self._sources.get(fd)
            if source is not None:
                copied += self.copy(source) or 0
        return copied

    def copy(self, source: Source) -> int | None:
        """Copy one chunk; None when there was nothing to copy."""
        data = source.read()
        return None if data is None else self.pass_on(source, data)

    def pass_on(self, source: Source, data: bytes) -> int:
        """Give the user what was read from a source, then the listener; empty at the source's end."""
        if source.fd not in self._sources:  # its reader has gone
            self._queue.put((time.monotonic_ns() // 1000, source.stream, data))
            return len(data)
        if not data:
            self.drop(source)
            source.is_whole = True
            return 0
        error = write_to_user(source.target, data)
        if error is not None:
            # The reader has gone (`… | head`): closing our end gives the command its own SIGPIPE.
            source.error = "" if error.errno == errno.EPIPE else error.strerror or str(error)
            self.drop(source)
            os.close(source.fd)
            source.is_whole = True
        self._queue.put((time.monotonic_ns() // 1000, source.stream, data))
        return len(data)

    def drop(self, source: Source) -> None:
        """Look at a source no more."""
        self._poll.unregister(source.fd)
        del self._sources[source.fd]

    def hand_over(self) -> None:
        """Leave every source to somebody else."""
        for source in list(self._sources.values()):
            self.drop(source)
            hand_over(source)
            source.is_whole = True

    def drain(self) -> None:
        """Copy what the command wrote before it ended.

        It is all there already, but for a pseudo-terminal, whose bytes pass through a kernel worker:
        it is read to its end, or until it has been quiet. A background child that holds the stream
        open and goes on writing is not waited for: at most what the stream can hold is copied.
        """
        for source in list(self._sources.values()):
            left = PIPE_BYTES
            while left > 0 and source.fd in self._sources:
                copied = self.copy(source)
                if copied is not None:
                    left -= copied
                elif not (source.is_pty and _becomes_readable(source.fd, _PTY_QUIET_MS)):
                    break


def write_to_user(fd: int, data: bytes) -> OSError | None:
    """Write every byte, waiting as long as the reader takes; return why that is no longer possible."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            # Somebody made the shared descriptor non-blocking; the command would have met EAGAIN.
            waiting = select.poll()
            waiting.register(fd, select.POLLOUT)
            waiting.poll()
        except OSError as error:
            return error
    return None


def _becomes_readable(fd: int, timeout_ms: int) -> bool:
    waiting = select.poll()
    waiting.register(fd, _READ)
    return bool(waiting.poll(timeout_ms))


def _enlarge(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, _F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return  # the user's share of pipe memory is used up


def is_same_place(a: int, b: int) -> bool:
    """Tell whether two descriptors write to one place where their order shows."""
    left, right = os.fstat(a), os.fstat(b)
    same = (left.st_dev, left.st_ino) == (right.st_dev, right.st_ino)
    return same and left.st_rdev != os.makedev(1, 3)  # /dev/null shows nothing


def hand_over(source: Source) -> None:
    """Leave a stream to cat(1), which needs no interpreter and stays as long as somebody writes."""
    os.set_blocking(source.fd, True)
    actions = [
        (os.POSIX_SPAWN_DUP2, source.fd, 0),
        (os.POSIX_SPAWN_DUP2, source.target, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        os.posix_spawnp("cat", ["cat"], os.environ, file_actions=actions, setsigmask=[])
    except OSError:
        return
