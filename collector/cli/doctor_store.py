"""What `acode doctor` looks at in `.acode`: the database, the folders, who writes, what was left behind."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from collector import __version__, clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.diagnosis import FAIL, OK, WARN, Check, Finding
from collector.durable import unlink_quietly
from collector.workspace import Workspace

_MANY_WAITING = 1000
_LONG_WAIT_SECONDS = 600
_STARTING_SECONDS = 60
_LARGE_WAL_BYTES = 128 << 20
_EARLIEST_MS = 1_700_000_000_000  # no clock that is right says less
_SLACK_MS = 60_000
_FOLDERS_LOOKED_AT = 5000
_TEMPORARY = re.compile(r"\..+\.(\d+)-\d+\.tmp")
_TEMPORARY_SECONDS = 3600
_ORPHAN_SECONDS = 3600


def check_database(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether the index can be read, is sound, and is not swollen."""
    from collector.store.database import quick_check
    from collector.store.upkeep import measure, set_aside

    path = workspace.database
    if not os.path.exists(path):  # noqa: PTH110
        yield Finding(OK, "database", "none yet; made when a run is recorded")
    else:
        verdict = quick_check(path)
        if verdict != "ok":
            yield Finding(
                FAIL, "database", verdict, "'acode runs recover' rebuilds it, 'acode runs reindex' too"
            )
            return
        size = measure(path)
        free = f", {output.format_size(size.free)} of it free" if size.free else ""
        yield Finding(OK, "database", f"sound, {output.format_size(size.database)}{free}")
        if size.wal > _LARGE_WAL_BYTES:
            text = f"runs.db-wal has grown to {output.format_size(size.wal)}: something reads without end"
            yield Finding(WARN, "wal", text, "close what has it open, then 'acode runs optimize'")
    kept = set_aside(path)
    if kept:
        total = output.format_size(sum(os.stat(name).st_size for name in kept))  # noqa: PTH116
        text = f"{_count(len(kept), 'damaged database')} kept ({total}), such as {Path(kept[-1]).name}"
        yield Finding(WARN, "set aside", text, "remove it when no run is missing")


