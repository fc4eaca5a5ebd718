"""Writing calls down: as a run of their own, or into the run that a recorder made of them."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Any

from collector import clock
from collector.agents.events import CallStarted
from collector.agents.merge import Call, CallResult, call_result, shown_input
from collector.agents.session_state import SessionState, Usage
from collector.config import Config
from collector.ids import new_ulid, slug
from collector.model.run import Run
from collector.record import spool
from collector.record.annotate import write_call
from collector.record.call_run import (
    DIFF,
    INPUT,
    call_record,
    input_file,
    open_call_run,
    withdraw_call_run,
    write_call_run,
)
from collector.record.describe import guess_type, task_name
from collector.record.redacting import STORE, mode_of, rules_anyway
from collector.record.seal import read_record
from collector.workspace import STDERR, STDOUT, Workspace

_CLOCK_SLACK_MS = 2000
MAX_COMMAND = 1_000_000
"""Characters of a command line that are kept; a record must stay one that can be read."""
_SPILLS = ("/tool-results/", "/tasks/", "/tool-output/")
"""The folders in which agents keep output that is too long for a transcript."""
_GENERATES = frozenset({"edit", "write", "agent"})
_KEEPS_INPUT = frozenset({"mcp", "web", "agent", "other"})


class SessionRuns:
    """The recorded runs of a session that no call is known for yet."""

    def __init__(self, runs: list[Run], taken: set[str]) -> None:
        self._by_command: dict[str, list[Run]] = {}
        for run in runs:
            if dict(run.recorder).get("kind") == "shim" and run.run_id not in taken:
                self._by_command.setdefault(run.command_line.strip(), []).append(run)

    def match(self, call: Call) -> Run | None:
        """Take the first run of the same command that began while the call was on; None when none did."""
        started = call.started
        if started is None:
            return None
        runs = self._by_command.get(started.command_line.strip(), [])
        ends = [end.at for end in call.ended.values() if end.at is not None and end.outcome != "background"]
        for run in runs:
            after = started.at is None or run.start_time >= started.at - _CLOCK_SLACK_MS
            if after and all(run.start_time <= end + _CLOCK_SLACK_MS for end in ends[:1]):
                runs.remove(run)
                return run
        return None


@dataclass(slots=True)
class OpenCall:
    """A call that is not written yet, and what stands for it: a recorder's run, or a folder of its own."""

    call: Call
    state: SessionState
    seen_at: float
    over_since: float = 0.0
    told_ms: int = 0
    """When what tells of it was written, for agents that tell no times."""
    run: Run | None = None
    folder: str = ""
    record: dict[str, Any] | None = None
    usage: Usage | None = None
    """What the request behind it used, where this call carries it."""


