"""Counting runs without looking at them: from the counts that the database's triggers keep."""

from __future__ import annotations

from collector.model.query import TEXT, RunQuery
from collector.store.database import Connection, rows
from collector.store.plan import TALLY, command_condition, counted_in, plan
from collector.store.schema import TALLY_FIELDS
from collector.store.where import Sql, check

MAX_FACETS = 500
"""So many values of a field are told at most, those with the most runs."""


def count(db: Connection, query: RunQuery) -> int:
    """Return how many runs fit: from what is counted where that says it, else by looking for them."""
    source, condition, parameters = _kept(db, query) or _scanned(db, query)
    sql = f"SELECT ifnull(sum(runs), 0) FROM {source} WHERE {condition}"
    if source == "runs":
        sql = f"SELECT count(*) FROM runs WHERE {condition}"
    return int(rows(db, sql, parameters)[0][0])


def facets(db: Connection, query: RunQuery, field: str) -> dict[str, int]:
    """Return how many of the runs that fit have each value of a field.

    The most frequent come first; of all sessions, those that were active last.
    """
    asked = {term.field for term in query.terms}
    if field == "tag":
        return _tags(db, query)
    if field == "session_id" and not asked:
        return _latest_sessions(db)
    source = counted_in(field)
    if source is not None and asked <= _fields_of(source, field):
        condition, parameters = _conditions(query)
        counted = f"SELECT {field}, sum(runs) AS runs FROM {source}"
    else:
        condition, parameters = plan(db, query, is_sorted=False)
        counted = f"SELECT {field}, count(*) AS runs FROM runs"
    where = f"WHERE {condition} AND {field} IS NOT NULL"
    sql = f"{counted} {where} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MAX_FACETS}"
    return {row[0]: row[1] for row in rows(db, sql, parameters)}


def _latest_sessions(db: Connection) -> dict[str, int]:
    order = f"ORDER BY last_at DESC, seq DESC LIMIT {MAX_FACETS}"
    sql = f"SELECT session_id, runs FROM sessions WHERE runs > 0 {order}"
    return {row[0]: row[1] for row in rows(db, sql)}


def _tags(db: Connection, query: RunQuery) -> dict[str, int]:
    tail = f"ORDER BY 2 DESC, 1 LIMIT {MAX_FACETS}"
    if not query.terms:
        sql = f"SELECT value, runs FROM value_counts WHERE field = 'tag' {tail}"
        return {row[0]: row[1] for row in rows(db, sql)}
    condition, parameters = plan(db, query, is_sorted=False)
    name = "key || CASE value WHEN '' THEN '' ELSE '=' || value END"
    chosen = f"SELECT seq FROM runs WHERE {condition}"
    sql = f"SELECT {name}, count(*) FROM tags WHERE run_seq IN ({chosen}) GROUP BY 1 {tail}"
    return {row[0]: row[1] for row in rows(db, sql, parameters)}


def _kept(db: Connection, query: RunQuery) -> tuple[str, str, list[str | int]] | None:
    """Return where the runs of a query are counted already, and under which condition; None when nowhere."""
    asked = {term.field for term in query.terms}
    if asked <= {*TALLY_FIELDS}:
        return TALLY, *_conditions(query)
    if asked <= {"command_line", TEXT}:
        parts = [command_condition(db, term) for term in query.terms]
        return "commands", " AND ".join(part for part, _ in parts), [v for _, values in parts for v in values]
    if len(asked) == 1 and (source := counted_in(next(iter(asked)))) is not None:
        # Who counts values leaves out the runs that have none, which a negated condition fits.
        if any(term.negated for term in query.terms) and "session_id" in asked:
            return None
        return source, *_conditions(query)
    return None


def _scanned(db: Connection, query: RunQuery) -> tuple[str, str, list[str | int]]:
    return "runs", *plan(db, query, is_sorted=False)


def _fields_of(source: str, field: str) -> set[str]:
    return {*TALLY_FIELDS} if source == TALLY else {field}


def _conditions(query: RunQuery) -> Sql:
    parts = [check(term, term.field) for term in query.terms]
    return " AND ".join(part for part, _ in parts) or "1", [v for _, values in parts for v in values]
