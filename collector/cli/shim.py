"""What stands in for a shell of a coding agent: runs the command as the shell would, and records it.

bin/acode-shim starts this with `MODE SHELL NAME ARGUMENT...`: SHELL is the program, the rest its argument
vector. Modes: `prefix` (Claude Code gives every shell line it runs to CLAUDE_CODE_SHELL_PREFIX), `shell`
(a link named bash in PATH or SHELL), `startup` (the BASH_ENV file, for Codex).

The agent must never notice. Until the command has been started anything that fails makes this process
become the shell; afterwards nothing is said, and the process ends just as the command did, by the same
signal if need be.
"""

from __future__ import annotations

import os
import sys

from collector.capture.process import LAUNCHER_STAT, was_ignored
from collector.cli.exec import Job, Options, caller_environment, current_folder
from collector.workspace import FOLDER, SHELL_LINKS, find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
    from collections.abc import Iterable
    from typing import NoReturn

    from collector.capture.command import Command
    from collector.record.recorder import Plan
else:  # `signal` imports enum, which costs more than the recorder
    import _signal as signals

_PLAIN_SHELL = "/bin/sh"
_LINKS = f"/{FOLDER}{SHELL_LINKS}"
_TOOLS = {
    "claude-code": "Bash", "codex": "exec_command", "gemini": "run_shell_command", "opencode": "bash",
}  # fmt: skip
_CONVERSATION_VARIABLES = {"claude-code": "CLAUDE_CODE_SESSION_ID", "codex": "CODEX_THREAD_ID"}
_CALL_VARIABLES = {"codex": "CODEX_TOOL_CALL_ID", "opencode": "ACODE_TOOL_CALL_ID"}
_IN_SANDBOX = "CODEX_SANDBOX_NETWORK_DISABLED"
_PYTHON_IGNORES = (signals.SIGPIPE, signals.SIGXFSZ)
_DUMPS_CORE = (
    signals.SIGQUIT, signals.SIGILL, signals.SIGABRT, signals.SIGFPE, signals.SIGSEGV, signals.SIGBUS,
    signals.SIGTRAP, signals.SIGSYS, signals.SIGXCPU, signals.SIGXFSZ,
)  # fmt: skip


class Call:
    """What the agent asked for: a shell with its arguments, and the command that this is.

    `command` is None where nothing is recorded.
    """

    def __init__(self, mode: str, program: str, argv: list[str], environ: dict[str, str]) -> None:
        self.program = program
        self.argv = argv
        self.environ = environ
        self.agent = "claude-code" if mode == "prefix" else environ.get("ACODE_AGENT", "")
        text = argv[2]
        self.command = _command(mode, self.agent, text)
        if self.command is None and mode == "prefix":
            self.program, self.argv = _PLAIN_SHELL, [_PLAIN_SHELL, "-c", text]

    def complete(self, plan: Plan) -> None:
        """Add what the agent's surroundings say of the run."""
        from collector.cli.shell_line import name_and_type

        command = self.command or ""
        plan.kind = "shim"
        plan.command_line = command
        plan.task, plan.type = name_and_type(command)
        plan.agent = self.agent or None
        plan.tool = _TOOLS.get(self.agent)
        plan.tool_call_id = self._variable(_CALL_VARIABLES)
        # One agent may have been started by another, whose variables are still there.
        plan.conversation_id = self._variable(_CONVERSATION_VARIABLES)
        plan.session_id = self.environ.get("ACODE_SESSION_ID") or plan.conversation_id

    def _variable(self, names: dict[str, str]) -> str | None:
        return self.environ.get(names.get(self.agent, "")) or None


def _command(mode: str, agent: str, text: str) -> str | None:
    if mode == "startup" or agent not in ("claude-code", "gemini"):
        return text
    from collector.cli.shell_line import claude_command, gemini_command

    return gemini_command(text) if mode == "shell" else claude_command(text)


def run() -> NoReturn:
    """Run what the launcher was given; never returns."""
    mask = signals.pthread_sigmask(signals.SIG_BLOCK, [])
    mode, program, *argv = sys.argv[1:]
    environ = caller_environment()
    ignored: set[int] = {number for number in _PYTHON_IGNORES if was_ignored(environ, number)}
    job: Job | None = None
    try:
        _leave_links(mode, environ)
        call = Call(mode, program, argv, environ)
        program, argv = call.program, call.argv
        if call.command is not None:
            job = _job(call)
            job.run()
            job.finish()
    except BaseException:  # noqa: BLE001 - whatever it is: the command runs
        if job is not None and job.command.pid and job.ending is None:
            _wait_without_recording(job.command)
    if job is not None and job.ending is not None:
        leave(job.ending.signal, job.exit_status)
    environ.pop(LAUNCHER_STAT, None)
    become(program, argv, environ, mask, ignored)


def _job(call: Call) -> Job:
    options = Options()
    options.quiet = True
    options.argv = call.argv
    environ = dict(call.environ)
    root = find_root(current_folder(), environ)
    job = Job(options, environ, root, call.complete, starts_collector=_IN_SANDBOX not in environ)
    job.prepare()
    return job


def _leave_links(mode: str, environ: dict[str, str]) -> None:
    """Give the command the caller's own shells back: those that it starts are no commands of the agent."""
    if mode == "prefix":
        return
    folders = environ.get("PATH", "").split(":")
    own = ":".join([folder for folder in folders if not folder.endswith(_LINKS)])
    if "PATH" in environ:
        environ["PATH"] = os.environ["PATH"] = own  # a name is looked up in the one of this process
    for name in ("SHELL", "BASH_ENV"):
        before = environ.pop(f"ACODE_{name}", None)
        if before:
            environ[name] = before
        elif before is not None:
            environ.pop(name, None)
    environ.pop("ACODE_OUTER_RUN", None)


def _wait_without_recording(command: Command) -> NoReturn:
    """The command runs and something here is broken: what is left is to end as it does."""
    try:
        ending = command.wait()
    except OSError:
        os._exit(1)
    leave(ending.signal, ending.exit_status)


def leave(signal: int | None, status: int) -> NoReturn:
    """End by a signal, as the command did, or with its exit status.

    An agent tells the two apart, and an exit status of 137 is not what it would have seen.
    """
    if signal is not None:
        if signal in _DUMPS_CORE:
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the core is the command's
        if signal not in (signals.SIGKILL, signals.SIGSTOP):
            signals.signal(signal, signals.SIG_DFL)
        signals.pthread_sigmask(signals.SIG_UNBLOCK, [signal])
        os.kill(os.getpid(), signal)
    os._exit(status)


def become(
    program: str, argv: list[str], environ: dict[str, str], mask: Iterable[int], ignored: set[int]
) -> NoReturn:
    """Become the shell, with everything about signals as it was before this interpreter began."""
    for number in _PYTHON_IGNORES:
        signals.signal(number, signals.SIG_IGN if number in ignored else signals.SIG_DFL)
    signals.pthread_sigmask(signals.SIG_SETMASK, mask)
    try:
        os.execve(program, argv, environ)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode("utf-8", "replace"))
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)
