"""SWE-agent: trajectories (`NAME.traj`), written again after every step.

A step has the action (a shell line, or a tool of its own such as `str_replace_editor`, which is a command
in its container too), what came of it, and how long it took; never an exit code, and no times of day.
Tokens and cost are told for the whole task only. A task tried several times has `attempts`, and above them
a copy of the best one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallKind,
    CallStarted,
    Message,
    Outcome,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.agents.values import count, items, load_json, mapping, ms_of_seconds, number, plain_text, text

_FOLDER = "trajectories"
_EDITOR = "str_replace_editor"
_EDITOR_KINDS: Mapping[str, CallKind] = {
    "view": "read", "create": "write", "str_replace": "edit", "insert": "edit", "undo_edit": "edit",
}  # fmt: skip
_KINDS: Mapping[str, CallKind] = {
    **dict.fromkeys(("open", "goto", "scroll_up", "scroll_down", "filemap", "view_image"), "read"),
    **dict.fromkeys(("find_file", "search_dir", "search_file"), "search"),
    **dict.fromkeys(("edit", "insert"), "edit"),
    **dict.fromkeys(
        ("open_site", "close_site", "screenshot_site", "click_mouse", "double_click_mouse", "move_mouse",
         "drag_mouse", "type_text", "scroll_on_page", "execute_script_on_page", "navigate_back",
         "navigate_forward", "reload_page", "press_keys_on_page", "get_console_output"), "web",
    ),
    **dict.fromkeys(("submit", "exit", "exit_forfeit"), "other"),
    "create": "write",
}  # fmt: skip
"""Tools that SWE-agent brings, beside the shell."""

_EDITED = (
    "File created successfully at", "Replaced ", "Text replaced.", "File updated", "[File: ",
)  # fmt: skip
_NOT_EDITED = ("Your proposed edit has introduced", "No replacement was performed", "Invalid ", "ERROR")
_LATE = ("The command '", "was cancelled because it took more than ")


class SweAgent:
    """SWE-agent, all versions."""

    name = "swe-agent"
    title = "SWE-agent"
    commands = ("sweagent",)

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:  # noqa: ARG002, RUF100
        """Yield the trajectories below the folder that the environment names, and the current one."""
        folders = [Path(environ["PWD"]) / _FOLDER] if environ.get("PWD") else []
        if environ.get("SWE_AGENT_TRAJECTORY_DIR"):
            folders.append(Path(environ["SWE_AGENT_TRAJECTORY_DIR"]))
        seen: set[Path] = set()
        for folder in folders:
            for path in _trajectories(folder):
                if path not in seen:
                    seen.add(path)
                    yield path

    def recent_transcripts(
        self,
        home: Path,  # noqa: ARG002, RUF100
        environ: Mapping[str, str],  # noqa: ARG002, RUF100
        root: Path,
        since: float,
    ) -> Iterator[Path]:
        """Yield trajectories below the workspace's `trajectories` that changed after a time."""
        for path in _trajectories(root / _FOLDER):
            try:
                if path.stat().st_mtime > since:
                    yield path
            except OSError:
                continue

    def companions(self, path: Path) -> Iterator[Path]:  # noqa: ARG002, RUF100
        """Yield nothing: there are no subagents."""
        yield from ()

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is a trajectory."""
        if head.lstrip()[:1] != b"{":
            return False
        return path.suffix == ".traj" or (b'"trajectory"' in head and b'"observation"' in head)

    def line_parser(self, path: Path) -> None:  # noqa: ARG002, RUF100
        """Return None: a trajectory is one JSON document."""
        return

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield what a trajectory says.

        Raises:
            OSError: it cannot be read.
            ValueError: it is not one.
        """
        document = mapping(load_json(path))
        attempts = [mapping(attempt) for attempt in items(document.get("attempts"))] or [document]
        if not any(isinstance(attempt.get("trajectory"), list) for attempt in attempts):
            raise ValueError(f"{path.name} has no trajectory")
        yield from _Reading(path, document, attempts).events()

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> Iterable[AnyEvent]:  # noqa: ARG002, RUF100
        """Return nothing: there are no hooks."""
        return ()


