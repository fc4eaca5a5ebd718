"""Where in a content secrets are, by line, and what would be shown there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from collector.record.masked_content import filler, find_places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

    from collector.redaction import Rules

_AROUND = 100
_CHUNK = 1 << 20


class SecretLine(NamedTuple):
    """One secret: the lines it is on (from 1), the rule that finds it, and its first line as it is shown."""

    line: int
    end_line: int
    rule: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return self._asdict()


def iter_secret_lines(content: BinaryIO, rules: Rules) -> Iterator[SecretLine]:
    """Yield every secret of a content, in order; memory grows with how many there are, not with its size."""
    found = list(find_places(content, rules))
    places = [place for place, _ in found]
    counter = _LineCounter(content)
    last: SecretLine | None = None
    for number, ((start, _, rule), is_rest) in enumerate(found):
        line = counter.line_at(start)
        if last is not None and is_rest:
            last = last._replace(end_line=line)
            continue
        if last is not None:
            yield last
        last = SecretLine(line, line, rule, _shown(content, places, number))
    if last is not None:
        yield last


class _LineCounter:
    """Counts lines up to places that are asked for in order."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._place = 0
        self._line = 1

    def line_at(self, place: int) -> int:
        """Return the line that a place is on."""
        if place < self._place:
            return self._line
        self._content.seek(self._place)
        while self._place < place and (data := self._content.read(min(_CHUNK, place - self._place))):
            self._line += data.count(b"\n")
            self._place += len(data)
        return self._line


def _shown(content: BinaryIO, places: list[tuple[int, int, str]], number: int) -> str:
    """Return what is around a secret on its first line, this and any other secret there masked."""
    start, end, _ = places[number]
    first = max(0, start - _AROUND)
    content.seek(first, os.SEEK_SET)
    data = bytearray(content.read(end - first + _AROUND))
    for begin, stop, rule in places[max(0, number - 50) : number + 50]:
        low, high = max(begin, first) - first, min(stop, first + len(data)) - first
        if low < high:
            data[low:high] = filler(bytes(data[low:high]), rule)
    offset = start - first
    begin = data.rfind(b"\n", 0, offset) + 1
    stop = data.find(b"\n", offset)
    return bytes(data[begin : stop if stop >= 0 else None]).decode("utf-8", "replace")
