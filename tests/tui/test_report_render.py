from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acode_tui.render.ansi import Styled
from acode_tui.render.coverage import bar, percent_ink, percent_text, ranges_text
from acode_tui.render.entries import entry_details, entry_line, local_time
from acode_tui.render.found import found_note, found_spans, left_out_text, metrics_text, outcome_cell
from acode_tui.render.json_rows import path_text, value_line
from acode_tui.render.lines import at_ends, in_lines
from acode_tui.render.outcomes import (
    case_details,
    case_line,
    place_text,
    suite_line,
    time_taken,
    totals_spans,
)
from acode_tui.render.rows import cells, columns_for, row_spans
from acode_tui.render.summary import header_lines, summary_lines
from acode_tui.render.unsafe import UNSAFE
from acode_tui.render.why import failed_case_lines, why_block
from acode_tui.window.coverage import CoverageListing
from collector import FileCoverage, Location, LogEntry, Run, TestCase, TestTotals
from tests.tui.reports import CASES, COVERAGE, ENTRIES, SUMMARY
from tests.tui.test_render import HOSTILE


def run(**values: Any) -> Run:
    known: dict[str, Any] = {
        "run_id": "r", "name": "n", "task": "t", "command": "pytest", "command_line": "pytest",
        "status": "failure", "start_time": 0, "end_time": 1, "exit_code": 1, **values,
    }  # fmt: skip
    return Run(**known)


def texts(lines: list[Styled]) -> list[str]:
    return [line.text for line in lines]


# Tests


@pytest.mark.parametrize(
    ("case", "mark"),
    [(CASES[0], "✓"), (CASES[2], "✗"), (CASES[3], "~"), (CASES[4], "○"), (CASES[5], "!"),
     (TestCase(name="x", outcome="odd"), "·")],
)  # fmt: skip
def test_every_outcome_has_a_mark_of_its_own(case: TestCase, mark: str) -> None:
    assert case_line(case, None, 60).text.split()[0] == mark


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0.2, "<1ms"), (0, "0ms"), (12, "12ms"), (1234.5, "1.2s"), (None, ""), ("x", ""), (float("inf"), ""),
     (float("nan"), ""), (True, ""), (-1, "")],
)  # fmt: skip
def test_times_of_tests(ms: object, text: str) -> None:
    assert time_taken(ms) == text


def test_totals_tell_failures_first() -> None:
    totals = TestTotals(total=340, passed=336, failed=2, errors=1, skipped=1, flaky=1)
    assert [text for text, _ in totals_spans(totals)] == [
        "3 of 340 failed",
        "336 passed",
        "1 skipped",
        "1 flaky",
    ]
    assert [text for text, _ in totals_spans(TestTotals(total=1, passed=1))] == ["1 test", "1 passed"]


def test_a_place_is_file_and_line() -> None:
    assert place_text(Location("a.py", 3)) == "a.py:3"
    assert place_text(Location("a.py")) == "a.py"
    assert place_text(None) == ""


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_lines_are_as_wide_as_the_screen_whatever_stands_in_them(width: int) -> None:
    wide = TestCase(name="テスト🎉" * 30, outcome="failed", message="説明" * 90, duration_ms=5)
    entry = LogEntry(level="error", message="日本語" * 90, stream="stdout", line=123456)
    lines = [
        case_line(wide, False, width), suite_line("スイート" * 40, (9, 3), 12, True, width),
        entry_line(entry, None, width), value_line("鍵" * 50, "値" * 90, 3, None, width),
        CoverageListing(COVERAGE).line((0,), width),
    ]  # fmt: skip
    assert [cells(line.text) for line in lines] == [width] * len(lines)


@pytest.mark.parametrize("width", [30, 60, 100])
def test_hostile_values_are_harmless_in_every_line(width: int) -> None:
    case = TestCase(
        name=HOSTILE, outcome=HOSTILE, class_name=HOSTILE, message=HOSTILE, details=HOSTILE, output=HOSTILE,
        location=Location(HOSTILE, 1),
    )  # fmt: skip
    entry = LogEntry(
        level=HOSTILE, message=HOSTILE, stream=HOSTILE, line=1, timestamp=HOSTILE, context={HOSTILE: HOSTILE}
    )
    lines = [
        case_line(case, True, width), *case_details(case, width), *failed_case_lines([case]),
        entry_line(entry, True, width), *entry_details(entry, width),
        value_line(HOSTILE, HOSTILE, 1, None, width),
        value_line(HOSTILE, ((HOSTILE, HOSTILE),), 1, False, width),
    ]  # fmt: skip
    for line in lines:
        assert not UNSAFE.search(line.text), line


@given(st.text(), st.integers(1, 50))
def test_any_text_breaks_into_harmless_lines_that_fit(text: str, width: int) -> None:
    for line in in_lines(text, width, 100):
        assert not UNSAFE.search(line.text)
        assert cells(line.text) <= max(8, width) or line.text.endswith("more lines")
        for start, end, _ink in line.spans:
            assert 0 <= start < end <= len(line.text)


def test_a_text_says_how_many_lines_are_left_out() -> None:
    assert texts(in_lines("a\nb\nc\nd", 20, 2)) == ["a", "b", "… 2 more lines"]


def test_what_is_at_the_right_stays_when_the_left_is_cut() -> None:
    assert at_ends([("abcdef", "text")], [("xy", "faint")], 6).text == "abc…xy"
    assert at_ends([("a", "text")], [("xy", "faint")], 6).text == "a   xy"


# Coverage


