"""OpenCode: its hooks (through our plugin), database and exports.

OpenCode has no hook commands; a plugin of ours, running in its process, posts what it is told. `hook_events`
defines the payloads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from collector.agents.events import AnyEvent


class OpenCode:
    """OpenCode 1.x."""

    name = "opencode"
    title = "OpenCode"
    commands = ("opencode",)

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Yield the database, or the folders that came before it."""
        yield from ()

    def recent_transcripts(
        self, home: Path, environ: Mapping[str, str], root: Path, since: float
    ) -> Iterator[Path]:
        """Yield the database when it changed after a time and holds a session of the workspace."""
        yield from ()

    def companions(self, path: Path) -> Iterator[Path]:
        """Yield nothing: subagents are sessions of the same database."""
        yield from ()

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is OpenCode's database, a session's file or an export."""
        return False

    def line_parser(self, path: Path) -> None:
        """Return None: no transcript is a sequence of lines."""
        return

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield what every session of a database, a session file with its tree, or an export says."""
        yield from ()

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> Iterable[AnyEvent]:
        r"""Return what a payload of our plugin says.

        Each payload is one JSON object; the plugin adds nothing of its own but what is named here:

            event      which of those below
            at         Date.now() when it happened
            sessionID  OpenCode's session
            directory  `directory` of the plugin's context

        | event               | from the plugin's                        | more keys                         |
        |---------------------|------------------------------------------|-----------------------------------|
        | session.created     | event(), properties.info                 | info                              |
        | session.updated     | event(), properties.info                 | info                              |
        | session.deleted     | event(), properties.info                 | info                              |
        | session.error       | event(), properties.error                | error                             |
        | chat.message        | "chat.message"(input, output)            | messageID (output.message.id),    |
        |                     |                                          | agent, model (output.message's),  |
        |                     |                                          | text (output.parts of type "text" |
        |                     |                                          | and not synthetic, joined by \n)  |
        | message.updated     | event(), properties.info with            | info                              |
        |                     | role "assistant" and time.completed      |                                   |
        | tool.execute.before | "tool.execute.before"(input, output)     | callID, tool (input's),           |
        |                     |                                          | args (output.args)                |
        | tool.execute.after  | "tool.execute.after"(input, output)      | callID, tool, args (input's),     |
        |                     |                                          | output (title, output, metadata)  |
        | message.part.updated| event(), properties.part of type "tool"  | part                              |
        |                     | with state.status "error"                |                                   |

        `info`, `error`, `part` and `model` are OpenCode's objects as they are. Events of all other types (the
        bus says much more, `message.part.delta` for every token) are to be left out by the plugin, for the
        sake of OpenCode's speed. A tool that throws (refused, invalid) has no `tool.execute.after`, only the
        part with status "error".
        """
        return ()


AGENT = OpenCode()
