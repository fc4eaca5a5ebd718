"""The content of recorded files, plain, compressed or encrypted: the one way to read what a run folder holds.

Large text is kept as `NAME.zst` once its run has ended: zstd in frames of 1 MiB with a seek table (Zstandard
Seekable Format), which any zstd program reads, and which can be read from the middle. Either may be encrypted
(`NAME.enc`, `NAME.zst.enc`; record/encrypting.py). Where several forms are there, because something was cut
short, any of them has the content.
"""

from __future__ import annotations

import errno
import io
import os
import stat

from collector import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

SUFFIX = ".zst"
ENCRYPTED = ".enc"
FORMS = ("", SUFFIX, ENCRYPTED, SUFFIX + ENCRYPTED)
"""What is appended to the path of a file in the forms in which it may be kept."""
FRAME_BYTES = 1 << 20
MAX_FRAMES = 1 << 20
"""A terabyte."""
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_BUFFER = 64 << 10


def open_content(folder: str, path: str) -> BinaryIO:
    """Open the content of a file in a run folder for reading from anywhere in it.

    Args:
        folder: the run folder.
        path: the file's path in it, as recorded; its compressed form is found by itself.

    Raises:
        OSError: it is not there, no regular file, or damaged; reading may raise it too.
        ValueError: the path leads out of the folder.
    """
    full = durable.safe_join(folder, path)
    problem: OSError | None = None
    for form in FORMS:
        try:
            fd = open_regular(full + form)
        except OSError as error:
            if error.errno != errno.ENOENT and not (form and error.errno == errno.ENAMETOOLONG):
                raise
            problem = problem or error
            continue
        try:
            return _open_form(fd, form, folder, path)
        except OSError as error:
            if not form.endswith(ENCRYPTED):
                raise
            problem = error  # it may be another file's: of `NAME.zst`, where this one is `NAME`
    raise problem or FileNotFoundError(full)


def _open_form(fd: int, form: str, folder: str, path: str) -> BinaryIO:
    if form == "":
        return io.BufferedReader(io.FileIO(fd, "rb"), _BUFFER)
    file: BinaryIO = os.fdopen(fd, "rb", buffering=0)
    if form.endswith(ENCRYPTED):
        from collector.record.encrypting import open_encrypted

        file = open_encrypted(file, folder, path)
    return io.BufferedReader(_Decompressed(file), _BUFFER) if form.startswith(SUFFIX) else file


def stored_form(path: str, among: Sequence[str] = FORMS) -> str | None:
    """Return in which form a file is there, as what is appended to its path; None if it is not.

    Args:
        path: its absolute path.
        among: the forms to look for, in this order.
    """
    for form in among:
        try:
            if stat.S_ISREG(os.lstat(path + form).st_mode):
                return form
        except OSError:
            continue
    return None


def form_of(compressed: bool, encrypted: bool) -> str:
    """Return the form that an artifact says it has."""
    return (SUFFIX if compressed else "") + (ENCRYPTED if encrypted else "")


def content_size(folder: str, path: str) -> int:
    """Return how long the content of a file is; -1 when it cannot be read."""
    try:
        with open_content(folder, path) as content:
            return content.seek(0, os.SEEK_END)
    except (OSError, ValueError):
        return -1


def open_regular(path: str) -> int:
    """Open a regular file, never through a link and never waiting for a pipe.

    Raises:
        OSError: it is not there, or something else; that has no errno, as what is in a file has none.
    """
    fd = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path} is no regular file")
    return fd


class _Decompressed(io.RawIOBase):
    """The content of a compressed file; whatever is wrong with the file is an OSError.

    Only the frames that are read are decompressed, a piece at a time, whatever the file claims to hold.
    """

    def __init__(self, file: BinaryIO) -> None:
        from pyzstd import SeekableZstdFile

        self._file = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
        try:
            _refuse_too_many_frames(self._file)
            self._content = SeekableZstdFile(self._file, "r")
        except Exception as error:
            self._file.close()
            raise _damaged(error) from error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        try:
            return self._content.readinto(buffer)  # type: ignore[arg-type]
        except Exception as error:
            raise _damaged(error) from error

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        try:
            return self._content.seek(offset, whence)
        except Exception as error:
            raise _damaged(error) from error

    def close(self) -> None:
        if not self.closed:
            self._content.close()
            self._file.close()
        super().close()


def _refuse_too_many_frames(file: BinaryIO) -> None:
    """A seek table of millions of frames would be read into memory before anything else."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - 9))
    footer = file.read(9)
    file.seek(0)
    if int.from_bytes(footer[:4], "little") > MAX_FRAMES:
        raise OSError("its compressed form is damaged: too many frames")


def _damaged(error: Exception) -> OSError:
    return error if isinstance(error, OSError) else OSError(f"its compressed form is damaged: {error}")
