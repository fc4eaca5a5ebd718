"""Values of a JSON file as lines of a tree, and as text for the clipboard.

An object is a tuple of pairs, an array a list, a number that is not whole its own text: `parse_json` of
`window.json_tree` makes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Union

from acode_tui.render.ansi import Styled
from acode_tui.render.lines import at_ends
from acode_tui.render.rows import Span
from acode_tui.render.safe import one_line


class Number(str):
    """A number that is not whole, as it is written in the file: `1.10` and `1e400` stay what they are."""

    __slots__ = ()


Json = Union[tuple[tuple[str, "Json"], ...], list["Json"], str, Number, int, bool, None]  # noqa: UP007 - recursive

_MAX_INDENT = 40
_MAX_PREVIEW = 12
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_container(value: Json) -> bool:
    """Tell whether a value holds others."""
    return isinstance(value, tuple | list)


def is_long(value: Json) -> bool:
    """Tell whether a text does not fit into a line, whatever else stands there."""
    return isinstance(value, str) and not isinstance(value, Number) and (len(value) > 60 or "\n" in value)


def child(value: Json, index: int) -> tuple[str | None, Json]:
    """Return the name (of an array, None) and the value of one of a container's children."""
    if isinstance(value, tuple):
        return value[index]
    assert isinstance(value, list)
    return None, value[index]


def value_line(
    name: str | None, value: Json, depth: int, is_open: bool | None, width: int, index: int = 0
) -> Styled:
    """Return the line of a value; `name` is its key, `index` its place in an array where it has none.

    `is_open` is None for a value that cannot be opened.
    """
    indent = " " * min(2 * depth, _MAX_INDENT, max(0, width - 20))
    fold = "  " if is_open is None else "▾ " if is_open else "▸ "
    left: list[tuple[str, str]] = [(" " + indent, "text"), (fold, "faint")]
    if name is not None:
        left += [(one_line(name, 300), "running"), (": ", "faint")]
    elif depth:
        left.append((f"{index:,} ", "faint"))
    room = max(10, width - sum(len(text) for text, _ink in left))
    return at_ends([*left, *_value_spans(value, bool(is_open), room)], [], width)


def _value_spans(value: Json, is_open: bool, room: int) -> list[Span]:
    if not is_container(value):
        return [scalar_span(value, room)]
    assert isinstance(value, tuple | list)
    opens, closes = ("{", "}") if isinstance(value, tuple) else ("[", "]")
    noun = "key" if isinstance(value, tuple) else "item"
    count = f"{len(value):,} {noun}" + ("" if len(value) == 1 else "s")
    if not value:
        return [(opens + closes, "muted")]
    if is_open:
        return [(opens + " ", "muted"), (count, "faint")]
    shown = "  " + _preview(value, room - len(count) - 6)
    return [(f"{opens}…{closes} ", "muted"), (count, "muted"), (shown, "faint")]


def scalar_span(value: Json, limit: int = 4096) -> Span:
    """Return a value that holds no others, as it is written in JSON, and its ink."""
    if isinstance(value, Number):
        return one_line(value, limit), "timeout"
    if isinstance(value, str):
        escaped = value[:limit].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return '"' + one_line(escaped, 2 * limit) + ('"' if len(value) <= limit else "…"), "success"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value), "timeout"
    return "null" if value is None else "true" if value else "false", "cancelled"


def _preview(value: Sequence[object], room: int) -> str:
    """Return the beginning of what a closed container holds, if there is room."""
    parts, left = [], room
    for index in range(min(len(value), _MAX_PREVIEW)):
        name, inside = child(value, index)  # type: ignore[arg-type]
        shown = (
            ("{…}" if isinstance(inside, tuple) else "[…]")
            if is_container(inside)
            else scalar_span(inside, 40)[0]
        )
        part = shown if name is None else f"{one_line(name, 40)}: {shown}"
        if len(part) + 2 > left:
            break
        parts.append(part)
        left -= len(part) + 2
    return ", ".join(parts)


def path_text(names: Sequence[str | int]) -> str:
    """Return a path as jq writes it: `.items[3]."odd name"`."""
    text = ""
    for name in names:
        if isinstance(name, int):
            text += f"[{name}]"
        elif _NAME.fullmatch(name):
            text += f".{name}"
        else:
            text += f".{json.dumps(name, ensure_ascii=False)}"
    return text if text.startswith(".") else "." + text


def as_json(value: Json, limit: int) -> str | None:
    """Return a value as JSON of at most so many characters, on several lines; None when it is longer.

    A text that stands for itself comes without quotation marks.
    """
    if isinstance(value, str):
        return str(value) if len(value) <= limit else None
    parts, size = [], 0
    try:
        for part in _written(value, ""):
            parts.append(part)
            size += len(part)
            if size > limit:
                return None
    except RecursionError:
        return None
    return "".join(parts)


def _written(value: Json, indent: str) -> Iterator[str]:
    """Yield JSON in pieces, as `json.dumps` with an indent of two writes it."""
    if isinstance(value, Number):
        yield value
    elif not isinstance(value, tuple | list):
        yield json.dumps(value, ensure_ascii=False)
    elif not value:
        yield "{}" if isinstance(value, tuple) else "[]"
    else:
        opens, closes = "{}" if isinstance(value, tuple) else "[]"
        inside = indent + "  "
        for index in range(len(value)):
            name, below = child(value, index)
            yield f"{',' if index else opens}\n{inside}"
            if name is not None:
                yield json.dumps(name, ensure_ascii=False) + ": "
            yield from _written(below, inside)
        yield f"\n{indent}{closes}"
