"""A file that is worth nothing but its room: on a full disk SQLite cannot delete, because deleting writes."""

from __future__ import annotations

import os
from pathlib import Path

from collector.workspace import Workspace

BYTES = 16 << 20
_SHARE_OF_DISK = 16
_SHARE_OF_FREE = 4
_LEAST = 256 << 10


def keep(workspace: Workspace) -> int:
    """Make the ballast where there is room enough; return how large it is.

    16 MiB, on a small disk a sixteenth of it; made only when it takes a quarter of what is free at most.
    """
    path = Path(workspace.ballast)
    try:
        size = path.lstat().st_size
    except FileNotFoundError:
        size = 0
    disk = os.statvfs(workspace.folder)
    wanted = min(BYTES, disk.f_blocks * disk.f_frsize // _SHARE_OF_DISK)
    if size >= wanted or wanted < _LEAST or disk.f_bavail * disk.f_frsize < wanted * _SHARE_OF_FREE:
        return size
    return _make(path, wanted)


def release(workspace: Workspace) -> int:
    """Give the room of the ballast back; return how much that is."""
    path = Path(workspace.ballast)
    try:
        size = path.lstat().st_size
        path.unlink()
    except OSError:
        return 0
    return size


def _make(path: Path, size: int) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(path, flags, 0o600)
    except OSError:
        return 0
    try:
        _fill(fd, size)
    except OSError:
        path.unlink(missing_ok=True)
        return 0
    finally:
        os.close(fd)
    return size


def _fill(fd: int, size: int) -> None:
    """Give the file blocks of its own; where nothing allocates them, content does."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    block = os.urandom(1 << 16)
    for _ in range(0, size, len(block)):
        os.write(fd, block)
