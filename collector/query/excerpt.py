"""Parts of a content: lines by number, those that fit a pattern or tell of a failure, with what is around.

Memory is flat whatever is asked for: what has to be known from the end is counted first and read again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, chain
from typing import BinaryIO, NamedTuple

from collector.errors import InputError
from collector.model.frozen import dataclass
from collector.record.lines import (
    Block,
    count_lines,
    iter_blocks,
    iter_chunks,
    last_lines,
    tail_offset,
    within,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.store.patterns import Pattern

_MAX_DIGITS = 15
_HINT = "write 120:180, 120:, :50 or -20:"
ERROR_CONTEXT = 3
_MANY_MATCHES = 500
"""In one block; beyond it looking at one line after the other is faster."""


class LineRange(NamedTuple):
    """Lines from one to another, both included; negative ones count from the end, None is the end."""

    first: int = 1
    last: int | None = None

    @property
    def counts_from_end(self) -> bool:
        """Whether the number of lines must be known."""
        return self.first < 0 or (self.last or 0) < 0

    def resolved(self, total: int) -> LineRange:
        """Return the range in a content of so many lines, counted from its beginning."""
        first = max(1, total + 1 + self.first) if self.first < 0 else self.first
        last = self.last if self.last is None or self.last > 0 else max(0, total + 1 + self.last)
        return LineRange(first, last)


ALL = LineRange()


def parse_range(text: str) -> LineRange:
    """Parse `120:180`, `120:`, `:50`, `-20:`, or one number.

    Raises:
        InputError: it is none of these, or no line can be in it.
    """
    first, colon, last = text.strip().partition(":")
    if not colon:
        number = _number(first, text)
        return LineRange(number, number)
    found = LineRange(_number(first, text) if first else 1, _number(last, text) if last else None)
    if found.last is not None and (found.first < 0) == (found.last < 0) and found.first > found.last:
        raise InputError("ACODE-RUN-019", f"{text!r} is the wrong way round", f"write {last}:{first}")
    return found


def _number(digits: str, text: str) -> int:
    plain = digits.removeprefix("-")
    if not (plain.isascii() and plain.isdigit()) or len(plain) > _MAX_DIGITS:
        raise InputError("ACODE-RUN-019", f"{text!r} is no range of lines", _HINT)
    if not int(plain):
        raise InputError("ACODE-RUN-019", f"{text!r}: lines count from 1", _HINT)
    return int(digits)


class Source:
    """A content that can be read more than once.

    Args:
        chunks: begins to read it.
        content: opens it for reading from anywhere; None where that cannot be done.
    """

    def __init__(
        self, chunks: Callable[[], Iterable[bytes]], content: Callable[[], BinaryIO] | None = None
    ) -> None:
        self.chunks = chunks
        self._content = content

    def blocks(self, part: LineRange, numbered: bool) -> Iterator[Block]:
        """Yield part of it. Unless `numbered`, the numbers may count from where the part begins."""
        if part.first < 0 and part.last is None and not numbered and self._content is not None:
            with self._content() as content:
                offset = tail_offset(content, -part.first)
                yield from iter_blocks(iter_chunks(content, offset), offset=offset)
            return
        if part.counts_from_end:
            part = part.resolved(count_lines(self.chunks()))
        blocks = iter_blocks(self.chunks())
        yield from blocks if part == ALL else within(blocks, *part)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What to show of a content.

    `part` is what is looked at; of it, only lines that fit `pattern`, or that tell of a failure if `errors`
    is set, with `before` and `after` lines around; of those the first `head` or the last `tail`.
    """

    part: LineRange = ALL
    pattern: Pattern | None = None
    errors: bool = False
    before: int = 0
    after: int = 0
    head: int | None = None
    tail: int | None = None
    numbered: bool = False

    @property
    def is_part(self) -> bool:
        """Whether all that is asked for is a part of the content, so that no line has to be looked at."""
        return self.pattern is None and not self.errors and self.head is None and self.tail is None


class Shown(NamedTuple):
    """A line, or a piece of a long one, as it is in the content; `is_hit` is False for what is around."""

    number: int
    offset: int
    data: bytes
    is_hit: bool


def iter_shown(source: Source, excerpt: Excerpt) -> Iterator[Shown]:
    """Yield the lines of an excerpt."""
    if excerpt.tail is not None:
        total = sum(1 for _ in _chosen(source, excerpt))
        for place, shown in enumerate(_chosen(source, excerpt)):
            if place >= total - excerpt.tail:
                yield shown
        return
    for place, shown in enumerate(_chosen(source, excerpt)):
        if excerpt.head is not None and place >= excerpt.head:
            return
        yield shown


def _chosen(source: Source, excerpt: Excerpt) -> Iterator[Shown]:
    blocks = source.blocks(excerpt.part, excerpt.numbered or excerpt.errors)
    if excerpt.errors:
        spans = _failures(blocks)
        again = source.blocks(excerpt.part, True)
        return _in_spans(again, spans, excerpt.before, excerpt.after)
    if excerpt.pattern is not None:
        return _matching(blocks, excerpt.pattern, excerpt.before, excerpt.after)
    return (Shown(*line, True) for block in blocks for line in _lines(block))


