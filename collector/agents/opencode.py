"""OpenCode: its database, the files of versions before it, exports, and its hooks (through our plugin).

Everything is below `$XDG_DATA_HOME/opencode` (`~/.local/share/opencode`): `opencode.db` holds all sessions of
all projects; before 1.2 `storage/session/PROJECT/SESSION.json`, `storage/message/SESSION/MESSAGE.json` and
`storage/part/MESSAGE/PART.json` did, which stay behind when they have been moved into the database.
OpenCode has no hook commands; a plugin of ours, running in its process, posts what it is told:
`hook_events` defines the payloads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from collector.agents.events import AnyEvent, Prompt
from collector.agents.opencode_records import Session, parts_of
from collector.agents.opencode_store import Database
from collector.agents.values import load_json, mapping, text, whole

_DATABASE = re.compile(r"opencode[\w.-]*\.db")
_SESSION_FILE = re.compile(rb'\A\s*\{\s*"id":\s*"ses_')
_EXPORT = re.compile(rb'\A(?:Exporting session[^\n]*\n)?\s*\{\s*"info":\s*\{\s*"id":\s*"ses_')
_MAX_PARENTS = 4096
_MAX_DEPTH = 16


class OpenCode:
    """OpenCode 1.x."""

    name = "opencode"
    title = "OpenCode"
    commands: tuple[str, ...] = ("opencode",)

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Yield the databases, or the main sessions' files of the time before them."""
        base = _base(home, environ)
        databases = sorted(path for path in base.glob("opencode*.db") if _DATABASE.fullmatch(path.name))
        yield from databases
        if not databases:
            for path in sorted(base.glob("storage/session/*/ses_*.json")):
                if text(_load(path).get("parentID")) is None:
                    yield path

    def recent_transcripts(
        self, home: Path, environ: Mapping[str, str], root: Path, since: float
    ) -> Iterator[Path]:
        """Yield the databases in which a session of the workspace changed after a time."""
        for path in _base(home, environ).glob("opencode*.db"):
            if _DATABASE.fullmatch(path.name) and _modified(path) >= since:
                with Database(path) as database:
                    if any(_is_within(info, root) for info in database.sessions(int(since * 1000))):
                        yield path

    def companions(self, path: Path) -> Iterator[Path]:
        """Yield the files of a session's subagents; in a database they are beside it."""
        if path.suffix != ".json" or path.parent.parent.name != "session":
            return
        parents = {text(_load(path).get("id"))}
        others = [(other, _load(other)) for other in sorted(path.parent.glob("ses_*.json")) if other != path]
        for _ in range(_MAX_DEPTH):
            found = [(other, info) for other, info in others if text(info.get("parentID")) in parents]
            yield from (other for other, _ in found)
            parents = {text(info.get("id")) for _, info in found}

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is OpenCode's database, a session's file or an export."""
        if head.startswith(b"SQLite format 3\0"):
            return _DATABASE.fullmatch(path.name) is not None or b"fk_message_session_id" in head
        if _EXPORT.match(head) is not None:
            return True
        return path.parent.parent.name == "session" and _SESSION_FILE.match(head) is not None

    def line_parser(self, path: Path) -> None:
        """Return None: no transcript is a sequence of lines."""
        return

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield what every session of a database, a session file with its tree, or an export says.

        Raises:
            OSError: it cannot be read.
            ValueError: it is not what it should be, or it changed meanwhile.
        """
        with path.open("rb") as file:
            is_database = file.read(16) == b"SQLite format 3\0"
        if is_database:
            yield from self.parse_changed(path, None, 0)
        else:
            yield from _document(path)

    def parse_changed(self, path: Path, root: Path | None, since_ms: int) -> Iterator[AnyEvent]:
        """Yield what sessions of a database say, only those of a workspace that changed after a time.

        Args:
            path: the database.
            root: the workspace, or None for all.
            since_ms: milliseconds since 1970.

        Raises:
            OSError: it cannot be read.
            ValueError: it is not what it should be, or it changed meanwhile.
        """
        with Database(path) as database:
            parents = {info["id"]: text(info.get("parentID")) for info in database.sessions()}
            for info in database.sessions(since_ms):
                if root is None or _is_within(info, root):
                    top = _top(info["id"], parents)
                    session = Session(info, top if top != info["id"] else None)
                    yield from session.begin()
                    for message, parts in database.messages(info["id"]):
                        yield from session.message(message, parts)
            database.check()

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> Iterable[AnyEvent]:
        r"""Return what a payload of our plugin says.

        Each payload is one JSON object; the plugin adds nothing of its own but what is named here:

            event      which of those below
            at         Date.now() when it happened
            sessionID  OpenCode's session
            directory  `directory` of the plugin's context

        | event               | from the plugin's                        | more keys                         |
        |---------------------|------------------------------------------|-----------------------------------|
        | session.created     | event(), properties.info                 | info                              |
        | session.updated     | event(), properties.info                 | info                              |
        | session.deleted     | event(), properties.info                 | info                              |
        | session.error       | event(), properties.error                | error                             |
        | chat.message        | "chat.message"(input, output)            | messageID (output.message.id),    |
        |                     |                                          | agent, model (output.message's),  |
        |                     |                                          | text (output.parts of type "text" |
        |                     |                                          | and not synthetic, joined by \n)  |
        | message.updated     | event(), properties.info with            | info                              |
        |                     | role "assistant" and time.completed      |                                   |
        | tool.execute.before | "tool.execute.before"(input, output)     | callID, tool (input's),           |
        |                     |                                          | args (output.args)                |
        | tool.execute.after  | "tool.execute.after"(input, output)      | callID, tool, args (input's),     |
        |                     |                                          | output (title, output, metadata)  |
        | message.part.updated| event(), properties.part of type "tool"  | part                              |
        |                     | with state.status "error"                |                                   |

        `info`, `error`, `part` and `model` are OpenCode's objects as they are. Events of all other types (the
        bus says much more, `message.part.delta` for every token) are to be left out by the plugin, for the
        sake of OpenCode's speed. A tool that throws (refused, invalid) has no `tool.execute.after`, only the
        part with status "error".
        """
        session_id = text(payload.get("sessionID"))
        event = text(payload.get("event")) or ""
        if session_id is None or event not in _HOOKS:
            return ()
        info = mapping(payload.get("info")) if event.startswith("session.") else {}
        parent = text(info.get("parentID"))
        if parent is not None:
            self._learn_parent(session_id, parent)
        at = whole(payload.get("at")) or received_at
        root = self._root(session_id)
        known = {"id": session_id, "directory": payload.get("directory"), **info, "time": {}}
        session = Session(known, root if root != session_id else None, source="hook")
        return list(_HOOKS[event](session, payload, at))

    def _learn_parent(self, child: str, parent: str) -> None:
        """Remember whose subagent a session is: only the event of its creation says so."""
        if len(self._parents) >= _MAX_PARENTS:
            del self._parents[next(iter(self._parents))]
        self._parents[child] = parent

    def _root(self, session_id: str) -> str:
        for _ in range(_MAX_DEPTH):
            parent = self._parents.get(session_id)
            if parent is None:
                break
            session_id = parent
        return session_id


