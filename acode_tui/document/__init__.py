"""Files of any size as lines: an index of line breaks, reading from the middle, searching. No Textual."""

from acode_tui.document.index import CHUNK, LineIndex, Source
from acode_tui.document.lines import LINE_BYTES, Line, read_lines, read_tail
from acode_tui.document.search import Hits, Needle, find_next, search

__all__ = [
    "CHUNK", "LINE_BYTES", "Hits", "Line", "LineIndex", "Needle", "Source", "find_next", "read_lines",
    "read_tail", "search",
]  # fmt: skip
