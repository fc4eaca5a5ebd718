"""Running one command: the loop that waits for signals, the command's end and the time limit.

Signals are blocked in every thread and taken one by one with sigtimedwait(2): no handler runs in the
middle of anything, and who sent a signal is known. One that the terminal sent has reached the command
by itself; any other is passed on.
"""

from __future__ import annotations

import _thread
import os
import time

from collector.capture import process
from collector.capture.events import STDERR, STDOUT, EventQueue
from collector.capture.relay import Relay, Source, hand_over, is_same_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals

    from collector.capture.session import FullTerminal
else:  # `signal` imports enum, which costs more than the recorder
    import _signal as signals

_NOT_OURS = {
    signals.SIGKILL, signals.SIGSTOP, signals.SIGSEGV, signals.SIGBUS, signals.SIGFPE,
    signals.SIGILL, signals.SIGTRAP, signals.SIGABRT, signals.SIGSYS, signals.SIGPIPE,
    signals.SIGXFSZ, signals.SIGXCPU, signals.SIGTTIN, signals.SIGTTOU, signals.SIGPROF,
}  # fmt: skip
TAKEN = {number for number in range(1, signals.NSIG) if number not in _NOT_OURS and not 32 <= number <= 33}
_TERMINAL_SIGNALS = (signals.SIGINT, signals.SIGQUIT, signals.SIGTSTP, signals.SIGHUP)
_GROUP_SIGNALS = (*_TERMINAL_SIGNALS, signals.SIGSTOP, signals.SIGCONT, signals.SIGWINCH)
_SENT_BY_KERNEL = 0x80
_GIVE_UP = (signals.SIGINT, signals.SIGTERM, signals.SIGHUP, signals.SIGQUIT)
DEFAULT_GRACE_SECONDS = 10.0
_OUTPUT_PATIENCE_SECONDS = 0.1


