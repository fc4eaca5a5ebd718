"""Which files a workspace's `.gitignore` files leave out, and patterns written like theirs.

The rules are git's (pathspec knows them); this file knows where git looks for them: `.gitignore` in every
folder from the repository's root down, the deepest first, and `.git/info/exclude`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pathspec import GitIgnoreSpec

MAX_BYTES = 1 << 20
MAX_STARS = 3
"""More of them in one part of a pattern can take a backtracking engine years."""


def compile_patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    """Compile patterns as `.gitignore` has them; one that makes no sense matches nothing.

    The engine is named: RE2, which pathspec would rather take, refuses names that are not UTF-8.
    """
    return GitIgnoreSpec([p for line in lines for p in _compile(line)], backend="simple")


def _compile(line: str) -> Iterable[Any]:
    if any(part.replace("**", "").count("*") > MAX_STARS for part in line.split("/")):
        return ()
    try:
        return tuple(GitIgnoreSpec.from_lines([line], backend="simple").patterns)
    except Exception:  # noqa: BLE001 - ValueError and re.error, for what no file can match
        return ()


class IgnoreRules:
    """What git ignores in one working tree.

    Args:
        folder: any folder, absolute; its repository is the nearest one above. Without one, the
            `.gitignore` files from this folder down hold all the same.
    """

    def __init__(self, folder: str) -> None:
        self._root = _repository(folder) or folder
        self._below = os.path.relpath(folder, self._root).replace(os.sep, "/")
        exclude = _read(os.path.join(self._root, ".git", "info", "exclude"))
        self._excluded = compile_patterns(exclude)
        self._rules = lru_cache(4096)(self._read_rules)
        self._is_folder_ignored = lru_cache(65536)(self._decide_folder)

    def is_ignored(self, path: str) -> bool:
        """Tell whether git leaves a file out; its path is relative to the folder."""
        full = path if self._below == "." else f"{self._below}/{path}"
        parent = full.rpartition("/")[0]
        return (bool(parent) and self._is_folder_ignored(parent)) or self._decide(full, full)

    def _decide_folder(self, folder: str) -> bool:
        """What is in an ignored folder cannot be let in again."""
        parent = folder.rpartition("/")[0]
        return (bool(parent) and self._is_folder_ignored(parent)) or self._decide(folder, folder + "/")

    def _decide(self, path: str, shown: str) -> bool:
        """The last rule of the deepest file that says anything holds."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            rules = self._rules(folder)
            if rules is not None:
                said = rules.check_file(shown[len(folder) + 1 if folder else 0 :]).include
                if said is not None:
                    return said
        return bool(self._excluded.check_file(shown).include)

    def _read_rules(self, folder: str) -> GitIgnoreSpec | None:
        lines = _read(os.path.join(self._root, folder, ".gitignore"))
        return compile_patterns(lines) if lines else None


def _repository(folder: str) -> str | None:
    """Return the root of the working tree that a folder is in."""
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder


def _read(path: str) -> list[str]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    with os.fdopen(fd, "rb") as file:
        try:
            data = file.read(MAX_BYTES)
        except OSError:
            return []
    return data.decode("utf-8", "surrogateescape").splitlines()
