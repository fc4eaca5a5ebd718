"""One OTLP/HTTP request: who may send it, how it is read within limits, what is answered.

There is one request for each connection, so that none waits for the next. A body is decoded before it is
stored: its sender is told what cannot be, and what holds no event is not kept. It is in the inbox before the
answer goes out: `acode-otlp 1 PATH CONTENT-TYPE` on the first line, then the body, decompressed.

Of HTTP/1.1 (RFC 9112) this knows what exporters send. The standard library's server would take 3 MB and
50 ms to import, and has a limit for the time of each read, but none for a request's.
"""

from __future__ import annotations

import io
import json
import os
import socket
import threading
import time
import zlib
from collections.abc import Callable
from hmac import compare_digest

from collector.agents.inbox import MAX_BYTES, TELEMETRY
from collector.agents.otlp import otlp_events
from collector.agents.otlp_records import CONTENT_TYPES, JSON, PATHS, PROTOBUF, has_protobuf
from collector.clock import now_ms
from collector.daemon.receiver import HOST, Endpoint
from collector.durable import replace_file
from collector.ids import new_ulid

MAX_BODY = 32 << 20
MAX_DECOMPRESSED = MAX_BYTES - (1 << 10)  # with its first line, what is read from the inbox
HEAD_SECONDS = 5.0
BODY_SECONDS = 30.0

_MAX_LINE = 16 << 10
_MAX_HEADERS = 100
_PIECE = 64 << 10
_SMALL = 1 << 20
_RETRY = {"Retry-After": "5"}
_LINGER_SECONDS = 1.0
_SINGLE = (
    "host", "authorization", "content-length", "content-type", "content-encoding", "transfer-encoding",
)  # fmt: skip
_REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 411: "Length Required", 413: "Content Too Large",
    415: "Unsupported Media Type", 501: "Not Implemented", 503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}  # fmt: skip

_large = threading.Lock()
"""Held while a large body is read and decoded, one at a time, which bounds the memory."""


class Refusal(Exception):
    """A request that is not taken: its status, what its sender is told, and headers."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def serve(connection: socket.socket, inbox: str, endpoint: Endpoint) -> str:
    """Serve the request of a connection; return what was wrong with it, if its sender had the token.

    Args:
        connection: as accepted; the caller closes it.
        inbox: the folder to put the body into.
        endpoint: port and token that the request must name.

    Raises:
        OSError: the connection broke, or its deadline passed.
    """
    stream = _Stream(connection)
    try:
        content_type = _take(stream, inbox, endpoint)
    except Refusal as refusal:
        told = json.dumps({"message": refusal.message}).encode() + b"\n"
        _answer(connection, refusal.status, JSON, told, refusal.headers)
        _linger(connection)
        return refusal.message if stream.known else ""
    _answer(connection, 200, content_type, b"{}" if content_type == JSON else b"", {})
    return ""


def _take(stream: _Stream, inbox: str, endpoint: Endpoint) -> str:
    """Take in a request; return the type of its content."""
    method, target, headers = _read_head(stream)
    _check_sender(headers, endpoint)
    stream.known = True
    content_type, encoding = _check_request(method, target, headers)
    length = _length(headers)
    stream.extend(BODY_SECONDS)
    if headers.get("expect", "").lower() == "100-continue":
        stream.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    with _Room(stream) as room:
        body = _read_chunks(stream, room) if length is None else _read_body(stream, length, room)
        if encoding == "gzip":
            body = decompress(body, room.need)
        take_body(inbox, target, content_type, body)
    return content_type


class _Stream:
    """A connection, read until a deadline however slowly its bytes drip in; `known`: it has the token."""

    def __init__(self, connection: socket.socket) -> None:
        self.known = False
        self._connection = connection
        self.extend(HEAD_SECONDS)
        self._reader = io.BufferedReader(_Raw(self), _PIECE)

    def extend(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline passed")
        return left

    def receive_into(self, buffer: memoryview) -> int:
        self._connection.settimeout(self.remaining())
        return self._connection.recv_into(buffer)

    def send(self, data: bytes) -> None:
        self._connection.settimeout(self.remaining())
        self._connection.sendall(data)

    def line(self) -> bytes:
        """Read a line, without its end."""
        line = self._reader.readline(_MAX_LINE)
        if line.endswith(b"\n"):
            return line[:-2] if line.endswith(b"\r\n") else line[:-1]
        if len(line) == _MAX_LINE:
            raise Refusal(400, "a line is too long")
        raise ConnectionAbortedError("the request is cut short")

    def read(self, size: int) -> bytes:
        """Read exactly so many bytes."""
        data = self._reader.read(size)
        if len(data) < size:
            raise ConnectionAbortedError("the request is cut short")
        return data


class _Raw(io.RawIOBase):
    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._stream.receive_into(buffer)


class _Room:
    """The right to hold a large body."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._held = False

    def __enter__(self) -> _Room:
        return self

    def __exit__(self, *_: object) -> None:
        if self._held:
            _large.release()

    def need(self, size: int, limit: int) -> None:
        """Ask for so many bytes."""
        if size > limit:
            raise Refusal(413, f"more than {limit} bytes")
        if size > _SMALL and not self._held:
            if not _large.acquire(timeout=self._stream.remaining()):
                raise Refusal(503, "busy with other large requests", _RETRY)
            self._held = True


