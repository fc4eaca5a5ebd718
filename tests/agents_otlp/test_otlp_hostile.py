"""Bodies that nobody should send: either a ValueError at once, or whatever events are right, never more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.agents.events import CallEnded, Message, Prompt
from collector.agents.otlp import otlp_events
from tests.agents_otlp.bodies import CLAUDE, CODEX, JSON, LOGS, METRICS, PROTOBUF, TRACES, body, claude, codex

PATHS = (LOGS, METRICS, TRACES)
TOKENS = {"input_tokens": 5, "output_tokens": 1}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0", b"{", b"[]", b"null", b"5", b'"x"', b"\xff\xfe\x00", b"{}{}", b'{"a":' * 100_000,
        b"[" * 200_000, b'{"resourceLogs":5,"resourceSpans":5,"resourceMetrics":5}',
        b'{"resourceLogs":null,"resourceSpans":{},"resourceMetrics":"x"}', b'{"resourceLogs":[' + b"9" * 5000,
        b'\xef\xbb\xbf{"a"}',
    ],
)  # fmt: skip
def test_what_is_no_request_in_json_is_a_value_error_at_once(path: str, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        otlp_events(path, JSON, data)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("data", [b"\xff", b"\x0a", b"\x0a\xff\xff\xff\xff\x0f", b"{}", b"\x00" * 9])
def test_what_is_no_request_in_protobuf_is_a_value_error_at_once(path: str, data: bytes) -> None:
    with pytest.raises(ValueError, match="not protobuf"):
        otlp_events(path, PROTOBUF, data)


@pytest.mark.parametrize(("path", "content_type"), [(p, t) for p in PATHS for t in (JSON, PROTOBUF)])
def test_an_empty_request_says_nothing(path: str, content_type: str) -> None:
    assert list(otlp_events(path, content_type, b"{}" if content_type == JSON else b"")) == []


def _request(**attributes: Any) -> list[Any]:
    """Events of one record of Claude Code with attributes of any JSON value."""
    record = json.loads(body(LOGS, JSON, CLAUDE, [claude("api_request")]))
    pairs = record["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"]
    pairs += [{"key": key, "value": value} for key, value in attributes.items()]
    return [event for _, event in otlp_events(LOGS, JSON, json.dumps(record).encode())]


@pytest.mark.parametrize(
    "value",
    [
        None, 5, "5", [], {}, {"intValue": None}, {"intValue": -1}, {"intValue": "-1"}, {"intValue": "1e3"},
        {"intValue": "٣"}, {"intValue": "9" * 400}, {"intValue": 1 << 60}, {"intValue": True},
        {"boolValue": True}, {"doubleValue": "NaN"}, {"doubleValue": float("nan")},
        {"doubleValue": float("inf")}, {"doubleValue": 0.5}, {"arrayValue": {"values": [{"intValue": 1}]}},
        {"kvlistValue": {}}, {"bytesValue": "AA=="}, {"stringValue": ""}, {"stringValue": "many"},
    ],
)  # fmt: skip
def test_a_count_that_is_none_is_left_out(value: Any) -> None:
    (event,) = _request(input_tokens=value, output_tokens={"intValue": 7})
    assert event.tokens == {"output": 7}


@pytest.mark.parametrize(
    "value", [{"intValue": 7}, {"intValue": "7"}, {"doubleValue": 7.0}, {"stringValue": "7"}]
)
def test_a_count_comes_as_number_or_as_text(value: Any) -> None:
    (event,) = _request(input_tokens=value)
    assert event.tokens == {"input": 7}


@pytest.mark.parametrize("cost", [-1.0, 1e9, True, "1", float("nan"), float("inf"), None, [], 10**400])
def test_a_cost_that_is_none_is_left_out(cost: Any) -> None:
    (event,) = _request(input_tokens={"intValue": 7}, cost_usd={"doubleValue": cost})
    assert event.cost is None


@pytest.mark.parametrize("identity", ["", "x" * 201, "a\0b", "a\nb", "\ud800", "a\x1b[31m", 5, None, ["s"]])
def test_an_id_that_cannot_be_one_is_none(identity: Any) -> None:
    tokens = {"input_tokens": {"intValue": 7}}
    (event,) = _request(**tokens, request_id={"stringValue": identity}, agent_id={"stringValue": identity})
    assert (event.request_id, event.instance_id) == (None, None)
    assert _request(**tokens, **{"session.id": {"stringValue": identity}}) == []


def test_half_a_surrogate_pair_does_not_come_out_of_a_prompt() -> None:
    data = body(LOGS, JSON, CLAUDE, [claude("user_prompt", prompt="a\ud800b")])
    (prompt,) = [event for _, event in otlp_events(LOGS, JSON, data) if isinstance(event, Prompt)]
    assert prompt.text == "a?b"


@pytest.mark.parametrize("given_input", ["[" * 200_000, "{", "5", '{"run_in_background": "yes"}'])
def test_a_tool_s_input_that_is_no_object_decides_nothing(given_input: str) -> None:
    item = claude("tool_result", tool_name="Bash", tool_use_id="t", success="true", tool_input=given_input)
    ((_, event),) = otlp_events(LOGS, JSON, body(LOGS, JSON, CLAUDE, [item]))
    assert isinstance(event, CallEnded)
    assert event.outcome == "success"


@pytest.mark.parametrize("time", ["0", 0, -5, "-5", "x", None, [], 1 << 70, "9" * 30, 1.5, True])
def test_a_time_that_is_none_is_unknown(time: Any) -> None:
    record = json.loads(body(LOGS, JSON, CLAUDE, [claude("api_request", **TOKENS)]))
    item = record["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    item["timeUnixNano"] = item["observedTimeUnixNano"] = time
    ((_, event),) = otlp_events(LOGS, JSON, json.dumps(record).encode())
    assert event.at is None


def _values() -> st.SearchStrategy[Any]:
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    return st.recursive(leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner))


_WHOLE = json.loads(
    body(LOGS, JSON, CLAUDE, [claude("api_request", **TOKENS), claude("user_prompt", prompt="p")])
)


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in inner for place in _places(item, (*at, key)))]


@given(st.sampled_from(_places(_WHOLE)[1:]), _values())
def test_any_value_at_any_place_leaves_a_request_or_a_value_error(place: tuple[Any, ...], value: Any) -> None:
    document = json.loads(json.dumps(_WHOLE))
    holder = document
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    try:
        found = list(otlp_events(LOGS, JSON, json.dumps(document).encode()))
    except ValueError:
        assert place == ("resourceLogs",)
        return
    assert all(agent == "claude-code" for agent, _ in found)


_RESPONSE = codex("sse_event", event__kind="response.completed", input_token_count=9)
_ENCODED = body(LOGS, PROTOBUF, CODEX, [_RESPONSE, codex("tool_result", call_id="x")])


@given(st.integers(0, len(_ENCODED) - 1), st.binary(max_size=4), st.integers(0, 3))
def test_any_damage_to_protobuf_leaves_events_or_a_value_error(at: int, put: bytes, removed: int) -> None:
    damaged = _ENCODED[:at] + put + _ENCODED[at + removed :]
    try:
        events = otlp_events(LOGS, PROTOBUF, damaged)
    except ValueError:
        return
    assert all(isinstance(event, CallEnded | Message) for _, event in events)


@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_a_value_error(data: bytes) -> None:
    for path in PATHS:
        for content_type in (JSON, PROTOBUF):
            try:
                events = otlp_events(path, content_type, data)
            except ValueError:
                continue
            assert list(events) == []
