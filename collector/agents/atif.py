"""A session as a trajectory in the Agent Trajectory Interchange Format (ATIF) 1.8, as Harbor defines it.

A prompt is a step of the user, an answer of the model a step of the agent with the calls it asked for and
what came of them; a subagent is a trajectory of its own within that of its parent. ATIF has no place for
exit codes, times and runs: they are in `extra`, from the recorded run where there is one. What a call's
arguments hold that JSON cannot (NaN) becomes null. Equal input gives equal output.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    InstanceStarted,
    Message,
    Prompt,
    SessionSeen,
)
from collector.agents.merge import Call, call_result
from collector.clock import format_iso
from collector.model.run import Run
from collector.model.session import AgentInstance, Session

SCHEMA_VERSION = "ATIF-v1.8"
_UNKNOWN = "unknown"
_NOTHING = "(nothing of this was recorded)"


def to_atif(session: Session, events: Iterable[AnyEvent], runs: Mapping[str, Run]) -> dict[str, Any]:
    """Return a session as one trajectory, its subagents within it.

    Args:
        session: its record.
        events: what its transcripts say, in their order; what is told twice counts once, and what is told
            of conversations that are not this session's (a file may hold several) does not count.
        runs: the recorded run of a call, by the call's id.
    """
    instances: dict[str | None, _Instance] = {None: _Instance(None)}
    own = {identity for instance in session.instances for identity in instance.conversation_ids}
    for event in events:
        if own and event.conversation_id not in own:
            continue
        key = event.instance_id
        if key not in instances:
            instances[key] = _Instance(key)
        instances[key].add(event)
    known = {instance.instance_id: instance for instance in session.instances}
    _link(instances, known)
    export = _Export(session, known, runs)
    return export.trajectory(instances[None])


@dataclass(slots=True)
class _Call:
    """A call within a step, and the subagents that it started."""

    call: Call
    children: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Step:
    """One step; `message` holds the final numbers of an answer."""

    source: str
    at: int | None
    parts: list[str] = field(default_factory=list)
    message: Message | None = None
    calls: list[_Call] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n\n".join(self.parts)

    def say(self, text: str | None) -> None:
        """Add text: an answer may come in parts, and a part again, or again with more of it."""
        if not text or text in self.parts:
            return
        if self.parts and text.startswith(self.parts[-1]):
            self.parts.pop()
        self.parts.append(text)


class _Instance:
    """What one agent did: the main one, or a subagent."""

    def __init__(self, instance_id: str | None) -> None:
        self.instance_id = instance_id
        self.steps: list[_Step] = []
        self.children: list[_Instance] = []
        self.started: InstanceStarted | None = None
        self.seen: SessionSeen | None = None
        self._answers: dict[str, _Step] = {}
        self.calls: dict[str, _Call] = {}

    def add(self, event: AnyEvent) -> None:
        """Take in what is told."""
        if isinstance(event, Prompt):
            self._prompt(event.text, event.at)
        elif isinstance(event, Message):
            self._answer(event)
        elif isinstance(event, CallStarted | CallEnded):
            self._call(event)
        elif isinstance(event, InstanceStarted):
            self.started = _fuller(self.started, event)
        elif isinstance(event, SessionSeen) and event.model:
            self.seen = event

    def _prompt(self, text: str, at: int | None) -> None:
        """Hooks and transcripts tell of the same prompt one after the other."""
        last = self.steps[-1] if self.steps else None
        if last is None or last.source != "user" or last.text != text:
            self.steps.append(_Step("user", at, [text]))

    def _answer(self, event: Message) -> None:
        step = self._step_of(event.message_id, event.at)
        step.say(event.text)
        step.message = event if step.message is None else _final(step.message, event)
        step.at = step.at if step.at is not None else event.at

    def _step_of(self, message_id: str | None, at: int | None) -> _Step:
        step = self._answers.get(message_id or "")
        if step is None:
            step = _Step("agent", at)
            self.steps.append(step)
            if message_id:
                self._answers[message_id] = step
        return step

    def _call(self, event: CallStarted | CallEnded) -> None:
        known = self.calls.get(event.call_id)
        if known is None:
            message_id = event.message_id if isinstance(event, CallStarted) else None
            known = _Call(Call(event.call_id, "", event.conversation_id, event.instance_id or ""))
            self.calls[event.call_id] = known
            self._step_of(message_id, event.at).calls.append(known)
        known.call.add(event)


def _fuller(known: InstanceStarted | None, event: InstanceStarted) -> InstanceStarted:
    """A subagent may be told of twice; the event with its prompt says more."""
    return event if known is None or (event.prompt and not known.prompt) else known


def _final(known: Message, event: Message) -> Message:
    """The last event has the final numbers, unless it has none."""
    from dataclasses import replace

    return replace(
        event,
        tokens=event.tokens or known.tokens,
        cost=event.cost if event.cost is not None else known.cost,
        model=event.model or known.model,
    )


def _link(instances: Mapping[str | None, _Instance], known: Mapping[str, AgentInstance]) -> None:
    """Give every subagent to its parent, and to the call that started it."""
    calls = {call_id: call for instance in instances.values() for call_id, call in instance.calls.items()}
    for call in calls.values():
        for end in call.call.ended.values():
            if end.child_instance_id in instances:
                _add(call.children, end.child_instance_id)
    for instance_id, instance in instances.items():
        if instance_id is None:
            continue
        record = known.get(instance_id)
        started_by = instance.started.call_id if instance.started else None
        call_id = started_by or (record.tool_call_id if record else None)
        if call_id in calls:
            _add(calls[call_id].children, instance_id)
        _parent(instance, instances, known).children.append(instance)


def _add(children: list[str], instance_id: str | None) -> None:
    if instance_id is not None and instance_id not in children:
        children.append(instance_id)


def _parent(
    instance: _Instance, instances: Mapping[str | None, _Instance], known: Mapping[str, AgentInstance]
) -> _Instance:
    """Return who started a subagent: the main agent where that is not told, or told in a circle."""
    seen = {instance.instance_id}
    found = current = instances.get(_parent_id(instance, known), instances[None])
    while current.instance_id is not None:
        if current.instance_id in seen:
            return instances[None]
        seen.add(current.instance_id)
        current = instances.get(_parent_id(current, known), instances[None])
    return found


def _parent_id(instance: _Instance, known: Mapping[str, AgentInstance]) -> str | None:
    told = instance.started.parent_instance_id if instance.started else None
    record = known.get(instance.instance_id or "")
    return told or (record.parent_instance_id if record else None)


class _Export:
    """Writes what was put together."""

    def __init__(self, session: Session, known: Mapping[str, AgentInstance], runs: Mapping[str, Run]) -> None:
        self._session = session
        self._known = known
        self._runs = runs

    def trajectory(self, instance: _Instance) -> dict[str, Any]:
        """Return the trajectory of one agent, those of its subagents within it."""
        children = [self.trajectory(child) for child in instance.children]
        steps = [self._step(number, step) for number, step in enumerate(self._steps(instance), 1)]
        metrics = _total(steps, children)
        if instance.instance_id is None and self._session.cost is not None:
            # What the agent adds up itself, or tells in telemetry, stands in no step.
            metrics.setdefault("total_cost_usd", self._session.cost)
        trajectory = {
            "schema_version": SCHEMA_VERSION,
            "session_id": self._session.session_id,
            "trajectory_id": instance.instance_id or self._session.session_id,
            "agent": self._agent(instance),
            "steps": steps,
            "final_metrics": metrics,
            "extra": self._session_extra() if instance.instance_id is None else None,
            "subagent_trajectories": children or None,
        }
        return _without_none(trajectory)

    def _steps(self, instance: _Instance) -> list[_Step]:
        """A trajectory has at least one step, and a subagent's first one is what it was asked."""
        prompt = instance.started.prompt if instance.started else None
        if prompt and not any(step.source == "user" for step in instance.steps):
            asked = _Step("user", instance.started.at if instance.started else None, [prompt])
            return [asked, *instance.steps]
        return instance.steps or [_Step("system", None, [_NOTHING])]

    def _agent(self, instance: _Instance) -> dict[str, Any]:
        session, started = self._session, instance.started
        record = self._known.get(instance.instance_id or "")
        model = instance.seen.model if instance.seen else started.model if started else None
        if instance.instance_id is None:
            model = model or session.model
        extra = {
            "instance_id": instance.instance_id,
            "name": started.name if started else record.name if record else None,
            "role": started.role if started else record.role if record else None,
        }
        return _without_none({
            "name": session.agent or _UNKNOWN,
            "version": session.agent_version or _UNKNOWN,
            "model_name": model or (record.model if record else None),
            "extra": _without_none(extra) or None,
        })  # fmt: skip

    def _session_extra(self) -> dict[str, Any]:
        session = self._session
        return _without_none({
            "title": session.title, "status": session.status, "team": session.team,
            "started_at": _iso(session.started_at), "ended_at": _iso(session.ended_at),
            "end_reason": session.end_reason, "error": session.error,
            "working_directory": session.working_directory, "git_branch": session.git_branch,
            "parent_session_id": session.parent_session_id,
            "tokens": dict(session.tokens) or None, "cost_usd": session.cost,
        })  # fmt: skip

    def _step(self, number: int, step: _Step) -> dict[str, Any]:
        message = step.message
        results = [self._result(call) for call in step.calls if self._has_result(call)]
        return _without_none({
            "step_id": number,
            "timestamp": _iso(step.at),
            "source": step.source,
            "model_name": message.model if message else None,
            "message": step.text,
            "tool_calls": [self._tool_call(call.call) for call in step.calls] or None,
            "observation": {"results": results} if results else None,
            "metrics": _metrics(message) if message else None,
            "extra": _without_none({"request_id": message.request_id}) or None if message else None,
        })  # fmt: skip

    def _tool_call(self, call: Call) -> dict[str, Any]:
        started, run = call.started, self._runs.get(call.call_id)
        if started is None:
            return {"tool_call_id": call.call_id, "function_name": _UNKNOWN, "arguments": {}}
        extra = {
            "kind": started.kind, "command_line": started.command_line,
            "working_directory": (run.working_directory if run else None) or started.working_directory,
            "description": started.description, "started_at": _iso(run.start_time if run else started.at),
            "timeout_ms": started.timeout_ms, "background": started.background or None,
        }  # fmt: skip
        return {
            "tool_call_id": call.call_id,
            "function_name": started.tool,
            "arguments": _plain(dict(started.input)),
            "extra": _without_none(extra),
        }

    def _has_result(self, entry: _Call) -> bool:
        run = self._runs.get(entry.call.call_id)
        return bool(entry.call.ended or entry.children or (run is not None and run.is_finished))

    def _result(self, entry: _Call) -> dict[str, Any]:
        call = entry.call
        run = self._runs.get(call.call_id)
        references = [
            {"trajectory_id": child, "session_id": self._session.session_id} for child in entry.children
        ]
        told = _told(call) if call.ended else {}
        extra = {**told, **(_recorded(run) if run is not None else {})}
        return _without_none({
            "source_call_id": call.call_id,
            "content": _content(call) if call.ended else None,
            "subagent_trajectory_ref": references or None,
            "extra": _without_none(extra) or None,
        })  # fmt: skip


