"""Compressed artifacts in the inspector: the same lines, hits and order as of plain ones."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from acode_tui.document import CHUNK, Hits, LineIndex, Needle, find_next, read_lines, read_tail, search
from acode_tui.document.hexdump import HexIndex, hex_lines
from acode_tui.source.open import Unreadable, open_interleaved, open_path
from collector import iter_output
from collector.record.keep import Keeping, drop_plain, keep_files
from collector.record.output_index import HEADER, encode
from tests.tui.conftest import Recorded, inspecting, screen_text, until
from tests.tui.test_run_screen import open_run, type_line

LINES = [b"line %d of the output %d" % (n, n * n % 9973) for n in range(90_000)]
CONTENT = b"\n".join(LINES) + b"\n"


def compress(folder: Path, *names: str) -> None:
    plain = [{"path": name, "content_type": "text/plain", "compressed": False} for name in names]
    entries = keep_files(str(folder), plain, (), Keeping(min_bytes=1))
    drop_plain(str(folder), entries)
    assert all(entry["compressed"] for entry in entries)
    assert not any((folder / name).exists() for name in names)


@pytest.fixture
def index(tmp_path: Path) -> LineIndex:
    (tmp_path / "a").write_bytes(CONTENT)
    compress(tmp_path, "a")
    return LineIndex(open_path(str(tmp_path / "a")))


def test_its_end_is_there_before_it_was_counted(index: LineIndex) -> None:
    assert [line.data for line in read_tail(index, 3)] == LINES[-3:]
    index.source.close()


def test_its_lines_are_counted_and_read_from_anywhere(index: LineIndex) -> None:
    while not index.extend(CHUNK):
        pass
    assert index.lines == len(LINES)
    for first in random.Random(1).sample(range(len(LINES)), 60):
        assert [line.data for line in read_lines(index, first, 7)] == LINES[first : first + 7]
    index.source.close()


def test_hits_in_it_are_counted_and_found(index: LineIndex) -> None:
    hits = Hits(Needle.of("output 77"))
    for _ in search(index, hits.needle, hits):
        pass
    assert hits.total == CONTENT.count(b"output 77")
    assert find_next(index, hits, 2_000_000, forward=True) == (
        CONTENT.index(b"output 77", 2_000_000), CONTENT.count(b"output 77", 0, 2_000_000),
    )  # fmt: skip
    index.source.close()


def test_a_dump_of_it_is_that_of_its_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(range(64)) * 100)
    compress(tmp_path, "a")
    index = HexIndex(open_path(str(tmp_path / "a")))
    index.extend(1)
    assert index.lines == 400
    assert hex_lines(index, 399, 2)[0].text.startswith("00000018f0  30 31 32")
    index.source.close()


@pytest.mark.parametrize("names", [("stdout.txt",), ("stderr.txt",), ("stdout.txt", "stderr.txt")])
def test_both_streams_are_in_their_order_whichever_is_compressed(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    chance = random.Random(3)
    pieces = [(chance.choice((1, 2)), chance.choice(LINES) + b"\n") for _ in range(3000)]
    for stream, name in ((1, "stdout.txt"), (2, "stderr.txt")):
        (tmp_path / name).write_bytes(
            b"".join(data for s, data in pieces if s == stream) + b"rest %d" % stream
        )
    entries = b"".join(encode(n, s, len(data)) for n, (s, data) in enumerate(pieces))
    (tmp_path / "output.idx").write_bytes(HEADER + entries)
    compress(tmp_path, *names)
    expected = b"".join(data for _, data in pieces) + b"rest 1rest 2"
    assert b"".join(data for _, _, data in iter_output(str(tmp_path))) == expected
    source = open_interleaved(str(tmp_path), grows=False)
    assert source.size() == len(expected)
    for _ in range(60):
        low = chance.randrange(len(expected))
        assert source.read(low, 5000) == expected[low : low + 5000]
    source.close()


def test_a_damaged_stream_is_unreadable_and_not_empty(tmp_path: Path) -> None:
    for name in ("stdout.txt", "stderr.txt"):
        (tmp_path / name).write_bytes(CONTENT)
    (tmp_path / "output.idx").write_bytes(HEADER)
    compress(tmp_path, "stderr.txt")
    (tmp_path / "stderr.txt.zst").write_bytes(b"damaged")
    with pytest.raises(Unreadable, match="damaged"):
        open_interleaved(str(tmp_path), grows=False)


async def test_a_compressed_output_is_shown_from_its_start_to_its_end(recorded: Recorded) -> None:
    run = recorded.add("make all", {"stdout.txt": CONTENT})
    compress(recorded.file(run, ""), "stdout.txt")
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await until(pilot, lambda: "line 1 of the output" in screen_text(pilot))
        assert "90,000 lines" in screen_text(pilot)
        await pilot.press("G")
        await until(pilot, lambda: "line 89999 of the output" in screen_text(pilot))
        await type_line(pilot, "slash", "line 4321 of")
        await until(pilot, lambda: "line 4321 of the output" in screen_text(pilot))


async def test_a_damaged_output_is_one_line(recorded: Recorded) -> None:
    run = recorded.add("make all", {"stdout.txt": CONTENT})
    compress(recorded.file(run, ""), "stdout.txt")
    stored = recorded.file(run, "stdout.txt.zst")
    stored.write_bytes(stored.read_bytes()[:-4])
    async with inspecting(recorded) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "stdout.txt is damaged" in screen_text(pilot))
