"""How fast the inspector is: start, keys, memory, a 1 GB file, following; in a real pseudo terminal.

    python benchmarks/tui.py [--million DIR] [--only start,peers,keys,…] [--rounds 5]

The peer is the smallest Textual application there is, measured in the same run. Workspaces are made in a
temporary folder and removed; `--million` names one to keep and use again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.generate_runs import BATCH, make_runs
from benchmarks.pty_app import FRAME_END, PtyApp, median, percentile
from collector import Artifact, LogEntry, Run, TestCase, TestReport, TestSuite, Workspace
from collector.ids import new_ulid
from collector.model.results import total_of
from collector.store.database import open_writer
from collector.store.runs import SqliteRunStore

REPOSITORY = Path(__file__).resolve().parent.parent
_MINIMAL = """
from textual.app import App
from textual.widgets import Static

class Minimal(App):
    def compose(self):
        yield Static("minimal-is-there")

Minimal().run()
"""
_GIGABYTE = 1 << 30


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--million", help="a workspace with a million runs; made when it is not there")
    parser.add_argument("--only", default="start,peers,keys,file,follow,views,live,idle")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bytes", type=int, default=_GIGABYTE)
    options = parser.parse_args()
    wanted = options.only.split(",")
    with tempfile.TemporaryDirectory(prefix="acode-bench-") as folder:
        base = Path(folder)
        million = Path(options.million) if options.million else base / "million"
        parts: dict[str, Callable[[], None]] = {
            "start": lambda: bench_start(fill(million, 1_000_000), base, options.rounds),
            "peers": lambda: bench_peers(base, options.rounds),
            "keys": lambda: bench_keys(fill(base / "thousand", 1_000), fill(million, 1_000_000)),
            "file": lambda: bench_file(base / "big", options.bytes),
            "follow": lambda: bench_follow(base / "follow"),
            "views": lambda: bench_views(base / "views"),
            "live": lambda: bench_live(fill(base / "live", 1_000)),
            "idle": lambda: bench_idle(fill(base / "idle", 1_000)),
        }
        for name, part in parts.items():
            if name in wanted:
                part()


def say(what: str, value: str) -> None:
    """Print one figure."""
    print(f"{what:<58} {value}", flush=True)


def fill(folder: Path, count: int) -> Path:
    """Make a workspace with so many runs, unless it is there."""
    workspace = Workspace(str(folder))
    if not Path(workspace.database).exists():
        folder.mkdir(parents=True, exist_ok=True)
        workspace.create()
        store = SqliteRunStore(open_writer(workspace.database))
        batch: list[Run] = []
        for run in make_runs(count, int(time.time() * 1000), random.Random(7)):
            batch.append(run)
            if len(batch) == BATCH:
                store.write(batch)
                batch = []
        store.write(batch)
        store.trim_events()
        store.close()
    return folder


def inspector(folder: Path, columns: int = 120, lines: int = 40) -> PtyApp:
    """Start the inspector as its launcher does, without site and without a collector."""
    packages = [str(REPOSITORY), *(p for p in sys.path if p.endswith("site-packages"))]
    code = f"import sys\nsys.path += {packages!r}\nfrom acode_tui.__main__ import run\nrun()"
    return PtyApp(
        [sys.executable, "-I", "-S", "-c", code, "--workspace", str(folder)],
        columns, lines, {"ACODE_COLLECTOR_AUTOSTART": "false"},
    )  # fmt: skip


def bench_start(million: Path, base: Path, rounds: int) -> None:
    """First rows of a million runs against the smallest Textual application."""
    script = base / "minimal.py"
    script.write_text(_MINIMAL)
    peer, first, taken, peer_mb, mb = [], [], [], [], []
    for _ in range(rounds):
        app = PtyApp([sys.executable, str(script)])
        peer.append((app.wait_for(b"minimal-is-there")[0] - app.started) * 1000)
        app.quiesce()
        peer_mb.append(app.memory_mb())
        app.kill()
        app = inspector(million)
        first.append((app.wait_for(b"success")[0] - app.started) * 1000)
        taken.append((app.wait_for(FRAME_END)[0] - app.started) * 1000)
        app.wait_for(b"1,000,000 runs")
        app.quiesce(0.5)
        mb.append(app.memory_mb())
        app.kill()
    say("start, minimal Textual app, first text", f"{median(peer):.0f} ms")
    ratio = median([a / b for a, b in zip(first, peer, strict=True)])
    say("start, acode-tui, 1,000,000 runs, first rows", f"{median(first):.0f} ms = {ratio:.2f} x")
    ratio = median([a / b for a, b in zip(taken, peer, strict=True)])
    say("start, acode-tui, taken over by Textual", f"{median(taken):.0f} ms = {ratio:.2f} x")
    ratio = median(mb) / median(peer_mb)
    say("memory, 1,000,000 runs", f"{median(mb):.1f} MB = {ratio:.2f} x minimal ({median(peer_mb):.1f})")


def bench_peers(base: Path, rounds: int) -> None:
    """Start to the first full frame of other Textual applications, where they are installed."""
    log = base / "peer.log"
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    for arguments in (["tl", str(log)], ["harlequin"], ["posting"]):
        if shutil.which(arguments[0]) is None:
            continue
        walls = []
        for _ in range(rounds):
            app = PtyApp(arguments)
            walls.append((app.wait_for(FRAME_END)[0] - app.started) * 1000)
            app.kill()
        say(f"start, {arguments[0]}, first frame", f"{median(walls):.0f} ms")


def bench_keys(thousand: Path, million: Path) -> None:
    """Cursor and page keys: from the key to the end of its frame."""
    for name, folder in (("1,000", thousand), ("1,000,000", million)):
        app = inspector(folder)
        app.wait_for(FRAME_END)
        app.wait_for(f"{name} runs".encode())
        app.quiesce(0.5)
        cursor, page = [], []
        for _ in range(60):
            cursor.append(app.frame_ms(b"j"))
            time.sleep(0.15)
        for number in range(40):
            page.append(app.frame_ms(b"\x1b[6~" if number < 20 else b"\x1b[5~"))
            time.sleep(0.15)
        end = app.frame_ms(b"G")
        app.quiesce(0.3)
        say(f"cursor key, {name} runs", f"p50 {median(cursor):.1f} ms, p95 {percentile(cursor, 0.95):.1f} ms")
        say(f"page key, {name} runs", f"p50 {median(page):.1f} ms, p95 {percentile(page, 0.95):.1f} ms")
        say(f"to the last of {name} runs", f"{end:.1f} ms")
        start = app.mark()
        begin = time.perf_counter()
        app.send(b"/pytest")
        typed = app.wait_for(b"match", start=start)[0]
        say(f"filter 'pytest' typed until rows, {name} runs", f"{(typed - begin) * 1000:.0f} ms")
        app.kill()


def bench_file(folder: Path, size: int) -> None:
    """Open, end, count and search of one big output."""
    path, lines = big_run(folder, size)
    app = inspector(folder)
    app.wait_for(FRAME_END)
    app.wait_for(b"1 run")
    app.quiesce(0.5)
    begin = time.perf_counter()
    start = app.mark()
    first = app.text_ms(b"\r", b"entry 0000000001 ")
    end = app.text_ms(b"G", f"entry {lines:010} ".encode())
    # An estimate has a tilde between the colour and the number.
    exact = app.wait_for(f"m{lines:,} lines".encode(), start=start)[0]
    say(f"{size >> 20} MB file: first lines after enter", f"{first:.0f} ms")
    say("its end after G, while lines are counted", f"{end:.0f} ms")
    say("exact line count after enter", f"{(exact - begin) * 1000:.0f} ms")
    keys = []
    app.send(b"g")
    app.quiesce(0.3)
    start = app.mark()
    begin = time.perf_counter()
    app.send(b"/needle\r")
    while (
        app.output.find(f"of {lines // 1000:,}\x1b".encode(), start) < 0 and time.perf_counter() - begin < 60
    ):
        keys.append(app.frame_ms(b"j"))
    done = app.wait_for(f"of {lines // 1000:,}\x1b".encode(), start=start)[0]
    peer = _peer_search(path)
    say("search with count", f"{(done - begin) * 1000:.0f} ms; {peer}")
    if keys:
        say("keys meanwhile", f"p50 {median(keys):.0f} ms, worst {max(keys):.0f} ms")
    say("memory with it open", f"{app.memory_mb():.1f} MB")
    app.kill()
    shutil.rmtree(folder)


def _peer_search(path: Path) -> str:
    tool = next((t for t in ("rg", "grep") if shutil.which(t)), None)
    if tool is None:
        return "no rg or grep to compare with"
    begin = time.perf_counter()
    subprocess.run([tool, "-cF", "needle", str(path)], check=False, stdout=subprocess.PIPE)
    return f"{tool} -cF {(time.perf_counter() - begin) * 1000:.0f} ms"


def big_run(folder: Path, size: int) -> tuple[Path, int]:
    """Make a workspace with one run whose stdout is so big; every 1000th line has a needle."""
    run_folder = folder / ".acode" / "artifacts" / "big"
    run_folder.mkdir(parents=True)
    path = run_folder / "stdout.txt"
    lines = 0
    with path.open("wb") as out:
        while out.tell() < size:
            block = []
            for _ in range(10_000):
                lines += 1
                word = "needle" if lines % 1000 == 0 else "straw"
                block.append(
                    f"entry {lines:010} of the recorded output, one {word} of a great many, and on\n"
                )
            out.write("".join(block).encode())
    finish_run(folder, "big", "stdout", path.stat().st_size)
    return path, lines


def finish_run(folder: Path, name: str, kind: str, size: int, status: str = "success") -> None:
    """Write one run's record into the store."""
    now = int(time.time() * 1000)
    run_id = new_ulid(now)
    artifact = Artifact(
        artifact_id=new_ulid(now), run_id=run_id, type=kind, path=f"{kind}.txt", file_name=f"{kind}.txt",
        size_bytes=size, stored_bytes=size, created_at=now, modified_at=now,
    )  # fmt: skip
    finished = status != "running"
    run = Run(
        run_id=run_id, name=name, folder=name, task="big", command="cat", command_line="cat big",
        status=status, start_time=now, end_time=now if finished else None,
        duration_ms=1 if finished else None, exit_code=0 if finished else None,
        artifacts=(artifact,) if finished else (), output_bytes=size,
    )  # fmt: skip
    workspace = Workspace(str(folder))
    workspace.create()
    store = SqliteRunStore(open_writer(workspace.database))
    store.write([run])
    store.close()


