"""What OpenHands says of a result, the same in version 0 and in the SDK: terminal, editor, what to show.

Commands run in one terminal. One that takes long is left running with exit code -1; what is typed into it
later (or an empty command) brings the rest of its output and its exit code.
"""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from collector.agents.events import CallEnded, CallKind, Outcome
from collector.agents.values import mapping, text, whole

Json = Mapping[str, Any]

EDITOR_KINDS: Mapping[str, CallKind] = {
    "view": "read", "create": "write", "str_replace": "edit", "insert": "edit", "undo_edit": "edit",
}  # fmt: skip
_CLIPPED = ("<response clipped>", "[... Observation truncated")
_STILL_RUNNING = ("timed out after", "no new output after")
_NOT_EXECUTED = "is NOT executed"
_MAX_DIFF_CHARACTERS = 2_000_000
_MAIN_ARGUMENTS = (
    "path", "file_path", "dir_path", "pattern", "url", "query", "code", "description", "prompt", "command",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TerminalResult:
    """A result of the terminal: its text, and what its prompt told."""

    output: str
    exit_code: int | None
    suffix: str
    prefix: str
    is_error: bool

    @classmethod
    def read(cls, observation: Json, metadata: Json, output: str) -> TerminalResult:
        """Read an observation; its `metadata` has the exit code since version 0.20, it itself before."""
        code = whole(metadata.get("exit_code"))
        told = whole(observation.get("exit_code"))
        return cls(
            output,
            told if told is not None and (code is None or code < 0) else code,
            text(metadata.get("suffix")) or "",
            text(metadata.get("prefix")) or "",
            observation.get("is_error") is True,
        )

    def outcome(self) -> dict[str, Any]:
        """Return outcome and exit code; -1 says that there is none, `suffix` why."""
        why = self.suffix.strip(" \n[]")
        if _NOT_EXECUTED in self.suffix:
            return {"outcome": "denied", "message": why}
        if self.exit_code is not None and self.exit_code >= 0:
            outcome = "failure" if self.exit_code else "success"
            return {"outcome": outcome, "exit_code": self.exit_code, "exit_code_basis": "field"}
        if any(mark in self.suffix for mark in _STILL_RUNNING):
            return {"outcome": "background", "message": why}
        return {"outcome": "failure", "message": self.output} if self.is_error else {"outcome": "unknown"}


class Terminal:
    """What the terminal of a conversation says of its commands."""

    def __init__(self, conversation_id: str, instance_id: str | None) -> None:
        self._ids: dict[str, Any] = {"conversation_id": conversation_id, "instance_id": instance_id}
        self._running: str | None = None
        self._output = ""

    def ended(
        self, call_id: str, at: int | None, is_typed: bool, result: TerminalResult
    ) -> Iterator[CallEnded]:
        """Tell of a call that its result came; and of the command left running, if this was its end.

        Args:
            call_id: the call whose result it is.
            at: when it came.
            is_typed: something was typed into a running command, or its output asked for.
            result: what came.
        """
        outcome = result.outcome()
        rest: dict[str, Any] = {
            "at": at, "output_truncated": is_clipped(result.output) or "truncated" in result.prefix,
        }  # fmt: skip
        if not is_typed:
            yield CallEnded(**self._ids, **rest, call_id=call_id, stdout=result.output, **outcome)
            if outcome["outcome"] != "denied":
                self._running = call_id if outcome["outcome"] == "background" else None
                self._output = result.output
            return
        said: Outcome = "failure" if result.is_error else "success"
        yield CallEnded(**self._ids, **rest, call_id=call_id, stdout=result.output, outcome=said)
        self._output += result.output
        if self._running is not None and "exit_code" in outcome:
            yield CallEnded(**self._ids, **rest, call_id=self._running, stdout=self._output, **outcome)
            self._running = None


def is_clipped(output: str) -> bool:
    """Tell whether OpenHands left out the middle of an output."""
    return any(mark in output for mark in _CLIPPED)


def is_input(action: Json) -> bool:
    """Tell whether a terminal's action is no command: keys, or a look at what is running."""
    return action.get("is_input") is True or action.get("command") == ""


def command_line(tool: str, kind: CallKind, action: Json) -> str:
    """Return what to show of a call."""
    command = text(action.get("command")) or ""
    if kind == "shell":
        return command
    words = [tool]
    if command in EDITOR_KINDS:
        words.append(command)
    arguments = [value for name in _MAIN_ARGUMENTS if (value := text(action.get(name)))]
    arguments += [value for value in mapping(action.get("data")).values() if isinstance(value, str)]
    return " ".join([*words, *[argument.partition("\n")[0] for argument in arguments[:1]]])


def diff(observation: Json) -> str | None:
    """Return what an edit changed, from the content before and after."""
    before, after = observation.get("old_content") or "", observation.get("new_content")
    path = text(observation.get("path")) or "file"
    if not isinstance(before, str) or not isinstance(after, str) or before == after:
        return None
    if len(before) + len(after) > _MAX_DIFF_CHARACTERS:
        return None
    old = path if observation.get("prev_exist") is not False else "/dev/null"
    lines = difflib.unified_diff(_lines(before), _lines(after), old, path)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(content: str) -> list[str]:
    return list(io.StringIO(content, newline="\n"))
