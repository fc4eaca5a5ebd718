"""How calls of Claude Code that went on in the background ended: commands and subagents, as tasks with ids.

Told by `<task-notification>` texts (in the queue, in prompts nobody typed, in attachments: the same text
several times) and by the results of tools that ask for a task or stop it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from collector.agents.claude_code_calls import Call
from collector.agents.claude_code_records import NOTIFICATION
from collector.agents.claude_code_results import Answer, Fields
from collector.agents.events import Outcome
from collector.agents.values import mapping, text, whole

_NOT_RECORDED = "didn't finish before the previous session ended"  # said when it is resumed, much later
_TAG = re.compile(r"<([a-z_-]+)>(.*?)</\1>", re.DOTALL)
_EXIT_CODE = re.compile(r"(?:completed \(exit code |failed with exit code )(-?\d{1,10})\)?[^\"]*$")
_MAX_EXIT_CODE = 1 << 32  # Windows has codes of 32 bits
_OUTCOMES: dict[str, Outcome] = {
    "completed": "success",
    "failed": "failure",
    "killed": "cancelled",
    "stopped": "cancelled",
}
_ASKING = ("TaskOutput", "BashOutput", "AgentOutputTool")
_STOPPING = ("TaskStop", "KillShell", "KillBash")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnd:
    """The end of a task. `call_id` is the call that started it, where the text names it."""

    task_id: str
    fields: Fields
    call_id: str | None = None
    is_subagent: bool = False


def notified_ends(said: str) -> Iterator[TaskEnd]:
    """Yield the ends that notifications in a text tell of."""
    for part in said.split(NOTIFICATION)[1:]:
        tags: dict[str, str] = {}
        for name, content in _TAG.findall(part):
            tags.setdefault(name, content.strip())
        outcome = _OUTCOMES.get(tags.get("status", ""))
        if outcome is None or not tags.get("task-id") or _NOT_RECORDED in tags.get("summary", ""):
            continue
        yield TaskEnd(
            task_id=tags["task-id"],
            call_id=tags.get("tool-use-id") or None,
            is_subagent=tags.get("summary", "").startswith('Agent "'),
            fields=_notified(outcome, tags),
        )


def _notified(outcome: Outcome, tags: Mapping[str, str]) -> Fields:
    summary = tags.get("summary", "")
    fields: Fields = {
        "outcome": outcome,
        "message": summary[:500] or None,
        "output_path": tags.get("output-file") or None,
        "stdout": tags.get("result"),
    }
    if coded := _EXIT_CODE.search(summary):
        fields |= _coded(int(coded.group(1)), "text")
    duration = re.search(r"<duration_ms>(\d{1,12})<", tags.get("usage", ""))
    if duration:
        fields["duration_ms"] = int(duration.group(1))
    return fields


def _coded(exit_code: int, basis: str) -> Fields:
    outcome: Outcome = "success" if exit_code == 0 else "failure"
    return {"outcome": outcome, "exit_code": exit_code, "exit_code_basis": basis}


def asked_end(call: Call, answer: Answer) -> TaskEnd | None:
    """Return the end of a task that the result of a call tells of."""
    if answer.failed:
        return None
    if call.tool in _ASKING:
        return _asked(call, answer)
    if call.tool in _STOPPING:
        details = mapping(answer.details)
        task_id = text(details.get("task_id")) or text(details.get("shell_id")) or _asked_for(call)
        message = text(details.get("message"))
        if task_id:
            fields = {"outcome": "cancelled", "message": message or "stopped by the agent"}
            return TaskEnd(task_id=task_id, fields=fields)
    return None


def _asked(call: Call, answer: Answer) -> TaskEnd | None:
    details = mapping(answer.details)
    task = mapping(details.get("task")) or details or _from_text(answer.said)
    outcome = _OUTCOMES.get(str(task.get("status")))
    task_id = text(task.get("task_id")) or text(task.get("shellId")) or _asked_for(call)
    if outcome is None or task_id is None:
        return None
    fields: Fields = {"outcome": outcome, "message": text(task.get("error"))}
    output = task.get("output")  # BashOutput has none, only what is new since it was asked last
    if isinstance(output, str):
        fields["stdout"] = output
    exit_code = whole(task.get("exitCode"))
    if exit_code is not None and abs(exit_code) < _MAX_EXIT_CODE:
        fields |= _coded(exit_code, "field") | ({"outcome": outcome} if outcome == "cancelled" else {})
    return TaskEnd(task_id=task_id, fields=fields)


def _asked_for(call: Call) -> str | None:
    names = ("task_id", "bash_id", "shell_id", "agentId")
    return next((found for name in names if (found := text(call.input.get(name)))), None)


def _from_text(said: str) -> dict[str, Any]:
    """What TaskOutput's text says; a subagent's transcript has nothing else."""
    head, _, output = said.partition("<output>\n")
    task: dict[str, Any] = dict(_TAG.findall(head))
    code = task.get("exit_code", "")
    if isinstance(code, str) and re.fullmatch(r"-?\d{1,10}", code):
        task["exitCode"] = int(code)
    if output:
        task["output"] = output.removesuffix("</output>").removesuffix("\n")
    return task
