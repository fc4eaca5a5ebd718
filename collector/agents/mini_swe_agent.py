"""mini-swe-agent: trajectories (`*.traj.json`), written again after every step.

Two formats. `mini-swe-agent-1.1` (v2) has actions, raw output, return code and times in `extra`;
`mini-swe-agent-1` (v1; before it, only the list of messages) has plain messages: the command is in a code
block, the result in the text of the next message. In both, a command that ended the task has no result of
its own (v2 even writes "action was not executed"), nor has one that a person refused or interrupted: the
message after it tells.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    Message,
    Outcome,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.agents.values import (
    items,
    load_json,
    mapping,
    ms_of_seconds,
    number,
    plain_text,
    text,
    usage_tokens,
    whole,
)
from collector.clock import format_stamp

_LAST_RUN = "last_mini_run.traj.json"
_HEAD_BYTES = 65536
_FOLDER = re.compile(rb'"environment":\s*\{[^}]*?"cwd":\s*("(?:[^"\\]|\\.)*")')
_COMMAND = re.compile(r"```(?:bash|mswea_bash_command)[ \t]*\n(.*?)\n```", re.DOTALL)
_RETURN_CODE = re.compile(r"\s*<returncode>(-?\d{1,9})</returncode>\s*")
_OUTPUT = re.compile(r"<output>\n?(.*?)(?:</output>\s*)?\Z", re.DOTALL)
_NOT_EXECUTED = "action was not executed"
_TIMED_OUT = "timed out and has been killed"
_NEW_TASK = "The user added a new task:"
_V1_PERSON = (_NEW_TASK, "Interrupted by user", "Command not executed")


@dataclass(slots=True)
class _Pending:
    """A command whose result has not been met yet."""

    call_id: str
    tool_call_id: str | None
    observation: Mapping[str, Any] | None = None

    @property
    def is_executed(self) -> bool:
        extra = mapping((self.observation or {}).get("extra"))
        return self.observation is not None and extra.get("exception_info") != _NOT_EXECUTED


class MiniSweAgent:
    """mini-swe-agent 1 and 2."""

    name = "mini-swe-agent"
    title = "mini-swe-agent"
    commands = ("mini",)

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Yield the trajectory of the last `mini`; each run replaces the one before."""
        yield from _existing(_config_folder(home, environ) / _LAST_RUN)

    def recent_transcripts(
        self, home: Path, environ: Mapping[str, str], root: Path, since: float
    ) -> Iterator[Path]:
        """Yield trajectories in the workspace, and that of the last `mini` unless it ran elsewhere.

        A trajectory does not say where it ran when that was the current folder: then it counts as here.
        """
        last = _config_folder(home, environ) / _LAST_RUN
        for path in (*sorted(root.glob("*.traj.json")), last):
            if _changed_after(path, since) and (path != last or _ran_below(path, root)):
                yield path

    def companions(self, path: Path) -> Iterator[Path]:  # noqa: ARG002, RUF100
        """Yield nothing: there are no subagents."""
        yield from ()

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is a trajectory."""
        if head.lstrip()[:1] not in (b"{", b"["):
            return False
        return path.name.endswith(".traj.json") or b'"mini_version"' in head

    def line_parser(self, path: Path) -> None:  # noqa: ARG002, RUF100
        """Return None: a trajectory is one JSON document."""
        return

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield what a trajectory says.

        Raises:
            OSError: it cannot be read.
            ValueError: it is not one.
        """
        document = load_json(path)
        messages = document if isinstance(document, list) else mapping(document).get("messages")
        if not isinstance(messages, list):
            raise ValueError(f"{path.name} has no messages")
        yield from _Reading(path, mapping(document), [mapping(message) for message in messages]).events()

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> Iterable[AnyEvent]:  # noqa: ARG002, RUF100
        """Return nothing: there are no hooks."""
        return ()


