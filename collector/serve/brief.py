"""Records as a model reads them: only what says something, and never more than it can take in; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from collector.model.run import Run

MAX_BYTES = 40_000
"""Of one answer as JSON; about 10,000 tokens."""
MAX_ITEM = 8_000
MAX_COMMAND = 500
_ENVELOPE = 500
_STEPS = ((4000, 200), (1000, 60), (300, 25), (100, 10), (40, 3))
"""Characters of a text, and items of a list, until the answer is small enough."""
_KEYS = (
    "run_id", "name", "status", "exit_code", "signal", "start_time", "duration_ms", "task", "type",
    "command_line", "working_directory", "session_id", "agent", "tool", "tags", "note", "error_message",
    "summary",
)  # fmt: skip
_FILE_KEYS = ("artifact_id", "type", "path", "size_bytes", "content_type")
_FLAGS = ("truncated", "missing", "corrupt", "encrypted", "sensitive")


def brief_run(run: Run) -> dict[str, Any]:
    """Return what a listing says of a run; what it does not have is left out."""
    whole = run.to_json()
    record = {name: whole[name] for name in _KEYS if whole[name] not in (None, "", {}, [])}
    record["command_line"] = cut(run.command_line, MAX_COMMAND)
    return record


def whole_run(run: Run) -> dict[str, Any]:
    """Return everything that is known of a run, its files in a few words each."""
    record = {name: value for name, value in run.to_json().items() if value not in (None, "", {}, [])}
    record["artifacts"] = [
        {name: getattr(item, name) for name in _FILE_KEYS}
        | {flag: True for flag in _FLAGS if getattr(item, flag)}
        for item in run.artifacts
    ]
    return record


def cut(text: str, limit: int) -> str:
    """Return a text, or its beginning and a mark that says how much is left out."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"


def bounded(record: Mapping[str, Any], limit: int = MAX_BYTES) -> dict[str, Any]:
    """Return a record whose JSON is small enough; `shortened` says that something was left out."""
    whole = dict(record)
    if _size(whole) <= limit:
        return whole
    for characters, items in _STEPS:
        shorter = {**_shortened(whole, characters, items), "shortened": True}
        if _size(shorter) <= limit:
            return shorter
    return {"shortened": True, "message": "the record is too large to be shown"}


def fitting(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return as many records as fit into one answer, and at least one; none takes all the room."""
    kept: list[dict[str, Any]] = []
    room = MAX_BYTES - _ENVELOPE
    for item in items:
        record = bounded(item, MAX_ITEM)
        room -= _size(record) + 2
        if kept and room < 0:
            break
        kept.append(record)
    return kept


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _shortened(value: Any, characters: int, items: int) -> Any:
    if isinstance(value, str):
        return cut(value, characters)
    if isinstance(value, Mapping):
        pairs = list(value.items())[: 4 * items]
        return {cut(str(key), characters): _shortened(item, characters, items) for key, item in pairs}
    if isinstance(value, list | tuple):
        kept = [_shortened(item, characters, items) for item in value[:items]]
        return kept if len(value) <= items else [*kept, f"… ({len(value) - items} more)"]
    return value
