"""How a query is answered: which of its conditions an index drives, and which are looked at row by row.

SQLite has no idea how rare a value is; the store does, from the counts it keeps and from looking at the first
few thousand entries of an index. A condition that few runs fulfil drives: its runs are fetched and sorted.
Else rows are walked in the order that is asked for, which finds a page soon when many fit.
"""

from __future__ import annotations

from collector.model.frozen import replace
from collector.model.query import FIELDS, ORDERED, TEXT, RunQuery, Term
from collector.store.commands import KEY_OF_PARAMETER, indexed_until
from collector.store.database import Connection, rows
from collector.store.schema import COMMAND_KEY, FAILED, MISSING, TALLY_FIELDS, VALUE_FIELDS
from collector.store.where import (
    FAILED_STATUSES,
    Sql,
    artifact_rows,
    check,
    drive,
    is_glob,
)

FEW = 2000
"""So many runs are fetched and sorted without anybody noticing."""
MAX_VALUES = 500

_INDEXED_SORTS = frozenset({"start_time", "end_time", "duration_ms", "output_bytes", "revision"})
_MANY = 1 << 62
TALLY = f"(SELECT {', '.join(f'nullif({f}, {MISSING}) AS {f}' for f in TALLY_FIELDS)}, runs FROM tally)"


class Way:
    """How one condition can be answered.

    Args:
        check: its form for one row.
        drive: its form for an index; None where there is none.
        rows: how many runs fulfil it; `_MANY` where that is more than were counted.
        in_order: whether the index gives them in order of time.
    """

    __slots__ = ("check", "drive", "in_order", "rows")

    def __init__(
        self, check: Sql, drive: Sql | None = None, rows: int = _MANY, in_order: bool = False
    ) -> None:
        self.check = check
        self.drive = drive
        self.rows = rows
        self.in_order = in_order


NOBODY = Way(("0", []), ("0", []), 0)


def plan(db: Connection, query: RunQuery, is_sorted: bool = True) -> Sql:
    """Return the condition (never empty) on `runs`, and its parameters.

    Args:
        db: whose counts to look at.
        query: what is asked.
        is_sorted: whether the result is wanted in the query's order, or only counted.
    """
    ways = [_way(db, term) for term in query.terms]
    if any(way.rows == 0 for way in ways):
        return "0", []
    driver = _driver(query, ways, is_sorted)
    walks_other = is_sorted and query.sort in _INDEXED_SORTS and query.sort != "start_time"
    conditions: list[str] = []
    parameters: list[str | int] = []
    for term, way in zip(query.terms, ways, strict=True):
        # A range of times narrows a walk through any index that is in order of time.
        narrows = term.field == "start_time" and (driver is None or driver.in_order) and not walks_other
        use = way.drive if way is driver or narrows else way.check
        condition, values = use or way.check
        conditions.append(condition)
        parameters += values
    return " AND ".join(conditions) or "1", parameters


def row_condition(query: RunQuery) -> Sql:
    """Return the condition of a query as single rows tell it, for rows that are known already."""
    parts = [check(term) for term in query.terms]
    return " AND ".join(part for part, _ in parts) or "1", [v for _, values in parts for v in values]


def _driver(query: RunQuery, ways: list[Way], is_sorted: bool) -> Way | None:
    able = sorted((way for way in ways if way.drive is not None), key=lambda way: way.rows)
    if able and (able[0].rows <= FEW or not is_sorted or query.sort not in _INDEXED_SORTS):
        return able[0] if able[0].rows < _MANY or able[0].in_order else None
    if query.sort != "start_time":
        return None
    return next((way for way in able if way.in_order), None)


def _way(db: Connection, term: Term) -> Way:
    kind = FIELDS.get(term.field)
    if term.negated or kind is None:
        return Way(check(term))
    if term.field in ("command_line", TEXT):
        return _way_of_command(db, term)
    if counted_in(term.field) is not None:
        return _way_of_values(db, term)
    if kind == "tag":
        return Way(check(term), drive(term), _count_tags(db, term))
    driving = drive(term)
    if driving is None:
        return Way(check(term))
    if kind == "has" and "note" not in term.values:
        return Way(check(term), driving, _bounded(db, (f"artifacts WHERE {_artifacts(term)}", [])))
    condition, values = driving
    count = _bounded(db, (f"runs WHERE {condition}", values))
    return Way(check(term), driving, count, _is_in_order(term))


def _is_in_order(term: Term) -> bool:
    """Whether the index holds the runs of this condition in order of time."""
    if term.field == "note" or term.values == ("note",):
        return True
    if len(term.values) > 1 or term.field in ("duration_ms", "end_time", "output_bytes", "run_id", "name"):
        return False
    if FIELDS[term.field] in ORDERED:
        return term.operator == ":" or term.operator == "="
    return term.operator == "=" or (FIELDS[term.field] == "glob" and not is_glob(str(term.values[0])))


# Fields whose values are counted


