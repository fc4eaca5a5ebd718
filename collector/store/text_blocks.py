"""Text in blocks: cut at line ends, so that what is looked for in a line lies within one. Pure."""

from __future__ import annotations

from collector.model.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Readable(Protocol):
        """What can be read on from where it is."""

        def read(self, size: int, /) -> bytes:
            """Return at most so many bytes; none at the end."""


BLOCK_BYTES = 64 << 10
"""Twice as much makes the index a quarter smaller, and twice as much to read for each find."""
MAX_IN_BLOCK = 100
"""So many small texts share a block at most: each has a file to be opened when the block may fit."""
OVERLAP_BYTES = 4 << 10
"""What two pieces of a line share that is longer than a block: a match of at most so many bytes is found."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a text: where it begins, in bytes and in lines (from 1), and whether a line begins there."""

    offset: int
    data: bytes
    first_line: int
    begins_line: bool = True


def iter_blocks(content: Readable, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield a text in blocks of whole lines, of at most so many bytes, more than `OVERLAP_BYTES`.

    A line that is longer than a block is cut; each piece begins with the end of the one before.
    """
    rest, offset, line, begins_line = b"", 0, 1, True
    while data := content.read(size - len(rest)):
        rest += data
        if len(rest) < size:
            continue
        cut = rest.rfind(b"\n") + 1
        yield Block(offset, rest[:cut] if cut else rest, line, begins_line)
        step = cut or size - OVERLAP_BYTES
        line += rest.count(b"\n", 0, cut)
        offset, rest, begins_line = offset + step, rest[step:], bool(cut)
    if rest and (begins_line or len(rest) > OVERLAP_BYTES):
        yield Block(offset, rest, line, begins_line)