def _lines(block: Block) -> Iterator[tuple[int, int, bytes]]:
    number, offset, data = block
    for line in _split(data):
        yield number, offset, line
        number, offset = number + 1, offset + len(line)


def _split(data: bytes) -> list[bytes]:
    """Split at newlines alone, which `bytes.splitlines` does only where there is no other line end."""
    if b"\r" not in data:
        return data.splitlines(keepends=True)
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


# A pattern


def _matching(blocks: Iterable[Block], pattern: Pattern, before: int, after: int) -> Iterator[Shown]:
    """Yield the lines that fit, and those around them."""
    find = _finder(pattern)
    recent: deque[Shown] = deque(maxlen=before)  # not shown, and right before the block
    owed = 0
    for block in blocks:
        hits = find(_visible(block.data))
        if not hits and not owed:
            recent.extend(_last_shown(block, before))
            continue
        lines = _split(block.data)
        offsets = list(accumulate(map(len, lines), initial=block.offset))
        if hits and hits[0] < before:
            yield from list(recent)[max(0, len(recent) - before + hits[0]) :]
        near = {n for hit in hits for n in range(max(0, hit - before), min(hit + after + 1, len(lines)))}
        near.update(range(min(owed, len(lines))))
        are_hits = set(hits)
        for n in sorted(near):
            yield Shown(block.number + n, offsets[n], lines[n], n in are_hits)
        owed = max(0, (hits[-1] + 1 + after if hits else owed) - len(lines))
        recent.clear()
        for n in range(max(max(near, default=-1) + 1, len(lines) - before), len(lines)):
            recent.append(Shown(block.number + n, offsets[n], lines[n], False))


def _visible(data: bytes) -> str:
    """Return a block as people saw it, with as many lines."""
    from collector.extract.text import clean_text

    return clean_text(data.removesuffix(b"\n"))


def _last_shown(block: Block, count: int) -> Iterator[Shown]:
    if count:
        for line in _lines(last_lines(block, count)):
            yield Shown(*line, False)


def _finder(pattern: Pattern) -> Callable[[str], list[int]]:
    """Return what tells which lines of a text fit, counted from 0, most of the time without splitting it.

    Where a line has a match, one that is looked for in all lines at once touches that line too.
    """
    source, anywhere = pattern.source, pattern
    has_own_flags = "(?" in source.replace("(?:", "")
    if pattern.is_regex and (has_own_flags or any(mark in source for mark in ("\\A", "\\z", "\\Q"))):
        return lambda text: _fitting(text, pattern)
    if pattern.is_regex:
        from collector.store.patterns import compile_regex

        anywhere = compile_regex(f"(?m:{source})", pattern.ignore_case)

    def find(text: str) -> list[int]:
        touched = _touched(text, anywhere)
        if touched is None:
            return _fitting(text, pattern)
        if not touched or not pattern.is_regex:
            return touched
        lines = text.split("\n")
        return [n for n in touched if pattern.fits(lines[n])]

    return find


def _fitting(text: str, pattern: Pattern) -> list[int]:
    return [n for n, line in enumerate(text.split("\n")) if pattern.fits(line)]


def _touched(text: str, pattern: Pattern) -> list[int] | None:
    """Return the lines that matches begin, end or go on in; None when there are too many to go through."""
    found: list[int] = []
    line = place = 0
    for count, (start, end) in enumerate(pattern.iter_spans(text)):
        if count == _MANY_MATCHES:
            return None
        line += text.count("\n", place, start)
        last = line + text.count("\n", start, end)
        found.extend(range(max(line, found[-1] + 1) if found else line, last + 1))
        line, place = last, end
    return found


# Failures


def _failures(blocks: Iterable[Block]) -> list[tuple[int, int]]:
    """Return from which line to which something tells of a failure, in their order."""
    from collector.extract.failures import FailureScanner
    from collector.extract.text import iter_lines

    blocks = iter(blocks)
    first = next(blocks, None)
    if first is None:
        return []
    scanner = FailureScanner()
    chunks = (block.data for block in chain([first], blocks))
    for number, text in iter_lines(chunks):
        scanner.feed(number + first.number - 1, text)
    return sorted((found.first_line, found.last_line) for found in scanner.finish())


def _in_spans(
    blocks: Iterable[Block], spans: list[tuple[int, int]], before: int, after: int
) -> Iterator[Shown]:
    waiting = deque(spans)
    for block in blocks:
        end = block.number + block.data.count(b"\n")
        if waiting and waiting[0][0] - before > end:
            continue
        for number, offset, data in _lines(block):
            while waiting and waiting[0][1] + after < number:
                waiting.popleft()
            near = [span for span in waiting if span[0] - before <= number <= span[1] + after]
            if near:
                yield Shown(number, offset, data, any(first <= number <= last for first, last in near))
        if not waiting:
            return
