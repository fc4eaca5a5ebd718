"""What an exit code or signal means, in words; what it means to one program where that differs.

Sources: POSIX (126, 127, 128+n), timeout(1), and each program's manual.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise

_SIGNALS = {
    1: "SIGHUP: the terminal went away", 2: "SIGINT: interrupted, as by Ctrl-C",
    3: "SIGQUIT: quit from the keyboard",
    4: "SIGILL: illegal instruction", 5: "SIGTRAP: trap", 6: "SIGABRT: aborted, as by a failed assertion",
    7: "SIGBUS: bad memory access", 8: "SIGFPE: arithmetic error, as a division by zero",
    9: "SIGKILL: killed, often because memory ran out", 11: "SIGSEGV: invalid memory access",
    13: "SIGPIPE: its reader went away", 14: "SIGALRM: its alarm went off", 15: "SIGTERM: asked to end",
    24: "SIGXCPU: processor time limit", 25: "SIGXFSZ: file size limit", 31: "SIGSYS: forbidden system call",
}  # fmt: skip
_ANY = {
    124: "timed out, as timeout(1) reports it",
    125: "the command could not be started",
    126: "found but cannot be executed: no permission, or not a program",
    127: "command not found",
    255: "exit code out of range, or a failed connection",
}
_PYTEST = {
    1: "tests failed", 2: "interrupted, or tests could not be collected", 3: "internal error of pytest",
    4: "pytest was called wrongly", 5: "no tests were found",
}  # fmt: skip
_SEARCH = {1: "nothing was found", 2: "an error while searching"}
_DIFFER = {1: "they differ", 2: "trouble: they could not be compared"}
_CONTAINER = {
    125: "the container engine itself failed", 126: "the command in the container cannot be executed",
    127: "the command was not found in the container",
}  # fmt: skip
_GIT = {1: "the command did not succeed", 128: "git gave up: a fatal error", 129: "git was called wrongly"}
_CHECKED = {1: "problems were found", 2: "the configuration or the call is wrong, or it crashed"}
_PROGRAMS: dict[str, dict[int, str]] = {
    "pytest": _PYTEST, "py.test": _PYTEST, "git": _GIT, "grep": _SEARCH, "egrep": _SEARCH, "fgrep": _SEARCH,
    "rg": _SEARCH, "diff": _DIFFER, "cmp": _DIFFER, "docker": _CONTAINER, "podman": _CONTAINER,
    "ruff": _CHECKED, "eslint": _CHECKED, "mypy": {1: "type errors were found", 2: "mypy could not check"},
    "make": {1: "a target is not up to date (-q)", 2: "a target could not be made"},
    "cargo": {101: "the build or the tests failed"},
    "curl": {
        3: "malformed URL", 5: "the proxy's name could not be resolved",
        6: "the host's name could not be resolved",
        7: "could not connect to the host", 18: "only a part was transferred",
        22: "the server answered with an error",
        23: "could not write what was received", 26: "could not read what to send", 28: "timed out",
        35: "the TLS handshake failed", 47: "too many redirects", 52: "the server answered nothing",
        55: "could not send", 56: "could not receive", 60: "the server's certificate is not trusted",
    },
    "wget": {
        1: "general error", 2: "called wrongly", 3: "could not read or write a file", 4: "network failure",
        5: "the server's certificate is not trusted", 6: "wrong user name or password", 7: "protocol error",
        8: "the server answered with an error",
    },
    "tar": {1: "files differ, or changed while they were read", 2: "fatal error"},
    "rsync": {
        1: "called wrongly", 2: "protocol versions do not fit", 3: "files or folders could not be selected",
        5: "could not start the client-server protocol", 10: "socket error", 11: "file error",
        12: "the connection broke", 20: "interrupted", 23: "some files were not transferred",
        24: "some files vanished before they were transferred", 30: "timed out while sending or receiving",
        35: "timed out while connecting",
    },
    "ssh": {255: "the connection failed"}, "scp": {1: "the copy failed", 255: "the connection failed"},
    "test": {1: "the condition does not hold", 2: "the condition is malformed"},
    "[": {1: "the condition does not hold", 2: "the condition is malformed"},
    "timeout": {124: "the command timed out", 125: "timeout itself failed",
    137: "the command had to be killed"},
    "node": {
        1: "an exception was not caught", 9: "node was called wrongly", 13: "a top-level await never ended",
        134: "aborted, often because the heap is full",
    },
    "python": {1: "an exception was not caught, or sys.exit(1)", 2: "python was called wrongly"},
    "xargs": {
        123: "one of the commands failed", 124: "one of the commands exited with 255",
        125: "one of the commands was killed", 126: "the command cannot be executed",
        127: "command not found",
    },
    "unzip": {1: "warnings", 2: "the archive is damaged", 9: "no such archive", 11: "nothing fits the name"},
    "terraform": {1: "error", 2: "there are changes to be made (-detailed-exitcode)"},
    "systemctl": {3: "the unit is not active", 4: "there is no such unit"},
    "apt-get": {100: "apt could not do it"}, "apt": {100: "apt could not do it"},
}  # fmt: skip
_WRAPPERS = {
    "sudo", "env", "time", "nice", "nohup", "exec", "command", "stdbuf", "uv", "uvx", "poetry", "pipenv",
    "npx", "run", "-m", "bunx", "hatch", "xvfb-run", "caffeinate",
}  # fmt: skip
_LONGEST_LINE = 2_000
_SHELLS = {"sh", "bash", "zsh", "dash", "ksh", "fish"}


def explain_exit(exit_code: int | None, signal: int | None, command_line: Sequence[str] | str) -> str | None:
    """Say what an exit code or a signal means; None for success and for a code that only means failure.

    Args:
        exit_code: as the run's record has it; None where none was seen.
        signal: the signal that ended the command.
        command_line: its words, or a line as it would be typed.
    """
    if signal is not None:
        return explain_signal(signal)
    if not exit_code:
        return None
    told = _PROGRAMS.get(program_of(command_line), {}).get(exit_code)
    if told:
        return told
    if exit_code in _ANY:
        return _ANY[exit_code]
    return explain_signal(exit_code - 128) if 128 < exit_code < 128 + 65 else None


def explain_signal(number: int) -> str:
    """Name a signal and say what it usually means."""
    return _SIGNALS.get(number, f"signal {number}")


def program_of(command_line: Sequence[str] | str) -> str:
    """Return the program whose exit code counts, as its plain name; empty where nobody can tell.

    It is looked for behind `sudo`, `env`, `python -m`, `uv run`, and at the end of what a shell was given.
    """
    words = _last_command(command_line) if isinstance(command_line, str) else list(command_line)
    for _ in range(3):
        words = _unwrapped(words)
        name = _plain_name(words[0]) if words else ""
        if name not in _SHELLS:
            return name
        scripts = [after for option, after in pairwise(words) if _runs_text(option)]
        if not scripts:
            return name
        words = _last_command(scripts[0])
    return ""


def _unwrapped(words: list[str]) -> list[str]:
    """Leave out what only starts another program, its options and assignments."""
    python = bool(words) and _plain_name(words[0]) == "python" and "-m" in words
    if python:
        return words[words.index("-m") + 1 :]
    while words and (_plain_name(words[0]) in _WRAPPERS or _is_assignment(words[0])):
        words = words[1:]
        while words and words[0].startswith("-"):
            words = words[1:]
    return words


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


def _runs_text(option: str) -> bool:
    return option.startswith("-") and not option.startswith("--") and option.endswith("c")


def _plain_name(word: str) -> str:
    name = word.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    return "python" if re.fullmatch(r"python\d?(?:\.\d+)?", name) else name


def _last_command(line: str) -> list[str]:
    """Return the words of a line's last command, whose exit code a shell passes on."""
    words: list[str] = []
    for word in _words(line.strip().replace("\n", ";")[-_LONGEST_LINE:]):
        words = [] if word and not word.strip(";&|") else [*words, word]
    return words


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return line.split()
