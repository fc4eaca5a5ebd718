"""Where content that is shown in part is read from, and the times of its lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from collector.cli import output
from collector.cli.content_lines import TimeOf, View, show_excerpt, time_of
from collector.cli.context import Context
from collector.cli.runs_content import iter_both
from collector.errors import CorruptError, NotFoundError
from collector.model.artifact import Artifact
from collector.model.run import Run
from collector.query.excerpt import Source
from collector.record.content import open_content
from collector.record.lines import iter_chunks
from collector.record.output_index import iter_entries
from collector.workspace import OUTPUT_INDEX, RUN_JSON, STDERR, STDOUT

_STREAMS = {"stdout": 1, "stderr": 2, "output": None}


def run_folder(run: Run, context: Context) -> str:
    """Return the absolute path of a run's folder."""
    return os.path.dirname(context.stores()[1].path_in(run.folder, RUN_JSON))  # noqa: PTH120


def artifact_source(artifact: Artifact, context: Context) -> Source:
    """Return an artifact's content, read from anywhere. Its checksum is looked at only when all is shown."""
    artifacts = context.contents()

    def chunks() -> Iterator[bytes]:
        with artifacts.open(artifact) as content:
            yield from iter_chunks(content)

    return Source(chunks, lambda: artifacts.open(artifact))


def stream_source(run: Run, kind: str, context: Context) -> Source:
    """Return one stream of a run, also of one that still runs and has no artifacts yet.

    Raises:
        NotFoundError: it has none.
    """
    path = STDOUT if kind == "stdout" else STDERR
    for artifact in run.artifacts:
        if artifact.type == kind:
            return artifact_source(artifact, context)
    if run.is_finished:
        raise NotFoundError("ACODE-ART-011", f"run {run.name} has no {path}", "nothing was recorded")
    return _file_source(run, path, context)


def _file_source(run: Run, path: str, context: Context) -> Source:
    def content() -> BinaryIO:
        try:
            return context.contents().open_as(run, path)
        except FileNotFoundError:
            from io import BytesIO

            return BytesIO()

    def chunks() -> Iterator[bytes]:
        with content() as opened:
            yield from iter_chunks(opened)

    return Source(chunks, content)


def both_source(run: Run, context: Context) -> Source:
    """Return both streams as they came; what is in one file is read from anywhere in it."""
    present = [artifact for artifact in context.stores()[1].by_run(run.run_id) if not artifact.missing]
    for artifact in present:
        if artifact.type == "output":
            return artifact_source(artifact, context)
    streams = [artifact for artifact in present if artifact.type in ("stdout", "stderr")]
    written = [artifact for artifact in streams if artifact.size_bytes]
    if run.is_finished and len(streams) == 2 and len(written) == 1:
        return artifact_source(written[0], context)
    return Source(lambda: iter_both(run, context))


def show_part(run: Run, kind: str, source: Source, view: View, context: Context, name: str = "") -> None:
    """Show part of a run's content.

    Args:
        run: whose it is.
        kind: the type of artifact.
        source: the content.
        view: which part, and how.
        context: of the call.
        name: of the content, where its kind does not say it.

    Raises:
        CorruptError: it is damaged.
    """
    name = name or ("the output" if kind == "output" else f"{kind}.txt")
    times = _times(run, kind, name, context) if view.timestamps else None
    try:
        show_excerpt(name, source, view, context, times)
    except OSError as error:
        if error.errno is not None:
            raise
        raise CorruptError(
            "ACODE-ART-012", f"{name} is damaged: {error}", "what is shown of it is wrong"
        ) from error


def _times(run: Run, kind: str, name: str, context: Context) -> TimeOf | None:
    """Return what knows when lines came; None, and a word about it, where nobody does."""
    index = _read_index(run_folder(run, context)) if kind in _STREAMS else b""
    if next(iter_entries(index), None) is None:
        output.note(f"acode: no times are known of {name}")
        return None
    return time_of(index, _STREAMS[kind], run.start_time)


def _read_index(folder: str) -> bytes:
    try:
        with open_content(folder, OUTPUT_INDEX) as content:
            return content.read()
    except (OSError, ValueError):
        return b""
