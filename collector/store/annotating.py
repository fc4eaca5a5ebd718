"""Changing what people say of a run: under a lock of its own, announced like any change of a run folder.

Needs no collector and no database: whoever writes the database next takes it in.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from collector import durable
from collector.errors import AccessError, CorruptError, InputError, NotFoundError
from collector.model.run import Run
from collector.record import spool
from collector.record.annotations import Annotations, load_annotations, write_annotations
from collector.store.lock import FileLock
from collector.workspace import ANNOTATIONS_JSON, RUN_JSON, Workspace

Change = Callable[[Annotations], Annotations]
_PATIENCE_SECONDS = 10.0


def annotate(workspace: Workspace, run: Run, change: Change) -> bool:
    """Change what is said of a run; tell whether that made a difference.

    Args:
        workspace: whose run it is.
        run: it may be running.
        change: makes the new annotations of the old.

    Raises:
        NotFoundError: the run was deleted meanwhile.
        AccessError: its folder cannot be written; nothing changed.
        CorruptError: what is there was not written by acode; nothing changed.
        BusyError: others kept the lock.
    """
    lock = FileLock(workspace.annotations_lock, "another process is changing annotations")
    lock.acquire(_PATIENCE_SECONDS)
    with lock:
        try:
            is_changed = _replace(_folder(workspace, run), change)
        except FileNotFoundError:
            raise NotFoundError("ACODE-RUN-001", f"run {run.name} was deleted") from None
        except OSError as error:
            raise AccessError(
                "ACODE-ART-006", f"cannot change the annotations of {run.name}: {error.strerror}",
                "check the permissions of its folder",
            ) from error  # fmt: skip
        except ValueError as error:
            path = f"{run.folder}/{ANNOTATIONS_JSON}"
            raise CorruptError("ACODE-ART-007", f"{path} is damaged: {error}", "move it away") from error
    if is_changed:
        spool.announce_change(workspace.spool, run.folder)
    return is_changed


def _folder(workspace: Workspace, run: Run) -> str:
    try:
        return durable.safe_join(workspace.artifacts, run.folder)
    except ValueError as error:
        raise InputError("ACODE-ART-009", str(error), "the record is damaged or hostile") from error


def _replace(folder: str, change: Change) -> bool:
    mode = stat.S_IMODE(Path(folder, RUN_JSON).stat().st_mode)
    before = load_annotations(folder)
    after = change(before)
    if after != before:
        write_annotations(folder, after, mode)
    return after != before
