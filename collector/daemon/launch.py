"""Whether a collector runs, and starting one: all of the daemon that is on the way to every command."""

from __future__ import annotations

import os
import sys
import time

from collector import clock
from collector.capture.process import OF_NO_TREE
from collector.record import spool
from collector.workspace import Workspace

_START_SECONDS = 5.0


class CollectorStatus:
    """What is known of a workspace's collector; `started_at` in milliseconds since 1970."""

    __slots__ = ("log", "pending", "pid", "running", "started_at", "version")

    def __init__(self, pid: int | None, started_at: int | None, version: str | None) -> None:
        self.running = pid is not None
        self.pid = pid
        self.started_at = started_at
        self.version = version
        self.pending = 0
        self.log = ""


def write_pid_file(workspace: Workspace, version: str) -> None:
    """Say that this process is the collector; it holds the writer's lock."""
    from collector.durable import replace_file, unlink_quietly

    me = os.getpid()
    started = (clock.process_start_ticks(me), clock.boot_id() or "-", clock.now_ms())
    fields = [me, *started, version, _mark_of(workspace)]
    line = " ".join(map(str, fields)) + "\n"
    replace_file(workspace.collector_pid, line.encode(), sync=False)
    unlink_quietly(workspace.collector_starting)


def collector_status(workspace: Workspace) -> CollectorStatus:
    """Return whether a collector runs, which one, and how much waits for it."""
    status = read_pid_file(workspace)
    status.pending = len(spool.list_announcements(workspace.spool))
    status.log = workspace.collector_log
    return status


def read_pid_file(workspace: Workspace) -> CollectorStatus:
    """Return what the pid file says, if the process it names still runs."""
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        fd = os.open(workspace.collector_pid, flags)
        try:
            fields = os.read(fd, 512).decode("utf-8", "replace").split()
        finally:
            os.close(fd)
    except OSError:
        return CollectorStatus(None, None, None)
    try:
        pid, ticks, boot, started_at, version, *mark = fields
        if mark and mark[0] != _mark_of(workspace):
            return CollectorStatus(None, None, None)  # copied from another workspace
        boot = "" if boot == "-" else boot
        if clock.is_process_alive(int(pid), int(ticks), boot):
            return CollectorStatus(int(pid), int(started_at), version)
    except ValueError:
        pass  # not a pid file: as if there were none
    return CollectorStatus(None, None, None)


def _mark_of(workspace: Workspace) -> str:
    """Return what tells a workspace from a copy of it."""
    try:
        return str(os.stat(workspace.spool).st_ino)
    except OSError:
        return "-"


def ensure_collector(workspace: Workspace) -> bool:
    """Start the collector unless it runs or the configuration forbids; True when it runs or starts.

    Never raises and never waits: without a collector, the next reader does its work.
    """
    try:
        if read_pid_file(workspace).running:
            return True
        from collector.config import load_config

        if not load_config(workspace.root, dict(os.environ)).autostart:
            return False
        if not _is_starting(workspace):
            spawn_collector(workspace)
    except Exception:  # noqa: BLE001 - a collector is never needed
        return False
    return True


def _is_starting(workspace: Workspace) -> bool:
    """Tell whether somebody has just started one; of many commands at once, the first one does."""
    try:
        os.close(os.open(workspace.collector_starting, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
    except FileExistsError:
        age = time.time() - os.lstat(workspace.collector_starting).st_mtime
        if 0 <= age < _START_SECONDS:
            return True
        os.utime(workspace.collector_starting)  # that one never came up
    return False


def spawn_collector(workspace: Workspace, *options: str) -> int:
    """Start a detached collector with the interpreter and the import path of this process.

    It keeps nothing of its caller's: a lock or a pipe that somebody waits for would be held for as long
    as it runs.
    """
    code = (
        "import sys, os; sys.path[:] = sys.argv.pop(1).split(os.pathsep);"
        "from collector.daemon.loop import main; sys.exit(main(sys.argv[1:]))"
    )
    path = os.pathsep.join([os.path.abspath(entry) for entry in sys.path if entry])
    argv = [sys.executable, "-I", "-S", "-c", code, path, workspace.root, *options]
    null = os.devnull
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, null, os.O_WRONLY, 0),
        *((os.POSIX_SPAWN_CLOSE, fd) for fd in _inherited_descriptors()),
    ]
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("ACODE_RUN_ID", "ACODE_INSTANCE_ID", "ACODE_SESSION_ID")
    }
    name, _, value = OF_NO_TREE.partition("=")
    environ[name] = value
    from signal import SIGHUP, SIGINT, SIGTERM

    return os.posix_spawn(
        sys.executable, argv, environ, file_actions=actions, setsid=True, setsigmask=[],
        setsigdef=[SIGINT, SIGTERM, SIGHUP],
    )  # fmt: skip


def _inherited_descriptors() -> list[int]:
    """Return what a child would get besides its standard streams."""
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            if fd > 2 and os.get_inheritable(fd):
                found.append(fd)
        except OSError:
            continue  # the listing's own
    return found
