"""Gemini CLI: where its chats lie, and what they say.

A chat is `~/.gemini/tmp/PROJECT/chats/session-TIME-ID.jsonl`, or `.json` as it was in 2025; `PROJECT` is the
SHA-256 of the project's folder, or in newer versions a name, and then `.project_root` in it has the path.
Subagents' chats are in a folder beside it that has the main chat's id as name. Gemini removes old chats.

A line is a message, or changes what was known (`$set`, `$rewindTo`); a message is written again when it
got tools calls, which happens when all calls of an answer have ended. So a transcript does not tell of a
call that still runs, and bounds the time of parallel ones only from above.

Hooks have no id of the call, only its name and arguments. An agent often runs the same command again, and
several at once, so that what two hooks say can be of different calls: here they tell of the session and its
prompts, and the transcript and the recorder tell of the calls.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallKind,
    CallStarted,
    InstanceEnded,
    InstanceStarted,
    Message,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.agents.gemini_results import read_result
from collector.agents.tool_line import tool_line
from collector.agents.values import items, load_json, mapping, ms_of_iso, plain_text, text, whole

Json = Mapping[str, Any]
Events = Iterator[AnyEvent]

_KINDS: Mapping[str, CallKind] = {
    **dict.fromkeys(("read_file", "read_many_files", "list_directory"), "read"),
    **dict.fromkeys(("glob", "grep_search", "search_file_content"), "search"),
    **dict.fromkeys(("web_fetch", "google_web_search"), "web"),
    **dict.fromkeys(("invoke_agent", "delegate_to_agent", "codebase_investigator"), "agent"),
    "run_shell_command": "shell",
    "replace": "edit",
    "write_file": "write",
}
_CHAT = re.compile(r"session-.+\.jsonl?")
_STARTED = re.compile(r"(?<!\d)(1[5-9]\d{11}|2\d{12})(?!\d)")
_MAX_WAIT_MS = 86_400_000
_CONTEXT = ("<session_context>", "This is the Gemini CLI. We are setting up the context")
_DECODER = json.JSONDecoder(strict=False)


class Gemini:
    """Gemini CLI."""

    name = "gemini"
    title = "Gemini CLI"
    commands: tuple[str, ...] = ("gemini",)

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Yield every main chat."""
        for project in sorted(_projects(home, environ)):
            for path in sorted((project / "chats").glob("session-*")):
                if _is_chosen(path):
                    yield path

    def recent_transcripts(
        self, home: Path, environ: Mapping[str, str], root: Path, since: float
    ) -> Iterator[Path]:
        """Yield the chats of a workspace that changed; one stat(2) for each chat of its projects."""
        digest = hashlib.sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()
        for project in _projects(home, environ):
            directory = _project_root(project)
            is_within = directory is not None and (directory == root or root in directory.parents)
            if is_within or project.name == digest:
                yield from _changed(project / "chats", since)

    def companions(self, path: Path) -> Iterator[Path]:
        """Yield the chats of a chat's subagents."""
        if _CHAT.fullmatch(path.name) is None:
            return
        session = text(_header(path).get("sessionId"))
        if session is not None and Path(session).name == session:
            yield from sorted((path.parent / session).glob("*.jsonl"))

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is a chat."""
        if path.suffix not in (".json", ".jsonl"):
            return False
        return b'"sessionId"' in head[:4096] and b'"projectHash"' in head[:4096]

    def line_parser(self, path: Path) -> Chat | None:
        """Return a parser for a chat in lines."""
        return None if path.suffix == ".json" else Chat(path)

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield what a chat of 2025 says, which is one JSON document.

        Raises:
            OSError: it cannot be read.
            ValueError: it is none.
        """
        document = mapping(load_json(path))
        if text(document.get("sessionId")) is None:
            raise ValueError(f"{path} is no chat of Gemini CLI")
        yield from Chat(path).read(document)

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> Iterable[AnyEvent]:
        """Return what a hook says of the session; nothing of calls, which have no id there."""
        session = text(payload.get("session_id"))
        if session is None:
            return ()
        at = ms_of_iso(payload.get("timestamp")) or received_at
        where: dict[str, Any] = {"conversation_id": session, "at": at, "source": "hook"}
        name = payload.get("hook_event_name")
        if name == "SessionEnd":
            return [SessionEnded(**where, reason=text(payload.get("reason")))]
        events: list[AnyEvent] = [
            SessionSeen(
                **where, working_directory=text(payload.get("cwd")),
                transcript_path=text(payload.get("transcript_path")),
            )
        ]  # fmt: skip
        prompt = text(payload.get("prompt"))
        if name == "BeforeAgent" and prompt is not None:
            events.append(Prompt(**where, text=prompt))
        return events


