"""Artifacts in SQLite and on disk: records in rows, content in run folders."""

from __future__ import annotations

import errno
import os

from collector.durable import safe_join
from collector.errors import (
    AccessError,
    AcodeError,
    CorruptError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from collector.ids import ulid_of
from collector.model.artifact import Artifact
from collector.model.frozen import replace
from collector.model.run import Run
from collector.record.content import FORMS, form_of, open_content, stored_form
from collector.record.redacting import MARK
from collector.store.database import Connection, Row, rows, transaction, translating
from collector.store.protocols import StorageStatistics
from collector.store.quick_json import loads
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, BinaryIO

    from collector.encryption.problem import KeyProblem
    from collector.model.query import RunQuery
    from collector.model.statistics import LargeRun, StorageShare
    from collector.record.masking import Masking

_STREAMS = {"stdout": 0, "stderr": 1, "output": 2}


class SqliteArtifactStore:
    """The artifact store over one connection and the run folders of a workspace.

    Args:
        connection: the database.
        workspace: whose.
        masking: masks the secrets in the contents that come out of it, and in the records; None for what was
            recorded.
    """

    def __init__(self, connection: Connection, workspace: Workspace, masking: Masking | None = None) -> None:
        self._db = connection
        self._workspace = workspace
        self._masking = masking

    @translating
    def get(self, artifact_id: str) -> Artifact:
        """See `ArtifactStore.get`."""
        found = rows(self._db, "SELECT * FROM artifacts WHERE artifact_id = ?", [artifact_id])
        if not found:
            raise NotFoundError(
                "ACODE-RUN-002",
                f"no artifact {artifact_id!r}",
                "'acode artifacts list RUN' lists them",
            )
        return self._shown(self._flag_missing(_artifact(found[0])))

    @translating
    def by_run(self, run_id: str) -> tuple[Artifact, ...]:
        """See `ArtifactStore.by_run`."""
        found = rows(
            self._db,
            """SELECT artifacts.* FROM artifacts JOIN runs ON run_seq = seq
               WHERE run_id = ? ORDER BY position, path""",
            [run_id],
        )
        return tuple(self._shown(self._flag_missing(replace(_artifact(row), run_id=run_id))) for row in found)

    @translating
    def exists(self, artifact_id: str) -> bool:
        """See `ArtifactStore.exists`."""
        return bool(rows(self._db, "SELECT 1 FROM artifacts WHERE artifact_id = ?", [artifact_id]))

    @translating
    def path(self, artifact: Artifact) -> str:
        """See `ArtifactStore.path`."""
        artifact = self._recorded(artifact)
        path = self.path_in(self._folder(artifact), artifact.path)
        likely = form_of(artifact.compressed, artifact.encrypted)
        # A run that has just been sealed may not be in the database yet.
        form = stored_form(path, (likely, *FORMS))
        return path + (likely if form is None else form)

    def _folder(self, artifact: Artifact) -> str:
        found = rows(self._db, "SELECT folder FROM runs WHERE run_id = ?", [artifact.run_id])
        if not found:
            raise NotFoundError("ACODE-RUN-001", f"no run {artifact.run_id!r}")
        return str(found[0]["folder"])

    def path_in(self, folder: str, relative: str) -> str:
        """Return the absolute path of a file in a run folder, refusing one that leads out of it."""
        try:
            base = safe_join(self._workspace.artifacts, folder)
            return safe_join(base, relative)
        except ValueError as error:
            raise InputError("ACODE-ART-009", str(error), "the record is damaged or hostile") from error

    def open(self, artifact: Artifact) -> BinaryIO:
        """See `ArtifactStore.open`."""
        content = self._open(artifact)
        if self._masking is None or self._is_clean(artifact):
            return content
        return self._masking.content(content, artifact.metadata)

    def open_as(self, run: Run, path: str, artifact: Artifact | None = None) -> BinaryIO:
        """Open a file of a run by its path in the run folder, as it is shown; also of a run that goes on.

        Raises:
            OSError: it is not there, no regular file, or damaged; reading may raise it too.
            ValueError: the path leads out of the folder.
        """
        folder = safe_join(self._workspace.artifacts, run.folder)
        artifact = artifact or next((a for a in run.artifacts if a.path == path), None)
        content = open_content(folder, path)
        if self._masking is None or (artifact is not None and self._is_clean(artifact)):
            return content
        return self._masking.content(content, artifact.metadata if artifact else None)

    def _open(self, artifact: Artifact) -> BinaryIO:
        artifact = self._recorded(artifact)
        self.path(artifact)
        try:
            base = safe_join(self._workspace.artifacts, self._folder(artifact))
            return open_content(base, artifact.path)
        except OSError as error:
            raise _open_error(artifact, error) from error

    def _recorded(self, artifact: Artifact) -> Artifact:
        """Return an artifact with the path it really has, which may be masked where it is shown."""
        if MARK not in artifact.path:
            return artifact
        found = rows(self._db, "SELECT * FROM artifacts WHERE artifact_id = ?", [artifact.artifact_id])
        return replace(artifact, path=_artifact(found[0]).path) if found else artifact

    def _is_clean(self, artifact: Artifact) -> bool:
        """Tell whether a content was looked through when its run was sealed, and no secret was in it."""
        if self._masking is None or artifact.sensitive or artifact.checksum_sha256 is None:
            return self._masking is None
        return self._masking.was_looked_through(self._summary(artifact))

    def _shown(self, artifact: Artifact) -> Artifact:
        if self._masking is None:
            return artifact
        return self._masking.artifact(artifact, self._summary(artifact))

    def _summary(self, artifact: Artifact) -> Mapping[str, Any]:
        """Return what the run of an artifact says was found in it."""
        found = rows(self._db, "SELECT summary FROM runs WHERE run_id = ?", [artifact.run_id])
        summary = loads(found[0]["summary"] or "{}") if found else {}
        return summary if isinstance(summary, dict) else {}

    def iter_content(self, artifact: Artifact, chunk_bytes: int = 65536) -> Iterator[bytes]:
        """See `ArtifactStore.iter_content`."""
        if self._masking is None or self._is_clean(artifact):
            return self._iter_recorded(artifact, chunk_bytes)
        return self._iter_masked(artifact, chunk_bytes)

    def _iter_recorded(self, artifact: Artifact, chunk_bytes: int) -> Iterator[bytes]:
        from hashlib import sha256

        digest, expected = sha256(), artifact.checksum_sha256
        try:
            with self._open(artifact) as content:
                while chunk := content.read(chunk_bytes):
                    if expected is not None:
                        digest.update(chunk)
                    yield chunk
        except OSError as error:
            raise _damaged(artifact, str(error)) from error
        if expected is not None and digest.hexdigest() != expected:
            raise _damaged(artifact, "its content is not what was recorded")

    def _iter_masked(self, artifact: Artifact, chunk_bytes: int) -> Iterator[bytes]:
        """Yield masked pieces beside those that were recorded, whose checksum tells what is damaged."""
        with self.open(artifact) as masked:
            for chunk in self._iter_recorded(artifact, chunk_bytes):
                yield masked.read(len(chunk))

    def text(self, artifact: Artifact, max_bytes: int = 1_000_000) -> str:
        """See `ArtifactStore.text`."""
        try:
            with self.open(artifact) as content:
                return content.read(max_bytes).decode(artifact.encoding or "utf-8", "replace")
        except OSError as error:
            raise _damaged(artifact, str(error)) from error

    def verify(self, artifact: Artifact) -> bool:
        """See `ArtifactStore.verify`."""
        try:
            for _ in self._iter_recorded(artifact, 1 << 20):
                pass
        except CorruptError:
            return False
        return True

    @translating
    def save(self, artifact: Artifact) -> Artifact:
        """See `ArtifactStore.save`."""
        found = rows(self._db, "SELECT seq FROM runs WHERE run_id = ?", [artifact.run_id])
        if not found:
            raise NotFoundError("ACODE-RUN-001", f"no run {artifact.run_id!r}")
        with transaction(self._db):
            _write(self._db, found[0]["seq"], artifact)
        return self.get(artifact.artifact_id)

    @translating
    def delete(self, artifact_id: str) -> None:
        """See `ArtifactStore.delete`."""
        artifact = self.get(artifact_id)
        with transaction(self._db):
            _forget(self._db, artifact.run_id, "artifact_id = ?", artifact_id)

    @translating
    def statistics(self) -> StorageStatistics:
        """See `ArtifactStore.statistics`."""
        (all_rows,) = rows(
            self._db, "SELECT count(*), total(size_bytes), total(stored_bytes) FROM artifacts", []
        )
        (linked,) = rows(
            self._db,
            """SELECT total(bytes) FROM (
                   SELECT max(stored_bytes) AS bytes FROM artifacts
                   WHERE stored_bytes >= 4096 AND checksum_sha256 IS NOT NULL
                   GROUP BY checksum_sha256, size_bytes
                   UNION ALL
                   SELECT stored_bytes FROM artifacts
                   WHERE stored_bytes < 4096 OR checksum_sha256 IS NULL
               )""",
            [],
        )
        return StorageStatistics(all_rows[0], int(all_rows[1]), int(all_rows[2]), int(linked[0]))

    @translating
    def count_stored(self, query: RunQuery) -> tuple[int, int]:
        """See `ArtifactStore.count_stored`."""
        from collector.store.aggregates import count_stored

        return count_stored(self._db, query)

    @translating
    def storage_shares(self, query: RunQuery) -> tuple[StorageShare, ...]:
        """See `ArtifactStore.storage_shares`."""
        from collector.store.aggregates import storage_shares

        return storage_shares(self._db, query)

    @translating
    def largest_runs(self, query: RunQuery, limit: int) -> tuple[LargeRun, ...]:
        """See `ArtifactStore.largest_runs`."""
        from collector.store.aggregates import largest_runs

        return largest_runs(self._db, query, limit)

    def _flag_missing(self, artifact: Artifact) -> Artifact:
        try:
            present = os.path.isfile(self.path(artifact))  # noqa: PTH113 - on the way to every listing
        except (InputError, NotFoundError):
            present = False
        if present:
            return artifact
        return Artifact.from_json({**artifact.to_json(), "missing": True})


def _without_key(artifact: Artifact, problem: KeyProblem) -> UnavailableError:
    known = problem.error
    return UnavailableError(known.code, f"{artifact.path}: {known.message}", known.hint)


def _damaged(artifact: Artifact, why: str) -> CorruptError:
    return CorruptError("ACODE-ART-012", f"{artifact.path} is damaged: {why}", "what is shown of it is wrong")


def artifacts_by_seq(db: Connection, seqs: Sequence[int]) -> dict[int, tuple[Artifact, ...]]:
    """Return the artifacts of several runs in one question."""
    marks = ",".join("?" * len(seqs))
    sql = f"SELECT * FROM artifacts WHERE run_seq IN ({marks}) ORDER BY run_seq, position, path"
    found: dict[int, tuple[Artifact, ...]] = {}
    for row in rows(db, sql, list(seqs)):
        found[row["run_seq"]] = (*found.get(row["run_seq"], ()), _artifact(row))
    return found


def artifacts_to_rows(db: Connection, seq: int, run: Run) -> None:
    """Add or replace the artifacts of a run; the caller has begun the transaction."""
    for artifact in run.artifacts:
        _write(db, seq, artifact)


def forget_artifacts(db: Connection, seq: int, run: Run, paths: Sequence[str]) -> None:
    """Forget files of a run that are gone from its record; the caller has begun the transaction."""
    for path in set(paths) - {artifact.path for artifact in run.artifacts}:
        _forget(db, run.run_id, "run_seq = ? AND path = ?", seq, path)


def _forget(db: Connection, run_id: str, condition: str, *values: str | int) -> None:
    """Delete artifacts of a run, and tell whoever follows."""
    db.execute(
        f"""INSERT INTO events (kind, run_id, run_seq, artifact_id)
            SELECT 'artifact.deleted', ?, run_seq, artifact_id FROM artifacts WHERE {condition}""",
        [run_id, *values],
    )
    db.execute(f"DELETE FROM artifacts WHERE {condition}", list(values))


def _write(db: Connection, seq: int, artifact: Artifact) -> None:
    import json  # readers do without it

    artifact = _with_own_id(db, seq, artifact)
    record = json.dumps(artifact.to_json(), ensure_ascii=False)
    before = db.execute(
        "SELECT record FROM artifacts WHERE run_seq = ? AND path = ?", [seq, artifact.path]
    ).fetchone()
    if before and before["record"] == record:
        return
    db.execute(
        "INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            artifact.artifact_id, seq, _STREAMS.get(artifact.type, 9), artifact.type, artifact.path,
            artifact.size_bytes, artifact.stored_bytes, artifact.checksum_sha256,
            artifact.content_type, record,
        ],
    )  # fmt: skip
    db.execute(
        "INSERT INTO events (kind, run_id, run_seq, artifact_id) VALUES ('artifact.saved', ?, ?, ?)",
        [artifact.run_id, seq, artifact.artifact_id],
    )


