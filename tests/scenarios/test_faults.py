"""A share of campaigns/syscalls.py and sealing.py: killed or failed at system calls, nothing is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from campaigns import sealing
from campaigns.syscalls import campaign


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("fault", ["kill", "ENOSPC", "EIO"])
def test_a_fault_at_a_system_call_leaves_the_store_whole(tmp_path: Path, fault: str) -> None:
    tried, wrong = campaign(tmp_path, (fault,), every=9 if fault == "kill" else 3)
    assert wrong == []
    assert tried >= 3


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(("fault", "every"), [("kill", 29), ("ENOSPC", 53)])
def test_sealing_with_a_fault_at_a_system_call_keeps_every_content(
    tmp_path: Path, fault: str, every: int
) -> None:
    tried, wrong = sealing.campaign(tmp_path, (fault,), every)
    assert wrong == []
    assert tried >= 3
