"""JSON among other output: markers, fences, objects on their own lines, agents' patterns, whole outputs."""

from __future__ import annotations

import json
import re
import socket
import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.extract.json_blocks import MAX_BLOCKS, FoundJson, Patterns, check_schema, find_json
from tests.extract.test_logs import FAILED, SUCCESSFUL

APP = {"name": "my-app", "main": "server.js", "files": [{"path": "server.js"}]}
PRETTY = json.dumps(APP, indent=2)


def find(text: str, patterns: Patterns = None) -> FoundJson:
    return find_json([text.encode("utf-8", "surrogatepass")], patterns)


def brief(found: FoundJson) -> list[tuple[Any, str, int, int]]:
    return [(block.value, block.how, block.first_line, block.last_line) for block in found.blocks]


def test_the_examples_of_the_source_document() -> None:
    assert brief(find(SUCCESSFUL + PRETTY + "\n")) == [(APP, "lines", 7, 15)]
    assert brief(find(SUCCESSFUL + "ARTIFACT_START\n" + PRETTY + "\nARTIFACT_END\n")) == [
        (APP, "marker", 8, 16)
    ]
    assert find(SUCCESSFUL) == find("Starting generation...\n") == find(FAILED) == FoundJson()


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("ARTIFACT_START", "ARTIFACT_END"),
        ("=== ARTIFACT START ===", "=== ARTIFACT END ==="),
        ("--- BEGIN ARTIFACT ---", "--- END ARTIFACT ---"),
        ("<ARTIFACT_START>", "</ARTIFACT_END>"),
        ("<!-- artifact-start -->", "<!-- artifact-end -->"),
        ("ARTIFACT_START\n```json", "```\nARTIFACT_END"),
    ],
)
def test_markers_are_read_in_their_spellings(start: str, end: str) -> None:
    found = find(f"before\n{start}\n{PRETTY}\n{end}\nafter\n")
    assert [(block.value, block.how) for block in found.blocks] == [(APP, "marker")]
    assert find(f"x\r\n{start}\r\n{PRETTY}\r\n{end}\r\n").blocks[0].value == APP


@pytest.mark.parametrize(
    "text",
    [
        f"before\n<artifact>\n{PRETTY}\n</artifact>\nafter\n",
        f"<artifact>{json.dumps(APP)}</artifact>\n",
        f'  <artifact type="json" id="1">\n```json\n{PRETTY}\n```\n</artifact>\n',
    ],
)
def test_an_artifact_element_is_a_marker(text: str) -> None:
    assert [(block.value, block.how) for block in find(text).blocks] == [(APP, "marker")]


def test_an_artifact_element_with_something_else_in_it_is_no_problem() -> None:
    assert find("x\n<artifact>\nprint('hello')\n</artifact>\n<artifact>\n{never closed\n") == FoundJson()


@pytest.mark.parametrize("begin", ["cat <<'EOF'", "cat > x.sh <<-EOF && sh x.sh", 'tee y << "EOF" | wc'])
def test_markers_in_a_heredoc_are_no_result(begin: str) -> None:
    script = f'$ cat script.sh\n{begin}\nARTIFACT_START\n{{"your": "json"}}\nARTIFACT_END\nEOF\n'
    assert find(script) == FoundJson()
    printed = find(script + f"$ sh script.sh\nARTIFACT_START\n{PRETTY}\nARTIFACT_END\n")
    assert [(block.value, block.how) for block in printed.blocks] == [(APP, "marker")]


def test_a_heredoc_that_has_no_end_hides_nothing() -> None:
    found = find(f"1 << x\ncat <<EOF\nARTIFACT_START\n{PRETTY}\nARTIFACT_END\n")
    assert [block.how for block in found.blocks] == ["marker"]


def test_the_search_ends_where_too_much_is_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.extract.json_blocks._MAX_FRUITLESS", 100)
    found = find('{"a": 1}\n' + '{"\n' * 200 + PRETTY)
    assert [block.value for block in found.blocks] == [{"a": 1}]
    assert found.problems[0] == "line 103: not searched further, too much is no JSON"
    assert len(found.problems) <= 20


def test_a_fenced_block_counts_from_its_first_line_to_its_last() -> None:
    assert brief(find(f"Here:\n```json\n{PRETTY}\n```\nand\n~~~ JSON\n[1]\n~~~\n")) == [
        (APP, "fence", 3, 11),
        ([1], "fence", 15, 15),
    ]


