"""The user's own programs for looking at and changing a text."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from collector.cli.context import Context
from collector.errors import AcodeError, UnavailableError

EDITORS = ("editor", "nano", "vi")


def program(environ: Mapping[str, str], *variables: str, otherwise: Sequence[str] = EDITORS) -> list[str]:
    """Return the words of the first program that a variable names, else of the first that there is.

    Raises:
        UnavailableError: there is none.
    """
    from shutil import which

    path = environ.get("PATH")
    for name in variables:
        if words := _words(environ.get(name, "")):
            return words
    for name in otherwise:
        if which(name, path=path):
            return [name]
    raise UnavailableError("ACODE-RUN-031", "there is no program to show it with", f"set {variables[-1]}")


def _words(text: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text)
    except ValueError:
        return [text]


def show_with(words: Sequence[str], path: str, environ: Mapping[str, str]) -> int:
    """Let a program of the user's show a file, and wait for it; return its exit status.

    Raises:
        UnavailableError: it cannot be started.
    """
    import signal
    import subprocess

    sys.stdout.flush()
    # Ctrl-C is the program's; a handler, unlike SIG_IGN, is not handed down to it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.run([*words, path], check=False, env=environ).returncode
    except OSError as error:
        raise UnavailableError(
            "ACODE-RUN-031", f"cannot start {words[0]!r}: {error.strerror}", "set VISUAL, EDITOR or PAGER"
        ) from error
    finally:
        signal.signal(signal.SIGINT, before)


def edit(text: str, name: str, context: Context) -> str:
    """Let the user change a text; return what became of it.

    Raises:
        AcodeError: there is no editor, or it ended with an error.
    """
    import tempfile
    from pathlib import Path

    words = program(context.environ, "VISUAL", "EDITOR")
    with tempfile.TemporaryDirectory(prefix="acode-") as folder:
        path = Path(folder, name)
        path.write_text(text + "\n")
        if status := show_with(words, str(path), context.environ):
            raise AcodeError("ACODE-RUN-031", f"{words[0]} ended with status {status}", "nothing was done")
        return path.read_bytes().decode("utf-8", "replace").removesuffix("\n")


def has_terminal() -> bool:
    """Tell whether there is somebody to show something to."""
    return os.isatty(0) and os.isatty(1)
