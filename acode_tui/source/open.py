"""Opening the files of a run: never through a link, never a pipe, wherever the record says they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from acode_tui.document import Content, Interleaved, Source
from acode_tui.messages import FileEntry
from collector import AcodeError, open_content

if TYPE_CHECKING:
    from acode_tui.source.desk import Stores


_INDEX = "output.idx"


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
        return open_interleaved(entry.path, grows, stores)
    if entry.artifact_id is None:
        return open_path(entry.path, stores)
    try:
        return Source(stores[1].open(stores[1].get(entry.artifact_id)))
    except AcodeError as error:
        raise Unreadable(error.message) from error


def open_path(path: str, stores: Stores | None = None) -> Source:
    """Open a stream of a run that was running when it was listed; by now it may have ended.

    Raises:
        Unreadable: when it cannot be opened.
    """
    folder, _, name = path.rpartition("/")
    source = _find(folder, name, stores)
    if source is None:
        raise Unreadable("it is gone")
    return source


def open_interleaved(folder: str, grows: bool, stores: Stores | None = None) -> Interleaved:
    """Open both streams of a run folder as they came.

    Raises:
        Unreadable: when there is no index, or a stream is damaged.
    """
    opened: list[Source | None] = []
    try:
        for name in ("stdout.txt", "stderr.txt", "output.idx"):
            opened.append(_find(folder, name, stores))  # noqa: PERF401 - what is open is closed when the next fails
        out, err, index = opened
        if index is None:
            raise Unreadable("its order was not recorded")
    except Unreadable:
        for source in opened:
            if source is not None:
                source.close()
        raise
    return Interleaved((out, err), index, is_complete=not grows)


def open_shown(folder: str, name: str, stores: Stores | None) -> BinaryIO:
    """Open a file of a run folder, its secrets masked if it may have any.

    Raises:
        OSError: it is not there, no regular file, or damaged; reading may raise it too.
        ValueError: the path leads out of the folder.
    """
    run = stores[0].find_folder(folder) if stores is not None and name != _INDEX else None
    return open_content(folder, name) if stores is None or run is None else stores[1].open_as(run, name)


def _find(folder: str, name: str, stores: Stores | None) -> Source | None:
    """Open a file of a run folder, however it is kept; None where there is none.

    Raises:
        Unreadable: there is one, and it cannot be opened.
    """
    try:
        return Source(open_shown(folder, name, stores))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else None
        raise Unreadable(text or str(error)) from error
