"""Opening the files of a run: never through a link, never a pipe, wherever the record says they are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from acode_tui.document import Content, Interleaved, Source
from acode_tui.messages import FileEntry
from collector import AcodeError, open_content

if TYPE_CHECKING:
    from acode_tui.source.desk import Stores

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Unreadable(Exception):
    """A file that cannot be read, and why in a few words."""


def open_entry(entry: FileEntry, stores: Stores, grows: bool = False) -> Content:
    """Open a file of a run; an artifact through its store, which knows how it is kept.

    `grows` says that the run goes on.

    Raises:
        Unreadable: when it cannot be opened.
    """
    if entry.problem:
        raise Unreadable(entry.problem)
    if entry.is_interleaved:
        return open_interleaved(entry.path, grows)
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


def open_interleaved(folder: str, grows: bool) -> Interleaved:
    """Open both streams of a run folder as they came.

    Raises:
        Unreadable: when there is no index.
    """
    out, err, index = [_find(folder, name) for name in ("stdout.txt", "stderr.txt", "output.idx")]
    if index is None:
        for source in (out, err):
            if source is not None:
                source.close()
        raise Unreadable("its order was not recorded")
    return Interleaved((out, err), index, is_complete=not grows)


def _find(folder: str, name: str) -> Source | None:
    """Open a file of a run folder, however it is kept; None for one that cannot be opened."""
    try:
        return Source(open_content(folder, name))
    except (OSError, ValueError):
        return None
