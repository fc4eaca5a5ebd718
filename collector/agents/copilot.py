"""GitHub Copilot CLI: where the logs of its sessions lie, and what its hooks say.

A session is a folder `session-state/ID/` below `$COPILOT_HOME` (`~/.copilot`), its log `events.jsonl` in it;
subagents are told of there too, and a session that is resumed goes on in it.

A hook has two forms, by how its event's name is written in the settings: `postToolUse` has camelCase keys and
no name of the event, `PostToolUse` has `hook_event_name` and snake_case keys; both are read. It has no id of
the call, so that what two hooks say can be of different calls: they tell of the session and its prompts, the
log tells of the calls. A subagent's hooks have its own id as session.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from collector.agents.copilot_log import SessionLog
from collector.agents.events import AnyEvent, Prompt, SessionEnded, SessionSeen
from collector.agents.values import ms_of_iso, text, whole

Json = Mapping[str, Any]

_LOG = "events.jsonl"
_START = re.compile(rb'\A\s*\{\s*"type"\s*:\s*"session\.start"')
_PRODUCER = re.compile(rb'"producer"\s*:\s*"copilot')
_HEAD_BYTES = 65536


class Copilot:
    """GitHub Copilot CLI."""

    name = "copilot"
    title = "GitHub Copilot CLI"
    commands: tuple[str, ...] = ("copilot",)

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Yield the log of every session."""
        yield from sorted(_sessions(home, environ).glob(f"*/{_LOG}"))

    def recent_transcripts(
        self, home: Path, environ: Mapping[str, str], root: Path, since: float
    ) -> Iterator[Path]:
        """Yield logs of a workspace that changed; one stat(2) for each session there is."""
        for path in self.find_transcripts(home, environ):
            try:
                if path.stat().st_mtime < since:
                    continue
                directory = _directory(path)
            except OSError:
                continue
            if directory is not None and (directory == root or root in directory.parents):
                yield path

    def companions(self, path: Path) -> Iterator[Path]:
        """Yield nothing: subagents are in the same log."""
        yield from ()

    def parts(self, path: Path) -> Iterator[Path]:
        """Yield nothing: of the session's folder only the log is a transcript."""
        yield from ()

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is the log of a session."""
        return _START.match(head) is not None and _PRODUCER.search(head[:4096]) is not None

    def line_parser(self, path: Path) -> SessionLog:
        """Return a parser for a log."""
        return SessionLog(path.parent.name)

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield nothing: all are sequences of lines."""
        yield from ()

    def hook_events(self, payload: Json, received_at: int) -> Iterable[AnyEvent]:
        """Return what a hook says of the session; nothing of calls, which have no id there."""
        parent = text(payload.get("parent_agent_id"))
        session = parent or text(_either(payload, "sessionId"))
        if session is None:
            return ()
        told_at = payload.get("timestamp")
        where: dict[str, Any] = {
            "conversation_id": session, "at": whole(told_at) or ms_of_iso(told_at) or received_at,
            "source": "hook",
        }  # fmt: skip
        log = text(_either(payload, "transcriptPath"))
        seen = SessionSeen(**where, working_directory=text(payload.get("cwd")), transcript_path=log)
        prompt = text(payload.get("prompt"))
        if parent is None and prompt is not None:
            return [seen, Prompt(**where, text=prompt)]
        if parent is None and _is_end(payload):
            return [SessionEnded(**where, reason=text(payload.get("reason")))]
        return [seen]


def _sessions(home: Path, environ: Mapping[str, str]) -> Path:
    base = environ.get("COPILOT_HOME")
    return (Path(base) if base else home / ".copilot") / "session-state"


@lru_cache(maxsize=1024)
def _directory(path: Path) -> Path | None:
    """Return where a session was started; its log begins with that.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        line, end, _ = file.read(_HEAD_BYTES).partition(b"\n")
    if not end:
        raise OSError(f"{path} has no whole line yet")
    for event in SessionLog(path.parent.name).feed(line):
        if isinstance(event, SessionSeen) and event.working_directory:
            return Path(event.working_directory)
    return None


def _either(payload: Json, name: str) -> object:
    """Return a value under its camelCase or its snake_case name."""
    snake = re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
    return payload.get(name, payload.get(snake))


def _is_end(payload: Json) -> bool:
    """Without a name, the end of a session is known by its reason."""
    name = text(payload.get("hook_event_name"))
    if name is not None:
        return name.lower() == "sessionend"
    return "reason" in payload and "stopReason" not in payload


AGENT = Copilot()
