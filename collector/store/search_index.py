"""Writing search.db: contents in blocks, the index of their trigrams, what waits, and how far it has come.

Used by the process that holds the writer's lock, by one thread of it. What is written becomes visible with
`commit`; a content whose last block is not written yet is no content.
"""

from __future__ import annotations

from collector.model.frozen import dataclass
from collector.store.database import Connection, rows
from collector.store.patterns import indexable
from collector.store.run_rows import marks
from collector.store.search_schema import LARGE, LATER, SMALL, create_trigrams, trigrams
from collector.store.text_blocks import BLOCK_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.store.texts import Text

PART_BYTES = 1 << 30
SMALL_BYTES = BLOCK_BYTES // 2
MAX_TEXT_BYTES = 1 << 30
"""Larger texts are not indexed but looked through."""
_NEXT_BLOCK = "next_block"


@dataclass(frozen=True, slots=True)
class Piece:
    """What a block holds of a content: where it begins there, in bytes and lines, and how long it is."""

    content_id: int
    offset: int
    data: bytes
    first_line: int


class SearchIndex:
    """The index, over a connection that was opened for writing; closed with this."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._remove_unfinished()

    def begin(self) -> None:
        """Begin a transaction, unless one has begun."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make visible what was written."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the database; what was not committed is undone."""
        self._db.close()

    # How far it has come

    def state(self, key: str) -> str | None:
        """Return what was last noted under a key."""
        found = rows(self._db, "SELECT value FROM state WHERE key = ?", [key])
        return str(found[0][0]) if found else None

    def note(self, key: str, value: str | None) -> None:
        """Note something under a key; None to forget it."""
        self._db.execute("DELETE FROM state WHERE key = ?", [key])
        if value is not None:
            self._db.execute("INSERT INTO state VALUES (?, ?)", [key, value])

    # What waits

    def add_pending(self, texts: Sequence[Text], is_ready: bool = True) -> None:
        """Note that texts wait to be indexed, or that they cannot be yet."""
        self._db.executemany(
            "INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?)",
            [(t.artifact_id, t.run_seq, t.size_bytes, _state(t) if is_ready else LATER) for t in texts],
        )

    def drop_pending(self, artifact_ids: Sequence[str]) -> None:
        """Note that artifacts wait no longer."""
        self._db.executemany("DELETE FROM pending WHERE artifact_id = ?", [(id_,) for id_ in artifact_ids])

    def clear_pending(self) -> None:
        """Note that nothing waits, as far as is known."""
        self._db.execute("DELETE FROM pending")

    def drop_pending_of_run(self, run_seq: int) -> None:
        """Note that a run is gone."""
        states = (LATER, SMALL, LARGE)
        sql = f"DELETE FROM pending WHERE state IN ({marks(states)}) AND run_seq = ?"
        self._db.execute(sql, [*states, run_seq])

    def pending(self, state: int, limit: int, max_bytes: int) -> list[str]:
        """Return artifacts that wait in a state and are not too large, the newest first."""
        sql = """SELECT artifact_id FROM pending WHERE state = ? AND size_bytes <= ?
                 ORDER BY run_seq DESC LIMIT ?"""
        return [row[0] for row in rows(self._db, sql, [state, max_bytes, limit])]

    def count_pending(self, state: int, limit: int) -> tuple[int, int]:
        """Return how many artifacts wait in a state, counting up to a limit, and their size together."""
        sql = """SELECT count(*), ifnull(sum(size_bytes), 0)
                 FROM (SELECT size_bytes FROM pending WHERE state = ? LIMIT ?)"""
        (row,) = rows(self._db, sql, [state, limit])
        return int(row[0]), int(row[1])

    # Contents

    def known(self, checksums: Sequence[str]) -> frozenset[str]:
        """Return which of these contents are indexed."""
        sql = f"SELECT checksum_sha256 FROM contents WHERE checksum_sha256 IN ({marks(checksums)})"
        return frozenset(row[0].hex() for row in rows(self._db, sql, [bytes.fromhex(c) for c in checksums]))

    def begin_content(self, checksum: str, size: int) -> int:
        """Add a content, which counts once `end_content` has been told; return its number."""
        values = [bytes.fromhex(checksum), size, self._part()]
        sql = "INSERT INTO contents (checksum_sha256, size_bytes, part_id) VALUES (?, ?, ?)"
        return int(self._db.execute(sql, values).lastrowid or 0)

    def add_block(self, pieces: Sequence[Piece]) -> None:
        """Add one block that holds these pieces, all of contents that the newest part has begun."""
        block_id = int(self.state(_NEXT_BLOCK) or 1)
        self.note(_NEXT_BLOCK, str(block_id + 1))
        self._db.executemany(
            "INSERT INTO blocks VALUES (?, ?, ?, ?, ?)",
            [(block_id, p.content_id, p.offset, len(p.data), p.first_line) for p in pieces],
        )
        part_id = self._newest_part()
        text = "\n".join(piece.data.decode("utf-8", "replace") for piece in pieces)
        self._db.execute(
            f"INSERT INTO {trigrams(part_id)} (rowid, text) VALUES (?, ?)", [block_id, indexable(text)]
        )
        size = sum(len(piece.data) for piece in pieces)
        self._db.execute("UPDATE parts SET text_bytes = text_bytes + ? WHERE part_id = ?", [size, part_id])

    def end_content(self, content_id: int, now_ms: int) -> None:
        """Say that a content has all its blocks."""
        self._db.execute("UPDATE contents SET indexed_at = ? WHERE content_id = ?", [now_ms, content_id])

    def remove_content(self, content_id: int) -> None:
        """Forget a content; its trigrams stay until its part is dropped."""
        sql = "SELECT ifnull(sum(length), 0) FROM blocks WHERE content_id = ?"
        (size,) = rows(self._db, sql, [content_id])[0]
        self._db.execute(
            """UPDATE parts SET gone_bytes = gone_bytes + ?
               WHERE part_id = (SELECT part_id FROM contents WHERE content_id = ?)""",
            [size, content_id],
        )
        self._db.execute("DELETE FROM blocks WHERE content_id = ?", [content_id])
        self._db.execute("DELETE FROM contents WHERE content_id = ?", [content_id])

    def contents_after(self, content_id: int, limit: int) -> list[tuple[int, str]]:
        """Return contents in the order of their numbers: number and checksum."""
        sql = """SELECT content_id, checksum_sha256 FROM contents
                 WHERE content_id > ? ORDER BY content_id LIMIT ?"""
        return [(row[0], row[1].hex()) for row in rows(self._db, sql, [content_id, limit])]

    # Parts

    def wasteful_part(self) -> int | None:
        """Return a part whose text is mostly gone."""
        sql = "SELECT part_id FROM parts WHERE gone_bytes > 0 AND gone_bytes * 2 >= text_bytes LIMIT 1"
        found = rows(self._db, sql)
        return int(found[0][0]) if found else None

    def contents_of(self, part_id: int, limit: int) -> list[tuple[int, str]]:
        """Return some contents of a part: number and checksum."""
        sql = "SELECT content_id, checksum_sha256 FROM contents WHERE part_id = ? LIMIT ?"
        return [(row[0], row[1].hex()) for row in rows(self._db, sql, [part_id, limit])]

    def drop_part(self, part_id: int) -> None:
        """Drop a part whose contents are gone."""
        self._db.execute(f"DROP TABLE IF EXISTS {trigrams(part_id)}")
        self._db.execute("DELETE FROM parts WHERE part_id = ?", [part_id])

    def _part(self) -> int:
        """Return the part that takes contents now; the newest, until it is full."""
        sql = "SELECT part_id FROM parts WHERE part_id = ? AND text_bytes < ?"
        newest = self._newest_part()
        if rows(self._db, sql, [newest, PART_BYTES]):
            return newest
        # Numbers are not used again: somebody may be reading what had one.
        number = int(self.state("last_part") or 0) + 1
        self.note("last_part", str(number))
        for statement in create_trigrams(number):
            self._db.execute(statement)
        self._db.execute("INSERT INTO parts (part_id) VALUES (?)", [number])
        return number

    def _newest_part(self) -> int:
        return int(rows(self._db, "SELECT ifnull(max(part_id), 0) FROM parts")[0][0])

    def _remove_unfinished(self) -> None:
        found = rows(self._db, "SELECT content_id FROM contents WHERE indexed_at IS NULL")
        if found:
            self.begin()
            for row in found:
                self.remove_content(row[0])
            self.commit()


def _state(text: Text) -> int:
    if text.checksum is None or text.size_bytes > MAX_TEXT_BYTES:
        return LATER
    return SMALL if text.size_bytes < SMALL_BYTES else LARGE
