"""What package managers, make, git and shells say when something fails, and plain errors."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.extract.failure_rules import CONSEQUENCE, LIKELY, MATTERS, MAYBE, Rule, lines_like, rules

_NPM = r"npm (?:ERR!|error)"
_NPM_ASIDE = re.compile(r"(?:code|errno|syscall|path|A complete log)\b")
_MAKE = r"(?:g?make)(?:\[\d+\])?: "
_HINTS = lines_like(r"hint: |Please |\t\S|Did you mean")
_DIED = r"(?:Segmentation fault|Bus error|Aborted|Killed|Illegal instruction|Floating point exception)"
_REFUSED = "|".join((
    "command not found", "not found", "No such file or directory", "No such file", "Permission denied",
    "Is a directory", "Not a directory", "Operation not permitted", "No space left on device",
    "Connection refused", "File exists", "[Ss]yntax error.*", "unexpected EOF.*", "invalid option.*",
    "unrecognized option.*", "Exec format error", "Text file busy", "Argument list too long",
))  # fmt: skip
_PASSING_ON = r"(?!.*\b(?:exit(?:ed)?|returned|failed)\b.*\b(?:code|status)\b)"
_TROUBLE = "|".join((
    "[Oo]ut of memory", "Cannot allocate memory", "No space left on device", "[Cc]onnection refused",
    "Could not resolve host", "command not found", "Permission denied", "No such file or directory",
))  # fmt: skip


def _npm_says(lines: Sequence[str]) -> str:
    """Return the first line that is a sentence, not the code, the call, the path or the log's name."""
    said = [re.sub(rf"^{_NPM} ?", "", line) for line in lines]
    telling = [text for text in said if text and not _NPM_ASIDE.match(text)]
    return (telling or said)[0].strip()


PROGRAMS = (
    *rules(
        "package",
        rf"{_NPM} (?:code ELIFECYCLE|code \d+$|Lifecycle script|Test failed)",
        r" ?(?:.*ELIFECYCLE|ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL)",
        r"error Command failed with exit code",
        follow=lines_like(_NPM),
        rank=CONSEQUENCE,
    ),
    Rule("package", re.compile(_NPM), lines_like(_NPM), _npm_says, LIKELY),
    *rules("package", r" ?(?P<message>ERR_PNPM_\w+ .*)", r"E: (?P<message>\S.*)", rank=LIKELY),
    *rules("make", rf"{_MAKE}\*\*\* \[.*\] (?:Error|Killed)|ninja: build stopped", rank=CONSEQUENCE),
    *rules(
        "make",
        rf"{_MAKE}\*\*\* (?P<message>.*)",
        r"(?P<file>[^\s:]+):(?P<line>\d+): \*\*\* (?P<message>.*)",
        rank=MATTERS,
    ),
    *rules(
        "git",
        r"fatal: (?P<message>\S.*)",
        r"error: (?P<message>(?:pathspec|failed to push|src refspec|Your local changes|patch failed).*)",
        r"CONFLICT \([\w/ ]+\): (?P<message>.*)",
        follow=_HINTS,
        rank=LIKELY,
    ),
    *rules(
        "shell",
        rf"{_DIED}\b",
        rf".*: line \d+: +\d+ {_DIED}",
        rf"(?P<message>\S+: (?:.*: )?(?:{_REFUSED}))\s*$",
        r"curl: \(\d+\) (?P<message>.*)",
        r"(?P<message>ssh: (?:connect|Could not).*|rsync error: .*|wget: .*)",
        rank=LIKELY,
    ),
    Rule(
        "error", re.compile(rf"(?:ERROR|Error|error): {_PASSING_ON}(?P<message>\S.*)"), lines_like(r"\s+\S"),
        rank=LIKELY, looks_back=True,
    ),
)  # fmt: skip
"""The first rule that fits a line is used."""

PLAIN = rules(
    "error",
    r"(?!.*\b(?:0|no) errors?\b).*?(?<![\w./-])(?:\[(?:ERROR|error|FATAL|fatal|CRITICAL)\]:?|"
    r"(?:ERROR|FATAL|CRITICAL)\b:?|(?:[Ee]rror|[Ff]atal):|❌)\s*(?P<message>\S.*)",
    rf"(?P<message>.*\b(?:{_TROUBLE})\b.*)",
    rank=MAYBE,
)
"""What only a word tells."""
