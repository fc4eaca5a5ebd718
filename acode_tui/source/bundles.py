"""Exporting and importing: in a thread, as messages to one dialog. Both can be stopped, and are whole or not.

Runs are read as they were recorded: what masks secrets in a bundle works on that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from acode_tui.messages.bundles import Estimated, Exported, Imported, RunsChosen, Secrets, Verified
from acode_tui.source.desk import Post
from acode_tui.source.runs import parse_filter, saved_filters
from acode_tui.source.work import Work
from collector import (
    Asking,
    ConflictError,
    CorruptError,
    ExportOptions,
    ImportOptions,
    Run,
    Trust,
    Workspace,
    by_passphrase,
    encrypting_with,
    estimate_export,
    export_bundle,
    get_signing_key,
    import_bundle,
    list_trusted,
    open_stores,
    passphrase_key,
    signing_with,
    verify_bundle,
    wanted_of,
)

if TYPE_CHECKING:
    from collector import RunQuery
    from collector.store.runs import SqliteRunStore

_PAGE = 500
MOST_RUNS = 20_000
"""A bundle has room for 100,000 files."""


class Exporter(Work):
    """Finds out what an export would hold, and writes it."""

    def __init__(self, workspace: Workspace, post: Post) -> None:
        super().__init__("acode-export", workspace, post)
        # The program waits for it when it ends: what is half written is removed then.
        self._thread.daemon = False

    def choose_run(self, run_id: str) -> int:
        """Read one run as it was recorded; return the answer's token."""

        def job(token: int) -> None:
            with _raw_runs(self.workspace) as store:
                self.post(RunsChosen(token, [store.get(run_id)], is_cut=False))

        return self.do(job)

    def choose(self, text: str, failed_only: bool) -> int:
        """Read the runs of a filter; return the answer's token."""

        def job(token: int) -> None:
            query = parse_filter(text, failed_only, saved_filters(self.workspace))
            with _raw_runs(self.workspace) as store:
                runs = []
                for run in islice(_iter_runs(store, query), MOST_RUNS + 1):
                    runs.append(run)
                    if not self.is_asked(token):
                        return
            self.post(RunsChosen(token, runs[:MOST_RUNS], len(runs) > MOST_RUNS))

        return self.do(job)

    def estimate(self, runs: Sequence[Run], options: ExportOptions) -> int:
        """Find out what an export would hold; return the answer's token."""

        def job(token: int) -> None:
            if self.is_asked(token):
                estimate = estimate_export(runs, options)
                self.post(Estimated(token, estimate, count_secrets(runs, options)))

        return self.do(job)

    def export(
        self, runs: Sequence[Run], target: str, options: ExportOptions, sign: bool = False, secret: str = ""
    ) -> None:
        """Write a bundle; signed with the user's key and encrypted with a passphrase where that is wanted."""

        def job(_token: int) -> None:
            how = options
            if sign:
                how = replace(how, sign=signing_with(get_signing_key(os.environ)))
            if secret:
                how = replace(how, encrypt=encrypting_with(passphrase_key(secret)))
            report = export_bundle(self.workspace, runs, target, how, self.progress)
            self.post(Exported(report))

        self.do(job)


class Importer(Work):
    """Checks a bundle, and takes its runs."""

    def __init__(self, workspace: Workspace, post: Post) -> None:
        super().__init__("acode-import", workspace, post)

    def verify(self, path: str, secret: str = "", signed_only: bool = False) -> int:
        """Check a bundle and find out what importing it would do; return the answer's token."""

        def job(token: int) -> None:
            asking, preview, problem = _asking(secret, signed_only), None, ""
            try:
                options = ImportOptions(dry_run=True, asking=asking)
                preview = import_bundle(self.workspace, path, options, self.progress)
                report = preview.bundle
            except (CorruptError, ConflictError) as error:
                problem = str(error)
                report = verify_bundle(path, self.progress, asking)
            if self.is_asked(token):
                self.post(Verified(token, report, preview if report.is_valid else None, problem))

        return self.do(job)

    def take(self, path: str, secret: str = "", signed_only: bool = False) -> None:
        """Import a bundle."""

        def job(_token: int) -> None:
            options = ImportOptions(asking=_asking(secret, signed_only))
            self.post(Imported(import_bundle(self.workspace, path, options, self.progress)))

        self.do(job)


def _asking(secret: str, signed_only: bool) -> Asking:
    keys = list_trusted(os.environ) if os.environ.get("HOME") else ()
    asking = Asking(Trust(keys, signed_only))
    return asking._replace(find_key=by_passphrase(secret)) if secret else asking


def count_secrets(runs: Sequence[Run], options: ExportOptions) -> Secrets:
    """Return what is known of the secrets in what would be exported, without reading it."""
    wanted = wanted_of(options.include, options.exclude)
    counts = [secrets_of(run, wanted) for run in runs]
    return Secrets(sum(found or 0 for found in counts), counts.count(None))


def secrets_of(run: Run, wanted: Callable[[str], bool] = lambda _: True) -> int | None:
    """Return how many secrets were found in a run when it was recorded; None when nobody looked."""
    own = run.summary.get("secrets")
    if not isinstance(own, dict):
        return None
    return _total(own) + sum(_total(a.metadata.get("secrets")) for a in run.artifacts if wanted(a.path))


def _total(counts: object) -> int:
    values = counts.values() if isinstance(counts, dict) else ()
    return sum(value for value in values if isinstance(value, int))


@contextmanager
def _raw_runs(workspace: Workspace) -> Iterator[SqliteRunStore]:
    store = open_stores(workspace)[0]
    try:
        yield store
    finally:
        store.close()


def _iter_runs(store: SqliteRunStore, query: RunQuery) -> Iterator[Run]:
    after: str | None = ""
    while after is not None:
        page = store.list(replace(query, limit=_PAGE, after=after or None))
        yield from page.items
        after = page.next_cursor
