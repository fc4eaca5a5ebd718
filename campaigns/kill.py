"""kill -9 of recorders and the collector at random moments under load; then everything is looked at.

    python -m campaigns.kill [--kills 200] [--jobs 20] [--seed 1] [--workspace DIR]

The tester keeps its own ledger, outside the store: a run whose `acode exec` has returned is finished, and
must be there with its exit code and every byte, whatever was killed when. What was cut short must have
ended as `cancelled`. Nothing may be half there, and a second recovery must change nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from collector.model.query import RunQuery
from collector.record import spool
from collector.store import open_stores
from collector.store.database import quick_check
from collector.store.indexer import Indexer
from collector.workspace import Workspace

START = "from collector.__main__ import run; run()"


class Campaign:
    """One workspace under attack."""

    def __init__(self, root: Path, jobs: int, seed: int) -> None:
        self.root = root
        self.workspace = Workspace(str(root))
        self.jobs = jobs
        self.random = random.Random(seed)  # noqa: S311, RUF100 - repeatable, not secret
        self.running: dict[int, tuple[subprocess.Popen[bytes], str, int]] = {}
        self.acknowledged: dict[str, int] = {}
        self.killed_recorders = 0
        self.killed_collectors = 0
        self.started = 0
        self.collector: subprocess.Popen[bytes] | None = None

    def acode(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start acode in the workspace."""
        paths = [str(Path(__file__).resolve().parent.parent), *sys.path]
        code = f"import sys; sys.path[:0] = {paths!r}; {START}"
        environ = {
            **os.environ, "ACODE_WORKSPACE": str(self.root), "ACODE_COLLECTOR_AUTOSTART": "false",
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", code, *arguments], env=environ, cwd=self.root,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def start_one(self) -> None:
        """Start a command that writes its own number, sleeps a little, and ends with a known code."""
        self.started += 1
        task, code = f"n{self.started}", self.started % 7
        pause = self.random.choice(["", f"sleep 0.0{self.random.randrange(1, 9)}; ", "sleep 0.2; "])
        script = f"echo out {task}; {pause}echo err {task} >&2; exit {code}"
        process = self.acode("exec", "--task", task, "--", "sh", "-c", script)
        self.running[process.pid] = (process, task, code)

    def reap(self) -> None:
        """Note what `acode exec` has acknowledged by returning."""
        for pid, (process, task, code) in list(self.running.items()):
            status = process.poll()
            if status is None:
                continue
            del self.running[pid]
            if status >= 0:
                assert status == code, f"{task} ended with {status}, not {code}"
                self.acknowledged[task] = code

    def kill_something(self) -> None:
        """Kill a recorder, the collector, or both."""
        what = self.random.choice(["recorder", "recorder", "collector", "both"])
        if what in ("recorder", "both") and self.running:
            process, _, _ = self.random.choice(list(self.running.values()))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                self.killed_recorders += 1
        if what in ("collector", "both"):
            self.restart_collector()

    def restart_collector(self) -> None:
        """Kill the collector and start another one."""
        if self.collector is not None:
            self.collector.kill()
            self.collector.wait()
            self.killed_collectors += 1
        self.collector = self.acode("collector", "run")

    def run(self, kills: int) -> None:
        """Kill so many times while so many jobs run, then wait for the rest."""
        self.restart_collector()
        while self.killed_recorders + self.killed_collectors < kills:
            while len(self.running) < self.jobs:
                self.start_one()
            time.sleep(self.random.random() * 0.05)
            self.reap()
            self.kill_something()
        while self.running:
            self.reap()
            time.sleep(0.01)
        assert self.collector is not None
        self.collector.kill()
        self.collector.wait()

    def recover(self) -> None:
        """Do what the next collector does at its start."""
        indexer = Indexer(self.workspace)
        indexer.open(10)
        indexer.index_spool()
        indexer.close_abandoned()
        indexer.adopt_unknown()
        indexer.index_spool()
        indexer.seal_spool()
        indexer.close()

    def check(self) -> dict[str, int]:
        """Hold the store against the ledger; return counts. Raises AssertionError."""
        self.recover()
        before = self.snapshot()
        self.recover()
        assert self.snapshot() == before, "a second recovery changed something"
        assert quick_check(self.workspace.database) == "ok"
        assert spool.list_announcements(self.workspace.spool) == []
        runs, artifacts = open_stores(self.workspace)
        found = {run.task: run for run in runs.list(RunQuery(limit=10**6)).items}
        assert [run.name for run in found.values() if run.status == "running"] == []
        for task, code in self.acknowledged.items():
            run = found.get(task)
            assert run is not None, f"{task} is lost"
            assert run.exit_code == code, f"{task} has exit code {run.exit_code}, not {code}"
            for artifact in artifacts.by_run(run.run_id):
                assert artifacts.verify(artifact), f"{task}: {artifact.path} is not what was written"
            streams = {a.path: artifacts.text(a) for a in run.artifacts}
            assert streams["stdout.txt"] == f"out {task}\n"
            assert streams["stderr.txt"] == f"err {task}\n"
        cut = [run for run in found.values() if run.task not in self.acknowledged]
        finished = [run for run in cut if run.status in ("success", "failure")]
        assert all(run.status in ("success", "failure", "cancelled") for run in cut)
        for run in cut:
            text = artifacts.text(run.artifacts[0]) if run.artifacts else ""
            assert f"out {run.task}\n".startswith(text), f"{run.task} holds somebody else's bytes"
        runs.close()
        return {
            "started": self.started, "acknowledged": len(self.acknowledged),
            "killed recorders": self.killed_recorders, "killed collectors": self.killed_collectors,
            "cut short": len(cut) - len(finished), "finished unacknowledged": len(finished),
            "killed before they were known": self.started - len(found),
        }  # fmt: skip

    def snapshot(self) -> dict[str, str]:
        """Return every record as text, by run."""
        runs, _ = open_stores(self.workspace)
        records = {run.run_id: repr(run.to_json()) for run in runs.list(RunQuery(limit=10**6)).items}
        runs.close()
        return records


def attack(root: Path, kills: int, jobs: int, seed: int) -> dict[str, int]:
    """Run a campaign in an empty folder; return its counts. Raises AssertionError."""
    campaign = Campaign(root, jobs, seed)
    campaign.run(kills)
    return campaign.check()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workspace")
    options = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counts = attack(Path(options.workspace or folder), options.kills, options.jobs, options.seed)
    for name, count in counts.items():
        print(f"{name:30} {count}")
    print(
        f"0 lost, 0 half there, 0 database errors, in {time.monotonic() - begin:.0f} s (seed {options.seed})"
    )


if __name__ == "__main__":
    main()
