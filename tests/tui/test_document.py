from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acode_tui.document import (
    CHUNK,
    LINE_BYTES,
    Hits,
    LineIndex,
    Needle,
    Source,
    find_next,
    read_lines,
    read_tail,
    search,
)
from acode_tui.document.hexdump import HexIndex, hex_lines, is_binary
from acode_tui.document.index import nth_break


def index_of(data: bytes) -> LineIndex:
    index = LineIndex(Source(io.BytesIO(data)))
    while not index.extend(CHUNK):
        pass
    return index


def lines_of(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


CONTENTS = {
    "empty": b"",
    "one line": b"hello\n",
    "no break at the end": b"a\nb",
    "only breaks": b"\n" * 600_000,
    "breaks at chunk ends": (b"x" * (CHUNK - 1) + b"\n") * 3,
    "line across chunks": b"a\n" + b"y" * (CHUNK + 77) + b"\nz\n",
    "many lines": b"".join(b"line %d of it\n" % n for n in range(60_000)),
    "long lines": b"".join(b"%d" % n * 9000 + b"\n" for n in range(60)),
}


@pytest.mark.parametrize("data", CONTENTS.values(), ids=CONTENTS.keys())
def test_every_line_is_found_as_split_finds_it(data: bytes) -> None:
    index, expected = index_of(data), lines_of(data)
    assert index.lines == len(expected)
    step = max(1, len(expected) // 23)
    for first in [*range(0, len(expected), step), len(expected) - 1]:
        found = read_lines(index, max(0, first), 7)
        want = expected[max(0, first) : max(0, first) + 7]
        assert [line.data for line in found] == [line[:LINE_BYTES] for line in want]
        assert [line.cut for line in found] == [max(0, len(line) - LINE_BYTES) for line in want]


@settings(max_examples=60)
@given(st.lists(st.sampled_from([b"", b"a", b"needle", b"x" * 300]), max_size=60), st.integers(1, 9))
def test_any_text_reads_back(lines: list[bytes], first: int) -> None:
    data = b"\n".join(lines)
    index = index_of(data)
    assert [line.data for line in read_lines(index, first, 5)] == lines_of(data)[first : first + 5]


@given(st.binary(max_size=20_000).map(lambda d: d.replace(b"a", b"\n")), st.integers(1, 300))
def test_the_nth_break(data: bytes, number: int) -> None:
    places = [n for n, c in enumerate(data) if c == 10]
    assert nth_break(data, number) == (places[number - 1] if number <= len(places) else -1)


def test_a_file_that_grows_is_counted_on(tmp_path: Path) -> None:
    path = tmp_path / "grows"
    path.write_bytes(b"one\ntw")
    with path.open("rb", buffering=0) as content:
        index = LineIndex(Source(content))
        index.extend(1 << 30)
        assert index.lines == 2
        with path.open("ab") as out:
            out.write(b"o\nthree\n" + b"more\n" * 100_000)
        index.extend(1 << 30)
        assert index.lines == 100_003
        assert read_lines(index, 1, 2)[0].data == b"two"
        path.write_bytes(b"fresh\n")
        index.extend(1 << 30)
        assert [line.data for line in read_lines(index, 0, 9)] == [b"fresh"]


def test_the_tail_is_there_before_the_index() -> None:
    data = CONTENTS["many lines"]
    index = LineIndex(Source(io.BytesIO(data)))
    assert [line.data for line in read_tail(index, 3)] == lines_of(data)[-3:]


def hits_of(data: bytes, text: str) -> tuple[LineIndex, Hits]:
    index = index_of(data)
    hits = Hits(Needle.of(text))
    for _ in search(index, hits.needle, hits):
        pass
    return index, hits


def test_hits_across_chunk_ends_are_counted_once() -> None:
    data = b"-" * (CHUNK - 3) + b"needle" + b"-" * CHUNK + b"needle\n"
    index, hits = hits_of(data, "needle")
    assert hits.is_complete
    assert hits.total == 2
    assert find_next(index, hits, 0, forward=True) == (CHUNK - 3, 0)
    assert find_next(index, hits, CHUNK - 2, forward=True) == (2 * CHUNK + 3, 1)


def test_search_goes_round_both_ways() -> None:
    index, hits = hits_of(b"needle a needle b needle\n", "needle")
    assert find_next(index, hits, 19, forward=True) == (0, 0)
    assert find_next(index, hits, 0, forward=False) == (18, 2)
    assert find_next(index, hits, 18, forward=False) == (9, 1)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["Error", "error", "x" * 90_000, "\n"]), max_size=12), st.integers(0, 10**6))
def test_the_next_hit_is_the_next_one(parts: list[str], offset: int) -> None:
    text = "".join(parts)
    index, hits = hits_of(text.encode(), "error")
    places = [match.start() for match in re.finditer("error", text, re.IGNORECASE)]
    assert hits.total == len(places)
    later = [(place, n) for n, place in enumerate(places) if place >= offset % (len(text) + 1)]
    expected = later[0] if later else ((places[0], 0) if places else None)
    assert find_next(index, hits, offset % (len(text) + 1), forward=True) == expected


def test_capitals_count_only_when_typed() -> None:
    assert hits_of(b"Error error", "error")[1].total == 2
    assert hits_of(b"Error error", "Error")[1].total == 1


def test_binary_files_are_dumped() -> None:
    data = bytes(range(40))
    assert is_binary(data)
    index = HexIndex(Source(io.BytesIO(data)))
    index.extend(1)
    assert index.lines == 3
    lines = hex_lines(index, 1, 9)
    assert lines[0].text.startswith("0000000010  10 11 12")
    assert lines[1].text.endswith(" !\"#$%&'")
