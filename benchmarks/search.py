"""Searching recorded output, beside `rg` and `grep` over the same files; round-robin, medians.

    python benchmarks/search.py [--gigabytes 1] [--rounds 3] [--folder DIR]

Makes runs whose output looks like logs, tests and agents' JSON, of 8 MB each and not compressed, so that all
read the same files; indexes them, and says how fast and how large the index became; then times whole
processes. With --folder a workspace is kept, or used again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from collector.store.indexer import Indexer
from collector.store.search_reader import search_statistics
from collector.store.text_indexer import TextIndexer
from collector.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
RUN_BYTES = 8_000_000
CONFIG = "runs: {artifacts: {compressText: false}}\noutput: {captureStdout: false, captureStderr: false}\n"
"""Plain files, and no time for what sealing reads out of the output."""
RARE = "Xq7-unique-needle-91"
QUERIES = {
    "rare string": (RARE, RARE),
    "common string": ("connection", "connection"),
    "regex": (r"re:/worker-1[0-9]+ failed after 9[0-9]{3} ms/", r"worker-1[0-9]+ failed after 9[0-9]{3} ms"),
    "no match": ("zebra-in-the-kitchen", "zebra-in-the-kitchen"),
}
LEVELS = ("INFO", "WARN", "DEBUG", "ERROR")


def vocabulary() -> list[str]:
    """Return some thousand words that people write: those of Python's own help, in their frequency."""
    from pydoc_data.topics import topics

    return [word for text in topics.values() for word in text.split()] + ["connection", "refused"] * 300


def phrases(draw: random.Random, words: list[str]) -> list[str]:
    """Return pieces of lines; each run has others."""
    return [" ".join(draw.choices(words, k=draw.randrange(3, 14))) for _ in range(5000)]


def log_lines(draw: random.Random, words: list[str], size: int) -> Iterator[str]:
    """Timestamps, levels, identifiers and some words, each line another."""
    written, clock = 0, 1_760_000_000_000
    said = phrases(draw, words)
    pick = draw.random
    while written < size:
        clock += int(pick() * 400)
        number = draw.getrandbits(48)
        kind, phrase = number % 10, said[int(pick() * 5000)]
        if kind < 6:
            stamp = f"2025-11-20T10:{clock // 60_000 % 60:02}:{clock // 1000 % 60:02}.{clock % 1000:03}Z"
            line = f"{stamp} {LEVELS[number % 4]} [{number:x}] {phrase}\n"
        elif kind < 8:
            test = f"tests/test_{number % 89}.py::test_{phrase[:12]!r}_{number % 997}"
            line = f"{test} PASSED [{number % 100:3}%]\n"
        elif kind == 8:
            line = f'{{"type": "assistant", "id": "{number:012x}", "text": {json.dumps(phrase)}}}\n'
        else:
            line = f"worker-{number % 300} failed after {number % 20_000} ms: {phrase}\n"
        written += len(line)
        yield line


def make(workspace: Workspace, gigabytes: float) -> None:
    """Record the runs."""
    workspace.create()
    Path(workspace.folder, "config.yml").write_text(CONFIG)
    environ = {**os.environ, "ACODE_COLLECTOR_AUTOSTART": "false", "ACODE_WORKSPACE": workspace.root}
    count = max(2, int(gigabytes * 1e9 / RUN_BYTES))
    words = vocabulary()
    for number in range(count):
        text = "".join(log_lines(random.Random(number), words, RUN_BYTES))
        if number == count // 2:
            text = text[:4_000_000] + f"\nthe {RARE} is here\n" + text[4_000_000:]
        acode = [sys.executable, "-m", "collector", "exec", "--task", "bench", "--", "cat"]
        subprocess.run(
            acode, input=text.encode(), env={**environ, "PYTHONPATH": str(ROOT)}, cwd=workspace.root,
            stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip


def seal(workspace: Workspace) -> None:
    """Seal the runs that are not yet."""
    indexer = Indexer(workspace)
    indexer.open()
    indexer.index_spool()
    indexer.seal_spool()
    indexer.close()


def index(workspace: Workspace) -> None:
    """Index all of it, and say how fast that was and how large it became."""
    begin, cpu = time.perf_counter(), time.process_time()
    indexer = TextIndexer(workspace)
    while indexer.index_waiting(60):
        pass
    indexer.close()
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    found = search_statistics(workspace)
    size = found.text_bytes
    if wall > 1:
        print(
            f"indexed {size / 1e6:,.0f} MB at {size / 1e6 / wall:.1f} MB/s ({size / 1e6 / cpu:.1f} of a core)"
        )
    print(f"index {found.index_bytes / 1e6:,.0f} MB, {found.index_bytes / size:.1%} of the text")


def commands(workspace: Workspace, ours: str, theirs: str) -> dict[str, list[str]]:
    """Return what is compared."""
    acode = shutil.which("acode", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or "acode"
    files = [
        str(path)
        for path in sorted(Path(workspace.artifacts).glob("*/stdout.txt"))
        if "latest" not in str(path)
    ]
    peers = {"acode": [acode, "--workspace", workspace.root, "search", ours, "--limit", "50"]}
    if rg := shutil.which("rg"):
        peers["rg"] = [rg, "--no-config", "-n", theirs, *files]
        peers["rg -l"] = [rg, "--no-config", "-l", theirs, *files]
    if ours == theirs:
        peers["grep -F"] = ["grep", "-nF", theirs, *files]
    return peers


def measure(command: list[str]) -> tuple[float, int]:
    """Return how long a process took, and how many lines it wrote."""
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begin, done.stdout.count(b"\n")


def compare(workspace: Workspace, rounds: int) -> None:
    """Print the medians of each query, and how many times faster ours is."""
    for name, (ours, theirs) in QUERIES.items():
        peers = commands(workspace, ours, theirs)
        times: dict[str, list[float]] = {peer: [] for peer in peers}
        lines: dict[str, int] = {}
        for _ in range(rounds):
            for peer, command in peers.items():
                seconds, lines[peer] = measure(command)
                times[peer].append(seconds)
        print(name)
        for peer, values in times.items():
            ratio = statistics.median(
                theirs / mine for theirs, mine in zip(values, times["acode"], strict=True)
            )
            print(f"  {peer:8} {statistics.median(values):8.3f} s  {ratio:7.1f} x  {lines[peer]:>9,} lines")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        workspace = Workspace(options.folder or temporary)
        if not Path(workspace.database).exists():
            make(workspace, options.gigabytes)
        seal(workspace)
        index(workspace)
        compare(workspace, options.rounds)


if __name__ == "__main__":
    main()
