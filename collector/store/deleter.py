"""Deleting many runs: rows first, folders after, in small steps between which everything else goes on.

Part of the indexer, under the writer's lock. A request (store/deletions.py) stays announced until all of it
is done, and every step can be done twice. Until a run's row is gone its folder is where it was, so that no
row ever points nowhere; a folder that a crash left without a row is moved by whoever goes on.

On a full disk SQLite cannot delete, because deleting writes (research: 8 MB tmpfs, SQLITE_FULL). Then the
ballast is let go of (store/ballast.py), and where there is none, the oldest run's folder goes first.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from collector import durable
from collector.errors import LimitError
from collector.ids import is_ulid
from collector.record import spool
from collector.record.folder import point_latest
from collector.record.seal import read_record
from collector.store import ballast, trash
from collector.store.database import Connection
from collector.store.deletions import DELETE, Deletion, Doomed, find_deletion
from collector.store.room import is_disk_full
from collector.store.run_folders import RunFolders
from collector.store.run_rows import delete_rows, rows_of
from collector.store.runs import SqliteRunStore
from collector.store.trouble import Log
from collector.tags import find_tag
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STEP = 1000
_STEP_WHEN_FULL = 10


class Deleter:
    """Carries out what is asked for in the spool, a step at a time.

    Args:
        workspace: whose runs.
        folders: where they lie.
        log: told of each run that is gone, and of what could not be deleted.
    """

    def __init__(self, workspace: Workspace, folders: RunFolders, log: Log) -> None:
        self._workspace = workspace
        self._folders = folders
        self._log = log
        self._at_hand: _AtHand | None = None

    def step(self, connection: Connection, waiting: Sequence[spool.Announcement]) -> bool:
        """Delete some runs of the first request that waits; tell whether more are left.

        Args:
            connection: the writer's.
            waiting: what is announced, oldest first.

        Raises:
            AcodeError, OSError: it stays announced.
        """
        if not waiting:
            return False
        name, _, subject = waiting[0]
        if self._at_hand is None or self._at_hand.name != name:
            self._at_hand = self._begin(name, subject)
        at_hand = self._at_hand
        batch = at_hand.deletion.runs[at_hand.done : at_hand.done + _STEP]
        at_hand.done += self._delete(connection, at_hand, batch)
        if at_hand.done < len(at_hand.deletion.runs):
            return True
        self._finish(connection, at_hand)
        self._at_hand = None
        return len(waiting) > 1

    def _begin(self, name: str, subject: str) -> _AtHand:
        try:
            trash.prepare(self._workspace)
        except OSError as error:
            if is_disk_full(error):
                raise
            self._log("deletion.refused", deletion=subject, error=str(error))
            return _AtHand(name, Deletion(subject, DELETE, 0, ()))
        return _AtHand(name, _deletion_of(self._workspace, subject))

    def forget(self) -> None:
        """Read what is at hand anew: somebody may have rebuilt the database."""
        self._at_hand = None

    def _delete(self, connection: Connection, at_hand: _AtHand, batch: Sequence[Doomed]) -> int:
        """Delete the first runs of a batch; return how many."""
        try:
            self._delete_now(connection, at_hand, batch)
        except (LimitError, OSError) as error:
            if not is_disk_full(error) or len(batch) == 0:
                raise
            batch = batch[:_STEP_WHEN_FULL]
            self._make_room(batch, connection)
            self._delete_now(connection, at_hand, batch)
        return len(batch)

    def _delete_now(self, connection: Connection, at_hand: _AtHand, batch: Sequence[Doomed]) -> None:
        found = {row.run_id: row for row in rows_of(connection, [run.run_id for run in batch])}
        spared = {run_id for run_id, row in found.items() if at_hand.spares(row.is_finished, row.tags)}
        gone = [row for run_id, row in found.items() if run_id not in spared]
        delete_rows(connection, gone)
        places = {row.run_id: row.folder for row in gone}
        for run in batch:
            if run.run_id not in spared and self._discard(run, places.get(run.run_id)):
                self._log(
                    "run.deleted", run_id=run.run_id, name=run.name, deletion=at_hand.deletion.deletion_id
                )

    def _discard(self, run: Doomed, folder: str | None) -> bool:
        """Move a folder to the trash; one without a row, only if it still is that of the run.

        One that cannot be moved is announced as if it were new: what has a folder has a row.

        Raises:
            OSError: the disk is full.
        """
        place = folder or run.folder
        try:
            path = self._folders.path(place)
            if folder is None and not self._is_of(run, path):
                return False
            self._put(path, run.run_id)
        except FileNotFoundError:
            return folder is not None
        except (OSError, ValueError) as error:
            if is_disk_full(error):
                raise
            self._log("run.folder_kept", run_id=run.run_id, error=str(error))
            if folder is not None:
                spool.announce(self._workspace.spool, spool.RUN, folder)
            return False
        return True

    def _put(self, path: str, run_id: str) -> None:
        try:
            trash.put(self._workspace, path, run_id, sync=False)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not trash.remove(
                self._workspace, run_id
            ):
                raise
            trash.put(self._workspace, path, run_id, sync=False)  # an older copy was there

    def _is_of(self, run: Doomed, path: str) -> bool:
        """Tell whether a folder is that of a run: another may have taken its name."""
        if run.is_damaged:
            return trash.is_run_name(os.path.basename(path)) and not self._has_record(path)
        try:
            return bool(read_record(path).get("run_id") == run.run_id)
        except ValueError:
            return False

    def _has_record(self, path: str) -> bool:
        try:
            read_record(path)
        except (OSError, ValueError):
            return False
        return True

    def _make_room(self, batch: Sequence[Doomed], connection: Connection) -> None:
        """Let go of what is there to be let go of; at last, of the first run's folder before its row."""
        freed = ballast.release(self._workspace) or trash.empty(self._workspace)
        self._log("disk.full", freed=bool(freed))
        if freed or not batch:
            return
        for row in rows_of(connection, [batch[0].run_id]):
            if row.is_finished:
                trash.put(self._workspace, self._folders.path(row.folder), row.run_id, sync=False)
                trash.remove(self._workspace, row.run_id)

    def _finish(self, connection: Connection, at_hand: _AtHand) -> None:
        """Make it durable, then forget that it was asked for."""
        if at_hand.done:
            trash.sync_places(self._workspace)
            durable.sync_directory(self._workspace.artifacts)
            _point_latest(connection, self._workspace)
        spool.remove(self._workspace.spool, [at_hand.name])


