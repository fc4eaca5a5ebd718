"""The two streams on disk, and the index of their order; written by one thread as events come.

A write that fails loses its bytes and nothing else: they are counted, the next write is tried again, so
that recording resumes by itself when there is space.
"""

from __future__ import annotations

import fcntl
import os

from collector.durable import sync_descriptor, write_all
from collector.record.output_index import HEADER, encode

_INDEX_FLUSH_BYTES = 4096
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_APPEND


class Stream:
    """One stream's file, kept within a limit.

    Args:
        path: a new file.
        limit: the most bytes to keep; 0 for no limit.
        keeps_tail: keep the last half of the limit too (in memory until the end).
        mode: permissions.
    """

    def __init__(self, path: str, limit: int, keeps_tail: bool, mode: int) -> None:
        self._fd = os.open(path, _FLAGS, mode)
        self._is_limited = limit > 0
        self._head_limit = limit // 2 if keeps_tail else limit
        self._tail_limit = limit - self._head_limit
        self._tail = bytearray()
        self.total_bytes = 0
        self.kept_bytes = 0
        self.lost_bytes = 0
        self.stored_bytes = 0
        self.error = ""

    def hold_lock(self) -> None:
        """Show, for as long as this process lives, that the stream is being written."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # a file system without locks

    def write(self, data: bytes) -> int:
        """Keep what the limit allows; return how many bytes went into the file."""
        self.total_bytes += len(data)
        head = data
        if self._is_limited:
            head = data[: max(0, self._head_limit - self.kept_bytes)]
        kept = self._append(head) if head else 0
        if len(head) < len(data) and self._tail_limit:
            self._keep_tail(data[len(head) :])
        return kept

    @property
    def cut_bytes(self) -> int:
        """How many bytes the limit left out."""
        if not self._is_limited:
            return 0
        tail_bytes = min(len(self._tail), self._tail_limit)
        return max(0, self.total_bytes - self.kept_bytes - tail_bytes - self.lost_bytes)

    def finish(self, lost_before: int) -> None:
        """Write the marker and the tail of a cut stream, and make the file durable.

        Args:
            lost_before: bytes that never got here because recording was too slow.

        Raises:
            OSError: the stream may not be on disk.
        """
        self.lost_bytes += lost_before
        self.total_bytes += lost_before
        if self.cut_bytes:
            self._note(f"{self.cut_bytes} bytes cut here: the recording's limit was reached")
        if self._tail:
            self._append(bytes(self._tail[-self._tail_limit :]), counts=False)
        if self.lost_bytes:
            self._note(f"{self.lost_bytes} bytes of this stream were not recorded: {self.reason}")
        try:
            if self.stored_bytes:
                sync_descriptor(self._fd)
        finally:
            os.close(self._fd)

    @property
    def reason(self) -> str:
        """Why bytes were lost."""
        return self.error or "the disk was too slow"

    def _append(self, data: bytes, counts: bool = True) -> int:
        try:
            write_all(self._fd, data)
        except OSError as error:
            self.error = error.strerror or str(error)
            written = max(0, os.fstat(self._fd).st_size - self.stored_bytes)
            self.lost_bytes += len(data) - written
        else:
            written = len(data)
        self.stored_bytes += written
        if counts:
            self.kept_bytes += written
        return written

    def _keep_tail(self, data: bytes) -> None:
        """Keep the end; what is before it goes once it is as long, so that a small write stays cheap."""
        self._tail += data
        if len(self._tail) >= 2 * self._tail_limit:
            del self._tail[: -self._tail_limit]

    def _note(self, text: str) -> None:
        self._append(f"\n[acode: {text}]\n".encode(), counts=False)


class OutputIndex:
    """The index file; gathers small entries, and is never worth an error."""

    def __init__(self, path: str, mode: int, start_us: int) -> None:
        self._fd = os.open(path, _FLAGS, mode)
        self._last_us = start_us
        self._pending = bytearray(HEADER)

    def add(self, us: int, stream: int, length: int) -> None:
        """Note that so many bytes were added to a stream."""
        self._pending += encode(us - self._last_us, stream, length)
        self._last_us = max(us, self._last_us)
        if len(self._pending) >= _INDEX_FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Let readers see what was noted."""
        if not self._pending:
            return
        try:
            write_all(self._fd, bytes(self._pending))
        except OSError:
            os.close(self._fd)
            # A gap would put every later entry in the wrong place; without entries a reader still
            # finds all bytes.
            self._fd = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        self._pending.clear()

    def close(self) -> None:
        """Write what is left."""
        self.flush()
        os.close(self._fd)
