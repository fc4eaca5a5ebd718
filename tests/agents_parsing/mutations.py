"""Documents with something wrong at one place, for every place."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from collector.agents.events import TOKEN_KINDS, AnyEvent, Message

WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, 10**40, "", "\0", "\ud800", "x" * 70_000,
    [], [[]], [None, 1], {}, {"a": {"b": []}},
)  # fmt: skip
_WHOLE = ("at", "exit_code", "signal", "output_bytes", "duration_ms", "timeout_ms")
_TRUTH = ("background", "output_truncated")
_OBJECT = ("tokens", "input")
_REQUIRED = ("conversation_id", "call_id", "tool", "kind", "outcome", "source")


def mutations(value: Any) -> Iterator[Any]:
    """Yield copies of a JSON value, each with one part left out, or replaced by something else."""
    yield from WRONG
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            for changed in mutations(value[key]):
                yield {**value, key: changed}
    elif isinstance(value, list):
        for position in range(len(value)):
            yield value[:position] + value[position + 1 :]
            for changed in mutations(value[position]):
                yield [*value[:position], changed, *value[position + 1 :]]


def assert_sound(events: Iterable[AnyEvent]) -> None:
    """Every field of every event has the type that it should have, whatever was read."""
    for event in events:
        for field in dataclasses.fields(event):
            value = getattr(event, field.name)
            assert _is_sound(field.name, value), (event, field.name)
        assert event.conversation_id
        assert not isinstance(event, Message) or event.message_id


def _is_sound(name: str, value: Any) -> bool:
    if name in _OBJECT:
        counts = all(k in TOKEN_KINDS and type(v) is int and v >= 0 for k, v in value.items())
        return name == "input" or counts
    if name in _TRUTH:
        return isinstance(value, bool)
    if value is None:
        return name not in _REQUIRED
    if name == "cost":
        return type(value) in (int, float)
    return type(value) is (int if name in _WHOLE else str)