def bench_views(folder: Path, cases: int = 20_000, entries: int = 100_000, size: int = 10 << 20) -> None:
    """Opening and scrolling a big report of tests, many log entries, and a big JSON file."""
    findings_run(folder, cases, entries, size)
    app = inspector(folder)
    app.wait_for(FRAME_END)
    app.wait_for(b"1 run")
    app.quiesce(0.5)
    first = app.text_ms(b"\r", f"of {cases:,} failed".encode())
    say(f"{cases:,} tests: first lines after enter", f"{first:.0f} ms")
    _bench_listing(app, f"{cases:,} tests", (b"j", b"\x1b[6~", b"n", b"f", b"s", b"\r"))
    first = app.text_ms(b"4", b"entry 0 ")
    say(f"{entries:,} log entries: first lines", f"{first:.0f} ms")
    busy = [app.frame_ms(b"j") for _ in range(20)]
    say("cursor keys while they are read", f"p50 {median(busy):.1f} ms, worst {max(busy):.1f} ms")
    app.wait_for(f"m{entries:,} entries\x1b".encode())
    _bench_listing(app, f"{entries:,} log entries", (b"j", b"\x1b[6~", b"e", b"f"))
    _bench_json(app, size)
    say("memory with all of them open", f"{app.memory_mb():.1f} MB")
    app.kill()
    shutil.rmtree(folder)


