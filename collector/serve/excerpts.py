"""Some lines of what a run wrote, as many as fit into one answer, and where to go on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from collector.errors import CorruptError, NotFoundError
from collector.extract.text import clean_text
from collector.model.run import Run
from collector.query.excerpt import Excerpt, Shown, Source, iter_shown
from collector.query.streams import STREAMS, artifact_source, source_of
from collector.serve.library import Library
from collector.store.artifacts import SqliteArtifactStore
from collector.suggest import did_you_mean

MAX_TEXT = 30_000
MAX_LINE = 4_000


def content_of(library: Library, run: Run, name: str) -> Source:
    """Return a stream of a run, or the file with this path.

    Raises:
        NotFoundError: there is none; the nearest is offered.
    """
    store: SqliteArtifactStore = library.contents()
    if name in STREAMS:
        return source_of(run, name, store)
    known = store.by_run(run.run_id)
    found = next((item for item in known if name in (item.path, item.artifact_id)), None)
    if found is None:
        paths = [*STREAMS, *(item.path for item in known)]
        hint = did_you_mean(name[:200], paths, f"it has {', '.join(paths[:20])}")
        raise NotFoundError("ACODE-RUN-002", f"run {run.name} has no file {name[:200]!r}", hint)
    return artifact_source(found, store)


def read_lines(source: Source, excerpt: Excerpt, limit: int = MAX_TEXT) -> dict[str, Any]:
    """Return lines as text, and the number of the line to go on with; None where there is no more.

    Control sequences are taken out, as what they do to a terminal says nothing to a reader. Lines that a
    pattern chose begin with their number.

    Raises:
        CorruptError: the content is damaged.
    """
    try:
        return _read(iter_shown(source, excerpt), excerpt, limit)
    except OSError as error:
        raise CorruptError("ACODE-ART-012", f"the content is damaged: {error}") from error


def _read(shown: Iterable[Shown], excerpt: Excerpt, limit: int) -> dict[str, Any]:
    numbered = excerpt.pattern is not None or excerpt.errors
    lines: list[str] = []
    first = last = size = 0
    next_line: int | None = None
    for line in shown:
        if line.number == last:
            continue  # a piece of a line that is longer than anybody wants to read
        text = _text(line, numbered)
        if size + len(text) > limit:
            next_line = line.number
            break
        size += len(text) + 1
        first, last = first or line.number, line.number
        lines.append(text)
    text = "\n".join(lines)
    return {"text": text, "first_line": first or None, "last_line": last or None, "next_line": next_line}


def _text(line: Shown, numbered: bool) -> str:
    text = clean_text(line.data).rstrip("\r\n")
    if len(text) > MAX_LINE:
        text = f"{text[:MAX_LINE]}…"
    if not numbered:
        return text
    return f"{line.number}{':' if line.is_hit else '-'}{text}"
