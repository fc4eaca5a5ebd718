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
from collector.extract.text import MAX_LINE, iter_lines

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
        scanner.feed(number, text, None)
        metrics.feed(text)
    return lines, scanner.finish(), scanner.counts(), metrics.found(), find_json(chunks)


@given(BYTES, st.lists(st.integers(0, 200), max_size=6))
def test_chunking_never_changes_what_is_found(data: bytes, cuts: list[int]) -> None:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    chunks = [data[a:b] for a, b in pairwise(places)]
    assert repr(scan(chunks)) == repr(scan([data]))


@given(BYTES)
def test_every_line_has_its_number(data: bytes) -> None:
    lines = list(iter_lines([data]))
    assert not any(c in text for _, text in lines for c in "\0\x1b\r\b")
    expected = data.count(b"\n") + (0 if data.endswith(b"\n") or not data else 1)
    assert [number for number, _ in lines] == list(range(1, expected + 1))


def test_a_gigabyte_without_a_line_break_takes_no_memory() -> None:
    tracemalloc.start()
    chunk = b"x" * (1 << 20)
    lines = list(iter_lines(chunk for _ in range(300)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(number, len(text)) for number, text in lines] == [(1, MAX_LINE)]
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
        scanner.feed(number, line, None)
        metrics.feed(line)
    assert sum(scanner.counts().values()) <= 9


def test_megabytes_of_json_are_one_block() -> None:
    value = [{"name": f"file-{n}", "size": n, "tags": ["a", "b"]} for n in range(40_000)]
    text = json.dumps({"files": value}, indent=1).encode()
    assert len(text) > 3 << 20
    found = find_json([b"Here it is:\n", text, b"\nthat was it\n"])
    assert [block.how for block in found.blocks] == ["lines"]
    assert found.blocks[0].value == {"files": value}
