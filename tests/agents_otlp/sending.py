"""A receiver in this process, and requests to it over the loopback, right ones and any other bytes."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from collector.daemon.receiver import Endpoint, Receiver
from collector.workspace import Workspace
from tests.agents_otlp.bodies import CLAUDE, JSON, LOGS, body, claude

BODY = body(LOGS, JSON, CLAUDE, [claude("api_request", request_id="req_1", input_tokens=3)])


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def message(self) -> str:
        """What a refusal says: one line of JSON."""
        assert self.body.endswith(b"\n")
        assert self.body.count(b"\n") == 1
        return str(json.loads(self.body)["message"])


class Running(NamedTuple):
    """A receiver that listens."""

    workspace: Workspace
    receiver: Receiver
    endpoint: Endpoint
    log: list[dict[str, Any]]

    @property
    def inbox(self) -> Path:
        return Path(self.workspace.inbox)

    def stored(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.inbox.iterdir())]

    def headers(self, **changed: str | None) -> dict[str, str]:
        """The headers of a right request; a change of None leaves one out, `_` stands for `-`."""
        given: dict[str, str | None] = {
            "Host": f"127.0.0.1:{self.endpoint.port}",
            "Authorization": f"Bearer {self.endpoint.token}",
            "Content-Type": JSON,
        }
        given |= {name.replace("_", "-"): value for name, value in changed.items()}
        return {name: value for name, value in given.items() if value is not None}

    def post(
        self, data: bytes = BODY, path: str = LOGS, method: str = "POST", **changed: str | None
    ) -> Reply:
        """Send a request whose length is said unless it comes in chunks."""
        headers = self.headers(**changed)
        if "Transfer-Encoding" not in headers and "Content_Length" not in changed:
            headers["Content-Length"] = str(len(data))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + data)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.endpoint.port), timeout=30)

    def send(self, request: bytes) -> Reply:
        """Send bytes and read until the end."""
        with self.connect() as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return read_reply(connection)


def read_reply(connection: socket.socket) -> Reply:
    """Read one answer, which the closed connection ends; status 0 when there is none."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
    while data.startswith(b"HTTP/1.1 100 "):
        data = data.partition(b"\r\n\r\n")[2]
    if not data:
        return Reply(0, {}, b"")
    head, _, content = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert headers["Connection"] == "close"
    assert int(headers["Content-Length"]) == len(content)
    return Reply(int(lines[0].split()[1]), headers, content)


@contextmanager
def running(root: Path) -> Iterator[Running]:
    """A receiver of a workspace, stopped afterwards."""
    workspace = Workspace(str(root))
    workspace.create()
    log: list[dict[str, Any]] = []
    receiver = Receiver(workspace, lambda event, **fields: log.append({"event": event, **fields}))
    receiver.start()
    assert receiver.endpoint is not None
    try:
        yield Running(workspace, receiver, receiver.endpoint, log)
    finally:
        receiver.stop()
