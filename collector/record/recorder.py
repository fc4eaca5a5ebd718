"""The recorder: one thread that turns the events of one command into a run folder.

It starts after the command, imports and touches the disk while the command runs, and cannot fail it:
whatever goes wrong is kept as a warning for the end. The order is what makes a crash harmless:

    folder, run.json (running), announcement        the run is known
    streams, as they come                           what was captured survives
    streams durable, run.json (finished) durable    the run is finished, from here on for ever
    announcement                                    the collector hears of it

Where `runs.redact` is `store`, secrets are masked before anything of them is written; a stream is then as
far behind as the engine must wait to see a secret whole.
"""

from __future__ import annotations

import _thread
import fcntl
import os

from collector import clock, durable
from collector.capture.events import STDERR, STDOUT, Empty, EventQueue, OutputEvent
from collector.config import Config, load_config
from collector.errors import InputError
from collector.record import describe, spool
from collector.record.folder import make_run_folder, point_latest
from collector.record.run_json import SCHEMA_VERSION, Json, artifact_entry, write_run_json
from collector.record.streams import OutputIndex, Stream
from collector.workspace import OUTPUT_INDEX, Workspace
from collector.workspace import STDERR as STDERR_TXT
from collector.workspace import STDOUT as STDOUT_TXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.redaction import Rules, StreamRedactor

_IDLE_SECONDS = 0.05
_MAX_ARGV = 4096
"""Characters of what was really run that are kept beside what is shown."""
STREAM_FILES = ((STDOUT, "stdout", STDOUT_TXT), (STDERR, "stderr", STDERR_TXT))


class Plan:
    """What is known of a run before its command starts; plain values.

    `command_line` is what to show where that is not `argv`: what an agent's model wrote, without what the
    agent put around it. `collect` are patterns of files to collect besides the usual ones, None for no files
    at all. `kind` says who records (`exec`, or `shim` within an agent's shell), `tool_call_id`
    and `conversation_id` are the agent's own ids.
    """

    def __init__(self, argv: list[str], run_id: str, environ: dict[str, str]) -> None:
        self.argv = argv
        self.run_id = run_id
        self.environ = environ
        self.task: str | None = None
        self.type: str | None = None
        self.session_id: str | None = None
        self.task_id: str | None = None
        self.parent_run_id: str | None = None
        self.agent_instance_id: str | None = None
        self.command_line: str | None = None
        self.kind = "exec"
        self.agent: str | None = None
        self.tool: str | None = None
        self.tool_call_id: str | None = None
        self.conversation_id: str | None = None
        self.tags: dict[str, str] = {}
        self.collect: list[str] | None = []
        self.working_directory = ""
        self.context = "host"


class Result:
    """How a run ended, as `run.json` says it."""

    def __init__(self, status: str, end_ms: int, duration_ms: int) -> None:
        self.status = status
        self.end_ms = end_ms
        self.duration_ms = duration_ms
        self.exit_code: int | None = None
        self.signal: int | None = None
        self.error_code: str | None = None
        self.error_message: str | None = None
        self.cpu_ms: int | None = None
        self.max_rss_bytes: int | None = None


