"""The scanner on what programs print that are not on every machine, on much output, and on hostile output."""

from __future__ import annotations

import tracemalloc

import pytest

from collector.extract.failures import MAX_BLOCKS, MAX_LINES, ErrorBlock, FailureScanner


def scan(text: str) -> list[ErrorBlock]:
    scanner = FailureScanner()
    for number, line in enumerate(text.split("\n"), 1):
        scanner.feed(number, line)
    return list(scanner.finish())


GO_PANIC = """\
panic: runtime error: index out of range [3] with length 0

goroutine 1 [running]:
main.pick(...)
\t/home/dev/shop/main.go:8
main.main()
\t/home/dev/shop/main.go:12 +0x1d
exit status 2"""
GO_TEST = """\
=== RUN   TestSum
--- FAIL: TestSum (0.00s)
    sum_test.go:9: Sum(1, 1) = 3, want 2
FAIL
FAIL\texample.com/sum\t0.002s
FAIL"""
RUBY = """\
shop.rb:2:in `price': undefined method `cents' for nil (NoMethodError)
\tfrom shop.rb:5:in `<main>'"""
PHP = """\
PHP Fatal error:  Uncaught Exception: no stock in /srv/shop.php:3
Stack trace:
#0 {main}
  thrown in /srv/shop.php on line 3"""
DOTNET = """\
Unhandled exception. System.InvalidOperationException: no basket
   at Shop.Basket.Load() in /src/Basket.cs:line 14
   at Shop.Program.Main(String[] args) in /src/Program.cs:line 7"""
MSBUILD = """\
  Determining projects to restore...
/src/Basket.cs(7,13): error CS0103: The name 'x' does not exist in the current context [/src/Shop.csproj]

Build FAILED."""
TSC = "src/cart.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'."
TSC_PRETTY = """\
src/cart.ts:3:7 - error TS2322: Type 'string' is not assignable to type 'number'.

3 const n: number = "s";
        ~
Found 1 error in src/cart.ts:3"""
ESLINT = """\

/src/cart.js
  1:1   warning  Unexpected console statement  no-console
  7:10  error    'total' is not defined        no-undef

✖ 2 problems (1 error, 1 warning)"""
GO_BUILD = """\
# example.com/shop
./main.go:4:2: undefined: total"""
JEST = """\
FAIL src/cart.test.js
  ● cart adds

    expect(received).toBe(expected) // Object.is equality

    Expected: 3
    Received: 2

      at Object.toBe (src/cart.test.js:4:17)

Tests:       1 failed, 1 total"""
APT = """\
Reading package lists...
E: Unable to locate package no-such-thing"""
NPM_OLD = """\
npm ERR! code ELIFECYCLE
npm ERR! errno 1
npm ERR! shop@1.0.0 build: `tsc`
npm ERR! Exit status 1"""
OLD_RUST = "thread 'main' panicked at 'no price', src/main.rs:4:5\nnote: run with `RUST_BACKTRACE=1`"


