"""Writing texts into the index: large ones a block after the other, small ones several to a block."""

from __future__ import annotations

import hashlib

from collector import clock
from collector.store.search_index import SMALL_BYTES, Piece, SearchIndex
from collector.store.text_blocks import BLOCK_BYTES, MAX_IN_BLOCK, iter_blocks
from collector.store.texts import Text, Texts
from collector.store.trouble import raise_if_passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from collector.store.trouble import Log

_COMMIT_BYTES = 8 << 20
_ENOUGH_SMALL_BYTES = 2 << 20
_WRONG = "its content is not what was recorded"


class TextWriter:
    """Reads texts and writes them; what cannot be indexed stays among what waits.

    Args:
        index: where to.
        texts: where from.
        log: told of what cannot be indexed.
        may_go_on: asked every now and then; False stops in the middle of a large text.
    """

    def __init__(self, index: SearchIndex, texts: Texts, log: Log, may_go_on: Callable[[], bool]) -> None:
        self._index = index
        self._texts = texts
        self._log = log
        self._may_go_on = may_go_on

    def write_large(self, text: Text) -> None:
        """Index a text in blocks of its own; told to stop, it waits again."""
        content_id = self._index.begin_content(text.checksum or "", text.size_bytes)
        try:
            is_whole = self._write_blocks(content_id, text)
        except (OSError, ValueError) as error:
            self._index.remove_content(content_id)
            raise_if_passing(error)
            self._give_up(text, str(error))
            return
        if is_whole:
            self._index.end_content(content_id, clock.now_ms())
            self._index.drop_pending([text.artifact_id])
            return
        self._index.remove_content(content_id)
        if is_whole is False:
            self._give_up(text, _WRONG)

    def _write_blocks(self, content_id: int, text: Text) -> bool | None:
        """Write a content's blocks; tell whether it is what was recorded, None when told to stop."""
        written = 0
        with self._texts.open(text) as file:
            content = _Hashed(file)
            for block in iter_blocks(content):
                if block.offset + len(block.data) > text.size_bytes:
                    return False
                self._index.add_block([Piece(content_id, block.offset, block.data, block.first_line)])
                written += len(block.data)
                if written >= _COMMIT_BYTES:
                    written = 0
                    self._index.commit()
                    self._index.begin()
                    if not self._may_go_on():
                        return None
        return content.digest() == text.checksum

    def write_small(self, texts: list[Text]) -> None:
        """Index small texts together, as many as fill whole blocks; others wait on."""
        written = 0
        for group in _groups(self._read(texts)):
            pieces = []
            for text, data in group:
                content_id = self._index.begin_content(text.checksum or "", text.size_bytes)
                pieces.append(Piece(content_id, 0, data, 1))
                self._index.end_content(content_id, clock.now_ms())
            self._index.add_block(pieces)
            self._index.drop_pending([text.artifact_id for text, _ in group])
            written += sum(len(piece.data) for piece in pieces)
            if written >= _ENOUGH_SMALL_BYTES:
                return

    def _read(self, texts: list[Text]) -> Iterator[tuple[Text, bytes]]:
        """Yield small texts with their content, each content once."""
        seen: set[str | None] = set()
        for text in texts:
            if text.checksum in seen:
                continue
            try:
                with self._texts.open(text) as content:
                    data = content.read(SMALL_BYTES + 1)
            except (OSError, ValueError) as error:
                raise_if_passing(error)
                self._give_up(text, str(error))
                continue
            if hashlib.sha256(data).hexdigest() != text.checksum:
                self._give_up(text, _WRONG)
                continue
            seen.add(text.checksum)
            yield text, data

    def _give_up(self, text: Text, why: str) -> None:
        self._log("text.unindexed", folder=text.folder, path=text.path, error=why)
        self._index.add_pending([text], is_ready=False)


class _Hashed:
    """Reads a text and hashes it on the way."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._content.read(size)
        self._digest.update(data)
        return data

    def digest(self) -> str:
        return self._digest.hexdigest()


def _groups(texts: Iterator[tuple[Text, bytes]]) -> Iterator[list[tuple[Text, bytes]]]:
    """Yield texts in groups that make a block each; what is left at the end makes none."""
    group: list[tuple[Text, bytes]] = []
    size = 0
    for text, data in texts:
        group.append((text, data))
        size += len(data)
        if size >= BLOCK_BYTES or len(group) >= MAX_IN_BLOCK:
            yield group
            group, size = [], 0
