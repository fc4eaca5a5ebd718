"""Requests as exporters make them, in both encodings, from one description."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

LOGS, METRICS, TRACES = "/v1/logs", "/v1/metrics", "/v1/traces"
JSON, PROTOBUF = "application/json", "application/x-protobuf"

AT = 1_795_426_055_474
"""Milliseconds since 1970."""


class Item(NamedTuple):
    """A log record or a span."""

    name: str
    attributes: Mapping[str, Any]
    at: int = AT


class Sender(NamedTuple):
    service: str
    scope: str
    version: str = "1.2.3"


CLAUDE = Sender("claude-code", "com.anthropic.claude_code.events")
CODEX = Sender("codex_exec", "codex_otel.log_only")


def claude(name: str, at: int = AT, **attributes: Any) -> Item:
    """A log record of Claude Code; `__` in a name stands for a dot."""
    own = {"session.id": "s-1", "event.name": name}
    return Item(f"claude_code.{name}", {**own, **_dotted(attributes)}, at)


def codex(name: str, at: int = AT, **attributes: Any) -> Item:
    """A log record of Codex, which has no body."""
    own = {"event.name": f"codex.{name}", "conversation.id": "c-1", "app.version": "0.1", "model": "m-1"}
    return Item("", {**own, **_dotted(attributes)}, at)


def _dotted(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {key.replace("__", "."): value for key, value in attributes.items()}


def body(path: str, content_type: str, sender: Sender, items: Sequence[Item]) -> bytes:
    """Return a request; metrics are their names alone."""
    if content_type == JSON:
        return json.dumps(_json(path, sender, items)).encode()
    return _protobuf(path, sender, items)


def _json(path: str, sender: Sender, items: Sequence[Item]) -> dict[str, Any]:
    kinds = {
        LOGS: ("resourceLogs", "scopeLogs", "logRecords"),
        METRICS: ("resourceMetrics", "scopeMetrics", "metrics"),
        TRACES: ("resourceSpans", "scopeSpans", "spans"),
    }
    of_resources, of_scopes, of_items = kinds[path]
    resource = {"service.name": sender.service, "service.version": sender.version}
    group = {"scope": {"name": sender.scope}, of_items: [_json_item(path, item) for item in items]}
    return {of_resources: [{"resource": {"attributes": _pairs(resource)}, of_scopes: [group]}]}


def _json_item(path: str, item: Item) -> dict[str, Any]:
    nanoseconds = str(item.at * 1_000_000)
    common = {"attributes": _pairs(item.attributes), "traceId": "5b8efff798038103d269b633813fc60c"}
    if path == LOGS:
        timed = {"timeUnixNano": "0", "observedTimeUnixNano": nanoseconds}
        return {**common, **timed, "body": {"stringValue": item.name} if item.name else None}
    if path == TRACES:
        return {**common, "name": item.name, "startTimeUnixNano": "1", "endTimeUnixNano": nanoseconds}
    return {"name": item.name, "sum": {"dataPoints": [{"asDouble": 1.5}]}}


def _pairs(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in attributes.items()]


def _any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value}


def _protobuf(path: str, sender: Sender, items: Sequence[Item]) -> bytes:
    if path == LOGS:
        logs = ExportLogsServiceRequest()
        of_resource = logs.resource_logs.add()
        group = of_resource.scope_logs.add()
        for item in items:
            record = group.log_records.add(time_unix_nano=item.at * 1_000_000)
            _fill(record, item.attributes)
            if item.name:
                record.body.string_value = item.name
    elif path == TRACES:
        traces = ExportTraceServiceRequest()
        spans = traces.resource_spans.add()
        for item in items:
            span = spans.scope_spans.add(scope={"name": sender.scope}).spans.add(name=item.name)
            span.end_time_unix_nano = item.at * 1_000_000
            _fill(span, item.attributes)
        _fill(spans.resource, {"service.name": sender.service, "service.version": sender.version})
        return bytes(traces.SerializeToString())
    else:
        metrics = ExportMetricsServiceRequest()
        for item in items:
            metrics.resource_metrics.add().scope_metrics.add().metrics.add(name=item.name)
        return bytes(metrics.SerializeToString())
    group.scope.name = sender.scope
    _fill(of_resource.resource, {"service.name": sender.service, "service.version": sender.version})
    return bytes(logs.SerializeToString())


def _fill(holder: Any, attributes: Mapping[str, Any]) -> None:
    for key, value in attributes.items():
        pair = holder.attributes.add(key=key)
        kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}
        setattr(pair.value, kinds[type(value)], value)
