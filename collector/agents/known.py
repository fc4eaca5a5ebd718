"""What the database knows of agents' calls, conversations and messages, for those who take in more."""

from __future__ import annotations

from typing import Any

from collector.model.run import Run
from collector.store.runs import SqliteRunStore
from collector.store.sessions import SqliteSessionStore


class KnownInStore:
    """Answers from the stores of one connection."""

    def __init__(self, runs: SqliteRunStore, sessions: SqliteSessionStore) -> None:
        self._runs = runs
        self._sessions = sessions

    def find_call(self, tool_call_id: str, agent: str) -> Run | None:
        """Return the run of a call."""
        return self._runs.find_call(tool_call_id, agent)

    def without_call(self, session_id: str) -> list[Run]:
        """Return the runs of a session that no call is known for."""
        return self._runs.without_call(session_id)

    def running_calls(self) -> list[Run]:
        """Return the calls that are shown as running and have no recorder."""
        return [run for run in self._runs.running() if dict(run.recorder).get("kind") == "agent"]

    def places_of(self, conversation_id: str, agent: str) -> list[tuple[int, str, str]]:
        """Return where a conversation belongs: since when, session, instance."""
        return list(self._sessions.places_of(conversation_id, agent))

    def transcripts(self) -> list[dict[str, Any]]:
        """Return every transcript that was read, as session records name them."""
        return list(self._sessions.transcripts())

    def session_of_message(self, message_key: int) -> str | None:
        """Return the session that counts a message."""
        return self._sessions.session_of_message(message_key)
