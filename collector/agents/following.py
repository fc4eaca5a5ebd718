"""Following agents live: the inbox, the transcripts that hooks name, and those that appear in the workspace.

Done by the collector, in slices, under the ingest lock; while somebody imports, what happens waits in the
inbox and in the transcripts, where it is safe.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector import clock
from collector.agents.adapter import NAMES, KeepsFolders, get_agent
from collector.agents.events import (
    AnyEvent,
    Event,
    InstanceStarted,
    SessionEnded,
    SessionSeen,
    well_formed,
)
from collector.agents.inbox import HOOK, INSTANCE, REGISTERED, TELEMETRY, Letter, iter_letters
from collector.agents.ingest import Ingest, Known, Place
from collector.agents.redacted_copy import archive_redacted
from collector.agents.session_state import SessionState
from collector.agents.transcripts import TranscriptFile, archive
from collector.config import Config
from collector.durable import unlink_quietly
from collector.errors import AcodeError
from collector.record.session_folder import TRANSCRIPTS
from collector.store.lock import FileLock
from collector.workspace import Workspace

if TYPE_CHECKING:
    from collector.redaction import Rules

Log = Callable[..., None]
SLICE_BYTES = 8 << 20
_BATCH = 100
"""How many letters are taken in before their sessions are saved; what they say is in memory until then."""
_DISCOVER_SECONDS = 2.0
_LOOK_BACK_SECONDS = 600.0
_FORGET_SECONDS = 3600.0
DATABASES = frozenset({".db", ".sqlite"})


class IngestLock(FileLock):
    """Who takes in what agents say. The file counts the takers, so that each sees another's turn."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace.ingest_lock, "transcripts are being taken in by another process")
        self._mine = b""

    def was_elsewhere(self) -> bool:
        """Tell whether somebody else had the lock since this process last did; marks it as ours."""
        found = os.pread(self._fd, 64, 0)
        if found and found == self._mine:
            return False
        self._mine = os.urandom(8).hex().encode()
        os.pwrite(self._fd, self._mine, 0)
        return True


class _Registered:
    """An agent that `acode session run` started: where its conversations belong."""

    def __init__(self, letter: Mapping[str, Any], path: str) -> None:
        self.path = path
        self.agent = str(letter.get("agent") or "")
        self.place = Place(str(letter["session_id"]), str(letter["instance_id"]))
        self.directory = str(letter.get("working_directory") or "")
        boot = letter.get("boot_id")
        self.processes = [
            (letter.get("pid"), letter.get("start_ticks"), boot),
            (letter.get("agent_pid"), letter.get("agent_start_ticks"), boot),
        ]
        """That of `session run`, and that of the agent: either may outlive the other."""
        self.started_at = _milliseconds(letter.get("started_at"))

    def forget(self) -> None:
        """It has ended: the next follower need not know of it."""
        unlink_quietly(self.path)

    def is_alive(self) -> bool:
        """Tell whether one of its processes still runs."""
        return any(_is_running(*process) for process in self.processes)


def _is_running(pid: object, ticks: object, boot: object) -> bool:
    return (
        isinstance(pid, int)
        and isinstance(ticks, int)
        and isinstance(boot, str)
        and clock.is_process_alive(pid, ticks, boot)
    )


