"""Starting, stopping and asking the collector."""

from __future__ import annotations

import os
import time

from collector import clock
from collector.daemon.launch import (
    CollectorStatus,
    collector_status,
    ensure_collector,
    read_pid_file,
    spawn_collector,
)
from collector.errors import BusyError, ConflictError, UnavailableError
from collector.record import spool
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.store.indexer import ReindexReport

__all__ = [
    "CollectorStatus",
    "collector_status",
    "ensure_collector",
    "request_delete",
    "request_optimize",
    "request_recover",
    "request_reindex",
    "start_collector",
    "stop_collector",
]  # fmt: skip

_START_PATIENCE_SECONDS = 10.0
_STOP_PATIENCE_SECONDS = 10.0
_REQUEST_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.01


def start_collector(workspace: Workspace) -> CollectorStatus:
    """Start the collector and wait until it is up.

    Raises:
        ConflictError: it is running already.
        UnavailableError: it did not come up; its log says why.
    """
    status = read_pid_file(workspace)
    if status.running:
        raise ConflictError(
            "ACODE-RUN-020", f"the collector is running already (pid {status.pid})",
            "'acode collector status' shows it",
        )  # fmt: skip
    workspace.create()
    pid = spawn_collector(workspace, "--keep-running")
    deadline = time.monotonic() + _START_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        status = read_pid_file(workspace)
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

    status = read_pid_file(workspace)
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


def request_layout(workspace: Workspace, layout: str) -> None:
    """Move run folders to where a layout (`flat` or `dated`) has them, and wait until that is done.

    Raises:
        BusyError: the collector did not get to it in time.
    """
    workspace.create()
    path = os.path.join(workspace.spool, f"{layout}.{spool.LAYOUT}")
    _request(workspace, spool.LAYOUT, layout, lambda: not os.path.exists(path), 600.0)


def request_optimize(workspace: Workspace) -> None:
    """Let the database be checked, analysed and made smaller where that pays, and wait until it is.

    Raises:
        BusyError: the collector did not get to it in time.
    """
    _request_upkeep(workspace, spool.OPTIMIZE)


def request_recover(workspace: Workspace) -> None:
    """Let the whole database be checked, and rebuilt where it is damaged; wait until it is.

    Raises:
        BusyError: the collector did not get to it in time.
    """
    _request_upkeep(workspace, spool.RECOVER)


def _request_upkeep(workspace: Workspace, kind: str) -> None:
    workspace.create()
    path = os.path.join(workspace.spool, f"all.{kind}")
    _request(workspace, kind, "all", lambda: not os.path.exists(path), 600.0)


def _request(
    workspace: Workspace,
    kind: str,
    subject: str,
    is_done: Callable[[], bool],
    patience_seconds: float = _REQUEST_PATIENCE_SECONDS,
) -> None:
    from collector.store.waiting import index_waiting

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
