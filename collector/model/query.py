"""A query: which runs, in which order, how many. The one model behind every way to ask."""

from __future__ import annotations

from collector.model.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Operator = Literal[":", "=", ">", ">=", "<", "<="]
else:
    Operator = str

TEXT = "text"
"""The field of a bare word: a substring of the command line."""

FIELDS: dict[str, str] = {
    "status": "word", "type": "word", "task": "glob", "session_id": "prefix", "command_line": "glob",
    "working_directory": "glob",
    "start_time": "time", "exit_code": "number", "duration_ms": "duration", "task_id": "glob",
    "context": "word", "tag": "tag", "agent": "glob", "agent_instance_id": "prefix",
    "tool": "glob", "tool_call_id": "prefix", "model": "glob",
    "tokens_used": "number",
    "parent_run_id": "prefix", "host": "glob", "run_id": "prefix", "name": "glob", TEXT: "text",
}  # fmt: skip
"""Each field that can be asked about, and how its values are compared."""

SORTS = (
    "start_time", "end_time", "duration_ms", "status", "exit_code", "task", "type", "command_line",
    "session_id", "output_bytes", "tokens_used",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: any of the values fits (or, negated, none does).

    Numbers, times (milliseconds since 1970) and durations (milliseconds) are already `int`.
    `=` asks for the whole text where `:` takes a beginning, a part or a pattern of it.
    A missing value fits no condition, and every negated one but `exit_code`: a run without an exit
    code has not exited with another one.
    """

    field: str
    values: tuple[str | int, ...]
    operator: Operator = ":"
    negated: bool = False


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Conditions that all hold, an order, and a window into the result.

    `after` is an opaque cursor from a previous page; `skip` counts rows and is for small numbers.
    """

    terms: tuple[Term, ...] = ()
    sort: str = "start_time"
    descending: bool = True
    limit: int = 50
    skip: int = 0
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the store, in the order it was committed.

    `kind` is `run.created`, `run.finished`, `run.annotated`, `run.moved`, `run.deleted`, `artifact.saved`,
    `artifact.deleted`; with `seq` 0: `session.changed`, whose `run_id` is the session's id, and
    `store.complete`.
    """

    event_id: int
    kind: str
    run_id: str
    seq: int
    artifact_id: str | None = None
