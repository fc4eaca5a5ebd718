"""A JSON file as a listing: every value a line, what is in it below it.

Only containers that are open are known here, so that a file of any size opens at once. The values are
as `parse_json` makes them: pairs stay in their order, also two with one name; numbers keep their digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

from acode_tui.keymap import TREE
from acode_tui.render.ansi import Styled
from acode_tui.render.json_rows import (
    Json,
    Number,
    as_json,
    child,
    is_container,
    is_long,
    path_text,
    scalar_span,
    value_line,
)
from acode_tui.render.lines import in_lines, indented
from acode_tui.render.rows import Span
from acode_tui.window.listing import MAX_HITS, Branch, Lines, Listing, Path, Search, text_line

MAX_COPIED = 1_000_000
_MAX_TEXT = 2000
_INDENT = 5
_FEW = 40
_MAX_DIGITS = 4000


class Broken(ValueError):
    """A text that is no JSON: what is wrong, and in which line (from 1)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def parse_json(text: str) -> Json:
    """Return the value that a text holds.

    Objects and numbers are made by functions of Python's own, so that other threads get their turn: the
    decoder by itself would keep them all waiting until it is done.

    Raises:
        Broken: when it is no JSON.
    """
    try:
        return json.loads(  # type: ignore[no-any-return]
            text, object_pairs_hook=_pairs, parse_float=_number, parse_int=_whole, parse_constant=_number
        )
    except json.JSONDecodeError as error:
        raise _broken(error) from error
    except RecursionError as error:
        raise Broken("this JSON is nested too deeply") from error


def parse_record(text: str) -> dict[str, Any]:
    """Return the record that a text holds, as plain Python values; other threads get their turn here too.

    Raises:
        Broken: when it is no JSON object.
    """
    try:
        record = json.loads(text, object_hook=_same)
    except json.JSONDecodeError as error:
        raise _broken(error) from error
    except (ValueError, RecursionError) as error:
        raise Broken(f"broken JSON: {error}") from error
    if not isinstance(record, dict):
        raise Broken("it holds no record")
    return record


class JsonListing(Listing):
    """A JSON file."""

    view = TREE

    def __init__(self, value: Json, size: int) -> None:
        super().__init__(1)
        self.value_of_all = value
        self.size = size
        self.open((0,))
        if is_container(value) and self.root.rows <= _FEW:
            for index in range(len(value)):  # type: ignore[arg-type]
                inside = child(value, index)[1]
                if is_container(inside) and len(inside) <= _FEW // 4:  # type: ignore[arg-type]
                    self.open((0, index))

    def json(self, path: Path) -> Json:
        """Return the value that a line is about."""
        return self._named(path)[1]

    def _named(self, path: Path) -> tuple[str | None, Json]:
        name, value = None, self.value_of_all
        for index in path[1:]:
            if not is_container(value):
                break  # a line of a long text
            name, value = child(value, index)
        return name, value

    def line(self, path: Path, width: int) -> Styled:
        """Return a line as it is drawn."""
        text = text_line(self, path)
        if text is not None:
            return text
        name, value = self._named(path)
        is_open = self.is_open(path) if self.has_below(path) else None
        return value_line(name, value, len(path) - 1, is_open, width, path[-1])

    def title(self, width: int) -> Sequence[Span]:
        """Return nothing but a hint: the bottom line tells where the cursor is."""
        return [(" value", "faint")]

    def has_below(self, path: Path) -> bool:
        """Tell whether a line can be opened."""
        value = self.json(path)
        return bool(value) if is_container(value) else is_long(value) and text_line(self, path) is None

    def below(self, path: Path) -> Branch | None:
        """Return what a value holds, or the lines of a long text."""
        if not self.has_below(path):
            return None
        value = self.json(path)
        if is_container(value):
            return Branch(len(value), value)  # type: ignore[arg-type]
        indent = min(2 * len(path) + _INDENT, max(0, self.width - 40))
        found = in_lines(str(value), self.width - indent - 1, _MAX_TEXT, "success")
        return Lines(indented(line, indent) for line in found).branch()

    def search(self) -> Search:
        """Return what searches names and values."""
        whole = self.value_of_all

        def find(needle: str, fold: bool) -> list[Path]:
            return _find(whole, needle, fold)

        return find

    def value(self, path: Path) -> str:
        """Return a value as JSON, a text as it is; nothing for one that is too long."""
        return as_json(self.json(path), MAX_COPIED) or ""

    def where(self, path: Path) -> str:
        """Return the path of a value as jq writes it."""
        names: list[str | int] = []
        value = self.value_of_all
        for index in path[1:]:
            if not is_container(value):
                break
            name, value = child(value, index)
            names.append(index if name is None else name)
        return path_text(names)


def _find(whole: Json, needle: str, fold: bool) -> list[Path]:
    """Return the paths of values whose name or text holds a needle, in the order of the file."""
    hits: list[Path] = []
    known: dict[str | None, bool] = {None: False}

    def holds(text: str) -> bool:
        return needle in (text.lower() if fold else text)

    def is_hit(name: str | None, value: Json) -> bool:
        if name not in known:
            known[name] = holds(name or "")
        if known[name] or isinstance(value, tuple | list):
            return known[name]
        return holds(value if isinstance(value, str) else scalar_span(value)[0])

    waiting: list[tuple[Path, Json]] = [((0,), whole)]
    if is_hit(None, whole):
        hits.append((0,))
    while waiting and len(hits) < MAX_HITS:
        path, value = waiting.pop()
        for index, (name, inside) in enumerate(_children(value)):
            if is_hit(name, inside):
                hits.append((*path, index))
            if isinstance(inside, tuple | list):
                waiting.append(((*path, index), inside))
    return sorted(hits)


def _children(value: Json) -> Iterable[tuple[str | None, Json]]:
    if isinstance(value, tuple):
        return value
    return zip(repeat(None), value, strict=False) if isinstance(value, list) else ()


def let_go(value: Json) -> None:
    """Take a value apart piece by piece: freed at once, a big one would keep all threads waiting."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting += [inside for _name, inside in part if is_container(inside)]
        elif isinstance(part, list):
            waiting += [inside for inside in part if is_container(inside)]
            part.clear()


def _pairs(pairs: list[tuple[str, Json]]) -> tuple[tuple[str, Json], ...]:
    return tuple(pairs)


def _number(text: str) -> Number:
    return Number(text)


def _whole(text: str) -> int | Number:
    return int(text) if len(text) < _MAX_DIGITS else Number(text)


def _same(record: dict[str, Any]) -> dict[str, Any]:
    return record


def _broken(error: json.JSONDecodeError) -> Broken:
    where = f"line {error.lineno:,}, column {error.colno:,}"
    return Broken(f"broken JSON in {where}: {error.msg}", error.lineno)
