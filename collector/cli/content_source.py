"""Where content that is shown in part is read from, and the times of its lines."""

from __future__ import annotations

import os

from collector.cli import output
from collector.cli.content_lines import TimeOf, View, show_excerpt, time_of
from collector.cli.context import Context
from collector.errors import CorruptError
from collector.model.artifact import Artifact
from collector.model.run import Run
from collector.query import streams
from collector.query.excerpt import Source
from collector.record.content import open_content
from collector.record.output_index import iter_entries
from collector.workspace import OUTPUT_INDEX, RUN_JSON

_STREAMS = {"stdout": 1, "stderr": 2, "output": None}


def run_folder(run: Run, context: Context) -> str:
    """Return the absolute path of a run's folder."""
    return os.path.dirname(context.stores()[1].path_in(run.folder, RUN_JSON))  # noqa: PTH120


def artifact_source(artifact: Artifact, context: Context) -> Source:
    """Return an artifact's content, read from anywhere. Its checksum is looked at only when all is shown."""
    return streams.artifact_source(artifact, context.contents())


def stream_source(run: Run, kind: str, context: Context) -> Source:
    """Return one stream of a run, or both (`output`), also of one that still runs and has no artifacts yet.

    Raises:
        NotFoundError: it has none.
    """
    return streams.source_of(run, kind, context.contents())


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
