"""Content by line: ranges, patterns, failures, numbers and times, on real runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Recorded, finish
from tests.conftest import ACODE, wait_for
from tests.terminal import Terminal

COUNTS = "for n in range(1, 101):\n print('line', n, flush=True)"
BOTH = """
import os
for n in range(1, 101):
    os.write(1 + n % 2, b'%s %d\\n' % ((b'out', b'err')[n % 2], n))
"""
FAILS = """
import sys
for n in range(200): print('step', n, file=sys.stderr)
raise ValueError('this is bad')
"""
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""
LINES = [f"line {n}\n" for n in range(1, 101)]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A workspace with runs of many lines."""
    acode = Recorded(tmp_path_factory.mktemp("counted"))
    (acode.root / ".acode").mkdir()
    for task, code in (("counts", COUNTS), ("both", BOTH), ("fails", FAILS)):
        acode.run("exec", "--task", task, "--", sys.executable, "-c", code)
    acode.run("exec", "--task", "torn", "--", "printf", "one\\r\\n\\377two\\n\\nlast")
    acode.run("exec", "--task", "colours", "--", "printf", "a\\033[31mb\\033[0mc\\nplain abc\\n")
    acode.run("exec", "--task", "binary", "--", "printf", "a\\000b\\nc\\n")
    acode.run("exec", "--task", "nothing", "--", "true")
    acode.run("runs", "list")
    return acode


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--lines", "3:5"], LINES[2:5]), (["--lines", "99:"], LINES[98:]), (["--lines", ":2"], LINES[:2]),
        (["--lines", "-2:"], LINES[-2:]), (["--lines", "7"], LINES[6:7]),
        (["--lines", "-3:-2"], LINES[-3:-1]),
        (["--lines", "200:300"], []), (["--head", "2"], LINES[:2]), (["--tail", "2"], LINES[-2:]),
        (["--head", "0"], []), (["--tail", "0"], []), (["--tail", "999999999999999"], LINES),
        (["--lines", "10:20", "--tail", "2"], LINES[18:20]),
        (["--lines", "10:20", "--head", "1"], LINES[9:10]),
        (["--grep", "line 9", "--head", "2"], ["line 9\n", "line 90\n"]),
        (["--grep", "line 9", "--tail", "1"], LINES[98:99]), (["--grep", "LINE 42", "-i"], LINES[41:42]),
        (["--grep", "re:/^LINE (7|8)$/i"], LINES[6:8]), (["--grep", "re:/^line (7|8)$/"], LINES[6:8]),
        (["--grep", "re:7$", "--lines", "50:"], [n for n in LINES[49:] if n.endswith("7\n")]),
        (["--grep", "line 50", "-C", "1"], LINES[48:51]), (["--grep", "line 50", "-B2"], LINES[47:50]),
        (["--grep", "line 50", "-A", "1", "-B", "0"], LINES[49:51]),
        (["--grep", "re:/^line [16]$/", "-A1"], [*LINES[0:2], "--\n", *LINES[5:7]]),
        (["--lines", "-2:", "-n"], ["99:line 99\n", "100:line 100\n"]),
        (["--grep", "line 50", "-n", "-C1"], ["49-line 49\n", "50:line 50\n", "51-line 51\n"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", [["runs", "stdout", "counts"], ["artifacts", "cat", "counts", "stdout.txt"]])
def test_lines_are_chosen(
    counted: Recorded, verb: list[str], options: list[str], expected: list[str]
) -> None:
    done = counted.run(*verb, *options)
    assert (done.returncode, done.stdout.decode()) == (0, "".join(expected))
    nothing = "--grep" in options and not expected
    assert done.stderr == (b"no matches in stdout.txt\n" if nothing else b"")


def test_both_streams_are_taken_as_they_came(counted: Recorded) -> None:
    whole = counted.ok("runs", "output", "both").splitlines()
    assert len(whole) == 100
    assert counted.ok("runs", "output", "both", "--lines", "4:5", "-n") == f"4:{whole[3]}\n5:{whole[4]}\n"
    assert counted.ok("runs", "stderr", "both", "--tail", "1") == "err 99\n"


def test_bytes_are_unchanged_when_piped(counted: Recorded) -> None:
    whole = b"one\r\n\xfftwo\n\nlast"
    for options in (["--lines", "1:"], ["--tail", "9"]):
        assert counted.run("runs", "stdout", "torn", *options).stdout == whole
    assert counted.run("runs", "stdout", "torn", "-n").stdout == b"1:one\r\n2:\xfftwo\n3:\n4:last\n"
    assert counted.run("runs", "stdout", "binary", "--grep", "c").stdout == b"c\n"


def test_colours_do_not_hide_a_match_and_stay(counted: Recorded) -> None:
    done = counted.run("runs", "stdout", "colours", "--grep", "abc", "-n")
    assert done.stdout == b"1:a\x1b[31mb\x1b[0mc\n2:plain abc\n"


def test_what_tells_of_a_failure_is_shown_with_what_is_around(counted: Recorded) -> None:
    text = counted.ok("runs", "stderr", "fails", "--errors", "-n")
    assert text.splitlines()[0] == "198-step 197"
    assert text.splitlines()[3] == "201:Traceback (most recent call last):"
    assert text.splitlines()[-1].endswith(":ValueError: this is bad")
    both = counted.ok("runs", "output", "fails", "--errors", "-C", "2").splitlines()
    assert both[:3] == ["step 198", "step 199", "Traceback (most recent call last):"]
    done = counted.run("runs", "stdout", "counts", "--errors")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"no errors in stdout.txt\n")


def test_each_line_has_the_time_at_which_it_came(fresh: Recorded) -> None:
    process = fresh.start("exec", "--", "cat", stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    for n in range(3):
        process.stdin.write(b"line %d\n" % n)
        process.stdin.flush()
        process.stdout.readline()
    finish(process)
    lines = fresh.ok("runs", "stdout", "--timestamps", "-n").splitlines()
    run = fresh.json("runs", "show", "--json")
    times = [line.split(":", 1)[1].split(" ")[0] for line in lines]
    assert [run["start_time"], *times, run["end_time"]] == sorted(
        [run["start_time"], *times, run["end_time"]]
    )
    assert [line.partition("Z ")[2] for line in lines] == ["line 0", "line 1", "line 2"]
    tail = fresh.ok("runs", "output", "--timestamps", "--tail", "1")
    assert tail == lines[2].partition(":")[2] + "\n"
    fresh.run("artifacts", "collect", "--file", "-", "--name", "a.txt", input=b"text\n")
    done = fresh.run("artifacts", "cat", "@", "a.txt", "--timestamps")
    assert (done.stdout, done.stderr) == (b"text\n", b"acode: no times are known of a.txt\n")


def test_a_run_that_is_still_running_is_shown_as_far_as_it_is(fresh: Recorded) -> None:
    process = fresh.start("exec", "--", "sh", "-c", "echo one; echo two; exec cat", stdin=subprocess.PIPE)
    wait_for(lambda: b"two" in fresh.run("runs", "stdout", "--tail", "1").stdout)
    assert fresh.ok("runs", "stdout", "--grep", "o", "-n") == "1:one\n2:two\n"
    assert fresh.ok("runs", "stderr", "--tail", "5") == ""
    finish(process)


def test_the_middle_and_the_end_of_compressed_content_are_shown(fresh: Recorded) -> None:
    code = "for n in range(200_000): print('a line that repeats itself', n)"
    fresh.run("exec", "--", sys.executable, "-c", code)
    fresh.run("runs", "list")
    assert (fresh.folder() / "stdout.txt.zst").exists()
    assert fresh.ok("runs", "stdout", "--tail", "1") == "a line that repeats itself 199999\n"
    assert fresh.ok("runs", "stdout", "--lines", "150001") == "a line that repeats itself 150000\n"
    assert (
        fresh.ok("runs", "stdout", "--grep", "itself 77777", "-n")
        == "77778:a line that repeats itself 77777\n"
    )
    assert fresh.ok("runs", "output", "--tail", "1", "-n") == "200000:a line that repeats itself 199999\n"
    path = fresh.folder() / "stdout.txt.zst"
    damaged = bytearray(path.read_bytes())
    damaged[1000:9000] = bytes(8000)
    path.write_bytes(damaged)
    assert fresh.ok("runs", "stdout", "--tail", "1") == "a line that repeats itself 199999\n"
    assert "ACODE-ART-012" in fresh.fails(1, "runs", "stdout", "--grep", "never there")


def test_nobody_reading_is_no_error(fresh: Recorded) -> None:
    code = "for n in range(200_000): print('a line that repeats itself', n)"
    fresh.run("exec", "--", sys.executable, "-c", code)
    fresh.run("runs", "list")
    for options in (["--lines", "2:"], ["--grep", "line"], ["-n"]):
        process = fresh.start("runs", "stdout", *options)
        assert process.stdout
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr
        assert (process.stderr.read(), process.wait()) == (b"", 0)
        process.stderr.close()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--lines", "5:3"], "write 3:5"), (["--lines", "x"], "no range"), (["--lines", "0:"], "from 1"),
        (["--head", "-1"], "whole number"), (["--tail", "9" * 30], "whole number"),
        (["--head", "1", "--tail", "1"], "exclude"), (["--grep", "a", "--errors"], "exclude"),
        (["--grep", ""], "nothing to look for"), (["--grep", "a\nb"], "nothing to look for"),
        (["--grep", "re:/(/"], "regular expression"), (["--grep", "re:/(?=a)/"], "regular expression"),
        (["-C", "1"], "--context needs --grep"), (["--grep", "a", "-i", "-s"], "exclude"),
        (["--grep", "x" * 5000], "too long"),
    ],
)  # fmt: skip
def test_bad_options_are_one_line(counted: Recorded, options: list[str], what: str) -> None:
    assert what in counted.fails(2, "runs", "stdout", "counts", *options)


