"""What came of a call of Claude Code, from the result that the model read and the tool's own account.

Neither has an exit code. A success means 0, but for commands like grep, where 1 counts as one; a failure
says `Exit code N` in the first line of its text; and what never ran says so in words that differ from
version to version. Anything else is a failure without an exit code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

from collector.agents.claude_code_calls import Call, may_end_well_with_one
from collector.agents.claude_code_diff import diff_of
from collector.agents.claude_code_records import count
from collector.agents.events import Outcome
from collector.agents.values import items, mapping, number, plain_text, text

Fields = dict[str, Any]
"""Fields of `CallEnded`."""

_BLOCKED = "<tool_use_error>Blocked: "
_NOT_RECORDED = "[Tool call interrupted: the session ended before this call's result was recorded"
STOPPED = "a person stopped it while it ran"

_NO_OUTPUT = ("(Bash completed with no output)", "Tool ran without output or errors")
_EXIT_CODE = re.compile(r"Exit code (\d{1,10})(?:\n|$)")
_TIMEOUT = re.compile(r"Command timed out after [^\n]*")
_INTERRUPTED = re.compile(r"^\[Request interrupted[^\n]*", re.MULTILINE)
_CUT = re.compile(r"\.\.\. \[\d+ (?:characters|lines) truncated\] \.\.\.")
_SPILLED = re.compile(r"<persisted-output>\n[^\n]*?saved to: ([^\n]+)\n(?:\n[^\n]*:\n)?(.*)", re.DOTALL)
_BACKGROUND = re.compile(
    r"^Command (?:running in background with ID: |was manually backgrounded by user with ID: "
    r"|(?:did not complete within its [^\n]*? timeout and )?was moved to the background \(ID: )([\w-]+)",
    re.MULTILINE,
)
_WRITTEN_TO = re.compile(r"Output is being written to: (\S+?)(?:\.?\s|\.?$)")
_HANDED_BACK = re.compile(
    r"^\[Subagent hand-back\][^\n]*The report follows:\n(.*?)(?:\nagentId: .*)?\Z", re.DOTALL | re.MULTILINE
)
_AGENT_ID = re.compile(r"^agentId: ([\w-]+)", re.MULTILINE)

_REFUSALS: tuple[tuple[Outcome, re.Pattern[str]], ...] = (
    (
        "rejected",
        re.compile(
            r"The user doesn't want to (?:proceed with|take) this|User rejected tool use"
            r"|The agent proposed a plan that was rejected by the user"
        ),
    ),
    ("interrupted", re.compile(r"\[Request interrupted")),
    ("cancelled", re.compile(r"Sibling tool call errored|Cancelled: |\[Tool call did not complete")),
    (
        "denied",
        re.compile(
            r"PreToolUse:\S+ hook error|Hook PreToolUse:\S+ denied|Execution stopped by PreToolUse hook"
            r"|Permission to use \S+ |Permission for this tool use was denied"
            r"|Claude requested permissions to |This command requires approval"
            r"|This call was denied and did not run"
            r"|.{0,500} was blocked\. For security, Claude Code may only "
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a channel says that a tool answered.

    Attributes:
        said: the text that the model read; empty where the channel does not tell.
        details: the tool's own account (`toolUseResult`, `tool_response`).
        failed: whether it is marked as an error.
        marks: the transcript line's own fields.
        asks: whether a person is asked before a tool runs.
    """

    said: str = ""
    details: Any = None
    failed: bool = False
    marks: Mapping[str, Any] = field(default_factory=dict)
    asks: bool = True


def ending(call: Call, answer: Answer) -> Fields:
    """Return what the answer to a call says of its end."""
    if answer.failed or text(answer.marks.get("toolDenialKind")):
        return _failure(call, answer)
    if call.kind == "shell":
        return _shell_success(call, answer)
    return _success(call, answer)


def tells_no_end(answer: Answer) -> bool:
    """Tell whether a result was made up for a call that a killed agent left without one.

    It comes when the conversation is resumed, however much later, and says that nothing is known.
    """
    return answer.said.startswith(_NOT_RECORDED)


