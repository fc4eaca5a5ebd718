"""The folder of an agent session: its record, what its requests used, its hooks' payloads, its transcripts.

    session.json      the record, replaced atomically
    usage.jsonl       one line for each answer of the model; a later line for the same one replaces it
    prompts.jsonl     what the agent was asked for
    hooks.jsonl       payloads as they came
    transcripts/      the agent's own files, byte for byte

One process writes it: whoever holds the ingest lock. The database copies it and can be thrown away.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

from collector import durable
from collector.model.session import Session

SESSION_JSON = "session.json"
USAGE = "usage.jsonl"
HOOKS = "hooks.jsonl"
PROMPTS = "prompts.jsonl"
TRANSCRIPTS = "transcripts"
MAX_SESSION_BYTES = 64 << 20
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def folder_name(session_id: str) -> str:
    """Return the name of a session's folder: its id, or a digest of one that is no good name."""
    if 0 < len(session_id) <= 100 and set(session_id) <= _PLAIN and session_id[0] not in ".-_":
        return session_id
    digest = hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"_{digest[:32]}"


def read_session(folder: str) -> Session:
    """Return the record of a session folder.

    Raises:
        OSError: there is none.
        ValueError: it is damaged.
    """
    path = os.path.join(folder, SESSION_JSON)
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        data = file.read(MAX_SESSION_BYTES + 1)
    try:
        record = json.loads(data)
    except RecursionError as error:
        raise ValueError("session.json is nested too deeply") from error
    if not isinstance(record, dict) or len(data) > MAX_SESSION_BYTES:
        raise ValueError("session.json is not the object it should be")
    return Session.from_json(record)


def write_session(folder: str, session: Session) -> None:
    """Replace the record of a session.

    Raises:
        OSError: the old record is untouched.
    """
    os.makedirs(folder, mode=0o755, exist_ok=True)
    text = json.dumps(session.to_json(), ensure_ascii=False, indent=1)
    durable.replace_file(os.path.join(folder, SESSION_JSON), text.encode("utf-8", "replace") + b"\n")


def append_lines(folder: str, name: str, lines: list[dict[str, Any]]) -> None:
    """Add lines to one of a session's files, all or none; half a line that a crash left stays one by itself.

    Raises:
        OSError: nothing was added.
    """
    if not lines:
        return
    os.makedirs(folder, mode=0o755, exist_ok=True)
    data = "".join([json.dumps(line, ensure_ascii=False) + "\n" for line in lines]).encode("utf-8", "replace")
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    fd = os.open(os.path.join(folder, name), flags, 0o644)
    try:
        size = os.fstat(fd).st_size
        is_whole = size == 0 or os.pread(fd, 1, size - 1) == b"\n"
        try:
            durable.write_all(fd, data if is_whole else b"\n" + data)
        except OSError:
            os.ftruncate(fd, size)
            raise
    finally:
        os.close(fd)


def iter_lines(folder: str, name: str, offset: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of one of a session's files, each with the offset behind its line."""
    try:
        fd = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    with os.fdopen(fd, "rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                yield offset, value


def message_key(message_id: str, request_id: str | None) -> int:
    """Return the number under which an answer of the model is counted once, over all sessions.

    The provider's request id is preferred, because telemetry knows nothing else.
    """
    name = (request_id or message_id).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big", signed=True)
