"""What test runners say of a test that failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.extract.failure_rules import CONSEQUENCE, LIKELY, Rule, lines_like, lines_until, rules

_TITLE = re.compile(r"\s*(?:● |FAIL\b:? +|--- FAIL: |ERROR: )(.*)")
_TELLING = re.compile(r"[\w.]*(?:Error|Exception)\b|expect\(|\S+_test\.go:\d+: |assert")


def _titled(lines: Sequence[str]) -> str:
    """Return the test's name and the first line below it that says something."""
    title = match[1] if (match := _TITLE.match(lines[0])) else lines[0]
    below = [line.strip() for line in lines[1:] if line.strip(" -=.|")]
    said = next((line for line in below if _TELLING.match(line)), below[0] if below else "")
    return f"{title.strip()}: {said}" if said else title.strip()


def _jest_says(lines: Sequence[str]) -> str:
    """Return nothing for `● Console`, below which Jest shows what tests printed."""
    return _titled(lines) if len(lines) > 1 and "Console" not in lines[0] else ""


TESTS = (
    # pytest: `E   what`, below it the place
    *rules("test", r"E   (?P<message> *\S.*)", follow=lines_like(r"E  |$|\S+\.py:\d+: \w+$")),
    Rule("test", re.compile(r"  ● \S"), lines_until(r"  ● |\S"), _jest_says),
    Rule("test", re.compile(r" FAIL  \S.* > "), lines_until(r"⎯{5}| FAIL | Test Files"), _titled),
    # go test; sub-tests are indented
    Rule("test", re.compile(r"\s*--- FAIL: \S"), lines_like(r"\s+(?!--- )\S"), _titled),
    # unittest: the traceback follows below a rule
    Rule("test", re.compile(r"(?:FAIL|ERROR): \w+ \([\w.<>]+\)"), lines_until(r"={20}|$|Ran \d"), _titled),
    # TAP
    *rules(
        "test",
        r"\s*not ok \d+ (?:- )?(?P<message>(?!.*# (?:TODO|SKIP)).*)",
        follow=lines_until(r"\s*(?:not )?ok |\s*\.\.\.$|\S"),
    ),
    *rules(
        "test",
        r"(?:FAILED|ERROR) (?P<message>(?P<file>[^\s:]+\.py)\b.*)",  # pytest's summary
        r"test (?P<message>\S+) \.\.\. FAILED",  # cargo: the panic follows
        rank=LIKELY,
    ),
    *rules("test", r"✖ (?P<message>\S.*) \(\d[\d.]*ms\)", follow=lines_like(r"\s+\S"), rank=LIKELY),
    *rules(
        "test",
        r"FAIL\t|FAIL$|exit status \d+$",
        r"test result: FAILED|FAILED \((?:failures|errors)=",
        r"Tests: .*\bfailed\b|=* ?\d+ failed\b",
        rank=CONSEQUENCE,
    ),
)
"""The first rule that fits a line is used."""
