"""Asking search.db: which blocks may hold a match, and what is not in it yet."""

from __future__ import annotations

import os
from bisect import bisect_left

from collector.errors import AcodeError, CorruptError
from collector.model.frozen import dataclass
from collector.store.database import (
    DATABASE_SUFFIXES,
    Connection,
    open_reader,
    rows,
    schema_version,
    snapshot,
    translated_errors,
)
from collector.store.quick_json import loads
from collector.store.run_rows import marks
from collector.store.search_schema import LARGE, SEARCH, SMALL, trigrams
from collector.store.text_blocks import BLOCK_BYTES, MAX_IN_BLOCK
from collector.store.texts import Change
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    from collector.store.texts import Place

_FEW = 1000
"""So many pieces are looked up one by one; with more, runs are looked at in their order."""
MANY_PENDING = 2000


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a content that may hold a match: its place in bytes, and the number of its first line."""

    offset: int
    length: int
    first_line: int


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the index knew at one moment.

    `blocks` are those that may fit, in order, or None when the pattern says nothing to an index;
    `contents` what they are pieces of, by checksum, or None when these are many. `pending` are artifacts
    that are not indexed, or None when these are many; `change` is the last event that it has followed;
    `backlog` is None, or where among the older runs it has come to: `(place,)`, or `()` at the newest.
    `next_block` is the first that it did not have then. `has_work` says whether there is something to index.
    """

    blocks: array[int] | None
    contents: dict[str, Spans] | None
    pending: tuple[str, ...] | None
    change: Change | None
    backlog: tuple[Place, ...] | None
    next_block: int
    has_work: bool


def open_search_reader(workspace: Workspace) -> SearchReader | None:
    """Open the index for reading; None where there is none, or none that this acode can read."""
    try:
        connection = open_reader(workspace.search_database, SEARCH)
    except CorruptError as error:
        if error.code != "ACODE-RUN-025":
            report_damage(workspace)
        return None
    except AcodeError:
        return None
    if schema_version(connection):
        return SearchReader(connection)
    connection.close()  # it is just being made
    return None


