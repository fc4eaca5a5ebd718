"""JSON from somebody else: bounded before it is parsed, and only what JSON is for.

What a text of a given length can become in memory is bounded by its separators, so they are counted first.
"""

from __future__ import annotations

import json
from typing import Any

MAX_VALUES = 2_000_000
MAX_DEPTH = 32
MAX_DIGITS = 16
LARGEST = 1 << 53


def parse_object(data: bytes, max_bytes: int) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        ValueError: it is none, too large, too deep, or holds a number that JSON readers do not agree about.
    """
    if len(data) > max_bytes:
        raise ValueError(f"it is longer than {max_bytes >> 20} MiB")
    if sum(data.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
        raise ValueError(f"it holds more than {MAX_VALUES} values")
    try:
        value = json.loads(data.decode("utf-8"), parse_int=_whole, parse_constant=_refused)
        _check(value, 1)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    return value


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS + 1 or abs(int(text)) >= LARGEST:
        raise ValueError(f"{text[:24]} is too large a number")
    return int(text)


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _check(value: Any, depth: int) -> None:
    """Refuse depth, infinities that a large exponent makes, and halves of surrogate pairs."""
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, dict):
        for key, item in value.items():
            key.encode()
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, str):
        value.encode()
    elif isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise ValueError("it holds an endless number")
