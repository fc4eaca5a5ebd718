"""Where a source file is that a report names, and how an editor is told to open a line of it.

What a report says is not trusted: a file counts only below the folder the command ran in, or below the
workspace that this folder is in; it is handed to the editor as one argument, never to a shell.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

_MOST_ENTRIES = 10_000
_GOTO = {"code", "code-insiders", "codium", "vscodium", "cursor", "windsurf"}
_COLON = {"hx", "helix", "subl", "zed", "mate", "lapce", "pulsar"}


def source_path(file: str, folder: str, root: str) -> str | None:
    """Return the absolute path of a file that a report names, if it is there.

    Args:
        file: relative to the folder in which the command ran, or to one above it; or absolute.
        folder: the run's working directory.
        root: the workspace; nothing above it is looked at.
    """
    if not file or not folder.startswith("/"):
        return None
    base, top = _resolved(folder), _resolved(root)
    if base is None:
        return None
    bases = [base, *base.parents]
    bases = bases[: bases.index(top) + 1] if top in bases else [base]
    for start in bases:
        found = _resolved(start / file)
        if found is not None and found.is_relative_to(bases[-1]) and found.is_file():
            return str(found)
    return None


def _resolved(path: str | Path) -> Path | None:
    try:
        return Path(path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None  # not there, no name at all, or a circle of links


def editor_command(environ: Mapping[str, str], path: str, line: int | None) -> list[str] | None:
    """Return the words that open a file at a line in the user's editor; None where there is no editor.

    An editor that is not known is told the line as less tells it: `+12`.
    """
    chosen = environ.get("VISUAL") or environ.get("EDITOR") or ""
    try:
        words = shlex.split(chosen)
    except ValueError:
        words = []
    if not words:
        found = next((name for name in ("editor", "nano", "vi") if shutil.which(name)), None)
        if found is None:
            return None
        words = [found]
    name = Path(words[0]).name
    if line is None:
        return [*words, path]
    if name in _GOTO:
        return [*words, "--goto", f"{path}:{line}"]
    if name in _COLON:
        return [*words, f"{path}:{line}"]
    return [*words, f"+{line}", path]


def typed_path(text: str, root: str) -> str:
    """Return the absolute path that somebody typed; below `root` where the current folder is gone."""
    return os.path.normpath(Path(_here(root), os.path.expanduser(text)))  # noqa: PTH111 - never raises


def _here(root: str) -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return root


def completed_path(text: str) -> str:
    """Return a path that is being typed with as much added as all files and folders that fit begin with."""
    path = Path(os.path.expanduser(text))  # noqa: PTH111 - never raises
    folder, begin = (path, "") if text.endswith("/") or not text else (path.parent, path.name)
    try:
        with os.scandir(folder) as entries:
            found = [
                entry.name + ("/" if entry.is_dir() else "")
                for entry in islice(entries, _MOST_ENTRIES)
                if entry.name.startswith(begin) and (begin or not entry.name.startswith("."))
            ]
    except (OSError, ValueError):
        return text
    return text + os.path.commonprefix(found)[len(begin) :]  # noqa: RUF071 - letters, not parts
