"""Fill a workspace with made-up runs, as fast as the store takes them.

    python benchmarks/generate_runs.py --runs 1000000 --workspace /tmp/million

The rows go through `SqliteRunStore.write`, the documented bulk path, in one transaction per batch. The
runs have no files: it is the listing that a million of them puts to the test. The same seed makes the
same runs, so that two measurements see the same data.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from itertools import islice

from collector import Run, Workspace
from collector.ids import new_ulid, run_name
from collector.store.database import open_writer
from collector.store.runs import SqliteRunStore

BATCH = 10_000
_COMMANDS = (
    ("test", "test", "pytest -x tests/{area}/test_{thing}.py", 900, 45_000),
    ("test", "test", "python -m pytest -q -k '{thing} and not slow'", 1_500, 90_000),
    ("lint", "command", "ruff check src/{area} --fix", 40, 900),
    ("types", "command", "mypy --strict src/{area}/{thing}.py", 800, 20_000),
    ("build", "build", "npm run build -- --mode {area}", 4_000, 120_000),
    ("unit", "test", "npx vitest run src/{area}/{thing}.spec.ts", 1_200, 30_000),
    ("cargo", "build", "cargo build --release -p {area}-{thing}", 6_000, 240_000),
    ("cargo-test", "test", "cargo test {thing}:: -- --nocapture", 2_000, 60_000),
    ("go-test", "test", "go test ./{area}/... -run Test{thing} -count=1", 700, 40_000),
    ("dotnet", "test", "dotnet test {area}.Tests --filter {thing} --logger trx", 5_000, 150_000),
    ("git", "command", "git diff --stat HEAD~{number} -- src/{area}", 5, 120),
    ("git", "command", "git log --oneline -n {number} -- src/{area}/{thing}.py", 5, 90),
    ("search", "command", "rg -n '{thing}_{area}' src tests --type py", 6, 300),
    ("read", "command", "sed -n '{number},+80p' src/{area}/{thing}.py", 2, 12),
    ("find", "command", "find src -name '*{thing}*' -newer build/{area}.stamp", 8, 400),
    ("curl", "command", "curl -fsS http://localhost:{number}/api/{area}/{thing}", 15, 2_500),
    ("docker", "command", "docker compose up -d {area} {thing}-worker", 900, 30_000),
    ("install", "command", "pip install -e '.[{area},{thing}]'", 2_000, 60_000),
    ("migrate", "command", "alembic upgrade head --tag {area}-{thing}", 300, 6_000),
    ("codegen", "generate", "protoc --python_out=gen proto/{area}/{thing}.proto", 60, 900),
)
_AREAS = ("api", "auth", "billing", "cart", "core", "docs", "events", "mail", "search", "sync", "web")
_THINGS = (
    "account", "batch", "cache", "client", "config", "cursor", "export", "index", "invoice", "login",
    "order", "parser", "policy", "queue", "report", "retry", "schema", "session", "token", "webhook",
)  # fmt: skip
_AGENTS = ("claude-code", "codex", "opencode", "aider", None)
_OUTCOMES = (("success", 0), ("failure", 1), ("failure", 2), ("timeout", None), ("cancelled", None))
_WEIGHTS = (83, 11, 3, 1, 2)


def main() -> None:
    """Write the runs and say how fast it went."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--until", type=int, default=None, help="start of the newest run, ms since 1970")
    options = parser.parse_args()
    workspace = Workspace(options.workspace)
    workspace.create()
    store = SqliteRunStore(open_writer(workspace.database))
    begin = time.perf_counter()
    until = options.until or int(time.time() * 1000)
    runs = make_runs(options.runs, until, random.Random(options.seed))
    written = 0
    while batch := list(islice(runs, BATCH)):
        store.write(batch)
        written += len(batch)
    store.trim_events()
    store.close()
    seconds = time.perf_counter() - begin
    print(f"{written:,} runs in {seconds:.1f} s, {written / max(seconds, 1e-9):,.0f} runs/s")


def make_runs(count: int, until: int, dice: random.Random) -> Iterator[Run]:
    """Yield runs, oldest first, the newest starting at `until`; work comes in sessions."""
    start = until - count * 4_000
    session, agent, left = "", None, 0
    for number in range(count):
        if left == 0:
            session, agent, left = new_ulid(start), dice.choice(_AGENTS), dice.randint(5, 120)
        left -= 1
        start = min(until, start + dice.randint(200, 7_800)) if number < count - 1 else until
        yield _make_run(number, start, session, agent, dice)


def _make_run(number: int, start: int, session: str, agent: str | None, dice: random.Random) -> Run:
    task, kind, template, fastest, slowest = dice.choice(_COMMANDS)
    line = template.format(
        area=dice.choice(_AREAS), thing=dice.choice(_THINGS), number=dice.randint(1, 9_000)
    )
    status, exit_code = dice.choices(_OUTCOMES, _WEIGHTS)[0]
    duration = int(fastest * (slowest / fastest) ** dice.random())
    words = line.split()
    return Run(
        run_id=new_ulid(start),
        name=f"{run_name(task, start)}-{number}",
        folder=f"{run_name(task, start)}-{number}",
        task=task,
        command=words[0],
        arguments=tuple(words[1:]),
        command_line=line,
        working_directory="/home/dev/shop",
        status=status,
        exit_code=exit_code,
        start_time=start,
        end_time=start + duration,
        duration_ms=duration,
        session_id=session,
        type=kind,
        agent=agent,
        host="dev",
        output_bytes=int(200 * 4_000 ** dice.random()),
    )


if __name__ == "__main__":
    main()
