"""Listening: a socket on the loopback, uvicorn on it, and the limits that a connection has."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from collector.errors import UnavailableError
from collector.serve.access import MAX_HEAD, Access
from collector.serve.app import build_app
from collector.serve.library import Place
from collector.serve.pool import Pool

DEFAULT_PORT = 8377
MAX_CONNECTIONS = 128
HEAD_SECONDS = 5.0
_KEEP_ALIVE_SECONDS = 15
_SHUTDOWN_SECONDS = 2
_BACKLOG = 128


class _Protocol(H11Protocol):
    """Closes a connection on which the head of a request does not come in time, however slowly it drips."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline: asyncio.TimerHandle | None = None
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_answering():
            self._forget_deadline()
        elif self._deadline is None:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self._is_answering():
            self.transport.close()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is any that is free.

    Raises:
        UnavailableError: it cannot.
    """
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, number)
    except (OSError, UnicodeError, OverflowError) as error:
        raise _cannot(host, port, error) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot(host, port, error) from None
    listener.setblocking(False)
    return listener


def _cannot(host: str, port: int, error: Exception) -> UnavailableError:
    reason = getattr(error, "strerror", None) or str(error)
    hint = "choose another with --port, or --port 0 for any"
    return UnavailableError("ACODE-RUN-040", f"cannot listen on {host} port {port}: {reason}", hint)


def serve(listener: socket.socket, place: Place, access: Access, say: Callable[[str], None]) -> None:
    """Serve until a signal says to stop.

    Args:
        listener: as `listen` made it; closed at the end.
        place: which workspace.
        access: who is let in.
        say: told once when requests are taken.
    """
    limit_ms = place.config.query_timeout_ms
    pool = Pool(place, limit_ms / 1000 if limit_ms else 30.0)
    _silence()
    config = uvicorn.Config(
        build_app(pool, access), http=_Protocol, ws="none", loop="asyncio", lifespan="on", interface="asgi3",
        log_config=None, access_log=False, proxy_headers=False, server_header=False,
        limit_concurrency=MAX_CONNECTIONS, h11_max_incomplete_event_size=MAX_HEAD,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )  # fmt: skip
    server = _Server(config, say)
    try:
        server.run(sockets=[listener])
    finally:
        pool.close()
        listener.close()


def _silence() -> None:
    """Keep uvicorn from logging: a connection that a client has broken off is nobody's error."""
    import logging

    logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)


class _Server(uvicorn.Server):
    """Says when it is up."""

    def __init__(self, config: uvicorn.Config, say: Callable[[str], None]) -> None:
        super().__init__(config)
        self._say = say

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and say so."""
        await super().startup(sockets)
        if self.started and sockets:
            self._say(address_of(sockets[0]))


def address_of(listener: socket.socket) -> str:
    """Return the address of a server as a client writes it."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
