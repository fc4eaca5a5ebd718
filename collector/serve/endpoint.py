"""What an endpoint is: one entry of the table that requests, and the OpenAPI document, are held against."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from collector.errors import InputError
from collector.serve.access import Access, Head
from collector.serve.metrics import Requests
from collector.serve.pool import Pool
from collector.suggest import did_you_mean

MAX_TEXT = 4000
_INTEGER = re.compile(r"0|[1-9][0-9]{0,14}")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value in the path or the query.

    `kind` is `text`, `integer`, `boolean`, or `list` (of words, with commas). `least` and `most` bound a
    number, or the length of a text.
    """

    name: str
    kind: str
    text: str
    default: Any = None
    least: int = 0
    most: int = MAX_TEXT
    choices: tuple[str, ...] = ()
    is_required: bool = False
    in_path: bool = False


@dataclass(frozen=True, slots=True)
class Serving:
    """What every request is given: where to ask, who is let in, what was counted."""

    pool: Pool
    access: Access
    requests: Requests
    streams: list[None] = field(default_factory=list)
    """One for each connection that follows events."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its head, and the values of its parameters."""

    request: Request
    head: Head
    values: Values
    serving: Serving


Handler = Callable[[Asked], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path.

    `result` names the schema of what is answered; None for content of any type. `statuses` are those that
    are answered besides 200 and what every endpoint may. `body` names the types of a body.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    parameters: tuple[Parameter, ...] = ()
    result: str | None = "Record"
    media: str = "application/json"
    statuses: tuple[int, ...] = ()
    body: tuple[str, ...] = ()
    tag: str = "runs"


def values_of(endpoint: Endpoint, path: Mapping[str, Any], query: list[tuple[str, str]]) -> Values:
    """Return the values of all parameters.

    Raises:
        InputError: one is missing, unknown, repeated or not what it should be.
    """
    known = {item.name: item for item in endpoint.parameters}
    given: dict[str, str] = {}
    for name, value in query:
        if name not in known or known[name].in_path:
            names = [item.name for item in endpoint.parameters if not item.in_path]
            hint = did_you_mean(name[:80], names, f"known are {', '.join(names) or 'none'}")
            raise InputError("ACODE-RUN-019", f"unknown parameter {name[:80]!r}", hint)
        if name in given:
            raise InputError("ACODE-RUN-019", f"parameter {name} is given twice")
        given[name] = value
    given |= {name: str(value) for name, value in path.items()}
    return {item.name: _value(item, given.get(item.name)) for item in endpoint.parameters}


def _value(item: Parameter, text: str | None) -> Any:
    if text is None:
        if item.is_required:
            raise InputError("ACODE-RUN-019", f"parameter {item.name} is missing", item.text)
        return item.default
    if item.kind == "integer":
        return _number(item, text)
    if item.kind == "boolean":
        if text not in _BOOLEANS:
            raise InputError("ACODE-RUN-019", f"{item.name} is not true or false")
        return _BOOLEANS[text]
    if not item.least <= len(text) <= item.most:
        raise InputError("ACODE-RUN-019", f"{item.name} has {len(text)} characters, not 1 to {item.most}")
    if any(0xD800 <= ord(character) < 0xE000 or character == "\0" for character in text):
        raise InputError("ACODE-RUN-019", f"{item.name} has characters that no text has")
    if item.choices and text not in item.choices:
        hint = did_you_mean(text[:80], item.choices, f"use one of {', '.join(item.choices)}")
        raise InputError("ACODE-RUN-019", f"{item.name} cannot be {text[:80]!r}", hint)
    return tuple(filter(None, text.split(","))) if item.kind == "list" else text


def _number(item: Parameter, text: str) -> int:
    if not _INTEGER.fullmatch(text) or not item.least <= int(text) <= item.most:
        hint = f"write {item.least} to {item.most}"
        raise InputError("ACODE-RUN-019", f"{item.name} is not a number in its range", hint)
    return int(text)
