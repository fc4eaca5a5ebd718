"""Starting, stopping and asking the collector; light enough for the way to every recorded command."""

from __future__ import annotations

import os
import sys
import time

from collector import clock
from collector.errors import BusyError, ConflictError, UnavailableError
from collector.record import spool
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.store.indexer import ReindexReport

_START_PATIENCE_SECONDS = 10.0
_STOP_PATIENCE_SECONDS = 10.0
_REQUEST_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.01


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
    from collector.durable import replace_file

    me = os.getpid()
    fields = [me, clock.process_start_ticks(me), clock.boot_id() or "-", clock.now_ms(), version]
    line = " ".join(map(str, fields)) + "\n"
    replace_file(workspace.collector_pid, line.encode(), sync=False)


def collector_status(workspace: Workspace) -> CollectorStatus:
    """Return whether a collector runs, which one, and how much waits for it."""
    status = _read_pid_file(workspace)
    status.pending = len(spool.list_announcements(workspace.spool))
    status.log = workspace.collector_log
    return status


def _read_pid_file(workspace: Workspace) -> CollectorStatus:
    try:
        fd = os.open(workspace.collector_pid, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return CollectorStatus(None, None, None)
    try:
        fields = os.read(fd, 512).decode("utf-8", "replace").split()
    finally:
        os.close(fd)
    try:
        pid, ticks, boot, started_at, version = fields
        boot = "" if boot == "-" else boot
        if clock.is_process_alive(int(pid), int(ticks), boot):
            return CollectorStatus(int(pid), int(started_at), version)
    except ValueError:
        pass  # not a pid file: as if there were none
    return CollectorStatus(None, None, None)


def ensure_collector(workspace: Workspace) -> bool:
    """Start the collector unless it runs or the configuration forbids; True when it runs or starts.

    Never raises and never waits: without a collector, the next reader does its work.
    """
    try:
        if _read_pid_file(workspace).running:
            return True
        from collector.config import load_config

        if not load_config(workspace.root, dict(os.environ)).autostart:
            return False
        _spawn(workspace)
    except Exception:  # noqa: BLE001 - a collector is never needed
        return False
    return True


def start_collector(workspace: Workspace) -> CollectorStatus:
    """Start the collector and wait until it is up.

    Raises:
        ConflictError: it is running already.
        UnavailableError: it did not come up; its log says why.
    """
    status = _read_pid_file(workspace)
    if status.running:
        raise ConflictError(
            "ACODE-RUN-020", f"the collector is running already (pid {status.pid})",
            "'acode collector status' shows it",
        )  # fmt: skip
    workspace.create()
    pid = _spawn(workspace, "--keep-running")
    deadline = time.monotonic() + _START_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        status = _read_pid_file(workspace)
        if status.running:
            return status
        if os.waitpid(pid, os.WNOHANG)[0]:
            break
        time.sleep(_POLL_SECONDS)
    raise UnavailableError("ACODE-RUN-021", "the collector did not start", f"see {workspace.collector_log}")


def stop_collector(workspace: Workspace) -> int:
    """Ask the collector to stop, and wait until it has; returns its pid.

    Raises:
        UnavailableError: there is none.
        BusyError: it is still busy.
    """
    from signal import SIGTERM

    from collector.capture.process import send_signal

    status = _read_pid_file(workspace)
    if status.pid is None:
        raise UnavailableError(
            "ACODE-RUN-021",
            "no collector runs in this workspace",
            "'acode collector start' starts it",
        )
    ticks = clock.process_start_ticks(status.pid)
    send_signal(status.pid, ticks, SIGTERM)
    deadline = time.monotonic() + _STOP_PATIENCE_SECONDS
    while clock.process_start_ticks(status.pid) == ticks != 0:
        if time.monotonic() > deadline:
            raise BusyError("ACODE-RUN-022", f"the collector (pid {status.pid}) is still busy", "try again")
        time.sleep(_POLL_SECONDS)
    return status.pid


def _spawn(workspace: Workspace, *options: str) -> int:
    """Start a detached collector with the interpreter and the import path of this process."""
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
    ]
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("ACODE_RUN_ID", "ACODE_INSTANCE_ID", "ACODE_SESSION_ID")
    }
    from signal import SIGHUP, SIGINT, SIGTERM

    return os.posix_spawn(
        sys.executable, argv, environ, file_actions=actions, setsid=True, setsigmask=[],
        setsigdef=[SIGINT, SIGTERM, SIGHUP],
    )  # fmt: skip


def request_delete(workspace: Workspace, run_id: str) -> None:
    """Delete a run, through the collector or in its place, and wait until it is gone.

    Raises:
        NotFoundError: there is no such run.
        ConflictError: it is still running.
        BusyError: the collector did not get to it in time.
    """
    from collector.store import open_stores

    runs, _ = open_stores(workspace)
    try:
        run = runs.get(run_id)
        if not run.is_finished:
            raise ConflictError(
                "ACODE-RUN-017", f"run {run.name} is still running", "stop it before deleting it"
            )
        _request(workspace, spool.DELETE, run.run_id, lambda: not runs.exists(run.run_id))
    finally:
        runs.close()


def request_reindex(workspace: Workspace) -> ReindexReport | None:
    """Rebuild the index from the run folders; None when the collector did it.

    Raises:
        BusyError: the collector did not get to it in time.
    """
    from collector.store.indexer import reindex
    from collector.store.lock import is_write_locked

    workspace.create()
    if not is_write_locked(workspace):
        return reindex(workspace)
    name = f"all.{spool.REINDEX}"
    path = os.path.join(workspace.spool, name)
    _request(workspace, spool.REINDEX, "all", lambda: not os.path.exists(path), 600.0)
    return None


def _request(
    workspace: Workspace,
    kind: str,
    subject: str,
    is_done: Callable[[], bool],
    patience_seconds: float = _REQUEST_PATIENCE_SECONDS,
) -> None:
    from collector.store.indexer import index_waiting

    spool.announce(workspace.spool, kind, subject)
    deadline = time.monotonic() + patience_seconds
    while True:
        index_waiting(workspace)
        if is_done():
            return
        if time.monotonic() > deadline:
            raise BusyError(
                "ACODE-RUN-022",
                "the collector did not answer in time",
                "see 'acode collector status'",
            )
