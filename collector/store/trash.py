"""Removing run folders, and nothing else: whatever lies beside them, or behind a link, is not ours.

The artifact store may be a folder that others use too, and a workspace may come from anywhere, with any
link in it. So only what has the name and the form that acode itself gives is ever removed.
"""

from __future__ import annotations

import errno
import re
import shutil
import time
from pathlib import Path

from collector import durable
from collector.ids import is_ulid
from collector.workspace import OUTPUT_INDEX, STDERR, STDOUT, Workspace

_ORPHAN_AGE_SECONDS = 3600
_RUN_NAME = re.compile(r"[a-z0-9._-]+-\d{8}-\d{6}(-\d+)?")
_MADE_BEFORE_THE_RECORD = re.compile(
    "|".join([*map(re.escape, (STDOUT, STDERR, OUTPUT_INDEX)), r"\.run\.json\.[\d-]+\.tmp"])
)


def put(workspace: Workspace, folder: str, run_id: str) -> None:
    """Move a run folder to the trash, in one step.

    Raises:
        OSError: it is where it was.
        ValueError: the run's id is none, so that its place in the trash could be anywhere.
    """
    if not is_ulid(run_id):
        raise ValueError(f"{run_id!r} is not a run id")
    for place in _places(workspace):
        try:
            _make(place)
            durable.move(folder, str(place / run_id))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        else:
            return


def empty(workspace: Workspace) -> int:
    """Remove the folders in the trash; return how many."""
    removed = 0
    for place in _places(workspace):
        if place.is_symlink() or not place.is_dir():
            continue
        for folder in place.iterdir():
            if is_ulid(folder.name):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def is_orphan(folder: Path) -> bool:
    """Tell whether a recorder died in a folder, long ago, before it wrote a record."""
    return (
        folder.lstat().st_mtime < time.time() - _ORPHAN_AGE_SECONDS
        and _RUN_NAME.fullmatch(folder.name) is not None
        and all(_MADE_BEFORE_THE_RECORD.fullmatch(path.name) for path in folder.iterdir())
    )


def _places(workspace: Workspace) -> tuple[Path, Path]:
    """The second serves an artifact store on another file system, which a rename cannot leave."""
    return Path(workspace.trash), Path(workspace.artifacts, ".trash")


def _make(place: Path) -> None:
    try:
        place.mkdir(0o755)
    except FileExistsError:
        if place.is_symlink():
            raise
