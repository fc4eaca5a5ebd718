"""`acode serve` in a process of its own, over real connections, while runs are recorded."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import PROJECT, START, Acode, wait_for
from tests.serve.conftest import Running, seal


def test_what_is_recorded_is_served_at_once(acode: Acode, running: Running) -> None:
    with running.client() as client:
        assert client.get("/runs").json()["total"] == 0
        acode.exec("sh", "-c", "echo one; exit 4")
        (run,) = client.get("/runs").json()["items"]
        assert (run["status"], run["exit_code"]) == ("failure", 4)
        assert client.get("/runs/latest/stdout").text == "one\n"
        assert client.get("/healthz").json()["database"]["status"] == "ok"


def test_a_running_command_is_read_while_it_writes(acode: Acode, running: Running) -> None:
    process = acode.start("exec", "--", "sh", "-c", "echo begun; read x; echo ended", stdin=subprocess.PIPE)
    with running.client() as client:
        wait_for(lambda: client.get("/runs/latest/stdout").text == "begun\n")
        assert client.get("/runs/latest/output").text == "begun\n"
        assert client.get("/runs/latest").json()["status"] == "running"
        process.communicate(b"\n", timeout=20)
        assert client.get("/runs/latest/stdout").text == "begun\nended\n"


def events_of(lines: Any, count: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the first events of a stream: id, name, data."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "data" in fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
        fields = {}
        if len(found) == count:
            break
    return found


def test_events_tell_what_happens_and_go_on_where_they_ended(acode: Acode, running: Running) -> None:
    acode.exec("true")
    with running.client() as client:
        run = client.get("/runs/latest").json()["run_id"]
        with client.stream("GET", "/events") as reply:
            assert reply.headers["content-type"].startswith("text/event-stream")
            lines = reply.iter_lines()
            assert next(lines).startswith("retry: ")
            acode.exec("false")
            ((place, kind, data),) = events_of(lines, 1)
        assert kind.startswith(("run.", "artifact."))
        assert data["run_id"] != run
        acode.exec("echo", "more")
        client.get("/runs")
        with client.stream("GET", "/events", headers={"Last-Event-ID": place}) as reply:
            behind = events_of(reply.iter_lines(), 3)
        numbers = [int(found[0].rpartition(".")[2]) for found in behind]
        assert numbers == sorted(numbers)
        assert numbers[0] == int(place.rpartition(".")[2]) + 1
        with client.stream("GET", "/events", headers={"Last-Event-ID": "otherstore.7"}) as reply:
            assert events_of(reply.iter_lines(), 1)[0][1] == "reset"


def test_pages_stay_whole_while_a_collector_writes(
    acode: Acode, running: Running, collector: subprocess.Popen[bytes]
) -> None:
    del collector
    writers = [acode.start("exec", "--", "echo", str(n)) for n in range(12)]
    with running.client() as client:
        while any(writer.poll() is None for writer in writers):
            page = client.get("/runs", params={"sort": "revision", "order": "asc"}).json()
            assert len({run["run_id"] for run in page["items"]}) == len(page["items"])
        wait_for(lambda: client.get("/facets").json()["status"] == {"success": 12})
    for writer in writers:
        writer.communicate()


def test_a_damaged_content_arrives_short_and_the_server_goes_on(acode: Acode, running: Running) -> None:
    acode.exec("head", "-c", "2000000", "/dev/urandom")
    seal(acode)
    path = acode.folder() / "stdout.txt"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with running.client() as client:
        received = b""
        with contextlib.suppress(httpx.RemoteProtocolError):
            with client.stream("GET", "/runs/latest/stdout") as reply:
                assert reply.headers["content-length"] == "2000000"
                for piece in reply.iter_bytes():
                    received += piece
            raise AssertionError("it looked whole")
        assert len(received) < 2_000_000
        assert client.get("/runs").status_code == 200


def test_a_head_that_drips_is_given_up_and_others_are_served(running: Running) -> None:
    from collector.serve.server import HEAD_SECONDS

    host, port = re.fullmatch(r"http://(.+):(\d+)", running.url).groups()  # type: ignore[union-attr]
    slow = socket.create_connection((host, int(port)), HEAD_SECONDS + 20)
    slow.sendall(b"GET /runs HTTP/1.1\r\nHost: ")
    with running.client() as client:
        assert client.get("/runs").status_code == 200
    assert slow.recv(1000) == b""
    slow.close()


def test_a_head_that_is_too_large_is_refused(running: Running) -> None:
    with running.client() as client:
        with contextlib.suppress(httpx.RemoteProtocolError, httpx.WriteError, httpx.ReadError):
            assert client.get("/runs", headers={"X-Large": "x" * 100_000}).status_code in (400, 431)
        assert client.get("/runs").status_code == 200


@pytest.mark.parametrize(("command", "module"), [("serve", "starlette"), ("mcp", "mcp")])
def test_what_is_not_installed_is_said_with_what_to_type(acode: Acode, command: str, module: str) -> None:
    code = (
        f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}; sys.modules[{module!r}] = None\n{START}"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, command], env=acode.environ, cwd=acode.root,
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    text = f"acode: ACODE-RUN-039: 'acode {command}' needs {module}; pip install 'acode-tui[{command}]'\n"
    assert done.stderr.decode() == text


def test_a_port_that_is_taken_is_said_in_a_line(acode: Acode, running: Running) -> None:
    port = running.url.rpartition(":")[2]
    done = acode.run("serve", "--port", port)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"ACODE-RUN-040: cannot listen on 127.0.0.1 port" in done.stderr


def test_it_ends_when_told_to_even_while_events_are_followed(acode: Acode, running: Running) -> None:
    with running.client() as client, client.stream("GET", "/events") as reply:
        next(reply.iter_lines())
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(20)
    assert b"Traceback" not in (running.process.stderr or open(os.devnull, "rb")).read()  # noqa: PTH123, SIM115
    assert acode.run("runs", "list").returncode == 0


def test_beyond_the_loopback_there_is_a_warning_and_the_token_is_shown_only_when_asked(acode: Acode) -> None:
    process = acode.start("serve", "--port", "0", "--host", "0.0.0.0")  # noqa: S104, RUF100
    assert process.stderr is not None
    lines = [process.stderr.readline().decode() for _ in range(2)]
    process.terminate()
    out, _ = process.communicate(timeout=20)
    token = Path(acode.workspace.folder, "serve.token").read_text().strip()
    assert "warning: 0.0.0.0 can be reached from other machines" in lines[0]
    assert token not in "".join(lines) + out.decode()
    assert acode.run("serve", "--show-token").stdout.decode() == f"{token}\n"


def test_the_examples_of_the_documentation_work(acode: Acode, running: Running) -> None:
    """Each `curl` line is run as it stands, with the address of this server in place of the usual one."""
    acode.exec("sh", "-c", "echo hello; exit 3")
    text = (PROJECT / "docs" / "http.md").read_text()
    examples = [line for line in text.splitlines() if line.startswith("curl ")]
    assert len(examples) >= 8
    for example in examples:
        command = example.replace("http://127.0.0.1:8377", running.url).replace("curl ", "curl --fail -m 20 ")
        environ = {**acode.environ, "TOKEN": running.token, "NO_PROXY": "*"}
        done = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, check=False)
        is_endless = "/events" in example
        assert done.returncode == 0 or is_endless, (example, done.stderr)
