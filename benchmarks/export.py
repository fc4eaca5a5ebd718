"""Bundles beside what others do with the same files, in one run: pack, check, unpack.

    python -m benchmarks.export [--megabytes 1000] [--files 5000] [--rounds 1]

The files are logs of different lengths, five for each run, kept as the recorder leaves them: plain below
64 KB, compressed above. `zip`, `tar` and `cp` get the plain files. Times are medians of the rounds; where
others work on the same machine, processor time says more than wall time. Peak memory is of one process.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from collector.clock import format_iso
from collector.ids import new_ulid, run_name
from collector.record.keep import Keeping, keep_files
from collector.record.run_json import made_entry
from collector.store.indexer import reindex
from collector.workspace import Workspace

PROJECT = Path(__file__).resolve().parent.parent
START = f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}; from collector.__main__ import run; run()"
ACODE = [sys.executable, "-I", "-S", "-c", START]
PER_RUN = 5
LEVELS = ("DEBUG", "INFO", "INFO", "INFO", "WARNING", "ERROR")


class Taken(NamedTuple):
    """How long something took, wall and processors' time in seconds, and its peak memory in MB."""

    seconds: float
    busy: float
    megabytes: float


def log_text(size: int, seed: int) -> bytes:
    """Return a build log of about a size, none like another."""
    choose = random.Random(seed)
    words = [f"{choose.choice('abcdefgh')}{choose.randrange(10**5)}" for _ in range(400)]
    lines = []
    length = 0
    while length < size:
        line = (
            f"2026-01-20T14:{choose.randrange(60):02}:{choose.randrange(60):02}.{choose.randrange(1000):03}Z "
            f"{choose.choice(LEVELS)} [worker-{choose.randrange(8)}] {choose.choice(words)} "
            f"{choose.choice(words)} took {choose.randrange(10**4)} ms id={choose.randrange(10**9):x}\n"
        )
        lines.append(line)
        length += len(line)
    return "".join(lines).encode()


def make_workspace(root: Path, plain: Path, megabytes: int, files: int) -> Workspace:
    """Fill a workspace with runs, and a folder with the same files as they were."""
    workspace = Workspace(str(root))
    workspace.create()
    size = megabytes * 1_000_000 // files
    base = log_text(8 * size, 0)
    choose = random.Random(1)
    for number in range(files // PER_RUN):
        make_run(workspace, plain, number, [_file(base, size, choose) for _ in range(PER_RUN)])
    reindex(workspace)
    return workspace


def _file(base: bytes, size: int, choose: random.Random) -> bytes:
    """Return a part of a long log, of a length of its own, with a first line of its own."""
    length = int(size * choose.uniform(0.2, 1.8))
    begin = choose.randrange(len(base) - length)
    return b"# %x\n" % choose.getrandbits(64) + base[begin : begin + length]


def make_run(workspace: Workspace, plain: Path, number: int, contents: list[bytes]) -> None:
    ms = 1_768_900_000_000 + number * 1000
    name, run_id = run_name("bench", ms), new_ulid(ms)
    folder = Path(workspace.artifacts, name)
    folder.mkdir()
    entries: list[dict[str, Any]] = []
    for index, data in enumerate(contents):
        path = f"log{index}.txt"
        (folder / path).write_bytes(data)
        entries.append(dict(made_entry(str(folder), run_id, "log", path, "text/plain")))
    (plain / name).mkdir(parents=True)
    for index, data in enumerate(contents):
        (plain / name / f"log{index}.txt").write_bytes(data)
    kept = keep_files(str(folder), entries, {entry["path"] for entry in entries}, Keeping())
    for entry in kept:
        if entry["compressed"]:
            (folder / entry["path"]).unlink()
    record = {
        "schema_version": 1, "run_id": run_id, "name": name, "task": "bench", "command": "make",
        "arguments": [], "command_line": "make", "status": "success", "exit_code": 0,
        "start_time": format_iso(ms), "end_time": format_iso(ms + 1000), "duration_ms": 1000,
        "artifacts": kept, "provenance": {"files": "none"},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record))