class _Reading:
    """One trajectory, with every attempt in it."""

    def __init__(self, path: Path, document: Mapping[str, Any], attempts: list[Mapping[str, Any]]) -> None:
        self._path = path
        self._attempts = attempts
        self._info = mapping(document.get("info")) or mapping(attempts[-1].get("info"))
        self._config = _config(document) or _config(attempts[0])
        self._conversation_id = _conversation_id(path, attempts)
        self._working_directory: str | None = None

    def events(self) -> Iterator[AnyEvent]:
        agent = mapping(self._config.get("agent"))
        yield SessionSeen(
            conversation_id=self._conversation_id,
            agent_version=text(self._info.get("swe_agent_version")),
            model=text(mapping(agent.get("model")).get("name")),
            title=self._path.stem,
            transcript_path=str(self._path),
        )
        task = self._task()
        if task:
            yield Prompt(
                conversation_id=self._conversation_id, text=task, prompt_id=f"{self._conversation_id}:task"
            )
        for number_of_attempt, attempt in enumerate(self._attempts):
            self._working_directory = None
            steps = [mapping(step) for step in items(attempt.get("trajectory"))]
            for position, step in enumerate(steps):
                following = steps[position + 1] if position + 1 < len(steps) else {}
                key = f"{self._conversation_id}:{number_of_attempt}.{position}"
                yield from self._step(key, step, following)
        yield from self._end()

    def _task(self) -> str | None:
        """Return the first message to the model that is no demonstration."""
        for message in map(mapping, items(self._attempts[0].get("history"))):
            if message.get("role") == "user" and not message.get("is_demo"):
                return plain_text(message.get("content")) or None
        return None

    def _step(self, key: str, step: Mapping[str, Any], following: Mapping[str, Any]) -> Iterator[AnyEvent]:
        yield Message(
            conversation_id=self._conversation_id,
            message_id=key,
            text=text(step.get("response")) or text(step.get("thought")),
        )
        action = (text(step.get("action")) or "").strip()
        if action:  # none where the answer could not be understood
            tool, kind, shown, arguments = _call(action)
            yield CallStarted(
                conversation_id=self._conversation_id,
                call_id=key,
                tool=tool,
                kind=kind,
                command_line=shown,
                input=arguments,
                working_directory=self._working_directory,
                message_id=key,
            )
            yield self._ended(key, kind, step, following)
        self._working_directory = _state(step).get("working_dir") or self._working_directory

    def _ended(
        self, key: str, kind: CallKind, step: Mapping[str, Any], following: Mapping[str, Any]
    ) -> CallEnded:
        observation = step.get("observation")
        shown = observation if isinstance(observation, str) else None
        seconds = number(step.get("execution_time"))
        if seconds == 0 and not shown and not _state(step):
            return CallEnded(
                conversation_id=self._conversation_id,
                call_id=key,
                outcome="denied",
                message=_complaint(following),
            )
        return CallEnded(
            conversation_id=self._conversation_id,
            call_id=key,
            outcome=_outcome(kind, shown or ""),
            stdout=shown,
            duration_ms=ms_of_seconds(seconds) or None,
        )

    def _end(self) -> Iterator[AnyEvent]:
        stats = mapping(self._info.get("model_stats"))
        sent, received = count(stats.get("tokens_sent")), count(stats.get("tokens_received"))
        cost = number(stats.get("instance_cost"))
        if sent or received or cost:
            yield Message(
                conversation_id=self._conversation_id,
                message_id=f"{self._conversation_id}:total",
                tokens={"input": sent, "output": received},
                cost=cost or None,  # 0 for a model whose price is not known
            )
        reason = text(self._info.get("exit_status"))
        if reason:
            yield SessionEnded(conversation_id=self._conversation_id, reason=reason)


def _trajectories(folder: Path) -> Iterator[Path]:
    """Yield `USER/EXPERIMENT/INSTANCE/INSTANCE.traj` and whatever else lies below."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".traj"):
                yield Path(parent, name)


def _config(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `replay_config`, an object or JSON in a text."""
    config = document.get("replay_config")
    if not isinstance(config, str):
        return mapping(config)
    try:
        return mapping(json.loads(config))
    except (ValueError, RecursionError):
        return {}


def _conversation_id(path: Path, attempts: list[Mapping[str, Any]]) -> str:
    """Make an id of the first step: its time, measured to the nanosecond, is no other run's."""
    steps = items(attempts[0].get("trajectory")) if attempts else []
    first = mapping(steps[0]) if steps else {}
    names = ("action", "observation", "response", "execution_time", "state")
    key = json.dumps([first.get(name) for name in names], sort_keys=True)
    return f"{path.stem}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _state(step: Mapping[str, Any]) -> Mapping[str, str]:
    """Return where things stand after a step; JSON in a text before version 1."""
    state = step.get("state")
    if isinstance(state, str):
        try:
            state = json.loads(state)
        except (ValueError, RecursionError):
            return {}
    return {name: value for name, value in mapping(state).items() if isinstance(value, str)}


def _call(action: str) -> tuple[str, CallKind, str, Mapping[str, Any]]:
    """Return tool, kind, what to show, and input of an action."""
    tool, _, rest = action.partition(" ")
    tool = tool.partition("\n")[0]
    if tool == _EDITOR:
        return _editor_call(action)
    kind = _KINDS.get(tool)
    if kind is None:
        return "bash", "shell", action, {"command": action}
    shown = action.partition("\n")[0]
    return tool, kind, shown, {"arguments": rest} if rest else {}


def _editor_call(action: str) -> tuple[str, CallKind, str, Mapping[str, Any]]:
    try:
        words = shlex.split(action)
    except ValueError:  # a quote without its other half
        words = action.split()
    command, path = [*words[1:3], "", ""][:2]
    arguments: dict[str, Any] = {"command": command, "path": path}
    name = None
    for word in words[3:]:
        if word.startswith("--") and word[2:].isidentifier():
            name = word[2:]
            arguments[name] = ""
        elif name:
            arguments[name] = f"{arguments[name]} {word}" if arguments[name] else word
    kind = _EDITOR_KINDS.get(command, "other")
    return _EDITOR, kind, " ".join(word for word in (_EDITOR, command, path) if word), arguments


def _outcome(kind: CallKind, shown: str) -> Outcome:
    """Read from the text what can be read: nothing else tells."""
    if shown.startswith(_LATE[0]) and _LATE[1] in shown:
        return "timeout"
    if kind not in ("edit", "write"):
        return "unknown"
    if shown.startswith(_NOT_EDITED):
        return "failure"
    is_edited = shown.startswith(_EDITED) or " has been edited." in shown.partition("\n")[0]
    return "success" if is_edited else "unknown"


def _complaint(following: Mapping[str, Any]) -> str | None:
    """Return why an action was refused: the last thing that the model was told before its next answer."""
    query = items(following.get("query"))
    said = mapping(query[-1]) if query else {}
    return plain_text(said.get("content")) or None if said.get("role") == "user" else None


AGENT = SweAgent()
