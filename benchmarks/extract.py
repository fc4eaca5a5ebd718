"""Large test reports and coverage, beside peers from PyPI in the same run; round-robin, medians.

    pip install junitparser lcov_cobertura
    python benchmarks/extract.py [--rounds 3] [--megabytes 50]

Each reader is a process of its own that reads one generated file and prints what it counted; the peak memory
and the processor time are those of the process, its start included. A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

OUR_TESTS = """
import sys
from collector.extract.reports import read_test_report
with open(sys.argv[1], "rb") as file:
    totals = read_test_report(file, "x").totals
print(totals.total, totals.failed)
"""
JUNITPARSER = """
import sys
from junitparser import JUnitXml, Failure
cases = [case for suite in JUnitXml.fromfile(sys.argv[1]) for case in suite]
print(len(cases), sum(any(isinstance(one, Failure) for one in case.result) for case in cases))
"""
OUR_COVERAGE = """
import sys
from collector.extract.coverage import read_coverage
with open(sys.argv[1], "rb") as file:
    report = read_coverage(file, "x")
print(report.lines, report.lines_covered)
"""
LCOV_COBERTURA = """
import sys
from lcov_cobertura import LcovCobertura
summary = LcovCobertura(open(sys.argv[1]).read()).parse()["summary"]
print(summary["lines-total"], summary["lines-covered"])
"""
NOTHING = "import collector.model.results, xml.sax; print()"


def junit(size: int) -> Iterator[str]:
    """Suites of 100 tests; one of twenty fails with a traceback, one of ten has output."""
    trace = "\n".join(
        f"  File &quot;/project/app/part{n}.py&quot;, line {n}, in call\n    step({n})" for n in range(12)
    )
    written = number = 0
    yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n'
    while written < size:
        yield f'<testsuite name="suite{number}" tests="100" time="1.5">\n'
        for n in range(100):
            name = f"test_{n}[{n}-&lt;x&gt;]"
            head = f'<testcase classname="tests.test_{number}.TestIt" name="{name}" time="0.0{n:02}">'
            inner = f'<failure message="assert {n} == 1">{trace}</failure>' if n % 20 == 0 else ""
            inner += f"<system-out>{'line of output ' * 40}</system-out>" if n % 10 == 1 else ""
            yield f"{head}{inner}</testcase>\n"
            written += len(head) + len(inner) + 12
        yield "</testsuite>\n"
        number += 1
    yield "</testsuites>\n"


def lcov(size: int) -> Iterator[str]:
    """Files of 600 lines with 40 functions and 100 branches."""
    written = number = 0
    while written < size:
        record = [f"TN:\nSF:/project/src/module{number % 97}/file{number}.c"]
        record += [f"FN:{n * 15 + 1},function_{number}_{n}" for n in range(40)]
        record += [f"FNDA:{n % 3},function_{number}_{n}" for n in range(40)]
        record += [f"DA:{n + n // 3},{n * 7 % 5}" for n in range(1, 601)]
        record += [f"BRDA:{n * 6},0,{n % 2},{'-' if n % 3 else n}" for n in range(1, 101)]
        text = "\n".join([*record, "end_of_record\n"])
        yield text
        written += len(text)
        number += 1


def run(code: str, path: Path) -> tuple[float, int, str]:
    """Return seconds of processor time, the peak memory in KiB, and what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, path],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    printed = process.stdout.read().strip()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit("a reader failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, printed


def measure(title: str, readers: dict[str, str], path: Path, rounds: int) -> None:
    """Print each reader's median and its ratio to the first."""
    size = path.stat().st_size / 1e6
    times: dict[str, list[float]] = {name: [] for name in readers}
    memory: dict[str, int] = dict.fromkeys(readers, 0)
    counted: dict[str, str] = {}
    for _ in range(rounds):
        for name, code in readers.items():
            seconds, peak, counted[name] = run(code, path)
            times[name].append(seconds)
            memory[name] = max(memory[name], peak)
    print(f"{title}, {size:.0f} MB")
    base = next(iter(readers))
    for name, values in times.items():
        seconds = statistics.median(values)
        ratio = statistics.median(a / b for a, b in zip(values, times[base], strict=True))
        speed = f"{size / seconds:6.1f} MB/s   {ratio:5.2f} x time" if counted[name] else " " * 27
        print(f"  {name:18} {seconds:7.3f} s   {speed}   {memory[name] >> 10:5} MB   {counted[name]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=50)
    options = parser.parse_args()
    size = options.megabytes * 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for title, make, ours, peer, code in (
            ("JUnit XML", junit, OUR_TESTS, "junitparser", JUNITPARSER),
            ("lcov", lcov, OUR_COVERAGE, "lcov_cobertura", LCOV_COBERTURA),
        ):
            path = Path(folder, title)
            with path.open("w") as file:
                file.writelines(make(size))
            peers = {peer: code} if find_spec(peer) else {}
            measure(title, {"acode": ours, **peers, "(nothing)": NOTHING}, path, options.rounds)


if __name__ == "__main__":
    main()
