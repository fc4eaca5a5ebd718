"""Opening the files of a run: never through a link, never a pipe, wherever the record says they are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from acode_tui.document import Source
from acode_tui.messages import FileEntry
from collector import AcodeError

if TYPE_CHECKING:
    from acode_tui.source.desk import Stores

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Unreadable(Exception):
    """A file that cannot be read, and why in a few words."""


def open_entry(entry: FileEntry, stores: Stores) -> Source:
    """Open a file of a run; an artifact through its store, which knows how it is kept.

    Raises:
        Unreadable: when it cannot be opened.
    """
    if entry.problem:
        raise Unreadable(entry.problem)
    if entry.artifact_id is None:
        return open_path(entry.path)
    try:
        return Source(stores[1].open(stores[1].get(entry.artifact_id)))
    except AcodeError as error:
        raise Unreadable(error.message) from error


def open_path(path: str) -> Source:
    """Open a growing stream of a running run.

    Raises:
        Unreadable: when it cannot be opened.
    """
    try:
        return Source(os.fdopen(os.open(path, _FLAGS), "rb", buffering=0))
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be read") from error
