"""Importing a bundle: all of its runs or none, whatever happens on the way.

Everything is checked before the store changes: the bundle first, then whether the store has what it claims.
The runs are made aside, and one announcement hands all of them to whoever writes the store.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from collector import clock, durable
from collector.audit import append_audit
from collector.bundle.container import RefusedError
from collector.bundle.reading import Bundle, BundledRun
from collector.bundle.records import Content, exported_artifact
from collector.bundle.sources import Making, open_run
from collector.bundle.staging import Stage
from collector.bundle.verify import ASKING, Asking, BundleReport, report_of, unreadable, verify_opened
from collector.config import load_config
from collector.encryption.problem import KeyProblem
from collector.errors import (
    AccessError,
    BusyError,
    ConflictError,
    CorruptError,
    LimitError,
    UnavailableError,
)
from collector.ids import new_ulid
from collector.model.run import Run
from collector.record import spool
from collector.record.imported import import_note
from collector.record.keep import keeping_of
from collector.store import open_stores
from collector.store.importing import RUNS, refuse_known, remove_stage, remove_unannounced, stage_path
from collector.store.lock import FileLock
from collector.store.runs import SqliteRunStore
from collector.store.waiting import index_waiting
from collector.workspace import Workspace

_LOCK_SECONDS = 60.0
_TAKE_IN_SECONDS = 120.0
_POLL_SECONDS = 0.01

Progress = Callable[[int, int], None]
"""Told how many bytes of how many are done."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a bundle is imported.

    Attributes:
        dry_run: only check, and say what would be done.
        asking: what the bundle must fulfil.
    """

    dry_run: bool = False
    asking: Asking = ASKING


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do.

    Attributes:
        bundle: what was found out about the bundle.
        imported: names of the runs that were imported, as they are called there.
        already_there: names of runs that the store has, with the same content.
        renamed: what runs are called here whose name was taken.
    """

    bundle: BundleReport
    imported: tuple[str, ...] = ()
    already_there: tuple[str, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)


def import_bundle(
    workspace: Workspace, path: str, options: ImportOptions, progress: Progress | None = None
) -> ImportReport:
    """Take the runs of a bundle into a workspace; they keep their ids.

    Args:
        workspace: where to.
        path: the bundle.
        options: how.
        progress: told how far it is.

    Raises:
        CorruptError: the bundle is refused; nothing changed.
        ConflictError: the store has something else under an id that the bundle claims; nothing changed.
        AcodeError: nothing changed.
    """
    try:
        asking = options.asking
        with Bundle(path, asking.max_bytes, asking.find_key) as bundle:
            if options.dry_run:
                return _preview(workspace, bundle, verify_opened(path, bundle, asking, progress))
            report = report_of(path, bundle, asking)
            if report.problems:
                raise CorruptError(
                    report.problems[0].code, report.problems[0].message, "nothing was imported"
                )
            return _Import(workspace, bundle, report).run(progress)
    except KeyProblem as problem:
        raise problem.error from problem
    except RefusedError as error:
        raise refused(path, error) from error
    except OSError as error:
        if error.filename in (None, path):
            raise unreadable(path, error) from error
        raise AccessError(
            "ACODE-RUN-009", f"cannot import {path}: {error.strerror or error}", "nothing was imported"
        ) from error


def refused(path: str, error: RefusedError) -> CorruptError:
    """Return the error for a bundle that is not as it should be."""
    return CorruptError("ACODE-RUN-032", f"{os.path.basename(path)}: {error}", "nothing was imported")


def _preview(workspace: Workspace, bundle: Bundle, report: BundleReport) -> ImportReport:
    if not report.is_valid:
        return ImportReport(report)
    return ImportReport(report, *_named(bundle, _sort_out(workspace, bundle)))


