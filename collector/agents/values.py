"""Values out of other programs' JSON: of the type that is expected, or nothing.

What an agent writes is not ours: any field may be missing, or a number where a text was. Nothing here
raises for that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_MAX_MS = 253_402_300_799_999  # 9999-12-31: the last that ISO 8601 with four digits can say
_MAX_WHOLE = 1 << 53
_NOTHING: Mapping[str, Any] = {}


def load_json(path: Path) -> Any:
    """Read a JSON document.

    Raises:
        OSError: it cannot be read.
        ValueError: it is none, or nested deeper than can be read.
    """
    try:
        return json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object, empty for anything else."""
    return value if isinstance(value, dict) else _NOTHING


def items(value: object) -> list[Any]:
    """Return a list, empty for anything else."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Return a text that is not empty."""
    return value if isinstance(value, str) and value else None


def whole(value: object) -> int | None:
    """Return a whole number that fits into a double; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) <= _MAX_WHOLE else None


def count(value: object) -> int:
    """Return a whole number that is not negative, 0 for anything else."""
    return max(0, whole(value) or 0)


def number(value: object) -> float | None:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        finite = float(value)
    except OverflowError:
        return None
    return finite if abs(finite) < float("inf") else None  # false for NaN too


def plain_text(content: object) -> str:
    """Return the text of a message's content: a text, or a list of parts with a text each."""
    if isinstance(content, str):
        return content
    return "\n".join(part for item in items(content) if (part := text(mapping(item).get("text"))))


def ms_of_seconds(value: object) -> int | None:
    """Turn seconds, of a duration or since 1970, into milliseconds; None for negative or absurd ones."""
    seconds = number(value)
    return _ms(seconds * 1000) if seconds is not None else None


def ms_of_iso(value: object, *, local: bool = False) -> int | None:
    """Turn an ISO 8601 time into milliseconds since 1970.

    Args:
        value: the text.
        local: a time without an offset is one of this machine's time zone, not UTC.
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None and not local:
            moment = moment.replace(tzinfo=UTC)
        return _ms(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def _ms(milliseconds: float) -> int | None:
    return round(milliseconds) if 0 <= milliseconds <= _MAX_MS else None


def usage_tokens(value: object) -> dict[str, int]:
    """Return the tokens of a request from an OpenAI-like `usage` (chat or responses, as litellm has it).

    `prompt_tokens` includes what was read from and written to a cache; a provider that counts these apart
    is recognized by a sum that is larger.
    """
    usage = mapping(value)
    read_details = mapping(usage.get("prompt_tokens_details") or usage.get("input_tokens_details"))
    made_details = mapping(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
    prompt = _first_count(usage, "prompt_tokens", "input_tokens")
    read = _first_count(usage, "cache_read_input_tokens") or _first_count(read_details, "cached_tokens")
    written = _first_count(usage, "cache_creation_input_tokens") or _first_count(
        read_details, "cache_creation_tokens", "cache_write_tokens"
    )
    tokens = {
        "input": without_cache(prompt, read, written),
        "output": _first_count(usage, "completion_tokens", "output_tokens"),
        "cache_read": read,
        "cache_write": written,
        "reasoning": _first_count(made_details, "reasoning_tokens"),
    }
    return {kind: count for kind, count in tokens.items() if count}


def without_cache(prompt: int, read: int, written: int) -> int:
    """Return the tokens of a prompt that no cache had to do with."""
    return prompt - read - written if prompt >= read + written else prompt


def _first_count(usage: Mapping[str, Any], *names: str) -> int:
    return next((found for name in names if (found := count(usage.get(name)))), 0)
