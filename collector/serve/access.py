"""Who may ask what: decided from the head of a request alone, before anything else is done with it; pure.

A page in a browser may resolve any name to this machine (DNS rebinding) and may send forms to it; so `Host`
must be one of this server's own names with its port, `Origin` absent or its own, and a body JSON, none of
which a page can forge. Everything but the bare `/healthz` needs the token, which is only taken from a header.
"""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest

from collector.serve.refusal import Refusal

Headers = Iterable[tuple[bytes, bytes]]
PUBLIC = "/healthz"
"""What whoever watches over processes may ask without a token; it is not told any details."""
READING = ("GET", "HEAD")
BODIES = ("application/json", "application/x-protobuf")
MAX_HEADERS = 100
MAX_HEAD = 32 << 10
MAX_TARGET = 8192
_SINGLE = (
    b"host", b"origin", b"authorization", b"content-type", b"content-length", b"content-encoding", b"range",
)  # fmt: skip
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Access:
    """Who is let in.

    Args:
        token: what has to be shown.
        port: of the server.
        names: the names it goes by, besides those of the loopback and the address it is reached at.
        read_only: whether nothing may be changed.
    """

    __slots__ = ("names", "port", "read_only", "token")

    def __init__(self, token: str, port: int, names: Iterable[str] = (), read_only: bool = False) -> None:
        self.token = token.encode()
        self.port = port
        self.names = frozenset(_with_brackets(name.lower()) for name in (*_LOOPBACK, *names))
        self.read_only = read_only

    def hosts(self, reached_at: str | None = None) -> frozenset[str]:
        """Return every right value of `Host`, for a connection to one of the server's addresses."""
        names = self.names | {_with_brackets(reached_at.lower())} if reached_at else self.names
        ports = {f"{name}:{self.port}" for name in names}
        return frozenset(ports | names) if self.port == 80 else frozenset(ports)


def _with_brackets(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


class Head:
    """What the head of a request says, each header once; `has_token` only after `check` found it right."""

    __slots__ = ("has_token", "headers", "method", "path")

    def __init__(self, method: str, path: str, headers: Headers) -> None:
        self.method = method
        self.path = path
        self.headers = _single(headers)
        self.has_token = False

    def get(self, name: bytes) -> str:
        """Return a header, or nothing."""
        return self.headers.get(name, b"").decode("latin-1").strip()


def _single(headers: Headers) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    size = 0
    for number, (name, value) in enumerate(headers):
        size += len(name) + len(value)
        if number >= MAX_HEADERS or size > MAX_HEAD:
            raise Refusal(431, f"more than {MAX_HEADERS} headers, or {MAX_HEAD} bytes of them")
        if name in found and name in _SINGLE:
            raise Refusal(400, f"more than one {name.decode('latin-1').title()}")
        found[name] = value
    return found


def check(head: Head, access: Access, reached_at: str | None) -> None:
    """Refuse a request that may not be served.

    Args:
        head: of the request.
        access: who is let in.
        reached_at: the address of this machine that the connection came to.

    Raises:
        Refusal: it says which header is wrong, not what would be right.
    """
    hosts = access.hosts(reached_at)
    if head.get(b"host").lower() not in hosts:
        raise Refusal(403, "Host is none of this server", "use the address that 'acode serve' printed")
    origin = head.headers.get(b"origin")
    if origin is not None and head.get(b"origin").lower() not in {f"http://{host}" for host in hosts}:
        raise Refusal(403, "Origin is another one", "pages of other servers are not served")
    head.has_token = _has_token(head, access)
    if not head.has_token and (head.path != PUBLIC or b"authorization" in head.headers):
        hint = "send 'Authorization: Bearer TOKEN'; 'acode serve --show-token' prints it"
        raise Refusal(401, "the token is missing or wrong", hint, {"WWW-Authenticate": "Bearer"})
    if head.method == "POST":
        _check_writing(head, access)


def _has_token(head: Head, access: Access) -> bool:
    scheme, _, token = head.get(b"authorization").partition(" ")
    return compare_digest(token.strip().encode("latin-1"), access.token) and scheme.lower() == "bearer"


def _check_writing(head: Head, access: Access) -> None:
    if access.read_only:
        raise Refusal(403, "this server only reads", "it was started with --read-only")
    has_body = head.get(b"content-length") not in ("", "0") or b"transfer-encoding" in head.headers
    content_type = head.get(b"content-type").partition(";")[0].strip().lower()
    if (has_body or content_type) and content_type not in BODIES:
        raise Refusal(415, "Content-Type is not application/json", "send JSON")
