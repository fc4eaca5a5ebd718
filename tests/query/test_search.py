"""Searching against a reader of our own that goes through the same files line by line."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.errors import InputError
from collector.query import search_jobs
from collector.query.language import parse_query
from collector.query.line_matches import MAX_SHOWN_BYTES
from collector.query.search import Hit, Hits, Search
from collector.record.content import open_content
from collector.store import open_stores, search_reader, text_indexer
from collector.store.indexer import Indexer
from collector.store.patterns import Pattern, compile_regex, compile_text
from collector.store.text_blocks import BLOCK_BYTES, OVERLAP_BYTES
from collector.store.text_indexer import TextIndexer
from tests.conftest import Acode

WORDS = [
    "alpha",
    "beta",
    "Gamma",
    "delta",
    "é",
    "日本語",
    "connection",
    "refused",
    "x",
    "--",
    "\t",
    '"',
    "\r",
]

Found = set[tuple[str, str, int]]


def lines(seed: int, count: int) -> bytes:
    draw = random.Random(seed)
    return b"".join(
        " ".join(draw.choices(WORDS, k=draw.randrange(12))).encode() + f" {draw.randrange(5000)}\n".encode()
        for _ in range(count)
    )


def texts() -> Iterator[bytes]:
    """Small and large, regular and not; what decides is where blocks end."""
    yield b""
    yield b"needle"
    yield b"\n\n needle\n"
    yield b"first\r\nneedle here\r\nlast\r\n"
    yield b"bytes \xff\xfe needle \xc3(\x80\n" + bytes(range(1, 256)) * 3 + b"\nneedle\n"
    yield b"before\0needle\0after\nnee\0dle\n"
    for seed in range(12):
        yield lines(seed, 40 + seed)
    for seed in range(4):
        yield lines(100 + seed, 4_000)
    for shift in (-7, -6, -1, 0, 1, 6):
        yield b"." * (BLOCK_BYTES + shift - 7) + b"\nneedle at the border of a block\n" + lines(3, 5)
        yield (
            b"-" * (BLOCK_BYTES + shift - 3) + b"needle in a giant line" + b"-" * BLOCK_BYTES + b"\nneedle\n"
        )
    yield b"#" * (BLOCK_BYTES - OVERLAP_BYTES) + b"needle where a piece begins" + b"#" * BLOCK_BYTES
    yield b"wide " + b"=" * (3 * BLOCK_BYTES - OVERLAP_BYTES - 3) + b"needle" + b"=" * 200_000
    yield lines(7, 2000) + b"the very last needle"


@pytest.fixture(scope="module")
def acode(tmp_path_factory: pytest.TempPathFactory) -> Acode:
    """A run for each text, its second stream another one; all of it sealed and indexed."""
    acode = Acode(tmp_path_factory.mktemp("search"))
    Path(acode.workspace.folder).mkdir()
    everything = list(texts())
    for number, data in enumerate(everything):
        (acode.root / f"{number}.txt").write_bytes(data)
        acode.run(
            "exec", "--task", f"t{number}", "--tag", "odd" if number % 2 else "even", "--",
            "sh", "-c", f"cat {number}.txt; cat {(number + 5) % len(everything)}.txt >&2",
        )  # fmt: skip
    indexer = Indexer(acode.workspace)
    indexer.open()
    indexer.index_spool()
    indexer.seal_spool()
    indexer.close()
    return acode


@pytest.fixture(scope="module")
def indexed(acode: Acode) -> Acode:
    indexer = TextIndexer(acode.workspace)
    assert not indexer.index_waiting(60)
    indexer.close()
    return acode


def search(acode: Acode, pattern: Pattern, query: str = "", **options: int) -> list[Hit]:
    runs, _ = open_stores(acode.workspace)
    try:
        hits = Hits(acode.workspace, runs, Search(pattern=pattern, query=parse_query(query, 0), **options))
        found = list(hits)
        assert (hits.stopped, hits.unreadable) == (False, 0)
        return found
    finally:
        runs.close()


def contents(acode: Acode) -> dict[bytes, set[tuple[str, str]]]:
    """Return every different content, and which files have it."""
    found: dict[bytes, set[tuple[str, str]]] = defaultdict(set)
    for folder in acode.folders():
        for name in ("stdout.txt", "stderr.txt"):
            with open_content(str(folder), name) as content:
                found[content.read()].add((folder.name, name))
    return found


def expected(acode: Acode, expression: str, ignore_case: bool) -> list[tuple[set[tuple[str, str]], int, int]]:
    """Return files that share a content, and line and column of each of its matches."""
    compiled = re.compile(expression.encode(), re.IGNORECASE if ignore_case else 0)
    found = []
    for data, files in contents(acode).items():
        rows = data.split(b"\n")
        if not rows[-1]:
            rows.pop()
        for number, row in enumerate(rows, 1):
            match = compiled.search(row)
            if match:
                found.append((files, number, match.start() + 1))
    return found


def assert_same(hits: list[Hit], wanted: list[tuple[set[tuple[str, str]], int, int]]) -> None:
    left = {(*file, *place): files for files, *place in wanted for file in files}
    for hit in hits:
        files = left[hit.run.name, hit.path, hit.line, hit.column]
        assert hit.other_runs == len({name for name, _ in files}) - 1
        for file in files:
            del left[*file, hit.line, hit.column]
    assert left == {}


PLAIN = ["needle", "NEEDLE", "connection refused", "x", "é", "語 日", '"', "4999", "nothing like it",
         "y last n", "--", "a\"' OR 1", "AND", "NEAR(", "*", "needle\x00after", "  ", "Gamma"]  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("ignore_case", [False, True])
def test_every_line_with_a_text_is_found_once_and_no_other(
    indexed: Acode, text: str, ignore_case: bool
) -> None:
    hits = search(indexed, compile_text(text, ignore_case))
    assert_same(hits, expected(indexed, re.escape(text), ignore_case))


REGEXES = ["need.e", "^needle", "needle$", "alpha.*4[0-9]+$", "(?:alpha|beta) 12", "[0-9]{4}$", "^$", "x*",
           "Gamma|delta 7", "n[^d]*dle", "connection\\s+refused", "(a+)+$", "a{3}", "\\bbeta\\b"]  # fmt: skip


@pytest.mark.parametrize("expression", REGEXES)
def test_every_line_with_a_match_is_found_once_and_no_other(indexed: Acode, expression: str) -> None:
    assert_same(search(indexed, compile_regex(expression)), expected(indexed, expression, False))


def test_the_newest_run_comes_first_and_lines_in_order(indexed: Acode) -> None:
    hits = search(indexed, compile_text("needle"))
    order = [(-hit.run.start_time, -hit.run.seq, hit.path == "stderr.txt", hit.line) for hit in hits]
    assert order == sorted(order)


def test_a_filter_chooses_the_run_and_counts_others_that_fit(indexed: Acode) -> None:
    hits = search(indexed, compile_text("needle"), "tag:odd")
    wanted = [
        ({(name, path) for name, path in files if int(name[1:].partition("-")[0]) % 2}, line, column)
        for files, line, column in expected(indexed, "needle", False)
    ]
    assert_same(hits, [w for w in wanted if w[0]])


@pytest.mark.parametrize("count", [1, 3, 200])
def test_context_is_the_lines_around(indexed: Acode, count: int) -> None:
    by_file = {file: data for data, files in contents(indexed).items() for file in files}
    hits = search(indexed, compile_text("needle"), before=count, after=count)
    for hit in hits:
        rows = by_file[hit.run.name, hit.path].split(b"\n")
        if not rows[-1]:
            rows.pop()
        shown = [row.decode("utf-8", "replace").removesuffix("\r")[:4096] for row in rows]
        assert hit.before == tuple(shown[max(0, hit.line - 1 - count) : hit.line - 1])
        assert hit.after == tuple(shown[hit.line : hit.line + count])


def test_what_is_shown_of_a_line_has_the_match_in_it(indexed: Acode) -> None:
    for hit in search(indexed, compile_text("needle")):
        assert hit.text[hit.start : hit.end] == "needle"
        assert len(hit.text) <= MAX_SHOWN_BYTES


def test_at_most_so_many_lines_of_a_file(indexed: Acode) -> None:
    found = Counter((hit.run.name, hit.path) for hit in search(indexed, compile_text("x"), max_count=3))
    assert max(found.values()) == 3
    assert set(found) == {(hit.run.name, hit.path) for hit in search(indexed, compile_text("x"))}


def places(hits: list[Hit]) -> list[tuple[str, str, int, int, int]]:
    return [(hit.run.name, hit.path, hit.line, hit.column, hit.other_runs) for hit in hits]


@pytest.mark.parametrize("text", ["needle", "connection refused", "4999", "giant", "zz"])
@pytest.mark.parametrize("query", ["", "tag:even"])
def test_the_way_through_the_runs_finds_the_same(
    indexed: Acode, text: str, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = places(search(indexed, compile_text(text), query))
    monkeypatch.setattr(search_reader, "_FEW", 0)
    monkeypatch.setattr(search_jobs, "_PAGE", 7)
    assert places(search(indexed, compile_text(text), query)) == straight


@pytest.mark.parametrize("budget", [0.0, 0.05, 60.0])
@pytest.mark.parametrize("waiting", [0, 2000])
def test_what_is_not_indexed_is_found_all_the_same(
    indexed: Acode, budget: float, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = places(search(indexed, compile_text("needle")))
    path = Path(indexed.workspace.search_database)
    aside = path.rename(path.with_name("aside"))
    try:
        assert places(search(indexed, compile_text("needle"))) == straight
        monkeypatch.setattr(text_indexer, "_ENOUGH_WAITING", 5)
        monkeypatch.setattr(search_reader, "MANY_PENDING", waiting)
        indexer = TextIndexer(indexed.workspace)
        indexer.index_waiting(budget)
        indexer.close()
        assert places(search(indexed, compile_text("needle"))) == straight
    finally:
        aside.rename(path)


def test_a_search_without_any_run_finds_nothing(tmp_path: Path) -> None:
    acode = Acode(tmp_path)
    acode.workspace.create()
    acode.exec("true")
    Indexer(acode.workspace).open()
    assert search(acode, compile_text("x")) == []


def test_time_that_is_up_stops_a_search_and_says_so(indexed: Acode) -> None:
    runs, _ = open_stores(indexed.workspace)
    hits = Hits(indexed.workspace, runs, Search(pattern=compile_regex("x*"), timeout_seconds=1e-9))
    assert list(hits) == []
    assert hits.stopped
    runs.close()


@pytest.mark.parametrize("expression", ["(", "a{1001}", "(?<=x)y", "\\1"])
def test_what_is_no_regular_expression_is_said(expression: str) -> None:
    with pytest.raises(InputError, match="ACODE-RUN-018"):
        compile_regex(expression)
