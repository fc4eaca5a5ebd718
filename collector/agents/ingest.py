"""Taking in what agents say: events become run folders, annotations of recorded runs, session folders.

One command is one run: where a recorder saw it (the shim), what hooks and transcripts say is added to its
run; where none did, the call becomes a run of its own once its channels have had time to tell. Nothing here
writes the database; it is asked which calls it knows.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from collector import clock
from collector.agents.call_writer import CallWriter, OpenCall, SessionRuns
from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    Event,
    InstanceEnded,
    InstanceStarted,
    Message,
    Prompt,
    SessionEnded,
    SessionSeen,
    redacted,
    well_formed,
)
from collector.agents.merge import Call
from collector.agents.session_state import SessionState
from collector.config import Config
from collector.model.run import Run
from collector.record.redacting import mask_value, store_rules
from collector.workspace import Workspace

SETTLE_SECONDS = 1.0
"""How long the channels of a call may take to tell of its end after the first one did."""
MAX_OPEN_SECONDS = 3600.0
_RECENT_MS = 600_000
_CLOCK_SLACK_MS = 500
_MAX_WAITING = 64


class Known(Protocol):
    """What the database knows."""

    def find_call(self, tool_call_id: str, agent: str) -> Run | None:
        """Return the run of a call."""

    def without_call(self, session_id: str) -> list[Run]:
        """Return the runs of a session that no call is known for."""

    def running_calls(self) -> list[Run]:
        """Return the calls that are shown as running and have no recorder."""

    def places_of(self, conversation_id: str, agent: str) -> list[tuple[int, str, str]]:
        """Return where a conversation belongs: since when, session, instance."""

    def transcripts(self) -> list[dict[str, Any]]:
        """Return every transcript that was read, as session records name them."""

    def session_of_message(self, message_key: int) -> str | None:
        """Return the session that counts a message."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation belongs: a session, and its main instance there."""

    session_id: str
    instance_id: str