def background_task(answer: Answer) -> str | None:
    """Return the id of the task as which a call goes on in the background."""
    details = mapping(answer.details)
    for name in ("backgroundTaskId", "taskId"):
        if task := text(details.get(name)):
            return task
    if str(details.get("status", "")).endswith("_launched"):
        return text(details.get("agentId"))
    found = None if details else _BACKGROUND.search(answer.said)
    return found.group(1) if found else None


def child_of(call: Call, answer: Answer) -> str | None:
    """Return the subagent that a call started."""
    if call.kind != "agent":
        return None
    found = text(mapping(answer.details).get("agentId"))
    if found is None and not answer.failed and (match := _AGENT_ID.search(answer.said)):
        found = match.group(1)
    return found


# What did not end well


def _failure(call: Call, answer: Answer) -> Fields:
    said = untagged(answer.said)
    coded = _EXIT_CODE.match(said) if call.kind == "shell" else None
    if coded:
        return _coded_failure(int(coded.group(1)), said[coded.end() :])
    if answer.said.startswith(_BLOCKED):
        return {"outcome": "denied", "message": first_line(said)}
    if refused := refusal(said, answer.marks, answer.asks):
        stopped = refused == "interrupted" and said.startswith("The user doesn't want")
        return {"outcome": refused, "message": STOPPED if stopped else first_line(said)}
    if call.kind == "shell":
        if timeout := _TIMEOUT.match(said):
            return _with_output({"outcome": "timeout", "message": timeout.group()}, _after(said, timeout))
        if call.hook_seen:
            # A command that ran says its exit code; what a hook gives as its reason stands alone.
            return {"outcome": "denied", "message": first_line(said)}
    return _with_output({"outcome": "failure", "message": first_line(said)}, said)


def _coded_failure(exit_code: int, output: str) -> Fields:
    fields: Fields = {"outcome": "failure", "exit_code": exit_code, "exit_code_basis": "text"}
    if timeout := _TIMEOUT.match(output):
        output = _after(output, timeout)
        fields |= {"outcome": "timeout", "message": timeout.group()}
    elif interrupted := _INTERRUPTED.search(output):
        output = output[: interrupted.start()]
        fields |= {"outcome": "interrupted", "message": interrupted.group()}
    return _with_output(fields, output)


def _with_output(fields: Fields, output: str) -> Fields:
    return {**fields, "stdout": output, "output_truncated": bool(_CUT.search(output))}


def _after(said: str, match: re.Match[str]) -> str:
    return said[match.end() :].removeprefix("\n")


def refusal(said: str, marks: Mapping[str, Any], asks: bool) -> Outcome | None:
    """Tell from a failed result's text and marks that a call was refused or stopped; None for a failure.

    A command that a person stops while it runs gets the very text of one that was refused. Since 2.1.329
    the latter is marked `toolDenialBeforeRun`; before, what follows tells (`interruptedMessageId`).
    """
    kind = text(marks.get("toolDenialKind"))
    if marks.get("toolDenialAfterRun") is True:
        return None  # it ran, and what it returned was withheld
    worded = next((outcome for outcome, pattern in _REFUSALS if pattern.match(said)), None)
    if kind == "user-rejected":
        decided = mapping(marks.get("permissionDecision")).get("decision") == "reject"
        if worded == "rejected" and not decided and marks.get("toolDenialBeforeRun") is not True:
            return "interrupted"
        return worded or "denied"
    if kind == "interrupted" or kind == "cancelled":
        return "interrupted" if kind == "interrupted" else "cancelled"
    if kind:
        return "denied"
    return "interrupted" if worded == "rejected" and not asks else worded


# What ended well


def _shell_success(call: Call, answer: Answer) -> Fields:
    details = mapping(answer.details)
    output = details.get("stdout")
    told = isinstance(output, str)
    fields: Fields = {"outcome": "success"}
    if told:
        errors = details.get("stderr")
        fields |= {
            "stdout": None if details.get("isImage") is True else output,
            "stderr": errors if isinstance(errors, str) and errors else None,
        }
    fields |= _spilled(details, answer.said, told)
    if "stdout" not in fields and not details:
        fields["stdout"] = "" if answer.said in _NO_OUTPUT else answer.said
    return fields | _how_it_ended(call, answer, details, told)