def _way_of_values(db: Connection, term: Term) -> Way:
    """Few values fit, whatever the condition is: they are looked up where they are counted."""
    found = rows(db, *_counted_values(term))
    if not found:
        return NOBODY
    if len(found) > MAX_VALUES:
        return Way(check(term))
    values = [row[0] for row in found]
    count = sum(row[1] for row in found)
    column = f"runs.{term.field}"
    checking = _is_one_of("+" + column, values)
    if term.field == "status" and {*term.values} == FAILED_STATUSES:
        return Way(checking, (FAILED, []), count, in_order=True)
    driving, parameters = _is_one_of(column, values)
    if term.field == "context":
        if "host" in values:
            return Way(checking, rows=count)
        driving += " AND runs.context <> 'host'"  # the words of the index
    return Way(checking, (driving, parameters), count, in_order=len(values) == 1)


def _is_one_of(column: str, values: list[str]) -> Sql:
    if len(values) == 1:
        return f"{column} = ?", list(values)
    return f"{column} IN ({','.join('?' * len(values))})", list(values)


def _counted_values(term: Term) -> Sql:
    condition, parameters = check(term, term.field)
    source = counted_in(term.field)
    sql = f"SELECT {term.field}, sum(runs) FROM {source} WHERE {condition} GROUP BY 1 LIMIT {MAX_VALUES + 1}"
    return sql, parameters


def counted_in(field: str) -> str | None:
    """Return the table, with this field and `runs`, in which runs are counted by it; None when in none."""
    if field in TALLY_FIELDS:
        return TALLY
    if field in VALUE_FIELDS:
        return f"(SELECT value AS {field}, runs FROM value_counts WHERE field = '{field}')"
    return "(SELECT session_id, runs FROM sessions WHERE runs > 0)" if field == "session_id" else None


# Command lines


def _way_of_command(db: Connection, term: Term) -> Way:
    """Each command line is looked at once, however often it was run; the index of trigrams says at which."""
    found = rows(db, *_matching_commands(db, term))
    if not found:
        return NOBODY
    if len(found) > MAX_VALUES:
        return Way(check(term))
    ids = [row[0] for row in found]
    count = sum(row[1] for row in found)
    marks = ",".join("?" * len(ids))
    one = len(ids) == 1
    driving = "runs.command_id = ?" if one else f"runs.command_id IN ({marks})"
    return Way((f"+runs.command_id IN ({marks})", ids), (driving, list(ids)), count, in_order=one)


def _matching_commands(db: Connection, term: Term) -> Sql:
    columns = "SELECT commands.command_id, commands.runs FROM"
    limit = f"LIMIT {MAX_VALUES + 1}"
    if term.operator == "=":
        exact = f"({COMMAND_KEY} = {KEY_OF_PARAMETER} AND +command_line = ?)"
        conditions = " OR ".join([exact] * len(term.values))
        return f"{columns} commands WHERE {conditions} {limit}", [v for v in term.values for _ in range(4)]
    condition, parameters = check(term, "commands.command_line")
    match = _match(term)
    if match is None:
        return f"{columns} commands WHERE {condition} {limit}", parameters
    indexed = "commands_fts CROSS JOIN commands ON commands.command_id = commands_fts.rowid"
    sql = (
        f"{columns} {indexed} WHERE commands_fts MATCH ? AND {condition} "
        f"UNION ALL {columns} commands WHERE command_id > ? AND {condition} {limit}"
    )
    return sql, [match, *parameters, indexed_until(db), *parameters]


def command_condition(db: Connection, term: Term) -> Sql:
    """Return the condition of a command line on the table `commands`, with the index's help."""
    condition, parameters = check(term, "command_line")
    match = None if term.negated or term.operator == "=" else _match(term)
    if match is None:
        return condition, parameters
    indexed = "command_id IN (SELECT rowid FROM commands_fts WHERE commands_fts MATCH ?)"
    return (
        f"(({indexed} OR command_id > ?) AND {condition})",
        [match, indexed_until(db), *parameters],
    )


def _match(term: Term) -> str | None:
    """Return what the index can be asked: a condition that holds for whatever any of the values fits."""
    from collector.store.patterns import compile_regex, match_of_text, trigram_match

    parts: list[str] = []
    for value in map(str, term.values):
        if term.operator == "~":
            part = trigram_match(compile_regex(value))
        elif term.field == TEXT or not is_glob(value):
            part = match_of_text(value, ignore_case=True)
        else:
            literals = value.replace("?", "*").split("*")
            found = [match_of_text(literal) for literal in literals]
            part = " AND ".join(condition for condition in found if condition) or None
        if part is None:
            return None
        parts.append(f"({part})")
    return " OR ".join(parts)


# Counting a little


def _count_tags(db: Connection, term: Term) -> int:
    condition, parameters = check(replace(term, negated=False), "value")
    sql = f"SELECT ifnull(sum(runs), 0) FROM value_counts WHERE field = 'tag' AND {condition}"
    return int(rows(db, sql, parameters)[0][0])


def _artifacts(term: Term) -> str:
    return " OR ".join(f"({artifact_rows(str(value))})" for value in term.values)


def _bounded(db: Connection, source: Sql) -> int:
    """Count up to a few; more is many."""
    tables, parameters = source
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {tables} LIMIT {FEW + 1})"
    found = int(rows(db, sql, parameters)[0][0])
    return found if found <= FEW else _MANY
