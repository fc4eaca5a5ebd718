"""Who is let in: every combination of what a page, a form, another program or the right client may send."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import httpx
import pytest

from collector.errors import AccessError
from collector.serve.access import Access, Head, check
from collector.serve.refusal import Refusal
from collector.serve.token import ensure_token
from tests.conftest import Acode
from tests.serve.conftest import BASE, PORT, TOKEN, Served

HOSTS = (
    f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}", "127.0.0.1", "localhost", "127.0.0.1:80",
    f"127.0.0.1.nip.io:{PORT}", f"evil.example:{PORT}", f"localhost.:{PORT}", f"0.0.0.0:{PORT}",
    f"user@127.0.0.1:{PORT}", "",
)  # fmt: skip
ORIGINS = (
    None, f"http://127.0.0.1:{PORT}", f"http://localhost:{PORT}", "null", "http://evil.example",
    f"https://127.0.0.1:{PORT}", "http://127.0.0.1", f"http://127.0.0.1:{PORT}.evil.example",
)  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS")
TYPES = ("application/json", "text/plain", "application/x-www-form-urlencoded")
GOOD_HOSTS, GOOD_ORIGINS = frozenset(HOSTS[:3]), frozenset(ORIGINS[:3])
TARGETS = {"GET": "/runs", "HEAD": "/runs", "POST": "/hooks/claude-code", "PUT": "/runs", "OPTIONS": "/runs"}


def expected(host: str, origin: str | None, method: str, content_type: str, has_token: bool) -> int:
    if host not in GOOD_HOSTS or origin not in GOOD_ORIGINS:
        return 403
    if not has_token:
        return 401
    if method in ("GET", "HEAD"):
        return 200
    if method == "POST":
        return 202 if content_type == "application/json" else 415
    return 405


async def test_of_2880_combinations_only_the_allowed_succeed(acode: Acode) -> None:
    from tests.serve.conftest import place_of

    wrong = []
    async with Served(acode, place_of(acode)).client() as client:
        combinations = list(product(HOSTS, ORIGINS, METHODS, TYPES, (True, False)))
        for host, origin, method, content_type, has_token in combinations:
            headers = {"Host": host, "Content-Type": content_type}
            headers |= {} if origin is None else {"Origin": origin}
            body = b'{"hook_event_name": "Stop"}' if method == "POST" else None
            request = httpx.Request(method, BASE + TARGETS[method], headers=headers, content=body)
            if has_token:
                request.headers["Authorization"] = f"Bearer {TOKEN}"
            reply = await client.send(request)
            right = expected(host, origin, method, content_type, has_token)
            if reply.status_code != right or "access-control-allow-origin" in reply.headers:
                wrong.append((host, origin, method, content_type, has_token, reply.status_code))
    assert len(combinations) == 2880
    assert wrong == []
    allowed = len(GOOD_HOSTS) * len(GOOD_ORIGINS)
    assert len(os.listdir(acode.workspace.inbox)) == allowed  # noqa: PTH208


@pytest.mark.parametrize(
    "given", ["", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}t", "Bearer ", "Bearer é"]
)
async def test_only_the_whole_token_is_taken(served: Served, given: str) -> None:
    async with served.client() as client:
        headers = {"Authorization": given.encode("latin-1")}
        reply = await client.get("/runs", headers=headers)  # type: ignore[arg-type]
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert TOKEN not in reply.text


async def test_a_token_in_the_url_is_none(served: Served) -> None:
    async with served.client() as client:
        client.headers.pop("Authorization")
        for name in ("token", "access_token", "authorization"):
            assert (await client.get("/runs", params={name: TOKEN})).status_code == 401


def refusal(*headers: tuple[bytes, bytes], method: str = "GET", **access: object) -> int:
    """Return with which status a request is refused; 0 when it is served."""
    host = (b"host", f"127.0.0.1:{PORT}".encode())
    token = (b"authorization", f"Bearer {TOKEN}".encode())
    try:
        check(Head(method, "/runs", [host, token, *headers]), Access(TOKEN, PORT), "127.0.0.1")
    except Refusal as error:
        return error.status
    return 0


@pytest.mark.parametrize(
    "name", ["host", "origin", "authorization", "content-type", "content-length", "range"]
)
def test_a_header_that_decides_something_comes_once(name: str) -> None:
    assert refusal((name.encode(), b"1"), (name.encode(), b"1")) == 400


def test_more_headers_than_anybody_needs_are_refused() -> None:
    assert refusal() == 0
    assert refusal(*[(b"x-%d" % n, b"") for n in range(200)]) == 431


def test_the_address_that_was_reached_is_a_right_host_and_the_unspecified_one_is_not() -> None:
    access = Access(TOKEN, PORT, ["build-box"])
    assert {f"192.0.2.7:{PORT}", f"build-box:{PORT}", f"127.0.0.1:{PORT}"} <= access.hosts("192.0.2.7")
    assert f"192.0.2.7:{PORT}" not in access.hosts("127.0.0.1")
    assert f"[2001:db8::1]:{PORT}" in access.hosts("2001:DB8::1")
    assert "localhost" in Access(TOKEN, 80).hosts()


async def test_a_server_that_only_reads_takes_nothing_in(acode: Acode) -> None:
    from tests.serve.conftest import place_of

    async with Served(acode, place_of(acode)).client(read_only=True) as client:
        for path in ("/hooks/claude-code", "/v1/logs", "/artifacts/collect/x"):
            assert (await client.post(path, json={})).status_code == 403
        assert (await client.get("/runs")).status_code == 200


def test_the_token_is_256_bits_for_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "token"
    before = os.umask(0)
    try:
        token = ensure_token(str(path))
    finally:
        os.umask(before)
    assert (len(token), path.stat().st_mode & 0o777) == (43, 0o600)
    assert ensure_token(str(path)) == token
    assert ensure_token(str(tmp_path / "other")) != token


@pytest.mark.parametrize("spoil", ["mode", "short", "link", "folder", "spaces"])
def test_a_token_file_that_others_could_have_made_or_read_is_refused(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "token"
    ensure_token(str(path))
    if spoil == "mode":
        path.chmod(0o640)
    elif spoil in ("short", "spaces"):
        path.write_text("abc\n" if spoil == "short" else "a b " * 20)
    else:
        path.rename(tmp_path / "else")
        path.symlink_to(tmp_path / "else") if spoil == "link" else path.mkdir()
    with pytest.raises(AccessError) as caught:
        ensure_token(str(path))
    assert caught.value.code == "ACODE-RUN-040"


async def test_without_the_token_health_is_a_word(served: Served) -> None:
    async with served.client() as client:
        whole = (await client.get("/healthz")).json()
        client.headers.pop("Authorization")
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/healthz", headers={"Authorization": "Bearer x"})).status_code == 401
    assert {"storage", "database", "collector", "alerts"} <= whole.keys()
