"""Retention under attack: random steps with crashes between, kill -9 at every system call, full disks.

    python -m campaigns.retention steps --steps 10000 --seed 1
    python -m campaigns.retention kill [--every 1]
    python -m campaigns.retention disk --cycles 100 [--megabytes 64]     (as root, or under unshare -rm)

steps: runs of all ages, states and tags come, are cleaned up, deleted, brought back; now and then the process
"dies" before or after any rename, unlink, sync or commit, and the next one goes on. After every step: every
row has its files, every folder its row, nothing young, tagged or running was deleted by a rule, limits hold,
what was deleted is in the trash and in the audit log.
kill: `acode runs cleanup` is killed by the kernel at every system call that changes something; what it leaves
is finished by whoever comes next, and a second time changes nothing.
disk: a small file system is filled by recording until it is full, and freed by the collector, by itself.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from campaigns.syscalls import acode, environment, inject, points
from collector.audit.log import iter_entries
from collector.clock import now_ms
from collector.errors import AcodeError
from collector.record import spool
from collector.retention.policy import Policy
from collector.retention.state import note_restored
from collector.retention.sweep import audit_what_waits, doomed_by, order_deletions, plan_cleanup
from collector.store import deleter, trash
from collector.store.database import quick_check
from collector.store.deletions import DELETE, Doomed, list_trashed
from collector.store.facts import iter_facts
from collector.store.indexer import Indexer
from collector.store.run_rows import delete_rows
from collector.workspace import Workspace
from tests.retention.making import DAY, HOUR, make_run, nothing_dangles, runs_in

_CALLS = ("rename", "unlink", "fsync", "mkdir", "symlink")
KILLED = ("rename", "unlink", "unlinkat", "fsync", "fdatasync", "mkdir", "pwrite64", "write", "openat")
RULES: tuple[dict[str, Any], ...] = (
    {"max_age": 30 * DAY}, {"max_age": 10 * DAY, "keep_failures": 40 * DAY}, {"max_count": 6},
    {"max_size": 200_000}, {"max_count": 9, "keep_daily": 3}, {"delete_rest": True, "keep_last": 4},
    {"max_age": 5 * DAY, "keep_weekly": 2},
)  # fmt: skip


class CrashError(BaseException):
    """The process is gone; nothing after this happens, and nobody catches it."""


@dataclass
class Known:
    """What the tester knows of a run, kept outside of the store."""

    task: str
    ended_ms: int
    status: str
    tags: set[str]
    name: str
    folder: str
    is_deleted: bool = False
    may_be_deleted: bool = False


@dataclass
class Model:
    """A workspace, and what should be in it."""

    workspace: Workspace
    runs: dict[str, Known] = field(default_factory=dict)
    recorded: int = 0
    crashes: int = 0
    deleted: int = 0
    restored: set[str] = field(default_factory=set)

    def record(self, days: float, status: str, tags: tuple[str, ...], size: int) -> None:
        """A run comes."""
        task = f"t{self.recorded}"
        self.recorded += 1
        before = now_ms()
        folder = make_run(self.workspace, task, days=days, status=status, tags=tags, content=os.urandom(size))
        self.index()
        run = next(run for run in runs_in(self.workspace) if run.task == task)
        ended = before - int(days * DAY) - 4000
        self.runs[run.run_id] = Known(task, ended, status, set(tags), folder.name, run.folder)

    def clean_up(self, rules: dict[str, Any], crash: int | None = None) -> None:
        """Runs are cleaned up; perhaps somebody is killed at it."""
        policy = Policy(min_age=HOUR, preserve_tags=("keep",), **rules)
        plan = plan_cleanup(self.workspace, policy)
        doomed = list(doomed_by(plan.verdicts))
        for run in doomed:
            known = self.runs[run.run_id]
            assert not self.is_protected(run.run_id), f"{known} is condemned by {run.rule}"
        self._delete(doomed, "cleanup", policy.preserve_tags, crash)
        if crash is None:
            self.check_limits(policy)

    def delete(self, run_ids: list[str], crash: int | None = None) -> None:
        """Somebody deletes runs by name."""
        known = [self.runs[run_id] for run_id in run_ids]
        doomed = [Doomed(i, k.name, k.folder) for i, k in zip(run_ids, known, strict=True)]
        self._delete(doomed, DELETE, (), crash)

    def _delete(self, doomed: list[Doomed], action: str, tags: tuple[str, ...], crash: int | None) -> None:
        def step() -> None:
            for _ in order_deletions(self.workspace, doomed, action, preserve_tags=tags):
                pass
            self.index()

        for run in doomed:
            self.runs[run.run_id].may_be_deleted = True
        self._do(step, crash)
        there = {run.run_id for run in runs_in(self.workspace)}
        for run in doomed:
            known = self.runs[run.run_id]
            known.may_be_deleted = False
            known.is_deleted = run.run_id not in there
            self.deleted += known.is_deleted
            assert crash is not None or known.is_deleted or known.status == "running"

    def undelete(self, run_id: str, crash: int | None = None) -> None:
        """A run comes back."""

        def step() -> None:
            note_restored(self.workspace, run_id)
            spool.announce(self.workspace.spool, spool.UNDELETE, run_id)
            self.index()

        self._do(step, crash)
        self.runs[run_id].is_deleted = run_id not in {run.run_id for run in runs_in(self.workspace)}
        if not self.runs[run_id].is_deleted:
            self.restored.add(run_id)
        assert crash is not None or not self.runs[run_id].is_deleted

    def empty_trash(self, crash: int | None = None) -> None:
        """The trash is emptied."""
        self._do(lambda: trash.empty(self.workspace), crash)
        for run_id in [r for r, k in self.runs.items() if k.is_deleted and not trash.find(self.workspace, r)]:
            del self.runs[run_id]

    def _do(self, step: Callable[[], object], crash: int | None) -> None:
        """Do something, dying at the n-th thing that changes the disk; then let the next process go on."""
        try:
            with dying(crash):
                step()
        except CrashError:
            self.crashes += 1
            for run in runs_in(self.workspace):  # what a reader sees before anybody mends it
                assert Path(self.workspace.run_folder(run.folder), "run.json").is_file(), run.name
        self.recover()

    def index(self) -> None:
        """What waits is done by one process."""
        indexer = Indexer(self.workspace)
        indexer.open(5.0)
        try:
            indexer.index_spool()
        finally:
            indexer.close()

    def recover(self) -> None:
        """Another process begins, as the collector does."""
        indexer = Indexer(self.workspace)
        indexer.open(5.0)
        try:
            indexer.index_spool()
            indexer.forget_trashed()
            indexer.close_abandoned()
            indexer.adopt_unknown()
            indexer.index_spool()
        finally:
            indexer.close()
        assert audit_what_waits(self.workspace) == 0

    def is_protected(self, run_id: str) -> bool:
        """Tell whether no rule may delete a run."""
        known = self.runs[run_id]
        young = now_ms() - known.ended_ms < HOUR - 60_000
        return known.status == "running" or young or "keep" in known.tags or run_id in self.restored

    def check(self) -> None:
        """Whatever happened: nothing dangles, nothing is lost, nothing comes back."""
        nothing_dangles(self.workspace)
        there = {run.run_id for run in runs_in(self.workspace)}
        trashed = {run.run_id for run in list_trashed(self.workspace, DAY)}
        assert not there & trashed, "a run is there and in the trash"
        for run_id, known in self.runs.items():
            assert (run_id in there) != known.is_deleted, known
            assert known.is_deleted == (run_id in trashed), known
        assert there <= self.runs.keys(), f"{there - self.runs.keys()} came back"
        assert not [k for _, k, _ in spool.list_announcements(self.workspace.spool) if k == spool.DELETE]
        audited = {
            word
            for entry in iter_entries(self.workspace)
            for text in entry.get("details", {}).get("runs", [])
            for word in text.split()
        }
        assert {run_id for run_id, known in self.runs.items() if known.is_deleted} <= audited

    def check_limits(self, policy: Policy) -> None:
        """After a cleanup, what is left fits, but for what is protected."""
        facts = list(iter_facts(self.workspace.database))
        kept_by_rule = policy.keep_last or policy.keep_daily or policy.keep_weekly
        free = [run for run in facts if not self.is_protected(run.run_id)]
        if policy.max_count and not kept_by_rule:
            assert len(facts) <= policy.max_count or not free
        if policy.max_size:
            ended = [run for run in facts if not run.is_running]  # what others take is not known yet
            folders = [Path(self.workspace.run_folder(run.folder)) for run in ended]
            paths = [path for folder in folders for path in (folder, *folder.iterdir())]
            size = sum({p.stat().st_ino: p.stat().st_blocks * 512 for p in paths}.values())
            assert size <= policy.max_size * 1.05 or not free

    def random_step(self, dice: random.Random) -> None:
        """Do anything that somebody could do."""
        crash = dice.randrange(1, 40) if dice.random() < 0.5 else None
        alive = [r for r, known in self.runs.items() if not known.is_deleted and known.status != "running"]
        gone = [r for r, known in self.runs.items() if known.is_deleted]
        which = dice.random()
        if which < 0.55 or not alive:
            statuses = ("success", "success", "failure", "timeout", "running")
            tags = dice.choice(((), (), (), ("keep",), ("other",)))
            self.record(
                dice.choice((0, 0.5, 3, 8, 20, 60)), dice.choice(statuses), tags, dice.choice((10, 20_000))
            )
        elif which < 0.75:
            self.clean_up(dice.choice(RULES), crash)
        elif which < 0.85:
            self.delete(dice.sample(alive, min(len(alive), dice.randrange(1, 4))), crash)
        elif which < 0.93 and gone:
            self.undelete(dice.choice(gone), crash)
        elif which < 0.97:
            self.empty_trash(crash)
        else:
            self.recover()
        self.check()


@contextmanager
def dying(at: int | None) -> Iterator[None]:
    """Let this process "die" at the n-th call that changes the disk, or just after it."""
    if at is None:
        yield
        return
    left = [at]

    def deadly(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise CrashError
            result = call(*arguments, **options)
            left[0] -= 1
            if left[0] == 0:
                raise CrashError
            return result

        return wrapped

    patches = [mock.patch.object(os, name, deadly(getattr(os, name))) for name in _CALLS]
    patches.append(mock.patch.object(deleter, "delete_rows", deadly(delete_rows)))
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def steps(count: int, seed: int) -> Model:
    """Do random steps in a workspace of its own; it is made anew when it has become large."""
    dice = random.Random(seed)
    total = Model(Workspace("/"))
    done = 0
    while done < count:
        with tempfile.TemporaryDirectory(prefix="acode-retention-") as root:
            model = Model(Workspace(root))
            model.workspace.create()
            for _ in range(min(count - done, 120)):
                model.random_step(dice)
                done += 1
            assert quick_check(model.workspace.database) == "ok"
            total.crashes, total.deleted = total.crashes + model.crashes, total.deleted + model.deleted
        if done % 1200 == 0:
            print(f"{done} steps, {total.crashes} crashes, {total.deleted} runs deleted", flush=True)
    return total


# Killed by the kernel


def kill(every: int) -> int:
    """Kill a cleanup at every system call; return at how many."""
    with tempfile.TemporaryDirectory(prefix="acode-retention-") as name:
        base = Path(name)
        template = base / "template"
        model = Model(Workspace(str(template)))
        model.workspace.create()
        for number in range(6):
            model.record(40 + number, "success", (), 10)
        model.record(1, "success", (), 10)
        command = acode("runs", "cleanup", "--yes")
        work = base / "work"
        shutil.copytree(template, work, symlinks=True)
        where = points(work, KILLED, command)[::every]
        for point in where:
            shutil.rmtree(work)
            shutil.copytree(template, work, symlinks=True)
            inject(work, point, "kill", command)
            check_after_kill(model, Workspace(str(work)), point)
        return len(where)


def check_after_kill(made: Model, workspace: Workspace, point: tuple[str, int]) -> None:
    """Whoever comes next finishes; a second time changes nothing; nothing is lost."""
    model = Model(workspace, dict(made.runs))
    model.recover()
    nothing_dangles(workspace)
    first = {run.run_id for run in runs_in(workspace)}
    model.recover()
    assert {run.run_id for run in runs_in(workspace)} == first, point
    assert quick_check(workspace.database) == "ok", point
    trashed = {run.run_id for run in list_trashed(workspace, DAY)}
    assert first | trashed == made.runs.keys(), point
    assert len(first) in (1, len(made.runs)), point
    assert "t6" in [run.task for run in runs_in(workspace)], point


# A full disk


def disk(cycles: int, megabytes: int) -> None:
    """Fill a small file system and see it freed, again and again."""
    base = Path(tempfile.mkdtemp(prefix="acode-retention-"))
    place = base / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "acode", str(place)]
    subprocess.run(mount, check=True)
    try:
        fill_and_free(place, cycles)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)
        shutil.rmtree(base, ignore_errors=True)


def fill_and_free(place: Path, cycles: int, patience_seconds: float = 60.0) -> int:
    """Record until the disk is full, then wait until the collector has freed it; return how often it did."""
    workspace = Workspace(str(place))
    workspace.create()
    config = "runs: {retention: {enabled: true, minAge: 0s, maxSize: unlimited}}\n"
    Path(workspace.folder, "config.yml").write_text(config)
    for cycle in range(cycles):
        collector = subprocess.Popen(acode("collector", "run"), env=environment(place), cwd=place)
        try:
            recorded = fill(place)
            free = wait_for_room(place, patience_seconds)
        finally:
            collector.terminate()
            collector.wait(30)
        Model(workspace).recover()
        assert quick_check(workspace.database) == "ok"
        nothing_dangles(workspace)
        print(
            f"cycle {cycle + 1}: {recorded} commands until it was full, then {free >> 10} KiB free",
            flush=True,
        )
    return cycles


def fill(place: Path) -> int:
    """Record commands that write a lot until one finds the disk full; return how many."""
    script = "head -c 3000000 /dev/urandom"
    for number in range(1, 200):
        subprocess.run(
            acode("exec", "--quiet", "--", "sh", "-c", script),
            env=environment(place), cwd=place, capture_output=True, check=False,
        )  # fmt: skip
        if free_bytes(place) < 3_000_000:
            take_the_rest(place / "filler")
            return number
    return 0


def free_bytes(place: Path) -> int:
    """Return what is free."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def take_the_rest(path: Path) -> None:
    """Write a file until not a block is free."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 12)):
                pass
        except OSError:
            return


def wait_for_room(place: Path, patience_seconds: float) -> int:
    """Wait until a tenth of the disk is free, whatever others keep; fail when it never is."""
    import time

    deadline = time.monotonic() + patience_seconds
    wanted = os.statvfs(place).f_blocks * os.statvfs(place).f_frsize // 10
    while free_bytes(place) < wanted:
        if time.monotonic() > deadline:
            raise AssertionError(f"only {free_bytes(place)} bytes are free after {patience_seconds} s")
        time.sleep(0.1)
    (place / "filler").unlink()
    return free_bytes(place)


def main() -> None:
    """Run a campaign."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("which", choices=("steps", "kill", "disk"))
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=64)
    options = parser.parse_args()
    if options.which == "steps":
        model = steps(options.steps, options.seed)
        print(f"{options.steps} steps, {model.crashes} crashes, {model.deleted} runs deleted: nothing lost")
    elif options.which == "kill":
        print(f"killed at {kill(options.every)} system calls: nothing lost, nothing dangles")
    else:
        disk(options.cycles, options.megabytes)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, AcodeError) as error:
        sys.exit(f"FAILED: {error}")
