"""The store at a million runs: first page, filters, depth, counts, and the whole command; one run, medians.

    python benchmarks/generate_runs.py --runs 1000000 --workspace /tmp/million
    python benchmarks/store.py --workspace /tmp/million [--acode PATH]

Milliseconds in one process with a warm page cache; the last lines are whole commands beside a bare
interpreter. What others do for the same question is what plain SQL does: OFFSET, LIKE, COUNT.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from functools import partial

from collector import RunQuery, Workspace, open_stores, parse_query
from collector.store.database import open_reader

NOW_MS = time.time_ns() // 1_000_000


def median_ms(function: Callable[[], object], rounds: int = 15) -> float:
    """Return the median time of a call."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        function()
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--acode", default=shutil.which("acode") or "acode")
    options = parser.parse_args()
    workspace = Workspace(options.workspace)
    runs, _ = open_stores(workspace)
    everything = RunQuery(limit=50)
    total = runs.count(everything)
    print(f"{total} runs, {os.path.getsize(workspace.database) >> 20} MB")  # noqa: PTH202
    outline = runs.outline(everything)
    deep = total * 9 // 10
    plain = open_reader(workspace.database)
    questions: dict[str, Callable[[], object]] = {
        "first page": lambda: runs.list(everything),
        f"page at {deep}": lambda: runs.slice(everything, outline, deep, 50),
        "outline (once a filter)": lambda: runs.outline(everything),
        "count": lambda: runs.count(everything),
        "facets by status": lambda: runs.facets("status"),
        f"(plain SQL: OFFSET {deep})": lambda: plain.execute(
            "SELECT * FROM runs ORDER BY start_time DESC LIMIT 50 OFFSET ?", [deep]
        ).fetchall(),
    }
    session = runs.list(everything).items[0].session_id or "none"
    filters = ("status:failed", "type:test", "status:failed type:test since:1h", f"session:{session}",
               "exit:137", "task:build", "cmd:pytest*", "cargo", "nowhere-to-be",
               "-status:success")  # fmt: skip
    for text in filters:
        query = parse_query(text, NOW_MS)
        questions[f"first page of {text!r}"] = partial(runs.list, query)
    for name, ask in questions.items():
        print(f"  {name:50} {median_ms(ask):9.2f} ms")
    python = os.path.join(os.path.dirname(os.path.realpath(options.acode)), "python3")  # noqa: PTH118, PTH120
    commands = {
        "python -c pass": [python, "-c", "pass"],
        "acode runs list": [options.acode, "runs", "list"],
        "acode runs list status:failed": [options.acode, "runs", "list", "status:failed"],
    }
    environ = {**os.environ, "ACODE_WORKSPACE": options.workspace, "ACODE_COLLECTOR_AUTOSTART": "false"}
    for name, argv in commands.items():
        wall = median_ms(partial(subprocess.run, argv, env=environ, capture_output=True, check=True))
        print(f"  {name:50} {wall:9.2f} ms")


if __name__ == "__main__":
    main()
