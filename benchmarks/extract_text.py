"""Looking through output: lines, log entries and metrics, in megabytes a second.

    python benchmarks/extract_text.py [MEGABYTES]

Over a generated build log of which one line in fifty is a log entry, and over the same log as JSON log
entries. Beside it, in the same run: `grep -ciE 'error|warn'`, which only counts.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from collector.extract.failures import FailureScanner
from collector.extract.logs import LogScanner
from collector.extract.metrics import MetricScanner
from collector.extract.text import iter_lines

KINDS = {
    "lines": (),
    "+ logs": ("logs",),
    "+ metrics": ("metrics",),
    "all with failures": ("logs", "metrics", "why"),
}


def build_log(megabytes: int, as_json: bool) -> Iterator[bytes]:
    """Yield a log in pieces of about a megabyte."""
    number = 0
    for _ in range(megabytes):
        lines, size = [], 0
        while size < 1 << 20:
            number += 1
            place = f"src/module_{number % 89}/CMakeFiles/file_{number}.c"
            text = f"[{number % 997:4d}/997] Building C object {place}.o"
            if number % 50 == 0:
                text = f"2026-01-20 14:32:{number % 60:02d},123 WARNING unused variable 'x' in {place}"
            if as_json:
                text = json.dumps({"level": 30, "time": 1768919535000 + number, "msg": text, "pid": 7})
            lines.append(text)
            size += len(text) + 1
        yield ("\n".join(lines) + "\n").encode()


def scan(path: Path, what: tuple[str, ...]) -> float:
    """Return how long one pass takes, seconds."""
    scanners = [LogScanner("stdout", False).feed] if "logs" in what else []
    metrics = MetricScanner() if "metrics" in what else None
    failures = FailureScanner("stdout") if "why" in what else None
    begun = time.perf_counter()
    with path.open("rb") as file:
        for number, text in iter_lines(iter(lambda: file.read(1 << 20), b"")):
            for feed in scanners:
                feed(number, text)
            if metrics is not None:
                metrics.feed(text)
            if failures is not None:
                failures.feed(number, text)
    return time.perf_counter() - begun


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for as_json in (False, True):
            path = Path(folder, "log")
            with path.open("wb") as file:
                for piece in build_log(megabytes, as_json):
                    file.write(piece)
            print(f"{megabytes} MB of {'JSON log lines' if as_json else 'build log'}")
            for name, what in KINDS.items():
                seconds = min(scan(path, what) for _ in range(2))
                print(f"  {name:<18} {megabytes / seconds:6.1f} MB/s")
            begun = time.perf_counter()
            subprocess.run(["grep", "-ciE", "error|warn", path], check=False, capture_output=True)
            print(f"  {'grep -ciE':<18} {megabytes / (time.perf_counter() - begun):6.1f} MB/s")
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
