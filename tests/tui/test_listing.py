"""Lines that open and close, against the simplest thing that could do the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acode_tui.render.ansi import Styled
from acode_tui.window.coverage import CoverageListing
from acode_tui.window.entries import EntryListing, batch_of
from acode_tui.window.json_tree import Broken, JsonListing, parse_json
from acode_tui.window.listing import MAX_OPENED, Branch, Listing, Path
from acode_tui.window.tests import TestListing
from collector import LogEntry, TestCase, TestReport, TestSuite
from tests.tui.reports import CASES, COVERAGE, ENTRIES, VALUE, as_bytes, report_of


class Tree(Listing):
    """Every line has as many below it as its last digit says, three deep."""

    def has_below(self, path: Path) -> bool:
        return len(path) < 4 and path[-1] % 4 > 0

    def below(self, path: Path) -> Branch | None:
        return Branch(path[-1] % 4) if self.has_below(path) else None

    def line(self, path: Path, width: int) -> Styled:
        return Styled(str(path))


def all_rows(tree: Tree, opened: set[Path], path: Path = (), count: int = 8) -> list[Path]:
    rows: list[Path] = []
    for index in range(count):
        rows.append((*path, index))
        if rows[-1] in opened:
            rows += all_rows(tree, opened, (*path, index), index % 4)
    return rows


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=40))
def test_rows_are_those_of_a_tree_that_is_walked(steps: list[tuple[int, bool]]) -> None:
    tree, opened = Tree(8), set[Path]()
    for row, is_opening in steps:
        path = tree.path(row % tree.total)
        if is_opening and tree.has_below(path):
            tree.open(path)
            opened.add(path)
        elif not is_opening:
            tree.close(path)
            opened = {one for one in opened if one[: len(path)] != path}
        rows = all_rows(tree, opened)
        assert tree.total == len(rows)
        assert [tree.path(row) for row in range(tree.total)] == rows
        assert [tree.row(path) for path in rows] == list(range(len(rows)))


def test_everything_below_a_line_opens_at_once_and_closes() -> None:
    tree = Tree(8)
    assert tree.open_all((3,))
    assert [tree.path(row) for row in range(3, 13)] == [
        (3,), (3, 0), (3, 1), (3, 1, 0), (3, 2), (3, 2, 0), (3, 2, 1), (3, 2, 1, 0), (4,), (5,),
    ]  # fmt: skip
    tree.close((3,))
    assert tree.total == 8


def test_opening_everything_stops_where_a_key_would_have_to_wait() -> None:
    listing = JsonListing(parse_json(as_bytes([[1, 2, 3]] * 20_000).decode()), 0)
    assert not listing.open_all((0,))
    assert 20_000 < listing.total <= 20_000 + MAX_OPENED + 1


# Tests


def shown(listing: Listing, width: int = 80) -> list[str]:
    return [listing.line(listing.path(row), width).text for row in range(listing.total)]


def names(listing: TestListing) -> list[str]:
    return [listing.value(listing.path(row)) for row in range(listing.total)]


def test_one_suite_with_everything_is_divided_by_its_classes_and_failures_come_first() -> None:
    listing = TestListing(report_of(*CASES))
    assert names(listing) == [
        "tests.test_cart", "test_discount", "test_total", "test_テスト🎉",
        "tests.test_db", "test_postgres", "test_sqlite", "test_skip",
    ]  # fmt: skip
    assert listing.first == (0, 0)
    assert list(listing.failures()) == [(0, 0), (1, 0)]


def test_suites_that_name_a_class_for_every_test_are_not_divided() -> None:
    cases = [TestCase(name=f"n{n}", outcome="passed", class_name=f"does thing {n}") for n in range(9)]
    assert [suite.name for suite in TestListing(report_of(*cases)).suites] == ["pytest"]


def test_suites_without_failures_are_closed_below_those_with() -> None:
    cases = {n: TestCase(name="t", outcome="failed" if n == 7 else "passed") for n in range(10)}
    suites = tuple(TestSuite(name=f"s{n}", source="x", cases=(cases[n],) * 9) for n in range(10))
    listing = TestListing(TestReport(suites=suites))
    assert names(listing)[0] == "s7"
    assert listing.total == 10 + 9


def test_narrowing_and_sorting_keep_what_is_open_and_the_cursor_on_its_test() -> None:
    listing = TestListing(report_of(*CASES))
    listing.open((1, 0))
    details = listing.total
    row = listing.rearrange(listing.narrow, listing.row((1, 0)))
    assert [name for name in names(listing) if name.startswith("test")][:4] == [
        "tests.test_cart", "test_discount", "tests.test_db", "test_postgres",
    ]  # fmt: skip
    assert listing.value(listing.path(row)) == "test_postgres"
    assert listing.is_open((1, 0))
    listing.rearrange(listing.narrow, row)
    assert listing.total == details
    row = listing.rearrange(listing.sort, listing.row((1, 0)))
    assert names(listing)[0] == "tests.test_db"
    assert listing.value((0, 0)) == "test_sqlite"
    assert listing.value(listing.path(row)) == "test_postgres"


def test_what_is_known_of_a_test_is_below_it_and_breaks_where_the_screen_ends() -> None:
    listing = TestListing(report_of(*CASES))
    listing.open((0, 0))
    text = "\n".join(shown(listing))
    for part in ("AssertionError: assert 90 == 81", "at src/cart.py:42", "E       assert 90 == 81", "adding"):
        assert part in text
    wide = listing.total
    assert listing.set_width(30, 1) == 1
    assert listing.total > wide


def test_problems_and_omitted_tests_are_lines_of_their_own() -> None:
    listing = TestListing(report_of(*CASES, problems=("a.xml: not well-formed",), omitted_cases=1200))
    assert [line.strip() for line in shown(listing)[-2:]] == [
        "! a.xml: not well-formed", "! 1,200 more tests are counted, but not listed",
    ]  # fmt: skip
    listing.rearrange(listing.sort, listing.total - 1)


def test_a_search_finds_names_and_messages_in_the_order_of_the_lines() -> None:
    listing = TestListing(report_of(*CASES))
    assert listing.search()("refused", True) == [(1, 0)]
    assert listing.search()("TEST_total", False) == []
    assert listing.search()("test_cart", True) == [(0,), (0, 0), (0, 1), (0, 2)]


# Coverage, log entries


def test_the_worst_file_comes_first_or_they_are_sorted_by_path() -> None:
    listing = CoverageListing(COVERAGE)
    assert [listing.value((n,)) for n in range(4)] == [
        "src/db.py",
        "src/cart.py",
        "src/util.py",
        "src/done.py",
    ]
    listing.rearrange(listing.sort, 0)
    assert [listing.value((n,)) for n in range(4)] == [
        "src/cart.py",
        "src/db.py",
        "src/done.py",
        "src/util.py",
    ]
    listing.rearrange(listing.narrow, 0)
    assert [listing.value((n,)) for n in range(listing.total)] == ["src/cart.py", "src/db.py", "src/util.py"]


def test_levels_narrow_the_entries_and_the_cursor_stays() -> None:
    listing = EntryListing()
    listing.add(batch_of(ENTRIES, 0))
    row, seen = 1, []
    for _level in range(4):
        seen.append((listing.total, listing.value(listing.path(row))))
        row = listing.rearrange(listing.narrow, row)
    assert seen == [(4, "the database is gone"), (3, "the database is gone"), (2, "the database is gone"),
                    (1, "the database is gone")]  # fmt: skip
    assert listing.total == 4
    assert [listing.failures()[n] for n in range(len(listing.failures()))] == [(1,)]


@given(st.lists(st.sampled_from(["debug", "info", "warn", "error", "loud"]), max_size=60), st.integers(0, 3))
def test_entries_that_come_in_batches_are_those_that_come_at_once(levels: list[str], times: int) -> None:
    entries = [
        LogEntry(level=level, message=str(n), stream="stdout", line=n) for n, level in enumerate(levels)
    ]
    at_once, in_parts = EntryListing(), EntryListing()
    at_once.add(batch_of(entries, 0))
    for _ in range(times):
        at_once.narrow()
        in_parts.narrow()
    for start in range(0, len(entries), 7):
        in_parts.add(batch_of(entries[start : start + 7], start))
    assert shown(at_once) == shown(in_parts)
    assert at_once.counts == in_parts.counts


# JSON


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=4), inside, max_size=4),
    max_leaves=30,
)


@settings(deadline=None)
@given(json_values)
def test_copying_a_value_gives_json_that_means_the_same(value: object) -> None:
    import json

    text = json.dumps(value)
    copied = JsonListing(parse_json(text), len(text)).value((0,))
    if isinstance(value, str):
        assert copied == value
    else:
        assert json.loads(copied) == value
        assert copied == json.dumps(value, indent=2, ensure_ascii=False)


@settings(deadline=None)
@given(json_values)
def test_every_value_is_a_line_once_everything_is_open(value: object) -> None:
    import json

    def count(one: object) -> int:
        inside = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        if isinstance(one, str) and (len(one) > 60 or "\n" in one):
            return 1 + 1
        return 1 + sum(count(part) for part in inside)

    listing = JsonListing(parse_json(json.dumps(value)), 0)
    listing.width = 200
    assert listing.open_all((0,))
    assert listing.total >= count(value)
    for row in range(listing.total):
        assert listing.line(listing.path(row), 60).text.startswith(" ")


def test_the_path_of_a_value_is_that_of_jq() -> None:
    listing = JsonListing(parse_json(as_bytes(VALUE).decode()), 0)
    assert [listing.where(path) for path in ((0,), (0, 1, 3, 1), (0, 2, 0))] == [
        ".", ".items[3].price", '."odd key".deep',
    ]  # fmt: skip
    assert JsonListing(parse_json("[[1]]"), 0).where((0, 0, 0)) == ".[0][0]"


def test_numbers_keep_their_digits_and_pairs_their_order_and_their_number() -> None:
    listing = JsonListing(parse_json('{"b": 1.10, "a": 1e400, "b": 12345678901234567890123}'), 0)
    assert [line.strip() for line in shown(listing)[1:]] == [
        "b: 1.10",
        "a: 1e400",
        "b: 12345678901234567890123",
    ]


def test_a_search_finds_keys_and_values_in_the_order_of_the_file() -> None:
    listing = JsonListing(parse_json('{"one": {"two": "three"}, "list": [3, "TWO", null, true]}'), 0)
    assert listing.search()("two", True) == [(0, 0, 0), (0, 1, 1)]
    assert listing.search()("TWO", False) == [(0, 1, 1)]
    assert listing.search()("null", True) == [(0, 1, 2)]
    assert listing.reveal((0, 1, 2)) == 6


def test_a_long_text_opens_into_its_lines() -> None:
    listing = JsonListing(parse_json(as_bytes({"log": "first\nsecond " + "x" * 100}).decode()), 0)
    listing.open((0, 0))
    text = shown(listing)
    assert text[2].strip() == "first"
    assert text[3].strip().startswith("second xxx")


def test_broken_json_says_where_it_breaks() -> None:
    for text, where, line in (
        ('{\n "a": 1,\n "b": }\n', "line 3, column 7", 3),
        ("", "line 1, column 1", 1),
        ("[" * 100_000, "nested too deeply", 0),
    ):
        with pytest.raises(Broken, match=where) as caught:
            parse_json(text)
        assert caught.value.line == line