def _base(home: Path, environ: Mapping[str, str]) -> Path:
    data = environ.get("XDG_DATA_HOME")
    return (Path(data) if data else home / ".local" / "share") / "opencode"


def _top(session_id: str, parents: Mapping[str, str | None]) -> str:
    for _ in range(_MAX_DEPTH):
        parent = parents.get(session_id)
        if parent is None:
            break
        session_id = parent
    return session_id


def _is_within(info: Mapping[str, Any], root: Path) -> bool:
    directory = text(info.get("directory"))
    return directory is not None and (Path(directory) == root or root in Path(directory).parents)


def _modified(path: Path) -> float:
    """Return when a database changed; in WAL mode its log does, long before itself."""
    times = [0.0]
    for file in (path, Path(f"{path}-wal")):
        try:
            times.append(file.stat().st_mtime)
        except OSError:
            continue
    return max(times)


def _load(path: Path) -> Mapping[str, Any]:
    try:
        return mapping(load_json(path))
    except (OSError, ValueError):
        return {}


def _document(path: Path) -> Iterator[AnyEvent]:
    """Yield what an export says, or a session's file together with the files of its messages."""
    data = path.read_bytes()
    try:
        document = mapping(json.loads(data[max(0, data.find(b"{")) :]))
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply") from error
    info = mapping(document.get("info")) or document
    if text(info.get("id")) is None:
        raise ValueError(f"{path} is no session of OpenCode")
    session = Session(info, _root_of_file(path, info))
    yield from session.begin()
    if "messages" in document:
        for item in document["messages"] if isinstance(document["messages"], list) else ():
            yield from session.message(
                mapping(mapping(item).get("info")), parts_of(mapping(item).get("parts"))
            )
        return
    storage = path.parents[2]
    for message_path in sorted((storage / "message" / session.session_id).glob("*.json")):
        message = _load(message_path)
        parts = sorted((storage / "part" / message_path.stem).glob("*.json"))
        yield from session.message(message, map(_load, parts))