class Ingest:
    """Takes in events and keeps what is not settled yet; used by one thread, under the ingest lock.

    Args:
        workspace: where runs and sessions go.
        config: limits and permissions.
        known: the database.
        live: whether events come as they happen. Then calls are shown while they run; else each is
            written as soon as its end has been read.
    """

    def __init__(self, workspace: Workspace, config: Config, known: Known, live: bool) -> None:
        self._workspace = workspace
        self._known = known
        self._live = live
        self._places: dict[tuple[str, str], list[tuple[int, Place]]] = {}
        self._states: dict[str, SessionState] = {}
        self._open: dict[str, OpenCall] = {}
        self._over: dict[str, OpenCall] = {}
        self._done: set[int] = set()
        self._runs: dict[str, SessionRuns] = {}
        self._matched: set[str] = set()
        self._writer = CallWriter(workspace, config, sync=live)
        self.rules = store_rules(config, os.environ)
        """What must not be stored; None where everything is stored as it is told."""
        self.find_instance: Callable[[str, Event], tuple[int, Place] | None] = lambda agent, event: None
        self.told_ms = 0
        """When the transcript that is being taken in was written last."""
        self.new_runs = 0
        self.matched_runs = 0

    def stored(self, value: Any) -> Any:
        """Return what may be stored of a JSON value."""
        return value if self.rules is None else mask_value(value, self.rules)

    # Places

    def place(self, agent: str, conversation_id: str, place: Place, since: int) -> None:
        """Say where a conversation belongs from a time on: one that is resumed may have gone elsewhere."""
        places = self._places_of(agent, conversation_id)
        if place not in [known for _, known in places]:
            self._settle_in(agent, conversation_id, place)
            places.append((since, place))
            places.sort(key=lambda known: known[0])

    def _places_of(self, agent: str, conversation_id: str) -> list[tuple[int, Place]]:
        key = (agent, conversation_id)
        if key not in self._places:
            found = self._known.places_of(conversation_id, agent)
            self._places[key] = [(since, Place(session, instance)) for since, session, instance in found]
        return self._places[key]

    def _settle_in(self, agent: str, conversation_id: str, place: Place) -> None:
        state = self.state(place.session_id)
        state.instance(place.instance_id, agent=agent)
        state.add_conversation(place.instance_id, conversation_id)
        state.learn(agent=state.session.agent or agent)

    def state(self, session_id: str) -> SessionState:
        """Return a session's state."""
        state = self._states.get(session_id)
        if state is None:
            state = SessionState(self._workspace, session_id, self._known.session_of_message)
            self._states[session_id] = state
        return state

    def states(self) -> Iterable[SessionState]:
        """Return every session that was spoken of."""
        return self._states.values()

    def place_of(self, agent: str, event: Event) -> Place:
        """Return where an event belongs: where its conversation does, else a session of its own."""
        return self._since_and_place(agent, event)[1]

    def _since_and_place(self, agent: str, event: Event) -> tuple[int, Place]:
        places = self._places_of(agent, event.conversation_id)
        if not places:
            found = self.find_instance(agent, event)
            since, place = found or (0, self._own_session(agent, event.conversation_id))
            self.place(agent, event.conversation_id, place, since)
        if event.at is None:
            return places[-1]
        return next((known for known in reversed(places) if known[0] <= event.at), places[0])

    def _own_session(self, agent: str, conversation_id: str) -> Place:
        """Two agents may have used one id; the second one's session says so in its name."""
        other = self.state(conversation_id).session.agent
        name = conversation_id if other in (None, agent) else f"{conversation_id}.{agent}"
        return Place(name, name)

    # Events

    def take(self, agent: str, events: Iterable[AnyEvent]) -> None:
        """Take in events of an agent."""
        now_ms = clock.now_ms() if self._live else 0
        for event in map(well_formed, events):
            since, place = self._since_and_place(agent, event)
            state = self.state(place.session_id)
            instance_id = event.instance_id or place.instance_id
            if self.rules is not None:  # not before: a place is found by what was told
                event = redacted(event, self.stored)
            if event.at is not None and event.at < since - _CLOCK_SLACK_MS:
                # The history that a resumed or forked conversation brings along happened elsewhere.
                if not isinstance(event, Prompt | SessionEnded):
                    self._take(agent, event, state, instance_id)
                continue
            if event.instance_id is not None and event.instance_id not in state.instances:
                state.instance(instance_id, agent=agent, parent_instance_id=place.instance_id)
            if self._live and event.at is not None and event.at > now_ms - _RECENT_MS:
                state.revive(event.at, place.instance_id)
            state.touch(event.at, instance_id)
            self._take(agent, event, state, instance_id)

    def _take(self, agent: str, event: AnyEvent, state: SessionState, instance_id: str) -> None:
        if isinstance(event, CallStarted | CallEnded):
            self._take_call(agent, event, state, instance_id)
        elif isinstance(event, Message):
            if not self._live and len(self._over) >= 1:
                self._flush_before(event, state)
            state.message(event, instance_id)
        elif isinstance(event, SessionSeen):
            state.see(event, instance_id)
        elif isinstance(event, Prompt):
            state.prompt(event)
        elif isinstance(event, InstanceStarted):
            self._take_instance(agent, event, state)
        elif isinstance(event, InstanceEnded):
            state.instance(instance_id, status="ended", terminated_at=event.at, error=event.error)
        elif isinstance(event, SessionEnded):
            state.end(event, instance_id)
            self._give_up(lambda call: call.call.conversation_id == event.conversation_id)

    def _take_instance(self, agent: str, event: InstanceStarted, state: SessionState) -> None:
        main = self.place_of(agent, event).instance_id
        known = state.instances.get(event.instance_id or main)
        parent = event.parent_instance_id or (known.parent_instance_id if known else None) or main
        state.instance(
            event.instance_id or main, agent=agent, name=event.name, role=event.role, model=event.model,
            parent_instance_id=parent if event.instance_id else None, created_at=event.at,
            prompt=event.prompt[:2000] if event.prompt else None, tool_call_id=event.call_id,
        )  # fmt: skip

    # Calls

    def _take_call(
        self, agent: str, event: CallStarted | CallEnded, state: SessionState, instance_id: str
    ) -> None:
        key = f"{agent}\0{event.call_id}"
        waiting = self._open.get(key) or self._over.get(key)
        if waiting is None:
            if _digest(key) in self._done:
                return
            waiting = self._begin(agent, event, state, instance_id)
            if waiting is None:
                self._done.add(_digest(key))
                return
            self._open[key] = waiting
        waiting.call.add(event)
        if waiting.call.is_over and key in self._open:
            self._over[key] = self._open.pop(key)
            waiting.over_since = time.monotonic()
            if not self._live and len(self._over) > _MAX_WAITING:
                self._finish_oldest()

    def _begin(
        self, agent: str, event: CallStarted | CallEnded, state: SessionState, instance_id: str
    ) -> OpenCall | None:
        """Return what is kept of a call that is new here; None when its run is written already."""
        call = Call(event.call_id, agent, event.conversation_id, instance_id)
        known = self._known.find_call(event.call_id, agent)
        waiting = OpenCall(call, state, time.monotonic(), told_ms=self.told_ms)
        if known is None:
            return waiting
        if dict(known.recorder).get("kind") == "agent":
            if known.is_finished:
                return None
            waiting.folder = known.folder
            waiting.record = self._writer.read_record(known.folder)
            return waiting
        waiting.run = known
        return waiting if not known.is_finished or not known.model else None

    def _flush_before(self, event: Message, state: SessionState) -> None:
        """The next answer begins: what earlier ones used is final, and so are the calls they made."""
        if state.peek_usage(event.message_id) is None:
            for key in [k for k, waiting in self._over.items() if waiting.state is state]:
                self._finish(key)

    def _finish_oldest(self) -> None:
        self._finish(next(iter(self._over)))

    def _finish(self, key: str) -> None:
        waiting = self._over[key]
        self._match(waiting)
        if waiting.run is not None:
            self._writer.annotate(waiting)
            self.matched_runs += 1
        elif waiting.call.started is not None or waiting.record is not None:
            self._writer.write(waiting)
            self.new_runs += 1
        del self._over[key]  # not before: what a full disk refused is tried again
        if waiting.run is None and waiting.call.started is None and waiting.record is None:
            return  # an end without a beginning: the beginning may be read yet
        self._done.add(_digest(key))

    def _match(self, waiting: OpenCall) -> None:
        """Find the run that a recorder made of a call."""
        started = waiting.call.started
        if waiting.run is not None or started is None or started.kind != "shell":
            return
        run = self._named(waiting) or self._runs_of(waiting.state.session.session_id).match(waiting.call)
        if run is not None:
            waiting.run = run
            waiting.state.has_shim = True
            self._matched.add(run.run_id)
            if waiting.folder:
                self._writer.withdraw(waiting)

    def _named(self, waiting: OpenCall) -> Run | None:
        """Return the run whose recorder was told the call's id by the agent."""
        run = self._known.find_call(waiting.call.call_id, waiting.call.agent)
        return run if run is not None and dict(run.recorder).get("kind") == "shim" else None

    def _runs_of(self, session_id: str) -> SessionRuns:
        runs = self._runs.get(session_id)
        if runs is None:
            runs = SessionRuns(self._known.without_call(session_id), self._matched)
            self._runs[session_id] = runs
        return runs

    # Time

    def settle(self, final: bool = False) -> None:
        """Write what has had its time; save the sessions that changed.

        Args:
            final: there will be no more events of what is over by now.
        """
        now = time.monotonic()
        self._runs.clear()  # what the database knows has changed meanwhile
        for key, waiting in list(self._over.items()):
            if final or now - waiting.over_since >= SETTLE_SECONDS:
                self._finish(key)
        if self._live:
            for waiting in self._open.values():
                self._show(waiting, now)
            self._give_up(lambda waiting: now - waiting.seen_at > MAX_OPEN_SECONDS)
        self.save()

    def _show(self, waiting: OpenCall, now: float) -> None:
        """Let a call that runs be seen: in the run that a recorder is making of it, or in one of its own."""
        if waiting.call.started is None or waiting.run is not None:
            return
        self._match(waiting)
        if waiting.run is not None:
            self._writer.annotate(waiting)
        elif (
            now - waiting.seen_at >= SETTLE_SECONDS
            and not waiting.folder
            and not self._waits_for_shim(waiting)
        ):
            self._writer.open(waiting)

    def _waits_for_shim(self, waiting: OpenCall) -> bool:
        started = waiting.call.started
        return started is not None and started.kind == "shell" and waiting.state.has_shim

    def _give_up(self, fits: Callable[[OpenCall], bool]) -> None:
        """End calls whose end nobody will tell."""
        for key, waiting in list(self._open.items()):
            if fits(waiting):
                self._over[key] = self._open.pop(key)
                self._finish(key)

    def give_up_session(self, state: SessionState) -> None:
        """End the calls of a session that have no end: their agent is gone."""
        self._give_up(lambda waiting: waiting.state is state)

    def give_up_all(self) -> None:
        """End every call that has no end."""
        self._give_up(lambda waiting: True)

    def close_stale(self, now_ms: int) -> int:
        """End calls that were shown as running long ago and that nobody has spoken of since."""
        closed = 0
        for run in self._known.running_calls():
            key = f"{run.agent}\0{run.tool_call_id}"
            if key in self._open or key in self._over or now_ms - run.start_time < MAX_OPEN_SECONDS * 1000:
                continue
            self._writer.close(run)
            closed += 1
        return closed

    def drop_open(self) -> Counter[SessionState]:
        """Forget calls without an end; return how many there were in each session."""
        dropped = Counter(waiting.state for waiting in self._open.values())
        self._open.clear()
        return dropped

    def save(self) -> None:
        """Save the sessions that changed."""
        for state in self._states.values():
            state.save()

    def forget(self) -> None:
        """Start anew: another process has taken things in meanwhile."""
        self._places.clear()
        self._states.clear()
        self._open.clear()
        self._over.clear()
        self._done.clear()
        self._runs.clear()
        self._matched.clear()


def _digest(key: str) -> int:
    """A number for a call's id; sixteen bytes a call instead of a hundred."""
    return int.from_bytes(
        hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"
    )
