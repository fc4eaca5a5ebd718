"""What HTTP and MCP answer with: records of runs, sessions and statistics, as `acode … --json` has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from collector import clock
from collector.errors import InputError, LimitError, NotFoundError
from collector.model.frozen import replace
from collector.model.query import SORTS, RunQuery, Term
from collector.model.run import FIELDS, Run
from collector.model.session import Session
from collector.query.explain import explain
from collector.query.language import parse_query
from collector.query.references import resolve
from collector.query.search import Hit, Hits, Search
from collector.query.statistics import first_groups, totals, trend
from collector.serve.library import Library
from collector.store.protocols import Page
from collector.store.runs import FACETS
from collector.store.sessions import SessionQuery
from collector.suggest import did_you_mean

Record = dict[str, Any]
MAX_LIMIT = 1000
_CANDIDATES = 5
_SHARE_OF_TIME = 0.5
"""Of the time of a request that finding runs may take: the rest is for counting them."""


def run_of(library: Library, reference: str) -> Run:
    """Return the run that a text names. Raises NotFoundError, InputError."""
    return resolve(library.runs, reference)


def query_of(library: Library, text: str) -> RunQuery:
    """Return the query that a filter means. Raises InputError."""
    return parse_query(text, clock.now_ms(), library.saved)


def list_runs(
    library: Library,
    query: RunQuery,
    fields: Sequence[str] | None = None,
    with_total: bool = True,
    seconds: float = 10.0,
) -> Record:
    """Return a page of runs.

    Args:
        library: of the thread.
        query: which; with order and window.
        fields: only these keys; None for all.
        with_total: whether to count them all.
        seconds: after so long, what was found so far is a page that is not `complete`.

    Raises:
        InputError: the window or a field is none.
    """
    check_limit(query.limit)
    check_one_of(query.sort, SORTS, "sort by")
    for name in fields or ():
        check_one_of(name, ("schema_version", *FIELDS), "show")
    if library.find_stores() is None:
        return page_record(Page((), 0, None), Run.to_json)
    found = library.runs.list(query, time_limit_ms=round(seconds * 1000 * _SHARE_OF_TIME))
    total = _count(library, query) if with_total and found.complete else None
    return page_record(replace(found, total=total), lambda run: chosen(run.to_json(), fields))


def _count(library: Library, query: RunQuery) -> int | None:
    try:
        return library.runs.count(query)
    except LimitError:
        return None


def page_record(page: Page[Any], record_of: Callable[[Any], Record]) -> Record:
    """Return a page as JSON has it."""
    return {
        "items": [record_of(item) for item in page.items],
        "total": page.total,
        "next_cursor": page.next_cursor,
        "complete": page.complete,
    }


def chosen(record: Record, fields: Sequence[str] | None) -> Record:
    """Return only some keys of a record, or all of it."""
    return record if fields is None else {name: record[name] for name in fields}


def check_limit(limit: int) -> None:
    """Raise InputError for a page that is too large, or none."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InputError("ACODE-RUN-019", f"limit is {limit}", f"write 1 to {MAX_LIMIT}")


def check_one_of(word: str, known: Sequence[str], verb: str) -> None:
    """Raise InputError for a word that is not among those there are."""
    if word not in known:
        hint = did_you_mean(word, known, f"use one of {', '.join(known)}")
        raise InputError("ACODE-RUN-018", f"cannot {verb} {word[:80]!r}", hint)


def facets(library: Library, fields: Sequence[str], query: RunQuery) -> Record:
    """Return how many of the runs that fit have each value of some fields, the most frequent first."""
    for name in fields:
        check_one_of(name, FACETS, "count by")
    if library.find_stores() is None:
        return {name: {} for name in fields}
    return {name: library.runs.facets(name, query) for name in fields}


# Statistics


