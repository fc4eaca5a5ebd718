"""A RunQuery as SQL: pure, and the only place where the two meet.

Values travel as parameters; column names come from tables here, never from the query. Each condition has
two forms: `check` looks at one row and leaves all indexes alone, `drive` is one that an index answers.
Which is used for which condition is decided in store/plan.py.
"""

from __future__ import annotations

from _json import encode_basestring_ascii

from collector.errors import InputError
from collector.model.frozen import replace
from collector.model.query import FIELDS, FLAGS, HAS, ORDERED, SORTS, STREAMS, TEXT, RunQuery, Term
from collector.store.quick_json import loads
from collector.store.schema import FLAGGED, NOTHING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

Sql = tuple[str, list[str | int]]

FAILED_STATUSES = frozenset({"failure", "timeout", "cancelled"})
COMMAND_LINE = "(SELECT command_line FROM commands WHERE commands.command_id = runs.command_id)"
TOP = "\U0010ffff"
"""Sorts behind every text that begins with the same characters."""

_TEXT_SORTS = ("status", "task", "type", "command_line", "session_id", "agent")
_NEVER_MISSING = ("start_time", "output_bytes", "revision")
_REST_OF_TYPES = "type NOT IN ('stdout', 'stderr', 'output')"


# One row


def check(term: Term, column: str | None = None) -> Sql:
    """Return a condition as a row tells it, which no index answers.

    Args:
        term: the condition.
        column: where its value is; None for its place in `runs`.
    """
    positive, values = _POSITIVE[_kind(term)](term, column or place(term.field))
    if not term.negated:
        return positive, values
    # A run without an exit code has not exited with another one; any other missing value differs.
    missing_fits = 1 if term.field == "exit_code" else 0
    return f"NOT IFNULL({positive}, {missing_fits})", values


def place(field: str) -> str:
    """Return the expression that holds a field of a run, with no index for it."""
    return COMMAND_LINE if field in ("command_line", TEXT) else f"+runs.{field}"


def _kind(term: Term) -> str:
    kind = FIELDS.get(term.field)
    if kind is None:
        raise InputError("ACODE-RUN-018", f"unknown field {term.field!r}")
    return kind


def any_of(parts: list[str]) -> str:
    """Return one condition of several that may hold."""
    return f"({' OR '.join(parts)})" if len(parts) > 1 else parts[0]


def _word(term: Term, column: str) -> Sql:
    return f"{column} IN ({','.join('?' * len(term.values))})", list(term.values)


def _comparison(term: Term, column: str) -> Sql:
    operator = "=" if term.operator == ":" else term.operator
    return any_of([f"{column} {operator} ?" for _ in term.values]), list(term.values)


def _prefix(term: Term, column: str) -> Sql:
    if term.operator == "~":
        return _regex(term, column)
    if term.operator == "=":
        return _word(term, column)
    values = [bound for value in map(str, term.values) for bound in (value, value + TOP)]
    return any_of([f"({column} >= ? AND {column} < ?)" for _ in term.values]), list(values)


def _glob(term: Term, column: str) -> Sql:
    if term.operator == "~":
        return _regex(term, column)
    if term.operator == "=":
        return _word(term, column)
    parts, values = [], []
    for value in map(str, term.values):
        # A command without a wildcard is a substring, as people expect of `cmd:pytest`.
        if term.field == "command_line" and not is_glob(value):
            parts.append(f"{column} LIKE ? ESCAPE '\\'")
            values.append(_like(value))
        else:
            parts.append(f"{column} GLOB ?" if is_glob(value) else f"{column} = ?")
            values.append(value.replace("[", "[[]") if is_glob(value) else value)
    return any_of(parts), list(values)


def is_glob(value: str) -> bool:
    """Tell whether a text has wildcards."""
    return "*" in value or "?" in value


def _regex(term: Term, column: str) -> Sql:
    """`X REGEXP Y` calls the function that store/database.py defines, which must not fail."""
    from collector.store.patterns import compile_regex

    for value in term.values:
        compile_regex(str(value))
    return any_of([f"{column} REGEXP ?" for _ in term.values]), list(term.values)


