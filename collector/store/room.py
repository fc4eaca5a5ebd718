"""Making room on a full disk, with what need not be there: in this order, and only as far as it takes."""

from __future__ import annotations

import errno
import os

from collector import durable
from collector.errors import LimitError
from collector.store import ballast, trash
from collector.store.disk import disk_of
from collector.workspace import Workspace

ENOUGH_BYTES = 1 << 20
"""What opening the databases and a few small files takes."""


def has_room(workspace: Workspace) -> bool:
    """Tell whether there is room enough to begin."""
    return disk_of(workspace.folder).free >= ENOUGH_BYTES


def is_disk_full(error: Exception) -> bool:
    """Tell whether an error says that there is no room, be it the system's or SQLite's."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, LimitError) and error.code == "ACODE-ART-005"


def make_room(workspace: Workspace, wanted_bytes: int = ENOUGH_BYTES) -> str:
    """Let go of the ballast, else of what was deleted; return which, empty where it takes neither."""
    for name, give_up in (("ballast", ballast.release), ("trash", trash.empty)):
        if disk_of(workspace.folder).free >= wanted_bytes:
            return ""
        if give_up(workspace):
            return name
    return ""


def make_room_to_begin(workspace: Workspace) -> str:
    """Make room before anything is opened, for whoever holds no database yet; return what it took.

    The index of texts goes at last: it is made anew from the texts.
    """
    given_up = []
    while name := make_room(workspace):
        given_up.append(name)
    if not has_room(workspace) and os.path.exists(workspace.search_database):
        for suffix in ("", "-wal", "-shm"):
            durable.unlink_quietly(workspace.search_database + suffix)
        given_up.append("search index")
    return ", ".join(given_up)
