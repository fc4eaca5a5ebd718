"""The ASGI application: a guard that looks at every request first, and a router made from the table.

The guard adds what every answer has, counts, and bounds how many requests are served at once and how long a
client may take to read; no exception leaves it but the one that closes a connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.serve.access import MAX_TARGET, Access, Head, check
from collector.serve.content import Broken
from collector.serve.endpoint import Asked, Endpoint, Serving, values_of
from collector.serve.metrics import Requests
from collector.serve.pool import Pool
from collector.serve.refusal import Refusal, body_of, refusal_of
from collector.serve.routes import ENDPOINTS

MAX_REQUESTS = 64
SEND_SECONDS = 30.0
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"private, no-cache"),
)
_HEAD = "acode.head"
_PATH = "acode.path"


def build_app(pool: Pool, access: Access) -> ASGIApp:
    """Return the application of a workspace.

    Args:
        pool: answers; the caller closes it.
        access: who is let in.
    """
    serving = Serving(pool, access, Requests())

    routes = [Route(e.path, _handler(e, serving), methods=[e.method]) for e in ENDPOINTS]
    handlers: Any = {HTTPException: _no_route}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Guard(app, serving)


def _handler(endpoint: Endpoint, serving: Serving) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        request.scope[_PATH] = endpoint.path
        try:
            values = values_of(endpoint, request.path_params, request.query_params.multi_items())
            return await endpoint.handler(Asked(request, request.scope[_HEAD], values, serving))
        except Exception as error:  # noqa: BLE001 - no request ends the server, or shows a traceback
            return _refuse(refusal_of(error))

    return handle


def _no_route(request: Request, error: Exception) -> Response:
    """Answer what no endpoint is for."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 405:
        allowed = sorted({e.method for e in ENDPOINTS if _fits(e, request)} | {"HEAD"})
        allowed = [method for method in allowed if method != "HEAD" or "GET" in allowed]
        return _refuse(Refusal(405, "the path has other methods", "", {"Allow": ", ".join(allowed)}))
    return _refuse(Refusal(404, "there is no such path", "GET /openapi.json lists them"))


def _fits(endpoint: Endpoint, request: Request) -> bool:
    return bool(Route(endpoint.path, lambda: None).path_regex.match(request.url.path))


def _refuse(refusal: Refusal) -> Response:
    return JSONResponse(body_of(refusal), refusal.status, refusal.headers)


class Guard:
    """What stands before the router."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app = app
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        requests = self._serving.requests
        answer = _Answer(send)
        started = time.monotonic()
        requests.active += 1
        try:
            await self._serve(scope, receive, answer)
        finally:
            requests.active -= 1
            path = scope.get(_PATH, "")
            requests.note(_known(scope["method"]), path, answer.status, time.monotonic() - started)

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            self._check(scope)
            await self._app(scope, receive, answer)
        except Refusal as refusal:
            await _refuse(refusal)(scope, receive, answer)
        except (TimeoutError, Broken, BaseExceptionGroup):
            raise ConnectionAbortedError("the answer is cut short") from None

    def _check(self, scope: Scope) -> None:
        if self._serving.requests.active > MAX_REQUESTS:
            raise Refusal(503, "too many requests", "try again in a moment", {"Retry-After": "1"})
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET:
            raise Refusal(414, f"the path has more than {MAX_TARGET} characters")
        head = Head(scope["method"], scope["path"], scope["headers"])
        server = scope.get("server")
        check(head, self._serving.access, server[0] if server else None)
        scope[_HEAD] = head


def _known(method: str) -> str:
    """Return a method as it is counted: a client must not invent as many names as it likes."""
    return method if method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS") else "other"


class _Answer:
    """Sends, with the headers that every answer has; a client that does not read is not waited for."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": _with_common(message.get("headers", []))}
        async with asyncio.timeout(SEND_SECONDS):
            await self._send(message)


def _with_common(headers: Any) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    return [*headers, *(item for item in _HEADERS if item[0] not in given)]
