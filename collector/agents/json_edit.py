"""Changing a JSON file by splices: everything that is not ours stays as it was, byte for byte.

Understands what settings files hold: JSON with comments and trailing commas (JSONC), any line ends, a
byte order mark. Nothing is reformatted: `parse` says where each value lies, `append` and `remove` say
which characters to put in or to take out, `apply` does it. What `append` puts in, `remove` takes out
again to the character, but for one thing that the text cannot tell: what was inside an empty container.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

_TRIVIA = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
_STRING_OR_COMMENT = re.compile(rf"{_STRING.pattern}|({_COMMENT.pattern})", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z]+")
_INDENT = re.compile(r"[ \t]*")
_SPACE = " \t\r\n"
_WORDS = {"true": True, "false": False, "null": None}
_MAX_DEPTH = 200
_MAX_DIGITS = 4300
BOM = "\ufeff"

Kind = Literal["object", "array", "string", "number", "word"]
Extra = Literal["byte order mark", "comment", "trailing comma"]
"""What a text may have besides JSON."""


class JsonError(ValueError):
    """A text is not JSON; `line` and `column` count from 1."""

    def __init__(self, text: str, position: int, message: str) -> None:
        self.line, self.column = line_and_column(text, position)
        self.message = message
        super().__init__(f"{self.line}:{self.column}: {message}")


@dataclass(slots=True)
class Node:
    """One value of a text, from `start` up to `end`."""

    kind: Kind
    start: int
    end: int
    items: list[Item] = field(default_factory=list)

    def member(self, key: str) -> Node | None:
        """Return the value of a key; of several the last one, which is the one that programs see."""
        found = self.find(key)
        return None if found is None else self.items[found].value

    def find(self, key: str) -> int | None:
        """Return the index of the member with a key, the last one of several."""
        return max((i for i, item in enumerate(self.items) if item.key == key), default=None)


@dataclass(slots=True)
class Item:
    """One member of an object or element of an array; `comma` is where the one behind it is."""

    key: str | None
    start: int
    value: Node
    comma: int | None = None


@dataclass(frozen=True, slots=True)
class Splice:
    """Replace the characters from `start` up to `end`."""

    start: int
    end: int
    text: str = ""


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """Return line and column of a position, counted from 1, a byte order mark left out."""
    before = text[:position].removeprefix(BOM)
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def parse(text: str) -> Node | None:
    """Return the value of a text, or None when there is none (nothing, or only comments).

    Raises:
        JsonError: it is not JSON.
    """
    return _Parser(text).document()


def find_extra(text: str, root: Node, kinds: Collection[Extra]) -> tuple[int, Extra] | None:
    """Return the first thing besides JSON that is one of these kinds, and where it is.

    Args:
        text: the file.
        root: its value.
        kinds: which are looked for.
    """
    found: list[tuple[int, Extra]] = [(0, "byte order mark")] if text.startswith(BOM) else []
    found += [(match.start(), "comment") for match in _STRING_OR_COMMENT.finditer(text) if match[1]]
    found += [(comma, "trailing comma") for comma in _trailing_commas(root)]
    return min((extra for extra in found if extra[1] in kinds), default=None)


def _trailing_commas(node: Node) -> Iterator[int]:
    if node.items and node.items[-1].comma is not None:
        yield node.items[-1].comma
    for item in node.items:
        yield from _trailing_commas(item.value)


def to_python(text: str, node: Node) -> Any:
    """Return the value of a node; of a key that is there twice, the last one."""
    if node.kind == "object":
        return {item.key: to_python(text, item.value) for item in node.items}
    if node.kind == "array":
        return [to_python(text, item.value) for item in node.items]
    raw = text[node.start : node.end]
    if node.kind == "string":
        return json.loads(raw)
    if node.kind == "word":
        return _WORDS[raw]
    return int(raw) if len(raw) < _MAX_DIGITS and raw.lstrip("-").isdigit() else float(raw)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def document(self) -> Node | None:
        if self._text.startswith(BOM):
            self._at = 1
        self._skip()
        if self._at == len(self._text):
            return None
        node = self._value()
        self._skip()
        if self._at != len(self._text):
            self._fail("something follows the end of the value")
        return node

    def _fail(self, message: str, position: int | None = None) -> NoReturn:
        raise JsonError(self._text, self._at if position is None else position, message)

    def _skip(self) -> None:
        match = _TRIVIA.match(self._text, self._at)
        self._at = match.end() if match else self._at
        if self._text.startswith("/*", self._at):
            self._fail("a comment has no end")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _value(self) -> Node:
        character = self._peek()
        if character in ("{", "["):
            return self._container("object" if character == "{" else "array")
        if character == '"':
            return self._token("string", _STRING, "a string has no end, or a character that must be escaped")
        if character and character in "-0123456789":
            return self._token("number", _NUMBER, "not a number")
        node = self._token("word", _WORD, "a value is missing")
        if self._text[node.start : node.end] not in _WORDS:
            self._fail("a word that JSON does not know", node.start)
        return node

    def _token(self, kind: Kind, pattern: re.Pattern[str], message: str) -> Node:
        match = pattern.match(self._text, self._at)
        if match is None:
            self._fail(message)
        self._at = match.end()
        return Node(kind, match.start(), match.end())

    def _container(self, kind: Kind) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._fail("nested too deeply")
        node = Node(kind, self._at, self._at)
        close = "}" if kind == "object" else "]"
        self._at += 1
        self._skip()
        while self._peek() != close:
            if node.items and node.items[-1].comma is None:
                self._fail(f"',' or '{close}' is missing")
            node.items.append(self._item(kind))
            self._skip()
            if self._peek() == ",":
                node.items[-1].comma = self._at
                self._at += 1
                self._skip()
        self._at += 1
        self._depth -= 1
        node.end = self._at
        return node

    def _item(self, kind: Kind) -> Item:
        if kind == "array":
            return Item(None, self._at, self._value())
        if self._peek() != '"':
            self._fail("a name in quotes is missing")
        name = self._token("string", _STRING, "a name has no end, or a character that must be escaped")
        self._skip()
        if self._peek() != ":":
            self._fail("':' is missing")
        self._at += 1
        self._skip()
        return Item(json.loads(self._text[name.start : name.end]), name.start, self._value())


def apply(text: str, splices: Iterable[Splice]) -> str:
    """Return the text with every splice done; they must not overlap, equal places keep their order."""
    parts: list[str] = []
    at = 0
    for splice in sorted(splices, key=lambda splice: splice.start):
        parts += (text[at : splice.start], splice.text)
        at = splice.end
    return "".join(parts) + text[at:]


def newline(text: str) -> str:
    """Return the line end that a text uses."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def append(text: str, container: Node, entries: Sequence[tuple[str | None, Any]]) -> list[Splice]:
    """Return what puts entries (key and value, key None in an array) at the end of a container.

    They are indented as their neighbours are, and put on the line of the container when that is one line.
    """
    if not entries:
        return []
    layout = _Layout(text, container)
    rendered = [layout.entry(key, value) for key, value in entries]
    if not container.items:
        return [_into_empty(text, container, layout, rendered)]
    last = container.items[-1]
    after = last.value.end if last.comma is None else last.comma + 1
    place = after + len(text[after : container.end - 1].rstrip(_SPACE))
    written = Splice(place, place, ",".join(rendered) + ("" if last.comma is None else ","))
    if last.comma is not None:
        return [written]
    return [Splice(last.value.end, last.value.end, ","), written]


