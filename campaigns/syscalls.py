"""`acode exec` killed, or failed by the kernel, at every system call it makes; then the store is looked at.

    python -m campaigns.syscalls [--every 1] [--fault kill|ENOSPC|EIO|EMFILE|EACCES|EROFS] ...

strace counts and injects (`inject=CALL:signal=KILL:when=N`, `inject=CALL:error=E:when=N`), one point a run;
it counts in each thread for itself, so each N hits whichever thread gets there first.
After a kill: recovery leaves no running run, no half record, no database error, and a second recovery
changes nothing. After an error: the command's output and exit status are untouched, and a run that says it
is finished holds what it says.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from collector.model.query import RunQuery
from collector.store import open_stores
from collector.store.database import quick_check
from collector.store.indexer import Indexer
from collector.workspace import Workspace

PROJECT = Path(__file__).resolve().parent.parent
CALLS = ("mkdir", "rename", "fsync", "symlink", "flock", "write", "futex", "openat", "close")
# Not write and openat: what is failed there may be the command itself, or the caller's own output.
FAILING = ("mkdir", "rename", "fsync", "symlink", "flock")
FAULTS = ("kill", "ENOSPC", "EIO", "EMFILE", "EACCES", "EROFS")
SCRIPT = "echo out; echo err >&2; exit 5"


def acode(*arguments: str) -> list[str]:
    """Return a command line of acode."""
    start = "from collector.__main__ import run; run()"
    code = f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}; {start}"
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def exec_command() -> list[str]:
    """Return the command under attack."""
    return acode("exec", "--", "sh", "-c", SCRIPT)


def environment(root: Path) -> dict[str, str]:
    """Return the environment of the command."""
    return {"PATH": "/usr/bin:/bin", "ACODE_WORKSPACE": str(root), "ACODE_COLLECTOR_AUTOSTART": "false"}


def points(root: Path, calls: tuple[str, ...], command: list[str]) -> list[tuple[str, int]]:
    """Return every call on the way of one command, as (name, n-th of its name in its thread)."""
    log = root.parent / "trace"
    subprocess.run(
        ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={','.join(calls)}", *command],
        env=environment(root), cwd=root.parent, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    highest: dict[str, int] = {}
    counts: dict[tuple[str, str], int] = {}
    for line in log.read_text().splitlines():
        match = re.match(r"(\d+)\s+(\w+)\(", line)
        if match is not None and match[2] in calls:
            key = (match[1], match[2])
            counts[key] = counts.get(key, 0) + 1
            highest[match[2]] = max(highest.get(match[2], 0), counts[key])
    return [(call, number) for call in calls for number in range(1, highest.get(call, 0) + 1)]


def inject(
    root: Path, point: tuple[str, int], fault: str, command: list[str]
) -> subprocess.CompletedProcess[bytes]:
    """Run a command that is faulted at one point."""
    call, number = point
    action = "signal=KILL" if fault == "kill" else f"error={fault}"
    return subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
         "-e", f"inject={call}:{action}:when={number}", *command],
        env=environment(root), cwd=root.parent, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def attack(root: Path, point: tuple[str, int], fault: str) -> str:
    """Fault one point in a fresh workspace; return what went wrong, or nothing."""
    done = inject(root, point, fault, exec_command())
    if fault != "kill" and (done.returncode, done.stdout) != (5, b"out\n"):
        return f"the command was disturbed: {done.returncode} {done.stdout!r} {done.stderr[-200:]!r}"
    return look(Workspace(str(root)))


def look(workspace: Workspace) -> str:
    """Recover twice; return what is wrong with the store, or nothing."""
    states = []
    for _ in range(2):
        workspace.create()
        indexer = Indexer(workspace)
        indexer.open(5)
        indexer.index_spool()
        indexer.close_abandoned()
        indexer.adopt_unknown()
        indexer.close_abandoned()
        indexer.index_spool()
        indexer.seal_spool()
        indexer.close()
        runs, artifacts = open_stores(workspace)
        found = runs.list(RunQuery()).items
        states.append(repr([run.to_json() for run in found]))
        if len(found) > 1 or any(run.status == "running" for run in found):
            return f"left behind: {[(run.name, run.status) for run in found]}"
        for run in found:
            if any(not artifacts.verify(artifact) for artifact in run.artifacts):
                return "a checksum does not fit"
            whole = {a.type: artifacts.text(a) for a in run.artifacts}
            lost = any(a.truncated for a in run.artifacts)
            if run.exit_code == 5 and not lost and (whole["stdout"], whole["stderr"]) != ("out\n", "err\n"):
                return f"it says it is finished, but holds {whole}"
            if run.status not in ("failure", "cancelled"):
                return f"its status is {run.status}"
        runs.close()
    if quick_check(workspace.database) != "ok":
        return "the database is damaged"
    return "" if states[0] == states[1] else "a second recovery changed something"


def campaign(folder: Path, faults: tuple[str, ...], every: int) -> tuple[int, list[str]]:
    """Attack every n-th point with each fault; return how many points, and what went wrong."""
    tried, wrong = 0, []
    for fault in faults:
        calls = CALLS if fault == "kill" else FAILING
        fresh = folder / "count"
        fresh.mkdir(parents=True)
        for position, (call, number) in enumerate(points(fresh, calls, exec_command())):
            if position % every:
                continue
            root = folder / "attack"
            root.mkdir()
            problem = attack(root, (call, number), fault)
            tried += 1
            if problem:
                wrong.append(f"{fault} at {call} number {number}: {problem}")
            shutil.rmtree(root)
        shutil.rmtree(fresh)
    return tried, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--fault", choices=FAULTS, action="append")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tried, wrong = campaign(Path(folder), tuple(options.fault or FAULTS), options.every)
    for line in wrong:
        print(line)
    print(f"{tried} points, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
