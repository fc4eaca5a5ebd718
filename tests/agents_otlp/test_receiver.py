"""The port for telemetry over real connections: what it takes, what it refuses, what it survives."""

from __future__ import annotations

import gzip
import os
import socket
import stat
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from collector.daemon import otlp_http
from collector.daemon import receiver as receiver_module
from collector.daemon.receiver import Receiver, port_file, read_endpoint
from collector.ids import is_ulid
from collector.workspace import Workspace
from tests.agents_otlp.bodies import CLAUDE, JSON, LOGS, METRICS, PROTOBUF, TRACES, Sender, body, claude
from tests.agents_otlp.sending import BODY, Running, read_reply, running
from tests.conftest import PROJECT, wait_for

MB = 1 << 20


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Running]:
    """A receiver that listens."""
    with running(tmp_path) as found:
        yield found


def chunked(data: bytes, size: int = 100) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\nTrailer: t\r\n\r\n"


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF, "Application/JSON; charset=utf-8"])
@pytest.mark.parametrize("encoding", [None, "gzip", "identity"])
@pytest.mark.parametrize("transfer", [None, "chunked"])
def test_a_body_is_stored_as_it_was_before_it_was_packed(
    port: Running, content_type: str, encoding: str | None, transfer: str | None
) -> None:
    kind = PROTOBUF if content_type == PROTOBUF else JSON
    data = body(LOGS, kind, CLAUDE, [claude("api_request", request_id="req_1", input_tokens=3)])
    sent = gzip.compress(data) if encoding == "gzip" else data
    sent = chunked(sent) if transfer else sent
    reply = port.post(sent, Content_Type=content_type, Content_Encoding=encoding, Transfer_Encoding=transfer)
    assert (reply.status, reply.headers["Content-Type"]) == (200, kind)
    assert reply.body == (b"{}" if kind == JSON else b"")
    assert port.stored() == [b"acode-otlp 1 /v1/logs " + kind.encode() + b"\n" + data]
    (path,) = port.inbox.iterdir()
    assert (is_ulid(path.stem), path.suffix, stat.S_IMODE(path.stat().st_mode)) == (True, ".otlp", 0o600)


def test_what_no_agent_said_is_taken_and_not_kept(port: Running) -> None:
    stranger = Sender("web-shop", "my.scope")
    assert port.post(body(METRICS, JSON, CLAUDE, [claude("token.usage")]), path=METRICS).status == 200
    assert port.post(body(LOGS, JSON, stranger, [claude("api_request", input_tokens=3)])).status == 200
    assert port.post(body(TRACES, JSON, CLAUDE, [claude("tool")]), path=TRACES).status == 200
    assert port.post(b"{}").status == 200
    assert port.post(b"", Content_Type=PROTOBUF).status == 200
    assert port.stored() == []