def _content(call: Call) -> str:
    """Return what came of a call: both streams one after the other, or why there is none."""
    result = call_result(call, 0)
    streams = (result.stdout or "") + (result.stderr or "")
    return streams or result.error_message or ""


def _told(call: Call) -> dict[str, Any]:
    """Return what the agent's channels say; times only where they are told."""
    result = call_result(call, 0)
    ends = list(call.ended.values())
    return {
        "status": result.status,
        "outcome": ends[-1].outcome,
        "exit_code": result.exit_code,
        "signal": result.signal,
        "duration_ms": next((end.duration_ms for end in ends if end.duration_ms is not None), None),
        "ended_at": _iso(next((end.at for end in ends if end.at is not None), None)),
        "error_message": result.error_message,
        "output_truncated": result.truncated or None,
        "diff": result.diff,
        "provenance": dict(result.provenance),
    }


def _recorded(run: Run) -> dict[str, Any]:
    """Return what the recorded run says, which is believed before the agent."""
    return {
        "run_id": run.run_id,
        "run": run.name,
        "status": run.status,
        "exit_code": run.exit_code,
        "signal": run.signal,
        "duration_ms": run.duration_ms,
        "ended_at": _iso(run.end_time),
        "error_message": run.error_message,
        "provenance": dict(run.provenance),
    }


