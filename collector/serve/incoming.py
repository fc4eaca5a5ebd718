"""The endpoints that take something in: hooks and telemetry of agents, and the wish to collect a team.

What agents say goes into the inbox, as if their hooks or exporters had put it there; nothing is decided here.
"""

from __future__ import annotations

import asyncio
import json
import os

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from collector.agents import teams
from collector.agents.adapter import get_agent
from collector.agents.inbox import HOOK
from collector.agents.otlp_records import JSON
from collector.clock import now_ms
from collector.daemon import otlp_http
from collector.durable import replace_file
from collector.errors import CODES, AcodeError, NotFoundError
from collector.ids import new_ulid
from collector.serve.endpoint import Asked
from collector.serve.refusal import Refusal

MAX_HOOK = 8 << 20
_SMALL = 1 << 20
BODY_SECONDS = 30.0
_large = asyncio.Lock()
"""Held while a large body is read and decoded, one at a time, which bounds the memory."""


async def take_hook(asked: Asked) -> Response:
    """Answer `POST /hooks/{agent}`."""
    agent = get_agent(asked.values["agent"]).name
    async with _Body(asked, MAX_HOOK) as body:
        _check_object(await body.read())
        place = [asked.values[name] or "-" for name in ("session", "instance")]
        head = " ".join("_".join(word.split()) for word in place)
        data = f"acode-hook 1 {head}\n".encode() + body.data
        path = f"{new_ulid(now_ms())}.{agent}.{HOOK}"
        await asyncio.to_thread(_store, asked, path, data)
    return JSONResponse({"status": "accepted"}, 202)


def _check_object(data: bytes) -> None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refusal(400, "the body is not a JSON object")


def _store(asked: Asked, name: str, data: bytes) -> None:
    workspace = asked.serving.pool.place.workspace
    try:
        workspace.create()
        replace_file(os.path.join(workspace.inbox, name), data, mode=0o600, sync=False)  # noqa: PTH118
    except OSError as error:
        raise Refusal(503, f"cannot be stored: {error.strerror}", "", {"Retry-After": "5"}) from None


async def take_telemetry(asked: Asked) -> Response:
    """Answer `POST /v1/logs`, `/v1/metrics` and `/v1/traces`."""
    content_type = asked.head.get(b"content-type").partition(";")[0].strip().lower()
    workspace = asked.serving.pool.place.workspace
    target = asked.request.url.path
    async with _Body(asked, otlp_http.MAX_BODY) as body:
        data = await body.read()

        def take() -> None:
            workspace.create()
            plain = otlp_http.decompress(data, _need) if body.is_gzip else data
            otlp_http.take_body(workspace.inbox, target, content_type, plain)

        try:
            await asyncio.to_thread(take)
        except otlp_http.Refusal as refusal:
            raise Refusal(refusal.status, refusal.message, "", refusal.headers) from None
        except OSError as error:
            raise Refusal(503, f"cannot be stored: {error.strerror}", "", {"Retry-After": "5"}) from None
    return Response(b"{}" if content_type == JSON else b"", media_type=content_type)


def _need(size: int, limit: int) -> None:
    if size > limit:
        raise Refusal(413, f"more than {limit} bytes")


async def collect_team(asked: Asked) -> Response:
    """Answer `POST /artifacts/collect/{team}`."""
    team, workspace = asked.values["team"], asked.serving.pool.place.workspace
    async with _Body(asked, _SMALL) as body:
        await body.read()
    found = await asyncio.to_thread(teams.collect_team_artifacts, team, workspace)
    if found["status"] == "error":
        raise _failed(str(found["error"]))
    return JSONResponse(found)


def _failed(error: str) -> AcodeError:
    """Return what kept a team from being collected: one that nobody knows, or what was in the way."""
    code, colon, message = error.partition(": ")
    if colon and code in CODES:
        return AcodeError(code, message)
    return NotFoundError("ACODE-AGT-016", error, "GET /sessions lists sessions and their teams")


async def list_collections(asked: Asked) -> Response:
    """Answer `GET /artifacts/list`."""
    found = await asyncio.to_thread(teams.list_collections, asked.serving.pool.place.workspace)
    return JSONResponse(list(found))


async def collection_metadata(asked: Asked) -> Response:
    """Answer `GET /artifacts/{session}/metadata`."""
    workspace, session = asked.serving.pool.place.workspace, asked.values["session"]
    found = await asyncio.to_thread(teams.collection_metadata, workspace, session)
    return JSONResponse(found)


class _Body:
    """The body of a request, read within limits of size and time; one large one at a time."""

    def __init__(self, asked: Asked, limit: int) -> None:
        self._asked = asked
        self._limit = limit
        self._holds = False
        self.data = b""
        encoding = asked.head.get(b"content-encoding").lower()
        if encoding not in ("", "identity", "gzip"):
            raise Refusal(415, "Content-Encoding is not gzip")
        self.is_gzip = encoding == "gzip"

    async def __aenter__(self) -> _Body:
        """Refuse what says itself that it is too large."""
        length = self._asked.head.get(b"content-length")
        if length.isdigit() and int(length) > self._limit:
            raise Refusal(413, f"more than {self._limit} bytes")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let the next large one in."""
        if self._holds:
            _large.release()

    async def read(self) -> bytes:
        """Return it as it was sent."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                self.data = await self._read()
        except TimeoutError:
            raise Refusal(408, "the body did not come in time") from None
        except ClientDisconnect:
            raise Refusal(400, "the body is cut short") from None
        return self.data

    async def _read(self) -> bytes:
        data = bytearray()
        async for piece in self._asked.request.stream():
            data += piece
            if len(data) > self._limit:
                raise Refusal(413, f"more than {self._limit} bytes")
            if len(data) > _SMALL and not self._holds:
                await _large.acquire()
                self._holds = True
        return bytes(data)
