"""Statistics over a million runs, beside what plain SQL takes to count the same rows; one run, medians.

    python benchmarks/generate_runs.py --runs 1000000 --workspace /tmp/million
    python benchmarks/run_statistics.py --workspace /tmp/million

Seconds in one process with a warm page cache, the time on the processor beside them, and as a ratio the
median against plain SQL: GROUP BY with counts and an average, and for all runs a sort of their durations,
which is the least that exact percentiles cost. Peak memory is that of the whole process so far.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from statistics import median

from collector import RunQuery, Workspace, open_stores, parse_query
from collector.query.histories import broken_commands, flaky_commands
from collector.query.periods import compare_periods, periods
from collector.query.statistics import first_groups, totals, trend
from collector.store.database import open_reader

ROUNDS = 3
SQL = {
    "everything": """
        SELECT count(*), sum(status = 'success'), avg(duration_ms), max(duration_ms) FROM runs;
        SELECT duration_ms FROM runs ORDER BY duration_ms
    """,
    "command": """
        SELECT command_id, count(*), sum(status = 'success'), avg(duration_ms), max(duration_ms)
        FROM runs GROUP BY command_id
    """,
    "day": """
        SELECT date(start_time / 1000, 'unixepoch', 'localtime'), count(*), sum(status = 'success'),
            avg(duration_ms), max(duration_ms) FROM runs GROUP BY 1
    """,
    "history": """
        SELECT command_id, working_directory, status, start_time FROM runs ORDER BY 1, 2, 4
    """,
}


def measure(function: Callable[[], object]) -> tuple[float, float]:
    """Return the median time of a call, by the clock and on the processor."""
    times = []
    for _ in range(ROUNDS):
        clock, processor = time.perf_counter(), time.process_time()
        function()
        times.append((time.perf_counter() - clock, time.process_time() - processor))
    return median(t[0] for t in times), median(t[1] for t in times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workspace", required=True)
    options = parser.parse_args()
    workspace = Workspace(options.workspace)
    runs, _ = open_stores(workspace)
    plain = open_reader(workspace.database)
    everything = RunQuery()
    newest = runs.latest()
    now_ms = newest.start_time + 1 if newest else 0
    middle = now_ms - 14 * 86_400_000
    failed = parse_query("status:failed type:test", now_ms)
    rest, before, after = periods(everything, now_ms)

    def sql(name: str) -> Callable[[], object]:
        def ask() -> None:
            for statement in SQL[name].split(";"):
                for _ in plain.execute(statement):
                    pass

        return ask

    questions: list[tuple[str, str, Callable[[], object]]] = [
        ("totals with percentiles", "everything", lambda: totals(runs, everything)),
        ("totals of a filter", "everything", lambda: totals(runs, failed)),
        ("by command, most runs", "command", lambda: first_groups(runs, everything, "command", None, 10)),
        ("by command, P95", "command", lambda: first_groups(runs, everything, "command", "p95", 10)),
        ("by program", "command", lambda: first_groups(runs, everything, "program", None, 10)),
        ("by task", "everything", lambda: first_groups(runs, everything, "task", None, 10)),
        ("by day", "day", lambda: first_groups(runs, everything, "day", None, 10)),
        ("trend", "day", lambda: trend(runs, everything)),
        ("flaky commands", "history", lambda: flaky_commands(runs, everything, 10)),
        ("broken since two weeks", "history", lambda: broken_commands(runs, everything, middle, 10)),
        ("two weeks by command", "command", lambda: compare_periods(runs, rest, before, after, limit=10)),
    ]
    base = {name: measure(sql(name)) for name in SQL}
    print(f"{runs.count(everything):,} runs; plain SQL: " + ", ".join(
        f"{name} {clock:.2f} s" for name, (clock, _) in base.items()
    ))  # fmt: skip
    for title, beside, function in questions:
        clock, processor = measure(function)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (
            1 << (20 if sys.platform == "darwin" else 10)
        )
        ratio = clock / max(base[beside][0], 1e-9)
        print(f"{title:26} {clock:6.2f} s ({processor:.2f} s cpu)  {ratio:5.1f} x SQL  {peak} MB")


if __name__ == "__main__":
    main()
