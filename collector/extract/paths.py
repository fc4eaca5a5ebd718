"""Paths of source files as reports write them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


def tidy_path(path: str) -> str:
    """Write a path with forward slashes, and without `.` and doubled slashes."""
    if "/" not in path or _DRIVE.match(path):
        path = path.replace("\\", "/")
    tidy = posixpath.normpath(path) if path else path
    return tidy[1:] if tidy.startswith("//") else tidy  # two slashes are a root of their own to POSIX


def is_absolute(path: str) -> bool:
    """Whether it starts at a root or a drive."""
    return path.startswith(("/", "\\")) or bool(_DRIVE.match(path))


def under_source(sources: Sequence[str], path: str) -> str:
    """Return where a file of Cobertura's is: under its source folder if there is but one."""
    folder = sources[0].strip() if len(sources) == 1 else ""
    if is_absolute(path) or folder in ("", "."):
        return tidy_path(path)
    return tidy_path(f"{tidy_path(folder)}/{tidy_path(path)}")
