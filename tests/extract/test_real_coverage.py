"""coverage.py writes one run in three formats and prints its percentage: all must agree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from collector.extract.coverage import merge_coverage
from collector.model.results import CoverageReport, FileCoverage
from tests.extract.reading import coverage_of

pytest.importorskip("coverage")

SOURCES = {
    "app/__init__.py": "",
    "app/main.py": """
import sys
from app.shapes import area

def main(argv):
    if len(argv) > 5:
        print("many")
        return 1
    for n in range(3):
        if n > 1:
            print(area(n))
        else:
            pass
    return 0

def never():
    x = 1
    y = 2

    return x + y

class Thing:
    def used(self):
        return 1

    def unused(self):
        return 2

Thing().used()
main(sys.argv)
""",
    "app/shapes.py": """
def area(n):
    return n * n if n else 0

def excluded():  # pragma: no cover
    return 3
""",
    "app/unused.py": "a = 1\nb = 2\n",
}
FORMATS = {"json": "coverage.json", "xml": "coverage.xml", "lcov": "lcov.info"}


def run_coverage(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "coverage", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module", params=[False, True], ids=["lines", "branches"])
def reported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("project")
    for name, text in SOURCES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    branch = ["--branch"] if request.param else []
    run_coverage(folder, "run", "--source=.", *branch, "-m", "app.main")
    for command, name in FORMATS.items():
        run_coverage(folder, command, "-o", name)
    return folder, run_coverage(folder, "report", "--precision=4", "-m")


def reports(folder: Path) -> dict[str, CoverageReport]:
    return {name: coverage_of(folder / name) for name in FORMATS.values()}


def comparable(file: FileCoverage) -> tuple[object, ...]:
    return file.lines, file.lines_covered, file.branches, file.branches_covered, file.uncovered


def test_three_formats_of_a_run_say_the_same_of_every_file(reported: tuple[Path, str]) -> None:
    folder, _ = reported
    by_format = {
        name: {file.path.removeprefix(f"{folder}/"): comparable(file) for file in report.files}
        for name, report in reports(folder).items()
    }
    assert set(by_format["coverage.json"]) == set(SOURCES)
    assert by_format["coverage.json"] == by_format["coverage.xml"]
    # coverage.py writes no record of a file that has no lines
    with_lines = {path: told for path, told in by_format["coverage.json"].items() if told[0]}
    assert {path: told for path, told in by_format["lcov.info"].items() if told[0]} == with_lines


def test_percentage_is_the_one_that_is_printed(reported: tuple[Path, str]) -> None:
    folder, printed = reported
    total = re.search(r"^TOTAL.* ([\d.]+)%", printed, re.MULTILINE)
    assert total
    for report in reports(folder).values():
        covered = report.lines_covered + (report.branches_covered or 0)
        percent = 100 * covered / (report.lines + (report.branches or 0))
        assert percent == pytest.approx(float(total[1]), abs=0.0001)


def test_counts_are_those_that_are_printed(reported: tuple[Path, str]) -> None:
    folder, printed = reported
    rows = {row.split()[0]: row.split() for row in printed.splitlines() if row.startswith("app/")}
    for report in reports(folder).values():
        for file in report.files:
            row = rows[file.path.removeprefix(f"{folder}/")]
            assert [file.lines, file.lines - file.lines_covered] == [int(row[1]), int(row[2])]


def test_functions_are_counted_alike_in_json_and_lcov(reported: tuple[Path, str]) -> None:
    folder, _ = reported
    told = reports(folder)
    counts = {
        name: (told[name].functions, told[name].functions_covered) for name in ("coverage.json", "lcov.info")
    }
    assert counts["coverage.json"] == counts["lcov.info"] == (5, 3)
    assert told["coverage.xml"].functions is None


def test_three_formats_of_a_run_merge_into_one(reported: tuple[Path, str]) -> None:
    folder, _ = reported
    told = reports(folder)
    merged = merge_coverage(told.values())
    assert [comparable(file) for file in merged.files] == [
        comparable(file) for file in told["coverage.json"].files
    ]
    assert [file.path for file in merged.files] == sorted(SOURCES)
    assert (merged.lines, merged.lines_covered) == (
        told["coverage.json"].lines,
        told["coverage.json"].lines_covered,
    )
    assert merged.sources == tuple(told)
