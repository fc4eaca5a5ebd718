"""What `acode search` shows: hits under the run they are in, or for other programs one a line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collector.cli.output import format_time, paint, sanitize
from collector.cli.table import display_width, fit
from collector.model.frozen import dataclass
from collector.query.search import Hit

_ELLIPSIS = "…"
_LEAST_TEXT = 20
_TAB = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file: its number, its text, and the hit, if it is one; `gap` when lines were left out."""

    number: int
    text: str
    hit: Hit | None
    gap: bool


def file_line(hit: Hit, count: int | None) -> str:
    """Return the line for a file: its run and path, and how many lines were found."""
    text = sanitize(f"{hit.run.name}/{hit.path}")
    return text if count is None else f"{text}:{count}"


def plain(hits: Iterable[Hit]) -> Iterator[str]:
    """Yield hits as `run/path:line:text`, and lines around them as `run/path-line-text`; text unchanged."""
    for number, (first, lines) in enumerate(_files(hits)):
        place = sanitize(f"{first.run.name}/{first.path}")
        has_context = bool(first.before or first.after)
        if number and has_context:
            yield "--"
        for line in lines:
            if line.gap and has_context:
                yield "--"
            mark = ":" if line.hit else "-"
            yield f"{place}{mark}{line.number}{mark}{line.text}"


def grouped(hits: Iterable[Hit], width: int | None, color: bool, now_ms: int) -> Iterator[str]:
    """Yield hits as lines for a terminal, under a line for each run.

    Args:
        hits: in order.
        width: columns; None for no limit.
        color: whether to colour.
        now_ms: the time.
    """
    run_id = ""
    for first, lines in _files(hits):
        if first.run.run_id != run_id:
            if run_id:
                yield ""
            run_id = first.run.run_id
            yield _heading(first, width, color, now_ms)
        for line in lines:
            if line.gap and (first.before or first.after):
                yield paint("  --", "dim", color)
            yield _line(first, line, width, color)
        if first.other_runs:
            runs = "1 other run" if first.other_runs == 1 else f"{first.other_runs} other runs"
            yield paint(f"  {sanitize(first.path)}: the same in {runs}", "dim", color)


def _files(hits: Iterable[Hit]) -> Iterator[tuple[Hit, Iterator[Line]]]:
    """Yield the first hit of each file, and the lines of it, which must be taken before the next."""
    from itertools import chain, groupby

    for _, found in groupby(hits, key=lambda hit: (hit.run.run_id, hit.path)):
        first = next(found)
        yield first, _lines(chain([first], found))  # noqa: B031 - `next` took the first alone


def _lines(hits: Iterable[Hit]) -> Iterator[Line]:
    """Yield hits and the lines around them, each line once, in order."""
    last = 0
    after: list[tuple[int, str]] = []
    for hit in hits:
        begin = hit.line - len(hit.before)
        around = [row for row in after if row[0] < hit.line]
        seen = around[-1][0] if around else last
        around += [row for row in enumerate(hit.before, begin) if row[0] > seen]
        for number, text in around:
            yield Line(number, text, None, 0 < last < number - 1)
            last = number
        yield Line(hit.line, hit.text, hit, 0 < last < hit.line - 1)
        last = hit.line
        after = list(enumerate(hit.after, hit.line + 1))
    for number, text in after:
        yield Line(number, text, None, False)


def _heading(hit: Hit, width: int | None, color: bool, now_ms: int) -> str:
    run = hit.run
    head = f"{sanitize(run.name)}  "
    status = f"{run.status}  "
    rest = f"{format_time(run.start_time, now_ms)}  {sanitize(run.command_line)}"
    if width is not None:
        rest = fit(rest, max(_LEAST_TEXT, width - len(head) - len(status)))
    return paint(head, "bold", color) + paint(status, run.status, color) + paint(rest, "dim", color)


def _line(first: Hit, line: Line, width: int | None, color: bool) -> str:
    mark = ":" if line.hit else "-"
    place = f"  {sanitize(first.path)}{mark}{line.number}{mark} "
    room = None if width is None else max(_LEAST_TEXT, width - display_width(place))
    if line.hit is None:
        text = _clean(line.text)
        return paint(place + (text if room is None else fit(text, room)), "dim", color)
    hit = line.hit
    before, match, after = cut(
        _clean(hit.text[: hit.start]),
        _clean(hit.text[hit.start : hit.end]),
        _clean(hit.text[hit.end :]),
        room,
    )
    return paint(place, "dim", color) + before + paint(match, "fail", color and bool(match)) + after


def cut(before: str, match: str, after: str, room: int | None) -> tuple[str, str, str]:
    """Return as much of a line as fits, the match in it where possible, with marks where text is missing."""
    if room is None or display_width(before + match + after) <= room:
        return before, match, after
    match = fit(match, room)
    left = room - display_width(match)
    ends = min(display_width(after), max(left // 2, left - display_width(before)))
    begins = left - ends
    return _fit_end(before, begins), match, fit(after, ends)


def _fit_end(text: str, width: int) -> str:
    """Return the end of a text that fits."""
    if display_width(text) <= width:
        return text
    kept, used = "", 1
    for character in reversed(text):
        used += display_width(character)
        if used > width:
            break
        kept = character + kept
    return (_ELLIPSIS + kept)[: max(width, 0)]


def _clean(text: str) -> str:
    return sanitize(text.expandtabs(_TAB))
