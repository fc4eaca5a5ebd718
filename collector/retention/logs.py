"""What runs printed, deleted sooner than the runs: `runs.retention.logRetentionDays`."""

from __future__ import annotations

import os

from collector.audit import append_audit
from collector.config import Config
from collector.record import spool
from collector.record.expire import LOG_TYPES
from collector.retention.policy import EPOCH_MS, policy_of
from collector.retention.state import now_for_ages
from collector.store.database import open_reader
from collector.store.facts import folders_with_logs
from collector.tags import find_tag
from collector.workspace import Workspace

_DAY_MS = 86_400_000
_MOST = 10_000
"""Runs looked at in one go: those with a tag that preserves them come up again each time."""


def expire_logs(workspace: Workspace, config: Config, limit: int) -> int:
    """Ask for the streams and logs of old runs to be deleted; return of how many.

    Runs with a tag of `preserveTags` keep theirs, and so does what is younger than `minAge` or has times that
    cannot be right.

    Args:
        workspace: whose runs.
        config: its settings.
        limit: ask for no more runs than this.

    Raises:
        AcodeError: the database, or the audit log, cannot be used.
        OSError: it cannot be asked for.
    """
    days = config.get("runs.retention.logRetentionDays")
    if not isinstance(days, int) or not days or not os.path.exists(workspace.database):  # noqa: PTH110
        return 0
    policy = policy_of(config)
    before = now_for_ages(workspace) - max(days * _DAY_MS, policy.min_age)
    connection = open_reader(workspace.database)
    try:
        found = folders_with_logs(connection, LOG_TYPES, EPOCH_MS, before, _MOST)
    finally:
        connection.close()
    chosen = [(run_id, folder) for run_id, folder, tags in found if not find_tag(tags, policy.preserve_tags)]
    chosen = chosen[:limit]
    if chosen:
        details = {"runs": [run_id for run_id, _ in chosen], "rule": "logRetentionDays", "files": "logs"}
        append_audit(workspace, "cleanup", f"logs of {len(chosen)} runs", details, config)
    for _, folder in chosen:
        spool.announce(workspace.spool, spool.EXPIRE, folder)
    return len(chosen)
