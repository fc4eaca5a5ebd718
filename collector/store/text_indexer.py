"""Indexing the texts of all runs for searching: what the database of runs says has come or gone, in slices.

Runs under the writer's lock. It follows the events of runs.db; what was there before, it takes from the
newest run to the oldest. Every step can be done twice. What cannot be read, is encrypted, is not what its
checksum says, or is too large, stays among what waits, where a search looks through the files themselves.
"""

from __future__ import annotations

import os
import time

from collector import durable
from collector.errors import CorruptError
from collector.store.database import DATABASE_SUFFIXES, open_reader, open_writer, translated_errors
from collector.store.quick_json import loads
from collector.store.search_index import MAX_TEXT_BYTES, SMALL_BYTES, SearchIndex
from collector.store.search_schema import LARGE, SEARCH, SMALL
from collector.store.text_blocks import BLOCK_BYTES, MAX_IN_BLOCK
from collector.store.text_writing import TextWriter
from collector.store.texts import Change, Text, Texts
from collector.store.trouble import ignore
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.store.trouble import Log

_PAGE = 500
_ENOUGH_WAITING = 200
_SMALL_TEXTS = 1000
_BETWEEN_SWEEPS = 20
"""After a sweep none begins for so many times as long as it took."""
_NOTHING = Change(0, "", "", 0, None)

_CHANGE = "change"
_BACKLOG = "backlog"
_SWEEP = "sweep"
_DELETED = "deleted"


class _Discarded(Exception):
    """The index was removed, and is made anew."""


