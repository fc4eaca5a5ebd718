"""Importing transcripts that lie on disk: every command they tell of, once, however often it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from collector.agents.adapter import Agent, get_agent
from collector.agents.events import SessionSeen, well_formed
from collector.agents.following import IngestLock, archive_into
from collector.agents.ingest import Ingest, Known
from collector.agents.transcripts import TranscriptFile, open_transcript, require_agent
from collector.config import Config
from collector.errors import AcodeError, InputError
from collector.workspace import Workspace

_PATIENCE_SECONDS = 30.0
_STILL_WRITTEN_SECONDS = 600.0
_ORIGIN_BYTES = 256 << 10


@dataclass(slots=True)
class ImportReport:
    """What an import did.

    `open_calls` have no end yet in a transcript that is still being written: the next import reads it again.
    `problems` are lines for the user, one for each file that could not be read.
    """

    transcripts: int = 0
    unchanged: int = 0
    sessions: set[str] = field(default_factory=set)
    new_runs: int = 0
    matched_runs: int = 0
    open_calls: int = 0
    bytes_read: int = 0
    problems: list[str] = field(default_factory=list)


def find_sources(
    paths: Iterable[Path], agent: str | None, surroundings: tuple[Path, Mapping[str, str]], everything: bool
) -> Iterator[tuple[Agent, Path]]:
    """Yield the main transcripts to import, each with its agent.

    Args:
        paths: files, or folders to look through.
        agent: whose they are, or None to find out; without paths, all of this agent's.
        surroundings: the home folder and the environment, where agents keep their transcripts.
        everything: without paths and agent, those of every agent.

    Raises:
        InputError: a file is nobody's transcript.
        AccessError: a file cannot be read.
    """
    from collector.agents.adapter import NAMES

    for path in paths:
        if path.is_dir():
            yield from _in_folder(path, agent)
        else:
            yield require_agent(path, agent), path
    names = [agent] if agent and not paths else list(NAMES) if everything else []
    for name in names:
        for path in get_agent(name).find_transcripts(*surroundings):
            yield get_agent(name), path


def _in_folder(folder: Path, agent: str | None) -> Iterator[tuple[Agent, Path]]:
    """Yield the main transcripts below a folder; what is nobody's is passed over."""
    companions: set[Path] = set()
    found: list[tuple[Agent, Path]] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            owner = require_agent(path, agent)
        except AcodeError:
            continue
        companions.update(owner.companions(path))
        found.append((owner, path))
    for owner, path in found:
        if path not in companions:
            yield owner, path


