"""Command lines, each once: found by its text, counted, and indexed for what may be in it.

The index of trigrams is made after the rows, in steps: with it, taking in runs would take five times as
long. `indexed_until` says how far it is; what lies beyond is looked through one by one.
"""

from __future__ import annotations

from collector.store.database import Connection, transaction
from collector.store.patterns import indexable
from collector.store.schema import COMMAND_KEY

_STEP = 2000
_STEP_CHARACTERS = 4_000_000
_PROGRESS = "commands_fts"

KEY_OF_PARAMETER = COMMAND_KEY.replace("command_line", "?")
"""The key of a text, made by SQLite as it makes those in the index; the text is bound three times."""


def find_command(db: Connection, command_line: str) -> int | None:
    """Return the number of a command line, or None when no run has it.

    Without the plus sign SQLite would put the value in the place of the column everywhere, also in the key,
    and no longer know the index's expression.
    """
    sql = f"SELECT command_id FROM commands WHERE {COMMAND_KEY} = {KEY_OF_PARAMETER} AND +command_line = ?"
    found = db.execute(sql, [command_line] * 4).fetchone()
    return None if found is None else int(found[0])


def add_command(db: Connection, command_line: str) -> int:
    """Return the number of a command line, a new one for one not seen before; within a transaction."""
    found = find_command(db, command_line)
    if found is not None:
        return found
    return db.execute("INSERT INTO commands (command_line) VALUES (?)", [command_line]).lastrowid or 0


def remove_unused(db: Connection, command_id: int) -> None:
    """Forget a command line that no run has any longer; within a transaction."""
    sql = "SELECT command_line FROM commands WHERE command_id = ? AND runs <= 0"
    unused = db.execute(sql, [command_id]).fetchone()
    if unused is None:
        return
    if command_id <= indexed_until(db):
        db.execute(
            "INSERT INTO commands_fts (commands_fts, rowid, command_line) VALUES ('delete', ?, ?)",
            [command_id, indexable(unused[0])],
        )
    db.execute("DELETE FROM commands WHERE command_id = ?", [command_id])


def indexed_until(db: Connection) -> int:
    """Return the number of the last command line that the index knows."""
    return int(db.execute("SELECT value FROM progress WHERE name = ?", [_PROGRESS]).fetchone()[0])


def index_step(db: Connection) -> int:
    """Index some of the command lines that wait for it, in one transaction; return how many."""
    with transaction(db):
        sql = "SELECT command_id, command_line FROM commands WHERE command_id > ? ORDER BY command_id LIMIT ?"
        until, done, characters = indexed_until(db), 0, 0
        for command_id, line in db.execute(sql, [until, _STEP]):
            db.execute(
                "INSERT INTO commands_fts (rowid, command_line) VALUES (?, ?)", [command_id, indexable(line)]
            )
            until, done, characters = command_id, done + 1, characters + len(line)
            if characters > _STEP_CHARACTERS:
                break
        if done:
            db.execute("UPDATE progress SET value = ? WHERE name = ?", [until, _PROGRESS])
    return done
