"""Lines that a search found, under the run and the file they are in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from acode_tui.render.ansi import Styled, parse_line
from acode_tui.render.format import count, moment
from acode_tui.render.rows import GLYPHS, Span, cells, fit
from acode_tui.render.safe import one_line
from acode_tui.render.strips import Range
from acode_tui.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector import Hit

RUN, FILE, LINE = "run", "file", "line"
_NUMBER = 8
_INDENT = 4


class HitRow(NamedTuple):
    """A line of the list: a run, a file of it, or a line of that; of the first two, `hit` is their first."""

    kind: str
    hit: Hit


def rows_of(hits: Iterable[Hit], last: Hit | None = None) -> Iterator[HitRow]:
    """Return what is listed for some more hits, behind the last one that is listed."""
    for hit in hits:
        is_other_run = last is None or hit.run.run_id != last.run.run_id
        if is_other_run:
            yield HitRow(RUN, hit)
        if is_other_run or last is None or hit.path != last.path:
            yield HitRow(FILE, hit)
        yield HitRow(LINE, hit)
        last = hit


def run_spans(hit: Hit, width: int, now: int) -> list[Span]:
    """Return the line of a run."""
    run = hit.run
    name = one_line(run.name, 80)
    front: list[Span] = [(" ", "text"), (GLYPHS.get(run.status, "?"), run.status), (f" {name}  ", "accent")]
    started = _started(run.start_time, now)
    room = width - sum(cells(text) for text, _ in front) - len(started) - 2
    command = fit(one_line(run.command_line, 1000), max(0, room))
    return [*front, (command, "text"), (f" {started} ", "muted")]


def _started(ms: int, now: int) -> str:
    try:
        return moment(ms, now, 12)
    except (OverflowError, OSError, ValueError):
        return "?"


def file_spans(hit: Hit) -> list[Span]:
    """Return the line of a file."""
    spans: list[Span] = [(" " * _INDENT + one_line(hit.path, 400), "running")]
    if hit.other_runs:
        spans.append((f"  the same in {count(hit.other_runs, 'other run')}", "faint"))
    return spans


def number_text(hit: Hit) -> str:
    """Return what stands before a line: its number."""
    return f"{hit.line:>{_NUMBER},}  "


def hit_line(hit: Hit, width: int) -> tuple[Styled, Sequence[Range]]:
    """Return as much of a line as fits, with the match in it, and where that is.

    The three parts are made harmless one by one, so that the match stays where it was found.
    """
    before, match, after = (
        _plain(hit.text[: hit.start]).lstrip(),
        _plain(hit.text[hit.start : hit.end]),
        _plain(hit.text[hit.end :]),
    )
    if cells(before) + cells(match) > width:
        keep = max(0, width - cells(match) - width // 4)
        before = _end_of(before, keep)
    return Styled(before + match + after), [(len(before), len(before) + len(match))] if match else []


def _plain(text: str) -> str:
    """Return a part of recorded output without its colours, which would hide the match."""
    return parse_line(text.encode("utf-8", "replace"))[0].text


def _end_of(text: str, width: int) -> str:
    if cells(text) <= width:
        return text
    place, taken = len(text), 1
    while place > 0 and (taken := taken + cells(text[place - 1])) <= width:
        place -= 1
    return "…" + text[place:]