class TextIndexer:
    """Indexes the texts of one workspace; used by one thread of the process that holds the writer's lock.

    Args:
        workspace: whose.
        log: told of everything worth knowing, as `log(event, key=value…)`.
        may_go_on: asked every now and then; False stops in the middle of a large text.
        max_bytes: larger texts wait for somebody else.
    """

    def __init__(
        self,
        workspace: Workspace,
        log: Log = ignore,
        may_go_on: Callable[[], bool] = lambda: True,
        max_bytes: int = MAX_TEXT_BYTES,
    ) -> None:
        self._workspace = workspace
        self._log = log
        self._may_go_on = may_go_on
        self._max_bytes = max_bytes
        self._index: SearchIndex | None = None
        self._texts: Texts
        self._writer: TextWriter
        self._sweep_began = 0.0
        self._no_sweep_until = 0.0

    def index_waiting(self, budget_seconds: float) -> bool:
        """Index for about so long; tell whether there is more to do.

        Raises:
            AcodeError, OSError: the disk or a database is in trouble.
        """
        deadline = time.monotonic() + budget_seconds
        try:
            with translated_errors(SEARCH):
                return self._index_until(deadline)
        except _Discarded:
            return True
        except CorruptError as error:
            if error.code == "ACODE-RUN-025" or SEARCH.file_name not in error.message:
                raise
            self._set_aside(str(error))
            return True

    def close(self) -> None:
        """Let go of the database; a text that was begun waits again."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def _index_until(self, deadline: float) -> bool:
        if not os.path.exists(self._workspace.database):
            return False
        index = self._open()
        self._texts = Texts(open_reader(self._workspace.database), self._workspace)
        self._writer = TextWriter(index, self._texts, self._log, self._may_go_on)
        try:
            while self._may_go_on():
                if not self._step(index):
                    return False
                if time.monotonic() > deadline:
                    break
        except BaseException:
            self.close()  # what was half done is undone
            raise
        finally:
            self._texts.close()
        return True

    def _step(self, index: SearchIndex) -> bool:
        """Do the next thing there is to do; False when there is none."""
        steps = (
            self._follow, self._take_backlog, self._index_large, self._index_small, self._sweep, self._tidy
        )  # fmt: skip
        index.begin()
        done = any(step(index) for step in steps)
        index.commit()
        return done

    # The database

    def _open(self) -> SearchIndex:
        path = self._workspace.search_database
        if self._index is not None and not os.path.exists(path):
            self.close()
        if os.path.lexists(self._workspace.search_damaged):
            raise CorruptError("ACODE-RUN-005", f"{SEARCH.file_name} is damaged: somebody could not read it")
        if self._index is None:
            self._index = SearchIndex(open_writer(path, SEARCH))
        return self._index

    def _set_aside(self, why: str) -> None:
        """Keep one damaged index, for whoever wants to know what happened."""
        self.close()
        path = self._workspace.search_database
        self._log("search.damaged", error=why, kept_as=f"{path}.corrupt")
        for suffix in DATABASE_SUFFIXES:
            if os.path.lexists(path + suffix):
                durable.move(path + suffix, f"{path}.corrupt{suffix}")
        if os.path.lexists(self._workspace.search_damaged):
            os.unlink(self._workspace.search_damaged)

    # What has come, and what is gone

    def _follow(self, index: SearchIndex) -> bool:
        """Take in what happened to runs since the last time."""
        noted = index.state(_CHANGE)
        last = Change(*loads(noted)) if noted else _NOTHING
        if last == _NOTHING or not self._texts.remembers(last):
            return self._start_over(index)
        changes = self._texts.changes(last.event_id, _PAGE)
        if changes:
            self._take_in(index, changes)
            self._note_change(index, changes[-1])
        return bool(changes)

    def _start_over(self, index: SearchIndex) -> bool:
        """Look at all runs again: the database of runs is another one, or has forgotten what happened."""
        last = self._texts.last_change()
        if last is None:
            return False
        index.clear_pending()
        self._note_change(index, last)
        index.note(_BACKLOG, "null")
        index.note(_DELETED, "1")
        return True

    def _note_change(self, index: SearchIndex, change: Change) -> None:
        from json import dumps

        values = [change.event_id, change.kind, change.run_id, change.run_seq, change.artifact_id]
        index.note(_CHANGE, dumps(values))

    def _take_in(self, index: SearchIndex, changes: list[Change]) -> None:
        saved = {c.artifact_id for c in changes if c.artifact_id and c.kind == "artifact.saved"}
        texts = self._texts.by_id(sorted(saved))
        index.drop_pending(sorted(saved - {text.artifact_id for text in texts}))
        self._add_pending(index, texts)
        for change in changes:
            if change.kind == "run.deleted":
                index.drop_pending_of_run(change.run_seq)
                index.note(_DELETED, "1")

    def _add_pending(self, index: SearchIndex, texts: list[Text]) -> None:
        known = index.known([text.checksum for text in texts if text.checksum])
        self._refuse_encrypted([t.checksum for t in texts if t.is_encrypted and t.checksum in known])
        index.drop_pending([text.artifact_id for text in texts if text.checksum in known])
        waiting = [text for text in texts if text.size_bytes and text.checksum not in known]
        index.add_pending([text for text in waiting if not text.is_encrypted])
        index.add_pending([text for text in waiting if text.is_encrypted], is_ready=False)

    def _refuse_encrypted(self, checksums: list[str | None]) -> None:
        """Begin with an empty index, if it knows a content that by now only encrypted files have.

        Raises:
            _Discarded: it was removed; SQLite would leave what is deleted in the file.
        """
        found = [checksum for checksum in checksums if checksum]
        if not set(found) - self._texts.held_plain(found):
            return
        self.close()
        path = self._workspace.search_database
        for suffix in DATABASE_SUFFIXES:
            durable.unlink_quietly(path + suffix)
        self._log("search.discarded", reason="texts in it have been encrypted")
        raise _Discarded

    def _take_backlog(self, index: SearchIndex) -> bool:
        """Add the texts of the next older runs to what waits, when that is running short."""
        place = index.state(_BACKLOG)
        waiting = sum(index.count_pending(state, _ENOUGH_WAITING)[0] for state in (SMALL, LARGE))
        if place is None or waiting >= _ENOUGH_WAITING:
            return False
        value = loads(place)
        runs = self._texts.runs_before((value[0], value[1]) if value else None, _ENOUGH_WAITING)
        if not runs:
            index.note(_BACKLOG, None)
            return True
        self._add_pending(index, self._texts.by_run([seq for _, seq in runs]))
        index.note(_BACKLOG, f"[{runs[-1][0]}, {runs[-1][1]}]")
        return True

    # Indexing

    def _index_large(self, index: SearchIndex) -> bool:
        """Index the newest large text that waits."""
        waiting = index.pending(LARGE, 1, self._max_bytes)
        for text in self._waiting_texts(index, waiting):
            self._writer.write_large(text)
        return bool(waiting)

    def _waiting_texts(self, index: SearchIndex, artifact_ids: list[str]) -> list[Text]:
        """Return the texts that still want to be indexed, in the given order; others wait no longer."""
        found = {text.artifact_id: text for text in self._texts.by_id(artifact_ids)}
        index.drop_pending([id_ for id_ in artifact_ids if id_ not in found])
        texts = [found[id_] for id_ in artifact_ids if id_ in found]
        known = index.known([text.checksum for text in texts if text.checksum])
        index.drop_pending([text.artifact_id for text in texts if text.checksum in known])
        index.add_pending([text for text in texts if text.checksum is None])
        index.add_pending([text for text in texts if text.is_encrypted], is_ready=False)
        return [t for t in texts if t.checksum and t.checksum not in known and not t.is_encrypted]

    def _index_small(self, index: SearchIndex) -> bool:
        """Index small texts, when there are enough for a block."""
        count, size = index.count_pending(SMALL, _SMALL_TEXTS)
        if count < MAX_IN_BLOCK and size < BLOCK_BYTES:
            return False
        waiting = self._waiting_texts(index, index.pending(SMALL, _SMALL_TEXTS, SMALL_BYTES))
        self._writer.write_small(waiting)
        return True

    # Deletion

    def _sweep(self, index: SearchIndex) -> bool:
        """Forget contents that no artifact has any more, some at a time."""
        place = index.state(_SWEEP)
        if place is None:
            if index.state(_DELETED) is None or time.monotonic() < self._no_sweep_until:
                return False
            index.note(_DELETED, None)
            place = "0"
        self._sweep_began = self._sweep_began or time.monotonic()
        contents = index.contents_after(int(place), _PAGE)
        held = self._texts.held([checksum for _, checksum in contents])
        for content_id, checksum in contents:
            if checksum not in held:
                index.remove_content(content_id)
        index.note(_SWEEP, str(contents[-1][0]) if contents else None)
        if not contents:
            took = time.monotonic() - self._sweep_began
            self._no_sweep_until = time.monotonic() + _BETWEEN_SWEEPS * took
            self._sweep_began = 0.0
        return True

    def _tidy(self, index: SearchIndex) -> bool:
        """Drop a part whose text is mostly gone; what is left of it waits to be indexed again."""
        part_id = index.wasteful_part()
        if part_id is None:
            return False
        contents = index.contents_of(part_id, _PAGE)
        for content_id, checksum in contents:
            index.remove_content(content_id)
            index.add_pending(self._texts.by_checksum(checksum, limit=1))
        if not contents:
            index.drop_part(part_id)
        return True
