"""The collector's port for telemetry: a listening socket on the loopback, its port and token in a file.

Until somebody connects there is a socket and a sleeping thread; what speaks HTTP is imported then. Only so
many connections are served at once, others wait in the kernel's queue, and each has its deadline, so that a
client that is slow, wrong or hostile costs the collector next to nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import time

from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Callable

HOST = "127.0.0.1"
_MAX_CONNECTIONS = 16
_BACKLOG = 64
_MAX_PORT_FILE = 256
STOP_SECONDS = 1.0
_PAUSE_SECONDS = 0.2
_TOKEN_BYTES = 24
_FIRST_PORT, _PORTS, _TRIES = 20_000, 10_000, 20


class Endpoint:
    """Where telemetry is taken, and the token to show there."""

    __slots__ = ("port", "token")

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token


def port_file(workspace: Workspace) -> str:
    """Return the file with port and token; it outlives the collector, for the agents that go on."""
    return os.path.join(workspace.folder, "collector.port")


def read_endpoint(workspace: Workspace) -> Endpoint | None:
    """Return what the port file says; None when there is none that this user wrote for nobody else's eyes."""
    try:
        fd = os.open(port_file(workspace), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            status = os.fstat(fd)
            lines = os.read(fd, _MAX_PORT_FILE).decode("ascii", "replace").split("\n")
        finally:
            os.close(fd)
    except OSError:
        return None
    private = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
    if not private or len(lines) != 3 or lines[2]:
        return None
    port, token = lines[:2]
    right = port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536
    hexadecimal = len(token) == 2 * _TOKEN_BYTES and set(token) <= set("0123456789abcdef")
    return Endpoint(int(port), token) if right and hexadecimal else None


class Receiver:
    """Takes telemetry for one workspace, in threads of its own.

    Args:
        workspace: whose inbox the bodies go to.
        log: where to say what happens.
    """

    def __init__(self, workspace: Workspace, log: Callable[..., None]) -> None:
        self._workspace = workspace
        self._log = log
        self._listener: socket.socket | None = None
        self._slots: threading.Semaphore | None = None
        self._stopping = False
        self._trouble = ""
        self.endpoint: Endpoint | None = None

    def start(self) -> None:
        """Listen, and say where; what fails is logged, for the collector does without."""
        try:
            self._listen()
        except (OSError, RuntimeError) as error:
            self.stop()
            self._log("receiver.failed", error=str(error))
            return
        self._log("receiver.started", port=self.endpoint.port if self.endpoint else None)

    def stop(self) -> None:
        """Stop listening; requests that are being served get a moment to end."""
        self._stopping = True
        listener, self._listener = self._listener, None
        if listener is None:
            return
        _close(listener)
        end = time.monotonic() + STOP_SECONDS
        for _ in range(_MAX_CONNECTIONS):
            if self._slots is None or not self._slots.acquire(timeout=max(end - time.monotonic(), 0)):
                return

    def _listen(self) -> None:
        import threading

        _remove_unfinished(self._workspace.inbox)
        known = read_endpoint(self._workspace)
        self._listener = _bind(known)
        port = self._listener.getsockname()[1]
        # With another port the old token may have been shown to whoever has the old one now.
        token = known.token if known and known.port == port else os.urandom(_TOKEN_BYTES).hex()
        self.endpoint = Endpoint(port, token)
        if not known or token != known.token:
            _write_endpoint(self._workspace, self.endpoint)
        self._slots = threading.Semaphore(_MAX_CONNECTIONS)
        threading.Thread(
            target=self._accept, args=(self._listener, self._slots), name="receiver", daemon=True
        ).start()

    def _accept(self, listener: socket.socket, slots: threading.Semaphore) -> None:
        import threading

        while not self._stopping:
            slots.acquire()
            try:
                connection, _ = listener.accept()
                threading.Thread(target=self._serve, args=(connection, slots), daemon=True).start()
            except (OSError, RuntimeError) as error:  # no descriptors or threads left, or stopped
                slots.release()
                if isinstance(error, OSError) and error.errno in (errno.EBADF, errno.EINVAL):
                    return
                time.sleep(_PAUSE_SECONDS)

    def _serve(self, connection: socket.socket, slots: threading.Semaphore) -> None:
        try:
            from collector.daemon.otlp_http import serve

            if self.endpoint:
                self._tell(serve(connection, self._workspace.inbox, self.endpoint))
        except OSError:
            pass  # it went away, or was too slow
        except Exception as error:  # noqa: BLE001 - no request may end the collector
            self._tell(f"{type(error).__name__}: {error}")
        finally:
            connection.close()
            slots.release()

    def _tell(self, trouble: str) -> None:
        """Log what is wrong with agents' requests, once for as long as it stays the same."""
        if trouble and trouble != self._trouble:
            self._log("receiver.refused", reason=trouble)
        self._trouble = trouble


def _remove_unfinished(inbox: str) -> None:
    """Remove what a collector that was killed had begun to write; there is only one at a time."""
    for name in os.listdir(inbox):
        if name.startswith(".") and name.endswith(".tmp") and ".otlp." in name:
            os.unlink(os.path.join(inbox, name))


def _bind(known: Endpoint | None) -> socket.socket:
    """Listen on the known port if it is free, else on another.

    It is taken from below those that systems give to outgoing connections (Linux: 32768, others 49152), one
    of which might have it when the next collector starts.
    """
    drawn = [_FIRST_PORT + int.from_bytes(os.urandom(4), "big") % _PORTS for _ in range(_TRIES)]
    for port in ([known.port] if known else []) + drawn:
        try:
            return _listen_on(port)
        except OSError:
            continue  # taken, or not for this user
    return _listen_on(0)


def _listen_on(port: int) -> socket.socket:
    import socket

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _close(listener: socket.socket) -> None:
    """Close, and wake the thread that accepts."""
    import socket

    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # its thread ends with the process
    finally:
        listener.close()


def _write_endpoint(workspace: Workspace, endpoint: Endpoint) -> None:
    from collector.durable import replace_file

    text = f"{endpoint.port}\n{endpoint.token}\n"
    replace_file(port_file(workspace), text.encode(), mode=0o600, sync=False)
