"""What Codex tells its model of a call's result, as text: outcome, exit code, output.

Three of the six shapes in which a rollout holds results are text (the others have fields):

- A, the tool `shell` of 2025: JSON, `{"output": …, "metadata": {"exit_code", "duration_seconds"}}`;
- B, `shell_command` and `apply_patch`: `Exit code: N`, `Wall time: S seconds`, `Output:`;
- C, `exec_command` and `write_stdin`: `Chunk ID: …`, `Wall time: …`, `Process exited with code N` or
  `Process running with session ID N`, `Output:`; the script of code mode says `Script completed` or
  `Script running with cell ID N` instead.

A call that was refused, aborted or failed to start has a sentence and no header. Checked against Codex
0.40 and 0.169.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collector.agents.events import Outcome
from collector.agents.values import items, mapping, ms_of_seconds, text, whole

TIMEOUT_EXIT_CODE = 124
"""Codex puts this where a command that it killed after its time has no exit code of its own."""

_HEADER = re.compile(
    r"(?:Chunk ID: (?P<chunk>\S*)"
    r"|Exit code: (?P<code>-?\d{1,10})"
    r"|Wall time:? (?P<seconds>\d{1,10}(?:\.\d{1,12})?) seconds"
    r"|Process exited with code (?P<exited>-?\d{1,10})"
    r"|Process running with session ID (?P<session>\S{1,64})"
    r"|Script (?P<script>completed|failed|terminated)"
    r"|Script running with cell ID (?P<cell>\S{1,64})"
    r"|Original token count: \d+"
    r"|Total output lines: (?P<lines>\d+))(?:\n|\Z)"
)
_CUT_HEADER = re.compile(
    r"(?:Warning: truncated output \(original token count: \d+\)\n)?Total output lines: \d+\n\n"
)
_CUT = re.compile(
    "\u2026\\d+ (?:tokens|chars) truncated\u2026"
    r"|\[\.\.\. omitted \d+ of \d+ lines \.\.\.\]"
    r"|\n\.\.\. command output truncated for persistence \.\.\.\n"
)
_SANDBOX = re.compile(
    r"failed in sandbox .{0,80}?exit code: (?P<code>-?\d{1,10}), stdout: (?P<out>.*?), stderr: (?P<err>.*)",
    re.DOTALL,
)
_TIMED_OUT = re.compile(r"command timed out after \d+")
_ABORTED = re.compile(
    r"(?:Wall time: [\d.]{1,20} seconds\n)?aborted(?: by user)?(?: after [\d.]+ ?s)?\.?\s*\Z"
)
_REFUSALS: tuple[tuple[re.Pattern[str], Outcome], ...] = (
    (re.compile(r"(?:patch|exec command|user|command) rejected(?: by user| MCP tool call)"), "rejected"),
    (re.compile(r"user cancelled MCP tool call"), "rejected"),
    (re.compile(r"(?:Command|Tool call) blocked by \w+ hook"), "denied"),
    (re.compile(r"approval policy is [Nn]ever"), "denied"),
    (re.compile(r"MCP tool call requires approval"), "denied"),
    (re.compile(r"patch rejected: "), "denied"),
    (re.compile(r"exec_command failed.{0,40}Rejected\("), "denied"),
    (re.compile(r"(?:command|exec command) rejected"), "denied"),
)
_NEVER_RAN = (
    "unsupported call: ",
    "unsupported custom tool call: ",
    "failed to parse function arguments",
    "unable to locate image at ",
)
_COMMAND_FAILED = (
    "apply_patch verification failed",
    "execution error: ",
    "exec_command failed",
    "write_stdin failed",
)


@dataclass(slots=True)
class Result:
    """What a result says. `running` is the session or cell that goes on."""

    outcome: Outcome = "unknown"
    exit_code: int | None = None
    basis: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    duration_ms: int | None = None
    truncated: bool = False
    message: str | None = None
    running: str | None = None
    is_script: bool = False


def read_result(output: object, *, is_command: bool) -> Result:
    """Return what a call's output says, in whatever shape it is.

    Args:
        output: a text, a list of parts, or an object around one of these.
        is_command: it is of a tool that runs commands or patches, whose header can be believed; the output
            of any other tool may look like one by chance.
    """
    success = None
    if isinstance(output, dict):
        success = output.get("success")
        output = output.get("content")
    content = _joined(output)
    result = _read_command(content) if is_command else None
    if result is None:
        result = _read_sentence(content, _NEVER_RAN + _COMMAND_FAILED if is_command else _NEVER_RAN)
    if result.outcome == "unknown" and isinstance(success, bool):
        result.outcome = "success" if success else "failure"
    return result


def read_hook_result(output: object) -> Result:
    """Return what a hook is told of a command or patch: the output as it was, or with a header."""
    content = _joined(output)
    result = _read_header(content)
    if result is None:
        result = Result()
        _set_output(result, content)
    return result


def _joined(output: object) -> str:
    """Parts follow each other without anything between them."""
    if isinstance(output, str):
        return output
    return "".join(part for item in items(output) if (part := text(mapping(item).get("text"))))


def _read_command(content: str) -> Result | None:
    if content.startswith("{"):
        return _read_json(content)
    if content.startswith("failed in sandbox"):
        return _read_sandbox(content)
    return _read_header(content)


def _read_json(content: str) -> Result | None:
    try:
        document = mapping(json.loads(content, strict=False))
    except (ValueError, RecursionError):
        return None
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or "output" not in document:
        return None
    stdout = document["output"] if isinstance(document["output"], str) else ""
    result = Result(duration_ms=ms_of_seconds(metadata.get("duration_seconds")))
    _set_exit_code(result, whole(metadata.get("exit_code")), "field", stdout)
    _set_output(result, stdout)
    return result


def _read_sandbox(content: str) -> Result | None:
    match = _SANDBOX.match(content)
    if match is None:
        return None
    result = Result(stdout=match["out"], stderr=match["err"], message=content.partition(",")[0])
    _set_exit_code(result, int(match["code"]), "text", match["out"])
    return result


def _read_header(content: str) -> Result | None:
    found: dict[str, str] = {}
    position = 0
    while match := _HEADER.match(content, position):
        found.update((k, v) for k, v in match.groupdict().items() if v is not None)
        position = match.end()
    if not found or not content.startswith("Output:", position):
        return None
    body = content[position + len("Output:") :].removeprefix("\n")
    result = Result(
        duration_ms=ms_of_seconds(float(found["seconds"])) if "seconds" in found else None,
        running=found.get("session") or found.get("cell"),
        is_script="script" in found or "cell" in found,
        truncated="lines" in found,
    )
    if result.running is not None:
        result.outcome = "background"
    elif "script" in found:
        result.outcome = "success" if found["script"] == "completed" else "failure"
    code = found.get("exited", found.get("code"))
    if code is None and result.outcome == "unknown" and (inner := _read_header(body)) is not None:
        return inner  # a patch that was given to a shell has a header within the header
    _set_exit_code(result, int(code) if code is not None else None, "text", body)
    _set_output(result, body)
    return result


def _set_exit_code(result: Result, code: int | None, basis: str, stdout: str) -> None:
    if code is None:
        return
    timed_out = _TIMED_OUT.match(stdout)
    if timed_out is not None and code in (TIMEOUT_EXIT_CODE, -1):
        result.outcome, result.message = "timeout", timed_out.string.partition("\n")[0]
        return
    result.outcome = "success" if code == 0 else "failure"
    if code >= 0:
        result.exit_code, result.basis = code, basis


def _set_output(result: Result, body: str) -> None:
    cut = _CUT_HEADER.match(body)
    result.stdout = body[cut.end() :] if cut else body
    result.truncated = result.truncated or cut is not None or is_cut(body)


def is_cut(output: str) -> bool:
    """Tell whether Codex left out the middle of an output."""
    return _CUT.search(output) is not None


def _read_sentence(content: str, failures: tuple[str, ...]) -> Result:
    """Read the result of a call that has no header: a refusal, an abort, an error, or what a tool says."""
    content = _after_header(content)
    head = content[:400]
    if _ABORTED.match(head) and len(content) < 200:
        return Result(outcome="interrupted", message=head.strip().rpartition("\n")[2])
    for pattern, outcome in _REFUSALS:
        if pattern.match(head):
            return Result(outcome=outcome, message=head.strip())
    if _TIMED_OUT.match(head):
        return Result(outcome="timeout", message=head.partition("\n")[0])
    if head == "Plan updated":
        return Result(outcome="success", stdout=content)
    if head.startswith(failures):
        return Result(outcome="failure", stdout=content, message=head.strip())
    return Result(stdout=content, truncated=is_cut(content))


def _after_header(content: str) -> str:
    """What MCP tools say comes below a header of their own, without a line end in some versions."""
    match = re.match(r"Wall time: [\d.]{1,20} seconds\nOutput:\n?", content)
    return content[match.end() :] if match else content


def seconds_of(duration: object) -> int | None:
    """Return milliseconds of a duration, `{"secs", "nanos"}` or a text like `1.5s`."""
    if isinstance(duration, str):
        match = re.fullmatch(r"([\d.]{1,20})(ms|s)", duration)
        try:
            return ms_of_seconds(float(match[1]) / (1000 if match[2] == "ms" else 1)) if match else None
        except ValueError:
            return None
    parts: Mapping[str, Any] = mapping(duration)
    seconds, nanos = whole(parts.get("secs")), whole(parts.get("nanos"))
    return None if seconds is None else ms_of_seconds(seconds + (nanos or 0) / 1e9)