class _Reading:
    """One trajectory, read from its first message to its last."""

    def __init__(self, path: Path, document: Mapping[str, Any], messages: list[Mapping[str, Any]]) -> None:
        self._path = path
        self._document = document
        self._messages = messages
        self._info = mapping(document.get("info"))
        config = mapping(self._info.get("config"))
        self._template = text(mapping(config.get("agent")).get("instance_template")) or ""
        self._model = text(mapping(config.get("model")).get("model_name"))
        self._folder = text(mapping(config.get("environment")).get("cwd"))
        self._conversation_id = _conversation_id(path, messages)
        self._pending: list[_Pending] = []
        self._call_ids: set[str] = set()
        self._has_cost = False
        self._prompts = 0

    def events(self) -> Iterator[AnyEvent]:
        yield SessionSeen(
            conversation_id=self._conversation_id,
            at=next((at for message in self._messages if (at := _time(message)) is not None), None),
            agent_version=text(self._info.get("mini_version")),
            model=self._model,
            working_directory=self._folder,
            title=text(self._document.get("instance_id")),
            transcript_path=str(self._path),
        )
        for position, message in enumerate(self._messages):
            yield from self._message(position, message)
        yield from self._settle(None)
        yield from self._end()

    def _message(self, position: int, message: Mapping[str, Any]) -> Iterator[AnyEvent]:
        extra = mapping(message.get("extra"))
        if message.get("role") == "assistant" or message.get("object") == "response":
            yield from self._settle(message)
            yield from self._answer(position, message)
        elif items(extra.get("actions")):
            yield from self._settle(message)
            yield from self._calls(message, None)
        elif "returncode" in extra or "raw_output" in extra:
            self._observe(message)
        elif message.get("role") == "user":
            yield from self._told(position, message)
        elif message.get("role") == "exit":
            yield from self._settle(message)

    def _answer(self, position: int, message: Mapping[str, Any]) -> Iterator[AnyEvent]:
        message_id = f"{self._conversation_id}:{position}"
        yield self._usage(message_id, message, _answer_text(message))
        yield from self._calls(message, message_id)

    def _usage(self, message_id: str, message: Mapping[str, Any], said: str) -> Message:
        """Return what an answer used; one that was no valid call is in `extra` of the complaint about it."""
        extra = mapping(message.get("extra"))
        response = message if message.get("object") == "response" else mapping(extra.get("response"))
        cost = number(extra.get("cost"))
        self._has_cost = self._has_cost or bool(cost)
        return Message(
            conversation_id=self._conversation_id,
            at=_time(message),
            message_id=message_id,
            request_id=text(response.get("id")),
            model=_model(self._model, text(response.get("model"))),
            text=said or None,
            tokens=usage_tokens(response.get("usage")),
            cost=cost or None,  # 0 stands for a price that is not known
        )

    def _calls(self, message: Mapping[str, Any], message_id: str | None) -> Iterator[AnyEvent]:
        for action in _actions(message):
            tool_call_id = text(action.get("tool_call_id"))
            call_id = self._call_id(tool_call_id)
            self._pending.append(_Pending(call_id, tool_call_id))
            yield CallStarted(
                conversation_id=self._conversation_id,
                at=_time(message),
                call_id=call_id,
                tool="bash",
                kind="shell",
                command_line=text(action.get("command")) or "",
                input={"command": action.get("command")},
                working_directory=self._folder,
                message_id=message_id,
                description=None if message_id else "typed by the user",
            )

    def _call_id(self, tool_call_id: str | None) -> str:
        """Some providers number the calls of each answer anew."""
        number_of_call = str(len(self._call_ids))
        call_id = f"{self._conversation_id}:{tool_call_id or number_of_call}"
        if call_id in self._call_ids:
            call_id = f"{call_id}.{number_of_call}"
        self._call_ids.add(call_id)
        return call_id

    def _observe(self, message: Mapping[str, Any]) -> None:
        """Give a result to the call it names, else to the first that has none."""
        named = text(message.get("tool_call_id")) or text(message.get("call_id"))
        waiting = [call for call in self._pending if call.observation is None]
        for call in [c for c in waiting if named and c.tool_call_id == named] or waiting:
            call.observation = message
            return

    def _told(self, position: int, message: Mapping[str, Any]) -> Iterator[AnyEvent]:
        """A message from whoever runs the agent: a task, a complaint about an answer, or (v1) a result."""
        extra = mapping(message.get("extra"))
        said = plain_text(message.get("content"))
        is_result = bool(self._pending) and not extra and not said.startswith(_V1_PERSON)
        yield from self._settle(message)
        if is_result:
            return
        if extra.get("interrupt_type") == "FormatError":
            message_id = f"{self._conversation_id}:{position}"
            yield self._usage(message_id, message, _answer_text(mapping(extra.get("response"))))
            return
        if not self._prompts or extra.get("interrupt_type") or said.startswith(_V1_PERSON):
            yield self._prompt(position, message)

    def _prompt(self, position: int, message: Mapping[str, Any]) -> Prompt:
        said = plain_text(message.get("content"))
        if not self._prompts:
            said = _task(said, self._template)
        self._prompts += 1
        return Prompt(
            conversation_id=self._conversation_id,
            at=_time(message),
            text=said,
            prompt_id=f"{self._conversation_id}:{position}",
        )

    def _settle(self, after: Mapping[str, Any] | None) -> Iterator[AnyEvent]:
        """Tell what became of the calls so far, now that the message after their results is known."""
        pending, self._pending = self._pending, []
        is_first = True
        for call in pending:
            if call.is_executed:
                yield self._ended(call)
            elif after is not None or call.observation is not None:
                yield self._unobserved(call, after or {}, is_first)
                is_first = False

    def _ended(self, call: _Pending) -> CallEnded:
        observation = call.observation or {}
        extra = mapping(observation.get("extra"))
        output = extra.get("raw_output")
        return CallEnded(
            conversation_id=self._conversation_id,
            at=_time(observation),
            call_id=call.call_id,
            stdout=output if isinstance(output, str) else _shown_output(observation),
            **_result(extra),
        )

    def _unobserved(self, call: _Pending, after: Mapping[str, Any], is_first: bool) -> CallEnded:
        """Only the first call without a result was running: the others never started."""
        said = plain_text(after.get("content"))
        found = _v1_result(said) if not mapping(after.get("extra")) else None
        if found is None:
            found = _fate(self._is_submitted(after), after, said) if is_first else {"outcome": "cancelled"}
            if _interrupt(after, said) == "rejected":
                found = {"outcome": "rejected", "message": said}
        at = _time(call.observation or {})
        return CallEnded(
            conversation_id=self._conversation_id,
            at=at if at is not None else _time(after),
            call_id=call.call_id,
            **found,
        )

    def _is_submitted(self, after: Mapping[str, Any]) -> bool:
        """v1 tells how it ended in `info` alone; there the last message holds what was submitted."""
        extra = mapping(after.get("extra"))
        if extra:
            return extra.get("exit_status") == "Submitted" or extra.get("interrupt_type") == "UserNewTask"
        if plain_text(after.get("content")).startswith(_NEW_TASK):
            return True
        return after is self._messages[-1] and self._info.get("exit_status") == "Submitted"

    def _end(self) -> Iterator[AnyEvent]:
        last = self._messages[-1] if self._messages else {}
        extra = mapping(last.get("extra"))
        cost = number(mapping(self._info.get("model_stats")).get("instance_cost"))
        if cost and not self._has_cost:
            yield Message(
                conversation_id=self._conversation_id, message_id=f"{self._conversation_id}:total", cost=cost
            )
        reason = text(extra.get("exit_status")) or text(self._info.get("exit_status"))
        if reason:
            yield SessionEnded(
                conversation_id=self._conversation_id,
                at=_time(last),
                reason=reason,
                error=text(extra.get("exception_str")),
            )