def report_damage(workspace: Workspace) -> None:
    """Tell who writes the index that it is damaged; it is set aside and made anew."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        os.close(os.open(workspace.search_damaged, flags, 0o644))
    except OSError:
        return


class SearchReader:
    """The index, over a connection that was opened for reading; closed with this."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def ask(self, match: str | None) -> Answer:
        """Return what the index knows of a MATCH expression.

        Raises:
            CorruptError: the index is damaged.
        """
        with translated_errors(SEARCH), snapshot(self._db):
            state = {row["key"]: str(row["value"]) for row in rows(self._db, "SELECT * FROM state")}
            blocks = None if match is None else self._candidates(match)
            return Answer(
                blocks,
                None if blocks is None else self._contents(blocks),
                self._pending(),
                Change(*loads(state["change"])) if "change" in state else None,
                _backlog(state.get("backlog")),
                int(state.get("next_block", "1")),
                bool({"backlog", "deleted", "sweep"} & state.keys()) or self._has_work(),
            )

    def spans(self, checksums: Sequence[str], answer: Answer) -> dict[str, Spans]:
        """Return, of those of these contents that were indexed, the pieces that may hold a match."""
        with translated_errors(SEARCH):
            found = rows(
                self._db,
                f"""SELECT checksum_sha256, block_id, offset, length, first_line
                    FROM contents JOIN blocks USING (content_id)
                    WHERE checksum_sha256 IN ({marks(checksums)}) AND indexed_at IS NOT NULL
                    ORDER BY content_id, offset""",
                [bytes.fromhex(checksum) for checksum in checksums],
            )
        spans: dict[str, list[Span]] = {}
        newer: set[str] = set()
        for row in found:
            checksum = row["checksum_sha256"].hex()
            mine = spans.setdefault(checksum, [])
            if row["block_id"] >= answer.next_block:
                newer.add(checksum)
            if answer.blocks is None or _is_in(answer.blocks, row["block_id"]):
                mine.append(Span(row["offset"], row["length"], row["first_line"]))
        return {checksum: tuple(mine) for checksum, mine in spans.items() if checksum not in newer}

    def statistics(self, index_bytes: int) -> SearchStatistics:
        """Return how much is indexed, and how much waits."""
        with translated_errors(SEARCH):
            sql = "SELECT count(*), ifnull(sum(size_bytes), 0) FROM contents WHERE indexed_at IS NOT NULL"
            texts, size = rows(self._db, sql)[0]
            waiting = rows(self._db, "SELECT count(*) FROM pending")[0][0]
            backlog = rows(self._db, "SELECT 1 FROM state WHERE key = 'backlog'")
        return SearchStatistics(texts, size, index_bytes, waiting, bool(backlog))

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def _candidates(self, match: str) -> array[int]:
        from array import array

        found = array("q")
        for row in rows(self._db, "SELECT part_id FROM parts ORDER BY part_id"):
            name = trigrams(row[0])
            cursor = self._db.execute(f"SELECT rowid FROM {name} WHERE {name} MATCH ?", [match])
            cursor.row_factory = None
            while page := cursor.fetchmany(10_000):
                found.extend([block_id for (block_id,) in page])
        return found

    def _contents(self, blocks: array[int]) -> dict[str, Spans] | None:
        """Return the contents that blocks are pieces of, unless there are many."""
        if len(blocks) > _FEW:
            return None
        found = rows(
            self._db,
            f"""SELECT checksum_sha256, offset, length, first_line
                FROM blocks JOIN contents USING (content_id) WHERE block_id IN ({marks(blocks)})
                AND indexed_at IS NOT NULL ORDER BY content_id, offset LIMIT ?""",
            [*blocks, _FEW + 1],
        )
        if len(found) > _FEW:
            return None
        spans: dict[str, list[Span]] = {}
        for row in found:
            span = Span(row["offset"], row["length"], row["first_line"])
            spans.setdefault(row["checksum_sha256"].hex(), []).append(span)
        return {checksum: tuple(mine) for checksum, mine in spans.items()}

    def _has_work(self) -> bool:
        """Tell whether a text waits, or enough small ones for a block."""
        sql = """SELECT ifnull(sum(state = ?), 0), ifnull(sum(state = ?), 0),
                 ifnull(sum(size_bytes) FILTER (WHERE state = ?), 0)
                 FROM (SELECT state, size_bytes FROM pending LIMIT ?)"""
        large, small, size = rows(self._db, sql, [LARGE, SMALL, SMALL, MANY_PENDING])[0]
        return bool(large) or small >= MAX_IN_BLOCK or size >= BLOCK_BYTES

    def _pending(self) -> tuple[str, ...] | None:
        found = rows(self._db, "SELECT artifact_id FROM pending LIMIT ?", [MANY_PENDING + 1])
        return None if len(found) > MANY_PENDING else tuple(row[0] for row in found)


def _backlog(noted: str | None) -> tuple[Place, ...] | None:
    value = loads(noted) if noted is not None else None
    if value is None:
        return None if noted is None else ()
    return ((value[0], value[1]),)


def _is_in(blocks: array[int], block_id: int) -> bool:
    place = bisect_left(blocks, block_id)
    return place < len(blocks) and blocks[place] == block_id


@dataclass(frozen=True, slots=True)
class SearchStatistics:
    """How much is indexed for searching: contents, their bytes, those of the index, and files that wait."""

    texts: int
    text_bytes: int
    index_bytes: int
    waiting: int
    has_backlog: bool


def search_statistics(workspace: Workspace) -> SearchStatistics:
    """Return how far indexing for searches has come; zeros where nothing was indexed yet.

    `has_backlog` says that there are older runs still, whose files are not among those that wait.
    """
    reader = open_search_reader(workspace)
    if reader is None:
        return SearchStatistics(0, 0, 0, 0, True)
    try:
        return reader.statistics(_size_of(workspace.search_database))
    finally:
        reader.close()


def _size_of(database: str) -> int:
    total = 0
    for suffix in DATABASE_SUFFIXES:
        try:
            total += os.stat(database + suffix).st_size  # noqa: PTH116 - as everywhere in the store
        except OSError:
            continue
    return total
