"""What Codex tells of results in fields: in events of a rollout, or in items, which newer ones have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from collector.agents.codex_results import Result, is_cut, read_result, seconds_of
from collector.agents.events import Outcome
from collector.agents.values import items, mapping, ms_of_seconds, text, whole

STATUSES: Mapping[str, Outcome] = {
    "completed": "success", "failed": "failure", "declined": "rejected",
    "in_progress": "background", "inProgress": "background",
}  # fmt: skip


def command_result(told: Mapping[str, Any], *, was_aborted: bool) -> Result:
    """Read `exec_command_end` or an item `CommandExecution`.

    Codex gives the exit code -1 to a command that it killed, and to one that it lost sight of.
    """
    result = Result(outcome=status_of(told), duration_ms=seconds_of(told.get("duration")))
    code = whole(told.get("exit_code"))
    is_seen = code is not None and code >= 0
    if was_aborted and not is_seen:
        result.outcome = "interrupted"
    elif is_seen and result.outcome != "rejected":
        result.outcome = "failure" if code else "success"
        result.exit_code, result.basis = code, "field"
    both = told.get("aggregated_output")
    if isinstance(both, str) and (both or (not told.get("stdout") and not told.get("stderr"))):
        result.stdout = both
    else:
        result.stdout, result.stderr = text(told.get("stdout")), text(told.get("stderr"))
    result.truncated = is_cut(result.stdout or "")
    return result


def patch_result(told: Mapping[str, Any]) -> Result:
    """Read `patch_apply_end` or an item `FileChange`."""
    outcome = status_of(told)
    if outcome == "unknown" and isinstance(told.get("success"), bool):
        outcome = "success" if told["success"] else "failure"
    return Result(outcome=outcome, stdout=text(told.get("stdout")), stderr=text(told.get("stderr")))


def mcp_result(told: Mapping[str, Any]) -> Result:
    """Read `mcp_tool_call_end` or an item `McpToolCall`."""
    answer = mapping(told.get("result"))
    failure = error_text(told.get("error")) or error_text(answer.get("Err"))
    answer = mapping(answer.get("Ok")) or answer
    content = [part for item in items(answer.get("content")) if (part := text(mapping(item).get("text")))]
    refusal = read_result(failure or "", is_command=False)
    outcome: Outcome = "success"
    if refusal.outcome in ("denied", "rejected", "interrupted"):
        outcome = refusal.outcome
    elif failure or answer.get("isError") is True or told.get("status") == "failed":
        outcome = "failure"
    return Result(
        outcome=outcome,
        stdout="\n".join(content) or None,
        duration_ms=seconds_of(told.get("duration")),
        message=failure,
    )


def script_results(output: object, count: int) -> list[Result]:
    """Return the results of the commands that a script ran, known only if it printed each as it was."""
    found = []
    for item in items(output):
        printed = text(mapping(item).get("text")) or ""
        if printed.startswith("{") and '"exit_code"' in printed:
            try:
                found.append(_printed_result(mapping(json.loads(printed))))
            except (ValueError, RecursionError):
                continue
    return found if len(found) == count else [Result() for _ in range(count)]


def _printed_result(told: Mapping[str, Any]) -> Result:
    code = whole(told.get("exit_code"))
    result = Result(stdout=text(told.get("output")), duration_ms=ms_of_seconds(told.get("wall_time_seconds")))
    if code is not None and code >= 0:
        result.outcome, result.exit_code, result.basis = "failure" if code else "success", code, "field"
    return result


def status_of(told: Mapping[str, Any]) -> Outcome:
    """Return the outcome that a `status` stands for."""
    return STATUSES.get(text(told.get("status")) or "", "unknown")


def error_text(error: object) -> str | None:
    """Return the text of an error, which is a text or an object with a `message`."""
    return text(error) or text(mapping(error).get("message"))
