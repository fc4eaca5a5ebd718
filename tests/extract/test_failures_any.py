"""Whatever lines come, and wherever they end, looking for failures tells what is there and never raises."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.extract.failures import MAX_LINES, ErrorBlock, FailureScanner

_PIECES = (
    "Traceback (most recent call last):", '  File "a.py", line 3, in f', "    f()", "ValueError: bad", "",
    "During handling of the above exception, another exception occurred:", "a.c:3:5: error: no", "    3 | x",
    "panic: no", "goroutine 1 [running]:", "\t/a/main.go:8 +0x1d", "thread 'main' panicked at a.rs:2:5:",
    "error[E0308]: mismatched types", " --> a.rs:2:18", "E   assert 1 == 2", "FAILED t.py::test_x - no",
    "--- FAIL: TestX (0.00s)", "    x_test.go:5: bad", "  ● adds", "npm ERR! code ELIFECYCLE", "fatal: no",
    "make: *** [a] Error 1", "sh: foo: command not found", "ERROR: it failed", "all is well", "step 2 of 3",
)  # fmt: skip
LINES = st.lists(st.sampled_from(_PIECES) | st.text(max_size=30), max_size=90)


def scan(lines: list[str], first: int = 1) -> tuple[ErrorBlock, ...]:
    scanner = FailureScanner()
    for number, text in enumerate(lines, first):
        scanner.feed(number, text)
    return scanner.finish()


@given(LINES)
def test_blocks_stand_where_they_say(lines: list[str]) -> None:
    for block in scan(lines):
        assert 1 <= block.first_line <= block.last_line <= len(lines)
        assert block.lines[0] == lines[block.first_line - 1]
        assert block.message
        if len(block.lines) < MAX_LINES:
            assert list(block.lines) == lines[block.first_line - 1 : block.last_line]


@given(LINES, st.integers(0, 70))
def test_what_lines_are_looked_at_together_makes_no_difference(lines: list[str], quiet: int) -> None:
    moved = scan(["all is well"] * quiet + lines)
    assert [(b.kind, b.message, b.first_line - quiet, b.lines) for b in moved] == [
        (b.kind, b.message, b.first_line, b.lines) for b in scan(lines)
    ]


@given(LINES, st.integers(0, 90))
def test_an_output_that_was_cut_short_tells_what_its_beginning_tells(lines: list[str], end: int) -> None:
    whole = {block.first_line for block in scan(lines)}
    complete = [block for block in scan(lines[:end]) if block.last_line + 6 < end]
    assert {block.first_line for block in complete} <= whole
