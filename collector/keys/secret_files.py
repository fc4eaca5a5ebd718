"""Files that nobody but their owner may read, or change."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager

from collector import durable
from collector.errors import AccessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1 << 20
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def read_secret_file(path: str) -> str:
    """Return the text of a file that holds a secret.

    Raises:
        FileNotFoundError: it is not there.
        AccessError: it cannot be read, or others could have read it or put it there.
    """
    return _read(path, 0o077, "0600", f"chmod 600 {path}")


def read_own_file(path: str) -> str:
    """Return the text of a file that others may read, but not write.

    Raises:
        FileNotFoundError: it is not there.
        AccessError: it cannot be read, or others could have written it.
    """
    return _read(path, 0o022, "0644", f"chmod go-w {path}")


def write_secret_file(path: str, text: str) -> None:
    """Write a file that only its owner can read, durably; its folder is made, for the owner alone.

    Raises:
        AccessError: it cannot be written.
    """
    _write(path, text, 0o600)


def write_own_file(path: str, text: str) -> None:
    """Write a file that others may read.

    Raises:
        AccessError: it cannot be written.
    """
    _write(path, text, 0o644)


@contextmanager
def lock_file(path: str) -> Iterator[None]:
    """Hold a lock while something beside a file is changed; wait for whoever has it.

    Raises:
        AccessError: there is no place for it.
    """
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AccessError("ACODE-ART-006", f"cannot write {path}: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _read(path: str, forbidden: int, wanted: str, remedy: str) -> str:
    try:
        fd = os.open(path, _FLAGS)
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(fd)
            problem = _problem(status, forbidden, wanted)
            if problem:
                raise AccessError("ACODE-ART-006", f"{path} {problem}", remedy)
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise AccessError("ACODE-ART-006", f"cannot read {path}: {error.strerror}") from error


def _problem(status: os.stat_result, forbidden: int, wanted: str) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "is no regular file"
    if status.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    if status.st_mode & forbidden:
        return f"has permissions {stat.S_IMODE(status.st_mode):04o}, not {wanted}"
    return "is too large" if status.st_size > MAX_BYTES else ""


def _write(path: str, text: str, mode: int) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        durable.replace_file(os.path.join(folder, os.path.basename(path)), text.encode(), mode)
    except OSError as error:
        raise AccessError("ACODE-ART-006", f"cannot write {path}: {error.strerror}") from error