def _named(bundle: Bundle, new: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    imported = tuple(run.name for run in bundle.runs if run.run_id in new)
    return imported, tuple(run.name for run in bundle.runs if run.run_id not in new)


class _Import:
    """One import under way."""

    def __init__(self, workspace: Workspace, bundle: Bundle, report: BundleReport) -> None:
        self._workspace, self._bundle, self._bundle_report = workspace, bundle, report
        self._token = new_ulid(clock.now_ms())

    def run(self, progress: Progress | None) -> ImportReport:
        """Check, make the runs, hand them over, and see what became of them."""
        try:
            self._workspace.create()
        except OSError as error:
            raise AccessError(
                "ACODE-ART-001", f"cannot make .acode: {error.strerror}", "check permissions"
            ) from error
        lock = FileLock(self._workspace.import_lock, "another process imports a bundle")
        lock.acquire(_LOCK_SECONDS)
        with lock:
            self._remove_abandoned()
            new = _sort_out(self._workspace, self._bundle)
            imported, known = _named(self._bundle, new)
            report = ImportReport(self._bundle_report, imported, known)
            self._stage(new, progress)
            if new:
                self._hand_over()
                report.renamed = self._renamed(new)
            return report

    def _remove_abandoned(self) -> None:
        if os.path.isdir(self._workspace.imports):
            remove_unannounced(self._workspace, os.listdir(self._workspace.imports))

    def _stage(self, new: frozenset[str], progress: Progress | None) -> None:
        config = load_config(self._workspace.root, os.environ)
        _refuse_full(self._workspace, self._bundle)
        note = import_note(clock.format_iso(clock.now_ms()), self._bundle.digest, "")
        path = os.path.join(stage_path(self._workspace, self._token), RUNS)
        keeping = keeping_of(config, self._workspace, os.environ)
        stage = Stage(path, self._bundle, (config, keeping), note)
        total, so_far = self._bundle.manifest.bytes, 0

        def done(size: int) -> None:
            nonlocal so_far
            so_far += size
            if progress is not None:
                progress(so_far, total)

        try:
            stage.write(new, done)
            append_audit(
                self._workspace, "import", os.path.realpath(self._bundle_report.path),
                {"runs": len(new), "bundle": self._bundle.digest, "bytes": total},
            )  # fmt: skip
        except BaseException:
            remove_stage(self._workspace, self._token)
            raise
        if not new:
            remove_stage(self._workspace, self._token)

    def _hand_over(self) -> None:
        """Announce the runs, which is when they are imported, and wait until the store has them."""
        spool.announce(self._workspace.spool, spool.IMPORT, self._token)
        durable.sync_directory(self._workspace.spool)
        deadline = time.monotonic() + _TAKE_IN_SECONDS
        while any(
            a[1:] == (spool.IMPORT, self._token) for a in spool.list_announcements(self._workspace.spool)
        ):
            if time.monotonic() > deadline:
                raise BusyError(
                    "ACODE-RUN-009",
                    "the runs lie ready, but nobody takes them in",
                    "see 'acode collector status'",
                )
            try:
                index_waiting(self._workspace, 0.0)
            except BusyError:
                time.sleep(_POLL_SECONDS)

    def _renamed(self, new: frozenset[str]) -> dict[str, str]:
        """Return which runs got another name; every run must be there."""
        store, _ = open_stores(self._workspace)
        try:
            renamed = {}
            for run in self._bundle.runs:
                if run.run_id in new:
                    found = store.find(run.run_id)
                    if found is None:
                        raise ConflictError(
                            "ACODE-RUN-009",
                            "the store has refused the runs",
                            "'acode collector logs' says why",
                        )
                    if found.name != run.name:
                        renamed[run.name] = found.name
            return renamed
        finally:
            store.close()


def _refuse_full(workspace: Workspace, bundle: Bundle) -> None:
    """Refuse what the disk has no room for, before anything is written."""
    status = os.statvfs(workspace.artifacts)
    free, needed = status.f_bavail * status.f_frsize, bundle.manifest.bytes
    if status.f_blocks and needed > free:
        raise LimitError(
            "ACODE-ART-005", f"the bundle holds {needed} bytes, {free} are free", "make room first"
        )


def _sort_out(workspace: Workspace, bundle: Bundle) -> frozenset[str]:
    """Return the ids of the runs that the store does not have.

    Raises:
        ConflictError: it has something else under an id of the bundle.
    """
    index_waiting(workspace)
    try:
        runs, artifacts = open_stores(workspace)
    except UnavailableError:
        return frozenset(run.run_id for run in bundle.runs)
    try:
        new = set()
        for run in bundle.runs:
            if _is_known(workspace, runs, run):
                continue
            refuse_known(run.record, runs, artifacts)
            new.add(run.run_id)
        return frozenset(new)
    except ValueError as error:
        raise ConflictError("ACODE-RUN-009", str(error), "nothing was imported") from error
    finally:
        runs.close()


def _is_known(workspace: Workspace, store: SqliteRunStore, run: BundledRun) -> bool:
    """Tell whether the store has a run, with the same content.

    Raises:
        ValueError: it has another under this id.
    """
    known = store.find(run.run_id)
    if known is None:
        return False
    if _as_exported(workspace, known) != {**run.record, "name": known.name}:
        raise ValueError(f"{known.name} has the id {run.run_id}, and other content")
    return True


def _as_exported(workspace: Workspace, run: Run) -> dict[str, object]:
    """Return the record of a stored run as a bundle would have it, going by its checksums."""
    try:
        export = open_run(workspace, run, run.name, Making(lambda path: True))
        entries = [_exported(entry) for entry in export.record["artifacts"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"the record of {run.name}, which is there, is damaged: {error}") from error
    return {**export.record, "artifacts": entries}


def _exported(entry: dict[str, object]) -> dict[str, object]:
    size, sha256 = entry["size_bytes"], entry.get("checksum_sha256")
    if entry.get("missing") or not isinstance(size, int) or not isinstance(sha256, str):
        return exported_artifact(entry, None)
    return exported_artifact(entry, Content(size, sha256))
