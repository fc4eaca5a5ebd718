"""Files of any size as lines: an index of line breaks, reading from the middle, searching. No Textual."""

from acode_tui.document.errors import find_error, is_error
from acode_tui.document.index import CHUNK, Content, LineIndex, Source
from acode_tui.document.interleaved import Interleaved
from acode_tui.document.lines import LINE_BYTES, Line, read_lines, read_tail
from acode_tui.document.search import Hits, Needle, find_next, search

__all__ = [
    "CHUNK", "LINE_BYTES", "Content", "Hits", "Interleaved", "Line", "LineIndex", "Needle", "Source",
    "find_error", "find_next", "is_error", "read_lines", "read_tail", "search",
]  # fmt: skip
