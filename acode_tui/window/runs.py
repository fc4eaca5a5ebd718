"""What the table knows of a result: a few pages of it, its length, and what has arrived since. Pure.

A result may have a million rows; of these only the pages around the screen are held. Rows that arrive
while one looks are kept in `head`, in front of everything the outline knows, so that no row moves under
the reader without the table noticing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from collector import Outline, Run

PAGE = 100
"""Rows per page; divides the outline's step, so that a page never spans two of its blocks."""
MAX_PAGES = 8
MAX_HEAD = 400
"""As many new rows are kept before the outline is made anew."""

Key = tuple[int, int]


class RunWindow:
    """Part of a result, newest run first."""

    def __init__(self) -> None:
        self.outline: Outline | None = None
        self.is_complete = False
        self.head: list[Run] = []
        self.pages: OrderedDict[int, Sequence[Run]] = OrderedDict()
        self._known = 0
        self._top: Key | None = None

    @property
    def total(self) -> int:
        """How many rows there are, as far as is known; exact once `is_complete`."""
        return len(self.head) + self._known

    def start(self, rows: Sequence[Run], has_more: bool) -> None:
        """Begin with the first rows of a result, before its length is known."""
        self.outline, self.is_complete, self.head = None, not has_more, []
        self.pages.clear()
        for number in range(0, len(rows), PAGE):
            self.pages[number // PAGE] = rows[number : number + PAGE]
        self._known = len(rows)
        self._top = _key(rows[0]) if rows else None

    def replace(self, outline: Outline, pages: Mapping[int, Sequence[Run]]) -> None:
        """Take over a result whose length is known, with some of its pages."""
        self.outline, self.is_complete = outline, True
        self.pages.clear()
        self.pages.update(pages)
        self._known = outline.total
        first = pages.get(0)
        self._top = top = _key(first[0]) if first else None
        # Rows that arrived while the outline was being read are not in it.
        self.head = [run for run in self.head if top is None or _key(run) > top]

    def forget(self, seqs: Set[int]) -> bool:
        """Drop rows that are gone from those that arrived; tell whether the outline has any of them."""
        self.head = [run for run in self.head if run.seq not in seqs]
        return any(run.seq in seqs for page in self.pages.values() for run in page)

    def add_page(self, number: int, rows: Sequence[Run]) -> None:
        """Keep a page that was read; the one that was not looked at for longest goes."""
        self.pages[number] = rows
        self.pages.move_to_end(number)
        while len(self.pages) > MAX_PAGES:
            self.pages.popitem(last=False)

    def row(self, index: int) -> Run | None:
        """Return the run at a position, or None while its page is not there."""
        if index < len(self.head):
            return self.head[index] if index >= 0 else None
        number, place = divmod(index - len(self.head), PAGE)
        page = self.pages.get(number)
        return page[place] if page is not None and place < len(page) else None

    def held(self) -> Iterator[Run]:
        """Yield every run at hand."""
        yield from self.head
        for page in self.pages.values():
            yield from page

    def missing_pages(self, first: int, last: int) -> list[int]:
        """Return which pages must be read to show the positions from `first` to `last`."""
        if self.outline is None:
            return []
        low = max(0, first - len(self.head)) // PAGE
        high = min(self._known - 1, last - len(self.head)) // PAGE
        wanted = range(low, high + 1)
        for number in wanted:
            if number in self.pages:
                self.pages.move_to_end(number)
        return [number for number in wanted if number not in self.pages]

    def index_of(self, seq: int) -> int | None:
        """Return the position of a run among the rows at hand."""
        for index, run in enumerate(self.head):
            if run.seq == seq:
                return index
        for number, page in self.pages.items():
            for place, run in enumerate(page):
                if run.seq == seq:
                    return len(self.head) + number * PAGE + place
        return None

    def update(self, runs: Iterable[Run]) -> set[int]:
        """Put newer values into rows at hand; return their positions."""
        newer = {run.seq: run for run in runs}
        touched = set()
        for index, run in enumerate(self.head):
            if run.seq in newer:
                self.head[index] = newer[run.seq]
                touched.add(index)
        for number, page in list(self.pages.items()):
            if not any(run.seq in newer for run in page):
                continue
            self.pages[number] = [newer.get(run.seq, run) for run in page]
            base = len(self.head) + number * PAGE
            touched |= {base + n for n, run in enumerate(page) if run.seq in newer}
        return touched

    def insert(self, run: Run) -> int | None:
        """Put a new run in front; return its position, or None when it belongs further down."""
        key = _key(run)
        if self._top is not None and key <= self._top:
            return None
        place = bisect_left(self.head, (-key[0], -key[1]), key=lambda r: (-r.start_time, -r.seq))
        self.head.insert(place, run)
        return place

    @property
    def is_full(self) -> bool:
        """Whether so many rows arrived that the outline should be made anew."""
        return len(self.head) >= MAX_HEAD


def _key(run: Run) -> Key:
    return run.start_time, run.seq
