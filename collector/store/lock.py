"""The writer's lock: whoever holds it is the one process that writes runs.db and seals run folders."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from collector.errors import AccessError, BusyError
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_POLL_SECONDS = 0.01


class FileLock:
    """An advisory lock on a file; the kernel lets go of it however the holder ends.

    Args:
        path: the file, made if need be.
        busy: what to say when somebody else keeps it.
    """

    def __init__(self, path: str, busy: str) -> None:
        self._path = path
        self._busy = busy
        self._fd = -1

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it.

        Raises:
            AccessError: the lock file cannot be made.
        """
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise AccessError(
                "ACODE-ART-006",
                f"cannot write {self._path}: {error.strerror}",
                "check its permissions",
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def acquire(self, patience_seconds: float) -> None:
        """Take the lock, waiting for a while.

        Raises:
            BusyError: somebody else kept it.
        """
        deadline = time.monotonic() + patience_seconds
        while not self.try_acquire():
            if time.monotonic() > deadline:
                raise BusyError("ACODE-RUN-022", self._busy, "try again")
            time.sleep(_POLL_SECONDS)

    def release(self) -> None:
        """Let others write."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class WriterLock(FileLock):
    """Who writes the database of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace.writer_lock, "another process is writing runs.db")

    def is_valid(self) -> bool:
        """Tell whether what is held is still the workspace's lock, not a file that somebody removed."""
        try:
            return os.path.samestat(os.fstat(self._fd), Path(self._path).lstat())
        except OSError:
            return False


def is_write_locked(workspace: Workspace) -> bool:
    """Tell whether some process is the writer now."""
    lock = WriterLock(workspace)
    if not Path(workspace.writer_lock).exists():
        return False
    if lock.try_acquire():
        lock.release()
        return False
    return True
