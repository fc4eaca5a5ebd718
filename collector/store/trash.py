"""The trash: where run folders go first, come back from, and are removed; and nothing but run folders.

The artifact store may be a folder that others use too, and a workspace may come from anywhere, with any
link in it. So only what has the name and the form that acode itself gives is ever moved or removed.

A folder in the trash is named by its run's id, and means that the run has been deleted: whoever finds one
that still has a row takes the row away. To remove one, it is renamed first, so that it either still comes
back whole or not at all.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from pathlib import Path

from collector import durable
from collector.ids import is_ulid
from collector.workspace import OUTPUT_INDEX, STDERR, STDOUT, Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ORPHAN_AGE_SECONDS = 3600
_RUN_NAME = re.compile(r"[a-z0-9._-]+-\d{8}-\d{6}(-\d+)?")
_MADE_BEFORE_THE_RECORD = re.compile(
    "|".join([*map(re.escape, (STDOUT, STDERR, OUTPUT_INDEX)), r"\.run\.json\.[\d-]+\.tmp"])
)
_REMOVED = ".removed-"


def prepare(workspace: Workspace) -> None:
    """Make the trash. Raises OSError where it cannot be used, because it leads elsewhere for example."""
    _make(Path(workspace.trash))


def put(workspace: Workspace, folder: str, run_id: str, sync: bool = True) -> None:
    """Move a run folder to the trash, in one step.

    Args:
        workspace: whose trash.
        folder: the absolute path.
        run_id: its name there.
        sync: make the move durable; else `sync_places` does, for many at once.

    Raises:
        OSError: it is where it was.
        ValueError: the run's id is none, so that its place in the trash could be anywhere.
    """
    if not is_ulid(run_id):
        raise ValueError(f"{run_id!r} is not a run id")
    move = durable.move if sync else durable.rename
    try:
        move(folder, f"{workspace.trash}/{run_id}")
    except OSError as error:
        if error.errno == errno.EXDEV:
            place = _places(workspace)[1]
            _make(place)
            move(folder, str(place / run_id))
        elif error.errno == errno.ENOENT and not os.path.isdir(workspace.trash):
            prepare(workspace)
            move(folder, f"{workspace.trash}/{run_id}")
        else:
            raise


def sync_places(workspace: Workspace) -> None:
    """Make durable what has been moved to the trash."""
    for place in _real_places(workspace):
        durable.sync_directory(str(place))


def find(workspace: Workspace, run_id: str) -> str | None:
    """Return where the folder of a deleted run lies, or None."""
    if not is_ulid(run_id):
        return None
    paths = (place / run_id for place in _real_places(workspace))
    return next((str(path) for path in paths if path.is_dir() and not path.is_symlink()), None)


def iter_run_ids(workspace: Workspace) -> Iterator[str]:
    """Yield the ids of the runs in the trash."""
    for place in _real_places(workspace):
        with os.scandir(place) as entries:
            for entry in entries:
                if is_ulid(entry.name) and entry.is_dir(follow_symlinks=False):
                    yield entry.name


def restore(workspace: Workspace, run_id: str, target: str) -> None:
    """Move the folder of a deleted run to where it was.

    Raises:
        FileNotFoundError: it is not in the trash.
        FileExistsError: something else lies where it was.
        OSError: it is still in the trash.
    """
    source = find(workspace, run_id)
    if source is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), run_id)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    durable.move(source, target)


def remove(workspace: Workspace, run_id: str) -> bool:
    """Remove a run's folder in the trash for good; tell whether it was there."""
    path = find(workspace, run_id)
    if path is None:
        return False
    doomed = Path(path).with_name(_REMOVED + run_id)
    try:
        durable.rename(path, str(doomed))
    except OSError:
        return False
    shutil.rmtree(doomed, ignore_errors=True)
    return True


def remove_leftovers(workspace: Workspace) -> None:
    """Remove what was being removed when somebody was killed at it."""
    for place in _real_places(workspace):
        for folder in place.glob(f"{_REMOVED}*"):
            if is_ulid(folder.name.removeprefix(_REMOVED)):
                shutil.rmtree(folder, ignore_errors=True)


def empty(workspace: Workspace, may_go: Callable[[str], bool] = lambda _: True) -> int:
    """Remove folders in the trash; return how many.

    Args:
        workspace: whose.
        may_go: tells of a run's id whether its folder may be removed by now.
    """
    remove_leftovers(workspace)
    return sum(remove(workspace, run_id) for run_id in list(iter_run_ids(workspace)) if may_go(run_id))


def is_run_name(name: str) -> bool:
    """Tell whether a folder has a name that acode gives."""
    return _RUN_NAME.fullmatch(name) is not None


def is_orphan(folder: Path) -> bool:
    """Tell whether a recorder died in a folder, long ago, before it wrote a record."""
    return (
        folder.lstat().st_mtime < time.time() - _ORPHAN_AGE_SECONDS
        and is_run_name(folder.name)
        and all(_MADE_BEFORE_THE_RECORD.fullmatch(path.name) for path in folder.iterdir())
    )


def _places(workspace: Workspace) -> tuple[Path, Path]:
    """The second serves an artifact store on another file system, which a rename cannot leave."""
    return Path(workspace.trash), Path(workspace.artifacts, ".trash")


def _real_places(workspace: Workspace) -> list[Path]:
    return [place for place in _places(workspace) if place.is_dir() and not place.is_symlink()]


def _make(place: Path) -> None:
    try:
        place.mkdir(0o755)
    except FileExistsError:
        if place.is_symlink():
            raise
