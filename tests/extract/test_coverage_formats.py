"""Coverage as many producers write it, told apart by content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from collector.extract import coverage_json, covered_lines
from collector.extract.coverage import read_coverage
from collector.extract.lcov import read_lcov
from collector.extract.values import NotResults
from collector.model.results import CoverageReport, FileCoverage
from tests.extract.reading import FIXTURES, coverage_in, coverage_of
from tests.extract.test_hostile_results import made

VITEST = FIXTURES / "vitest"
LCOV = """TN:first
SF:src/a.c
FN:1,main
FN:9,12,twice(int, char)
FNDA:1,main
FNDA:0,twice(int, char)
FNF:2
FNH:1
BRDA:3,0,0,1
BRDA:3,0,1,-
BRDA:4,0,0,0
BRF:3
BRH:1
DA:1,5
DA:2,0,checksum==
DA:3,1
DA:4,0
DA:9,0
LF:5
LH:2
end_of_record
"""


def only_file(report: CoverageReport) -> FileCoverage:
    (file,) = report.files
    return file


@pytest.mark.parametrize(
    "name", ["lcov.info", "coverage-final.json", "coverage-summary.json", "cobertura-coverage.xml"]
)
def test_four_formats_of_vitest_say_what_it_prints(name: str) -> None:
    """Its table: 50 % of lines, 25 % of branches, 66.66 % of functions."""
    report = coverage_of(VITEST / name)
    assert (report.lines, report.lines_covered) == (6, 3)
    assert (report.branches, report.branches_covered) == (4, 1)
    assert (report.functions, report.functions_covered) == (3, 2)
    assert report.problems == ()
    summary = name == "coverage-summary.json"
    assert only_file(report).uncovered == (() if summary else ((9, 9), (13, 14)))


def test_an_lcov_record_tells_lines_branches_and_functions() -> None:
    file = only_file(coverage_in(LCOV))
    assert file == FileCoverage(
        path="src/a.c", lines=5, lines_covered=2, branches=3, branches_covered=1, functions=2,
        functions_covered=1, uncovered=((2, 2), (4, 4), (9, 9)),
    )  # fmt: skip


def test_records_of_the_same_file_are_united_and_no_line_counts_twice() -> None:
    other = LCOV.replace("DA:4,0\n", "DA:4,7\nDA:5,0\n").replace("BRDA:4,0,0,0", "BRDA:4,0,0,2")
    file = only_file(coverage_in(LCOV + other))
    assert (file.lines, file.lines_covered, file.uncovered) == (6, 3, ((2, 2), (5, 5), (9, 9)))
    assert (file.branches, file.branches_covered, file.functions) == (3, 2, 2)


def test_functions_of_lcov_2_are_read() -> None:
    new = "SF:a.c\nFNL:0,1,4\nFNA:0,0,one\nFNA:0,3,alias\nFNL:1,6\nFNA:1,0,two\nDA:1,1\nend_of_record\n"
    file = only_file(coverage_in(new))
    assert (file.functions, file.functions_covered) == (2, 1)


def test_a_record_without_lines_is_believed_in_its_sums() -> None:
    file = only_file(coverage_in("TN:\nSF:a.c\nFNF:4\nFNH:1\nLF:20\nLH:15\nend_of_record\n"))
    assert (file.lines, file.lines_covered, file.functions, file.functions_covered) == (20, 15, 4, 1)
    assert file.branches is None


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_an_lcov_file_that_is_cut_says_so(ending: str) -> None:
    whole = LCOV.replace("\n", ending)
    assert coverage_in(whole).problems == ()
    cut = coverage_in(whole[: whole.index("LF:")], "lcov.info")
    assert cut.problems == ("lcov.info: it ends within a record",)
    assert cut.lines == 5


def test_a_comment_and_a_byte_order_mark_may_come_first() -> None:
    assert coverage_in("\ufeff# made by geninfo\n\n" + LCOV).lines == 5


def test_lcov_is_the_same_in_pieces_of_any_size() -> None:
    content = (LCOV * 3 + LCOV.replace("src/a.c", "src/b.c")).encode()
    for size in (1, 2, 3, 7, 64):
        parts = (content[start : start + size] for start in range(0, len(content), size))
        assert read_lcov(parts, "coverage") == coverage_in(content)


@pytest.mark.parametrize(
    ("hits", "is_covered"),
    [("1", True), ("007", True), ("10", True), ("0", False), ("-1", False), ("=", False)],
)
def test_a_line_is_covered_if_it_was_hit_at_least_once(hits: str, is_covered: bool) -> None:
    assert coverage_in(f"SF:a\nDA:1,{hits}\nend_of_record\n").lines_covered == is_covered


def test_classes_that_share_a_file_share_its_lines() -> None:
    report = coverage_in(
        """<coverage><sources><source>/p</source></sources><packages>
        <package name="a"><classes>
        <class name="A" filename="x.cs"><methods><method name="m" signature="()"><lines>
        <line number="1" hits="1"/></lines></method></methods>
        <lines><line number="1" hits="1"/><line number="2" hits="0"/></lines></class>
        <class name="A.B" filename="x.cs"><methods/>
        <lines><line number="2" hits="3"/><line number="3" hits="0"/></lines></class></classes></package>
        <package name="b"><classes><class name="A" filename="./x.cs"><methods><method name="m" signature="()">
        <lines><line number="1" hits="0"/></lines></method></methods>
        <lines><line number="1" hits="0"/></lines></class></classes></package></packages></coverage>"""
    )
    file = only_file(report)
    assert (file.path, file.lines, file.lines_covered, file.uncovered) == ("/p/x.cs", 3, 2, ((3, 3),))
    assert (file.functions, file.functions_covered) == (1, 1)
    assert file.branches is None


def test_lines_of_methods_count_where_a_class_has_no_others() -> None:
    report = coverage_in(
        """<coverage><class name="A" filename="x.java"><methods><method name="m" signature="()V"><lines>
        <line number="4" hits="1" branch="true" condition-coverage="50% (1/2)"/></lines></method></methods>
        </class></coverage>"""
    )
    assert (report.lines, report.lines_covered, report.branches, report.branches_covered) == (1, 1, 2, 1)


@pytest.mark.parametrize(
    ("sources", "filename", "path"),
    [
        ([], "a/x.py", "a/x.py"),
        (["/p"], "a/x.py", "/p/a/x.py"),
        (["/"], "p/x.cs", "/p/x.cs"),
        (["."], "./a/x.py", "a/x.py"),
        (["/p", "/q"], "x.py", "x.py"),
        (["/p"], "/q/x.py", "/q/x.py"),
        (["C:\\p\\"], "a\\x.cs", "C:/p/a/x.cs"),
        (["C:\\p\\"], "D:\\x.cs", "D:/x.cs"),
    ],
)
def test_paths_of_cobertura_stand_below_their_source(sources: list[str], filename: str, path: str) -> None:
    told = "".join(f"<source>{source}</source>" for source in sources)
    report = coverage_in(
        f'<coverage><sources>{told}</sources><class name="A" filename="{filename}"/></coverage>'
    )
    assert only_file(report).path == path


def test_a_cobertura_file_that_is_cut_gives_what_stands_before() -> None:
    content = (VITEST / "cobertura-coverage.xml").read_text()
    report = coverage_in(content[: content.index('<line number="13"')], "c.xml")
    assert (report.lines, report.lines_covered) == (4, 3)
    assert report.problems[0].startswith("c.xml: broken XML in line ")


@pytest.mark.parametrize(
    "content",
    [
        '<coverage generated="1"><project timestamp="1"><file name="x.php"/></project></coverage>',
        "<CoverageSession/>",
        '<report name="jacoco"/>',
        '{"total": 3}',
        '{"files": {}}',
        '{"a": {"b": 1}}',
    ],
)
def test_other_formats_are_not_taken_for_coverage(content: str) -> None:
    with pytest.raises(NotResults):
        coverage_in(content)


def istanbul(**changes: Any) -> dict[str, Any]:
    place = {"start": {"line": 1, "column": 0}, "end": {"line": 1, "column": 9}}
    told = {
        "path": "/p/a.js", "statementMap": {"0": place, "1": place}, "fnMap": {}, "branchMap": {},
        "s": {"0": 0, "1": 4}, "f": {}, "b": {},
    }  # fmt: skip
    return {**told, **changes}


def test_a_line_of_istanbul_is_covered_if_one_of_its_statements_is() -> None:
    report = coverage_in(json.dumps({"/p/a.js": istanbul()}))
    assert (report.lines, report.lines_covered, report.branches, report.functions) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    "damage", [{"s": None}, {"s": {}}, {"b": {"0": 3}}, {"statementMap": {"0": {}}}, {"f": []}]
)
def test_a_damaged_file_of_a_json_report_costs_only_itself(damage: dict[str, Any]) -> None:
    report = coverage_in(json.dumps({"/p/a.js": istanbul(), "/p/b.js": istanbul(**damage)}), "c.json")
    assert [file.path for file in report.files] == ["/p/a.js"]
    assert report.problems == ("c.json: 1 files in it are not told as they should be",)


def test_json_above_the_limit_is_a_problem_and_is_not_parsed() -> None:
    def content() -> Iterator[bytes]:
        yield b'{"meta": {}, "totals": {}, "files": {"a.py": {"executed_lines": [1'
        for _ in range(coverage_json.MAX_BYTES // (1 << 20) + 1):
            yield b" " * (1 << 20)

    report = read_coverage(made(content()), "c.json")
    assert report.files == ()
    assert report.problems == ("c.json: JSON of more than 64 MB is not read",)


def test_broken_json_is_a_problem_if_it_is_coverage() -> None:
    content = (VITEST / "coverage-final.json").read_text()
    (problem,) = coverage_in(content[:-30], "c.json").problems
    assert problem.startswith("c.json: broken JSON: ")


def test_lines_beyond_any_file_are_no_lines() -> None:
    report = coverage_in(f"SF:a\nDA:0,1\nDA:1,1\nDA:{covered_lines.MAX_LINE + 1},1\nend_of_record\n")
    assert report.lines == 1


def test_many_uncovered_ranges_are_counted_and_not_all_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covered_lines, "MAX_RANGES", 3)
    lines = "".join(f"DA:{line},0\n" for line in range(1, 20, 2))
    report = coverage_in(f"SF:a\n{lines}end_of_record\nSF:b\n{lines}end_of_record\n", "l")
    assert (report.lines, report.lines_covered) == (20, 0)
    assert [len(file.uncovered) for file in report.files] == [3, 0]
    assert report.problems == ("l: more than 3 uncovered ranges, the rest is left out",)


def test_a_report_of_absurdly_many_lines_ends_early_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covered_lines, "MAX_ALL_LINES", 5_500_000)

    def content() -> Iterator[bytes]:
        for number in range(10):
            yield b"SF:f%d\nDA:%d,1\nend_of_record\n" % (number, covered_lines.MAX_LINE)

    report = read_coverage(made(content()), "l")
    assert report.lines == 5
    assert report.problems == ("l: 5 parts of it are beyond the limits and left out",)


def test_a_report_survives_its_json_form() -> None:
    report = coverage_in(LCOV)
    assert CoverageReport.from_json(json.loads(json.dumps(report.to_json()))) == report