def _into_empty(text: str, container: Node, layout: _Layout, rendered: list[str]) -> Splice:
    inside = text[container.start + 1 : container.end - 1]
    place = container.start + 1 + len(inside.rstrip(_SPACE))
    written = ",".join(rendered)
    if layout.one_line:
        written = written.removeprefix(" ")
    elif not _has_newline(text[place : container.end - 1]):
        written += layout.newline + layout.outer
    return Splice(place, place, written)


class _Layout:
    """How the entries of a container are written: `outer` is the indentation of its own line."""

    def __init__(self, text: str, container: Node) -> None:
        self.newline = newline(text)
        content = text if not container.items else text[container.start : container.end]
        self.one_line = not _has_newline(content.strip(_SPACE + BOM)) and not (
            container.items == [] and content.strip(_SPACE + BOM) == text[container.start : container.end]
        )
        self.outer = _indent_of_line(text, container.start)
        self.unit = _unit(text)
        self.inner = self.outer + self.unit
        if container.items and _begins_line(text, container.items[-1].start):
            self.inner = _indent_of_line(text, container.items[-1].start)

    def entry(self, key: str | None, value: Any) -> str:
        """Return an entry with the white space before it."""
        name = "" if key is None else json.dumps(key, ensure_ascii=False) + ": "
        if self.one_line:
            return " " + name + json.dumps(value, ensure_ascii=False)
        written = json.dumps(value, ensure_ascii=False, indent=self.unit)
        return self.newline + self.inner + name + written.replace("\n", self.newline + self.inner)


