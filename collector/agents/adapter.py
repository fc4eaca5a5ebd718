"""What the file of an agent provides, and the table of all agents.

A new agent is one file here with an `AGENT`, and one line in `NAMES`. Nothing else knows any agent's formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from collector.agents.events import AnyEvent
from collector.errors import InputError

NAMES: dict[str, str] = {
    "claude-code": "claude_code",
    "codex": "codex",
    "gemini": "gemini",
    "opencode": "opencode",
    "mini-swe-agent": "mini_swe_agent",
    "swe-agent": "swe_agent",
    "openhands": "openhands",
    "aider": "aider",
    "cursor": "cursor",
    "copilot": "copilot",
}
"""Each agent's name and its module below `collector.agents`."""

HEAD_BYTES = 65536


class LineParser(Protocol):
    """Reads one transcript that grows by lines; keeps what it needs of earlier ones, never raises."""

    def feed(self, line: bytes) -> Iterable[AnyEvent]:
        """Return what a whole line (without its end) says; nothing for what it does not know."""


class Agent(Protocol):
    """One agent: where its transcripts lie, and how to read what it says."""

    name: str
    title: str
    commands: tuple[str, ...]
    """The programs that start it (`claude`), by file name."""

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Yield every main transcript on this machine, subagents' own files left out."""

    def recent_transcripts(
        self, home: Path, environ: Mapping[str, str], root: Path, since: float
    ) -> Iterator[Path]:
        """Yield main transcripts of conversations in a workspace that changed after a time (seconds since
        1970); cheap, for it is asked again and again.
        """  # noqa: D205 - one sentence

    def companions(self, path: Path) -> Iterator[Path]:
        """Yield the transcripts of a main transcript's subagents, as far as they exist."""

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is a transcript of this agent, from its name and first bytes."""

    def line_parser(self, path: Path) -> LineParser | None:
        """Return a parser for one transcript, or None when `parse` reads it as a whole."""

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield what a transcript that is no sequence of lines (a JSON document, a database) says.

        Raises:
            OSError: it cannot be read.
            ValueError: it is not what it should be (torn while it was written, perhaps).
        """

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> Iterable[AnyEvent]:
        """Return what a hook's payload says; nothing for what is not known. Never raises."""


@runtime_checkable
class KeepsFolders(Protocol):
    """An agent whose transcript is a folder; the file that stands for it is in there."""

    def parts(self, path: Path) -> Iterator[Path]:
        """Yield the other files of a transcript, all below its folder."""


@runtime_checkable
class KeepsDatabase(Protocol):
    """An agent with one database for all its conversations, wherever they were."""

    def parse_changed(self, path: Path, root: Path, since_ms: int) -> Iterator[AnyEvent]:
        """Yield what conversations in a folder say that changed after a time (milliseconds since 1970).

        Raises:
            OSError: it cannot be read.
            ValueError: it is not what it should be, or was written meanwhile.
        """


def get_agent(name: str) -> Agent:
    """Return an agent.

    Raises:
        InputError: there is none of that name.
    """
    if name not in NAMES:
        from collector.suggest import did_you_mean

        raise InputError(
            "ACODE-AGT-001",
            f"unknown agent {name!r}",
            did_you_mean(name, NAMES, f"one of {', '.join(NAMES)}"),
        )
    agent: Agent = import_module(f"collector.agents.{NAMES[name]}").AGENT
    return agent


def agent_of_command(command: str) -> str | None:
    """Return the name of the agent that a program starts, given its path; None for any other program."""
    name = Path(command).name
    for agent in NAMES:
        if name in get_agent(agent).commands:
            return agent
    return None
