"""Which lines tell of a failure, and where the next one is in a file of any size."""

from __future__ import annotations

import re
from collections.abc import Iterator

from acode_tui.document.index import CHUNK, LineIndex

_WORDS = (
    r"\b(?:ERROR|FATAL|CRITICAL|FAILED|FAILURES?|FAIL|Traceback|panicked|Error:|error:|fatal:"
    r"|[A-Z][A-Za-z]+(?:Error|Exception)\b)|[✗✘❌]"
)
_TEXT = re.compile(_WORDS)
_BYTES = re.compile(_WORDS.replace("[✗✘❌]", "(?:✗|✘|❌)").encode())
_OVERLAP = 128
_SEEN = 2000


def is_error(text: str) -> bool:
    """Tell whether a line says that something failed."""
    return _TEXT.search(text, 0, _SEEN) is not None


def find_error(index: LineIndex, line: int, forward: bool) -> Iterator[int | None]:
    """Yield None for each chunk without one, then the number of the line; nothing more at the end.

    Args:
        index: the file, as far as it has been counted.
        line: the search begins below it, or above it.
        forward: which of the two.
    """
    place = index.offset_of(line + 1) if forward else index.offset_of(line)
    end = index.size
    while (place < end) if forward else (place > 0):
        low = place if forward else max(0, place - CHUNK)
        high = min(low + CHUNK, end) if forward else place
        data = index.source.read(low, high - low + _OVERLAP)
        starts = [match.start() for match in _BYTES.finditer(data) if low + match.start() < high]
        if starts:
            yield index.line_of(low + (starts[0] if forward else starts[-1]))
            return
        place = high if forward else low
        yield None
