"""The schema of search.db: which text is indexed, in which blocks, and what waits to be.

The database can be thrown away: it is made anew from the run folders. Text that many artifacts hold is in it
once. SQLite before 3.43 cannot take anything out of such an index of trigrams, so the index is in parts, each
of some hundred megabytes of text; a part whose text is mostly gone is dropped, and what is left of it is
indexed again.
"""

from __future__ import annotations

from collector.store.schema import Schema

_CONTENTS = """
CREATE TABLE contents (
    content_id INTEGER PRIMARY KEY,
    checksum_sha256 BLOB NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL,
    part_id INTEGER NOT NULL,
    indexed_at INTEGER
) STRICT
"""
"""Without `indexed_at`: its blocks are being written."""

_BLOCKS = """
CREATE TABLE blocks (
    block_id INTEGER NOT NULL,
    content_id INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    first_line INTEGER NOT NULL,
    PRIMARY KEY (block_id, content_id)
) STRICT, WITHOUT ROWID
"""
"""A block holds a piece of a large content, or several small contents: a block for each would be costly."""

_PARTS = """
CREATE TABLE parts (
    part_id INTEGER PRIMARY KEY,
    text_bytes INTEGER NOT NULL DEFAULT 0,
    gone_bytes INTEGER NOT NULL DEFAULT 0
) STRICT
"""

_PENDING = """
CREATE TABLE pending (
    artifact_id TEXT PRIMARY KEY,
    run_seq INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    state INTEGER NOT NULL
) STRICT
"""
"""Artifacts that are not indexed; `state` is one of those below."""

LATER, SMALL, LARGE = 0, 1, 2
"""Indexed once its run is sealed, or never; together with others; by itself."""

_STATE = "CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"

MIGRATIONS = (
    (
        _CONTENTS,
        "CREATE INDEX contents_by_part ON contents (part_id)",
        _BLOCKS,
        "CREATE INDEX blocks_by_content ON blocks (content_id)",
        _PARTS,
        _PENDING,
        "CREATE INDEX pending_by_run ON pending (state, run_seq)",
        _STATE,
    ),
)

SEARCH = Schema("search.db", 0x61636F73, "text", MIGRATIONS, "it is made anew by itself")  # "acos"


def trigrams(part_id: int) -> str:
    """Return the name of a part's index of trigrams."""
    return f"trigrams_{int(part_id)}"


def create_trigrams(part_id: int) -> tuple[str, ...]:
    """Return the statements that make a part's index.

    Which blocks have a trigram is all that is kept: neither text nor places. The more is collected before
    it is written, the fewer pieces there are to merge.
    """
    name = trigrams(part_id)
    return (
        f"""CREATE VIRTUAL TABLE {name} USING fts5
            (text, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 0')""",
        f"INSERT INTO {name} ({name}, rank) VALUES ('hashsize', {8 << 20})",
    )