class Importer:
    """Imports transcripts into one workspace, under the ingest lock.

    Args:
        workspace: where.
        config: limits and permissions.
        known: the database, up to date.
        again: read also what has not changed since it was read last.
    """

    def __init__(self, workspace: Workspace, config: Config, known: Known, again: bool = False) -> None:
        self._workspace = workspace
        self._ingest = Ingest(workspace, config, known, live=False)
        self._lock = IngestLock(workspace)
        self._known_transcripts = {} if again else _known_transcripts(known)
        self.report = ImportReport()

    def run(self, sources: Iterable[tuple[Agent, Path]], on_progress: Callable[[ImportReport], None]) -> None:
        """Import transcripts, the oldest first, so that what a fork repeats counts where it came from.

        Raises:
            BusyError: somebody else takes in what agents say, and did not stop.
        """
        self._lock.acquire(_PATIENCE_SECONDS)
        try:
            self._lock.was_elsewhere()
            for agent, path in in_order(sources):
                self._import(agent, path)
                on_progress(self.report)
        finally:
            self._lock.release()

    def _import(self, agent: Agent, main: Path) -> None:
        paths = [main, *agent.companions(main)]
        if all(self._is_unchanged(path) for path in paths):
            self.report.unchanged += len(paths)
            return
        for path in paths:
            self._read(TranscriptFile(agent, path), paths)
        if time.time() - max(map(_modified, paths)) > _STILL_WRITTEN_SECONDS:
            self._ingest.give_up_all()
        else:
            self._leave_open(paths)
        self._ingest.settle(final=True)
        self.report.new_runs, self.report.matched_runs = self._ingest.new_runs, self._ingest.matched_runs

    def _leave_open(self, paths: list[Path]) -> None:
        """Leave calls without an end to who reads next: their agent may still be at it."""
        for state, count in self._ingest.drop_open().items():
            self.report.open_calls += count
            state.expect_more_of({str(path) for path in paths})

    def _read(self, file: TranscriptFile, paths: list[Path]) -> None:
        sessions: set[str] = set()
        self._ingest.told_ms = file.modified_ms()
        try:
            for events in chain(file.read(), file.finish()):
                for event in map(well_formed, events):
                    self._ingest.take(file.agent.name, [event])
                    sessions.add(event.conversation_id)
        except (OSError, ValueError, EOFError) as error:
            self.report.problems.append(f"ACODE-AGT-005: {file.path} was read in part: {error}")
        for state in self._ingest.states():
            ids = {c for i in state.instances.values() for c in i.conversation_ids}
            if ids & sessions:
                self.report.sessions.add(state.session.session_id)
                try:
                    archive_into(state, file, paths, self._ingest.rules)
                except OSError as error:
                    self.report.problems.append(f"ACODE-AGT-005: {file.path} was not archived: {error}")
        self.report.transcripts += 1
        self.report.bytes_read += _size(file.path)

    def _is_unchanged(self, path: Path) -> bool:
        known = self._known_transcripts.get(str(path))
        try:
            status = path.stat()
        except OSError:
            return False
        return known == (status.st_size, status.st_mtime_ns)


def in_order(sources: Iterable[tuple[Agent, Path]]) -> list[tuple[Agent, Path]]:
    """Return transcripts in the order in which they are to be read: a fork after what it came from, whose
    messages and calls it repeats; else the oldest first.
    """  # noqa: D205 - one sentence
    waiting = sorted(sources, key=lambda source: _modified(source[1]))
    origins = {path: _origin(agent, path) for agent, path in waiting}
    known = {conversation for conversation, _ in origins.values()}
    ordered: list[tuple[Agent, Path]] = []
    read: set[str | None] = {None}
    while waiting:
        ready = [s for s in waiting if (o := origins[s[1]])[1] in read or o[1] not in known or o[1] == o[0]]
        chosen = ready or waiting  # each other's origins: a damaged record
        ordered += chosen
        read |= {origins[path][0] for _, path in chosen}
        waiting = [source for source in waiting if source not in chosen]
    return ordered


def _origin(agent: Agent, path: Path) -> tuple[str | None, str | None]:
    """Return a transcript's conversation and the one that it came from, as its beginning tells."""
    parser = agent.line_parser(path)
    if parser is None:
        return None, None
    conversation = parent = None
    try:
        with open_transcript(path) as file:
            lines = file.read(_ORIGIN_BYTES).split(b"\n")[:-1]
    except (OSError, EOFError, ValueError):
        return None, None
    for line in lines:
        for event in parser.feed(line):
            conversation = conversation or event.conversation_id
            if isinstance(event, SessionSeen) and event.conversation_id == conversation:
                parent = parent or event.parent_conversation_id
    return conversation, parent


def _known_transcripts(known: Known) -> dict[str, tuple[int, int]]:
    return {
        str(t.get("path")): (t.get("size_bytes", -1), t.get("modified_ns", -1)) for t in known.transcripts()
    }


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def import_paths(
    importer: Importer, sources: Iterable[tuple[Agent, Path]], on_progress: Callable[[ImportReport], None]
) -> ImportReport:
    """Import, and say when there was nothing to import.

    Raises:
        InputError: no transcript was found.
        BusyError: another process is at it.
    """
    chosen = list(sources)
    if not chosen:
        raise InputError("ACODE-AGT-006", "no transcript found", "name a file or folder, or use --all")
    importer.run(chosen, on_progress)
    return importer.report
