"""Claude Code: where its transcripts lie.

`CONFIG/projects/FOLDER/SESSION.jsonl`, where the folder is named after the working directory, every
character but letters and digits replaced by `-`; that cannot be undone, so a line of the transcript says
whose it is. Subagents' transcripts are in `SESSION/subagents/`; before 2.1 they lay beside the session's.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from collector.agents.adapter import HEAD_BYTES
from collector.agents.claude_code_hooks import hook_events
from collector.agents.claude_code_lines import SUBAGENT_PREFIX, TranscriptParser
from collector.agents.claude_code_records import load_record
from collector.agents.events import AnyEvent
from collector.agents.values import mapping, text

_MAX_FOLDER_NAME = 200
_MAX_HEAD_BYTES = 1 << 20
_MAX_KEPT = 20_000
_CWD = re.compile(rb'"cwd":\s*("(?:[^"\\]|\\.)*")')
_SESSION = re.compile(rb'"sessionId":"([^"\\]+)"')
_META_TYPES = frozenset(
    (
        "queue-operation", "mode", "permission-mode", "ai-title", "custom-title", "last-prompt", "atis-latch",
        "tools-used", "agent-name", "continued-in",
    )
)  # fmt: skip


class ClaudeCode:
    """The adapter. It remembers where conversations took place, so as not to read files again and again."""

    name = "claude-code"
    title = "Claude Code"
    commands: tuple[str, ...] = ("claude",)

    def __init__(self) -> None:
        self._directories: dict[Path, str] = {}
        self._flat_sessions: dict[Path, str] = {}

    # Where transcripts lie

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Yield every conversation's transcript."""
        for folder in _entries(_projects(home, environ)):
            yield from (Path(entry.path) for entry in _entries(folder.path) if _is_main(entry.name))

    def recent_transcripts(
        self, home: Path, environ: Mapping[str, str], root: Path, since: float
    ) -> Iterator[Path]:
        """Yield the transcripts of conversations in a folder or below that changed after a time."""
        roots = {str(root), os.path.realpath(root)}
        names = tuple(map(folder_name, roots))
        if override := environ.get("CLAUDE_CODE_PROJECT_DIR_NAME"):
            names += (override,)
        for folder in _entries(_projects(home, environ)):
            if not folder.name.startswith(names):
                continue
            for entry in _entries(folder.path):
                if _is_main(entry.name) and _changed_after(entry, since):
                    path = Path(entry.path)
                    if self._is_below(path, roots):
                        yield path

    def _is_below(self, path: Path, roots: Iterable[str]) -> bool:
        directory = self._directories.get(path)
        if directory is None:
            directory = _directory_of(path)
            if directory is None:
                return False  # nothing was said yet
            if len(self._directories) >= _MAX_KEPT:
                self._directories.clear()
            self._directories[path] = directory
        return any(directory == root or directory.startswith(root.rstrip("/") + "/") for root in roots)

    def companions(self, path: Path) -> Iterator[Path]:
        """Yield the transcripts of a conversation's subagents."""
        if not _is_main(path.name):
            return
        session = path.name.partition(".")[0]
        subagents = path.parent / session / "subagents"
        folders: list[Path | str] = [subagents, *_folders(subagents / "workflows")]
        for folder in folders:
            for entry in _entries(folder):
                if _is_subagent(entry.name):
                    yield Path(entry.path)
        for entry in _entries(path.parent):
            if _is_subagent(entry.name) and self._session_of_flat(Path(entry.path)) == session:
                yield Path(entry.path)

    def _session_of_flat(self, path: Path) -> str | None:
        if path not in self._flat_sessions:
            found = _SESSION.search(_head(path, HEAD_BYTES))
            if found is None:
                return None
            if len(self._flat_sessions) >= _MAX_KEPT:
                self._flat_sessions.clear()
            self._flat_sessions[path] = found.group(1).decode("utf-8", "replace")
        return self._flat_sessions[path]

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is a transcript, from one of its first whole lines."""
        lines = head.split(b"\n")
        whole_lines = [line for line in lines[:-1] if line.strip()][:20] or lines[:1]
        if any(_is_transcript_line(load_record(line)) for line in whole_lines):
            return True
        first = lines[0] if len(lines) == 1 else b""
        return all(mark in first for mark in (b'"parentUuid":', b'"sessionId":', b'"isSidechain":'))

    # What they say

    def line_parser(self, path: Path) -> TranscriptParser:
        """Return a parser for one transcript."""
        return TranscriptParser(path)

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Refuse: a transcript is read by lines.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{path}: transcripts of Claude Code are read by lines")

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> list[AnyEvent]:
        """Return what a hook's payload says."""
        return list(hook_events(payload, received_at))


def folder_name(directory: str) -> str:
    """Return the name of the folder for a working directory, without the hash that follows a long one.

    JavaScript counts a character beyond U+FFFF as two.
    """
    name = re.sub("[^a-zA-Z0-9]", lambda c: "--" if ord(c.group()) > 0xFFFF else "-", directory)
    return name[:_MAX_FOLDER_NAME]


def _projects(home: Path, environ: Mapping[str, str]) -> Path:
    configured = environ.get("CLAUDE_CONFIG_DIR")
    return (Path(configured) if configured else home / ".claude") / "projects"


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _folders(folder: Path) -> list[str]:
    return [entry.path for entry in _entries(folder)]


def _is_main(name: str) -> bool:
    return name.endswith(".jsonl") and not name.startswith(SUBAGENT_PREFIX)


def _is_subagent(name: str) -> bool:
    return name.endswith(".jsonl") and name.startswith(SUBAGENT_PREFIX)


def _changed_after(entry: os.DirEntry[str], since: float) -> bool:
    """A conversation that waits for its subagents does not change itself; their folder may."""
    path = Path(entry.path)
    for changed in (path, path.with_suffix("") / "subagents"):
        try:
            if changed.stat().st_mtime >= since:
                return True
        except OSError:
            continue
    return False


def _directory_of(path: Path) -> str | None:
    """Return the working directory that the first line with one names."""
    for size in (HEAD_BYTES, _MAX_HEAD_BYTES):
        head = _head(path, size)
        if found := _CWD.search(head):
            try:
                return text(json.loads(found.group(1)))
            except ValueError:
                return None
        if len(head) < size:
            return None
    return None


def _head(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""


def _is_transcript_line(record: Mapping[str, Any]) -> bool:
    kind = text(record.get("type"))
    if kind in ("user", "assistant", "system", "progress", "attachment"):
        return "parentUuid" in record and text(record.get("sessionId")) is not None
    if kind == "file-history-snapshot":
        return "messageId" in record and bool(mapping(record.get("snapshot")))
    if kind == "summary":
        return text(record.get("leafUuid")) is not None
    return kind in _META_TYPES and text(record.get("sessionId")) is not None


AGENT = ClaudeCode()
