"""The store at a million runs: pages, filters, counts, facets, and whole commands; one run, medians.

    python benchmarks/generate_runs.py --runs 1000000 --workspace /tmp/million
    python benchmarks/store.py --workspace /tmp/million [--acode PATH]

Milliseconds in one process with a warm page cache, each beside what plain SQL takes for the same question
on the same rows (LIKE, OFFSET, COUNT, GROUP BY, a REGEXP of Python's `re`); the last lines are whole commands
beside a bare interpreter. Memory is what all questions together added at most.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from functools import partial

from collector import RunQuery, Workspace, open_stores, parse_query
from collector.model.query import Term
from collector.store.database import Connection, open_reader
from collector.store.runs import SqliteRunStore

NOW_MS = time.time_ns() // 1_000_000
PAGE = "ORDER BY start_time DESC LIMIT 50"
JOINED = "runs JOIN commands USING (command_id)"
FILTERS = {
    "status:failed": "status = 'failure'",
    "status:failed,timeout,cancelled": "status IN ('failure', 'timeout', 'cancelled')",
    "type:test": "type = 'test'",
    "status:failed type:test since:1h": (
        f"status = 'failure' AND type = 'test' AND start_time >= {NOW_MS - 3_600_000}"
    ),
    "agent:codex": "agent = 'codex'",
    "exit:137": "exit_code = 137",
    "task:build": "task = 'build'",
    "duration:>10m": "duration_ms > 600000",
    "tag:nothing": "EXISTS (SELECT 1 FROM tags WHERE run_seq = seq AND key = 'nothing')",
    "has:coverage": "EXISTS (SELECT 1 FROM artifacts WHERE run_seq = seq AND type = 'coverage')",
    "-status:success": "status <> 'success'",
    "cmd:pytest*": "command_line GLOB 'pytest*'",
    "cmd:*webhook*": "command_line GLOB '*webhook*'",
    "cargo": "command_line LIKE '%cargo%'",
    "invoice agent:codex status:timeout": (
        "command_line LIKE '%invoice%' AND agent = 'codex' AND status = 'timeout'"
    ),
    "nowhere-to-be": "command_line LIKE '%nowhere-to-be%'",
    "re:/pytest .*(login|retry)/": "command_line REGEXP 'pytest .*(login|retry)'",
    "re:/HEAD~7 .*billing/": "command_line REGEXP 'HEAD~7 .*billing'",
}  # fmt: skip


def median_ms(function: Callable[[], object], rounds: int = 9) -> float:
    """Return the median time of a call; of one that takes long, of fewer calls."""
    times: list[float] = []
    while len(times) < (rounds if sum(times) < 2000 else 1):
        begin = time.perf_counter()
        function()
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def show(name: str, ours: float, theirs: float | None = None) -> None:
    ratio = f"{theirs:10.2f} ms  {ours / theirs:8.4f}" if theirs is not None else ""
    print(f"  {name:48} {ours:9.2f} ms {ratio}", flush=True)


def compare_filters(runs: SqliteRunStore, plain: Connection) -> None:
    print("\nfirst page of a filter: ours, plain SQL, ratio; then its count")
    for text, condition in FILTERS.items():
        query = parse_query(text, NOW_MS)
        source = JOINED if "command_line" in condition else "runs"
        page = f"SELECT seq, start_time FROM {source} WHERE {condition} {PAGE}"
        count = f"SELECT count(*) FROM {source} WHERE {condition}"
        show(text, median_ms(partial(runs.list, query)), median_ms(partial(ask, plain, page)))
        show("  count", median_ms(partial(runs.count, query)), median_ms(partial(ask, plain, count)))
        expected = plain.execute(count).fetchone()[0]
        assert runs.count(query) == expected, text


def ask(plain: Connection, sql: str) -> None:
    plain.execute(sql).fetchall()


def compare_facets(runs: SqliteRunStore, plain: Connection) -> None:
    print("\nruns by value: ours, GROUP BY, ratio")
    for field in ("status", "type", "agent", "task", "session_id", "tag"):
        sql = f"SELECT {field}, count(*) FROM runs GROUP BY {field}"
        theirs = None if field == "tag" else median_ms(partial(ask, plain, sql))
        show(field, median_ms(partial(runs.facets, field)), theirs)
    failed = parse_query("status:failed", NOW_MS)
    sql = "SELECT type, count(*) FROM runs WHERE status IN ('failure','timeout','cancelled') GROUP BY type"
    show(
        "type of failed ones",
        median_ms(partial(runs.facets, "type", failed)),
        median_ms(partial(ask, plain, sql)),
    )


def compare_pages(runs: SqliteRunStore, plain: Connection) -> None:
    everything = RunQuery(limit=50)
    total = runs.count(everything)
    outline = runs.outline(everything)
    deep = total * 9 // 10
    print("\npages: ours, plain SQL, ratio")
    show(
        "first page",
        median_ms(partial(runs.list, everything)),
        median_ms(partial(ask, plain, f"SELECT * FROM runs {PAGE}")),
    )
    sql = f"SELECT * FROM runs {PAGE} OFFSET {deep}"
    show(
        f"page at {deep}",
        median_ms(lambda: runs.slice(everything, outline, deep, 50)),
        median_ms(partial(ask, plain, sql)),
    )
    show("outline (once a filter)", median_ms(lambda: runs.outline(everything), 3))
    for sort in ("duration_ms", "output_bytes", "task"):
        sql = f"SELECT * FROM runs ORDER BY {sort} DESC LIMIT 50"
        show(
            f"sorted by {sort}",
            median_ms(partial(runs.list, RunQuery(sort=sort)), 3),
            median_ms(partial(ask, plain, sql), 3),
        )
    slow = RunQuery((Term("command_line", ("z[^z]*z[^z]*z",), "~"),))
    show("a regular expression no index helps", median_ms(partial(runs.list, slow), 1))
    show("… with a time limit of 100 ms", median_ms(partial(runs.list, slow, False, 100), 3))


def compare_commands(acode: str, workspace: str) -> None:
    print("\nwhole commands: wall, ratio to a bare interpreter")
    python = os.path.join(os.path.dirname(os.path.realpath(acode)), "python3")  # noqa: PTH118, PTH120
    bare = [python, "-c", "pass"]
    commands = {
        "acode runs list": ["runs", "list"],
        "acode runs list status:failed": ["runs", "list", "status:failed"],
        "acode runs list cargo": ["runs", "list", "cargo"],
        "acode runs list re:/HEAD~7/": ["runs", "list", "re:/HEAD~7/"],
        "acode runs list --count type:test": ["runs", "list", "--count", "type:test"],
    }
    environ = {**os.environ, "ACODE_WORKSPACE": workspace, "ACODE_COLLECTOR_AUTOSTART": "false"}
    call = partial(subprocess.run, env=environ, capture_output=True, check=True)
    floor = median_ms(partial(call, bare), 15)
    show("python -c pass", floor)
    for name, words in commands.items():
        wall = median_ms(partial(call, [acode, *words]), 15)
        print(f"  {name:48} {wall:9.2f} ms  {wall / floor:6.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--acode", default=shutil.which("acode") or "acode")
    options = parser.parse_args()
    workspace = Workspace(options.workspace)
    runs, _ = open_stores(workspace)
    plain = open_reader(workspace.database)
    plain.create_function("regexp", 2, lambda source, text: re.search(source, text) is not None)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{runs.count(RunQuery())} runs, {os.path.getsize(workspace.database) >> 20} MB")  # noqa: PTH202
    for _ in range(3):
        runs.list(RunQuery())
    compare_pages(runs, plain)
    compare_filters(runs, plain)
    compare_facets(runs, plain)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\nmemory added by all questions, ours and theirs: {(after - before) >> 10} MB")
    compare_commands(options.acode, options.workspace)


if __name__ == "__main__":
    main()