@pytest.mark.parametrize(
    ("text", "kind", "message", "place"),
    [
        (GO_PANIC, "traceback", "runtime error: index out of range [3] with length 0",
         "/home/dev/shop/main.go:8"),
        (GO_TEST, "test", "TestSum (0.00s): sum_test.go:9: Sum(1, 1) = 3, want 2", "sum_test.go:9"),
        (RUBY, "traceback", "undefined method `cents' for nil (NoMethodError)", "shop.rb:2"),
        (PHP, "traceback", "Uncaught Exception: no stock in /srv/shop.php:3", "/srv/shop.php:3"),
        (DOTNET, "traceback", "System.InvalidOperationException: no basket", "/src/Basket.cs:14"),
        (MSBUILD, "diagnostic",
         "CS0103: The name 'x' does not exist in the current context [/src/Shop.csproj]",
         "/src/Basket.cs:7"),
        (TSC, "diagnostic", "TS2322: Type 'string' is not assignable to type 'number'.", "src/cart.ts:3"),
        (TSC_PRETTY, "diagnostic",
         "TS2322: Type 'string' is not assignable to type 'number'.", "src/cart.ts:3"),
        (ESLINT, "diagnostic", "'total' is not defined        no-undef", "/src/cart.js:7"),
        (GO_BUILD, "diagnostic", "undefined: total", "./main.go:4"),
        (JEST, "test", "cart adds: expect(received).toBe(expected) // Object.is equality",
         "src/cart.test.js:4"),
        (APT, "package", "Unable to locate package no-such-thing", None),
        (OLD_RUST, "traceback", "no price", "src/main.rs:4"),
        ("2024-05-01 12:00:00 ERROR shop: no database", "error", "shop: no database", None),
        ("[ERROR] no database", "error", "no database", None),
        ("curl: (7) Failed to connect to localhost port 1", "shell",
         "Failed to connect to localhost port 1", None),
        ("Segmentation fault (core dumped)", "shell", "Segmentation fault (core dumped)", None),
        ("CONFLICT (content): Merge conflict in a.txt", "git", "Merge conflict in a.txt", None),
    ],
)  # fmt: skip
def test_a_failure_is_named_and_placed(text: str, kind: str, message: str, place: str | None) -> None:
    for quiet in (0, 63, 64, 200):  # whatever batch it falls into
        found = scan("\n".join(["all is well"] * quiet + [text]))
        assert (found[0].kind, found[0].message) == (kind, message)
        assert (str(found[0].location) if found[0].location else None) == place


def test_what_merely_follows_comes_last() -> None:
    found = scan(f"{NPM_OLD}\nmake: *** [Makefile:2: all] Error 1\n{TSC}")
    assert [block.kind for block in found] == ["diagnostic", "package", "make"]
    assert [block.is_consequence for block in found] == [False, True, True]


def test_a_block_says_where_it_stands_and_what_is_above_it() -> None:
    (found,) = scan("one\ntwo\nthree\nfour\n" + RUBY + "\nafter")
    assert (found.first_line, found.last_line) == (5, 6)
    assert found.before == ("two", "three", "four")
    assert found.lines == tuple(RUBY.split("\n"))


@pytest.mark.parametrize(
    "line",
    [
        "0 errors, 0 warnings", "compiled error_pages.py", "no error: all good", "src/errors.ts 12kb",
        "ErrorBoundary.test.js passed", "Tests: 3 passed", "found 0 vulnerabilities", "   ok  error handling",
        "0 errors", "Found 0 errors", "✖ 3 problems (0 errors, 3 warnings)",
    ],
)  # fmt: skip
def test_words_that_only_look_like_errors_are_none(line: str) -> None:
    assert scan(line) == []


def test_the_last_lines_stand_in_where_nothing_tells_of_an_error() -> None:
    scanner = FailureScanner("stderr")
    for number in range(1, 101):
        scanner.feed(number, f"step {number}")
    assert scanner.finish() == ()
    last = scanner.last_lines()
    assert last is not None
    assert (last.kind, last.message, last.last_line) == ("output", "step 100", 100)
    assert last.lines[-1] == "step 100"
    assert FailureScanner().last_lines() is None


def test_memory_stays_flat_over_many_errors() -> None:
    scanner = FailureScanner()
    tracemalloc.start()
    for number in range(1, 20_001):
        scanner.feed(number, f"ERROR number {number}: " + "x" * 100)
    for number in range(20_001, 40_001):
        scanner.feed(number, "  at frame " + "y" * 100)
    found = scanner.finish()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == MAX_BLOCKS
    assert peak < 1_000_000
    assert all(len(block.lines) <= MAX_LINES + 1 for block in found)


def test_endless_blocks_and_long_lines_are_cut() -> None:
    text = (
        "Traceback (most recent call last):\n"
        + '  File "a.py", line 1\n' * 20_000
        + "ValueError: x"
        + "y" * 100_000
    )
    (found,) = scan(text)[:1]
    assert len(found.lines) <= MAX_LINES + 1
    assert all(len(line) <= 500 for line in found.lines)
    assert len(found.message) <= 300


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "a:" * 5_000 + "error", "thread '" * 1_000, "\x00\ud800 error: x", " " * 9_999]
)
def test_hostile_lines_cost_little(text: str) -> None:
    scan("\n".join([text, "error"] * 50))
