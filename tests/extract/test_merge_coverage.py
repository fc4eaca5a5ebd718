"""Several coverage reports of one run as one."""

from __future__ import annotations

from collector.extract.coverage import merge_coverage
from collector.model.results import CoverageReport
from tests.extract.reading import FIXTURES, coverage_in, coverage_of


def lcov(path: str, hits: dict[int, int], source: str = "lcov.info") -> CoverageReport:
    lines = "".join(f"DA:{line},{count}\n" for line, count in hits.items())
    return coverage_in(f"SF:{path}\n{lines}end_of_record\n", source)


def test_shards_of_a_run_unite_their_lines() -> None:
    merged = merge_coverage(
        [lcov("a.py", {1: 1, 2: 0, 3: 0, 4: 0}, "one"), lcov("a.py", {1: 1, 2: 0, 3: 5, 4: 0}, "two")]
    )
    (file,) = merged.files
    assert (file.lines, file.lines_covered, file.uncovered) == (4, 2, ((2, 2), (4, 4)))
    assert merged.sources == ("one", "two")


def test_all_formats_of_a_run_count_every_file_once() -> None:
    names = ["lcov.info", "coverage-final.json", "coverage-summary.json", "cobertura-coverage.xml"]
    reports = [coverage_of(FIXTURES / "vitest" / name) for name in names]
    for order in (reports, reports[::-1], reports[1:] + reports[:1]):
        merged = merge_coverage(order)
        assert [file.path for file in merged.files] == ["src/calc.js"]
        assert (merged.lines, merged.lines_covered, merged.branches, merged.functions) == (6, 3, 4, 3)


def test_files_of_the_same_name_in_two_folders_stay_two() -> None:
    absolute = merge_coverage([lcov("/p/a/x.py", {1: 1}), lcov("/p/b/x.py", {1: 0})])
    merged = merge_coverage([absolute, lcov("x.py", {1: 1})])
    assert len(merged.files) == 3


def test_a_file_of_another_length_is_not_taken_for_the_same() -> None:
    merged = merge_coverage([lcov("/p/x.py", {1: 1}), lcov("x.py", {1: 1, 2: 1})])
    assert len(merged.files) == 2


def test_where_reports_do_not_agree_on_the_lines_the_fuller_one_is_taken() -> None:
    merged = merge_coverage([lcov("x.py", {1: 1, 2: 0}), lcov("x.py", {1: 0, 2: 0, 3: 0})])
    (file,) = merged.files
    assert (file.lines, file.lines_covered) == (3, 0)


def test_what_only_one_report_measures_is_kept() -> None:
    with_functions = coverage_in("SF:x.py\nFN:1,f\nFNDA:1,f\nDA:1,1\nend_of_record\n")
    merged = merge_coverage([lcov("x.py", {1: 1}), with_functions, lcov("y.py", {1: 0})])
    assert (merged.functions, merged.functions_covered, merged.branches) == (1, 1, None)


def test_merging_is_the_same_twice_and_of_nothing_is_nothing() -> None:
    merged = merge_coverage([lcov("b.py", {1: 1, 3: 0}), lcov("a.py", {1: 1})])
    assert merge_coverage([merged, merged]).files == merged.files
    assert merge_coverage([]) == CoverageReport()


def test_a_file_is_not_two_others_at_once() -> None:
    merged = merge_coverage(
        [lcov("x.py", {1: 1}), merge_coverage([lcov("/p/a/x.py", {1: 1}), lcov("/p/b/x.py", {1: 0})])]
    )
    assert len(merged.files) == 3


def test_relative_paths_of_which_one_is_the_end_of_the_other_stay_two() -> None:
    assert len(merge_coverage([lcov("x.py", {1: 1}), lcov("a/x.py", {1: 1})]).files) == 2
