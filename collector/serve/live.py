"""`GET /events`: what happens to the store, as server-sent events (WHATWG HTML, section 9.2).

An event's id is the store's id and a number; a client that comes back with `Last-Event-ID` misses nothing and
is told (`reset`) when the database has been rebuilt in between, which numbers events anew.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import NamedTuple

from starlette.responses import Response, StreamingResponse

from collector.model.query import Event
from collector.serve.endpoint import Asked, Serving
from collector.serve.library import Library
from collector.serve.refusal import Refusal

MAX_STREAMS = 16
_LOOK_SECONDS = 0.2
_PULSE_SECONDS = 15.0
_BATCH = 500
_RETRY_MS = 1000


class _Place(NamedTuple):
    """Up to where a client knows what happened: the store, and the number of an event in it."""

    store: str
    number: int


async def follow(asked: Asked) -> Response:
    """Answer `GET /events`."""
    serving = asked.serving
    if len(serving.streams) >= MAX_STREAMS and asked.head.method != "HEAD":
        raise Refusal(503, f"{MAX_STREAMS} clients follow events already", "", {"Retry-After": "5"})
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if asked.head.method == "HEAD":
        return Response(headers=headers, media_type="text/event-stream")
    text = asked.head.get(b"last-event-id") or asked.values["after"] or ""
    now = await serving.pool.ask(_newest)
    start = now if text == "" else _place(text)
    return StreamingResponse(_events(serving, start), headers=headers, media_type="text/event-stream")


def _place(text: str) -> _Place:
    store, _, number = text.rpartition(".")
    right = number.isascii() and number.isdigit() and len(number) < 16 and store.isprintable()
    return _Place(store, int(number)) if right else _Place("", 0)


def _newest(library: Library) -> _Place:
    if library.find_stores() is None:
        return _Place("", 0)
    return _Place(library.runs.store_id(), library.runs.last_event_id())


async def _events(serving: Serving, place: _Place) -> AsyncIterator[bytes]:
    serving.streams.append(None)
    try:
        yield f"retry: {_RETRY_MS}\n: acode\n\n".encode()
        quiet_since = time.monotonic()
        while True:
            text, place = await serving.pool.ask(partial(_since, place))
            if text:
                yield text.encode()
                quiet_since = time.monotonic()
                continue
            if time.monotonic() - quiet_since > _PULSE_SECONDS:
                yield b": still here\n\n"
                quiet_since = time.monotonic()
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        serving.streams.pop()


def _since(known: _Place, library: Library) -> tuple[str, _Place]:
    """Return what happened since, and up to where that is."""
    if library.find_stores() is None:
        return "", known
    store = library.runs.store_id()
    parts: list[str] = []
    number = known.number
    if store != known.store:
        number = library.runs.last_event_id() if known.store else 0
        if known.store:
            parts.append(f"id: {store}.{number}\nevent: reset\ndata: {{}}\n\n")
    for event in library.runs.events(number, _BATCH):
        parts.append(_format(store, event))
        number = event.event_id
    return "".join(parts), _Place(store, number)


def _format(store: str, event: Event) -> str:
    key = "session_id" if event.kind == "session.changed" else "run_id"
    data = {"event_id": event.event_id, "kind": event.kind, key: event.run_id}
    if event.artifact_id:
        data["artifact_id"] = event.artifact_id
    return f"id: {store}.{event.event_id}\nevent: {event.kind}\ndata: {json.dumps(data)}\n\n"