# --- Before the body ---


def _read_head(stream: _Stream) -> tuple[str, str, dict[str, str]]:
    words = stream.line().decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise Refusal(400, "not HTTP")
    if words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise Refusal(505, "use HTTP/1.1")
    headers: dict[str, str] = {}
    for _ in range(_MAX_HEADERS):
        line = stream.line().decode("latin-1")
        if not line:
            return words[0], words[1], headers
        name, separator, value = line.partition(":")
        name = name.lower()
        if not separator or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise Refusal(400, "a header is malformed")
        if name in headers and name in _SINGLE:
            raise Refusal(400, f"more than one {name}")
        headers[name] = value.strip(" \t")
    raise Refusal(400, "too many headers")


def _check_sender(headers: dict[str, str], endpoint: Endpoint) -> None:
    """Let in who has the token, and no browser, whatever name its page resolves to this address."""
    names = (HOST, "localhost")
    if headers.get("host", "").lower() not in (*names, *(f"{name}:{endpoint.port}" for name in names)):
        raise Refusal(403, "Host is not this machine")
    if "origin" in headers:
        raise Refusal(403, "not for browsers")
    # OTEL_EXPORTER_OTLP_HEADERS is percent-encoded; Claude Code sends what is in it undecoded.
    given = headers.get("authorization", "").replace("%20", " ", 1)
    scheme, _, token = given.partition(" ")
    right = compare_digest(token.strip().encode("utf-8"), endpoint.token.encode())
    if scheme.lower() != "bearer" or not right:
        raise Refusal(401, "the token is missing or wrong", {"WWW-Authenticate": "Bearer"})


def _check_request(method: str, target: str, headers: dict[str, str]) -> tuple[str, str]:
    """Return the type of the content and its encoding."""
    if target not in PATHS:
        raise Refusal(404, f"there is {', '.join(PATHS)}")
    if method != "POST":
        raise Refusal(405, "only POST", {"Allow": "POST"})
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in CONTENT_TYPES:
        raise Refusal(415, f"Content-Type is not {' or '.join(CONTENT_TYPES)}")
    if content_type == PROTOBUF and not has_protobuf():
        raise Refusal(
            415,
            "protobuf needs the extra 'otlp' (pip install 'acode-tui[otlp]'); "
            "or export with OTEL_EXPORTER_OTLP_PROTOCOL=http/json",
        )
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in ("gzip", "identity", ""):
        raise Refusal(415, "Content-Encoding is not gzip")
    return content_type, encoding


