"""Walking a folder that others write to: by descriptors, so that no link swapped in leads elsewhere.

Every folder is opened relative to the one above it and without following links; a file is opened the same
way (`open_beneath`). What cannot be read is passed over: one folder costs only itself.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

MAX_DEPTH = 100
ALWAYS_PRUNED = frozenset({".git", ".hg", ".svn", ".jj", ".acode"})
"""Folders of tools that keep records of their own; nothing in them was produced for anybody else."""
PRUNED = ALWAYS_PRUNED | frozenset({
    "node_modules", "site-packages", ".venv", "__pycache__", ".tox", ".nox", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".hypothesis", "bower_components", ".yarn", ".pnpm-store", ".terraform",
})  # fmt: skip
"""Folders of dependencies and caches, large and full of what the run did not make."""
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Found(NamedTuple):
    """One entry that is no folder: its path below the root (`/` between parts), and what lstat(2) said."""

    path: str
    status: os.stat_result


class TimeIsUpError(Exception):
    """The scan took longer than it may."""


def open_folder(path: str) -> int:
    """Open the folder that a scan begins in; it may itself be reached through links.

    Raises:
        OSError: it is gone or no folder.
    """
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def iter_tree(
    root_fd: int, pruned: Iterable[str] = PRUNED, skip: Iterable[tuple[int, int]] = (), deadline: float = 0.0
) -> Iterator[Found]:
    """Yield every entry below a folder that is no folder, in no particular order.

    Args:
        root_fd: the folder; stays open.
        pruned: names of folders that are not entered.
        skip: folders that are not entered, by device and inode.
        deadline: when to stop, by the monotonic clock; 0 for never.

    Raises:
        TimeIsUpError: at the deadline.
    """
    yield from _walk(os.dup(root_fd), "", frozenset(pruned), frozenset(skip), deadline, 0)


def _walk(
    fd: int, above: str, pruned: frozenset[str], skip: frozenset[tuple[int, int]], deadline: float, depth: int
) -> Iterator[Found]:
    """Yield what is below an open folder, and close it."""
    folders: list[str] = []
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    else:
                        yield Found(above + entry.name, entry.stat(follow_symlinks=False))
                except OSError:
                    continue  # gone meanwhile
        if deadline and time.monotonic() > deadline:
            raise TimeIsUpError
        for name in folders:
            if name not in pruned and depth < MAX_DEPTH and (child := _enter(fd, name, pruned, skip)) >= 0:
                yield from _walk(child, f"{above}{name}/", pruned, skip, deadline, depth + 1)
    except PermissionError:
        return
    finally:
        os.close(fd)


def _enter(fd: int, name: str, pruned: frozenset[str], skip: frozenset[tuple[int, int]]) -> int:
    """Open a folder in a folder; negative for one that is not to be entered."""
    try:
        child = os.open(name, _OPEN_FOLDER, dir_fd=fd)
    except OSError:
        return -1
    status = os.fstat(child)
    is_environment = "site-packages" in pruned and _has(child, "pyvenv.cfg")
    if (status.st_dev, status.st_ino) in skip or is_environment:
        os.close(child)
        return -1
    return child


def _has(fd: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError:
        return False
    return True


def iter_paths(
    root_fd: int,
    paths: Iterable[str],
    pruned: Iterable[str] = PRUNED,
    skip: Iterable[tuple[int, int]] = (),
    deadline: float = 0.0,
) -> Iterator[Found]:
    """Yield what `iter_tree` would, but only of some paths below the folder, and of what is below these.

    Raises:
        TimeIsUpError: at the deadline.
    """
    names, folders = frozenset(pruned), frozenset(skip)
    walked = ""
    for path in sorted(paths, key=lambda path: path.split("/")):
        if deadline and time.monotonic() > deadline:
            raise TimeIsUpError
        if walked and path.startswith(walked):
            continue
        parent = _enter_all(root_fd, path.split("/")[:-1], names, folders)
        if parent < 0:
            continue
        try:
            name = path.rpartition("/")[2]
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode):
                yield Found(path, status)
            elif name not in names and (child := _enter(parent, name, names, folders)) >= 0:
                walked = f"{path}/"
                yield from _walk(child, walked, names, folders, deadline, path.count("/") + 1)
        except OSError:
            continue
        finally:
            os.close(parent)


def _enter_all(fd: int, names: list[str], pruned: frozenset[str], skip: frozenset[tuple[int, int]]) -> int:
    """Open a folder below a folder, each part as a walk would enter it; negative where that would not."""
    if len(names) > MAX_DEPTH or not pruned.isdisjoint(names) or not {"", ".", ".."}.isdisjoint(names):
        return -1
    fd = os.dup(fd)
    for name in names:
        child = _enter(fd, name, pruned, skip)
        os.close(fd)
        if child < 0:
            return -1
        fd = child
    return fd


def open_beneath(root_fd: int, path: str) -> int:
    """Open a regular file below a folder for reading; no part of its path may be a link.

    Raises:
        OSError: it is gone, out of reach, or no regular file.
    """
    parent, name = _open_parent(root_fd, path)
    try:
        fd = os.open(name, _OPEN_FILE, dir_fd=parent)
    finally:
        os.close(parent)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path!r} is no regular file")
    return fd


def _open_parent(root_fd: int, path: str) -> tuple[int, str]:
    """Return the folder that holds the last part of a path, open, and that part."""
    *folders, name = path.split("/")
    if any(part in ("", ".", "..") for part in (*folders, name)):
        raise OSError(f"{path!r} is no path below a folder")
    fd = os.dup(root_fd)
    for folder in folders:
        try:
            child = os.open(folder, _OPEN_FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        fd = child
    return fd, name
