"""Installs the agents that the tests were written with, in the same versions.

    python tests/agents/install.py DIR [AGENT]...

Give the same folder as `ACODE_TEST_AGENTS` to the tests. What is there already in the right version stays.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """A package of npm, and the program it brings."""

    name: str
    version: str
    program: str


AGENTS = {
    "claude-code": Package("@anthropic-ai/claude-code", "2.1.329", "claude"),
    "codex": Package("@openai/codex", "0.169.0", "codex"),
    "gemini": Package("@google/gemini-cli", "0.61.0", "gemini"),
    "opencode": Package("opencode-ai", "1.18.33", "opencode"),
    "copilot": Package("@github/copilot", "1.0.102", "copilot"),
}


def installed_version(folder: Path, package: Package) -> str | None:
    """Return the version that a folder holds."""
    try:
        manifest = folder / "node_modules" / package.name / "package.json"
        version: str = json.loads(manifest.read_text())["version"]
    except (OSError, ValueError, KeyError):
        return None
    return version


def install_all(folder: Path, names: list[str]) -> int:
    """Install agents; return how many could not be."""
    failed = 0
    for name in names:
        package, place = AGENTS[name], folder / name
        if installed_version(place, package) == package.version:
            continue
        place.mkdir(parents=True, exist_ok=True)
        (place / "package.json").write_text("{}\n")  # without, npm installs into a folder above
        wanted = f"{package.name}@{package.version}"
        command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel", "error", wanted]
        failed += subprocess.run(command, cwd=place, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(install_all(Path(sys.argv[1]).absolute(), sys.argv[2:] or list(AGENTS)))
