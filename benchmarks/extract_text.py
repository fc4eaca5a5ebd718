"""What it costs to read an ordinary build log: lines, log entries, metrics, failures, JSON.

MB/s of processor time; the memory is what a pass over the log, read from a file, has allocated at its peak.

    python benchmarks/extract_text.py [--megabytes 50] [--rounds 3]
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator

from collector.extract.failures import FailureScanner
from collector.extract.json_blocks import find_json
from collector.extract.logs import LogScanner
from collector.extract.metrics import MetricScanner
from collector.extract.text import iter_lines

AT = "2026-01-20T14:32:15.123Z"


def build_log(size: int, coloured: bool) -> bytes:
    """Return output as a build prints it: mostly progress, some log lines, few warnings and errors."""
    on, off = ("\x1b[32m", "\x1b[0m") if coloured else ("", "")
    lines: list[str] = []
    written = number = 0
    while written < size:
        line = (
            f"[INFO] Building module {number} of the project" if number % 10 == 0
            else f"src/module{number}.c:17:5: warning: unused variable 'x'" if number % 211 == 0
            else f"2026-01-20 14:32:15,123 - build.worker - ERROR - job {number} failed" if number % 997 == 0
            else f"[METRIC] Duration: {number}ms, Memory: 256MB, CPU: 45%" if number % 5003 == 0
            else f"  {on}CC{off}      build/objects/{number % 97}/source_file_{number}.o"
            if number % 2
            else f"cc -O2 -Wall -Wextra -fPIC -Iinclude -DNDEBUG -c src/part{number % 31}/file{number}.c"
            f" -o build/objects/part{number % 31}/file{number}.o"
        )  # fmt: skip
        lines.append(line)
        written += len(line) + 1
        number += 1
    return ("\n".join(lines) + "\n").encode()


def chunks(data: bytes) -> Iterator[bytes]:
    for begin in range(0, len(data), 1 << 16):
        yield data[begin : begin + (1 << 16)]


def read_lines(data: bytes) -> object:
    return sum(1 for _ in iter_lines(chunks(data)))


def read_logs(data: bytes) -> object:
    scanner = LogScanner("stdout")
    for number, text in iter_lines(chunks(data)):
        scanner.feed(number, text, AT)
    return len(scanner.finish()), scanner.counts()


def read_metrics(data: bytes) -> object:
    metrics = MetricScanner()
    for _, text in iter_lines(chunks(data)):
        metrics.feed(text)
    return metrics.found()


def read_failures(data: bytes) -> object:
    failures = FailureScanner()
    for number, text in iter_lines(chunks(data)):
        failures.feed(number, text)
    return len(failures.finish())


def read_sealing(data: bytes) -> object:
    scanner, metrics = LogScanner("stdout"), MetricScanner()
    for number, text in iter_lines(chunks(data)):
        scanner.feed(number, text, AT)
        metrics.feed(text)
    return len(scanner.finish())


def read_all(data: bytes) -> object:
    return look_for_all(chunks(data))


def look_for_all(pieces: Iterator[bytes]) -> tuple[int, int]:
    scanner, metrics, failures = LogScanner("stdout"), MetricScanner(), FailureScanner()
    for number, text in iter_lines(pieces):
        scanner.feed(number, text, AT)
        metrics.feed(text)
        failures.feed(number, text)
    return len(scanner.finish()), len(failures.finish())


def peak_memory(data: bytes) -> float:
    """Return the megabytes that looking for everything allocates, with the log in a file."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        tracemalloc.start()
        look_for_all(iter(lambda: file.read(1 << 16), b""))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak / 1e6


def read_json(data: bytes) -> object:
    return len(find_json(chunks(data)).blocks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    readers: dict[str, Callable[[bytes], object]] = {
        "lines": read_lines,
        "lines + logs": read_logs,
        "lines + metrics": read_metrics,
        "lines + failures": read_failures,
        "lines + logs + metrics": read_sealing,
        "all of these": read_all,
        "JSON": read_json,
    }
    for coloured in (False, True):
        data = build_log(options.megabytes * 1_000_000, coloured)
        print(f"{len(data) / 1e6:.0f} MB, {data.count(10):,} lines{', coloured' if coloured else ''}")
        for name, read in readers.items():
            seconds: list[float] = []
            found: object = None
            for _ in range(options.rounds):
                begin = time.process_time()
                found = read(data)
                seconds.append(time.process_time() - begin)
            print(f"  {name:24} {len(data) / 1e6 / min(seconds):7.1f} MB/s   {found}")
        print(f"  {'peak memory of all':24} {peak_memory(data):7.1f} MB")


if __name__ == "__main__":
    main()
