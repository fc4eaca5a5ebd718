"""Codex: where its rollouts lie, and which of its parsers reads what.

Rollouts are `sessions/YEAR/MONTH/DAY/rollout-TIME-THREAD.jsonl` below `$CODEX_HOME` (`~/.codex`), those of
subagents among them; a resumed thread goes on in its old file. Idle ones may be compressed to `.jsonl.zst`,
archived ones are below `archived_sessions`. An output of `codex exec --json` is read like a transcript.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from collector.agents.codex_hooks import hook_events
from collector.agents.codex_rollout import Rollout
from collector.agents.codex_stream import Stream
from collector.agents.codex_threads import subagent_of
from collector.agents.events import AnyEvent
from collector.agents.values import mapping, text

_FILE = re.compile(r"rollout-.*\.jsonl(?:\.zst)?")
_THREAD = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl(?:\.zst)?\Z")
_STREAM_TYPE = re.compile(r"(?:thread|turn|item)\.[a-z]+|error")
_MAX_META_BYTES = 1 << 20
_COPIES = 3
_SOURCES = ("session_meta", "response_item", "event_msg", "turn_context")


class Codex:
    """Codex CLI, and what else writes its rollouts (the editors' extensions, the app)."""

    name = "codex"
    title = "Codex"
    commands: tuple[str, ...] = ("codex",)

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Yield every rollout but those of subagents."""
        base = _base(home, environ)
        for folder in (base / "sessions", base / "archived_sessions"):
            for path in sorted(folder.rglob("rollout-*")) if folder.is_dir() else ():
                if _is_chosen(path) and _thread_meta(path).get("subagent") is None:
                    yield path

    def recent_transcripts(
        self, home: Path, environ: Mapping[str, str], root: Path, since: float
    ) -> Iterator[Path]:
        """Yield rollouts of a workspace that changed; one stat(2) for each file there is."""
        for folder in _day_folders(_base(home, environ) / "sessions"):
            for entry in os.scandir(folder):
                if not entry.name.endswith(".jsonl") or entry.stat().st_mtime < since:
                    continue
                meta = _thread_meta(Path(entry.path))
                directory = text(meta.get("cwd"))
                if directory is not None and meta.get("subagent") is None and _is_within(directory, root):
                    yield Path(entry.path)

    def companions(self, path: Path) -> Iterator[Path]:
        """Yield the rollouts of a thread's subagents: they lie among all others, and are younger."""
        thread = _THREAD.search(path.name)
        folder = path.parent
        if thread is None or not folder.is_dir():
            return
        days = _days_from(folder) if folder.name.isdigit() else [folder]
        for day in days:
            for other in sorted(day.glob("rollout-*")):
                found = _THREAD.search(other.name)
                if found is None or found[1] <= thread[1] or not _is_chosen(other):
                    continue
                if mapping(_thread_meta(other).get("subagent")).get("root") == thread[1]:
                    yield other

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is a rollout or an output of `codex exec --json`."""
        if _FILE.fullmatch(path.name):
            return True
        first = _first_record(head)
        if first.get("type") == "thread.started" and "thread_id" in first:
            return True
        return first.get("type") in _SOURCES and isinstance(first.get("payload"), dict)

    def line_parser(self, path: Path) -> Lines:
        """Return a parser for a rollout or a stream; the first line tells which."""
        return Lines(path)

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield nothing: all are sequences of lines."""
        yield from ()

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> Iterable[AnyEvent]:
        """Return what a payload of a hook or of `notify` says."""
        return hook_events(payload, received_at)


class Lines:
    """Reads what Codex writes in lines, whichever of the two it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser: Rollout | Stream | None = None

    def feed(self, line: bytes) -> Iterable[AnyEvent]:
        """Return what a line says."""
        if self._parser is None:
            first = _first_record(line)
            if not first:
                return ()
            is_stream = "payload" not in first and _STREAM_TYPE.fullmatch(str(first.get("type"))) is not None
            self._parser = Stream() if is_stream else Rollout(self._path)
        return self._parser.feed(line)


def _base(home: Path, environ: Mapping[str, str]) -> Path:
    return Path(environ["CODEX_HOME"]) if environ.get("CODEX_HOME") else home / ".codex"


def _day_folders(sessions: Path) -> Iterator[str]:
    """Yield the folders of all days, the newest first: any of their files may go on today."""
    level = [str(sessions)]
    for _ in range(_COPIES):
        level = [entry.path for folder in level for entry in _folders(folder)]
    yield from sorted(level, reverse=True)


def _folders(folder: str) -> list[os.DirEntry[str]]:
    try:
        return [entry for entry in os.scandir(folder) if entry.name.isdigit() and entry.is_dir()]
    except OSError:
        return []


def _days_from(day: Path) -> Iterator[Path]:
    for folder in _day_folders(day.parents[2]):
        if Path(folder) >= day:
            yield Path(folder)


def _is_chosen(path: Path) -> bool:
    """A compressed rollout counts only when there is none that is not, as Codex does it."""
    return _FILE.fullmatch(path.name) is not None and not (
        path.suffix == ".zst" and path.with_suffix("").exists()
    )


def _is_within(directory: str, root: Path) -> bool:
    return Path(directory) == root or root in Path(directory).parents


def _thread_meta(path: Path) -> Mapping[str, Any]:
    """Return `cwd` and `subagent` (as `subagent_of` has it) of a rollout, or nothing."""
    try:
        return _read_meta(str(path))
    except (OSError, ValueError, EOFError):
        return {}


@lru_cache(maxsize=8192)
def _read_meta(path: str) -> Mapping[str, Any]:
    """Read the first line of a rollout, which never changes.

    Raises:
        OSError: it cannot be read.
        ValueError: there is no whole line yet, or it is no beginning of a rollout.
    """
    from collector.agents.transcripts import open_transcript

    with open_transcript(Path(path)) as file:
        line = file.readline(_MAX_META_BYTES)
    if not line.endswith(b"\n"):
        raise ValueError(f"{path} has no first line")
    meta = mapping(_first_record(line).get("payload"))
    return {"cwd": meta.get("cwd"), "subagent": subagent_of(meta)}


def _first_record(head: bytes) -> Mapping[str, Any]:
    line = head.partition(b"\n")[0]
    try:
        return mapping(json.loads(line.decode("utf-8", "replace"), strict=False))
    except (ValueError, RecursionError):
        return {}


AGENT = Codex()