def test_what_is_not_there_is_one_line(counted: Recorded) -> None:
    assert "ACODE-RUN-001" in counted.fails(1, "runs", "stdout", "none", "--tail", "1")
    assert "ACODE-RUN-002" in counted.fails(1, "artifacts", "cat", "counts", "none.txt", "--tail", "1")
    assert counted.ok("runs", "stdout", "nothing", "--tail", "3") == ""
    assert counted.run("runs", "stdout", "nothing", "--grep", "a").stderr == b"no matches in stdout.txt\n"


def test_on_a_terminal_numbers_and_hits_are_coloured_and_nothing_else_gets_through(counted: Recorded) -> None:
    counted.run("exec", "--task", "hostile", "--", "printf", "safe\\n\\033]0;owned\\007hit me\\n")
    terminal = Terminal(
        [*ACODE, "runs", "stdout", "hostile", "--grep", "hit", "-n"], counted.environ, str(counted.root)
    )
    assert terminal.finish() == 0
    assert b"\x1b[2m2:\x1b[0m" in terminal.output
    assert b"\x1b[31mhit\x1b[0m me" in terminal.output
    assert b"\x1b]0" not in terminal.output
    binary = Terminal([*ACODE, "runs", "stdout", "binary", "-n"], counted.environ, str(counted.root))
    assert binary.finish() == 1
    assert "is binary" in binary.text()


def test_memory_stays_flat(fresh: Recorded) -> None:
    (fresh.root / ".acode" / "config.yml").write_text("runs:\n  artifacts:\n    maxSizePerArtifact: 200MB\n")
    code = "import sys\nfor n in range(70): sys.stdout.write('word ' * 200_000 + '\\n')"
    fresh.run("exec", "--", sys.executable, "-c", code)
    fresh.run("runs", "list")
    for options in (
        ["--grep", "absent"],
        ["--grep", "word", "-C", "5"],
        ["--lines", "-60:-50", "-n"],
        ["--tail", "2"],
    ):
        measured = subprocess.run(
            [sys.executable, "-c", MEASURE, *ACODE, "runs", "stdout", *options],
            env=fresh.environ, cwd=fresh.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True,
        )  # fmt: skip
        assert int(measured.stderr.splitlines()[-1]) < 60_000, options
