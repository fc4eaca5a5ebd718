"""What was asked to be deleted: one file for each request, which outlives the runs until their folders go.

A request is durable before anything is deleted, so that whoever is killed at it can be followed by somebody
who finishes, and it tells later what is in the trash, since when and why. One line says who and when, each
other line names a run. `ID.deletion` still has to be written to the audit log, `ID.deleted` has been.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from collector import clock, durable
from collector.ids import is_ulid, new_ulid
from collector.model.frozen import dataclass
from collector.record import spool
from collector.record.seal import read_record
from collector.store import trash
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from collector.config import Config

NEW, AUDITED = ".deletion", ".deleted"
DELETE, CLEANUP, ORPHANS = "delete", "cleanup", "orphans"
"""Why: somebody named runs, a policy condemned them, or they were folders without a run."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """A run that is to be deleted; a damaged one, that tells no id, has one for the trash alone."""

    run_id: str
    name: str = ""
    folder: str = ""
    bytes: int = 0
    rule: str = ""
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class Deletion:
    """One request.

    Args:
        deletion_id: a ULID.
        action: why.
        requested_ms: when, in milliseconds since 1970.
        keep_ms: for how long the folders stay in the trash; None for as long as the settings say.
        preserve_tags: tags that a run may have been given meanwhile, and that then spare it.
        who: what is known of the one who asked.
    """

    deletion_id: str
    action: str
    requested_ms: int
    runs: tuple[Doomed, ...]
    keep_ms: int | None = None
    preserve_tags: tuple[str, ...] = ()
    who: str = ""

    def is_over(self, keep_ms: int, now_ms: int) -> bool:
        """Tell whether the folders have been in the trash long enough."""
        keep = keep_ms if self.keep_ms is None else self.keep_ms
        return self.requested_ms <= now_ms and self.requested_ms + keep <= now_ms


def new_deletion(
    action: str,
    runs: Iterable[Doomed],
    *,
    keep_ms: int | None = None,
    preserve_tags: Sequence[str] = (),
) -> Deletion:
    """Make a request of this process, now."""
    now = clock.now_ms()
    who = f"uid {os.getuid()}, pid {os.getpid()}"
    return Deletion(new_ulid(now), action, now, tuple(runs), keep_ms, tuple(preserve_tags), who)


def write_deletion(workspace: Workspace, deletion: Deletion) -> None:
    """Make a request durable. Raises OSError."""
    folder = Path(workspace.trash)
    if folder.is_symlink():
        raise NotADirectoryError(f"{folder} is a link")
    folder.mkdir(0o755, exist_ok=True)
    head = {
        "deletion_id": deletion.deletion_id, "action": deletion.action, "requested_ms": deletion.requested_ms,
        "keep_ms": deletion.keep_ms, "preserve_tags": list(deletion.preserve_tags), "who": deletion.who,
    }  # fmt: skip
    lines = [json.dumps(head), *(_line(run) for run in deletion.runs)]
    durable.replace_file(str(folder / (deletion.deletion_id + NEW)), "\n".join([*lines, ""]).encode())


def find_deletion(workspace: Workspace, deletion_id: str) -> Deletion | None:
    """Return a request, or None; what is damaged in it is left out."""
    if not is_ulid(deletion_id) or Path(workspace.trash).is_symlink():
        return None
    for suffix in (NEW, AUDITED):
        found = _read(os.path.join(workspace.trash, deletion_id + suffix))
        if found is not None:
            return found
    return None


def iter_deletions(workspace: Workspace, suffixes: Sequence[str] = (NEW, AUDITED)) -> Iterator[Deletion]:
    """Yield the requests that are kept, oldest first."""
    for path in _files(workspace, suffixes):
        found = _read(path)
        if found is not None:
            yield found


def _files(workspace: Workspace, suffixes: Sequence[str] = (NEW, AUDITED)) -> list[str]:
    if os.path.islink(workspace.trash) or not os.path.isdir(workspace.trash):
        return []
    names = [(name, *os.path.splitext(name)) for name in os.listdir(workspace.trash) if "." in name]
    found = sorted(name for name, stem, suffix in names if suffix in suffixes and is_ulid(stem))
    return [os.path.join(workspace.trash, name) for name in found]


def note_audited(workspace: Workspace, deletion_id: str) -> None:
    """Say that a request is in the audit log. Needs no room on the disk. Raises OSError."""
    path = os.path.join(workspace.trash, deletion_id)
    durable.rename(path + NEW, path + AUDITED)


def forget_deletion(workspace: Workspace, deletion_id: str) -> None:
    """Remove a request whose folders are gone and that is in the audit log."""
    durable.unlink_quietly(os.path.join(workspace.trash, deletion_id + AUDITED))


@dataclass(frozen=True, slots=True)
class Trashed:
    """A deleted run whose folder is still there: what is known of it, since when, and until when it stays."""

    run_id: str
    name: str
    folder: str
    bytes: int
    deleted_ms: int
    expires_ms: int
    rule: str


def list_trashed(workspace: Workspace, keep_ms: int) -> list[Trashed]:
    """Return the runs in the trash, the last deleted first.

    Args:
        workspace: whose.
        keep_ms: how long folders stay, unless a request says otherwise.
    """
    there = set(trash.iter_run_ids(workspace))
    found: dict[str, Trashed] = {}
    for deletion in iter_deletions(workspace):
        keep = keep_ms if deletion.keep_ms is None else deletion.keep_ms
        for run in deletion.runs:
            if run.run_id in there:
                found[run.run_id] = Trashed(
                    run.run_id, run.name, run.folder, run.bytes, deletion.requested_ms,
                    deletion.requested_ms + keep, run.rule or deletion.action,
                )  # fmt: skip
    found |= {run_id: _unrequested(workspace, run_id, keep_ms) for run_id in there - found.keys()}
    return sorted(found.values(), key=lambda run: (-run.deleted_ms, run.run_id))


def restorable_folder(workspace: Workspace, run_id: str) -> str | None:
    """Return the run folder, relative to the store, that a folder in the trash was; None if there is none."""
    found = next((run for run in list_trashed(workspace, 0) if run.run_id == run_id), None)
    return found.folder or found.name or None if found else None


def reap(
    workspace: Workspace, keep_ms: int, now_ms: int, may_go_on: Callable[[], bool] = lambda: True
) -> int:
    """Remove for good what was deleted long enough ago; return how many folders.

    A time that lies ahead was written while the clock was wrong: what it says has been deleted stays.

    Args:
        workspace: whose trash.
        keep_ms: how long folders stay, unless a request says otherwise.
        now_ms: now, in milliseconds since 1970.
        may_go_on: asked after each folder.
    """
    trash.remove_leftovers(workspace)
    removed, begun = 0, _begun(workspace)
    for path in _files(workspace):
        head = _read(path, only_head=True)
        if head is None or head.deletion_id in begun or not head.is_over(keep_ms, now_ms):
            continue
        deletion = _read(path)
        for run in deletion.runs if deletion else ():
            removed += trash.remove(workspace, run.run_id)
            if not may_go_on():
                return removed
        forget_deletion(workspace, head.deletion_id)
    return removed


def reap_unrequested(workspace: Workspace, keep_ms: int, now_ms: int) -> int:
    """Remove folders whose request was lost, by when they were moved; return how many."""
    requested = {run.run_id for deletion in iter_deletions(workspace) for run in deletion.runs}
    removed = 0
    for run_id in set(trash.iter_run_ids(workspace)) - requested:
        if _unrequested(workspace, run_id, keep_ms).expires_ms <= now_ms:
            removed += trash.remove(workspace, run_id)
    return removed


def trash_time_ms(config: Config) -> int:
    """Return how long the folders of deleted runs are kept."""
    value = config.get("runs.retention.trashTime")
    return value if isinstance(value, int) else 0


def forget_done(workspace: Workspace) -> None:
    """Forget the requests whose folders are gone, once they are carried out and in the audit log."""
    there, begun = set(trash.iter_run_ids(workspace)), _begun(workspace)
    for deletion in iter_deletions(workspace, (AUDITED,)):
        if deletion.deletion_id not in begun and not any(run.run_id in there for run in deletion.runs):
            forget_deletion(workspace, deletion.deletion_id)


def _begun(workspace: Workspace) -> frozenset[str]:
    """Return the requests that are not carried out yet."""
    waiting = spool.list_announcements(workspace.spool)
    return frozenset(subject for _, kind, subject in waiting if kind == spool.DELETE)


def _unrequested(workspace: Workspace, run_id: str, keep_ms: int) -> Trashed:
    """Return what a folder says whose request is lost: its own record, and when it was moved."""
    path = trash.find(workspace, run_id) or ""
    try:
        moved = int(Path(path).lstat().st_ctime * 1000)
        name = read_record(path).get("name")
    except (OSError, ValueError):
        moved, name = clock.now_ms(), None
    name = name if isinstance(name, str) else ""
    return Trashed(run_id, name, name, 0, moved, moved + keep_ms, DELETE)


def _line(run: Doomed) -> str:
    record: dict[str, Any] = {
        "run_id": run.run_id, "name": run.name, "folder": run.folder, "bytes": run.bytes, "rule": run.rule,
    }  # fmt: skip
    return json.dumps(record | ({"is_damaged": True} if run.is_damaged else {}))


def _read(path: str, only_head: bool = False) -> Deletion | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, encoding="utf-8", errors="replace") as file:
            lines = [_parse(file.readline())] if only_head else [_parse(line) for line in file]
    except OSError:
        return None
    head = lines[0] if lines else {}
    keep = head.get("keep_ms")
    tags = head.get("preserve_tags")
    return Deletion(
        os.path.basename(path).partition(".")[0], str(head.get("action", DELETE)),
        _number(head.get("requested_ms")),
        tuple(run for line in lines[1:] if (run := _doomed(line)) is not None),
        _number(keep) if keep is not None else None,
        tuple(map(str, tags)) if isinstance(tags, list) else (), str(head.get("who", "")),
    )  # fmt: skip


def _parse(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _doomed(line: dict[str, Any]) -> Doomed | None:
    run_id = line.get("run_id")
    if not isinstance(run_id, str) or not is_ulid(run_id):
        return None
    return Doomed(
        run_id, str(line.get("name", "")), str(line.get("folder", "")), _number(line.get("bytes")),
        str(line.get("rule", "")), line.get("is_damaged") is True,
    )  # fmt: skip


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