def test_of_all_combinations_only_the_right_ones_are_taken(port: Running) -> None:
    number, token = port.endpoint.port, port.endpoint.token
    hosts = {
        f"127.0.0.1:{number}": True, "LOCALHOST": True, f"localhost:{number}": True, "127.0.0.1": True,
        "evil.example": False, f"evil.example:{number}": False, "127.0.0.1.evil.example": False,
        f"127.0.0.1:{number + 1}": False, "": False, None: False, f"[::1]:{number}": False,
    }  # fmt: skip
    origins = {None: True, "null": False, f"http://localhost:{number}": False, "": False}
    tokens = {
        f"Bearer {token}": True, f"bearer  {token} ": True, f"Basic {token}": False, token: False,
        f"Bearer {token[:-1]}": False, f"Bearer {token}0": False, "Bearer": False, "Bearer ": False,
        f"Bearer {token.upper()}é": False, None: False,
    }  # fmt: skip
    requests = {
        ("POST", LOGS, JSON): 200, ("GET", LOGS, JSON): 405, ("OPTIONS", LOGS, JSON): 405,
        ("post", LOGS, JSON): 405, ("POST", "/v1/logs/", JSON): 404, ("POST", "/v1/logs?x", JSON): 404,
        ("POST", "/", JSON): 404, ("POST", "//v1/logs", JSON): 404, ("POST", LOGS, "text/plain"): 415,
        ("POST", LOGS, None): 415, ("POST", LOGS, "application/x-www-form-urlencoded"): 415,
    }  # fmt: skip
    taken = 0
    for host, origin, authorization, request in product(hosts, origins, tokens, requests):
        method, path, content_type = request
        reply = port.post(
            path=path, method=method, Host=host, Origin=origin, Authorization=authorization,
            Content_Type=content_type,
        )  # fmt: skip
        expected = requests[request]
        if not hosts[host] or not origins[origin]:
            expected = 403
        elif not tokens[authorization]:
            expected = 401
        assert reply.status == expected, (host, origin, authorization, request)
        taken += expected == 200
        assert expected == 200 or reply.message
    assert (taken, len(port.stored())) == (8, 8)


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (411, {"Content_Length": None}),
        (400, {"Content_Length": "-1"}),
        (400, {"Content_Length": "+5"}),
        (400, {"Content_Length": "5 5"}),
        (400, {"Content_Length": "x"}),
        (400, {"Content_Length": "9" * 400}),
        (413, {"Content_Length": str(32 * MB + 1)}),
        (400, {"Content_Length": "5", "Transfer_Encoding": "chunked"}),
        (501, {"Transfer_Encoding": "gzip, chunked"}),
        (501, {"Transfer_Encoding": "identity"}),
        (415, {"Content_Encoding": "deflate"}),
        (415, {"Content_Encoding": "gzip, gzip"}),
    ],
)
def test_a_body_whose_size_or_encoding_is_not_known_is_refused(
    port: Running, status: int, change: dict[str, Any]
) -> None:
    assert port.post(**change).status == status
    assert port.stored() == []


@pytest.mark.parametrize(
    "line",
    ["", "POST", "POST /v1/logs", "POST  /v1/logs HTTP/1.1", "\0", "POST /v1/logs HTP/1.1", "A" * 70_000,
     "POST /v1/logs HTTP/1.1 x"],
)  # fmt: skip
def test_a_first_line_that_is_none_is_a_bad_request(port: Running, line: str) -> None:
    assert port.send(line.encode() + b"\r\nHost: localhost\r\n\r\n").status == 400


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/0.9", "HTTP/1.2"])
def test_another_version_is_refused(port: Running, version: str) -> None:
    assert port.send(f"POST /v1/logs {version}\r\n\r\n".encode()).status == 505


@pytest.mark.parametrize(
    "lines",
    [
        "Host localhost", "Host : localhost", " Host: localhost", ": x", "Hö: x", "A: b\r\n folded",
        "X: " + "y" * 70_000, "\r\n".join(f"X-{n}: y" for n in range(101)),
        "Host: localhost\r\nHost: localhost", "Authorization: Bearer a\r\nauthorization: Bearer b",
    ],
)  # fmt: skip
def test_headers_that_are_malformed_too_many_or_twice_are_a_bad_request(port: Running, lines: str) -> None:
    request = f"POST /v1/logs HTTP/1.1\r\n{lines}\r\n\r\n"
    assert port.send(request.encode("latin-1")).status == 400


@pytest.mark.parametrize(
    "data",
    [b"", b"5", b"x\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloworld\r\n0\r\n\r\n", b"0x5\r\nhello\r\n",
     b"\r\n", b"1_0\r\n", b"f" * 17 + b"\r\n", b"0\r\n" + b"a: b\r\n" * 101 + b"\r\n"],
)  # fmt: skip
def test_chunks_that_are_none_are_refused(port: Running, data: bytes) -> None:
    assert port.post(data, Transfer_Encoding="chunked").status in (0, 400)
    assert port.stored() == []


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
@pytest.mark.parametrize("data", [b"{", b"\xff\xff", b"\0" * 9, b"[" * 100_000])
def test_a_body_that_cannot_be_decoded_is_refused_and_not_stored(
    port: Running, content_type: str, data: bytes
) -> None:
    reply = port.post(data, Content_Type=content_type)
    assert (reply.status, "cannot be decoded" in reply.message) == (400, True)
    assert port.stored() == []


