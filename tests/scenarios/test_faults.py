"""A share of campaigns/syscalls.py: killed or failed at system calls, nothing is lost or half there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from campaigns.syscalls import campaign


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("fault", ["kill", "ENOSPC", "EIO"])
def test_a_fault_at_a_system_call_leaves_the_store_whole(tmp_path: Path, fault: str) -> None:
    tried, wrong = campaign(tmp_path, (fault,), every=9 if fault == "kill" else 3)
    assert wrong == []
    assert tried >= 3
