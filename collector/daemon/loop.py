"""The collector's loop: wake when something is announced, and look around once a second.

One thread writes the database. Sealing, which may copy and hash gigabytes, is another's work, indexing
texts a third one's, cleaning up a fourth one's, so that a run that starts meanwhile is seen at once.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from types import FrameType

from watchfiles import Change

from collector import __version__
from collector.agents.following import Follower
from collector.agents.known import KnownInStore
from collector.config import Config, load_config
from collector.daemon.changes import iter_changes, step_since
from collector.daemon.launch import read_pid_file, write_pid_file
from collector.daemon.log import EventLog
from collector.daemon.receiver import Receiver
from collector.daemon.retaining import RetentionThread
from collector.daemon.sealing import SealingThread
from collector.daemon.searching import SearchThread
from collector.daemon.watching import WorkspaceWatch
from collector.errors import AcodeError, BusyError, ConflictError, CorruptError, UnavailableError
from collector.record.redacting import store_rules
from collector.store.indexer import Indexer
from collector.store.room import has_room, is_disk_full, make_room_to_begin
from collector.workspace import Workspace

_LOOK_AROUND_SECONDS = 1.0
_FOLLOW_MS = 250
_WATCH_STEP_MS = 10
_WATCH_DEBOUNCE_MS = 50
_POLL_SECONDS = 0.05
_LOCK_PATIENCE_SECONDS = 5.0
IDLE_SECONDS = 900.0


class Collector:
    """One workspace's collector, from lock to unlock.

    Args:
        workspace: whose.
        config: its settings.
        log: where to say what happens.
        idle_seconds: stop by itself after so long without anything to do; None to stay.
    """

    def __init__(
        self, workspace: Workspace, config: Config, log: EventLog, idle_seconds: float | None
    ) -> None:
        self._workspace = workspace
        self._config = config
        self._log = log
        self._idle_seconds = idle_seconds
        self._indexer = Indexer(workspace, log, config)
        self._watch_files = WorkspaceWatch(workspace, log) if config.get("collector.watch") else None
        self._sealing = SealingThread(self._indexer.sealer, log, self._indexer.is_writer)
        self._searching = SearchThread(workspace, log, self._indexer.is_writer)
        self._retaining = RetentionThread(workspace, log, self._indexer.is_writer)
        self._stop = threading.Event()
        self._looked_around = 0.0
        self._busy_at = time.monotonic()
        self._follower: Follower | None = None
        self._receiver = Receiver(workspace, log)
        self._in_trouble: set[Callable[[], int]] = set()

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:  # noqa: ARG002, RUF100
        """Finish what is at hand and return from `run`; a signal handler."""
        self._stop.set()

    def make_room(self) -> bool:
        """Give up what need not be there on a full disk; tell whether there is room enough now."""
        if given_up := make_room_to_begin(self._workspace):
            self._log("disk.full", given_up=given_up)
        return has_room(self._workspace)

    def run(self) -> None:
        """Work until stopped.

        Raises:
            ConflictError: another collector runs already.
            BusyError: another process is the writer.
        """
        self.make_room()
        self._become_writer()
        try:
            write_pid_file(self._workspace, __version__)
            self._log(
                "collector.started", pid=os.getpid(), version=__version__,
                artifacts=self._workspace.artifacts,
            )  # fmt: skip
            if self._config.get("collector.receiver"):
                self._receiver.start()
            if self._watch_files is not None:
                self._indexer.sealer.changed = self._watch_files.changed
                self._watch_files.start()
            self._catch_up()
            self._sealing.start()
            self._searching.start()
            self._retaining.start()
            self._wait_and_work()
        finally:
            self._receiver.stop()
            self._remove_pid_file()  # before the lock goes, or it would be the next collector's
            if self._watch_files is not None:
                self._watch_files.stop()
            if self._retaining.stop() & self._searching.stop() & self._sealing.stop():
                self._indexer.close()  # else the lock goes with this process
            self._log("collector.stopped", pid=os.getpid())

    def _become_writer(self) -> None:
        """Take the lock from a reader that indexes just now, but not from another collector."""
        deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
        while not self._indexer.try_open():
            other = read_pid_file(self._workspace).pid
            if other is not None:
                raise ConflictError(
                    "ACODE-RUN-020", f"the collector is running already (pid {other})",
                    "'acode collector status' shows it",
                )  # fmt: skip
            if time.monotonic() > deadline:
                raise BusyError("ACODE-RUN-022", "another process is writing runs.db", "try again")
            time.sleep(_POLL_SECONDS)

    def _catch_up(self) -> None:
        self._guarded(self._indexer.index_spool)
        self._guarded(self._indexer.forget_trashed)
        self._guarded(self._indexer.close_abandoned)
        adopted = self._guarded(self._indexer.adopt_unknown)
        if adopted:
            self._log("recovery.adopted", runs=adopted)
        self._guarded(self._indexer.remove_orphans)
        self._follow()

    def _follow(self) -> None:
        """Take in what agents say, from the database as it is open now."""
        known = KnownInStore(self._indexer.runs, self._indexer.sessions)
        surroundings = (Path(os.path.expanduser("~")), dict(os.environ))
        self._follower = Follower(self._workspace, self._config, known, surroundings, self._log)

    def _wait_and_work(self) -> None:
        """Work at each announcement; where the system has no watches left, look every now and then."""
        try:
            self._watch()
        except OSError as error:
            if self._is_over():
                return
            self._log("watch.failed", error=str(error))
            while not self._is_over() and not self._stop.wait(_POLL_SECONDS):
                self._work()

    def _watch(self) -> None:
        paths = [self._workspace.spool, self._workspace.inbox]
        for changes in iter_changes(paths, self._stop, self._step_ms, _WATCH_DEBOUNCE_MS, _FOLLOW_MS):
            if self._is_over():
                return
            if not changes or any(self._is_news(*change) for change in changes):
                self._work()

    def _step_ms(self) -> int:
        return step_since(self._busy_at, _WATCH_STEP_MS)

    def _is_news(self, change: int, path: str) -> bool:
        """Announcements are whole when they appear; what a hook leaves may still grow."""
        return change == Change.added or (
            change == Change.modified and path.startswith(self._workspace.inbox)
        )

    def _work(self) -> None:
        if self._guarded(self._indexer.index_spool):
            self._busy_at = time.monotonic()
            self._searching.look()
            self._retaining.look()
        if self._guarded(self._take_in):
            self._busy_at = time.monotonic()
            self._guarded(self._indexer.index_spool)
            self._searching.look()
        if self._indexer.sealer.has_waiting():
            self._busy_at = time.monotonic()
            self._sealing.look()
        self._guarded(self._indexer.index_commands)
        if time.monotonic() - self._looked_around > _LOOK_AROUND_SECONDS:
            self._guarded(self._look_around)
            self._looked_around = time.monotonic()

    def _take_in(self) -> int:
        """Take in what agents say; what an agent writes must not be able to stop the collector."""
        if self._follower is None:
            return 0
        try:
            return self._follower.step()
        except (AcodeError, OSError):
            raise
        except Exception as error:
            self._indexer.index_spool()
            self._follow()
            where = traceback.extract_tb(error.__traceback__)[-1]
            message = f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
            raise UnavailableError("ACODE-AGT-004", message, "please report it") from error

    def _look_around(self) -> int:
        self._indexer.check_database()
        if closed := self._indexer.close_abandoned():
            self._log("recovery.closed", runs=closed)
        if (
            self._searching.is_busy
            or self._indexer.runs.running()
            or (self._follower is not None and self._follower.is_busy)
        ):
            self._busy_at = time.monotonic()
        self._indexer.runs.trim_events()
        return 0

    def _is_over(self) -> bool:
        if not self._indexer.is_writer() or not os.path.isdir(self._workspace.spool):
            return True
        idle = time.monotonic() - self._busy_at
        return self._idle_seconds is not None and idle > self._idle_seconds

    def _guarded(self, step: Callable[[], int]) -> int:
        """Do one step; what fails is said once and tried again, because runs outlive any trouble."""
        try:
            result = self._mended(step)
        except (AcodeError, OSError) as error:
            if step not in self._in_trouble:
                self._log("step.failed", step=step.__name__, error=str(error))
            self._in_trouble.add(step)
            return 0
        self._in_trouble.discard(step)
        return result

    def _mended(self, step: Callable[[], int]) -> int:
        """Do one step, on a new database where it finds the old one damaged."""
        try:
            return step()
        except CorruptError as error:
            self._indexer.rebuild(str(error))
            self._follow()
            return step()

    def _remove_pid_file(self) -> None:
        if read_pid_file(self._workspace).pid != os.getpid():
            return
        try:
            os.unlink(self._workspace.collector_pid)
        except OSError:
            return


def main(argv: list[str]) -> int:
    """Run the collector of a workspace in this process; returns the exit status."""
    parser = argparse.ArgumentParser("acode collector run")
    parser.add_argument("workspace")
    parser.add_argument("--keep-running", action="store_true")
    options = parser.parse_args(argv)
    config = load_config(options.workspace, dict(os.environ))
    workspace = Workspace(options.workspace, config.artifacts_directory)
    workspace.create()
    os.chdir(workspace.root)
    log = EventLog(workspace, store_rules(config, os.environ))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        _run(lambda: Collector(workspace, config, log, None if options.keep_running else IDLE_SECONDS))
    except AcodeError as error:
        log("collector.failed", code=error.code, error=str(error))
        sys.stderr.write(f"acode: {error}\n")
        return error.exit_status
    return 0


def _run(make: Callable[[], Collector]) -> None:
    """Run a collector; on a disk that is too full to begin, again with what can be given up for it."""
    for is_last in (False, False, True):
        collector = make()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, collector.stop)
        try:
            collector.run()
        except (AcodeError, OSError) as error:
            if is_last or not is_disk_full(error) or not collector.make_room():
                raise
        else:
            return


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