def run(argv: list[str], cwd: Path, stdout: Any = subprocess.DEVNULL) -> Taken:
    """Run a command that must succeed."""
    environ = {**os.environ, "ACODE_COLLECTOR_AUTOSTART": "false"}
    begin = time.perf_counter()
    process = subprocess.Popen(argv, cwd=cwd, env=environ, stdout=stdout)
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{argv[:6]} failed")
    return Taken(taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def steps(folder: Path, root: Path) -> dict[str, tuple[Callable[[], list[str]], str]]:
    """Return what is measured by name: what makes the command, and what it leaves, to be removed first."""
    export = [*ACODE, "--workspace", str(root), "runs", "export", "--all", "--yes", "--force", "-o"]

    def shell(line: str) -> Callable[[], list[str]]:
        return lambda: ["sh", "-c", line]

    def fresh() -> list[str]:
        (folder / "imported").mkdir()
        return [*ACODE, "--workspace", str(folder / "imported"), "runs", "import", str(folder / "acode.zip")]

    return {
        "zip -1 -r": (shell("zip -q -1 -r peer.zip plain"), "peer.zip"),
        "tar | zstd": (shell("tar cf - plain | zstd -q -T2 > peer.tar.zst"), "peer.tar.zst"),
        "cp -r": (shell("cp -r plain copied"), "copied"),
        "export": (lambda: [*export, str(folder / "acode.zip"), "--no-redact"], "acode.zip"),
        "export, level 0": (
            lambda: [*export, str(folder / "stored.zip"), "--no-redact", "--compression-level", "0"],
            "stored.zip",
        ),
        "export, redacted": (lambda: [*export, str(folder / "masked.zip")], "masked.zip"),
        "sha256sum": (shell("find plain -type f -print0 | xargs -0 sha256sum > sums"), "sums"),
        "verify": (lambda: [*ACODE, "runs", "verify", str(folder / "acode.zip")], ""),
        "unzip": (shell("unzip -q peer.zip -d unzipped"), "unzipped"),
        "unzip, durable": (shell("unzip -q peer.zip -d unzipped2 && sync -f unzipped2"), "unzipped2"),
        "import": (fresh, "imported"),
    }  # fmt: skip


def measure(folder: Path, root: Path, rounds: int) -> dict[str, list[Taken]]:
    """Take every step in turn, so many times."""
    taken: dict[str, list[Taken]] = {}
    for _ in range(rounds):
        for name, (command, left) in steps(folder, root).items():
            if left:
                shutil.rmtree(folder / left, ignore_errors=True)
                (folder / left).unlink(missing_ok=True)
            taken.setdefault(name, []).append(run(command(), folder))
    return taken


RATIOS = (
    ("export", "zip -1 -r", 0.2), ("export", "tar | zstd", None), ("export, level 0", "cp -r", 1.0),
    ("export, redacted", "zip -1 -r", None), ("verify", "sha256sum", 1.3), ("import", "unzip", 1.3),
    ("import", "unzip, durable", 1.3),
)  # fmt: skip


def report(folder: Path, taken: dict[str, list[Taken]], content: int) -> None:
    seconds = {name: statistics.median(one.seconds for one in times) for name, times in taken.items()}
    busy = {name: statistics.median(one.busy for one in times) for name, times in taken.items()}
    for name, times in taken.items():
        peak = max(one.megabytes for one in times)
        rate = content / seconds[name] / 1e6
        print(
            f"{name:18} {seconds[name]:7.2f} s {rate:6.0f} MB/s {busy[name]:7.2f} s busy  peak {peak:4.0f} MB"
        )
    print()
    for name, peer, goal in RATIOS:
        ratio, work = seconds[name] / seconds[peer], busy[name] / busy[peer]
        wanted = f" (goal <= {goal})" if goal else ""
        print(f"{name} / {peer}: {ratio:.2f}{wanted}, processors {work:.2f}")
    sizes = {name: (folder / name).stat().st_size / 1e6 for name in ("acode.zip", "peer.zip", "peer.tar.zst")}
    print("sizes: " + ", ".join(f"{name} {size:.0f} MB" for name, size in sizes.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "workspace"
        root.mkdir()
        make_workspace(root, folder / "plain", options.megabytes, options.files)
        content = sum(path.stat().st_size for path in (folder / "plain").rglob("*.txt"))
        print(f"{options.files} files, {content / 1e6:.0f} MB, load {os.getloadavg()[0]:.1f}")
        report(folder, measure(folder, root, options.rounds), content)


if __name__ == "__main__":
    main()
