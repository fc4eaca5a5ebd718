"""A run: one recorded command."""

from __future__ import annotations

from collector.clock import format_iso, parse_iso
from collector.model.artifact import Artifact
from collector.model.check import check_types
from collector.model.frozen import dataclass, field, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SCHEMA_VERSION = 1
STATUSES = ("running", "success", "failure", "timeout", "cancelled")
TYPES = ("command", "build", "test", "generate")
CONTEXTS = ("host", "docker", "remote")
STATUS_ALIASES = {"failed": "failure", "passed": "success", "ok": "success", "timedout": "timeout"}

_TIMES = frozenset({"start_time", "end_time"})
_INTERNAL = frozenset({"seq", "folder", "output_bytes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One recorded command; immutable once finished.

    Times are milliseconds since 1970 (ISO 8601 in JSON). `exit_code` is None where none was seen.
    `metrics` are numbers that its output told (`cpu_percent`, `memory_mb`, `tokens_used`, `duration_ms`),
    `summary` counts what was found in it (`tests`, `coverage`, `logs`), `skipped` are the files that were
    not collected, each with `path` and `reason`; they are known once the run has been sealed.
    `note`, and tags that were given or taken away later, are annotations beside the record.
    `seq` is the store's own row number and `folder` the run folder relative to the artifact store;
    neither is part of the record's JSON.
    """

    run_id: str
    name: str
    task: str
    command: str
    command_line: str
    status: str
    start_time: int
    arguments: tuple[str, ...] = ()
    working_directory: str = ""
    exit_code: int | None = None
    signal: int | None = None
    end_time: int | None = None
    duration_ms: int | None = None
    session_id: str | None = None
    task_id: str | None = None
    parent_run_id: str | None = None
    agent_instance_id: str | None = None
    tool: str | None = None
    tool_call_id: str | None = None
    type: str = "command"
    context: str = "host"
    operating_mode: str | None = None
    container_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    workspace_id: str | None = None
    agent: str | None = None
    agent_version: str | None = None
    model: str | None = None
    tokens: Mapping[str, int] = field(default_factory=dict)
    cost: float | None = None
    cpu_ms: int | None = None
    max_rss_bytes: int | None = None
    host: str | None = None
    pid: int | None = None
    artifacts: tuple[Artifact, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    recorder: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[Mapping[str, Any], ...] = ()
    note: str | None = None
    seq: int = 0
    folder: str = ""
    output_bytes: int = 0

    @property
    def is_finished(self) -> bool:
        """Whether the command has ended (or its recording has)."""
        return self.status != "running"

    @property
    def is_failed(self) -> bool:
        """Whether it ended in any way but success."""
        return self.status in ("failure", "timeout", "cancelled")

    @property
    def tokens_used(self) -> int | None:
        """Every token of the request that asked for this run; None where nothing is known of it."""
        counted = [count for kind, count in self.tokens.items() if kind != "reasoning"]
        return sum(counted) if counted else None

    def to_json(self) -> dict[str, Any]:
        """Return the record as `run.json` holds it: snake_case keys, ISO 8601 times."""
        record: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
        for item in fields(self):
            if item.name in _INTERNAL:
                continue
            value = getattr(self, item.name)
            if item.name in _TIMES and value is not None:
                value = format_iso(value)
            elif item.name == "artifacts":
                value = [artifact.to_json() for artifact in value]
            elif item.name == "skipped":
                value = [dict(skipped) for skipped in value]
            elif isinstance(value, tuple):
                value = list(value)
            elif hasattr(value, "items"):
                value = dict(value)
            record[item.name] = value
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Run:
        """Read a record as `to_json` wrote it; unknown keys of a newer version are ignored.

        Raises:
            ValueError: when a required field is missing or a value has the wrong form.
        """
        try:
            values = {name: record[name] for name in FIELDS if record.get(name) is not None}
            for name in _TIMES & values.keys():
                values[name] = parse_iso(values[name])
            values["arguments"] = tuple(str(a) for a in values.get("arguments", ()))
            values["skipped"] = tuple(dict(s) for s in values.get("skipped", ()))
            values["artifacts"] = tuple(Artifact.from_json(a) for a in values.get("artifacts", ()))
            run = cls(**values)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a run record: {error}") from error
        run.check()
        return run

    def check(self) -> None:
        """Refuse a record that no store should hold.

        Raises:
            ValueError: naming the first field that is wrong.
        """
        if self.status not in STATUSES:
            raise ValueError(f"status is {self.status!r}, not one of {', '.join(STATUSES)}")
        check_types(self, _KINDS)
        for name in ("run_id", "name"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty")
        if not all(isinstance(count, int) for count in self.tokens.values()):
            raise ValueError("tokens holds what is no whole number")
        for name in ("environment", "tags"):
            if not all(isinstance(value, str) for value in getattr(self, name).values()):
                raise ValueError(f"{name} holds what is no text")
        for artifact in self.artifacts:
            artifact.check()
        if self.is_finished and self.end_time is None:
            raise ValueError(f"status is {self.status} but there is no end_time")


FIELDS = tuple(f.name for f in fields(Run) if f.name not in _INTERNAL)
_KINDS = {
    "text": ("run_id", "name", "task", "command", "command_line", "working_directory", "type", "context"),
    "text or null": (
        "session_id", "task_id", "parent_run_id", "agent_instance_id", "tool", "tool_call_id",
        "operating_mode", "container_id", "error_code", "error_message", "workspace_id", "agent",
        "agent_version", "model", "host", "note",
    ),
    "a whole number": ("start_time",),
    "a whole number or null": (
        "end_time", "duration_ms", "exit_code", "signal", "cpu_ms", "max_rss_bytes", "pid",
    ),
    "a number or null": ("cost",),
    "an object": ("environment", "tags", "tokens", "provenance", "recorder", "metrics", "summary"),
}  # fmt: skip
