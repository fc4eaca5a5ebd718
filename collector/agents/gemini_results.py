"""What Gemini CLI tells of a call's result: a status, a text for the model, and what it showed.

The status says whether the *tool* worked: a command that fails has `success`. Its text ends with lines
that the shell tool documents to its model: `Exit Code: N` ("only included if non-zero"), `Signal: N`,
`Error: …`, `Background PIDs: …`, `Process Group PGID: N`. So a text without the first three is an exit
code of 0, by that promise. Versions of 2025 had all of the lines, `(none)` for what there was not.
What a command printed may look like these lines; what was shown is the output alone, and so tells where it
ends. Checked against 0.11 and 0.61.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collector.agents.events import Outcome
from collector.agents.values import mapping, text

_OPEN, _CLOSE = "<untrusted_context>\n", "\n</untrusted_context>"
_TRAILER = re.compile(
    r"(?:\A|\n)(?:Error: (?P<error>[^\n]*)\n?)?(?:Exit Code: (?P<code>-?\d{1,10}|\(none\))\n?)?"
    r"(?:Signal: (?P<signal>\w{1,20}|\(none\))\n?)?(?:Background PIDs: [^\n]*\n?)?"
    r"(?:Process Group PGID: [^\n]*)?\s*\Z"
)
_OLD_HEAD = re.compile(r"(?:Command: .*?\n)?(?:Directory: [^\n]*\n)?(?=(?:Stdout|Output): )", re.DOTALL)
_TRAILER_CHARS = 2000
_CUT = "Output too large. Showing first "
_STOPPED: tuple[tuple[str, Outcome], ...] = (
    ("Command was automatically cancelled because it exceeded the timeout", "timeout"),
    ("Command was cancelled by user before it could complete.", "interrupted"),
)
_BACKGROUND = ("Command moved to background (PID", "Command is running in background.")
_BEFORE = " Below is the output before it was cancelled:\n"
_REFUSALS: tuple[tuple[str, Outcome], ...] = (
    ("Tool execution blocked", "denied"),
    ("denied by policy", "denied"),
    ("denied by hook", "denied"),
    ("User denied execution", "rejected"),
    ("did not allow tool call", "rejected"),
    ("User rejected", "rejected"),
)
_SIGNALS = {"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGABRT": 6, "SIGKILL": 9, "SIGSEGV": 11, "SIGTERM": 15}


@dataclass(slots=True)
class Result:
    """What a result says."""

    outcome: Outcome = "unknown"
    exit_code: int | None = None
    basis: str | None = None
    signal: int | None = None
    stdout: str | None = None
    stderr: str | None = None
    truncated: bool = False
    message: str | None = None
    diff: str | None = None


def read_result(call: Mapping[str, Any], *, is_shell: bool) -> Result | None:
    """Return the result of a tool call as it is recorded; None when it has none yet."""
    status = text(call.get("status"))
    output, error = _response(call.get("result"))
    display = call.get("resultDisplay")
    if status == "success":
        if is_shell:
            return read_shell(output or "", display if isinstance(display, str) else None)
        diff = _diff(display) or _diff_of_new_file(output or "", mapping(call.get("args")))
        return Result(outcome="success", stdout=output, diff=diff)
    told = error or (display if isinstance(display, str) else None)
    if status == "error":
        return Result(outcome=_refusal(told or "") or "failure", stdout=output, message=told)
    if status == "cancelled":
        return Result(outcome=_refusal(told or "") or "interrupted", stdout=output, message=told)
    return None


def _response(result: object) -> tuple[str | None, str | None]:
    """Return the output and the error that the model was told."""
    outputs, errors = [], []
    parts = result if isinstance(result, list) else [result]
    for part in parts:
        response = mapping(mapping(mapping(part).get("functionResponse")).get("response"))
        outputs += [told] if (told := text(response.get("output"))) else []
        errors += [told] if (told := text(response.get("error"))) else []
        errors += [told] if (told := text(mapping(response.get("error")).get("message"))) else []
    return "\n".join(outputs) or None, "\n".join(errors) or None


def _refusal(told: str) -> Outcome | None:
    return next((outcome for mark, outcome in _REFUSALS if mark in told[:400]), None)


def read_shell(told: str, shown: str | None) -> Result:
    """Return what the shell tool told its model.

    Args:
        told: its text.
        shown: what the user saw: the output alone if there was any.
    """
    is_cut = told.startswith(_CUT)
    content = told.rstrip().removesuffix(_CLOSE)
    content = content.partition(_OPEN)[2] or content if is_cut else content.removeprefix(_OPEN)
    if content.startswith(_BACKGROUND):
        return Result(outcome="background", message=content.partition("\n")[0])
    for start, outcome in _STOPPED:
        if content.startswith(start):
            head, _, output = content.partition(_BEFORE)
            return Result(outcome=outcome, stdout=output, message=head.partition(" There was no output")[0])
    return _read_ended(content, shown, is_cut)


def _read_ended(content: str, shown: str | None, is_cut: bool) -> Result:
    body = content[old.end() :] if (old := _OLD_HEAD.match(content)) else content
    is_known = is_cut or body.startswith(("Output: ", "Stdout: "))
    has_stderr = body.startswith("Stdout: ")
    body = body.removeprefix("Output: ").removeprefix("Stdout: ")
    output, rest = _split_shown(body, shown, is_cut)
    if output is None:
        found = _TRAILER.search(body, max(0, len(body) - _TRAILER_CHARS))
        rest = found[0] if found else ""
        output = body[: len(body) - len(rest)]
    result = Result(stdout="" if output == "(empty)" else output, truncated=is_cut and output != shown)
    if has_stderr and "\nStderr: " in (result.stdout or ""):
        result.stdout, _, stderr = (result.stdout or "").rpartition("\nStderr: ")
        result.stdout = "" if result.stdout == "(empty)" else result.stdout
        result.stderr = None if stderr == "(empty)" else stderr
    trailer = _TRAILER.fullmatch(rest)
    if is_known and trailer is not None:
        _set_end(result, trailer.groupdict())
    return result


def _split_shown(body: str, shown: str | None, is_cut: bool) -> tuple[str | None, str]:
    """Split a text where what was shown ends; the output is None when that is not to be found."""
    if body.startswith("(empty)\n"):
        return "", body[len("(empty)") :]
    if not shown:
        return None, ""
    if not is_cut and body.startswith(shown) and _TRAILER.match(body[len(shown) :]):
        return shown, body[len(shown) :]
    end = body.rfind(shown[-200:]) if is_cut else -1
    return (shown, body[end + len(shown[-200:]) :]) if end >= 0 else (None, "")


def _set_end(result: Result, told: Mapping[str, str | None]) -> None:
    code, signal, error = (_some(told.get(key)) for key in ("code", "signal", "error"))
    if signal not in (None, "0"):
        result.signal = int(signal) if signal.isdigit() else _SIGNALS.get(signal)
        result.outcome = "failure"
    if error is not None:
        result.outcome, result.message = "failure", error
    if code is not None:
        result.exit_code, result.basis = int(code), "text"
        result.outcome = "failure" if int(code) else "success"
    elif result.outcome == "unknown" and told.get("code") is None:
        result.outcome, result.exit_code, result.basis = "success", 0, "success flag"


def _some(told: str | None) -> str | None:
    return None if told in (None, "(none)") else told


def _diff(display: object) -> str | None:
    """Return the diff that was shown, with the file's path instead of its name."""
    told = text(mapping(display).get("fileDiff"))
    if told is None:
        return None
    path = (
        text(mapping(display).get("filePath")) or text(mapping(display).get("fileName")) or "file"
    ).lstrip("/")
    start = told.find("\n@@")
    if start < 0:
        return None
    old = "/dev/null" if mapping(display).get("isNewFile") is True else f"a/{path}"
    body = told[start + 1 :]
    return f"--- {old}\n+++ b/{path}\n{body}" + ("" if body.endswith("\n") else "\n")


def _diff_of_new_file(told: str, arguments: Mapping[str, Any]) -> str | None:
    """Versions of 2025 recorded no diff; what a new file holds is known all the same."""
    path, content = text(arguments.get("file_path")), text(arguments.get("content"))
    if path is None or content is None or not told.startswith("Successfully created and wrote to new file"):
        return None
    lines = content.splitlines()
    head = f"--- /dev/null\n+++ b/{path.lstrip('/')}\n@@ -0,0 +1,{len(lines)} @@\n"
    return head + "".join(f"+{line}\n" for line in lines)
