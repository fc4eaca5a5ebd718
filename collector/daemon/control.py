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
from collector.errors import BusyError, ConflictError, LimitError, NotFoundError, UnavailableError
from collector.model.frozen import dataclass
from collector.record import spool
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.store.deletions import Doomed, Trashed
    from collector.store.indexer import ReindexReport

    Progress = Callable[[int, int], None]

__all__ = [
    "CleanupReport",
    "CollectorStatus",
    "collector_status",
    "ensure_collector",
    "list_trash",
    "request_cleanup",
    "request_delete",
    "request_delete_runs",
    "request_optimize",
    "request_recover",
    "request_reindex",
    "request_undelete",
    "start_collector",
    "stop_collector",
]  # fmt: skip

_START_PATIENCE_SECONDS = 10.0
_STOP_PATIENCE_SECONDS = 10.0
_REQUEST_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupReport:
    """What was deleted: runs, folders without a run, bytes; `kept` are the runs that could not be."""

    removed: int
    orphans: int
    bytes: int
    kept: tuple[str, ...]
    duration_ms: int


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
    request_delete_runs(workspace, [run_id])


def request_delete_runs(
    workspace: Workspace,
    run_ids: Sequence[str],
    progress: Progress | None = None,
    keep_ms: int | None = None,
) -> CleanupReport:
    """Delete runs that somebody named; none of them unless all can be deleted.

    Args:
        workspace: whose.
        run_ids: which.
        progress: told how many are gone, and of how many.
        keep_ms: how long their folders stay in the trash; None for as long as the settings say.

    Raises:
        NotFoundError: there is no such run.
        ConflictError: one is still running.
        BusyError: the collector did not get to it in time.
    """
    from collector.store.deletions import DELETE, Doomed
    from collector.store.facts import facts_of

    found = {run.run_id: run for run in facts_of(workspace.database, run_ids)}
    for run_id in run_ids:
        if run_id not in found:
            raise NotFoundError(
                "ACODE-RUN-001", f"no run {run_id!r}", "'acode runs list' shows what there is"
            )
        if found[run_id].is_running:
            name = found[run_id].name
            raise ConflictError("ACODE-RUN-017", f"run {name} is still running", "stop it before deleting it")
    doomed = [Doomed(run.run_id, run.name, run.folder, run.bytes) for run in found.values()]
    return request_cleanup(workspace, doomed, progress, action=DELETE, keep_ms=keep_ms)


def request_cleanup(
    workspace: Workspace,
    doomed: Sequence[Doomed],
    progress: Progress | None = None,
    *,
    action: str = "cleanup",
    preserve_tags: tuple[str, ...] = (),
    keep_ms: int | None = None,
) -> CleanupReport:
    """Delete what a plan condemns, through the collector or in its place, and wait until it is gone.

    Args:
        workspace: whose.
        doomed: which runs and folders; `doomed_by(plan.verdicts)`.
        progress: told how many are gone, and of how many.
        action: why, for the audit log.
        preserve_tags: what spares a run that is tagged meanwhile.
        keep_ms: how long their folders stay in the trash; None for as long as the settings say.

    Raises:
        BusyError: the collector did not get to it in time.
        LimitError: the disk is so full that not even deleting is possible.
    """
    from collector.retention.sweep import order_deletions

    began = time.monotonic()
    workspace.create()
    try:
        orders = list(
            order_deletions(workspace, doomed, action, keep_ms=keep_ms, preserve_tags=preserve_tags)
        )
    except OSError as error:
        raise LimitError(
            "ACODE-RUN-010", f"cannot delete: {error.strerror}", "free some space, or check the permissions"
        ) from error
    done = 0
    for order in orders:
        path = os.path.join(workspace.spool, f"{order.deletion_id}.{spool.DELETE}")
        _wait(workspace, lambda path=path: not os.path.exists(path), 600.0)  # type: ignore[misc]
        done += len(order.runs)
        if progress is not None:
            progress(done, len(doomed))
    return _report(workspace, doomed, began)


def _report(workspace: Workspace, doomed: Sequence[Doomed], began: float) -> CleanupReport:
    from collector.store.facts import known_ids

    left = known_ids(workspace.database, [run.run_id for run in doomed])
    gone = [run for run in doomed if run.run_id not in left]
    return CleanupReport(
        removed=sum(not run.is_damaged for run in gone),
        orphans=sum(run.is_damaged for run in gone),
        bytes=sum(run.bytes for run in gone),
        kept=tuple(run.name for run in doomed if run.run_id in left),
        duration_ms=round((time.monotonic() - began) * 1000),
    )


def request_undelete(workspace: Workspace, run_id: str) -> str:
    """Bring a deleted run back from the trash, and wait until it is there; return its name.

    Raises:
        NotFoundError: it is not in the trash.
        ConflictError: another run has its name by now.
        BusyError: the collector did not get to it in time.
    """
    from collector.audit import append_audit
    from collector.retention.state import note_restored
    from collector.store import open_stores

    run = next((run for run in list_trash(workspace) if run.run_id == run_id), None)
    if run is None:
        raise NotFoundError("ACODE-RUN-038", f"run {run_id} is not in the trash", "see 'acode runs trash'")
    note_restored(workspace, run_id)
    spool.announce(workspace.spool, spool.UNDELETE, run_id)
    path = os.path.join(workspace.spool, f"{run_id}.{spool.UNDELETE}")
    _wait(workspace, lambda: not os.path.exists(path))
    runs, _ = open_stores(workspace)
    try:
        if not runs.exists(run_id):
            raise ConflictError(
                "ACODE-RUN-038", f"run {run.name} could not be brought back",
                "another run may have its name; 'acode collector logs' says why",
            )  # fmt: skip
        name = runs.get(run_id).name
    finally:
        runs.close()
    try:
        append_audit(workspace, "restore", name, {"run_id": run_id})
    except UnavailableError:
        return name  # it is back, whatever the log says
    return name


def list_trash(workspace: Workspace) -> list[Trashed]:
    """Return the runs that can come back, the last deleted first."""
    from collector.config import load_config
    from collector.store.deletions import list_trashed, trash_time_ms

    return list_trashed(workspace, trash_time_ms(load_config(workspace.root, dict(os.environ))))


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
    spool.announce(workspace.spool, kind, subject)
    _wait(workspace, is_done, patience_seconds)


def _wait(
    workspace: Workspace, is_done: Callable[[], bool], patience_seconds: float = _REQUEST_PATIENCE_SECONDS
) -> None:
    from collector.store.waiting import index_waiting

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
