"""Cleaning up: judging what is in the store, and asking for what is condemned to be deleted.

It decides and asks; `store/deleter.py` deletes, under the writer's lock, and nobody has to wait for it.
What is asked for is written down first, then said to the audit log: where that cannot be written, because
the disk is full for example, deleting goes on and the line follows as soon as there is room.
"""

from __future__ import annotations

import errno
from itertools import islice

from collector import clock
from collector.audit import append_audit
from collector.errors import AcodeError
from collector.model.frozen import dataclass, replace
from collector.model.query import RunQuery
from collector.record import spool
from collector.retention.orphans import iter_orphan_folders, iter_rows_without_folder
from collector.retention.policy import Policy, Verdict, iter_verdicts
from collector.retention.state import now_for_ages, read_state
from collector.store import ballast, trash
from collector.store.database import open_reader
from collector.store.deletions import (
    CLEANUP,
    DELETE,
    NEW,
    Deletion,
    Doomed,
    forget_done,
    iter_deletions,
    list_trashed,
    new_deletion,
    note_audited,
    trash_time_ms,
    write_deletion,
)
from collector.store.facts import StoredFacts
from collector.store.runs import SqliteRunStore
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from collector.config import Config
    from collector.model.facts import RunFacts
    from collector.store.database import Connection

RESTORED_MS = 7 * 86_400_000
"""A run that came back from the trash is left alone for so long."""
_RUNS_A_LINE = 250
BATCH = 1000
"""So many runs in one request: they go from every view together."""


@dataclass(frozen=True, slots=True)
class CleanupPlan:
    """What a cleanup would delete: condemned runs, oldest first, and folders without a run."""

    verdicts: tuple[Verdict, ...]
    orphans: tuple[Doomed, ...] = ()

    @property
    def bytes(self) -> int:
        """What the disk gets back, as far as nothing else holds the same content."""
        return sum(v.bytes for v in self.verdicts) + sum(o.bytes for o in self.orphans)


def plan_cleanup(
    workspace: Workspace,
    policy: Policy,
    query: RunQuery | None = None,
    orphans: bool = False,
    watch: Callable[[], None] | None = None,
) -> CleanupPlan:
    """Return what a cleanup would delete now; nothing is changed.

    Args:
        workspace: whose runs.
        policy: the rules.
        query: only runs that fit are condemned.
        orphans: look for folders without a run, and runs without a folder, too.
        watch: called now and then; what it raises ends the planning.

    Raises:
        AcodeError: the database cannot be read.
    """
    now_ms = now_for_ages(workspace)
    connection = open_reader(workspace.database)
    try:
        verdicts = tuple(iter_condemned(connection, workspace, policy, now_ms, query, watch))
        runs = SqliteRunStore(connection)
        found: list[Doomed] = []
        if orphans:
            found += iter_orphan_folders(workspace, runs, now_ms - policy.min_age)
            found += iter_rows_without_folder(workspace, runs)
        return CleanupPlan(verdicts, tuple(found))
    finally:
        connection.close()


def iter_condemned(
    connection: Connection,
    workspace: Workspace,
    policy: Policy,
    now_ms: int,
    query: RunQuery | None = None,
    watch: Callable[[], None] | None = None,
) -> Iterator[Verdict]:
    """Yield the verdicts on what is in the store; see `iter_verdicts`."""
    spared = replace(policy, spare=policy.spare | read_state(workspace).restored_after(now_ms - RESTORED_MS))
    facts = StoredFacts(connection, query)
    return iter_verdicts(facts if watch is None else _Watched(facts, watch), spared, now_ms)


class _Watched:
    """Runs that are gone through while somebody may say that it is enough."""

    def __init__(self, facts: Iterable[RunFacts], watch: Callable[[], None]) -> None:
        self._facts, self._watch = facts, watch

    def __iter__(self) -> Iterator[RunFacts]:
        for number, run in enumerate(self._facts):
            if number % BATCH == 0:
                self._watch()
            yield run


def doomed_by(verdicts: Iterable[Verdict]) -> Iterator[Doomed]:
    """Turn verdicts into what is to be deleted."""
    return (Doomed(v.run_id, v.name, v.folder, v.bytes, v.rule) for v in verdicts)


def order_deletions(
    workspace: Workspace,
    runs: Iterable[Doomed],
    action: str = CLEANUP,
    *,
    keep_ms: int | None = None,
    preserve_tags: tuple[str, ...] = (),
) -> Iterator[Deletion]:
    """Ask for runs to be deleted, and yield each request that was made; nothing is waited for.

    Args:
        workspace: whose.
        runs: which; gone through only as far as the requests are taken.
        action: why.
        keep_ms: how long their folders stay in the trash; None for as long as the settings say.
        preserve_tags: what spares a run that is tagged meanwhile.

    Raises:
        OSError: the request cannot be written.
    """
    remaining = iter(runs)
    while batch := tuple(islice(remaining, BATCH)):
        deletion = new_deletion(action, batch, keep_ms=keep_ms, preserve_tags=preserve_tags)
        _write(workspace, deletion)
        spool.announce(workspace.spool, spool.DELETE, deletion.deletion_id)
        audit_deletion(workspace, deletion)
        yield deletion


def _write(workspace: Workspace, deletion: Deletion) -> None:
    """Write a request down, on a full disk with the room of what need not be there."""
    for make_room in (ballast.release, trash.empty, None):
        try:
            write_deletion(workspace, deletion)
            return
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or make_room is None:
                raise
            make_room(workspace)


def audit_deletion(workspace: Workspace, deletion: Deletion) -> bool:
    """Say in the audit log what is deleted; tell whether it could be written."""
    action = "delete" if deletion.action == DELETE else "cleanup"
    try:
        for begin in range(0, max(1, len(deletion.runs)), _RUNS_A_LINE):
            part = deletion.runs[begin : begin + _RUNS_A_LINE]
            append_audit(workspace, action, deletion.deletion_id, _audit_details(deletion, part))
        note_audited(workspace, deletion.deletion_id)
    except (AcodeError, OSError):
        return False
    return True


def _audit_details(deletion: Deletion, runs: tuple[Doomed, ...]) -> dict[str, object]:
    return {
        "requested_at": clock.format_iso(deletion.requested_ms), "requested_by": deletion.who,
        "bytes": sum(run.bytes for run in runs),
        "runs": [" ".join(filter(None, (run.name, run.run_id, run.rule))) for run in runs],
    }  # fmt: skip


def audit_what_waits(workspace: Workspace) -> int:
    """Write the lines that could not be written; return how many still cannot."""
    waiting = list(iter_deletions(workspace, (NEW,)))
    return sum(not audit_deletion(workspace, deletion) for deletion in waiting)


def shrink_trash(workspace: Workspace, config: Config, room_bytes: int) -> int:
    """Remove what was deleted longest ago until the trash fits; return how many folders went."""
    trashed = list_trashed(workspace, trash_time_ms(config))
    total, removed = sum(run.bytes for run in trashed), 0
    for run in reversed(trashed):
        if total <= room_bytes:
            break
        total -= run.bytes
        removed += trash.remove(workspace, run.run_id)
    if removed:
        forget_done(workspace)
    return removed


def store_size(connection: Connection) -> tuple[int, int]:
    """Return how many runs there are, and what they take in bytes; goes through all of them."""
    count = size = 0
    for run in StoredFacts(connection):
        count, size = count + 1, size + run.bytes
    return count, size
