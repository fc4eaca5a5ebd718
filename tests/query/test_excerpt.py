"""Parts of a content against the plainest way to do the same: all lines in memory, one after the other."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import InputError
from collector.query.excerpt import ALL, Excerpt, LineRange, Source, iter_shown, parse_range
from collector.record.content import open_content
from collector.record.keep import write_compressed
from collector.record.lines import MAX_LINE, count_lines, iter_blocks, iter_chunks, tail_offset, within
from collector.store.patterns import compile_regex, compile_text

TEXTS = st.lists(st.sampled_from([b"a", b"b", b"ab", b"\n", b"\n", b"\r", b"\xff", b"\x1b[1m", b"x" * 40]))
CONTENTS = TEXTS.map(b"".join)


def lines_of(data: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def pieces(data: bytes, size: int) -> Callable[[], Iterator[bytes]]:
    return lambda: (data[begin : begin + size] for begin in range(0, len(data), size))


def source(data: bytes, size: int, seekable: bool) -> Source:
    return Source(pieces(data, size), (lambda: io.BytesIO(data)) if seekable else None)


@given(
    CONTENTS, st.integers(1, 9), st.integers(-9, 9), st.one_of(st.none(), st.integers(-9, 9)), st.booleans()
)
def test_a_range_of_lines_is_what_slicing_gives(
    data: bytes, size: int, first: int, last: int | None, seekable: bool
) -> None:
    first, last = first or 1, last or None
    lines = lines_of(data)
    begin = first - 1 if first > 0 else max(0, len(lines) + first)
    end = len(lines) if last is None else last if last > 0 else max(0, len(lines) + last + 1)
    part = LineRange(first, last)
    found = b"".join(b.data for b in source(data, size, seekable).blocks(part, numbered=False))
    assert found == b"".join(lines[begin:end])
    shown = list(iter_shown(source(data, size, seekable), Excerpt(part, numbered=True)))
    assert [(s.number, s.data) for s in shown] == list(enumerate(lines, 1))[begin:end]
    assert all(data[s.offset :].startswith(s.data) for s in shown)


@given(CONTENTS, st.integers(0, 12))
def test_the_tail_begins_where_the_last_lines_do(data: bytes, count: int) -> None:
    lines = lines_of(data)
    assert data[tail_offset(io.BytesIO(data), count) :] == b"".join(
        lines[len(lines) - count :] if count < len(lines) else lines
    )


@given(
    st.lists(st.sampled_from(["a", "b", "ab", "", "ba", "b a"])), st.booleans(), st.integers(0, 3),
    st.integers(0, 3), st.sampled_from(["a", "^a", "b$", "^$", "a|b a", "[^a]b", r"\bb\b", r"\s", "(?i)A"]),
    st.integers(1, 9),
)  # fmt: skip
def test_a_pattern_finds_the_lines_that_re_finds_with_what_is_around(
    lines: list[str], ended: bool, before: int, after: int, pattern: str, size: int
) -> None:
    data = "\n".join(lines).encode() + (b"\n" if ended and lines else b"")
    whole = lines_of(data)
    hits = {n for n, line in enumerate(whole, 1) if re.search(pattern, line.decode().removesuffix("\n"))}
    near = {m for n in hits for m in range(n - before, n + after + 1) if 1 <= m <= len(whole)}
    excerpt = Excerpt(pattern=compile_regex(pattern), before=before, after=after)
    shown = list(iter_shown(source(data, size, True), excerpt))
    assert [(s.number, s.is_hit) for s in shown] == [(n, n in hits) for n in sorted(near)]
    for head in (0, 1, 3):
        first = iter_shown(source(data, size, True), Excerpt(pattern=excerpt.pattern, head=head))
        last = iter_shown(source(data, size, True), Excerpt(pattern=excerpt.pattern, tail=head))
        assert [s.number for s in first] == sorted(hits)[:head]
        assert [s.number for s in last] == sorted(hits)[max(0, len(hits) - head) :]


def test_colours_within_a_word_do_not_hide_it() -> None:
    data = b"one\n\x1b[1mer\x1b[31mror\x1b[0m: two\r\nthree\n" * 3
    shown = list(iter_shown(source(data, 7, True), Excerpt(pattern=compile_text("error: two"))))
    assert [(s.number, s.data) for s in shown] == [(n, data.split(b"\n")[1] + b"\n") for n in (2, 5, 8)]


def test_a_hit_far_within_a_long_line_is_found_and_costs_no_memory() -> None:
    data = b"short\n" + b"x" * (5 * MAX_LINE) + b"needle" + b"y" * (5 * MAX_LINE) + b"\nlast needle\n"
    shown = list(iter_shown(source(data, 50_000, False), Excerpt(pattern=compile_text("needle"))))
    assert [s.number for s in shown] == [2, 3]
    assert all(len(s.data) < 4 * MAX_LINE for s in shown)
    whole = b"".join(s.data for s in iter_shown(source(data, 50_000, False), Excerpt(numbered=True)))
    assert whole == data


def test_failures_are_found_with_what_is_around() -> None:
    quiet = b"".join(b"step %d\n" % n for n in range(1, 401))
    trace = b'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    boom()\nValueError: bad\n'
    data = quiet + trace + quiet
    shown = list(iter_shown(source(data, 1000, True), Excerpt(errors=True, before=2, after=1)))
    assert [s.number for s in shown] == [399, 400, 401, 402, 403, 404, 405]
    assert b"".join(s.data for s in shown if s.is_hit) == trace
    part = Excerpt(LineRange(403, None), errors=True)
    assert [s.number for s in iter_shown(source(data, 1000, True), part)] == [404]
    assert not list(iter_shown(source(quiet, 1000, True), Excerpt(errors=True)))


def test_the_tail_of_compressed_content_reads_its_last_frames_only(tmp_path: Path) -> None:
    line = b"a line of output that is repeated %d\n"
    data = b"".join(line % n for n in range(300_000))
    with io.BytesIO(data) as content:
        write_compressed(content, str(tmp_path / "big.txt.zst"), 0o644)
    with open_content(str(tmp_path), "big.txt") as content:
        offset = tail_offset(content, 3)
        assert data[offset:] == b"".join(line % n for n in range(299_997, 300_000))
    path = tmp_path / "big.txt.zst"
    damaged = bytearray(path.read_bytes())
    damaged[100:2000] = bytes(1900)  # whoever reads the beginning fails
    path.write_bytes(damaged)
    with open_content(str(tmp_path), "big.txt") as content:
        assert b"".join(iter_chunks(content, tail_offset(content, 3))) == data[offset:]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120:180", (120, 180)), ("120:", (120, None)), (":50", (1, 50)), ("-20:", (-20, None)),
        ("7", (7, 7)),
        ("-1", (-1, -1)), (":", (1, None)), ("3:-2", (3, -2)), ("-5:-2", (-5, -2)), ("-5:2", (-5, 2)),
    ],
)  # fmt: skip
def test_ranges_are_understood(text: str, expected: LineRange) -> None:
    assert parse_range(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a:b", "5:3", "-2:-5", "0:3", "1:0", "1:2:3", "1-2", "9" * 40, "²:", "+1:", "1.5:", "--1:", "1,5"],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_range(text)


@given(CONTENTS, st.integers(1, 9))
def test_blocks_are_the_content_and_count_its_lines(data: bytes, size: int) -> None:
    blocks = list(iter_blocks(pieces(data, size)()))
    assert b"".join(block.data for block in blocks) == data
    assert count_lines(pieces(data, size)()) == len(lines_of(data))
    assert list(within(blocks, *ALL)) == blocks
