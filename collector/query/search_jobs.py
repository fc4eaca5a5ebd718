"""Which texts a search looks through, in which order, and where in them: the index asked, and the rest.

With few pieces that may fit, these are looked up and put in order; with many, runs are looked at from the
newest on, which finds some soon. What the index does not have is looked through whole.
"""

from __future__ import annotations

from collector.errors import AcodeError, CorruptError
from collector.model.frozen import dataclass
from collector.model.query import RunQuery
from collector.store.search_reader import MANY_PENDING, Answer, SearchReader, Spans, report_damage
from collector.store.texts import Text, Texts
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from collector.store.texts import Place

_PAGE = 200
_FIRST_PAGE = 4
"""The newest runs may have enough of what is looked for."""
_LONG_WAITING_BYTES = 256 << 20
"""When so much is not indexed, what is comes first."""


@dataclass(frozen=True, slots=True)
class Job:
    """A content to look through: files that hold it, the newest first, and where; None for all of it."""

    texts: tuple[Text, ...]
    spans: Spans | None

    @property
    def text(self) -> Text:
        """Its newest file."""
        return self.texts[0]


class Jobs:
    """Finds what a search has to look through.

    Args:
        workspace: whose texts.
        texts: what its runs left.
        reader: the index; None without one.
        query: which runs.
        is_over: asked every now and then; True ends it.
    """

    def __init__(
        self,
        workspace: Workspace,
        texts: Texts,
        reader: SearchReader | None,
        query: RunQuery,
        is_over: Callable[[], bool],
    ) -> None:
        self._workspace = workspace
        self._texts = texts
        self._reader = reader
        self._query = query
        self._is_over = is_over
        self._running: list[Text] = []
        self.has_work = True
        """Whether there is something to index, as far as is known."""

    def __call__(self, match: str | None) -> Iterator[Job]:
        """Yield the jobs, those of the newest runs first; a content may come again with an older run.

        Args:
            match: the MATCH expression of what is looked for; None when an index cannot help.
        """
        answer = self._ask(match)
        self._running = self._texts.streams_of_running(self._query)
        waiting = self._waiting(answer) if answer is not None else None
        if answer is None or waiting is None or answer.contents is None:
            yield from self._walk(answer)
            return
        jobs = list(self._indexed(answer.contents))
        total = sum(job.text.size_bytes for job in waiting)
        later = waiting if total > _LONG_WAITING_BYTES else []
        jobs += [Job((text,), None) for text in self._running] + (waiting if not later else [])
        yield from sorted(jobs, key=lambda job: job.text.newest_first)
        yield from sorted(later, key=lambda job: job.text.newest_first)
        if answer.backlog is not None:
            yield from self._walk(answer, answer.backlog[0] if answer.backlog else None, only_unknown=True)

    def _ask(self, match: str | None) -> Answer | None:
        if self._reader is None:
            return None
        try:
            return self._reader.ask(match)
        except AcodeError as error:
            self._lose_index(error)
            return None

    def _lose_index(self, error: AcodeError) -> None:
        """Go on without the index."""
        self._reader = None
        if isinstance(error, CorruptError):
            report_damage(self._workspace)

    def _indexed(self, contents: dict[str, Spans]) -> Iterator[Job]:
        for checksum, spans in contents.items():
            texts = self._texts.by_checksum(checksum, self._query)
            if texts:
                yield Job(tuple(texts), spans)

    def _waiting(self, answer: Answer) -> list[Job] | None:
        """Return what is not indexed yet; None when that is much, or not known."""
        if answer.pending is None or answer.change is None or not self._texts.remembers(answer.change):
            return None
        changes = self._texts.changes(answer.change.event_id, MANY_PENDING + 1)
        self.has_work = answer.has_work or bool(changes)
        if len(changes) > MANY_PENDING:
            return None
        ids = sorted({*answer.pending, *(change.artifact_id for change in changes if change.artifact_id)})
        texts: list[Text] = []
        for begin in range(0, len(ids), _PAGE):
            texts += self._texts.by_id(ids[begin : begin + _PAGE], self._query)
        known = self._spans(texts, answer)
        return [Job((text,), None) for text in texts if text.checksum not in known]

    def _spans(self, texts: Sequence[Text], answer: Answer | None) -> dict[str, Spans]:
        """Return what the index knows of texts; nothing when it cannot help."""
        checksums = sorted({text.checksum for text in texts if text.checksum})
        if self._reader is None or answer is None or answer.blocks is None:
            return {}
        spans: dict[str, Spans] = {}
        try:
            for begin in range(0, len(checksums), _PAGE):
                spans |= self._reader.spans(checksums[begin : begin + _PAGE], answer)
        except AcodeError as error:
            self._lose_index(error)
        return spans

    def _walk(
        self, answer: Answer | None, place: Place | None = None, only_unknown: bool = False
    ) -> Iterator[Job]:
        """Yield what is to be looked through of runs, from one on to the oldest."""
        size = _FIRST_PAGE
        while not self._is_over():
            runs = self._texts.runs_before(place, size, self._query)
            if not runs:
                return
            place, size = runs[-1], min(2 * size, _PAGE)
            seqs = {seq for _, seq in runs}
            texts = self._texts.by_run(sorted(seqs))
            if not only_unknown:
                texts += [text for text in self._running if text.run_seq in seqs]
            known = self._spans(texts, answer)
            for text in sorted(texts, key=lambda text: text.newest_first):
                spans = known.get(text.checksum or "")
                if spans is None or (spans and not only_unknown):
                    yield Job((text,), spans)
