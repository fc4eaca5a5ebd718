"""Retention as a state machine: whatever happens in whatever order, with crashes between, nothing is lost.

The model and its checks are those of campaigns/retention.py, which runs ten thousand steps.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from campaigns.retention import RULES, Model, check_after_kill
from campaigns.syscalls import acode, inject
from collector.workspace import Workspace

CRASHES = st.none() | st.integers(1, 40)


class Retention(RuleBasedStateMachine):
    """Somebody records, cleans up, deletes, brings back, and is killed at it."""

    def __init__(self) -> None:
        super().__init__()
        self.root = tempfile.mkdtemp(prefix="acode-machine-")
        self.model = Model(Workspace(self.root))
        self.model.workspace.create()

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    def _alive(self) -> list[str]:
        return [r for r, k in self.model.runs.items() if not k.is_deleted and k.status != "running"]

    def _gone(self) -> list[str]:
        return [run_id for run_id, known in self.model.runs.items() if known.is_deleted]

    @rule(
        days=st.sampled_from([0, 0.5, 3, 20, 60]),
        status=st.sampled_from(["success", "failure", "running"]),
        tags=st.sampled_from([(), ("keep",)]),
        size=st.sampled_from([10, 20_000]),
    )
    def record(self, days: float, status: str, tags: tuple[str, ...], size: int) -> None:
        self.model.record(days, status, tags, size)

    @rule(which=st.integers(0, len(RULES) - 1), crash=CRASHES)
    @precondition(lambda self: self.model.runs)
    def clean_up(self, which: int, crash: int | None) -> None:
        self.model.clean_up(RULES[which], crash)

    @rule(data=st.data(), crash=CRASHES)
    @precondition(lambda self: self._alive())
    def delete(self, data: st.DataObject, crash: int | None) -> None:
        self.model.delete(data.draw(st.lists(st.sampled_from(self._alive()), min_size=1, unique=True)), crash)

    @rule(data=st.data(), crash=CRASHES)
    @precondition(lambda self: self._gone())
    def undelete(self, data: st.DataObject, crash: int | None) -> None:
        self.model.undelete(data.draw(st.sampled_from(self._gone())), crash)

    @rule(crash=CRASHES)
    @precondition(lambda self: self._gone())
    def empty_trash(self, crash: int | None) -> None:
        self.model.empty_trash(crash)

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.model.recorded:
            self.model.check()


TestRetention = Retention.TestCase
TestRetention.settings = settings(
    max_examples=int(os.environ.get("ACODE_EXAMPLES", "8")), stateful_step_count=15, deadline=None
)


@pytest.mark.parametrize(
    "point", [("rename", 1), ("rename", 4), ("unlink", 1), ("fsync", 3), ("openat", 200)]
)
def test_a_cleanup_killed_by_the_kernel_is_finished(tmp_path: Path, point: tuple[str, int]) -> None:
    if shutil.which("strace") is None:
        pytest.skip("there is no strace")
    model = Model(Workspace(str(tmp_path / "workspace")))
    model.workspace.create()
    for number in range(6):
        model.record(40 + number, "success", (), 10)
    model.record(1, "success", (), 10)
    inject(Path(model.workspace.root), point, "kill", acode("runs", "cleanup", "--yes"))
    check_after_kill(model, model.workspace, point)