def _length(headers: dict[str, str]) -> int | None:
    """Return the length of the body; None when it comes in chunks."""
    length, transfer = headers.get("content-length"), headers.get("transfer-encoding")
    if transfer is not None:
        if length is not None:
            raise Refusal(400, "both Content-Length and Transfer-Encoding")
        if transfer.lower() != "chunked":
            raise Refusal(501, "Transfer-Encoding is not chunked")
        return None
    if length is None:
        raise Refusal(411, "Content-Length is missing")
    if not (length.isascii() and length.isdigit() and len(length) < 20):
        raise Refusal(400, "Content-Length is no number")
    if int(length) > MAX_BODY:
        raise Refusal(413, f"more than {MAX_BODY} bytes")
    return int(length)


# --- The body ---


def _read_body(stream: _Stream, length: int, room: _Room) -> bytes:
    room.need(length, MAX_BODY)
    return stream.read(length)


def _read_chunks(stream: _Stream, room: _Room) -> bytes:
    body = io.BytesIO()
    while size := _chunk_size(stream.line()):
        room.need(body.tell() + size, MAX_BODY)
        body.write(stream.read(size))
        if stream.line():
            raise Refusal(400, "a chunk is longer than it says")
    for _ in range(_MAX_HEADERS):
        if not stream.line():
            return body.getvalue()
    raise Refusal(400, "too many trailers")


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not 0 < len(digits) <= 16 or digits.strip(b"0123456789abcdefABCDEF"):
        raise Refusal(400, "the size of a chunk is no number")
    return int(digits, 16)


def decompress(data: bytes, need: Callable[[int, int], None]) -> bytes:
    """Undo gzip without making more than is allowed; exporters send one member.

    Args:
        data: what was sent.
        need: is asked for room: how many bytes, and how many there may be at most.

    Raises:
        Refusal: it is not gzip, or `need` refuses.
    """
    body = io.BytesIO()
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    while not member.eof:
        try:
            piece = member.decompress(data, _SMALL)
        except zlib.error:
            raise Refusal(400, "not gzip") from None
        if not piece and not member.eof:
            raise Refusal(400, "gzip is cut short")
        need(body.tell() + len(piece), MAX_DECOMPRESSED)
        body.write(piece)
        data = member.unconsumed_tail
    if member.unused_data:
        raise Refusal(400, "something follows the gzip")
    return body.getvalue()


def take_body(inbox: str, target: str, content_type: str, body: bytes) -> None:
    """Put a decompressed body into the inbox, unless an agent says nothing in it.

    Raises:
        Refusal: it cannot be decoded, or stored.
    """
    if _has_events(target, content_type, body):
        _store(inbox, target, content_type, body)


def _has_events(target: str, content_type: str, body: bytes) -> bool:
    """Tell whether an agent said something, decoding it as it will be when it is taken in."""
    try:
        return any(True for _ in otlp_events(target, content_type, body))
    except ValueError as error:
        raise Refusal(400, f"cannot be decoded: {error}") from None


def _store(inbox: str, target: str, content_type: str, body: bytes) -> None:
    """Put a body into the inbox; not durably, for a transcript tells it too."""
    path = os.path.join(inbox, f"{new_ulid(now_ms())}.{TELEMETRY}")
    try:
        replace_file(path, f"acode-otlp 1 {target} {content_type}\n".encode() + body, mode=0o600, sync=False)
    except OSError as error:
        raise Refusal(503, f"cannot be stored: {error.strerror}", _RETRY) from None


# --- The answer ---


def _answer(
    connection: socket.socket, status: int, content_type: str, body: bytes, headers: dict[str, str]
) -> None:
    head = {
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Connection": "close",
        "Cache-Control": "no-store",
        **headers,
    }
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", *(f"{name}: {value}" for name, value in head.items())]
    connection.settimeout(_LINGER_SECONDS)
    connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body)


def _linger(connection: socket.socket) -> None:
    """Read on for a moment: closed with bytes unread, the kernel would take the answer back."""
    end = time.monotonic() + _LINGER_SECONDS
    connection.shutdown(socket.SHUT_WR)
    while (left := end - time.monotonic()) > 0:
        connection.settimeout(left)
        if not connection.recv(_PIECE):
            return
