"""Both streams in one file: as the command wrote them, however fast."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.capture.order import interleave
from tests.conftest import ACODE, Acode

OUT, ERR = 5, 7


def test_each_write_of_a_line_takes_its_turn() -> None:
    pieces = interleave({OUT: b"a\nc\nd\n", ERR: b"b\n"}, [OUT, ERR, OUT, OUT])
    assert pieces == [(OUT, b"a\n"), (ERR, b"b\n"), (OUT, b"c\nd\n")]


def test_a_line_of_many_writes_stays_whole() -> None:
    order = [ERR, ERR, ERR, OUT, ERR, ERR, ERR]
    pieces = interleave({OUT: b"x\n", ERR: b"ls: a: none\nls: b: none\n"}, order)
    assert pieces == [(ERR, b"ls: a: none\n"), (OUT, b"x\n"), (ERR, b"ls: b: none\n")]


def test_a_write_of_many_lines_comes_first() -> None:
    pieces = interleave({OUT: b"1\n2\n3\ndone\n", ERR: b"e\n"}, [OUT, ERR, OUT])
    assert pieces == [(OUT, b"1\n2\n3\n"), (ERR, b"e\n"), (OUT, b"done\n")]


@given(
    st.dictionaries(st.sampled_from([OUT, ERR, 9]), st.binary(min_size=1), min_size=1),
    st.lists(st.sampled_from([OUT, ERR, 9, 11])),
)
def test_no_byte_is_lost_or_moved_within_its_stream(data: dict[int, bytes], order: list[int]) -> None:
    pieces = interleave(data, order)
    assert {fd: b"".join(piece for f, piece in pieces if f == fd) for fd in data} == data


SCRIPTS = [
    "for i in 1 2 3; do echo a$i; echo b$i >&2; echo c$i; done",
    "no-such-command; echo $?",
    "ls /no/such; echo rc=$?; ls /no/such; echo x",
    "seq 5; echo err >&2; echo done",
    "for i in $(seq 300); do echo a$i; [ $((i % 3)) = 0 ] && echo b$i >&2; done; true",
    "seq 20000; echo err >&2; seq 20000 >&2; echo out",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_two_streams_in_one_file_keep_their_order(acode: Acode, script: str) -> None:
    path = acode.root / "both"
    with path.open("wb") as both:
        subprocess.run(["bash", "-c", script], stdout=both, stderr=both, check=True)
    expected = path.read_bytes()
    for _ in range(5):
        with path.open("wb") as both:
            assert acode.exec("bash", "-c", script, stdout=both, stderr=both).returncode == 0
        assert path.read_bytes() == expected


def test_both_streams_are_still_recorded_apart(acode: Acode) -> None:
    with (acode.root / "both").open("wb") as both:
        acode.exec("bash", "-c", "echo a; echo b >&2; echo c", stdout=both, stderr=both)
    assert (acode.folder() / "stdout.txt").read_bytes() == b"a\nc\n"
    assert (acode.folder() / "stderr.txt").read_bytes() == b"b\n"


def test_more_writes_than_the_system_can_tell_of_harm_nobody(acode: Acode) -> None:
    """The kernel then sends SIGIO instead, which would end the command were it passed on."""
    program = "import os\nfor i in range(5000): os.write(1, b'a\\n'); os.write(2, b'b\\n')"
    command = ["bash", "-c", 'ulimit -i 20; exec "$@"', "bash", *ACODE, "exec", "--", sys.executable, "-c"]
    with (acode.root / "both").open("wb") as both:
        done = subprocess.run(
            [*command, program], env=acode.environ, cwd=acode.root, stdout=both, stderr=both, check=False
        )
    assert done.returncode == 0
    assert sorted((acode.root / "both").read_bytes().split()) == [b"a"] * 5000 + [b"b"] * 5000


def test_a_reader_that_leaves_ends_the_command(acode: Acode) -> None:
    read_end, write_end = os.pipe()
    script = "while echo a && echo b >&2; do :; done"
    process = acode.start("exec", "--", "bash", "-c", script, stdout=write_end, stderr=write_end)
    os.close(write_end)
    assert os.read(read_end, 2) == b"a\n"
    os.close(read_end)
    assert process.wait(20) in (0, 1, 141)


def test_order_is_found_in_the_recording_too(acode: Acode) -> None:
    with (acode.root / "both").open("wb") as both:
        acode.exec("bash", "-c", SCRIPTS[0], stdout=both, stderr=both)
    acode.run("runs", "list")  # indexes and seals
    merged = acode.run("runs", "output", "latest").stdout
    assert merged == Path(acode.root / "both").read_bytes()