def _text(term: Term, column: str) -> Sql:
    """LIKE ignores the case of ASCII letters, which is what a search box is expected to do."""
    if term.operator == "~":
        return _regex(term, column)
    values = [_like(str(value)) for value in term.values]
    return any_of([f"{column} LIKE ? ESCAPE '\\'"] * len(values)), list(values)


def _like(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _tag(term: Term, column: str) -> Sql:
    condition, values = tag_rows(term)
    if column != place(term.field):  # a count of tags, by their name
        return _tag_name(term, column)
    return f"EXISTS (SELECT 1 FROM tags WHERE run_seq = runs.seq AND {condition})", values


def tag_rows(term: Term) -> Sql:
    """Return which rows of `tags` a condition means."""
    parts: list[str] = []
    values: list[str | int] = []
    for item in map(str, term.values):
        key, equals, value = item.partition("=")
        parts.append("(key = ? AND value = ?)" if equals else "key = ?")
        values += [key, value] if equals else [key]
    return any_of(parts), values


def _tag_name(term: Term, column: str) -> Sql:
    parts: list[str] = []
    values: list[str | int] = []
    for item in map(str, term.values):
        key, equals, value = item.partition("=")
        if equals:
            parts.append(f"{column} = ?")
            values.append(f"{key}={value}" if value else key)
        else:
            parts.append(f"({column} = ? OR {column} >= ? AND {column} < ?)")
            values += [key, key + "=", key + ">"]
    return any_of(parts), values


def _has(term: Term, column: str) -> Sql:  # noqa: ARG001, RUF100
    parts = []
    for value in map(str, term.values):
        if value == "tags":
            parts.append("EXISTS (SELECT 1 FROM tags WHERE run_seq = runs.seq)")
        elif value == "note":
            parts.append("+runs.note IS NOT NULL")
        else:
            parts.append(
                f"EXISTS (SELECT 1 FROM artifacts WHERE run_seq = runs.seq AND {artifact_rows(value)})"
            )
    return any_of(parts), []


def artifact_rows(value: str) -> str:
    """Return which rows of `artifacts` one value of `has` means."""
    if value not in HAS:
        raise InputError("ACODE-RUN-018", f"a run cannot have {value!r}", f"use one of {', '.join(HAS)}")
    if value == "artifacts":
        return _REST_OF_TYPES
    if value in FLAGS:
        return FLAGGED[value]
    return f"type = '{value}' AND " + ("size_bytes > 0" if value in STREAMS else _REST_OF_TYPES)


_POSITIVE: dict[str, Callable[[Term, str], Sql]] = {
    **dict.fromkeys(ORDERED, _comparison),
    "word": _word, "prefix": _prefix, "glob": _glob, "text": _text, "note": _text, "tag": _tag, "has": _has,
}  # fmt: skip


# An index


def drive(term: Term) -> Sql | None:
    """Return a condition in a form that an index answers; None where none can."""
    if term.negated:
        return None
    kind = _kind(term)
    if kind == "tag":
        condition, values = tag_rows(term)
        return f"runs.seq IN (SELECT run_seq FROM tags WHERE {condition})", values
    if kind == "has":
        if {*term.values} == {"note"}:
            return "runs.note IS NOT NULL", []
        if {*term.values} & {*STREAMS, "tags", "note"}:
            return None
        condition = any_of([f"({artifact_rows(str(value))})" for value in term.values])
        return f"runs.seq IN (SELECT run_seq FROM artifacts WHERE {condition})", []
    if kind == "note":
        condition, values = check(term)
        return f"(runs.note IS NOT NULL AND {condition})", values
    if kind in ("prefix", "glob"):
        return _drive_text(term)
    if kind in ORDERED:
        return _drive_number(term)
    return None


def _drive_text(term: Term) -> Sql | None:
    """A beginning is a range of an index; with a wildcard behind it, the rest is checked."""
    if term.field == "command_line" or term.operator == "~":
        return None
    column = f"runs.{term.field}"
    if term.operator == "=":
        return _word(term, column)
    parts: list[str] = []
    values: list[str | int] = []
    for value in map(str, term.values):
        if _kind(term) == "glob" and not is_glob(value):
            parts.append(f"{column} = ?")
            values.append(value)
            continue
        head = _before_wildcard(value) if _kind(term) == "glob" else value
        if not head:
            return None
        rest, more = check(replace(term, values=(value,)))
        parts.append(f"({column} >= ? AND {column} < ? AND {rest})")
        values += [head, head + TOP, *more]
    return any_of(parts), values


def _before_wildcard(value: str) -> str:
    ends = [value.find(wildcard) for wildcard in "*?" if wildcard in value]
    return value[: min(ends)] if ends else value


def _drive_number(term: Term) -> Sql:
    """Times and durations that may be missing are indexed with the value that stands for that."""
    if term.field not in ("duration_ms", "end_time"):
        return _comparison(term, f"runs.{term.field}")
    expression = f"IFNULL({term.field}, {NOTHING})"
    condition, values = _comparison(term, expression)
    return f"({condition} AND {expression} > {NOTHING})", values


# Order


def order(query: RunQuery) -> str:
    """Return the ORDER BY list; ties are broken by `seq`, so every order is total."""
    direction = "DESC" if query.descending else "ASC"
    return f"{sort_key(query)} {direction}, runs.seq {direction}"


def sort_key(query: RunQuery) -> str:
    """Return the expression that the query sorts by; missing values count as smallest.

    Raises:
        InputError: for a field that cannot be sorted by.
    """
    if query.sort not in SORTS:
        raise InputError("ACODE-RUN-018", f"cannot sort by {query.sort!r}", f"use one of {', '.join(SORTS)}")
    if query.sort in _NEVER_MISSING:
        return query.sort
    if query.sort == "command_line":
        return COMMAND_LINE
    return f"IFNULL({query.sort}, '')" if query.sort in _TEXT_SORTS else f"IFNULL({query.sort}, {NOTHING})"


def beyond(query: RunQuery, cursor: str, inclusive: bool = False) -> Sql:
    """Return the condition for rows after (or from) a cursor in the query's order."""
    value, seq = decode_cursor(query, cursor)
    comparison = ("<" if query.descending else ">") + ("=" if inclusive else "")
    return f"({sort_key(query)}, runs.seq) {comparison} (?, ?)", [value, seq]


def encode_cursor(query: RunQuery, value: str | int, seq: int) -> str:
    """Return the opaque place of a row in a query's order."""
    from binascii import b2a_base64  # `base64` would load more than a page needs

    shown = value if isinstance(value, int) else encode_basestring_ascii(value)
    text = b2a_base64(f'["{_order_name(query)}",{shown},{seq}]'.encode(), newline=False).decode()
    return text.rstrip("=").replace("+", "-").replace("/", "_")


def decode_cursor(query: RunQuery, cursor: str) -> tuple[str | int, int]:
    """Return the value and row number that `encode_cursor` was given.

    Raises:
        InputError: when it is not a cursor, or one of another order.
    """
    import base64
    import binascii

    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        name, value, seq = loads(text.decode())
    except (ValueError, TypeError, binascii.Error, UnicodeEncodeError):
        name = value = seq = None
    if not (isinstance(value, str) or _is_int64(value)) or not _is_int64(seq):
        raise InputError("ACODE-RUN-018", f"{cursor!r} is not a cursor", "use a page's next_cursor")
    if name != _order_name(query):
        raise InputError("ACODE-RUN-018", "the cursor is of a listing in another order", "sort as it was")
    return value, seq


def turn_cursor(query: RunQuery, cursor: str) -> str:
    """Return the cursor of the same row in the other direction, which is the query's."""
    return encode_cursor(query, *decode_cursor(replace(query, descending=not query.descending), cursor))


def _order_name(query: RunQuery) -> str:
    return ("-" if query.descending else "") + query.sort


def _is_int64(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 63