def _with_own_id(db: Connection, seq: int, artifact: Artifact) -> Artifact:
    """Return an artifact under an identity that no other run's has; a hostile record may claim any.

    What it claims instead follows from where it is, so that it is the same whenever it is written.
    """
    sql = "SELECT 1 FROM artifacts WHERE artifact_id = ? AND run_seq <> ?"
    if not db.execute(sql, [artifact.artifact_id, seq]).fetchone():
        return artifact
    from hashlib import sha256

    place = sha256(f"{artifact.run_id}/{artifact.path}".encode("utf-8", "replace")).digest()
    return replace(artifact, artifact_id=ulid_of(artifact.created_at, place))


def _artifact(row: Row) -> Artifact:
    try:
        return Artifact.from_json(loads(row["record"]))
    except (ValueError, TypeError):
        return _corrupt(row)


def _corrupt(row: Row) -> Artifact:
    """Return what the columns say of an artifact whose record is damaged; a listing goes on with it."""
    return Artifact(
        artifact_id=row["artifact_id"], run_id="", type=row["type"], path=row["path"],
        file_name=row["path"].rpartition("/")[2], size_bytes=row["size_bytes"],
        stored_bytes=row["stored_bytes"], created_at=0, modified_at=0,
        content_type=row["content_type"], corrupt=True,
    )  # fmt: skip


def _open_error(artifact: Artifact, error: OSError) -> AcodeError:
    from collector.encryption.problem import KeyProblem  # listings do without it

    if isinstance(error, KeyProblem):
        return _without_key(artifact, error)
    if error.errno == errno.ENOENT:
        return NotFoundError(
            "ACODE-ART-011",
            f"the file of {artifact.path} is gone",
            "it may have been deleted by hand",
        )
    if error.errno == errno.ELOOP:
        return InputError("ACODE-ART-009", f"{artifact.path} is a symbolic link; it is not followed")
    if error.errno is None:  # not the disk's: what is in the file
        return _damaged(artifact, str(error))
    return AccessError(
        "ACODE-ART-006", f"cannot read {artifact.path}: {error.strerror}", "check its permissions"
    )
