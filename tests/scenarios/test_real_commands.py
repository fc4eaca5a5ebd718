"""Real commands, with and without acode; the long ones are in campaigns/compare.py."""

from __future__ import annotations

import pytest

from campaigns.compare import CASES, QUICK, Case, compare


@pytest.mark.parametrize("name", QUICK)
def test_a_real_command_is_the_same_with_acode(name: str) -> None:
    assert compare(name) == []


def test_the_comparison_sees_a_difference() -> None:
    one, other = Case(["sh", "-c", "echo a; exit 1"]), Case(["sh", "-c", "echo b > f; exit 2"])
    assert len(one.run([]).differences(other.run([]))) == 3


def test_the_stream_case_is_a_gigabyte() -> None:
    assert CASES["1 GB stream"].argv[-1].endswith(str(1 << 30))
