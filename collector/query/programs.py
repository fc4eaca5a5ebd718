"""Which program a command line is about, in the words people call it by: `git diff`, `python -m pytest`.

A look at the first words, not a shell: what is quoted, substituted or piped further on does not matter.
"""

from __future__ import annotations

import re

_WORDS = 16
_MAX_CHARACTERS = 400
_MAX_NAME = 60
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_WRAPPERS = frozenset(
    {
        "sudo",
        "time",
        "timeout",
        "nice",
        "nohup",
        "env",
        "exec",
        "command",
        "stdbuf",
        "xvfb-run",
        "ionice",
        "setsid",
    }
)
_SHELLS = frozenset({"sh", "bash", "zsh", "dash"})
_ENDS = ("&&", "||", ";", "|")
_WITH_VERB = frozenset(
    {
        "git", "npm", "pnpm", "yarn", "bun", "npx", "pnpx", "bunx", "cargo", "go", "docker", "podman",
        "kubectl", "helm", "dotnet", "pip", "pip3", "uv", "uvx", "poetry", "pdm", "hatch", "conda",
        "pipx", "bundle", "rails", "rake", "gh", "glab", "make", "just", "task", "bazel", "mvn",
        "mvnw", "gradle", "gradlew", "terraform", "apt", "apt-get", "brew", "systemctl", "aws",
        "gcloud", "az", "acode", "mix", "composer", "php", "deno", "nx", "turbo", "django-admin",
        "alembic", "swift", "flutter", "dart", "nix", "cmake", "ninja", "tox", "nox",
    }
)  # fmt: skip
"""Programs whose first argument is a verb: without it their name says little."""
_RUNNERS = {
    ("npm", "run"), ("pnpm", "run"), ("yarn", "run"), ("bun", "run"), ("npm", "exec"), ("pnpm", "exec"),
    ("uv", "run"), ("poetry", "run"), ("pdm", "run"), ("hatch", "run"), ("bundle", "exec"),
    ("docker", "compose"), ("uv", "pip"), ("gh", "pr"), ("gh", "run"), ("gh", "issue"),
    ("aws", "s3"), ("go", "tool"),
}  # fmt: skip
"""Verbs that say little without the word after them."""
_TAKES_VALUE = frozenset(
    {"-C", "-c", "-n", "--namespace", "--context", "--prefix", "-f", "--file", "-p", "--project", "--git-dir"}
)
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*(?:\.exe)?")


def program_of(command_line: str) -> str:
    """Return the program: its name without the folder, with its verb where it has verbs.

    Wrappers (`sudo`, `env A=1`, `timeout 60`), a `cd` before it and `sh -c` around it are looked through.
    An empty text for an empty line.
    """
    words = command_line[:_MAX_CHARACTERS].split(None, _WORDS)
    start = _first_word(words)
    if start >= len(words):
        return _shown(words[:1])
    name = _base(words[start])
    rest = words[start + 1 :]
    if name in _SHELLS and rest and rest[0].startswith("-") and rest[0].endswith("c") and len(rest) > 1:
        inner = command_line[:_MAX_CHARACTERS].partition(rest[0])[2].strip()
        return program_of(inner.strip("'\"")) or name
    if _PYTHON.fullmatch(name):
        return _shown([name, *rest[:2]] if rest[:1] == ["-m"] else [name])
    if name not in _WITH_VERB:
        return _shown([name])
    verbs = _arguments(rest)
    count = 2 if len(verbs) > 1 and (name, verbs[0]) in _RUNNERS else 1
    return _shown([name, *verbs[:count]])


def _first_word(words: list[str]) -> int:
    """Return where the command begins, behind assignments, wrappers and `cd FOLDER &&`."""
    at = 0
    while at < len(words):
        word = words[at]
        if word == "cd":
            after = _after_end(words, at)
            if after is None:
                return at
            at = after
        elif word in _WRAPPERS:
            at = _skip_options(words, at + 1)
        elif _ASSIGNMENT.match(word):
            at += 1
        else:
            return at
    return at


def _skip_options(words: list[str], at: int) -> int:
    """Skip a wrapper's options, and the durations, priorities and users that follow them."""
    while at < len(words) and (words[at][0] == "-" or words[at][0].isdigit()):
        at += 2 if words[at] in ("-u", "-g") else 1
    return at


def _after_end(words: list[str], at: int) -> int | None:
    """Return where the command after this one begins, None where there is none."""
    for index in range(at + 1, len(words) - 1):
        if words[index] in _ENDS or words[index].endswith(";"):
            return index + 1
    return None


def _arguments(words: list[str]) -> list[str]:
    """Return the first two words that are neither options nor their values."""
    found: list[str] = []
    skip = False
    for word in words:
        if word in _ENDS or len(found) == 2:
            break
        if skip:
            skip = False
        elif word in _TAKES_VALUE and not found:
            skip = True
        elif not word.startswith("-"):
            found.append(word.rstrip(";"))
        elif found:
            break
    return found


def _base(word: str) -> str:
    return word.strip("'\"();").rpartition("/")[2] or word


def _shown(words: list[str]) -> str:
    return " ".join(words)[:_MAX_NAME].strip("'\"")
