"""Which of the files that a scan found belong to a run, and in which order they are worth keeping. Pure.

A file belongs to a run when it was created or changed while the run was at it, as its times say. A pattern
is written as in `.gitignore`.
"""

from __future__ import annotations

import heapq
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from collector.record.ignore import compile_patterns
from collector.record.scan import Found

TICK_NS = 20_000_000
"""A kernel stamps files with the time of its last tick, which lies a little before the clock's."""
AFTERWARDS_NS = 100_000_000
"""So long after its command a run's last writes may still be stamped."""
NAMED_SKIPS = 100

_RANKS = (
    ("test_result", ("*.trx", "**/TestResults/**", "junit*.xml", "TEST-*.xml", "test-results*.xml",
                     "**/test-results/**/*.xml", "**/surefire-reports/*.xml")),
    ("coverage", ("coverage*.xml", "coverage*.json", "lcov.info", "cobertura*.xml")),
    ("log", ("*.log",)),
    ("diff", ("*.diff", "*.patch")),
    ("json", ("*.json", "*.jsonl", "*.ndjson")),
)  # fmt: skip
_SPECS = tuple((kind, compile_patterns(patterns)) for kind, patterns in _RANKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to collect for a run.

    Args:
        since_ns: when the command started; `until_ns` when it had ended, nanoseconds since 1970.
        everything: take every file, changed or not; patterns and `.gitignore` say nothing then.
        asked: patterns that this run was asked to collect; `own`: those of the configuration; `builtin`:
            those that nobody had to ask for.
        others: when shorter runs in the same folder were at it, as pairs like `since_ns` and `until_ns`: what
            was written then is theirs, unless it was asked for.
        excluded: patterns of what is never taken.
        ignored: when a file that git ignores is taken all the same: `builtin` (it fits a built-in
            pattern), `always` or `never`.
    """

    since_ns: int
    until_ns: int
    everything: bool = False
    others: tuple[tuple[int, int], ...] = ()
    asked: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    builtin: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    ignored: str = "builtin"


class Skipped(NamedTuple):
    """A file that was left out although it fits, and why; without a path it stands for several."""

    path: str
    reason: str


class Candidate(NamedTuple):
    """A file to take; candidates sort by what they are worth."""

    rank: int
    path: str
    size: int
    kind: str


def kind_of(path: str) -> str:
    """Return the type that a file's path says it has."""
    return _KINDS[_rank_of(path)]


def _rank_of(path: str) -> int:
    for rank, (_, spec) in enumerate(_SPECS):
        if spec.match_file(path):
            return rank
    return len(_SPECS)


_KINDS = (*(kind for kind, _ in _RANKS), "other")


class Chooser:
    """Chooses among found files, one pass over any number of them in flat memory.

    Args:
        wanted: what to take.
        is_ignored: whether git ignores a path.
        max_files: how many to take at most; 0 for no limit.
    """

    def __init__(self, wanted: Wanted, is_ignored: Callable[[str], bool], max_files: int) -> None:
        self._wanted = wanted
        self._is_ignored = is_ignored
        self._max_files = max_files
        self._asked = compile_patterns(wanted.asked)
        self._own = compile_patterns(wanted.own)
        self._builtin = compile_patterns(wanted.builtin)
        self._excluded = compile_patterns(wanted.excluded)
        self._skipped: list[Skipped] = []
        self._more = 0
        self._later = 0
        self._theirs = 0

    def choose(self, found: Iterable[Found]) -> list[Candidate]:
        """Return what to take, the most telling first."""
        if not self._max_files:
            return sorted(self._fitting(found))
        kept = heapq.nsmallest(self._max_files + NAMED_SKIPS, self._counted(found))
        reason = f"the limit of {self._max_files} files was reached"
        for candidate in kept[self._max_files :]:
            self._skip(candidate.path, reason)
        self._more += max(0, self._fits - len(kept))
        return kept[: self._max_files]

    def skipped(self) -> list[Skipped]:
        """Return what was left out: by name as far as that helps, then how many more."""
        said = self._skipped[:NAMED_SKIPS]
        more = self._more + len(self._skipped) - len(said)
        if more:
            said.append(Skipped("", f"{more} more files were left out by the same limits"))
        if self._later:
            said.append(Skipped("", f"{self._later} matching files were changed after the run had ended"))
        if self._theirs:
            said.append(Skipped("", f"{self._theirs} matching files are those of shorter runs meanwhile"))
        return said

    def skip(self, path: str, reason: str) -> None:
        """Note a file that turned out not to be takeable."""
        self._skip(path, reason)

    def _counted(self, found: Iterable[Found]) -> Iterator[Candidate]:
        self._fits = 0
        for candidate in self._fitting(found):
            self._fits += 1
            yield candidate

    def _fitting(self, found: Iterable[Found]) -> Iterator[Candidate]:
        for path, status in found:
            when = self._when(status)
            if when == "before" or not self._matches(path):
                continue
            if when == "after":
                self._later += 1
            elif self._is_theirs(path, status):
                self._theirs += 1
            elif reason := _not_a_file(status.st_mode):
                self._skip(path, reason)
            else:
                changed_first = 0 if self._in_time(status) else len(_KINDS)
                rank = _rank_of(path)
                yield Candidate(rank + changed_first, path, status.st_size, _KINDS[rank])

    def _when(self, status: os.stat_result) -> str:
        if self._wanted.everything or self._in_time(status):
            return "during"
        return "after" if status.st_mtime_ns > self._wanted.until_ns else "before"

    def _in_time(self, status: os.stat_result) -> bool:
        """Its content is from that time; or it came then with an older date, as archives unpack files."""
        since, until = self._wanted.since_ns - TICK_NS, self._wanted.until_ns + AFTERWARDS_NS
        return since <= status.st_mtime_ns <= until or (
            since <= status.st_ctime_ns <= until and status.st_mtime_ns < since
        )

    def _is_theirs(self, path: str, status: os.stat_result) -> bool:
        if self._wanted.everything or self._asked.match_file(path):
            return False
        written = status.st_mtime_ns
        return any(since - TICK_NS <= written <= until for since, until in self._wanted.others)

    def _matches(self, path: str) -> bool:
        if self._excluded.match_file(path):
            return False
        if self._wanted.everything:
            return True
        builtin = bool(self._builtin.match_file(path))
        if not builtin and not self._own.match_file(path) and not self._asked.match_file(path):
            return False
        allowed = self._wanted.ignored == "always" or (builtin and self._wanted.ignored == "builtin")
        if allowed or not self._is_ignored(path):
            return True
        if not builtin:
            self._skip(path, "ignored by .gitignore")
        return False

    def _skip(self, path: str, reason: str) -> None:
        if len(self._skipped) < NAMED_SKIPS:
            self._skipped.append(Skipped(path, reason))
        else:
            self._more += 1


def _not_a_file(mode: int) -> str:
    if stat.S_ISREG(mode):
        return ""
    if stat.S_ISLNK(mode):
        return "a symbolic link is not followed"
    return "not a regular file"


TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
