"""`acode exec` and `acode task run`: run a command as if acode were not there, and record it.

This file is on the way to every recorded command, so it parses its few options by hand and imports the
recorder only once the command is running.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from collector.capture.command import Command
from collector.capture.events import EventQueue
from collector.capture.process import LAUNCHER_STAT, NOT_STARTED, TIMED_OUT, Ending, SpawnError
from collector.ids import new_ulid
from collector.workspace import find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from collector.record.recorder import Plan, Recorder, Result
    from collector.workspace import Workspace

HELP = """\
usage: acode exec [OPTIONS] [--] COMMAND [ARGUMENT]...

Run a command exactly as without acode, and record it.

  --task NAME         name of the run (default: taken from the command)
  --type TYPE         command, build, test or generate (default: guessed)
  --session ID        session the run belongs to (default: ACODE_SESSION_ID, else the agent's own)
  --task-id ID        your own identifier for correlation
  --tag NAME[=VALUE]  tag the run; may be repeated
  --timeout DURATION  end the command and all its descendants after 90s, 5m, 1h ...
  --grace DURATION    time between SIGTERM and SIGKILL (default: 10s)
  --cwd DIR           run in this directory
  --context CONTEXT   host (the only one so far)
  --collect GLOB      also record files that match, once it has ended; may be repeated
  --no-collect        record no files besides the streams
  --quiet             no warning when recording fails
  --workspace DIR     workspace to record into

The exit status is the command's own; 128+n when signal n ended it, 124 on a timeout,
126 not executable, 127 not found, 125 when acode itself could not start it.
"""
_VALUES = frozenset({
    "--task", "--type", "--session", "--task-id", "--tag", "--timeout", "--grace", "--cwd", "--context",
    "--collect", "--workspace",
})  # fmt: skip
FLAGS = frozenset({"--quiet", "--no-collect"})
"""Options without a value."""
_LATER = frozenset({"--image"})
_TYPES = ("command", "build", "test", "generate")
_CONVERSATION_VARIABLES = ("CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID")
_PATIENCE_SECONDS = 5.0
_SIGINT = 2


class UsageError(Exception):
    """What was typed is not a use of `acode exec`."""


class Options:
    """The options of one call; each value as it was typed."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.collect: list[str] = []
        self.collects = True
        self.quiet = False
        self.argv: list[str] = []

    def get(self, name: str) -> str | None:
        """Return an option's value."""
        return self.values.get(name)


def parse_options(
    arguments: list[str], values: Collection[str] = _VALUES, flags: Collection[str] = FLAGS
) -> Options:
    """Parse everything after the verb; the first word that is no option begins the command.

    Args:
        arguments: what was typed.
        values: the options that have a value.
        flags: those that have none.

    Raises:
        UsageError: saying what is wrong.
    """
    options = Options()
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        name, equals, value = rest.pop(0).partition("=")
        if name == "--" and not equals:
            break
        if name in flags and not equals:
            options.quiet = options.quiet or name == "--quiet"
            options.collects = options.collects and name != "--no-collect"
        elif name in values:
            if not equals and not rest:
                raise UsageError(f"{name} needs a value")
            _set(options, name, value if equals else rest.pop(0))
        elif name in _LATER:
            raise UsageError(f"{name} is not available in this version")
        else:
            raise UsageError(f"unknown option {name!r}")
    if not rest:
        raise UsageError("no command given")
    options.argv = rest
    return options


def _set(options: Options, name: str, value: str) -> None:
    if name == "--tag":
        from collector.tags import parse_tag

        try:
            key, options.tags[key] = parse_tag(value)
        except ValueError as error:
            raise UsageError(f"--tag: {error}") from None
        return
    if name == "--collect":
        options.collect.append(value)
        return
    if name == "--type" and value not in _TYPES:
        raise UsageError(f"--type {value!r} is not one of {', '.join(_TYPES)}")
    if name == "--context" and value != "host":
        raise UsageError(f"--context {value!r} is not available in this version")
    options.values[name] = value


def print_help(text: str) -> None:
    """Print a help text, for whoever still reads it."""
    try:
        os.write(1, text.encode())
    except OSError:
        return


def main(argv: list[str], workspace: str | None = None) -> int:
    """Run `acode exec`; `argv` is what follows the verb. Returns the exit status.

    The caller should leave by `os._exit`: a thread may still wait for a stuck disk.
    """
    if argv and argv[0] in ("-h", "--help"):
        print_help(HELP)
        return 0
    try:
        options = parse_options(argv)
        timeout = _seconds(options.get("--timeout"))
        grace = _seconds(options.get("--grace"))
    except (UsageError, ValueError) as error:
        say(f"ACODE-RUN-019: {error}; see 'acode exec --help'")
        return NOT_STARTED
    return run(options, workspace or options.get("--workspace"), timeout, grace)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    from collector.errors import InputError
    from collector.query.times import parse_duration

    try:
        return parse_duration(text) / 1000
    except InputError as error:
        raise UsageError(error.message) from error


def run(options: Options, workspace: str | None, timeout: float | None, grace: float | None) -> int:
    """Run and record one command."""
    environ = caller_environment()
    here = current_folder()
    root = os.path.abspath(os.path.join(here, workspace or find_root(here, environ)))
    try:
        if options.get("--cwd") is not None:
            os.chdir(options.get("--cwd") or ".")
    except OSError as error:
        say(f"ACODE-RUN-014: cannot run in {error.filename!r}: {error.strerror}; check --cwd")
        return NOT_STARTED
    job = Job(options, environ, root)
    job.prepare(timeout, grace)
    job.run()
    if job.failure is not None:
        say(f"{_spawn_code(job.failure)}: {job.failure}; check the command's name and PATH")
    if unpassed := job.command.unpassed_output():
        say(f"ACODE-RUN-028: not all output could be passed on ({unpassed}); check where it goes")
    job.finish()
    return job.exit_status


class Job:
    """One command to run and record.

    Args:
        options: what was asked for.
        environ: the caller's environment.
        root: the workspace to record into.
        complete: told of the plan, to add what is known besides; called once the command runs.
        starts_collector: whether a collector may be started.
    """

    def __init__(
        self,
        options: Options,
        environ: dict[str, str],
        root: str,
        complete: Callable[[Plan], None] | None = None,
        starts_collector: bool = True,
    ) -> None:
        self._options = options
        self._environ = environ
        self._root = root
        self._complete = complete
        self._starts_collector = starts_collector
        self._run_id = new_ulid(time.time_ns() // 1_000_000)
        self._queue = EventQueue()
        self._recorder: Recorder | None = None
        self._trouble = ""
        self.failure: SpawnError | None = None
        self.ending: Ending | None = None
        self.command: Command

    def prepare(self, timeout: float | None = None, grace: float | None = None) -> None:
        """Make everything ready; nothing has happened yet."""
        gc.disable()  # nothing here makes cycles, and looking for them costs a millisecond
        child_environ = _child_environment(self._environ, self._options, self._run_id)
        self._environ.pop(LAUNCHER_STAT, None)
        self.command = Command(
            self._options.argv, child_environ, f"ACODE_RUN_ID={self._run_id}", self._queue, timeout,
            **({} if grace is None else {"grace": grace}),
        )  # fmt: skip

    def run(self) -> None:
        """Start the command and wait for it, recording meanwhile."""
        sys.setswitchinterval(0.0001)  # the relays must not wait while something is imported
        try:
            self.command.start()
        except SpawnError as error:
            self.failure = error
        self._start_recorder()
        if self.failure is None:
            self.ending = self.command.wait()

    def _start_recorder(self) -> None:
        command = self.command
        try:
            from collector.record.recorder import Recorder

            plan = _plan(self._options, self._environ, self._run_id)
            if self._complete is not None:
                self._complete(plan)
            on_begun = _start_collector if self._starts_collector else _start_nothing
            recorder = Recorder(self._root, plan, self._queue, on_begun)
            recorder.start(command.pid or None, command.start_ms, command.start_us)
        except Exception as error:  # noqa: BLE001 - recording has no errors, only warnings
            self._trouble = str(error)
            return
        self._recorder = recorder

    def finish(self) -> None:
        """Wait until the record is durable; what went wrong is one line."""
        warning = self._trouble
        if self._recorder is not None:
            result = _result(self.command, self.ending, self.failure)
            in_time = self._recorder.finish(result, _PATIENCE_SECONDS)
            late = "the disk does not answer; this run is not recorded"
            warning = self._recorder.warning if in_time else late
        warning = warning or self.command.trouble
        if warning and not self._options.quiet:
            say(f"ACODE-RUN-024: {warning}; the command itself was not affected")

    @property
    def exit_status(self) -> int:
        """What the caller is told."""
        return _exit_status(self.command, self.ending, self.failure)


def current_folder() -> str:
    """Return the current folder; one that was removed has no other name."""
    try:
        return os.getcwd()
    except OSError:
        return "/proc/self/cwd"


def caller_environment() -> dict[str, str]:
    """Return the environment as acode was given it.

    In the C locale Python adds LC_CTYPE to its own environment before our first line (PEP 538).
    """
    environ = dict(os.environ)
    if environ.get("LC_CTYPE") == "C.UTF-8":
        try:
            with open("/proc/self/environ", "rb") as given:
                if b"\0LC_CTYPE=" not in b"\0" + given.read():
                    del environ["LC_CTYPE"]
        except OSError:
            return environ
    return environ


def _child_environment(environ: dict[str, str], options: Options, run_id: str) -> dict[str, str]:
    child = {**environ, "ACODE_RUN_ID": run_id}
    session = options.get("--session")
    if session:
        child["ACODE_SESSION_ID"] = session
    return child


def _start_collector(workspace: Workspace) -> None:
    from collector.daemon.launch import ensure_collector

    ensure_collector(workspace)


def _start_nothing(workspace: Workspace) -> None:
    pass


def _plan(options: Options, environ: dict[str, str], run_id: str) -> Plan:
    from collector.record.recorder import Plan

    plan = Plan(options.argv, run_id, environ)
    plan.task = options.get("--task")
    plan.type = options.get("--type")
    plan.conversation_id = conversation_id(environ)
    plan.session_id = options.get("--session") or environ.get("ACODE_SESSION_ID") or plan.conversation_id
    plan.task_id = options.get("--task-id")
    plan.parent_run_id = environ.get("ACODE_RUN_ID") or None
    plan.agent_instance_id = environ.get("ACODE_INSTANCE_ID") or None
    plan.tags = options.tags
    plan.collect = options.collect if options.collects else None
    plan.working_directory = current_folder()
    return plan


def conversation_id(environ: dict[str, str]) -> str | None:
    """Return the agent's own id of the conversation that a command belongs to."""
    for name in _CONVERSATION_VARIABLES:
        if environ.get(name):
            return environ[name]
    return None


def _exit_status(command: Command, ending: Ending | None, failure: SpawnError | None) -> int:
    if failure is not None:
        return failure.exit_status
    if command.timed_out:
        return TIMED_OUT
    return ending.exit_status if ending is not None else NOT_STARTED


def _spawn_code(failure: SpawnError) -> str:
    codes = {127: "ACODE-RUN-012", 126: "ACODE-RUN-013"}
    return codes.get(failure.exit_status, "ACODE-RUN-014")


def _result(command: Command, ending: Ending | None, failure: SpawnError | None) -> Result:
    from collector.record.recorder import Result

    end_us = command.end_us or time.monotonic_ns() // 1000
    duration_ms = max(0, end_us - command.start_us) // 1000
    result = Result("failure", command.start_ms + duration_ms, duration_ms)
    if failure is not None:
        result.exit_code = failure.exit_status
        result.error_code, result.error_message = _spawn_code(failure), str(failure)
        return result
    if ending is None:
        return result
    result.signal = ending.signal
    result.cpu_ms, result.max_rss_bytes = ending.cpu_ms, ending.max_rss_bytes
    if command.timed_out:
        result.status = "timeout"
        result.error_code = "ACODE-RUN-015"
        result.error_message = f"ended after its time limit, at {duration_ms / 1000:.1f} s"
    elif _was_cancelled(command, ending):
        result.status = "cancelled"
        result.error_message = f"interrupted by signal {ending.signal}"
    else:
        result.exit_code = ending.exit_status
        result.status = "success" if ending.exit_status == 0 else "failure"
        if ending.signal is not None:
            result.error_message = f"killed by signal {ending.signal}"
    return result


def _was_cancelled(command: Command, ending: Ending) -> bool:
    """SIGINT is always somebody's wish; other signals when they came through us."""
    return ending.signal is not None and ending.signal in (_SIGINT, command.interrupted_by)


def say(line: str) -> None:
    """Print one line to stderr; nobody listening is no error."""
    text = "".join([c if c.isprintable() else "\ufffd" for c in line])
    try:
        os.write(2, f"acode: {text}\n".encode("utf-8", "replace"))
    except OSError:
        return
