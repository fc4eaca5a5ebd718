"""The small project of `acode demo`, and the commands that are recorded on it."""

from __future__ import annotations

_SHOP = '''\
"""Prices and baskets."""


def total(prices, discount=0):
    """Return the sum in cents, less a discount in percent."""
    return sum(prices) * (100 - discount) // 100


def shipping(cents):
    """Return what sending a basket costs, in cents."""
    if cents >= 5000:
        return 0
    return 495
'''

_TEST_BASKET = """\
import unittest

from shop import total


class BasketTest(unittest.TestCase):
    def test_an_empty_basket_costs_nothing(self):
        self.assertEqual(total([]), 0)

    def test_prices_add_up(self):
        self.assertEqual(total([1999, 501]), 2500)

    def test_a_discount_is_taken_off(self):
        self.assertEqual(total([1000], discount=25), 750)
"""

_TEST_CHECKOUT = """\
import unittest

from shop import total


class CheckoutTest(unittest.TestCase):
    def test_half_cents_are_rounded_up(self):
        self.assertEqual(total([999], discount=50), 500)

    def test_a_refund_is_negative(self):
        self.assertEqual(total([-1250]), -1250)
"""

_CHECK = """\
# Runs every test, and says what happened to them (JUnit) and which lines they reached (lcov).
import sys
import time
import types
import unittest
from xml.sax.saxutils import escape, quoteattr

SOURCE, cases, reached = "shop.py", [], set()


class Result(unittest.TextTestResult):
    def startTest(self, test):
        super().startTest(test)
        self.begun = time.perf_counter()

    def add(self, test, inner=""):
        took = time.perf_counter() - self.begun
        names = f"classname={quoteattr(type(test).__name__)} name={quoteattr(test._testMethodName)}"
        cases.append(f'<testcase {names} time="{took:.4f}">{inner}</testcase>')

    def addSuccess(self, test):
        super().addSuccess(test)
        self.add(test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        message = quoteattr(f"{error[0].__name__}: {error[1]}")
        self.add(test, f"<failure message={message}>{escape(self.failures[-1][1])}</failure>")


def follow(frame, event, argument):
    if frame.f_code.co_filename.endswith(SOURCE):
        reached.add(frame.f_lineno)
        return follow


def lines_of(code):
    inner = [lines_of(part) for part in code.co_consts if isinstance(part, types.CodeType)]
    return {line for _, _, line in code.co_lines() if line}.union(*inner)


sys.settrace(follow)
tests = unittest.defaultTestLoader.discover(".")
good = unittest.TextTestRunner(resultclass=Result, verbosity=2).run(tests).wasSuccessful()
sys.settrace(None)
with open("shop-tests.xml", "w") as file:
    file.write(f'<testsuite name="shop">{"".join(cases)}</testsuite>')
with open("shop-coverage.info", "w") as file:
    source = open(SOURCE).read()
    lines = sorted(lines_of(compile(source, SOURCE, "exec")))
    hits = "".join(f"DA:{n},{int(n in reached)}\\n" for n in lines)
    file.write(f"SF:{SOURCE}\\n{hits}end_of_record\\n")
sys.exit(not good)
"""

_BUILD = """\
# A build as builds look: steps, a warning on stderr, a file at the end.
for step in 1/4 2/4 3/4 4/4; do
    printf '\\033[36m[%s]\\033[0m compiling part %s\\n' "$step" "${step%/4}"
    sleep 0.15
done
printf '\\033[33mwarning:\\033[0m shop.py: discount is never above 100\\n' >&2
mkdir -p dist && python3 -m zipfile -c dist/shop.zip shop.py && ls -l dist
printf '\\033[32mbuild finished\\033[0m\\n'
"""

_REPORT = """\
import json
import platform

rows = [{"item": f"item-{n:03}", "cents": n * 137 % 5000, "stock": n * 7 % 40} for n in range(60)]
print(json.dumps({"shop": "demo", "python": platform.python_version(), "items": rows}, indent=2))
"""

_COLORS = """\
print("Straße · naïve · Ελλάδα · Привет · 日本語 · 한국어 · עברית · 😀 👩‍🚀 🇪🇺")
for row in range(2):
    print("".join(f"\\033[{30 + row * 60 + n}m color {n} \\033[0m" for n in range(8)))
print("".join(f"\\033[48;5;{n}m  \\033[0m" for n in range(16, 52)))
print("\\033[1mbold\\033[0m \\033[3mitalic\\033[0m \\033[4munderlined\\033[0m \\033[7mreversed\\033[0m")
print("this title is not set: \\033]0;owned\\007 and nothing is erased: \\033[2J")
"""

_BIG = """\
for number in range(120_000):
    print(f"{number:6} GET /items/{number * 7919 % 1000}?page={number % 13} 200 {number * 31 % 900} ms")
"""

_SERVE = """\
# Runs until it is stopped, so that there is something live to look at.
number=0
while [ "$number" -lt 900 ]; do
    number=$((number + 1))
    printf '%s  request %s answered\\n' "$(date +%H:%M:%S)" "$number"
    [ $((number % 10)) -eq 0 ] && printf 'slow request %s\\n' "$number" >&2
    sleep 1
done
"""

FILES: dict[str, str] = {
    "shop.py": _SHOP, "test_basket.py": _TEST_BASKET, "test_checkout.py": _TEST_CHECKOUT,
    "check.py": _CHECK,
    "build.sh": _BUILD, "report.py": _REPORT, "colors.py": _COLORS, "big.py": _BIG,
    "serve.sh": _SERVE,
}  # fmt: skip
"""What is written into the workspace."""

RUNS: tuple[tuple[str, ...], ...] = (
    ("--task", "test", "--session", "demo-agent", "--", "python3", "-m", "unittest", "-v", "test_basket"),
    ("--task", "test", "--session", "demo-agent", "--tag", "important", "--",
     "python3", "-m", "unittest", "-v", "test_checkout"),
    ("--task", "check", "--type", "test", "--session", "demo-agent", "--collect", "shop-*", "--",
     "python3", "check.py"),
    ("--task", "build", "--type", "build", "--session", "demo-agent", "--", "sh", "build.sh"),
    ("--task", "report", "--type", "generate", "--", "python3", "report.py"),
    ("--task", "colors", "--", "python3", "colors.py"),
    ("--task", "access-log", "--", "python3", "big.py"),
    ("--task", "migrate", "--timeout", "2s", "--grace", "1s", "--", "sleep", "60"),
    ("--task", "deploy", "--tag", "env=staging", "--", "deploy-to-staging", "--now"),
    ("--task", "lint", "--", "sh", "-c", "echo 'shop.py:6: line too long' >&2; exit 1"),
    ("--task", "serve", "--session", "demo-agent", "--", "sh", "serve.sh"),
)  # fmt: skip
"""The arguments of each `acode exec`; the last one goes on until it is stopped."""