class Command:
    """One command: start it, pass everything through, learn how it ended.

    Args:
        argv: what to run; looked up in PATH.
        environment: its environment.
        marker: a `NAME=value` of that environment which nothing else has.
        queue: who listens to its output.
        timeout: seconds until it and all its descendants are ended, or None.
        grace: seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        argv: list[str],
        environment: dict[str, str],
        marker: str,
        queue: EventQueue,
        timeout: float | None = None,
        grace: float = DEFAULT_GRACE_SECONDS,
    ) -> None:
        self._argv = argv
        self._environment = environment
        self._marker = marker
        self._queue = queue
        self._timeout = timeout
        self._grace = grace
        self._relays: list[Relay] = []
        self._relays_running = 0
        self._ended = os.pipe()
        self._child_actions: list[process.FileAction] = []
        self._child_ends: list[int] = []
        self._sources: list[Source] = []
        self._terminal: FullTerminal | None = None
        self._output_terminals: list[int] = []
        self._waited = TAKEN
        self.pid = 0
        self.start_ms = 0
        self.start_us = 0
        self.end_us = 0
        self.timed_out = False
        self.interrupted_by: int | None = None
        self.trouble = ""

    def start(self) -> None:
        """Start the command and the copying of its output.

        Raises:
            SpawnError: it could not be started; the user's terminal is as it was.
        """
        self._occupy_standard_descriptors()
        mask = signals.pthread_sigmask(signals.SIG_BLOCK, TAKEN)
        # Where SIGCHLD is ignored nobody learns how a child ended; timeout(1) does the same.
        signals.signal(signals.SIGCHLD, signals.SIG_DFL)
        try:
            self._prepare_streams()
        except OSError as error:
            self._leave_streams_alone(error)
        if self._timeout is not None:
            process.become_subreaper()
        self.start_ms = time.time_ns() // 1_000_000
        self.start_us = time.monotonic_ns() // 1000
        try:
            self.pid = process.spawn(
                self._argv, self._environment, self._child_actions, mask,
                new_session=self._terminal is not None,
            )  # fmt: skip
        finally:
            for fd in self._child_ends:
                os.close(fd)
        if self._terminal is not None:
            self._terminal.begin(self.pid)
        self._relays = self._make_relays()
        for relay in self._relays:
            try:
                _thread.start_new_thread(self._run_relay, (relay,))
            except RuntimeError as error:  # the user's processes and threads are used up
                self.trouble = f"its output could not be captured: {error}"
                relay.hand_over()
            else:
                self._relays_running += 1

    def wait(self) -> process.Ending:
        """Wait until the command has ended and what it wrote has been passed on."""
        ending: process.Ending | None = None
        gave_up = False
        while ending is None or (self._relays_running and not gave_up):
            info = self._next_signal()
            if info is None:
                self._on_time_limit()
            elif info.si_signo == signals.SIGCHLD:
                ending = self._reap() if ending is None else ending
            elif ending is None:
                self._on_signal(info)
            elif info.si_signo in _GIVE_UP and signals.getsignal(info.si_signo) != signals.SIG_IGN:
                gave_up = True  # the reader of our output is stuck, and somebody wants us gone
        if self._terminal is not None:
            self._terminal.raw_mode.leave()
        if not gave_up:
            self._leave_open_streams()
        return ending

    def unpassed_output(self) -> str:
        """Return which stream could not be passed on to where the caller wanted it, and why."""
        names = {STDOUT: "stdout", STDERR: "stderr"}
        return "; ".join([f"{names[s.stream]}: {s.error}" for s in self._sources if s.error])

    def lost_bytes(self, stream: int) -> int:
        """Return how many bytes of a stream the listener never got."""
        return self._queue.lost_bytes(stream)

    # Streams

    def _occupy_standard_descriptors(self) -> None:
        """A caller may have closed 0, 1 or 2: no pipe of ours must get that number."""
        while (fd := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) <= 2:
            pass
        os.close(fd)

    def _prepare_streams(self) -> None:
        if os.isatty(1):
            from collector.capture.terminal import is_foreground

            if is_foreground(1):
                self._prepare_full_terminal()
                return
        self._prepare_stream(STDOUT)
        self._prepare_stream(STDERR)
        pipes = [source for source in self._sources if not source.is_pty]
        if len(pipes) == 2 and is_same_place(STDOUT, STDERR):
            self._keep_order()

    def _keep_order(self) -> None:
        """The order of writes is asked for before there are any."""
        from collector.capture.order import OrderedRelay

        self._waited = TAKEN - {process.ORDER_SIGNAL}
        self._relays = [OrderedRelay(self._sources, self._queue, self._ended[0])]

    def _leave_streams_alone(self, error: OSError) -> None:
        """Without descriptors or pseudo-terminals to be had, the command keeps those of the caller."""
        self.trouble = f"its output could not be captured: {error.strerror}"
        self._sources, self._child_actions, self._terminal, self._relays = [], [], None, []
        self._output_terminals = []

    def _prepare_full_terminal(self) -> None:
        from collector.capture.session import FullTerminal
        from collector.capture.terminal import needs_one_terminal

        keyboard_is_stdin = os.isatty(0)
        terminal = FullTerminal(0 if keyboard_is_stdin else 1, is_lazy=not keyboard_is_stdin)
        self._terminal = terminal
        # The first terminal that a session leader opens becomes its controlling one.
        self._child_actions.append((os.POSIX_SPAWN_OPEN, 1, terminal.paths[0], os.O_RDWR, 0))
        if keyboard_is_stdin:
            self._child_actions.append((os.POSIX_SPAWN_DUP2, 1, 0))
        self._sources.append(Source(terminal.masters[0], STDOUT, 1, is_pty=True))
        if os.isatty(2) and needs_one_terminal(self._argv):
            self._child_actions.append((os.POSIX_SPAWN_DUP2, 1, 2))
        elif os.isatty(2):
            slave = terminal.open()
            self._add_stream(STDERR, terminal.masters[1], slave, is_pty=True)
            self._child_ends.remove(slave)
        else:
            self._prepare_stream(STDERR)
        self._child_ends += terminal.slaves

    def _prepare_stream(self, stream: int) -> None:
        if os.get_inheritable(stream) is False:
            return  # the caller has closed it, and so it is for the command
        if os.isatty(stream):
            from collector.capture.terminal import open_terminal

            master, slave = open_terminal(stream, passes_bytes=True)
            self._output_terminals.append(master)
            self._add_stream(stream, master, slave, is_pty=True)
        else:
            read_end, write_end = os.pipe()
            self._add_stream(stream, read_end, write_end, is_pty=False)

    def _add_stream(self, stream: int, ours: int, childs: int, is_pty: bool) -> None:
        self._sources.append(Source(ours, stream, stream, is_pty))
        self._child_ends.append(childs)
        self._child_actions.append((os.POSIX_SPAWN_DUP2, childs, stream))

    def _make_relays(self) -> list[Relay]:
        done = self._ended[0]
        if self._relays:
            return self._relays
        if self._terminal is not None:
            from collector.capture.session import TerminalRelay

            return [TerminalRelay(self._sources, self._queue, done, self._terminal)]
        if len(self._sources) == 2 and is_same_place(STDOUT, STDERR):
            return [Relay(self._sources, self._queue, done, may_nap=False)]
        return [Relay([source], self._queue, done, may_nap=True) for source in self._sources]

    def _run_relay(self, relay: Relay) -> None:
        try:
            relay.run()
        finally:
            self._relays_running -= 1
            os.kill(os.getpid(), signals.SIGCHLD)  # wakes the loop above

    def _leave_open_streams(self) -> None:
        """Whatever a background process still writes goes on to where it belongs, unrecorded."""
        for source in self._sources:
            if not source.is_whole:
                hand_over(source)

    # Signals and the end

    def _next_signal(self) -> signals.struct_siginfo | None:
        if self._timeout is None or self.end_us:
            return signals.sigwaitinfo(self._waited)
        left = self.start_us / 1e6 + self._timeout - time.monotonic()
        return signals.sigtimedwait(self._waited, max(0.0, left))

    def _reap(self) -> process.Ending | None:
        pid, status, usage = os.wait4(self.pid, os.WNOHANG | os.WUNTRACED | getattr(os, "WCONTINUED", 0))
        if self._timeout is not None:
            _reap_orphans(self.pid)
        if pid == 0 or os.WIFCONTINUED(status):
            return None
        if os.WIFSTOPPED(status):
            if self._stops_too(status):
                self._suspend()
            return None
        self.end_us = time.monotonic_ns() // 1000
        os.write(self._ended[1], b"x")
        return process.Ending(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)

    def _stops_too(self, status: int) -> bool:
        """Tell whether we stop as the command did.

        Not when somebody who had stopped both has let us go on first, and not where that would let the
        command escape its time limit.
        """
        escapes = self._timeout is not None and os.WSTOPSIG(status) == signals.SIGSTOP
        return not escapes and signals.SIGCONT not in signals.sigpending()

    def _on_signal(self, info: signals.struct_siginfo) -> None:
        number = info.si_signo
        if number == signals.SIGIO and info.si_code >= _SENT_BY_KERNEL:
            return  # too many writes to be told of each: it is for us
        if number == signals.SIGWINCH:
            self._on_resize()
        from_terminal = info.si_code >= _SENT_BY_KERNEL and number in _TERMINAL_SIGNALS
        reached_already = from_terminal and self._terminal is None
        if number in _GIVE_UP:
            self.interrupted_by = number
        if not reached_already:
            self._send(number)
        if number == signals.SIGTSTP and self._terminal is not None:
            self._send(signals.SIGSTOP)
            self._suspend()

    def _on_resize(self) -> None:
        from collector.capture.terminal import copy_size

        if self._terminal is not None:
            self._terminal.copy_size()
        for master, like in zip(self._output_terminals, (1, 2), strict=False):
            copy_size(like if os.isatty(like) else 2, master)

    def _suspend(self) -> None:
        """The command was stopped: so are we, and whoever waits for us sees it, after its output."""
        deadline = time.monotonic() + _OUTPUT_PATIENCE_SECONDS
        while time.monotonic() < deadline and not all(relay.has_passed_all for relay in self._relays):
            time.sleep(0.001)
        if self._terminal is not None:
            self._terminal.raw_mode.leave()
        os.kill(os.getpid(), signals.SIGSTOP)
        self._resume()

    def _resume(self) -> None:
        if self._terminal is not None:
            self._terminal.resume()
        self._send(signals.SIGCONT)

    def _send(self, number: int) -> None:
        try:
            if self._terminal is not None and number in _GROUP_SIGNALS:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except OSError:
            return

    def _on_time_limit(self) -> None:
        """End the command and all that descends from it: asked first, then made to."""
        self.timed_out = True
        self._timeout = None
        tree = process.Tree(self.pid, self._marker)
        tree.signal(signals.SIGTERM)
        tree.signal(signals.SIGCONT)
        deadline = time.monotonic() + self._grace
        while time.monotonic() < deadline and tree.members():
            signals.sigtimedwait({signals.SIGCHLD}, 0.05)
            _reap_orphans(self.pid)
            if _is_zombie(self.pid) and len(tree.members()) == 0:
                break
        for _ in range(100):
            if not tree.signal(signals.SIGKILL):
                break
            signals.sigtimedwait({signals.SIGCHLD}, 0.05)
            _reap_orphans(self.pid)
        os.kill(os.getpid(), signals.SIGCHLD)


def _reap_orphans(command: int) -> None:
    """Take up what became our child as a subreaper; the command itself is left for its own wait."""
    for name in _children():
        if name != command and _is_zombie(name):
            try:
                os.waitpid(name, os.WNOHANG)
            except ChildProcessError:
                continue


def _children() -> list[int]:
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", encoding="ascii") as children:
            return [int(pid) for pid in children.read().split()]
    except OSError:
        return []


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[:1] == [b"Z"]
    except OSError:
        return False
