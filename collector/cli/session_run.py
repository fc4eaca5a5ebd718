"""`acode session run`: starts an agent so that everything it does is recorded, and stays out of its way.

The agent keeps the caller's terminal, process group and standard streams: nothing is passed through here.
This process only waits beside it, so that it stops and goes on with it, and ends as it ends. When it is
killed, the agent does not notice.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collector import clock
from collector.capture.command import TAKEN
from collector.capture.process import LAUNCHER_STAT, Ending, SpawnError, spawn
from collector.cli.exec import (
    Options,
    UsageError,
    caller_environment,
    conversation_id,
    current_folder,
    parse_options,
    print_help,
    say,
)
from collector.ids import new_ulid
from collector.workspace import Workspace, find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.config import Config
    from collector.model.session import AgentInstance

HELP = """\
usage: acode session run [OPTIONS] [--] AGENT [ARGUMENT]...

Start an agent and record what it does: its commands, its other calls, its tokens. The agent runs as
without acode, in the same terminal; what it needs is set for this session only.

  --team TEAM      the session is the team's: every agent with the same TEAM belongs to it; what each
                   leaves is kept, and the last to end collects it (acode sessions collections)
  --name NAME      name of this agent within the session
  --role ROLE      its role
  --model MODEL    its model, where the agent does not tell
  --session ID     the session it belongs to (default: ACODE_SESSION_ID, else a new one)
  --workspace DIR  workspace to record into

