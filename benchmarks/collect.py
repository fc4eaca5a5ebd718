"""Collecting what a run produced in a large working folder, and what the command notices of it.

    python benchmarks/collect.py [FILES]

A command writes FILES files (default 100,000) into a thousand folders, 300 of them logs that match. Measured:
the command's wall time with and without acode (the collector seals afterwards), the scan, the scan of a run
that changed nothing, and the memory it takes. Peer in the same run: `find -newer`, which only lists.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from collector.record.choose import Wanted
from collector.record.collect import Limits, RunPlace, collect

MAKE = """
import os, sys
files, logs = int(sys.argv[1]), 300
for folder in range(1000):
    os.makedirs(f"build/{folder // 30}/{folder}", exist_ok=True)
for n in range(files):
    name = f"{n}.log" if n % (files // logs) == 0 else f"{n}.o"
    with open(f"build/{n % 1000 // 30}/{n % 1000}/{name}", "w") as file:
        file.write("x" * 100)
"""


def seconds_of(command: list[str], folder: str) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main(files: int) -> None:
    make = [sys.executable, "-I", "-S", "-c", MAKE, str(files)]
    acode = [sys.executable, "-I", "-S", "-c", "import sys; sys.path[:0] = %r; "
             "from collector.__main__ import run; run()" % [p for p in sys.path if p]]  # fmt: skip
    with tempfile.TemporaryDirectory() as base:
        bare: list[float] = []
        recorded: list[float] = []
        for n in range(3):
            for kind, times in (("bare", bare), ("acode", recorded)):
                folder = Path(base, f"{kind}{n}")
                (folder / ".acode").mkdir(parents=True)
                command = make if kind == "bare" else [*acode, "exec", "--", *make]
                times.append(seconds_of(command, str(folder)))
        print(f"a command that writes {files} files: bare {min(bare):.2f} s, recorded {min(recorded):.2f} s "
              f"= {sorted(recorded)[1] / sorted(bare)[1]:.2f} x (medians)")  # fmt: skip
        folder = Path(base, "acode0")
        store = Path(base, "store")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for name, since in (("everything changed", 0), ("nothing changed", 1 << 62)):
            (store / name).mkdir(parents=True)
            place = RunPlace(str(store / name), "01KFDJ7J8Q9W3E5R7T9Y1V3B5N", str(store))
            begun = time.perf_counter()
            found = collect(
                place, str(folder), Wanted(since_ns=since, until_ns=1 << 63, builtin=("*.log",)), Limits()
            )
            print(f"  {name}: {len(found.artifacts)} files in {time.perf_counter() - begun:.2f} s")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"  memory: +{(peak - before) / 1024:.0f} MB, {peak / 1024:.0f} MB in all")
        peer = seconds_of(["find", "build", "-newer", ".acode", "-name", "*.log"], str(folder))
        print(f"  find -newer -name: {peer:.2f} s")
        for n in range(3):
            subprocess.run(
                [*acode, "collector", "stop"], cwd=f"{base}/acode{n}", check=False, capture_output=True
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