class _AtHand:
    """The request that is being carried out, and how far it is."""

    def __init__(self, name: str, deletion: Deletion) -> None:
        self.name = name
        self.deletion = deletion
        self.done = 0

    def spares(self, is_finished: bool, tags: Mapping[str, str]) -> bool:
        """Tell whether a run must stay, whatever was asked: it runs, or somebody tagged it meanwhile."""
        return not is_finished or bool(find_tag(tags, self.deletion.preserve_tags))


def forget_trashed(connection: Connection, workspace: Workspace) -> int:
    """Delete the rows of runs whose folders are in the trash; return how many.

    Only a crash of the machine leaves any: rows that were deleted come back, folders that were moved do not.
    """
    ids = list(trash.iter_run_ids(workspace))
    doomed = [
        row
        for begin in range(0, len(ids), _STEP)
        for row in rows_of(connection, ids[begin : begin + _STEP])
        if not Path(workspace.run_folder(row.folder)).exists()
    ]
    delete_rows(connection, doomed)
    return len(doomed)


def _deletion_of(workspace: Workspace, subject: str) -> Deletion:
    """Return the request of an announcement; its subject may also be the id of the one run it is about."""
    found = find_deletion(workspace, subject)
    if found is not None:
        return found
    runs = (Doomed(subject),) if is_ulid(subject) else ()
    return Deletion(subject, DELETE, time.time_ns() // 1_000_000, runs)


def _point_latest(connection: Connection, workspace: Workspace) -> None:
    """Let `latest` lead to a run that is there."""
    if os.path.exists(workspace.latest) or not os.path.islink(workspace.latest):
        return
    latest = SqliteRunStore(connection).latest()
    if latest is None:
        durable.unlink_quietly(workspace.latest)
    else:
        point_latest(workspace.latest, latest.folder)
