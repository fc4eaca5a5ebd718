"""Lines out of recorded bytes: escapes, progress bars, overstrikes, damage, and length."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.extract.text import MAX_LINE, iter_lines


def lines(*chunks: bytes) -> list[str]:
    return [text for _, text in iter_lines(chunks)]


def test_lines_are_numbered_from_one_and_the_last_needs_no_newline() -> None:
    assert list(iter_lines([b"a\n\nb"])) == [(1, "a"), (2, ""), (3, "b")]
    assert list(iter_lines([b"a\n"])) == [(1, "a")]
    assert list(iter_lines([])) == []


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b[38:2::1:2:3mrgb\x1b[m", "rgb"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\!", "link!"),
        (b"\x1b(B\x1b)0plain\x1b=\x1b>", "plain"),
        (b"\x1b[?25lhidden\x1b[?25h", "hidden"),
        (b"\x1bP1$r0m\x1b\\after", "after"),
        (b"end\x1b[3", "end"),
        (b"open \x1b]0;never ended", "open 0;never ended"),
        (b"nul\0s and bell\x07", "nuls and bell"),
        (b"caf\xc3\xa9 \xff!", "café \ufffd!"),
        (b"windows\r", "windows"),
        (b"10%\r50%\r100% done", "100% done"),
        (b"a long text\rshort", "shortg text"),
        (b"a long text\r\x1b[Kshort", "short"),
        (b"a long text\x1b[2K\rshort", "short"),
        (b"npm\x1b[1G\x1b[0Kdone", "done"),
        (b"N\x08NA\x08AM\x08ME\x08E _\x08x", "NAME x"),
        (b"|\x08/\x08-\x08ok", "ok"),
    ],
)
def test_what_is_seen_at_last_is_what_counts(raw: bytes, seen: str) -> None:
    assert lines(raw) == [seen]
    assert lines(b"before\n" + raw + b"\nafter\n") == ["before", seen, "after"]
    assert lines(*(bytes([byte]) for byte in raw)) == [seen]


def test_crlf_is_one_line_end() -> None:
    assert lines(b"a\r\nb\r", b"\nc\r\n") == ["a", "b", "c"]


def test_a_real_progress_bar_leaves_its_last_state() -> None:
    script = (
        "import sys\nfor i in range(0, 101, 10):\n"
        "    sys.stdout.write('\\r\\x1b[K\\x1b[32m%3d%%\\x1b[0m %s' % (i, '#' * (i // 10)))\n"
        "print()\nprint('ready')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert lines(done.stdout) == ["100% ##########", "ready"]


def test_a_line_is_cut_after_64_kib_between_two_characters() -> None:
    exact, longer = b"x" * MAX_LINE, b"x" * (MAX_LINE - 1) + "é".encode() + b"more"
    assert lines(exact + b"\n" + longer + b"\nnext") == ["x" * MAX_LINE, "x" * (MAX_LINE - 1), "next"]


def test_a_progress_bar_of_megabytes_still_shows_its_end() -> None:
    bar = b"".join(b"\rstep %d of 99999" % step for step in range(100_000))
    assert lines(bar) == lines(bar + b"\r\n") == ["step 99999 of 99999"]
    assert lines(bar + b"\rdone", b"\n") == ["done 99999 of 99999"]
    assert lines(b"a long beginning\r" + b"\rx" * MAX_LINE) == ["x long beginning"]
    assert lines(b"x" * MAX_LINE, b"\ry") == ["y" + "x" * (MAX_LINE - 1)]


def test_a_gigabyte_without_a_newline_is_read_in_flat_memory() -> None:
    chunk = b"y" * (1 << 20)

    def gigabyte() -> Iterator[bytes]:
        for _ in range(1 << 10):
            yield chunk

    tracemalloc.start()
    try:
        assert [len(text) for _, text in iter_lines(gigabyte())] == [MAX_LINE]
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


NOISE = st.lists(
    st.sampled_from([
        b"text", b"\n", b"\r", b"\r\n", b"\x08", b"\0", b"\x07", b"\x1b", b"\x1b[", b"1m", b"\x1b[0m",
        b"\x1b[K", b"\x1b[1G", b"\x1b[2K", b"\x1b]0;t", b"\x1b\\", b"\xc3", b"\xa9", b"@@",
        b"\x1b(B", b"\xf0\x9f\x98",
    ])
    | st.binary(max_size=5),
    max_size=40,
).map(lambda pieces: b"".join(pieces).replace(b"@@", b"z" * 40_000))  # fmt: skip


@given(NOISE, st.lists(st.integers(0, 200_000), max_size=6))
def test_chunking_never_changes_the_lines(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(edges)]
    assert list(iter_lines(chunks)) == list(iter_lines([data]))


@given(NOISE)
def test_any_bytes_become_lines_without_escapes_or_newlines(data: bytes) -> None:
    found = list(iter_lines([data]))
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    assert all(not set(text) & set("\x1b\n\r\x08\0\x07") for _, text in found)
    assert len(found) == data.count(b"\n") + (not data.endswith(b"\n") and data != b"")
