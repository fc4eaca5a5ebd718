"""The pager: what is read on a terminal and does not fit there goes through `$ACODE_PAGER` or `$PAGER`.

Output is held back until it is longer than the terminal, so that what fits costs no other process. Standard
output itself stays the terminal: colours, widths and what is made harmless are decided as without a pager.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from types import TracebackType
    from typing import IO

PAGED = frozenset({
    "runs list", "runs show", "runs why", "runs stats", "runs stdout", "runs stderr", "runs output",
    "runs artifacts", "runs artifact", "runs diff", "runs compare", "sessions list", "sessions show",
    "artifacts list", "artifacts show", "artifacts cat", "config show", "search",
})  # fmt: skip
"""The commands whose output is read; none that goes on as long as something runs."""
_STREAMS = ("follow", "watch", "output", "export", "force")
"""Options with which nothing is paged: what is printed has no end, goes elsewhere, or is binary."""
_DEFAULT = "less"
_LESS = "FRX"  # end at once if it fits, let colours through, leave it on the screen
_SHELL_SYNTAX = frozenset("|&;<>()$`\\\"'*?[]#~=%{}\n")


def wants_pager(name: str, options: object, environ: Mapping[str, str]) -> bool:
    """Tell whether a command's output is for somebody to read."""
    if name not in PAGED or not os.isatty(1) or environ.get("TERM", "dumb") == "dumb":
        return False
    return not any(getattr(options, option, None) for option in _STREAMS)


def choose(environ: Mapping[str, str]) -> str | None:
    """Return the pager's command line; None for none: `cat`, an empty variable, or one that is not there."""
    command = environ.get("ACODE_PAGER", environ.get("PAGER", _DEFAULT)).strip()
    if command in ("", "cat"):
        return None
    if not _SHELL_SYNTAX & set(command):
        from shutil import which

        return command if which(command.split()[0], path=environ.get("PATH")) else None
    return command


class Pager:
    """Takes what is printed within `with`; starts the pager when it gets longer than the terminal.

    Args:
        environ: the environment variables.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._held: list[bytes] = []
        self._lines = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._through = False
        self._columns, self._rows = _terminal_size()
        self._notes: list[str] = []

    def write(self, data: bytes) -> None:
        """Print bytes. Raises BrokenPipeError once the reader has left the pager."""
        if self._through:
            self._target().write(data)
            return
        self._held.append(data)
        self._lines += sum(1 + _width(line) // (self._columns + 1) for line in data.split(b"\n")) - 1
        if self._lines >= self._rows:
            self._start()

    def _target(self) -> IO[bytes]:
        pipe = self._process.stdin if self._process is not None else None
        return pipe if pipe is not None else sys.stdout.buffer

    def _start(self) -> None:
        command = choose(self._environ)
        if command is not None:
            import subprocess
            from signal import SIG_IGN, SIGINT, signal

            environ = {"LESS": _LESS, "LV": "-c", **self._environ}
            sys.stdout.flush()
            self._process = subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, env=environ)  # noqa: S603, S607, RUF100
            signal(SIGINT, SIG_IGN)  # ctrl+c is the pager's: it stops reading, not the command
        self._release()

    def _release(self) -> None:
        self._through = True
        held, self._held = self._held, []
        for data in held:
            self._target().write(data)

    def __enter__(self) -> Pager:
        from collector.cli import output

        output.sink, output.held_notes = self, self._notes
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show what was held back, and wait until the reader has seen enough."""
        from collector.cli import output

        output.sink, output.held_notes = None, None
        try:
            if not self._through:
                self._release()
            self._end()
        finally:
            for text in self._notes:
                output.note(text)

    def _end(self) -> None:
        if self._process is None:
            return
        try:
            self._target().close()
        except BrokenPipeError:  # left before the end
            return
        finally:
            self._process.wait()


def _width(line: bytes) -> int:
    """Return about how many columns a line takes; colours take none."""
    first, *rest = line.decode("utf-8", "replace").split("\x1b[")
    return len(first) + sum(len(part.partition("m")[2]) for part in rest)


def _terminal_size() -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(1)
    except OSError:
        columns, rows = 80, 24
    return columns or 80, rows or 24