class Follower:
    """Follows every agent of a workspace.

    Args:
        workspace: whose.
        config: limits, permissions, and whether transcripts are looked for.
        known: the database.
        surroundings: the home folder and the environment, where agents keep their files.
        log: told of what goes wrong.
    """

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        known: Known,
        surroundings: tuple[Path, Mapping[str, str]],
        log: Log,
    ) -> None:
        self._workspace = workspace
        self._home, self._environ = surroundings
        self._log = log
        self._follows = bool(config.get("agents.follow"))
        self._lock = IngestLock(workspace)
        self._ingest = Ingest(workspace, config, known, live=True)
        self._ingest.find_instance = self._find_instance
        self._files: dict[Path, TranscriptFile] = {}
        self._changed_at: dict[Path, float] = {}
        self._archived: dict[Path, tuple[int, int]] = {}
        self._places: dict[Path, Place] = {}
        self._registered: dict[str, _Registered] = {}
        self._discovered_at = 0.0
        for letter in iter_letters(workspace.inbox, kinds=(REGISTERED,)):
            with contextlib.suppress(KeyError):
                self._registered[letter.payload["instance_id"]] = _Registered(letter.payload, letter.path)
        begun = [registered.started_at / 1000 for registered in self._registered.values()]
        self._since = min([time.time() - _LOOK_BACK_SECONDS, *begun])
        self._troubled: set[Path] = set()
        self._taken: set[str] = set()
        """Letters that were taken in, and whose sessions are not saved yet: a disk may be full."""

    def step(self) -> int:
        """Take in what is new, at most a slice; return how much there was (0: nothing)."""
        if not self._lock.try_acquire():
            return 0
        try:
            if self._lock.was_elsewhere():
                self._begin_anew()
            done = self._read_inbox()
            self._discover()
            done += self._read_transcripts()
            self._end_killed()
            self._ingest.settle()
            self._archive()
            return done
        finally:
            self._lock.release()

    @property
    def is_busy(self) -> bool:
        """Whether an agent that was started through acode still runs."""
        return bool(self._registered)

    def _begin_anew(self) -> None:
        self._ingest.forget()
        self._files.clear()
        self._archived.clear()
        self._taken.clear()

    # Inbox

    def _read_inbox(self) -> int:
        done = 0
        for letter in iter_letters(self._workspace.inbox, keeps_damaged=self._ingest.rules is None):
            if letter.path not in self._taken:
                self._take_letter(letter)
                self._taken.add(letter.path)
            if letter.kind == INSTANCE and letter.payload.get("kind") == "started":
                self._register(letter)
            elif len(self._taken) >= _BATCH:
                self._put_away()
            done += 1
        self._put_away()
        return done

    def _put_away(self) -> None:
        """Save what letters said, and remove them: not before it is in their sessions' folders."""
        self._ingest.save()
        for path in self._taken:
            unlink_quietly(path)
        self._taken.clear()

    def _register(self, letter: Letter) -> None:
        """Keep what a new follower has to know; hooks that come behind it belong to this instance."""
        self._ingest.save()
        with contextlib.suppress(KeyError, OSError):
            registered = _Registered(letter.payload, letter.path)
            registered.path = letter.keep()
            self._registered[registered.place.instance_id] = registered
            self._taken.discard(letter.path)

    def _take_letter(self, letter: Letter) -> None:
        """Take in a letter; one that cannot be is said, and goes with the others."""
        try:
            self._take_kind(letter)
        except (ValueError, KeyError, TypeError, AcodeError) as error:
            self._log("inbox.refused", file=os.path.basename(letter.path), error=str(error))

    def _take_kind(self, letter: Letter) -> None:
        if letter.kind == HOOK:
            self._take_hook(letter)
        elif letter.kind == TELEMETRY:
            self._take_telemetry(letter)
        else:
            self._take_instance(self._ingest.stored(letter.payload))

    def _take_hook(self, letter: Letter) -> None:
        agent = get_agent(letter.agent)
        events = list(map(well_formed, agent.hook_events(letter.payload, letter.received_at)))
        entry = {
            "received_at": clock.format_iso(letter.received_at), "agent": letter.agent,
            "payload": self._ingest.stored(letter.payload),
        }  # fmt: skip
        if not events:
            self._log("hook.unknown", agent=letter.agent, payload=str(entry["payload"])[:500])
            return
        if len(letter.head) >= 2 and letter.head[0] != "-" and letter.head[1] != "-":
            self._place(agent.name, events[0].conversation_id, Place(*letter.head[:2]), letter.received_at)
        if any(isinstance(event, SessionEnded) for event in events):
            self._catch_up()  # calls that have no end after this have none
        self._ingest.take(agent.name, events)
        place = self._ingest.place_of(agent.name, events[0])
        self._ingest.state(place.session_id).hook(entry)
        for event in events:
            if isinstance(event, SessionSeen | InstanceStarted) and event.transcript_path:
                self._follow(agent.name, Path(event.transcript_path))

    def _place(self, agent: str, conversation_id: str, place: Place, received_at: int) -> None:
        registered = self._registered.get(place.instance_id)
        since = registered.started_at if registered else received_at
        self._ingest.place(agent, conversation_id, place, since)

    def _take_telemetry(self, letter: Letter) -> None:
        from collector.agents.otlp import otlp_events

        path, content_type = letter.head[0], " ".join(letter.head[1:])
        for agent, event in otlp_events(path, content_type, letter.body):
            self._ingest.take(agent, [event])

    def _take_instance(self, letter: Mapping[str, Any]) -> None:
        state = self._ingest.state(str(letter["session_id"]))
        instance_id = str(letter["instance_id"])
        if letter.get("kind") == "ended":
            if instance_id in self._registered:
                self._catch_up()
                self._registered.pop(instance_id).forget()
            ended = _milliseconds(letter.get("ended_at"))
            code, signal = letter.get("exit_code"), letter.get("signal")
            error = f"killed by signal {signal}" if signal else f"exit code {code}" if code else None
            state.instance(
                instance_id, status="killed" if signal else "ended", terminated_at=ended, error=error
            )
            self._end_session(state.session.session_id)
            return
        registered = _Registered(letter, "")
        state.learn(
            status="running", agent=state.session.agent or registered.agent or None,
            team=_text(letter.get("team")), working_directory=registered.directory or None,
            started_at=state.session.started_at or registered.started_at,
        )  # fmt: skip
        state.instance(
            instance_id, agent=registered.agent or None, name=_text(letter.get("name")),
            role=_text(letter.get("role")), model=_text(letter.get("model")), status="running",
            parent_instance_id=_text(letter.get("parent_instance_id")),
            created_at=registered.started_at, workspace=registered.directory or None,
        )  # fmt: skip
        state.has_shim = state.has_shim or registered.agent == "claude-code"

    def _end_session(self, session_id: str) -> None:
        """A session is over when the last of its agents is."""
        state = self._ingest.state(session_id)
        main = [i for i in state.instances.values() if i.parent_instance_id is None]
        if any(instance.status == "running" for instance in main):
            return
        ended = max((i.terminated_at or 0 for i in main), default=0)
        status = "killed" if any(i.status == "killed" for i in main) else "ended"
        state.learn(status=status, ended_at=ended or None)
        for instance in list(state.instances.values()):
            if instance.status == "running":
                state.instance(instance.instance_id, status=status, terminated_at=ended or None)

    def _end_killed(self) -> None:
        """Notice agents that are gone without a word."""
        for instance_id, registered in list(self._registered.items()):
            if registered.is_alive():
                continue
            self._catch_up()
            self._registered.pop(instance_id).forget()
            state = self._ingest.state(registered.place.session_id)
            state.instance(instance_id, status="killed", terminated_at=clock.now_ms())
            self._ingest.give_up_session(state)
            self._end_session(registered.place.session_id)

    def _find_instance(self, agent: str, event: Event) -> tuple[int, Place] | None:
        """Return the one agent that was started through acode and can have had this conversation."""
        fitting = [
            registered
            for registered in {**self._waiting(), **self._registered}.values()
            if registered.agent == agent and max(event.at or 0, self._ingest.told_ms) >= registered.started_at
        ]
        return (fitting[0].started_at, fitting[0].place) if len(fitting) == 1 else None

    def _waiting(self) -> dict[str, _Registered]:
        """Return agents whose start is still in the inbox: a transcript may be seen before it is."""
        found: dict[str, _Registered] = {}
        for letter in iter_letters(self._workspace.inbox, kinds=(INSTANCE,)):
            with contextlib.suppress(KeyError):
                if letter.payload["kind"] == "started":
                    found[letter.payload["instance_id"]] = _Registered(letter.payload, letter.path)
        return found

    # Transcripts

    def _follow(self, agent: str, path: Path) -> None:
        if path not in self._files and path.is_absolute():
            self._files[path] = TranscriptFile(get_agent(agent), path, Path(self._workspace.root))
            self._changed_at[path] = time.monotonic()

    def _discover(self) -> None:
        now = time.monotonic()
        if now - self._discovered_at < _DISCOVER_SECONDS:
            return
        self._discovered_at = now
        self._ingest.close_stale(clock.now_ms())
        root = Path(self._workspace.root)
        for name in NAMES if self._follows else ():
            agent = get_agent(name)
            try:
                for path in agent.recent_transcripts(self._home, self._environ, root, self._since):
                    self._follow(name, path)
            except OSError as error:
                self._log("transcripts.unreadable", agent=name, error=str(error))
        for path, file in list(self._files.items()):
            for companion in file.agent.companions(path):
                self._follow(file.agent.name, companion)
            if now - self._changed_at[path] > _FORGET_SECONDS:
                del self._files[path], self._changed_at[path]
                self._fall_silent(path)

    def _fall_silent(self, path: Path) -> None:
        """Nothing was heard for long: whether the agent still runs is not known."""
        place = self._places.get(path)
        if place is not None and place.instance_id not in self._registered:
            state = self._ingest.state(place.session_id)
            if state.session.status == "running":
                state.learn(status="unknown")
                state.instance(place.instance_id, status="unknown")

    def _catch_up(self) -> None:
        """Read what an agent wrote at its end, before its open calls are given up and its place forgotten."""
        self._discovered_at = 0.0
        self._discover()
        self._read_transcripts()

    def _read_transcripts(self) -> int:
        done = 0
        for path, file in list(self._files.items()):
            if not file.has_changed():
                continue
            self._changed_at[path] = time.monotonic()
            try:
                for events in file.read(SLICE_BYTES):
                    done += self._take_events(file, events)
            except (OSError, ValueError) as error:
                if path not in self._troubled:
                    self._log("transcript.unreadable", path=str(path), error=str(error))
                self._troubled.add(path)
        return done

    def _take_events(self, file: TranscriptFile, events: Any) -> int:
        count = 0
        self._ingest.told_ms = file.modified_ms()
        for event in map(well_formed, events):
            self._take_event(file, event)
            if count == 0 or file.path.suffix in DATABASES:
                self._note_place(file, self._ingest.place_of(file.agent.name, event))
            count += 1
        return count

    def _take_event(self, file: TranscriptFile, event: AnyEvent) -> None:
        """Take in an event; one that cannot be costs only itself, and is said once for each transcript."""
        try:
            self._ingest.take(file.agent.name, [event])
        except (AcodeError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - what an agent writes must not stop those that follow
            if file.path not in self._troubled:
                self._log("event.refused", path=str(file.path), error=f"{type(error).__name__}: {error}")
            self._troubled.add(file.path)

    def _note_place(self, file: TranscriptFile, place: Place) -> None:
        if self._places.get(file.path) != place:
            self._places[file.path] = place
            if file.path.suffix in DATABASES:  # holds many sessions
                archive_into(self._ingest.state(place.session_id), file, (), self._ingest.rules)

    def _archive(self) -> None:
        for path, file in self._files.items():
            place = self._places.get(path)
            if place is None or self._archived.get(path) == file.version:
                continue
            try:
                archive_into(self._ingest.state(place.session_id), file, set(self._files), self._ingest.rules)
            except OSError as error:
                if path not in self._troubled:
                    self._log("transcript.not_archived", path=str(path), error=str(error))
                self._troubled.add(path)
            self._archived[path] = file.version


def archive_into(
    state: SessionState, file: TranscriptFile, others: Collection[Path], rules: Rules | None = None
) -> None:
    """Bring a session's copy of a transcript up to date, and note where it came from.

    Args:
        state: the session.
        file: what was read.
        others: more transcripts of the same session; a subagent's keeps its place relative to the main one.
        rules: what must not be kept; None for a copy byte for byte.

    Raises:
        OSError: the copy may be behind.
    """
    if file.path.suffix in DATABASES:  # other conversations are in it too: it stays where it is
        state.add_transcript({"path": str(file.path), "agent": file.agent.name, "archived": None})
        return
    parts = _place_among(file, others)
    keep = archive if rules is None else partial(archive_redacted, rules=rules)
    target = keep(file.path, os.path.join(state.folder, TRANSCRIPTS, *parts), file.grows)
    if target is None:
        return
    if isinstance(file.agent, KeepsFolders):
        for path in file.agent.parts(file.path):
            below = path.parent.relative_to(file.path.parent).parts
            keep(path, os.path.join(state.folder, TRANSCRIPTS, *parts, *below), False)
    status = file.path.stat()
    state.add_transcript({
        "path": str(file.path), "agent": file.agent.name,
        "archived": os.path.relpath(target, state.folder), "size_bytes": status.st_size,
        "modified_ns": status.st_mtime_ns,
    })  # fmt: skip


def _place_among(file: TranscriptFile, others: Collection[Path]) -> tuple[str, ...]:
    """A subagent's transcript keeps its place relative to the main one's."""
    if isinstance(file.agent, KeepsFolders):
        above = [p.parent for p in {file.path, *others} if file.path.is_relative_to(p.parent)]
        return file.path.parent.relative_to(min(above, key=lambda p: len(p.parts)).parent).parts
    for main in others:
        if main != file.path and file.path.is_relative_to(main.with_suffix("")):
            return file.path.parent.relative_to(main.parent).parts
    return ()


def _milliseconds(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return clock.parse_iso(str(value))
    except ValueError:
        return clock.now_ms()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
