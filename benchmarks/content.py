"""How a large text file is kept: hashing, compressing and writing it, and reading its last page back.

    python benchmarks/content.py [MEGABYTES]

Beside it, in the same run: `sha256sum` and `zstd -3 -T2` of the same file, where they are installed.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from collector.record.content import open_content
from collector.record.keep import Keeping, drop_plain, keep_files

LINE = "2026-01-20T14:32:%02d.%03dZ  INFO  [worker-%d] compiled src/module_%d/file_%d.c in %d ms (%x)\n"
PAGE = 8192


def write_log(path: Path, megabytes: int) -> int:
    """Write a build log of about so many megabytes; return its size."""
    with path.open("w") as file:
        for begin in range(0, 1 << 40, 10_000):
            lines = []
            for n in range(begin, begin + 10_000):
                values = (n % 60, n % 1000, n % 8, n % 97, n, n * 7 % 311, n * 2654435761 % (1 << 32))
                lines.append(LINE % values)
            file.write("".join(lines))
            if file.tell() >= megabytes << 20:
                break
    return path.stat().st_size


def timed(command: list[str]) -> float | None:
    """Return the wall time of a command in seconds; None where it is not installed."""
    if shutil.which(command[0]) is None:
        return None
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


def last_page(folder: str) -> float:
    """Return how long it takes to open a file and read its last page, seconds."""
    begun = time.perf_counter()
    with open_content(folder, "big.log") as content:
        content.seek(content.seek(0, os.SEEK_END) - PAGE)
        assert len(content.read(PAGE)) == PAGE
    return time.perf_counter() - begun


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "big.log")
        size = write_log(path, megabytes)
        peers = {
            "sha256sum": timed(["sha256sum", str(path)]),
            "zstd -3 -T2": timed(["zstd", "-q", "-3", "-T2", "-f", str(path), "-o", f"{folder}/peer.zst"]),
            "cat to a file": timed(["cp", str(path), f"{folder}/copy"]),
        }
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        entry = {"path": "big.log", "content_type": "text/plain", "compressed": False}
        begun = time.perf_counter()
        kept = keep_files(folder, [entry], (), Keeping())
        drop_plain(folder, kept)
        seconds = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        stored = kept[0]["stored_bytes"]
        print(f"{size / 1e6:.0f} MB of text")
        print(f"  kept (SHA-256, zstd, durable)  {seconds:6.2f} s  {size / 1e6 / seconds:5.0f} MB/s")
        for name, peer in peers.items():
            if peer is not None:
                print(
                    f"  {name:<29}  {peer:6.2f} s  {size / 1e6 / peer:5.0f} MB/s  ours {seconds / peer:.2f} x"
                )
        memory = (after - before) / 1024
        print(
            f"  stored {stored / 1e6:.1f} MB = {stored / size:.3f} of the text; peak memory +{memory:.0f} MB"
        )
        pages = sorted(last_page(folder) for _ in range(21))
        print(f"  last page: first {last_page(folder) * 1e3:.1f} ms, median {pages[10] * 1e3:.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
