"""The OpenAPI 3.1 document, made from the table of endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from collector import __version__
from collector.serve.endpoint import Asked, Endpoint, Parameter

Schema = dict[str, Any]
_EVERYWHERE = {
    400: "A parameter is wrong.",
    401: "The token is missing or wrong.",
    403: "Host or Origin is wrong, or the server only reads.",
    405: "The path has other methods.",
    500: "Something is broken; code and message say what.",
    503: "Busy, or something that is needed is not there; try again.",
    504: "There was no time; narrow the filter.",
}
_SOMETIMES = {
    202: "Taken in.",
    206: "The part that Range asked for.",
    304: "What If-None-Match names is still right.",
    404: "There is none.",
    408: "The body did not come in time.",
    410: "The file is gone.",
    413: "The body is too large.",
    415: "The body has another type.",
    416: "Nothing of the content is in this range.",
}


def _object(required: Sequence[str] = (), **properties: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _page(name: str) -> Schema:
    return _object(
        ("items", "total", "next_cursor", "complete"),
        items={"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}},
        total={"type": ["integer", "null"], "description": "How many there are; null where nobody counted."},
        next_cursor={"type": ["string", "null"], "description": "Of the next page; null on the last."},
        complete={"type": "boolean", "description": "Whether there was time to look at everything."},
    )


_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_NUMBER: Schema = {"type": "integer"}
_NUMBER_OR_NULL: Schema = {"type": ["integer", "null"]}
_COUNTS: Schema = {"type": "object", "additionalProperties": _NUMBER}
SCHEMAS: dict[str, Schema] = {
    "Error": _object(("code", "message", "hint"), code=_TEXT, message=_TEXT, hint=_TEXT),
    "Record": {"type": "object"},
    "Run": _object(
        (), run_id=_TEXT, name=_TEXT, task=_TEXT, status=_TEXT, command_line=_TEXT, start_time=_TEXT,
        end_time=_TEXT_OR_NULL, exit_code=_NUMBER_OR_NULL, duration_ms=_NUMBER_OR_NULL,
        session_id=_TEXT_OR_NULL, tags={"type": "object"}, artifacts={"type": "array"},
    ),
    "Artifact": _object(
        ("artifact_id", "run_id", "type", "path", "size_bytes"), artifact_id=_TEXT, run_id=_TEXT,
        type=_TEXT, path=_TEXT, size_bytes=_NUMBER, stored_bytes=_NUMBER, checksum_sha256=_TEXT_OR_NULL,
        content_type=_TEXT,
    ),
    "Session": _object(
        ("session_id", "status", "runs"), session_id=_TEXT, status=_TEXT, title=_TEXT_OR_NULL,
        agent=_TEXT_OR_NULL, team=_TEXT_OR_NULL, runs=_NUMBER, failed_runs=_NUMBER,
        instances={"type": "array"},
    ),
    "Hit": _object(
        ("run_id", "path", "line", "column", "text"), run_id=_TEXT, name=_TEXT, artifact_id=_TEXT_OR_NULL,
        path=_TEXT, line=_NUMBER, column=_NUMBER, text=_TEXT, before={"type": "array"},
        after={"type": "array"}, other_runs=_NUMBER,
    ),
    "Explanation": _object(
        ("run_id", "status", "outcome", "headline"), run_id=_TEXT, name=_TEXT, status=_TEXT, outcome=_TEXT,
        headline=_TEXT, reason=_TEXT_OR_NULL, failed_tests={"type": "array"}, errors={"type": "array"},
    ),
    "Statistics": _object(
        ("runs", "success", "failed", "by_status"), runs=_NUMBER, success=_NUMBER, failed=_NUMBER,
        by_status=_COUNTS, artifacts=_NUMBER, stored_bytes=_NUMBER, groups={"type": "array"},
        trend={"type": "object"},
    ),
    "Facets": {"type": "object", "additionalProperties": _COUNTS},
    "Accepted": _object(("status",), status={"const": "accepted"}),
    "Collection": _object(
        ("status",), status=_TEXT, artifacts_path=_TEXT, instances_count=_NUMBER, metadata={"type": "object"}
    ),
    "Collections": {"type": "array", "items": {"type": "object"}},
    "Health": _object(("status",), status={"enum": ["ok", "fail"]}),
    **{f"{name}Page": _page(name) for name in ("Run", "Artifact", "Session", "Hit")},
}  # fmt: skip


async def describe(asked: Asked, endpoints: Sequence[Endpoint]) -> Response:
    """Answer `GET /openapi.json`."""
    del asked
    return JSONResponse(document(endpoints))


def document(endpoints: Sequence[Endpoint]) -> Schema:
    """Return the document of a table of endpoints."""
    paths: dict[str, Schema] = {}
    for endpoint in endpoints:
        item = paths.setdefault(endpoint.path, {})
        item[endpoint.method.lower()] = _operation(endpoint)
        if endpoint.method == "GET":
            item["head"] = _operation(endpoint, is_head=True)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "acode", "version": __version__,
            "description": "The flight recorder for coding agents: what ran, how it ended, what it wrote.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def _operation(endpoint: Endpoint, is_head: bool = False) -> Schema:
    words = re_words(endpoint.path)
    method = "head" if is_head else endpoint.method.lower()
    operation: Schema = {
        "operationId": "_".join([method, *words]),
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": [_parameter(item) for item in endpoint.parameters],
        "responses": _responses(endpoint, is_head),
    }
    if endpoint.body:
        schemas = {
            media: {"schema": {"type": "object"}} if "json" in media else {} for media in endpoint.body
        }
        operation["requestBody"] = {"required": endpoint.tag == "ingest", "content": schemas}
    if endpoint.path == "/healthz":
        operation["security"] = [{}, {"token": []}]
    return operation


def re_words(path: str) -> list[str]:
    """Return the words of a path, for a name."""
    return path.strip("/").translate(str.maketrans("/.", "__", "{}")).split("_")


def _parameter(item: Parameter) -> Schema:
    return {
        "name": item.name,
        "in": "path" if item.in_path else "query",
        "required": item.in_path or item.is_required,
        "description": item.text,
        "schema": _schema(item),
    }


def _schema(item: Parameter) -> Schema:
    if item.kind == "boolean":
        return {"type": "boolean", "default": item.default}
    if item.kind == "integer":
        return {"type": "integer", "minimum": item.least, "maximum": item.most, "default": item.default}
    schema: Schema = {"type": "string", "minLength": item.least, "maxLength": item.most}
    if item.choices:
        schema = {"type": "string", "enum": list(item.choices)}
    if isinstance(item.default, str):
        schema["default"] = item.default
    return schema


def _responses(endpoint: Endpoint, is_head: bool) -> Schema:
    told = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    statuses = {**_EVERYWHERE, **{status: _SOMETIMES[status] for status in endpoint.statuses}}
    if endpoint.body:
        statuses[415] = _SOMETIMES[415]
    found: Schema = {}
    for status, text in sorted({200: "What was asked for.", **statuses}.items()):
        found[str(status)] = {"description": text}
        if not is_head and status != 304:
            is_right = status < 300
            found[str(status)]["content"] = _content(endpoint) if is_right else told
    if endpoint.path == "/healthz" and not is_head:
        found["503"]["content"] = {"application/json": {"schema": {"type": "object"}}}
    return found


def _content(endpoint: Endpoint) -> Schema:
    if endpoint.result is None:
        return {endpoint.media: {}}
    return {endpoint.media: {"schema": {"$ref": f"#/components/schemas/{endpoint.result}"}}}