def check_alerts(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """What the collector says is wrong."""
    from collector.retention.alerts import list_alerts

    for alert in list_alerts(workspace):
        since = output.format_time(alert.since_ms, clock.now_ms())
        yield Finding(
            WARN, "alert", f"{alert.code}: {alert.message} (since {since})", "see docs/retention.md"
        )


def check_trash(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """What deleted runs take."""
    from collector.store.deletions import list_trashed

    runs = list_trashed(workspace, 0)
    if runs:
        size = output.format_size(sum(run.bytes for run in runs))
        yield Finding(OK, "trash", f"{_count(len(runs), 'deleted run')}, {size}: 'acode runs trash'")


def check_search(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether the index of contents is there."""
    path = os.path.join(workspace.folder, "search.db")  # noqa: PTH118
    if os.path.exists(path):  # noqa: PTH110
        yield Finding(OK, "search", f"search.db has {output.format_size(os.stat(path).st_size)}")  # noqa: PTH116


def check_sqlite(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Which SQLite there is."""
    from collector.store.database import SAFE_WITH_SEVERAL_WRITERS, SQLITE_VERSION

    text = f"{SQLITE_VERSION}: several writers could damage a database before 3.51.3, acode has one"
    yield Finding(OK, "sqlite", SQLITE_VERSION if SAFE_WITH_SEVERAL_WRITERS else text)


def check_collector(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether it runs, is this acode's, and gets to its work."""
    from collector.daemon.control import collector_status

    status = collector_status(workspace)
    waiting = f", {_count(status.pending, 'announcement')} waiting" if status.pending else ""
    if not status.running:
        yield Finding(OK, "collector", f"not running{waiting}; whoever looks next does its work")
        yield from _left_by_collector(workspace)
        return
    late = _oldest_wait(workspace) > _LONG_WAIT_SECONDS
    if status.pending > _MANY_WAITING or late:
        text = f"running (pid {status.pid}){waiting}, some for long" if late else f"running{waiting}"
        yield Finding(WARN, "collector", text, "'acode collector logs' says why")
    else:
        yield Finding(OK, "collector", f"running (pid {status.pid}){waiting}")
    if status.version != __version__:
        text = f"the collector is acode {status.version}, this is {__version__}"
        yield Finding(WARN, "version", text, "'acode collector stop'; the next one that starts is new")


def _oldest_wait(workspace: Workspace) -> float:
    """Return for how many seconds the oldest announcement has been waiting."""
    try:
        times = [entry.stat().st_mtime for entry in os.scandir(workspace.spool)]
    except OSError:
        return 0.0
    return time.time() - min(times) if times else 0.0


def _left_by_collector(workspace: Workspace) -> Iterator[Finding]:
    for path, patience in ((workspace.collector_pid, 0), (workspace.collector_starting, _STARTING_SECONDS)):
        if os.path.lexists(path) and _age(path) > patience:
            text = f"{Path(path).name} was left by a collector that is gone"
            advice = "'acode doctor --fix' removes it; it does no harm"
            yield Finding(WARN, "pid file", text, advice, partial(unlink_quietly, path))


def check_lock(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether somebody who is no collector keeps others from writing."""
    from collector.daemon.launch import read_pid_file
    from collector.store.lock import is_write_locked

    if read_pid_file(workspace).running or not os.path.exists(workspace.writer_lock):  # noqa: PTH110
        return
    for _ in range(10):  # a reader that indexes what waits is done in a moment
        if not is_write_locked(workspace):
            return
        time.sleep(0.1)
    pid = lock_holder(os.stat(workspace.writer_lock).st_ino, _read("/proc/locks"))  # noqa: PTH116
    who = f"pid {pid} ({_read(f'/proc/{pid}/comm').strip()})" if pid else "some process"
    text = f"{who} holds writer.lock and is no collector: nothing can be indexed"
    yield Finding(WARN, "lock", text, f"see what it does: ps -fp {pid}" if pid else "try again in a while")


def lock_holder(inode: int, locks: str) -> int | None:
    """Return who holds a lock on a file, from the text of /proc/locks (proc_locks(5))."""
    found = re.search(rf"^\d+: FLOCK +\S+ +WRITE (\d+) [0-9a-f]+:[0-9a-f]+:{inode} ", locks, re.MULTILINE)
    return int(found[1]) if found else None


def check_runs(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether runs that are said to run do, and whether folders and rows belong to each other."""
    from collector.record import spool
    from collector.record.recorder import is_recorder_alive
    from collector.store import open_stores
    from collector.store.run_folders import RunFolders

    if not os.path.exists(workspace.database):  # noqa: PTH110
        return
    runs, _ = open_stores(workspace)
    try:
        running = runs.running()
        dead = [r for r in running if not is_recorder_alive(workspace.run_folder(r.folder), dict(r.recorder))]
        announced = {subject for _, _, subject in spool.list_announcements(workspace.spool)}
        found = islice(RunFolders(workspace).iter_folders(), _FOLDERS_LOOKED_AT)
        folders = [folder for folder in found if folder not in announced]
        unknown = len(folders) - sum(len(runs.known_folders(part)) for part in _parts(folders))
    finally:
        runs.close()
    if dead:
        text = f"{_count(len(dead), 'run')} said to run, but no longer recorded, such as {dead[0].name}"
        yield Finding(WARN, "runs", text, "'acode runs list' closes them")
    if unknown:
        text = f"{_count(unknown, 'run folder')} not in the database"
        yield Finding(WARN, "folders", text, "'acode runs reindex' adds them")
    orphans = [
        folder
        for folder in islice(RunFolders(workspace).iter_folders(with_record=False), _FOLDERS_LOOKED_AT)
        if _age(workspace.run_folder(folder)) > _ORPHAN_SECONDS
    ]
    if orphans:
        text = f"{_count(len(orphans), 'folder')} without run.json, such as {orphans[0]}"
        yield Finding(WARN, "orphans", text, "a collector removes what a crash left; look into any other")
    if not (dead or unknown or orphans):
        yield Finding(OK, "runs", f"{len(running)} running; folders and database agree")


def _parts(names: list[str]) -> Iterator[list[str]]:
    yield from (names[begin : begin + 500] for begin in range(0, len(names), 500))


def check_clock(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether the clock can be right: runs are ordered by it."""
    now = clock.now_ms()
    newest = _newest_start(workspace)
    if now < _EARLIEST_MS:
        yield Finding(FAIL, "clock", f"says {output.format_time(now)}", "set it: runs are ordered by it")
    elif newest is not None and newest > now + _SLACK_MS:
        text = f"says {output.format_time(now)}, but a run started {output.format_time(newest)}"
        yield Finding(WARN, "clock", text, "check it: runs are ordered by it")
    else:
        yield Finding(OK, "clock", output.format_time(now))


def _newest_start(workspace: Workspace) -> int | None:
    from collector.store import open_stores

    if not os.path.exists(workspace.database):  # noqa: PTH110
        return None
    runs, _ = open_stores(workspace)
    try:
        latest = runs.latest()
    finally:
        runs.close()
    return latest.start_time if latest else None


def check_leftovers(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether processes that died left half-written files."""
    left = [path for folder in (workspace.folder, workspace.spool) for path in _left_in(folder)]
    if left:
        text = f"{_count(len(left), 'half-written file')} of processes that are gone, such as {left[0]}"
        yield Finding(WARN, "leftovers", text, "'acode doctor --fix' removes them", partial(_remove, left))


def _left_in(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if _is_left(folder, name)]  # noqa: PTH118


def _is_left(folder: str, name: str) -> bool:
    found = _TEMPORARY.fullmatch(name)
    if not found or clock.is_process_alive(int(found[1][:9]), 0, ""):
        return False
    return _age(os.path.join(folder, name)) > _TEMPORARY_SECONDS  # noqa: PTH118


def _age(path: str) -> float:
    """Return how many seconds ago something was changed; 0 when it is gone."""
    try:
        return time.time() - os.lstat(path).st_mtime
    except OSError:
        return 0.0


def _remove(paths: list[str]) -> None:
    for path in paths:
        unlink_quietly(path)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""


CHECKS: tuple[Check, ...] = (
    check_database, check_search, check_sqlite, check_collector, check_alerts, check_lock, check_runs,
    check_clock, check_leftovers, check_trash,
)  # fmt: skip
