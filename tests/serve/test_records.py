"""What HTTP answers with is what the command line prints, with secrets masked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import read_json
from tests.serve.conftest import SECRET, Served, seal


def printed(served: Served, *arguments: str) -> Any:
    return json.loads(served.acode.run(*arguments).stdout)


def audit_log(served: Served) -> list[Any]:
    text = Path(served.place.workspace.folder, "audit.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


async def get(client: httpx.AsyncClient, path: str, **parameters: Any) -> Any:
    reply = await client.get(path, params=parameters)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    return reply.json()


async def test_pages_are_what_the_command_line_lists(served: Served, client: httpx.AsyncClient) -> None:
    whole = printed(served, "runs", "list", "--json", "--limit", "0")
    first = await get(client, "/runs", limit=3)
    second = await get(client, "/runs", limit=3, cursor=first["next_cursor"])
    assert first["items"] + second["items"] == whole
    assert (first["total"], first["complete"], second["next_cursor"]) == (5, True, None)


@pytest.mark.parametrize("text", ["status:failed", "type:test", "cmd:seq*", "-status:failed", "re:/^seq /"])
async def test_q_is_the_filter_language(served: Served, client: httpx.AsyncClient, text: str) -> None:
    found = await get(client, "/runs", q=text, fields="run_id,name", order="asc")
    listed = printed(served, "runs", "list", "--json", "--asc", "--fields", "run_id,name", "--", text)
    assert found["items"] == listed
    assert found["total"] == len(listed) > 0


async def test_every_way_to_name_a_run_is_taken(served: Served, client: httpx.AsyncClient) -> None:
    newest = printed(served, "runs", "show", "latest", "--json")
    for reference in ("latest", "@", newest["run_id"], newest["name"], newest["run_id"][:20], "@task:seq"):
        assert (await get(client, f"/runs/{reference}"))["run_id"] == newest["run_id"]


async def test_artifacts_and_why_are_those_of_the_command_line(
    served: Served, client: httpx.AsyncClient
) -> None:
    found = await get(client, "/runs/@type:test/artifacts")
    assert found["items"] == printed(served, "runs", "artifacts", "@type:test", "--json")
    why = await get(client, "/runs/@type:test/why")
    assert why == printed(served, "runs", "why", "@type:test", "--json")
    assert [test["name"] for test in why["failed_tests"]] == ["m::bad"]


async def test_streams_are_the_recorded_bytes(served: Served, client: httpx.AsyncClient) -> None:
    for kind in ("stdout", "stderr", "output"):
        for run in ("@task:seq", "@task:echo"):
            right = served.acode.run("runs", kind, run, "--redact").stdout
            reply = await client.get(f"/runs/{run}/{kind}")
            assert reply.content == right
            assert reply.headers["content-type"] == "text/plain; charset=utf-8"


async def test_lines_are_those_of_the_command_line(served: Served, client: httpx.AsyncClient) -> None:
    for lines in ("10:12", ":2", "-3:", "29999:", "500"):
        reply = await client.get("/runs/latest/stdout", params={"lines": lines})
        assert reply.text == served.acode.run("runs", "stdout", "--lines", lines).stdout.decode()


async def test_binary_content_is_sent_as_it_is_and_never_shown_by_a_browser(
    served: Served, client: httpx.AsyncClient
) -> None:
    del served
    found = await get(client, "/runs/@2/artifacts")
    stdout = next(item for item in found["items"] if item["type"] == "stdout")
    reply = await client.get(f"/artifacts/{stdout['artifact_id'].lower()}/content")
    assert reply.content == bytes(range(256)) * 40
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in reply.headers["content-security-policy"]


async def test_secrets_are_masked_everywhere(client: httpx.AsyncClient) -> None:
    (hit,) = (await get(client, "/search", q="token:"))["items"]
    paths = ["/runs", "/runs/@1", "/runs/@1/artifacts", "/runs/@1/stdout", "/runs/@1/output", "/runs/@1/why"]
    paths += ["/runs/@1/stdout?lines=1", f"/artifacts/{hit['artifact_id']}/content", "/facets?fields=task"]
    paths += ["/search?q=token:", "/stats?by=command", "/metrics", "/healthz"]
    for path in paths:
        reply = await client.get(path)
        assert reply.status_code == 200
        assert SECRET not in reply.text, path
    assert (await get(client, "/search", q=SECRET))["items"] == []


async def test_a_secret_is_shown_when_asked_for_and_that_is_noted(
    served: Served, client: httpx.AsyncClient
) -> None:
    reply = await client.get("/runs/@1/stdout", params={"redact": "false"})
    assert reply.text == f"token: {SECRET}\n"
    entries = audit_log(served)
    noted = [entry for entry in entries if entry["action"] == "redaction.off"]
    assert [entry["details"] for entry in noted] == [{"path": "stdout", "through": "http"}]


async def test_statistics_and_facets_are_those_of_the_command_line(
    served: Served, client: httpx.AsyncClient
) -> None:
    found = await get(client, "/stats", by="task", trend="day")
    right = printed(served, "runs", "stats", "--by", "task", "--trend", "--json")
    assert found["groups"] == right["groups"]
    assert {name: found[name] for name in ("runs", "failed", "p50_duration_ms", "stored_bytes")} == {
        name: right[name] for name in ("runs", "failed", "p50_duration_ms", "stored_bytes")
    }
    assert sum(bucket["runs"] for bucket in found["trend"]["buckets"]) == 5
    facets = await get(client, "/facets", fields="status,type")
    assert facets == {"status": {"success": 3, "failure": 2}, "type": {"command": 4, "test": 1}}


async def test_search_goes_on_behind_a_cursor(client: httpx.AsyncClient) -> None:
    found: list[str] = []
    cursor = None
    while True:
        parameters = {"q": "re:/^7+$/", "max_count": 0, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await get(client, "/search", **parameters)
        found += [hit["text"] for hit in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == ["7", "77", "777", "7777"]


async def test_metrics_count_runs_and_requests(client: httpx.AsyncClient) -> None:
    await client.get("/runs")
    await client.get("/runs/nope")
    reply = await client.get("/metrics")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = reply.text.splitlines()
    assert 'acode_runs{status="failure"} 2' in lines
    assert 'acode_http_requests_total{method="GET",path="/runs",status="200"} 1' in lines
    assert 'acode_http_requests_total{method="GET",path="/runs/{run}",status="404"} 1' in lines
    assert "acode_collector_up 0" in lines


async def test_a_missing_or_damaged_file_is_said_and_costs_only_itself(tmp_path: Any) -> None:
    from tests.conftest import Acode
    from tests.serve.conftest import place_of

    acode = Acode(tmp_path)
    for text in ("gone", "changed", "well"):
        acode.exec("echo", text)
    seal(acode)
    gone, changed, _ = sorted(acode.folders(), key=lambda folder: read_json(folder / "run.json")["run_id"])
    (gone / "stdout.txt").unlink()
    (changed / "stdout.txt").write_text("CHANGED\n")
    async with Served(acode, place_of(acode)).client() as client:
        replies = [await client.get(f"/runs/{run}/stdout") for run in ("@2", "@1", "@")]
        assert (await client.get("/runs")).json()["total"] == 3
    codes = [(reply.status_code, reply.json()["code"]) for reply in replies[:2]]
    assert codes == [(410, "ACODE-ART-011"), (500, "ACODE-ART-012")]
    assert replies[2].text == "well\n"


async def test_an_empty_workspace_has_empty_pages(acode: Any) -> None:
    from tests.serve.conftest import place_of

    async with Served(acode, place_of(acode)).client() as client:
        empty = {"items": [], "total": 0, "next_cursor": None, "complete": True}
        assert (await client.get("/runs")).json() == empty
        assert (await client.get("/sessions")).json() == empty
        assert (await client.get("/facets")).json() == {"status": {}, "type": {}, "agent": {}}
        assert (await client.get("/search", params={"q": "x"})).json()["items"] == []
        assert (await client.get("/runs/latest")).status_code == 404
        assert (await client.get("/healthz")).json()["status"] == "ok"
        acode.exec("true")
        assert (await client.get("/runs")).json()["total"] == 1