def test_several_objects_on_their_own_lines_are_found_in_their_order() -> None:
    found = find(
        f'start\n{{"a": 1}}\ntext {{"b": 2}}\n  {PRETTY}\n{{"c": {{"d": [1]}}}}  \n[1, 2]\n[main] x\n'
    )
    assert brief(found) == [
        ({"a": 1}, "lines", 2, 2),
        (APP, "lines", 4, 12),
        ({"c": {"d": [1]}}, "lines", 13, 13),
    ]
    assert found.problems == ()


@pytest.mark.parametrize("text", [PRETTY, f"\ufeff\n{PRETTY}\n\n", json.dumps(APP)])
def test_an_output_that_is_one_value_is_whole(text: str) -> None:
    assert [(block.value, block.how) for block in find(text).blocks] == [(APP, "whole")]


def test_the_best_come_first() -> None:
    text = (
        '{"lines": 1}\n```json\n{"fence": 1}\n```\n'
        'ARTIFACT_START\n{"marker": 1}\nARTIFACT_END\nx {"key": 1}\n'
    )
    assert [block.how for block in find(text, ("key",)).blocks] == ["marker", "fence", "pattern", "lines"]


@pytest.mark.parametrize(
    "patterns",
    [
        ("name", "main"),
        re.compile(r'^{.*"main".*}$'),
        re.compile(r'\{"name"\s*:\s*"[^"]*"[\s\S]*"main"\s*:[\s\S]*}'),
    ],
)
def test_an_agents_artifact_is_known_by_its_keys_or_its_pattern(patterns: Patterns) -> None:
    text = f'{{"other": 1}}\n{PRETTY}\nresult: {json.dumps(APP)} done\nlast: {PRETTY}\n'
    assert brief(find(text, patterns)) == [
        (APP, "pattern", 2, 10),
        (APP, "pattern", 11, 11),
        (APP, "pattern", 12, 20),
        ({"other": 1}, "lines", 1, 1),
    ]
    assert find(PRETTY, patterns).blocks[0].how == "pattern"


@pytest.mark.parametrize(
    "text",
    [
        '```python\nARTIFACT_START\n{"a": 1}\nARTIFACT_END\n```\n',
        "echo \"ARTIFACT_START\"\n'ARTIFACT_END'\nprint(ARTIFACT_START)\n",
        '```\n$ cat x\n{"a": 1}\n```\n',
        '{"level": "info", "msg": "ready", "time": 1}\n{"level":30,"msg":"x"}\n',
        "[INFO] x\n{ not json }\n{}x\n[1]\n",
    ],
)
def test_quoted_markers_code_and_log_lines_are_no_results(text: str) -> None:
    assert find("text\n" + text) == FoundJson()


def test_broken_json_is_told_with_its_line() -> None:
    found = find(
        'x\nARTIFACT_START\n{"a": }\nARTIFACT_END\n```json\n{,}\n```\n{"b": 1,\n  "c"\nrest\nARTIFACT_START\n'
    )
    assert found.blocks == ()
    assert [problem.partition(":")[0] for problem in found.problems] == [
        "line 3",
        "line 6",
        "line 8",
        "line 11",
    ]


def test_the_inside_of_a_broken_object_is_not_taken_for_a_result() -> None:
    found = find('x\n{\n  "files": [\n    {"a": 1},\n    {"b": 2}\n')
    assert found.blocks == ()
    assert len(found.problems) == 1
    assert brief(find('x\n{"broken":\n{"a": 1}\n')) == []


def test_odd_values_survive() -> None:
    found = find(
        'x\n{"n": NaN, "i": -Infinity, "a": 1, "a": 2, "s": "\\ud800", "t": "\\u0000", "big": 1e999}\n'
    )
    value = found.blocks[0].value
    assert value["n"] != value["n"]
    assert (value["a"], value["s"], value["t"]) == (2, "\ud800", "\0")
    assert json.loads(json.dumps(value))["s"] == "\ud800"


def test_colours_do_not_hide_json() -> None:
    assert brief(find('x\n\x1b[1m{\x1b[0m"a": \x1b[33m1\x1b[0m}\n')) == [({"a": 1}, "lines", 2, 2)]


def test_no_more_than_twenty_blocks_are_kept() -> None:
    found = find("".join(f'{{"n": {n}}}\n' for n in range(100)) + "```json\n1\n```\n")
    assert len(found.blocks) == MAX_BLOCKS
    assert [block.value for block in found.blocks[:3]] == [1, {"n": 0}, {"n": 1}]


