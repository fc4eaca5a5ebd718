"""Cleaning up by itself: when it is due, when a limit was crossed, when the disk is nearly full.

Used by one thread of the collector. It goes through the database as a reader and asks for deletions, which
are carried out by whoever writes; it never waits for them.
"""

from __future__ import annotations

import os
import time

from collector.clock import now_ms
from collector.config import Config, load_config
from collector.errors import AcodeError, BusyError
from collector.model.frozen import replace
from collector.model.query import RunQuery
from collector.retention import alerts as known
from collector.retention.alerts import Alerts
from collector.retention.due import is_due
from collector.retention.logs import expire_logs
from collector.retention.orphans import iter_orphan_folders
from collector.retention.policy import Policy, policy_of
from collector.retention.state import believe, read_state, this_moment, write_state
from collector.retention.sweep import (
    audit_what_waits,
    doomed_by,
    iter_condemned,
    order_deletions,
    shrink_trash,
)
from collector.store import ballast, trash
from collector.store.database import Connection, open_reader
from collector.store.deletions import ORPHANS, Doomed, reap, reap_unrequested, trash_time_ms
from collector.store.disk import Disk, disk_of
from collector.store.facts import StoredFacts, bytes_since
from collector.store.lock import FileLock
from collector.store.runs import SqliteRunStore
from collector.store.trouble import Log
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

_PAUSE_EVERY = 500
_SHARE_OF_TIME = 50
"""Measuring the store because runs have ended may take one part in so many of the time."""
_UNREQUESTED_SECONDS = 3600.0
_LOGS_AT_ONCE, _LOGS_SECONDS = 200, 3600.0


