"""The bodies of OTLP/HTTP requests as records, from JSON and from protobuf.

JSON is read by hand: OTLP's differs from protobuf's own (ids are in hex), sends 64-bit numbers as text, and
asks receivers to ignore what they do not know (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
So a field of the wrong type is as good as none. Protobuf needs the extra `otlp`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

LOGS, METRICS, TRACES = "/v1/logs", "/v1/metrics", "/v1/traces"
PATHS = (LOGS, METRICS, TRACES)
JSON = "application/json"
PROTOBUF = "application/x-protobuf"
CONTENT_TYPES = (JSON, PROTOBUF)

_KEYS = {
    LOGS: ("resourceLogs", "scopeLogs", "logRecords"),
    METRICS: ("resourceMetrics", "scopeMetrics", "metrics"),
    TRACES: ("resourceSpans", "scopeSpans", "spans"),
}
_SCALARS = ("stringValue", "intValue", "boolValue", "doubleValue")
_PROTO_REQUESTS = {
    LOGS: ("logs.v1.logs_service_pb2", "ExportLogsServiceRequest"),
    METRICS: ("metrics.v1.metrics_service_pb2", "ExportMetricsServiceRequest"),
    TRACES: ("trace.v1.trace_service_pb2", "ExportTraceServiceRequest"),
}
_PROTO_SCALARS = ("string_value", "int_value", "bool_value", "double_value")
_MAX_ID = 200
_MAX_NUMBER = 1 << 53
_MAX_COST = 1e6


@dataclass(frozen=True, slots=True)
class Record:
    """A log record or a span; `time` is when it happened or ended, in nanoseconds since 1970, 0: unknown."""

    service: str
    scope: str
    version: str | None
    name: str
    time: int
    attributes: Mapping[str, Any]

    @property
    def at(self) -> int | None:
        """The time in milliseconds."""
        return self.time // 1_000_000 or None

    def text(self, key: str) -> str:
        """Return an attribute that is text, else an empty text."""
        value = self.attributes.get(key)
        return value if isinstance(value, str) else ""

    def identity(self, key: str) -> str | None:
        """Return an attribute that can be somebody's id or name: short, nothing but printable."""
        return _identity(self.attributes.get(key))

    def flag(self, key: str) -> bool | None:
        """Return an attribute that is true or false, or the text of it."""
        return {"true": True, "false": False}.get(str(self.attributes.get(key)).lower())

    def count(self, key: str) -> int | None:
        """Return an attribute that counts something, a number or the text of one."""
        return _whole(self.attributes.get(key), _MAX_NUMBER)

    def counts(self, keys: Mapping[str, str]) -> dict[str, int]:
        """Return those of several counts that are there, under names of the caller's."""
        found = {name: self.count(key) for name, key in keys.items()}
        return {name: count for name, count in found.items() if count is not None}

    def amount(self, key: str) -> float | None:
        """Return an attribute that is an amount of money."""
        value = self.attributes.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return float(value) if 0 <= value < _MAX_COST else None


def has_protobuf() -> bool:
    """Tell whether protobuf bodies can be decoded here."""
    try:
        return find_spec("opentelemetry.proto") is not None
    except ImportError:
        return False


def read_records(path: str, content_type: str, body: bytes) -> list[Record]:
    """Return the records of a request; those of metrics are left out.

    Args:
        path: one of `PATHS`.
        content_type: one of `CONTENT_TYPES`.
        body: decompressed.

    Raises:
        ValueError: the body is no such request, or cannot be decoded here.
    """
    if path not in PATHS or content_type not in CONTENT_TYPES:
        raise ValueError(f"{content_type} for {path} is not OTLP")
    return list(_from_json(path, body) if content_type == JSON else _from_protobuf(path, body))


# --- JSON ---


