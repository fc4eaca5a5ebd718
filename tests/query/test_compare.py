"""Two runs compared: the lines are those that `patch` needs, and nothing is said that is not so."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.model.comparison import FileChange, LineRange, RunDifference
from collector.model.results import TestCase, TestReport, TestSuite, TestTotals
from collector.model.run import Run
from collector.query.compare import changed_tests, field_changes, outcomes
from collector.query.line_diff import changed_ranges, unified_lines

LINES = st.lists(st.sampled_from("abcdefgh"), max_size=40)
LONG = st.lists(st.integers(0, 2000), min_size=200, max_size=2000)


def apply(ranges: tuple[LineRange, ...], before: list[str], after: list[str]) -> list[str]:
    """Return what is left when each range of the one is replaced by that of the other."""
    made: list[str] = []
    at = 0
    for part in ranges:
        made += before[at : part.before] + after[part.after : part.after_end]
        at = part.before_end
    return made + before[at:]


@given(LINES, LINES)
def test_the_ranges_turn_one_side_into_the_other(before: list[str], after: list[str]) -> None:
    ranges = changed_ranges(list(map(ord, before)), list(map(ord, after)))
    assert apply(ranges, before, after) == after
    for first, second in pairwise(ranges):
        assert first.before_end <= second.before
        assert (first.before_end, first.after_end) != (second.before, second.after)
    assert (ranges == ()) == (before == after)


@given(LONG, st.data())
def test_a_change_in_a_long_file_is_found_where_it_is(before: list[int], data: st.DataObject) -> None:
    before = [value * 10_000 + place for place, value in enumerate(before)]  # every line is another one
    at = data.draw(st.integers(0, len(before) - 10))
    after = [*before[:at], -1, -2, *before[at + 3 :]]
    assert changed_ranges(before, after) == (LineRange(at, at + 3, at, at + 2),)


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
@given(LINES, LINES, st.integers(0, 4))
def test_patch_makes_the_later_file_of_the_earlier_one(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], after: list[str], context: int
) -> None:
    ranges = changed_ranges(list(map(ord, before)), list(map(ord, after)))
    lines = list(unified_lines(ranges, iter(before), iter(after), context))
    if not ranges:
        assert lines == []
        return
    file = tmp_path_factory.mktemp("patch") / "file"
    file.write_text("".join(line + "\n" for line in before))
    text = "".join(line + "\n" for line in ["--- file", "+++ file", *lines])
    command = ["patch", "--unified", "--silent", "--fuzz=0", str(file)]
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert (file.read_text() if file.exists() else "") == "".join(line + "\n" for line in after)


def test_a_gap_too_large_to_be_looked_into_is_replaced_whole_and_ends_soon() -> None:
    before = [1, 2] * 4000
    after = [2, 3] * 4000
    ranges = changed_ranges(before, after)
    assert apply(ranges, [*map(str, before)], [*map(str, after)]) == [*map(str, after)]


def test_only_what_was_asked_for_is_read() -> None:
    """Lines behind the last change and its context are never asked for."""

    def endless() -> object:
        yield from ["a", "b", "c", "d", "e"]
        raise AssertionError("read too far")

    lines = unified_lines((LineRange(1, 2, 1, 2),), endless(), iter("axcde"), 2)  # type: ignore[arg-type]
    assert list(lines) == ["@@ -1,4 +1,4 @@", " a", "-b", "+x", " c", " d"]


# Records and tests


def a_run(**values: object) -> Run:
    return Run(
        **{
            "run_id": "01A", "name": "n", "task": "t", "command": "c", "command_line": "c",
            "status": "success", "start_time": 1, "end_time": 2, **values,
        }  # type: ignore[arg-type]
    )  # fmt: skip


def test_fields_that_differ_are_named_and_identities_are_not() -> None:
    old = a_run(environment={"A": "1", "B": "x", "ACODE_RUN_ID": "1"}, summary={"tests": {"failed": 1}})
    new = a_run(
        run_id="01B", start_time=9, status="failure", environment={"A": "2", "C": "", "ACODE_RUN_ID": "2"},
        summary={"tests": {"failed": 3}, "odd": "text"}, tags={"slow": ""},
    )  # fmt: skip
    assert {(c.name, c.before, c.after) for c in field_changes(old, new)} == {
        ("status", "success", "failure"), ("environment.A", "1", "2"), ("environment.B", "x", None),
        ("environment.C", None, ""), ("tests.failed", 1, 3), ("tags.slow", None, ""),
    }  # fmt: skip
    assert field_changes(old, old) == ()


def test_how_long_it_took_makes_no_difference() -> None:
    changes = field_changes(a_run(duration_ms=1), a_run(duration_ms=2))
    assert [change.name for change in changes] == ["duration_ms"]
    assert not RunDifference("a", "b", changes).is_different
    assert not RunDifference("a", "b", changes, (), (FileChange("stdout.txt", "alike"),)).is_different
    assert RunDifference("a", "b", (), (), (FileChange("x", "binary"),)).is_different


def report(omitted: int = 0, **cases: str) -> TestReport:
    made = tuple(TestCase(name=name, outcome=outcome) for name, outcome in cases.items())
    suite = TestSuite(name="s", source="junit.xml", cases=made)
    return TestReport(totals=TestTotals(), suites=(suite,), omitted_cases=omitted)


def test_tests_that_changed_come_with_failures_first() -> None:
    old = report(a="passed", b="failed", c="passed", d="passed", e="skipped")
    new = report(a="failed", b="passed", d="error", e="skipped", f="passed")
    found = [(change.name, change.before, change.after) for change in changed_tests(old, new)]
    assert found == [
        ("d", "passed", "error"), ("a", "passed", "failed"), ("b", "failed", "passed"),
        ("f", None, "passed"), ("c", "passed", None),
    ]  # fmt: skip
    assert changed_tests(old, None) == ()


def test_a_test_that_is_only_not_listed_is_not_called_gone() -> None:
    found = changed_tests(report(a="passed", b="passed"), report(omitted=1, a="passed", c="passed"))
    assert [(change.name, change.after) for change in found] == [("c", "passed")]


def test_of_tests_with_one_name_the_worst_counts() -> None:
    cases = tuple(TestCase(name="x", outcome=outcome) for outcome in ("passed", "failed", "skipped"))
    doubled = TestReport(suites=(TestSuite(name="s", source="f", cases=cases),))
    assert outcomes(doubled) == {"x": "failed"}