def _root_of_file(path: Path, info: Mapping[str, Any]) -> str | None:
    """Return the main session above a subagent's, as far up as there are files."""
    parent = top = text(info.get("parentID"))
    for _ in range(_MAX_DEPTH):
        if parent is None:
            break
        top = parent
        parent = text(_load(path.parent / f"{parent}.json").get("parentID"))
    return top


# What the plugin posts


def _hook_session(session: Session, payload: Mapping[str, Any], at: int) -> Iterator[AnyEvent]:
    yield from session.begin(at)


def _hook_prompt(session: Session, payload: Mapping[str, Any], at: int) -> Iterator[AnyEvent]:
    yield from session.begin(at)
    content = text(payload.get("text"))
    if content is not None:
        yield Prompt(**session.where, at=at, text=content, prompt_id=text(payload.get("messageID")))


def _hook_answer(session: Session, payload: Mapping[str, Any], at: int) -> Iterator[AnyEvent]:
    info = mapping(payload.get("info"))
    if text(info.get("id")) is not None:
        created = whole(mapping(info.get("time")).get("created"))
        yield session.answer(info, created if created is not None else at, None)


def _hook_before(session: Session, payload: Mapping[str, Any], at: int) -> Iterator[AnyEvent]:
    call_id, tool = text(payload.get("callID")), text(payload.get("tool"))
    if call_id is not None and tool is not None:
        yield session.started(call_id, tool, mapping(payload.get("args")), at, None)


def _hook_after(session: Session, payload: Mapping[str, Any], at: int) -> Iterator[AnyEvent]:
    call_id, tool = text(payload.get("callID")), text(payload.get("tool"))
    if call_id is not None and tool is not None:
        told = {**mapping(payload.get("output")), "input": payload.get("args")}
        yield from session.result(call_id, tool, told, (None, at))


def _hook_part(session: Session, payload: Mapping[str, Any], at: int) -> Iterator[AnyEvent]:
    part = mapping(payload.get("part"))
    yield from session.tool(part, text(part.get("messageID")))


_HOOKS: Mapping[str, Callable[[Session, Mapping[str, Any], int], Iterator[AnyEvent]]] = {
    "session.created": _hook_session,
    "session.updated": _hook_session,
    "session.deleted": _hook_session,
    "session.error": _hook_session,
    "chat.message": _hook_prompt,
    "message.updated": _hook_answer,
    "tool.execute.before": _hook_before,
    "tool.execute.after": _hook_after,
    "message.part.updated": _hook_part,
}

AGENT = OpenCode()
