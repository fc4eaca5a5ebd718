"""A query: which runs, in which order, how many. The one model behind every way to ask."""

from __future__ import annotations

from collector.model.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Operator = Literal[":", "=", "~", ">", ">=", "<", "<="]
else:
    Operator = str

TEXT = "text"
"""The field of a bare word: a substring of the command line."""

FIELDS: dict[str, str] = {
    "status": "word", "type": "word", "context": "word",
    "task": "glob", "command_line": "glob", "working_directory": "glob", "task_id": "glob", "agent": "glob",
    "tool": "glob", "model": "glob", "host": "glob", "name": "glob", "error_code": "glob",
    "session_id": "prefix", "agent_instance_id": "prefix", "tool_call_id": "prefix",
    "parent_run_id": "prefix", "run_id": "prefix",
    "start_time": "time", "end_time": "time", "duration_ms": "duration",
    "exit_code": "number", "tokens_used": "number", "tests": "number", "failed_tests": "number",
    "coverage": "number", "output_bytes": "size", "max_rss_bytes": "size",
    "tag": "tag", "has": "has", "note": "note", TEXT: "text",
}  # fmt: skip
"""Each field that can be asked about, and how its values are compared."""

ORDERED = frozenset({"number", "time", "duration", "size"})
"""The kinds whose values can be larger or smaller."""

STREAMS = ("stdout", "stderr", "output")
FLAGS = ("sensitive", "corrupt", "missing")
HAS = (
    "artifacts", *STREAMS, "log", "test_result", "coverage", "diff", "build_output", "json", "other", "tags",
    "note", *FLAGS,
)  # fmt: skip
"""What a run can have: `artifacts` is any file beside the streams, a stream is one that is not empty.

A flag is what is known of any of its files.
"""

SORTS = (
    "start_time", "end_time", "duration_ms", "status", "exit_code", "task", "type", "command_line",
    "session_id", "agent", "output_bytes", "tokens_used", "max_rss_bytes", "tests", "failed_tests",
    "coverage", "revision",
)  # fmt: skip
"""What runs can be sorted by; `revision` is the order in which they, or their ends, came to be known."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: any of the values fits (or, negated, none does).

    Numbers, times (milliseconds since 1970), durations (milliseconds) and sizes (bytes) are already `int`.
    `=` asks for the whole text where `:` takes a beginning, a part or a pattern of it; `~` asks for a match
    of a regular expression anywhere in it.
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
