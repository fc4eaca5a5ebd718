"""Writing that survives: the only file that calls fsync or rename.

`replace_file` is atomic (a reader sees the old or the new content, never a part) and, unless told
otherwise, durable when it returns: content first, then the name, then the directory.
After a failed fsync the kernel may have dropped the pages and marked them clean (Rebello et al., ATC
2020), so an error here is never retried on the same descriptor.
"""

from __future__ import annotations

import errno
import os
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def replace_file(path: str, data: bytes, mode: int = 0o644, sync: bool = True) -> None:
    """Put `data` under `path` atomically.

    Args:
        path: where it goes; its directory exists.
        data: the whole content.
        mode: permissions of the new file, before the umask is taken off.
        sync: also make it durable before returning.

    Raises:
        OSError: nothing changed under `path`.
    """
    with NewFile(path, mode, sync) as fd:
        write_all(fd, data)


class NewFile:
    """A file that appears under its name once it is written, whole; a descriptor within `with`.

    Leaving by an exception leaves nothing under the name but what was there before.

    Args:
        path: where it goes; its directory exists.
        mode: permissions of the new file, before the umask is taken off.
        sync: also make it durable, content and name.
    """

    def __init__(self, path: str, mode: int = 0o644, sync: bool = True) -> None:
        self._path, self._mode, self._sync = path, mode, sync
        self._directory = os.path.dirname(path)
        self._temporary = _temporary_name(path)
        self._fd = -1

    def __enter__(self) -> int:
        self._fd = _open_new(self._temporary, self._mode)
        return self._fd

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            try:
                if self._sync and kind is None:
                    os.fsync(self._fd)
            finally:
                os.close(self._fd)
            if kind is None:
                os.rename(self._temporary, self._path)
        except OSError:
            unlink_quietly(self._temporary)
            raise
        if kind is not None:
            unlink_quietly(self._temporary)
        elif self._sync:
            sync_directory(self._directory)


def _temporary_name(path: str) -> str:
    """Return where what goes under a path is written first; no two threads get the same."""
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name[-200:]}.{os.getpid()}-{get_ident()}.tmp")


def _open_new(path: str, mode: int) -> int:
    """Open a file that nobody else has; one that is there was left by a process that died."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, mode)
    except FileExistsError:
        os.unlink(path)
        return os.open(path, flags, mode)


def publish(temporary: str, path: str, replace: bool) -> None:
    """Put a finished file under its name, durably; without `replace` never over another.

    Raises:
        FileExistsError: something is there, and is untouched.
        OSError: nothing is under the name that was not there before.
    """
    if replace:
        os.rename(temporary, path)
    else:
        _rename_to_free(temporary, path)
    sync_directory(os.path.dirname(path))


def _rename_to_free(temporary: str, path: str) -> None:
    """link(2) never replaces; where there are no hard links, looking first must do."""
    try:
        os.link(temporary, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
        os.rename(temporary, path)
    else:
        os.unlink(temporary)


def sync_tree(path: str) -> None:
    """Make everything durable that was written below a directory, in one go: the whole file system is.

    By syncfs(2), which the standard library does not have; else by sync(2).
    """
    import ctypes

    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(fd):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), path)
    except AttributeError:
        os.sync()
    finally:
        os.close(fd)


def move(source: str, destination: str) -> None:
    """Rename within one file system, and make both directories durable."""
    os.rename(source, destination)
    sync_directory(os.path.dirname(destination))
    sync_directory(os.path.dirname(source))


def rename(source: str, destination: str) -> None:
    """Rename within one file system, leaving it to the caller to make both directories durable."""
    os.rename(source, destination)


def move_all(pairs: Iterable[tuple[str, str]]) -> None:
    """Rename several within one file system, each over nothing or an empty directory, durably."""
    directories = set()
    for source, destination in pairs:
        os.rename(source, destination)
        directories |= {os.path.dirname(source), os.path.dirname(destination)}
    for directory in sorted(directories):
        sync_directory(directory)


def sync_directory(path: str) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_descriptor(fd: int) -> None:
    """Make what was written through a descriptor durable."""
    os.fsync(fd)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write every byte, or raise OSError; a short write is continued."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def make_folders(path: str, mode: int) -> None:
    """Make a directory and those above it with the same permissions; what is there is left alone."""
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_folders(os.path.dirname(path), mode)
        make_folders(path, mode)


def unlink_quietly(path: str) -> None:
    """Remove a file that may not be there."""
    try:
        os.unlink(path)
    except OSError:
        return


def remove_temporaries(directory: str) -> None:
    """Remove what a process that died in the middle of `replace_file` left in a directory and below.

    For who knows that nobody else writes there.
    """
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.startswith(".") and name.endswith(".tmp"):
                unlink_quietly(os.path.join(folder, name))


def link_or_copy(source: str, destination: str) -> None:
    """Give a file a second name, or copy it where the file system has no hard links."""
    try:
        os.link(source, destination, follow_symlinks=False)
    except OSError:
        fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as reader:
            replace_file(destination, reader.read())


def link_over(source: str, target: str) -> None:
    """Let a name stand for another file, in one step; the content it had is gone unless it has another name.

    Raises:
        OSError: the name stands for what it did; perhaps the file system has no hard links.
    """
    temporary = _temporary_name(target)
    unlink_quietly(temporary)
    os.link(source, temporary, follow_symlinks=False)
    try:
        os.rename(temporary, target)
    finally:
        unlink_quietly(temporary)  # of two names of one file rename(2) leaves both


def is_inside(base: str, path: str) -> bool:
    """Tell whether a path, with every symbolic link resolved, lies within a directory."""
    real_base = os.path.realpath(base)
    return os.path.realpath(path).startswith(real_base.rstrip("/") + "/")


def safe_join(base: str, relative: str) -> str:
    """Join a recorded relative path to a directory that it must not leave.

    Raises:
        ValueError: for an absolute path, `..`, an empty part, a NUL, or a symbolic link that leads out.
    """
    parts = relative.split("/")
    if "\0" in relative or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"path {relative!r} would leave its folder")
    path = base
    for part in parts:
        path = os.path.join(path, part)
        if os.path.islink(path) and not is_inside(base, path):
            raise ValueError(f"path {relative!r} leads out of its folder")
    return path