The exit status is the agent's own; 128+n when signal n ended it, 126 not executable, 127 not found,
125 when acode was used wrongly.
"""
_VALUES = frozenset({"--team", "--name", "--role", "--model", "--session", "--workspace"})
_WRONG_USAGE = 125
_COLLECTOR_SECONDS = 2.0
_TAKEN_IN_SECONDS = 2.0
_LOOK_SECONDS = 0.02


def main(argv: list[str], workspace: str | None = None) -> int:
    """Run `acode session run`; `argv` is what follows. Returns the exit status."""
    if argv and argv[0] in ("-h", "--help"):
        print_help(HELP)
        return 0
    try:
        options = parse_options(argv, _VALUES, flags=())
    except UsageError as error:
        say(f"ACODE-RUN-019: {error}; see 'acode session run --help'")
        return _WRONG_USAGE
    environ = caller_environment()
    here = current_folder()
    given = workspace or options.get("--workspace")
    root = Path(here, given).absolute() if given else find_root(here, environ)
    return _Session(options, environ, Workspace(str(root))).run()


class _Session:
    """One agent from its start to its end, and what the collector is told of it."""

    def __init__(self, options: Options, environ: dict[str, str], workspace: Workspace) -> None:
        self._options = options
        self._workspace = workspace
        self._environ = environ
        self._is_recorded = True
        self._told_argv = list(options.argv)
        self.agent: str | None = None
        now = self._started_at = clock.now_ms()
        team = options.get("--team")
        inherited = environ.get("ACODE_SESSION_ID") or conversation_id(environ)
        self.session_id = team or options.get("--session") or inherited or new_ulid(now)
        self.instance_id = new_ulid(now)

    def run(self) -> int:
        """Prepare, start, wait; whatever cannot be prepared, the agent starts."""
        argv, environ = self._options.argv, dict(self._environ)
        try:
            argv, environ = self._prepare()
        except Exception as error:  # noqa: BLE001 - the agent is what the user asked for
            self._warn(error)
            self._is_recorded = False
        environ[LAUNCHER_STAT] = self._environ.get(LAUNCHER_STAT, "")
        try:
            ending = run_beside(argv, environ, self._tell_start)
        except SpawnError as error:
            codes = {127: "ACODE-RUN-012", 126: "ACODE-RUN-013"}
            say(f"{codes.get(error.exit_status, 'ACODE-RUN-014')}: {error}; check the agent's name and PATH")
            return error.exit_status
        self._tell_end(ending)
        if self._options.get("--team") and self._is_recorded:
            self._keep_team()
        return ending.exit_status

    def _prepare(self) -> tuple[list[str], dict[str, str]]:
        from collector.cli import session_setup
        from collector.daemon.launch import ensure_collector

        config = self._settings()
        if config.get("runs.redact") == "store":
            from collector.record.redacting import mask_arguments, store_rules

            rules = store_rules(config, self._environ)
            self._told_argv = self._told_argv if rules is None else mask_arguments(self._told_argv, rules)
        environ = {name: value for name, value in self._environ.items() if name != LAUNCHER_STAT}
        if not config.enabled:
            self._is_recorded = False
            return self._options.argv, environ
        self._workspace = Workspace(self._workspace.root, config.artifacts_directory)
        self._workspace.create()
        ensure_collector(self._workspace)
        self.agent, position = session_setup.find_agent(self._options.argv)
        environ |= {
            "ACODE_SESSION_ID": self.session_id,
            "ACODE_INSTANCE_ID": self.instance_id,
            "ACODE_WORKSPACE": self._workspace.root,
            "ACODE_AGENT": self.agent or Path(self._options.argv[0]).name,
        }
        setup = session_setup.Setup(list(self._options.argv), environ)
        endpoint = self._endpoint() if self.agent in ("claude-code", "codex") else None
        around = session_setup.surroundings(self._workspace, self._environ, endpoint)
        session_setup.prepare(self.agent, position, setup, around)
        for note in setup.notes:
            say(note)
        return setup.argv, setup.environ

    def _settings(self) -> Config:
        """A mistake in the settings costs a line, not the recording."""
        from collector.config import Config, load_config
        from collector.errors import InputError

        try:
            return load_config(self._workspace.root, self._environ)
        except InputError as error:
            say(f"ACODE-RUN-024: recorded with the default settings, because {error}")
            return Config({})

    def _endpoint(self) -> tuple[int, str] | None:
        """Return where telemetry is taken; a collector that is coming up gets a moment."""
        from collector.daemon.launch import read_pid_file
        from collector.daemon.receiver import read_endpoint

        deadline = time.monotonic() + _COLLECTOR_SECONDS
        while time.monotonic() < deadline:
            running = read_pid_file(self._workspace).running
            endpoint = read_endpoint(self._workspace)
            if running and endpoint is not None:
                return endpoint.port, endpoint.token
            if not running and not Path(self._workspace.collector_starting).exists():
                return None
            time.sleep(_LOOK_SECONDS)
        return None

    # What the collector is told

    def _tell_start(self, pid: int) -> None:
        me = os.getpid()
        self._tell({
            "kind": "started", "session_id": self.session_id, "instance_id": self.instance_id,
            "team": self._options.get("--team"), "name": self._options.get("--name"),
            "role": self._options.get("--role"), "model": self._options.get("--model"),
            "agent": self.agent or Path(self._options.argv[0]).name, "agent_version": None,
            "parent_instance_id": self._environ.get("ACODE_INSTANCE_ID") or None,
            "pid": me, "start_ticks": clock.process_start_ticks(me), "boot_id": clock.boot_id(),
            "agent_pid": pid, "agent_start_ticks": clock.process_start_ticks(pid),
            "started_at": clock.format_iso(clock.now_ms()), "working_directory": current_folder(),
            "argv": self._told_argv,
        })  # fmt: skip

    def _tell_end(self, ending: Ending) -> None:
        letter = self._tell({
            "kind": "ended", "session_id": self.session_id, "instance_id": self.instance_id,
            "ended_at": clock.format_iso(clock.now_ms()), "exit_code": ending.exit_code,
            "signal": ending.signal,
        })  # fmt: skip
        if letter:
            self._wait_until_taken_in(letter)

    def _tell(self, record: dict[str, Any]) -> str:
        """Leave a letter in the inbox; return its path, empty when that was not possible."""
        if not self._is_recorded:
            return ""
        from collector.durable import replace_file

        path = f"{self._workspace.inbox}/{new_ulid(clock.now_ms())}.instance"
        text = json.dumps(record, ensure_ascii=True)
        try:
            replace_file(path, text.encode(), 0o600)
        except OSError as error:
            if record["kind"] == "ended":  # before, the terminal is the agent's
                self._warn(error)
            return ""
        return path

    def _wait_until_taken_in(self, letter: str) -> None:
        """Let the session be whole for whoever looks at it next; no longer than a moment."""
        from collector.daemon.launch import read_pid_file

        deadline = time.monotonic() + _TAKEN_IN_SECONDS
        while Path(letter).exists() and time.monotonic() < deadline:
            if not read_pid_file(self._workspace).running:
                return
            time.sleep(_LOOK_SECONDS)

    def _instance(self) -> AgentInstance:
        from collector.model.session import AgentInstance

        return AgentInstance(
            instance_id=self.instance_id, session_id=self.session_id, name=self._options.get("--name"),
            role=self._options.get("--role"), model=self._options.get("--model"), agent=self.agent,
            parent_instance_id=self._environ.get("ACODE_INSTANCE_ID") or None, created_at=self._started_at,
            terminated_at=clock.now_ms(), status="ended", workspace=current_folder(),
        )  # fmt: skip

    def _keep_team(self) -> None:
        """Keep what this agent leaves; the last of its team collects them all."""
        from collector.agents.teams import collect_team_artifacts, is_team_at_work, preserve_instance

        try:
            preserve_instance(self._instance(), workspace=self._workspace)
            if is_team_at_work(self.session_id, self.instance_id, self._workspace):
                return
            found = collect_team_artifacts(self.session_id, self._workspace)
        except Exception as error:  # noqa: BLE001 - the agent has ended, and that is what counts
            say(f"ACODE-AGT-017: what this agent leaves is not kept: {error}")
            return
        if found["status"] == "error":
            say(f"ACODE-AGT-017: the team was not collected: {found['error']}")
        else:
            say(f"team {self.session_id} collected in {found['artifacts_path']}")

    def _warn(self, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        where = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        say(f"ACODE-AGT-014: this session is not fully recorded: {reason}{where}; the agent is not affected")


# The agent's process


def run_beside(argv: list[str], environ: dict[str, str], on_started: Callable[[int], None]) -> Ending:
    """Run a command in this process's place in the terminal, and wait for its end.

    It is in the same process group, so what the terminal does reaches both. A signal that somebody sends
    to this process is passed on; when the command stops, so does this process.

    Raises:
        SpawnError: it could not be started.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, TAKEN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # else nobody learns how a child ended
    pid = spawn(argv, environ, [], {int(number) for number in mask}, new_session=False)
    on_started(pid)
    while True:
        ending = _reap(pid)
        if ending is not None:
            return ending
        info = signal.sigwaitinfo(TAKEN)
        from_kernel = info.si_code > 0
        if info.si_signo == signal.SIGCONT:
            _continue(pid)
        elif info.si_signo != signal.SIGCHLD and not from_kernel:
            _send(pid, info.si_signo)


def _reap(pid: int) -> Ending | None:
    found, status, usage = os.wait4(pid, os.WNOHANG | os.WUNTRACED)
    if found == 0:
        return None
    if os.WIFSTOPPED(status):
        if signal.SIGCONT not in signal.sigpending():
            os.kill(os.getpid(), signal.SIGSTOP)  # whoever waits for us sees it
        signal.sigtimedwait({signal.SIGCONT}, 0)
        _continue(pid)
        return None
    return Ending(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def _continue(pid: int) -> None:
    """Let the agent go on, unless the signal has reached it by itself."""
    if _is_stopped(pid):
        _send(pid, signal.SIGCONT)


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:1] == [b"T"]
    except OSError:
        return False


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        return