def _bench_json(app: PtyApp, size: int) -> None:
    start = app.mark()
    begin = time.perf_counter()
    app.send(b"5")
    app.wait_for(b"reading", start=start)
    busy: list[float] = []
    while app.output.find(b"items", start) < 0 and time.perf_counter() - begin < 30:
        busy += [app.frame_ms(b"\t"), app.frame_ms(b"\t")]
    opened = app.wait_for(b"items", start=start)[0]
    say(f"{size >> 20} MB of JSON: first lines", f"{(opened - begin) * 1000:.0f} ms")
    say("keys while it is read", f"p50 {median(busy):.1f} ms, worst {max(busy):.1f} ms")
    app.quiesce(0.5)
    app.send(b"j\x1b[C")
    app.quiesce(0.5)
    _bench_listing(app, "JSON", (b"j", b"\x1b[6~", b"+", b"-"))
    start = app.mark()
    begin = time.perf_counter()
    app.send(b"/needle\r")
    found = app.wait_for(b"hit 1 of", start=start)[0]
    say("JSON, search of all of it", f"{(found - begin) * 1000:.0f} ms")


def _bench_listing(app: PtyApp, what: str, keys: tuple[bytes, ...]) -> None:
    app.quiesce(0.5)
    names = {b"\x1b[6~": "page", b"\r": "enter"}
    for key in keys:
        taken = []
        for _ in range(20):
            taken.append(app.frame_ms(key))
            time.sleep(0.1)
        name = names.get(key, key.decode())
        say(f"{what}, key {name}", f"p50 {median(taken):.1f} ms, p95 {percentile(taken, 0.95):.1f} ms")