class CallWriter:
    """Writes calls into a workspace.

    Args:
        workspace: where.
        config: limits and permissions.
        sync: make each one durable at once.
    """

    def __init__(self, workspace: Workspace, config: Config, sync: bool) -> None:
        self._workspace = workspace
        self._config = config
        self._sync = sync
        self._secrets = rules_anyway(config, os.environ)
        self._redacts = mode_of(config) == STORE

    def read_record(self, folder: str) -> dict[str, Any] | None:
        """Return the record of a call that was shown before, or None when it is gone."""
        try:
            return read_record(self._workspace.run_folder(folder))
        except (OSError, ValueError):
            return None

    def annotate(self, waiting: OpenCall) -> None:
        """Say in a recorder's run which call it was."""
        run = waiting.run
        if run is None:
            return
        call = self._annotation(waiting)
        folder = self._workspace.run_folder(run.folder)
        if not os.path.isdir(folder):
            return
        write_call(folder, call)
        # `end` only for a run that has ended: the recorder announces that itself.
        over = waiting.call.is_over or run.is_finished
        spool.announce(self._workspace.spool, spool.END if over else spool.RUN, run.folder)

    def _annotation(self, waiting: OpenCall) -> dict[str, Any]:
        call, started = waiting.call, waiting.call.started
        fields = self._of_agent(waiting)
        source = started.source if started else next(iter(call.ended), "transcript")
        return {
            **fields,
            "session_id": waiting.state.session.session_id,
            "provenance": {"call": source, **({"tokens": "transcript"} if fields["tokens"] else {})},
        }

    def _of_agent(self, waiting: OpenCall) -> dict[str, Any]:
        """What is known of the agent behind a call."""
        call, state = waiting.call, waiting.state
        message_id = call.started.message_id if call.started else None
        if waiting.usage is None and call.is_over:  # before, it may still grow
            waiting.usage = state.usage_of(message_id)
        usage = waiting.usage
        shown = usage or state.peek_usage(message_id)
        instance = state.instances.get(call.instance_id)
        return {
            "agent": call.agent,
            "agent_version": (instance and instance.agent_version) or state.session.agent_version,
            "agent_instance_id": call.instance_id,
            "model": shown.model if shown else (instance and instance.model) or state.session.model,
            "tokens": dict(usage.tokens) if usage else {},
            "cost": usage.cost if usage else None,
            "tool": call.started.tool if call.started else None,
            "tool_call_id": call.call_id,
        }

    def open(self, waiting: OpenCall) -> None:
        """Show a call while it runs."""
        started = waiting.call.started
        if started is None:
            return
        record = self._record(waiting, started.at or clock.now_ms())
        record["provenance"] = {"timing": f"{started.source}: upper bound"}
        waiting.folder = open_call_run(self._workspace, self._config, record, sync=False)
        waiting.record = record

    def withdraw(self, waiting: OpenCall) -> None:
        """Take back what was shown of a call: a recorder's run stands for it."""
        withdraw_call_run(self._workspace, waiting.folder)
        waiting.folder, waiting.record = "", None

    def write(self, waiting: OpenCall) -> None:
        """Write a call that is over as a run of its own."""
        result = call_result(waiting.call, waiting.told_ms or clock.now_ms())
        record = waiting.record or self._record(waiting, result.start_ms)
        if waiting.record is not None:
            record |= {k: v for k, v in self._of_agent(waiting).items() if v}
        files = self._files(waiting, result)
        truncated = result.truncated and not result.output_path
        record |= {
            "status": result.status,
            "exit_code": result.exit_code,
            "signal": result.signal,
            "start_time": clock.format_iso(max(0, result.start_ms)),
            "end_time": clock.format_iso(max(0, result.end_ms)),
            "duration_ms": max(0, result.end_ms - result.start_ms),
            "error_code": result.error_code,
            "error_message": result.error_message,
            "provenance": {
                **result.provenance,
                **({"tokens": "transcript"} if record["tokens"] else {}),
                **({"truncated": "the agent had cut the output"} if truncated else {}),
            },
        }
        write_call_run(self._workspace, self._config, record, files, self._sync, self._secrets)

    def close(self, run: Run) -> None:
        """End a call that was shown as running, with nothing known of its end."""
        record = self.read_record(run.folder)
        if record is None or record["status"] != "running":
            return
        record |= {
            "status": "cancelled",
            "end_time": record["start_time"],
            "duration_ms": 0,
            "error_code": "ACODE-AGT-013",
            "error_message": "its end is not known",
        }
        write_call_run(self._workspace, self._config, record, {}, self._sync)

    def _record(self, waiting: OpenCall, start_ms: int) -> dict[str, Any]:
        started = waiting.call.started
        line = ((started.command_line if started else "") or waiting.call.call_id)[:MAX_COMMAND]
        shell = started is not None and started.kind == "shell"
        tool = started.tool if started else "call"
        task = task_name(["bash", "-c", line]) if shell else slug(tool) or "call"
        start_ms = max(0, start_ms)
        record = call_record(start_ms, new_ulid(start_ms), task, line)
        state = waiting.state
        instance = state.instances.get(waiting.call.instance_id)
        record |= self._of_agent(waiting)
        record |= {
            "command": line.split(maxsplit=1)[0] if shell and line.strip() else tool,
            "working_directory": (started and started.working_directory)
            or (instance and instance.workspace)
            or state.session.working_directory
            or "",
            "session_id": state.session.session_id,
            "type": _type(started, line),
        }
        if started is not None and started.description:
            record["recorder"] = {**record["recorder"], "description": started.description[:500]}
        return record

    def _files(self, waiting: OpenCall, result: CallResult) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        whole = self._spilled(result.output_path)
        stdout = whole if whole is not None else _encode(result.stdout)
        if stdout is not None:
            files[STDOUT] = stdout
        if result.stderr:
            files[STDERR] = _encode(result.stderr) or b""
        if result.diff:
            files[DIFF] = _encode(result.diff) or b""
        started = waiting.call.started
        if started is not None and started.kind in _KEEPS_INPUT and started.input:
            files[INPUT] = input_file(shown_input(started))
        return {name: self._stored(data) for name, data in files.items()}

    def _stored(self, data: bytes) -> bytes:
        """Return what may be stored of a file; texts of events are masked before, what agents left is not."""
        if not self._redacts or self._secrets is None:
            return data
        from collector.redaction import mask

        return mask(data, self._secrets)

    def _spilled(self, path: str | None) -> bytes | None:
        """Return what an agent wrote beside its transcript; a transcript may name any file, so only that."""
        if path is None:
            return None
        limit = (self._config.max_artifact_bytes or (1 << 30)) + 1
        real = os.path.realpath(path)
        if not any(folder in real for folder in _SPILLS):
            return None
        try:
            fd = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            return file.read(limit)


def _type(started: CallStarted | None, line: str) -> str:
    if started is None:
        return "command"
    if started.kind == "shell":
        return guess_type(["bash", "-c", line])
    return "generate" if started.kind in _GENERATES else "command"


def _encode(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "replace")
