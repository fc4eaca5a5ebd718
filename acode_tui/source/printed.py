"""Where in the output a failure was printed: by the name of the test and the first line of its message."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Generator, Iterator

from acode_tui.document import CHUNK, LineIndex, is_error, read_lines

_LEAST = 4
_MAX_PLACES = 20_000
_SAME_LINE = 500
_KIND = re.compile(r"^[\w.]*(?:Error|Exception|Failure)\w*: ")


def needles_of(message: str) -> list[str]:
    """Return how a message may stand in the output: as it is, or without the kind of error in front.

    pytest, for one, prints an assertion without its kind.
    """
    first = message.strip().split("\n")[0].strip()[:200]
    shorter = _KIND.sub("", first)
    return [text for text in dict.fromkeys((first, shorter)) if len(text) >= _LEAST]


def find_printed(index: LineIndex, name: str, message: str) -> Iterator[int | None]:
    """Yield None for each chunk that was read, then the number of the line; nothing more when there is none.

    Several tests may fail with one message, and a name is printed several times: what counts is the
    message that comes soonest after the name. Without a message it is a line that names the test and
    tells of a failure.
    """
    names = yield from _places(index, name.strip()[:200])
    for needle in needles_of(message):
        messages = yield from _places(index, needle)
        if messages:
            yield index.line_of(_nearest(index, names, messages))
            return
    lines = list(dict.fromkeys(index.line_of(place) for place in names[:200]))
    for line in lines:
        if any(is_error(found.data.decode("utf-8", "replace")) for found in read_lines(index, line, 1)):
            yield line
            return
    if lines:
        yield lines[0]


def _nearest(index: LineIndex, names: list[int], messages: list[int]) -> int:
    """Return the message that comes soonest after a name; the first one when none comes after any.

    A line with both is a summary: it counts only where there is nothing else.
    """
    best: tuple[bool, int] | None = None
    chosen = messages[0]
    for message in messages:
        before = bisect_right(names, message) - 1
        if before < 0:
            continue
        distance = message - names[before]
        is_summary = distance <= _SAME_LINE and b"\n" not in index.source.read(names[before], distance)
        if best is None or (is_summary, distance) < best:
            best, chosen = (is_summary, distance), message
    return chosen


def _places(index: LineIndex, text: str) -> Generator[None, None, list[int]]:
    """Find every place of a text (returned at the end), a chunk for each step."""
    needle, places = text.encode("utf-8", "replace"), list[int]()
    if not needle:
        return places
    size = index.source.size()
    for offset in range(0, size, CHUNK):
        data = index.source.read(offset, CHUNK + len(needle) - 1)
        place = data.find(needle)
        while place >= 0 and len(places) < _MAX_PLACES:
            places.append(offset + place)
            place = data.find(needle, place + len(needle))
        yield None
    return places