def _how_it_ended(call: Call, answer: Answer, details: Mapping[str, Any], told: bool) -> Fields:
    if details.get("interrupted") is True:
        return {"outcome": "interrupted"}
    if background_task(answer):
        return _gone_to_background(answer.said, details)
    if (limit := count(details.get("timedOutAfterMs"))) is not None:
        return {"outcome": "timeout", "message": f"timed out after {limit} ms"}
    if harmless := text(details.get("returnCodeInterpretation")):
        return {"message": harmless}
    if not told and may_end_well_with_one(call.command):
        return {"message": "ended well, with 0 or a harmless 1"}
    return {"exit_code": 0, "exit_code_basis": "success flag"}


def _gone_to_background(said: str, details: Mapping[str, Any]) -> Fields:
    notice = _BACKGROUND.search(said)
    limit = count(details.get("timedOutAfterMs"))
    message = said[notice.start() :].partition(". ")[0] if notice else "runs in the background"
    if limit is not None and "timeout" not in message:
        message = f"did not end within {limit} ms and runs on in the background"
    written = _WRITTEN_TO.search(said, notice.start()) if notice else None
    fields: Fields = {"outcome": "background", "message": first_line(message)}
    if written:
        fields["output_path"] = written.group(1)
    if not isinstance(details.get("stdout"), str):
        fields["stdout"] = said[: notice.start()].rstrip("\n") if notice else None
    return fields


def _spilled(details: Mapping[str, Any], said: str, told: bool) -> Fields:
    """Where the agent keeps an output that is too long for the model."""
    path = text(details.get("persistedOutputPath")) or text(details.get("rawOutputPath"))
    fields: Fields = {}
    if path:
        size = count(details.get("persistedOutputSize"))
        fields = {"output_path": path, "output_truncated": True, "output_bytes": size}
    if not told and (spilled := _SPILLED.match(said)):
        preview = spilled.group(2).removesuffix("</persisted-output>").removesuffix("...\n")
        fields = {"output_path": spilled.group(1), "output_truncated": True, "stdout": preview, **fields}
    return fields


def _success(call: Call, answer: Answer) -> Fields:
    details = mapping(answer.details)
    launched = str(details.get("status", "")).endswith("_launched") or (
        call.kind == "agent" and answer.said.startswith(("Async agent launched", "Workflow launched"))
    )
    fields: Fields = {"outcome": "background" if launched else "success"}
    fields["stdout"] = None if launched else _shown(call, answer)
    fields |= _spilled(details, answer.said, told=False)
    if not launched:
        seconds = number(details.get("durationSeconds"))
        measured = details.get("totalDurationMs", details.get("durationMs"))
        fields["duration_ms"] = count(measured if seconds is None else round(seconds * 1000))
    if call.kind in ("edit", "write"):
        fields["diff"] = diff_of(call, answer.details, answer.said)
    return fields


def _shown(call: Call, answer: Answer) -> str:
    """What the tool returned: a subagent's report without what the agent wraps it in."""
    details = mapping(answer.details)
    content = details.get("content")
    if call.kind in ("edit", "write"):
        return answer.said  # what was written is in the diff
    if call.kind != "agent":
        return answer.said or _of_details(answer.details)
    if isinstance(content, list):
        notes, tail = count(details.get("harnessNoteCount")) or 0, count(details.get("harnessTailCount")) or 0
        return plain_text(content[notes : max(notes, len(content) - tail)])
    if wrapped := _HANDED_BACK.search(answer.said):
        return dedent(wrapped.group(1))
    return answer.said.partition("\nagentId: ")[0]


def _of_details(details: object) -> str:
    said = mapping(details)
    for content in (said.get("content"), said.get("result"), mapping(said.get("file")).get("content")):
        if found := plain_text(content):
            return found
    names = [name for name in items(said.get("filenames")) if isinstance(name, str)]
    return "\n".join(names) if names else plain_text(details)


# Texts


def untagged(said: str) -> str:
    """Return a result's text without the tag that the agent puts around errors of its own."""
    return said.removeprefix("<tool_use_error>").removesuffix("</tool_use_error>").removeprefix("Error: ")


def first_line(said: str) -> str | None:
    """Return the first line that says something."""
    return next((line.strip()[:500] for line in said.splitlines() if line.strip()), None)
