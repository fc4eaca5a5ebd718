"""Big and busy streams through `acode exec`, beside `tee`, `script` and `ts`; one run, round-robin, medians.

    python benchmarks/streams.py [--acode PATH] [--rounds 5] [--megabytes 512] [--lines 1000000]

Everything is written to a file in one folder; the wall time is that of the command, the memory the largest
process of the pipeline. `unlimited` keeps every byte, the default keeps 10 MB of each stream.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

PRODUCER = """
#include <unistd.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    long n = atol(argv[1]);
    char line[80];
    for (long i = 0; i < n; i++) {
        int length = snprintf(line, sizeof line,
                              "%010ld the quick brown fox jumps over the lazy dog and on\\n", i);
        if (write(1 + (argc > 2 && i % 2), line, length) != length) return 1;
    }
    return 0;
}
"""


def run(command: str, folder: str, environ: dict[str, str]) -> tuple[float, int]:
    """Return wall seconds and the peak memory of the largest process, in KiB."""
    begin = time.perf_counter()
    start = "" if "|" in command else "exec "
    pid = os.posix_spawnp("sh", ["sh", "-c", f"cd {folder}; {start}{command}"], environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"failed: {command}")
    return time.perf_counter() - begin, usage.ru_maxrss


def measure(commands: dict[str, str], rounds: int, folder: str, environ: dict[str, str]) -> None:
    """Print each command's median, then its ratio to the first."""
    walls: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, int] = dict.fromkeys(commands, 0)
    for _ in range(rounds):
        for name, command in commands.items():
            wall, peak = run(command, folder, environ)
            walls[name].append(wall)
            memory[name] = max(memory[name], peak)
    base = next(iter(commands))
    for name, values in walls.items():
        ratio = statistics.median(a / b for a, b in zip(values, walls[base], strict=True))
        print(f"  {name:28} {statistics.median(values):7.3f} s   {ratio:5.2f} x   {memory[name] >> 10:4} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--acode", default=shutil.which("acode") or "acode")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--lines", type=int, default=1_000_000)
    options = parser.parse_args()
    acode = f"{options.acode} exec --"
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "ACODE_WORKSPACE": folder, "ACODE_COLLECTOR_AUTOSTART": "false"}
        unlimited = f"env ACODE_RUNS_ARTIFACTS_MAX_SIZE_PER_ARTIFACT=0 {acode}"
        source = Path(folder, "lines.c")
        source.write_text(PRODUCER)
        subprocess.run(["cc", "-O2", "-o", f"{folder}/lines", source], check=True)
        with Path(folder, "big").open("wb") as big:
            subprocess.run([f"{folder}/lines", str(options.megabytes * 17000)], stdout=big, check=True)
        print(f"{Path(folder, 'big').stat().st_size >> 20} MB, until the command exits")
        measure(
            {
                "cat | tee": "cat big | tee copy > /dev/null",
                "acode exec": f"{acode} cat big > /dev/null",
                "acode exec, unlimited": f"{unlimited} cat big > /dev/null",
                **({"script": "script -qec 'cat big' copy > /dev/null"} if shutil.which("script") else {}),
            },
            options.rounds, folder, environ,
        )  # fmt: skip
        print(f"{options.lines} lines written one by one")
        lines = f"./lines {options.lines}"
        measure(
            {
                "to a file": f"{lines} > copy",
                "acode exec, one stream": f"{unlimited} {lines} > copy",
                "acode exec, two streams": f"{unlimited} {lines} two > copy 2> copy2",
                "acode exec, two to one file": f"{unlimited} {lines} two > copy 2>&1",
                **({"| ts": f"{lines} | ts > copy"} if shutil.which("ts") else {}),
            },
            options.rounds, folder, environ,
        )  # fmt: skip


if __name__ == "__main__":
    main()
