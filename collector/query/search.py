"""Searching the content of artifacts: lines with a match, those of the newest runs first.

A text that several runs have is told of once, for the newest of them that fits. What is looked through and
how soon depends on the index (search_jobs.py); what is found does not, but for matches of more than 4 KiB in
lines of more than 64.
"""

from __future__ import annotations

import os
import time

from collector.encryption.problem import KeyProblem
from collector.model.frozen import dataclass
from collector.model.query import RunQuery
from collector.model.run import Run
from collector.query.line_matches import (
    LineMatch,
    column,
    iter_matches,
    lines_after,
    lines_before,
    read_block,
    show,
)
from collector.query.search_jobs import Job, Jobs
from collector.store.database import open_reader
from collector.store.patterns import Pattern, trigram_match
from collector.store.protocols import RunStore
from collector.store.search_reader import open_search_reader
from collector.store.text_blocks import Block, iter_blocks
from collector.store.texts import Text, Texts
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

    from collector.errors import AcodeError
    from collector.record.masking import Masking

_SCAN_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A line that was found.

    `column` is where the match begins, in bytes from 1, as editors and `rg` count; `start` and `end` are
    where it is in `text`, in characters. Of a very long line, `text` is what is around the match.
    `other_runs` have the same content. `artifact_id` is None for a stream that is still being written.
    """

    run: Run
    artifact_id: str | None
    path: str
    line: int
    column: int
    text: str
    start: int
    end: int
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    other_runs: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as `acode search --json` prints it."""
        return {
            "run_id": self.run.run_id, "name": self.run.name, "artifact_id": self.artifact_id,
            "path": self.path, "line": self.line, "column": self.column, "text": self.text,
            "before": list(self.before), "after": list(self.after), "other_runs": self.other_runs,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to search for, in which runs, and how much to tell; 0 is no limit.

    `max_count` is of lines in a file, `before` and `after` are lines around each.
    """

    pattern: Pattern
    query: RunQuery = RunQuery()
    max_count: int = 0
    before: int = 0
    after: int = 0
    timeout_seconds: float = 0


class Hits:
    """What a search finds, found while it is asked for; once.

    After the end, `stopped` says whether time was up, `unreadable` how many files could not be read, `locked`
    how many for want of a key, `key_problem` of which, and `has_work` whether there is something to index.

    Args:
        workspace: where.
        runs: its runs.
        search: what for.
        masking: masks the secrets in what is found, and lets none be found; None for what was recorded.
    """

    def __init__(
        self, workspace: Workspace, runs: RunStore, search: Search, masking: Masking | None = None
    ) -> None:
        self._masking = masking
        self._workspace = workspace
        self._runs = runs
        self._search = search
        self._deadline = time.monotonic() + (search.timeout_seconds or float("inf"))
        self._run: Run | None = None
        self.stopped = False
        self.stopped_at: int | None = None
        self.unreadable = 0
        self.locked = 0
        self.key_problem: AcodeError | None = None
        self.has_work = True

    def __iter__(self) -> Iterator[Hit]:
        texts = Texts(open_reader(self._workspace.database), self._workspace, self._masking)
        reader = open_search_reader(self._workspace)
        jobs = Jobs(self._workspace, texts, reader, self._search.query, self._is_over)
        done: set[int] = set()
        try:
            for job in jobs(trigram_match(self._search.pattern)):
                if self._is_over(job):
                    return
                key = hash(job.text.checksum or (job.text.run_seq, job.text.path))
                if key not in done:
                    yield from self._hits(job, texts, done, key)
        finally:
            self.has_work = jobs.has_work
            texts.close()
            if reader is not None:
                reader.close()

    def stop(self) -> None:
        """End the search from another thread, at its next step."""
        self._deadline = 0.0

    def _is_over(self, job: Job | None = None) -> bool:
        """Tell whether time is up, and note where."""
        if time.monotonic() < self._deadline:
            return False
        if not self.stopped and job is not None:
            self.stopped_at = job.text.started
        self.stopped = True
        return True

    def _hits(self, job: Job, texts: Texts, done: set[int], key: int) -> Iterator[Hit]:
        opened = self._open(job, texts)
        if opened is None:
            return
        text, content = opened
        done.add(key)
        others: int | None = None
        with content:
            for block, match in self._matches(job, content):
                run = self._run_of(text)
                if run is None:
                    return
                if others is None:
                    others = self._others(text, texts)
                yield self._hit(run, text, content, block, match, others)

    def _open(self, job: Job, texts: Texts) -> tuple[Text, BinaryIO] | None:
        """Open the newest file of a content that can be read."""
        problems: list[Exception] = []
        for text in job.texts:
            try:
                return text, texts.open(text)
            except FileNotFoundError:
                continue  # deleted meanwhile
            except (OSError, ValueError) as error:
                problems.append(error)
        if problems and isinstance(problems[0], KeyProblem):
            self.locked, self.key_problem = self.locked + 1, problems[0].error
        elif problems:
            self.unreadable += 1
        return None

    def _matches(self, job: Job, content: BinaryIO) -> Iterator[tuple[Block, LineMatch]]:
        """Yield each line with a match once, at most so many as are wanted."""
        last, count = 0, 0
        try:
            for block in _blocks(job, content):
                if self._is_over(job):
                    return
                for match in iter_matches(self._search.pattern, block):
                    if match.line > last:
                        yield block, match
                        last, count = match.line, count + 1
                        if count == self._search.max_count:
                            return
        except OSError:
            self.unreadable += 1

    def _hit(
        self, run: Run, text: Text, content: BinaryIO, block: Block, match: LineMatch, others: int
    ) -> Hit:
        place = content.tell()
        shown = show(block.data, match)
        hit = Hit(
            run=run, artifact_id=text.artifact_id or None, path=text.path, line=match.line,
            column=column(content, block, match), text=shown.text, start=shown.start, end=shown.end,
            before=lines_before(content, block, match.line_start, self._search.before),
            after=lines_after(content, block, match.line_end, self._search.after),
            other_runs=others,
        )  # fmt: skip
        content.seek(place, os.SEEK_SET)
        return hit

    def _run_of(self, text: Text) -> Run | None:
        if self._run is None or self._run.seq != text.run_seq:
            self._run = self._runs.by_seq([text.run_seq]).get(text.run_seq)
        return self._run

    def _others(self, text: Text, texts: Texts) -> int:
        if text.checksum is None:
            return 0
        return max(0, texts.count_sharers(text.checksum, self._search.query) - 1)


def _blocks(job: Job, content: BinaryIO) -> Iterator[Block]:
    if job.spans is None:
        yield from iter_blocks(content, _SCAN_BYTES)
        return
    for span in job.spans:
        yield read_block(content, span.offset, span.length, span.first_line)
