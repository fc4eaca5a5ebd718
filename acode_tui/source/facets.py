"""Counts the values that runs have, in a thread of its own: for the filter pane and for completion.

It starts when it is first asked, so that who never asks pays nothing. A newer question about facets makes the
one that is being answered stop.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

from acode_tui.messages.facets import Counts, FacetsRead, SavedChanged, SavedRead, ValuesRead
from acode_tui.source.desk import Desk, Post
from acode_tui.source.runs import FAILED, now_ms, saved_filters
from collector import (
    AcodeError,
    InputError,
    LimitError,
    RunQuery,
    SavedFilters,
    Workspace,
    parse_query,
    remove_filter,
    save_filter,
    saved_files,
    without_field,
)

FIELDS = ("status", "type", "agent", "session_id", "task", "tag", "model", "host", "working_directory")
"""What the filter pane counts runs by."""
TIME_LIMIT_MS = 300
"""So long a field may take; longer, and its counts are not told."""
_TELL = 0.1


class FacetReader:
    """Answers about values, as messages to one screen."""

    def __init__(self, workspace: Workspace, post: Post) -> None:
        self.workspace = workspace
        self.post = post
        self.token = 0
        self._desk: Desk | None = None

    def close(self) -> None:
        """Stop the thread, if it was ever needed."""
        if self._desk is not None:
            self._desk.close()
            self._desk.join()

    def read_facets(self, text: str, failed_only: bool = False) -> int:
        """Count the runs of a filter by every field; return the token of the answers."""
        self.token += 1
        token = self.token
        self._submit(lambda: self._answer(token, text, failed_only), is_newer=True)
        return token

    def read_values(self, field: str) -> None:
        """Count all runs by a field."""
        self._submit(lambda: self.post(ValuesRead(field, self._count(field, None) or {})))

    def read_saved(self) -> None:
        """Read the saved filters."""
        self._submit(lambda: self.post(SavedRead(dict(self._saved_filters()))))

    def save(self, name: str, text: str) -> None:
        """Save a filter in the workspace."""

        def job() -> str:
            saved = {**self._saved_filters(), name: text}
            parse_query(f"@{name}", now_ms(), saved)  # one that leads to itself is none
            known = save_filter(saved_files(self.workspace.root, os.environ)[0], name, text)
            return f"{'changed' if known else 'saved'} @{name}"

        self._change(job)

    def remove(self, name: str) -> None:
        """Remove a saved filter: the workspace's, or else the user's."""

        def job() -> str:
            was = self._saved_filters()[name]
            mine, users = saved_files(self.workspace.root, os.environ)
            try:
                remove_filter(mine, name)
            except AcodeError:
                if users is None:
                    raise
                remove_filter(users, name)
            return f"removed @{name}: {was}"

        self._change(job)

    def _change(self, job: Callable[[], str]) -> None:
        def tell() -> None:
            try:
                self.post(SavedChanged(job()))
            except (AcodeError, KeyError) as error:
                self.post(SavedChanged("", str(error)))
            self.post(SavedRead(dict(self._saved_filters())))

        self._submit(tell)

    def _saved_filters(self) -> SavedFilters:
        return saved_filters(self.workspace)

    def _submit(self, job: Callable[[], object], is_newer: bool = False) -> None:
        if self._desk is None:
            self._desk = Desk("acode-facets", self.workspace, self.post)
            self._desk.start()
        elif is_newer:
            self._desk.interrupt()
        self._desk.submit(job)

    def _answer(self, token: int, text: str, failed_only: bool) -> None:
        """Tell the counts every now and then, so that a slow field does not hold up the others."""
        started = told = time.monotonic()
        found: dict[str, Counts | None] = {}
        for field in FIELDS:
            if token != self.token:
                return
            try:
                query = self._query_beside(text, field, failed_only)
            except InputError:
                return  # the filter line says what is wrong with it
            found[field] = self._count(field, query)
            if time.monotonic() - told > _TELL and token == self.token:
                told = time.monotonic()
                self.post(FacetsRead(token, dict(found)))
        if token == self.token:
            self.post(FacetsRead(token, found, True, time.monotonic() - started))

    def _query_beside(self, text: str, field: str, failed_only: bool) -> RunQuery:
        """Return the query without what it asks of the field itself: to see what else could be asked."""
        query = parse_query(without_field(text, field), now_ms(), self._saved_filters())
        return replace(query, terms=(*query.terms, FAILED)) if failed_only else query

    def _count(self, field: str, query: RunQuery | None) -> Counts | None:
        assert self._desk is not None
        try:
            return self._desk.stores()[0].facets(field, query, time_limit_ms=TIME_LIMIT_MS)
        except LimitError:
            return None
        except InputError:
            return {}  # nobody counts this field