@pytest.mark.parametrize(
    ("percent", "text", "ink"),
    [
        (100.0, "100%", "success"),
        (99.99, "99.9%", "success"),
        (81.2, "81.2%", "timeout"),
        (0, "0.0%", "failure"),
    ],
)
def test_a_hundred_percent_means_that_nothing_is_missing(percent: float, text: str, ink: str) -> None:
    assert percent_text(percent) == text
    assert percent_ink(percent) == ink


def test_bars_are_finer_than_a_cell() -> None:
    assert [bar(percent, 4) for percent in (0, 50, 62.5, 100, 250)] == [
        "    ",
        "██  ",
        "██▌ ",
        "████",
        "████",
    ]


def test_ranges_are_written_as_people_do() -> None:
    assert ranges_text(((3, 3), (10, 19))) == "3, 10-19"


def test_a_long_path_keeps_its_end() -> None:
    report = type(COVERAGE)(files=(FileCoverage(path="very/" * 30 + "end.py", lines=1, lines_covered=0),))
    assert "end.py" in CoverageListing(report).line((0,), 60).text


# Log entries, JSON


def test_times_of_entries_are_of_the_readers_own_zone() -> None:
    assert local_time("2026-01-20T12:00:01.250Z", 12) == "12:00:01.250"
    assert local_time("2026-01-20T12:00:01.250+02:00", 8) == "10:00:01"
    for odd in (None, "", "noon", 5, "9999-12-31T23:59:59-23:59"):
        assert local_time(odd, 8) in ("", "23:59:59", "23:58:59")


def test_levels_have_their_inks() -> None:
    inks = []
    for entry in ENTRIES:
        line = entry_line(entry, None, 80)
        inks += [ink for low, high, ink in line.spans if line.text[low:high].strip() == entry.level]
    assert inks == ["running", "failure", "timeout", "faint"]


def test_paths_are_those_of_jq() -> None:
    assert path_text(()) == "."
    assert path_text(("a", 0, "b c", "d")) == '.a[0]."b c".d'
    assert path_text((1, "x")) == ".[1].x"


def test_a_closed_container_shows_how_many_and_the_first_of_them() -> None:
    line = value_line("k", (("a", 1), ("b", [1, 2])), 1, False, 60).text
    assert line.strip() == "▸ k: {…} 2 keys  a: 1, b: […]"


# What was found


def test_what_was_found_in_a_few_words() -> None:
    assert [text for text, _ in found_spans(SUMMARY)] == [
        "2 of 6 tests failed", "1 flaky", "coverage 81.2%", "1 error logged", "1 warning logged",
    ]  # fmt: skip
    assert [text for text, _ in found_spans({"tests": {"total": 3, "passed": 3}})] == ["3 tests passed"]
    assert found_spans({}) == []
    assert outcome_cell(SUMMARY) == ("2/6", "failure")
    assert outcome_cell({"tests": {"total": 340}}) == ("340", "success")
    assert [found_note(SUMMARY, view) for view in ("tests", "coverage", "logs", "json")] == [
        "2 failed", "81.2%", "4", "",
    ]  # fmt: skip


_NAMES = st.sampled_from(["total", "failed", "line_percent", "error", "x"])
_PARTS = st.recursive(
    st.none() | st.floats() | st.text(), lambda inside: st.lists(inside) | st.dictionaries(_NAMES, inside)
)


@given(st.dictionaries(st.sampled_from(["tests", "coverage", "logs"]), _PARTS))
def test_any_summary_is_taken(summary: dict[str, Any]) -> None:
    found_spans(summary)
    outcome_cell(summary)
    for view in ("tests", "coverage", "logs"):
        found_note(summary, view)


def test_metrics_and_what_was_left_out_are_facts() -> None:
    metrics = {"duration_ms": 45_000, "cpu_percent": 45, "memory_mb": 256.5, "tokens_used": 3500}
    assert metrics_text(metrics) == "45s, 45% cpu, 256.5 MB memory, 3.5k tokens"
    one = run(metrics=metrics, skipped=({"path": "core", "reason": "larger than 10 MB"},), summary=SUMMARY)
    assert left_out_text(one) == "1 file: core (larger than 10 MB)"
    for lines in (
        texts(summary_lines(one, 100, 0, 20)),
        ["".join(text for text, _ in line) for line in header_lines(one, 200, 0, compact=False)],
    ):
        text = "\n".join(lines)
        assert "2 of 6 tests failed · 1 flaky · coverage 81.2%" in text
        assert "says 45s, 45% cpu" in text
        assert "not collected 1 file: core" in text


def test_the_table_has_a_column_for_tests_where_there_is_room() -> None:
    assert "tests" not in [column.name for column in columns_for(123)]
    columns = columns_for(124)
    assert "tests" in [column.name for column in columns]
    assert ("   1       2/6  ", "failure") in row_spans(run(summary=SUMMARY), columns, 0)


def test_why_has_a_line_above_it_and_never_more_room_than_it_is_given() -> None:
    lines = failed_case_lines(case for case in CASES if case.is_failed)
    assert texts(lines) == [
        "✗ test_discount  src/cart.py:42", "  AssertionError: assert 90 == 81",
        "! test_postgres  src/db.py", "  ConnectionRefusedError: refused",
    ]  # fmt: skip
    for most in range(10):
        assert len(why_block(lines, 60, most)) <= most
    assert texts(why_block(lines * 9, 60, 6))[-1] == "… 32 more lines"
    assert why_block([], 60, 10) == []
    assert all(cells(line.text) <= 20 for line in why_block(lines, 20, 9)[1:])