class Recorder:
    """Records one command; started once, finished once, never raises.

    Args:
        workspace_root: where the run belongs.
        plan: what is known of it.
        queue: where its output comes from.
        on_begun: called once the run is announced, to start a collector.
    """

    def __init__(
        self,
        workspace_root: str,
        plan: Plan,
        queue: EventQueue,
        on_begun: Callable[[Workspace], None],
    ) -> None:
        self._on_begun = on_begun
        self._root = workspace_root
        self._plan = plan
        self._queue = queue
        self._result: Result | None = None
        self._finished = _thread.allocate_lock()
        self._finished.acquire()
        self._record: dict[str, Json] = {}
        self._streams: dict[int, Stream] = {}
        self._index: OutputIndex | None = None
        self._rules: Rules | None = None
        self._redactors: dict[int, StreamRedactor] = {}
        self._last_us = 0
        self._folder = ""
        self._place = ""
        self._file_mode = 0o644
        self.workspace: Workspace | None = None
        self.warning = ""

    def start(self, pid: int | None, start_ms: int, start_us: int) -> None:
        """Begin to record, in a thread of its own.

        Args:
            pid: the command, or None when it could not be started.
            start_ms: when it started, wall clock.
            start_us: when it started, monotonic clock.
        """
        _thread.start_new_thread(self._run, (pid, start_ms, start_us))

    def finish(self, result: Result, patience_seconds: float) -> bool:
        """Say how the command ended, and wait until the record is durable.

        Returns:
            False when the disk kept us waiting for longer than we are willing to.
        """
        self._result = result
        self._queue.close()
        return self._finished.acquire(timeout=patience_seconds)

    def _run(self, pid: int | None, start_ms: int, start_us: int) -> None:
        try:
            try:
                self._begin(pid, start_ms, start_us)
            except Exception as error:  # noqa: BLE001 - recording has no errors, only warnings
                self._warn(error)
            self._consume()
            if self._record:
                self._end()
        except Exception as error:  # noqa: BLE001
            self._warn(error)
        finally:
            self._finished.release()

    # The beginning

    def _begin(self, pid: int | None, start_ms: int, start_us: int) -> None:
        config = self._settings()
        if not config.enabled:
            return
        if config.get("runs.redact") == "store":
            self._mask(config)
        workspace = Workspace(self._root, config.artifacts_directory)
        workspace.create()
        self._file_mode = config.file_mode
        plan = self._plan
        task = plan.task or describe.task_name(plan.argv)
        self._place = make_run_folder(workspace.artifacts, task, start_ms, config.dir_mode, config.is_dated)
        self._folder = workspace.run_folder(self._place)
        tail = config.truncate == "head_tail"
        for stream, _, file_name in STREAM_FILES:
            path = os.path.join(self._folder, file_name)
            self._streams[stream] = Stream(path, config.max_artifact_bytes, tail, self._file_mode)
        self._index = OutputIndex(os.path.join(self._folder, OUTPUT_INDEX), self._file_mode, start_us)
        self._streams[STDOUT].hold_lock()
        record = first_record(plan, os.path.basename(self._place), task, pid, start_ms)
        chosen = describe.select_environment(plan.environ, config.environment)
        record["environment"] = self._masked(dict(chosen))
        write_run_json(self._folder, record, self._file_mode, sync=False)
        self._record = record
        self.workspace = workspace
        spool.announce(workspace.spool, spool.RUN, self._place)
        point_latest(workspace.latest, self._place)
        if config.autostart:
            self._on_begun(workspace)
        durable.sync_directory(os.path.dirname(self._folder))  # the folder's own name, while the command runs

    def _settings(self) -> Config:
        """A mistake in the settings costs a warning, not the recording; nor is a secret stored for it."""
        try:
            return load_config(self._root, self._plan.environ)
        except InputError as error:
            self.warning = f"recorded with the default settings and redacted, because {error}"
            return Config({"runs.redact": ("store", "default")})

    def _mask(self, config: Config) -> None:
        """From here on nothing that looks like a secret is kept, or even named."""
        from collector.record.redacting import mask_plan, store_rules
        from collector.redaction import StreamRedactor

        self._rules = rules = store_rules(config, self._plan.environ)
        if rules is not None:
            mask_plan(self._plan, rules)
            self._redactors = {stream: StreamRedactor(rules) for stream, _, _ in STREAM_FILES}

    def _masked(self, value: Json) -> Json:
        if self._rules is None:
            return value
        from collector.record.redacting import mask_value

        masked: Json = mask_value(value, self._rules)
        return masked

    # The stream

    def _consume(self) -> None:
        wait: float | None = None
        while True:
            try:
                event = self._queue.get(wait)
            except Empty:
                if self._index is not None:
                    self._index.flush()
                wait = None
                continue
            if event is None:
                return
            if self._streams:
                self._keep(event)
            wait = _IDLE_SECONDS

    def _keep(self, event: OutputEvent) -> None:
        us, stream, data = event
        if self._redactors:
            data = self._redactors[stream].feed(data)
            self._last_us = us
        self._write(us, stream, data)

    def _write(self, us: int, stream: int, data: bytes) -> None:
        kept = self._streams[stream].write(data) if data else 0
        if kept and self._index is not None:
            self._index.add(us, stream, kept)

    # The end

    def _end(self) -> None:
        result, workspace = self._result, self.workspace
        if result is None or workspace is None:
            return
        for stream, redactor in self._redactors.items():
            self._write(self._last_us, stream, redactor.finish())
        if self._index is not None:
            self._index.close()
        artifacts: list[Json] = []
        for stream, kind, file_name in STREAM_FILES:
            self._streams[stream].finish(self._queue.lost_bytes(stream))
            entry = stream_artifact(self._plan.run_id, kind, file_name, self._streams[stream], result)
            artifacts.append(entry | self._redacted(stream, entry["metadata"]))
        last = last_fields(result)
        self._record |= {**last, "error_message": self._masked(last["error_message"])}
        self._record["artifacts"] = artifacts
        write_run_json(self._folder, self._record, self._file_mode, sync=True)
        spool.announce(workspace.spool, spool.END, self._place)
        lost = [s for s in self._streams.values() if s.lost_bytes]
        if lost:
            total = sum(s.lost_bytes for s in lost)
            self.warning = f"{total} bytes of output were not recorded: {lost[0].reason}"

    def _redacted(self, stream: int, metadata: Json) -> dict[str, Json]:
        """Say how many secrets a stream had; the sealer does not find them any more."""
        found = dict(self._redactors[stream].findings) if stream in self._redactors else {}
        if not found or not isinstance(metadata, dict):
            return {}
        counts: dict[str, Json] = dict(found)
        return {"metadata": {**metadata, "redacted": counts}}

    def _warn(self, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        where = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        self.warning = self.warning or f"this run is not fully recorded: {reason}{where}"


def first_record(plan: Plan, name: str, task: str, pid: int | None, start_ms: int) -> dict[str, Json]:
    """Return run.json as it is while the command runs."""
    record: dict[str, Json] = {
        "schema_version": SCHEMA_VERSION,
        "run_id": plan.run_id,
        "name": name,
        "task": task,
        **_command_fields(plan),
        "working_directory": plan.working_directory,
        "status": "running",
        "exit_code": None,
        "signal": None,
        "start_time": clock.format_iso(start_ms),
        "end_time": None,
        "duration_ms": None,
        "session_id": plan.session_id,
        "task_id": plan.task_id,
        "parent_run_id": plan.parent_run_id,
        "agent_instance_id": plan.agent_instance_id,
        "tool": plan.tool,
        "tool_call_id": plan.tool_call_id,
        "type": plan.type or describe.guess_type(plan.argv),
        "context": plan.context,
        "operating_mode": plan.environ.get("ACODE_OPERATING_MODE"),
        "container_id": None,
        "error_code": None,
        "error_message": None,
        "environment": {},
        "tags": dict(plan.tags),
        "workspace_id": None,
        "agent": plan.agent or plan.environ.get("ACODE_AGENT"),
        "agent_version": None,
        "model": None,
        "tokens": {},
        "cost": None,
        "cpu_ms": None,
        "max_rss_bytes": None,
        "host": os.uname().nodename,
        "pid": pid,
        "artifacts": [],
        "provenance": {},
        "metrics": {},
        "summary": {},
        "skipped": [],
        "note": None,
    }
    record["recorder"] = _recorder_fields(plan)
    return record


def _command_fields(plan: Plan) -> dict[str, Json]:
    """An agent's command is a text for a shell: its words are the shell's to split."""
    if plan.command_line is None:
        line, arguments = describe.command_line(plan.argv), plan.argv[1:]
        return {"command": plan.argv[0], "arguments": list(arguments), "command_line": line}
    first = plan.command_line.split(maxsplit=1)[:1] or [plan.argv[0]]
    return {"command": first[0], "arguments": [], "command_line": plan.command_line}


def _recorder_fields(plan: Plan) -> dict[str, Json]:
    me = os.getpid()
    fields: dict[str, Json] = {
        "kind": plan.kind,
        "pid": me,
        "start_ticks": clock.process_start_ticks(me),
        "boot_id": clock.boot_id(),
    }
    if plan.collect != []:
        fields["collect"] = False if plan.collect is None else list(plan.collect)
    if plan.conversation_id is not None:
        fields["conversation_id"] = plan.conversation_id
    if plan.command_line is not None and sum(map(len, plan.argv)) <= _MAX_ARGV:
        fields["argv"] = list(plan.argv)
    return fields


def last_fields(result: Result) -> dict[str, Json]:
    """Return the fields that the end of a run adds to its record."""
    return {
        "status": result.status,
        "exit_code": result.exit_code,
        "signal": result.signal,
        "end_time": clock.format_iso(result.end_ms),
        "duration_ms": result.duration_ms,
        "error_code": result.error_code,
        "error_message": result.error_message,
        "cpu_ms": result.cpu_ms,
        "max_rss_bytes": result.max_rss_bytes,
        "provenance": {"exit_code": "recorder", "timing": "recorder", "output": "recorder"},
    }


def stream_artifact(
    run_id: str, kind: str, file_name: str, stream: Stream, result: Result
) -> dict[str, Json]:
    """Return the artifact entry of a stream; the collector adds the checksum."""
    entry = artifact_entry(run_id, kind, file_name, stream.stored_bytes, result.end_ms)
    entry["original_size_bytes"] = stream.total_bytes
    if stream.cut_bytes or stream.lost_bytes:
        entry["truncated"] = True
        entry["truncation_reason"] = "size_limit" if stream.cut_bytes else f"not recorded: {stream.reason}"
    if stream.lost_bytes:
        entry["metadata"] = {"lost_bytes": stream.lost_bytes}
    return entry


def is_recorder_alive(folder: str, recorder: dict[str, Json]) -> bool:
    """Tell whether a run is still being recorded.

    Alive means: the recorder's process is the one that was noted, or somebody holds the lock on the
    stream; the lock also speaks for a recorder in another pid namespace or on another machine that shares
    the file system, where its pid says nothing.
    """
    if recorder.get("kind") == "agent":
        return True  # whoever takes in what agents say ends it
    pid, ticks, boot = recorder.get("pid"), recorder.get("start_ticks"), recorder.get("boot_id")
    return (
        isinstance(pid, int)
        and isinstance(ticks, int)
        and isinstance(boot, str)
        and clock.is_process_alive(pid, ticks, boot)
    ) or _is_locked(os.path.join(folder, STDOUT_TXT))


def _is_locked(path: str) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(fd)
