"""Both streams as one, compared with what the collector's own reader says."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from acode_tui.document import Interleaved, LineIndex, Source, find_error, is_error, read_lines
from acode_tui.source.open import open_interleaved
from collector import iter_output
from collector.record.output_index import HEADER, encode

Pieces = list[tuple[int, bytes]]


def write(folder: Path, pieces: Pieces, rest: tuple[bytes, bytes] = (b"", b""), torn: bytes = b"") -> None:
    for stream, name in ((1, "stdout.txt"), (2, "stderr.txt")):
        data = b"".join(data for s, data in pieces if s == stream) + rest[stream - 1]
        (folder / name).write_bytes(data)
    entries = b"".join(encode(n * 1000, s, len(data)) for n, (s, data) in enumerate(pieces))
    (folder / "output.idx").write_bytes(HEADER + entries + torn)


def pieces_of(seed: int, count: int) -> Pieces:
    chance = random.Random(seed)
    return [
        (chance.choice((1, 1, 2)), bytes(chance.choices(b"ab\n", k=chance.choice((0, 1, 7, 200)))))
        for _ in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 5, 511, 512, 513, 3000])
@pytest.mark.parametrize("torn", [b"", b"\x80\x80"])
def test_any_part_is_what_the_collector_reads(tmp_path: Path, count: int, torn: bytes) -> None:
    write(tmp_path, pieces_of(count, count), (b"rest of stdout\n", b"rest of stderr\n"), torn)
    whole = b"".join(data for _at, _stream, data in iter_output(str(tmp_path)))
    source = open_interleaved(str(tmp_path), grows=False)
    assert source.size() == len(whole)
    chance = random.Random(1)
    for _ in range(200):
        low, length = chance.randrange(len(whole) + 1), chance.choice((0, 1, 30, 4000, 10**6))
        assert source.read(low, length) == whole[low : low + length]
    source.close()
    with pytest.raises(ValueError, match="let go"):
        source.size()


def test_streams_cut_short_show_what_there_is(tmp_path: Path) -> None:
    write(tmp_path, [(1, b"one\n"), (2, b"two\n"), (1, b"three\n"), (2, b"four\n")])
    (tmp_path / "stdout.txt").write_bytes(b"one\nth")
    source = open_interleaved(str(tmp_path), grows=False)
    assert source.read(0, 99) == b"".join(d for _a, _s, d in iter_output(str(tmp_path)))
    source.close()


def test_while_a_run_goes_on_only_what_has_its_place_is_shown(tmp_path: Path) -> None:
    write(tmp_path, [(1, b"one\n"), (2, b"two\n")], (b"unknown\n", b""))
    source = open_interleaved(str(tmp_path), grows=True)
    assert source.read(0, 99) == b"one\ntwo\n"
    with (tmp_path / "output.idx").open("ab") as index:
        index.write(encode(5, 1, 8) + encode(5, 2, 5))
    assert source.read(0, 99) == b"one\ntwo\nunknown\n"
    with (tmp_path / "stderr.txt").open("ab") as stream:
        stream.write(b"late\n")
    lines = LineIndex(source)
    lines.extend(10**6)
    assert [line.data for line in read_lines(lines, 0, 9)] == [b"one", b"two", b"unknown", b"late"]
    source.close()


def test_a_missing_stream_is_an_empty_one(tmp_path: Path) -> None:
    write(tmp_path, [(1, b"one\n"), (2, b"two\n")])
    (tmp_path / "stderr.txt").unlink()
    index = Source((tmp_path / "output.idx").open("rb"))
    source = Interleaved((Source((tmp_path / "stdout.txt").open("rb")), None), index, is_complete=True)
    assert source.read(0, 99) == b"one\n"
    source.close()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ERROR in module", True), ("FAILED tests/a.py", True), ("Traceback (most recent call last):", True),
        ("ValueError: no", True), ("error: unknown", True), ("✗ adds up", True), ("0 errors", False),
        ("all is well", False), ("INFO ok", False), ("terror: none", False),
    ],
)  # fmt: skip
def test_a_line_that_tells_of_a_failure_is_known(line: str, expected: bool) -> None:
    assert is_error(line) is expected


def test_errors_are_found_in_both_directions_and_across_chunks(tmp_path: Path) -> None:
    wanted = [3, 4000, 4001, 20_000, 39_999]
    lines = [b"ERROR here" if n in wanted else b"a line of thirty characters ..." for n in range(40_000)]
    (tmp_path / "stdout.txt").write_bytes(b"\n".join(lines))
    (tmp_path / "output.idx").write_bytes(HEADER)
    index = LineIndex(open_interleaved(str(tmp_path), grows=False))
    index.extend(1 << 40)

    def walk(line: int, forward: bool) -> list[int]:
        found: list[int] = []
        while (places := [p for p in find_error(index, line, forward) if p is not None]) and len(found) < 9:
            line = places[0]
            found.append(line)
        return found

    assert walk(-1, forward=True) == wanted
    assert walk(40_000, forward=False) == wanted[::-1]
    index.source.close()
