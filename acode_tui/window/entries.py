"""Log entries as a listing that grows while they are read: all of them, or those from a level on."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from acode_tui.keymap import LOGS
from acode_tui.render.ansi import Styled
from acode_tui.render.entries import (
    INKS,
    LEVELS,
    entries_title,
    entry_details,
    entry_line,
    has_more,
    level_of,
)
from acode_tui.render.lines import indented
from acode_tui.render.rows import Span
from acode_tui.render.safe import text_of
from acode_tui.window.listing import MAX_HITS, Branch, Lines, Listing, Path, Places, Search, text_line
from collector import LogEntry

_INDENT = 7


class Batch(NamedTuple):
    """Entries that were read, and the numbers of those from each level on; `unread` lines were none."""

    entries: Sequence[LogEntry]
    from_level: Sequence[array[int]]
    counts: Sequence[int]
    unread: int = 0


def batch_of(entries: Sequence[LogEntry], first: int, unread: int = 0) -> Batch:
    """Sort entries by their levels; the first of them has the number `first`."""
    levels = [level_of(entry) for entry in entries]
    numbers = [
        array("L", [first + n for n, level in enumerate(levels) if level >= least])
        for least in range(len(LEVELS))
    ]
    return Batch(entries, numbers, [levels.count(n) for n in range(len(LEVELS))], unread)


class EntryListing(Listing):
    """The log entries of a run."""

    view = LOGS

    def __init__(self) -> None:
        super().__init__(0)
        self.entries: list[LogEntry] = []
        self.counts = [0] * len(LEVELS)
        self.unread = 0
        self.least = 0
        self.is_complete = False
        self._from_level = [array("L") for _level in LEVELS]

    def add(self, batch: Batch) -> None:
        """Take over entries that were read."""
        self.entries += batch.entries
        for numbers, more in zip(self._from_level, batch.from_level, strict=True):
            numbers.extend(more)
        self.counts = [one + more for one, more in zip(self.counts, batch.counts, strict=True)]
        self.unread += batch.unread
        added = len(self._shown) - self.root.count
        self.root.count += added
        self.root.grown(added)

    @property
    def _shown(self) -> array[int]:
        return self._from_level[self.least]

    def entry(self, path: Path) -> LogEntry:
        """Return the entry that a line is about."""
        return self.entries[self._shown[path[0]]]

    def line(self, path: Path, width: int) -> Styled:
        """Return a line as it is drawn."""
        if len(path) > 1:
            return text_line(self, path) or Styled("")
        entry = self.entry(path)
        return entry_line(entry, self.is_open(path) if has_more(entry) else None, width)

    def title(self, width: int) -> Sequence[Span]:
        """Return the titles of the columns and the counts."""
        return entries_title(self.counts, width)

    def facts(self) -> Sequence[Span]:
        """Return from which level on entries are shown, and what could not be read."""
        facts: list[Span] = []
        if self.unread:
            noun = "line is no entry" if self.unread == 1 else "lines are no entries"
            facts.append((f"{self.unread:,} {noun}", "failure"))
        if self.least:
            level = LEVELS[self.least]
            facts.append((level if level == LEVELS[-1] else f"{level} and above", INKS[level]))
        shown, total = len(self._shown), len(self.entries)
        more = "" if self.is_complete else " …"
        facts.append(
            (f"{shown:,} of {total:,} entries{more}" if self.least else f"{total:,} entries{more}", "muted")
        )
        return facts

    def has_below(self, path: Path) -> bool:
        """Tell whether a line can be opened."""
        return len(path) == 1 and has_more(self.entry(path))

    def below(self, path: Path) -> Branch | None:
        """Return the whole message of an entry, and what came with it."""
        if not self.has_below(path):
            return None
        found = entry_details(self.entry(path), self.width - _INDENT - 1)
        return Lines(indented(line, _INDENT) for line in found).branch()

    def narrow(self) -> bool:
        """Show entries from the next level on; after the highest, all."""
        self.least = (self.least + 1) % len(LEVELS)
        self.root = Branch(len(self._shown))
        return True

    def failures(self) -> Places:
        """Return the errors."""
        return _Levels(self._shown, self._from_level[-1])

    def search(self) -> Search:
        """Return what searches the messages."""
        shown, entries = self._shown[:], self.entries

        def find(needle: str, fold: bool) -> list[Path]:
            hits: list[Path] = []
            for place, number in enumerate(shown):
                text = text_of(entries[number].message, 20_000)
                if needle in (text.lower() if fold else text):
                    hits.append((place,))
                    if len(hits) >= MAX_HITS:
                        break
            return hits

        return find

    def value(self, path: Path) -> str:
        """Return the message of an entry."""
        return text_of(self.entry(path).message, 100_000)

    def where(self, path: Path) -> str:
        """Return the stream and the line of an entry."""
        entry = self.entry(path)
        return f"{text_of(entry.stream, 20)}:{text_of(entry.line, 20)}"

    def key(self, path: Path) -> object:
        """Return by what a line is known from whatever level on."""
        return (self._shown[path[0]], *path[1:])

    def path_of(self, key: object) -> Path | None:
        """Return where a line is now, or where it would be."""
        if not isinstance(key, tuple) or not self._shown:
            return None
        place = bisect_left(self._shown, key[0])
        if place < len(self._shown) and self._shown[place] == key[0]:
            return (place, *key[1:])
        return (min(place, len(self._shown) - 1),)


class _Levels:
    """The places of some numbers among all that are shown, looked up one by one."""

    def __init__(self, shown: array[int], numbers: array[int]) -> None:
        self._shown, self._numbers = shown, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int, /) -> Path:
        return (bisect_left(self._shown, self._numbers[index]),)
