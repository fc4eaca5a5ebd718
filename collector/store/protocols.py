"""What a store of runs and artifacts can do, whatever engine holds it.

Reading raises only `AcodeError`; a damaged item in a listing is a value with `missing` or `corrupt` set.
Every method may be called from one thread at a time; each thread opens its own store.
"""

from __future__ import annotations

from collector.model.artifact import Artifact
from collector.model.frozen import Generic, TypeVar, dataclass
from collector.model.query import Event, RunQuery
from collector.model.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO, Protocol

    from collector.model.statistics import LargeRun, StorageShare, Tally
else:
    Protocol = object  # a protocol means something to type checkers only; `typing` costs milliseconds

T = TypeVar("T")
Runs = list[Run]
Events = list[Event]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a listing; `next_cursor` is None on the last page, `end_cursor` the place of the last item.

    A page that is not `complete` holds what was found until the time limit.
    """

    items: tuple[T, ...]
    total: int | None
    next_cursor: str | None
    complete: bool = True
    end_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """The shape of a whole result: how many rows, and where every `step`-th one is.

    With it a viewer shows any part of a million rows by reading only that part.
    """

    total: int
    step: int
    cursors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """Totals over a whole store. Durations in milliseconds, sizes in bytes."""

    runs: int
    by_status: dict[str, int]
    artifacts: int
    stored_bytes: int
    oldest: int | None
    newest: int | None
    mean_duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class StorageStatistics:
    """How much artifacts take, in bytes: their content, their stored form, and that with equal files once."""

    artifacts: int
    content_bytes: int
    stored_bytes: int
    disk_bytes: int


class RunStore(Protocol):
    """Records of runs."""

    def get(self, run_id: str) -> Run:
        """Return a run, whole. Raises NotFoundError."""

    def find(self, run_id: str) -> Run | None:
        """Return a run, or None."""

    def find_matching(self, prefix: str, limit: int = 5) -> Runs:
        """Return runs whose id or name begins with a text; an exact match comes alone."""

    def list(self, query: RunQuery, with_total: bool = False, time_limit_ms: int | None = None) -> Page[Run]:
        """Return one page; counting the total may scan, so it is asked for.

        After the time limit, what was found so far comes as a page that is not complete.
        """

    def outline(self, query: RunQuery, step: int = 1000) -> Outline:
        """Return the shape of the whole result, for `slice`."""

    def slice(self, query: RunQuery, outline: Outline, start: int, count: int) -> tuple[Run, ...]:
        """Return the rows from position `start` on; fewer at the end, or when rows went away."""

    def matching(self, query: RunQuery, seqs: Sequence[int]) -> frozenset[int]:
        """Return which of these rows fit the query."""

    def by_seq(self, seqs: Sequence[int]) -> dict[int, Run]:
        """Return the runs with these row numbers; unknown ones are left out."""

    def iter_tallies(self, query: RunQuery, by: str | None) -> Iterator[Tally]:
        """Yield what there is of each value of a thing.

        `by` is `command`, `task`, `type`, `status`, `context`, `session`, `agent`, `instance`, `model`,
        `tool`, `host`, `directory`, `quarter` (of an hour since 1970), or None for all together, without
        durations. Raises InputError for anything else.
        """

    def durations_at(self, query: RunQuery, ranks: Sequence[int]) -> dict[int, int]:
        """Return how long the runs at some ranks took, of those that tell it, the shortest having rank 1."""

    def iter_outcomes(self, query: RunQuery) -> Iterator[tuple[str, str, str, int, str]]:
        """Yield command line, folder, status, start and id of runs that succeeded, failed or timed out.

        Only those of commands that both succeeded and failed, whatever the query; those of one command in
        one folder follow each other, oldest first.
        """

    def count(self, query: RunQuery) -> int:
        """Return how many runs fit."""

    def exists(self, run_id: str) -> bool:
        """Tell whether there is such a run."""

    def latest(self, skip: int = 0) -> Run | None:
        """Return the newest run, or the n-th before it."""

    def by_session(self, session_id: str) -> Page[Run]:
        """Return the runs of a session, newest first."""

    def by_task(self, task: str) -> Page[Run]:
        """Return the runs of a task, newest first."""

    def failed(self, limit: int = 50) -> Page[Run]:
        """Return runs that did not succeed, newest first."""

    def statistics(self) -> RunStatistics:
        """Return totals over the whole store."""

    def facets(
        self, field: str, query: RunQuery | None = None, time_limit_ms: int | None = None
    ) -> dict[str, int]:
        """Return how many of the runs that fit have each value of a field, the most frequent first.

        Raises:
            InputError: the field is none of `FACETS`.
            LimitError: it took longer than the limit.
        """

    def recorded(self, run: Run) -> Run:
        """Return a run that may have come masked as it was recorded, to ask for others like it."""

    def shown(self, text: str) -> str:
        """Return a text that was recorded as the runs of this store are shown: with its secrets masked."""

    def store_id(self) -> str:
        """Return what tells this database from one that was rebuilt: row numbers and cursors differ."""

    def create(self, run: Run) -> Run:
        """Add a run. Raises ConflictError when its id is taken by a finished one."""

    def finish(self, run: Run) -> Run:
        """Replace a running run by its finished record. Raises ConflictError."""

    def delete(self, run_id: str) -> None:
        """Remove a record. Raises NotFoundError, ConflictError while it is running."""

    def delete_older_than(self, before: int) -> Runs:
        """Remove the records of finished runs started before a time; return them."""

    def events(self, after: int, limit: int = 1000) -> Events:
        """Return what happened since an event; an empty list when nothing did."""

    def last_event_id(self) -> int:
        """Return the number of the newest event; 0 in an empty store."""

    def interrupt(self) -> None:
        """Make a query that runs in another thread stop; it raises LimitError."""

    def close(self) -> None:
        """Let go of the store."""


class ArtifactStore(Protocol):
    """Artifacts: their records, and their content."""

    def get(self, artifact_id: str) -> Artifact:
        """Return an artifact. Raises NotFoundError."""

    def by_run(self, run_id: str) -> tuple[Artifact, ...]:
        """Return the artifacts of a run, streams first; `missing` is set where the file is gone."""

    def path(self, artifact: Artifact) -> str:
        """Return where the content lies. Raises InputError for one that would leave its folder."""

    def open(self, artifact: Artifact) -> BinaryIO:
        """Open the content for reading from anywhere in it. Raises NotFoundError, AccessError."""

    def iter_content(self, artifact: Artifact, chunk_bytes: int = 65536) -> Iterator[bytes]:
        """Yield the content in pieces, never holding it whole.

        Raises CorruptError, at its end, when it is not what was recorded.
        """

    def text(self, artifact: Artifact, max_bytes: int = 1_000_000) -> str:
        """Return the content decoded, undecodable bytes replaced, at most so many bytes of it."""

    def verify(self, artifact: Artifact) -> bool:
        """Tell whether the content still has its checksum; True where none was taken yet."""

    def save(self, artifact: Artifact) -> Artifact:
        """Add or replace an artifact's record; its content is in the run folder already."""

    def delete(self, artifact_id: str) -> None:
        """Remove an artifact's record."""

    def exists(self, artifact_id: str) -> bool:
        """Tell whether there is such an artifact."""

    def statistics(self) -> StorageStatistics:
        """Return how much all artifacts take; reads every row of them."""

    def count_stored(self, query: RunQuery) -> tuple[int, int]:
        """Return how many artifacts the runs have, and how many bytes these take."""

    def storage_shares(self, query: RunQuery) -> tuple[StorageShare, ...]:
        """Return what the artifacts of the runs of each type take, the largest first."""

    def largest_runs(self, query: RunQuery, limit: int) -> tuple[LargeRun, ...]:
        """Return the runs whose artifacts take most."""
