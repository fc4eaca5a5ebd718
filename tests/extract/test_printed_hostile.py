"""Whatever a program prints, looking through it ends soon, in flat memory, and never raises."""

from __future__ import annotations

import json
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.extract.json_blocks import find_json
from collector.extract.logs import LogScanner
from collector.extract.metrics import MetricScanner
from collector.extract.text import MAX_LINE_BYTES, clean, iter_lines

BYTES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from([
            b"\n", b"\r\n", b"\r", b"\x1b[31m", b"\x1b]0;title\x07", b"\b", b"\0", b"ERROR: x", b"[INFO] y",
            b'{"a": 1}\n', b"```json\n", b"```\n", b"ARTIFACT_START\n", b"ARTIFACT_END\n", "✅ ❌".encode(),
            b"\xff", b"{", b"}",
            b'{"level":50,"msg":"m"}', b"CPU: 45%", b"level=warn msg=\"q\"", b"\xe2\x9c",
        ]),
    ),
    max_size=40,
).map(b"".join)  # fmt: skip


def scan(chunks: list[bytes]) -> tuple[object, ...]:
    scanner, metrics = LogScanner("stdout", failed=True), MetricScanner()
    lines = list(iter_lines(chunks))
    for number, text in lines:
        scanner.feed(number, text)
        metrics.feed(text)
    return lines, scanner.finish(), scanner.counts(), metrics.found(), find_json(chunks)


@given(BYTES, st.lists(st.integers(0, 200), max_size=6))
def test_chunking_never_changes_what_is_found(data: bytes, cuts: list[int]) -> None:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    chunks = [data[a:b] for a, b in pairwise(places)]
    assert repr(scan(chunks)) == repr(scan([data]))


@given(BYTES)
def test_lines_hold_no_control_characters_and_every_line_has_its_number(data: bytes) -> None:
    lines = list(iter_lines([data]))
    assert all(c >= " " or c == "\t" for _, text in lines for c in text)
    expected = data.count(b"\n") + (0 if data.endswith(b"\n") or not data else 1)
    assert [number for number, _ in lines] == list(range(1, expected + 1))


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (b"plain", "plain"),
        (b"windows\r", "windows"),
        (b"10%\r50%\rdone   ", "done   "),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"N\bNA\bAM\bME\bE", "NAME"),
        (b"a\0b", "ab"),
        (b"bad \xff byte", "bad \ufffd byte"),
    ],
)
def test_a_line_is_what_was_seen_at_last(line: bytes, seen: str) -> None:
    assert clean(line) == seen


def test_a_gigabyte_without_a_line_break_takes_no_memory() -> None:
    tracemalloc.start()
    chunk = b"x" * (1 << 20)
    lines = list(iter_lines(chunk for _ in range(300)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(number, len(text)) for number, text in lines] == [(1, MAX_LINE_BYTES)]
    assert peak < 8 << 20


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 100_000, b'{"a":' * 100_000, b"{\n" * 50_000, b"[\n" * 50_000, b'{"a": 1,\n' * 20_000,
        b"ARTIFACT_START\n" * 50_000, b"```json\n" * 30_000, b"```\n{\n" * 30_000, b" " * 300_000 + b"{",
        b"=" * 200_000 + b"\n", b'{"a": NaN, "a": 2, "b": "\\ud800"}\n' * 3,
    ],
    ids=range(11),
)  # fmt: skip
def test_json_that_is_none_is_passed_over(hostile: bytes) -> None:
    found = find_json([hostile])
    assert len(found.blocks) <= 20


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-01 00:00:00 " + ": | - " * 5000, "2026-01-01 00:00:00 " + "a b " * 5000, "level=" * 5000,
        'level=warn msg="' + "\\" * 5000, "ERROR" * 5000, "[" * 5000, "\u26a0" * 5000, "12:00:00 " * 3000,
        "memory: " + "1" * 1900, "tokens " * 280,
    ],
    ids=range(10),
)  # fmt: skip
def test_lines_that_a_backtracking_engine_hates_are_read(line: str) -> None:
    scanner, metrics = LogScanner("stderr", failed=True), MetricScanner()
    for number in range(1, 10):
        scanner.feed(number, line)
        metrics.feed(line)
    assert sum(scanner.counts().values()) <= 9


def test_megabytes_of_json_are_one_block() -> None:
    value = [{"name": f"file-{n}", "size": n, "tags": ["a", "b"]} for n in range(40_000)]
    text = json.dumps({"files": value}, indent=1).encode()
    assert len(text) > 3 << 20
    found = find_json([b"Here it is:\n", text, b"\nthat was it\n"])
    assert [block.how for block in found.blocks] == ["line"]
    assert found.blocks[0].value == {"files": value}


def test_more_entries_than_are_kept_are_counted_and_errors_stay() -> None:
    from collector.extract import logs

    scanner = LogScanner("stdout", failed=False)
    for number in range(1, logs.MAX_ENTRIES + 1001):
        scanner.feed(2 * number, f"[INFO] line {number}")
    scanner.feed(1_000_000, "ERROR: at last")
    assert scanner.counts() == {"info": logs.MAX_ENTRIES + 1000, "error": 1}
    kept = scanner.finish()
    assert len(kept) == logs.MAX_ENTRIES
    assert kept[-1].message == "at last"


MARKED = [
    ("ARTIFACT_START\n{\"a\": 1}\nARTIFACT_END", "marker"),
    ("=== ARTIFACT START ===\n{\"a\": 1}\n=== ARTIFACT END ===", "marker"),
    ("text\n```json\n{\"a\": 1}\n```\nmore", "fence"),
    ("text\n{\"a\": 1}\nmore", "line"),
    ("text\n{\n  \"a\": 1\n}\nmore", "line"),
    ("  {\"a\": 1}", "line"),
    ("\x1b[32m{\"a\": 1}\x1b[0m", "line"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "how"), MARKED)
def test_each_way_of_printing_an_artifact_is_understood(text: str, how: str) -> None:
    found = find_json([text.encode()])
    assert [(block.value, block.how) for block in found.blocks] == [({"a": 1}, how)]
    assert not found.problems


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint('ARTIFACT_START')\n```", "```js\n{\n  \"a\": 1\n}\n```", "x = {\"a\": 1}",
        "[1, 2] is a list",
        "{\"level\": \"info\", \"msg\": \"started\"}", "{not json}", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_artifact_is_none(text: str) -> None:
    assert find_json([text.encode()]).blocks == ()


def test_marked_json_that_is_broken_is_a_problem_with_its_line() -> None:
    found = find_json([b'one\nARTIFACT_START\n{"a": }\nARTIFACT_END\n'])
    assert found.blocks == ()
    assert found.problems[0].startswith("line 3: no JSON")


def test_a_lone_array_is_an_artifact_and_the_best_comes_first() -> None:
    assert find_json([b"\n[1, 2, 3]\n"]).blocks[0].value == [1, 2, 3]
    text = b'{"short": 1}\n{"a": "longer than the other"}\nARTIFACT_START\n{"m": 1}\nARTIFACT_END\n'
    assert [block.value for block in find_json([text]).blocks] == [
        {"m": 1}, {"a": "longer than the other"}, {"short": 1},
    ]  # fmt: skip
    assert find_json([text], r'"short"').blocks[1].how == "pattern"