class Chat:
    """Reads one chat.

    Args:
        path: where it is, which tells the project's folder and a subagent's main chat.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._where: dict[str, Any] = {"conversation_id": path.stem, "instance_id": None}
        self._directory: str | None = None
        self._model: str | None = None
        self._last: tuple[str, str, dict[str, int]] = ("", "", {})
        self._ended: set[int] = set()
        self._prompts: set[int] = set()

    def feed(self, line: bytes) -> Iterable[AnyEvent]:
        """Return what a line says."""
        try:
            record = _DECODER.decode(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return ()
        return list(self.read(record)) if isinstance(record, dict) else ()

    def read(self, record: Json) -> Events:
        """Yield what a record says: a header (with messages or not), a change, or a message."""
        if "sessionId" in record and "type" not in record:
            yield from self._header(record)
            yield from self._all(record.get("messages"), is_new=True)
        elif "$set" in record:
            changes = mapping(record["$set"])
            if (title := text(changes.get("summary"))) is not None and self._where["instance_id"] is None:
                yield SessionSeen(**self._where, title=title)
            yield from self._all(changes.get("messages"), is_new=False)
        elif "type" in record and "id" in record:
            yield from self._message(record, is_new=True)

    def _header(self, header: Json) -> Events:
        session = text(header.get("sessionId"))
        if session is None:
            return
        folder = self._path.parent
        at = ms_of_iso(header.get("startTime"))
        if header.get("kind") == "subagent" and folder.parent.name == "chats":
            self._where = {"conversation_id": folder.name, "instance_id": session}
            folder = folder.parent
            yield InstanceStarted(**self._where, at=at, transcript_path=str(self._path))
        else:
            self._where["conversation_id"] = session
        root = _project_root(folder.parent)
        self._directory = str(root) if root is not None else text(_first(header.get("directories")))
        yield SessionSeen(
            **self._where, at=at, working_directory=self._directory, title=text(header.get("summary")),
            transcript_path=str(self._path) if self._where["instance_id"] is None else None,
        )  # fmt: skip

    def _all(self, messages: object, is_new: bool) -> Events:
        for message in items(messages):
            yield from self._message(mapping(message), is_new)

    def _message(self, message: Json, is_new: bool) -> Events:
        """Read a message; one that is not new is history, which may have been shortened."""
        kind, message_id = text(message.get("type")), text(message.get("id"))
        if message_id is None:
            return
        if kind == "gemini":
            yield from self._answer(message, message_id, is_new)
        elif kind == "user" and is_new and self._where["instance_id"] is None:
            content = plain_text(message.get("content"))
            if content and not content.startswith(_CONTEXT) and _digest(message_id) not in self._prompts:
                self._prompts.add(_digest(message_id))
                at = ms_of_iso(message.get("timestamp"))
                yield Prompt(**self._where, at=at, text=content, prompt_id=message_id)

    def _answer(self, message: Json, message_id: str, is_new: bool) -> Events:
        at = ms_of_iso(message.get("timestamp"))
        self._model = text(message.get("model")) or self._model
        told = plain_text(message.get("content")), _tokens(message.get("tokens"))
        if is_new and self._last != (message_id, *told):
            self._last = (message_id, *told)
            yield Message(
                **self._where, at=at, message_id=message_id, model=self._model, text=told[0] or None,
                tokens=told[1],
            )  # fmt: skip
        for call in items(message.get("toolCalls")):
            yield from self._call(mapping(call), message_id, at)

    def _call(self, call: Json, message_id: str, asked_at: int | None) -> Events:
        given, name = text(call.get("id")), text(call.get("name"))
        if given is None or name is None or _digest(given) in self._ended:
            return
        call_id = f"{self._where['conversation_id']}:{given}"
        child = text(call.get("agentId"))
        kind = "agent" if child else _KINDS.get(name) or ("mcp" if name.startswith("mcp_") else "other")
        ended_at = ms_of_iso(call.get("timestamp"))
        yield self._started(call_id, call, kind, _start(given, asked_at, ended_at), message_id)
        result = read_result(call, is_shell=kind == "shell")
        if result is None:
            return
        self._ended.add(_digest(given))
        if child is not None:
            yield from self._child(child, call_id, call, ended_at)
        yield CallEnded(
            **self._where, at=ended_at, call_id=call_id, outcome=result.outcome, exit_code=result.exit_code,
            exit_code_basis=result.basis, signal=result.signal, stdout=result.stdout, stderr=result.stderr,
            output_truncated=result.truncated, message=result.message, diff=result.diff,
            child_instance_id=child,
        )  # fmt: skip

    def _started(
        self, call_id: str, call: Json, kind: CallKind, at: int | None, message_id: str
    ) -> CallStarted:
        name, arguments = text(call.get("name")) or "", mapping(call.get("args"))
        command = text(arguments.get("command")) if kind == "shell" else None
        folder = text(arguments.get("dir_path")) or text(arguments.get("directory"))
        if folder is not None and self._directory is not None:
            folder = str(Path(self._directory, folder))
        return CallStarted(
            **self._where, at=at, call_id=call_id, tool=name, kind=kind,
            command_line=command or tool_line(name, arguments), input=arguments,
            working_directory=(folder if kind == "shell" else None) or self._directory,
            message_id=message_id, description=text(arguments.get("description")),
            background=arguments.get("is_background") is True,
        )  # fmt: skip

    def _child(self, child: str, call_id: str, call: Json, ended_at: int | None) -> Events:
        arguments = mapping(call.get("args"))
        where = {**self._where, "instance_id": child}
        yield InstanceStarted(
            **where, name=text(arguments.get("agent_name")) or text(call.get("name")), call_id=call_id,
            prompt=text(arguments.get("prompt")), parent_instance_id=self._where["instance_id"],
        )  # fmt: skip
        yield InstanceEnded(**where, at=ended_at)


def _projects(home: Path, environ: Mapping[str, str]) -> list[Path]:
    """Return the folders of all projects; `GEMINI_CLI_HOME` stands for the home folder."""
    base = Path(environ.get("GEMINI_CLI_HOME") or home) / ".gemini" / "tmp"
    try:
        return [Path(entry.path) for entry in os.scandir(base) if entry.is_dir()]
    except OSError:
        return []


def _project_root(project: Path) -> Path | None:
    try:
        root = (project / ".project_root").read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
    return Path(root) if root else None


def _is_chosen(path: Path) -> bool:
    """A chat that was taken up again is continued in lines; its document stays behind."""
    return _CHAT.fullmatch(path.name) is not None and not (
        path.suffix == ".json" and path.with_suffix(".jsonl").exists()
    )


def _changed(chats: Path, since: float) -> Iterator[Path]:
    try:
        entries = list(os.scandir(chats))
    except OSError:
        return
    for entry in entries:
        if entry.stat().st_mtime >= since and _is_chosen(Path(entry.path)):
            yield Path(entry.path)


def _header(path: Path) -> Json:
    try:
        if path.suffix == ".json":
            return mapping(load_json(path))
        with path.open("rb") as file:
            return mapping(json.loads(file.readline(1 << 20)))
    except (OSError, ValueError, RecursionError):
        return {}


def _first(value: object) -> object:
    return next(iter(items(value)), None)


def _start(call_id: str, asked_at: int | None, ended_at: int | None) -> int | None:
    """Return when a call began: its id has the time, if that is not absurd; else the answer's."""
    found = _STARTED.search(call_id)
    if found is not None and ended_at is not None and 0 <= ended_at - int(found[1]) < _MAX_WAIT_MS:
        return int(found[1])
    return asked_at


def _tokens(value: object) -> dict[str, int]:
    """Return tokens; `input` has the cached ones in it, `output` leaves out the thoughts."""
    told = {key: max(0, whole(count) or 0) for key, count in mapping(value).items()}
    prompt, cached = told.get("input", 0), told.get("cached", 0)
    tokens = {
        "input": max(0, prompt - cached) + told.get("tool", 0),
        "output": told.get("output", 0) + told.get("thoughts", 0),
        "cache_read": cached,
        "reasoning": told.get("thoughts", 0),
    }
    return {kind: count for kind, count in tokens.items() if count}


def _digest(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest(), "big")


AGENT = Gemini()
