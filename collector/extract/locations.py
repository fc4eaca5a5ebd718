"""Where a test failed: places in source files, out of the traces of many languages.

A trace names places from the outermost call to the innermost (Python) or the other way round (everybody
else). The place that is worth opening is the innermost one in the test's own file, else in a test, else in
the project; libraries come last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from collector.extract.values import whole
from collector.model.results import Location

SOURCE = (
    "py|pyx|js|jsx|mjs|cjs|ts|tsx|mts|cts|vue|svelte|go|java|kt|kts|scala|groovy|clj|cs|fs|vb|php|phpt|rs|rb|"
    "swift|mm|m|c|cc|cpp|cxx|h|hh|hpp|ex|exs|erl|dart|lua|pl|pm|t|sh|bats|feature|robot|jl|hs|ml|zig|nim"
)
_LONGEST_LINE = 1_000  # keeps every pattern cheap, whatever a trace holds
_IN_PATH = r"[^\s:()\"'<>|=,;]"

_PLACES = (
    re.compile(r'File "([^"]+)", line (\d+)'),
    re.compile(r"\bin (\S[^:]*(?::[^:]*)?):line (\d+)"),
    re.compile(rf"\((?:file://)?([^()]*\.(?:{SOURCE})):(\d+)(?::\d+)?\)"),
    re.compile(rf"(?<!{_IN_PATH})(?:file://)?(?!//)((?:[A-Za-z]:)?{_IN_PATH}+\.(?:{SOURCE})):(\d+)\b"),
)
_CALLS = ("at ", "File ", "\u276f ", "from ")
_LIBRARIES = (
    "node_modules/", "site-packages/", "dist-packages/", "/lib/python", "<frozen", "_pytest/", "node:",
    "internal/process/", "internal/modules/", "/usr/lib/", "/usr/share/", "/usr/local/lib/", "/usr/local/go/",
    "/usr/local/share/", "/.cargo/", "/rustc/", "/vendor/", "/gems/", "testing/testing.go",
)  # fmt: skip
_LIBRARY_CALLS = tuple(
    f"at {package}."
    for package in (
        "java", "javax", "jdk", "sun", "com.sun", "kotlin", "scala", "groovy", "org.junit", "org.testng",
        "org.gradle", "org.apache.maven", "org.codehaus", "org.hamcrest", "org.assertj", "org.opentest4j",
        "org.mockito", "org.springframework", "System", "Microsoft", "Xunit", "NUnit",
    )
)  # fmt: skip
_TEST = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__)/|(?:^|/)test_[^/]*$|[._-](?:test|tests|spec)\.\w+$|Tests?\.\w+$"
)
_WORDS = re.compile(r"[^\w-]+")
_PATH = re.compile(rf"[\w.@+/\\ -]*[\w-]\.(?:{SOURCE})")


@dataclass(frozen=True, slots=True)
class _Frame:
    file: str
    line: int
    is_library: bool
    is_call: bool

    @property
    def slashed(self) -> str:
        return self.file.replace("\\", "/")

    @property
    def stem(self) -> str:
        return self.slashed.rpartition("/")[2].partition(".")[0]


def find_location(trace: str, test: Iterable[str | None]) -> Location | None:
    """Return the place of a trace that is worth opening, None where it names none.

    Args:
        trace: traceback, or whatever tells of the failure.
        test: names of the test (class, suite, file); a place in a file that is called so is its own.
    """
    frames = _frames(trace)
    if any(frame.file.endswith((".py", ".pyx")) for frame in frames):
        frames.reverse()
    words = {word for name in test if name for word in _WORDS.split(name)}
    ours = [frame for frame in frames if not frame.is_library] or frames
    own = [frame for frame in ours if frame.stem in words]
    tests = [frame for frame in ours if _TEST.search(frame.slashed)]
    best = next(iter([f for f in own if f in tests] or own or tests or ours), None)
    return Location(best.file, best.line) if best else None


def line_within(trace: str, file: str) -> int | None:
    """Return the innermost line that a trace names in a file, None where it does not."""
    wanted = file.replace("\\", "/")
    frames = [frame for frame in _frames(trace) if _same(frame.slashed, wanted)]
    if not frames:
        return None
    return frames[-1 if wanted.endswith(".py") else 0].line


def path_in(*names: str | None) -> str | None:
    """Return the first name that is a source file's path: Vitest, Jest and Playwright name suites so."""
    return next(
        (name for name in names if name and len(name) < _LONGEST_LINE and _PATH.fullmatch(name)), None
    )


def _frames(trace: str) -> list[_Frame]:
    """Return the places of a trace; where it has lines of calls (`at f (x.js:1)`), those and no others."""
    found = [place for line in trace.splitlines() if (place := _place(line[:_LONGEST_LINE]))]
    return [frame for frame in found if frame.is_call] or found


def _place(text: str) -> _Frame | None:
    if ":" not in text and "line" not in text:
        return None
    for pattern in _PLACES:
        match = pattern.search(text)
        if match and (line := whole(match[2])) is not None:
            text = text.lstrip()
            return _Frame(match[1].strip(), line, _is_library(text), text.startswith(_CALLS))
    return None


def _is_library(call: str) -> bool:
    call = call.replace("\\", "/").replace("at app//", "at ", 1)  # Gradle names the class loader
    return call.startswith(_LIBRARY_CALLS) or any(map(call.__contains__, _LIBRARIES))


def _same(path: str, wanted: str) -> bool:
    return path == wanted or path.endswith("/" + wanted) or wanted.endswith("/" + path)
