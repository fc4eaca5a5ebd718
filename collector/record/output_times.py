"""When the bytes of a stream came, as output.idx tells it."""

from __future__ import annotations

from collector.record.output_index import iter_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Piece = tuple[int, int]


class OutputTimes:
    """Times of a stream's bytes, asked for in their order; holds nothing but the index.

    Args:
        index: the content of output.idx.
        stream: 1 for stdout, 2 for stderr, None for both as they came.
    """

    def __init__(self, index: bytes, stream: int | None) -> None:
        self._pieces = self._iterate(index, stream)
        self._end = 0
        self._elapsed_us = 0

    @staticmethod
    def _iterate(index: bytes, stream: int | None) -> Iterator[Piece]:
        for elapsed, which, length in iter_entries(index):
            if stream in (None, which):
                yield elapsed, length

    def at(self, offset: int) -> int:
        """Return how many milliseconds after the start a byte came; later bytes must be asked for later."""
        while self._end <= offset:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._elapsed_us, self._end = piece[0], self._end + piece[1]
        return self._elapsed_us // 1000
