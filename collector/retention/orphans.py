"""Folders without a run, and runs without a folder: what crashes, damage and hands leave behind.

A store may be a folder that others use too, so a folder counts only when it has the name and the content
that acode gives it.
"""

from __future__ import annotations

import os
from pathlib import Path

from collector.errors import AccessError
from collector.ids import new_ulid
from collector.model.query import RunQuery
from collector.record.content import FORMS
from collector.store import trash
from collector.store.deletions import Doomed
from collector.store.run_folders import RunFolders
from collector.store.runs import SqliteRunStore
from collector.workspace import STDERR, STDOUT, Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NO_RECORD, DAMAGED, NO_FOLDER = "noRecord", "damagedRecord", "noFolder"
"""Why: a recorder died before it wrote a record; the record cannot be read; the folder is gone."""
_BATCH = 500
_STREAMS = tuple(stream + form for stream in (STDOUT, STDERR) for form in FORMS)


def iter_orphan_folders(
    workspace: Workspace, runs: SqliteRunStore | None, before_ms: int
) -> Iterator[Doomed]:
    """Yield folders that hold no run and were last touched before a time.

    Args:
        workspace: whose.
        runs: what is known; None when there is no database, and every folder is looked into.
        before_ms: in milliseconds since 1970.
    """
    folders = RunFolders(workspace)
    for folder in folders.iter_folders(with_record=False):
        path = Path(workspace.run_folder(folder))
        if trash.is_orphan(path) and _touched_ms(path) < before_ms:
            yield _doomed(folder, path, NO_RECORD)
    names = list(folders.iter_folders())
    for begin in range(0, len(names), _BATCH):
        part = names[begin : begin + _BATCH]
        known = runs.known_folders(part) if runs is not None else frozenset()
        for folder in part:
            path = Path(workspace.run_folder(folder))
            if folder not in known and _is_damaged(folders, folder, path) and _touched_ms(path) < before_ms:
                yield _doomed(folder, path, DAMAGED)


def iter_rows_without_folder(workspace: Workspace, runs: SqliteRunStore) -> Iterator[Doomed]:
    """Yield finished runs whose folder is gone.

    Raises:
        AccessError: the whole artifact store is gone: perhaps a disk is not mounted.
    """
    if not Path(workspace.artifacts).is_dir():
        raise AccessError(
            "ACODE-ART-006", f"there is no {workspace.artifacts}", "is a disk missing? nothing was deleted"
        )
    query = RunQuery(limit=_BATCH, sort="start_time", descending=False)
    while True:
        page = runs.list(query)
        for run in page.items:
            if run.is_finished and not os.path.lexists(workspace.run_folder(run.folder)):
                yield Doomed(run.run_id, run.name, run.folder, 0, NO_FOLDER)
        if page.next_cursor is None:
            return
        query = RunQuery(limit=_BATCH, sort="start_time", descending=False, after=page.next_cursor)


def _is_damaged(folders: RunFolders, folder: str, path: Path) -> bool:
    if not trash.is_run_name(path.name) or not any((path / name).is_file() for name in _STREAMS):
        return False
    try:
        folders.read_run(folder)
    except ValueError:
        return True
    except OSError:
        return False
    return False


def _doomed(folder: str, path: Path, rule: str) -> Doomed:
    touched = _touched_ms(path)
    return Doomed(new_ulid(touched), path.name, folder, size_on_disk(path), rule, is_damaged=True)


def _touched_ms(path: Path) -> int:
    return int(path.lstat().st_mtime * 1000)


def size_on_disk(folder: Path) -> int:
    """Return what a folder takes, in bytes; files that go away meanwhile take nothing."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in (".", *names):
            try:
                total += os.lstat(os.path.join(where, name)).st_blocks * 512  # noqa: PTH118
            except OSError:
                continue
    return total
