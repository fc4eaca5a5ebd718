"""What is known of a session while it is taken in: its record, its instances, what its requests used.

Kept in memory by the one process that holds the ingest lock, loaded from the session folder and saved to
it; a session can be taken in again from the start without anything counting twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from collector.agents.events import TOKEN_KINDS, Message, Prompt, SessionEnded, SessionSeen
from collector.model.frozen import replace
from collector.model.session import AgentInstance, Session
from collector.record import spool
from collector.record.session_folder import (
    HOOKS,
    PROMPTS,
    USAGE,
    append_lines,
    folder_name,
    iter_lines,
    message_key,
    read_session,
    write_session,
)
from collector.workspace import Workspace

MAX_TITLE = 200
MAX_PROMPT = 100_000
SAME_PROMPT_MS = 10_000
OwnerOf = Callable[[int], str | None]
"""Which session a message of the model counts in already."""


@dataclass(slots=True)
class Usage:
    """What one answer of the model used; `foreign` when another session counts it."""

    message_id: str
    request_id: str | None
    instance_id: str
    model: str | None
    tokens: dict[str, int]
    cost: float | None
    at: int | None
    source: str
    foreign: bool = False
    taken: bool = field(default=False, compare=False)
    """Whether a run carries these tokens already."""


class SessionState:
    """One session. `dirty` says that its folder is behind."""

    def __init__(self, workspace: Workspace, session_id: str, owner_of: OwnerOf) -> None:
        self._workspace = workspace
        self._owner_of = owner_of
        self.name = folder_name(session_id)
        self.folder = os.path.join(workspace.sessions, self.name)
        self.usage: dict[int, Usage] = {}
        self._by_message: dict[str, int] = {}
        self._changed: set[int] = set()
        self._hooks: list[dict[str, Any]] = []
        self._prompts: dict[str, list[int | None]] = {}
        self._new_prompts: list[dict[str, Any]] = []
        self.dirty = False
        self.has_shim = False
        """Whether a recorder is known to see the session's commands."""
        self.session, self.instances = self._load(session_id)

    def _load(self, session_id: str) -> tuple[Session, dict[str, AgentInstance]]:
        try:
            session = read_session(self.folder)
        except (OSError, ValueError):
            return Session(session_id=session_id), {}
        for _, line in iter_lines(self.folder, USAGE):
            self._load_usage(line)
        for _, line in iter_lines(self.folder, PROMPTS):
            if isinstance(line.get("text"), str):
                self._prompts.setdefault(line["text"], []).append(line.get("at"))
        return session, {instance.instance_id: instance for instance in session.instances}

    def _load_usage(self, line: dict[str, Any]) -> None:
        try:
            usage = Usage(
                line["message_id"], line.get("request_id"), line["instance_id"], line.get("model"),
                dict(line["tokens"]), line.get("cost"), line.get("at"), line.get("source", "transcript"),
                bool(line.get("foreign")), True,
            )  # fmt: skip
            key = message_key(usage.message_id, usage.request_id)
        except (KeyError, TypeError, ValueError, AttributeError):
            return
        self.usage[key] = usage
        self._by_message[usage.message_id] = key

    # Learning

    def learn(self, **known: Any) -> None:
        """Set fields of the session that are known now; None says nothing."""
        changed = {k: v for k, v in known.items() if v is not None and getattr(self.session, k) != v}
        if changed:
            self.session = replace(self.session, **changed)
            self.dirty = True

    def instance(self, instance_id: str, **known: Any) -> AgentInstance:
        """Return an instance, made if need be, with what is known of it now."""
        instance = self.instances.get(instance_id)
        if instance is None:
            instance = AgentInstance(instance_id=instance_id, session_id=self.session.session_id)
            self.dirty = True
        changed = {k: v for k, v in known.items() if v is not None and getattr(instance, k) != v}
        if changed:
            instance = replace(instance, **changed)
            self.dirty = True
        self.instances[instance_id] = instance
        return instance

    def _learn_cost(self, dollars: float | None) -> None:
        """What was spent is never less than what was told of it before."""
        if dollars is not None and dollars > (self.session.cost or 0.0):
            self.learn(cost=round(dollars, 9))

    def add_conversation(self, instance_id: str, conversation_id: str) -> None:
        """Say that an instance had a conversation."""
        ids = self.instance(instance_id).conversation_ids
        if conversation_id not in ids:
            self.instance(instance_id, conversation_ids=(*ids, conversation_id))

    def see(self, event: SessionSeen, instance_id: str) -> None:
        """Take in what is known of the conversation."""
        self.instance(instance_id, model=event.model, agent_version=event.agent_version)
        if event.instance_id is not None:
            return
        self.learn(
            agent_version=event.agent_version, model=event.model, git_branch=event.git_branch,
            team=event.team, working_directory=self.session.working_directory or event.working_directory,
            title=event.title[:MAX_TITLE] if event.title else None,
        )  # fmt: skip
        self._learn_cost(event.cost)
        self.instance(instance_id, workspace=event.working_directory)

    def prompt(self, event: Prompt) -> None:
        """Count a prompt once, whoever tells of it; the first one is the title until there is another.

        Channels stamp the same prompt at slightly different times.
        """
        text = event.text.strip()
        if event.instance_id is not None or not text:
            return
        text = text[:MAX_PROMPT]
        times = self._prompts.setdefault(text, [])
        if any(at is None or event.at is None or abs(at - event.at) < SAME_PROMPT_MS for at in times):
            return
        times.append(event.at)
        self._new_prompts.append({"at": event.at, "text": text, "source": event.source})
        self.learn(prompts=self.session.prompts + 1, title=self.session.title or _first_line(text))

    def end(self, event: SessionEnded, instance_id: str) -> None:
        """Take in the end of a conversation."""
        self.instance(instance_id, status="ended", terminated_at=event.at, error=event.error)
        self.learn(status="ended", ended_at=event.at, end_reason=event.reason, error=event.error)

    def add_transcript(self, entry: dict[str, Any]) -> None:
        """Note a transcript, where its copy is, and how much of it was read."""
        if entry in self.session.transcripts:
            return
        others = [t for t in self.session.transcripts if t.get("path") != entry["path"]]
        self.learn(transcripts=(*others, entry))

    def expect_more_of(self, paths: Collection[str]) -> None:
        """Say that transcripts have not told all yet, though they may never grow: they are read again."""
        self.learn(
            transcripts=tuple(
                {**t, "modified_ns": None} if t.get("path") in paths else t for t in self.session.transcripts
            )
        )

    def hook(self, entry: dict[str, Any]) -> None:
        """Keep a hook's payload as it came."""
        self._hooks.append(entry)
        self.dirty = True

    def revive(self, at: int, instance_id: str) -> None:
        """Something happened just now: unless it was before its end, the session is on."""
        if self.session.status in ("unknown", "ended") and at > (self.session.ended_at or 0):
            self.session = replace(self.session, status="running", ended_at=None, end_reason=None)
            instance = self.instance(instance_id, status="running")
            self.instances[instance_id] = replace(instance, terminated_at=None)
            self.dirty = True

    def touch(self, at: int | None, instance_id: str) -> None:
        """Widen the time that the session and an instance are known to have lived."""
        if at is None:
            return
        session, instance = self.session, self.instance(instance_id)
        if session.started_at is None or at < session.started_at:
            self.learn(started_at=at)
        if instance.created_at is None or at < instance.created_at:
            self.instance(instance_id, created_at=at)
        if session.status != "running" and (session.ended_at is None or at > session.ended_at):
            self.learn(ended_at=at)
        if instance.status != "running" and (instance.terminated_at is None or at > instance.terminated_at):
            self.instance(instance_id, terminated_at=at)

    # What requests used

    def message(self, event: Message, instance_id: str) -> None:
        """Count an answer of the model; its last record replaces what was counted of it."""
        key = message_key(event.message_id, event.request_id)
        tokens = {k: v for k, v in event.tokens.items() if k in TOKEN_KINDS and _is_count(v)}
        known = self.usage.get(key)
        if known is None:
            owner = self._owner_of(key)
            known = Usage(
                event.message_id, event.request_id, instance_id, event.model, tokens, event.cost,
                event.at, event.source, owner is not None and owner != self.session.session_id,
            )  # fmt: skip
            self.usage[key] = known
        else:
            changed = _merged(known, event, tokens)
            if changed == known:
                self._by_message[event.message_id] = key
                return
            self.usage[key] = known = changed
        self._by_message[event.message_id] = key
        self._changed.add(key)
        self.dirty = True
        if event.model:
            self.instance(instance_id, model=event.model)
            if event.instance_id is None:
                self.learn(model=event.model)

    def usage_of(self, message_id: str | None) -> Usage | None:
        """Return what the request behind a call used, the first time that somebody asks; None later."""
        usage = self.peek_usage(message_id)
        if usage is None or usage.taken or usage.foreign:
            return None
        usage.taken = True
        return usage

    def peek_usage(self, message_id: str | None) -> Usage | None:
        """Return what a request used, without taking it."""
        key = self._by_message.get(message_id or "")
        return self.usage.get(key) if key is not None else None

    # Saving

    def save(self) -> None:
        """Write the folder and announce it; nothing when nothing changed.

        Raises:
            OSError: it is still dirty.
        """
        if not self.dirty:
            return
        append_lines(self.folder, HOOKS, self._hooks)
        self._hooks = []
        append_lines(self.folder, PROMPTS, self._new_prompts)
        self._new_prompts = []
        append_lines(self.folder, USAGE, [_usage_line(self.usage[key]) for key in sorted(self._changed)])
        self._changed.clear()
        self._add_up()
        write_session(self.folder, self.session)
        spool.announce(self._workspace.spool, spool.SESSION, self.name)
        self.dirty = False

    def _add_up(self) -> None:
        sums: dict[str, dict[str, int]] = {}
        for usage in self._counted():
            tokens = sums.setdefault(usage.instance_id, {})
            for kind, count in usage.tokens.items():
                tokens[kind] = tokens.get(kind, 0) + count
        costs = self._costs()
        for instance_id in sums.keys() | costs.keys():
            self.instance(instance_id, tokens=sums.get(instance_id), cost=costs.get(instance_id))
        total: dict[str, int] = {}
        for tokens in sums.values():
            for kind, count in tokens.items():
                total[kind] = total.get(kind, 0) + count
        self.learn(tokens=total)
        self._learn_cost(sum(costs.values()) if costs else None)
        self.session = replace(self.session, instances=tuple(self.instances.values()))

    def _counted(self) -> Iterator[Usage]:
        """What telemetry says of a request that no transcript names by its id would count twice."""
        transcript = any(usage.source != "otlp" for usage in self.usage.values())
        for usage in self.usage.values():
            unnamed = usage.source == "otlp" and usage.request_id is None
            if not usage.foreign and not (transcript and unnamed):
                yield usage

    def _costs(self) -> dict[str, float]:
        """Add up what the agent says its requests cost: where telemetry does, it tells of every one."""
        told = [usage for usage in self.usage.values() if usage.cost is not None and not usage.foreign]
        telemetry = any(usage.source == "otlp" for usage in told)
        costs: dict[str, float] = {}
        for usage in told:
            named = usage.request_id is not None or usage.source == "otlp"
            if usage.cost is not None and (named or not telemetry):
                costs[usage.instance_id] = round(costs.get(usage.instance_id, 0.0) + usage.cost, 9)
        return costs


def _merged(known: Usage, event: Message, tokens: dict[str, int]) -> Usage:
    """The last record of a transcript is final; telemetry adds the cost and keeps the instance."""
    from dataclasses import replace as changed

    if event.source == "otlp" and known.source != "otlp":
        return changed(known, cost=event.cost if event.cost is not None else known.cost)
    return changed(
        known,
        message_id=event.message_id,
        request_id=event.request_id or known.request_id,
        model=event.model or known.model,
        tokens=tokens or known.tokens,
        cost=event.cost if event.cost is not None else known.cost,
        source=event.source,
    )


def _usage_line(usage: Usage) -> dict[str, Any]:
    line = {
        "message_id": usage.message_id, "request_id": usage.request_id,
        "instance_id": usage.instance_id, "model": usage.model, "tokens": usage.tokens,
        "cost": usage.cost, "at": usage.at, "source": usage.source,
    }  # fmt: skip
    return {**line, "foreign": True} if usage.foreign else line


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:MAX_TITLE]
