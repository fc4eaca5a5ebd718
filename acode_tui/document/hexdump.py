"""Files that are not text, sixteen bytes a line."""

from __future__ import annotations

from acode_tui.document.index import LineIndex
from acode_tui.render.ansi import Styled

WIDTH = 16
_PRINTABLE = bytes(c if 0x20 <= c < 0x7F else ord(".") for c in range(256))


class HexIndex(LineIndex):
    """The lines of a hex dump need no counting."""

    def extend(self, budget: int) -> bool:
        """Take note of the size."""
        self.size = self.source.size()
        self.breaks = self.size // WIDTH
        self._ends_with_break = self.size % WIDTH == 0
        self.is_exact = True
        return True

    def offset_of(self, line: int) -> int:
        """Return where a line begins."""
        return min(line * WIDTH, self.size)


def is_binary(head: bytes) -> bool:
    """Tell whether a file that begins like this is not text: no text holds a zero byte."""
    return b"\0" in head


def hex_lines(index: HexIndex, first: int, count: int) -> list[Styled]:
    """Return lines as `hexdump -C` writes them."""
    data = index.source.read(first * WIDTH, count * WIDTH)
    lines = []
    for start in range(0, len(data), WIDTH):
        part = data[start : start + WIDTH]
        left, right = part[:8].hex(" "), part[8:].hex(" ")
        text = f"{first * WIDTH + start:010x}  {left:<23}  {right:<23}  {part.translate(_PRINTABLE).decode()}"
        lines.append(Styled(text, ((0, 10, "faint"), (62, len(text), "success"))))
    return lines