def _metrics(message: Message) -> dict[str, Any] | None:
    """Return what an answer used; ATIF's prompt includes what a cache had to do with."""
    tokens = message.tokens
    if not tokens and message.cost is None:
        return None
    cached = tokens.get("cache_read", 0)
    written = tokens.get("cache_write", 0)
    extra = {
        "cache_creation_input_tokens": written or None,
        "reasoning_tokens": tokens.get("reasoning") or None,
    }
    counts = {
        "prompt_tokens": tokens.get("input", 0) + cached + written,
        "completion_tokens": tokens.get("output", 0),
        "cached_tokens": cached,
    }
    return _without_none({
        **(counts if tokens else {}), "cost_usd": message.cost, "extra": _without_none(extra) or None,
    })  # fmt: skip


def _total(steps: list[dict[str, Any]], children: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums over a trajectory's steps; by ATIF's definition the cost includes that of subagents."""
    metrics = [step["metrics"] for step in steps if "metrics" in step]
    total: dict[str, Any] = {"total_steps": len(steps)}
    for name in ("prompt_tokens", "completion_tokens", "cached_tokens"):
        counts = [counted[name] for counted in metrics if name in counted]
        if counts:
            total[f"total_{name}"] = sum(counts)
    costs = [counted["cost_usd"] for counted in metrics if "cost_usd" in counted]
    costs += [
        c["final_metrics"]["total_cost_usd"] for c in children if "total_cost_usd" in c["final_metrics"]
    ]
    if costs:
        total["total_cost_usd"] = math.fsum(costs)
    return total


def _iso(at: int | None) -> str | None:
    return format_iso(at) if at is not None else None


def _without_none(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value is not None}


def _plain(value: Any) -> Any:
    """Return what JSON can say of a value."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