def statistics(
    library: Library,
    query: RunQuery,
    by: str | None = None,
    sort: str | None = None,
    limit: int = 20,
    step: str | None = None,
) -> Record:
    """Return totals over the runs that fit.

    Args:
        library: of the thread.
        query: which runs.
        by: groups to make, one of `GROUPINGS`; None for none.
        sort: their order, one of `SORTS` of query/statistics.py.
        limit: how many groups.
        step: `auto`, `hour`, `day`, `week`, `month` or `year` for a trend; None for none.

    Raises:
        InputError: there is no such grouping, order or step.
    """
    check_limit(limit)
    if step is not None:
        check_one_of(step, ("auto", "hour", "day", "week", "month", "year"), "go in steps of a")
    runs, artifacts = library.stores()
    count, stored = artifacts.count_stored(query)
    record: Record = {**totals(runs, query).to_json(), "artifacts": count, "stored_bytes": stored}
    if by is not None:
        groups, number = first_groups(runs, query, by, sort, limit)
        record |= {"by": by, "groups": [group.to_json() for group in groups], "group_count": number}
    if step is not None:
        found = trend(runs, query, None if step == "auto" else step)
        record["trend"] = {"step": found.step, "buckets": [bucket.to_json() for bucket in found.buckets]}
    return record


# Searching


def search(library: Library, wanted: Search, limit: int = 50, skip: int = 0) -> Record:
    """Return the lines in what runs wrote that fit, those of the newest runs first.

    Args:
        library: of the thread.
        wanted: what to look for, in which runs, and for how long.
        limit: how many lines.
        skip: how many to leave out.

    Raises:
        InputError: the window is none.
    """
    check_limit(limit)
    if library.find_stores() is None:
        return page_record(Page((), None, None), Hit.to_json)
    hits = Hits(library.workspace, library.runs, wanted, library.masking)
    found = tuple(islice(hits, skip, skip + limit + 1))
    more = str(skip + limit) if len(found) > limit else None
    return page_record(Page(found[:limit], None, more, not hits.stopped), Hit.to_json)


def skip_of(cursor: str | None) -> int:
    """Return how many hits a cursor leaves out. Raises InputError."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 8):
        raise InputError("ACODE-RUN-018", f"{cursor[:80]!r} is not a cursor", "use a page's next_cursor")
    return int(cursor)


# Failures


def why(library: Library, run: Run) -> Record:
    """Return why a run failed."""
    return explain(run, library.stores()).to_json()


def newest_failed(library: Library, query: RunQuery, limit: int) -> tuple[Run, ...]:
    """Return the newest runs that fit and did not succeed."""
    failed = Term("status", ("failure", "timeout", "cancelled"))
    return library.runs.list(replace(query, terms=(*query.terms, failed), limit=limit)).items


# Sessions


def list_sessions(library: Library, query: SessionQuery) -> Record:
    """Return a page of sessions, newest activity first."""
    check_limit(query.limit)
    if library.find_stores() is None:
        return page_record(Page((), 0, None), session_record)
    return page_record(library.sessions.list(query), session_record)


def session_record(session: Session) -> Record:
    """Return a session as JSON has it, with the counts over its runs."""
    return {**session.to_json(), "runs": session.runs, "failed_runs": session.failed_runs}


def session_of(library: Library, reference: str) -> Session:
    """Return the session that an id, the beginning of one, or `latest` names.

    Raises:
        NotFoundError: there is none.
        InputError: several begin like that.
    """
    store = library.sessions
    if reference in ("latest", "@"):
        found = list(store.list(SessionQuery(limit=1)).items)
    else:
        found = store.find_matching(reference, _CANDIDATES + 1) if reference else []
    if len(found) > 1:
        names = ", ".join(session.session_id for session in found[:_CANDIDATES])
        raise InputError("ACODE-AGT-008", f"{reference!r} is the beginning of {names}", "write more of it")
    if not found:
        raise NotFoundError("ACODE-AGT-007", f"no session {reference[:80]!r}", "/sessions lists them")
    return store.get(found[0].session_id)
