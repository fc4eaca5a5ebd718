"""The splices: what is put in comes out again to the character, and everything else stays."""

from __future__ import annotations

import contextlib
import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.agents.json_edit import (
    JsonError,
    Node,
    append,
    apply,
    line_and_column,
    newline,
    parse,
    remove,
    to_python,
)
from tests.agents_hooks.documents import VALUES, Writer


def containers(node: Node) -> list[Node]:
    """Return every object and array of a document."""
    if node.kind not in ("object", "array"):
        return []
    return [node, *(found for item in node.items for found in containers(item.value))]


def value_of(text: str) -> Any:
    root = parse(text)
    assert root is not None
    return to_python(text, root)


@given(VALUES, st.randoms(use_true_random=False), st.booleans())
def test_a_document_is_read_as_it_was_meant(value: Any, random: Random, comments: bool) -> None:
    text = Writer(random, comments).document(value)
    read = value_of(text)
    assert json.dumps(read) == json.dumps(json.loads(json.dumps(value)))
    if not comments:
        assert json.dumps(read) == json.dumps(json.loads(text.removeprefix("\ufeff")))


@given(VALUES, st.randoms(use_true_random=False), st.data())
def test_what_is_appended_is_there_and_is_removed_to_the_character(
    value: Any, random: Random, data: st.DataObject
) -> None:
    text = Writer(random).document(value)
    root = parse(text)
    assert root is not None
    found = containers(root)
    if not found:
        return
    index = data.draw(st.integers(0, len(found) - 1))
    container = found[index]
    new = data.draw(st.lists(VALUES, min_size=1, max_size=3))
    keys = [f"new{n}" if container.kind == "object" else None for n in range(len(new))]
    changed = apply(text, append(text, container, list(zip(keys, new, strict=True))))

    again = parse(changed)
    assert again is not None
    container_now = containers(again)[index]
    before = len(container.items)
    assert [to_python(changed, item.value) for item in container_now.items[before:]] == new
    assert [item.key for item in container_now.items[before:]] == keys
    kept = [text[item.start : item.value.end] for item in container.items]
    assert [changed[item.start : item.value.end] for item in container_now.items[:before]] == kept

    inside = "" if container.items else text[container.start + 1 : container.end - 1]
    ours = range(before, before + len(new))
    assert apply(changed, remove(changed, container_now, ours, inside)) == text


@given(VALUES, st.randoms(use_true_random=False), st.data())
def test_removing_some_leaves_the_others_as_they_are_written(
    value: Any, random: Random, data: st.DataObject
) -> None:
    text = Writer(random).document(value)
    root = parse(text)
    assert root is not None
    found = [container for container in containers(root) if container.items]
    if not found:
        return
    container = data.draw(st.sampled_from(found))
    gone = data.draw(st.sets(st.integers(0, len(container.items) - 1)))
    left = apply(text, remove(text, container, gone))
    position = containers(root).index(container)
    reparsed = parse(left)
    assert reparsed is not None
    now = containers(reparsed)[position]  # what was removed came after it
    kept = [text[item.start : item.value.end] for i, item in enumerate(container.items) if i not in gone]
    assert [left[item.start : item.value.end] for item in now.items] == kept


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{", 1, 2),
        ('{"a" 1}', 1, 6),
        ('{\n  "a": 1\n  "b": 2\n}', 3, 3),
        ('{"a": tru}', 1, 7),
        ('{"a": 01}', 1, 8),
        ("{'a': 1}", 1, 2),
        ('{"a": "x\ny"}', 1, 7),
        ("[1, 2", 1, 6),
        ("{} x", 1, 4),
        ("[,]", 1, 2),
        ("/* never ends", 1, 1),
        ('{"a": "\\x"}', 1, 7),
        ('\ufeff{\r\n\t"a": nope}', 2, 7),
        ("\u00a0{}", 1, 1),
        ("NaN", 1, 1),
        ("[1 2]", 1, 4),
        ('{"a":}', 1, 6),
    ],
)
def test_a_mistake_is_told_with_line_and_column(text: str, line: int, column: int) -> None:
    with pytest.raises(JsonError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize("text", ["", " \n", "\ufeff", "// only a comment", "/* and */ // this\n"])
def test_nothing_is_no_mistake(text: str) -> None:
    assert parse(text) is None


@given(st.text())
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    with contextlib.suppress(JsonError):
        parse(text)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(JsonError, match="nested too deeply"):
        parse(text)


def test_a_megabyte_is_read_and_spliced() -> None:
    text = json.dumps({f"key{n}": ["x" * 50, n, {"a": None}] for n in range(12_000)}, indent=2)
    root = parse(text)
    assert root is not None
    assert len(text) > 1_000_000
    changed = apply(text, append(text, root, [("new", True)]))
    assert json.loads(changed) == {**json.loads(text), "new": True}


def test_of_two_members_with_one_name_the_last_one_counts() -> None:
    text = '{"a": 1, "a": 2}'
    root = parse(text)
    assert root is not None
    assert to_python(text, root) == {"a": 2}
    assert root.find("a") == 1


def test_line_ends_are_those_of_the_file() -> None:
    assert newline("{\r\n}") == "\r\n"
    assert newline("{\n}\r\n") == "\n"
    assert newline("") == "\n"
    assert line_and_column("a\r\nb", 4) == (2, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", '{\n  "n": [\n    1\n  ]\n}'),
        ('{\n    "a": 1\n}\n', '{\n    "a": 1,\n    "n": [\n        1\n    ]\n}\n'),
        ('{\r\n\t"a": 1\r\n}', '{\r\n\t"a": 1,\r\n\t"n": [\r\n\t\t1\r\n\t]\r\n}'),
        ('{"a": 1}', '{"a": 1, "n": [1]}'),
        ('{\n  "a": 1, // why\n}', '{\n  "a": 1, // why\n  "n": [\n    1\n  ],\n}'),
        ('{\n  "a": 1 // why\n}', '{\n  "a": 1, // why\n  "n": [\n    1\n  ]\n}'),
        ('{ // first\n}', '{ // first\n  "n": [\n    1\n  ]\n}'),
    ],
)  # fmt: skip
def test_an_entry_looks_like_its_neighbours(text: str, expected: str) -> None:
    root = parse(text)
    assert root is not None
    assert apply(text, append(text, root, [("n", [1])])) == expected


@pytest.mark.parametrize(
    ("text", "gone", "expected"),
    [
        ("[1, 2, 3]", {0}, "[2, 3]"),
        ("[1, 2, 3]", {1}, "[1, 3]"),
        ("[1, 2, 3]", {2}, "[1, 2]"),
        ("[1, 2, 3]", {0, 1}, "[3]"),
        ("[1, 2, 3]", {1, 2}, "[1]"),
        ("[1, 2, 3]", {0, 1, 2}, "[]"),
        ("[\n 1, // one\n 2 // two\n]", {0}, "[ // one\n 2 // two\n]"),
        ("[\n 1, // one\n 2 // two\n]", {1}, "[\n 1 // one\n  // two\n]"),
        ("[ // c\n 1]", {0}, "[ // c\n ]"),
        ("[1,]", {0}, "[]"),
        ("[1, 2,]", {1}, "[1,]"),
    ],
)
def test_an_entry_goes_with_its_comma_and_leaves_comments(text: str, gone: set[int], expected: str) -> None:
    root = parse(text)
    assert root is not None
    assert apply(text, remove(text, root, gone)) == expected