def test_compressed_nothing_of_any_size_is_refused_before_it_is_made(port: Running) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([packer.compress(bytes(MB)) for _ in range(1024)]) + packer.flush()
    assert len(bomb) < 2 * MB
    before = _peak_memory()
    assert port.post(bomb, Content_Encoding="gzip").status == 413
    assert _peak_memory() - before < 200 * MB
    assert port.stored() == []


def _peak_memory() -> int:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


PACKED = gzip.compress(BODY, mtime=0)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x1f\x8b", PACKED[:-9], b"x" + PACKED, PACKED + b"x", PACKED * 2, zlib.compress(BODY),
     PACKED[:-8] + bytes(8)],
    ids=["nothing", "two bytes", "cut", "before", "after", "twice", "zlib", "checksum"],
)  # fmt: skip
def test_gzip_that_is_damaged_is_refused(port: Running, data: bytes) -> None:
    assert port.post(data, Content_Encoding="gzip").status == 400
    assert port.stored() == []


def test_the_largest_bodies_are_taken_and_one_byte_more_is_not(port: Running) -> None:
    def padded(size: int) -> bytes:
        return BODY + b" " * (size - len(BODY))

    assert port.post(padded(otlp_http.MAX_BODY)).status == 200
    assert port.post(padded(otlp_http.MAX_BODY + 1)).status == 413
    assert port.post(chunked(padded(otlp_http.MAX_BODY + 1), MB), Transfer_Encoding="chunked").status == 413
    whole = padded(otlp_http.MAX_DECOMPRESSED)
    assert port.post(gzip.compress(whole, 1), Content_Encoding="gzip").status == 200
    assert port.post(gzip.compress(whole + b" ", 1), Content_Encoding="gzip").status == 413
    assert sorted(map(len, port.stored())) == [len(x) + 39 for x in (padded(32 * MB), whole)]


def test_a_refused_sender_of_much_reads_why(port: Running) -> None:
    data = bytes(3 * MB)
    assert port.post(data, Authorization="Bearer x").status == 401
    assert port.post(data, Host="x").status == 403