class Cleaner:
    """Looks around whenever it is told to.

    Args:
        workspace: whose runs.
        log: told what was cleaned up, and what is wrong.
        may_go_on: takes a breath, and tells whether to go on.
    """

    def __init__(self, workspace: Workspace, log: Log, may_go_on: Callable[[], bool]) -> None:
        self._workspace = workspace
        self._log = log
        self._may_go_on = may_go_on
        self._alerts = Alerts(workspace, log)
        self._has_just_started = True
        self._failure = ""
        self._size = _Size()
        self._trash_seen = 0
        self._unrequested_again = 0.0
        self._logs_again = 0.0

    def look_around(self) -> None:
        """Do what is due; what fails is an alert, and tried again at the next look."""
        wrong: dict[str, str] = {}
        try:
            config = load_config(self._workspace.root, dict(os.environ))
            disk = disk_of(self._workspace.folder)
            self._empty_trash(config, disk)
            self._clean_up(config, disk)
            self._shrink_trash(config)
            self._expire_logs(config)
            if audit_what_waits(self._workspace):
                wrong[known.AUDIT] = "what was deleted could not be written to the audit log"
            wrong |= self._what_is_wrong(policy_of(config))
            if not wrong:
                ballast.keep(self._workspace)
            self._failure = ""
        except BusyError:
            return  # somebody else is cleaning up
        except (AcodeError, OSError) as error:
            if str(error) != self._failure:
                self._log("cleanup.failed", code="ACODE-RUN-010", error=str(error))
            self._failure = str(error)
            wrong[known.RETENTION] = f"cleaning up failed: {error}"
        self._alerts.update(wrong, now_ms())

    # The trash

    def _empty_trash(self, config: Config, disk: Disk) -> None:
        keep_ms = trash_time_ms(config)
        removed = reap(self._workspace, keep_ms, now_ms(), self._may_go_on)
        if time.monotonic() > self._unrequested_again:
            removed += reap_unrequested(self._workspace, keep_ms, now_ms())
            self._unrequested_again = time.monotonic() + _UNREQUESTED_SECONDS
        if disk.is_low:
            removed += trash.empty(self._workspace)
        if removed:
            self._log("trash.emptied", runs=removed)

    def _shrink_trash(self, config: Config) -> None:
        """Let the trash be no larger than what the runs leave of the limit, where there is one."""
        policy = policy_of(config)
        changed = _changed_ns(self._workspace.trash)
        if not policy.max_size or not _is_enforced(config) or changed == self._trash_seen:
            return
        room = max(0, policy.max_size - self._size.bytes)
        if removed := shrink_trash(self._workspace, config, room):
            self._log("trash.shrunk", runs=removed)
        self._trash_seen = _changed_ns(self._workspace.trash)

    # Cleaning up

    def _clean_up(self, config: Config, disk: Disk) -> None:
        state, now = believe(read_state(self._workspace), this_moment())
        is_time = is_due(config, min(state.cleaned_ms, now), now, self._has_just_started)
        self._has_just_started = False
        policy = policy_of(config)
        with _Reader(self._workspace) as connection:
            self._measure(connection, policy)
            is_over = _is_enforced(config) and (disk.is_low or self._is_over(policy))
            if is_time or is_over:
                with FileLock(self._workspace.cleanup_lock, "another cleanup is at work") as lock:
                    lock.acquire(0)
                    self._judge(connection, _squeezed(policy, disk, self._size.bytes), disk, now)
                state = replace(state, cleaned_ms=now)
        write_state(self._workspace, state)

    def _judge(self, connection: Connection, policy: Policy, disk: Disk, now: int) -> None:
        """Judge every run, and ask for what is condemned to be deleted."""
        began = time.monotonic()
        keep_ms = 0 if disk.is_low else None
        condemned = self._slowly(iter_condemned(connection, self._workspace, policy, now))
        runs = size = 0
        for order in order_deletions(
            self._workspace, doomed_by(condemned), keep_ms=keep_ms, preserve_tags=policy.preserve_tags
        ):
            runs, size = runs + len(order.runs), size + sum(run.bytes for run in order.runs)
        orphans = list(self._orphans(connection, policy, now))
        for _ in order_deletions(self._workspace, orphans, ORPHANS, keep_ms=keep_ms):
            pass
        self._size.less(runs, size)
        self._log(
            "cleanup", runs=runs, bytes=size, orphans=len(orphans),
            duration_ms=round((time.monotonic() - began) * 1000),
        )  # fmt: skip

    def _orphans(self, connection: Connection, policy: Policy, now: int) -> Iterator[Doomed]:
        """Yield folders whose record is damaged, once a run of their age would be deleted."""
        if policy.max_age:
            before = now - max(policy.max_age, policy.keep_failures, policy.min_age)
            yield from iter_orphan_folders(self._workspace, SqliteRunStore(connection), before)

    def _slowly(self, things: Iterable[T]) -> Iterator[T]:
        for number, thing in enumerate(things):
            if number % _PAUSE_EVERY == 0 and not self._may_go_on():
                return
            yield thing

    def _expire_logs(self, config: Config) -> None:
        """Ask for the logs of some runs that are old enough to be deleted; more at the next look."""
        if not _is_enforced(config) or time.monotonic() < self._logs_again:
            return
        asked = expire_logs(self._workspace, config, _LOGS_AT_ONCE)
        if asked:
            self._log("logs.expired", runs=asked)
        if asked < _LOGS_AT_ONCE:
            self._logs_again = time.monotonic() + _LOGS_SECONDS

    # How much there is

    def _measure(self, connection: Connection, policy: Policy) -> None:
        """Know what the runs take, without going through all of them more often than that is worth."""
        added, mark = bytes_since(connection, self._size.mark)
        self._size.runs = SqliteRunStore(connection).count(RunQuery())
        is_known = self._size.is_known and (
            not added or self._size.bytes + added <= policy.max_size or time.monotonic() < self._size.again
        )
        if is_known or not policy.max_size:
            return
        began, total = time.monotonic(), 0
        for run in self._slowly(StoredFacts(connection)):
            total += run.bytes
        took = time.monotonic() - began
        self._size.measured(total, mark, time.monotonic() + took * _SHARE_OF_TIME)

    def _is_over(self, policy: Policy) -> bool:
        return bool(
            (policy.max_size and self._size.bytes > policy.max_size)
            or (policy.max_count and self._size.runs > policy.max_count)
        )

    def _what_is_wrong(self, policy: Policy) -> dict[str, str]:
        wrong = {}
        if policy.max_size and self._size.bytes > policy.max_size:
            wrong[known.STORAGE] = (
                f"runs take {_mib(self._size.bytes)}, and runs.retention.maxSize is {_mib(policy.max_size)}: "
                "'acode runs cleanup' deletes the oldest"
            )
        disk = disk_of(self._workspace.folder)
        if disk.is_low:
            wrong[known.DISK] = f"the disk is nearly full: {_mib(disk.free)} of {_mib(disk.total)} are free"
        return wrong


class _Size:
    """What the runs take, as far as it is known: `mark` is up to where, `again` when to look again."""

    def __init__(self) -> None:
        self.runs = self.bytes = self.mark = 0
        self.again = 0.0
        self.is_known = False

    def measured(self, size: int, mark: int, again: float) -> None:
        self.bytes, self.mark, self.again, self.is_known = size, mark, again, True

    def less(self, runs: int, size: int) -> None:
        self.runs, self.bytes = self.runs - runs, self.bytes - size


class _Reader:
    """A reader's connection for as long as it is needed."""

    def __init__(self, workspace: Workspace) -> None:
        self._connection = open_reader(workspace.database)

    def __enter__(self) -> Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _squeezed(policy: Policy, disk: Disk, size: int) -> Policy:
    """Return a policy that leaves the disk some room: on one that is nearly full there is less to have."""
    if not disk.is_low:
        return policy
    room = max(1, size - disk.missing)
    return replace(policy, max_size=min(policy.max_size, room) if policy.max_size else room)


def _is_enforced(config: Config) -> bool:
    """Tell whether limits are kept without anybody asking."""
    return any(config.get(f"runs.retention.{name}") is True for name in ("enabled", "autoPrune"))


def _changed_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB" if size >= 10 << 20 else f"{size / (1 << 20):,.1f} MiB"
