"""Sessions and the agent instances within them."""

from __future__ import annotations

from collector.clock import format_iso, parse_iso
from collector.model.frozen import dataclass, field, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

SCHEMA_VERSION = 1
STATUSES = ("running", "ended", "killed", "unknown")
TOKEN_KINDS = ("input", "output", "cache_read", "cache_write", "reasoning")
_TIMES = frozenset({"started_at", "ended_at", "created_at", "terminated_at", "imported_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInstance:
    """One agent within a session; instances form a tree.

    `tokens` are those of its own requests, its children's left out. `conversation_ids` are the agent's own
    ids of the conversations it had. Times are milliseconds since 1970, `cost` US dollars, None where the
    agent did not say.
    """

    instance_id: str
    session_id: str
    name: str | None = None
    role: str | None = None
    model: str | None = None
    agent: str | None = None
    agent_version: str | None = None
    parent_instance_id: str | None = None
    created_at: int | None = None
    terminated_at: int | None = None
    status: str = "unknown"
    tokens: Mapping[str, int] = field(default_factory=dict)
    cost: float | None = None
    error: str | None = None
    workspace: str | None = None
    prompt: str | None = None
    tool_call_id: str | None = None
    conversation_ids: tuple[str, ...] = ()

    @property
    def tokens_used(self) -> int:
        """Every token, those of a cache included."""
        return total_tokens(self.tokens)

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `session.json`."""
        return {**_to_json(self), "tokens_used": self.tokens_used}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> AgentInstance:
        """Read an entry as `to_json` wrote it.

        Raises:
            ValueError: a value has the wrong form.
        """
        return cls(**_from_json(cls, record, {"conversation_ids": ()}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Runs that belong together: one agent conversation, one CI job, one team.

    `runs`, `failed_runs` and `last_run_at` are the store's, not part of the record. `tokens` and `cost`
    are the sums over all instances.
    """

    session_id: str
    title: str | None = None
    agent: str | None = None
    team: str | None = None
    status: str = "unknown"
    started_at: int | None = None
    ended_at: int | None = None
    working_directory: str | None = None
    git_branch: str | None = None
    model: str | None = None
    agent_version: str | None = None
    end_reason: str | None = None
    error: str | None = None
    prompts: int = 0
    tokens: Mapping[str, int] = field(default_factory=dict)
    cost: float | None = None
    parent_session_id: str | None = None
    transcripts: tuple[Mapping[str, Any], ...] = ()
    instances: tuple[AgentInstance, ...] = ()
    runs: int = 0
    failed_runs: int = 0
    last_run_at: int | None = None

    @property
    def tokens_used(self) -> int:
        """Every token, those of a cache included."""
        return total_tokens(self.tokens)

    def to_json(self) -> dict[str, Any]:
        """Return the record as `session.json` holds it."""
        record = {"schema_version": SCHEMA_VERSION, **_to_json(self), "tokens_used": self.tokens_used}
        for name in ("runs", "failed_runs", "last_run_at"):
            del record[name]
        record["transcripts"] = [dict(t) for t in self.transcripts]
        record["instances"] = [instance.to_json() for instance in self.instances]
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Session:
        """Read a record as `to_json` wrote it; unknown keys are ignored.

        Raises:
            ValueError: a value has the wrong form.
        """
        values = _from_json(cls, record, {"transcripts": (), "instances": ()})
        if values.get("status", "unknown") not in STATUSES:
            raise ValueError(f"status is {values['status']!r}, not one of {', '.join(STATUSES)}")
        try:
            values["instances"] = tuple(AgentInstance.from_json(i) for i in values.get("instances", ()))
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a session record: {error}") from error
        return cls(**values)


def total_tokens(tokens: Mapping[str, int]) -> int:
    """Return every token; `reasoning` is within `output` already."""
    return sum([count for kind, count in tokens.items() if kind != "reasoning"])


def iter_tree(instances: Sequence[AgentInstance]) -> Iterator[tuple[str, int, AgentInstance]]:
    """Yield each instance (`instance`), what is below it, and then the place of its runs (`run`).

    The number is how deep it stands, from 1. One whose parent is not known stands at the top; so do those
    that are each other's parents.
    """
    known = {instance.instance_id for instance in instances}
    children: dict[str | None, list[AgentInstance]] = {}
    for instance in instances:
        parent = instance.parent_instance_id if instance.parent_instance_id in known else None
        children.setdefault(parent, []).append(instance)
    seen: set[str] = set()
    for root in (*children.get(None, ()), *instances):
        waiting = [("instance", 1, root)]
        while waiting:
            kind, depth, instance = waiting.pop()
            if kind == "instance":
                if instance.instance_id in seen:
                    continue
                seen.add(instance.instance_id)
                waiting.append(("run", depth, instance))
                below = children.get(instance.instance_id, ())
                waiting += [("instance", depth + 1, child) for child in reversed(below)]
            yield kind, depth, instance


def _to_json(value: Any) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for item in fields(value):
        content = getattr(value, item.name)
        if item.name in _TIMES and content is not None:
            content = format_iso(content)
        elif isinstance(content, tuple):
            content = list(content)
        elif hasattr(content, "items"):
            content = dict(content)
        record[item.name] = content
    return record


def _from_json(cls: Any, record: Mapping[str, Any], tuples: dict[str, tuple[()]]) -> dict[str, Any]:
    try:
        values = {f.name: record[f.name] for f in fields(cls) if record.get(f.name) is not None}
        for name in _TIMES & values.keys():
            values[name] = parse_iso(values[name])
        for name in tuples.keys() & values.keys():
            values[name] = tuple(values[name])
        for name in ("session_id", "instance_id"):
            if name in values and not isinstance(values[name], str):
                raise ValueError(f"{name} is no text")
        if not isinstance(values.get("tokens", {}), dict):
            raise ValueError("tokens is not an object")
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a session record: {error}") from error
    return values