def _has_newline(text: str) -> bool:
    return "\n" in text or "\r" in text


def _line_start(text: str, position: int) -> int:
    start = max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1
    return 1 if start == 0 and text.startswith(BOM) else start


def _indent_of_line(text: str, position: int) -> str:
    match = _INDENT.match(text, _line_start(text, position))
    return match[0] if match else ""


def _begins_line(text: str, position: int) -> bool:
    start = _line_start(text, position)
    return start > 1 and not text[start:position].strip(" \t")


def _unit(text: str) -> str:
    """Return by how much a text indents: the indentation of its first indented line of content."""
    match = re.search(r'[\r\n]([ \t]+)["{\[\]}]', text)
    return match[1] if match else "  "


def remove(text: str, container: Node, indexes: Iterable[int], inside: str = "") -> list[Splice]:
    """Return what takes entries out of a container.

    Args:
        text: the whole text.
        container: of which value.
        indexes: which entries.
        inside: what was in a container that becomes empty: its white space and its comments.
    """
    gone = sorted(set(indexes))
    if not gone:
        return []
    items = container.items
    if len(gone) == len(items):
        return _empty(text, container, inside)
    kept = [i for i in range(len(items)) if i not in gone]
    splices: list[Splice] = []
    if kept[0] and not _COMMENT.search(_around(text, container, 0, kept[0])):
        splices.append(Splice(items[0].start, items[kept[0]].start))
        gone = [i for i in gone if i > kept[0]]
    for first, last in _runs(gone):
        splices += _remove_run(text, container, first, last)
    if items[-1].comma is None and gone and gone[-1] == len(items) - 1:
        comma = items[kept[-1]].comma
        if comma is not None:
            splices.append(Splice(comma, comma + 1))
    return splices


def _runs(indexes: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and the last of each row of neighbours."""
    firsts = [i for i in indexes if i - 1 not in indexes]
    lasts = [i for i in indexes if i + 1 not in indexes]
    return list(zip(firsts, lasts, strict=True))


def _empty(text: str, container: Node, inside: str) -> list[Splice]:
    """Take out every entry; comments stay, white space becomes what it was if they are what they were."""
    splices = _remove_run(text, container, 0, len(container.items) - 1)
    left = apply(text[: container.end - 1], splices)[container.start + 1 :]
    if left.split() == inside.split():
        return [Splice(container.start + 1, container.end - 1, inside)]
    return splices if left.strip(_SPACE) else [Splice(container.start + 1, container.end - 1)]


def _remove_run(text: str, container: Node, first: int, last: int) -> list[Splice]:
    """Take out neighbours with the white space before them and the comma behind them, comments left."""
    items = container.items[first : last + 1]
    floor = _floor(container, first)
    gap = text[floor : items[0].start]
    begin = floor + len(gap.rstrip(_SPACE))
    end = _end(items[-1])
    tail = text[items[-1].value.end : end]
    if _COMMENT.search(_around(text, container, first + 1, last) + tail):
        splices = [Splice(item.start, item.value.end) for item in items]
        return splices + [Splice(item.comma, item.comma + 1) for item in items if item.comma is not None]
    if _ends_in_line_comment(gap) and text[end:].lstrip(" \t")[:1] not in ("\r", "\n"):
        begin = items[0].start  # or the comment would swallow what follows
    return [Splice(begin, end)]


def _floor(container: Node, index: int) -> int:
    """Return where what belongs to the entries before one ends."""
    return _end(container.items[index - 1]) if index else container.start + 1


def _end(item: Item) -> int:
    return item.value.end if item.comma is None else item.comma + 1


def _ends_in_line_comment(gap: str) -> bool:
    comments = _COMMENT.findall(gap)
    return bool(comments) and comments[-1].startswith("//")


def _around(text: str, container: Node, first: int, last: int) -> str:
    """Return what lies before entries and is part of none: white space, commas and comments."""
    parts = []
    for index in range(first, last + 1):
        floor = container.items[index - 1].value.end if index else container.start + 1
        parts.append(text[floor : container.items[index].start])
    return "".join(parts)
