"""What anybody could send: nothing breaks the server, the store, or its words."""

from __future__ import annotations

import os
import random
from itertools import islice
from typing import Any

import httpx
import pytest

from collector.serve.routes import ENDPOINTS
from tests.serve.conftest import Served

PIECES = (
    "'", '"', "--", ";", "/*", "*/", "\\", "%", "_", "*", "?", "[", "(", ")", "(?i)", "(a+)+$", "re:/", "/",
    "..", "../../etc/passwd", "%2e%2e%2f", "%00", "\x00", "\n", "\r\nX-Evil: 1", "\x1b[31m", "\u202e", "💥",
    "\ud7ff", "﷽", "' OR 1=1 --", "'; DROP TABLE runs; --", "UNION SELECT sql FROM sqlite_master",
    "${jndi:ldap://x}", "{{7*7}}", "<script>alert(1)</script>", "$(id)", "`id`", "|id", "-" * 40, "@",
    "@1", "@-1", "@99999999999999999999", "latest", "status:", "since:99999999999d", "exit:1..",
    "duration:>9e99", "tag:=",
    "session:%", "NaN", "1e309", "-0", "9" * 30, "true", "null", "[]", "{}", "a" * 3000, "é" * 1500,
    "has:" + "x" * 50, 'text:"', "re:/(((((((((((a{1,100}){1,100}/", "re:/[/", "NEAR(a b)", "^*", "0x41", "+",
)  # fmt: skip


IS_CAMPAIGN = int(os.environ.get("ACODE_EXAMPLES", "0")) > 1000
"""Each payload in every parameter, instead of in some; minutes."""


def payloads(count: int) -> list[str]:
    chosen = random.Random(6)
    mixed = ("".join(chosen.choices(PIECES, k=chosen.randint(2, 4)))[:3500] for _ in range(count))
    return [*PIECES, *islice(mixed, count - len(PIECES))]


def targets() -> list[tuple[str, str, str, bool]]:
    """Return method, path, parameter and whether that is in the path, of everything that can be asked."""
    return [
        (endpoint.method, endpoint.path, item.name, item.in_path)
        for endpoint in ENDPOINTS
        for item in endpoint.parameters
        if endpoint.path != "/events"
    ]


def url_of(path: str, name: str, payload: str) -> str:
    from urllib.parse import quote

    filled = path.replace(f"{{{name}}}", quote(payload, safe=""))
    for other in ("run", "artifact", "session", "team", "agent"):
        filled = filled.replace(f"{{{other}}}", "latest")
    return filled


async def test_500_payloads_in_every_parameter_break_nothing(served: Served) -> None:
    before = await _schema(served)
    chosen = random.Random(7)
    wrong = []
    async with served.client(read_only=True) as client:
        everything = targets()
        for number, payload in enumerate(payloads(500)):
            some = everything if IS_CAMPAIGN else [chosen.choice(everything)]
            for method, path, name, in_path in some:
                reply = await _send(client, method, path, name, payload, in_path)
                if reply.status_code >= 500:
                    wrong.append((number, path, name, payload[:80], reply.text[:200]))
                assert "Traceback" not in reply.text
                assert "x-evil" not in reply.headers
        assert (await client.get("/runs")).json()["total"] == 5
    assert wrong == []
    assert await _schema(served) == before


async def _send(
    client: httpx.AsyncClient, method: str, path: str, name: str, payload: str, in_path: bool
) -> httpx.Response:
    parameters = {} if in_path else {name: payload}
    if path == "/search" and name != "q":
        parameters["q"] = "hello"
    return await client.request(method, url_of(path, name, payload), params=parameters)


async def _schema(served: Served) -> Any:
    import sqlite3

    connection = sqlite3.connect(f"file:{served.place.workspace.database}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
    finally:
        connection.close()


CATASTROPHIC = (
    "(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){20}$", "(x+x+)+y", "([a-zA-Z]+)*$", "(0+)*1", "^(\\d+)+$",
    "(.*)*=", "(\\s*)*x", "((a*)*)*b", "(a?){30}a{30}",
)  # fmt: skip


@pytest.mark.parametrize("pattern", CATASTROPHIC)
async def test_a_pattern_that_would_hang_others_is_answered(client: httpx.AsyncClient, pattern: str) -> None:
    reply = await client.get("/runs", params={"q": f"re:/{pattern.replace('/', '')}/"})
    assert reply.status_code in (200, 400)
    reply = await client.get("/search", params={"q": f"re:/{pattern}/", "limit": 1})
    assert reply.status_code in (200, 400)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nope", 404), ("/runs/", 404), ("//runs", 404), ("/RUNS", 404),
     ("/runs?x=1", 400), ("/runs?q=a&q=b", 400), ("/runs?limit=0", 400), ("/runs?limit=1001", 400),
     ("/runs?limit=1e2", 400), ("/runs?cursor=x", 400), ("/runs?fields=nope", 400),
     ("/runs?total=maybe", 400), ("/runs/latest/stdout?lines=0", 400), ("/search", 400),
     ("/artifacts/x/content", 404),
     ("/sessions/none", 404), ("/stats?by=moon", 400), ("/facets?fields=moon", 400),
     (f"/runs?q={'a' * 9000}", 414), ("/facets?fields=", 400)],
)  # fmt: skip
async def test_what_is_wrong_is_said_with_a_code(client: httpx.AsyncClient, path: str, status: int) -> None:
    reply = await client.get(httpx.URL("http://127.0.0.1:8377" + path))
    assert reply.status_code == status
    told = reply.json()
    assert set(told) == {"code", "message", "hint"}
    assert told["code"].startswith("ACODE-")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{}", 202), (b"[]", 400), (b"", 400), (b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400),
     (b'{"a": 1}' + b" " * (9 << 20), 413)],
    ids=["object", "list", "nothing", "half", "no text", "deep", "large"],
)  # fmt: skip
async def test_only_an_object_of_some_size_is_a_hook(acode: Any, body: bytes, status: int) -> None:
    from tests.serve.conftest import place_of

    async with Served(acode, place_of(acode)).client() as client:
        headers = {"Content-Type": "application/json"}
        reply = await client.post("/hooks/claude-code", content=body, headers=headers)
    assert reply.status_code == status


async def test_telemetry_is_bounded_when_it_is_unpacked(acode: Any) -> None:
    import gzip

    from tests.serve.conftest import place_of

    async with Served(acode, place_of(acode)).client() as client:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        bomb = gzip.compress(b" " * (80 << 20))
        assert (await client.post("/v1/logs", content=bomb, headers=headers)).status_code == 413
        assert (await client.post("/v1/logs", content=b"x", headers=headers)).status_code == 400
        headers["Content-Encoding"] = "br"
        assert (await client.post("/v1/logs", content=b"x", headers=headers)).status_code == 415
