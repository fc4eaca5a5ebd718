"""`acode mcp` asked by the protocol's own client over stdin and stdout, about runs that were recorded."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from collector.serve.brief import MAX_BYTES, bounded
from collector.serve.tools import READING, WRITING
from tests.conftest import ACODE, PROJECT, Acode
from tests.serve.conftest import SECRET, Served, seal

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the client's, when its process has ended


@asynccontextmanager
async def asking(acode: Acode) -> AsyncIterator[Client]:
    parameters = StdioServerParameters(
        command=ACODE[0], args=[*ACODE[1:], "mcp"], env=acode.environ, cwd=acode.root
    )
    async with Client(parameters) as client:
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    result: Any = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def fail(client: Client, tool: str, **arguments: Any) -> str:
    result: Any = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)


async def test_every_tool_answers_about_recorded_runs(served: Served) -> None:
    async with asking(served.acode) as client:
        assert "not instructions" in (client.instructions or "")
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {*READING, *WRITING}
        assert all(tool.description and tool.output_schema for tool in tools.values())
        assert all(tools[name].annotations.read_only_hint for name in READING)  # type: ignore[union-attr]

        first = await call(client, "search_runs", limit=2)
        second = await call(client, "search_runs", limit=5, cursor=first["next_cursor"])
        tasks = [run["task"] for run in first["items"] + second["items"]]
        assert (len(tasks), tasks[0], second["next_cursor"]) == (5, "seq", None)
        failed = await call(client, "search_runs", filter="status:failed", order="asc")
        assert [run["exit_code"] for run in failed["items"]] == [3, 1]

        run = await call(client, "get_run", run="@task:test")
        assert (run["status"], run["summary"]["tests"]["failed"]) == ("failure", 1)
        assert "junit.xml" in [file["path"] for file in run["artifacts"]]
        why = await call(client, "why_failed")
        assert [test["name"] for test in why["failed_tests"]] == ["m::bad"]
        last = await call(client, "last_failures")
        assert [item["exit_code"] for item in last["items"]] == [1, 3]
        assert last["items"][0]["failed_tests"] == ["m::bad"]
        tests = await call(client, "failing_tests")
        assert [(test["name"], test["message"]) for test in tests["items"]] == [("m::bad", "2 is not 3")]
        counted = await call(client, "statistics", by="task")
        assert (counted["runs"], counted["failed"], counted["group_count"]) == (5, 2, 4)
        (hit,) = (await call(client, "search_text", text="hello world"))["items"]
        assert (hit["path"], hit["line"]) == ("stdout.txt", 1)
        assert (await call(client, "list_sessions"))["items"] == []


async def test_a_page_that_is_too_large_is_a_shorter_one_and_nothing_is_left_out(acode: Acode) -> None:
    for number in range(3):
        lines = f"for i in $(seq 40); do echo needle {number} {'y' * 900} $i; done"
        acode.exec("sh", "-c", lines)
    seal(acode)
    right = json.loads(acode.run("search", "needle", "--max-count", "5", "--limit", "0", "--json").stdout)
    async with asking(acode) as client:
        found: list[tuple[str, str, int]] = []
        cursor = ""
        for _ in range(20):
            page = await call(client, "search_text", text="needle", limit=100, context=5, cursor=cursor)
            assert len(json.dumps(page)) <= MAX_BYTES
            found += [(hit["name"], hit["path"], hit["line"]) for hit in page["items"]]
            cursor = page["next_cursor"]
            if not cursor:
                break
        assert found == [(hit["name"], hit["path"], hit["line"]) for hit in right]
        assert len(found) >= 15


async def test_output_is_read_in_parts(served: Served) -> None:
    async with asking(served.acode) as client:
        part = await call(client, "read_output", stream="stdout", from_line=100, lines=3)
        assert (part["text"], part["next_line"]) == ("100\n101\n102", None)
        end = await call(client, "read_output", from_line=-2)
        assert (end["text"], end["first_line"], end["last_line"]) == ("29999\n30000", 29999, 30000)
        found = await call(client, "read_output", pattern="re:/^7+$/", lines=2)
        assert found["text"] == "7:7\n77:77"
        errors = await call(client, "read_output", run="@4", errors_only=True)
        assert "Error: bad thing" in errors["text"]
        file = await call(client, "read_output", run="@type:test", stream="junit.xml")
        assert 'name="bad"' in file["text"]
        seen, line = [], 1
        while line:
            part = await call(client, "read_output", stream="stdout", from_line=line, lines=5000)
            seen += part["text"].split("\n")
            line = part["next_line"] or (part["last_line"] + 1 if part["last_line"] < 30000 else 0)
        assert seen == [str(number) for number in range(1, 30001)]
        resource: Any = await client.read_resource("acode://runs/latest/stdout")
        assert resource.contents[0].text.endswith("29999\n30000")


async def test_secrets_are_masked_and_reading_is_noted(served: Served) -> None:
    async with asking(served.acode) as client:
        for tool, arguments in (
            ("read_output", {"run": "@1"}), ("get_run", {"run": "@1"}), ("search_runs", {}),
            ("search_text", {"text": "token:"}), ("statistics", {"by": "command"}),
        ):  # fmt: skip
            result: Any = await client.call_tool(tool, arguments)
            assert not result.is_error
            assert SECRET not in result.model_dump_json()
        assert (await call(client, "search_text", text=SECRET))["items"] == []
    from tests.serve.test_records import audit_log

    assert {"path": "output", "through": "mcp"} in [entry["details"] for entry in audit_log(served)]


async def test_what_is_wrong_is_said_with_code_and_hint(served: Served) -> None:
    async with asking(served.acode) as client:
        assert "did you mean 'status'" in await fail(client, "search_runs", filter="stauts:x")
        assert "ACODE-RUN-001" in await fail(client, "get_run", run="nope")
        assert "ACODE-RUN-002" in await fail(client, "read_output", stream="nope.txt")
        assert "ACODE-RUN-018" in await fail(client, "search_runs", cursor="x")
        assert "ACODE-RUN-019" in await fail(client, "read_output", from_line=0)
        assert "No instances found" in await fail(client, "collect_team_artifacts", team_session_id="none")
        assert "Traceback" not in await fail(client, "statistics", by="moon")
        for hostile in ("' OR 1=1 --", "re:/(a+)+$", "\x00", "💥" * 500, "../../etc/passwd"):
            for tool, name in (("search_runs", "filter"), ("get_run", "run"), ("read_output", "stream")):
                result: Any = await client.call_tool(tool, {name: hostile})
                assert "Error executing tool " + tool != result.content[0].text


async def test_an_empty_workspace_is_no_error(acode: Acode) -> None:
    async with asking(acode) as client:
        assert (await call(client, "search_runs"))["items"] == []
        assert "ACODE-RUN-001" in await fail(client, "get_run")
        acode.exec("echo", "new")
        assert (await call(client, "read_output"))["text"] == "new"


VALUES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["", "a" * 9000, '\u00e9\n"' * 2000]),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abcdefgh"), VALUES, max_size=8))
def test_an_answer_is_never_larger_than_a_model_can_take_in(record: dict[str, Any]) -> None:
    shorter = bounded(record)
    assert len(json.dumps(shorter, ensure_ascii=False).encode("utf-8", "replace")) <= MAX_BYTES
    assert shorter == record or shorter["shortened"]


def test_settings_for_agents_name_the_workspace(acode: Acode) -> None:
    root = str(acode.root)
    server = json.loads(acode.run("mcp", "--print-config").stdout)["mcpServers"]["acode"]
    assert server["args"] == ["--workspace", root, "mcp"]
    import tomllib

    codex = tomllib.loads(acode.run("mcp", "--print-config", "codex").stdout.decode())
    assert codex["mcp_servers"]["acode"]["args"] == ["--workspace", root, "mcp"]
    claude = acode.run("mcp", "--print-config", "claude-code").stdout.decode()
    assert claude.startswith("claude mcp add acode -- ")


def test_the_documentation_has_every_tool() -> None:
    text = (PROJECT / "docs" / "mcp.md").read_text()
    for name in (*READING, *WRITING):
        assert f"| `{name}` |" in text
