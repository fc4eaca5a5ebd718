"""Two outputs of one command: what differs every time is no difference, anything else is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.extract.differences import Difference, first_difference, normalized


def compare(now: str, before: str) -> Difference | None:
    return first_difference("stdout", enumerate(now.splitlines(), 1), enumerate(before.splitlines(), 1))


@pytest.mark.parametrize(
    ("now", "before"),
    [
        ("2026-01-02T03:04:05.678Z start", "2025-12-31 23:59:59,001 start"),
        ("12:00:01 done in 3.21s", "01:59:59 done in 12ms"),
        ("<object at 0x7f12ab>", "<object at 0x55aa00ff>"),
        ("server pid 123 on port 8001", "server pid 99999 on port 40123"),
        ("wrote /tmp/tmpab12/x.txt: ok", "wrote /tmp/tmpzz9/y.txt: ok"),
        ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "id 00000000-4f89-11d3-9a0c-0305e82c3302"),
        ("sshd[1234]: closed", "sshd[99]: closed"),
        ("[====>    ] 45%", "[=>       ] 9%"),
        ("took 1.234,5s (0.5s)", "took 12s (1,25s)"),
        ("got 12.3 MB at 4 MB/s", "got 99 MB at 1.5 MB/s"),
        ("1%\n2%\n50%\n100%\ndone", "7%\n100%\ndone"),
        ("a\n\n\nb", "a\nb"),
        ("Fri Nov 27 01:29:48 2026 x", "Sat Nov 28 11:29:48 2026 x"),
    ],
)  # fmt: skip
def test_what_differs_every_time_is_no_difference(now: str, before: str) -> None:
    assert compare(now, before) is None


@pytest.mark.parametrize(
    ("now", "before"),
    [("3 passed", "4 passed"), ("main.py:12", "main.py:13"), ("exit 1", "exit 0"), ("v1.2.3", "v1.2.4")],
)
def test_other_numbers_are_a_difference(now: str, before: str) -> None:
    assert compare(f"same\n{now}", f"same\n{before}") == Difference("stdout", 2, now, 2, before)


def test_an_output_that_ends_early_says_so() -> None:
    assert compare("a\nb", "a") == Difference("stdout", 2, "b", None, None)
    assert compare("a", "a\nb") == Difference("stdout", None, None, 2, "b")


def test_nothing_is_read_beyond_the_difference() -> None:
    lines = iter([(1, "a"), (2, "b"), (3, "never")])
    first_difference("stdout", lines, iter([(1, "a"), (2, "c")]))
    assert next(lines) == (3, "never")


def test_two_real_runs_of_a_noisy_program_are_alike(tmp_path: Path) -> None:
    code = (
        "import os, time, tempfile, uuid, datetime\n"
        "print(datetime.datetime.now(), 'pid', os.getpid(), object(), uuid.uuid4(), tempfile.mkdtemp())\n"
        "print('took', round(time.perf_counter(), 3), 'seconds', time.ctime())\n"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
                       env={"TMPDIR": "/tmp"}).stdout
        for _ in range(2)
    )  # fmt: skip
    assert first != second
    assert compare(first, second) is None


@pytest.mark.parametrize(
    "text", ["1" * 100_000, "[" * 10_000 + "1", "=" * 10_000, "\ud800 1", "1-" * 5_000, "1." * 5_000]
)
def test_hostile_lines_are_cut(text: str) -> None:
    assert len(normalized(text)) <= 20_000


OUTPUTS = st.lists(
    st.sampled_from(["", "ok 1", "step 2", "2026-01-02 03:04:05 x", "12%", "end"]), max_size=12
)


@given(OUTPUTS, OUTPUTS)
def test_two_outputs_part_in_the_same_place_whichever_is_the_earlier(
    now: list[str], before: list[str]
) -> None:
    there, back = (
        first_difference("stdout", enumerate(a, 1), enumerate(b, 1))
        for a, b in ((now, before), (before, now))
    )
    assert first_difference("stdout", enumerate(now, 1), enumerate(now, 1)) is None
    assert (there is None) == (back is None)
    if there and back:
        assert (there.line, there.earlier_line) == (back.earlier_line, back.line)
