"""The endpoints that answer with content: whole, a range of its bytes, or some of its lines.

Content goes out as it is read; memory does not grow with it. The last piece of a whole content is kept back
until its checksum is known to be right, so that a damaged one arrives short and not unnoticed.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from collector.audit import append_audit
from collector.errors import AcodeError, CorruptError
from collector.model.artifact import Artifact
from collector.query.excerpt import Excerpt, iter_shown, parse_range
from collector.query.streams import artifact_of, source_of
from collector.serve.answers import run_of
from collector.serve.endpoint import Asked
from collector.serve.library import Library
from collector.serve.ranges import Part, fits_etag, part_of
from collector.serve.refusal import Refusal
from collector.store.artifacts import SqliteArtifactStore

CHUNK = 256 << 10
TEXT = "text/plain; charset=utf-8"
_LINES_CHUNK = 64 << 10
_WORD = r"[a-z0-9][a-z0-9.+-]{0,63}"
_MIME = re.compile(rf"{_WORD}/{_WORD}(; ?charset={_WORD})?", re.IGNORECASE | re.ASCII)
_SALT = secrets.token_hex(4)
"""What is masked depends on settings that may change between two servers, its checksum does not tell."""


class Opened(NamedTuple):
    """A content that is about to be sent: `size` is None where it is not known, `etag` too."""

    size: int | None
    etag: str | None
    media: str
    name: str
    part: Part | None
    pieces: Iterator[bytes]


async def artifact_content(asked: Asked) -> Response:
    """Answer `GET /artifacts/{artifact}/content`."""

    def job(library: Library) -> Opened:
        artifact = library.artifacts.get(asked.values["artifact"].upper())
        _note(asked, library, artifact.run_id, artifact.path)
        artifact = _contents(asked, library).get(artifact.artifact_id)
        media = artifact.content_type if _MIME.fullmatch(artifact.content_type) else ""
        return _open_artifact(asked, library, artifact, media or "application/octet-stream")

    return _respond(asked, await asked.serving.pool.ask(job))


async def stream_content(asked: Asked) -> Response:
    """Answer `GET /runs/{run}/stdout`, `stderr` and `output`."""
    kind = asked.request.url.path.rpartition("/")[2]

    def job(library: Library) -> Opened:
        run = run_of(library, asked.values["run"])
        _note(asked, library, run.run_id, kind)
        store = _contents(asked, library)
        if asked.values["lines"] is not None:
            excerpt = Excerpt(part=parse_range(asked.values["lines"]))
            shown = iter_shown(source_of(run, kind, store), excerpt)
            lines = _gathered(line.data for line in shown)
            return Opened(None, None, TEXT, f"{kind}.txt", None, _primed(lines))
        artifact = artifact_of(run, kind, store)
        if artifact is not None:
            return _open_artifact(asked, library, artifact, TEXT)
        pieces = _gathered(iter(source_of(run, kind, store).chunks()))
        return Opened(None, None, TEXT, f"{kind}.txt", None, _primed(pieces))

    return _respond(asked, await asked.serving.pool.ask(job))


def _note(asked: Asked, library: Library, run_id: str, path: str) -> None:
    """Say in the audit log who reads what; nobody sees secrets without that. Raises UnavailableError."""
    details = {"path": path, "through": "http"}
    for action in ("access",) if asked.values["redact"] else ("access", "redaction.off"):
        append_audit(library.workspace, action, run_id, details, library.config)


def _contents(asked: Asked, library: Library) -> SqliteArtifactStore:
    return library.contents(asked.values["redact"])


def _etag(asked: Asked, library: Library, artifact: Artifact) -> str | None:
    """Return what names this version of what is sent; what is still being written has no name."""
    if artifact.checksum_sha256 is None:
        return None
    masked = f"-{_SALT}" if asked.values["redact"] and library.masking else ""
    return f'"{artifact.checksum_sha256}{masked}"'


def _open_artifact(asked: Asked, library: Library, artifact: Artifact, media: str) -> Opened:
    store = _contents(asked, library)
    with store.open(artifact) as content:
        size = _size(content, artifact)
    etag = _etag(asked, library, artifact)
    part = part_of(size, asked.head.get(b"range"), asked.head.get(b"if-range"), etag)
    name = artifact.file_name
    if fits_etag(asked.head.get(b"if-none-match"), etag) or part is None or asked.head.method == "HEAD":
        return Opened(size, etag, media, name, part, iter(()))
    if part.is_whole:
        return Opened(size, etag, media, name, part, _primed(store.iter_content(artifact, CHUNK)))
    return Opened(size, etag, media, name, part, _primed(_slice(store.open(artifact), part)))


def _size(content: BinaryIO, artifact: Artifact) -> int:
    try:
        return content.seek(0, os.SEEK_END)
    except OSError as error:
        raise CorruptError("ACODE-ART-012", f"{artifact.path} is damaged: {error}") from error


def _slice(content: BinaryIO, part: Part) -> Iterator[bytes]:
    """Yield a part of a content, and close it."""
    with content:
        content.seek(part.start)
        left = part.end - part.start
        while left and (piece := content.read(min(left, CHUNK))):
            left -= len(piece)
            yield piece


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield small pieces together: each is a thread's work and a packet."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _LINES_CHUNK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _primed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Read the first two pieces, which asks the store for all that it knows, and a small content to its end.

    So whoever goes on reading, in any thread, only reads files; and what is wrong is known before an answer
    has begun.
    """
    try:
        first = list(islice(pieces, 2))
    except OSError as error:
        raise CorruptError("ACODE-ART-012", f"a content is damaged: {error}") from error
    return _chained(first, pieces)


def _chained(first: list[bytes], pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield each piece when the next is known to be right, or there is none."""
    held = first.pop(0) if first else b""
    try:
        for piece in chain(first, pieces):
            yield held
            held = piece
        yield held
    finally:
        _close(pieces)


def _respond(asked: Asked, opened: Opened) -> Response:
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(opened.name, safe='')}",
        "Content-Type": opened.media,
    }
    if opened.etag:
        headers["ETag"] = opened.etag
    if opened.size is None:
        return _stream(asked, opened, headers, 200)
    headers["Accept-Ranges"] = "bytes"
    if fits_etag(asked.head.get(b"if-none-match"), opened.etag):
        return Response(status_code=304, headers={"ETag": opened.etag or ""})
    part = opened.part
    if part is None:
        raise Refusal(416, "no byte of the content is in this range", "", {
            "Content-Range": f"bytes */{opened.size}"
        })  # fmt: skip
    headers["Content-Length"] = str(part.end - part.start)
    if part.is_whole:
        return _stream(asked, opened, headers, 200)
    headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{opened.size}"
    return _stream(asked, opened, headers, 206)


def _stream(asked: Asked, opened: Opened, headers: dict[str, str], status: int) -> Response:
    if asked.head.method == "HEAD":
        _close(opened.pieces)
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_sent(opened.pieces), status, headers)


async def _sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read in threads; whoever waits for the network holds none."""
    try:
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            if piece:
                yield piece
    except (AcodeError, OSError) as error:
        raise Broken(str(error)) from error
    finally:
        _close(pieces)


def _close(pieces: Iterator[bytes]) -> None:
    """Let go of a file, unless a thread is reading: then it is closed when nobody has it any more."""
    if isinstance(pieces, Generator):
        with suppress(ValueError):
            pieces.close()


class Broken(Exception):
    """What was being sent cannot be read to its end; the connection is closed before it."""
