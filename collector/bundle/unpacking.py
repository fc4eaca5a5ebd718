"""Unpacking one file of a bundle: never more than was asked for, and nothing behind its end."""

from __future__ import annotations

from collections.abc import Iterator

from collector.bundle import deflate
from collector.bundle.container import DEFLATED, Entry, RefusedError


def unpacked(packed: Iterator[bytes], entry: Entry) -> Iterator[tuple[bytes, bytes]]:
    """Yield content, each time with the packed data that was newly read for it.

    Args:
        packed: the packed data, in pieces.
        entry: whose it is.

    Raises:
        RefusedError: it is no stream, or ends before or after its data.
    """
    return _inflated(packed, entry) if entry.method == DEFLATED else ((data, data) for data in packed)


def _inflated(packed: Iterator[bytes], entry: Entry) -> Iterator[tuple[bytes, bytes]]:
    stream = deflate.inflater()
    for piece in packed:
        if stream.eof:
            raise RefusedError("something follows its packed data", entry.name)
        taken, data = piece, piece
        while True:
            try:
                content = stream.decompress(data, deflate.PIECE_BYTES)
            except deflate.ERRORS:
                raise RefusedError("its packed data is damaged", entry.name) from None
            yield content, taken
            taken, data = b"", stream.unconsumed_tail
            if stream.unused_data:
                raise RefusedError("something follows its packed data", entry.name)
            if _is_over(stream) or (not data and len(content) < deflate.PIECE_BYTES):
                break
    if not stream.eof:
        raise RefusedError("its packed data ends early", entry.name)


def _is_over(stream: deflate.Inflater) -> bool:
    return stream.eof
