"""A share of campaigns/damage.py: whatever happens to runs.db, every run is found again in the folders."""

from __future__ import annotations

import random
from pathlib import Path

from campaigns.damage import make_runs, one_round
from collector.workspace import Workspace


def test_every_run_is_found_again_whatever_page_is_damaged(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    workspace.create()
    names = make_runs(workspace, 40)
    for seed in range(12):
        found, kept, _ = one_round(workspace, random.Random(seed))
        assert found == names, seed
        assert kept is not False, seed
