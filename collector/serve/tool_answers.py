"""What the tools answer with, where it is not what HTTP answers with."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from collector.errors import InputError, NotFoundError
from collector.model.frozen import replace
from collector.model.query import SORTS, RunQuery, Term
from collector.model.run import Run
from collector.query.excerpt import Excerpt, LineRange
from collector.query.explain import explain
from collector.query.run_files import RunFiles, case_name
from collector.query.search import Search
from collector.query.search_line import search_pattern
from collector.serve import answers
from collector.serve.brief import bounded, brief_run, fitting
from collector.serve.library import Library
from collector.store.sessions import SessionQuery

Record = dict[str, Any]


def page_of_runs(library: Library, query: RunQuery, seconds: float) -> Record:
    """Return a page of runs in a few words each; `warning` when there was no time to look at all."""
    answers.check_one_of(query.sort, SORTS, "sort by")
    if library.find_stores() is None:
        return {"items": [], "next_cursor": None}
    page = library.runs.list(query, time_limit_ms=round(seconds * 1000))
    items = fitting([brief_run(run) for run in page.items])
    if len(items) < len(page.items):  # the page that fits has a cursor of its own
        page = library.runs.list(replace(query, limit=len(items)))
    record: Record = {"items": items, "next_cursor": page.next_cursor}
    if not page.complete:
        record["warning"] = "there was no time to look at all runs; narrow the filter"
    return record


def page_of_hits(library: Library, wanted: Search, limit: int, skip: int) -> Record:
    """Return lines that were found, as many as fit."""
    found = answers.search(library, wanted, limit, skip)
    items = fitting(found["items"])
    cursor = found["next_cursor"] if len(items) == len(found["items"]) else str(skip + len(items))
    return {"items": items, "next_cursor": cursor, "complete": found["complete"]}


def page_of_sessions(library: Library, query: SessionQuery) -> Record:
    """Return sessions, as many as fit."""
    found = answers.list_sessions(library, query)
    items = fitting(found["items"])
    if len(items) < len(found["items"]):
        found = answers.list_sessions(library, replace(query, limit=len(items)))
    return {"items": items, "next_cursor": found["next_cursor"]}


def excerpt_of(first: int, lines: int, pattern: str, errors_only: bool, around: int) -> Excerpt:
    """Return the lines that are meant; with a pattern, `lines` is how many of those that fit."""
    if first == 0:
        raise InputError("ACODE-RUN-019", "lines count from 1", "write 1, or -50 for the last 50")
    if pattern or errors_only:
        found = search_pattern(pattern) if pattern else None
        return Excerpt(LineRange(first), found, errors_only, around, around, head=lines)
    last = first + lines - 1
    return Excerpt(LineRange(first, last if first > 0 or last < 0 else None), numbered=True)


def with_causes(library: Library, runs: Iterable[Run], seconds: float) -> list[Record]:
    """Return failed runs with why they did, for as many as there is time to read."""
    end = time.monotonic() + seconds
    return [{**brief_run(run), **(_cause(library, run) if time.monotonic() < end else {})} for run in runs]


def _cause(library: Library, run: Run) -> Record:
    """Return why a run failed in a few words."""
    found = explain(run, library.stores())
    record: Record = {"why": found.headline}
    if found.failed_tests:
        record["failed_tests"] = [test.name for test in found.failed_tests[:10]]
    if found.errors and found.errors[0].location:
        record["place"] = str(found.errors[0].location)
    return record


def failing_tests(library: Library, reference: str, text: str, limit: int) -> Record:
    """Return the failed tests of a run, or of the newest that fits and has some.

    Raises:
        NotFoundError: there is no such run, or it says nothing of tests.
    """
    run = answers.run_of(library, reference) if reference else _newest_with_failed_tests(library, text)
    files = RunFiles(library.artifacts)
    report = files.report(run)
    if report is None:
        hint = f"it says nothing of tests; read_output {run.name} shows what it wrote"
        raise NotFoundError("ACODE-RUN-002", f"run {run.name} has no test results", hint)
    failed = [case for suite in report.suites for case in suite.cases if case.is_failed]
    items = [
        {
            "name": case_name(case), "outcome": case.outcome, "message": case.message,
            "location": str(case.location) if case.location else None, "details": case.details,
        }
        for case in failed[:limit]
    ]  # fmt: skip
    totals = {
        name: getattr(report.totals, name) for name in ("total", "passed", "failed", "errors", "skipped")
    }
    return bounded({"run": brief_run(run), "totals": totals, "items": items, "failed": len(failed)})


def _newest_with_failed_tests(library: Library, text: str) -> Run:
    query = answers.query_of(library, text)
    terms = (*query.terms, Term("failed_tests", (0,), ">"))
    found = library.runs.list(replace(query, terms=terms, limit=1)).items
    if not found:
        raise NotFoundError("ACODE-RUN-001", "no run that fits has failed tests", "try why_failed")
    return found[0]