def _asking(port: Running, **changed: str | None) -> bytes:
    """The head of a request whose sender waits to be asked for the body."""
    headers = port.headers(**{"Expect": "100-continue", "Content_Length": str(len(BODY)), **changed})
    lines = [f"POST {LOGS} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_sender_that_waits_to_be_asked_for_the_body_is_asked(port: Running) -> None:
    with port.connect() as connection:
        connection.sendall(_asking(port))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert read_reply(connection).status == 200
    much = str(otlp_http.MAX_BODY + 1)
    for change, status in (
        ({"Authorization": "x"}, b"401"), ({"Content_Type": "x"}, b"415"), ({"Content_Length": much}, b"413"),
    ):  # fmt: skip
        with port.connect() as connection:
            connection.sendall(_asking(port, **change))
            assert connection.recv(100).startswith(b"HTTP/1.1 " + status)


def test_a_request_cut_short_is_forgotten(port: Running) -> None:
    whole = _request(port)
    for end in range(0, len(whole), 7):
        with port.connect() as connection:
            connection.sendall(whole[:end])
    assert port.post().status == 200
    assert len(port.stored()) == 1


def _request(port: Running) -> bytes:
    headers = port.headers(Content_Length=str(len(BODY)))
    lines = [f"POST {LOGS} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + BODY


def test_clients_that_send_nothing_or_a_byte_at_a_time_are_let_go(
    port: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp_http, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(otlp_http, "BODY_SECONDS", 0.5)
    request, ended = _request(port), threading.Event()
    silent = [port.connect() for _ in range(40)]  # more than are served at once
    late = port.connect()
    late.sendall(request[:-5])

    def drip(connection: socket.socket) -> None:
        try:
            while not ended.wait(0.05):
                connection.sendall(b"X")
        except OSError:
            return

    dripping = [port.connect() for _ in range(3)]
    threads = [threading.Thread(target=drip, args=(connection,)) for connection in dripping]
    for thread in threads:
        thread.start()
    assert port.post().status == 200
    for connection in (*silent, late):
        assert connection.recv(1) == b""
    for connection in dripping:
        assert _is_closed(connection)
    ended.set()
    for thread in threads:
        thread.join()
    for connection in (*silent, late, *dripping):
        connection.close()
    assert len(port.stored()) == 1


def _is_closed(connection: socket.socket) -> bool:
    """Wait until it is; with bytes unread it ends in a reset."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_thousand_requests_at_once_are_a_thousand_files(port: Running) -> None:
    bodies = [
        body(LOGS, JSON, CLAUDE, [claude("api_request", request_id=f"req_{n}", input_tokens=n)])
        for n in range(1000)
    ]
    with ThreadPoolExecutor(20) as pool:
        assert {reply.status for reply in pool.map(port.post, bodies)} == {200}
    assert {data.partition(b"\n")[2] for data in port.stored()} == set(bodies)


def test_large_bodies_come_one_after_the_other(port: Running) -> None:
    large = [BODY + b" " * (2 * MB + n) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert {reply.status for reply in pool.map(port.post, large)} == {200}
    assert len(port.stored()) == 8


def test_what_cannot_be_stored_is_to_be_sent_again(port: Running) -> None:
    port.inbox.rmdir()
    for _ in range(3):
        reply = port.post()
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    port.inbox.mkdir()
    assert port.post().status == 200
    told = [line for line in port.log if line["event"] == "receiver.refused"]
    assert [line["reason"] for line in told] == ["cannot be stored: No such file or directory"]


def test_strangers_say_nothing_in_the_log(port: Running) -> None:
    port.post(Host="evil")
    port.post(Authorization="Bearer x")
    port.post(Origin="null")
    port.send(b"\0\r\n")
    assert [line["event"] for line in port.log] == ["receiver.started"]


# --- Port and token ---


def test_port_and_token_are_for_this_user_alone_and_stay_over_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        path = Path(port_file(first.workspace))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        number, token = path.read_text().splitlines()
        assert (int(number), token) == (first.endpoint.port, first.endpoint.token)
        assert len(token) == 48
    assert path.exists()
    with running(tmp_path) as second:
        assert (str(second.endpoint.port), second.endpoint.token) == (number, token)
        assert second.post().status == 200


def test_when_somebody_has_the_port_another_is_taken_and_the_token_with_it(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        old = first.endpoint
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", old.port))
        other.listen()
        with running(tmp_path) as second:
            assert second.endpoint.port != old.port
            assert second.endpoint.token != old.token
            found = read_endpoint(second.workspace)
            assert found is not None
            assert (found.port, found.token) == (second.endpoint.port, second.endpoint.token)


TOKEN = "ab" * 24


@pytest.mark.parametrize(
    "content",
    [
        "", "\n", "80", f"80\n{TOKEN}", f"80\n{TOKEN}\n\n", f"0\n{TOKEN}\n", f"65536\n{TOKEN}\n",
        f"-1\n{TOKEN}\n", f"x\n{TOKEN}\n", f"٤\n{TOKEN}\n", "80\n\n", "80\nshort\n", f"80\n{TOKEN.upper()}\n",
        f"80\n{TOKEN[:-1]} \n", f"80\n{TOKEN}\nmore\n", "\0" * 300, "9" * 300,
    ],
)  # fmt: skip
def test_a_port_file_that_is_none_is_replaced(tmp_path: Path, content: str) -> None:
    path = Path(port_file(Workspace(str(tmp_path))))
    path.parent.mkdir()
    path.write_text(content)
    path.chmod(0o600)
    assert read_endpoint(Workspace(str(tmp_path))) is None
    with running(tmp_path) as found:
        assert TOKEN not in found.endpoint.token
        assert path.read_text() == f"{found.endpoint.port}\n{found.endpoint.token}\n"


@pytest.mark.parametrize("how", ["readable", "link", "pipe"])
def test_a_token_that_others_may_know_is_not_kept(tmp_path: Path, how: str) -> None:
    path = Path(port_file(Workspace(str(tmp_path))))
    path.parent.mkdir()
    elsewhere = tmp_path / "elsewhere"
    if how == "pipe":
        os.mkfifo(path, 0o600)
    elif how == "link":
        elsewhere.write_text(f"80\n{TOKEN}\n")
        elsewhere.chmod(0o600)
        path.symlink_to(elsewhere)
    else:
        path.write_text(f"80\n{TOKEN}\n")
        path.chmod(0o644)
    with running(tmp_path) as found:
        assert found.endpoint.token != TOKEN
        assert path.is_file()
        assert not path.is_symlink()
    assert not elsewhere.exists() or elsewhere.read_text() == f"80\n{TOKEN}\n"


def test_what_a_killed_collector_began_to_write_is_removed(tmp_path: Path) -> None:
    inbox = tmp_path / ".acode" / "inbox"
    inbox.mkdir(parents=True)
    for name in (".01ABC.otlp.77.tmp", ".other.hook.77.tmp", "01ABC.otlp"):
        (inbox / name).touch()
    with running(tmp_path):
        left = sorted(path.name for path in inbox.iterdir())
    assert left == [".other.hook.77.tmp", "01ABC.otlp"]


def test_a_request_under_way_is_answered_when_the_collector_stops(
    port: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_module, "STOP_SECONDS", 30.0)
    with port.connect() as connection:
        connection.sendall(_asking(port))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        stopping = threading.Thread(target=port.receiver.stop)
        stopping.start()
        wait_for(lambda: _is_refused(port))
        connection.sendall(BODY)
        assert read_reply(connection).status == 200
        stopping.join()
    assert len(port.stored()) == 1


def test_stopping_does_not_wait_for_a_client_that_does_nothing(port: Running) -> None:
    with port.connect() as connection:
        connection.sendall(_asking(port))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        port.receiver.stop()
        assert _is_refused(port)


def _is_refused(port: Running) -> bool:
    try:
        port.connect().close()
    except OSError:
        return True
    return False


def test_stopping_twice_or_before_the_start_is_nothing(tmp_path: Path) -> None:
    receiver = Receiver(Workspace(str(tmp_path)), lambda event, **fields: None)
    receiver.stop()
    with running(tmp_path) as found:
        found.receiver.stop()


# --- What it costs, and without the extra ---


def _isolated(code: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Run with nothing but the standard library and this project."""
    start = f"import sys; sys.path.append({str(PROJECT)!r})\n"
    command = [sys.executable, "-I", "-S", "-c", start + code]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)


def test_importing_the_receiver_loads_no_network_and_nothing_heavy(tmp_path: Path) -> None:
    code = "import collector.daemon.receiver; print(*sys.modules)"
    loaded = set(_isolated(code, tmp_path).stdout.split())
    assert "collector.daemon.receiver" in loaded
    heavy = {"socket", "threading", "json", "re", "http", "http.client", "ssl", "zlib", "typing", "email"}
    assert loaded & heavy == set()


def test_without_the_extra_json_is_taken_and_protobuf_refused_with_its_name(tmp_path: Path) -> None:
    code = f"""
from collector.daemon.receiver import Receiver
from collector.workspace import Workspace
workspace = Workspace({str(tmp_path)!r})
workspace.create()
receiver = Receiver(workspace, lambda event, **fields: None)
receiver.start()
import socket
def post(content_type, data):
    with socket.create_connection(("127.0.0.1", receiver.endpoint.port)) as connection:
        head = ["POST /v1/logs HTTP/1.1", "Host: localhost", f"Content-Type: {{content_type}}"]
        head += [f"Authorization: Bearer {{receiver.endpoint.token}}", f"Content-Length: {{len(data)}}"]
        connection.sendall("\\r\\n".join([*head, "", ""]).encode() + data)
        print(connection.makefile("rb").read().decode().replace("\\r\\n", " ").strip())
post({PROTOBUF!r}, b"")
post({JSON!r}, {BODY!r})
heavy = set(sys.modules) & {{"http", "ssl", "email", "google", "opentelemetry"}}
assert not heavy, heavy
"""
    done = _isolated(code, tmp_path)
    assert done.returncode == 0, done.stderr
    refused, taken = done.stdout.splitlines()[0], done.stdout.splitlines()[-1]
    assert refused.startswith("HTTP/1.1 415 ")
    assert "acode-tui[otlp]" in refused
    assert "http/json" in refused
    assert taken.startswith("HTTP/1.1 200 ")
    assert len(list((tmp_path / ".acode" / "inbox").iterdir())) == 1
