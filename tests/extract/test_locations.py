"""Places out of traces, as the tools of many languages write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.extract.locations import find_location, line_within, path_in

TRACES = {
    "python": (
        'Traceback (most recent call last):\n  File "/p/tests/test_x.py", line 3, in test\n    f()\n'
        '  File "/p/app.py", line 9, in f\n    json.loads("")\n'
        '  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads\nValueError: no',
        "/p/tests/test_x.py:3",
    ),
    "pytest": (
        "def test():\n>   f()\n\ntests/test_x.py:5: \n_ _ _\nsrc/app.py:12: ValueError",
        "tests/test_x.py:5",
    ),
    "node": (
        "Error: x\n    at Object.f (/p/src/a.js:1:2)\n    at run (/p/x.test.js:10:5)\n"
        "    at node:internal/main/run:3:4\n    at g (/p/node_modules/y/index.js:5:6)",
        "/p/x.test.js:10",
    ),
    "node with a url": ("at async file:///p/x.test.mjs:10:5", "/p/x.test.mjs:10"),
    "go": ("    x_test.go:12: got 1\n        want 2", "x_test.go:12"),
    "go panic": (
        "panic: x\n\ngoroutine 7 [running]:\npanic(0x3)\n\t/usr/local/go/src/runtime/panic.go:114\n"
        "main.f()\n\t/p/x.go:9 +0x1d\nmain.TestF(0x1)\n\t/p/x_test.go:8 +0x17",
        "/p/x_test.go:8",
    ),
    "java": (
        "java.lang.AssertionError: no\n\tat org.junit.Assert.fail(Assert.java:89)\n"
        "\tat pkg.Calc.m(Calc.java:3)\n\tat pkg.CalcTest.m(CalcTest.java:33)\n"
        "\tat java.base/java.lang.X.y(X.java:1)",
        "CalcTest.java:33",
    ),
    "dotnet": ("   at N.Cls.M() in /p/X.cs:line 9\n   at System.X.Y()", "/p/X.cs:9"),
    "dotnet on windows": ("   at N.Cls.M(Int32 i) in C:\\p q\\X.cs:line 9", "C:\\p q\\X.cs:9"),
    "php": ("Failed asserting.\n\n/p/vendor/phpunit/F.php:3\n/p/tests/XTest.php:14", "/p/tests/XTest.php:14"),
    "rust": ("thread 't' panicked at src/x.rs:4:5:\nassertion failed", "src/x.rs:4"),
    "ruby": (
        "Failure/Error: x\n# /var/gems/rspec-core/lib/a.rb:3:in `b'\n# ./spec/x_spec.rb:12:in `block'",
        "./spec/x_spec.rb:12",
    ),
    "swift": ("/p/Tests/XTests.swift:12: error: -[X y] : XCTAssertTrue failed", "/p/Tests/XTests.swift:12"),
    "c++": ("/p/x_test.cc:21: Failure\nExpected: 1", "/p/x_test.cc:21"),
    "elixir": ("test/x_test.exs:7\n     Assertion with == failed", "test/x_test.exs:7"),
    "only libraries": ("at f (/p/node_modules/y/index.js:5:6)", "/p/node_modules/y/index.js:5"),
}


@pytest.mark.parametrize("language", TRACES)
def test_the_place_of_a_failure_is_found(language: str) -> None:
    trace, place = TRACES[language]
    assert str(find_location(trace, ())) == place


def test_a_file_that_is_called_like_the_test_comes_first() -> None:
    trace = "at a.B.c(Other.java:1)\nat a.Checks.d(Checks.java:2)"
    assert str(find_location(trace, ("a.Checks",))) == "Checks.java:2"


@pytest.mark.parametrize(
    "text", ["", "see http://host.py:80", "at 12:30:45.123:5", "localhost.local:8080", "x.py: 3"]
)
def test_what_is_no_place_is_not_taken_for_one(text: str) -> None:
    assert find_location(text, ()) is None


def test_the_innermost_line_of_a_file_is_found_by_the_end_of_its_path() -> None:
    trace = 'File "/p/tests/test_x.py", line 3\nFile "/p/tests/test_x.py", line 8\nFile "/p/y.py", line 1'
    assert line_within(trace, "tests/test_x.py") == 8
    assert line_within(trace, "other/test_x.py") is None


@pytest.mark.parametrize(
    "name", ["src/x.test.ts", "__tests__\\main.test.js", "login.spec.ts", "tests/a b/x.py"]
)
def test_a_suite_that_is_called_like_a_file_is_one(name: str) -> None:
    assert path_in(None, "not a file", name) == name


@pytest.mark.parametrize("name", ["pkg.CalcTest", "adds two numbers", "example.com/calc", "", "a: b.py"])
def test_other_names_are_not(name: str) -> None:
    assert path_in(name) is None


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    find_location(text, (text,))
    line_within(text, text)
    path_in(text)