def test_only_the_beginning_is_searched_and_that_is_told() -> None:
    found = find_json([b'x\n{"a": 1}\n', b'{"b": 2}\n'], limit=12)
    assert [block.value for block in found.blocks] == [{"a": 1}]
    assert found.problems == ("only the first 12 bytes of the output were searched for JSON",)


def test_ten_megabytes_among_text_are_found_with_their_lines() -> None:
    files = [{"path": f"src/file{n}.js", "text": "é\n" * 20} for n in range(60_000)]
    text = f"start\n{json.dumps({'files': files}, indent=1)}\nend\n"
    assert len(text) > 10_000_000
    (block,) = find(text).blocks
    assert block.value == {"files": files}
    assert (block.first_line, block.last_line) == (2, text.count("\n") - 1)


HOSTILE = {
    "braces": "{" * 200_000, "brackets": "[" * 100_000, "lines of braces": "{\n" * 100_000,
    "lines of keys": '{"a"\n' * 50_000,
    "lines of brackets": "[1,\n" * 100_000, "objects": '{"a":\n' * 100_000, "inline": 'x {"a":' * 50_000,
    "starts": "ARTIFACT_START\n" * 100_000, "fences": "```json\n" * 100_000, "strings": '{"a": "' * 50_000,
    "marked": "ARTIFACT_START\n{\nARTIFACT_END\n" * 30_000, "open": "[{},\n" * 50_000,
    "digits": "[" + "1" * 10_000,
    "long fences": "".join("`" * n + "\n" for n in range(600, 2, -1)), "edges": "=" * 200_000,
    "tags": "<artifact>\n" * 50_000, "elements": "<artifact>{</artifact>\n" * 20_000,
    "heredocs": "<<A <<B <<C\nARTIFACT_START\n{\nARTIFACT_END\n" * 20_000,
    "big numbers": ("[" + "1" * 5_000 + "]\n") * 200,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_output_costs_no_more_than_its_length(name: str) -> None:
    found = find("x\n" + HOSTILE[name], ("a",))
    assert len(found.problems) <= 20


PIECES = st.lists(
    st.sampled_from([
        "ARTIFACT_START", "ARTIFACT_END", "\n", "\n", "```", "```json", "~~~", '{"a": 1}', "{", "}", "[", "]",
        '"a"', ":", ",", " ", "1", "x", "\r\n", "é", '{"a":\n[{"b": 2}]}', "\x1b[1m", "\\ud800", "NaN",
    ])
    | st.text(max_size=4),
    max_size=40,
).map("".join)  # fmt: skip


@given(PIECES, st.lists(st.integers(0, 400), max_size=5), st.sampled_from([None, ("a",), re.compile("b")]))
def test_chunking_never_changes_what_is_found(text: str, cuts: list[int], patterns: Patterns) -> None:
    data = text.encode("utf-8", "replace")
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    whole = find_json([data], patterns)
    assert repr(find_json([data[a:b] for a, b in pairwise(edges)], patterns)) == repr(whole)
    lines = data.count(b"\n") + 1
    assert all(1 <= block.first_line <= block.last_line <= lines for block in whole.blocks)


@given(st.binary(max_size=200))
def test_any_bytes_are_searched(data: bytes) -> None:
    assert isinstance(find_json([data]), FoundJson)


SCHEMA = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 3}}}


def test_a_value_is_checked_against_a_schema() -> None:
    assert check_schema({"name": "abc"}, SCHEMA) == ()
    assert check_schema({}, SCHEMA) == ("$: 'name' is a required property",)
    assert check_schema({"name": 3}, SCHEMA) == ("$.name: 3 is not of type 'string'",)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"}, {"$ref": "#/nowhere"}, 3, "x", None, [],
        {"pattern": "("}, {"$schema": 3}, {"$schema": "urn:unknown", "type": 1}, {"$ref": "#"},
        {"$schema": "http://127.0.0.1:9/draft", "type": "string"},
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_used_is_one_line(schema: Any) -> None:
    problems = check_schema({"name": "x"}, schema)
    assert len(problems) == 1
    assert "\n" not in problems[0]


def test_a_reference_to_another_machine_is_never_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        (problem,) = check_schema({}, {"$ref": f"http://127.0.0.1:{server.getsockname()[1]}/x.json"})
        assert "refers to what cannot be had" in problem
        with pytest.raises(BlockingIOError):
            server.accept()


def test_without_the_library_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    assert check_schema({}, SCHEMA) == ("not checked against its schema: pip install 'acode-tui[schema]'",)
