"""From run folders to rows: what the spool announces, what a scan finds, what a crash left behind.

Runs under the writer's lock, in the collector or, without one, in the next reader. Every step can be done
twice: a folder's run.json is the truth, the database a copy of it.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from collector import clock, durable
from collector.config import Config
from collector.errors import BusyError, ConflictError, CorruptError
from collector.model.frozen import replace
from collector.model.run import Run
from collector.record import spool
from collector.record.folder import day_folder, point_latest
from collector.record.recorder import is_recorder_alive
from collector.record.seal import close_abandoned, is_sealed, read_record
from collector.record.session_folder import USAGE, folder_name, iter_lines, message_key, read_session
from collector.store import trash, upkeep
from collector.store.artifacts import SqliteArtifactStore
from collector.store.database import DATABASE_SUFFIXES, identities, open_writer, quick_check
from collector.store.deleter import Deleter, forget_trashed
from collector.store.deletions import reap, restorable_folder, trash_time_ms
from collector.store.importing import Importing, remove_abandoned
from collector.store.lock import WriterLock
from collector.store.run_folders import RunFolders
from collector.store.runs import SqliteRunStore
from collector.store.sealer import Sealer, read_config
from collector.store.sessions import SqliteSessionStore
from collector.store.trouble import Log, ignore, raise_if_passing
from collector.workspace import Workspace

BATCH = 500
_DELETING_SECONDS = 1.0


class ReindexReport:
    """What a scan of all folders did."""

    def __init__(self) -> None:
        self.indexed = 0
        self.removed = 0
        self.damaged: list[tuple[str, str]] = []


class Indexer:
    """The writer of one workspace's database. Holds its lock from `open` to `close`.

    Args:
        workspace: whose.
        log: told of everything worth knowing, as `log(event, key=value…)`.
        config: how runs are sealed; None to read it when there is one to seal.
    """

    def __init__(self, workspace: Workspace, log: Log = ignore, config: Config | None = None) -> None:
        self._workspace = workspace
        self._log = log
        self._config = config
        self._folders = RunFolders(workspace, log)
        self.sealer = Sealer(workspace, log, config)
        self._deleter = Deleter(workspace, self._folders, log)
        self._lock = WriterLock(workspace)
        self.runs: SqliteRunStore
        self.artifacts: SqliteArtifactStore
        self.sessions: SqliteSessionStore
        self._opened: dict[str, tuple[int, int]] = {}
        self._usage_read: dict[str, int] = {}
        self._commands_wait = True

    # Life

    def open(self, patience_seconds: float = 0.0) -> None:
        """Take the lock and open the database; a damaged one is set aside and rebuilt.

        Raises:
            BusyError: another process is the writer.
        """
        self._lock.acquire(patience_seconds)
        try:
            try:
                self._open_database()
                self._begin()
            except CorruptError as error:
                if error.code == "ACODE-RUN-025":
                    raise
                self.rebuild(str(error))
                self._begin()
        except BaseException:
            self._lock.release()
            raise

    def _begin(self) -> None:
        if not self.runs.last_event_id():
            self.reindex()
            self.runs.note_complete()
        self._take_in_waiting()

    def try_open(self) -> bool:
        """Open if nobody else is the writer."""
        try:
            self.open()
        except BusyError:
            return False
        return True

    def is_writer(self) -> bool:
        """Tell whether the workspace is still the one that was opened."""
        return self._lock.is_valid()

    def check_database(self) -> None:
        """Make sure that what is written can be read.

        Readers look for what was written in the files of these names: without its `-wal`, a database that is
        open here is an old one there.

        Raises:
            CorruptError: somebody removed a file of the database.
        """
        found = identities(self._workspace.database)
        self._opened = {**found, **self._opened}  # some come with the first change
        for name, identity in self._opened.items():
            if found.get(name) != identity:
                raise CorruptError("ACODE-RUN-005", f"{name} was removed or replaced")

    def close(self) -> None:
        """Close the database, then let others write."""
        self.runs.close()
        self._lock.release()

    def _open_database(self) -> None:
        connection = open_writer(self._workspace.database)
        self._connection = connection
        self._opened = identities(self._workspace.database)
        self.runs = SqliteRunStore(connection)
        self.artifacts = SqliteArtifactStore(connection, self._workspace)
        self.sessions = SqliteSessionStore(connection)
        self._usage_read.clear()
        self._deleter.forget()
        self._commands_wait = True

    def rebuild(self, why: str) -> ReindexReport:
        """Set a damaged database aside (it is kept) and make a new one from the folders."""
        if hasattr(self, "runs"):
            self.runs.close()
        self._set_aside(why)
        self._open_database()
        return self.reindex()

    def _set_aside(self, why: str) -> None:
        path = self._workspace.database
        aside = f"{path}.corrupt-{clock.format_stamp(clock.now_ms())}"
        self._log("database.damaged", error=why, kept_as=aside)
        for suffix in DATABASE_SUFFIXES:
            if os.path.lexists(path + suffix):
                durable.move(path + suffix, aside + suffix)

    # The spool

    def index_spool(self) -> int:
        """Index what is announced; return how many announcements were dealt with."""
        waiting = self._index_announced()
        until = time.monotonic() + _DELETING_SECONDS
        while self._delete_some() and time.monotonic() < until:
            self._index_announced()  # nothing has to wait for many runs to be deleted
        if waiting:
            self.index_commands()
        return len([name for name, kind, _ in waiting if kind not in spool.SEALS])

    def _index_announced(self) -> list[spool.Announcement]:
        waiting = spool.list_announcements(self._workspace.spool)
        for begin in range(0, len(waiting), BATCH):
            self._index_batch(waiting[begin : begin + BATCH])
        return waiting

    def _delete_some(self) -> bool:
        """Delete some of what is to be deleted; tell whether there is more."""
        return self._deleter.step(self._connection, self._to_delete())

    def _to_delete(self) -> list[spool.Announcement]:
        return [a for a in spool.list_announcements(self._workspace.spool) if a[1] == spool.DELETE]

    def _take_in_waiting(self) -> None:
        """Take in bundles before anything else is looked at: all runs of one, or none, are there."""
        waiting = spool.list_announcements(self._workspace.spool)
        for name, kind, subject in waiting:
            if kind == spool.IMPORT:
                self._take_in(subject)
                spool.remove(self._workspace.spool, [name])

    def _take_in(self, token: str) -> None:
        stores = (self.runs, self.artifacts)
        Importing(self._workspace, self._folders, self._log).take_in(token, stores, self.sealer.config)
        self._commands_wait = True

    def index_commands(self, budget_seconds: float = 0.2) -> int:
        """Index command lines that wait for it, for about so long; return how many."""
        until, done = time.monotonic() + budget_seconds, 0
        while self._commands_wait and time.monotonic() < until:
            found = self.runs.index_commands()
            self._commands_wait = found > 0
            done += found
        return done

    def seal_spool(self, budget_seconds: float = float("inf")) -> int:
        """Seal ended runs that wait for it, for about so long; return how many are left."""
        left = self.sealer.seal_waiting(budget_seconds)
        self.index_spool()
        return left

    def _index_batch(self, batch: list[spool.Announcement]) -> None:
        runs: dict[str, Run] = {}
        for _, kind, subject in batch:
            if kind in (spool.RUN, spool.END) and subject not in runs:
                run = self._load(subject)
                if run is not None:
                    runs[subject] = run
                else:
                    self._forget_withdrawn(subject)
        self._write(list(runs.values()))
        for run in runs.values():
            self._log("run.indexed", run_id=run.run_id, folder=run.folder, status=run.status)
        done = [name for name, kind, _ in batch if kind == spool.RUN]
        for name, kind, subject in batch:
            if kind == spool.END:
                spool.promote_to_seal(self._workspace.spool, name)
            elif self._grant(kind, subject):
                done.append(name)
        spool.remove(self._workspace.spool, done)

    def _grant(self, kind: str, subject: str) -> bool:
        """Do what an announcement asks for; False when it asks for nothing."""
        if kind == spool.REINDEX:
            self.reindex()
        elif kind == spool.LAYOUT:
            self.move_folders(dated=subject == "dated")
        elif kind == spool.SESSION:
            self._index_session(subject)
        elif kind == spool.IMPORT:
            self._take_in(subject)
        elif kind == spool.OPTIMIZE:
            upkeep.optimize(self._connection, self._workspace.database)
        elif kind == spool.UNDELETE:
            return self._undelete(subject)
        elif kind == spool.RECOVER:
            upkeep.check(self._connection)  # what it finds is mended as any damage is
        else:
            return False
        return True

    def _forget_withdrawn(self, folder: str) -> None:
        """Forget a run that an agent's hook announced and the shim then recorded under another name."""
        if os.path.lexists(self._workspace.run_folder(folder)):
            return
        run = self.runs.find_folder(folder)
        if run is not None and not run.is_finished:
            self.runs.forget(run.run_id)

    # Sessions

    def _index_session(self, name: str) -> None:
        """Copy a session folder into the database; what was read of its usage is not read again."""
        try:
            folder = durable.safe_join(self._workspace.sessions, name)
            session = read_session(folder)
            if folder_name(session.session_id) != name:
                raise ValueError(f"session.json says it is {session.session_id!r}")
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise_if_passing(error)
            self._log("session.damaged", folder=name, code="ACODE-ART-007", error=str(error))
            return
        keys = []
        for offset, line in iter_lines(folder, USAGE, self._usage_read.get(name, 0)):
            self._usage_read[name] = offset
            if isinstance(line.get("message_id"), str):
                keys.append(message_key(line["message_id"], line.get("request_id")))
        self.sessions.write(session, keys)

    def _reindex_sessions(self) -> None:
        self.sessions.forget_records()
        self._usage_read.clear()
        try:
            names = sorted(os.listdir(self._workspace.sessions))
        except OSError:
            return
        for name in names:
            self._index_session(name)

    # Rows

    def _write(self, runs: list[Run]) -> None:
        runs = self._without_impostors(runs)
        if not runs:
            return
        self._commands_wait = True
        try:
            self.runs.write(runs)
        except ConflictError:
            for run in runs:
                self._try_write(run)

    def _write_one(self, run: Run) -> None:
        self._write([run])

    def _try_write(self, run: Run) -> None:
        try:
            self.runs.write([run])
        except ConflictError as error:
            self._log("run.refused", run_id=run.run_id, name=run.name, error=str(error))

    def _without_impostors(self, runs: list[Run]) -> list[Run]:
        """Leave out runs that claim the identity or the name of one whose own folder is there."""
        places = self.runs.places(runs)
        own = []
        for run in runs:
            claimed = {run.run_id, run.name}
            other = next((places[c] for c in claimed if places.get(c, run.folder) != run.folder), None)
            if other is not None and self._folders.holds(other, claimed):
                self._log("run.refused", run_id=run.run_id, name=run.name, error=f"it is that of {other}")
                continue
            places |= dict.fromkeys(claimed, run.folder)
            own.append(run)
        return own

    # Run folders

    def _load(self, folder: str) -> Run | None:
        """Return a folder's run, or None (and say so) when it is gone or damaged."""
        try:
            return self._folders.read_run(folder)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise_if_passing(error)
            self._log("run.damaged", folder=folder, code="ACODE-ART-007", error=str(error))
            return None

    # Recovery

    def close_abandoned(self) -> int:
        """End the runs whose recorder has died; return how many."""
        closed = 0
        for run in self.runs.running():
            folder = self._workspace.run_folder(run.folder)
            if not is_recorder_alive(folder, dict(run.recorder)):
                closed += self._close(run)
        return closed

    def _close(self, run: Run) -> int:
        try:
            path = self._folders.path(run.folder)
            record = self._folders.checked(run.folder, read_record(path))
            if record["status"] == "running":
                record = close_abandoned(path, record)
            self._write_one(self._folders.read_run(run.folder))
            if not is_sealed(record):
                spool.announce(self._workspace.spool, spool.SEAL, run.folder)
        except (OSError, ValueError) as error:
            self._log("run.lost", run_id=run.run_id, folder=run.folder, error=str(error))
            self._write_one(_close_row(run, str(error)))
        self._log("run.closed", run_id=run.run_id, name=run.name)
        return 1

    def reindex(self) -> ReindexReport:
        """Make the database say what the folders say: add, update, and remove what is gone."""
        report = ReindexReport()
        seen: set[str] = set()
        batch: list[Run] = []
        for folder in self._folders.iter_folders():
            try:
                run = self._folders.read_run(folder)
            except (OSError, ValueError) as error:
                report.damaged.append((folder, str(error)))
                continue
            seen.add(run.run_id)
            batch.append(run)
            if run.is_finished and not is_sealed(run.to_json()):
                spool.announce(self._workspace.spool, spool.SEAL, folder)
            if len(batch) >= BATCH:
                self._write(batch)
                report.indexed += len(batch)
                batch = []
        self._write(batch)
        report.indexed += len(batch)
        report.removed = self._forget_missing(seen)
        self._reindex_sessions()
        self._log("reindex", indexed=report.indexed, damaged=len(report.damaged))
        return report

    def move_folders(self, dated: bool) -> int:
        """Move the folders of sealed runs to where a layout has them; return how many were moved.

        The row follows its folder; what a crash leaves in between, another call mends.
        """
        moved = 0
        for folder in list(self._folders.iter_folders()):
            run = self.runs.find_folder(folder)
            if run is None or not run.is_finished or not is_sealed(run.to_json()):
                continue
            place = f"{day_folder(run.start_time)}/{run.name}" if dated else run.name
            try:
                moved += self._folders.move(folder, place)
            except (OSError, ValueError) as error:
                self._log("run.not_moved", folder=folder, error=str(error))
                continue
            if run.folder != place:
                self.runs.move(run.run_id, place)
        latest = self.runs.latest()
        if latest is not None:
            point_latest(self._workspace.latest, latest.folder)
        return moved

    def adopt_unknown(self) -> int:
        """Index folders that no announcement and no row speaks of; return how many."""
        adopted = 0
        names = list(self._folders.iter_folders())
        for begin in range(0, len(names), BATCH):
            part = names[begin : begin + BATCH]
            known = self.runs.known_folders(part)
            for folder in part:
                if folder not in known and (run := self._load(folder)) is not None:
                    self._write_one(run)
                    if run.is_finished:
                        spool.announce(self._workspace.spool, spool.SEAL, folder)
                    adopted += 1
        return adopted

    def remove_orphans(self) -> int:
        """Remove folders in which a recorder died before it wrote a record; return how many."""
        removed = remove_abandoned(self._workspace)
        for folder in self._folders.iter_folders(with_record=False):
            path = Path(self._workspace.run_folder(folder))
            if trash.is_orphan(path):
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
        return removed

    def _forget_missing(self, seen: set[str]) -> int:
        gone = [run_id for run_id in self.runs.run_ids() if run_id not in seen]
        for run_id in gone:
            self.runs.forget(run_id)
        return len(gone)

    # Deletion

    def _undelete(self, run_id: str) -> bool:
        """Bring a folder back from the trash; False as long as its deletion is not done."""
        if self._to_delete():
            return False
        folder = restorable_folder(self._workspace, run_id)
        if folder is None:
            return True
        try:
            trash.restore(self._workspace, run_id, self._folders.path(folder))
        except (FileNotFoundError, FileExistsError, ValueError) as error:
            self._log("run.not_restored", run_id=run_id, folder=folder, error=str(error))
            return True
        run = self._load(folder)
        if run is not None:
            self._write_one(run)
            self._log("run.restored", run_id=run_id, folder=folder)
            if run.is_finished and not is_sealed(run.to_json()):
                spool.announce(self._workspace.spool, spool.SEAL, folder)
        return True

    def forget_trashed(self) -> int:
        """Delete rows that a crash of the machine brought back; return how many."""
        return forget_trashed(self._connection, self._workspace)

    def empty_trash(self, keep_ms: int | None = None) -> int:
        """Remove the folders of runs that were deleted so long ago; return how many.

        Args:
            keep_ms: how long ago; None for what the settings say.
        """
        if not os.path.isdir(self._workspace.trash):
            return 0
        if keep_ms is None:
            keep_ms = trash_time_ms(self._config or read_config(self._workspace))
        return reap(self._workspace, keep_ms, clock.now_ms())


def reindex(workspace: Workspace) -> ReindexReport:
    """Rebuild the database from the run folders; the caller has made sure that no collector runs.

    Raises:
        BusyError: another process is the writer.
    """
    indexer = Indexer(workspace)
    indexer.open(5.0)
    try:
        damage = quick_check(workspace.database)
        if damage != "ok":
            return indexer.rebuild(damage)
        indexer.index_spool()
        return indexer.reindex()
    except CorruptError as error:
        return indexer.rebuild(str(error))
    finally:
        indexer.close()


def _close_row(run: Run, why: str) -> Run:
    """End a row whose folder can no longer say how."""
    return replace(
        run, status="cancelled", end_time=run.start_time, duration_ms=0,
        error_code="ACODE-ART-007", error_message=f"its run folder is damaged: {why}",
    )  # fmt: skip