def _config_folder(home: Path, environ: Mapping[str, str]) -> Path:
    """Where `platformdirs` puts an application's settings."""
    if environ.get("MSWEA_GLOBAL_CONFIG_DIR"):
        return Path(environ["MSWEA_GLOBAL_CONFIG_DIR"])
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "mini-swe-agent"
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "mini-swe-agent"


def _existing(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path


def _changed_after(path: Path, since: float) -> bool:
    try:
        return path.stat().st_mtime > since
    except OSError:
        return False


def _ran_below(path: Path, root: Path) -> bool:
    try:
        with path.open("rb") as file:
            found = _FOLDER.search(file.read(_HEAD_BYTES))
        folder = json.loads(found[1]) if found else ""
    except (OSError, ValueError):
        return False
    return not folder or Path(folder).is_relative_to(root)


def _conversation_id(path: Path, messages: list[Mapping[str, Any]]) -> str:
    """Make an id of the task and the first answer: a trajectory has none of its own, and its path is used
    again by the next run. Where nothing tells a time, the path counts too.
    """  # noqa: D205 - one sentence
    task = next((plain_text(m.get("content")) for m in messages if m.get("role") == "user"), "")
    timed = next((m for m in messages if _time(m) is not None), None)
    if timed is None:
        first = next((m for m in messages if m.get("role") == "assistant"), {})
        key = [str(path), task, plain_text(first.get("content"))]
    else:
        key = [
            task,
            str(_seconds(timed)),
            str(mapping(mapping(timed.get("extra")).get("response")).get("id")),
        ]
    digest = hashlib.sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    at = _time(timed) if timed is not None else None
    return f"{format_stamp(at)}-{digest}" if at is not None else digest


def _seconds(message: Mapping[str, Any]) -> Any:
    extra = mapping(message.get("extra"))
    return extra.get("timestamp") if "timestamp" in extra else message.get("timestamp")


def _time(message: Mapping[str, Any]) -> int | None:
    return ms_of_seconds(_seconds(message))


def _model(configured: str | None, answered: str | None) -> str | None:
    """Prefer the configured name, which has the provider in front, unless another model answered."""
    if configured and answered and not configured.endswith(answered):
        return answered
    return configured or answered


def _actions(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    extra = mapping(message.get("extra"))
    if "actions" in extra:
        return [mapping(action) for action in items(extra["actions"])]
    found = _COMMAND.findall(plain_text(message.get("content")))
    return [{"command": found[0].strip()}] if len(found) == 1 else []  # any other number was refused


def _answer_text(message: Mapping[str, Any]) -> str:
    """Return what the model said: of a chat message, a chat response, or a response of the other API."""
    choices = items(message.get("choices"))
    if choices:
        message = mapping(mapping(choices[0]).get("message"))
    parts = [plain_text(mapping(item).get("content")) for item in items(message.get("output"))]
    return "\n".join(part for part in [plain_text(message.get("content")), *parts] if part)


def _task(said: str, template: str) -> str:
    """Return the task alone, without what the template puts around it."""
    before, found, after = re.sub(r"\{\{\s*task\s*\}\}", "{{task}}", template).partition("{{task}}")
    if not found or not said.startswith(before):
        return said
    end = after.partition("{")[0].rstrip()[:60]
    task = said[len(before) :]
    return task[: task.rfind(end)] if end and end in task else task


def _result(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return outcome and exit code; -1 together with an exception is no exit code."""
    problem = text(extra.get("exception_info"))
    if problem:
        is_late = "Timeout" in str(extra.get("exception_type")) or "timed out" in problem
        outcome: Outcome = "timeout" if is_late else "failure"
        return {"outcome": outcome, "message": problem}
    return _exit(whole(extra.get("returncode")), "field")


def _exit(code: int | None, basis: str) -> dict[str, Any]:
    """Return outcome and exit code; the child of Python's `subprocess` that a signal ended has minus it."""
    if code is None:
        return {"outcome": "unknown"}
    if code < 0:
        return {"outcome": "failure", "signal": -code}
    return {"outcome": "failure" if code else "success", "exit_code": code, "exit_code_basis": basis}


def _shown_output(observation: Mapping[str, Any]) -> str | None:
    shown = text(observation.get("output")) or plain_text(observation.get("content"))
    return shown or None


def _v1_result(said: str) -> dict[str, Any] | None:
    """Return what the text of a v1 result says; None when it is none."""
    found = _RETURN_CODE.match(said)
    if found is not None:
        rest = said[found.end() :]
        output = _OUTPUT.match(rest)
        shown = output[1] if output else rest
        cut = output is None and "<output_head>" in rest
        return {**_exit(int(found[1]), "text"), "stdout": shown, "output_truncated": cut}
    if said.startswith("The last command") and _TIMED_OUT in said:
        output = _OUTPUT.search(said.partition("Please try another command")[0])
        return {"outcome": "timeout", "stdout": output[1] if output else None}
    if said.startswith("Observation:"):
        return {"outcome": "unknown", "stdout": said.removeprefix("Observation:").lstrip(" ")}
    return None


def _interrupt(after: Mapping[str, Any], said: str) -> Outcome | None:
    kind = mapping(after.get("extra")).get("interrupt_type")
    if kind == "UserRejection" or (kind is None and said.startswith("Command not executed")):
        return "rejected"
    if said.startswith("Interrupted by user"):
        return "interrupted"
    return None


def _fate(is_submitted: bool, after: Mapping[str, Any], said: str) -> dict[str, Any]:
    """Return what became of the command that was running when there came no result.

    A task is submitted by a command that prints a marker and ends with 0, else it is not taken as one.
    """
    extra = mapping(after.get("extra"))
    switched = extra.get("interrupt_type") == "UserInterruption" and said.startswith("Switched to human mode")
    if is_submitted or switched:
        submission = extra["submission"] if isinstance(extra.get("submission"), str) else None
        if not extra and not said.startswith(_NEW_TASK):
            submission = said
        return {
            "outcome": "success", "exit_code": 0, "exit_code_basis": "success flag",
            "stdout": submission, "output_truncated": True,  # without the line with the marker
        }  # fmt: skip
    outcome = _interrupt(after, said)
    if outcome is not None:
        return {"outcome": outcome, "message": said}
    reason = text(extra.get("exit_status"))
    return {"outcome": "cancelled", "message": reason} if reason else {"outcome": "unknown"}


AGENT = MiniSweAgent()
