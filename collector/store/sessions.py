"""Sessions in SQLite: their records, copied from session folders, and counts over their runs."""

from __future__ import annotations

from collector.errors import InputError, NotFoundError
from collector.model.frozen import dataclass, replace
from collector.model.session import AgentInstance, Session
from collector.store.database import Connection, Row, rows, transaction, translating
from collector.store.protocols import Page
from collector.store.quick_json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from collector.record.masking import Masking

Sessions = list[Session]
_SELECT = "SELECT sessions.*, (SELECT max(start_time) FROM runs WHERE runs.session_id = sessions.session_id)"
_SELECT += " AS last_run_at FROM sessions"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions, newest activity first. Every condition that is set must hold; `text` is part of
    the title, the id or the team. `after` is a cursor of a previous page.
    """  # noqa: D205 - one thought

    agent: str | None = None
    team: str | None = None
    status: str | None = None
    text: str | None = None
    limit: int = 50
    after: str | None = None


class SqliteSessionStore:
    """The session store over one connection; writing needs one that was opened for it.

    Args:
        connection: the database.
        masking: masks the secrets of the sessions that come out of it; None for what was recorded.
    """

    def __init__(self, connection: Connection, masking: Masking | None = None) -> None:
        self._db = connection
        self._masking = masking

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    @translating
    def get(self, session_id: str) -> Session:
        """Return a session with its instances.

        Raises:
            NotFoundError: there is none.
        """
        session = self.find(session_id)
        if session is None:
            raise NotFoundError(
                "ACODE-AGT-007", f"no session {session_id!r}", "'acode sessions list' shows what there is"
            )
        return session

    @translating
    def find(self, session_id: str) -> Session | None:
        """Return a session with its instances, or None."""
        found = rows(self._db, f"{_SELECT} WHERE session_id = ?", [session_id])
        if not found:
            return None
        return replace(self._session(found[0]), instances=tuple(self.instances(session_id)))

    def _session(self, row: Row) -> Session:
        session = _session(row)
        return session if self._masking is None else self._masking.session(session)

    @translating
    def find_matching(self, prefix: str, limit: int = 5) -> Sessions:
        """Return sessions whose id, or that of a conversation in them, begins with a text, without instances.

        The session that has exactly this id comes alone.
        """
        exact = rows(self._db, f"{_SELECT} WHERE session_id = ?", [prefix])
        if not exact:
            sql = f"""{_SELECT} WHERE session_id >= ?1 AND session_id < ?2 OR session_id IN
                (SELECT session_id FROM conversations
                 WHERE conversation_id >= ?1 AND conversation_id < ?2)
                ORDER BY last_at DESC LIMIT ?3"""
            exact = rows(self._db, sql, [prefix, prefix + "\U0010ffff", limit])
        return [self._session(row) for row in exact]

    @translating
    def list(self, query: SessionQuery) -> Page[Session]:
        """Return one page of sessions, without their instances."""
        conditions, values = _conditions(query)
        sql = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY last_at DESC, seq DESC LIMIT ?"
        found = rows(self._db, sql, [*values, query.limit + 1])
        items = found[: query.limit]
        more = len(found) > query.limit and items
        return Page(tuple(map(self._session, items)), None, _cursor(items[-1]) if more else None)

    @translating
    def count(self) -> int:
        """Return how many sessions there are."""
        return int(rows(self._db, "SELECT count(*) FROM sessions", [])[0][0])

    @translating
    def instances(self, session_id: str) -> Sequence[AgentInstance]:
        """Return the agent instances of a session in the order they appeared."""
        sql = "SELECT record FROM instances WHERE session_id = ? ORDER BY position"
        records = [loads(row[0]) for row in rows(self._db, sql, [session_id])]
        if self._masking is not None:
            records = [self._masking.value(record) for record in records]
        return [AgentInstance.from_json(record) for record in records]

    @translating
    def find_instance(self, instance_id: str, session_id: str | None = None) -> AgentInstance | None:
        """Return an instance by its id, of a session or of the newest that has it; None if none has."""
        sql = """SELECT instances.record FROM instances JOIN sessions USING (session_id)
                 WHERE instance_id = ? AND session_id = coalesce(?, session_id) ORDER BY seq DESC LIMIT 1"""
        found = rows(self._db, sql, [instance_id, session_id])
        return AgentInstance.from_json(loads(found[0][0])) if found else None

    @translating
    def places_of(self, conversation_id: str, agent: str) -> Sequence[tuple[int, str, str]]:
        """Return where a conversation of an agent belongs, oldest first: since when (milliseconds since
        1970), session, instance. A conversation that was resumed may go on in another session.
        """  # noqa: D205 - one thought
        sql = """SELECT since, session_id, instance_id FROM conversations
                 WHERE conversation_id = ? AND agent = ? ORDER BY since"""
        return [(row[0], row[1], row[2]) for row in rows(self._db, sql, [conversation_id, agent])]

    @translating
    def session_of_message(self, message_key: int) -> str | None:
        """Return the session that a message of the model counts in."""
        sql = "SELECT session_id FROM messages WHERE message_key = ?"
        found = rows(self._db, sql, [message_key])
        return found[0][0] if found else None

    @translating
    def transcripts(self) -> Sequence[dict[str, Any]]:
        """Return every transcript that a session was read from."""
        found: list[dict[str, Any]] = []
        for row in rows(self._db, "SELECT record FROM sessions", []):
            found += loads(row[0]).get("transcripts") or ()
        return found

    # Writing

    @translating
    def write(self, session: Session, message_keys: Iterable[int] = ()) -> None:
        """Add a session, or replace what was known of it, in one transaction."""
        import json

        record = session.to_json()
        del record["instances"]
        text = json.dumps(record, ensure_ascii=False)
        moment = max(session.ended_at or 0, session.started_at or 0)
        with transaction(self._db):
            self._db.execute(
                """INSERT INTO sessions (session_id, agent, team, status, title, last_at, record)
                   VALUES (?, ?, ?, ?, ?, ?, ?)
                   ON CONFLICT (session_id) DO UPDATE SET
                       agent = excluded.agent, team = excluded.team, status = excluded.status,
                       title = excluded.title, last_at = max(last_at, excluded.last_at),
                       record = excluded.record""",
                [
                    session.session_id,
                    session.agent,
                    session.team,
                    session.status,
                    session.title,
                    moment,
                    text,
                ],
            )
            self._write_instances(session)
            self._db.executemany(
                "INSERT OR IGNORE INTO messages VALUES (?, ?)",
                ((key, session.session_id) for key in message_keys),
            )
            self._db.execute(
                "INSERT INTO events (kind, run_id, run_seq) VALUES ('session.changed', ?, 0)",
                [session.session_id],
            )

    def _write_instances(self, session: Session) -> None:
        import json

        for table in ("instances", "conversations"):
            self._db.execute(f"DELETE FROM {table} WHERE session_id = ?", [session.session_id])
        for position, instance in enumerate(session.instances):
            text = json.dumps(instance.to_json(), ensure_ascii=False)
            self._db.execute(
                "INSERT OR REPLACE INTO instances VALUES (?, ?, ?, ?)",
                [session.session_id, instance.instance_id, position, text],
            )
            for conversation_id in instance.conversation_ids:
                self._db.execute(
                    "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?, ?)",
                    [
                        conversation_id,
                        instance.agent or "",
                        session.session_id,
                        instance.instance_id,
                        instance.created_at or 0,
                    ],
                )

    @translating
    def forget_records(self) -> None:
        """Forget what session folders said, before they are read again; counts of runs stay."""
        with transaction(self._db):
            for table in ("instances", "conversations", "messages"):
                self._db.execute(f"DELETE FROM {table}")
            self._db.execute("DELETE FROM sessions WHERE runs = 0")
            self._db.execute(
                "UPDATE sessions SET record = '{}', status = 'unknown', agent = NULL, title = NULL, "
                "team = NULL"
            )


def _conditions(query: SessionQuery) -> tuple[list[str], list[Any]]:
    conditions, values = ["1"], []
    for column in ("agent", "team", "status"):
        value = getattr(query, column)
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    if query.text:
        escaped = query.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        conditions.append(
            "(title LIKE ? ESCAPE '\\' OR session_id LIKE ? ESCAPE '\\' OR team LIKE ? ESCAPE '\\')"
        )
        values += [f"%{escaped}%"] * 3
    if query.after:
        moment, _, seq = query.after.partition(".")
        if not (moment.isdigit() and seq.isdigit()):
            raise InputError("ACODE-RUN-018", f"{query.after!r} is not a cursor", "use a page's next_cursor")
        conditions.append("(last_at, seq) < (?, ?)")
        values += [int(moment), int(seq)]
    return conditions, values


def _cursor(row: Row) -> str:
    return f"{row['last_at']}.{row['seq']}"


def _session(row: Row) -> Session:
    try:
        session = Session.from_json({**loads(row["record"]), "session_id": row["session_id"]})
    except (ValueError, TypeError):
        session = Session(session_id=row["session_id"], error="ACODE-ART-007: its record is damaged")
    return replace(
        session,
        runs=row["runs"], failed_runs=row["failed_runs"], last_run_at=row["last_run_at"],
    )  # fmt: skip
