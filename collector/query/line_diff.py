"""Where two long lists of lines differ, in bounded time and memory. Pure.

Lines are compared by a number each (a hash of the line, or of what is left of it once that which differs
every time is made alike). What both begin and end with is taken off; lines that occur once on either side
and in the same order hold the rest together (as in patience diff), and between them `difflib` finds what is
the same. A gap that is too large for it counts as replaced whole: no less true, only less fine.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from collector.model.comparison import LineRange

MAX_LINES = 400_000
"""How many lines of each side are compared."""
_MAX_GAP = 1_500_000
"""How many pairs of lines a gap may have for `difflib`; and twenty times as many for all gaps together."""

Gap = tuple[int, int, int, int]


def changed_ranges(before: Sequence[int], after: Sequence[int]) -> tuple[LineRange, ...]:
    """Return where two lists differ, in order; ranges neither meet nor overlap."""
    head = _common(before, after)
    tail = _common_end(before, after, head)
    found: list[LineRange] = []
    budget = 20 * _MAX_GAP
    for gap in _gaps(before, after, head, len(before) - tail, len(after) - tail):
        pairs = (gap[1] - gap[0]) * (gap[3] - gap[2])
        fine = 0 < pairs <= min(_MAX_GAP, budget)
        budget -= pairs if fine else 0
        for changed in _within(before, after, gap) if fine else [LineRange(*gap)]:
            _append(found, changed)
    return tuple(found)


def _append(found: list[LineRange], changed: LineRange) -> None:
    """Add a range, as one with the last where they meet."""
    last = found[-1] if found else None
    if last and last.before_end == changed.before and last.after_end == changed.after:
        found[-1] = LineRange(last.before, changed.before_end, last.after, changed.after_end)
    else:
        found.append(changed)


def _common(before: Sequence[int], after: Sequence[int]) -> int:
    for index, (left, right) in enumerate(zip(before, after, strict=False)):
        if left != right:
            return index
    return min(len(before), len(after))


def _common_end(before: Sequence[int], after: Sequence[int], head: int) -> int:
    most = min(len(before), len(after)) - head
    count = 0
    while count < most and before[-1 - count] == after[-1 - count]:
        count += 1
    return count


def _gaps(before: Sequence[int], after: Sequence[int], head: int, end: int, after_end: int) -> Iterator[Gap]:
    """Yield what lies between lines that hold both sides together."""
    at, after_at = head, head
    for left, right in [*_anchors(before[head:end], after[head:after_end]), (end - head, after_end - head)]:
        left, right = left + head, right + head
        if left > at or right > after_at:
            yield at, left, after_at, right
        at, after_at = left + 1, right + 1


def _anchors(before: Sequence[int], after: Sequence[int]) -> list[tuple[int, int]]:
    """Return pairs of lines that occur once on each side, the most that are in the same order on both."""
    once_before, once_after = _only_once(before), _only_once(after)
    places = {line: index for index, line in enumerate(after) if line in once_after}
    pairs = [
        (index, places[line]) for index, line in enumerate(before) if line in once_before and line in places
    ]
    return _longest_increasing(pairs)


def _only_once(lines: Sequence[int]) -> set[int]:
    return {line for line, count in Counter(lines).items() if count == 1}


def _longest_increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the most pairs whose second numbers only grow; the first ones do already."""
    tops: list[int] = []
    top_of: list[int] = []
    previous = array("q", [-1]) * len(pairs)
    for index, (_, right) in enumerate(pairs):
        length = bisect_left(tops, right)
        previous[index] = top_of[length - 1] if length else -1
        if length == len(tops):
            tops.append(right)
            top_of.append(index)
        else:
            tops[length], top_of[length] = right, index
    found: list[tuple[int, int]] = []
    index = top_of[-1] if top_of else -1
    while index >= 0:
        found.append(pairs[index])
        index = previous[index]
    return found[::-1]


def _within(before: Sequence[int], after: Sequence[int], gap: Gap) -> Iterator[LineRange]:
    """Yield what differs within a gap."""
    matcher = SequenceMatcher(None, before[gap[0] : gap[1]], after[gap[2] : gap[3]], autojunk=False)
    for kind, left, left_end, right, right_end in matcher.get_opcodes():
        if kind != "equal":
            yield LineRange(gap[0] + left, gap[0] + left_end, gap[2] + right, gap[2] + right_end)


def hunks(ranges: Sequence[LineRange], context: int) -> Iterator[list[LineRange]]:
    """Yield ranges in groups whose context of so many lines on either side meets."""
    group: list[LineRange] = []
    for changed in ranges:
        if group and changed.before - group[-1].before_end > 2 * context:
            yield group
            group = []
        group.append(changed)
    if group:
        yield group


def unified_lines(
    ranges: Sequence[LineRange], before: Iterator[str], after: Iterator[str], context: int
) -> Iterator[str]:
    """Yield a unified diff without its two head lines, reading each side once, in order.

    Args:
        ranges: where the sides differ.
        before: every line of the earlier side, which lines of context are taken from.
        after: every line of the later side.
        context: how many lines around each change.
    """
    left, right = _Lines(before), _Lines(after)
    for group in hunks(ranges, context):
        first, last = group[0], group[-1]
        begin = max(0, first.before - context)
        old = left.take(begin, last.before_end + context)
        end = begin + len(old)
        after_begin = begin + first.after - first.before
        after_end = end + last.after_end - last.before_end
        yield f"@@ -{_span(begin, end)} +{_span(after_begin, after_end)} @@"
        at = begin
        for changed in group:
            yield from (" " + line for line in old[at - begin : changed.before - begin])
            yield from ("-" + line for line in old[changed.before - begin : changed.before_end - begin])
            yield from ("+" + line for line in right.take(changed.after, changed.after_end))
            at = changed.before_end
        yield from (" " + line for line in old[at - begin :])


def _span(begin: int, end: int) -> str:
    """Return a place as diff has it: lines from 1; of an empty range the line before it."""
    count = end - begin
    return f"{begin + 1 if count else begin}" + ("" if count == 1 else f",{count}")


class _Lines:
    """Hands out ranges of lines, ever further on."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._at = 0

    def take(self, begin: int, end: int) -> list[str]:
        """Return the lines of a range, fewer at the end."""
        found: list[str] = []
        while self._at < end:
            line = next(self._lines, None)
            if line is None:
                break
            if self._at >= begin:
                found.append(line)
            self._at += 1
        return found
