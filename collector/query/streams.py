"""A run's streams as contents that can be read in part, also while they are being written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from collector.errors import NotFoundError
from collector.model.artifact import Artifact
from collector.model.run import Run
from collector.query.excerpt import Source
from collector.record.lines import iter_chunks
from collector.record.output_index import iter_output
from collector.store.artifacts import SqliteArtifactStore
from collector.workspace import RUN_JSON, STDERR, STDOUT

STREAMS = ("stdout", "stderr", "output")


def source_of(run: Run, kind: str, artifacts: SqliteArtifactStore) -> Source:
    """Return `stdout`, `stderr` or `output` (both as they came) of a run.

    Raises:
        NotFoundError: it has none.
    """
    artifact = artifact_of(run, kind, artifacts)
    if artifact is not None:
        return artifact_source(artifact, artifacts)
    if kind == "output":
        return Source(partial(_together, run, artifacts))
    path = STDOUT if kind == "stdout" else STDERR
    if run.is_finished:
        raise NotFoundError("ACODE-ART-011", f"run {run.name} has no {path}", "nothing was recorded")
    return _file_source(run, path, artifacts)


def artifact_of(run: Run, kind: str, artifacts: SqliteArtifactStore) -> Artifact | None:
    """Return the one artifact that is a stream of a run; None while it runs, and where two are put together.

    With one stream empty, both as they came are the other one.
    """
    known = artifacts.by_run(run.run_id)
    if kind != "output":
        return next((artifact for artifact in known if artifact.type == kind), None)
    present = [artifact for artifact in known if not artifact.missing]
    found = next((artifact for artifact in present if artifact.type == kind), None)
    if found is not None or not run.is_finished:
        return found
    streams = [artifact for artifact in present if artifact.type in ("stdout", "stderr")]
    written = [artifact for artifact in streams if artifact.size_bytes]
    return written[0] if len(streams) == 2 and len(written) == 1 else None


def artifact_source(artifact: Artifact, artifacts: SqliteArtifactStore) -> Source:
    """Return an artifact's content. Its checksum is not looked at."""

    def chunks() -> Iterator[bytes]:
        with artifacts.open(artifact) as content:
            yield from iter_chunks(content)

    return Source(chunks, lambda: artifacts.open(artifact))


def folder_of(run: Run, artifacts: SqliteArtifactStore) -> str:
    """Return the absolute path of a run's folder. Raises InputError for one that leads elsewhere."""
    return os.path.dirname(artifacts.path_in(run.folder, RUN_JSON))  # noqa: PTH120


def _together(run: Run, artifacts: SqliteArtifactStore) -> Iterator[bytes]:
    for _, _, data in iter_output(folder_of(run, artifacts), partial(artifacts.open_as, run)):
        yield data


def _file_source(run: Run, path: str, artifacts: SqliteArtifactStore) -> Source:
    def content() -> BinaryIO:
        try:
            return artifacts.open_as(run, path)
        except FileNotFoundError:
            from io import BytesIO

            return BytesIO()

    def chunks() -> Iterator[bytes]:
        with content() as opened:
            yield from iter_chunks(opened)

    return Source(chunks, content)
