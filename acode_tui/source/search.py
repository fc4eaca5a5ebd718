"""Searches what runs wrote, in a thread, and tells what is found as it is found; a new one ends the old."""

from __future__ import annotations

import time

from acode_tui.messages.search import HitsFound, SearchEnded
from acode_tui.render.format import count
from acode_tui.source.desk import Desk, Post
from acode_tui.source.runs import parse_filter, saved_filters
from collector import AcodeError, Hit, Hits, Search, Workspace, search_pattern, split_search

MAX_HITS = 2000
"""More lines than that are not listed: nobody reads them."""
MAX_IN_FILE = 100
TIMEOUT_SECONDS = 60.0
_BATCH, _GAP = 200, 0.05


class SearchSource:
    """Answers to one screen. A new token makes older answers worthless."""

    def __init__(self, workspace: Workspace, post: Post) -> None:
        self.token = 0
        self._workspace = workspace
        self._desk = Desk("acode-search", workspace, post)
        self._hits: Hits | None = None

    def start(self) -> None:
        """Begin to work."""
        self._desk.start()

    def close(self) -> None:
        """Stop; nobody waits for what is being read."""
        self.stop()
        self._desk.close()

    def stop(self) -> None:
        """End the search that goes on."""
        self.token += 1
        hits = self._hits
        if hits is not None:
            hits.stop()

    def ask(self, line: str) -> int:
        """Search by what was typed; return the token of the answers."""
        self.stop()
        token = self.token
        self._desk.submit(lambda: self._search(token, line))
        return token

    # In the thread

    def _search(self, token: int, line: str) -> None:
        if token != self.token:
            return
        try:
            saved = saved_filters(self._workspace)
            text, conditions = split_search(line, saved)
            pattern, query = search_pattern(text), parse_filter(conditions, saved=saved)
            search = Search(
                pattern=pattern, query=query, max_count=MAX_IN_FILE, timeout_seconds=TIMEOUT_SECONDS
            )
            self._hits = Hits(self._workspace, self._desk.stores()[0], search, self._desk.masking())
            self._desk.post(SearchEnded(token, self._tell(token, self._hits)))
        except AcodeError as error:
            if token == self.token:
                self._desk.forget_stores()
                self._desk.post(SearchEnded(token, problem=error.message))
        finally:
            self._hits = None

    def _tell(self, token: int, hits: Hits) -> str:
        """Tell of what is found, some at a time; return what there is to say of the whole."""
        batch: list[Hit] = []
        told = 0.0
        for found, hit in enumerate(hits, 1):
            if token != self.token:
                return ""
            batch.append(hit)
            if len(batch) >= _BATCH or time.monotonic() - told > _GAP or found == MAX_HITS:
                self._desk.post(HitsFound(token, batch))
                batch, told = [], time.monotonic()
            if found == MAX_HITS:
                return f"the first {MAX_HITS:,}; ask for less"
        if batch:
            self._desk.post(HitsFound(token, batch))
        if hits.stopped:
            return "time is up, there may be more"
        return f"{count(hits.unreadable, 'file')} could not be read" if hits.unreadable else ""