def _from_json(path: str, body: bytes) -> Iterable[Record]:
    try:
        document = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    of_resources, of_groups, of_items = _KEYS[path]
    if not isinstance(document, dict) or not isinstance(document.get(of_resources, []), list):
        raise ValueError(f"no object with a list {of_resources}")
    if path == METRICS:
        return ()
    return (
        _json_record(path, _attributes(_object(resource.get("resource"))), _object(group.get("scope")), item)
        for resource in _objects(document.get(of_resources))
        for group in _objects(resource.get(of_groups))
        for item in _objects(group.get(of_items))
    )


def _json_record(
    path: str, resource: Mapping[str, Any], scope: Mapping[str, Any], item: Mapping[str, Any]
) -> Record:
    attributes = _attributes(item)
    if path == TRACES:
        return _record(resource, scope.get("name"), item.get("name"), item.get("endTimeUnixNano"), attributes)
    name = attributes.get("event.name") or _scalar(item.get("body"))
    time = _nanoseconds(item.get("timeUnixNano")) or item.get("observedTimeUnixNano")
    return _record(resource, scope.get("name"), name, time, attributes)


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {
        pair["key"]: _scalar(pair.get("value"))
        for pair in _objects(holder.get("attributes"))
        if isinstance(pair.get("key"), str)
    }


def _scalar(value: object) -> object:
    """Return the value of an AnyValue; None for a list, a map or bytes, which no field of interest is."""
    given = _object(value)
    return next((given[kind] for kind in _SCALARS if kind in given), None)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


# --- Protobuf, whose packages are imported when the first such body comes ---


def _from_protobuf(path: str, body: bytes) -> Iterable[Record]:
    request = _parse_protobuf(path, body)
    if path == LOGS:
        return (
            _proto_log(_proto_attributes(resource.resource), group.scope.name, item)
            for resource in request.resource_logs
            for group in resource.scope_logs
            for item in group.log_records
        )
    if path == TRACES:
        return (
            _record(
                _proto_attributes(resource.resource), group.scope.name, item.name, item.end_time_unix_nano,
                _proto_attributes(item),
            )
            for resource in request.resource_spans
            for group in resource.scope_spans
            for item in group.spans
        )  # fmt: skip
    return ()


def _parse_protobuf(path: str, body: bytes) -> Any:
    module, name = _PROTO_REQUESTS[path]
    try:
        request = getattr(import_module(f"opentelemetry.proto.collector.{module}"), name)()
        damage: type[Exception] = import_module("google.protobuf.message").DecodeError
    except ImportError:
        raise ValueError("protobuf needs the extra 'otlp'") from None
    try:
        request.ParseFromString(body)
    except damage as error:
        raise ValueError(f"not protobuf: {error}") from None
    return request


def _proto_log(resource: Mapping[str, Any], scope: str, item: Any) -> Record:
    attributes = _proto_attributes(item)
    name = attributes.get("event.name") or _proto_scalar(item.body)
    return _record(resource, scope, name, item.time_unix_nano or item.observed_time_unix_nano, attributes)


def _proto_attributes(holder: Any) -> dict[str, Any]:
    return {pair.key: _proto_scalar(pair.value) for pair in holder.attributes}


def _proto_scalar(value: Any) -> object:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind in _PROTO_SCALARS else None


# --- Values of any type ---


def _record(
    resource: Mapping[str, Any], scope: object, name: object, time: object, attributes: Mapping[str, Any]
) -> Record:
    return Record(
        service=_identity(resource.get("service.name")) or "",
        scope=_identity(scope) or "",
        version=_identity(resource.get("service.version")),
        name=_identity(name) or "",
        time=_nanoseconds(time),
        attributes=attributes,
    )


def _identity(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_ID and value.isprintable() else None


def _nanoseconds(value: object) -> int:
    return _whole(value, 1 << 63) or 0


def _whole(value: object, limit: int) -> int | None:
    """Return a whole number from 0 to below a limit; 64-bit ones come as text."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < limit else None
