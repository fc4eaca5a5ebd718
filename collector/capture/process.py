"""Processes: starting one so that it cannot tell, naming how it ended, ending a whole tree."""

from __future__ import annotations

import errno
import os

from collector.clock import process_start_ticks

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
else:  # `signal` imports enum, which costs more than the recorder
    import _signal as signals

NOT_FOUND = 127
NOT_EXECUTABLE = 126
NOT_STARTED = 125
TIMED_OUT = 124

ORDER_SIGNAL = signals.SIGRTMAX
"""What tells of a write where the order of writes is kept (order.py)."""

# Python ignores these two at start; whether the caller did, the launcher tells.
_PYTHON_IGNORES = (signals.SIGPIPE, signals.SIGXFSZ)


FileAction = tuple[int, int] | tuple[int, int, int] | tuple[int, int, str, int, int]
"""What posix_spawn(3) does to the descriptors of the child."""


class SpawnError(Exception):
    """The command could not be started; `exit_status` is what a shell would answer."""

    def __init__(self, command: str, error: OSError) -> None:
        self.exit_status = _spawn_status(error)
        self.reason = "command not found" if self.exit_status == NOT_FOUND else error.strerror or str(error)
        super().__init__(f"{command}: {self.reason}")


def _spawn_status(error: OSError) -> int:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NOT_FOUND
    started_by_us = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
    return NOT_STARTED if error.errno in started_by_us else NOT_EXECUTABLE


def spawn(
    argv: list[str],
    environment: dict[str, str],
    file_actions: list[FileAction],
    mask: set[int],
    new_session: bool,
) -> int:
    """Start a command with the caller's signal mask and dispositions; return its pid.

    A script without an interpreter line is given to `/bin/sh`, as execvp(3) and every shell do.

    Raises:
        SpawnError: with the exit status for it.
    """
    defaults = [s for s in _PYTHON_IGNORES if not was_ignored(environment, s)]
    environment.pop(LAUNCHER_STAT, None)
    command = argv[0]
    try:
        try:
            return os.posix_spawnp(
                command, argv, environment, file_actions=file_actions,
                setsigmask=mask, setsigdef=defaults, setsid=new_session,
            )  # fmt: skip
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            script = _find(command, environment)
            return os.posix_spawn(
                "/bin/sh", ["/bin/sh", script, *argv[1:]], environment, file_actions=file_actions,
                setsigmask=mask, setsigdef=defaults, setsid=new_session,
            )  # fmt: skip
    except ValueError as error:  # an embedded NUL
        raise SpawnError(command, OSError(errno.EINVAL, str(error))) from error
    except OSError as error:
        raise SpawnError(command, _explain(command, environment, error)) from error


LAUNCHER_STAT = "ACODE_LAUNCHER_STAT"
"""Variable in which the launcher passes its /proc/PID/stat from before Python started."""
_SIGIGNORE = 30  # the 33rd field of proc_pid_stat(5), counted from the third


def was_ignored(environment: dict[str, str], signal: int) -> bool:
    """Tell whether the caller ignored a signal when it started the launcher."""
    fields = environment.get(LAUNCHER_STAT, "").rpartition(")")[2].split()
    try:
        return bool(int(fields[_SIGIGNORE]) >> signal - 1 & 1)
    except (IndexError, ValueError):
        return False


def _find(command: str, environment: dict[str, str]) -> str:
    if "/" in command:
        return command
    for folder in environment.get("PATH", os.defpath).split(":"):
        path = os.path.join(folder, command)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return command


def _explain(command: str, environment: dict[str, str], error: OSError) -> OSError:
    """A file that is there but whose interpreter is not is 126, as in every shell."""
    if error.errno == errno.ENOENT and os.path.isfile(_find(command, environment)):
        return OSError(errno.EACCES, "bad interpreter")
    return error


class Ending:
    """How a process ended: `exit_code`, or the `signal` that killed it, and what it used."""

    __slots__ = ("cpu_ms", "exit_code", "max_rss_bytes", "signal")

    def __init__(self, wait_status: int, cpu_seconds: float, max_rss_kib: int) -> None:
        killed = os.WIFSIGNALED(wait_status)
        self.signal = os.WTERMSIG(wait_status) if killed else None
        self.exit_code = None if killed else os.WEXITSTATUS(wait_status)
        self.cpu_ms = round(cpu_seconds * 1000)
        self.max_rss_bytes = max_rss_kib * 1024

    @property
    def exit_status(self) -> int:
        """What a shell's `$?` would be."""
        return 128 + self.signal if self.signal is not None else self.exit_code or 0


def become_subreaper() -> None:
    """Let orphans of the command become our children, so that a tree can be found whole.

    PR_SET_CHILD_SUBREAPER (prctl(2)); where it does not exist, the marker in the environment is left.
    """
    try:
        from ctypes import CDLL

        CDLL(None).prctl(36, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return


OF_NO_TREE = "ACODE_OF_NO_TREE=1"
"""What the environment of a process holds that serves others too: the collector."""


class Tree:
    """A command and everything that descends from it, however it was detached.

    Found by parent pid, and by a marker in the environment that a daemon inherits; a process is only
    ever signalled through a descriptor that was opened before its identity was checked, so that a
    reused pid is never hit.
    """

    def __init__(self, root: int, marker: str) -> None:
        self._root = root
        self._marker = marker.encode()

    def members(self) -> dict[int, int]:
        """Return the pids alive now, each with its start time in ticks."""
        parents: dict[int, int] = {}
        marked: set[int] = set()
        spared: set[int] = set()
        for name in os.listdir("/proc"):
            if name.isdigit():
                pid = int(name)
                parents[pid] = _parent(pid)
                environment = _environment(pid)
                if self._marker in environment:
                    marked.add(pid)
                if OF_NO_TREE.encode() in environment:
                    spared.add(pid)
        ours = marked | {self._root, *(p for p, parent in parents.items() if parent == os.getpid())}
        grown = True
        while grown:
            more = {p for p, parent in parents.items() if parent in ours and p not in ours}
            ours |= more
            grown = bool(more)
        ours -= {os.getpid(), *spared}
        ticks = {pid: process_start_ticks(pid) for pid in ours}
        return {pid: start for pid, start in ticks.items() if start}

    def signal(self, signal: int) -> int:
        """Send a signal to every member; return how many there were."""
        members = self.members()
        for pid, start in members.items():
            send_signal(pid, start, signal)
        return len(members)


def send_signal(pid: int, start_ticks: int, signal: int) -> None:
    """Signal the very process that started then, or nobody."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if process_start_ticks(pid) == start_ticks:
            signals.pidfd_send_signal(fd, signal)
    except OSError:
        return
    finally:
        os.close(fd)


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _environment(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:
            return environ.read()
    except OSError:
        return b""
