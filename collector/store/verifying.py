"""Comparing artifacts with their checksums, and flagging those that are not what was recorded.

A flag is kept in the run folder (record/damage.py), so that it is there whatever happens to the database, and
is taken away by the next look that finds the artifact intact.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from collector import clock, durable
from collector.errors import AcodeError, CorruptError, NotFoundError
from collector.model.artifact import Artifact
from collector.model.frozen import dataclass
from collector.model.run import Run
from collector.record import spool
from collector.record.damage import CORRUPT, MISSING, found_now, read_damage, write_damage
from collector.store.artifacts import SqliteArtifactStore
from collector.store.lock import FileLock
from collector.workspace import RUN_JSON, Workspace

INTACT = "intact"
UNREADABLE = "unreadable"
"""It is there, and cannot be read now: no permission, no key. That says nothing about its content."""
UNKNOWN = "unknown"
"""No checksum was taken yet: the run goes on, or waits to be sealed."""
_CHUNK = 1 << 20
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one artifact: its state, and why it is not intact."""

    run: Run
    artifact: Artifact
    state: str
    message: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether somebody should look."""
        return self.state in (CORRUPT, MISSING, UNREADABLE)


class Verifier:
    """Verifies the artifacts of many runs; what several share as one file is read once.

    Args:
        workspace: whose.
        artifacts: a store that masks nothing.
    """

    def __init__(self, workspace: Workspace, artifacts: SqliteArtifactStore) -> None:
        self._workspace = workspace
        self._artifacts = artifacts
        self._intact: set[tuple[int, int, str | None]] = set()

    def verify(self, run: Run) -> tuple[list[Verdict], list[Verdict]]:
        """Look at every artifact of a run, and flag what is damaged.

        Returns:
            All verdicts, and those that were not known before.

        Raises:
            OSError, BusyError: the flags could not be changed.
        """
        verdicts = [self._look(run, artifact) for artifact in self._artifacts.by_run(run.run_id)]
        return verdicts, self._flag(run, verdicts)

    def _look(self, run: Run, artifact: Artifact) -> Verdict:
        try:
            identity = self._identity(artifact)
            if identity in self._intact:
                return Verdict(run, artifact, INTACT)
            if artifact.checksum_sha256 is None:
                return Verdict(run, artifact, UNKNOWN)
            for _ in self._artifacts.iter_content(artifact, _CHUNK):
                pass
        except NotFoundError as error:
            return Verdict(run, artifact, MISSING, error.message)
        except CorruptError as error:
            return Verdict(run, artifact, CORRUPT, error.message)
        except AcodeError as error:
            return Verdict(run, artifact, UNREADABLE, error.message)
        self._intact.add(identity)
        return Verdict(run, artifact, INTACT)

    def _identity(self, artifact: Artifact) -> tuple[int, int, str | None]:
        """Return what makes a file with a content the same as another, whatever their names."""
        try:
            found = os.lstat(self._artifacts.path(artifact))
        except FileNotFoundError:
            message = f"the file of {artifact.path} is gone"
            raise NotFoundError("ACODE-ART-011", message) from None
        except OSError:
            return 0, 0, artifact.artifact_id
        return found.st_dev, found.st_ino, artifact.checksum_sha256

    def _flag(self, run: Run, verdicts: list[Verdict]) -> list[Verdict]:
        """Let the flags of a run say what was found; return what is damaged since."""
        states = {
            v.artifact.path: ("" if v.state == INTACT else v.state, v.artifact.checksum_sha256)
            for v in verdicts
            if v.state in (INTACT, CORRUPT, MISSING)
        }
        folder = durable.safe_join(self._workspace.artifacts, run.folder)
        before = read_damage(folder)
        if found_now(states, before, 0) == before:
            return []
        lock = FileLock(self._workspace.annotations_lock, "another process is changing annotations")
        lock.acquire(_PATIENCE_SECONDS)
        with lock:
            before = read_damage(folder)
            mode = stat.S_IMODE(Path(folder, RUN_JSON).stat().st_mode)
            write_damage(folder, found_now(states, before, clock.now_ms()), mode)
        spool.announce_change(self._workspace.spool, run.folder)
        known = {(path, found["state"]) for path, found in before.items()}
        return [
            v for v in verdicts if v.state in (CORRUPT, MISSING) and (v.artifact.path, v.state) not in known
        ]
