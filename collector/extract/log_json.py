"""Log entries that are one JSON object a line, and those of logfmt.

pino and bunyan (numeric levels), zap, structlog, logstash and ECS, Serilog, .NET, Python's JSON formatters:
they differ in what they call level, message and time. An object is an entry when it has both a level and a
message; its other keys are the context.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from collector.extract.log_levels import level_of
from collector.extract.log_times import normalised
from collector.extract.values import MAX_MESSAGE, bounded

MAX_CONTEXT = 4_000
"""Characters of JSON that an entry's context has at most; what comes after that is left out."""

_LEVELS = (
    "level", "lvl", "severity", "levelname", "log.level", "@l", "Level", "LogLevel", "severity_text",
    "loglevel",
)  # fmt: skip
_MESSAGES = (
    "msg", "message", "event", "short_message", "@m", "@mt", "RenderedMessage", "Message",
    "MessageTemplate",
)  # fmt: skip
_TIMES = (
    "time", "ts", "timestamp", "@timestamp", "@t", "Timestamp", "datetime", "asctime", "date",
    "eventTime", "t",
)  # fmt: skip
_PAIR = re.compile(r'(?<![\w.@/-])([\w.@/-]{1,100})=("(?:[^"\\]|\\.)*"|[^\s"]*)')

Found = tuple[str, str, str | None, dict[str, Any]]
"""Level, message, time where it is told with its zone, and context."""


def read_json(text: str) -> Found | None:
    """Return the entry that a JSON line is, None where it is none."""
    try:
        record = json.loads(text, parse_constant=str)
        if "\\ud" in text or "\\uD" in text:  # half a surrogate pair could not be written as UTF-8
            record = json.loads(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return _entry(record) if isinstance(record, dict) else None


def read_logfmt(text: str) -> Found | None:
    """Return the entry of a line such as `time=… level=warn msg="…"`, None where it is none."""
    pairs = {key: _unquoted(value) for key, value in _PAIR.findall(text)}
    return _entry(pairs)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return value[1:-1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def is_log_entry(value: Any) -> bool:
    """Tell whether a parsed JSON value is a line of a log, and so no result of the program."""
    return isinstance(value, dict) and _entry(value) is not None


def _entry(record: dict[str, Any]) -> Found | None:
    level_key, level = _level(record)
    message_key = next((k for k in _MESSAGES if isinstance(record.get(k), str)), None)
    if level is None or message_key is None:
        return None
    time_key = next((k for k in _TIMES if k in record), None)
    used = {level_key, message_key, time_key}
    rest = ((key, value) for key, value in record.items() if key not in used)
    time = normalised(record[time_key]) if time_key else None
    return level, bounded(record[message_key].strip(), MAX_MESSAGE), time, bounded_context(rest)


def _level(record: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the level and where it was; Serilog's compact form leaves out `@l` for information."""
    for key in _LEVELS:
        if key in record and (level := level_of(record[key])):
            return key, level
    nested = record.get("log")  # ECS, as an object
    if isinstance(nested, dict) and (level := level_of(nested.get("level"))):
        return "log", level
    if "@t" in record and ("@m" in record or "@mt" in record):
        return None, "info"
    return None, None


def bounded_context(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Keep keys as long as there is room for them; a text that is too long is cut."""
    room = MAX_CONTEXT
    kept: dict[str, Any] = {}
    for key, value in items:
        if isinstance(value, str):
            value = bounded(value, MAX_CONTEXT // 2)
        room -= len(key) + _size(value)
        if room >= 0:
            kept[key] = value
    return kept


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    try:
        return len(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):
        return MAX_CONTEXT + 1