def findings_run(folder: Path, cases: int, entries: int, size: int) -> None:
    """Make a workspace with one failed run that found a great deal."""
    run_folder = folder / ".acode" / "artifacts" / "found"
    run_folder.mkdir(parents=True)
    tests = tuple(
        TestCase(
            name=f"test_number_{n}", class_name=f"tests.module_{n // 50}", duration_ms=n % 97,
            outcome="failed" if n % 50 == 7 else "passed",
            message=f"AssertionError: assert {n} == {n + 1}" if n % 50 == 7 else None,
            details="line of a traceback\n" * 20 if n % 50 == 7 else None,
        )
        for n in range(cases)
    )  # fmt: skip
    report = TestReport(totals=total_of(tests), suites=(TestSuite(name="all", source="x", cases=tests),))
    (run_folder / "test-results.json").write_text(json.dumps(report.to_json()))
    with (run_folder / "logs.jsonl").open("w") as out:
        for n in range(entries):
            level = "error" if n % 100 == 99 else "info"
            entry = LogEntry(level=level, message=f"entry {n} of the log", stream="stdout", line=n + 1)
            out.write(json.dumps(entry.to_json()) + "\n")
    items = [
        {"id": n, "name": f"item {n}", "price": n / 4, "tags": ["a", str(n)], "inner": {"x": n, "y": None}}
        for n in range(size // 110)
    ]
    items[len(items) // 2]["name"] = "the needle"
    (run_folder / "artifact.json").write_text(json.dumps({"items": items}))
    (run_folder / "stdout.txt").write_text("nothing much\n")
    now = int(time.time() * 1000)
    run_id = new_ulid(now)
    names = ("stdout.txt", "test-results.json", "logs.jsonl", "artifact.json")
    artifacts = tuple(_artifact(run_folder / name, run_id, now) for name in names)
    run = Run(
        run_id=run_id, name="found", folder="found", task="test", command="pytest", command_line="pytest",
        status="failure", start_time=now, end_time=now, duration_ms=1, exit_code=1, artifacts=artifacts,
        summary={"tests": asdict(report.totals), "logs": {"error": entries // 100, "info": entries}},
    )  # fmt: skip
    workspace = Workspace(str(folder))
    workspace.create()
    store = SqliteRunStore(open_writer(workspace.database))
    store.write([run])
    store.close()


def _artifact(path: Path, run_id: str, now: int) -> Artifact:
    size = path.stat().st_size
    return Artifact(
        artifact_id=new_ulid(now), run_id=run_id, type="stdout" if path.stem == "stdout" else "other",
        path=path.name, file_name=path.name, size_bytes=size, stored_bytes=size, created_at=now,
        modified_at=now,
    )  # fmt: skip


def _write_lines(path: str, rate: int, seconds: float) -> None:
    with Path(path).open("ab", buffering=0) as out:
        begin, written = time.perf_counter(), 0
        while (now := time.perf_counter() - begin) < seconds:
            due = int(now * rate)
            out.write("".join(f"line {n:010} of a talkative program\n" for n in range(written, due)).encode())
            written = due
            time.sleep(0.01)
        out.write(b"the-very-last-line\n")


def bench_follow(folder: Path, rate: int = 50_000, seconds: float = 8) -> None:
    """A running run that prints 50,000 lines a second, followed in the viewer."""
    run_folder = folder / ".acode" / "artifacts" / "talk"
    run_folder.mkdir(parents=True)
    path = run_folder / "stdout.txt"
    path.write_bytes(b"the-first-line\n")
    finish_run(folder, "talk", "stdout", 0, status="running")
    app = inspector(folder)
    app.wait_for(FRAME_END)
    app.quiesce(0.5)
    app.text_ms(b"\r", b"the-first-line")
    writer = multiprocessing.get_context("spawn").Process(
        target=_write_lines, args=(str(path), rate, seconds)
    )
    begin_cpu, begin = app.cpu_seconds(), time.perf_counter()
    writer.start()
    time.sleep(1)
    keys = []
    while writer.is_alive() and time.perf_counter() - begin < seconds - 0.5:
        keys.append(app.frame_ms(b"w"))
        time.sleep(0.1)
    start = app.mark()
    writer.join()
    ended = time.perf_counter()
    last = app.wait_for(b"the-very-last-line", start=start)[0]
    spent = app.cpu_seconds() - begin_cpu
    say(f"follow {rate:,} lines/s: last line on the screen after", f"{(last - ended) * 1000:.0f} ms")
    say("keys meanwhile", f"p50 {median(keys):.0f} ms, p95 {percentile(keys, 0.95):.0f} ms")
    say("processor", f"{100 * spent / (time.perf_counter() - begin):.0f} % of a core")
    app.kill()
    shutil.rmtree(folder)


def bench_live(folder: Path, rate: int = 50, seconds: float = 8) -> None:
    """Runs committed at 50 a second: from the commit to the row on the screen."""
    app = inspector(folder)
    app.wait_for(FRAME_END)
    app.quiesce(0.5)
    store = SqliteRunStore(open_writer(Workspace(str(folder)).database))
    committed: list[tuple[bytes, float]] = []
    begin_cpu, begin, start = app.cpu_seconds(), time.perf_counter(), app.mark()
    while time.perf_counter() - begin < seconds:
        now = int(time.time() * 1000)
        mark = f"commit-{len(committed):05}"
        run = Run(
            run_id=new_ulid(now), name=mark, folder=mark, task="live", command="echo",
            command_line=f"echo {mark}", status="success", start_time=now, end_time=now, duration_ms=1,
            exit_code=0,
        )  # fmt: skip
        store.write([run])
        committed.append((mark.encode(), time.perf_counter()))
        time.sleep(1 / rate)
    spent = app.cpu_seconds() - begin_cpu
    elapsed = time.perf_counter() - begin
    app.quiesce(0.5)
    delays = []
    for mark_bytes, moment in committed:
        delays.append((app.wait_for(mark_bytes, 5, start)[0] - moment) * 1000)
    say(
        f"{rate} commits/s: commit to screen",
        f"p50 {median(delays):.0f} ms, p95 {percentile(delays, 0.95):.0f} ms",
    )
    say(
        "processor",
        f"{100 * spent / elapsed:.0f} % of a core, {(app.mark() - start) / elapsed / 1024:.0f} KiB/s",
    )
    store.close()
    app.kill()


def bench_idle(folder: Path, seconds: float = 15) -> None:
    """What it costs to be looked at."""
    app = inspector(folder)
    app.wait_for(FRAME_END)
    app.quiesce(1)
    time.sleep(1)
    before = app.cpu_seconds()
    time.sleep(seconds)
    say("idle", f"{100 * (app.cpu_seconds() - before) / seconds:.2f} % of a core")
    app.kill()


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    main()
