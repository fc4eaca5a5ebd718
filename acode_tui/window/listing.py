"""Lines that open and close: what the listings of tests, coverage, log entries and JSON share.

A line is known by its path, the places it has among its neighbours from the outermost line inwards. Paths
compare as the lines stand below each other. Nothing is kept for a line that is not open, so that a list of
a million values opens at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Protocol

from acode_tui.render.ansi import Styled
from acode_tui.render.rows import Span

Path = tuple[int, ...]
Search = Callable[[str, bool], "list[Path]"]
"""Finds a text, given whether capitals do not count; may run in another thread."""


class Places(Protocol):
    """Lines in their order, which may be looked up one by one."""

    def __len__(self) -> int:
        """Return how many there are."""

    def __getitem__(self, index: int, /) -> Path:
        """Return one of them."""


MAX_OPENED = 5000
"""As many lines come at most when everything below one is opened: that is done while a key waits."""
MAX_HITS = 100_000


class Branch:
    """What is below an open line: how many lines, and which of them are open themselves."""

    __slots__ = ("_below", "_opened", "_starts", "content", "count", "rows")

    def __init__(self, count: int, content: object = None) -> None:
        self.count = self.rows = count
        self.content = content
        self._opened: list[int] = []
        self._below: list[Branch] = []
        self._starts: list[int] | None = None

    def find(self, row: int) -> tuple[int, Branch | None, int]:
        """Return whose row it is; if it is within what is open below that, also this and the row in it."""
        place = bisect_right(self._row_starts(), row) - 1
        if place < 0:
            return row, None, 0
        index, below, inside = self._opened[place], self._below[place], row - self._row_starts()[place] - 1
        if inside < 0:
            return index, None, 0
        if inside < below.rows:
            return index, below, inside
        return index + 1 + inside - below.rows, None, 0

    def row_of(self, index: int) -> int:
        """Return the row of one of its own lines."""
        place = bisect_left(self._opened, index) - 1
        if place < 0:
            return index
        return self._row_starts()[place] + self._below[place].rows + index - self._opened[place]

    def at(self, index: int) -> Branch | None:
        """Return what is below one of its lines, if that is open."""
        place = bisect_left(self._opened, index)
        is_open = place < len(self._opened) and self._opened[place] == index
        return self._below[place] if is_open else None

    def put(self, index: int, below: Branch | None) -> None:
        """Open one of its lines, or close it; the rows of what it is in are not changed by that."""
        place = bisect_left(self._opened, index)
        if place < len(self._opened) and self._opened[place] == index:
            self.rows -= self._below[place].rows
            del self._opened[place], self._below[place]
        if below is not None:
            self._opened.insert(place, index)
            self._below.insert(place, below)
            self.rows += below.rows
        self._starts = None

    def grown(self, by: int) -> None:
        """Take note that one of its open lines has more rows below it than before."""
        self.rows += by
        self._starts = None

    def open_lines(self) -> Sequence[tuple[int, Branch]]:
        """Return which of its lines are open."""
        return list(zip(self._opened, self._below, strict=True))

    def _row_starts(self) -> list[int]:
        if self._starts is None:
            starts, before = [], 0
            for index, below in zip(self._opened, self._below, strict=True):
                starts.append(index + before)
                before += below.rows
            self._starts = starts
        return self._starts


class Listing:
    """Lines that open and close; what they are, the kinds of listings say."""

    view = ""
    is_complete = True

    def __init__(self, count: int) -> None:
        self.root = Branch(count)
        self.width = 80
        self.first: Path = (0,)
        """Where the cursor begins."""

    # The kinds say what these are.

    def line(self, path: Path, width: int) -> Styled:
        """Return a line as it is drawn; its first cell is the cursor's."""
        raise NotImplementedError

    def title(self, width: int) -> Sequence[Span]:
        """Return the line above all others."""
        raise NotImplementedError

    def facts(self) -> Sequence[Span]:
        """Return what the bottom line tells."""
        return ()

    def below(self, path: Path) -> Branch | None:
        """Return what comes when a line is opened; None for one that has nothing below it."""
        return None

    def has_below(self, path: Path) -> bool:
        """Tell whether a line can be opened."""
        return False

    def narrow(self) -> bool:
        """Show less, or all again; tell whether that is possible here."""
        return False

    def sort(self) -> bool:
        """Sort another way; tell whether that is possible here."""
        return False

    def failures(self) -> Places:
        """Return the lines that tell of a failure, in their order."""
        return ()

    def search(self) -> Search:
        """Return what searches the lines as they are sorted now."""
        raise NotImplementedError

    def value(self, path: Path) -> str:
        """Return what copying a line is about."""
        return ""

    def where(self, path: Path) -> str:
        """Return where a line is, as other programs name such places."""
        return ""

    def key(self, path: Path) -> object:
        """Return by what a line is known however the lines are sorted."""
        return path

    def path_of(self, key: object) -> Path | None:
        """Return where a line is now, if it is shown."""
        return key if isinstance(key, tuple) else None

    # Rows

    @property
    def total(self) -> int:
        """How many rows there are."""
        return self.root.rows

    def path(self, row: int) -> Path:
        """Return which line stands in a row."""
        branch, path = self.root, []
        while True:
            index, below, inside = branch.find(row)
            path.append(index)
            if below is None:
                return tuple(path)
            branch, row = below, inside

    def row(self, path: Path) -> int:
        """Return the row of a line; of one that is not seen, that of what it is in."""
        branch: Branch | None = self.root
        row = -1
        for index in path:
            if branch is None:
                break
            row += 1 + branch.row_of(index)
            branch = branch.at(index)
        return row

    def branch(self, path: Path) -> Branch | None:
        """Return what is open below a line; the lines without end for an empty path."""
        branch: Branch | None = self.root
        for index in path:
            branch = branch.at(index) if branch is not None else None
        return branch

    # Opening and closing

    def is_open(self, path: Path) -> bool:
        """Tell whether a line is open."""
        return self.branch(path) is not None

    def open(self, path: Path) -> None:
        """Open a line; what it is in has to be open."""
        if not self.is_open(path):
            below = self.below(path)
            if below is not None:
                self._put(path, below)

    def close(self, path: Path) -> None:
        """Close a line."""
        if self.is_open(path):
            self._put(path, None)

    def reveal(self, path: Path) -> int:
        """Open all that a line is in; return its row."""
        for depth in range(1, len(path)):
            self.open(path[:depth])
        return self.row(path)

    def open_all(self, path: Path) -> bool:
        """Open a line and all below it, the nearest first; tell whether that was all."""
        below = self.below(path)
        if below is None:
            return True
        opened, waiting, rows = [(below, path)], [(below, path)], below.count
        is_all = True
        while waiting and is_all:
            branch, inside = waiting.pop(0)
            is_all = branch.count <= MAX_OPENED
            for index in range(min(branch.count, MAX_OPENED)):
                found = self.below((*inside, index)) if self.has_below((*inside, index)) else None
                if found is None:
                    continue
                if rows + found.count > MAX_OPENED:
                    is_all = False
                    break
                rows += found.count
                branch.put(index, found)
                opened.append((found, (*inside, index)))
                if not isinstance(found.content, Lines):
                    waiting.append((found, (*inside, index)))
        for branch, _inside in reversed(opened):
            within = sum(below.rows for _index, below in branch.open_lines())
            branch.grown(branch.count + within - branch.rows)
        self._put(path, below)
        return is_all

    def _put(self, path: Path, below: Branch | None) -> None:
        """Put something below a line, or nothing; all that the line is in grows or shrinks with it."""
        chain = [self.root]
        for index in path[:-1]:
            branch = chain[-1].at(index)
            if branch is None:
                return
            chain.append(branch)
        before = chain[-1].rows
        chain[-1].put(path[-1], below)
        for branch in chain[:-1]:
            branch.grown(chain[-1].rows - before)

    # Sorting anew

    def rearrange(self, change: Callable[[], object], row: int) -> int:
        """Change how the lines are sorted; what was open stays open, and the cursor on its line."""
        keys = [self.key(path) for path in self._open_paths()]
        cursor = self.key(self.path(row)) if self.total else None
        change()
        for key in keys:
            path = self.path_of(key)
            if path is not None and self.is_open(path[:-1]):
                self.open(path)
        path = self.path_of(cursor)
        return self.row(path) if path is not None and self.total else 0

    def set_width(self, width: int, row: int) -> int:
        """Take over how wide lines can be, which texts are broken for; return the cursor's row."""
        if width == self.width:
            return row
        path = self.path(row) if self.total else ()
        self.width = width
        for opened in self._open_paths():
            branch = self.branch(opened)
            if branch is not None and isinstance(branch.content, Lines):
                self._put(opened, self.below(opened))
        return self.row(path) if path else 0

    def _open_paths(self) -> list[Path]:
        found: list[Path] = []
        waiting: list[tuple[Path, Branch]] = [((), self.root)]
        while waiting:
            path, branch = waiting.pop()
            opened = [((*path, index), below) for index, below in branch.open_lines()]
            found += [path for path, _below in opened]
            waiting += opened
        return sorted(found)


class Lines(list[Styled]):
    """Text below a line, broken for a width."""

    def branch(self) -> Branch:
        """Return it as what is below a line."""
        return Branch(len(self), self)


def text_line(listing: Listing, path: Path) -> Styled | None:
    """Return a line of text below another, if that is what it is."""
    branch = listing.branch(path[:-1])
    if branch is None or not isinstance(branch.content, Lines):
        return None
    return branch.content[path[-1]]
