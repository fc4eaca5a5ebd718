"""The collector as a process, with its port for telemetry, without one, and with one that it cannot have."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from collector.daemon.receiver import port_file, read_endpoint
from tests.agents_otlp.bodies import CLAUDE, JSON, LOGS, body, claude
from tests.conftest import Acode, wait_for

Process = subprocess.Popen[bytes]


def logged(acode: Acode) -> list[dict[str, Any]]:
    path = Path(acode.workspace.collector_log)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def find(acode: Acode, event: str) -> list[dict[str, Any]]:
    return [line for line in logged(acode) if line["event"] == event]


def post(acode: Acode, data: bytes) -> int:
    """Send as an exporter does, which keeps connections where it may."""
    endpoint = read_endpoint(acode.workspace)
    assert endpoint is not None
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=30)
    headers = {"Authorization": f"Bearer {endpoint.token}", "Content-Type": JSON}
    connection.request("POST", LOGS, data, headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


@contextmanager
def running(acode: Acode) -> Iterator[Process]:
    """A collector that has started, and is stopped afterwards."""
    before = len(find(acode, "collector.started"))
    process = acode.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(find(acode, "collector.started")) > before)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def test_a_running_collector_takes_in_what_comes_and_says_where(acode: Acode, collector: Process) -> None:
    wait_for(lambda: find(acode, "receiver.started"))
    item = claude("api_request", request_id="req_1", input_tokens=3, output_tokens=4)
    assert post(acode, body(LOGS, JSON, CLAUDE, [item])) == 200
    wait_for(lambda: not any(Path(acode.workspace.inbox).iterdir()))
    endpoint = read_endpoint(acode.workspace)
    assert endpoint is not None
    assert [line["port"] for line in find(acode, "receiver.started")] == [endpoint.port]
    assert endpoint.token not in Path(acode.workspace.collector_log).read_text()


def test_an_agent_started_before_a_restart_of_the_collector_keeps_its_port(acode: Acode) -> None:
    with running(acode) as first:
        wait_for(lambda: find(acode, "receiver.started"))
        before = Path(port_file(acode.workspace)).read_text()
        first.kill()
    with running(acode):
        wait_for(lambda: len(find(acode, "receiver.started")) == 2)
        assert Path(port_file(acode.workspace)).read_text() == before
        assert post(acode, b"{}") == 200


def test_without_a_port_runs_are_recorded_all_the_same(acode: Acode) -> None:
    Path(port_file(acode.workspace)).mkdir(parents=True)
    with running(acode) as process:
        wait_for(lambda: find(acode, "receiver.failed"))
        assert acode.exec("true").returncode == 0
        wait_for(lambda: not any(Path(acode.workspace.spool).iterdir()))
        assert process.poll() is None


@pytest.mark.parametrize("how", ["file", "variable"])
def test_the_port_can_be_switched_off(acode: Acode, how: str) -> None:
    if how == "file":
        settings = acode.root / ".acode" / "config.yml"
        settings.parent.mkdir()
        settings.write_text("collector:\n  receiver: false\n")
    else:
        acode.environ["ACODE_COLLECTOR_RECEIVER"] = "off"
    with running(acode):
        assert acode.exec("true").returncode == 0
        wait_for(lambda: not any(Path(acode.workspace.spool).iterdir()))
    assert not Path(port_file(acode.workspace)).exists()
    assert [line["event"] for line in logged(acode) if line["event"].startswith("receiver.")] == []
